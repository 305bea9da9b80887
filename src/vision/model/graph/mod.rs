//! Networks put together operation by operation and written as ONNX.
//!
//! [`Graph`] knows operations, not architectures: those are in `network`; `tokens` has those of transformers, `windows` attention within
//! parts of a map, `prompts` what a person points at. Opset 17 and IR version 8 are those that every runtime of the last years reads. A new
//! operation is a method here.

mod prompts;
mod proto;
mod sound;
mod tokens;
mod windows;

use super::checkpoint::Tensor;
pub use prompts::waves_everywhere;
pub use proto::Side;
use proto::{Attribute, Message};
pub use sound::is_sound;
use std::collections::BTreeMap;
pub use tokens::Sides;
pub use windows::Windows;

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

/// A network under construction.
pub struct Graph {
    graph: Message,
    made: usize,
}

impl Graph {
    /// A graph whose one input is (batch, channels, rows, columns), any number of them but the channels.
    pub fn new(name: &str, channels: usize) -> (Self, Edge) {
        let mut graph = Graph::empty(name);
        let input = graph.input("input", &map(Side::Fixed(channels)));
        (graph, input)
    }

    /// As [`Graph::new`], for pictures of one size, one at a time.
    pub fn fixed(name: &str, channels: usize, (rows, columns): Sides) -> (Self, Edge) {
        let mut graph = Graph::empty(name);
        let input = graph.input("input", &[1, channels, rows, columns].map(Side::Fixed));
        (graph, input)
    }

    /// A graph without inputs yet.
    pub fn empty(name: &str) -> Self {
        Graph {
            graph: Message::default().text(2, name),
            made: 0,
        }
    }

    /// Another input; its second side is its channels.
    pub fn input(&mut self, name: &str, sides: &[Side]) -> Edge {
        self.put(11, proto::value(name, sides));
        let channels = match sides.get(1) {
            Some(Side::Fixed(n)) => *n,
            _ => 1,
        };
        Edge {
            name: name.to_owned(),
            channels,
        }
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

    /// What stays the same, whatever the input.
    pub fn constant(&mut self, tensor: &Tensor) -> Edge {
        Edge {
            name: self.weights(tensor),
            channels: tensor.shape.get(1).copied().unwrap_or(1),
        }
    }

    /// The file of a network with one map as its output, with the notes that `metadata` holds.
    pub fn finish(mut self, output: &Edge, metadata: &[(&str, &str)]) -> Vec<u8> {
        self.output("output", output, &map(Side::Fixed(output.channels)));
        self.written(metadata)
    }

    /// Makes a value another output.
    pub fn output(&mut self, name: &str, output: &Edge, sides: &[Side]) {
        self.put(1, proto::node("Identity", &[&output.name], name, &[]));
        self.put(12, proto::value(name, sides));
    }

    /// The file.
    pub fn written(self, metadata: &[(&str, &str)]) -> Vec<u8> {
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
        self.put(1, proto::node(kind, inputs, &name, attributes));
        Edge { name, channels }
    }

    fn weights(&mut self, tensor: &Tensor) -> String {
        let name = self.name("weights");
        self.put(5, proto::tensor(&name, &tensor.shape, &tensor.data));
        name
    }

    fn numbers(&mut self, values: &[i64]) -> String {
        let name = self.name("numbers");
        self.put(5, proto::numbers(&name, values));
        name
    }

    fn vector(&mut self, values: &[f32]) -> String {
        self.weights(&Tensor {
            shape: vec![values.len()],
            data: values.to_vec(),
        })
    }

    /// A part of the graph: a node (1), fixed numbers (5), an input (11) or output (12).
    fn put(&mut self, field: u32, part: Message) {
        self.graph = std::mem::take(&mut self.graph).message(field, part);
    }

    fn name(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}_{}", self.made)
    }
}

/// What `metadata` an ONNX file carries.
pub fn notes(file: &[u8]) -> BTreeMap<String, String> {
    proto::notes(file)
}

/// A batch of maps of any size.
fn map(channels: Side) -> [Side; 4] {
    [
        Side::Named("batch"),
        channels,
        Side::Named("rows"),
        Side::Named("columns"),
    ]
}
