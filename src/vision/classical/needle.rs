//! The needle: a bright wedge that comes in over a side of the picture and whose straight edges meet in its tip.

use super::{Found, Look};
use ndarray::{Array2, ArrayView2, Axis};

/// Rows over which an edge is a difference, to either side.
const REACH: usize = 2;
/// Columns from the side where tracking begins.
const START: usize = 3;
/// Rows an edge may wander from one column to the next.
const WANDER: isize = 2;
/// Columns without an edge after which it has ended.
const MOST_MISSED: usize = 14;
/// Share of the picture's length that is needle at least.
const SHORTEST: f64 = 0.12;
/// Residual of the edges' lines, pixels.
const STRAIGHT: f64 = 1.3;
/// Pixels across at which the wedge is taken to end: what a tip is blurred to.
const TIP_WIDTH: f64 = 1.5;
/// Lost width per length: a needle is neither a bar nor a triangle.
const TAPER: std::ops::Range<f64> = 0.02..0.6;

/// A wedge in a picture that is turned so that it comes from the left.
struct Wedge {
    /// Row of the upper and the lower edge: at + slope * column.
    upper: Line,
    lower: Line,
    /// Column of the tip.
    tip: f64,
    fit: f64,
}

#[derive(Clone, Copy)]
struct Line {
    at: f64,
    slope: f64,
}

impl Line {
    fn row(self, column: f64) -> f64 {
        self.at + self.slope * column
    }
}

/// The wedge that fits best of those from every side.
pub(super) fn find(look: &Look) -> Option<Found> {
    let grey = look.grey.view();
    let mut turned = [grey, grey, grey.reversed_axes(), grey.reversed_axes()];
    turned[1].invert_axis(Axis(1));
    turned[3].invert_axis(Axis(1));
    let wedges = turned
        .iter()
        .enumerate()
        .filter_map(|(side, view)| Some((side, wedge(view, look.spread)?)));
    let (side, wedge) = wedges.reduce(|best, next| if next.1.fit > best.1.fit { next } else { best })?;
    let mut pixels = Array2::from_elem(look.grey.dim(), false);
    let mut own = pixels.view_mut();
    if side >= 2 {
        own = own.reversed_axes();
    }
    if side % 2 == 1 {
        own.invert_axis(Axis(1));
    }
    for ((y, x), pixel) in own.indexed_iter_mut() {
        let (row, column) = (y as f64, x as f64);
        *pixel = column <= wedge.tip && row >= wedge.upper.row(column) - 0.5 && row <= wedge.lower.row(column) + 0.5;
    }
    Some(Found { pixels, fit: wedge.fit })
}

/// How much brighter it is below than above a place.
fn rise(grey: &ArrayView2<f32>, y: usize, x: usize) -> f32 {
    let (h, _) = grey.dim();
    match y >= REACH && y + REACH < h {
        true => grey[[y + REACH, x]] - grey[[y - REACH, x]],
        false => 0.0,
    }
}

fn wedge(grey: &ArrayView2<f32>, spread: f32) -> Option<Wedge> {
    let (h, w) = grey.dim();
    let least = 0.5 * spread;
    let rises: Vec<f32> = (0..h).map(|y| rise(grey, y, START)).collect();
    let peaks = |sign: f32| -> Vec<usize> {
        let inside = 1..h - 1;
        let peak = |y: &usize| {
            let v = sign * rises[*y];
            v > least && v >= sign * rises[y - 1] && v > sign * rises[y + 1]
        };
        inside.filter(peak).collect()
    };
    let (uppers, lowers) = (peaks(1.0), peaks(-1.0));
    let pairs = uppers.iter().flat_map(|upper| {
        let below = lowers
            .iter()
            .filter(move |lower| (*upper + 4..*upper + h / 3).contains(*lower));
        below.map(move |lower| (*upper, *lower))
    });
    let wedges = pairs.filter_map(|(upper, lower)| {
        let upper = track(grey, upper, 1.0, least);
        let lower = track(grey, lower, -1.0, least);
        fitted(&upper, &lower, w)
    });
    wedges.reduce(|best, next| if next.fit > best.fit { next } else { best })
}

/// Follows an edge from its place at the side: (column, row) as far as it goes.
fn track(grey: &ArrayView2<f32>, from: usize, sign: f32, least: f32) -> Vec<(f64, f64)> {
    let (h, w) = grey.dim();
    let mut found: Vec<(f64, f64)> = Vec::new();
    let (mut row, mut slope, mut missed) = (from as f64, 0.0, 0);
    for x in START..w {
        row += slope;
        let near = row.round() as isize;
        let best = (near - WANDER..=near + WANDER)
            .filter(|y| (0..h as isize).contains(y))
            .map(|y| (y as usize, sign * rise(grey, y as usize, x)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        match best.filter(|(_, v)| *v > least) {
            Some((y, v)) => {
                missed = 0;
                row = y as f64 + finer(grey, y, x, sign, v);
                found.push((x as f64, row));
                let back = found.len().saturating_sub(40);
                let (x0, y0) = found[back];
                if x as f64 - x0 >= 8.0 {
                    slope = (row - y0) / (x as f64 - x0);
                }
            }
            None => missed += 1,
        }
        if missed > MOST_MISSED {
            break;
        }
    }
    found
}

/// Where between rows the edge is steepest, by a parabola.
fn finer(grey: &ArrayView2<f32>, y: usize, x: usize, sign: f32, top: f32) -> f64 {
    if y == 0 {
        return 0.0;
    }
    let (before, after) = (sign * rise(grey, y - 1, x), sign * rise(grey, y + 1, x));
    let bend = 2.0 * top - before - after;
    if bend > 0.0 {
        f64::from(0.5 * (after - before) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    }
}

/// The line through most of the points, their number within [`STRAIGHT`] of it, and the residual of those.
fn line(points: &[(f64, f64)]) -> Option<(Line, usize, f64)> {
    let mut line = least_squares(points)?;
    let mut kept = Vec::new();
    for limit in [6.0, 3.0, 2.0 * STRAIGHT] {
        kept = points
            .iter()
            .copied()
            .filter(|(x, y)| (y - line.row(*x)).abs() <= limit)
            .collect();
        line = least_squares(&kept)?;
    }
    let squares = kept.iter().map(|(x, y)| (y - line.row(*x)).powi(2)).sum::<f64>();
    let residual = (squares / kept.len() as f64).sqrt();
    Some((line, kept.len(), residual))
}

fn least_squares(points: &[(f64, f64)]) -> Option<Line> {
    let n = points.len() as f64;
    if points.len() < 20 {
        return None;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let (sxx, sxy) = points.iter().fold((0.0, 0.0), |(sxx, sxy), (x, y)| {
        (sxx + (x - mx).powi(2), sxy + (x - mx) * (y - my))
    });
    let slope = sxy / sxx;
    slope.is_finite().then_some(Line {
        at: my - slope * mx,
        slope,
    })
}

fn fitted(upper: &[(f64, f64)], lower: &[(f64, f64)], width: usize) -> Option<Wedge> {
    let ((upper, n_upper, r_upper), (lower, n_lower, r_lower)) = (line(upper)?, line(lower)?);
    let taper = upper.slope - lower.slope;
    let residual = r_upper.max(r_lower);
    if !TAPER.contains(&taper) || residual > STRAIGHT {
        return None;
    }
    let tip = (lower.at - upper.at - TIP_WIDTH) / taper;
    if !(SHORTEST * width as f64..width as f64).contains(&tip) {
        return None;
    }
    // near its tip a needle is no wider than an edge is blurred: one in twenty columns without edges is none the worse
    let seen = |n: usize| (n as f64 / (0.95 * (tip - START as f64))).min(1.0);
    let both = seen(n_upper).min(seen(n_lower));
    let fit = both * (1.0 - 0.4 * (residual / STRAIGHT).powi(2));
    Some(Wedge { upper, lower, tip, fit })
}
