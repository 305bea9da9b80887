//! What a task that was cut off had milled, kept beside the lamella's pictures: so that nothing is milled twice.
//!
//! The file is written before the beam first touches the sample and after it last did. It is ours alone: openFIBSEM's file of the
//! experiment says which task was under way, and no more.

use crate::JobError;
use model::ErrorKind;
use model::file::{self, Durability};
use pattern::{MillingTask, Rest, Unfinished};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Its name in a lamella's folder.
const FILE: &str = "unfinished.json";

/// How far the milling of a task came, by the keys of what it mills.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// The task's name.
    pub task: String,
    pub milling: BTreeMap<String, Milled>,
}

/// How far one milling of a task came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Milled {
    /// The beam was let onto the sample, and what it did is not known.
    Begun,
    /// This is missing.
    Part(Box<Unfinished>),
    Whole,
}

/// What is about to be milled for a lamella, for whoever must find it after a crash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Underway {
    /// The lamella's folder.
    pub folder: PathBuf,
    pub task: String,
    pub key: String,
    pub milling: MillingTask,
    pub rest: Rest,
}

impl Left {
    /// What the last run of this task left; nothing where another task, or none, was cut off.
    pub fn load(folder: &Path, task: &str) -> Result<Left, JobError> {
        let new = Left {
            task: task.to_owned(),
            ..Left::default()
        };
        let text = match std::fs::read_to_string(folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(new),
            Err(error) => return Err(unread(folder, &error)),
        };
        let left: Left = serde_json::from_str(&text).map_err(|error| unread(folder, &error))?;
        Ok(if left.task == task { left } else { new })
    }

    pub fn save(&self, folder: &Path) -> Result<(), JobError> {
        let unwritten = |error: &dyn std::fmt::Display| {
            JobError::new(
                ErrorKind::File,
                format!("how far the milling came was not written: {error}; nothing more is milled"),
                "free space, or see to the folder's permissions, then go on (queue.run)",
            )
        };
        let text = serde_json::to_vec_pretty(self).map_err(|error| unwritten(&error))?;
        file::ensure_folder(folder)
            .and_then(|()| file::replace(&folder.join(FILE), Durability::Synced, &text))
            .map_err(|error| unwritten(&error))
    }

    /// The task is done: nothing is left of it.
    pub fn forget(folder: &Path) -> Result<(), JobError> {
        match std::fs::remove_file(folder.join(FILE)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unread(folder, &error)),
            _ => Ok(()),
        }
    }
}

fn unread(folder: &Path, why: &dyn std::fmt::Display) -> JobError {
    let file = folder.join(FILE);
    JobError::new(
        ErrorKind::File,
        format!(
            "{}: what was milled before cannot be read ({why}); nothing was milled",
            file.display()
        ),
        "look at the lamella; `lamella.edit name=... forget=true` takes it that nothing was milled",
    )
}
