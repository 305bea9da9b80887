//! Architectures: weights by their names in a checkpoint -> a graph.
//!
//! One file per family, each with what its parts are called, how they are joined, and how to tell it by its names alone. A new one
//! is a file here and an arm in [`build`], or, where a folder with settings comes with the weights, in [`build_folder`].

mod conv_unet;
mod fold;
mod nnunet;
mod segformer;
mod smp;

pub use nnunet::Plan;
pub use segformer::Config;
pub use smp::Norm;

use super::ModelError;
use super::checkpoint::{Checkpoint, Id, Pickle};

/// A network made from a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// As in `unet-resnet34`.
    pub name: String,
    pub classes: usize,
    /// An ONNX file for each set of weights: one, or one per fold whose results are averaged.
    pub onnx: Vec<Vec<u8>>,
    pub plan: Option<Plan>,
}

/// How pictures go into a network that takes one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    /// (rows, columns).
    pub size: (usize, usize),
    /// What grey values are multiplied by.
    pub scale: f32,
    /// Of each channel: subtracted, then divided by.
    pub mean: [f32; 3],
    pub spread: [f32; 3],
}

impl Default for Preparation {
    /// That of transformers' image processor.
    fn default() -> Self {
        Preparation {
            size: (512, 512),
            scale: 1.0 / 255.0,
            mean: [0.485, 0.456, 0.406],
            spread: [0.229, 0.224, 0.225],
        }
    }
}

/// A network from a folder's weights and settings.
pub fn build_folder(weights: Vec<u8>, config: &Config, prepared: &Preparation) -> Result<Network, ModelError> {
    segformer::build(&Checkpoint::read(weights)?, config, prepared)
}

/// A network from what was saved. `norm` is for smp networks.
///
/// Errors: weights of a network that is not known here, or that do not fit each other.
pub fn build(checkpoint: &Checkpoint, norm: Norm) -> Result<Network, ModelError> {
    if let Some(pickle) = checkpoint.pickle()
        && ["folds", "plans"]
            .iter()
            .all(|key| pickle.get(pickle.root, key).is_some())
    {
        return nnunet::build(checkpoint, pickle);
    }
    let weights = checkpoint.weights(checkpoint.pickle().and_then(state))?;
    if weights.has("segmentation_head.0.weight") && weights.has("encoder.conv1.weight") {
        return Ok(smp::build(&weights, norm)?);
    }
    let known: Vec<&str> = weights.names().take(3).collect();
    Err(ModelError::UnknownNetwork(if known.is_empty() {
        "no tensors at its top".to_owned()
    } else {
        format!("tensors called {}", known.join(", "))
    }))
}

/// Where the state dictionary is: under a name that training programs give it, or at the top.
fn state(pickle: &Pickle) -> Option<Id> {
    let names = [
        "checkpoint",
        "state_dict",
        "model_state_dict",
        "model",
        "network_weights",
    ];
    names.iter().find_map(|name| pickle.get(pickle.root, name))
}
