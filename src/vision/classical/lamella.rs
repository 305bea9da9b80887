//! A lamella: the strip left standing between two dark trenches, one above the other and as wide.

use super::level::{dark_levels, marked};
use super::{Found, Look};
use crate::mask::{Box2, components};
use ndarray::{Array2, s};

/// Share of the picture that a trench takes at least and at most.
const TRENCH: std::ops::Range<f64> = 8e-4..0.25;
/// Share of its box that a trench fills.
const FILLED: f64 = 0.6;
/// Of the widths of two trenches, the share they have in common at least.
const ABREAST: f64 = 0.7;
/// The strip is at most so high for its width.
const HIGHEST: f64 = 0.6;

struct Trench {
    b: Box2,
    filled: f64,
}

/// The strip whose trenches fit best.
pub(super) fn find(look: &Look) -> Option<Found> {
    let all = dark_levels(&look.grey)
        .into_iter()
        .flat_map(|level| strips(look, level));
    let (strip, fit) = all.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let mut pixels = Array2::from_elem(look.grey.dim(), false);
    pixels
        .slice_mut(s![strip.y0..=strip.y1, strip.x0..=strip.x1])
        .fill(true);
    Some(Found { pixels, fit })
}

fn strips(look: &Look, level: f32) -> Vec<(Box2, f64)> {
    let dark = marked(&look.grey, |at, v| v < level && !look.taken[at]);
    let (n, (h, w)) = (look.grey.len() as f64, look.grey.dim());
    let trench = |part: crate::mask::Component| {
        let b = part.bounds();
        let filled = part.area as f64 / ((b.y1 - b.y0 + 1) * (b.x1 - b.x0 + 1)) as f64;
        // what the picture's rim cuts may be anything
        let whole = b.x0 > 0 && b.y0 > 0 && b.x1 + 1 < w && b.y1 + 1 < h;
        (whole && TRENCH.contains(&(part.area as f64 / n)) && filled >= FILLED).then_some(Trench { b, filled })
    };
    let trenches: Vec<Trench> = components(dark.view()).into_iter().filter_map(trench).collect();
    let pairs = trenches
        .iter()
        .flat_map(|upper| trenches.iter().map(move |lower| (upper, lower)));
    pairs.filter_map(|(upper, lower)| strip(look, upper, lower)).collect()
}

fn strip(look: &Look, upper: &Trench, lower: &Trench) -> Option<(Box2, f64)> {
    let (a, b) = (upper.b, lower.b);
    let strip = Box2 {
        y0: a.y1 + 1,
        y1: b.y0.checked_sub(1)?,
        x0: a.x0.max(b.x0),
        x1: a.x1.min(b.x1),
    };
    if strip.y1 < strip.y0 || strip.x1 <= strip.x0 {
        return None;
    }
    let (width, height) = ((strip.x1 - strip.x0 + 1) as f64, (strip.y1 - strip.y0 + 1) as f64);
    let whole = (a.x1.max(b.x1) - a.x0.min(b.x0) + 1) as f64;
    let abreast = width / whole;
    // from the right of a trench's own height, the other is no stranger
    let heights = [(a.y1 - a.y0 + 1) as f64, (b.y1 - b.y0 + 1) as f64];
    if abreast < ABREAST || height > HIGHEST * width || height > 4.0 * heights[0].max(heights[1]) {
        return None;
    }
    let mean = |b: Box2| look.grey.slice(s![b.y0..=b.y1, b.x0..=b.x1]).mean();
    let trenches = 0.5 * (mean(a)? + mean(b)?);
    let step = f64::from((mean(strip)? - trenches) / look.spread).clamp(0.0, 1.0);
    Some((strip, abreast * (upper.filled * lower.filled).sqrt() * step))
}
