//! The needle: where it is and what it does.

use crate::{Beam, Point};
use serde::{Deserialize, Serialize};

/// openFIBSEM's FibsemManipulatorPosition. +x right in both pictures; raw +z is away from the sample (PARK is EUCENTRIC
/// + 180 um).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManipulatorPosition {
    pub x: f64,
    pub y: f64,
    pub z: f64,
    pub r: f64,
    pub t: f64,
    /// `RAW`, `STAGE` or `SPECIMEN`.
    #[serde(deserialize_with = "upper")]
    pub coordinate_system: String,
}

fn upper<'de, D: serde::Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(String::deserialize(d)?.to_uppercase())
}

impl Default for ManipulatorPosition {
    fn default() -> Self {
        ManipulatorPosition::new(0.0, 0.0, 0.0)
    }
}

impl ManipulatorPosition {
    /// A place in m, not turned.
    pub fn new(x: f64, y: f64, z: f64) -> ManipulatorPosition {
        ManipulatorPosition {
            x,
            y,
            z,
            r: 0.0,
            t: 0.0,
            coordinate_system: "RAW".to_owned(),
        }
    }

    /// This place moved by (dx, dy, dz) m; keeps rotation, tilt and coordinate system.
    pub fn moved(&self, (dx, dy, dz): (f64, f64, f64)) -> ManipulatorPosition {
        ManipulatorPosition {
            x: self.x + dx,
            y: self.y + dy,
            z: self.z + dz,
            ..self.clone()
        }
    }

    /// Straight-line distance, m.
    pub fn distance(&self, other: &ManipulatorPosition) -> f64 {
        ((self.x - other.x).powi(2) + (self.y - other.y).powi(2) + (self.z - other.z).powi(2)).sqrt()
    }
}

/// The needle as read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ManipulatorState {
    pub inserted: bool,
    pub moving: bool,
    pub position: ManipulatorPosition,
    /// Its coordinates agree with the beams (always, where the instrument needs no calibration).
    pub calibrated: bool,
}

/// The move (dx, dy, dz; m, stage frame) that shifts the needle by `by` (m, +x right, +y up) in the picture of `beam`, with
/// the stage tilted by `tilt` (rad): openFIBSEM's corrected move.
pub fn corrected(beam: Beam, by: Point, tilt: f64) -> (f64, f64, f64) {
    let (sin, cos) = tilt.sin_cos();
    match beam {
        Beam::Electron => (by.x, cos * by.y, sin * by.y),
        Beam::Ion => (by.x, -sin * by.y, cos * by.y),
    }
}

/// Where "`saved` with an offset" is, stage tilted by `tilt` (rad): the offset's z follows the tilted sample's normal.
pub fn with_offset(saved: &ManipulatorPosition, offset: (f64, f64, f64), tilt: f64) -> ManipulatorPosition {
    let (sin, cos) = tilt.sin_cos();
    saved.moved((offset.0, offset.1 - sin * offset.2, cos * offset.2))
}
