//! What the twin can do: its capabilities, and the discrete values a column takes (openFIBSEM's Demo instrument).
//!
//! Instruments with axes fixed in the chamber are driven by presets, so their twin offers some.

use super::{gas, needle, patterning, room};
use model::capabilities::{BeamCapabilities, ChamberCapabilities, StageCapabilities};
use model::config::Instrument;
use model::{Axis, Beam, Capabilities, Key, Limits, StageKind, Value};

const ELECTRON_CURRENTS: &[f64] = &[1e-12, 3e-12, 1e-11, 3e-11, 1e-10, 3e-10, 1e-9, 4e-9, 1.5e-8, 6e-8];
/// openFIBSEM's simulator's, and the apertures its protocols ask for (60 pA, 0.74 nA, 7.6 nA, 28 nA).
const GALLIUM_CURRENTS: &[f64] = &[
    1e-12,
    3e-12,
    2e-11,
    4.1e-11,
    6e-11,
    9e-11,
    2e-10,
    4e-10,
    7.4e-10,
    1.000005e-9,
    2e-9,
    4e-9,
    7.6e-9,
    1.5e-8,
    2.8e-8,
];
const XENON_CURRENTS: &[f64] = &[1e-12, 3e-12, 1e-11, 3e-11, 1e-10, 3e-10, 1.00005e-9, 4e-9, 1.5e-8, 6e-8];
const ARGON_CURRENTS: &[f64] = &[1e-12, 6e-12, 2e-11, 6e-11, 2e-10, 7.4e-10, 2e-9, 7.4e-9, 2.8e-8, 1.2e-7];
const ELECTRON_VOLTAGES: &[f64] = &[2e3, 5e3, 10e3, 20e3, 30e3];
const ION_VOLTAGES: &[f64] = &[500.0, 1e3, 2e3, 8e3, 16e3, 30e3];
const DETECTORS: &[&str] = &["ETD", "TLD", "EDS"];
const MODES: &[&str] = &["SecondaryElectrons", "BackscatteredElectrons", "EDS"];
const GASES: &[&str] = &["Oxygen", "Argon", "Nitrogen", "Xenon"];

/// Field width (m), dwell time (s), working distance (m), beam shift (m) a column takes.
const ELECTRON_HFW: (f64, f64) = (500e-9, 5e-3);
const ION_HFW: (f64, f64) = (500e-9, 2.5e-3);
const DWELL: (f64, f64) = (25e-9, 1e-3);
const WORKING_DISTANCE: (f64, f64) = (1e-3, 60e-3);
const SHIFT: f64 = 50e-6;

/// What a tilting stage that lies flat keeps free below the electron pole piece at its highest (m). How high it may go tilted, turned
/// or aside, the room that it describes says.
const AIR: f64 = 1.5e-3;

/// A preset of a column: voltage (V) and probe current (A) under one name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    pub name: &'static str,
    pub voltage: f64,
    pub current: f64,
}

const fn preset(name: &'static str, voltage: f64, current: f64) -> Preset {
    Preset { name, voltage, current }
}

const ELECTRON_PRESETS: &[Preset] = &[
    preset("2 keV; 50 pA", 2e3, 50e-12),
    preset("5 keV; 100 pA", 5e3, 100e-12),
    preset("10 keV; 300 pA", 10e3, 300e-12),
];
const ION_PRESETS: &[Preset] = &[
    preset("30 keV; 20 pA", 30e3, 20e-12),
    preset("30 keV; 60 pA", 30e3, 60e-12),
    preset("30 keV; 100 pA", 30e3, 100e-12),
    preset("30 keV; 200 pA", 30e3, 200e-12),
    preset("30 keV; 740 pA", 30e3, 740e-12),
    preset("30 keV; 2 nA", 30e3, 2e-9),
    preset("30 keV; 7.6 nA", 30e3, 7.6e-9),
    preset("30 keV; 28 nA", 30e3, 28e-9),
    preset("30 keV; 120 nA", 30e3, 120e-9),
];

/// The presets of a column of this kind of instrument.
pub fn presets(kind: StageKind, beam: Beam) -> &'static [Preset] {
    match (kind, beam) {
        (StageKind::ChamberFixed, Beam::Electron) => ELECTRON_PRESETS,
        (StageKind::ChamberFixed, Beam::Ion) => ION_PRESETS,
        _ => &[],
    }
}

/// The probe currents (A) of a column, by plasma gas where its source is a plasma.
pub fn currents(beam: Beam, gas: Option<&str>) -> &'static [f64] {
    match (beam, gas) {
        (Beam::Electron, _) => ELECTRON_CURRENTS,
        (Beam::Ion, None) => GALLIUM_CURRENTS,
        (Beam::Ion, Some("Argon")) => ARGON_CURRENTS,
        // oxygen and nitrogen run on the apertures of xenon
        (Beam::Ion, Some(_)) => XENON_CURRENTS,
    }
}

/// The voltages (V) of a column.
pub fn voltages(beam: Beam) -> &'static [f64] {
    match beam {
        Beam::Electron => ELECTRON_VOLTAGES,
        Beam::Ion => ION_VOLTAGES,
    }
}

/// The plasma gases of a column.
pub fn gases(instrument: &Instrument, beam: Beam) -> &'static [&'static str] {
    if beam == Beam::Ion && instrument.ion.plasma {
        GASES
    } else {
        &[]
    }
}

/// The step nearest to `wanted` by ratio; what is wanted if there are no steps.
pub fn nearest(steps: impl IntoIterator<Item = f64>, wanted: f64) -> f64 {
    let distance = |step: f64| (step / wanted).ln().abs();
    steps
        .into_iter()
        .min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
        .unwrap_or(wanted)
}

/// What the twin of `instrument` can do. A part that the configuration switches off is absent.
pub fn capabilities(instrument: &Instrument) -> Capabilities {
    let kind = instrument.geometry().stage;
    let ion = instrument.ion.enabled.then(|| column(instrument, kind, Beam::Ion));
    Capabilities {
        simulated: true,
        milling: patterning::capabilities(kind, ion.as_ref()),
        manipulator: needle::capabilities(instrument, kind),
        gas: gas::ports::capabilities(instrument),
        stage: instrument.stage.enabled.then(|| stage(instrument, kind)),
        electron: instrument
            .electron
            .enabled
            .then(|| column(instrument, kind, Beam::Electron)),
        ion,
        chamber: Some(ChamberCapabilities {
            pump: true,
            vent: true,
            camera: true,
        }),
    }
}

fn stage(instrument: &Instrument, kind: StageKind) -> StageCapabilities {
    let mut limits = Limits::of(kind);
    let geometry = room::geometry(instrument);
    if kind == StageKind::Tilting {
        let highest = geometry.home_z + geometry.eucentric(Beam::Electron) - AIR;
        limits.z = limits.z.map(|(low, high)| (low, high.min(highest)));
    }
    if !instrument.stage.rotation {
        limits.r = None;
    }
    if !instrument.stage.tilt {
        limits.t = None;
    }
    let axes = Axis::ALL
        .into_iter()
        .filter(|axis| limits.get(*axis).is_some())
        .collect();
    // a compustage has no working distance to link to
    StageCapabilities {
        kind,
        axes,
        limits,
        home: true,
        halts: true,
        link: kind != StageKind::Compustage,
        compucentric_rotation: false,
        room: Some(room::of(instrument)),
    }
}

fn column(instrument: &Instrument, kind: StageKind, beam: Beam) -> BeamCapabilities {
    let config = instrument.beam(beam);
    let gases = gases(instrument, beam);
    let gas = config.plasma_gas.as_deref().filter(|_| !gases.is_empty());
    let (currents, voltages) = (currents(beam, gas), voltages(beam));
    let presets = presets(kind, beam);
    let numbers = |list: &[f64]| list.iter().copied().map(Value::Number).collect::<Vec<_>>();
    let words = |list: &[&str]| {
        list.iter()
            .map(|word| Value::Text((*word).to_owned()))
            .collect::<Vec<_>>()
    };
    let mut available = vec![
        (Key::Current, numbers(currents)),
        (Key::Voltage, numbers(voltages)),
        (Key::DetectorType, words(DETECTORS)),
        (Key::DetectorMode, words(MODES)),
    ];
    if !gases.is_empty() {
        available.push((Key::PlasmaGas, words(gases)));
    }
    let mut writable = [FREE, WRITE_ONLY].concat();
    if !presets.is_empty() {
        let names: Vec<&str> = presets.iter().map(|p| p.name).collect();
        available.push((Key::Preset, words(&names)));
        writable.push(Key::Preset);
    }
    let range = |list: &[f64], also: f64| {
        list.iter()
            .chain([&also])
            .fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), v| {
                (low.min(*v), high.max(*v))
            })
    };
    let (low, high) = range(currents, config.current);
    let strongest = presets.iter().map(|p| p.current).fold(high, f64::max);
    BeamCapabilities {
        readable: [FREE, READ_ONLY].concat(),
        writable,
        resolutions: Vec::new(),
        hfw: if beam == Beam::Electron { ELECTRON_HFW } else { ION_HFW },
        dwell_time: DWELL,
        working_distance: WORKING_DISTANCE,
        shift: SHIFT,
        voltage: range(voltages, config.voltage),
        current: (low, strongest),
        available,
        reduced_area: true,
        line_integration: true,
        frame_integration: true,
        interlacing: true,
        drift_correction: true,
        blanker: true,
        live: true,
    }
}

/// Keys of a column that can be read and, at once, set; what this twin does not have (foreshortening correction) is absent.
const FREE: &[Key] = &[
    Key::On,
    Key::Blanked,
    Key::WorkingDistance,
    Key::Current,
    Key::Voltage,
    Key::Hfw,
    Key::Resolution,
    Key::DwellTime,
    Key::Stigmation,
    Key::Shift,
    Key::ScanRotation,
    Key::DetectorType,
    Key::DetectorMode,
    Key::DetectorBrightness,
    Key::DetectorContrast,
    Key::EucentricHeight,
];

/// Keys that can only be read. The preset can be set where there are presets; the plasma gas is changed by an act of its own, which
/// takes minutes.
const READ_ONLY: &[Key] = &[
    Key::Preset,
    Key::Presets,
    Key::BeamEnabled,
    Key::ColumnTilt,
    Key::Plasma,
    Key::PlasmaGas,
    Key::VoltageLimits,
    Key::VoltageControllable,
    Key::ScanningMode,
];

/// Keys that can only be set: what the beam is to do next.
const WRITE_ONLY: &[Key] = &[Key::SpotMode, Key::ReducedArea, Key::FullFrame];
