//! A trench pair joined at one side.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{CrossSection, Rectangle, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Horseshoe {
    pub width: f64,
    pub upper_trench_height: f64,
    pub lower_trench_height: f64,
    pub spacing: f64,
    pub depth: f64,
    pub side_width: f64,
    pub inverted: bool,
    pub scan_direction: ScanDirection,
    pub cross_section: CrossSection,
}

impl Default for Horseshoe {
    fn default() -> Self {
        Horseshoe {
            width: 40e-6,
            upper_trench_height: 10e-6,
            lower_trench_height: 10e-6,
            spacing: 10e-6,
            depth: 10e-6,
            side_width: 5e-6,
            inverted: false,
            scan_direction: ScanDirection::TopToBottom,
            cross_section: CrossSection::Rectangle,
        }
    }
}

impl Expand for Horseshoe {
    const NAME: &str = "Horseshoe";
    const DOC: &str = "an upper and a lower trench joined at one side";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of the upper and lower trench"),
        Field::length(
            "upper_trench_height",
            "Upper trench height",
            "height of the upper trench",
        ),
        Field::length(
            "lower_trench_height",
            "Lower trench height",
            "height of the lower trench",
        ),
        Field::length("spacing", "Spacing", "distance between the trenches"),
        Field::length("depth", "Depth", "how deep all three are milled"),
        Field::length("side_width", "Side width", "width of the trench at the side"),
        Field::flag(
            "inverted",
            "Inverted",
            "the side trench is at the left instead of the right",
        ),
        Field::SCAN_DIRECTION,
        Field::CROSS_SECTION,
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let (upper, lower) = (self.upper_trench_height, self.lower_trench_height);
        let side = if self.inverted { -1.0 } else { 1.0 };
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
                at.y + (self.spacing / 2.0 + upper / 2.0),
                self.width,
                upper,
                ScanDirection::TopToBottom,
            ),
            cut(
                at.x,
                at.y - (self.spacing / 2.0 + lower / 2.0),
                self.width,
                lower,
                ScanDirection::BottomToTop,
            ),
            cut(
                at.x + side * (self.width / 2.0 + self.side_width / 2.0),
                at.y + (upper - lower) / 2.0,
                self.side_width,
                self.spacing + upper + lower,
                self.scan_direction,
            ),
        ]
    }

    fn cross_section(&self) -> Option<CrossSection> {
        Some(self.cross_section)
    }
}
