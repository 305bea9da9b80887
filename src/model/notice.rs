//! News for a person.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
    /// Stays on the status line until it is acknowledged.
    Alarm,
}

/// What happened, what was left untouched, what to do. `title` is one line; `hint` says the way out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub severity: Severity,
    pub title: String,
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub hint: String,
}

impl Notice {
    pub fn new(severity: Severity, title: impl Into<String>) -> Notice {
        Notice {
            severity,
            title: title.into(),
            detail: String::new(),
            hint: String::new(),
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Notice {
        self.detail = detail.into();
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Notice {
        self.hint = hint.into();
        self
    }
}
