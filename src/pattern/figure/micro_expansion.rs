//! Slits beside a lamella that let the film give way.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::Rectangle;
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicroExpansion {
    pub width: f64,
    pub height: f64,
    pub depth: f64,
    pub distance: f64,
}

impl Default for MicroExpansion {
    fn default() -> Self {
        MicroExpansion {
            width: 0.5e-6,
            height: 15e-6,
            depth: 1e-6,
            distance: 10e-6,
        }
    }
}

impl Expand for MicroExpansion {
    const NAME: &str = "MicroExpansion";
    const DOC: &str = "a slit at either side of a lamella, so that the film can give way";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of either slit"),
        Field::length("height", "Height", "height of either slit"),
        Field::length("depth", "Depth", "how deep they are milled"),
        Field::length("distance", "Distance", "from the point to either slit"),
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let slit = |x| Rectangle::new(x, at.y, self.width, self.height, self.depth).into();
        vec![slit(at.x - self.distance), slit(at.x + self.distance)]
    }
}
