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
    Frame {
        id: FrameId,
        most: u32,
    },
    /// Would the guard (names, kinds, control, running job) let this command of this client through now? Nothing is done.
    Preview {
        command: crate::Command,
        by: String,
    },
}

#[derive(Clone, Debug)]
pub enum Reply {
    Snapshot(Arc<Snapshot>),
    Frame(Arc<Frame>),
    /// Fell out of the ring; its file, if it was saved.
    Gone {
        file: Option<String>,
    },
    Preview(Result<(), crate::Failure>),
}
