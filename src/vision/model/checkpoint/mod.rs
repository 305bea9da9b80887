//! Files of weights, read without Python: PyTorch's `.pt` and `.pth` (ZIP and the older layout) and `.safetensors`.
//!
//! Reading never runs what a file holds (see `pickle`), never asks for more memory than the file is long, and ends in an error
//! for anything damaged. What a network is made of is no matter here: that is `network`. A new container is a file here and an
//! arm in [`Checkpoint::read`].

mod machine;
mod pickle;
mod safetensors;
mod weights;
mod zip;

/// ZIP files, for who needs one of their members.
pub mod archive {
    pub use super::zip::{Member, members};
}

pub use pickle::{Id, Node, Pickle};
pub use weights::{Tensor, Weights};

use std::collections::HashMap;
use std::ops::Range;
use weights::{Kind, Stored};

/// Why weights cannot be used. Nothing was loaded then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint is damaged: {0}; fetch or save it again")]
    Broken(String),
    #[error(
        "this is no checkpoint: neither PyTorch's (a ZIP or its older layout) nor safetensors; pictures and archives do not hold weights"
    )]
    Unknown,
    #[error("the checkpoint has no tensor {0}; it was made for another network")]
    Missing(String),
    #[error("the tensor {name} has the shape {shape:?} where {expected} are needed; it was made for another network")]
    Shape {
        name: String,
        shape: Vec<usize>,
        expected: &'static str,
    },
    #[error("the tensor {0} holds values that are not finite numbers; the training that made it went wrong")]
    NotFinite(String),
}

/// A file of weights.
pub struct Checkpoint {
    bytes: Vec<u8>,
    content: Content,
}

enum Content {
    /// What was saved, and where in the file each storage lies.
    Torch {
        pickle: Pickle,
        storages: HashMap<String, Range<usize>>,
    },
    SafeTensors(Vec<safetensors::Entry>),
}

/// First pickle of the older layout: the number 0x1950a86a20f9469cfc6c.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

impl Checkpoint {
    /// Errors: no file of weights, or a damaged one.
    pub fn read(bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        let content = if bytes.starts_with(b"PK\x03\x04") {
            Self::zipped(&bytes)?
        } else if bytes.starts_with(LEGACY) {
            Self::legacy(&bytes)?
        } else {
            Content::SafeTensors(safetensors::entries(&bytes)?)
        };
        Ok(Checkpoint { bytes, content })
    }

    fn zipped(bytes: &[u8]) -> Result<Content, CheckpointError> {
        let entries = zip::entries(bytes)?;
        let pickle = entries.get("data.pkl").ok_or(CheckpointError::Unknown)?;
        if entries.get("byteorder").is_some_and(|at| bytes[at.clone()] == *b"big") {
            return Err(CheckpointError::Broken(
                "its numbers are stored big end first".to_owned(),
            ));
        }
        let (pickle, _) = Pickle::read(&bytes[pickle.clone()])?;
        let storages = entries.into_iter();
        let storages = storages.filter_map(|(name, at)| Some((name.strip_prefix("data/")?.to_owned(), at)));
        Ok(Content::Torch {
            pickle,
            storages: storages.collect(),
        })
    }

    /// Magic number, protocol, system, the object, the keys of the storages; then each storage behind its length.
    fn legacy(bytes: &[u8]) -> Result<Content, CheckpointError> {
        let mut at = 0;
        let mut next = || -> Result<Pickle, CheckpointError> {
            let (pickle, used) = Pickle::read(&bytes[at..])?;
            at += used;
            Ok(pickle)
        };
        let [_, _, _, pickle, keys] = [next()?, next()?, next()?, next()?, next()?];
        let kinds = element_sizes(&pickle);
        let mut storages = HashMap::new();
        for key in keys.list(keys.root).unwrap_or_default() {
            let key = keys.text(*key).unwrap_or_default();
            let count = zip::number::<8>(bytes, at)?;
            let size = kinds.get(key).copied().unwrap_or(4);
            let end = count
                .checked_mul(size)
                .and_then(|n| n.checked_add(at + 8))
                .filter(|end| *end <= bytes.len());
            let end = end.ok_or_else(|| CheckpointError::Broken("it ends too early".to_owned()))?;
            storages.insert(key.to_owned(), at + 8..end);
            at = end;
        }
        Ok(Content::Torch { pickle, storages })
    }

    /// What was saved beside tensors; `None` for safetensors.
    pub fn pickle(&self) -> Option<&Pickle> {
        match &self.content {
            Content::Torch { pickle, .. } => Some(pickle),
            Content::SafeTensors(_) => None,
        }
    }

    /// The tensors of a dictionary of the pickle, by default the outermost; of safetensors, all.
    pub fn weights(&self, at: Option<Id>) -> Result<Weights<'_>, CheckpointError> {
        let mut weights = Weights::of(self.bytes.len());
        match &self.content {
            Content::Torch { pickle, storages } => {
                for (name, id) in pickle.items(at.unwrap_or(pickle.root)) {
                    let Node::Tensor(tensor) = pickle.node(id) else {
                        continue;
                    };
                    let (kind, range) = Kind::named(&tensor.kind)
                        .zip(storages.get(&tensor.storage))
                        .ok_or_else(|| {
                            CheckpointError::Broken(format!("its tensor {name} has no storage that can be read"))
                        })?;
                    let stored = Stored {
                        kind,
                        bytes: &self.bytes[range.clone()],
                        offset: tensor.offset,
                        shape: tensor.size.clone(),
                        stride: tensor.stride.clone(),
                    };
                    weights.insert(name, stored);
                }
            }
            Content::SafeTensors(entries) => {
                for entry in entries {
                    weights.insert(&entry.name, entry.stored(&self.bytes));
                }
            }
        }
        Ok(weights)
    }
}

/// Bytes of an element by the key of the storage: the older layout counts elements.
fn element_sizes(pickle: &Pickle) -> HashMap<String, usize> {
    let tensors = pickle.nodes().filter_map(|node| match node {
        Node::Tensor(tensor) => Some((tensor.storage.clone(), Kind::named(&tensor.kind)?.bytes())),
        _ => None,
    });
    tensors.collect()
}
