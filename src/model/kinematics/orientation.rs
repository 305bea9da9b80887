//! Named orientations of the sample: where they are, which one a pose is, how a position carries over from one to another.
//!
//! Source: openFIBSEM `_update_orientations`, `get_stage_orientation`, `get_target_position`, `move_flat_to_beam`. Computed
//! from the geometry each time, so a changed pre-tilt counts at once.

use super::{angles, milling_angle};
use crate::{Axis, Beam, Geometry, Point, Pose, StagePosition};
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_PI_4, PI};
use std::fmt;
use std::str::FromStr;

/// How the sample stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Orientation {
    /// Sample plane flat to the electron beam.
    Sem,
    /// Sample plane flat to the ion beam.
    Fib,
    /// Rotated as for the electron beam, tilted to the milling angle.
    Milling,
    /// Facing the light microscope of a compustage; elsewhere the same as [`Orientation::Fib`].
    Fm,
}

/// Tolerance of a tilt that counts as an orientation's (rad).
const TILT_TOLERANCE: f64 = 0.1;

impl Orientation {
    pub const ALL: [Orientation; 4] = [
        Orientation::Sem,
        Orientation::Fib,
        Orientation::Milling,
        Orientation::Fm,
    ];

    /// openFIBSEM's word: `SEM`, `FIB`, `MILLING`, `FM`.
    pub fn name(self) -> &'static str {
        match self {
            Orientation::Sem => "SEM",
            Orientation::Fib => "FIB",
            Orientation::Milling => "MILLING",
            Orientation::Fm => "FM",
        }
    }

    /// The orientation that is flat to `beam`.
    pub fn flat_to(beam: Beam) -> Orientation {
        match beam {
            Beam::Electron => Orientation::Sem,
            Beam::Ion => Orientation::Fib,
        }
    }

    /// Rotation and tilt (rad) of this orientation.
    pub fn rotation_tilt(self, geometry: &Geometry) -> (f64, f64) {
        let compustage = geometry.is_compustage();
        match self {
            Orientation::Sem => (geometry.rotation_reference, geometry.pre_tilt),
            Orientation::Milling => (
                geometry.rotation_reference,
                milling_angle::stage_tilt(geometry, geometry.milling_angle),
            ),
            Orientation::Fm if compustage => (0.0, -PI),
            Orientation::Fib | Orientation::Fm => {
                (if compustage { 0.0 } else { geometry.rotation_180 }, fib_tilt(geometry))
            }
        }
    }

    /// The move target: r and t of this orientation, x, y, z left alone. Move there with [`super::safe`].
    pub fn target(self, geometry: &Geometry) -> StagePosition {
        let (r, t) = self.rotation_tilt(geometry);
        StagePosition::default().with(Axis::R, r).with(Axis::T, t)
    }

    /// Which orientation a pose is, if any. MILLING means any tilt above -45 deg at the reference rotation that is not SEM.
    pub fn of(geometry: &Geometry, pose: &Pose) -> Option<Orientation> {
        let rotated_to = |o: Orientation| angles::near(pose.r, o.rotation_tilt(geometry).0);
        let tilted_to = |o: Orientation| angles::is_close(pose.t, o.rotation_tilt(geometry).1, TILT_TOLERANCE);
        match () {
            _ if rotated_to(Orientation::Sem) && tilted_to(Orientation::Sem) => Some(Orientation::Sem),
            _ if rotated_to(Orientation::Sem) && pose.t > -FRAC_PI_4 => Some(Orientation::Milling),
            _ => [Orientation::Fib, Orientation::Fm]
                .into_iter()
                .find(|o| rotated_to(*o) && tilted_to(*o)),
        }
    }
}

/// Stage tilt of the FIB orientation (rad): ion column tilt - pre-tilt, half a turn less on a compustage.
pub fn fib_tilt(geometry: &Geometry) -> f64 {
    let tilt = geometry.ion_column_tilt - geometry.pre_tilt;
    if geometry.is_compustage() { tilt - PI } else { tilt }
}

/// Why a position does not carry over to another orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrientationError {
    #[error("the position is in no known orientation: move to SEM, FIB or MILLING first")]
    Unknown,
    #[error("only a compustage has an FM orientation of its own: use FIB")]
    FmNeedsCompustage,
}

/// Where a sample point that is centred at `pose` will be centred in `orientation`.
///
/// Between SEM or MILLING and FIB the stage turns by 180 deg: x and y are mirrored about the rotation centre, which lies at
/// raw (-`offset.x`, -`offset.y`) (m; compustages do not turn). z stays; r and t are the orientation's. A pose that is in
/// `orientation` already comes back unchanged.
pub fn target_position(
    geometry: &Geometry,
    pose: Pose,
    orientation: Orientation,
    offset: Point,
) -> Result<Pose, OrientationError> {
    let current = Orientation::of(geometry, &pose).ok_or(OrientationError::Unknown)?;
    if current == orientation {
        return Ok(pose);
    }
    let to_light = current == Orientation::Fm || orientation == Orientation::Fm;
    if to_light && !geometry.is_compustage() {
        return Err(OrientationError::FmNeedsCompustage);
    }
    let half_turn = (current == Orientation::Fib || orientation == Orientation::Fib) && !geometry.is_compustage();
    let (x, y) = if half_turn {
        (-(pose.x + offset.x) - offset.x, -(pose.y + offset.y) - offset.y)
    } else {
        (pose.x, pose.y)
    };
    let (r, t) = orientation.rotation_tilt(geometry);
    Ok(Pose { x, y, z: pose.z, r, t })
}

impl fmt::Display for Orientation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no orientation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no orientation: say SEM, FIB, MILLING or FM")]
pub struct UnknownOrientation(pub String);

impl FromStr for Orientation {
    type Err = UnknownOrientation;

    fn from_str(word: &str) -> Result<Self, UnknownOrientation> {
        Orientation::ALL
            .into_iter()
            .find(|o| o.name().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownOrientation(crate::text::printable(word)))
    }
}
