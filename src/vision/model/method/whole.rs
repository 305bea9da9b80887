//! Networks that take a whole picture: smp's U-Nets and their ONNX exports, grey values divided by 255.
//!
//! The original refuses sides that are not multiples of 32. Here the picture's last row and column are repeated up to that, and the
//! result is cut. Pictures that are too large for the memory go through in overlapping tiles.

use super::tiles::{Tiling, first, input, ramps, spread};
use super::{Step, Watch};
use crate::model::{Engine, ModelError};
use ndarray::{Array2, Array3, s};

/// What a U-Net of five levels halves away.
const MULTIPLE: usize = 32;

/// Pixels that tiles have in common: what a ResNet sees around a pixel and still weighs much.
const OVERLAP: usize = 128;

pub(in crate::model) struct Whole {
    pub engine: Box<dyn Engine>,
    /// What grey values are divided by.
    pub scale: f32,
    /// Largest (rows, columns) that go through at once; a picture that is larger is tiled.
    pub largest: (usize, usize),
    pub channels: usize,
}

impl Whole {
    pub(super) fn logits(&self, picture: Array2<f32>, watch: Watch) -> Result<Array3<f32>, ModelError> {
        let (h, w) = picture.dim();
        let fixed = self.engine.input();
        let side = |n: usize, fixed: Option<usize>, largest: usize| {
            let free = n.next_multiple_of(MULTIPLE).min(largest.next_multiple_of(MULTIPLE));
            fixed.unwrap_or(free)
        };
        let size = (
            side(h, fixed.rows, self.largest.0),
            side(w, fixed.columns, self.largest.1),
        );
        let (rows, columns) = (h.max(size.0), w.max(size.1));
        let padded = Array2::from_shape_fn((rows, columns), |(y, x)| {
            picture[[y.min(h - 1), x.min(w - 1)]] / self.scale
        });
        let overlap = OVERLAP.min(size.0 / 4).min(size.1 / 4);
        let tiling = Tiling {
            size,
            rows: spread(rows, size.0, overlap),
            columns: spread(columns, size.1, overlap),
            weights: ramps(size, overlap),
        };
        let mut steps = Step {
            done: 0,
            of: tiling.count(),
        };
        let run = |tile| first(self.engine.run(input(tile, self.channels))?);
        let logits = tiling.blend(padded.view(), &mut steps, watch, run)?;
        Ok(logits.slice_move(s![.., ..h, ..w]))
    }
}
