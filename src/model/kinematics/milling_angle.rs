//! Milling angle: between the ion beam and the sample plane (rad).
//!
//! Source: openFIBSEM `transformations.convert_milling_angle_to_stage_tilt` and back, `get_current_milling_angle`.

use super::{Orientation, angles};
use crate::{Axis, Geometry, Pose, StagePosition};
use std::f64::consts::{FRAC_PI_2, PI};

/// Within this of the wanted angle it counts as reached (rad).
pub const TOLERANCE: f64 = 2.0 * PI / 180.0;

/// Stage tilt at which the ion beam meets the sample at `angle`, at the SEM rotation.
pub fn stage_tilt(geometry: &Geometry, angle: f64) -> f64 {
    angle + geometry.ion_column_tilt + geometry.pre_tilt - FRAC_PI_2
}

/// Milling angle at a stage tilt, at the SEM rotation: the inverse of [`stage_tilt`].
pub fn at_tilt(geometry: &Geometry, tilt: f64) -> f64 {
    FRAC_PI_2 - geometry.ion_column_tilt + tilt - geometry.pre_tilt
}

/// Milling angle of a pose: 90 deg in the FIB orientation; a compustage tilted beyond -90 deg counts from its other face.
pub fn of(geometry: &Geometry, pose: &Pose) -> f64 {
    if Orientation::of(geometry, pose) == Some(Orientation::Fib) {
        return FRAC_PI_2;
    }
    let turned = geometry.is_compustage() && pose.t < -FRAC_PI_2;
    at_tilt(geometry, if turned { pose.t + PI } else { pose.t })
}

/// The pose mills at `angle` within `tolerance` (usually [`TOLERANCE`]).
pub fn is_at(geometry: &Geometry, pose: &Pose, angle: f64, tolerance: f64) -> bool {
    angles::is_close(of(geometry, pose), angle, tolerance)
}

/// Target of a move to a milling angle: r (the reference rotation unless given) and t. Move there with [`super::safe`].
pub fn target(geometry: &Geometry, angle: f64, rotation: Option<f64>) -> StagePosition {
    StagePosition::default()
        .with(Axis::R, rotation.unwrap_or(geometry.rotation_reference))
        .with(Axis::T, stage_tilt(geometry, angle))
}
