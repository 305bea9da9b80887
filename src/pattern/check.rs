//! Whether shapes can be drawn in a field of view; asked before anything is loaded.

use model::{Shape, Unit, units};
use std::fmt;

/// Why shapes are not drawn; nothing was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Which shape, counted from 1 in drawing order; 0 = all of them.
    pub shape: usize,
    /// `rectangle`, `line` ...
    pub kind: &'static str,
    pub problem: Problem,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// There is nothing to draw.
    Empty,
    /// A number that is NaN or infinite.
    NotFinite,
    /// Beyond an edge of the field, m.
    Outside {
        side: &'static str,
        by: f64,
        field: (f64, f64),
    },
    /// A measure under one pixel, m.
    TooSmall { what: &'static str, size: f64, pixel: f64 },
    /// A depth that is not above zero, m.
    NoDepth(f64),
    /// Too few corners, a ring without a hole, a bitmap without its picture.
    Malformed(&'static str),
    /// The field or pixel it is to be drawn in is none.
    BadField,
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |x: f64| units::format(x, Unit::Metre);
        if self.shape > 0 {
            write!(f, "shape {} ({}) ", self.shape, self.kind)?;
        }
        match &self.problem {
            Problem::Empty => write!(
                f,
                "the pattern has no shape to draw: choose another, or give it corners"
            ),
            Problem::NotFinite => write!(f, "has a number that is not finite: set its parameters anew"),
            Problem::Outside { side, by, field } => write!(
                f,
                "reaches {} beyond the {side} edge of the {} x {} field: move it, make it smaller, or widen the field",
                length(*by),
                length(field.0),
                length(field.1)
            ),
            Problem::TooSmall { what, size, pixel } => write!(
                f,
                "has a {what} of {}, less than one pixel of {}: make it larger, or the field narrower",
                length(*size),
                length(*pixel)
            ),
            Problem::NoDepth(depth) => write!(f, "is {} deep: give it a depth above zero", length(*depth)),
            Problem::Malformed(what) => f.write_str(what),
            Problem::BadField => write!(
                f,
                "the field of view is not a positive size: set it before patterns are drawn"
            ),
        }
    }
}

/// Refuses shapes that would not be milled as they are meant: beyond the `field` (width, height, m), under one `pixel` (m), not
/// finite, without depth. What is kept clear of the beam may reach out of the field and be of any size.
pub fn check(shapes: &[Shape], field: (f64, f64), pixel: f64) -> Result<(), Refused> {
    let all = |problem| Refused {
        shape: 0,
        kind: "",
        problem,
    };
    if [field.0, field.1, pixel].iter().any(|x| !x.is_finite() || *x <= 0.0) {
        return Err(all(Problem::BadField));
    }
    if shapes.iter().all(Shape::is_exclusion) {
        return Err(all(Problem::Empty));
    }
    for (n, shape) in shapes.iter().enumerate() {
        one(shape, field, pixel).map_err(|problem| Refused {
            shape: n + 1,
            kind: shape.kind(),
            problem,
        })?;
    }
    Ok(())
}

fn one(shape: &Shape, field: (f64, f64), pixel: f64) -> Result<(), Problem> {
    let measures = measures(shape);
    let bounds = shape.bounds();
    if let Shape::Polygon(polygon) = shape
        && polygon.vertices.len() < 3
    {
        return Err(Problem::Malformed("has fewer than three corners: add some"));
    }
    let numbers = [
        bounds.left,
        bounds.right,
        bounds.bottom,
        bounds.top,
        shape.depth(),
        shape.time(),
    ];
    if numbers
        .into_iter()
        .chain(measures.iter().map(|m| m.1))
        .any(|x| !x.is_finite())
    {
        return Err(Problem::NotFinite);
    }
    if shape.is_exclusion() {
        return Ok(());
    }
    if shape.depth() <= 0.0 {
        return Err(Problem::NoDepth(shape.depth()));
    }
    for (what, size) in measures {
        if size < pixel {
            return Err(Problem::TooSmall { what, size, pixel });
        }
    }
    match shape {
        Shape::Circle(ring) if ring.thickness > ring.radius => {
            return Err(Problem::Malformed(
                "is a ring wider than its radius: make it thinner, or 0 for a full disc",
            ));
        }
        Shape::Bitmap(bitmap) if bitmap.bitmap.is_none() => {
            return Err(Problem::Malformed(
                "has no picture: name its file, or see why it was not loaded",
            ));
        }
        _ => {}
    }
    // a hair, so that a shape as wide as the field fits
    const HAIR: f64 = 1e-12;
    for (side, by) in [
        ("left", -field.0 / 2.0 - bounds.left),
        ("right", bounds.right - field.0 / 2.0),
        ("lower", -field.1 / 2.0 - bounds.bottom),
        ("upper", bounds.top - field.1 / 2.0),
    ] {
        if by > HAIR {
            return Err(Problem::Outside { side, by, field });
        }
    }
    Ok(())
}

/// The lengths of a shape's face that must be seen, m.
fn measures(shape: &Shape) -> Vec<(&'static str, f64)> {
    match shape {
        Shape::Rectangle(s) => vec![("width", s.width), ("height", s.height)],
        Shape::Bitmap(s) => vec![("width", s.width), ("height", s.height)],
        Shape::Line(s) => vec![("length", (s.end_x - s.start_x).hypot(s.end_y - s.start_y))],
        Shape::Circle(s) if s.thickness != 0.0 => vec![("diameter", 2.0 * s.radius), ("ring width", s.thickness)],
        Shape::Circle(s) => vec![("diameter", 2.0 * s.radius)],
        Shape::Polygon(_) => vec![("width", shape.bounds().width()), ("height", shape.bounds().height())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pattern, figure};
    use model::Point;
    use model::shape::{Circle, Polygon, Rectangle};

    const FIELD: (f64, f64) = (150e-6, 100e-6);
    const PIXEL: f64 = 150e-6 / 1536.0;

    fn refused(shape: impl Into<Shape>) -> String {
        check(&[shape.into()], FIELD, PIXEL).unwrap_err().to_string()
    }

    #[test]
    fn what_fits_is_drawn_up_to_the_very_edge() {
        check(&Pattern::default().shapes(), FIELD, PIXEL).unwrap();
        check(&[Rectangle::new(0.0, 0.0, 150e-6, 100e-6, 1e-6).into()], FIELD, PIXEL).unwrap();
        // as wide as the field at 0 degrees, but not when turned
        let mut turned = Rectangle::new(0.0, 0.0, 150e-6, 90e-6, 1e-6);
        turned.rotation = 0.1;
        assert!(refused(turned).contains("edge"));
    }

    #[test]
    fn the_reason_says_which_how_far_and_what_to_do() {
        let mut trench = Pattern::new(figure::Trench::default());
        trench.point = Point { x: 0.0, y: -45e-6 };
        let error = check(&trench.shapes(), FIELD, PIXEL).unwrap_err();
        assert_eq!(error.shape, 2);
        assert_eq!(
            error.to_string(),
            "shape 2 (rectangle) reaches 2.50 um beyond the lower edge of the 150 um x 100 um field: move it, make it smaller, \
             or widen the field"
        );
        let thin = Rectangle::new(0.0, 0.0, 0.05e-6, 5e-6, 1e-6);
        assert!(refused(thin).contains("width of 50.0 nm, less than one pixel of 97.7 nm"));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(refused(Rectangle::new(f64::NAN, 0.0, 1e-6, 1e-6, 1e-6)).contains("finite"));
        assert!(refused(Rectangle::new(0.0, 0.0, f64::INFINITY, 1e-6, 1e-6)).contains("finite"));
        assert!(refused(Rectangle::new(0.0, 0.0, 1e-6, -1e-6, 1e-6)).contains("height"));
        assert!(refused(Rectangle::new(0.0, 0.0, 1e-6, 1e-6, 0.0)).contains("depth above zero"));
        assert!(
            refused(Circle {
                thickness: 3e-6,
                ..Circle::new(0.0, 0.0, 2e-6, 1e-6)
            })
            .contains("wider")
        );
        let polygon = |vertices, is_exclusion| {
            Shape::Polygon(Polygon {
                vertices,
                depth: 1e-6,
                is_exclusion,
            })
        };
        assert!(refused(polygon(vec![(0.0, 0.0)], false)).contains("corners"));
        // an area kept clear alone mills nothing
        let clear = polygon(vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)], true);
        assert!(refused(clear.clone()).contains("no shape"));
        check(
            &[Rectangle::new(0.0, 0.0, 1e-6, 1e-6, 1e-6).into(), clear],
            FIELD,
            PIXEL,
        )
        .unwrap();
        assert!(check(&[], FIELD, PIXEL).is_err());
        assert!(check(&Pattern::default().shapes(), (0.0, 1.0), PIXEL).is_err());
        assert!(
            check(&Pattern::new(figure::Bitmap::default()).shapes(), FIELD, PIXEL)
                .unwrap_err()
                .to_string()
                .contains("picture")
        );
    }
}
