//! What an instrument is doing: the state of stage, beams and chamber, and openFIBSEM's MicroscopeState.

use crate::file::{self, Durability, SaveError};
use crate::yaml::{self, Document, YamlError};
use crate::{Beam, BeamSettings, DetectorSettings, Pose, StagePosition};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The stage as read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageState {
    pub pose: Pose,
    pub moving: bool,
    pub homed: bool,
    pub linked: bool,
}

/// One column with its detector as read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BeamState {
    pub on: bool,
    pub blanked: bool,
    pub settings: BeamSettings,
    pub detector: DetectorSettings,
    /// Plasma source gas, where the ion source is one.
    #[serde(default)]
    pub plasma_gas: Option<String>,
}

/// What the vacuum is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChamberPhase {
    #[default]
    Pumped,
    Pumping,
    Vented,
    Venting,
}

impl ChamberPhase {
    pub fn word(self) -> &'static str {
        match self {
            ChamberPhase::Pumped => "Pumped",
            ChamberPhase::Pumping => "Pumping",
            ChamberPhase::Vented => "Vented",
            ChamberPhase::Venting => "Venting",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChamberState {
    pub phase: ChamberPhase,
    /// Pa.
    pub pressure: f64,
}

/// openFIBSEM's MicroscopeState: everything needed to come back to a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicroscopeState {
    /// POSIX seconds. Read leniently: some vendors put a date string here.
    #[serde(deserialize_with = "lenient_timestamp")]
    pub timestamp: f64,
    pub stage_position: StagePosition,
    #[serde(default)]
    pub electron_beam: Option<BeamSettings>,
    #[serde(default)]
    pub ion_beam: Option<BeamSettings>,
    #[serde(default)]
    pub electron_detector: Option<DetectorSettings>,
    #[serde(default)]
    pub ion_detector: Option<DetectorSettings>,
    #[serde(default)]
    pub objective_position: Option<f64>,
}

impl MicroscopeState {
    /// Of the stage alone; what columns there are is filled in.
    pub fn bare(timestamp: f64, stage_position: StagePosition) -> MicroscopeState {
        MicroscopeState {
            timestamp,
            stage_position,
            electron_beam: None,
            ion_beam: None,
            electron_detector: None,
            ion_detector: None,
            objective_position: None,
        }
    }

    pub fn beam(&self, beam: Beam) -> Option<&BeamSettings> {
        match beam {
            Beam::Electron => self.electron_beam.as_ref(),
            Beam::Ion => self.ion_beam.as_ref(),
        }
    }

    pub fn detector(&self, beam: Beam) -> Option<&DetectorSettings> {
        match beam {
            Beam::Electron => self.electron_detector.as_ref(),
            Beam::Ion => self.ion_detector.as_ref(),
        }
    }

    /// Read a state file, YAML or JSON.
    pub fn load(path: &Path) -> Result<MicroscopeState, YamlError> {
        Document::load(path)?.to()
    }

    /// Write a state file, JSON where the name ends in `.json`, else YAML; never over an existing file (a counter is
    /// appended). Returns its name. Every number reads back to the last bit.
    pub fn save(&self, path: &Path) -> Result<PathBuf, SaveError> {
        let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        file::create(path, Durability::Synced, |out| {
            if json {
                serde_json::to_writer_pretty(&mut *out, self)?;
                return out.write_all(b"\n");
            }
            out.write_all(yaml::write(self).map_err(std::io::Error::other)?.as_bytes())
        })
    }
}

/// A number, a numeric string or a date; what cannot be read is 0 rather than a lost picture.
fn lenient_timestamp<'de, D: serde::Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    Ok(timestamp(&serde_json::Value::deserialize(d)?).unwrap_or(0.0))
}

/// POSIX seconds in a number, a numeric string or a date (without a zone: UTC).
pub(crate) fn timestamp(value: &serde_json::Value) -> Option<f64> {
    let text = match value {
        serde_json::Value::Number(n) => return n.as_f64(),
        serde_json::Value::String(s) => s.trim(),
        _ => return None,
    };
    let seconds = |t: jiff::Timestamp| t.as_millisecond() as f64 / 1e3;
    let local = || {
        let civil: jiff::civil::DateTime = text.replace(' ', "T").parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    text.parse()
        .ok()
        .filter(|t: &f64| t.is_finite())
        .or_else(|| text.parse().ok().or_else(local).map(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_file_keeps_every_bit() {
        let dir = tempfile::tempdir().unwrap();
        let state = MicroscopeState {
            timestamp: 1_767_225_600.123_456,
            stage_position: StagePosition {
                x: Some(0.1 + 0.2),
                y: Some(-1.0 / 3.0),
                z: Some(5e-324),
                ..Default::default()
            },
            electron_beam: None,
            ion_beam: None,
            electron_detector: Some(DetectorSettings {
                contrast: 2.0 / 3.0,
                ..Default::default()
            }),
            ion_detector: None,
            objective_position: Some(1e-3),
        };
        for name in ["a.yaml", "a.json", "a"] {
            let file = state.save(&dir.path().join(name)).unwrap();
            assert_eq!(MicroscopeState::load(&file).unwrap(), state, "{name}");
            assert_ne!(state.save(&file).unwrap(), file);
        }
        std::fs::write(dir.path().join("b"), "timestamp: 1\nstage_position: {x: far}").unwrap();
        let error = MicroscopeState::load(&dir.path().join("b")).unwrap_err().to_string();
        assert!(error.contains("b:2:21: "), "{error}");
    }

    #[test]
    fn timestamps_are_read_as_vendors_write_them() {
        for (value, seconds) in [
            (serde_json::json!(1.5), Some(1.5)),
            (serde_json::json!("1.5"), Some(1.5)),
            (serde_json::json!("2026-01-01T00:00:00Z"), Some(1_767_225_600.0)),
            (serde_json::json!("2026-01-01 00:00:00.5"), Some(1_767_225_600.5)),
            (serde_json::json!("yesterday"), None),
            (serde_json::json!([1]), None),
        ] {
            assert_eq!(timestamp(&value), seconds, "{value}");
        }
    }
}
