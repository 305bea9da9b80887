//! The watchdog: a small process with a connection of its own to the instrument, which stops patterning when the engine misses
//! its heartbeat for two seconds, or is gone, and writes down when.
//!
//! `dog` is that process, `keeper` the engine's side of it. They speak JSON lines over the dog's stdin and stdout. What stops is the
//! driver's own [`hal::Stopper`]: no recipe of any vendor stands here. The dog never starts, moves or decides anything; what it
//! wrote down is read by `core::recover` beside the journal of the engine that it watched. The twin lives in its engine's process and
//! ends with it, so it is given no dog.

mod dog;
mod keeper;

pub use dog::{LIMIT, open, run};
pub(crate) use keeper::{Keeper, beat};

use model::config::Instrument;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What the engine says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub enum Said {
    /// Open this instrument for yourself; write down what you do in this file.
    Open {
        instrument: Box<Instrument>,
        note: Option<PathBuf>,
    },
    /// The engine lives. `busy`: something is under way that is to be stopped without it.
    Beat { busy: bool },
    /// The engine ends as it should.
    End,
}

/// What the dog says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "kebab-case")]
pub enum Told {
    /// It has its connection.
    Watching,
    /// It has none.
    Blind {
        why: String,
    },
    Stopped {
        note: Note,
    },
}

/// What the dog did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// POSIX s: when stop went out, or was given up.
    pub time: f64,
    /// The instrument took it.
    pub sent: bool,
    /// What was wrong with the engine.
    pub why: String,
}

/// Where the dog of the engine with this journal writes.
pub fn note(journal: &Path) -> Option<PathBuf> {
    let name = journal.file_name()?.to_str()?;
    let stem = name.split('.').next()?;
    Some(journal.with_file_name(format!("{stem}.watchdog.json")))
}

/// What the dog of that engine did, if it had to do anything.
pub fn read(journal: &Path) -> Option<Note> {
    serde_json::from_slice(&std::fs::read(note(journal)?).ok()?).ok()
}

#[cfg(test)]
mod tests;
