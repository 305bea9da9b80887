//! Architectures: weights by their names in a checkpoint -> a graph.
//!
//! One file per family, each with what its parts are called, how they are joined, and how to tell it by its names alone. A new one
//! is a file here and an arm in [`build`].

mod conv_unet;
mod nnunet;
mod smp;

pub use nnunet::Plan;
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
