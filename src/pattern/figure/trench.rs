//! Two trenches with a lamella between them.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{Circle, CrossSection, Rectangle, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trench {
    pub width: f64,
    pub depth: f64,
    pub spacing: f64,
    pub upper_trench_height: f64,
    pub lower_trench_height: f64,
    /// 0 = the instrument's own choice.
    pub passes: u32,
    pub cross_section: CrossSection,
    /// Beam time, s; 0 = from the depth.
    pub time: f64,
    pub fillet: f64,
}

impl Default for Trench {
    fn default() -> Self {
        Trench {
            width: 10e-6,
            depth: 1e-6,
            spacing: 5e-6,
            upper_trench_height: 5e-6,
            lower_trench_height: 5e-6,
            passes: 0,
            cross_section: CrossSection::Rectangle,
            time: 0.0,
            fillet: 0.0,
        }
    }
}

impl Expand for Trench {
    const NAME: &str = "Trench";
    const DOC: &str = "an upper and a lower trench with a lamella between them; corners can be rounded";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of both trenches"),
        Field::length("depth", "Depth", "how deep they are milled"),
        Field::length("spacing", "Spacing", "distance between the trenches: the lamella"),
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
        Field::PASSES,
        Field::CROSS_SECTION,
        Field::TIME,
        Field::optional_length(
            "fillet",
            "Fillet radius",
            "radius of the corners next to the lamella; 0 = square",
        )
        .advanced(),
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        use ScanDirection::{BottomToTop, TopToBottom};
        let (upper, lower, depth) = (self.upper_trench_height, self.lower_trench_height, self.depth);
        let y_upper = at.y + (self.spacing / 2.0 + upper / 2.0);
        let y_lower = at.y - (self.spacing / 2.0 + lower / 2.0);
        let fillet = self.fillet.min(upper / 2.0).max(0.0);
        let width = match fillet > 0.0 {
            true => (self.width - 2.0 * fillet).max(0.0),
            false => self.width,
        };
        let cut = |x, y, width, height, scan_direction, time| {
            Shape::from(Rectangle {
                scan_direction,
                cross_section: self.cross_section,
                passes: self.passes,
                time,
                ..Rectangle::new(x, y, width, height, depth)
            })
        };
        let mut shapes = vec![
            cut(at.x, y_upper, width, upper, TopToBottom, self.time),
            cut(at.x, y_lower, width, lower, BottomToTop, self.time),
        ];
        if fillet > 0.0 {
            let (left, right) = (at.x - width / 2.0, at.x + width / 2.0);
            let (out_left, out_right) = (left - fillet / 2.0, right + fillet / 2.0);
            // The fillet is bounded by the upper trench only: over a lower trench under half its height these are negative,
            // as in the original, and refused by `check`. The strips carry no time of their own.
            for (x, y, height, scan) in [
                (out_left, y_lower - fillet / 2.0, lower - fillet, BottomToTop),
                (out_right, y_lower - fillet / 2.0, lower - fillet, BottomToTop),
                (out_left, y_upper + fillet / 2.0, upper - fillet, TopToBottom),
                (out_right, y_upper + fillet / 2.0, upper - fillet, TopToBottom),
            ] {
                shapes.push(cut(x, y, fillet, height, scan, 0.0));
            }
            // The lower corners are milled to half the depth only, and all four lie half a radius too far out: the original's.
            for (y, depth) in [
                (y_lower + lower / 2.0 - 1.5 * fillet, depth / 2.0),
                (y_upper - upper / 2.0 + 1.5 * fillet, depth),
            ] {
                shapes.push(Circle::new(left, y, fillet, depth).into());
                shapes.push(Circle::new(right, y, fillet, depth).into());
            }
        }
        shapes
    }

    fn time(&self) -> f64 {
        self.time
    }

    fn cross_section(&self) -> Option<CrossSection> {
        Some(self.cross_section)
    }
}
