//! The decoder: tokens of points and of a mask made before, and the encoder's map, attend to each other in turn.

use super::super::layers::{Layers, unfit};
use super::{Config, Decoder, EPSILON};
use crate::model::checkpoint::{CheckpointError, Tensor};
use crate::model::graph::{Edge, Laid, Side, waves_everywhere};

/// PyTorch's own, of the last normalisation.
const LAST_EPSILON: f32 = 1e-5;
/// What a mask that is given back measures, in parts of the encoder's map.
const FINER: usize = 4;

impl Layers<'_> {
    pub fn sam_decoder(&mut self, channels: usize, config: &Config) -> Result<(), CheckpointError> {
        let (grid, decoder) = (config.grid(), &config.mask_decoder_config);
        let graph = &mut self.graph;
        let picture = graph.input("image_embeddings", &[1, channels, grid, grid].map(Side::Fixed));
        let points = graph.input("point_coords", &[Side::Fixed(1), Side::Named("points"), Side::Fixed(2)]);
        let labels = graph.input("point_labels", &[Side::Fixed(1), Side::Named("points")]);
        let mask = graph.input("mask_input", &[1, 1, FINER * grid, FINER * grid].map(Side::Fixed));
        let masked = graph.input("has_mask_input", &[Side::Fixed(1)]);

        let waves = self.waves(channels)?;
        let everywhere = self.graph.constant(&waves_everywhere(&waves, grid));
        let meanings = self.meanings(channels)?;
        let prompts = self
            .graph
            .prompts(&points, &labels, config.vision_config.image_size, &waves, &meanings);
        let none = self.rows("prompt_encoder.no_mask_embed.weight", channels)?;
        let none = self.graph.constant(&none);
        let given = self.mask(&mask, config.prompt_encoder_config.layer_norm_eps)?;
        if given.channels != channels {
            let odd = self.weights.tensor("prompt_encoder.mask_embed.conv3.bias")?;
            return Err(unfit(
                "prompt_encoder.mask_embed.conv3.bias",
                &odd,
                "as many channels as pictures have",
            ));
        }
        let dense = self.graph.mixed(&none, &given, &masked);
        let picture = self.graph.plus(&picture, &dense);

        let score = self.rows("mask_decoder.iou_token.weight", channels)?;
        let masks = self.rows("mask_decoder.mask_tokens.weight", channels)?;
        let count = masks.shape[2];
        let own = [self.graph.constant(&score), self.graph.constant(&masks), prompts];
        let tokens = self.graph.strung(&own, 2);
        let (tokens, picture) = self.two_ways(tokens, picture, &everywhere, (grid, grid), decoder)?;

        let fine = self.finer(&picture)?;
        let per_mask: Result<Vec<Edge>, CheckpointError> = (0..count)
            .map(|i| {
                let token = self.graph.cut(&tokens, 2, (1 + i, 2 + i));
                self.stacked(token, &format!("mask_decoder.output_hypernetworks_mlps.{i}"))
            })
            .collect();
        let per_mask = per_mask?;
        if per_mask.iter().any(|x| x.channels != fine.channels) {
            return Err(CheckpointError::Missing(
                "mask_decoder.output_hypernetworks_mlps that fit the picture".to_owned(),
            ));
        }
        let (n, wide) = (fine.channels, (FINER * grid) as i64);
        let weights = self.graph.strung(&per_mask, 2);
        let weights = self.graph.transposed(&weights, &[0, 3, 2, 1]);
        let fine = self.graph.reshaped(&fine, &[1, 1, n as i64, -1], n);
        let masks = self.graph.product(&weights, &fine);
        let masks = self.graph.reshaped(&masks, &[1, count as i64, wide, wide], count);
        let score = self.graph.cut(&tokens, 2, (0, 1));
        let score = self.stacked(score, "mask_decoder.iou_prediction_head")?;
        let score = self.graph.reshaped(&score, &[1, count as i64], count);
        let sides = [1, count, FINER * grid, FINER * grid].map(Side::Fixed);
        self.graph.output("low_res_masks", &masks, &sides);
        self.graph.output("iou_predictions", &score, &sides[..2]);
        Ok(())
    }

    /// Random waves whose sines and cosines tell places apart.
    fn waves(&self, channels: usize) -> Result<Tensor, CheckpointError> {
        let names = [
            "shared_image_embedding.positional_embedding",
            "prompt_encoder.shared_embedding.positional_embedding",
        ];
        let name = names
            .into_iter()
            .find(|name| self.weights.has(name))
            .unwrap_or(names[0]);
        let waves = self.weights.tensor(name)?;
        match waves.shape.as_slice() {
            [2, n] if 2 * n == channels => Ok(waves),
            _ => Err(unfit(name, &waves, "two rows, half as long as pictures have channels")),
        }
    }

    /// A list of tokens from rows of a table: (1, channels, rows, 1).
    fn rows(&self, name: &str, channels: usize) -> Result<Tensor, CheckpointError> {
        let table = self.weights.tensor(name)?;
        let rows = match table.shape.as_slice() {
            [rows, columns] if *columns == channels && (1..=64).contains(rows) => *rows,
            _ => return Err(unfit(name, &table, "rows as long as pictures have channels")),
        };
        let data = (0..channels * rows).map(|i| table.data[i % rows * channels + i / rows]);
        Ok(Tensor {
            shape: vec![1, channels, rows, 1],
            data: data.collect(),
        })
    }

    /// What no point, a point not here, one here, and the two corners of a box mean.
    fn meanings(&self, channels: usize) -> Result<Tensor, CheckpointError> {
        let mut data = self.rows("prompt_encoder.not_a_point_embed.weight", channels)?.data;
        for label in 0..4 {
            data.extend(
                self.rows(&format!("prompt_encoder.point_embed.{label}.weight"), channels)?
                    .data,
            );
        }
        let fits = data.len() == 5 * channels;
        let odd = || CheckpointError::Missing("prompt_encoder.point_embed of one row each".to_owned());
        fits.then(|| Tensor {
            shape: vec![5, channels],
            data,
        })
        .ok_or_else(odd)
    }

    /// A mask that was made before, as channels of the picture.
    fn mask(&mut self, mask: &Edge, epsilon: f32) -> Result<Edge, CheckpointError> {
        let mut x = mask.clone();
        for (conv, norm) in [
            ("conv1", Some("layer_norm1")),
            ("conv2", Some("layer_norm2")),
            ("conv3", None),
        ] {
            let name = format!("prompt_encoder.mask_embed.{conv}");
            let kernels = self.kernels(&x, &format!("{name}.weight"))?;
            let bias = self.weights.vector(&format!("{name}.bias"))?;
            let side = kernels.shape[2];
            let laid = Laid {
                stride: [side; 2],
                pad: [0; 2],
                groups: 1,
            };
            x = self.graph.conv(&x, &kernels, Some(&bias), laid);
            if let Some(norm) = norm {
                x = self.norm(&x, &format!("prompt_encoder.mask_embed.{norm}"), epsilon)?;
                x = self.graph.gelu(&x);
            }
        }
        Ok(x)
    }

    /// Tokens and picture attend to each other in turn.
    fn two_ways(
        &mut self,
        prompts: Edge,
        mut picture: Edge,
        places: &Edge,
        size: (usize, usize),
        decoder: &Decoder,
    ) -> Result<(Edge, Edge), CheckpointError> {
        let mut tokens = prompts.clone();
        let name = "mask_decoder.transformer";
        let (heads, epsilon) = (decoder.num_attention_heads, decoder.layer_norm_eps);
        for layer in 0..decoder.num_hidden_layers {
            let name = format!("{name}.layers.{layer}");
            let own = format!("{name}.self_attn");
            tokens = match layer {
                // the first tokens are what the prompts are: no place is added to them
                0 => self.attended([&tokens; 3], &own, heads, None)?,
                _ => {
                    let placed = self.graph.plus(&tokens, &prompts);
                    let taken = self.attended([&placed, &placed, &tokens], &own, heads, None)?;
                    self.graph.plus(&tokens, &taken)
                }
            };
            tokens = self.norm(&tokens, &format!("{name}.layer_norm1"), epsilon)?;
            let across = format!("{name}.cross_attn_token_to_image");
            tokens = self.looked(&tokens, &prompts, &picture, places, &across, heads)?;
            tokens = self.norm(&tokens, &format!("{name}.layer_norm2"), epsilon)?;
            let wide = self.linear(&tokens, &format!("{name}.mlp.lin1"))?;
            let wide = self.graph.relu(&wide);
            let narrow = self.linear(&wide, &format!("{name}.mlp.lin2"))?;
            tokens = self.graph.plus(&tokens, &narrow);
            tokens = self.norm(&tokens, &format!("{name}.layer_norm3"), epsilon)?;
            let (query, key) = (self.graph.plus(&picture, places), self.graph.plus(&tokens, &prompts));
            let back = format!("{name}.cross_attn_image_to_token");
            let taken = self.attended([&query, &key, &tokens], &back, heads, Some(size))?;
            picture = self.graph.plus(&picture, &taken);
            picture = self.norm(&picture, &format!("{name}.layer_norm4"), epsilon)?;
        }
        let last = format!("{name}.final_attn_token_to_image");
        tokens = self.looked(&tokens, &prompts, &picture, places, &last, heads)?;
        tokens = self.norm(&tokens, &format!("{name}.layer_norm_final_attn"), LAST_EPSILON)?;
        Ok((tokens, picture))
    }

    /// Tokens with what they take of the picture.
    fn looked(
        &mut self,
        tokens: &Edge,
        prompts: &Edge,
        picture: &Edge,
        places: &Edge,
        name: &str,
        heads: usize,
    ) -> Result<Edge, CheckpointError> {
        let (query, key) = (self.graph.plus(tokens, prompts), self.graph.plus(picture, places));
        let taken = self.attended([&query, &key, picture], name, heads, None)?;
        Ok(self.graph.plus(tokens, &taken))
    }

    fn attended(
        &mut self,
        [query, key, value]: [&Edge; 3],
        name: &str,
        heads: usize,
        size: Option<(usize, usize)>,
    ) -> Result<Edge, CheckpointError> {
        let q = self.linear(query, &format!("{name}.q_proj"))?;
        let k = self.linear(key, &format!("{name}.k_proj"))?;
        let v = self.linear(value, &format!("{name}.v_proj"))?;
        if !q.channels.is_multiple_of(heads) || [k.channels, v.channels] != [q.channels; 2] {
            let odd = self.weights.tensor(&format!("{name}.k_proj.weight"))?;
            return Err(unfit(
                name,
                &odd,
                "queries, keys and values that its heads share evenly",
            ));
        }
        let taken = self.graph.attention(&q, &k, &v, heads, size);
        self.linear(&taken, &format!("{name}.out_proj"))
    }

    /// The picture four times as fine.
    fn finer(&mut self, picture: &Edge) -> Result<Edge, CheckpointError> {
        let up = |layers: &mut Self, x: &Edge, name: &str| {
            let kernels = layers.weights.kernels(&format!("{name}.weight"))?;
            if kernels.shape[0] != x.channels || kernels.shape[2..] != [2, 2] {
                return Err(unfit(name, &kernels, "kernels of two by two for the layer before"));
            }
            let bias = layers.weights.vector(&format!("{name}.bias"))?;
            Ok(layers.graph.conv_up(x, &kernels, Some(&bias)))
        };
        let x = up(self, picture, "mask_decoder.upscale_conv1")?;
        let x = self.norm(&x, "mask_decoder.upscale_layer_norm", EPSILON)?;
        let x = self.graph.gelu(&x);
        let x = up(self, &x, "mask_decoder.upscale_conv2")?;
        Ok(self.graph.gelu(&x))
    }

    /// Linear layers with what is below zero cut off between them.
    fn stacked(&mut self, x: Edge, name: &str) -> Result<Edge, CheckpointError> {
        let mut x = self.linear(&x, &format!("{name}.proj_in"))?;
        for layer in (0..).map(|i| format!("{name}.layers.{i}")) {
            x = self.graph.relu(&x);
            if !self.weights.has(&format!("{layer}.weight")) {
                break;
            }
            x = self.linear(&x, &layer)?;
        }
        self.linear(&x, &format!("{name}.proj_out"))
    }
}
