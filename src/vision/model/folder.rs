//! What the transformers library saves: a folder of weights, the network's settings, and those of its image processor.

use super::network::{Config, Network, Preparation, build_folder};
use super::{Model, ModelError, Options};
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
    /// Its network as ONNX, with what is needed to run it: of SAM two files, encoder and decoder.
    ///
    /// Errors: settings or weights that make no sense or do not fit each other, a network not known here.
    pub fn convert(self) -> Result<Network, ModelError> {
        let config = Config::read(&self.config)?;
        let prepared = self.processor.as_deref().map(preparation).transpose()?;
        build_folder(self.weights, &config, &prepared.unwrap_or_default())
    }

    /// Errors: as [`Folder::convert`], a network that makes no classes, a backend that does not fit.
    pub fn open(self, options: &Options) -> Result<Model, ModelError> {
        let network = self.convert()?;
        if !network.parts.is_empty() {
            return Err(ModelError::Prompted);
        }
        let missing = || ModelError::UnknownNetwork("a folder without weights".to_owned());
        let model = Model::onnx(network.onnx.into_iter().next().ok_or_else(missing)?, options)?;
        Ok(Model {
            network: network.name,
            ..model
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
    let size = size.ok_or_else(|| odd("gives no size of pictures"))?;
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
    match prepared.is_sane() {
        true => Ok(prepared),
        false => Err(odd("gives no size of pictures, or scales grey values by nothing")),
    }
}
