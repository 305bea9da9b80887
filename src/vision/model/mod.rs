//! Segmentation by neural networks: what is in a file, how it is run, and what a picture becomes.
//!
//! [`Model::open`] takes the bytes of an ONNX network, a PyTorch checkpoint, or an nnU-Net export, [`Folder`] what transformers saves; what it is, is told by its content
//! (the original goes by words in the path, so that a folder's name can break a model). Rooms: `checkpoint` reads files of weights
//! without Python, `network` knows architectures, `graph` writes ONNX, `engine` computes, `method` prepares pictures and
//! joins results; `load` alone reads files. Nothing is fetched here. Only `engine` names the libraries that compute. [`Model::classical`] needs no
//! file at all.

pub mod checkpoint;
mod engine;
mod error;
mod folder;
mod graph;
mod load;
mod method;
mod network;

pub use checkpoint::archive;
pub use engine::{Engine, Native, Runtime, Shape};
pub use error::ModelError;
pub use folder::Folder;
pub use load::{LoadError, runtime};
pub use method::{Step, Watch};
pub use network::{Network, Norm, Plan};

use crate::View;
use crate::features::Feature;
use crate::segment::Segmented;
use ::model::carried::CLASSICAL;
use checkpoint::Checkpoint;
use method::{Folds, Method, Resized, Whole, Window};
use network::{LABELS, PREPARATION, Preparation};
use serde::{Deserialize, Serialize};

/// How a model is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A checkpoint of segmentation-models-pytorch.
    Smp,
    /// A single-file export of nnU-Net.
    Nnunet,
    /// A network for whole pictures of one channel.
    Onnx,
    /// A network for square windows of three channels.
    Window,
    /// A folder of the transformers library.
    Huggingface,
    /// No network: edges and thresholds, see [`crate::classical`].
    Classical,
}

impl Backend {
    pub const ALL: [Backend; 6] = [
        Backend::Smp,
        Backend::Nnunet,
        Backend::Onnx,
        Backend::Window,
        Backend::Huggingface,
        Backend::Classical,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Backend::Smp => "smp",
            Backend::Nnunet => "nnunet",
            Backend::Onnx => "onnx",
            Backend::Window => "window",
            Backend::Huggingface => "huggingface",
            Backend::Classical => CLASSICAL,
        }
    }
}

/// Checkpoints that openFIBSEM feeds with undivided grey values and normalises by the picture itself. It compares the name as it is given, so a
/// path never matches; here the file's name counts.
const UNSCALED: &[&str] = &[
    "autolamella-02-34.pt",
    "autolamella-03-34.pt",
    "autolamella-04-34.pt",
    "autolamella-05-34.pt",
    "autolamella-latest.pt",
    "openfibsem-01-18.pt",
    "openfibsem-02-18.pt",
    "openfibsem-03-18.pt",
    "autoliftout-serial-01-34.pt",
];

/// Pixels of a side that a network may ask for: a larger one is a damaged file, and would ask for all the memory.
const LARGEST_SIDE: usize = 16_384;

/// How to open a model.
#[derive(Clone, Debug)]
pub struct Options {
    pub runtime: Runtime,
    /// Instead of what the file is taken for. It must fit.
    pub backend: Option<Backend>,
    /// Largest (rows, columns) that go through a network at once, multiples of 32; larger pictures are tiled.
    pub largest: (usize, usize),
}

impl Default for Options {
    fn default() -> Self {
        Options {
            runtime: Runtime::default(),
            backend: None,
            largest: (1024, 1536),
        }
    }
}

/// A model ready to segment pictures.
pub struct Model {
    /// The file's name, without folders.
    pub name: String,
    pub backend: Backend,
    /// What the checkpoint holds, as in `unet-resnet34`; empty where the file does not say.
    pub network: String,
    /// What computes it.
    pub engine: &'static str,
    /// What people should know about how it is run, if anything.
    pub remark: Option<String>,
    /// SHA-256 of its file; empty for one that came as bytes, or needs none.
    pub hash: String,
    /// Names of the classes from 0 on, where they are not the usual ones.
    pub labels: Vec<String>,
    /// `None`: without a network.
    method: Option<Method>,
}

impl Model {
    /// `name` is the file's; only checkpoints that need their own treatment are told by it.
    ///
    /// Errors: bytes that are no model, a damaged file, a network not known here, or a backend that does not fit.
    pub fn open(bytes: Vec<u8>, name: &str, options: &Options) -> Result<Self, ModelError> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned();
        let mut model = if is_onnx(&bytes) {
            Self::onnx(bytes, options)?
        } else {
            Self::checkpoint(bytes, &name, options)?
        };
        model.name = name;
        Ok(model)
    }

    /// What needs no network and no file: see [`crate::classical`].
    pub fn classical() -> Self {
        Model {
            name: CLASSICAL.to_owned(),
            backend: Backend::Classical,
            network: String::new(),
            engine: "edges and thresholds",
            remark: None,
            hash: String::new(),
            labels: crate::classical::labels(),
            method: None,
        }
    }

    fn by(backend: Backend, engine: &'static str, method: Method) -> Self {
        Model {
            backend,
            engine,
            name: String::new(),
            labels: Vec::new(),
            method: Some(method),
            ..Model::classical()
        }
    }

    /// Of these features the ones it looks for, so that "not found" never means "not looked for": a network's classes are its trainer's, the
    /// detectors' are known. Of `usual` features the others are left out; one that was asked for by name is an error.
    pub fn looked_for(&self, mut features: Vec<Feature>, usual: bool) -> Result<Vec<Feature>, ModelError> {
        let seen = |f: &Feature| self.backend != Backend::Classical || crate::classical::looks_for(f.class);
        if !usual && let Some(unseen) = features.iter().find(|f| !seen(f)) {
            return Err(ModelError::Unseen {
                model: self.name.clone(),
                feature: unseen.name.to_string(),
            });
        }
        features.retain(seen);
        Ok(features)
    }

    /// What a class of its masks is called.
    pub fn label(&self, class: u8) -> String {
        let own = self.labels.get(usize::from(class)).filter(|label| !label.is_empty());
        own.cloned().unwrap_or_else(|| crate::classes::label(class))
    }

    fn onnx(bytes: Vec<u8>, options: &Options) -> Result<Self, ModelError> {
        let notes = graph::notes(&bytes);
        if notes.get("architecture").is_some_and(|what| what.starts_with("sam-")) {
            return Err(ModelError::Prompted);
        }
        let prepared: Option<Preparation> = notes.get(PREPARATION).and_then(|json| serde_json::from_str(json).ok());
        if let Some(prepared) = prepared.filter(Preparation::is_sane) {
            let labels = notes.get(LABELS).and_then(|json| serde_json::from_str(json).ok());
            let small = notes.get("architecture").is_some_and(|what| what == "unet-small");
            let backend = if small { Backend::Onnx } else { Backend::Huggingface };
            let model = Self::resized(bytes, prepared, backend, options)?;
            return Ok(Model {
                labels: labels.unwrap_or_default(),
                ..model
            });
        }
        let engine = options.runtime.open(bytes)?;
        let input = engine.input();
        let side = input
            .rows
            .into_iter()
            .chain(input.columns)
            .find(|side| !(1..=LARGEST_SIDE).contains(side));
        if let Some(side) = side {
            return Err(ModelError::Input(format!("pictures with a side of {side} pixels")));
        }
        let square = input.rows.filter(|rows| input.columns == Some(*rows));
        let is = match (input.channels, square) {
            (Some(3), Some(_)) => Backend::Window,
            (None | Some(1 | 3), _) => Backend::Onnx,
            (Some(n), _) => return Err(ModelError::Input(format!("{n} channels"))),
        };
        let backend = options.backend.unwrap_or(is);
        let name = engine.name();
        let method = match (backend, square) {
            (Backend::Onnx, _) => Method::Whole(Whole {
                channels: input.channels.unwrap_or(1),
                scale: 255.0,
                largest: options.largest,
                engine,
            }),
            (Backend::Window, Some(side)) if input.channels == Some(3) => Method::Window(Window { engine, side }),
            (wanted, _) => {
                return Err(ModelError::Backend {
                    is: is.name(),
                    wanted: wanted.name(),
                });
            }
        };
        Ok(Model::by(backend, name, method))
    }

    /// A network whose pictures are all brought to one size.
    fn resized(bytes: Vec<u8>, prepared: Preparation, is: Backend, options: &Options) -> Result<Self, ModelError> {
        if let Some(wanted) = options.backend.filter(|wanted| *wanted != is) {
            return Err(ModelError::Backend {
                is: is.name(),
                wanted: wanted.name(),
            });
        }
        let engine = options.runtime.open(bytes)?;
        let name = engine.name();
        let method = Method::Resized(Resized { engine, prepared });
        Ok(Model::by(is, name, method))
    }

    fn checkpoint(bytes: Vec<u8>, name: &str, options: &Options) -> Result<Self, ModelError> {
        let unscaled = UNSCALED.contains(&name);
        let norm = if unscaled { Norm::Picture } else { Norm::Trained };
        let mut network = convert(bytes, norm)?;
        if let [onnx] = network.onnx.as_mut_slice()
            && graph::notes(onnx).contains_key(PREPARATION)
        {
            let model = Self::onnx(std::mem::take(onnx), options)?;
            return Ok(Model {
                network: network.name,
                ..model
            });
        }
        let is = if network.plan.is_some() {
            Backend::Nnunet
        } else {
            Backend::Smp
        };
        if let Some(wanted) = options.backend.filter(|wanted| *wanted != is) {
            return Err(ModelError::Backend {
                is: is.name(),
                wanted: wanted.name(),
            });
        }
        let open = |onnx| options.runtime.open(onnx);
        let mut engines = network.onnx.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let missing = || ModelError::UnknownNetwork("a checkpoint without weights".to_owned());
        let engine = engines.first().ok_or_else(missing)?.name();
        let method = match network.plan {
            Some(plan) => Method::Folds(Folds { engines, plan }),
            None => Method::Whole(Whole {
                engine: engines.swap_remove(0),
                scale: if unscaled { 1.0 } else { 255.0 },
                largest: options.largest,
                channels: 1,
            }),
        };
        let remark =
            "this checkpoint is run as openFIBSEM runs it: grey values undivided, normalised by the picture itself";
        Ok(Model {
            remark: unscaled.then(|| remark.to_owned()),
            network: network.name,
            ..Model::by(is, engine, method)
        })
    }

    /// A class for each pixel of a picture, and how sure the model is. Grey values count in the file's own range: 16 bits are **not** brought
    /// to 8, as in the original.
    ///
    /// `watch` is told before each run of the network and may end it. Errors: an empty picture, values that are not finite, a model
    /// that fails or whose results are no map, cancelled.
    pub fn segment<'a>(&self, picture: impl Into<View<'a>>, watch: Watch) -> Result<Segmented, ModelError> {
        let picture = picture.into();
        let (h, w) = picture.dim();
        if h == 0 || w == 0 {
            return Err(ModelError::Empty((h, w)));
        }
        let picture = picture.to_f32();
        if picture.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite);
        }
        let Some(method) = &self.method else {
            return Ok(crate::classical::segment(picture.view()));
        };
        let logits = method.logits(picture, watch)?;
        let (classes, ..) = logits.dim();
        if !(2..=256).contains(&classes) {
            return Err(ModelError::Output(format!("{classes} classes")));
        }
        if logits.iter().any(|v| v.is_nan()) {
            return Err(ModelError::Output("values that are not numbers".to_owned()));
        }
        Ok(Segmented::from_logits(logits.view()))
    }
}

/// The network of a checkpoint as ONNX: of an smp U-Net the file that openFIBSEM's own converter would write, but for any size of picture.
pub fn convert(bytes: Vec<u8>, norm: Norm) -> Result<Network, ModelError> {
    network::build(&Checkpoint::read(bytes)?, norm)
}

/// Whether it begins as ONNX files do: the version of the format, a small number, in field 1.
fn is_onnx(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=20, ..])
}
