//! Networks of square windows over a picture whose background was taken away: those of openFIBSEM's window models.

use super::tiles::{Tiling, first, framed, input};
use super::{Step, Watch};
use crate::filter::{Border, gaussian};
use crate::model::{Engine, ModelError};
use ndarray::{Array2, Array3, s};

/// Standard deviation of the blur that stands for the background, pixels.
const BACKGROUND: f64 = 24.0;

pub(in crate::model) struct Window {
    pub engine: Box<dyn Engine>,
    /// Rows and columns of the window.
    pub side: usize,
}

impl Window {
    /// Windows a fifth of their side apart, weighted by a Gaussian of a quarter of it; zeros beyond the right and lower edge.
    pub(super) fn logits(&self, picture: Array2<f32>, watch: Watch) -> Result<Array3<f32>, ModelError> {
        let (h, w) = picture.dim();
        let step = (self.side / 5).max(1);
        let padded = |n: usize| n + self.side - n % step;
        let whole = framed(standardised(&picture).view(), (padded(h), padded(w)), (0, 0), 0.0);
        let starts = |n: usize| (0..=padded(n) - self.side).step_by(step).collect();
        let tiling = Tiling {
            size: (self.side, self.side),
            rows: starts(h),
            columns: starts(w),
            weights: bell(self.side),
        };
        let mut steps = Step {
            done: 0,
            of: tiling.count(),
        };
        let run = |tile| first(self.engine.run(input(tile, 3))?);
        let logits = tiling.blend(whole.view(), &mut steps, watch, run)?;
        Ok(logits.slice_move(s![.., ..h, ..w]))
    }
}

/// Without the background, at a standard deviation of 1. A constant picture becomes zeros.
fn standardised(picture: &Array2<f32>) -> Array2<f32> {
    let flat = picture - &gaussian(picture.view(), BACKGROUND, Border::Mirror);
    let spread = flat.mapv(f64::from).std(0.0).max(f64::EPSILON) as f32;
    flat / spread
}

fn bell(side: usize) -> Array2<f32> {
    let (middle, sigma) = ((side - 1) as f64 / 2.0, side as f64 / 4.0);
    let one = |i: usize| (-(i as f64 - middle).powi(2) / (2.0 * sigma * sigma)).exp();
    let top = one((side - 1) / 2);
    Array2::from_shape_fn((side, side), |(y, x)| (one(y) * one(x) / (top * top)) as f32)
}
