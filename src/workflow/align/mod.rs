//! Alignment: measure how far pictures lie apart, and correct it with the beam or the stage.
//!
//! `beam_shift`: a picture against a reference, corrected by the beam shift. `coincidence`: the SEM against the FIB picture,
//! corrected by the stage's height; `guided`: the same with an operator. `stage`: a picture against a reference, corrected by the stage;
//! `tilt`: the sample held where it is while it is tilted. `measure` takes a picture of each beam,
//! `common_view` brings both into one frame, `parts` matches them; `reference` is the picture to align to, `stand` where to go back to. A measurement that may be wrong is refused ([`model::ErrorKind::Doubtful`]), with its figures
//! in the error's data, and nothing is left moved by it.

mod beam_shift;
mod coincidence;
mod common_view;
mod guided;
mod measure;
mod parts;
mod reference;
mod stage;
mod stand;
mod tilt;

pub use beam_shift::{AlignBeamShift, BeamShifted, beam_shift};
pub(crate) use beam_shift::{centre_by_beam, onto};
pub use coincidence::{Coincidence, Coincident, coincidence};
pub use guided::guided;
pub use parts::Part;
pub use stage::{AlignStage, StageAligned, stage};
pub use tilt::{EucentricTilt, Tilted, eucentric_tilt};
