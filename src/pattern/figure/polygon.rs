//! A polygon, or an area kept clear.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::Polygon;
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolygonPattern {
    /// Corners about the point, m, y up.
    pub vertices: Vec<(f64, f64)>,
    pub depth: f64,
    pub is_exclusion: bool,
}

impl Default for PolygonPattern {
    fn default() -> Self {
        PolygonPattern {
            vertices: Vec::new(),
            depth: 1e-6,
            is_exclusion: false,
        }
    }
}

impl Expand for PolygonPattern {
    const NAME: &str = "PolygonPattern";
    const DOC: &str = "a polygon, milled or kept clear; openFIBSEM 0.5.3 does not load it from a file";
    const FIELDS: &[Field] = &[
        Field::length("depth", "Depth", "how deep it is milled"),
        Field::flag("is_exclusion", "Exclusion", "kept clear of the beam instead of milled"),
    ];
    const REGISTERED: bool = false;

    /// The original subtracts `point.y` from polygons where it adds it to everything else: the polygon lies at (x, -y).
    fn shapes(&self, at: Point) -> Vec<Shape> {
        vec![Shape::Polygon(Polygon {
            vertices: self.vertices.iter().map(|(x, y)| (x + at.x, y - at.y)).collect(),
            depth: self.depth,
            is_exclusion: self.is_exclusion,
        })]
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
