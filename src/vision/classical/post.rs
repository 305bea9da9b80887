//! Landing posts: bright pieces with straight flanks that reach into the picture from above or below and end in it.

use super::level::{between, marked};
use super::{Found, Look};
use crate::mask::{Component, components};
use ndarray::{Array2, s};

/// Share of the picture that a post takes.
const SIZE: std::ops::Range<f64> = 0.004..0.6;
/// Share of the picture's height that it reaches into it.
const REACH: f64 = 0.15;
/// Share of the pixels between its flanks that are its own.
const FILLED: f64 = 0.6;
/// Residual of the flanks' lines, in parts of its width.
const STRAIGHT: f64 = 0.06;

/// All posts; they fit as well as the best of them.
pub(super) fn find(look: &Look) -> Option<Found> {
    let free = look
        .grey
        .iter()
        .zip(&look.taken)
        .filter(|(_, taken)| !**taken)
        .map(|(v, _)| *v);
    let (level, separated) = between(free)?;
    let bright = marked(&look.grey, |at, v| v >= level && !look.taken[at]);
    let mut pixels = Array2::from_elem(look.grey.dim(), false);
    let mut best = 0.0f64;
    for part in components(bright.view()) {
        let Some(fit) = fit(&part, look.grey.dim()) else {
            continue;
        };
        best = best.max(fit);
        for run in &part.runs {
            pixels.slice_mut(s![run.y, run.x0..run.x1]).fill(true);
        }
    }
    // two groups of greys that run into each other separate by half
    let told_apart = ((separated - 0.5) / 0.25).clamp(0.0, 1.0);
    (best > 0.0).then_some(Found {
        pixels,
        fit: best * told_apart,
    })
}

fn fit(part: &Component, (h, w): (usize, usize)) -> Option<f64> {
    let b = part.bounds();
    let (above, below) = (b.y0 == 0, b.y1 + 1 == h);
    let beside = b.x0 == 0 || b.x1 + 1 == w;
    let height = b.y1 - b.y0 + 1;
    let sized = SIZE.contains(&(part.area as f64 / (h * w) as f64)) && height as f64 > REACH * h as f64;
    if above == below || beside || !sized {
        return None;
    }
    let mut ends: Vec<(f64, f64)> = vec![(f64::INFINITY, f64::NEG_INFINITY); height];
    for run in &part.runs {
        let end = &mut ends[run.y - b.y0];
        *end = (end.0.min(run.x0 as f64), end.1.max(run.x1 as f64));
    }
    let filled = part.area as f64 / ends.iter().map(|(from, to)| to - from).sum::<f64>();
    // its end may be cut unevenly: the flanks are those of the part away from it
    let flanks = if above {
        &ends[..height * 4 / 5]
    } else {
        &ends[height / 5..]
    };
    let width = flanks.iter().map(|(from, to)| to - from).sum::<f64>() / flanks.len() as f64;
    let crooked = residual(flanks.iter().map(|e| e.0)).max(residual(flanks.iter().map(|e| e.1))) / width;
    let straight = 1.0 - 0.5 * (crooked / STRAIGHT).powi(2);
    (filled >= FILLED && crooked < STRAIGHT).then(|| filled.sqrt() * straight)
}

/// Of a straight line through values one step apart.
fn residual(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    let (mx, my) = ((n - 1.0) / 2.0, values.clone().sum::<f64>() / n);
    let each = values.enumerate().map(|(x, y)| (x as f64 - mx, y - my));
    let slope = each.clone().map(|(x, y)| x * y).sum::<f64>() / each.clone().map(|(x, _)| x * x).sum::<f64>();
    (each.map(|(x, y)| (y - slope * x).powi(2)).sum::<f64>() / n).sqrt()
}
