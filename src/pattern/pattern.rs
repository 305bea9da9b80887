//! A pattern: a figure at a point of the picture, as files have it.

use crate::field::{self, Field, FieldError};
use crate::figure::{self, Figure, PATTERNS};
use crate::read::{Note, ReadError, Reader};
use model::shape::{CrossSection, DoseMap};
use model::{Point, Shape};
use serde::ser::{Error, SerializeMap};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// What is milled, and where: `point` in m from the middle of the picture, x right, y up.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Pattern {
    pub point: Point,
    pub figure: Figure,
}

/// The two parameters every pattern has besides its figure's.
pub const POINT: &[Field] = &[
    Field::coordinate(
        "x",
        "x",
        "centre of the pattern, from the middle of the picture to the right",
    )
    .advanced(),
    Field::coordinate(
        "y",
        "y",
        "centre of the pattern, from the middle of the picture upwards",
    )
    .advanced(),
];

/// Keys of a written pattern that are no parameters of its figure. `shapes` is what the original computes.
pub(crate) const COMMON_KEYS: &[&str] = &["name", "point", "shapes"];

impl Default for Pattern {
    fn default() -> Self {
        Pattern::new(figure::Rectangle::default())
    }
}

impl Pattern {
    /// In the middle of the picture.
    pub fn new(figure: impl Into<Figure>) -> Pattern {
        Pattern {
            point: Point::default(),
            figure: figure.into(),
        }
    }

    /// The pattern of this name with its defaults; any case.
    pub fn named(name: &str) -> Result<Pattern, ReadError> {
        named(&Reader::default(), name).map(|row| Pattern::new((row.default)()))
    }

    /// A pattern as openFIBSEM writes it, with a note for everything odd in it.
    pub fn read(value: &Value) -> Result<(Pattern, Vec<Note>), ReadError> {
        let mut reader = Reader::default();
        let pattern = Pattern::read_with(&mut reader, value)?;
        Ok((pattern, reader.notes))
    }

    pub(crate) fn read_with(reader: &mut Reader, value: &Value) -> Result<Pattern, ReadError> {
        let map = reader.map(value)?;
        let name = reader.text(map, "name")?;
        let row = named(reader, name)?;
        if row.name != name {
            reader.within("name", |r| r.note(format!("read as {}", row.name)));
        }
        for key in ["array", "array_lower"] {
            if map.get(key).is_some_and(|v| !v.is_null()) && !(row.default)().pictures().is_empty() {
                reader.within(key, |r| {
                    r.note("points in a file are left aside: name a picture in `path`")
                });
            }
        }
        let point = match map.get("point") {
            None | Some(Value::Null) => Point::default(),
            Some(point) => reader
                .within("point", |r| {
                    let keys = r.map(point)?;
                    r.record::<At>(keys, POINT, &["name"])
                })?
                .into(),
        };
        let figure = (row.read)(reader, map)?;
        Ok(Pattern { point, figure })
    }

    /// openFIBSEM's name.
    pub fn name(&self) -> &'static str {
        self.figure.name()
    }

    /// What the beam draws, in drawing order. The same for overlays and for milling.
    pub fn shapes(&self) -> Vec<Shape> {
        self.figure.shapes(self.point)
    }

    /// Volume as openFIBSEM estimates by it (see [`Shape::volume`] for its oddities), m3.
    pub fn volume(&self) -> f64 {
        self.shapes().iter().map(Shape::volume).sum()
    }

    /// Depth of its deepest shape that is milled, m.
    pub fn depth(&self) -> f64 {
        let milled = self.shapes();
        let milled = milled.iter().filter(|s| !s.is_exclusion());
        milled.map(Shape::depth).fold(0.0, f64::max)
    }

    /// How the pattern as a whole is cut, where it says so.
    pub fn cross_section(&self) -> Option<CrossSection> {
        self.figure.cross_section()
    }

    /// Where in the picture it is drawn. That is `point`, except for a line, whose ends say it, and for polygons, which the
    /// original puts at (x, -y).
    pub fn place(&self) -> Point {
        self.figure.place(self.point)
    }

    /// Puts it where an operator points: afterwards [`Pattern::place`] is `at`.
    pub fn put(&mut self, at: Point) {
        self.figure.put(&mut self.point, at);
    }

    /// Moves it by (dx, dy) m in the picture, y up.
    pub fn shift(&mut self, dx: f64, dy: f64) {
        let now = self.place();
        self.put(Point {
            x: now.x + dx,
            y: now.y + dy,
        });
    }

    /// Every parameter a form shows: the figure's, then the point's.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + Clone + use<> {
        self.figure.fields().iter().chain(POINT)
    }

    /// A parameter as one would type it: `20um`, `45deg`, `TopToBottom`, `true`.
    pub fn get(&self, key: &str) -> Result<String, FieldError> {
        let found = field::find(self.fields(), key)?;
        Ok(match found.key {
            "x" | "y" => field::get(&At::from(self.point), found),
            _ => self.figure.get(found),
        })
    }

    /// Sets a parameter from what was typed, within the limits of its field. Pictures stay loaded unless their file changes.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), FieldError> {
        let found = field::find(self.fields(), key)?;
        if matches!(found.key, "x" | "y") {
            let mut at = At::from(self.point);
            field::set(&mut at, found, text)?;
            self.point = at.into();
            return Ok(());
        }
        let loaded = self.figure.pictures();
        let loaded: Vec<(String, Option<DoseMap>)> = loaded
            .into_iter()
            .map(|(path, dose)| (path.clone(), dose.clone()))
            .collect();
        self.figure.set(found, text)?;
        for ((path, slot), (old, dose)) in self.figure.pictures().into_iter().zip(loaded) {
            *slot = dose.filter(|_| old == *path);
        }
        Ok(())
    }

    /// The files a bitmap pattern names, for whoever knows from where their paths count.
    pub fn picture_paths(&mut self) -> impl Iterator<Item = &mut String> {
        let paths = self.figure.pictures().into_iter().map(|(path, _)| path);
        paths.filter(|path| !path.trim().is_empty())
    }

    /// Loads the pictures of a bitmap pattern: `load` reads and decodes the file of this name ([`crate::dose_map`] makes a dose
    /// map of its pixels). Files already loaded are not read again; patterns without pictures ask for none.
    pub fn load_pictures<E>(&mut self, mut load: impl FnMut(&str) -> Result<DoseMap, E>) -> Result<(), E> {
        for (path, slot) in self.figure.pictures() {
            let path = path.trim();
            if slot.is_none() && !path.is_empty() {
                *slot = Some(load(path)?);
            }
        }
        Ok(())
    }
}

fn named(reader: &Reader, name: &str) -> Result<&'static figure::PatternRow, ReadError> {
    let names = || PATTERNS.iter().map(|row| row.name);
    figure::row(name).ok_or_else(|| ReadError::Pattern {
        key: reader.key(),
        name: model::text::printable(name),
        near: model::text::nearest(name, names()),
        known: names().collect::<Vec<_>>().join(", "),
    })
}

/// A point as openFIBSEM writes it.
#[derive(Default, Serialize, Deserialize)]
struct At {
    x: f64,
    y: f64,
    #[serde(default)]
    name: Option<String>,
}

impl From<Point> for At {
    fn from(point: Point) -> At {
        At {
            x: point.x,
            y: point.y,
            name: None,
        }
    }
}

impl From<At> for Point {
    fn from(at: At) -> Point {
        Point { x: at.x, y: at.y }
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let figure = serde_json::to_value(&self.figure).map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("point", &At::from(self.point))?;
        for (key, value) in figure.as_object().into_iter().flatten() {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry("name", self.name())?;
        map.end()
    }
}

impl TryFrom<Value> for Pattern {
    type Error = ReadError;

    fn try_from(value: Value) -> Result<Pattern, ReadError> {
        Pattern::read(&value).map(|(pattern, _)| pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_has_all_its_parameters_and_no_other() {
        // computed or given by other means than a form
        let hidden = ["array", "array_lower", "vertices"];
        for row in PATTERNS {
            let figure = (row.default)();
            let written = serde_json::to_value(&figure).unwrap();
            let keys: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
            let shown: Vec<&str> = keys.iter().copied().filter(|k| !hidden.contains(k)).collect();
            assert_eq!(
                row.fields.iter().map(|f| f.key).collect::<Vec<_>>(),
                shown,
                "{}",
                row.name
            );
            assert!(!row.doc.is_empty() && row.fields.iter().all(|f| !f.doc.is_empty()));
            assert_eq!(figure.name(), row.name);
        }
        assert_eq!(PATTERNS.iter().filter(|row| row.registered).count(), 17);
    }

    #[test]
    fn every_parameter_is_read_back_as_it_is_shown() {
        for row in PATTERNS {
            let pattern = Pattern::new((row.default)());
            for field in pattern.fields() {
                let mut copy = pattern.clone();
                copy.set(field.key, &pattern.get(field.key).unwrap())
                    .unwrap_or_else(|e| panic!("{} {}: {e}", row.name, field.key));
                assert_eq!(copy, pattern, "{} {}", row.name, field.key);
            }
        }
    }

    #[test]
    fn parameters_take_units_and_keep_their_limits() {
        let mut pattern = Pattern::named("trench").unwrap();
        for (key, text) in [
            ("width", "12um"),
            ("depth", "800 nm"),
            ("cross_section", "cleaningcrosssection"),
            ("passes", "3"),
            ("x", "-5um"),
            ("time", "2min"),
        ] {
            pattern.set(key, text).unwrap_or_else(|e| panic!("{e}"));
        }
        let Figure::Trench(trench) = &pattern.figure else {
            panic!()
        };
        assert_eq!(
            (trench.width, trench.depth, trench.passes, trench.time),
            (12e-6, 0.8e-6, 3, 120.0)
        );
        assert_eq!(trench.cross_section, CrossSection::CleaningCrossSection);
        assert_eq!(pattern.point.x, -5e-6);
        let before = pattern.clone();
        for (key, text, says) in [
            ("width", "2mm", "Width: 2mm is outside 10nm to 1mm"),
            ("width", "0", "outside"),
            ("width", "-3um", "outside"),
            ("width", "nan", "finite"),
            ("width", "3 apples", "apples"),
            ("passes", "-1", "whole number"),
            ("passes", "2.5", "whole number"),
            ("cross_section", "Round", "CleaningCrossSection"),
            ("widht", "3um", "did you mean `width`"),
            ("fillet", "3s", "no unit of length"),
        ] {
            let error = pattern.set(key, text).unwrap_err().to_string();
            assert!(error.contains(says), "{key}={text}: {error}");
            assert_eq!(pattern, before);
        }
    }

    #[test]
    fn odd_files_are_read_as_meant_and_told() {
        let value = json!({"name": "rectangle", "width": "2e-6", "height": 3e-6, "depth": 2e-3, "cleaning_cross_section": 1,
            "widht": 3, "scan_direction": "Sideways", "passes": 2.7, "point": {"x": "1um", "y": 0}});
        let (pattern, notes) = Pattern::read(&value).unwrap();
        let Figure::Rectangle(rectangle) = &pattern.figure else {
            panic!()
        };
        assert_eq!((rectangle.width, rectangle.depth, rectangle.passes), (2e-6, 2e-3, 2));
        assert_eq!(pattern.point.x, 1e-6);
        let said: Vec<String> = notes.iter().map(Note::to_string).collect();
        for (key, words) in [
            ("name", "Rectangle"),
            ("width", "2.0e-06"),
            ("depth", "outside"),
            ("cleaning_cross_section", "left aside"),
            ("widht", "did you mean `width`"),
            ("scan_direction", "TopToBottom"),
            ("passes", "read as 2"),
            ("point.x", "1.0e-06"),
        ] {
            let found = said
                .iter()
                .any(|s| s.starts_with(&format!("{key}: ")) && s.contains(words));
            assert!(found, "{key} {words}: {said:?}");
        }
        assert_eq!(said.len(), 8, "{said:?}");
    }

    #[test]
    fn what_nobody_can_have_meant_is_refused() {
        for (value, says) in [
            (json!({"name": "Trensh"}), "did you mean `Trench`"),
            (json!({"name": "Trensh"}), "TrapezoidTrench"),
            (json!({"width": 1e-6}), "no `name`"),
            (json!([1]), "mapping"),
            (
                json!({"name": "Trench", "width": -1e-6}),
                "width: -0.000001 is negative",
            ),
            (json!({"name": "Trench", "width": null}), "finite"),
            (json!({"name": "Trench", "width": "nan"}), "finite"),
            (json!({"name": "Trench", "width": ".inf"}), "width"),
            (json!({"name": "Trench", "width": true}), "finite"),
            (json!({"name": "Trench", "passes": -2}), "negative"),
            (
                json!({"name": "Trench", "cross_section": "Round"}),
                "none of Rectangle, Regular",
            ),
            (json!({"name": "Trench", "point": {"x": null, "y": 0}}), "point.x"),
            (json!({"name": "PolygonPattern", "vertices": [[0, null]]}), "null"),
            (json!({"name": "Horseshoe", "inverted": "maybe"}), "inverted"),
        ] {
            let error = Pattern::read(&value).unwrap_err().to_string();
            assert!(error.contains(says), "{value}: {error}");
        }
    }

    #[test]
    fn a_pattern_arrives_where_it_is_put() {
        let at = Point { x: 7e-6, y: -4e-6 };
        for row in PATTERNS {
            let mut pattern = Pattern::new((row.default)());
            if let Figure::PolygonPattern(polygon) = &mut pattern.figure {
                polygon.vertices = vec![(0.0, 1e-6), (1e-6, -1e-6), (-1e-6, -1e-6)];
            }
            let outline = |p: &Pattern| p.shapes().iter().flat_map(Shape::outline).collect::<Vec<_>>();
            let (before, from) = (outline(&pattern), pattern.place());
            pattern.put(at);
            let place = pattern.place();
            assert!((place.x - at.x).hypot(place.y - at.y) < 1e-18, "{} {place:?}", row.name);
            for (a, b) in before.iter().zip(outline(&pattern)) {
                let moved = (b.x - a.x - (at.x - from.x)).hypot(b.y - a.y - (at.y - from.y));
                assert!(moved < 1e-15, "{}", row.name);
            }
            pattern.shift(-7e-6, 4e-6);
            assert!(pattern.place().x.hypot(pattern.place().y) < 1e-18, "{}", row.name);
        }
    }

    #[test]
    fn pictures_are_asked_for_once_and_kept_while_their_file_is() {
        let mut pattern = Pattern::named("TrenchBitmap").unwrap();
        pattern.set("path", "dose.png").unwrap();
        let mut asked = Vec::new();
        for _ in 0..2 {
            pattern
                .load_pictures(|path| {
                    asked.push(path.to_owned());
                    crate::dose_map(&[0, 1, 255], 1, 1)
                })
                .unwrap();
        }
        assert_eq!(asked, ["dose.png"]);
        // upside down for the lower trench, which has no picture of its own
        assert!(pattern.shapes().iter().all(|s| s.area() > 0.0));
        pattern.set("width", "3um").unwrap();
        assert!(pattern.volume() > 0.0);
        pattern.set("path", "other.png").unwrap();
        assert_eq!(pattern.volume(), 0.0);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for row in PATTERNS {
            let mut pattern = Pattern::new((row.default)());
            pattern.point = Point { x: 1e-6, y: -2.5e-6 };
            let (back, notes) = Pattern::read(&serde_json::to_value(&pattern).unwrap()).unwrap();
            assert_eq!((back, notes), (pattern, vec![]), "{}", row.name);
        }
    }
}
