//! What is drawn on a beam: the five primitive shapes every pattern becomes, as openFIBSEM spells them.
//!
//! Lengths in m, centres in the picture's frame (origin in its centre, +x right, +y up), `rotation` in rad, arcs in degrees.
//! Pure data with its outline and volume; what a pattern expands to is the pattern room's, what a shape does to matter the
//! twin's. To add a shape: a variant, its arm in [`Shape::bounds`], [`Shape::area`] and [`Shape::contains`].

mod plane;

use crate::Point;
use plane::{corners, distance, shoelace, turned, winds};
use serde::{Deserialize, Serialize};

/// How the beam works its way through the depth of a shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CrossSection {
    /// The whole face, pass after pass: depth grows evenly.
    #[default]
    Rectangle,
    /// A staircase that deepens along the scan direction in a few passes.
    RegularCrossSection,
    /// Line by line, each to its full depth before the next: the last line is clean.
    CleaningCrossSection,
}

impl CrossSection {
    pub const ALL: [CrossSection; 3] = [
        CrossSection::Rectangle,
        CrossSection::RegularCrossSection,
        CrossSection::CleaningCrossSection,
    ];

    pub fn word(self) -> &'static str {
        match self {
            CrossSection::Rectangle => "Rectangle",
            CrossSection::RegularCrossSection => "RegularCrossSection",
            CrossSection::CleaningCrossSection => "CleaningCrossSection",
        }
    }
}

/// The order in which a shape is scanned. A word no instrument knows is read as `TopToBottom`, which whoever loads it tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScanDirection {
    #[default]
    TopToBottom,
    BottomToTop,
    LeftToRight,
    RightToLeft,
    InnerToOuter,
    OuterToInner,
    DynamicAllDirections,
    DynamicInnerToOuter,
    DynamicLeftToRight,
    DynamicTopToBottom,
}

impl ScanDirection {
    pub const ALL: [ScanDirection; 10] = [
        ScanDirection::TopToBottom,
        ScanDirection::BottomToTop,
        ScanDirection::LeftToRight,
        ScanDirection::RightToLeft,
        ScanDirection::InnerToOuter,
        ScanDirection::OuterToInner,
        ScanDirection::DynamicAllDirections,
        ScanDirection::DynamicInnerToOuter,
        ScanDirection::DynamicLeftToRight,
        ScanDirection::DynamicTopToBottom,
    ];

    pub fn word(self) -> &'static str {
        match self {
            ScanDirection::TopToBottom => "TopToBottom",
            ScanDirection::BottomToTop => "BottomToTop",
            ScanDirection::LeftToRight => "LeftToRight",
            ScanDirection::RightToLeft => "RightToLeft",
            ScanDirection::InnerToOuter => "InnerToOuter",
            ScanDirection::OuterToInner => "OuterToInner",
            ScanDirection::DynamicAllDirections => "DynamicAllDirections",
            ScanDirection::DynamicInnerToOuter => "DynamicInnerToOuter",
            ScanDirection::DynamicLeftToRight => "DynamicLeftToRight",
            ScanDirection::DynamicTopToBottom => "DynamicTopToBottom",
        }
    }

    pub fn parse(word: &str) -> Option<ScanDirection> {
        ScanDirection::ALL
            .into_iter()
            .find(|d| d.word().eq_ignore_ascii_case(word.trim()))
    }
}

/// One thing a beam draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shape {
    Rectangle(Rectangle),
    Line(Line),
    Circle(Circle),
    Bitmap(Bitmap),
    Polygon(Polygon),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rectangle {
    pub width: f64,
    pub height: f64,
    pub depth: f64,
    pub centre_x: f64,
    pub centre_y: f64,
    #[serde(default)]
    pub rotation: f64,
    /// Older files' spelling of `cross_section`; carried, never acted on.
    #[serde(default)]
    pub cleaning_cross_section: bool,
    #[serde(default)]
    pub scan_direction: ScanDirection,
    #[serde(default)]
    pub cross_section: CrossSection,
    /// 0 = the instrument's own choice.
    #[serde(default)]
    pub passes: u32,
    /// Beam time, s; 0 = from depth and application file.
    #[serde(default)]
    pub time: f64,
    /// Kept clear of the beam instead of milled.
    #[serde(default)]
    pub is_exclusion: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub start_x: f64,
    pub end_x: f64,
    pub start_y: f64,
    pub end_y: f64,
    pub depth: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Circle {
    pub radius: f64,
    pub depth: f64,
    pub centre_x: f64,
    pub centre_y: f64,
    /// Width of the ring, m; 0 = a full disc.
    #[serde(default)]
    pub thickness: f64,
    /// Degrees.
    #[serde(default)]
    pub start_angle: f64,
    /// Degrees.
    #[serde(default = "full_turn")]
    pub end_angle: f64,
    #[serde(default)]
    pub rotation: f64,
    #[serde(default)]
    pub is_exclusion: bool,
}

fn full_turn() -> f64 {
    360.0
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bitmap {
    pub width: f64,
    pub height: f64,
    pub depth: f64,
    pub centre_x: f64,
    pub centre_y: f64,
    #[serde(default)]
    pub rotation: f64,
    #[serde(default)]
    pub scan_direction: ScanDirection,
    #[serde(default)]
    pub passes: u32,
    #[serde(default)]
    pub time: f64,
    #[serde(default)]
    pub is_exclusion: bool,
    #[serde(default)]
    pub flip_y: bool,
    /// `nearest`, `bilinear`, `bicubic`, or none: the nearest point.
    #[serde(default)]
    pub interpolate: Option<String>,
    /// What each point gets; none = nothing is milled.
    #[serde(default)]
    pub bitmap: Option<DoseMap>,
}

/// A grid of dwell fractions, row by row from the top.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoseMap {
    pub width: usize,
    pub height: usize,
    /// Dwell as a fraction of the full one, 0..1; a blanked point is 0.
    pub dwell: Vec<f32>,
}

impl DoseMap {
    /// Mean fraction, which scales the volume.
    pub fn mean(&self) -> f64 {
        self.dwell.iter().map(|d| f64::from(*d)).sum::<f64>() / self.dwell.len().max(1) as f64
    }

    /// Fraction at (u, v), 0..1 from the left and the top; the nearest point.
    pub fn at(&self, u: f64, v: f64) -> f64 {
        let cell = |t: f64, n: usize| ((t * n as f64).max(0.0) as usize).min(n.saturating_sub(1));
        let index = cell(v, self.height) * self.width + cell(u, self.width);
        self.dwell.get(index).map_or(0.0, |d| f64::from(*d))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Polygon {
    pub vertices: Vec<(f64, f64)>,
    pub depth: f64,
    #[serde(default)]
    pub is_exclusion: bool,
}

impl Rectangle {
    /// Upright, scanned from the top, milled evenly, at (x, y); lengths in m.
    pub fn new(x: f64, y: f64, width: f64, height: f64, depth: f64) -> Rectangle {
        Rectangle {
            width,
            height,
            depth,
            centre_x: x,
            centre_y: y,
            rotation: 0.0,
            cleaning_cross_section: false,
            scan_direction: ScanDirection::TopToBottom,
            cross_section: CrossSection::Rectangle,
            passes: 0,
            time: 0.0,
            is_exclusion: false,
        }
    }
}

impl Circle {
    /// A full disc at (x, y); lengths in m.
    pub fn new(x: f64, y: f64, radius: f64, depth: f64) -> Circle {
        Circle {
            radius,
            depth,
            centre_x: x,
            centre_y: y,
            thickness: 0.0,
            start_angle: 0.0,
            end_angle: full_turn(),
            rotation: 0.0,
            is_exclusion: false,
        }
    }
}

impl From<Rectangle> for Shape {
    fn from(shape: Rectangle) -> Shape {
        Shape::Rectangle(shape)
    }
}

impl From<Circle> for Shape {
    fn from(shape: Circle) -> Shape {
        Shape::Circle(shape)
    }
}

/// Left, bottom, right, top, m.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub left: f64,
    pub bottom: f64,
    pub right: f64,
    pub top: f64,
}

impl Bounds {
    fn around(points: impl IntoIterator<Item = (f64, f64)>) -> Bounds {
        let none = Bounds {
            left: f64::INFINITY,
            bottom: f64::INFINITY,
            right: f64::NEG_INFINITY,
            top: f64::NEG_INFINITY,
        };
        points.into_iter().fold(none, |b, (x, y)| Bounds {
            left: b.left.min(x),
            bottom: b.bottom.min(y),
            right: b.right.max(x),
            top: b.top.max(y),
        })
    }

    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.top - self.bottom
    }

    pub fn join(self, other: Bounds) -> Bounds {
        Bounds::around([
            (self.left, self.bottom),
            (self.right, self.top),
            (other.left, other.bottom),
            (other.right, other.top),
        ])
    }
}

impl Shape {
    /// The kind as files spell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Shape::Rectangle(_) => "rectangle",
            Shape::Line(_) => "line",
            Shape::Circle(_) => "circle",
            Shape::Bitmap(_) => "bitmap",
            Shape::Polygon(_) => "polygon",
        }
    }

    /// Depth in the material the application file names, m.
    pub fn depth(&self) -> f64 {
        match self {
            Shape::Rectangle(s) => s.depth,
            Shape::Line(s) => s.depth,
            Shape::Circle(s) => s.depth,
            Shape::Bitmap(s) => s.depth,
            Shape::Polygon(s) => s.depth,
        }
    }

    /// Kept clear instead of milled.
    pub fn is_exclusion(&self) -> bool {
        match self {
            Shape::Rectangle(s) => s.is_exclusion,
            Shape::Line(_) => false,
            Shape::Circle(s) => s.is_exclusion,
            Shape::Bitmap(s) => s.is_exclusion,
            Shape::Polygon(s) => s.is_exclusion,
        }
    }

    /// Beam time that the shape itself asks for, s; 0 = none.
    pub fn time(&self) -> f64 {
        match self {
            Shape::Rectangle(s) => s.time,
            Shape::Bitmap(s) => s.time,
            _ => 0.0,
        }
    }

    pub fn cross_section(&self) -> CrossSection {
        match self {
            Shape::Rectangle(s) => s.cross_section,
            _ => CrossSection::Rectangle,
        }
    }

    pub fn scan_direction(&self) -> ScanDirection {
        match self {
            Shape::Rectangle(s) => s.scan_direction,
            Shape::Bitmap(s) => s.scan_direction,
            _ => ScanDirection::TopToBottom,
        }
    }

    /// The smallest upright box around it.
    pub fn bounds(&self) -> Bounds {
        match self {
            Shape::Rectangle(s) => Bounds::around(corners(s.centre_x, s.centre_y, s.width, s.height, s.rotation)),
            Shape::Bitmap(s) => Bounds::around(corners(s.centre_x, s.centre_y, s.width, s.height, s.rotation)),
            Shape::Line(s) => Bounds::around([(s.start_x, s.start_y), (s.end_x, s.end_y)]),
            Shape::Circle(s) => Bounds::around([
                (s.centre_x - s.radius, s.centre_y - s.radius),
                (s.centre_x + s.radius, s.centre_y + s.radius),
            ]),
            Shape::Polygon(s) => Bounds::around(s.vertices.iter().copied()),
        }
    }

    /// Volume by which openFIBSEM estimates times, with its oddities: a line's is an area (length x depth), a ring counts as
    /// the full disc, a polygon as its bounding box (1e-4 without vertices), a bitmap as its mean dwell (none: 0).
    pub fn volume(&self) -> f64 {
        match self {
            Shape::Rectangle(s) => s.width * s.height * s.depth,
            Shape::Line(s) => (s.end_x - s.start_x).hypot(s.end_y - s.start_y) * s.depth,
            Shape::Circle(s) => std::f64::consts::PI * s.radius * s.radius * s.depth,
            Shape::Bitmap(s) => s.width * s.height * s.depth * s.bitmap.as_ref().map_or(0.0, |b| b.mean()),
            Shape::Polygon(s) if s.vertices.is_empty() => 1e-4,
            Shape::Polygon(s) => {
                let b = self.bounds();
                b.width() * b.height() * s.depth
            }
        }
    }

    /// The face that is really scanned, m2. A line has none of its own: it is as wide as the beam.
    pub fn area(&self) -> f64 {
        match self {
            Shape::Rectangle(s) => s.width * s.height,
            Shape::Line(_) => 0.0,
            Shape::Circle(s) => {
                let inner = if s.thickness > 0.0 {
                    (s.radius - s.thickness).max(0.0)
                } else {
                    0.0
                };
                let arc = ((s.end_angle - s.start_angle).abs() / 360.0).min(1.0);
                std::f64::consts::PI * (s.radius * s.radius - inner * inner) * arc
            }
            Shape::Bitmap(s) => s.width * s.height * s.bitmap.as_ref().map_or(0.0, |b| b.mean()),
            Shape::Polygon(s) => shoelace(&s.vertices).abs(),
        }
    }

    /// Whether the beam visits (x, y) while it draws this shape; a line is visited within half of `spot` (m).
    pub fn contains(&self, x: f64, y: f64, spot: f64) -> bool {
        self.weight(x, y, spot) > 0.0
    }

    /// The share of the full dwell that (x, y) gets, 0..1.
    pub fn weight(&self, x: f64, y: f64, spot: f64) -> f64 {
        let inside = match self {
            Shape::Rectangle(s) => {
                let (u, v) = turned(x - s.centre_x, y - s.centre_y, -s.rotation);
                u.abs() <= s.width / 2.0 && v.abs() <= s.height / 2.0
            }
            Shape::Line(s) => distance((s.start_x, s.start_y), (s.end_x, s.end_y), (x, y)) <= spot / 2.0,
            Shape::Circle(s) => {
                let (u, v) = turned(x - s.centre_x, y - s.centre_y, -s.rotation);
                let r = u.hypot(v);
                let inner = if s.thickness > 0.0 { s.radius - s.thickness } else { 0.0 };
                let sweep = s.end_angle - s.start_angle;
                r <= s.radius
                    && r >= inner
                    && (sweep.abs() >= 360.0 || (v.atan2(u).to_degrees() - s.start_angle).rem_euclid(360.0) <= sweep)
            }
            Shape::Bitmap(s) => {
                let (u, v) = turned(x - s.centre_x, y - s.centre_y, -s.rotation);
                let (u, v) = (u / s.width + 0.5, 0.5 - v / s.height);
                if !(0.0..=1.0).contains(&u) || !(0.0..=1.0).contains(&v) {
                    return 0.0;
                }
                let v = if s.flip_y { 1.0 - v } else { v };
                return s.bitmap.as_ref().map_or(0.0, |b| b.at(u, v));
            }
            Shape::Polygon(s) => winds(&s.vertices, (x, y)),
        };
        f64::from(inside)
    }

    /// The same shape, moved by (dx, dy) m.
    pub fn moved(&self, dx: f64, dy: f64) -> Shape {
        let mut shape = self.clone();
        match &mut shape {
            Shape::Rectangle(s) => (s.centre_x, s.centre_y) = (s.centre_x + dx, s.centre_y + dy),
            Shape::Circle(s) => (s.centre_x, s.centre_y) = (s.centre_x + dx, s.centre_y + dy),
            Shape::Bitmap(s) => (s.centre_x, s.centre_y) = (s.centre_x + dx, s.centre_y + dy),
            Shape::Line(s) => {
                (s.start_x, s.end_x) = (s.start_x + dx, s.end_x + dx);
                (s.start_y, s.end_y) = (s.start_y + dy, s.end_y + dy);
            }
            Shape::Polygon(s) => s.vertices.iter_mut().for_each(|(x, y)| (*x, *y) = (*x + dx, *y + dy)),
        }
        shape
    }

    /// The closed outline as points in order (a ring's outer edge, a line's two ends).
    pub fn outline(&self) -> Vec<Point> {
        const ARC: usize = 64;
        let points: Vec<(f64, f64)> = match self {
            Shape::Rectangle(s) => corners(s.centre_x, s.centre_y, s.width, s.height, s.rotation).to_vec(),
            Shape::Bitmap(s) => corners(s.centre_x, s.centre_y, s.width, s.height, s.rotation).to_vec(),
            Shape::Line(s) => vec![(s.start_x, s.start_y), (s.end_x, s.end_y)],
            Shape::Circle(s) => (0..ARC)
                .map(|i| {
                    let angle = std::f64::consts::TAU * i as f64 / ARC as f64;
                    (s.centre_x + s.radius * angle.cos(), s.centre_y + s.radius * angle.sin())
                })
                .collect(),
            Shape::Polygon(s) => s.vertices.clone(),
        };
        points.into_iter().map(|(x, y)| Point { x, y }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rectangle(rotation: f64) -> Shape {
        Shape::Rectangle(Rectangle {
            width: 4e-6,
            height: 2e-6,
            depth: 1e-6,
            centre_x: 1e-6,
            centre_y: 0.0,
            rotation,
            cleaning_cross_section: false,
            scan_direction: ScanDirection::TopToBottom,
            cross_section: CrossSection::Rectangle,
            passes: 0,
            time: 0.0,
            is_exclusion: false,
        })
    }

    #[test]
    fn a_turned_rectangle_is_inside_its_bounds_and_holds_its_centre_line() {
        let shape = rectangle(std::f64::consts::FRAC_PI_2);
        let b = shape.bounds();
        assert!((b.width() - 2e-6).abs() < 1e-15 && (b.height() - 4e-6).abs() < 1e-15);
        assert!(shape.contains(1e-6, 1.9e-6, 0.0) && !shape.contains(2.5e-6, 0.0, 0.0));
    }

    #[test]
    fn area_counts_what_is_scanned() {
        for (shape, want) in [
            (rectangle(0.3), 8e-12),
            (
                Shape::Circle(Circle {
                    radius: 2e-6,
                    depth: 1e-6,
                    centre_x: 0.0,
                    centre_y: 0.0,
                    thickness: 1e-6,
                    start_angle: 0.0,
                    end_angle: 180.0,
                    rotation: 0.0,
                    is_exclusion: false,
                }),
                std::f64::consts::PI * 1.5e-12,
            ),
            (
                Shape::Polygon(Polygon {
                    vertices: vec![(0.0, 0.0), (2e-6, 0.0), (0.0, 2e-6)],
                    depth: 1e-6,
                    is_exclusion: false,
                }),
                2e-12,
            ),
        ] {
            assert!((shape.area() - want).abs() < 1e-18, "{} {}", shape.kind(), shape.area());
            // counted cell by cell it is the same face
            let (b, n) = (shape.bounds(), 400);
            let cell = b.width() * b.height() / f64::from(n * n);
            let counted: f64 = (0..n * n)
                .map(|i| {
                    let x = b.left + b.width() * (f64::from(i % n) + 0.5) / f64::from(n);
                    let y = b.bottom + b.height() * (f64::from(i / n) + 0.5) / f64::from(n);
                    shape.weight(x, y, 0.0) * cell
                })
                .sum();
            assert!(
                (counted / want - 1.0).abs() < 0.01,
                "{} {counted:e} {want:e}",
                shape.kind()
            );
        }
    }

    #[test]
    fn a_moved_shape_moves_its_outline() {
        let (shape, moved) = (rectangle(0.4), rectangle(0.4).moved(3e-6, -1e-6));
        for (a, b) in shape.outline().iter().zip(moved.outline()) {
            assert!((b.x - a.x - 3e-6).abs() < 1e-18 && (b.y - a.y + 1e-6).abs() < 1e-18);
        }
    }

    #[test]
    fn a_shape_reads_back_as_written() {
        let text = serde_json::to_string(&rectangle(0.1)).unwrap();
        assert!(text.contains("\"kind\":\"rectangle\""), "{text}");
        assert_eq!(serde_json::from_str::<Shape>(&text).unwrap(), rectangle(0.1));
    }
}
