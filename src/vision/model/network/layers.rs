//! Layers by the names that PyTorch gives their weights.

use crate::model::checkpoint::{CheckpointError, Tensor, Weights};
use crate::model::graph::{Edge, Graph};

/// A graph under construction, and the weights that it is made of.
pub(super) struct Layers<'a> {
    pub weights: Weights<'a>,
    pub graph: Graph,
}

impl Layers<'_> {
    /// Over the channels of each pixel.
    pub fn linear(&mut self, x: &Edge, name: &str) -> Result<Edge, CheckpointError> {
        let weights = self.weights.tensor(&format!("{name}.weight"))?;
        let bias = self.weights.vector(&format!("{name}.bias"))?;
        match weights.shape.as_slice() {
            [outputs, inputs] if *inputs == x.channels && *outputs == bias.len() => {}
            _ => return Err(unfit(name, &weights, "as many inputs as the layer before has outputs")),
        }
        Ok(self.graph.linear(x, weights, Some(&bias)))
    }

    /// The channels of each pixel to mean 0 and variance 1.
    pub fn norm(&mut self, x: &Edge, name: &str, epsilon: f32) -> Result<Edge, CheckpointError> {
        let vector = |part: &str| super::fold::vector(&self.weights, name, part, x.channels);
        let (scale, shift) = (vector("weight")?, vector("bias")?);
        Ok(self.graph.layer_norm(x, &scale, &shift, epsilon))
    }

    /// The kernels of a convolution on x, which they must fit.
    pub fn kernels(&self, x: &Edge, name: &str) -> Result<Tensor, CheckpointError> {
        let kernels = self.weights.kernels(name)?;
        if kernels.shape[1] != x.channels {
            return Err(unfit(name, &kernels, "as many inputs as the layer before has outputs"));
        }
        Ok(kernels)
    }
}

pub(super) fn unfit(name: &str, tensor: &Tensor, expected: &'static str) -> CheckpointError {
    CheckpointError::Shape {
        name: name.to_owned(),
        shape: tensor.shape.clone(),
        expected,
    }
}
