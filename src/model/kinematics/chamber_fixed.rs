//! Moves of a stage whose z is vertical in the chamber (positive down) while y rides on the tilt: its axes are not at right
//! angles when it is tilted. Stage x and y run against the picture.
//!
//! Source: openFIBSEM `imaging/tiling/reprojection.py` (`..._from_geometry` functions) and the driver that uses them. With
//! i = t - p the inclination of the sample plane and b the tilt of the beam's column.

use super::{Displacement, KinematicsError, Setup, sample_plane, scan};
use crate::{Beam, Geometry, Pose, StageKind};

/// Stage (y, z) of the move along the sample plane that centres what is `dy` above the picture's centre (m).
pub fn to_stage(geometry: &Geometry, pose: &Pose, beam: Beam, dy: f64) -> (f64, f64) {
    let p = sample_plane::signed_pre_tilt(geometry, pose.r);
    let inclination = pose.t - p;
    let along = dy / (inclination - geometry.column_tilt(beam)).cos();
    (
        -along * inclination.cos() / pose.t.cos(),
        along * p.sin() / pose.t.cos(),
    )
}

/// Picture y (m, up) of what a stage move (dy, dz) would centre. Takes the move to lie in the sample plane, as openFIBSEM does,
/// and reads it from whichever axis says more.
pub fn to_picture(geometry: &Geometry, pose: &Pose, beam: Beam, dy: f64, dz: f64) -> f64 {
    let p = sample_plane::signed_pre_tilt(geometry, pose.r);
    let inclination = pose.t - p;
    let along = if inclination.cos().abs() >= p.sin().abs() {
        -dy * pose.t.cos() / inclination.cos()
    } else {
        dz * pose.t.cos() / p.sin()
    };
    along * (inclination - geometry.column_tilt(beam)).cos()
}

/// Vertical move that centres (dx, dy) of the ion picture: pure z, whatever the tilt.
pub fn vertical(setup: &Setup, dx: f64, dy: f64) -> Displacement {
    let (dx, dy) = scan::compatible(dx, dy, setup.scan_rotation.ion);
    Displacement {
        x: -dx,
        y: 0.0,
        z: -dy / setup.geometry.ion_column_tilt.sin(),
    }
}

/// Move along the ion beam's line of sight that centres (dx, dy) of the electron picture: the ion picture stays as it is in y.
pub fn coincident_from_sem(setup: &Setup, dx: f64, dy: f64) -> Displacement {
    let (dx, dy) = scan::compatible(dx, dy, setup.scan_rotation.electron);
    let Geometry {
        ion_column_tilt: ion,
        electron_column_tilt: electron,
        ..
    } = *setup.geometry;
    let t = setup.pose.t;
    let along = dy / (ion - electron).sin();
    Displacement {
        x: -dx,
        y: -along * ion.sin() / t.cos(),
        z: along * (ion - t).cos() / t.cos(),
    }
}

/// Refuses a chamber-fixed stage tilted to 90 deg, where y and z are the same direction.
pub(super) fn check_upright(setup: &Setup) -> Result<(), KinematicsError> {
    let t = setup.pose.t;
    if setup.geometry.stage == StageKind::ChamberFixed && t.cos().abs() < super::GRAZING_COSINE {
        return Err(KinematicsError::Upright {
            tilt_deg: t.to_degrees(),
        });
    }
    Ok(())
}
