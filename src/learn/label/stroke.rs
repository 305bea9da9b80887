//! Which pixels a tool means.

use super::{Edit, Pixel};
use ndarray::Array2;
use std::ops::Range;

/// Pixels in a box of the mask: a stroke does not cost what the picture is large.
pub(super) struct Marked {
    /// Row and column of the box's corner.
    pub at: (usize, usize),
    pub mask: Array2<bool>,
}

/// The pixels of an edit, and the class they get.
pub(super) fn marked(edit: &Edit, picture: &Array2<u8>, labels: &Array2<u8>) -> (Marked, u8) {
    let size = labels.dim();
    let whole = |mask| Marked { at: (0, 0), mask };
    match edit {
        Edit::Brush { way, radius, class } => (brush(size, way, *radius), *class),
        Edit::Polygon { corners, class } => (polygon(size, corners), *class),
        Edit::Fill { at, class } => (
            whole(connected(size, *at, |seed, place| labels[seed] == labels[place])),
            *class,
        ),
        Edit::Snap { at, tolerance, class } => {
            let near = |seed, place| grey(picture, seed).abs_diff(grey(picture, place)) <= u32::from(*tolerance) * 9;
            (whole(connected(size, *at, near)), *class)
        }
        Edit::Replace { .. } => (whole(Array2::from_elem(size, true)), 0),
    }
}

/// Rows and columns around points, `more` pixels wider, as far as they lie in the array.
fn around((h, w): (usize, usize), points: &[Pixel], more: f64) -> (Range<usize>, Range<usize>) {
    let span = |of: fn(&Pixel) -> i32, end: usize| {
        let low = points.iter().map(of).min().map_or(0.0, f64::from) - more;
        let high = points.iter().map(of).max().map_or(-1.0, f64::from) + more;
        let from = low.floor().clamp(0.0, end as f64) as usize;
        from..((high.ceil() + 1.0).clamp(0.0, end as f64) as usize).max(from)
    };
    match points.is_empty() {
        true => (0..0, 0..0),
        false => (span(|p| p.1, h), span(|p| p.0, w)),
    }
}

/// A place of the array, where a pixel has one.
fn place((h, w): (usize, usize), (x, y): Pixel) -> Option<(usize, usize)> {
    let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
    (x < w && y < h).then_some((y, x))
}

fn brush(size: (usize, usize), way: &[Pixel], radius: f64) -> Marked {
    let radius = if radius.is_finite() { radius.max(0.0) } else { 0.0 };
    let (rows, columns) = around(size, way, radius + 1.0);
    let mut mask = Array2::from_elem((rows.len(), columns.len()), false);
    let first = way.first().map(|p| (*p, *p));
    let lines = way.windows(2).map(|pair| (pair[0], pair[1]));
    for (a, b) in first.into_iter().chain(lines) {
        let (ax, ay, bx, by) = (f64::from(a.0), f64::from(a.1), f64::from(b.0), f64::from(b.1));
        let (dx, dy) = (bx - ax, by - ay);
        let square = dx * dx + dy * dy;
        let (near_rows, near_columns) = around(size, &[a, b], radius + 1.0);
        for y in near_rows {
            for x in near_columns.clone() {
                let (px, py) = (x as f64 - ax, y as f64 - ay);
                // the nearest point of the line
                let t = if square > 0.0 {
                    ((px * dx + py * dy) / square).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                // half a pixel more: a radius of 0 is still a line without gaps
                mask[[y - rows.start, x - columns.start]] |= (px - t * dx).hypot(py - t * dy) <= radius + 0.5;
            }
        }
    }
    Marked {
        at: (rows.start, columns.start),
        mask,
    }
}

/// By the rule of even and odd crossings, and a thin brush along the rim.
fn polygon(size: (usize, usize), corners: &[Pixel]) -> Marked {
    let rim: Vec<Pixel> = corners.iter().chain(corners.first()).copied().collect();
    let mut marked = brush(size, &rim, 0.0);
    if corners.len() < 3 {
        return marked;
    }
    let (top, left) = marked.at;
    for (y, mut row) in marked.mask.rows_mut().into_iter().enumerate() {
        let at = (top + y) as f64;
        let mut crossings: Vec<f64> = rim
            .windows(2)
            .map(|pair| [pair[0], pair[1]].map(|(x, y)| (f64::from(x), f64::from(y))))
            .filter(|[a, b]| (a.1 <= at) != (b.1 <= at))
            .map(|[a, b]| a.0 + (at - a.1) / (b.1 - a.1) * (b.0 - a.0) - left as f64)
            .collect();
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            let (from, to) = (pair[0].ceil().max(0.0), pair[1].floor().min(row.len() as f64 - 1.0));
            if from <= to {
                (from as usize..=to as usize).for_each(|x| row[x] = true);
            }
        }
    }
    marked
}

/// What hangs together with a pixel in the four directions, and is `like` it.
fn connected((h, w): (usize, usize), at: Pixel, like: impl Fn((usize, usize), (usize, usize)) -> bool) -> Array2<bool> {
    let mut marked = Array2::from_elem((h, w), false);
    let Some(seed) = place((h, w), at) else { return marked };
    let mut open = vec![seed];
    marked[seed] = true;
    while let Some((y, x)) = open.pop() {
        let around = [(y.wrapping_sub(1), x), (y + 1, x), (y, x.wrapping_sub(1)), (y, x + 1)];
        for next in around {
            if next.0 < h && next.1 < w && !marked[next] && like(seed, next) {
                marked[next] = true;
                open.push(next);
            }
        }
    }
    marked
}

/// Nine times the mean over 3 x 3 pixels: noise does not tear an object apart.
fn grey(picture: &Array2<u8>, (y, x): (usize, usize)) -> u32 {
    let (h, w) = picture.dim();
    let rows = [y.saturating_sub(1), y, (y + 1).min(h - 1)];
    let columns = [x.saturating_sub(1), x, (x + 1).min(w - 1)];
    rows.iter()
        .flat_map(|y| columns.iter().map(|x| u32::from(picture[[*y, *x]])))
        .sum()
}
