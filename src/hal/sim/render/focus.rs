//! Focus: a picture blurred by a spot that may be stretched and that changes with the depth of what it falls on.
//!
//! A few blurred versions, each of one defocus, cover the depths of the view; every pixel takes its share of the two next to its own.

use super::relief::{BLOCK, Pass};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Covariance of a spot in pixels squared; columns right, rows down.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Kernel {
    pub xx: f32,
    pub xy: f32,
    pub yy: f32,
}

/// Blur under this standard deviation (px) changes nothing that a pixel shows.
const NEGLIGIBLE: f32 = 0.22;
/// Longest half kernel (px).
const LONGEST: usize = 240;

impl Kernel {
    /// Largest standard deviation (px).
    fn longest(&self) -> f32 {
        let (mean, half) = ((self.xx + self.yy) / 2.0, (self.xx - self.yy) / 2.0);
        (mean + half.hypot(self.xy)).max(0.0).sqrt()
    }

    fn shortest(&self) -> f32 {
        let (mean, half) = ((self.xx + self.yy) / 2.0, (self.xx - self.yy) / 2.0);
        (mean - half.hypot(self.xy)).max(0.0).sqrt()
    }
}

/// The signal of a pass as the beam resolves it. `kernel` gives the spot at a depth above the coincidence plane (m).
pub(super) fn resolve<'a>(pass: &'a Pass, kernel: impl Fn(f32) -> Kernel) -> Cow<'a, [f32]> {
    let (low, high) = pass
        .depth
        .iter()
        .fold((f32::MAX, f32::MIN), |(lo, hi), &d| (lo.min(d), hi.max(d)));
    // As many planes as it takes for the spot to change by less than a pixel, or a quarter, between two.
    let trials: Vec<f32> = (0..=16).map(|i| low + (high - low) * i as f32 / 16.0).collect();
    let spots: Vec<f32> = trials.iter().map(|&d| kernel(d).longest()).collect();
    let change: f32 = spots
        .windows(2)
        .map(|w| (w[0] - w[1]).abs() / (1.0f32).max(0.25 * w[0].min(w[1])))
        .sum();
    let planes = (change.ceil() as usize + 1).clamp(1, 9);
    if planes == 1 || change < 1.2 {
        let k = kernel((low + high) / 2.0);
        if k.longest() < NEGLIGIBLE {
            return Cow::Borrowed(&pass.signal);
        }
        return Cow::Owned(blurred(&pass.signal, pass.width, 0..pass.height, k));
    }

    let gap = (high - low) / (planes - 1) as f32;
    let (bw, bh) = pass.blocks();
    let layers: Vec<(Range<usize>, Vec<f32>)> = (0..planes)
        .map(|i| {
            let depth = low + gap * i as f32;
            let wanted = |by: &usize| {
                pass.depth[by * bw..(by + 1) * bw]
                    .iter()
                    .any(|d| (d - depth).abs() <= gap * 1.01)
            };
            // Depth is read between blocks, so a row beyond the last block that asks may ask too.
            let first = (0..bh).find(wanted).unwrap_or(0).saturating_sub(1) * BLOCK;
            let last = ((0..bh).rev().find(wanted).unwrap_or(bh - 1) + 2) * BLOCK;
            let rows = first..last.min(pass.height);
            (rows.clone(), blurred(&pass.signal, pass.width, rows, kernel(depth)))
        })
        .collect();

    let width = pass.width;
    let mut out = vec![0.0f32; pass.signal.len()];
    out.par_chunks_mut(width).enumerate().for_each(|(row, line)| {
        let y = ((row as f32 + 0.5) / BLOCK as f32 - 0.5).clamp(0.0, (bh - 1) as f32);
        let j = y as usize;
        let (ty, below) = (y - j as f32, (j + 1).min(bh - 1));
        // Which plane each block is sharp in, on this row.
        let planes_at: Vec<f32> = (0..bw)
            .map(|i| (pass.depth[j * bw + i] * (1.0 - ty) + pass.depth[below * bw + i] * ty - low) / gap)
            .collect();
        let layer = |p: usize| {
            let (rows, values) = &layers[p];
            rows.contains(&row)
                .then(|| &values[(row - rows.start) * width..(row - rows.start + 1) * width])
        };
        let rows: Vec<&[f32]> = (0..planes)
            .map(|p| layer(p).unwrap_or(&pass.signal[row * width..(row + 1) * width]))
            .collect();
        // From the middle of one block to the middle of the next the plane changes evenly.
        for i in 0..=bw {
            let (left, right) = (i.max(1) - 1, i.min(bw - 1));
            let first = (i * BLOCK).saturating_sub(BLOCK / 2);
            let last = (i * BLOCK + BLOCK / 2).min(width);
            let slope = (planes_at[right] - planes_at[left]) / BLOCK as f32;
            for (col, slot) in line.iter_mut().enumerate().take(last).skip(first) {
                let plane = (planes_at[left] + slope * (col - first) as f32).clamp(0.0, (planes - 1) as f32);
                let p = (plane as usize).min(planes - 2);
                let t = plane - p as f32;
                *slot = rows[p][col] * (1.0 - t) + rows[p + 1][col] * t;
            }
        }
    });
    Cow::Owned(out)
}

/// `rows` of a picture, blurred. Beyond the border the border repeats.
fn blurred(signal: &[f32], width: usize, rows: Range<usize>, kernel: Kernel) -> Vec<f32> {
    let height = signal.len() / width;
    if kernel.longest() < NEGLIGIBLE {
        return signal[rows.start * width..rows.end * width].to_vec();
    }
    // A wide spot needs no fine pixels: blur a smaller picture.
    let factor = (kernel.shortest() / 2.0).floor().clamp(1.0, 16.0) as usize;
    if factor > 1 {
        return shrunk_blur(signal, width, rows, kernel, factor);
    }
    // An anisotropic Gaussian is one along the rows after one along a slanted line.
    let slant = if kernel.yy > 1e-6 { kernel.xy / kernel.yy } else { 0.0 };
    let along = (kernel.xx - kernel.xy * slant).max(0.0);
    let vertical = taps(kernel.yy.sqrt());
    let horizontal = taps(along.sqrt());
    let (rv, rh) = (vertical.len() / 2, horizontal.len() / 2);
    let pad = rh + (slant.abs() * rv as f32).ceil() as usize + 1;
    let mut out = vec![0.0f32; rows.len() * width];
    out.par_chunks_mut(width).enumerate().for_each_init(
        || vec![0.0f32; width + 2 * pad],
        |padded, (i, line)| {
            padded.fill(0.0);
            let middle = &mut padded[pad..pad + width];
            for (k, &weight) in vertical.iter().enumerate() {
                let dy = k as i64 - rv as i64;
                let row = ((rows.start + i) as i64 + dy).clamp(0, height as i64 - 1) as usize;
                add_shifted(
                    middle,
                    &signal[row * width..(row + 1) * width],
                    slant * dy as f32,
                    weight,
                );
            }
            let (first, last) = (padded[pad], padded[pad + width - 1]);
            padded[..pad].fill(first);
            padded[pad + width..].fill(last);
            line.fill(0.0);
            for (k, &weight) in horizontal.iter().enumerate() {
                let source = &padded[pad + k - rh..pad + k - rh + width];
                for (o, s) in line.iter_mut().zip(source) {
                    *o += weight * s;
                }
            }
        },
    );
    out
}

/// out[i] += weight * source[i + shift], between pixels, clamped at the ends.
fn add_shifted(out: &mut [f32], source: &[f32], shift: f32, weight: f32) {
    let whole = shift.floor();
    let (n, t) = (source.len() as i64, shift - whole);
    let (a, b) = (weight * (1.0 - t), weight * t);
    let from = whole as i64;
    if from == 0 && t == 0.0 {
        for (o, s) in out.iter_mut().zip(source) {
            *o += weight * s;
        }
        return;
    }
    // The inside needs no clamping.
    let (lo, hi) = ((-from).clamp(0, n), (n - 1 - from).clamp(0, n));
    let clamped = |i: i64| source[i.clamp(0, n - 1) as usize];
    for i in (0..lo).chain(hi.max(lo)..n) {
        out[i as usize] += a * clamped(i + from) + b * clamped(i + from + 1);
    }
    if hi > lo {
        let start = (lo + from) as usize;
        let inside = &source[start..];
        for ((o, s0), s1) in out[lo as usize..hi as usize].iter_mut().zip(inside).zip(&inside[1..]) {
            *o += a * s0 + b * s1;
        }
    }
}

fn taps(sigma: f32) -> Vec<f32> {
    if sigma < 0.1 {
        return vec![1.0];
    }
    let reach = ((3.0 * sigma).ceil() as usize).clamp(1, LONGEST) as i32;
    let weights: Vec<f32> = (-reach..=reach)
        .map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp())
        .collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

fn shrunk_blur(signal: &[f32], width: usize, rows: Range<usize>, kernel: Kernel, factor: usize) -> Vec<f32> {
    let height = signal.len() / width;
    let (w, h) = (width.div_ceil(factor), height.div_ceil(factor));
    let mut small = vec![0.0f32; w * h];
    small.par_chunks_mut(w).enumerate().for_each(|(j, line)| {
        let ys = j * factor..((j + 1) * factor).min(height);
        for (i, slot) in line.iter_mut().enumerate() {
            let xs = i * factor..((i + 1) * factor).min(width);
            let n = (xs.len() * ys.len()) as f32;
            *slot = ys
                .clone()
                .map(|y| signal[y * width + xs.start..y * width + xs.end].iter().sum::<f32>())
                .sum::<f32>()
                / n;
        }
    });
    let f2 = (factor * factor) as f32;
    // Shrinking and growing again have blurred by about a sixth of a small pixel squared already.
    let done = 1.0 / 6.0;
    let rest = Kernel {
        xx: (kernel.xx / f2 - done).max(0.0),
        xy: kernel.xy / f2,
        yy: (kernel.yy / f2 - done).max(0.0),
    };
    let small = blurred(&small, w, 0..h, rest);
    let mut out = vec![0.0f32; rows.len() * width];
    let place = |k: usize, n: usize| {
        let v = ((k as f32 + 0.5) / factor as f32 - 0.5).clamp(0.0, (n - 1) as f32);
        (v as usize, (v as usize + 1).min(n - 1), v.fract())
    };
    out.par_chunks_mut(width).enumerate().for_each(|(i, line)| {
        let (j0, j1, ty) = place(rows.start + i, h);
        for (col, slot) in line.iter_mut().enumerate() {
            let (i0, i1, tx) = place(col, w);
            let row = |j: usize| small[j * w + i0] * (1.0 - tx) + small[j * w + i1] * tx;
            *slot = row(j0) * (1.0 - ty) + row(j1) * ty;
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(width: usize, height: usize) -> Vec<f32> {
        let mut picture = vec![0.0; width * height];
        picture[(height / 2) * width + width / 2] = 1.0;
        picture
    }

    /// Sum and second moments about the middle.
    fn moments(picture: &[f32], width: usize) -> [f32; 4] {
        let mut m = [0.0; 4];
        for (k, v) in picture.iter().enumerate() {
            let (x, y) = (
                (k % width) as f32 - (width / 2) as f32,
                (k / width) as f32 - (picture.len() / width / 2) as f32,
            );
            m[0] += v;
            m[1] += v * x * x;
            m[2] += v * x * y;
            m[3] += v * y * y;
        }
        m
    }

    #[test]
    fn a_dot_becomes_the_spot() {
        for kernel in [
            Kernel {
                xx: 4.0,
                xy: 0.0,
                yy: 1.0,
            },
            Kernel {
                xx: 3.0,
                xy: 2.0,
                yy: 2.5,
            },
            Kernel {
                xx: 5.0,
                xy: -3.0,
                yy: 4.0,
            },
            Kernel {
                xx: 60.0,
                xy: 10.0,
                yy: 50.0,
            },
        ] {
            let out = blurred(&dot(129, 101), 129, 0..101, kernel);
            let [sum, xx, xy, yy] = moments(&out, 129);
            assert!((sum - 1.0).abs() < 1e-3, "light is kept: {sum}");
            for (seen, wanted) in [(xx, kernel.xx), (xy, kernel.xy), (yy, kernel.yy)] {
                assert!(
                    (seen / sum - wanted).abs() < 0.08 * kernel.longest().powi(2) + 0.2,
                    "{kernel:?}: {seen} {wanted}"
                );
            }
        }
    }

    #[test]
    fn rows_are_blurred_as_part_of_the_whole() {
        let picture: Vec<f32> = (0..60 * 40).map(|k| ((k * 7919) % 101) as f32).collect();
        let kernel = Kernel {
            xx: 3.0,
            xy: 1.0,
            yy: 2.0,
        };
        let whole = blurred(&picture, 60, 0..40, kernel);
        assert_eq!(blurred(&picture, 60, 10..20, kernel), whole[600..1200]);
    }
}
