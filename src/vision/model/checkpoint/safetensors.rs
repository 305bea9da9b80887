//! The safetensors container: the length of a JSON header, the header, the data.

use super::CheckpointError;
use super::weights::{Kind, Stored};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;

/// A tensor of the header.
pub(super) struct Entry {
    pub name: String,
    kind: Kind,
    shape: Vec<usize>,
    at: Range<usize>,
}

#[derive(Deserialize)]
struct Described {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// Headers are some 100 bytes a tensor; the format itself allows no more than this.
const LONGEST_HEADER: usize = 100_000_000;

pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, CheckpointError> {
    let length = super::zip::number::<8>(bytes, 0).map_err(|_| CheckpointError::Unknown)?;
    let header = bytes
        .get(8..)
        .filter(|_| length <= LONGEST_HEADER)
        .and_then(|rest| rest.get(..length));
    let header = header.ok_or(CheckpointError::Unknown)?;
    let mut header: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(header).map_err(|_| CheckpointError::Unknown)?;
    header.remove("__metadata__");
    let start = 8 + length;
    let entry = |(name, described): (String, serde_json::Value)| {
        let broken = |what: &str| CheckpointError::Broken(format!("its tensor {name} {what}"));
        let described: Described =
            serde_json::from_value(described).map_err(|_| broken("is described in an unknown way"))?;
        let kind = Kind::named(&described.dtype).ok_or_else(|| broken("is of a type that cannot be read"))?;
        let [from, to] = described.data_offsets.map(|v| v.saturating_add(start));
        if from > to || to > bytes.len() {
            return Err(broken("reaches beyond the file, which may be incomplete"));
        }
        Ok(Entry {
            kind,
            shape: described.shape,
            at: from..to,
            name,
        })
    };
    header.into_iter().map(entry).collect()
}

impl Entry {
    pub fn stored<'a>(&self, bytes: &'a [u8]) -> Stored<'a> {
        let mut stride = vec![1usize; self.shape.len()];
        for i in (1..self.shape.len()).rev() {
            stride[i - 1] = stride[i].saturating_mul(self.shape[i]);
        }
        Stored {
            kind: self.kind,
            bytes: &bytes[self.at.clone()],
            offset: 0,
            shape: self.shape.clone(),
            stride,
        }
    }
}
