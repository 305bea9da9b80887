//! Networks put together operation by operation and written as ONNX.
//!
//! [`Graph`] knows operations, not architectures: those are in `network`; `tokens` has those of transformers. Batch, rows and columns of the input stay free; names, opset 17 and
//! IR version 8 are those that every runtime of the last years reads. A new operation is a method here.

mod proto;
mod tokens;

use super::checkpoint::Tensor;
use proto::{Attribute, Message, Side};
pub use tokens::Sides;

/// A value in a graph, and how many channels it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    name: String,
    pub channels: usize,
}

/// How a convolution is laid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Laid {
    pub stride: [usize; 2],
    /// Zeros on each side.
    pub pad: [usize; 2],
    pub groups: usize,
}

impl Laid {
    /// Pads so that a stride of 1 keeps the size.
    pub fn same(kernels: &Tensor, stride: usize) -> Self {
        let side = |axis: usize| kernels.shape.get(axis).map_or(0, |n| n / 2);
        Laid {
            stride: [stride; 2],
            pad: [side(2), side(3)],
            groups: 1,
        }
    }
}

/// A network under construction, with one input and one output.
pub struct Graph {
    graph: Message,
    made: usize,
}

impl Graph {
    /// A graph whose input is (batch, channels, rows, columns).
    pub fn new(name: &str, channels: usize) -> (Self, Edge) {
        let sides = [
            Side::Named("batch"),
            Side::Fixed(channels),
            Side::Named("rows"),
            Side::Named("columns"),
        ];
        let graph = Message::default()
            .text(2, name)
            .message(11, proto::value("input", &sides));
        let input = Edge {
            name: "input".to_owned(),
            channels,
        };
        (Graph { graph, made: 0 }, input)
    }

    /// `kernels` are outputs x inputs per group x rows x columns.
    pub fn conv(&mut self, x: &Edge, kernels: &Tensor, bias: Option<&[f32]>, laid: Laid) -> Edge {
        let (weights, bias) = (self.weights(kernels), bias.map(|bias| self.vector(bias)));
        let mut inputs = vec![x.name.as_str(), &weights];
        inputs.extend(bias.as_deref());
        let [sy, sx] = laid.stride.map(|v| v as i64);
        let [py, px] = laid.pad.map(|v| v as i64);
        let kernel: Vec<i64> = kernels.shape[2..].iter().map(|v| *v as i64).collect();
        let attributes = [
            ("group", Attribute::Int(laid.groups as i64)),
            ("kernel_shape", Attribute::Ints(&kernel)),
            ("pads", Attribute::Ints(&[py, px, py, px])),
            ("strides", Attribute::Ints(&[sy, sx])),
        ];
        self.add("Conv", &inputs, &attributes, kernels.shape[0])
    }

    /// A transposed convolution whose kernel is as large as its stride. `kernels` are inputs x outputs x rows x columns.
    pub fn conv_up(&mut self, x: &Edge, kernels: &Tensor, bias: Option<&[f32]>) -> Edge {
        let (weights, bias) = (self.weights(kernels), bias.map(|bias| self.vector(bias)));
        let mut inputs = vec![x.name.as_str(), &weights];
        inputs.extend(bias.as_deref());
        let kernel: Vec<i64> = kernels.shape[2..].iter().map(|v| *v as i64).collect();
        let attributes = [
            ("kernel_shape", Attribute::Ints(&kernel)),
            ("strides", Attribute::Ints(&kernel)),
        ];
        self.add("ConvTranspose", &inputs, &attributes, kernels.shape[1])
    }

    /// Each channel of each picture to mean 0 and variance 1, then scaled and shifted.
    pub fn instance_norm(&mut self, x: &Edge, scale: &[f32], shift: &[f32], epsilon: f32) -> Edge {
        let (scale, shift) = (self.vector(scale), self.vector(shift));
        let inputs = [x.name.as_str(), &scale, &shift];
        self.add(
            "InstanceNormalization",
            &inputs,
            &[("epsilon", Attribute::Float(epsilon))],
            x.channels,
        )
    }

    pub fn relu(&mut self, x: &Edge) -> Edge {
        self.add("Relu", &[&x.name], &[], x.channels)
    }

    pub fn leaky_relu(&mut self, x: &Edge, slope: f32) -> Edge {
        self.add(
            "LeakyRelu",
            &[&x.name],
            &[("alpha", Attribute::Float(slope))],
            x.channels,
        )
    }

    pub fn plus(&mut self, a: &Edge, b: &Edge) -> Edge {
        self.add("Add", &[&a.name, &b.name], &[], a.channels)
    }

    /// Along the channels.
    pub fn joined(&mut self, a: &Edge, b: &Edge) -> Edge {
        let inputs = [a.name.as_str(), &b.name];
        self.add(
            "Concat",
            &inputs,
            &[("axis", Attribute::Int(1))],
            a.channels + b.channels,
        )
    }

    /// The largest of 3 x 3 at every second pixel.
    pub fn max_pool(&mut self, x: &Edge) -> Edge {
        let attributes = [
            ("kernel_shape", Attribute::Ints(&[3, 3])),
            ("pads", Attribute::Ints(&[1, 1, 1, 1])),
            ("strides", Attribute::Ints(&[2, 2])),
        ];
        self.add("MaxPool", &[&x.name], &attributes, x.channels)
    }

    /// The mean of `size` pixels (rows, columns) at every `size`th one.
    pub fn mean_pool(&mut self, x: &Edge, size: [usize; 2]) -> Edge {
        let size = size.map(|v| v as i64);
        let attributes = [
            ("kernel_shape", Attribute::Ints(&size)),
            ("strides", Attribute::Ints(&size)),
        ];
        self.add("AveragePool", &[&x.name], &attributes, x.channels)
    }

    /// Every pixel four times.
    pub fn doubled(&mut self, x: &Edge) -> Edge {
        let scales = self.vector(&[1.0, 1.0, 2.0, 2.0]);
        // The second input, a region of interest, is left empty.
        let inputs = [x.name.as_str(), "", &scales];
        let attributes = [
            ("coordinate_transformation_mode", Attribute::Text("asymmetric")),
            ("mode", Attribute::Text("nearest")),
            ("nearest_mode", Attribute::Text("floor")),
        ];
        self.add("Resize", &inputs, &attributes, x.channels)
    }

    /// The file, with the notes that `metadata` holds.
    pub fn finish(mut self, output: &Edge, metadata: &[(&str, &str)]) -> Vec<u8> {
        let sides = [
            Side::Named("batch"),
            Side::Fixed(output.channels),
            Side::Named("rows"),
            Side::Named("columns"),
        ];
        let same = proto::node("Identity", &[&output.name], "output", &[]);
        self.graph = self.graph.message(1, same).message(12, proto::value("output", &sides));
        let model = Message::default()
            .int(1, 8)
            .text(2, "fibdeck")
            .text(3, env!("CARGO_PKG_VERSION"));
        let model = model
            .message(7, self.graph)
            .message(8, Message::default().text(1, "").int(2, 17));
        let note = |(key, value): &(&str, &str)| Message::default().text(1, key).text(2, value);
        metadata
            .iter()
            .fold(model, |model, entry| model.message(14, note(entry)))
            .into_bytes()
    }

    fn add(&mut self, kind: &str, inputs: &[&str], attributes: &[(&str, Attribute)], channels: usize) -> Edge {
        let name = self.name(kind);
        let graph = std::mem::take(&mut self.graph);
        self.graph = graph.message(1, proto::node(kind, inputs, &name, attributes));
        Edge { name, channels }
    }

    fn weights(&mut self, tensor: &Tensor) -> String {
        let name = self.name("weights");
        let graph = std::mem::take(&mut self.graph);
        self.graph = graph.message(5, proto::tensor(&name, &tensor.shape, &tensor.data));
        name
    }

    fn vector(&mut self, values: &[f32]) -> String {
        self.weights(&Tensor {
            shape: vec![values.len()],
            data: values.to_vec(),
        })
    }

    fn name(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}_{}", self.made)
    }
}
