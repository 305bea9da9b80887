//! Segment Anything, by the names and the `config.json` of the transformers library: an encoder that a picture goes through once, and a
//! decoder that makes masks of its result for every set of points. SlimSAM is the same with fewer channels.
//!
//! Inputs and outputs of the decoder are called as in the files that the model's makers export: `image_embeddings`, `point_coords`,
//! `point_labels`, `mask_input`, `has_mask_input` -> `low_res_masks` (logits, a quarter of the encoder's picture), `iou_predictions`. The first
//! mask is the one for points that leave no choice, the others are a part, more, and all of what may be meant. Without a box, one more
//! point with the label -1 ends the list.

mod decoder;
mod encoder;

use super::layers::Layers;
use super::{Network, unknown};
use crate::model::ModelError;
use crate::model::checkpoint::Checkpoint;
use crate::model::graph::{Graph, Side};
use serde::Deserialize;

/// Of every normalisation that takes none from the settings.
const EPSILON: f32 = 1e-6;
/// Four times what SAM has: a larger one is a damaged file, and would ask for all the memory.
const LARGEST_GRID: usize = 256;

/// What a folder's `config.json` says; it leaves out what is as in the library.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    vision_config: Vision,
    prompt_encoder_config: Prompts,
    mask_decoder_config: Decoder,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Vision {
    num_hidden_layers: usize,
    num_attention_heads: usize,
    image_size: usize,
    patch_size: usize,
    hidden_act: String,
    layer_norm_eps: f32,
    window_size: usize,
    global_attn_indexes: Vec<usize>,
}

impl Default for Vision {
    fn default() -> Self {
        Vision {
            num_hidden_layers: 12,
            num_attention_heads: 12,
            image_size: 1024,
            patch_size: 16,
            hidden_act: "gelu".to_owned(),
            layer_norm_eps: EPSILON,
            window_size: 14,
            global_attn_indexes: vec![2, 5, 8, 11],
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Prompts {
    hidden_act: String,
    layer_norm_eps: f32,
}

impl Default for Prompts {
    fn default() -> Self {
        Prompts {
            hidden_act: "gelu".to_owned(),
            layer_norm_eps: EPSILON,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Decoder {
    num_hidden_layers: usize,
    num_attention_heads: usize,
    hidden_act: String,
    layer_norm_eps: f32,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder {
            num_hidden_layers: 2,
            num_attention_heads: 8,
            hidden_act: "relu".to_owned(),
            layer_norm_eps: EPSILON,
        }
    }
}

impl Config {
    pub(super) fn read(config: serde_json::Value) -> Result<Config, ModelError> {
        let config: Config = serde_json::from_value(config).map_err(|e| unknown(&format!("makes no sense ({e})")))?;
        let (vision, decoder) = (&config.vision_config, &config.mask_decoder_config);
        let few = |n: &usize| (1..=64).contains(n);
        let counts = [
            vision.num_hidden_layers,
            vision.num_attention_heads,
            vision.patch_size,
            decoder.num_hidden_layers,
            decoder.num_attention_heads,
        ];
        let grid = vision.image_size / vision.patch_size.max(1);
        let whole = vision.image_size.is_multiple_of(vision.patch_size.max(1)) && (1..=LARGEST_GRID).contains(&grid);
        if !counts.iter().all(few) || vision.window_size > 64 || !whole {
            return Err(unknown("gives sizes that are none"));
        }
        let acts = [
            &vision.hidden_act,
            &config.prompt_encoder_config.hidden_act,
            &decoder.hidden_act,
        ];
        if acts.map(String::as_str) != ["gelu", "gelu", "relu"] {
            return Err(unknown("asks for activations that no SAM has"));
        }
        Ok(config)
    }

    /// Pixels of the encoder's map to a side.
    fn grid(&self) -> usize {
        self.vision_config.image_size / self.vision_config.patch_size
    }
}

/// Encoder and decoder of a folder.
pub(super) fn build(checkpoint: &Checkpoint, config: &Config) -> Result<Network, ModelError> {
    let side = config.vision_config.image_size;
    let (graph, picture) = Graph::fixed("sam-encoder", 3, (side, side));
    let mut layers = Layers {
        weights: checkpoint.weights(None)?,
        graph,
    };
    let embedding = layers.sam_encoder(&picture, config)?;
    let grid = config.grid();
    let sides = [1, embedding.channels, grid, grid].map(Side::Fixed);
    layers.graph.output("image_embeddings", &embedding, &sides);
    let encoder = std::mem::replace(&mut layers.graph, Graph::empty("sam-decoder"));
    layers.sam_decoder(embedding.channels, config)?;
    Ok(Network {
        name: "sam".to_owned(),
        classes: 0,
        onnx: vec![
            encoder.written(&[("architecture", "sam-encoder")]),
            layers.graph.written(&[("architecture", "sam-decoder")]),
        ],
        parts: &["encoder", "decoder"],
        plan: None,
    })
}
