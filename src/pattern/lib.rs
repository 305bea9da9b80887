//! Milling patterns and milling tasks: parameters in, shapes and times out, openFIBSEM's keys throughout.
//!
//! `figure` has a file per pattern; `Pattern` is one of them at a point of the picture. `task` has what surrounds it: stages,
//! settings, strategies, alignment and acquisition, read and written as openFIBSEM does. `check` says whether shapes can be
//! drawn, `remaining` what is left of an interrupted one, `estimate` how long they take, `eta` how long still.
//! Pure: no instrument, no clock, no file, no screen. Running a task is the workflow room's; a bitmap's picture file is read
//! by whoever runs or draws the pattern ([`Pattern::load_pictures`]). To add a pattern: see `figure`.

mod check;
mod dose;
pub mod estimate;
pub mod eta;
pub mod field;
pub mod figure;
mod pattern;
mod read;
mod remaining;
mod run;
pub mod task;
#[cfg(test)]
mod vectors;

pub use check::{Problem, Refused, check};
pub use dose::{Interpolation, PictureError, dose_map};
pub use eta::Eta;
pub use field::{Field, FieldError, Kind};
pub use figure::{Figure, PATTERNS, PatternRow, row};
pub use pattern::{POINT, Pattern};
pub use read::{Note, ReadError};
pub use remaining::{remaining, remaining_of};
pub use run::{MillingRun, Rest, StageRun, StageState, Unfinished, estimate_error};
pub use task::{MillingStage, MillingTask, milling_settings};
