//! What can go wrong at the instrument, in words an operator can act on.

use model::ErrorKind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An error of the instrument: what happened (and what was left untouched), and what to try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HalError {
    pub kind: ErrorKind,
    pub what: String,
    pub hint: String,
    /// The driver's own words, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl HalError {
    pub fn new(kind: ErrorKind, what: impl Into<String>, hint: impl Into<String>) -> HalError {
        HalError {
            kind,
            what: what.into(),
            hint: hint.into(),
            source: None,
        }
    }

    pub fn caused_by(mut self, source: impl fmt::Display) -> HalError {
        self.source = Some(model::text::printable(&source.to_string()));
        self
    }

    pub fn not_connected() -> HalError {
        HalError::new(
            ErrorKind::NotConnected,
            "no instrument is connected; nothing was sent",
            "connect first (system.connect)",
        )
    }

    pub fn unsupported(part: &str) -> HalError {
        HalError::new(
            ErrorKind::Unsupported,
            format!("this instrument has no {part}; nothing was sent"),
            "see its capabilities in the Connection tab",
        )
    }

    pub fn stopped() -> HalError {
        HalError::new(
            ErrorKind::Stopped,
            "stopped",
            "look at the stage and the beams before you go on",
        )
    }
}

impl fmt::Display for HalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for HalError {}
