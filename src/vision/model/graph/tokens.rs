//! Operations of transformers, on maps: a token is a pixel, its features are the channels.

use super::proto::Attribute;
use super::{Edge, Graph, Laid};
use crate::model::checkpoint::Tensor;

/// A map's (rows, columns), which attention has to know.
pub type Sides = (usize, usize);

impl Graph {
    /// A linear layer over the channels of each pixel. `weights` are outputs x inputs.
    pub fn linear(&mut self, x: &Edge, mut weights: Tensor, bias: Option<&[f32]>) -> Edge {
        weights.shape.extend([1, 1]);
        let laid = Laid::same(&weights, 1);
        self.conv(x, &weights, bias, laid)
    }

    /// The channels of each pixel to mean 0 and variance 1, then scaled and shifted.
    pub fn layer_norm(&mut self, x: &Edge, scale: &[f32], shift: &[f32], epsilon: f32) -> Edge {
        let last = self.transposed(x, &[0, 2, 3, 1]);
        let (scale, shift) = (self.vector(scale), self.vector(shift));
        let attributes = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(epsilon))];
        let normal = self.add(
            "LayerNormalization",
            &[&last.name, &scale, &shift],
            &attributes,
            x.channels,
        );
        self.transposed(&normal, &[0, 3, 1, 2])
    }

    /// Every pixel of `q` attends to every pixel of `k` and takes of `v`, in so many heads, which share the channels. `own` is the size of
    /// `q`; `None` is a list of tokens, one column.
    pub fn attention(&mut self, q: &Edge, k: &Edge, v: &Edge, heads: usize, own: Option<Sides>) -> Edge {
        let each = q.channels / heads;
        let split = |graph: &mut Graph, x: &Edge| {
            let shape = [1, heads as i64, each as i64, -1];
            graph.reshaped(x, &shape, q.channels)
        };
        let (q, k, v) = (split(self, q), split(self, k), split(self, v));
        let q = self.transposed(&q, &[0, 1, 3, 2]);
        let scores = self.product(&q, &k);
        let scores = self.scaled(&scores, 1.0 / (each as f32).sqrt());
        let scores = self.softmax(&scores);
        let scores = self.transposed(&scores, &[0, 1, 3, 2]);
        let taken = self.product(&v, &scores);
        let (rows, columns) = own.map_or((-1, 1), |(rows, columns)| (rows as i64, columns as i64));
        let channels = taken.channels;
        let shape = [1, channels as i64, rows, columns];
        self.reshaped(&taken, &shape, channels)
    }

    /// x times the probability that a normal deviate is below x.
    pub fn gelu(&mut self, x: &Edge) -> Edge {
        let inner = self.scaled(x, std::f32::consts::FRAC_1_SQRT_2);
        let inner = self.add("Erf", &[&inner.name], &[], x.channels);
        let inner = self.shifted(&inner, 1.0);
        let both = self.times(x, &inner);
        self.scaled(&both, 0.5)
    }

    /// Linear interpolation to a size, pixel areas aligned.
    pub fn interpolated(&mut self, x: &Edge, (rows, columns): Sides) -> Edge {
        let sizes = self.numbers(&[1, x.channels as i64, rows as i64, columns as i64]);
        // region of interest and scales are left empty
        let inputs = [x.name.as_str(), "", "", &sizes];
        let attributes = [
            ("coordinate_transformation_mode", Attribute::Text("half_pixel")),
            ("mode", Attribute::Text("linear")),
        ];
        self.add("Resize", &inputs, &attributes, x.channels)
    }

    /// A part of an axis.
    pub fn cut(&mut self, x: &Edge, axis: i64, (from, to): (usize, usize)) -> Edge {
        let [from, to, axis] = [from as i64, to as i64, axis].map(|v| self.numbers(&[v]));
        self.add("Slice", &[&x.name, &from, &to, &axis], &[], x.channels)
    }

    /// One after the other along an axis; the channels are those of the first.
    pub fn strung(&mut self, all: &[Edge], axis: i64) -> Edge {
        let names: Vec<&str> = all.iter().map(|x| x.name.as_str()).collect();
        let channels = all.first().map_or(0, |x| x.channels);
        self.add("Concat", &names, &[("axis", Attribute::Int(axis))], channels)
    }

    pub fn times(&mut self, a: &Edge, b: &Edge) -> Edge {
        self.add("Mul", &[&a.name, &b.name], &[], a.channels)
    }

    /// The matrix product over the last two axes.
    pub fn product(&mut self, a: &Edge, b: &Edge) -> Edge {
        self.add("MatMul", &[&a.name, &b.name], &[], a.channels)
    }

    pub fn transposed(&mut self, x: &Edge, order: &[i64]) -> Edge {
        self.add("Transpose", &[&x.name], &[("perm", Attribute::Ints(order))], x.channels)
    }

    /// -1 is what is left for that side.
    pub fn reshaped(&mut self, x: &Edge, shape: &[i64], channels: usize) -> Edge {
        let shape = self.numbers(shape);
        self.add("Reshape", &[&x.name, &shape], &[], channels)
    }

    pub fn scaled(&mut self, x: &Edge, by: f32) -> Edge {
        let by = self.vector(&[by]);
        self.add("Mul", &[&x.name, &by], &[], x.channels)
    }

    pub(super) fn shifted(&mut self, x: &Edge, by: f32) -> Edge {
        let by = self.vector(&[by]);
        self.add("Add", &[&x.name, &by], &[], x.channels)
    }

    pub(super) fn softmax(&mut self, x: &Edge) -> Edge {
        self.add("Softmax", &[&x.name], &[("axis", Attribute::Int(-1))], x.channels)
    }
}
