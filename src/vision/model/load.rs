//! From a name to a model ready to run: the only place of this room that reads files.

use super::{Backend, Folder, Model, ModelError, Native, Options, Runtime};
use model::carried::{CLASSICAL, Place};
use model::library::{Card, Library, NoModel, sha256};
use std::path::{Path, PathBuf};

/// Names of the weights in a folder of the transformers library.
const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// Why there is no model. Nothing was segmented.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    NoModel(#[from] NoModel),
    #[error("the model {path} cannot be read ({source}); nothing was segmented", path = .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}", path = .path.display())]
    Model { path: PathBuf, source: ModelError },
    #[error(transparent)]
    Runtime(ModelError),
}

impl Model {
    /// The model that a name means, run by what the settings say; `None` is the settings' own for no instrument in particular.
    pub fn load(library: &Library, name: Option<&str>, backend: Option<Backend>) -> Result<Model, LoadError> {
        let name = name.unwrap_or_else(|| library.chosen(None)).trim();
        if name == CLASSICAL {
            return Ok(Model::classical());
        }
        let place = library.place(name)?;
        let (runtime, doubt) = runtime(library)?;
        let options = Options {
            runtime,
            backend,
            ..Options::default()
        };
        let mut model = Model::open_place(&place, &options)?;
        model.remark = match (model.remark.take(), doubt) {
            (Some(remark), Some(doubt)) => Some(format!("{remark}; {doubt}")),
            (remark, doubt) => remark.or(doubt),
        };
        Ok(model)
    }

    /// The model in a file or folder, or one that the program carries.
    pub fn open_place(place: &Place, options: &Options) -> Result<Model, LoadError> {
        match place {
            Place::File(path) => Model::open_path(path, options),
            Place::Carried(carried) => {
                let broken = |source| LoadError::Model {
                    path: carried.name.into(),
                    source,
                };
                let model = Model::open(carried.bytes.to_vec(), carried.name, options).map_err(broken)?;
                let card = carried.card();
                Ok(Model {
                    hash: sha256(carried.bytes),
                    network: card.network,
                    labels: card.labels,
                    ..model
                })
            }
        }
    }

    /// The model in a file, or in a folder of the transformers library.
    pub fn open_path(path: &Path, options: &Options) -> Result<Model, LoadError> {
        let io = |source| LoadError::Io {
            path: path.to_owned(),
            source,
        };
        let broken = |source| LoadError::Model {
            path: path.to_owned(),
            source,
        };
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut model = if path.is_dir() {
            let folder = Folder::read(path).map_err(io)?;
            let hash = sha256(&folder.weights);
            let model = folder.open(options).map_err(broken)?;
            Model { name, hash, ..model }
        } else {
            let bytes = std::fs::read(path).map_err(io)?;
            let hash = sha256(&bytes);
            let model = Model::open(bytes, &name, options).map_err(broken)?;
            Model { hash, ..model }
        };
        if let Some(card) = Card::beside(path).filter(|card| !card.labels.is_empty()) {
            model.labels = card.labels;
        }
        Ok(model)
    }
}

impl Folder {
    /// The files of a folder.
    pub fn read(path: &Path) -> std::io::Result<Folder> {
        let weights = WEIGHTS.iter().map(|file| path.join(file)).find(|file| file.is_file());
        Ok(Folder {
            config: std::fs::read(path.join("config.json"))?,
            processor: std::fs::read(path.join("preprocessor_config.json")).ok(),
            weights: std::fs::read(weights.unwrap_or_else(|| path.join(WEIGHTS[0])))?,
        })
    }
}

/// What computes, by the settings; and why it is not the native runtime that lies about, or not the device it was made for. What is named
/// must work.
pub fn runtime(library: &Library) -> Result<(Runtime, Option<String>), LoadError> {
    let Some(path) = library.runtime() else {
        return Ok((Runtime::BuiltIn, None));
    };
    let device = library.settings.device.trim();
    match Native::load(&path).and_then(|native| native.on(device)) {
        Ok((native, doubt)) => Ok((Runtime::Native(native), doubt)),
        Err(error) if matches!(library.settings.runtime.trim(), "auto" | "") && device == "auto" => {
            Ok((Runtime::BuiltIn, Some(error.to_string())))
        }
        Err(error) => Err(LoadError::Runtime(error)),
    }
}
