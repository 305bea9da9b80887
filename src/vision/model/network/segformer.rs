//! SegFormer, by the names and the `config.json` of the transformers library: four stages of attention over ever coarser maps, and a
//! head that brings them together.
//!
//! Pictures go through at the one size that the folder's processor says, so attention's shapes are known when the graph is written.

use super::fold::folded;
use super::layers::{Layers, unfit};
use super::{LABELS, Network, PREPARATION, Preparation, unknown};
use crate::model::ModelError;
use crate::model::checkpoint::{Checkpoint, CheckpointError};
use crate::model::graph::{Edge, Graph, Laid, Sides};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Of every layer normalisation, PyTorch's default: the library passes none of its own.
const EPSILON: f32 = 1e-5;

/// What a folder's `config.json` says.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    depths: Vec<usize>,
    sr_ratios: Vec<usize>,
    num_attention_heads: Vec<usize>,
    patch_sizes: Vec<usize>,
    strides: Vec<usize>,
    #[serde(default)]
    id2label: BTreeMap<String, String>,
}

impl Config {
    pub(super) fn read(config: serde_json::Value) -> Result<Config, ModelError> {
        let config: Config = serde_json::from_value(config).map_err(|e| unknown(&format!("makes no sense ({e})")))?;
        let stages = config.depths.len();
        let lists = [
            &config.sr_ratios,
            &config.num_attention_heads,
            &config.patch_sizes,
            &config.strides,
        ];
        let sane = |list: &Vec<usize>| list.len() == stages && list.iter().all(|n| (1..=64).contains(n));
        if stages == 0 || stages > 8 || !lists.into_iter().chain([&config.depths]).all(sane) {
            return Err(unknown("lists a number of stages that is none, or sizes that are none"));
        }
        Ok(config)
    }

    /// Names of the classes from 0 on.
    pub fn labels(&self) -> Vec<String> {
        let at = |id: usize| self.id2label.get(&id.to_string()).cloned();
        (0..256).map_while(at).collect()
    }
}

/// The network of a folder for pictures of the size that its processor makes of all.
pub(super) fn build(checkpoint: &Checkpoint, config: &Config, prepared: &Preparation) -> Result<Network, ModelError> {
    let weights = checkpoint.weights(None)?;
    let (graph, input) = Graph::fixed("segformer", 3, prepared.size);
    let mut layers = Layers { weights, graph };
    let output = layers.segformer(&input, config, prepared.size)?;
    // what is needed to run it goes with it
    let (prepared, labels) = (json!(prepared).to_string(), json!(config.labels()).to_string());
    let metadata = [
        ("architecture", "segformer"),
        (PREPARATION, &prepared),
        (LABELS, &labels),
    ];
    Ok(Network {
        name: "segformer".to_owned(),
        classes: output.channels,
        onnx: vec![layers.graph.finish(&output, &metadata)],
        parts: &[],
        plan: None,
    })
}

impl Layers<'_> {
    fn segformer(&mut self, input: &Edge, config: &Config, mut size: Sides) -> Result<Edge, CheckpointError> {
        let (mut x, mut maps) = (input.clone(), Vec::new());
        for (stage, depth) in config.depths.iter().enumerate() {
            let (patch, stride) = (config.patch_sizes[stage], config.strides[stage]);
            let name = format!("segformer.encoder.patch_embeddings.{stage}");
            let kernels = self.kernels(&x, &format!("{name}.proj.weight"))?;
            if kernels.shape[2] != patch || patch + 2 * (patch / 2) < 1 {
                return Err(unfit(&name, &kernels, "kernels as large as its config says"));
            }
            let side = |n: usize| (n + 2 * (patch / 2)).saturating_sub(patch) / stride + 1;
            size = (side(size.0), side(size.1));
            let bias = self.weights.vector(&format!("{name}.proj.bias"))?;
            x = self.graph.conv(&x, &kernels, Some(&bias), Laid::same(&kernels, stride));
            x = self.norm(&x, &format!("{name}.layer_norm"), EPSILON)?;
            for block in 0..*depth {
                let name = format!("segformer.encoder.block.{stage}.{block}");
                x = self.block(
                    x,
                    &name,
                    config.num_attention_heads[stage],
                    config.sr_ratios[stage],
                    size,
                )?;
            }
            x = self.norm(&x, &format!("segformer.encoder.layer_norm.{stage}"), EPSILON)?;
            maps.push((x.clone(), size));
        }
        self.head(&maps)
    }

    fn block(&mut self, x: Edge, name: &str, heads: usize, ratio: usize, size: Sides) -> Result<Edge, CheckpointError> {
        let attention = format!("{name}.attention.self");
        let normal = self.norm(&x, &format!("{name}.layer_norm_1"), EPSILON)?;
        let query = self.linear(&normal, &format!("{attention}.query"))?;
        let mut seen = normal;
        if ratio > 1 {
            let kernels = self.kernels(&seen, &format!("{attention}.sr.weight"))?;
            let bias = self.weights.vector(&format!("{attention}.sr.bias"))?;
            let laid = Laid {
                stride: [ratio; 2],
                pad: [0; 2],
                groups: 1,
            };
            if kernels.shape[2..] != [ratio, ratio] || size.0 < ratio || size.1 < ratio {
                return Err(unfit(
                    &attention,
                    &kernels,
                    "kernels as large as its config says, and pictures no smaller",
                ));
            }
            seen = self.graph.conv(&seen, &kernels, Some(&bias), laid);
            seen = self.norm(&seen, &format!("{attention}.layer_norm"), EPSILON)?;
        }
        let key = self.linear(&seen, &format!("{attention}.key"))?;
        let value = self.linear(&seen, &format!("{attention}.value"))?;
        if !query.channels.is_multiple_of(heads) || key.channels != query.channels || value.channels != query.channels {
            let odd = self.weights.tensor(&format!("{attention}.key.weight"))?;
            return Err(unfit(
                &attention,
                &odd,
                "queries, keys and values that its heads share evenly",
            ));
        }
        let taken = self.graph.attention(&query, &key, &value, heads, Some(size));
        let taken = self.linear(&taken, &format!("{name}.attention.output.dense"))?;
        let x = self.graph.plus(&taken, &x);
        let normal = self.norm(&x, &format!("{name}.layer_norm_2"), EPSILON)?;
        let wide = self.linear(&normal, &format!("{name}.mlp.dense1"))?;
        let depthwise = format!("{name}.mlp.dwconv.dwconv");
        let kernels = self.weights.kernels(&format!("{depthwise}.weight"))?;
        if kernels.shape[0] != wide.channels || kernels.shape[1] != 1 {
            return Err(unfit(&depthwise, &kernels, "one kernel for each channel"));
        }
        let bias = self.weights.vector(&format!("{depthwise}.bias"))?;
        let laid = Laid {
            groups: wide.channels,
            ..Laid::same(&kernels, 1)
        };
        let mixed = self.graph.conv(&wide, &kernels, Some(&bias), laid);
        let mixed = self.graph.gelu(&mixed);
        let narrow = self.linear(&mixed, &format!("{name}.mlp.dense2"))?;
        Ok(self.graph.plus(&narrow, &x))
    }

    /// Every stage's map as deep and as large as the first, the last first, fused and classified.
    fn head(&mut self, maps: &[(Edge, Sides)]) -> Result<Edge, CheckpointError> {
        let missing = || CheckpointError::Missing("decode_head.linear_c.0.proj.weight".to_owned());
        let size = maps.first().ok_or_else(missing)?.1;
        let mut joined: Option<Edge> = None;
        for (stage, (map, _)) in maps.iter().enumerate().rev() {
            let map = self.linear(map, &format!("decode_head.linear_c.{stage}.proj"))?;
            let map = self.graph.interpolated(&map, size);
            joined = Some(match joined {
                Some(before) => self.graph.joined(&before, &map),
                None => map,
            });
        }
        let joined = joined.ok_or_else(missing)?;
        let mut kernels = self.kernels(&joined, "decode_head.linear_fuse.weight")?;
        let bias = folded(&self.weights, &mut kernels, "decode_head.batch_norm")?;
        let fused = self.graph.conv(&joined, &kernels, Some(&bias), Laid::same(&kernels, 1));
        let fused = self.graph.relu(&fused);
        let kernels = self.kernels(&fused, "decode_head.classifier.weight")?;
        let bias = self.weights.vector("decode_head.classifier.bias")?;
        Ok(self.graph.conv(&fused, &kernels, Some(&bias), Laid::same(&kernels, 1)))
    }
}
