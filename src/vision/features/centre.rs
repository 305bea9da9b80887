//! The middle of a class, or of the picture.

use super::rule::at;
use crate::mask::Region;
use model::Point;

/// A class with no more pixels than this has no centre.
const NOT_ENOUGH: usize = 500;

pub(super) fn of_picture((h, w): (usize, usize)) -> Point {
    at(w / 2, h / 2)
}

/// The mean position, rounded down.
pub(super) fn find(region: &Region) -> Option<Point> {
    let (n, x, y) = region.centre()?;
    (n > NOT_ENOUGH).then(|| at(x, y))
}
