//! transformers' way to run its networks, and that of the small U-Net: every picture brought to one size, standardised, and the result brought back.
//!
//! Pictures are resized as its image library (Pillow) does it: in two passes that each round to whole grey values, with weights in fixed
//! point. With other rounding one grey value in twenty is a level off, which is seen in the labels.

use super::tiles::first;
use super::{Step, Watch};
use crate::model::network::Preparation;
use crate::model::{Engine, ModelError};
use ndarray::{Array2, Array3, Array4, ArrayView1, ArrayView2, s};

pub(in crate::model) struct Resized {
    pub engine: Box<dyn Engine>,
    pub prepared: Preparation,
}

impl Resized {
    pub(super) fn logits(&self, picture: Array2<f32>, watch: Watch) -> Result<Array3<f32>, ModelError> {
        if watch(Step { done: 0, of: 1 }).is_break() {
            return Err(ModelError::Cancelled);
        }
        let (h, w) = picture.dim();
        let (rows, columns) = self.prepared.size;
        let small = levels(picture.view(), columns);
        let small = levels(small.t(), rows).reversed_axes();
        let (mean, spread) = (self.prepared.mean, self.prepared.spread);
        let scale = self.prepared.scale;
        let channels = self.engine.input().channels.unwrap_or(3).min(3);
        let input = Array4::from_shape_fn((1, channels, rows, columns), |(_, c, y, x)| {
            (small[[y, x]] * scale - mean[c]) / spread[c]
        });
        let logits = first(self.engine.run(input)?)?;
        let planes: Vec<Array2<f32>> = logits
            .outer_iter()
            .map(|plane| drawn_out(drawn_out(plane, w).t(), h).reversed_axes())
            .collect();
        let views: Vec<ArrayView2<f32>> = planes.iter().map(|plane| plane.view()).collect();
        ndarray::stack(ndarray::Axis(0), &views).map_err(|e| ModelError::Output(e.to_string()))
    }
}

/// Pillow's weights are multiples of one part in so many powers of two.
const BITS: u32 = 22;

/// Rows of another length in whole grey levels: averaged over what a new pixel covers where they shrink.
fn levels(picture: ArrayView2<f32>, length: usize) -> Array2<f32> {
    let one = f64::from(1u32 << BITS);
    let fixed = |w: f64| (w * one).round() as i64;
    across(picture, length, true, fixed, |taps, row| {
        let sum: i64 = taps.iter().zip(row).map(|(tap, v)| tap * v.round() as i64).sum();
        ((sum + (1 << (BITS - 1))) >> BITS) as f32
    })
}

/// Rows of another length by linear interpolation, never averaged.
fn drawn_out(picture: ArrayView2<f32>, length: usize) -> Array2<f32> {
    let single = |w: f64| w as f32;
    across(picture, length, false, single, |taps, row| {
        taps.iter().zip(row).map(|(tap, v)| tap * v).sum()
    })
}

/// Rows of another length, pixel areas aligned: `weight` brings the taps of a new pixel into the numbers that `sum` reckons with.
fn across<T>(
    picture: ArrayView2<f32>,
    length: usize,
    averaged: bool,
    weight: impl Fn(f64) -> T,
    sum: impl Fn(&[T], ArrayView1<f32>) -> f32,
) -> Array2<f32> {
    let n = picture.ncols();
    let scale = n as f64 / length as f64;
    let support = if averaged { scale.max(1.0) } else { 1.0 };
    let all: Vec<(usize, Vec<T>)> = (0..length)
        .map(|i| {
            let (from, taps) = taps(i, n, scale, support);
            (from, taps.into_iter().map(&weight).collect())
        })
        .collect();
    let mut out = Array2::zeros((picture.nrows(), length));
    for (row, mut new) in picture.outer_iter().zip(out.outer_iter_mut()) {
        for ((from, taps), v) in all.iter().zip(new.iter_mut()) {
            *v = sum(taps, row.slice(s![*from..from + taps.len()]));
        }
    }
    out
}

/// Where the pixels that make the i-th new one begin, and their weights: a triangle about its middle.
fn taps(i: usize, n: usize, scale: f64, support: f64) -> (usize, Vec<f64>) {
    let middle = (i as f64 + 0.5) * scale;
    let from = (middle - support + 0.5).max(0.0) as usize;
    let to = ((middle + support + 0.5) as usize).min(n).max(from + 1);
    let weight = |x: usize| (1.0 - ((x as f64 - middle + 0.5) / support).abs()).max(0.0);
    let weights: Vec<f64> = (from.min(n - 1)..to.min(n)).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    (from.min(n - 1), weights.iter().map(|w| w / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_row_is_averaged_down_and_drawn_out() {
        let row = array![[0.0f32, 2.0, 4.0, 6.0]];
        let half = levels(row.view(), 2);
        assert_eq!(half, array![[1.0, 5.0]]);
        let twice = drawn_out(row.view(), 8);
        assert!(
            (twice[[0, 3]] - 2.5).abs() < 1e-6 && twice[[0, 0]] == 0.0 && twice[[0, 7]] == 6.0,
            "{twice}"
        );
    }
}
