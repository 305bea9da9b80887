//! What stands in a journal.

use crate::command::Command;
use crate::event::{JobId, Sequenced};
use crate::snapshot::Snapshot;
use hal::{Act, scope::ActId};
use model::{ErrorKind, PatterningState};
use pattern::{MillingTask, Rest};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use workflow::Debt;

/// The number of this form; one that is not known is read as far as it is understood.
pub const FORMAT: u32 = 1;

/// One line of a journal. Times are POSIX seconds on the instrument's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// The first line: whose journal this is, and what was so.
    Opened {
        format: u32,
        program: String,
        instrument: String,
        driver: String,
        pid: u32,
        time: f64,
        first: Box<Snapshot>,
    },
    Event {
        #[serde(with = "crate::wire::shared")]
        event: Arc<Sequenced>,
    },
    /// It is about to go out.
    Intent {
        act: ActId,
        by: String,
        time: f64,
        what: Act,
    },
    /// How far a pattern came that did not run to its end, as the instrument says.
    Evidence {
        act: ActId,
        time: f64,
        state: PatterningState,
    },
    /// It has ended.
    Outcome {
        act: ActId,
        by: String,
        time: f64,
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// What a job would put back at its end, newest last; the whole list, whenever it changes.
    Owes { job: JobId, debts: Vec<Debt> },
    /// A client came or went: who it is, as the system says.
    Client {
        name: String,
        here: bool,
        pid: Option<u32>,
        uid: Option<u32>,
        /// Its address, where it came by the web door.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        time: f64,
    },
    /// What a crash had left in doubt in another journal was settled like this.
    Settled { journal: String, how: String, time: f64 },
    /// Milling that a crash had cut off goes on: what is left of which task, of which command.
    Resumed {
        command: Command,
        task: Box<MillingTask>,
        rest: Rest,
    },
    /// Milling of which the entry before told is over: what is left of it stands beside the lamella.
    Over,
    /// The engine ended as it should.
    Closed { time: f64 },
    /// Written by a later fibdeck.
    #[serde(other)]
    Unknown,
}

/// How an act ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub done: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ErrorKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
