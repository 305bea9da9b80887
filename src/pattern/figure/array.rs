//! A grid of equal marks.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::{Circle, CrossSection, Rectangle, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArrayPattern {
    pub width: f64,
    pub height: f64,
    pub depth: f64,
    pub n_columns: u32,
    pub n_rows: u32,
    pub pitch_vertical: f64,
    pub pitch_horizontal: f64,
    /// 0 = the instrument's own choice.
    pub passes: u32,
    /// Degrees, counter-clockwise.
    pub rotation: f64,
    pub scan_direction: ScanDirection,
    pub cross_section: CrossSection,
    pub use_circle: bool,
}

impl Default for ArrayPattern {
    fn default() -> Self {
        ArrayPattern {
            width: 2e-6,
            height: 2e-6,
            depth: 5e-6,
            n_columns: 5,
            n_rows: 5,
            pitch_vertical: 5e-6,
            pitch_horizontal: 5e-6,
            passes: 0,
            rotation: 0.0,
            scan_direction: ScanDirection::TopToBottom,
            cross_section: CrossSection::Rectangle,
            use_circle: false,
        }
    }
}

impl Expand for ArrayPattern {
    const NAME: &str = "ArrayPattern";
    const DOC: &str = "a grid of equal rectangles or discs, as for welding";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of each"),
        Field::length("height", "Height", "height of each"),
        Field::length("depth", "Depth", "how deep each is milled"),
        Field::count("n_columns", "Columns", "how many side by side"),
        Field::count("n_rows", "Rows", "how many one above the other"),
        Field::length("pitch_vertical", "Vertical pitch", "distance of rows, centre to centre"),
        Field::length(
            "pitch_horizontal",
            "Horizontal pitch",
            "distance of columns, centre to centre",
        ),
        Field::PASSES,
        Field::angle("rotation", "Rotation", "turn of each rectangle; the grid stays upright"),
        Field::SCAN_DIRECTION,
        Field::CROSS_SECTION,
        Field::flag(
            "use_circle",
            "Discs",
            "discs as wide as the width instead of rectangles",
        ),
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let middle = |n: u32| (f64::from(n) - 1.0) / 2.0;
        let (columns, rows) = (self.n_columns, self.n_rows);
        let centres = (0..columns).flat_map(|i| (0..rows).map(move |j| (i, j)));
        centres
            .map(|(i, j)| {
                let x = at.x + (f64::from(i) - middle(columns)) * self.pitch_horizontal;
                let y = at.y + (f64::from(j) - middle(rows)) * self.pitch_vertical;
                if self.use_circle {
                    // passes, direction, cross section and turn are lost on a disc, in the original too
                    return Circle::new(x, y, self.width / 2.0, self.depth).into();
                }
                Shape::from(Rectangle {
                    rotation: self.rotation.to_radians(),
                    scan_direction: self.scan_direction,
                    cross_section: self.cross_section,
                    passes: self.passes,
                    ..Rectangle::new(x, y, self.width, self.height, self.depth)
                })
            })
            .collect()
    }

    fn cross_section(&self) -> Option<CrossSection> {
        Some(self.cross_section)
    }
}
