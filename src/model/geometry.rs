//! The fixed geometry of an instrument: columns, shuttle, kind of stage. Angles in radians.

use serde::{Deserialize, Serialize};

/// How the stage's axes lie in the chamber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageKind {
    /// y and z tilt with the stage (the usual five-axis stage).
    #[default]
    Tilting,
    /// A compustage: no rotation axis, the grid is seen from both sides, tilts to -195 deg.
    Compustage,
    /// z stays vertical in the chamber (positive down) and carries the tilt; y rides on the tilt. x and y run against the
    /// picture.
    ChamberFixed,
}

/// What kinematics needs to know of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// Tilt of the electron column against the chamber's vertical (rad).
    pub electron_column_tilt: f64,
    /// Tilt of the ion column against the chamber's vertical (rad).
    pub ion_column_tilt: f64,
    /// Tilt of the sample plane against the stage (rad).
    pub pre_tilt: f64,
    /// Stage rotation of the SEM orientation (rad).
    pub rotation_reference: f64,
    /// Stage rotation of the FIB orientation (rad); as configured, not recomputed.
    pub rotation_180: f64,
    /// Milling angle of the MILLING orientation (rad): the angle between ion beam and sample plane.
    pub milling_angle: f64,
    pub stage: StageKind,
}

impl Default for Geometry {
    /// The demo instrument of openFIBSEM: columns 0/52 deg, shuttle 35 deg, milling angle 15 deg.
    fn default() -> Self {
        Geometry {
            electron_column_tilt: 0.0,
            ion_column_tilt: 52f64.to_radians(),
            pre_tilt: 35f64.to_radians(),
            rotation_reference: 0.0,
            rotation_180: 180f64.to_radians(),
            milling_angle: 15f64.to_radians(),
            stage: StageKind::Tilting,
        }
    }
}

impl Geometry {
    /// Tilt of the column of `beam` against the chamber's vertical (rad).
    pub fn column_tilt(&self, beam: crate::Beam) -> f64 {
        match beam {
            crate::Beam::Electron => self.electron_column_tilt,
            crate::Beam::Ion => self.ion_column_tilt,
        }
    }

    pub fn is_compustage(&self) -> bool {
        self.stage == StageKind::Compustage
    }

    /// Every angle is a finite number.
    pub fn is_finite(&self) -> bool {
        [
            self.electron_column_tilt,
            self.ion_column_tilt,
            self.pre_tilt,
            self.rotation_reference,
            self.rotation_180,
            self.milling_angle,
        ]
        .iter()
        .all(|angle| angle.is_finite())
    }
}
