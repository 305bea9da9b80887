//! One rectangle.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{self, CrossSection, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rectangle {
    pub width: f64,
    pub height: f64,
    pub depth: f64,
    /// Degrees, counter-clockwise.
    pub rotation: f64,
    /// Beam time, s; 0 = from the depth.
    pub time: f64,
    /// 0 = the instrument's own choice.
    pub passes: u32,
    pub scan_direction: ScanDirection,
    pub cross_section: CrossSection,
}

impl Default for Rectangle {
    fn default() -> Self {
        Rectangle {
            width: 10e-6,
            height: 5e-6,
            depth: 1e-6,
            rotation: 0.0,
            time: 0.0,
            passes: 0,
            scan_direction: ScanDirection::TopToBottom,
            cross_section: CrossSection::Rectangle,
        }
    }
}

impl Expand for Rectangle {
    const NAME: &str = "Rectangle";
    const DOC: &str = "a rectangle, turned as you like";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of the rectangle"),
        Field::length("height", "Height", "height of the rectangle"),
        Field::length("depth", "Depth", "how deep it is milled"),
        Field::angle("rotation", "Rotation", "turn of the rectangle").advanced(),
        Field::TIME,
        Field::PASSES,
        Field::SCAN_DIRECTION,
        Field::CROSS_SECTION,
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let shape = shape::Rectangle {
            rotation: self.rotation.to_radians(),
            scan_direction: self.scan_direction,
            cross_section: self.cross_section,
            passes: self.passes,
            time: self.time,
            ..shape::Rectangle::new(at.x, at.y, self.width, self.height, self.depth)
        };
        vec![shape.into()]
    }

    fn time(&self) -> f64 {
        self.time
    }

    fn cross_section(&self) -> Option<CrossSection> {
        Some(self.cross_section)
    }
}
