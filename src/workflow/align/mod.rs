//! Alignment: measure how far pictures lie apart, and correct it with the beam or the stage.
//!
//! `beam_shift`: a picture against a reference, corrected by the beam shift. `coincidence`: the SEM against the FIB picture,
//! corrected by the stage's height; `guided`: the same with an operator. `common_view` brings both beams' pictures into one
//! frame so that they can be compared, `parts` compares them. A measurement that may be wrong is refused ([`model::ErrorKind::Doubtful`]), with its figures
//! in the error's data, and nothing is left moved by it.

mod beam_shift;
mod coincidence;
mod common_view;
mod guided;
mod parts;

pub(crate) use beam_shift::onto;
pub use beam_shift::{AlignBeamShift, BeamShifted, beam_shift};
pub use coincidence::{Coincidence, Coincident, coincidence};
pub use guided::guided;
pub use parts::Part;
