//! The lock on an instrument: held by the engine that owns it, freed by the system when that ends, however it ends.

use crate::command::Failure;
use jiff::Timestamp;
use model::ErrorKind;
use model::config::Paths;
use model::file::{self, Durability};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;

/// Who holds an instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub user: String,
    pub host: String,
    pub instrument: String,
    /// When it was taken, UTC.
    pub since: String,
}

/// The lock while it is held.
pub struct Hold {
    _file: File,
    note: PathBuf,
}

fn lock_file(paths: &Paths) -> PathBuf {
    paths.data_dir.join("instrument.lock")
}

/// What the holder says of itself; beside the lock, since a locked file cannot be read everywhere.
fn note(paths: &Paths) -> PathBuf {
    paths.data_dir.join("instrument.holder")
}

impl Hold {
    /// Takes the instrument of this data folder, or says who has it.
    pub fn take(paths: &Paths, user: &model::frame::User, instrument: &str) -> Result<Hold, Failure> {
        let file = open(paths)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let who = match holder(paths) {
                    Some(h) => format!(
                        "process {} of {} on {}, since {}, for `{}`",
                        h.pid, h.user, h.host, h.since, h.instrument
                    ),
                    None => "another fibdeck".to_owned(),
                };
                return Err(Failure::new(
                    ErrorKind::Busy,
                    format!(
                        "the instrument is held by {}; nothing was started",
                        model::text::printable(&who)
                    ),
                    "`fibdeck attach` opens a console on it; end that process to free it",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(paths, &error.to_string())),
        }
        let holder = Holder {
            pid: std::process::id(),
            user: user.name.clone(),
            host: user.hostname.clone(),
            instrument: instrument.to_owned(),
            since: Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string(),
        };
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        // the lock is what counts: a note that cannot be written costs a word in somebody's message
        if let Err(error) = file::replace(&note(paths), Durability::Cached, &text) {
            tracing::warn!(%error, "who holds the instrument could not be noted");
        }
        Ok(Hold {
            _file: file,
            note: note(paths),
        })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // before the lock goes, so that no note of the next holder is removed
        let _ = std::fs::remove_file(&self.note);
    }
}

/// Is the instrument of this data folder held?
pub fn is_held(paths: &Paths) -> bool {
    let Ok(file) = File::open(lock_file(paths)) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Who says that they hold it.
pub fn holder(paths: &Paths) -> Option<Holder> {
    serde_json::from_slice(&std::fs::read(note(paths)).ok()?).ok()
}

fn open(paths: &Paths) -> Result<File, Failure> {
    file::ensure_folder(&paths.data_dir).map_err(|e| unusable(paths, &e.to_string()))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(lock_file(paths))
        .map_err(|e| unusable(paths, &e.to_string()))
}

fn unusable(paths: &Paths, why: &str) -> Failure {
    Failure::new(
        ErrorKind::File,
        format!(
            "{} cannot be locked ({why}); nothing was started",
            lock_file(paths).display()
        ),
        "choose another data folder with --data-dir",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instrument_has_one_holder_and_the_second_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::new(Some(folder.path()), Some(&folder.path().join("data"))).unwrap();
        let user = model::frame::User {
            name: "ann".to_owned(),
            ..Default::default()
        };
        assert!(!is_held(&paths));
        let first = Hold::take(&paths, &user, "one").unwrap();
        assert!(is_held(&paths));
        let refused = Hold::take(&paths, &user, "one").err().unwrap();
        assert_eq!(refused.kind, ErrorKind::Busy);
        let pid = std::process::id().to_string();
        assert!(
            refused.title.contains("ann") && refused.title.contains(&pid),
            "{refused}"
        );
        drop(first);
        assert!(!is_held(&paths) && holder(&paths).is_none());
        Hold::take(&paths, &user, "one").unwrap();
    }
}
