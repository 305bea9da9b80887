//! What a row of the command table says.

use model::{Danger, Unit};
use serde::Serialize;

/// One command.
pub struct CommandRow {
    pub name: &'static str,
    pub doc: &'static str,
    pub args: &'static [ArgRow],
    pub danger: Danger,
    pub lane: Lane,
    /// A line that works, for the manual.
    pub example: &'static str,
    pub(crate) run: crate::core::Run,
}

/// Commands that only look: open to everyone, and all that a client may run who came to watch or speaks another protocol.
pub const READS: &[&str] = &[
    "system.state",
    "system.get",
    "system.available",
    "system.wait",
    "system.configuration",
    "stage.position",
    "position.list",
    "milling.estimate",
    "milling.state",
    "manipulator.list",
    "manipulator.where",
    "gis.state",
    "detect.state",
    "overview.sites",
    "lamella.list",
    "queue.list",
    "job.list",
    "truth",
    "stop",
];

/// Who has control is changed openly, by anybody who may act.
const CONTROL: &[&str] = &["control.take", "control.release"];

impl CommandRow {
    /// Answers and changes nothing, whatever becomes of who asked.
    pub(crate) fn only_looks(&self) -> bool {
        READS.contains(&self.name) && self.name != "stop"
    }

    /// May be run whoever has control. Everything else that is answered at once (an answer, a pause, the session's folder) changes
    /// what the holder of control works with, and is theirs.
    pub(crate) fn is_open(&self) -> bool {
        READS.contains(&self.name) || CONTROL.contains(&self.name)
    }
}

/// How a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Answered at once, also while a job runs: reads and bookkeeping.
    Now,
    /// A job: one at a time, refused by name of the running one.
    Job,
    /// A job that waits for one of its own kind: the newest takes the waiting place, and goes if it came within the last 300 ms.
    Lease,
}

/// One argument of a command.
pub struct ArgRow {
    pub name: &'static str,
    pub kind: ArgKind,
    pub required: bool,
    /// What is taken when it is left out, in words.
    pub default: &'static str,
    pub doc: &'static str,
}

/// What an argument may be. Numbers come in with units on the command line and as SI in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    Number(Unit),
    /// A whole number in this range.
    Count(u32, u32),
    Bool,
    Text,
    Path,
    /// A path, or JSON or YAML of more than one word in its place.
    PathOrText,
    /// One of these words.
    Word(&'static [&'static str]),
    /// electron or ion.
    Beam,
    /// electron, ion or both.
    Beams,
    /// `1536x1024` or `[1536,1024]`, pixels.
    Size,
    /// `left,top,width,height` in fractions, or the object.
    Rect,
    /// A key of the get/set table.
    Key,
    /// The value of the key named by `key=`.
    KeyValue,
    /// The name of a saved position.
    PositionName,
    /// JSON, as text or as it is.
    Json,
}

impl ArgKind {
    /// What a user may type, for hints.
    pub fn hint(self) -> String {
        match self {
            ArgKind::Number(Unit::None) => "number".to_owned(),
            ArgKind::Number(Unit::Metre) => "length, e.g. 20um".to_owned(),
            ArgKind::Number(Unit::Second) => "time, e.g. 1us".to_owned(),
            ArgKind::Number(Unit::Ampere) => "current, e.g. 0.74nA".to_owned(),
            ArgKind::Number(Unit::Volt) => "voltage, e.g. 2kV".to_owned(),
            ArgKind::Number(Unit::Radian) => "angle, e.g. 52deg".to_owned(),
            ArgKind::Number(Unit::Degree) => "degrees".to_owned(),
            ArgKind::Number(Unit::Pascal) => "pressure, e.g. 1mPa".to_owned(),
            ArgKind::Count(low, high) => format!("whole number {low} to {high}"),
            ArgKind::Bool => "true or false".to_owned(),
            ArgKind::Text => "text".to_owned(),
            ArgKind::Path => "path".to_owned(),
            ArgKind::PathOrText => "path or JSON".to_owned(),
            ArgKind::Word(words) => words.join("|"),
            ArgKind::Beam => "electron|ion".to_owned(),
            ArgKind::Beams => "electron|ion|both".to_owned(),
            ArgKind::Size => "WxH, e.g. 1536x1024".to_owned(),
            ArgKind::Rect => "left,top,width,height as fractions".to_owned(),
            ArgKind::Key => "key".to_owned(),
            ArgKind::KeyValue => "value of that key".to_owned(),
            ArgKind::PositionName => "saved position".to_owned(),
            ArgKind::Json => "JSON".to_owned(),
        }
    }
}

/// An argument that may be left out.
pub(crate) const fn arg(name: &'static str, kind: ArgKind, doc: &'static str) -> ArgRow {
    ArgRow {
        name,
        kind,
        required: false,
        default: "",
        doc,
    }
}

/// An argument that must be given.
pub(crate) const fn need(name: &'static str, kind: ArgKind, doc: &'static str) -> ArgRow {
    ArgRow {
        name,
        kind,
        required: true,
        default: "",
        doc,
    }
}

impl ArgRow {
    /// With what is taken when it is left out.
    pub(crate) const fn or(mut self, default: &'static str) -> ArgRow {
        self.default = default;
        self
    }
}
