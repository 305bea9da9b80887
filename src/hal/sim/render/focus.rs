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

/// Depths at which the spots of a view are looked at.
pub(super) const TRIALS: usize = 17;

fn depths(pass: &Pass) -> (f32, f32) {
    let all = pass.depth.iter();
    all.fold((f32::MAX, f32::MIN), |(lo, hi), &d| (lo.min(d), hi.max(d)))
}

/// The spots on what a pass sees, nearest last: equal ones resolve it equally.
pub(super) fn spots(pass: &Pass, kernel: impl Fn(f32) -> Kernel) -> [Kernel; TRIALS] {
    let (low, high) = depths(pass);
    std::array::from_fn(|i| kernel(low + (high - low) * i as f32 / (TRIALS - 1) as f32))
}

/// The signal of a pass as the beam resolves it. `kernel` gives the spot at a depth above the coincidence plane (m).
pub(super) fn resolve<'a>(pass: &'a Pass, kernel: impl Fn(f32) -> Kernel) -> Cow<'a, [f32]> {
    let (low, high) = depths(pass);
    // As many planes as it takes for the spot to change by less than a pixel, or a quarter, between two.
    let spots = spots(pass, &kernel).map(|k| k.longest());
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
        return Cow::Owned(blurred(&pass.signal, pass.width, &Wanted::all(pass), k));
    }

    let gap = (high - low) / (planes - 1) as f32;
    let (bw, bh) = pass.blocks();
    let layers: Vec<Vec<f32>> = (0..planes)
        .map(|i| {
            let depth = low + gap * i as f32;
            let wanted = Wanted::new(pass, depth - gap * 1.01..depth + gap * 1.01);
            blurred(&pass.signal, pass.width, &wanted, kernel(depth))
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
        let rows: Vec<&[f32]> = layers.iter().map(|l| &l[row * width..(row + 1) * width]).collect();
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

/// The columns of each row of blocks in which a blur is asked for.
struct Wanted(Vec<Vec<Range<usize>>>);

impl Wanted {
    fn all(pass: &Pass) -> Self {
        Wanted(vec![vec![0..pass.width]; pass.blocks().1])
    }

    /// Where depths of the range are met: depth is read between blocks, so that a block speaks for its neighbours too.
    fn new(pass: &Pass, depths: Range<f32>) -> Self {
        let (bw, bh) = pass.blocks();
        let meets = |i: usize, j: usize| {
            let (mut low, mut high) = (f32::MAX, f32::MIN);
            for j in j.saturating_sub(1)..(j + 2).min(bh) {
                for depth in &pass.depth[j * bw..][i.saturating_sub(1)..(i + 2).min(bw)] {
                    (low, high) = (low.min(*depth), high.max(*depth));
                }
            }
            low <= depths.end && high >= depths.start
        };
        let row = |j: usize| {
            let mut runs: Vec<Range<usize>> = Vec::new();
            for i in (0..bw).filter(|&i| meets(i, j)) {
                let (from, to) = (i * BLOCK, ((i + 1) * BLOCK).min(pass.width));
                match runs.last_mut() {
                    Some(last) if last.end == from => last.end = to,
                    _ => runs.push(from..to),
                }
            }
            runs
        };
        Wanted((0..bh).map(row).collect())
    }

    fn columns(&self, row: usize) -> &[Range<usize>] {
        &self.0[row / BLOCK]
    }
}

/// A picture, blurred where it is wanted and 0 elsewhere. Beyond the border the border repeats.
fn blurred(signal: &[f32], width: usize, wanted: &Wanted, kernel: Kernel) -> Vec<f32> {
    let height = signal.len() / width;
    if kernel.longest() < NEGLIGIBLE {
        return signal.to_vec();
    }
    // A wide spot needs no fine pixels: blur a smaller picture.
    let factor = (kernel.shortest() / 2.0).floor().clamp(1.0, 16.0) as usize;
    if factor > 1 {
        return shrunk_blur(signal, width, wanted, kernel, factor);
    }
    // An anisotropic Gaussian is one along the rows after one along a slanted line.
    let slant = if kernel.yy > 1e-6 { kernel.xy / kernel.yy } else { 0.0 };
    let along = (kernel.xx - kernel.xy * slant).max(0.0);
    let vertical = taps(kernel.yy.sqrt());
    let horizontal = taps(along.sqrt());
    let (rv, rh) = (vertical.len() / 2, horizontal.len() / 2);
    let mut out = vec![0.0f32; signal.len()];
    out.par_chunks_mut(width).enumerate().for_each_init(
        || vec![0.0f32; width + 2 * rh],
        |padded, (row, line)| {
            for columns in wanted.columns(row) {
                // What the horizontal blur of these columns asks for, and of that what lies in the picture.
                let inside = columns.start.saturating_sub(rh)..(columns.end + rh).min(width);
                let before = rh - (columns.start - inside.start);
                let padded = &mut padded[..columns.len() + 2 * rh];
                padded.fill(0.0);
                let middle = &mut padded[before..before + inside.len()];
                for (k, &weight) in vertical.iter().enumerate() {
                    let dy = k as i64 - rv as i64;
                    let source = (row as i64 + dy).clamp(0, height as i64 - 1) as usize;
                    let source = &signal[source * width..(source + 1) * width];
                    add_shifted(middle, source, inside.start, slant * dy as f32, weight);
                }
                let (first, last) = (middle[0], middle[inside.len() - 1]);
                padded[..before].fill(first);
                padded[before + inside.len()..].fill(last);
                let line = &mut line[columns.clone()];
                for (k, &weight) in horizontal.iter().enumerate() {
                    for (o, s) in line.iter_mut().zip(&padded[k..]) {
                        *o += weight * s;
                    }
                }
            }
        },
    );
    out
}

/// out[i] += weight * source[first + i + shift], between pixels, clamped at the ends.
fn add_shifted(out: &mut [f32], source: &[f32], first: usize, shift: f32, weight: f32) {
    let whole = shift.floor();
    let (n, t) = (source.len() as i64, shift - whole);
    let (a, b) = (weight * (1.0 - t), weight * t);
    let from = first as i64 + whole as i64;
    // The inside needs no clamping.
    let count = out.len() as i64;
    let (lo, hi) = ((-from).clamp(0, count), (n - 1 - from).clamp(0, count));
    let clamped = |i: i64| source[i.clamp(0, n - 1) as usize];
    for i in (0..lo).chain(hi.max(lo)..count) {
        out[i as usize] += a * clamped(i + from) + b * clamped(i + from + 1);
    }
    if hi > lo {
        let inside = &source[(lo + from) as usize..];
        let out = &mut out[lo as usize..hi as usize];
        if t == 0.0 {
            for (o, s) in out.iter_mut().zip(inside) {
                *o += a * s;
            }
            return;
        }
        for ((o, s0), s1) in out.iter_mut().zip(inside).zip(&inside[1..]) {
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

fn shrunk_blur(signal: &[f32], width: usize, wanted: &Wanted, kernel: Kernel, factor: usize) -> Vec<f32> {
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
    let everywhere = Wanted(vec![vec![0..w]; h.div_ceil(BLOCK)]);
    let small = blurred(&small, w, &everywhere, rest);
    let mut out = vec![0.0f32; signal.len()];
    let place = |k: usize, n: usize| {
        let v = ((k as f32 + 0.5) / factor as f32 - 0.5).clamp(0.0, (n - 1) as f32);
        let whole = v as i32;
        (whole as usize, (whole as usize + 1).min(n - 1), v - whole as f32)
    };
    out.par_chunks_mut(width).enumerate().for_each(|(row, line)| {
        let (j0, j1, ty) = place(row, h);
        let (above, below) = (&small[j0 * w..(j0 + 1) * w], &small[j1 * w..(j1 + 1) * w]);
        for columns in wanted.columns(row) {
            for (slot, col) in line[columns.clone()].iter_mut().zip(columns.clone()) {
                let (i0, i1, tx) = place(col, w);
                let (a, b) = (
                    above[i0] + (above[i1] - above[i0]) * tx,
                    below[i0] + (below[i1] - below[i0]) * tx,
                );
                *slot = a + (b - a) * ty;
            }
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
            let out = blurred(&dot(129, 101), 129, &Wanted(vec![vec![0..129]; 7]), kernel);
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
    fn parts_are_blurred_as_part_of_the_whole() {
        let picture: Vec<f32> = (0..60 * 40).map(|k| ((k * 7919) % 101) as f32).collect();
        for (xx, yy) in [(3.0, 2.0), (40.0, 30.0)] {
            let kernel = Kernel { xx, xy: 1.0, yy };
            let whole = blurred(&picture, 60, &Wanted(vec![vec![0..60]; 3]), kernel);
            let last = 48..60;
            let some = [vec![0..16, 32..48], vec![], vec![last]];
            let parts = blurred(&picture, 60, &Wanted(some.to_vec()), kernel);
            for (row, (whole, part)) in whole.chunks(60).zip(parts.chunks(60)).enumerate() {
                for columns in &some[row / BLOCK] {
                    for (a, b) in whole[columns.clone()].iter().zip(&part[columns.clone()]) {
                        assert!((a - b).abs() < 1e-3, "{row} {columns:?}: {a} {b}");
                    }
                }
            }
        }
    }
}
