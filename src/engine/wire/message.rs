//! What both sides say, in JSON. The greetings, `run` of `system.state` and `stop` stay as they are for ever: programs of any
//! age understand them of each other.

use crate::command::{Command, Failure};
use crate::event::{Pulse, Sequenced};
use crate::link::Ended;
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::wire::shared;
use model::frame::Metadata;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A client's first packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    /// Version of the program.
    pub program: String,
    /// What it is (`console`, `script`); the engine makes a name of its own of it.
    pub name: String,
    /// Who works there, as they say.
    #[serde(default)]
    pub user: String,
    /// Only to watch: nothing but questions and stop.
    #[serde(default)]
    pub read_only: bool,
}

/// The engine's answer to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    pub protocol: u32,
    pub program: String,
    /// The client's name here: in the journal, in refusals, as holder of control.
    #[serde(default)]
    pub name: String,
    /// Whose engine this is.
    #[serde(default)]
    pub instrument: String,
    /// The client is not let in, and why. The line ends after it.
    #[serde(default)]
    pub refused: Option<Failure>,
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// Do this; one `Told::Ended` of that id comes back. `presses`: how often stop had been pressed, as far as the client knew.
    Run { id: u64, presses: u64, command: Command },
    /// One `Told::Reply` of that id comes back, and, where it is a picture, its pixels after it.
    Ask { id: u64, query: Query },
    /// The red button.
    Stop,
    /// Events were missed: a snapshot, please.
    Again,
    /// So many bytes of pixels have arrived: as many more may leave.
    Got { bytes: u64 },
    /// Still there.
    Here,
}

/// What an engine tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// What is so; events up to its number are in it.
    Snapshot(#[serde(with = "shared")] Arc<Snapshot>),
    Event(#[serde(with = "shared")] Arc<Sequenced>),
    Pulse(Pulse),
    Ended {
        id: u64,
        end: Ended,
    },
    Reply {
        id: u64,
        reply: Answer,
    },
    /// Something that was said is not understood here; everything else goes on.
    Unknown {
        text: String,
    },
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Snapshot(#[serde(with = "shared")] Arc<Snapshot>),
    Frame(Box<Picture>),
    Gone { file: Option<String> },
    Preview(Result<(), Failure>),
}

/// A picture whose pixels follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels, width and height.
    pub size: (u32, u32),
    /// 8 or 16 a pixel.
    pub bits: u8,
    pub metadata: Option<Metadata>,
}
