//! Architectures: weights by their names in a checkpoint -> a graph.
//!
//! One file per family, each with what its parts are called, how they are joined, and how to tell it by its names alone. A new one
//! is a file here and an arm in [`build`], or, where a folder with settings comes with the weights, in [`build_folder`].

mod conv_unet;
mod fold;
mod greys;
mod layers;
mod nnunet;
mod sam;
mod segformer;
mod small;
mod smp;

pub use nnunet::Plan;
pub use smp::Norm;

use super::checkpoint::{Checkpoint, Id, Pickle};
use super::{LARGEST_SIDE, ModelError};
use serde::{Deserialize, Serialize};

/// Notes of an ONNX file that say how pictures go into it (a [`Preparation`]) and what its classes are called, as JSON.
pub const PREPARATION: &str = "preparation";
pub const LABELS: &str = "labels";

/// A network made from a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// As in `unet-resnet34`.
    pub name: String,
    /// 0 for one that makes no classes of a picture by itself.
    pub classes: usize,
    /// An ONNX file for each set of weights: one, one per fold whose results are averaged, or one for each of `parts`.
    pub onnx: Vec<Vec<u8>>,
    /// What the files are where each does something else.
    pub parts: &'static [&'static str],
    pub plan: Option<Plan>,
}

/// How pictures go into a network that takes one size, in as many channels as it has, up to three.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// (rows, columns).
    pub size: (usize, usize),
    /// What grey values are multiplied by.
    pub scale: f32,
    /// Of each channel: subtracted, then divided by.
    pub mean: [f32; 3],
    pub spread: [f32; 3],
}

impl Preparation {
    /// Whether it makes pictures of a size that is one, and numbers of them.
    pub fn is_sane(&self) -> bool {
        let within = |n: usize| (32..=LARGEST_SIDE / 4).contains(&n);
        let finite = self.mean.iter().chain(&self.spread).all(|v| v.is_finite()) && self.scale.is_finite();
        within(self.size.0) && within(self.size.1) && finite && self.spread.iter().all(|v| *v != 0.0)
    }
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

/// What a folder's `config.json` says, by the family it is of.
pub enum Config {
    Segformer(segformer::Config),
    Sam(sam::Config),
}

impl Config {
    /// Errors: no settings, or those of a network not known here.
    pub fn read(json: &[u8]) -> Result<Config, ModelError> {
        let config: serde_json::Value =
            serde_json::from_slice(json).map_err(|e| unknown(&format!("cannot be read ({e})")))?;
        match config["model_type"].as_str().unwrap_or("nothing") {
            "segformer" => Ok(Config::Segformer(segformer::Config::read(config)?)),
            "sam" => Ok(Config::Sam(sam::Config::read(config)?)),
            other => Err(unknown(&format!("says {}", model::text::printable(other)))),
        }
    }
}

/// Of settings that make no network.
fn unknown(what: &str) -> ModelError {
    ModelError::UnknownNetwork(format!("its config.json {what}"))
}

/// A network from a folder's weights and settings.
pub fn build_folder(weights: Vec<u8>, config: &Config, prepared: &Preparation) -> Result<Network, ModelError> {
    let checkpoint = Checkpoint::read(weights)?;
    match config {
        Config::Segformer(config) => segformer::build(&checkpoint, config, prepared),
        Config::Sam(config) => sam::build(&checkpoint, config),
    }
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
    if let Some(beside) = checkpoint.pickle()
        && small::is(&weights)
    {
        return small::build(weights, beside);
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
