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

use super::exit::Exit;

/// How a run over several pictures ends.
fn ended(failed: usize, of: usize) -> Exit {
    match failed {
        0 => Exit::Done,
        n if n < of => Exit::Partly,
        _ => Exit::Failed,
    }
}
