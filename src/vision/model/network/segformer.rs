//! SegFormer, by the names and the `config.json` of the transformers library: four stages of attention over ever coarser maps, and a
//! head that brings them together.
//!
//! Pictures go through at the one size that the folder's processor says, so attention's shapes are known when the graph is written.

use super::fold::folded;
use super::{Network, Preparation};
use crate::model::ModelError;
use crate::model::checkpoint::{Checkpoint, CheckpointError, Tensor, Weights};
use crate::model::graph::{Edge, Graph, Laid, Sides};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Of every layer normalisation, PyTorch's default: the library passes none of its own.
const EPSILON: f32 = 1e-5;

/// What a folder's `config.json` says.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    model_type: String,
    depths: Vec<usize>,
    sr_ratios: Vec<usize>,
    num_attention_heads: Vec<usize>,
    patch_sizes: Vec<usize>,
    strides: Vec<usize>,
    #[serde(default)]
    id2label: BTreeMap<String, String>,
}

impl Config {
    pub fn read(json: &[u8]) -> Result<Config, ModelError> {
        let unknown = |what: String| ModelError::UnknownNetwork(format!("its config.json {what}"));
        let config: serde_json::Value =
            serde_json::from_slice(json).map_err(|e| unknown(format!("cannot be read ({e})")))?;
        let kind = config["model_type"].as_str().unwrap_or("nothing").to_owned();
        if kind != "segformer" {
            return Err(unknown(format!("says {}", model::text::printable(&kind))));
        }
        let config: Config = serde_json::from_value(config).map_err(|e| unknown(format!("makes no sense ({e})")))?;
        let stages = config.depths.len();
        let lists = [
            &config.sr_ratios,
            &config.num_attention_heads,
            &config.patch_sizes,
            &config.strides,
        ];
        let sane = |list: &Vec<usize>| list.len() == stages && list.iter().all(|n| (1..=64).contains(n));
        if stages == 0 || stages > 8 || !lists.into_iter().chain([&config.depths]).all(sane) {
            return Err(unknown(
                "lists a number of stages that is none, or sizes that are none".to_owned(),
            ));
        }
        Ok(config)
    }

    /// Names of the classes from 0 on.
    pub fn labels(&self) -> Vec<String> {
        let at = |id: usize| self.id2label.get(&id.to_string()).cloned();
        (0..256).map_while(at).collect()
    }
}

struct Builder<'a> {
    weights: Weights<'a>,
    graph: Graph,
}

/// The network of a folder for pictures of the size that its processor makes of all.
pub(super) fn build(checkpoint: &Checkpoint, config: &Config, prepared: &Preparation) -> Result<Network, ModelError> {
    let weights = checkpoint.weights(None)?;
    let (graph, input) = Graph::fixed("segformer", 3, prepared.size);
    let mut builder = Builder { weights, graph };
    let output = builder.network(&input, config, prepared.size)?;
    let metadata = [
        ("architecture", "segformer"),
        ("model_type", config.model_type.as_str()),
    ];
    Ok(Network {
        name: "segformer".to_owned(),
        classes: output.channels,
        onnx: vec![builder.graph.finish(&output, &metadata)],
        plan: None,
    })
}

impl Builder<'_> {
    fn network(&mut self, input: &Edge, config: &Config, mut size: Sides) -> Result<Edge, CheckpointError> {
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
            x = self.norm(&x, &format!("{name}.layer_norm"))?;
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
            x = self.norm(&x, &format!("segformer.encoder.layer_norm.{stage}"))?;
            maps.push((x.clone(), size));
        }
        self.head(&maps)
    }

    fn block(&mut self, x: Edge, name: &str, heads: usize, ratio: usize, size: Sides) -> Result<Edge, CheckpointError> {
        let attention = format!("{name}.attention.self");
        let normal = self.norm(&x, &format!("{name}.layer_norm_1"))?;
        let query = self.linear(&normal, &format!("{attention}.query"))?;
        let (mut seen, mut seen_size) = (normal, size);
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
            seen = self.norm(&seen, &format!("{attention}.layer_norm"))?;
            seen_size = (size.0 / ratio, size.1 / ratio);
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
        let taken = self.graph.attention(&query, &key, &value, heads, (size, seen_size));
        let taken = self.linear(&taken, &format!("{name}.attention.output.dense"))?;
        let x = self.graph.plus(&taken, &x);
        let normal = self.norm(&x, &format!("{name}.layer_norm_2"))?;
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

    fn linear(&mut self, x: &Edge, name: &str) -> Result<Edge, CheckpointError> {
        let weights = self.weights.tensor(&format!("{name}.weight"))?;
        let bias = self.weights.vector(&format!("{name}.bias"))?;
        match weights.shape.as_slice() {
            [outputs, inputs] if *inputs == x.channels && *outputs == bias.len() => {}
            _ => return Err(unfit(name, &weights, "as many inputs as the layer before has outputs")),
        }
        Ok(self.graph.linear(x, weights, Some(&bias)))
    }

    fn norm(&mut self, x: &Edge, name: &str) -> Result<Edge, CheckpointError> {
        let vector = |part: &str| super::fold::vector(&self.weights, name, part, x.channels);
        let (scale, shift) = (vector("weight")?, vector("bias")?);
        Ok(self.graph.layer_norm(x, &scale, &shift, EPSILON))
    }

    /// The kernels of a convolution on x, which they must fit.
    fn kernels(&self, x: &Edge, name: &str) -> Result<Tensor, CheckpointError> {
        let kernels = self.weights.kernels(name)?;
        if kernels.shape[1] != x.channels {
            return Err(unfit(name, &kernels, "as many inputs as the layer before has outputs"));
        }
        Ok(kernels)
    }
}

fn unfit(name: &str, tensor: &Tensor, expected: &'static str) -> CheckpointError {
    CheckpointError::Shape {
        name: name.to_owned(),
        shape: tensor.shape.clone(),
        expected,
    }
}
