//! Why something was not done with a dataset.

use model::file::SaveError;
use std::path::{Path, PathBuf};

/// Each text says what was left as it was, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error("{path}: {what}", path = model::text::printable(&.path.display().to_string()))]
    File { path: PathBuf, what: String },
    #[error(transparent)]
    Save(#[from] SaveError),
    /// Asked for what makes no sense; nothing was begun.
    #[error("{0}")]
    Refused(String),
}

impl LearnError {
    pub fn file(path: &Path, what: impl ToString) -> LearnError {
        LearnError::File {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}
