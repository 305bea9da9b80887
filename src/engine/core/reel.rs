//! The pictures that the driver `replay` plays: those of a folder, or those that a journal tells of.

use super::Core;
use crate::command::Failure;
use crate::event::Event;
use crate::journal::{self, Entry};
use hal::sim::{Film, World};
use model::ErrorKind;
use model::config::Instrument;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Core {
    /// The twin's stage and columns with the recorded pictures of what lies at the instrument's address.
    pub(super) fn playing(&self, instrument: &Instrument) -> Result<Arc<World>, Failure> {
        let film = Film::of(&pictures(Path::new(&instrument.info.ip_address))?)?;
        Ok(World::playing(instrument, self.clock.clone(), film))
    }
}

/// In the order in which they were taken: of a folder by name, of a journal as it tells.
fn pictures(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return told(path);
    }
    let unreadable = |e: std::io::Error| {
        Failure::new(
            ErrorKind::File,
            format!(
                "{} cannot be read: {e}; nothing was opened",
                model::text::printable(&path.display().to_string())
            ),
            "name a folder of pictures, or a journal",
        )
    };
    let entries = std::fs::read_dir(path).map_err(unreadable)?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "tif" || e == "tiff"));
    files.sort();
    Ok(files)
}

/// Files of a journal's pictures: where they were saved, or beside the journal, when it came here with them.
fn told(journal: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = journal::read(journal)?;
    let file = |entry: &Entry| match entry {
        Entry::Event { event } => match &event.event {
            Event::FrameTaken { frame } if !frame.live => frame.file.clone(),
            _ => None,
        },
        _ => None,
    };
    let found = |file: String| {
        let there = PathBuf::from(file);
        match there.exists() {
            true => Some(there),
            // a name of another system may have its own separators
            false => there
                .to_str()
                .and_then(|name| name.rsplit(['/', '\\']).next())
                .map(|name| journal.with_file_name(name)),
        }
    };
    Ok(read
        .entries
        .iter()
        .filter_map(|(_, entry)| found(file(entry)?))
        .collect())
}
