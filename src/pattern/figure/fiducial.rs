//! A cross to align by.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{CrossSection, Rectangle};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fiducial {
    pub width: f64,
    pub height: f64,
    pub depth: f64,
    /// Degrees, counter-clockwise.
    pub rotation: f64,
    pub cross_section: CrossSection,
    pub asymmetric: bool,
}

impl Default for Fiducial {
    fn default() -> Self {
        Fiducial {
            width: 1e-6,
            height: 10e-6,
            depth: 1e-6,
            rotation: 45.0,
            cross_section: CrossSection::Rectangle,
            asymmetric: false,
        }
    }
}

impl Expand for Fiducial {
    const NAME: &str = "Fiducial";
    const DOC: &str = "a cross of two bars to align by, or a y";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of either bar"),
        Field::length("height", "Height", "length of either bar"),
        Field::length("depth", "Depth", "how deep it is milled"),
        Field::angle(
            "rotation",
            "Rotation",
            "turn of the first bar; the second is square to it",
        ),
        Field::CROSS_SECTION,
        Field::flag(
            "asymmetric",
            "Asymmetric",
            "the first bar is half as long: a y instead of a cross",
        )
        .advanced(),
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let turn = self.rotation.to_radians();
        let bar = |x, y, height, rotation| {
            Shape::from(Rectangle {
                rotation,
                cross_section: self.cross_section,
                ..Rectangle::new(x, y, self.width, height, self.depth)
            })
        };
        let first = if self.asymmetric {
            // Half the bar, moved along (-cos, sin) by a quarter of its length: along the bar itself only at 45 degrees.
            let quarter = self.height / 4.0;
            bar(
                at.x - quarter * turn.cos(),
                at.y + quarter * turn.sin(),
                self.height / 2.0,
                turn,
            )
        } else {
            bar(at.x, at.y, self.height, turn)
        };
        vec![first, bar(at.x, at.y, self.height, turn + std::f64::consts::FRAC_PI_2)]
    }

    fn cross_section(&self) -> Option<CrossSection> {
        Some(self.cross_section)
    }
}
