//! The end of a class on one side, in the row or column through its mean. (The name is historical: it has always been the mean.)

use super::rule::{Side, at};
use crate::mask::Region;
use model::Point;

/// A class with no more pixels than this has no edge.
const NOT_ENOUGH: usize = 250;

pub(super) fn find(region: &Region, side: Side) -> Option<Point> {
    let (n, x, y) = region.centre()?;
    if n <= NOT_ENOUGH {
        return None;
    }
    // A row without pixels (the mean lies in a gap) means no edge at all, above and below included.
    let (left, right) = region.row_extent(y)?;
    match side {
        Side::Left => Some(at(left, y)),
        Side::Right => Some(at(right, y)),
        Side::Top => region.column_extent(x).map(|(top, _)| at(x, top)),
        Side::Bottom => region.column_extent(x).map(|(_, bottom)| at(x, bottom)),
    }
}
