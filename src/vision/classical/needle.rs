//! The needle: a bright wedge that comes in over a side of the picture and whose straight edges run together to its tip.

use super::{Found, Look};
use ndarray::{Array2, ArrayView2, Axis};

/// Rows over which an edge is a difference, to either side.
const REACH: usize = 2;
/// Columns from the side where edges are looked for.
const START: usize = 3;
/// Steepness of an edge, in parts of the picture's spread.
const STEEP: f32 = 0.3;
/// An edge that has lost this share of what it began with has ended: what comes after is another's, or chance.
const FADES: f32 = 0.35;
/// Rows an edge may wander from one column to the next.
const WANDER: isize = 2;
/// Columns without an edge after which it has ended.
const MOST_MISSED: usize = 14;
/// Columns over which an edge's direction is followed, and how many tell one.
const FOLLOWED: usize = 40;
const TELLING: f64 = 8.0;
/// Points that make a line.
const FEWEST: usize = 20;
/// Share of the picture's length that is needle at least, and of its height that it is wide at most.
const SHORTEST: f64 = 0.12;
const WIDEST: f64 = 1.0 / 3.0;
/// Rows between its edges at least.
const THINNEST: f64 = 4.0;
/// Residual of the edges' lines, pixels.
const STRAIGHT: f64 = 1.3;
/// Lost width per length: a needle is neither a bar nor a triangle.
const TAPER: std::ops::Range<f64> = 0.02..0.6;
/// Pixels beyond the wedge's edges where its surroundings are looked at.
const BESIDE: f64 = 5.0;
/// Of the brightness over its surroundings that the wedge has before its end, the share at which it ends.
const ENDS: f32 = 0.4;
/// Columns before and behind its end over which it is asked whether it ended, or whether something as bright lies behind it.
const ABOUT: usize = 10;

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

/// An edge that begins at the side.
struct Edge {
    line: Line,
    /// Columns in which it was seen, and how far they are from the line, root mean square.
    seen: usize,
    residual: f64,
}

/// A wedge in a picture that is turned so that it comes from the left.
struct Wedge {
    upper: Line,
    lower: Line,
    /// Column of the tip.
    tip: f64,
    fit: f64,
}

/// The wedge that fits best of those from every side.
pub(super) fn find(look: &Look) -> Option<Found> {
    let grey = look.grey.view();
    let wedges = (0..4).filter_map(|side| Some((side, wedge(&turned(grey, side), look.spread)?)));
    let (side, wedge) = wedges.reduce(|best, next| if next.1.fit > best.1.fit { next } else { best })?;
    let mut pixels = Array2::from_elem(look.grey.dim(), false);
    for (at, pixel) in turned(pixels.view_mut(), side).indexed_iter_mut() {
        let (row, column) = (at.0 as f64, at.1 as f64);
        *pixel = column <= wedge.tip && row >= wedge.upper.row(column) - 0.5 && row <= wedge.lower.row(column) + 0.5;
    }
    Some(Found { pixels, fit: wedge.fit })
}

/// The left side (0) stays; the right (1), upper (2) or lower (3) one comes to be the left.
fn turned<S: ndarray::RawData>(
    pixels: ndarray::ArrayBase<S, ndarray::Ix2>,
    side: usize,
) -> ndarray::ArrayBase<S, ndarray::Ix2> {
    let mut pixels = if side >= 2 { pixels.reversed_axes() } else { pixels };
    if side % 2 == 1 {
        pixels.invert_axis(Axis(1));
    }
    pixels
}

fn wedge(grey: &ArrayView2<f32>, spread: f32) -> Option<Wedge> {
    let least = STEEP * spread;
    let (uppers, lowers) = (edges(grey, 1.0, least), edges(grey, -1.0, least));
    let pairs = uppers
        .iter()
        .flat_map(|upper| lowers.iter().map(move |lower| (upper, lower)));
    let wedges = pairs.filter_map(|(upper, lower)| joined(upper, lower, grey));
    wedges.reduce(|best, next| if next.fit > best.fit { next } else { best })
}

/// Edges that begin at the side: where it becomes brighter downwards (sign 1) or darker (-1).
fn edges(grey: &ArrayView2<f32>, sign: f32, least: f32) -> Vec<Edge> {
    let rise = |y: usize| sign * rise(grey, y, START);
    let begins =
        (1..grey.nrows() - 1).filter(|y| rise(*y) > least && rise(*y) >= rise(y - 1) && rise(*y) > rise(y + 1));
    begins
        .filter_map(|y| line(&track(grey, y, sign, least.max(FADES * rise(y)))))
        .collect()
}

/// How much brighter it is below than above a place.
fn rise(grey: &ArrayView2<f32>, y: usize, x: usize) -> f32 {
    match y >= REACH && y + REACH < grey.nrows() {
        true => grey[[y + REACH, x]] - grey[[y - REACH, x]],
        false => 0.0,
    }
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
            .filter(|y| (1..h as isize - 1).contains(y))
            .map(|y| (y as usize, sign * rise(grey, y as usize, x)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        match best.filter(|(_, v)| *v > least) {
            Some((y, v)) => {
                missed = 0;
                row = y as f64 + finer([sign * rise(grey, y - 1, x), v, sign * rise(grey, y + 1, x)]);
                found.push((x as f64, row));
                let (x0, y0) = found[found.len().saturating_sub(FOLLOWED)];
                if x as f64 - x0 >= TELLING {
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

/// Where between three rows the middle one's peak is, by a parabola.
fn finer([before, top, after]: [f32; 3]) -> f64 {
    let bend = 2.0 * top - before - after;
    match bend > 0.0 {
        true => f64::from(0.5 * (after - before) / bend).clamp(-0.5, 0.5),
        false => 0.0,
    }
}

/// The line through most of the points.
fn line(points: &[(f64, f64)]) -> Option<Edge> {
    let mut line = least_squares(points)?;
    let mut kept = Vec::new();
    for limit in [6.0, 3.0, 2.0 * STRAIGHT] {
        let near = |(x, y): &(f64, f64)| (y - line.row(*x)).abs() <= limit;
        kept = points.iter().copied().filter(near).collect();
        line = least_squares(&kept)?;
    }
    let squares = kept.iter().map(|(x, y)| (y - line.row(*x)).powi(2)).sum::<f64>();
    Some(Edge {
        line,
        seen: kept.len(),
        residual: (squares / kept.len() as f64).sqrt(),
    })
}

fn least_squares(points: &[(f64, f64)]) -> Option<Line> {
    let n = points.len() as f64;
    if points.len() < FEWEST {
        return None;
    }
    let (sx, sy) = points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (mx, my) = (sx / n, sy / n);
    let (sxx, sxy) = points.iter().fold((0.0, 0.0), |(sxx, sxy), (x, y)| {
        (sxx + (x - mx).powi(2), sxy + (x - mx) * (y - my))
    });
    let slope = sxy / sxx;
    slope.is_finite().then_some(Line {
        at: my - slope * mx,
        slope,
    })
}

fn joined(upper: &Edge, lower: &Edge, grey: &ArrayView2<f32>) -> Option<Wedge> {
    let (h, w) = grey.dim();
    let taper = upper.line.slope - lower.line.slope;
    let residual = upper.residual.max(lower.residual);
    let wide = lower.line.row(START as f64) - upper.line.row(START as f64);
    if !TAPER.contains(&taper) || residual > STRAIGHT || !(THINNEST..WIDEST * h as f64).contains(&wide) {
        return None;
    }
    let meets = (lower.line.at - upper.line.at) / taper;
    if !(SHORTEST * w as f64..w as f64).contains(&meets) {
        return None;
    }
    // near its tip a needle is no wider than an edge is blurred: one in twenty columns without edges is none the worse
    let seen = |edge: &Edge| (edge.seen as f64 / (0.95 * (meets - START as f64))).min(1.0);
    let wedge = Wedge {
        upper: upper.line,
        lower: lower.line,
        tip: meets,
        fit: seen(upper).min(seen(lower)) * (1.0 - 0.8 * (residual / STRAIGHT).powi(2)),
    };
    let (tip, lit) = end(grey, &wedge)?;
    Some(Wedge {
        tip,
        fit: wedge.fit * lit,
        ..wedge
    })
}

/// Where the wedge ends, and in which share of the columns before it is brighter than beside it. It ends before its edges meet, since a tip
/// is round: at the column from which on it is no longer brighter; `None` where that is because something as bright begins there.
fn end(grey: &ArrayView2<f32>, wedge: &Wedge) -> Option<(f64, f64)> {
    let (h, w) = grey.dim();
    let at = |row: f64, column: usize| grey[[(row.round().max(0.0) as usize).min(h - 1), column]];
    let inside = |column: usize| {
        let x = column as f64;
        at(0.5 * (wedge.upper.row(x) + wedge.lower.row(x)), column)
    };
    let beside = |column: usize| {
        let x = column as f64;
        0.5 * (at(wedge.upper.row(x) - BESIDE, column) + at(wedge.lower.row(x) + BESIDE, column))
    };
    let mean = |of: &dyn Fn(usize) -> f32, from: usize, to: usize| {
        let n = to.saturating_sub(from).max(1);
        (from..from + n).map(|column| of(column.min(w - 1))).sum::<f32>() / n as f32
    };
    let above = |column: usize| inside(column) - beside(column);
    let last = (wedge.tip as usize).min(w - 2);
    let (first, typical) = (last / 2, mean(&above, last / 3, last * 9 / 10));
    let seen = (first + 1..=last)
        .rev()
        .find(|column| mean(&above, column - 1, column + 2) > ENDS * typical)?;
    let before = seen.saturating_sub(ABOUT);
    let (bright, dark) = (mean(&inside, before, seen), mean(&beside, before, seen));
    let behind = mean(&beside, seen + 2, seen + 2 + ABOUT).max(mean(&inside, seen + 4, seen + 4 + ABOUT));
    let lit = (START..seen).filter(|column| above(*column) > ENDS * typical).count();
    let ended = behind < dark + 0.5 * (bright - dark);
    ended.then(|| (seen as f64, lit as f64 / (seen - START).max(1) as f64))
}
