//! A pattern made to fill a box that was drawn by two corners.

use model::Point;
use pattern::{Figure, Pattern};

/// Why a box does not make this pattern; it stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBoxed {
    #[error("the box is empty")]
    Empty,
    #[error("the box is not higher than the spacing between the trenches")]
    TooLow,
    #[error("{0} is not drawn by a box: put it with its key, and type its sizes")]
    Pattern(&'static str),
}

/// A corner's least distance from the other, m.
const LEAST: f64 = 10e-9;

/// The pattern fills the box between two corners (m, y up); a line runs from one to the other. Spacing, depth and the proportion
/// of two trenches stay.
pub fn boxed(pattern: &Pattern, from: Point, to: Point) -> Result<Pattern, NotBoxed> {
    let (width, height) = ((to.x - from.x).abs(), (to.y - from.y).abs());
    let mut made = pattern.clone();
    let mut centre = Point {
        x: (from.x + to.x) / 2.0,
        y: (from.y + to.y) / 2.0,
    };
    if let Figure::Line(line) = &mut made.figure {
        if width.hypot(height) < LEAST {
            return Err(NotBoxed::Empty);
        }
        (line.start_x, line.start_y) = (from.x, from.y);
        (line.end_x, line.end_y) = (to.x, to.y);
        return Ok(made);
    }
    if width < LEAST || height < LEAST {
        return Err(NotBoxed::Empty);
    }
    let between = |spacing: f64| {
        Some(height - spacing)
            .filter(|room| *room >= 2.0 * LEAST)
            .ok_or(NotBoxed::TooLow)
    };
    match &mut made.figure {
        Figure::Rectangle(f) => (f.width, f.height) = (width, height),
        Figure::Bitmap(f) => (f.width, f.height) = (width, height),
        Figure::Circle(f) => f.radius = width.min(height) / 2.0,
        Figure::Trench(f) => {
            f.width = width;
            let (upper, lower) = (&mut f.upper_trench_height, &mut f.lower_trench_height);
            centre.y += divide(between(f.spacing)?, upper, lower);
        }
        Figure::TrenchBitmap(f) => {
            f.width = width;
            let (upper, lower) = (&mut f.upper_trench_height, &mut f.lower_trench_height);
            centre.y += divide(between(f.spacing)?, upper, lower);
        }
        Figure::TrapezoidTrench(f) => {
            (f.trench_width, f.trench_height) = (width, between(f.spacing)? / 2.0);
        }
        _ => return Err(NotBoxed::Pattern(pattern.name())),
    }
    made.put(centre);
    Ok(made)
}

/// Divides the room between two trenches as they are now; returns how far above the middle of both their gap lies.
fn divide(room: f64, upper: &mut f64, lower: &mut f64) -> f64 {
    let sound = *upper > 0.0 && *lower > 0.0;
    let share = if sound { *upper / (*upper + *lower) } else { 0.5 };
    *upper = room * share;
    *lower = room - *upper;
    (*lower - *upper) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Shape;

    const FROM: Point = Point { x: -6e-6, y: 9e-6 };
    const TO: Point = Point { x: 4e-6, y: -3e-6 };

    #[test]
    fn what_is_drawn_fills_the_box() {
        for name in ["Rectangle", "Trench", "Line"] {
            let mut pattern = Pattern::named(name).unwrap();
            if name == "Trench" {
                pattern.set("upper_trench_height", "2um").unwrap();
                pattern.set("lower_trench_height", "6um").unwrap();
            }
            for (a, b) in [(FROM, TO), (TO, FROM)] {
                let made = boxed(&pattern, a, b).unwrap();
                let shapes = made.shapes();
                let around = shapes.iter().map(Shape::bounds).reduce(|a, b| a.join(b)).unwrap();
                let sides = [around.left, around.bottom, around.right, around.top];
                for (side, wanted) in sides.into_iter().zip([-6e-6, -3e-6, 4e-6, 9e-6]) {
                    assert!((side - wanted).abs() < 1e-12, "{name}: {sides:?}");
                }
                assert_eq!(made.depth(), pattern.depth());
            }
        }
        let trench = Pattern::named("Trench").unwrap();
        let made = boxed(&trench, FROM, TO).unwrap();
        assert_eq!(made.get("spacing"), trench.get("spacing"));
    }

    #[test]
    fn a_disc_stays_inside_and_what_cannot_be_drawn_says_so() {
        let disc = boxed(&Pattern::named("Circle").unwrap(), FROM, TO).unwrap();
        let bounds = disc.shapes()[0].bounds();
        assert!((bounds.width() - 10e-6).abs() < 1e-12 && (bounds.top - 8e-6).abs() < 1e-12);
        let trench = Pattern::named("Trench").unwrap();
        assert_eq!(boxed(&trench, FROM, FROM), Err(NotBoxed::Empty));
        let low = Point { y: FROM.y - 1e-6, ..TO };
        assert_eq!(boxed(&trench, FROM, low), Err(NotBoxed::TooLow));
        assert_eq!(
            boxed(&Pattern::named("Fiducial").unwrap(), FROM, TO),
            Err(NotBoxed::Pattern("Fiducial"))
        );
    }
}
