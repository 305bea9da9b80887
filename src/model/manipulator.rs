//! The needle: where it is and what it does.

use crate::file::{self, Durability, SaveError};
use crate::kinematics::{Displacement, manipulator::offset_position};
use crate::yaml::{self, Document, YamlError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    pub fn moved(&self, by: impl Into<(f64, f64, f64)>) -> ManipulatorPosition {
        let (dx, dy, dz) = by.into();
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
    /// How far it has come towards the sample since its place was last confirmed, m. The session knows, not the instrument.
    #[serde(default)]
    pub approached: f64,
}

/// How much nearer to the sample a way (m) of the needle comes, stage tilted by `tilt` (rad); below 0 where it leads away. Raw +z is
/// away from the sample, and so is the normal of its tilted plane: what comes nearer by either counts, since how the sample lies
/// on the stage is not known here.
pub fn towards((_, dy, dz): (f64, f64, f64), tilt: f64) -> f64 {
    let (sin, cos) = tilt.sin_cos();
    (-dz).max(sin * dy - cos * dz)
}

/// Where "`saved` with an offset" is, stage tilted by `tilt` (rad): the offset's z follows the tilted sample's normal.
pub fn with_offset(saved: &ManipulatorPosition, offset: (f64, f64, f64), tilt: f64) -> ManipulatorPosition {
    let (x, y, z) = offset;
    saved.moved(offset_position(Displacement::default(), Displacement { x, y, z }, tilt))
}

/// The file of needle positions the console saves, in the configuration folder.
pub const NEEDLE_FILE: &str = "manipulator-positions.yaml";

/// Why a needle position was not saved or found; the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum NeedleError {
    #[error("there is no needle position `{0}`")]
    Unknown(String),
    #[error("a needle position needs a name")]
    NoName,
    #[error(transparent)]
    Read(#[from] YamlError),
    #[error(transparent)]
    Write(#[from] SaveError),
}

/// Needle positions saved by name, kept with their file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NeedlePositions {
    file: PathBuf,
    saved: BTreeMap<String, ManipulatorPosition>,
}

impl NeedlePositions {
    /// Those of a configuration folder; a file that is not there holds none.
    pub fn load(folder: &Path) -> Result<NeedlePositions, YamlError> {
        let file = folder.join(NEEDLE_FILE);
        let saved = if file.exists() {
            Document::load(&file)?.to()?
        } else {
            BTreeMap::new()
        };
        Ok(NeedlePositions { file, saved })
    }

    pub fn all(&self) -> Vec<(String, ManipulatorPosition)> {
        self.saved.iter().map(|(name, at)| (name.clone(), at.clone())).collect()
    }

    pub fn get(&self, name: &str) -> Option<&ManipulatorPosition> {
        self.saved.get(name)
    }

    /// Saves a position under a name, in place of one of that name, and writes the file.
    pub fn save(&mut self, name: &str, at: ManipulatorPosition) -> Result<(), NeedleError> {
        if name.trim().is_empty() {
            return Err(NeedleError::NoName);
        }
        let mut saved = self.saved.clone();
        saved.insert(name.trim().to_owned(), at);
        self.write(saved)
    }

    pub fn remove(&mut self, name: &str) -> Result<(), NeedleError> {
        let mut saved = self.saved.clone();
        if saved.remove(name).is_none() {
            return Err(NeedleError::Unknown(crate::text::printable(name)));
        }
        self.write(saved)
    }

    fn write(&mut self, saved: BTreeMap<String, ManipulatorPosition>) -> Result<(), NeedleError> {
        let text = yaml::write(&saved)?;
        if let Some(folder) = self.file.parent() {
            file::ensure_folder(folder)?;
        }
        file::replace(&self.file, Durability::Synced, text.as_bytes())?;
        self.saved = saved;
        Ok(())
    }
}
