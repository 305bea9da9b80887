//! Questions: neither queued nor written down.

use crate::event::FrameId;
use crate::snapshot::Snapshot;
use model::Frame;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "query", rename_all = "kebab-case")]
pub enum Query {
    Snapshot,
    /// The picture, no larger than this many pixels a side (area mean; 0 = full size).
    Frame { id: FrameId, most: u32 },
    /// What a command would meet now: Ok(warnings), or the refusal. Nothing is done.
    Preview { command: crate::Command },
}

#[derive(Clone, Debug)]
pub enum Reply {
    Snapshot(Arc<Snapshot>),
    Frame(Arc<Frame>),
    /// Fell out of the ring; its file, if it was saved.
    Gone { file: Option<String> },
    Preview(Result<Vec<String>, crate::Failure>),
}
