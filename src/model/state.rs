//! What an instrument is doing: the state of stage, beams and chamber, and openFIBSEM's MicroscopeState.

use crate::{Beam, BeamSettings, DetectorSettings, Pose, StagePosition};
use serde::{Deserialize, Serialize};

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
