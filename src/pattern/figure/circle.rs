//! One disc, or a ring.

use crate::field::Field;
use crate::figure::Expand;
use model::{Point, Shape, shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Circle {
    pub radius: f64,
    pub depth: f64,
    pub thickness: f64,
}

impl Default for Circle {
    fn default() -> Self {
        Circle {
            radius: 5e-6,
            depth: 1e-6,
            thickness: 0.0,
        }
    }
}

impl Expand for Circle {
    const NAME: &str = "Circle";
    const DOC: &str = "a disc, or a ring where it has a thickness";
    const FIELDS: &[Field] = &[
        Field::length("radius", "Radius", "outer radius"),
        Field::length("depth", "Depth", "how deep it is milled"),
        Field::optional_length(
            "thickness",
            "Thickness",
            "width of the ring, inwards from the radius; 0 = a full disc",
        ),
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let shape = shape::Circle {
            thickness: self.thickness,
            ..shape::Circle::new(at.x, at.y, self.radius, self.depth)
        };
        vec![shape.into()]
    }
}
