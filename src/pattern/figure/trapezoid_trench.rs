//! Two trenches that widen away from the lamella.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::Polygon;
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrapezoidTrench {
    pub trench_width: f64,
    pub trench_height: f64,
    pub spacing: f64,
    pub depth: f64,
    /// Degrees, counter-clockwise.
    pub angle: f64,
}

impl Default for TrapezoidTrench {
    fn default() -> Self {
        TrapezoidTrench {
            trench_width: 10e-6,
            trench_height: 5e-6,
            spacing: 5e-6,
            depth: 1e-6,
            angle: 60.0,
        }
    }
}

impl Expand for TrapezoidTrench {
    const NAME: &str = "TrapezoidTrench";
    const DOC: &str = "two trenches that widen away from the lamella between them";
    const FIELDS: &[Field] = &[
        Field::length("trench_width", "Trench width", "width next to the lamella"),
        Field::length("trench_height", "Trench height", "height of either trench"),
        Field::length("spacing", "Spacing", "distance between the trenches"),
        Field::length("depth", "Depth", "how deep they are milled"),
        Field::angle("angle", "Angle", "how much the sides lean outwards"),
    ];

    /// The original subtracts `point.y` from polygons where it adds it to everything else: the trenches lie at (x, -y).
    fn shapes(&self, at: Point) -> Vec<Shape> {
        let (half, height) = (self.trench_width / 2.0, self.trench_height);
        let wide = half + height * self.angle.to_radians().tan();
        let corners = [(-half, 0.0), (half, 0.0), (wide, height), (-wide, height)];
        let trench = |up: f64| {
            Shape::Polygon(Polygon {
                vertices: corners
                    .map(|(x, y)| (x + at.x, up * (y + self.spacing / 2.0) - at.y))
                    .to_vec(),
                depth: self.depth,
                is_exclusion: false,
            })
        };
        vec![trench(1.0), trench(-1.0)]
    }

    fn place(&self, point: Point) -> Point {
        Point {
            x: point.x,
            y: -point.y,
        }
    }

    fn put(&mut self, point: &mut Point, at: Point) {
        *point = self.place(at);
    }
}
