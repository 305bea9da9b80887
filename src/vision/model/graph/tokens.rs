//! Operations of transformers, on maps: a token is a pixel, its features are the channels.

use super::proto::{self, Attribute, Side};
use super::{Edge, Graph, Laid};
use crate::model::checkpoint::Tensor;
use crate::model::graph::proto::Message;

/// A map's (rows, columns), which attention has to know.
pub type Sides = (usize, usize);

impl Graph {
    /// As [`Graph::new`], for pictures of one size, one at a time.
    pub fn fixed(name: &str, channels: usize, (rows, columns): Sides) -> (Self, Edge) {
        let sides = [1, channels, rows, columns].map(Side::Fixed);
        let graph = Message::default()
            .text(2, name)
            .message(11, proto::value("input", &sides));
        let input = Edge {
            name: "input".to_owned(),
            channels,
        };
        (Graph { graph, made: 0 }, input)
    }

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

    /// Every pixel of `q` attends to every pixel of `k` and takes of `v`, in so many heads, which share the channels.
    pub fn attention(&mut self, q: &Edge, k: &Edge, v: &Edge, heads: usize, (own, other): (Sides, Sides)) -> Edge {
        let each = q.channels / heads;
        let split = |graph: &mut Graph, x: &Edge, sides: Sides| {
            let shape = [1, heads as i64, each as i64, (sides.0 * sides.1) as i64];
            graph.reshaped(x, &shape, q.channels)
        };
        let (q, k, v) = (split(self, q, own), split(self, k, other), split(self, v, other));
        let q = self.transposed(&q, &[0, 1, 3, 2]);
        let scores = self.product(&q, &k);
        let scores = self.scaled(&scores, 1.0 / (each as f32).sqrt());
        let scores = self.add(
            "Softmax",
            &[&scores.name],
            &[("axis", Attribute::Int(-1))],
            scores.channels,
        );
        let scores = self.transposed(&scores, &[0, 1, 3, 2]);
        let taken = self.product(&v, &scores);
        let shape = [1, taken.channels as i64, own.0 as i64, own.1 as i64];
        let channels = taken.channels;
        self.reshaped(&taken, &shape, channels)
    }

    /// x times the probability that a normal deviate is below x.
    pub fn gelu(&mut self, x: &Edge) -> Edge {
        let inner = self.scaled(x, std::f32::consts::FRAC_1_SQRT_2);
        let inner = self.add("Erf", &[&inner.name], &[], x.channels);
        let one = self.vector(&[1.0]);
        let inner = self.add("Add", &[&inner.name, &one], &[], x.channels);
        let both = self.add("Mul", &[&x.name, &inner.name], &[], x.channels);
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

    fn transposed(&mut self, x: &Edge, order: &[i64]) -> Edge {
        self.add("Transpose", &[&x.name], &[("perm", Attribute::Ints(order))], x.channels)
    }

    fn reshaped(&mut self, x: &Edge, shape: &[i64], channels: usize) -> Edge {
        let shape = self.numbers(shape);
        self.add("Reshape", &[&x.name, &shape], &[], channels)
    }

    fn product(&mut self, a: &Edge, b: &Edge) -> Edge {
        self.add("MatMul", &[&a.name, &b.name], &[], a.channels)
    }

    fn scaled(&mut self, x: &Edge, by: f32) -> Edge {
        let by = self.vector(&[by]);
        self.add("Mul", &[&x.name, &by], &[], x.channels)
    }

    fn numbers(&mut self, values: &[i64]) -> String {
        let name = self.name("numbers");
        let graph = std::mem::take(&mut self.graph);
        self.graph = graph.message(5, proto::numbers(&name, values));
        name
    }
}
