//! `detect`, `segment`, `objects`: what is in pictures, on files alone; no instrument is asked.
//!
//! `chosen` is what all three take (model, backend, plot), `figure` what `--plot` draws. What is found is told as JSON by the
//! contract of the command line: one object a picture.

mod chosen;
mod features;
mod figure;
mod objects;
mod segment;

pub use chosen::library;
pub use features::Detect;
pub use objects::Objects;
pub use segment::Segment;

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Tells what `one` finds in each picture; one that fails is told and does not end the others. How such a run ends.
fn each(
    images: &[PathBuf],
    globals: &Globals,
    mut one: impl FnMut(&Path) -> Result<Value, CliError>,
) -> Result<Exit, CliError> {
    let mut failed = 0;
    for image in images {
        match one(image) {
            Ok(told) if globals.json => output::line(&told.to_string())?,
            Ok(told) => output::line(&ui::plain(&told))?,
            Err(error) => {
                eprintln!("fibdeck: {error}");
                failed += 1;
            }
        }
    }
    Ok(match failed {
        0 => Exit::Done,
        n if n < images.len() => Exit::Partly,
        _ => Exit::Failed,
    })
}
