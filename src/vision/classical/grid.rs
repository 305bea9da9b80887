//! The bars of a grid: what is bright around squares that are darker.

use super::level::{between, marked};
use super::{Found, Look};
use crate::filter::{Border, gaussian};
use crate::mask::{Component, components};
use ndarray::Array2;

/// Pixels over which the film's holes and the bars' grain are averaged.
const SMOOTH: f64 = 3.0;
/// Share of the picture that a square takes.
const SQUARE: std::ops::Range<f64> = 0.004..0.6;
/// Share of its box that a square fills; its corners are round.
const FILLED: f64 = 0.8;
/// Share of the picture that bars take.
const BARS: std::ops::Range<f64> = 0.15..0.85;

/// Everything that is bright, if there are whole squares in it.
pub(super) fn find(look: &Look) -> Option<Found> {
    let smooth = gaussian(look.grey.view(), SMOOTH, Border::Reflect);
    let (mut level, mut separated) = between(smooth.iter().copied())?;
    // squares whose film is gone are so dark that they stand alone: bars are told from film among the others
    let gone = smooth.iter().filter(|v| **v < level).count();
    if gone * 6 < smooth.len() {
        (level, separated) = between(smooth.iter().copied().filter(|v| *v >= level))?;
    }
    let dark = marked(&smooth, |_, v| v < level);
    let (h, w) = dark.dim();
    let filled = |part: &Component| {
        let b = part.bounds();
        let whole = b.x0 > 0 && b.y0 > 0 && b.x1 + 1 < w && b.y1 + 1 < h;
        let share = part.area as f64 / ((b.y1 - b.y0 + 1) * (b.x1 - b.x0 + 1)) as f64;
        (whole && SQUARE.contains(&(part.area as f64 / (h * w) as f64)) && share >= FILLED).then_some(share)
    };
    let squares: Vec<f64> = components(dark.view()).iter().filter_map(filled).collect();
    let pixels = Array2::from_shape_fn((h, w), |at| dark[at] == 0 && !look.taken[at]);
    let share = pixels.iter().filter(|pixel| **pixel).count() as f64 / pixels.len() as f64;
    if squares.is_empty() || !BARS.contains(&share) {
        return None;
    }
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    let told_apart = ((separated - 0.5) / 0.25).clamp(0.0, 1.0);
    Some(Found {
        pixels,
        fit: mean * told_apart,
    })
}
