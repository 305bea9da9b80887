//! Kinds of failure, kinds of danger, outcomes of a stop, and who an instrument is: words that every room above shares.

use serde::{Deserialize, Serialize};

/// Why something was not done, or went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    NotConnected,
    /// This instrument has no such part or cannot do this.
    Unsupported,
    /// A value outside the limits; nothing was sent.
    OutOfRange,
    /// The resource is in use.
    Busy,
    /// A rule forbids it in this state; nothing was sent.
    Interlock,
    /// The instrument did not answer or finish in time.
    Timeout,
    /// The red button or a job stop ended it.
    Stopped,
    /// The instrument answered something that makes no sense.
    Protocol,
    /// The outcome cannot be known.
    Unknown,
    /// The request itself makes no sense: an unknown name, a missing or malformed argument.
    Usage,
    /// A measurement is not good enough to act on.
    Doubtful,
    /// An operator is asked, and nobody is there who could answer.
    Unanswered,
    /// The asker may not do this.
    NotAuthorised,
    /// A file could not be read or written.
    File,
    Other,
}

/// How bad a mistake would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Danger {
    None,
    /// Something moves.
    Motion,
    /// A beam or the vacuum changes.
    Beam,
    /// The sample itself is changed and cannot be changed back.
    Sample,
}

/// What became of something that was under way when stop was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopOutcome {
    NeverStarted,
    /// The device confirmed that it halted.
    Halted,
    /// It ended at the next point where it could.
    HaltedAtBoundary,
    RanToCompletion,
    /// Nobody can say; look.
    Unconfirmed,
}

/// What pressing stop came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopReport {
    /// The stop went out to the instrument.
    pub sent: bool,
    /// What was under way, and what became of it.
    pub acts: Vec<(String, StopOutcome)>,
    /// Two reads in a row said that the stage is at rest.
    pub at_rest: bool,
}

/// Who made the instrument and which it is; `Unknown` where it does not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The configuration's name for it.
    pub name: String,
    pub manufacturer: String,
    pub model: String,
    pub serial_number: String,
    pub hardware_version: String,
    pub software_version: String,
    /// The name of the driver that opened it.
    pub driver: String,
}
