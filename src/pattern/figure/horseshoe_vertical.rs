//! Two side trenches joined above or below.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{CrossSection, Rectangle, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HorseshoeVertical {
    pub width: f64,
    pub height: f64,
    pub side_trench_width: f64,
    pub top_trench_height: f64,
    pub depth: f64,
    pub scan_direction: ScanDirection,
    pub inverted: bool,
    pub cross_section: CrossSection,
}

impl Default for HorseshoeVertical {
    fn default() -> Self {
        HorseshoeVertical {
            width: 20e-6,
            height: 50e-6,
            side_trench_width: 5e-6,
            top_trench_height: 10e-6,
            depth: 4e-6,
            scan_direction: ScanDirection::TopToBottom,
            inverted: false,
            cross_section: CrossSection::Rectangle,
        }
    }
}

impl Expand for HorseshoeVertical {
    const NAME: &str = "HorseshoeVertical";
    const DOC: &str = "a trench at either side, joined by one above (or below)";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "distance between the side trenches"),
        Field::length("height", "Height", "height of the side trenches"),
        Field::length("side_trench_width", "Side trench width", "width of either side trench"),
        Field::length("top_trench_height", "Top trench height", "height of the joining trench"),
        Field::length("depth", "Depth", "how deep all three are milled"),
        Field::SCAN_DIRECTION,
        Field::flag("inverted", "Inverted", "the joining trench is below instead of above"),
        Field::CROSS_SECTION,
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let end = if self.inverted { -1.0 } else { 1.0 };
        let aside = self.width / 2.0 + self.side_trench_width / 2.0;
        let cut = |x, y, width, height, scan_direction| {
            Shape::from(Rectangle {
                scan_direction,
                cross_section: self.cross_section,
                ..Rectangle::new(x, y, width, height, self.depth)
            })
        };
        vec![
            cut(
                at.x,
                at.y + end * (self.height / 2.0 + self.top_trench_height / 2.0),
                self.width + 2.0 * self.side_trench_width,
                self.top_trench_height,
                self.scan_direction,
            ),
            cut(
                at.x - aside,
                at.y,
                self.side_trench_width,
                self.height,
                ScanDirection::LeftToRight,
            ),
            cut(
                at.x + aside,
                at.y,
                self.side_trench_width,
                self.height,
                ScanDirection::RightToLeft,
            ),
        ]
    }

    fn cross_section(&self) -> Option<CrossSection> {
        Some(self.cross_section)
    }
}
