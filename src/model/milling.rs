//! How a beam is set up to mill, and what patterning is doing.

use crate::Beam;
use serde::{Deserialize, Serialize};

/// openFIBSEM's FibsemMillingSettings, key for key. Which of them matter depends on the instrument: current, voltage,
/// application file and mode on one that mills by current; preset, spot, rate, spacing and dwell on one that mills by preset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MillingSettings {
    /// A.
    pub milling_current: f64,
    /// V.
    pub milling_voltage: f64,
    pub application_file: String,
    pub patterning_mode: PatterningMode,
    /// Field width while milling, m.
    pub hfw: f64,
    pub preset: String,
    /// m.
    pub spot_size: f64,
    /// m3/A/s.
    pub rate: f64,
    /// s.
    pub dwell_time: f64,
    /// Distance of neighbouring points, in spots.
    pub spacing: f64,
    pub milling_channel: Beam,
    /// Pictures after each stage; the milling task's acquisition overrides it.
    pub acquire_images: bool,
}

impl Default for MillingSettings {
    fn default() -> Self {
        MillingSettings {
            milling_current: 20e-12,
            milling_voltage: 30e3,
            application_file: "Si".to_owned(),
            patterning_mode: PatterningMode::Serial,
            hfw: 150e-6,
            preset: "30 keV; 2nA".to_owned(),
            spot_size: 1e-6,
            rate: 1.3e-8,
            dwell_time: 1e-6,
            spacing: 0.005,
            milling_channel: Beam::Ion,
            acquire_images: false,
        }
    }
}

/// Shapes one after the other, or all together pass by pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatterningMode {
    #[default]
    Serial,
    Parallel,
}

impl PatterningMode {
    pub fn word(self) -> &'static str {
        match self {
            PatterningMode::Serial => "Serial",
            PatterningMode::Parallel => "Parallel",
        }
    }
}

/// What the patterning engine of an instrument does (openFIBSEM's milling states).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatterningPhase {
    #[default]
    Idle,
    Running,
    Stopping,
    Paused,
    Error,
}

impl PatterningPhase {
    pub fn word(self) -> &'static str {
        match self {
            PatterningPhase::Idle => "IDLE",
            PatterningPhase::Running => "RUNNING",
            PatterningPhase::Stopping => "STOPPING",
            PatterningPhase::Paused => "PAUSED",
            PatterningPhase::Error => "ERROR",
        }
    }

    /// The beam draws, or will go on to draw.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            PatterningPhase::Running | PatterningPhase::Stopping | PatterningPhase::Paused
        )
    }
}

/// Patterning as read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PatterningState {
    pub phase: PatterningPhase,
    /// The instrument's own estimate for all that is loaded, s.
    pub estimated: f64,
    /// Beam time spent on it, s; stands still while paused.
    pub elapsed: f64,
    /// Fraction done of every loaded shape, in drawing order: what is left to mill after an interruption.
    pub done: Vec<f64>,
}

impl PatterningState {
    /// s; what the instrument thinks remains.
    pub fn remaining(&self) -> f64 {
        (self.estimated - self.elapsed).max(0.0)
    }

    /// Fraction done of the whole, 0..1.
    pub fn fraction(&self) -> f64 {
        if self.estimated > 0.0 {
            (self.elapsed / self.estimated).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}
