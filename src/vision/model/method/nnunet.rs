//! nnU-Net's way to run its networks: cut to what is not zero, grey values as its plans say, half-overlapping windows, flips, mean over folds.

use super::tiles::{Tiling, first, framed, input};
use super::{Step, Watch};
use crate::filter::gaussian_kernel;
use crate::model::network::Plan;
use crate::model::{Engine, ModelError};
use ndarray::{Array2, Array3, Axis, Slice, s};

pub(in crate::model) struct Folds {
    pub engines: Vec<Box<dyn Engine>>,
    pub plan: Plan,
}

impl Folds {
    pub(super) fn logits(&self, picture: Array2<f32>, watch: Watch) -> Result<Array3<f32>, ModelError> {
        let (h, w) = picture.dim();
        let (rows, columns) = filled(&picture);
        let inside = picture.slice(s![rows.clone(), columns.clone()]).to_owned();
        let inside = self.plan.greys.apply(inside);
        let patch = self.plan.patch;
        let size = (inside.nrows().max(patch.0), inside.ncols().max(patch.1));
        let corner = ((size.0 - inside.nrows()) / 2, (size.1 - inside.ncols()) / 2);
        let framed = framed(inside.view(), size, corner, 0.0);
        let tiling = Tiling {
            size: patch,
            rows: starts(size.0, patch.0),
            columns: starts(size.1, patch.1),
            weights: weights(patch),
        };
        let mut steps = Step {
            done: 0,
            of: tiling.count() * self.engines.len(),
        };
        let mut sum: Option<Array3<f32>> = None;
        for engine in &self.engines {
            let run = |tile| self.mirrored(engine.as_ref(), tile);
            let logits = tiling.blend(framed.view(), &mut steps, &mut *watch, run)?;
            sum = Some(match sum {
                Some(sum) if sum.dim() == logits.dim() => sum + logits,
                Some(_) => return Err(ModelError::Output("folds of different classes".to_owned())),
                None => logits,
            });
        }
        let sum = sum.ok_or_else(|| ModelError::Output("no folds".to_owned()))? / self.engines.len() as f32;
        let within = sum.slice(s![
            ..,
            corner.0..corner.0 + inside.nrows(),
            corner.1..corner.1 + inside.ncols()
        ]);
        // Outside the cut there is background, and no doubt about it.
        let mut logits = Array3::from_elem((sum.dim().0, h, w), f32::NEG_INFINITY);
        logits.index_axis_mut(Axis(0), 0).fill(0.0);
        logits.slice_mut(s![.., rows, columns]).assign(&within);
        Ok(logits)
    }

    /// Mean over all combinations of flips along the axes that the plan allows.
    fn mirrored(&self, engine: &dyn Engine, tile: Array2<f32>) -> Result<Array3<f32>, ModelError> {
        let flips = |mask: usize| {
            (0..self.plan.mirror.len())
                .filter(move |i| mask >> i & 1 == 1)
                .map(|i| self.plan.mirror[i])
        };
        let combinations = 1 << self.plan.mirror.len();
        let mut sum: Option<Array3<f32>> = None;
        for mask in 0..combinations {
            let mut flipped = tile.clone();
            flips(mask).for_each(|axis| flipped.invert_axis(Axis(axis)));
            let mut result = first(engine.run(input(flipped.as_standard_layout().to_owned(), 1))?)?;
            flips(mask).for_each(|axis| result.slice_axis_inplace(Axis(axis + 1), Slice::new(0, None, -1)));
            sum = Some(match sum {
                Some(sum) if sum.dim() == result.dim() => sum + result,
                Some(_) => return Err(ModelError::Output("results of different sizes".to_owned())),
                None => result,
            });
        }
        let sum = sum.ok_or_else(|| ModelError::Output("nothing".to_owned()))?;
        Ok(sum / combinations as f32)
    }
}

/// Rows and columns of the smallest box about what is not 0; everything if all is 0.
fn filled(picture: &Array2<f32>) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let ends = |axis: Axis| {
        let lines = picture.axis_iter(axis).enumerate();
        let mut used = lines.filter(|(_, line)| line.iter().any(|v| *v != 0.0)).map(|(i, _)| i);
        let first = used.next();
        first.map_or(0..picture.len_of(axis), |first| {
            first..used.next_back().unwrap_or(first) + 1
        })
    };
    (ends(Axis(0)), ends(Axis(1)))
}

/// Starts of windows that are at most half their side apart.
fn starts(n: usize, patch: usize) -> Vec<usize> {
    let room = n - patch;
    let count = (room as f64 / (patch as f64 * 0.5)).ceil() as usize;
    let step = if count == 0 { 0.0 } else { room as f64 / count as f64 };
    (0..=count)
        .map(|i| (step * i as f64).round_ties_even() as usize)
        .collect()
}

/// A Gaussian of an eighth of the window about its middle, cut at four of them; nowhere 0.
fn weights((h, w): (usize, usize)) -> Array2<f32> {
    let axis = |n: usize| -> Vec<f64> {
        let kernel = gaussian_kernel(n as f64 / 8.0);
        let radius = kernel.len() / 2;
        let top = kernel[radius];
        let at = |i: usize| (i + radius).checked_sub(n / 2).and_then(|k| kernel.get(k));
        (0..n).map(|i| at(i).map_or(0.0, |v| v / top)).collect()
    };
    let (rows, columns) = (axis(h), axis(w));
    let bell = Array2::from_shape_fn((h, w), |(y, x)| (rows[y] * columns[x]) as f32);
    let least = bell.iter().copied().filter(|v| *v > 0.0).fold(f32::INFINITY, f32::min);
    bell.mapv(|v| if v > 0.0 { v } else { least })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_half_their_side_apart_at_most() {
        assert_eq!(starts(64, 64), [0]);
        assert_eq!(starts(100, 64), [0, 18, 36]);
        assert_eq!(starts(128, 64), [0, 32, 64]);
    }

    #[test]
    fn weights_are_one_in_the_middle_and_nowhere_zero() {
        let bell = weights((64, 48));
        assert_eq!(bell[[32, 24]], 1.0);
        assert!(bell.iter().all(|v| *v > 0.0));
    }
}
