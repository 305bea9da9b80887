//! One instrument: openFIBSEM's configuration keys, unchanged, plus `driver`, `limits` and `twin`.

use crate::{Beam, Geometry, Limits, StageKind};
use serde::{Deserialize, Serialize};

/// A whole instrument file. Field names are the file's keys; angles in degrees where the file has degrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instrument {
    /// Which driver opens it (a name of hal's DRIVERS table); `sim` is the digital twin.
    #[serde(default = "sim")]
    pub driver: String,
    pub info: Info,
    pub stage: StageConfig,
    pub electron: BeamConfig,
    pub ion: BeamConfig,
    pub manipulator: ManipulatorConfig,
    pub gis: GisConfig,
    pub imaging: ImagingConfig,
    /// Kept as read: FibsemMillingSettings keys.
    #[serde(default)]
    pub milling: serde_json::Map<String, serde_json::Value>,
    /// openFIBSEM's own simulator keys, kept as read (`is_compustage` shapes the twin).
    #[serde(default)]
    pub sim: serde_json::Map<String, serde_json::Value>,
    /// Soft limits; they can only narrow the driver's. In the file r and t are in degrees, here in radians.
    #[serde(default, with = "limits_in_degrees")]
    pub limits: Option<Limits>,
    #[serde(default)]
    pub twin: TwinConfig,
    /// What the file has besides (openFIBSEM's `fm` and `protocol`, keys nobody here knows), kept as read, in the file's order and under
    /// the file's sections: it has no effect here and is written back.
    #[serde(skip)]
    pub foreign: serde_json::Map<String, serde_json::Value>,
}

fn sim() -> String {
    "sim".to_owned()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Info {
    pub name: String,
    pub ip_address: String,
    /// As normalised: `ThermoFisher`, `Tescan`, `Demo`, `Odemis`, `Zeiss`, or what the file says.
    pub manufacturer: String,
    #[serde(default)]
    pub port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageConfig {
    /// Degrees.
    pub rotation_reference: f64,
    /// Degrees; never recomputed.
    pub rotation_180: f64,
    /// Degrees.
    pub shuttle_pre_tilt: f64,
    /// m.
    pub manipulator_height_limit: f64,
    pub enabled: bool,
    pub rotation: bool,
    pub tilt: bool,
    /// Degrees.
    pub milling_angle: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BeamConfig {
    pub enabled: bool,
    /// Degrees.
    pub column_tilt: f64,
    /// m.
    pub eucentric_height: f64,
    pub voltage: f64,
    pub current: f64,
    pub resolution: (u32, u32),
    pub hfw: f64,
    pub dwell_time: f64,
    pub detector_type: Option<String>,
    pub detector_mode: Option<String>,
    pub plasma: bool,
    pub plasma_gas: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManipulatorConfig {
    pub enabled: bool,
    pub rotation: bool,
    pub tilt: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GisConfig {
    pub enabled: bool,
    pub multichem: bool,
    pub sputter_coater: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImagingConfig {
    pub beam_type: Beam,
    pub resolution: (u32, u32),
    pub hfw: f64,
    pub dwell_time: f64,
    pub autocontrast: bool,
    pub save: bool,
    pub imaging_current: f64,
}

/// Settings of the digital twin (our extension, key `twin`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinConfig {
    pub seed: u64,
    /// `grid`, `waffle`, `bulk` or `liftout`.
    pub scene: String,
    pub stage: Option<StageKind>,
    /// Switchable errors; all off by default, so that the twin is exact.
    pub errors: TwinErrors,
}

/// Imperfections of the twin; 0 = none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinErrors {
    /// Standard deviation of where a move ends, m.
    pub repeatability: f64,
    /// Lost motion on reversal, m.
    pub backlash: f64,
    /// Offset of the real rotation axis from the compucentric one, m (x, y).
    pub runout: (f64, f64),
    /// Drift velocity in the sample plane, m/s (x, y), and height, m/s.
    pub drift: (f64, f64, f64),
    /// Amplitude of vibration, m.
    pub vibration: f64,
    /// Beam shift comes out this factor too large (0.03 = 3 %).
    pub beam_shift_gain: f64,
    /// Picture offset per decade of current change, m.
    pub current_offset: f64,
    /// The stage says idle this long before it is, s.
    pub idle_lie: f64,
    /// Height of the sample above the coincidence point at start, m.
    pub coincidence: f64,
    /// How strongly what does not conduct charges under the beams: 0 (not at all) to 1.
    pub charging: f64,
    /// The probe current is this factor larger than what is read (0.1 = 10 % too much dose).
    pub current: f64,
    /// Patterns take this factor longer than the instrument's own estimate (0.1 = 10 %).
    pub patterning_overhead: f64,
}

impl Default for TwinConfig {
    fn default() -> Self {
        TwinConfig {
            seed: 1,
            scene: "grid".to_owned(),
            stage: None,
            errors: TwinErrors::default(),
        }
    }
}

impl Default for Instrument {
    /// openFIBSEM's default file (all of its keys, its values), opened by the twin.
    fn default() -> Self {
        let beam = |column_tilt, eucentric_height, voltage, current| BeamConfig {
            enabled: true,
            column_tilt,
            eucentric_height,
            voltage,
            current,
            resolution: (1536, 1024),
            hfw: 150e-6,
            dwell_time: 1e-6,
            detector_type: Some("ETD".to_owned()),
            detector_mode: Some("SecondaryElectrons".to_owned()),
            plasma: false,
            plasma_gas: None,
        };
        Instrument {
            driver: sim(),
            info: Info {
                name: "sim-grid".to_owned(),
                ip_address: "localhost".to_owned(),
                manufacturer: "Demo".to_owned(),
                port: None,
            },
            stage: StageConfig {
                rotation_reference: 0.0,
                rotation_180: 180.0,
                shuttle_pre_tilt: 35.0,
                manipulator_height_limit: 0.0037,
                enabled: true,
                rotation: true,
                tilt: true,
                milling_angle: 15.0,
            },
            electron: beam(0.0, 7e-3, 2000.0, 50e-12),
            ion: beam(52.0, 16.5e-3, 30000.0, 20e-12),
            manipulator: ManipulatorConfig {
                enabled: true,
                rotation: false,
                tilt: false,
            },
            gis: GisConfig {
                enabled: true,
                multichem: true,
                sputter_coater: false,
            },
            imaging: ImagingConfig {
                beam_type: Beam::Electron,
                resolution: (1536, 1024),
                hfw: 150e-6,
                dwell_time: 1e-6,
                autocontrast: true,
                save: false,
                imaging_current: 20e-12,
            },
            milling: serde_json::Map::new(),
            sim: serde_json::Map::new(),
            limits: None,
            twin: TwinConfig::default(),
            foreign: serde_json::Map::new(),
        }
    }
}

impl Instrument {
    pub fn beam(&self, beam: Beam) -> &BeamConfig {
        match beam {
            Beam::Electron => &self.electron,
            Beam::Ion => &self.ion,
        }
    }

    /// The kind of stage: that of the twin's settings, else a compustage if `sim` says so, else the maker's.
    pub fn stage_kind(&self) -> StageKind {
        let compustage = self.sim.get("is_compustage").and_then(serde_json::Value::as_bool);
        self.twin.stage.unwrap_or(match self.info.manufacturer.as_str() {
            _ if compustage == Some(true) => StageKind::Compustage,
            "Tescan" => StageKind::ChamberFixed,
            // The one instrument of this maker whose stage does not rotate is the one with a compustage.
            "ThermoFisher" if !self.stage.rotation && self.stage.tilt => StageKind::Compustage,
            _ => StageKind::Tilting,
        })
    }

    /// The geometry kinematics works with.
    pub fn geometry(&self) -> Geometry {
        Geometry {
            electron_column_tilt: self.electron.column_tilt.to_radians(),
            ion_column_tilt: self.ion.column_tilt.to_radians(),
            pre_tilt: self.stage.shuttle_pre_tilt.to_radians(),
            rotation_reference: self.stage.rotation_reference.to_radians(),
            rotation_180: self.stage.rotation_180.to_radians(),
            milling_angle: self.stage.milling_angle.to_radians(),
            stage: self.stage_kind(),
        }
    }
}

/// `limits` in the file: m and, like every angle there, degrees.
mod limits_in_degrees {
    use crate::Limits;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    fn angles(limits: &Limits, turn: fn(f64) -> f64) -> Limits {
        let both = |range: Option<(f64, f64)>| range.map(|(low, high)| (turn(low), turn(high)));
        Limits {
            r: both(limits.r),
            t: both(limits.t),
            ..*limits
        }
    }

    pub fn serialize<S: Serializer>(limits: &Option<Limits>, s: S) -> Result<S::Ok, S::Error> {
        limits.map(|l| angles(&l, f64::to_degrees)).serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Limits>, D::Error> {
        Ok(Option::<Limits>::deserialize(d)?.map(|l| angles(&l, f64::to_radians)))
    }
}
