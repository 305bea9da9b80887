//! The notch that lets a waffle lamella give way.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{CrossSection, Rectangle, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaffleNotch {
    pub vheight: f64,
    pub vwidth: f64,
    pub hheight: f64,
    pub hwidth: f64,
    pub depth: f64,
    pub distance: f64,
    pub inverted: bool,
    pub cross_section: CrossSection,
}

impl Default for WaffleNotch {
    fn default() -> Self {
        WaffleNotch {
            vheight: 2e-6,
            vwidth: 0.5e-6,
            hheight: 0.5e-6,
            hwidth: 2e-6,
            depth: 1e-6,
            distance: 2e-6,
            inverted: false,
            cross_section: CrossSection::Rectangle,
        }
    }
}

impl Expand for WaffleNotch {
    const NAME: &str = "WaffleNotch";
    const DOC: &str = "a notch of five slits that lets a waffle lamella give way";
    const FIELDS: &[Field] = &[
        Field::length("vheight", "Vertical height", "height of the upright slits"),
        Field::length("vwidth", "Vertical width", "width of the upright slits"),
        Field::length("hheight", "Horizontal height", "height of the level slits"),
        Field::length("hwidth", "Horizontal width", "width of the level slits"),
        Field::length("depth", "Depth", "how deep it is milled"),
        Field::length("distance", "Distance", "distance between the level slits"),
        Field::flag(
            "inverted",
            "Inverted",
            "the notch opens to the left instead of the right",
        ),
        Field::CROSS_SECTION,
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        use ScanDirection::{BottomToTop, TopToBottom};
        let side = if self.inverted { -1.0 } else { 1.0 };
        let half = self.distance / 2.0;
        let beyond = self.vheight / 2.0 - self.hheight / 2.0;
        let aside = at.x + (self.hwidth / 2.0 + self.vwidth / 2.0) * side;
        let slit = |x, y, width, height, scan_direction| {
            Shape::from(Rectangle {
                scan_direction,
                cross_section: self.cross_section,
                ..Rectangle::new(x, y, width, height, self.depth)
            })
        };
        vec![
            slit(at.x, at.y - half - beyond, self.vwidth, self.vheight, TopToBottom),
            slit(at.x, at.y + half + beyond, self.vwidth, self.vheight, BottomToTop),
            slit(aside, at.y - half, self.hwidth, self.hheight, TopToBottom),
            slit(aside, at.y + half, self.hwidth, self.hheight, BottomToTop),
            slit(
                at.x + (self.hwidth + self.vwidth) * side,
                at.y,
                self.vwidth,
                self.distance + self.hheight,
                TopToBottom,
            ),
        ]
    }

    fn cross_section(&self) -> Option<CrossSection> {
        Some(self.cross_section)
    }
}
