//! Where the stage is, and where it should go.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One stage axis. Lengths in metres, angles in radians.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    X,
    Y,
    Z,
    R,
    T,
}

impl Axis {
    pub const ALL: [Axis; 5] = [Axis::X, Axis::Y, Axis::Z, Axis::R, Axis::T];

    pub fn name(self) -> &'static str {
        match self {
            Axis::X => "x",
            Axis::Y => "y",
            Axis::Z => "z",
            Axis::R => "r",
            Axis::T => "t",
        }
    }

    pub fn is_angle(self) -> bool {
        matches!(self, Axis::R | Axis::T)
    }
}

/// A whole raw stage pose: x, y, z in metres, r (rotation) and t (tilt) in radians. On a stage without rotation r is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    pub x: f64,
    pub y: f64,
    pub z: f64,
    pub r: f64,
    pub t: f64,
}

/// A stage position as openFIBSEM keeps it: an axis that is `None` is left alone by a move.
///
/// `extra` carries axes that only some stages have (a sixth axis, an objective), by name, in SI units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StagePosition {
    #[serde(default)]
    pub name: Option<String>,
    pub x: Option<f64>,
    pub y: Option<f64>,
    pub z: Option<f64>,
    pub r: Option<f64>,
    pub t: Option<f64>,
    #[serde(default)]
    pub coordinate_system: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, f64>,
}

/// Soft limits per axis: `None` = the stage does not have that axis. Metres and radians.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub x: Option<(f64, f64)>,
    pub y: Option<(f64, f64)>,
    pub z: Option<(f64, f64)>,
    pub r: Option<(f64, f64)>,
    pub t: Option<(f64, f64)>,
}
