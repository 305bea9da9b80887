//! What is still to be milled of a shape whose milling was interrupted.

use model::Shape;
use model::shape::{CrossSection, Rectangle, ScanDirection};

/// What is left of `shape` after `fraction` (0..1) of it was done; none when nothing is.
///
/// Rectangle sections, circles, polygons, bitmaps and lines are milled in even passes: the same face, less depth. A cleaning
/// cross-section is milled line by line to full depth: the lines not yet reached, at full depth. How the dose of a regular
/// cross-section lies between its passes is the instrument's secret: what is left is the part not yet reached along the scan, at
/// the depth even passes would have left; that never cuts deeper than asked, whichever it is, and leaves some material
/// instead. An area kept clear stays as it is. A fraction that is not a number says nothing is known: nothing is milled again.
pub fn remaining(shape: &Shape, fraction: f64) -> Option<Shape> {
    if shape.is_exclusion() {
        return Some(shape.clone());
    }
    if fraction.is_nan() || fraction >= 1.0 {
        return None;
    }
    let done = fraction.max(0.0);
    if done == 0.0 {
        return Some(shape.clone());
    }
    let left = 1.0 - done;
    let mut rest = shape.clone();
    match &mut rest {
        Shape::Rectangle(s) => {
            match s.cross_section {
                CrossSection::Rectangle => s.depth *= left,
                CrossSection::CleaningCrossSection => unreached(s, done),
                CrossSection::RegularCrossSection => {
                    unreached(s, done);
                    s.depth *= left;
                }
            }
            s.time *= left;
        }
        Shape::Bitmap(s) => (s.depth, s.time) = (s.depth * left, s.time * left),
        Shape::Line(s) => s.depth *= left,
        Shape::Circle(s) => s.depth *= left,
        Shape::Polygon(s) => s.depth *= left,
    }
    Some(rest)
}

/// [`remaining`] of every shape; `fractions` in drawing order, those that are missing are 0 (never begun). Empty when nothing
/// is left to mill: areas kept clear do not count by themselves.
pub fn remaining_of(shapes: &[Shape], fractions: &[f64]) -> Vec<Shape> {
    let fractions = fractions.iter().copied().chain(std::iter::repeat(0.0));
    let left: Vec<Shape> = shapes
        .iter()
        .zip(fractions)
        .filter_map(|(s, f)| remaining(s, f))
        .collect();
    match left.iter().all(Shape::is_exclusion) {
        true => Vec::new(),
        false => left,
    }
}

/// Cuts a rectangle down to the part its scan has not reached yet.
fn unreached(s: &mut Rectangle, done: f64) {
    use ScanDirection::*;
    // where the scan goes, in the rectangle's own frame
    let (u, v) = match s.scan_direction {
        TopToBottom | DynamicTopToBottom => (0.0, -1.0),
        BottomToTop => (0.0, 1.0),
        LeftToRight | DynamicLeftToRight => (1.0, 0.0),
        RightToLeft => (-1.0, 0.0),
        OuterToInner => {
            let scale = (1.0 - done).sqrt();
            (s.width, s.height) = (s.width * scale, s.height * scale);
            return;
        }
        // What is left is a frame, or scattered: no rectangle says that. No instrument cleans in these directions; the dose is spread.
        InnerToOuter | DynamicInnerToOuter | DynamicAllDirections => {
            s.depth *= 1.0 - done;
            return;
        }
    };
    let (du, dv) = (u * s.width * done / 2.0, v * s.height * done / 2.0);
    let (sin, cos) = s.rotation.sin_cos();
    (s.centre_x, s.centre_y) = (s.centre_x + du * cos - dv * sin, s.centre_y + du * sin + dv * cos);
    match u == 0.0 {
        true => s.height *= 1.0 - done,
        false => s.width *= 1.0 - done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::shape::{Bitmap, Circle, DoseMap, Line, Polygon};
    use proptest::prelude::*;

    fn rectangles() -> impl Strategy<Value = Shape> {
        let size = 0.1e-6..50e-6;
        let centre = -50e-6..50e-6;
        (
            (size.clone(), size.clone(), size),
            (centre.clone(), centre),
            -7.0..7.0,
            prop::sample::select(&ScanDirection::ALL),
            prop::sample::select(&CrossSection::ALL),
        )
            .prop_map(|((w, h, d), (x, y), rotation, scan_direction, cross_section)| {
                Shape::from(Rectangle {
                    rotation,
                    scan_direction,
                    cross_section,
                    time: 30.0,
                    ..Rectangle::new(x, y, w, h, d)
                })
            })
    }

    fn others() -> impl Strategy<Value = Shape> {
        let size = || 0.1e-6..50e-6f64;
        prop_oneof![
            (size(), size()).prop_map(|(r, d)| Circle::new(1e-6, 2e-6, r, d).into()),
            (size(), size(), size()).prop_map(|(x, y, depth)| Shape::Line(Line {
                start_x: -x,
                end_x: x,
                start_y: 0.0,
                end_y: y,
                depth
            })),
            (size(), size()).prop_map(|(x, depth)| Shape::Polygon(Polygon {
                vertices: vec![(0.0, 0.0), (x, 0.0), (0.0, x)],
                depth,
                is_exclusion: false
            })),
            (size(), size()).prop_map(|(width, depth)| Shape::Bitmap(Bitmap {
                width,
                height: 2e-6,
                depth,
                centre_x: 0.0,
                centre_y: 0.0,
                rotation: 0.5,
                scan_direction: ScanDirection::TopToBottom,
                passes: 0,
                time: 0.0,
                is_exclusion: false,
                flip_y: false,
                interpolate: None,
                bitmap: Some(DoseMap {
                    width: 2,
                    height: 1,
                    dwell: vec![0.25, 1.0]
                }),
            })),
        ]
    }

    proptest! {
        #[test]
        fn what_is_left_has_the_volume_that_is_left(shape in prop_oneof![rectangles(), others()], f in 0.0..0.999f64) {
            let rest = remaining(&shape, f).unwrap();
            let left = rest.volume() / shape.volume();
            if shape.cross_section() == CrossSection::RegularCrossSection {
                // never more than is left, and never less than of a shape both narrowed and shallowed
                prop_assert!(left <= (1.0 - f) * (1.0 + 1e-9) && left >= (1.0 - f) * (1.0 - f) * (1.0 - 1e-9));
            } else {
                prop_assert!((left - (1.0 - f)).abs() < 1e-9, "{left} {f}");
            }
            prop_assert!(rest.depth() <= shape.depth());
            prop_assert!((rest.time() - shape.time() * (1.0 - f)).abs() < 1e-9);
        }

        #[test]
        fn what_is_left_lies_inside_what_was_asked_for(shape in rectangles(), f in 0.001..0.999f64) {
            let rest = remaining(&shape, f).unwrap();
            let Shape::Rectangle(original) = &shape else { unreachable!() };
            let (sin, cos) = (-original.rotation).sin_cos();
            for corner in rest.outline() {
                let (x, y) = (corner.x - original.centre_x, corner.y - original.centre_y);
                let (u, v) = (x * cos - y * sin, x * sin + y * cos);
                prop_assert!(u.abs() <= original.width / 2.0 + 1e-15 && v.abs() <= original.height / 2.0 + 1e-15);
            }
        }

        #[test]
        fn interrupted_twice_is_interrupted_once_later(shape in rectangles(), f in 0.0..0.9f64, g in 0.0..0.9f64) {
            let twice = remaining(&remaining(&shape, f).unwrap(), g).unwrap();
            let once = remaining(&shape, 1.0 - (1.0 - f) * (1.0 - g)).unwrap();
            prop_assert!((twice.volume() / once.volume() - 1.0).abs() < 1e-9);
            for (a, b) in twice.outline().iter().zip(once.outline()) {
                prop_assert!((a.x - b.x).hypot(a.y - b.y) < 1e-13);
            }
        }
    }

    #[test]
    fn a_cleaning_section_goes_on_where_its_scan_stood() {
        for (direction, x, y, width, height) in [
            (ScanDirection::TopToBottom, 0.0, -0.5e-6, 8e-6, 3e-6),
            (ScanDirection::BottomToTop, 0.0, 0.5e-6, 8e-6, 3e-6),
            (ScanDirection::LeftToRight, 1e-6, 0.0, 6e-6, 4e-6),
            (ScanDirection::RightToLeft, -1e-6, 0.0, 6e-6, 4e-6),
        ] {
            let whole = Rectangle {
                scan_direction: direction,
                cross_section: CrossSection::CleaningCrossSection,
                ..Rectangle::new(0.0, 0.0, 8e-6, 4e-6, 2e-6)
            };
            let Some(Shape::Rectangle(rest)) = remaining(&whole.into(), 0.25) else {
                panic!()
            };
            for (got, want) in [
                (rest.centre_x, x),
                (rest.centre_y, y),
                (rest.width, width),
                (rest.height, height),
                (rest.depth, 2e-6),
            ] {
                assert!((got - want).abs() < 1e-15, "{direction:?}: {got} {want}");
            }
        }
    }

    #[test]
    fn nothing_is_milled_again_when_it_is_done_or_unknown() {
        let shape = Shape::from(Rectangle::new(0.0, 0.0, 1e-6, 1e-6, 1e-6));
        for f in [1.0, 1.5, f64::NAN, f64::INFINITY] {
            assert_eq!(remaining(&shape, f), None);
        }
        for f in [0.0, -0.5, f64::NEG_INFINITY] {
            assert_eq!(remaining(&shape, f).as_ref(), Some(&shape));
        }
    }

    #[test]
    fn what_is_kept_clear_stays_while_something_is_milled() {
        let clear = Shape::from(Rectangle {
            is_exclusion: true,
            ..Rectangle::new(0.0, 0.0, 1e-6, 1e-6, 1e-6)
        });
        let shape = Shape::from(Rectangle::new(0.0, 0.0, 3e-6, 3e-6, 1e-6));
        let both = [shape.clone(), clear.clone(), shape];
        assert_eq!(remaining_of(&both, &[1.0, 1.0, 1.0]), []);
        assert_eq!(remaining_of(&both, &[1.0, 1.0]).len(), 2);
        assert_eq!(remaining_of(&both, &[1.0, 1.0])[0], clear);
        assert_eq!(remaining_of(&both, &[]).len(), 3);
    }
}
