//! The pixel of a class nearest to the middle of the picture: the face of a landing post.

use super::rule::at;
use crate::mask::Region;
use model::Point;

/// Only the middle fifth of the width is looked at; the first of equally near pixels counts.
pub(super) fn find(region: &Region) -> Option<Point> {
    let (h, w) = region.size();
    let margin = (w as f64 / 2.5) as usize;
    let (cx, cy) = (w / 2, h / 2);
    let middle = region.within(0..h, margin..w.saturating_sub(margin));
    let distance = |(x, y): &(usize, usize)| x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2);
    middle.points().min_by_key(distance).map(|(x, y)| at(x, y))
}
