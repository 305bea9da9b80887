//! A line that cuts a section off a block, with lines that free its sides.

use crate::field::Field;
use crate::figure::Expand;
use model::shape::Line;
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SerialSection {
    pub section_thickness: f64,
    pub section_width: f64,
    pub section_depth: f64,
    pub side_width: f64,
    pub side_height: f64,
    pub side_depth: f64,
    pub inverted: bool,
    pub use_side_patterns: bool,
}

impl Default for SerialSection {
    fn default() -> Self {
        SerialSection {
            section_thickness: 4e-6,
            section_width: 50e-6,
            section_depth: 20e-6,
            side_width: 10e-6,
            side_height: 10e-6,
            side_depth: 40e-6,
            inverted: false,
            use_side_patterns: true,
        }
    }
}

impl Expand for SerialSection {
    const NAME: &str = "SerialSection";
    const DOC: &str = "a line that cuts a section off a block, with lines that clean its sides";
    const FIELDS: &[Field] = &[
        Field::length(
            "section_thickness",
            "Section thickness",
            "thickness of the section: the line lies this far from the point",
        ),
        Field::length("section_width", "Section width", "width of the section"),
        Field::length("section_depth", "Section depth", "how deep the section is cut"),
        Field::length("side_width", "Side width", "length of the level side lines"),
        Field::length("side_height", "Side height", "length of the upright side lines"),
        Field::length("side_depth", "Side depth", "how deep the side lines are cut"),
        Field::flag("inverted", "Inverted", "the section is cut below instead of above"),
        Field::flag("use_side_patterns", "Use side patterns", "the sides are cut too"),
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        let up = if self.inverted { -1.0 } else { 1.0 };
        let y = at.y + up * self.section_thickness;
        let (left, right) = (at.x - self.section_width / 2.0, at.x + self.section_width / 2.0);
        let line = |start_x, end_x, end_y, depth| {
            Shape::Line(Line {
                start_x,
                end_x,
                start_y: y,
                end_y,
                depth,
            })
        };
        let mut shapes = vec![line(left, right, y, self.section_depth)];
        if self.use_side_patterns {
            let half = self.side_width / 2.0;
            shapes.extend([left, right].map(|x| line(x - half, x + half, y, self.side_depth)));
            shapes.extend([left, right].map(|x| line(x, x, y + up * self.side_height, self.side_depth)));
        }
        shapes
    }
}
