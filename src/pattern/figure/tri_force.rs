//! Three triangles of bars.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{Rectangle, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriForce {
    pub width: f64,
    pub height: f64,
    pub depth: f64,
}

impl Default for TriForce {
    fn default() -> Self {
        TriForce {
            width: 1e-6,
            height: 10e-6,
            depth: 5e-6,
        }
    }
}

impl Expand for TriForce {
    const NAME: &str = "TriForce";
    const DOC: &str = "three triangles of three bars each: a test pattern";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of each bar"),
        Field::length("height", "Height", "length of each bar"),
        Field::length("depth", "Depth", "how deep it is milled"),
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let half = self.height / 2.0;
        let aside = half * 30f64.to_radians().sin();
        let bar = |x, y, degrees: f64, scan_direction| {
            Shape::from(Rectangle {
                rotation: degrees.to_radians(),
                scan_direction,
                ..Rectangle::new(x, y, self.width, self.height, self.depth)
            })
        };
        let centres = [(at.x, at.y + self.height), (at.x - half, at.y), (at.x + half, at.y)];
        centres
            .into_iter()
            .flat_map(|(x, y)| {
                [
                    bar(x - aside, y, -30.0, ScanDirection::LeftToRight),
                    bar(x + aside, y, 30.0, ScanDirection::RightToLeft),
                    bar(x, y - half, 90.0, ScanDirection::BottomToTop),
                ]
            })
            .collect()
    }
}
