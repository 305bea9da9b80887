//! Exit codes, and the error that carries one.

use engine::Failure;
use model::ErrorKind;
use std::fmt;
use std::process::ExitCode;

/// How a command line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    NotAuthorised = 4,
    Busy = 5,
    Connection = 6,
    Unanswered = 7,
    Partly = 8,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Exit {
        match kind {
            ErrorKind::Usage => Exit::Usage,
            ErrorKind::OutOfRange | ErrorKind::Interlock | ErrorKind::Doubtful => Exit::Refused,
            ErrorKind::NotAuthorised => Exit::NotAuthorised,
            ErrorKind::Busy => Exit::Busy,
            ErrorKind::Unanswered => Exit::Unanswered,
            ErrorKind::NotConnected => Exit::Connection,
            ErrorKind::Stopped => Exit::Interrupted,
            ErrorKind::Unsupported
            | ErrorKind::Timeout
            | ErrorKind::Protocol
            | ErrorKind::Unknown
            | ErrorKind::File
            | ErrorKind::Other => Exit::Failed,
        }
    }
}

/// One clear line and the code to leave with.
#[derive(Debug)]
pub struct CliError {
    pub exit: Exit,
    pub text: String,
}

impl CliError {
    pub fn new(exit: Exit, text: impl fmt::Display) -> CliError {
        CliError {
            exit,
            text: text.to_string(),
        }
    }

    pub fn failed(text: impl fmt::Display) -> CliError {
        CliError::new(Exit::Failed, text)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> CliError {
        CliError::new(failure.kind.into(), failure)
    }
}
