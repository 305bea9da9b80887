//! U-Net with a ResNet encoder, by the names that segmentation-models-pytorch gives its tensors.
//!
//! Encoders of basic blocks (ResNet-18, -34) and of bottlenecks (ResNet-50 to -152, ResNeXt) are told by their tensors, and so
//! are the numbers of blocks, of groups and of classes: nothing depends on a name given beside the file.

use super::Network;
use super::fold::{EPSILON, folded, vector};
use crate::model::checkpoint::{CheckpointError, Tensor, Weights};
use crate::model::graph::{Edge, Graph, Laid};

/// Where batch normalisation takes mean and variance from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// From training; it is then part of the convolution before it.
    #[default]
    Trained,
    /// From the picture itself, as openFIBSEM runs some of its oldest checkpoints, by mistake but with the results people know.
    Picture,
}

struct Builder<'a> {
    weights: &'a Weights<'a>,
    graph: Graph,
    norm: Norm,
}

pub(super) fn build(weights: &Weights, norm: Norm) -> Result<Network, CheckpointError> {
    let channels = weights.kernels("encoder.conv1.weight")?.shape[1];
    let (graph, input) = Graph::new("unet", channels);
    let mut builder = Builder { weights, graph, norm };
    let (features, blocks) = builder.encoder(&input)?;
    let output = builder.decoder(features)?;
    let bottlenecks = weights.has("encoder.layer1.0.conv3.weight");
    let encoder = match (bottlenecks, blocks.as_slice()) {
        (false, [2, 2, 2, 2]) => "resnet18".to_owned(),
        (false, [3, 4, 6, 3]) => "resnet34".to_owned(),
        (_, blocks) => format!(
            "resnet{}",
            2 + blocks.iter().sum::<usize>() * if bottlenecks { 3 } else { 2 }
        ),
    };
    let metadata = [("architecture", "unet"), ("encoder", encoder.as_str())];
    Ok(Network {
        name: format!("unet-{encoder}"),
        classes: output.channels,
        onnx: vec![builder.graph.finish(&output, &metadata)],
        parts: &[],
        plan: None,
    })
}

impl Builder<'_> {
    /// Features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size, and how many blocks each layer has.
    fn encoder(&mut self, input: &Edge) -> Result<(Vec<Edge>, Vec<usize>), CheckpointError> {
        let stem = self.conv_norm(input, "encoder.conv1.weight", "encoder.bn1", 2)?;
        let stem = self.graph.relu(&stem);
        let mut x = self.graph.max_pool(&stem);
        let (mut features, mut blocks) = (vec![stem], Vec::new());
        for layer in 1..=4 {
            let has = |block: usize| self.weights.has(&format!("encoder.layer{layer}.{block}.conv1.weight"));
            let count = (0..).take_while(|block| has(*block)).count();
            if count == 0 {
                return Err(CheckpointError::Missing(format!("encoder.layer{layer}.0.conv1.weight")));
            }
            for block in 0..count {
                let stride = if layer > 1 && block == 0 { 2 } else { 1 };
                x = self.block(&x, &format!("encoder.layer{layer}.{block}"), stride)?;
            }
            features.push(x.clone());
            blocks.push(count);
        }
        Ok((features, blocks))
    }

    /// Convolutions with a shortcut round them. In a bottleneck of three it is the middle one that strides.
    fn block(&mut self, x: &Edge, name: &str, stride: usize) -> Result<Edge, CheckpointError> {
        let last = if self.weights.has(&format!("{name}.conv3.weight")) {
            3
        } else {
            2
        };
        let striding = last - 1;
        let mut y = x.clone();
        for i in 1..=last {
            let stride = if i == striding { stride } else { 1 };
            y = self.conv_norm(&y, &format!("{name}.conv{i}.weight"), &format!("{name}.bn{i}"), stride)?;
            if i < last {
                y = self.graph.relu(&y);
            }
        }
        let short = format!("{name}.downsample.0.weight");
        let shortcut = if self.weights.has(&short) {
            self.conv_norm(x, &short, &format!("{name}.downsample.1"), stride)?
        } else {
            x.clone()
        };
        let sum = self.graph.plus(&y, &shortcut);
        Ok(self.graph.relu(&sum))
    }

    fn decoder(&mut self, mut features: Vec<Edge>) -> Result<Edge, CheckpointError> {
        let missing = || CheckpointError::Missing("encoder.layer4.0.conv1.weight".to_owned());
        let mut x = features.pop().ok_or_else(missing)?;
        for block in 0..5 {
            x = self.graph.doubled(&x);
            if let Some(skip) = features.pop() {
                x = self.graph.joined(&x, &skip);
            }
            for conv in 1..=2 {
                let name = format!("decoder.blocks.{block}.conv{conv}");
                x = self.conv_norm(&x, &format!("{name}.0.weight"), &format!("{name}.1"), 1)?;
                x = self.graph.relu(&x);
            }
        }
        let kernels = self.kernels(&x, "segmentation_head.0.weight")?;
        let bias = self.weights.vector("segmentation_head.0.bias")?;
        Ok(self.graph.conv(&x, &kernels, Some(&bias), Laid::same(&kernels, 1)))
    }

    /// The kernels of a convolution on x, which they must fit.
    fn kernels(&self, x: &Edge, name: &str) -> Result<Tensor, CheckpointError> {
        let kernels = self.weights.kernels(name)?;
        if !x.channels.is_multiple_of(kernels.shape[1]) {
            return Err(CheckpointError::Shape {
                name: name.to_owned(),
                shape: kernels.shape,
                expected: "as many inputs as the layer before has outputs",
            });
        }
        Ok(kernels)
    }

    /// A convolution without bias and the normalisation after it.
    fn conv_norm(&mut self, x: &Edge, conv: &str, norm: &str, stride: usize) -> Result<Edge, CheckpointError> {
        let mut kernels = self.kernels(x, conv)?;
        let laid = Laid {
            groups: x.channels / kernels.shape[1],
            ..Laid::same(&kernels, stride)
        };
        match self.norm {
            Norm::Picture => {
                let vector = |part: &str| vector(self.weights, norm, part, kernels.shape[0]);
                let (scale, shift) = (vector("weight")?, vector("bias")?);
                let y = self.graph.conv(x, &kernels, None, laid);
                Ok(self.graph.instance_norm(&y, &scale, &shift, EPSILON))
            }
            Norm::Trained => {
                let bias = folded(self.weights, &mut kernels, norm)?;
                Ok(self.graph.conv(x, &kernels, Some(&bias), laid))
            }
        }
    }
}
