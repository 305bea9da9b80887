//! The engine's files: saved positions and captured states.

use crate::command::Failure;
use model::manipulator::NeedlePositions;
use model::positions::{Positions, PositionsError};
use model::{ErrorKind, MicroscopeState, StagePosition};
use std::path::Path;

/// Saved positions, kept with their file.
pub(crate) struct Files {
    pub positions: Positions,
    pub needle: NeedlePositions,
}

impl Files {
    /// The positions of the configuration folder, and what was odd about them. A file that cannot be read is left alone.
    pub fn open(folder: &Path) -> (Files, Vec<String>) {
        let (positions, mut doubts) = match Positions::load(folder) {
            Ok(positions) => {
                let doubts = positions.problems.clone();
                (positions, doubts)
            }
            Err(error) => (
                Positions::default(),
                vec![format!("saved positions were not read: {error}")],
            ),
        };
        let needle = NeedlePositions::load(folder).unwrap_or_else(|error| {
            doubts.push(format!("saved needle positions were not read: {error}"));
            NeedlePositions::default()
        });
        (Files { positions, needle }, doubts)
    }

    pub fn all(&self) -> Vec<StagePosition> {
        self.positions.all().into_iter().cloned().collect()
    }
}

impl From<PositionsError> for Failure {
    fn from(error: PositionsError) -> Failure {
        let kind = match error {
            PositionsError::Read(_) | PositionsError::Write(_) => ErrorKind::File,
            _ => ErrorKind::Usage,
        };
        Failure::new(kind, error.to_string(), "position.list shows what there is")
    }
}

/// Writes a captured state, never over an existing file; its path.
pub(crate) fn write_state(path: &Path, state: &MicroscopeState) -> Result<String, Failure> {
    let written = state.save(path);
    written.map(|p| p.display().to_string()).map_err(|e| {
        Failure::new(
            ErrorKind::File,
            format!("the state was not saved: {e}"),
            "choose another path",
        )
    })
}

/// A state that `write_state` or openFIBSEM wrote.
pub(crate) fn read_state(path: &Path) -> Result<MicroscopeState, Failure> {
    MicroscopeState::load(path).map_err(|e| {
        Failure::new(
            ErrorKind::File,
            format!("{e}; nothing was changed"),
            "name a file that system.capture wrote",
        )
    })
}
