//! A corner of the box about an object.

use super::rule::{Corner, at};
use crate::mask::Scene;
use crate::objects::{MIN_PIXELS, counts};
use model::Point;

/// Of the first connected part of the class that is an object.
pub(super) fn find(scene: &Scene, class: u8, corner: Corner) -> Option<Point> {
    let mut parts = scene.components().iter().filter(|c| c.class == class);
    let object = parts.find(|c| counts(c, scene.size(), MIN_PIXELS))?;
    let b = object.bounds();
    Some(match corner {
        Corner::TopLeft => at(b.x0, b.y0),
        Corner::TopRight => at(b.x1, b.y0),
        Corner::BottomLeft => at(b.x0, b.y1),
        Corner::BottomRight => at(b.x1, b.y1),
    })
}
