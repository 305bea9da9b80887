//! The small U-Net that `fibdeck train` has beside those of segmentation-models-pytorch: by the names of `assets/train/torch_train.py`.
//!
//! Every level halves the picture, the first one too; the head brings it back. Levels and widths are told by the tensors. How large
//! pictures were when it learnt stands beside the tensors: it sees every picture at that size.

use super::fold::folded;
use super::layers::{Layers, unfit};
use super::{Network, PREPARATION, Preparation};
use crate::model::ModelError;
use crate::model::checkpoint::{CheckpointError, Pickle, Weights};
use crate::model::graph::{Edge, Graph, Laid};
use serde_json::json;

/// Whether the names are those of this family.
pub(super) fn is(weights: &Weights) -> bool {
    ["down.0.0.weight", "up.0.0.weight", "head.weight"]
        .iter()
        .all(|name| weights.has(name))
}

pub(super) fn build(weights: Weights, beside: &Pickle) -> Result<Network, ModelError> {
    let side = |key: &str| {
        let side = beside.get(beside.root, key).and_then(|id| beside.int(id));
        side.and_then(|side| usize::try_from(side).ok()).unwrap_or(0)
    };
    let prepared = Preparation {
        size: (side("rows"), side("columns")),
        mean: [0.0; 3],
        spread: [1.0; 3],
        ..Preparation::default()
    };
    let levels = (0..)
        .take_while(|level| weights.has(&format!("down.{level}.0.weight")))
        .count();
    let multiple = 1usize.checked_shl(levels as u32).unwrap_or(usize::MAX);
    if !prepared.is_sane() || !prepared.size.0.is_multiple_of(multiple) || !prepared.size.1.is_multiple_of(multiple) {
        return Err(ModelError::UnknownNetwork(format!(
            "a small U-Net that does not say for which size of pictures (`rows` and `columns`, multiples of {multiple})"
        )));
    }
    let (graph, input) = Graph::new("unet", 1);
    let mut layers = Layers { weights, graph };
    let output = layers.small(&input, levels)?;
    let prepared = json!(prepared).to_string();
    let metadata = [("architecture", "unet-small"), (PREPARATION, prepared.as_str())];
    Ok(Network {
        name: "unet-small".to_owned(),
        classes: output.channels,
        onnx: vec![layers.graph.finish(&output, &metadata)],
        parts: &[],
        plan: None,
    })
}

impl Layers<'_> {
    fn small(&mut self, input: &Edge, levels: usize) -> Result<Edge, CheckpointError> {
        let (mut x, mut skips) = (input.clone(), Vec::new());
        for level in 0..levels {
            x = self.unit(&x, &format!("down.{level}"), 0, 2)?;
            x = self.unit(&x, &format!("down.{level}"), 3, 1)?;
            skips.push(x.clone());
        }
        skips.pop();
        for (level, skip) in skips.iter().rev().enumerate() {
            let doubled = self.graph.doubled(&x);
            let joined = self.graph.joined(&doubled, skip);
            x = self.unit(&joined, &format!("up.{level}"), 0, 1)?;
        }
        let kernels = self.weights.kernels("head.weight")?;
        let bias = self.weights.vector("head.bias")?;
        if kernels.shape[0] != x.channels || kernels.shape[2..] != [2, 2] || bias.len() != kernels.shape[1] {
            return Err(unfit("head.weight", &kernels, "kernels of 2 x 2 for the finest level"));
        }
        Ok(self.graph.conv_up(&x, &kernels, Some(&bias)))
    }

    /// The `at`th layer of a level: a convolution, the normalisation after it, and what is above 0.
    fn unit(&mut self, x: &Edge, level: &str, at: usize, stride: usize) -> Result<Edge, CheckpointError> {
        let mut kernels = self.kernels(x, &format!("{level}.{at}.weight"))?;
        let bias = folded(&self.weights, &mut kernels, &format!("{level}.{}", at + 1))?;
        let laid = Laid::same(&kernels, stride);
        let y = self.graph.conv(x, &kernels, Some(&bias), laid);
        Ok(self.graph.relu(&y))
    }
}
