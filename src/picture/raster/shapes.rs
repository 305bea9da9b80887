//! The shapes of milling patterns as overlays: the same on the screen and in a file.

use super::{Ink, Overlay, Position, Stroke};
use model::{Point, Shape};

/// How the shapes of one pattern are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub ink: Ink,
    /// It is milled; else dotted.
    pub on: bool,
    /// With handles at its corners.
    pub selected: bool,
}

/// The shapes of a pattern; `pixel` says where a point of the field (m from its middle, y up) is in the picture. Solid is milled,
/// dotted is off, hatched is kept clear.
pub fn shapes(shapes: &[Shape], look: Look, pixel: impl Fn(Point) -> Position) -> Vec<Overlay> {
    let mut all = Vec::new();
    for shape in shapes {
        let points: Vec<Position> = shape.outline().into_iter().map(&pixel).collect();
        if look.selected && points.len() <= 4 {
            all.extend(points.iter().map(|at| Overlay::Handle { at: *at, ink: look.ink }));
        }
        all.push(Overlay::Pattern {
            points,
            stroke: match (look.on, shape.is_exclusion()) {
                (false, _) => Stroke::Dotted,
                (true, true) => Stroke::Dashed,
                (true, false) => Stroke::Solid,
            },
            hatched: shape.is_exclusion(),
            ink: look.ink,
        });
    }
    all
}

/// A stage's number at the upper right corner of its shapes; nothing where there are none.
pub fn number(number: usize, shapes: &[Shape], ink: Ink, pixel: impl Fn(Point) -> Position) -> Option<Overlay> {
    let around = shapes.iter().map(Shape::bounds).reduce(|a, b| a.join(b))?;
    let corner = Point {
        x: around.right,
        y: around.top,
    };
    Some(Overlay::Text {
        at: pixel(corner),
        text: number.to_string(),
        ink,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::shape::Rectangle;

    fn pixel(at: Point) -> Position {
        Position::new(100.0 + at.x * 1e6, 50.0 - at.y * 1e6)
    }

    #[test]
    fn a_shape_is_drawn_where_it_will_be_milled_and_says_what_becomes_of_it() {
        let cut = Rectangle::new(10e-6, 5e-6, 4e-6, 2e-6, 1e-6);
        let clear = Rectangle {
            is_exclusion: true,
            ..cut.clone()
        };
        let all = [cut.into(), clear.into()];
        let look = |on, selected| Look {
            ink: Ink::First,
            on,
            selected,
        };
        let drawn = shapes(&all, look(true, false), pixel);
        let [
            Overlay::Pattern {
                points,
                stroke,
                hatched: false,
                ..
            },
            Overlay::Pattern {
                stroke: kept,
                hatched: true,
                ..
            },
        ] = &drawn[..]
        else {
            panic!("{drawn:?}")
        };
        assert_eq!((*stroke, *kept), (Stroke::Solid, Stroke::Dashed));
        let (left, right) = points
            .iter()
            .fold((f64::MAX, f64::MIN), |(l, r), p| (l.min(p.x), r.max(p.x)));
        let (top, bottom) = points
            .iter()
            .fold((f64::MAX, f64::MIN), |(t, b), p| (t.min(p.y), b.max(p.y)));
        for (is, wanted) in [(left, 108.0), (right, 112.0), (top, 44.0), (bottom, 46.0)] {
            assert!((is - wanted).abs() < 1e-9, "{is} {wanted}");
        }
        assert_eq!(
            shapes(&all, look(true, true), pixel).len(),
            2 + 8,
            "handles at the corners"
        );
        assert!(matches!(
            shapes(&all, look(false, false), pixel)[0],
            Overlay::Pattern {
                stroke: Stroke::Dotted,
                ..
            }
        ));
        let Some(Overlay::Text { at, text, .. }) = number(2, &all, Ink::First, pixel) else {
            panic!()
        };
        assert_eq!((at.x.round(), at.y.round(), text.as_str()), (112.0, 44.0, "2"));
        assert_eq!(number(1, &[], Ink::First, pixel), None);
    }
}
