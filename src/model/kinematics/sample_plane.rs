//! The y of a picture against the stage's y and z: a move along the pre-tilted sample plane, and how any y, z move looks.
//!
//! Source: openFIBSEM `transformations.view_corrected_stage_movement` and `inverse_view_corrected_dy`; chamber-fixed stages by
//! [`super::chamber_fixed`]. With p the signed pre-tilt (electron column tilt added), v the tilt of the view (0 for electrons)
//! and phi = t - p - v: d = dy / cos phi, stage y = d cos p, stage z = -d sin p.

use super::{KinematicsError, Setup, angles, chamber_fixed, orientation};
use crate::{Beam, Geometry, Pose, StageKind};
use std::f64::consts::PI;

/// Tilt of the sample plane against the stage at rotation `r` (rad): +(P + E), or -(P + E) near the 180 deg rotation. If both
/// reference rotations are the same one, the latter wins, as in openFIBSEM.
pub fn signed_pre_tilt(geometry: &Geometry, r: f64) -> f64 {
    let pre_tilt = geometry.pre_tilt + geometry.electron_column_tilt;
    if angles::near(r, geometry.rotation_180) {
        -pre_tilt
    } else {
        pre_tilt
    }
}

/// A compustage turned over to face the ion beam, where stage y and z are counted the other way round. openFIBSEM's stable
/// moves take it to be so within 0.1 rad of the FIB orientation only.
fn is_turned_over(geometry: &Geometry, pose: &Pose) -> bool {
    geometry.is_compustage()
        && angles::near(pose.r, geometry.rotation_reference)
        && angles::is_close(pose.t, orientation::fib_tilt(geometry), 0.1)
}

/// Angles of the formula for a stage whose y and z tilt.
struct View {
    /// Signed pre-tilt.
    p: f64,
    /// From the sample normal to the view.
    phi: f64,
    /// -1 where openFIBSEM counts picture y backwards.
    sign: f64,
}

fn view(geometry: &Geometry, pose: &Pose, beam: Beam) -> View {
    let column = match beam {
        Beam::Electron => 0.0,
        Beam::Ion => geometry.ion_column_tilt,
    };
    if !geometry.is_compustage() {
        let p = signed_pre_tilt(geometry, pose.r);
        return View {
            p,
            phi: pose.t - p - column,
            sign: 1.0,
        };
    }
    let (p, sign) = if is_turned_over(geometry, pose) {
        (-(geometry.pre_tilt + geometry.electron_column_tilt), 1.0)
    } else {
        (signed_pre_tilt(geometry, pose.r), -1.0)
    };
    View {
        p,
        phi: pose.t + PI - p - column,
        sign,
    }
}

/// Stage (y, z) of the move along the sample plane that centres what is `dy` above the centre in an unrotated picture (m).
/// Diverges where the view grazes the plane: see [`checked`].
pub fn to_stage(geometry: &Geometry, pose: &Pose, beam: Beam, dy: f64) -> (f64, f64) {
    if geometry.stage == StageKind::ChamberFixed {
        return chamber_fixed::to_stage(geometry, pose, beam, dy);
    }
    let View { p, phi, sign } = view(geometry, pose, beam);
    let along = sign * dy / phi.cos();
    (along * p.cos(), -along * p.sin())
}

/// Picture y (m, up) of what a stage move (dy, dz) would centre: the inverse of [`to_stage`], also for moves off the plane.
pub fn to_picture(geometry: &Geometry, pose: &Pose, beam: Beam, dy: f64, dz: f64) -> f64 {
    if geometry.stage == StageKind::ChamberFixed {
        return chamber_fixed::to_picture(geometry, pose, beam, dy, dz);
    }
    let View { p, phi, sign } = view(geometry, pose, beam);
    let along = dy * p.cos() - dz * p.sin();
    let normal = dy * p.sin() + dz * p.cos();
    sign * (along * phi.cos() - normal * phi.sin())
}

/// Angle between the view of `beam` and the sample normal (rad, 0 = looking straight down on the sample).
pub fn view_angle(geometry: &Geometry, pose: &Pose, beam: Beam) -> f64 {
    let angle = match geometry.stage {
        StageKind::ChamberFixed => pose.t - signed_pre_tilt(geometry, pose.r) - geometry.column_tilt(beam),
        _ => view(geometry, pose, beam).phi,
    };
    // A plane has two faces: fold onto -90..90 deg.
    (angle + PI / 2.0).rem_euclid(PI) - PI / 2.0
}

/// Refuses a view within half a degree of the sample plane, where moves grow without bound.
pub fn checked(setup: &Setup, beam: Beam) -> Result<(), KinematicsError> {
    let angle = view_angle(setup.geometry, &setup.pose, beam);
    if angle.cos() < super::GRAZING_COSINE {
        return Err(KinematicsError::Grazing {
            beam,
            angle_deg: angle.to_degrees().abs(),
        });
    }
    chamber_fixed::check_upright(setup)
}
