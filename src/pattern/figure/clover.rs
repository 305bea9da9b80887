//! Three leaves and a stem.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{Circle, Rectangle};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clover {
    pub radius: f64,
    pub depth: f64,
}

impl Default for Clover {
    fn default() -> Self {
        Clover {
            radius: 10e-6,
            depth: 5e-6,
        }
    }
}

impl Expand for Clover {
    const NAME: &str = "Clover";
    const DOC: &str = "three discs and a stem: a test pattern";
    const FIELDS: &[Field] = &[
        Field::length("radius", "Radius", "radius of each leaf"),
        Field::length("depth", "Depth", "how deep it is milled"),
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let r = self.radius;
        let leaf = |x, y| Circle::new(x, y, r, self.depth).into();
        vec![
            leaf(at.x, at.y + r),
            leaf(at.x + r, at.y),
            leaf(at.x - r, at.y),
            Rectangle::new(at.x, at.y - r, r / 4.0, 2.0 * r, self.depth).into(),
        ]
    }
}
