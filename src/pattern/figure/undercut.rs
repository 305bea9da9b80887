//! An L that frees a lamella from below.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{CrossSection, Rectangle};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undercut {
    pub width: f64,
    /// Carried for files: no shape depends on it in the original.
    pub height: f64,
    pub depth: f64,
    pub trench_width: f64,
    pub rhs_height: f64,
    /// Carried for files: no shape depends on it in the original.
    pub h_offset: f64,
    pub cross_section: CrossSection,
}

impl Default for Undercut {
    fn default() -> Self {
        Undercut {
            width: 5e-6,
            height: 10e-6,
            depth: 10e-6,
            trench_width: 2e-6,
            rhs_height: 10e-6,
            h_offset: 5e-6,
            cross_section: CrossSection::Rectangle,
        }
    }
}

impl Expand for Undercut {
    const NAME: &str = "Undercut";
    const DOC: &str = "a level trench with one that goes down from its right end: a J-cut";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of the level trench"),
        Field::length("height", "Height", "height of the lamella; has no effect on the shapes"),
        Field::length("depth", "Depth", "how deep both are milled"),
        Field::length("trench_width", "Trench width", "width of either trench"),
        Field::length("rhs_height", "Right height", "height of the trench at the right"),
        Field::length("h_offset", "Horizontal offset", "has no effect on the shapes"),
        Field::CROSS_SECTION,
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let thick = self.trench_width;
        let cut = |x, y, width, height| {
            Shape::from(Rectangle {
                cross_section: self.cross_section,
                ..Rectangle::new(x, y, width, height, self.depth)
            })
        };
        vec![
            cut(at.x, at.y, self.width, thick),
            cut(
                at.x + self.width / 2.0 - thick / 2.0,
                at.y - self.rhs_height / 2.0 + thick / 2.0,
                thick,
                self.rhs_height,
            ),
        ]
    }

    fn cross_section(&self) -> Option<CrossSection> {
        Some(self.cross_section)
    }
}
