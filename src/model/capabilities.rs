//! What an instrument can do: plain data, the driver's word narrowed by configuration and never widened.

use crate::room::Room;
use crate::shape::ScanDirection;
use crate::{Axis, Beam, Key, Limits, PatterningMode, StageKind, Value};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The instrument is a digital twin.
    pub simulated: bool,
    pub stage: Option<StageCapabilities>,
    pub electron: Option<BeamCapabilities>,
    pub ion: Option<BeamCapabilities>,
    pub chamber: Option<ChamberCapabilities>,
    #[serde(default)]
    pub milling: Option<MillingCapabilities>,
    #[serde(default)]
    pub manipulator: Option<ManipulatorCapabilities>,
    #[serde(default)]
    pub gas: Option<GasCapabilities>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageCapabilities {
    pub kind: StageKind,
    /// The axes there are, in order.
    pub axes: Vec<Axis>,
    pub limits: Limits,
    pub home: bool,
    pub link: bool,
    /// A move under way can be halted; else it runs to its end, also after stop was pressed.
    #[serde(default)]
    pub halts: bool,
    /// The stage itself shifts x, y when it rotates, so that the picture's centre stays.
    pub compucentric_rotation: bool,
    /// What it shares the chamber with, where the driver knows; else keeping clear of the columns is left to the instrument.
    #[serde(default)]
    pub room: Option<Room>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BeamCapabilities {
    pub readable: Vec<Key>,
    pub writable: Vec<Key>,
    /// Scan sizes, pixels; empty = any.
    pub resolutions: Vec<(u32, u32)>,
    /// Field width, m.
    pub hfw: (f64, f64),
    /// Dwell time, s.
    pub dwell_time: (f64, f64),
    /// Working distance, m.
    pub working_distance: (f64, f64),
    /// Beam shift of either axis, largest magnitude, m.
    pub shift: f64,
    /// Voltage, V.
    pub voltage: (f64, f64),
    /// Probe current, A.
    pub current: (f64, f64),
    /// Discrete values, by key (currents, voltages, detectors, modes, plasma gases, presets).
    pub available: Vec<(Key, Vec<Value>)>,
    pub reduced_area: bool,
    pub line_integration: bool,
    pub frame_integration: bool,
    pub interlacing: bool,
    pub drift_correction: bool,
    pub blanker: bool,
    pub live: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChamberCapabilities {
    pub pump: bool,
    pub vent: bool,
    pub camera: bool,
}

/// How an instrument is told what its beam shall do to matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MillingControl {
    /// Current, voltage and application file.
    #[default]
    Current,
    /// A named preset with spot, rate, spacing and dwell.
    Preset,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MillingCapabilities {
    pub control: MillingControl,
    /// Beams that can mill or deposit.
    pub channels: Vec<Beam>,
    pub application_files: Vec<String>,
    pub modes: Vec<PatterningMode>,
    pub presets: Vec<String>,
    pub scan_directions: Vec<ScanDirection>,
    pub bitmaps: bool,
    pub pause: bool,
    pub spot_burn: bool,
    /// The other beam may take pictures while this one mills.
    pub imaging_meanwhile: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ManipulatorCapabilities {
    /// Positions the instrument itself remembers (`PARK`, `EUCENTRIC`).
    pub saved: Vec<String>,
    /// Travel of x, y, z, m.
    pub limits: [(f64, f64); 3],
    pub rotation: bool,
    pub tilt: bool,
    /// Moves follow the tilted stage (corrected moves turn with it); else picture moves are plain x, y moves.
    pub stage_frame: bool,
    /// Must be calibrated before picture moves mean anything.
    pub needs_calibration: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GasCapabilities {
    pub ports: Vec<GasPortCapabilities>,
    /// One injector with several gases and insertion positions.
    pub multichem: bool,
    pub sputter_coater: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GasPortCapabilities {
    pub port: String,
    pub gases: Vec<String>,
    /// Where it can be inserted; empty where there is one place only.
    pub positions: Vec<String>,
    pub heater: bool,
}

impl Capabilities {
    pub fn beam(&self, beam: Beam) -> Option<&BeamCapabilities> {
        match beam {
            Beam::Electron => self.electron.as_ref(),
            Beam::Ion => self.ion.as_ref(),
        }
    }

    /// The values of a key that the instrument has a list of, and no setting: what milling and gas choose from. `None` for other keys
    /// and parts that are absent.
    pub fn choices(&self, key: Key) -> Option<Vec<Value>> {
        let word = |value: serde_json::Value| Value::Text(value.as_str().unwrap_or_default().to_owned());
        let milling = self.milling.as_ref();
        match key {
            Key::ApplicationFile => Some(milling?.application_files.iter().cloned().map(Value::Text).collect()),
            Key::PatterningMode => Some(milling?.modes.iter().map(|m| word(serde_json::json!(m))).collect()),
            Key::ScanDirection => Some(
                milling?
                    .scan_directions
                    .iter()
                    .map(|d| word(serde_json::json!(d)))
                    .collect(),
            ),
            Key::MillingChannel => Some(
                milling?
                    .channels
                    .iter()
                    .map(|b| Value::Text(b.wire_name().to_owned()))
                    .collect(),
            ),
            Key::GisPorts => Some(
                self.gas
                    .as_ref()?
                    .ports
                    .iter()
                    .map(|p| Value::Text(p.port.clone()))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// The beams there are, electron first.
    pub fn beams(&self) -> Vec<Beam> {
        Beam::ALL.into_iter().filter(|b| self.beam(*b).is_some()).collect()
    }
}

impl BeamCapabilities {
    /// The discrete values of `key`, empty when it takes any.
    pub fn available(&self, key: Key) -> &[Value] {
        self.available
            .iter()
            .find(|(k, _)| *k == key)
            .map_or(&[], |(_, v)| v.as_slice())
    }
}
