//! Everything that can be asked of the engine, as one table.
//!
//! A row says its name, what it does, which arguments it takes (kind, unit, default) and how dangerous it is; parsing,
//! completion, the palette, `do --list`, the manual and the checks are made from it. Rows are grouped by file: one file per
//! prefix. To add a command: a row in its file; a new prefix: a file and its name in [`COMMANDS`].

mod align;
pub mod args;
mod beam;
mod chamber;
mod detect;
mod experiment;
pub(crate) mod gis;
mod image;
mod job;
mod manipulator;
mod milling;
mod overview;
pub mod parse;
mod patterning;
mod position;
pub(crate) mod queue;
pub mod row;
mod session;
mod stage;
mod system;
mod words;

pub use args::Args;
pub use row::{ArgKind, ArgRow, CommandRow, Lane, READS};
pub use words::quoted;

use model::ErrorKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Every command, grouped by file.
pub const COMMANDS: &[&[CommandRow]] = &[
    system::ROWS,
    chamber::ROWS,
    beam::ROWS,
    image::ROWS,
    stage::ROWS,
    position::ROWS,
    align::ROWS,
    milling::ROWS,
    patterning::ROWS,
    manipulator::ROWS,
    gis::ROWS,
    detect::ROWS,
    overview::ROWS,
    experiment::ROWS,
    queue::ROWS,
    job::ROWS,
    session::ROWS,
];

/// Every row, in the order of the documentation.
pub fn rows() -> impl Iterator<Item = &'static CommandRow> {
    COMMANDS.iter().flat_map(|rows| rows.iter())
}

/// The argument by which a command hears that a person was asked and said yes.
pub const CONFIRMED: &str = "confirmed";

/// A request to the engine. Arguments are JSON in SI units, already checked by name and kind when made by `parse`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub name: String,
    #[serde(default)]
    pub args: serde_json::Map<String, serde_json::Value>,
}

impl Command {
    pub fn new(name: &str) -> Command {
        Command {
            name: name.to_owned(),
            args: serde_json::Map::new(),
        }
    }

    /// With relative paths counted from `folder`: who typed them was there, and the engine may be elsewhere.
    pub fn from_folder(mut self, folder: &Path) -> Command {
        let row = rows().find(|row| row.name == self.name);
        for arg in row.iter().flat_map(|row| row.args) {
            let named = match (arg.kind, self.args.get_mut(arg.name)) {
                (ArgKind::Path, Some(Value::String(text))) => text,
                (ArgKind::PathOrText, Some(Value::String(text))) if !is_text(text) => text,
                _ => continue,
            };
            if !named.trim().is_empty() {
                *named = folder.join(named.trim()).display().to_string();
            }
        }
        self
    }

    /// With one more argument (SI units).
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Command {
        self.args.insert(name.to_owned(), value.into());
        self
    }
}

/// JSON or YAML in the place of a path.
pub(crate) fn is_text(given: &str) -> bool {
    given.trim_start().starts_with(['{', '['])
}

/// Why a command was refused or failed: what happened, what was left untouched, what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: ErrorKind,
    pub title: String,
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub hint: String,
    /// What a doubtful measurement came to, where it was one (`align --json`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

impl Failure {
    pub fn new(kind: ErrorKind, title: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure {
            kind,
            title: title.into(),
            detail: String::new(),
            hint: hint.into(),
            data: None,
        }
    }

    pub fn usage(title: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure::new(ErrorKind::Usage, title, hint)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<workflow::JobError> for Failure {
    fn from(error: workflow::JobError) -> Failure {
        Failure {
            kind: error.kind,
            title: error.what,
            detail: error.source.unwrap_or_default(),
            hint: error.hint,
            data: error.data,
        }
    }
}

/// Runs a workflow: the arguments are its parameters, its result is the command's.
pub(crate) async fn workflow<P, R, F>(
    cx: crate::core::Cx,
    args: Args,
    work: impl FnOnce(workflow::JobCx, P) -> F,
) -> crate::link::Ended
where
    P: serde::de::DeserializeOwned,
    R: Serialize,
    F: Future<Output = Result<R, workflow::JobError>>,
{
    let params = serde_json::from_value(serde_json::Value::Object(args.0)).map_err(|e| {
        Failure::usage(
            format!("an argument is missing or makes no sense: {e}; nothing was sent"),
            "see `fibdeck do --list`",
        )
    })?;
    result(work(cx.job()?, params).await?)
}

/// A result as JSON.
pub(crate) fn result(value: impl Serialize) -> crate::link::Ended {
    serde_json::to_value(value).map_err(|e| {
        Failure::new(
            ErrorKind::Other,
            "the result could not be written as JSON",
            e.to_string(),
        )
    })
}

impl From<hal::HalError> for Failure {
    fn from(error: hal::HalError) -> Failure {
        Failure {
            kind: error.kind,
            title: error.what,
            detail: error.source.unwrap_or_default(),
            hint: error.hint,
            data: None,
        }
    }
}
