//! Safe absolute moves: flat before a large rotation.
//!
//! Source: openFIBSEM `safe_absolute_stage_movement`. "Safe" means just that: no height, limit or collision is looked at.

use super::angles;
use crate::pose::PositionError;
use crate::{Axis, Geometry, Pose, StageKind, StagePosition};

/// The absolute moves, in order, that bring the stage from `current` to `target`.
///
/// A tilting stage tilts to 0 if it has to turn by more than 90 deg, turns, then goes to the target; the others go there at
/// once. `target.r` must be given on a tilting stage. With `target.t` left open after such a turn the stage stays flat: pass
/// `StagePosition::from(target.resolve(current))` to come back to the tilt it had.
pub fn moves(geometry: &Geometry, current: Pose, target: &StagePosition) -> Result<Vec<StagePosition>, PositionError> {
    if geometry.stage != StageKind::Tilting {
        return Ok(vec![target.clone()]);
    }
    let r = target.r.ok_or_else(|| PositionError::Missing {
        axis: Axis::R.name().to_owned(),
    })?;
    let flat = angles::far(r, current.r).then(|| StagePosition::default().with(Axis::T, 0.0));
    let turned = StagePosition {
        coordinate_system: Some("RAW".to_owned()),
        ..StagePosition::default()
    }
    .with(Axis::R, r);
    Ok(flat.into_iter().chain([turned, target.clone()]).collect())
}
