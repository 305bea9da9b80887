//! U-Nets of convolutions, instance normalisation and leaky ReLU, by the names of nnU-Net: with a plain encoder, or a residual one.

use crate::model::checkpoint::{CheckpointError, Tensor, Weights};
use crate::model::graph::{Edge, Graph, Laid};

/// Of instance normalisation, and of the leaky ReLU after it.
const EPSILON: f32 = 1e-5;
const SLOPE: f32 = 0.01;

struct Builder<'a> {
    weights: &'a Weights<'a>,
    graph: Graph,
}

/// The ONNX file, and the number of classes. `strides` of each stage of the encoder.
pub(super) fn build(weights: &Weights, strides: &[[usize; 2]]) -> Result<(Vec<u8>, usize), CheckpointError> {
    let stem = "encoder.stem.convs";
    let residual = weights.has(&format!("{stem}.0.conv.weight"));
    let first = if residual { stem } else { "encoder.stages.0.0.convs" };
    let inputs = weights.kernels(&format!("{first}.0.conv.weight"))?.shape[1];
    let (graph, mut x) = Graph::new("nnunet", inputs);
    let mut builder = Builder { weights, graph };
    if residual {
        x = builder.stacked(x, stem, [1, 1])?;
    }
    let mut skips = Vec::new();
    for (stage, stride) in strides.iter().enumerate() {
        x = if residual {
            builder.residual(x, &format!("encoder.stages.{stage}.blocks"), *stride)?
        } else {
            builder.stacked(x, &format!("encoder.stages.{stage}.0.convs"), *stride)?
        };
        skips.push(x.clone());
    }
    skips.pop();
    let stages = skips.len();
    for (stage, skip) in skips.into_iter().rev().enumerate() {
        let up = format!("decoder.transpconvs.{stage}");
        let kernels = weights.kernels(&format!("{up}.weight"))?;
        let bias = builder.bias(&up)?;
        x = builder.graph.conv_up(&x, &kernels, bias.as_deref());
        x = builder.graph.joined(&x, &skip);
        x = builder.stacked(x, &format!("decoder.stages.{stage}.convs"), [1, 1])?;
    }
    // One head for each stage; only the last is used outside training.
    let head = format!("decoder.seg_layers.{}", stages.saturating_sub(1));
    let kernels = builder.kernels(&x, &format!("{head}.weight"))?;
    let bias = builder.bias(&head)?;
    x = builder
        .graph
        .conv(&x, &kernels, bias.as_deref(), Laid::same(&kernels, 1));
    Ok((builder.graph.finish(&x, &[("architecture", "nnunet")]), x.channels))
}

impl Builder<'_> {
    /// Convolutions one after the other; the first strides.
    fn stacked(&mut self, mut x: Edge, name: &str, stride: [usize; 2]) -> Result<Edge, CheckpointError> {
        for i in 0..self.count(name, "conv.weight")? {
            let stride = if i == 0 { stride } else { [1, 1] };
            x = self.unit(&x, &format!("{name}.{i}"), stride)?;
            x = self.graph.leaky_relu(&x, SLOPE);
        }
        Ok(x)
    }

    /// Pairs of convolutions with a shortcut round them, which is averaged where they stride.
    fn residual(&mut self, mut x: Edge, name: &str, stride: [usize; 2]) -> Result<Edge, CheckpointError> {
        for i in 0..self.count(name, "conv1.conv.weight")? {
            let block = format!("{name}.{i}");
            let stride = if i == 0 { stride } else { [1, 1] };
            let mut y = self.unit(&x, &format!("{block}.conv1"), stride)?;
            y = self.graph.leaky_relu(&y, SLOPE);
            y = self.unit(&y, &format!("{block}.conv2"), [1, 1])?;
            let strides = stride != [1, 1];
            if strides {
                x = self.graph.mean_pool(&x, stride);
            }
            let skip = format!("{block}.skip.{}", usize::from(strides));
            if self.weights.has(&format!("{skip}.conv.weight")) {
                x = self.unit(&x, &skip, [1, 1])?;
            }
            let sum = self.graph.plus(&y, &x);
            x = self.graph.leaky_relu(&sum, SLOPE);
        }
        Ok(x)
    }

    /// How many numbered parts of a name there are.
    fn count(&self, name: &str, part: &str) -> Result<usize, CheckpointError> {
        let has = |i: usize| self.weights.has(&format!("{name}.{i}.{part}"));
        match (0..).take_while(|i| has(*i)).count() {
            0 => Err(CheckpointError::Missing(format!("{name}.0.{part}"))),
            n => Ok(n),
        }
    }

    /// A convolution and the normalisation after it.
    fn unit(&mut self, x: &Edge, name: &str, stride: [usize; 2]) -> Result<Edge, CheckpointError> {
        let kernels = self.kernels(x, &format!("{name}.conv.weight"))?;
        let bias = self.bias(&format!("{name}.conv"))?;
        let laid = Laid {
            stride,
            ..Laid::same(&kernels, 1)
        };
        let y = self.graph.conv(x, &kernels, bias.as_deref(), laid);
        let norm = |part: &str| self.weights.vector(&format!("{name}.norm.{part}"));
        let (scale, shift) = (norm("weight")?, norm("bias")?);
        Ok(self.graph.instance_norm(&y, &scale, &shift, EPSILON))
    }

    fn bias(&self, name: &str) -> Result<Option<Vec<f32>>, CheckpointError> {
        let name = format!("{name}.bias");
        self.weights.has(&name).then(|| self.weights.vector(&name)).transpose()
    }

    /// The kernels of a convolution on x, which they must fit.
    fn kernels(&self, x: &Edge, name: &str) -> Result<Tensor, CheckpointError> {
        let kernels = self.weights.kernels(name)?;
        if kernels.shape[1] != x.channels {
            return Err(CheckpointError::Shape {
                name: name.to_owned(),
                shape: kernels.shape,
                expected: "as many inputs as the layer before has outputs",
            });
        }
        Ok(kernels)
    }
}
