//! One line, as wide as the beam.

use crate::field::Field;
use crate::figure::Expand;
use model::{Point, Shape, shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub start_x: f64,
    pub end_x: f64,
    pub start_y: f64,
    pub end_y: f64,
    pub depth: f64,
}

impl Default for Line {
    fn default() -> Self {
        Line {
            start_x: -10e-6,
            end_x: 10e-6,
            start_y: 0.0,
            end_y: 0.0,
            depth: 1e-6,
        }
    }
}

impl Expand for Line {
    const NAME: &str = "Line";
    const DOC: &str = "a line as wide as the beam, between two points of the picture";
    const FIELDS: &[Field] = &[
        Field::coordinate(
            "start_x",
            "Start x",
            "where the line begins, from the middle of the picture to the right",
        ),
        Field::coordinate("end_x", "End x", "where it ends"),
        Field::coordinate("start_y", "Start y", "where it begins, upwards"),
        Field::coordinate("end_y", "End y", "where it ends"),
        Field::length("depth", "Depth", "how deep it is milled"),
    ];

    /// The original leaves `point` out of account: the ends alone say where the line is.
    fn shapes(&self, _at: Point) -> Vec<Shape> {
        vec![Shape::Line(shape::Line {
            start_x: self.start_x,
            end_x: self.end_x,
            start_y: self.start_y,
            end_y: self.end_y,
            depth: self.depth,
        })]
    }

    fn place(&self, _point: Point) -> Point {
        Point {
            x: (self.start_x + self.end_x) / 2.0,
            y: (self.start_y + self.end_y) / 2.0,
        }
    }

    fn put(&mut self, point: &mut Point, at: Point) {
        let now = self.place(*point);
        let (dx, dy) = (at.x - now.x, at.y - now.y);
        (self.start_x, self.end_x) = (self.start_x + dx, self.end_x + dx);
        (self.start_y, self.end_y) = (self.start_y + dy, self.end_y + dy);
    }
}
