//! Movement mathematics: pure functions from poses and picture offsets to stage moves, and back.
//!
//! Here live formulas only: what is read from an instrument comes in by [`Setup`], nothing moves. Lengths are metres, angles
//! radians; picture offsets are x right, y up, origin in the centre, and name the feature that shall be centred. The plain
//! functions reproduce openFIBSEM 0.5.3 digit for digit (recorded vectors in `tests/vectors`), oddities included; `exact`
//! functions beside them do what the geometry says; `checked` functions refuse input that diverges or is no number.
//!
//! [`camera`] is a second, independent model of the same geometry with rigid transforms, against which the others are tested.
//! To add a movement: a file here with its source in the doc, and a vector or a camera test.

pub mod angles;
pub mod camera;
pub mod chamber_fixed;
pub mod coincident;
pub mod manipulator;
pub mod milling_angle;
pub mod orientation;
pub mod pixels;
pub mod project;
pub mod safe;
pub mod sample_plane;
pub mod scan;
pub mod stable;
pub mod tiles;
pub mod vertical;

#[cfg(test)]
mod vectors;

pub use orientation::Orientation;
pub use scan::ScanRotation;

use crate::{Axis, Beam, Geometry, Pose, StageKind, StagePosition};
use nalgebra::Vector3;

/// What a movement is computed from: the instrument, where its stage is, and how its pictures are turned.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    pub geometry: &'a Geometry,
    /// The stage before the move.
    pub pose: Pose,
    pub scan_rotation: ScanRotation,
}

impl<'a> Setup<'a> {
    /// A setup whose pictures are not turned.
    pub fn new(geometry: &'a Geometry, pose: Pose) -> Setup<'a> {
        Setup {
            geometry,
            pose,
            scan_rotation: ScanRotation::default(),
        }
    }
}

/// A relative stage move along the raw axes x, y, z (m); r and t stay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Displacement {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

impl Displacement {
    /// Where the stage is after the move.
    pub fn from(&self, pose: Pose) -> Pose {
        Pose {
            x: pose.x + self.x,
            y: pose.y + self.y,
            z: pose.z + self.z,
            ..pose
        }
    }

    /// As a relative position: r and t are left alone.
    pub fn to_position(&self) -> StagePosition {
        StagePosition::default()
            .with(Axis::X, self.x)
            .with(Axis::Y, self.y)
            .with(Axis::Z, self.z)
    }

    pub fn to_vector(&self) -> Vector3<f64> {
        Vector3::new(self.x, self.y, self.z)
    }

    pub fn length(&self) -> f64 {
        self.to_vector().norm()
    }
}

impl From<Vector3<f64>> for Displacement {
    fn from(v: Vector3<f64>) -> Displacement {
        Displacement { x: v.x, y: v.y, z: v.z }
    }
}

impl From<Displacement> for (f64, f64, f64) {
    fn from(d: Displacement) -> (f64, f64, f64) {
        (d.x, d.y, d.z)
    }
}

impl std::ops::Add for Displacement {
    type Output = Displacement;

    fn add(self, other: Displacement) -> Displacement {
        Displacement {
            x: self.x + other.x,
            y: self.y + other.y,
            z: self.z + other.z,
        }
    }
}

/// Why a movement was not computed. Nothing has been moved.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KinematicsError {
    #[error("{what} is no finite number: nothing was moved")]
    NotFinite { what: &'static str },
    #[error("the {beam} beam looks along the sample plane ({angle_deg:.1} deg from its normal): tilt the stage first")]
    Grazing { beam: Beam, angle_deg: f64 },
    #[error("a vertical move is not defined at stage tilt {tilt_deg:.1} deg: tilt the stage back first")]
    Upright { tilt_deg: f64 },
    #[error("the ion column is parallel to the electron column in this geometry: check the column tilts")]
    ParallelColumns,
}

/// Cosine below which a formula is taken to diverge: 89.5 deg.
const GRAZING_COSINE: f64 = 0.008_726_535_498_373_935;

/// Refuses a geometry, pose or offset that holds NaN or infinity.
fn check_finite(setup: &Setup, dx: f64, dy: f64) -> Result<(), KinematicsError> {
    let refuse = |what| Err(KinematicsError::NotFinite { what });
    match () {
        _ if !(dx.is_finite() && dy.is_finite()) => refuse("the picture offset"),
        _ if !setup.pose.is_finite() => refuse("the stage pose"),
        _ if !setup.geometry.is_finite() => refuse("an angle of the instrument's geometry"),
        _ if !setup.scan_rotation.is_finite() => refuse("the scan rotation"),
        _ => Ok(()),
    }
}

/// +1, or -1 where stage x runs against picture x (chamber-fixed stages).
pub(crate) fn x_sign(geometry: &Geometry) -> f64 {
    if geometry.stage == StageKind::ChamberFixed {
        -1.0
    } else {
        1.0
    }
}
