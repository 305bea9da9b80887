//! Stable moves: centre a feature of a picture by moving along the sample plane, so that focus and coincidence hold.
//!
//! Source: openFIBSEM `stable_move` and `project_stable_move`.

use super::{Displacement, KinematicsError, Setup, check_finite, sample_plane, scan, x_sign};
use crate::pose::PositionError;
use crate::{Beam, Point, StagePosition};

/// Stage move that centres what is at (dx, dy) in `beam`'s picture (m). Scan rotations other than 0 and pi count as 0.
pub fn displacement(setup: &Setup, beam: Beam, dx: f64, dy: f64) -> Displacement {
    let (dx, dy) = scan::compatible(dx, dy, setup.scan_rotation.of(beam));
    along_axes(setup, beam, dx, dy)
}

/// As [`displacement`], turned by the scan rotation there really is.
pub fn exact(setup: &Setup, beam: Beam, dx: f64, dy: f64) -> Displacement {
    let Point { x, y } = scan::to_axes(Point { x: dx, y: dy }, setup.scan_rotation.of(beam));
    along_axes(setup, beam, x, y)
}

/// [`exact`], refused where the numbers are none or the view grazes the sample plane.
pub fn checked(setup: &Setup, beam: Beam, dx: f64, dy: f64) -> Result<Displacement, KinematicsError> {
    check_finite(setup, dx, dy)?;
    sample_plane::checked(setup, beam)?;
    Ok(exact(setup, beam, dx, dy))
}

fn along_axes(setup: &Setup, beam: Beam, dx: f64, dy: f64) -> Displacement {
    let (y, z) = sample_plane::to_stage(setup.geometry, &setup.pose, beam, dy);
    Displacement {
        x: x_sign(setup.geometry) * dx,
        y,
        z,
    }
}

/// Where a stable move would lead from `base`. Tilt, rotation and scan rotation are those of `setup`, the live stage, not of
/// `base`; name, r, t and coordinate system are `base`'s. x, y, z of `base` are needed.
pub fn project(
    setup: &Setup,
    beam: Beam,
    dx: f64,
    dy: f64,
    base: &StagePosition,
) -> Result<StagePosition, PositionError> {
    let moved = base.plus(&displacement(setup, beam, dx, dy).to_position())?;
    Ok(StagePosition {
        name: base.name.clone(),
        ..moved
    })
}

/// Electron working distance (m) to set after a stable move: the one before, or the `eucentric` one if that is asked for.
/// `None`: leave it, since this stage keeps its focus by itself.
pub fn working_distance_after(setup: &Setup, before: f64, eucentric: Option<f64>) -> Option<f64> {
    (setup.geometry.stage == crate::StageKind::Tilting).then(|| eucentric.unwrap_or(before))
}
