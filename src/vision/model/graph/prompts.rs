//! Points that a person gives, as tokens: where they are by sines and cosines of random waves, and what they mean.

use super::proto::Attribute;
use super::{Edge, Graph};
use crate::model::checkpoint::Tensor;
use std::f32::consts::TAU;

/// ONNX's number for int64.
const INT64: i64 = 7;

impl Graph {
    /// Tokens (1, channels, n, 1) of `points` (1, n, 2), x and y in pixels of a square picture with that side, and of their `labels` (1, n): -1 no
    /// point, 0 not here, 1 here, 2 and 3 the corners of a box. `waves` is 2 x channels/2; `meanings` has a row for each label from -1 on.
    pub fn prompts(&mut self, points: &Edge, labels: &Edge, side: usize, waves: &Tensor, meanings: &Tensor) -> Edge {
        let channels = meanings.shape.get(1).copied().unwrap_or(0);
        // a pixel's middle, from -1 to 1
        let middle = self.shifted(points, 0.5);
        let part = self.scaled(&middle, 1.0 / side as f32);
        let part = self.scaled(&part, 2.0);
        let part = self.shifted(&part, -1.0);
        let waves = self.constant(waves);
        let phase = self.product(&part, &waves);
        let phase = self.scaled(&phase, TAU);
        let both = ["Sin", "Cos"].map(|kind| self.add(kind, &[&phase.name], &[], channels));
        let place = self.strung(&both, -1);
        let row = self.shifted(labels, 1.0);
        let index = self.add("Cast", &[&row.name], &[("to", Attribute::Int(INT64))], 1);
        let meanings = self.constant(meanings);
        let meaning = self.add("Gather", &[&meanings.name, &index.name], &[], channels);
        // what is no point is nowhere
        let one = self.vector(&[1.0]);
        let there = self.add("Min", &[&row.name, &one], &[], 1);
        let there = self.reshaped(&there, &[1, -1, 1], 1);
        let place = self.times(&place, &there);
        let tokens = self.plus(&place, &meaning);
        let tokens = self.transposed(&tokens, &[0, 2, 1]);
        self.reshaped(&tokens, &[1, channels as i64, -1, 1], channels)
    }

    /// `a` where `share` is 0 and `b` where it is 1.
    pub fn mixed(&mut self, a: &Edge, b: &Edge, share: &Edge) -> Edge {
        let less = self.scaled(share, -1.0);
        let rest = self.shifted(&less, 1.0);
        let (a, b) = (self.times(a, &rest), self.times(b, share));
        self.plus(&b, &a)
    }
}

/// The same waves at every pixel's middle of a square map: (1, channels, side, side).
pub fn waves_everywhere(waves: &Tensor, side: usize) -> Tensor {
    let n = waves.shape.get(1).copied().unwrap_or(0);
    let part = |i: usize| 2.0 * ((i as f32 + 0.5) / side as f32) - 1.0;
    let mut data = Vec::with_capacity(2 * n * side * side);
    for channel in 0..2 * n {
        let wave = channel % n;
        let (along_x, along_y) = (waves.data[wave], waves.data[n + wave]);
        for at in 0..side * side {
            let phase = TAU * (part(at % side) * along_x + part(at / side) * along_y);
            data.push(if channel < n { phase.sin() } else { phase.cos() });
        }
    }
    Tensor {
        shape: vec![1, 2 * n, side, side],
        data,
    }
}
