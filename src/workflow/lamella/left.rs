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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Left {
    /// The task's name.
    pub task: String,
    pub milling: BTreeMap<String, Milled>,
}

/// The file: every task of a lamella that was cut off, by name. Another that is done meanwhile does not take its place.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tasks {
    tasks: BTreeMap<String, BTreeMap<String, Milled>>,
}

/// What such a file may hold.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Tasks(Tasks),
    /// As earlier versions wrote it.
    One {
        task: String,
        milling: BTreeMap<String, Milled>,
    },
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

impl Tasks {
    fn load(folder: &Path) -> Result<Tasks, JobError> {
        let text = match std::fs::read_to_string(folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Tasks::default()),
            Err(error) => return Err(unread(folder, &error)),
        };
        Ok(
            match serde_json::from_str(&text).map_err(|error| unread(folder, &error))? {
                Stored::Tasks(tasks) => tasks,
                Stored::One { task, milling } => Tasks {
                    tasks: [(task, milling)].into(),
                },
            },
        )
    }

    fn save(&self, folder: &Path) -> Result<(), JobError> {
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
}

impl Left {
    /// What the last run of this task left; nothing where it was not cut off.
    pub fn load(folder: &Path, task: &str) -> Result<Left, JobError> {
        Ok(Left {
            task: task.to_owned(),
            milling: Tasks::load(folder)?.tasks.remove(task).unwrap_or_default(),
        })
    }

    pub fn save(&self, folder: &Path) -> Result<(), JobError> {
        let mut all = Tasks::load(folder)?;
        all.tasks.insert(self.task.clone(), self.milling.clone());
        all.save(folder)
    }

    /// The task is done: nothing is left of it.
    pub fn forget(folder: &Path, task: &str) -> Result<(), JobError> {
        let mut all = Tasks::load(folder)?;
        match all.tasks.remove(task) {
            None => Ok(()),
            Some(_) if all.tasks.is_empty() => Left::forget_all(folder),
            Some(_) => all.save(folder),
        }
    }

    /// Whatever is left of any task, be it readable or not.
    pub fn forget_all(folder: &Path) -> Result<(), JobError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(task: &str) -> Left {
        Left {
            task: task.to_owned(),
            milling: [("key".to_owned(), Milled::Whole)].into(),
        }
    }

    #[test]
    fn a_task_that_was_cut_off_is_remembered_while_another_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        whole("Rough").save(at).unwrap();
        whole("Polishing").save(at).unwrap();
        Left::forget(at, "Polishing").unwrap();
        assert_eq!(Left::load(at, "Rough").unwrap(), whole("Rough"));
        assert!(Left::load(at, "Polishing").unwrap().milling.is_empty());
        // the last one takes the file with it
        Left::forget(at, "Rough").unwrap();
        assert!(!at.join(FILE).exists());
    }

    #[test]
    fn a_file_of_an_earlier_version_is_read_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::write(at.join(FILE), r#"{"task": "Rough", "milling": {"key": "whole"}}"#).unwrap();
        assert_eq!(Left::load(at, "Rough").unwrap(), whole("Rough"));
        std::fs::write(at.join(FILE), "{").unwrap();
        assert!(
            Left::load(at, "Rough")
                .unwrap_err()
                .what
                .ends_with("nothing was milled")
        );
        assert!(Left::forget(at, "Rough").is_err());
        Left::forget_all(at).unwrap();
        assert!(Left::load(at, "Rough").unwrap().milling.is_empty());
    }
}
