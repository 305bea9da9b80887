//! The inner edges of the bars left and right of a grid square.

use super::median;
use super::rule::{Hand, Side};
use crate::mask::Region;
use model::Point;

/// Looks at the middle third of the rows, and at the half of the columns on that hand.
pub(super) fn find(region: &Region, hand: Hand) -> Option<Point> {
    let (h, w) = region.size();
    let rows = h / 3..2 * h / 3;
    match hand {
        Hand::Left => median::find(&region.within(rows, 0..w / 2), Side::Right),
        Hand::Right => median::find(&region.within(rows, w / 2..w), Side::Left),
    }
}
