//! The encoder: patches of a picture as tokens, which attend to each other within windows, and in a few layers everywhere.

use super::super::fold;
use super::super::layers::{Layers, unfit};
use super::{Config, EPSILON};
use crate::model::checkpoint::{CheckpointError, Tensor};
use crate::model::graph::{Edge, Laid, Windows};

impl Layers<'_> {
    pub fn sam_encoder(&mut self, picture: &Edge, config: &Config) -> Result<Edge, CheckpointError> {
        let vision = &config.vision_config;
        let name = "vision_encoder.patch_embed.projection";
        let kernels = self.kernels(picture, &format!("{name}.weight"))?;
        if kernels.shape[2..] != [vision.patch_size; 2] {
            return Err(unfit(name, &kernels, "kernels as large as its config says"));
        }
        let laid = Laid {
            stride: [vision.patch_size; 2],
            pad: [0; 2],
            groups: 1,
        };
        let bias = self.weights.vector(&format!("{name}.bias"))?;
        let mut x = self.graph.conv(picture, &kernels, Some(&bias), laid);
        if self.weights.has("vision_encoder.pos_embed") {
            let places = self.places(x.channels, config.grid())?;
            x = self.graph.plus(&x, &places);
        }
        for layer in 0..vision.num_hidden_layers {
            let window = match vision.window_size {
                n if n > 0 && !vision.global_attn_indexes.contains(&layer) => n,
                _ => config.grid(),
            };
            x = self.sam_layer(x, &format!("vision_encoder.layers.{layer}"), window, config)?;
        }
        for (conv, norm) in [("conv1", "layer_norm1"), ("conv2", "layer_norm2")] {
            let kernels = self.kernels(&x, &format!("vision_encoder.neck.{conv}.weight"))?;
            x = self.graph.conv(&x, &kernels, None, Laid::same(&kernels, 1));
            x = self.norm(&x, &format!("vision_encoder.neck.{norm}"), EPSILON)?;
        }
        Ok(x)
    }

    /// What is added for a place in the picture: (1, rows, columns, channels) in the file.
    fn places(&mut self, channels: usize, grid: usize) -> Result<Edge, CheckpointError> {
        let name = "vision_encoder.pos_embed";
        let mut places = self.weights.tensor(name)?;
        if places.shape != [1, grid, grid, channels] {
            return Err(unfit(name, &places, "a vector for each patch of the picture"));
        }
        let n = grid * grid;
        places.data = (0..channels * n)
            .map(|i| places.data[i % n * channels + i / n])
            .collect();
        places.shape = vec![1, channels, grid, grid];
        Ok(self.graph.constant(&places))
    }

    fn sam_layer(&mut self, x: Edge, name: &str, window: usize, config: &Config) -> Result<Edge, CheckpointError> {
        let (vision, grid) = (&config.vision_config, config.grid());
        let whole = grid.next_multiple_of(window);
        let normal = self.norm(&x, &format!("{name}.layer_norm1"), vision.layer_norm_eps)?;
        // beyond the rim there are zeros, which are keys and values like others
        let normal = self.graph.padded(&normal, (grid, grid), (whole, whole));
        let [q, k, v] = self.three(&normal, &format!("{name}.attn.qkv"), vision.num_attention_heads)?;
        let relative = self.relative(&format!("{name}.attn"), window, q.channels / vision.num_attention_heads)?;
        let laid = Windows {
            heads: vision.num_attention_heads,
            map: (whole, whole),
            window: (window, window),
        };
        let mut taken = self.graph.windowed([&q, &k, &v], laid, relative.as_ref());
        if whole > grid {
            taken = self.graph.cut(&taken, 2, (0, grid));
            taken = self.graph.cut(&taken, 3, (0, grid));
        }
        let taken = self.linear(&taken, &format!("{name}.attn.proj"))?;
        let x = self.graph.plus(&x, &taken);
        let normal = self.norm(&x, &format!("{name}.layer_norm2"), vision.layer_norm_eps)?;
        let wide = self.linear(&normal, &format!("{name}.mlp.lin1"))?;
        let wide = self.graph.gelu(&wide);
        let narrow = self.linear(&wide, &format!("{name}.mlp.lin2"))?;
        Ok(self.graph.plus(&x, &narrow))
    }

    /// Queries, keys and values, which the file has in one layer.
    fn three(&mut self, x: &Edge, name: &str, heads: usize) -> Result<[Edge; 3], CheckpointError> {
        let weights = self.weights.tensor(&format!("{name}.weight"))?;
        let inner = match weights.shape.as_slice() {
            [outputs, inputs] if *inputs == x.channels && outputs.is_multiple_of(3 * heads) => outputs / 3,
            _ => {
                return Err(unfit(
                    name,
                    &weights,
                    "queries, keys and values that its heads share evenly",
                ));
            }
        };
        let bias = match self.weights.has(&format!("{name}.bias")) {
            true => fold::vector(&self.weights, name, "bias", 3 * inner)?,
            false => vec![0.0; 3 * inner],
        };
        Ok([0, 1, 2].map(|part| {
            let rows = part * inner..(part + 1) * inner;
            let weights = Tensor {
                shape: vec![inner, x.channels],
                data: weights.data[rows.start * x.channels..rows.end * x.channels].to_vec(),
            };
            self.graph.linear(x, weights, Some(&bias[rows]))
        }))
    }

    /// For rows and columns a vector for each distance within a window.
    fn relative(&self, name: &str, window: usize, each: usize) -> Result<Option<[Tensor; 2]>, CheckpointError> {
        let names = ["rel_pos_h", "rel_pos_w"].map(|part| format!("{name}.{part}"));
        if !names.iter().all(|name| self.weights.has(name)) {
            return Ok(None);
        }
        let [rows, columns] = names.map(|name| {
            let vectors = self.weights.tensor(&name)?;
            match vectors.shape == [2 * window - 1, each] {
                true => Ok(vectors),
                false => Err(unfit(&name, &vectors, "a vector for each distance within a window")),
            }
        });
        Ok(Some([rows?, columns?]))
    }
}
