//! What the transformers library saves: a folder of weights, the network's settings, and those of its image processor.

use super::method::{Method, Resized};
use super::network::{Config, Preparation, build_folder};
use super::{Backend, LARGEST_SIDE, Model, ModelError, Options};
use serde_json::Value;

/// The files of such a folder.
pub struct Folder {
    /// `config.json`.
    pub config: Vec<u8>,
    /// `preprocessor_config.json`; without it the library's own settings hold.
    pub processor: Option<Vec<u8>>,
    /// `model.safetensors`, or the same as a PyTorch checkpoint.
    pub weights: Vec<u8>,
}

impl Folder {
    /// Errors: settings or weights that make no sense or do not fit each other, a network not known here, a backend that does not fit.
    pub fn open(self, options: &Options) -> Result<Model, ModelError> {
        if let Some(wanted) = options.backend.filter(|wanted| *wanted != Backend::Huggingface) {
            return Err(ModelError::Backend {
                is: Backend::Huggingface.name(),
                wanted: wanted.name(),
            });
        }
        let config = Config::read(&self.config)?;
        let prepared = self
            .processor
            .as_deref()
            .map(preparation)
            .transpose()?
            .unwrap_or_default();
        let network = build_folder(self.weights, &config, &prepared)?;
        let missing = || ModelError::UnknownNetwork("a folder without weights".to_owned());
        let engine = options
            .runtime
            .open(network.onnx.into_iter().next().ok_or_else(missing)?)?;
        let name = engine.name();
        Ok(Model {
            network: network.name,
            labels: config.labels(),
            ..Model::by(
                Backend::Huggingface,
                name,
                Method::Resized(Resized { engine, prepared }),
            )
        })
    }
}

/// What the processor's settings say; what they leave out is as the library has it.
fn preparation(json: &[u8]) -> Result<Preparation, ModelError> {
    let odd = |what: &str| ModelError::UnknownNetwork(format!("its preprocessor_config.json {what}"));
    let settings: Value = serde_json::from_slice(json).map_err(|_| odd("cannot be read"))?;
    let usual = Preparation::default();
    let on = |key: &str| settings[key].as_bool().unwrap_or(true);
    if !on("do_resize") {
        return Err(odd("leaves pictures at their own size, and attention needs one size"));
    }
    let side = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
    let size = match &settings["size"] {
        Value::Null => Some(usual.size),
        Value::Object(sides) => {
            let named = |key: &str| sides.get(key).and_then(side);
            let square = named("shortest_edge").map(|n| (n, n));
            named("height").zip(named("width")).or(square)
        }
        one => side(one).map(|n| (n, n)),
    };
    let within = |n: &usize| (32..=LARGEST_SIDE / 4).contains(n);
    let size = size
        .filter(|(h, w)| within(h) && within(w))
        .ok_or_else(|| odd("gives no size of pictures"))?;
    let three = |key: &str, usual: [f32; 3]| -> Result<[f32; 3], ModelError> {
        match &settings[key] {
            Value::Null => Ok(usual),
            given => {
                serde_json::from_value(given.clone()).map_err(|_| odd("gives no three numbers for three channels"))
            }
        }
    };
    let normal = on("do_normalize");
    let prepared = Preparation {
        size,
        scale: match on("do_rescale") {
            true => settings["rescale_factor"].as_f64().map_or(usual.scale, |v| v as f32),
            false => 1.0,
        },
        mean: if normal {
            three("image_mean", usual.mean)?
        } else {
            [0.0; 3]
        },
        spread: if normal {
            three("image_std", usual.spread)?
        } else {
            [1.0; 3]
        },
    };
    let finite = prepared.mean.iter().chain(&prepared.spread).all(|v| v.is_finite());
    match finite && prepared.scale.is_finite() && prepared.spread.iter().all(|v| *v != 0.0) {
        true => Ok(prepared),
        false => Err(odd("scales grey values by nothing")),
    }
}
