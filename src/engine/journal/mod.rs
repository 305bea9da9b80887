//! The journal: everything an engine did and saw, in the order in which it happened, kept so that a crash loses nothing that
//! matters.
//!
//! `entry` is what is written, `line` how (a checksum a line), `disk` where to, `writer` by whom (a thread of its own), `past` what
//! a journal that nobody closed says of the engine that wrote it. An act's intent is written before it goes out and its
//! outcome after it; one that changes the sample waits until both are on the disk, nothing else ever waits for one. Nothing
//! here knows an instrument: what the past means for one is found out in `core::recover`. To write something new: a variant
//! of [`Entry`], and its arm in [`past::Past`] if a crash must be told by it.

pub mod disk;
pub mod entry;
pub mod line;
pub mod past;
mod writer;

pub use entry::{Entry, Outcome};
pub use past::Past;
pub use writer::Journal;

use crate::command::Failure;
use disk::FileDisk;
use jiff::{Timestamp, tz::TimeZone};
use model::ErrorKind;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of journals in a data folder.
pub fn folder(data: &Path) -> PathBuf {
    data.join("journal")
}

/// The ending of a journal that its engine has not closed: one that is open, or that a crash left.
const OPEN: &str = "open.jsonl";
const CLOSED: &str = "jsonl";

/// A new file for a journal that begins at `time` (POSIX s), locked while its engine lives. It is named by that second, or by the next one
/// that no other has: so names are in the order in which engines began.
pub(crate) fn create(data: &Path, time: f64) -> io::Result<(FileDisk, PathBuf)> {
    let folder = folder(data);
    std::fs::create_dir_all(&folder)?;
    let first = time as i64;
    for second in first..first.saturating_add(1_000_000) {
        let name = Timestamp::from_second(second)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_zoned(TimeZone::UTC)
            .strftime("%Y%m%d-%H%M%S");
        if folder.join(format!("{name}.{CLOSED}")).exists() {
            continue;
        }
        let path = folder.join(format!("{name}.{OPEN}"));
        match FileDisk::create(&path) {
            Ok(disk) => return Ok((disk, path)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Takes the mark of an open journal off its name: it was closed, or what a crash left in doubt is settled.
pub(crate) fn close(path: &Path) -> io::Result<()> {
    match path.to_str().and_then(|name| name.strip_suffix(OPEN)) {
        Some(stem) => std::fs::rename(path, format!("{stem}{CLOSED}")),
        None => Ok(()),
    }
}

/// Journals that no engine closed and no living one writes, oldest first.
pub(crate) fn left_open(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(data)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(OPEN) && disk::is_free(path))
        .collect();
    found.sort();
    found
}

/// Reads a journal from its file.
pub fn read(path: &Path) -> Result<line::Read, Failure> {
    let bytes = std::fs::read(path).map_err(|e| {
        Failure::new(
            ErrorKind::File,
            format!(
                "{} cannot be read: {e}",
                model::text::printable(&path.display().to_string())
            ),
            "journals are in the folder `journal` of the data folder",
        )
    })?;
    Ok(line::read(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journals_of_one_second_are_told_apart_and_stand_in_order() {
        let data = tempfile::tempdir().unwrap();
        let begun: Vec<PathBuf> = (0..12)
            .map(|n| create(data.path(), 1.767e9 + 0.3 * f64::from(n)).unwrap().1)
            .collect();
        assert_eq!(left_open(data.path()), begun);
        close(&begun[3]).unwrap();
        let (_disk, next) = create(data.path(), 1.767e9).unwrap();
        assert!(next > begun[11], "{}", next.display());
    }
}
