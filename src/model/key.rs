//! The get/set keys of an instrument: one table, from which `system.get`, `system.set`, completion and docs are made.

use crate::{Point, Rect, StagePosition, Unit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value read from or written to an instrument; JSON shows it bare (`true`, `0.0000000001`, `[1536,1024]`, `{"x":..}`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Size(u32, u32),
    Text(String),
    Rect(Rect),
    Point(Point),
    Position(Box<StagePosition>),
    List(Vec<Value>),
}

/// What kind of value a key takes, and in which unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Number(Unit),
    Text,
    Size,
    Point(Unit),
    Rect,
    Position,
    List,
}

/// May a key be read, written, or both (a driver may allow less, never more).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    ReadWrite,
}

/// One row of [`KEYS`].
#[derive(Clone, Copy, Debug)]
pub struct KeyRow {
    pub key: Key,
    pub name: &'static str,
    /// The key belongs to a beam and needs one named.
    pub per_beam: bool,
    pub kind: Kind,
    pub access: Access,
    pub doc: &'static str,
}

macro_rules! keys {
    ($($variant:ident $name:literal $per_beam:ident $kind:expr, $access:ident, $doc:literal;)*) => {
        /// A key of the get/set table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Key { $(#[doc = $doc] #[serde(rename = $name)] $variant,)* }

        /// Every key, in the order of the documentation.
        pub const KEYS: &[KeyRow] = &[$(KeyRow {
            key: Key::$variant, name: $name, per_beam: keys!(@ $per_beam), kind: $kind, access: Access::$access, doc: $doc,
        },)*];
    };
    (@ beam) => { true };
    (@ system) => { false };
}

keys! {
    On "on" beam Kind::Bool, ReadWrite, "beam on";
    Blanked "blanked" beam Kind::Bool, ReadWrite, "beam blanked";
    WorkingDistance "working_distance" beam Kind::Number(Unit::Metre), ReadWrite, "focus distance from the pole piece";
    Current "current" beam Kind::Number(Unit::Ampere), ReadWrite, "probe current";
    Voltage "voltage" beam Kind::Number(Unit::Volt), ReadWrite, "high voltage";
    Hfw "hfw" beam Kind::Number(Unit::Metre), ReadWrite, "horizontal field width";
    Resolution "resolution" beam Kind::Size, ReadWrite, "scan size in pixels, width x height";
    DwellTime "dwell_time" beam Kind::Number(Unit::Second), ReadWrite, "dwell time per pixel";
    Stigmation "stigmation" beam Kind::Point(Unit::None), ReadWrite, "stigmator settings x, y";
    Shift "shift" beam Kind::Point(Unit::Metre), ReadWrite, "beam shift";
    ScanRotation "scan_rotation" beam Kind::Number(Unit::Radian), ReadWrite, "rotation of the scan";
    DetectorType "detector_type" beam Kind::Text, ReadWrite, "detector";
    DetectorMode "detector_mode" beam Kind::Text, ReadWrite, "detector mode";
    DetectorBrightness "detector_brightness" beam Kind::Number(Unit::None), ReadWrite, "detector brightness, 0 to 1";
    DetectorContrast "detector_contrast" beam Kind::Number(Unit::None), ReadWrite, "detector contrast, 0 to 1";
    Preset "preset" beam Kind::Text, ReadWrite, "beam preset, where the vendor has them";
    Presets "presets" beam Kind::List, Read, "the presets there are";
    BeamEnabled "beam_enabled" beam Kind::Bool, Read, "the configuration uses this beam";
    EucentricHeight "eucentric_height" beam Kind::Number(Unit::Metre), ReadWrite, "working distance at the coincidence point (configuration)";
    ColumnTilt "column_tilt" beam Kind::Number(Unit::Degree), Read, "tilt of the column in degrees (configuration)";
    Plasma "plasma" beam Kind::Bool, Read, "the source is a plasma source (configuration)";
    PlasmaGas "plasma_gas" beam Kind::Text, ReadWrite, "gas of the plasma source; a change takes minutes";
    AngularCorrectionAngle "angular_correction_angle" beam Kind::Number(Unit::Radian), ReadWrite, "tilt for the foreshortening correction";
    AngularCorrectionTiltCorrection "angular_correction_tilt_correction" beam Kind::Bool, ReadWrite, "foreshortening correction on";
    VoltageLimits "voltage_limits" beam Kind::List, Read, "lowest and highest voltage";
    VoltageControllable "voltage_controllable" beam Kind::Bool, Read, "the voltage can be set";
    ScanningMode "scanning_mode" beam Kind::Text, Read, "full_frame, reduced_area or spot";
    SpotMode "spot_mode" beam Kind::Point(Unit::None), Write, "park the beam at a point (fractions 0..1 of the picture)";
    ReducedArea "reduced_area" beam Kind::Rect, Write, "scan only this part of the frame (fractions)";
    FullFrame "full_frame" beam Kind::Bool, Write, "scan the full frame again";
    ManipulatorPosition "manipulator_position" system Kind::List, Read, "raw x, y, z (m), r, t (rad) of the needle";
    ManipulatorState "manipulator_state" system Kind::Bool, Read, "the needle is inserted";
    ApplicationFile "application_file" system Kind::List, Read, "the application files there are; each milling stage names its own";
    PatterningMode "patterning_mode" system Kind::List, Read, "the patterning modes there are; each milling stage names its own";
    ScanDirection "scan_direction" system Kind::List, Read, "the scan directions there are; each pattern names its own";
    MillingChannel "milling_channel" system Kind::List, Read, "the beams that mill; each milling task names its own";
    GisPorts "gis_ports" system Kind::List, Read, "the gas injectors there are";
    ActiveView "active_view" system Kind::Text, ReadWrite, "beam whose view is active";
    ActiveDevice "active_device" system Kind::Text, ReadWrite, "beam whose detector is active";
    StagePosition "stage_position" system Kind::Position, Read, "raw stage position";
    StageHomed "stage_homed" system Kind::Bool, Read, "stage referenced";
    StageLinked "stage_linked" system Kind::Bool, Read, "z linked to the working distance";
    StageHome "stage_home" system Kind::Bool, Write, "reference the stage";
    StageLink "stage_link" system Kind::Bool, Write, "link (true) or unlink (false) z to the working distance";
    ChamberState "chamber_state" system Kind::Text, Read, "Pumped, Pumping, Vented or Venting";
    ChamberPressure "chamber_pressure" system Kind::Number(Unit::Pascal), Read, "chamber pressure";
    PumpChamber "pump_chamber" system Kind::Bool, Write, "pump the chamber";
    VentChamber "vent_chamber" system Kind::Bool, Write, "vent the chamber (beams must be off)";
    Manufacturer "manufacturer" system Kind::Text, Read, "maker of the instrument";
    Model "model" system Kind::Text, Read, "model";
    SerialNumber "serial_number" system Kind::Text, Read, "serial number";
    SoftwareVersion "software_version" system Kind::Text, Read, "vendor software version";
    HardwareVersion "hardware_version" system Kind::Text, Read, "hardware version";
}

impl Key {
    /// This key's row.
    pub fn row(self) -> &'static KeyRow {
        &KEYS[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The key of that name.
    pub fn parse(name: &str) -> Option<Key> {
        KEYS.iter().find(|row| row.name == name).map(|row| row.key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Value {
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(n) => Some(*n),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(t) => Some(t),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stands_where_its_key_points() {
        for row in KEYS {
            assert_eq!(row.key.row().name, row.name);
            assert_eq!(Key::parse(row.name), Some(row.key));
        }
    }
}
