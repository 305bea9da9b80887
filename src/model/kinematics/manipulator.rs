//! Moves of the manipulator needle.
//!
//! Source: openFIBSEM `move_manipulator_corrected`, `_y_corrected_needle_movement`, `move_manipulator_to_position_offset`. The
//! needle moves in the stage's frame, which tilts with the stage.

use super::{Displacement, scan};
use crate::Beam;

/// Relative needle move in the stage frame for a move (dx, dy) (m) seen by `beam` at stage tilt `tilt` (rad): x is right in
/// both pictures, dy > 0 is up in both.
pub fn corrected(beam: Beam, tilt: f64, dx: f64, dy: f64) -> Displacement {
    let (sin, cos) = tilt.sin_cos();
    match beam {
        Beam::Electron => Displacement {
            x: dx,
            y: cos * dy,
            z: sin * dy,
        },
        Beam::Ion => Displacement {
            x: dx,
            y: -sin * dy,
            z: cos * dy,
        },
    }
}

/// As [`corrected`] for a needle that does not know of the stage's tilt: x and y as seen.
pub fn uncorrected(dx: f64, dy: f64) -> Displacement {
    Displacement { x: dx, y: dy, z: 0.0 }
}

/// The (dx, dy) that openFIBSEM hands to the corrected move so that the needle follows a picture offset (x right, y up, m):
/// both flipped at a scan rotation of pi, dy reversed for the electron beam.
pub fn from_picture(beam: Beam, scan_rotation: f64, dx: f64, dy: f64) -> (f64, f64) {
    let (dx, dy) = scan::compatible(dx, dy, scan_rotation);
    (dx, if beam == Beam::Electron { -dy } else { dy })
}

/// A saved needle position moved by `offset`, whose z is chamber-vertical, at stage tilt `tilt` (rad); all in the stage frame.
pub fn offset_position(saved: Displacement, offset: Displacement, tilt: f64) -> Displacement {
    let (sin, cos) = tilt.sin_cos();
    saved
        + Displacement {
            x: offset.x,
            y: offset.y - sin * offset.z,
            z: cos * offset.z,
        }
}
