//! Grey levels that tell things apart.

use ndarray::Array2;

const BINS: usize = 256;

/// The level between two groups of values by Otsu's rule, and how well it separates them: the share of the variance between the groups, 0
/// to 1. `None` for values that are all the same.
pub(super) fn between(values: impl Iterator<Item = f32> + Clone) -> Option<(f32, f64)> {
    let (low, high) = values
        .clone()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    let width = (high - low) / BINS as f32;
    if !(width.is_finite() && width > 0.0) {
        return None;
    }
    let mut counts = [0.0f64; BINS];
    values.for_each(|v| counts[(((v - low) / width) as usize).min(BINS - 1)] += 1.0);
    let n: f64 = counts.iter().sum();
    let moment = |power: i32| -> f64 {
        counts
            .iter()
            .enumerate()
            .map(|(i, c)| c * (i as f64).powi(power))
            .sum::<f64>()
            / n
    };
    let (mean, variance) = (moment(1), moment(2) - moment(1).powi(2));
    let (mut below, mut sum, mut best) = (0.0, 0.0, (0, 0.0));
    for (i, count) in counts.iter().enumerate().take(BINS - 1) {
        below += count / n;
        sum += count / n * i as f64;
        if below > 0.0 && below < 1.0 {
            let spread = (mean * below - sum).powi(2) / (below * (1.0 - below));
            if spread > best.1 {
                best = (i, spread);
            }
        }
    }
    (variance > 0.0).then(|| (low + width * (best.0 as f32 + 1.0), best.1 / variance))
}

/// A mask of what is marked, for `mask::components`.
pub(super) fn marked(pixels: &Array2<f32>, mark: impl Fn((usize, usize), f32) -> bool) -> Array2<u8> {
    Array2::from_shape_fn(pixels.dim(), |at| u8::from(mark(at, pixels[at])))
}

/// Levels under which something is dark for this picture: three between its darkest and its middle greys.
pub(super) fn dark_levels(grey: &Array2<f32>) -> [f32; 3] {
    let mut sorted: Vec<f32> = grey.iter().step_by(7).copied().collect();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f64| {
        sorted
            .get((share * sorted.len() as f64) as usize)
            .copied()
            .unwrap_or(0.0)
    };
    let (low, middle) = (at(0.002), at(0.5));
    [0.3, 0.5, 0.7].map(|part| low + part * (middle - low))
}
