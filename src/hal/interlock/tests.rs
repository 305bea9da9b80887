//! The rules one by one, on the capabilities of the twin.

use super::*;
use crate::clock::ManualClock;
use crate::drivers::Opening;
use crate::sim;
use model::config::Instrument;
use model::{Axis, ImageSettings, Point, Pose, Rect, StagePosition};
use std::sync::Arc;

/// An instrument at rest and what it can do.
struct Case {
    now: Readings,
    caps: Capabilities,
}

fn case() -> Case {
    let mut instrument = Instrument::default();
    (instrument.ion.plasma, instrument.ion.plasma_gas) = (true, Some("Xenon".into()));
    let opening = Opening {
        instrument,
        clock: Arc::new(ManualClock::default()),
        world: None,
    };
    let mut twin = sim::open(&opening).unwrap();
    let now = Readings {
        stage: Some(twin.stage().unwrap().read().unwrap().value),
        electron: Some(twin.beam(Beam::Electron).unwrap().read().unwrap().value),
        ion: Some(twin.beam(Beam::Ion).unwrap().read().unwrap().value),
        chamber: Some(twin.chamber().unwrap().read().unwrap().value),
        ..Readings::default()
    };
    Case {
        now,
        caps: twin.capabilities(),
    }
}

impl Case {
    fn check(&self, act: &Act) -> Result<Vec<String>, HalError> {
        check(act, &self.now, &self.caps)
    }

    fn refused(&self, act: &Act) -> ErrorKind {
        let error = self.check(act).expect_err(&act.describe());
        assert!(
            !error.hint.is_empty() && error.what.contains("nothing")
                || error.what.contains("not ")
                || error.what.contains("stays"),
            "{error}"
        );
        error.kind
    }

    fn stage(mut self, change: impl FnOnce(&mut StageState)) -> Case {
        change(self.now.stage.as_mut().unwrap());
        self
    }

    fn vacuum(mut self, phase: ChamberPhase) -> Case {
        self.now.chamber.as_mut().unwrap().phase = phase;
        self
    }
}

fn to(axis: Axis, value: f64) -> Act {
    Act::StageTo {
        target: StagePosition::default().with(axis, value),
    }
}

fn set(key: Key, value: Value) -> Act {
    Act::BeamSet {
        beam: Beam::Electron,
        key,
        value,
    }
}

fn grab(change: impl FnOnce(&mut ImageSettings)) -> Act {
    let mut settings = ImageSettings::default();
    change(&mut settings);
    Act::Acquire { settings }
}

#[test]
fn limits_hold_on_every_axis_and_against_numbers_that_are_none() {
    let case = case();
    for (axis, value) in [
        (Axis::X, 10.0),
        (Axis::Y, -0.2),
        (Axis::Z, 12e-3),
        (Axis::R, 7.0),
        (Axis::T, 2.0),
        (Axis::X, f64::NAN),
    ] {
        assert_eq!(case.refused(&to(axis, value)), ErrorKind::OutOfRange, "{axis} {value}");
    }
    assert_eq!(case.check(&to(Axis::X, 1e-3)), Ok(vec![]));
}

#[test]
fn an_unhomed_stage_does_not_move_and_an_unlinked_one_warns() {
    assert_eq!(
        case().stage(|s| s.homed = false).refused(&to(Axis::X, 0.0)),
        ErrorKind::Interlock
    );
    let warnings = case().stage(|s| s.linked = false).check(&to(Axis::X, 0.0)).unwrap();
    assert!(matches!(&warnings[..], [w] if w.contains("not linked")));
}

#[test]
fn a_moving_stage_takes_no_second_move() {
    assert_eq!(
        case().stage(|s| s.moving = true).refused(&to(Axis::X, 0.0)),
        ErrorKind::Busy
    );
}

#[test]
fn large_turns_are_made_flat() {
    let half = std::f64::consts::PI;
    let tilted = case();
    assert_eq!(tilted.refused(&to(Axis::R, half)), ErrorKind::Interlock);
    assert!(tilted.check(&to(Axis::R, 0.5)).is_ok(), "small turns are free");
    let flat = case().stage(|s| s.pose = Pose { t: 0.0, ..s.pose });
    assert!(flat.check(&to(Axis::R, half)).is_ok());
    let both = Act::StageTo {
        target: StagePosition::default().with(Axis::R, half).with(Axis::T, 0.5),
    };
    assert_eq!(
        flat.refused(&both),
        ErrorKind::Interlock,
        "it would tilt while it turns"
    );
}

#[test]
fn moving_in_air_warns() {
    let warnings = case().vacuum(ChamberPhase::Vented).check(&to(Axis::X, 0.0)).unwrap();
    assert!(warnings.iter().any(|w| w.contains("not pumped")));
}

#[test]
fn beams_come_on_in_vacuum_only() {
    let on = Act::BeamPower {
        beam: Beam::Ion,
        on: true,
    };
    let off = Act::BeamPower {
        beam: Beam::Ion,
        on: false,
    };
    assert!(case().check(&on).is_ok());
    for phase in [ChamberPhase::Vented, ChamberPhase::Venting, ChamberPhase::Pumping] {
        assert_eq!(case().vacuum(phase).refused(&on), ErrorKind::Interlock, "{phase:?}");
        assert!(case().vacuum(phase).check(&off).is_ok(), "off is always allowed");
    }
}

#[test]
fn venting_wants_the_beams_off() {
    assert_eq!(case().refused(&Act::Vent), ErrorKind::Interlock);
    let mut dark = case();
    for beam in [&mut dark.now.electron, &mut dark.now.ion] {
        beam.as_mut().unwrap().on = false;
    }
    assert!(dark.check(&Act::Vent).is_ok());
    dark.now.ion.as_mut().unwrap().on = true;
    assert!(dark.check(&Act::Vent).unwrap_err().what.contains("ion"));
}

#[test]
fn parts_that_are_absent_are_unsupported() {
    let mut case = case();
    case.caps.stage = None;
    case.caps.ion = None;
    case.caps.chamber = None;
    case.caps.electron.as_mut().unwrap().blanker = false;
    for act in [
        to(Axis::X, 0.0),
        Act::StageHome,
        Act::StageLink { on: true },
        Act::BeamPower {
            beam: Beam::Ion,
            on: true,
        },
        Act::BeamBlank {
            beam: Beam::Electron,
            on: true,
        },
        Act::BeamSet {
            beam: Beam::Ion,
            key: Key::Hfw,
            value: Value::Number(1e-4),
        },
        Act::PlasmaGas {
            beam: Beam::Electron,
            gas: "Xenon".into(),
        },
        Act::Pump,
        Act::Vent,
        grab(|s| s.beam_type = Beam::Ion),
        Act::SystemSet {
            key: Key::Hfw,
            value: Value::Number(1e-4),
        },
        Act::SystemSet {
            key: Key::Model,
            value: Value::Text("x".into()),
        },
        set(Key::StagePosition, Value::Bool(true)),
        set(Key::ColumnTilt, Value::Number(3.0)),
    ] {
        assert_eq!(case.refused(&act), ErrorKind::Unsupported, "{}", act.describe());
    }
}

#[test]
fn values_are_of_their_kind_finite_and_in_range() {
    let case = case();
    for (key, value) in [
        (Key::Hfw, Value::Number(f64::NAN)),
        (Key::Hfw, Value::Number(0.0)),
        (Key::Hfw, Value::Number(1.0)),
        (Key::Hfw, Value::Text("wide".into())),
        (Key::DwellTime, Value::Number(0.0)),
        (Key::WorkingDistance, Value::Number(-7e-3)),
        (Key::Voltage, Value::Number(1e6)),
        (Key::Current, Value::Number(1.0)),
        (Key::DetectorContrast, Value::Number(1.5)),
        (Key::DetectorBrightness, Value::Number(-0.1)),
        (Key::Shift, Value::Point(Point { x: 0.0, y: 1e-3 })),
        (
            Key::Shift,
            Value::Point(Point {
                x: f64::INFINITY,
                y: 0.0,
            }),
        ),
        (Key::Resolution, Value::Size(0, 1024)),
        (Key::Resolution, Value::Size(100_000, 1024)),
        (
            Key::ReducedArea,
            Value::Rect(Rect {
                left: 0.5,
                top: 0.0,
                width: 0.6,
                height: 1.0,
            }),
        ),
        (Key::SpotMode, Value::Point(Point { x: 1.1, y: 0.5 })),
        (Key::DetectorType, Value::Text("Geiger".into())),
        (Key::DetectorMode, Value::Text(String::new())),
    ] {
        assert_eq!(
            case.refused(&set(key, value.clone())),
            ErrorKind::OutOfRange,
            "{key} {value:?}"
        );
    }
    for (key, value) in [
        (Key::Hfw, Value::Number(150e-6)),
        (Key::Current, Value::Number(70e-12)),
        (Key::Shift, Value::Point(Point { x: -5e-6, y: 5e-6 })),
        (Key::DetectorType, Value::Text("TLD".into())),
        (Key::Resolution, Value::Size(1536, 1024)),
    ] {
        assert!(case.check(&set(key, value.clone())).is_ok(), "{key} {value:?}");
    }
}

#[test]
fn sizes_are_those_of_the_instrument_where_it_has_a_list() {
    let mut case = case();
    case.caps.electron.as_mut().unwrap().resolutions = vec![(1536, 1024)];
    let error = case.check(&set(Key::Resolution, Value::Size(1000, 1000))).unwrap_err();
    assert!(error.hint.contains("1536x1024"), "{error}");
}

#[test]
fn the_gas_is_one_of_the_source_and_changed_in_vacuum() {
    let gas = |gas: &str| Act::PlasmaGas {
        beam: Beam::Ion,
        gas: gas.to_owned(),
    };
    assert!(case().check(&gas("Argon")).is_ok());
    assert_eq!(case().refused(&gas("Helium")), ErrorKind::OutOfRange);
    assert_eq!(
        case().vacuum(ChamberPhase::Vented).refused(&gas("Argon")),
        ErrorKind::Interlock
    );
}

#[test]
fn a_picture_must_be_possible() {
    let case = case();
    let half = Rect {
        left: 0.0,
        top: 0.0,
        width: 0.5,
        height: 0.5,
    };
    for (what, act) in [
        ("no field", grab(|s| s.hfw = 0.0)),
        ("no number", grab(|s| s.hfw = f64::NAN)),
        ("no dwell", grab(|s| s.dwell_time = 0.0)),
        ("one pixel", grab(|s| s.resolution = (1, 1))),
        ("too many pixels", grab(|s| s.resolution = (9000, 1024))),
        (
            "an empty area",
            grab(|s| s.reduced_area = Some(Rect { width: 0.0, ..half })),
        ),
        (
            "less than a pixel",
            grab(|s| s.reduced_area = Some(Rect { width: 1e-5, ..half })),
        ),
        ("outside", grab(|s| s.reduced_area = Some(Rect { left: 0.8, ..half }))),
        ("no frames", grab(|s| s.frame_integration = Some(0))),
        ("too many frames", grab(|s| s.frame_integration = Some(1000))),
        ("one frame registered", grab(|s| s.drift_correction = true)),
    ] {
        assert_eq!(case.refused(&act), ErrorKind::OutOfRange, "{what}");
    }
    let good = grab(|s| {
        (s.frame_integration, s.drift_correction, s.reduced_area) = (Some(4), true, Some(half));
    });
    assert_eq!(case.check(&good), Ok(vec![]));
}

#[test]
fn a_picture_that_the_instrument_cannot_take_is_unsupported() {
    let mut case = case();
    let caps = case.caps.electron.as_mut().unwrap();
    (caps.reduced_area, caps.frame_integration, caps.line_integration) = (false, false, false);
    (caps.interlacing, caps.drift_correction) = (false, false);
    for act in [
        grab(|s| s.reduced_area = Some(Rect::FULL)),
        grab(|s| s.frame_integration = Some(2)),
        grab(|s| s.line_integration = Some(2)),
        grab(|s| s.scan_interlacing = Some(2)),
        grab(|s| s.drift_correction = true),
    ] {
        assert_eq!(case.refused(&act), ErrorKind::Unsupported, "{act:?}");
    }
    assert!(
        case.check(&grab(|s| s.frame_integration = Some(1))).is_ok(),
        "one frame is no integration"
    );
}

#[test]
fn a_dark_or_shaken_picture_warns() {
    let mut case = case().stage(|s| s.moving = true);
    case.now.electron.as_mut().unwrap().blanked = true;
    let warnings = case.check(&grab(|_| ())).unwrap();
    assert!(warnings.iter().any(|w| w.contains("blanked")) && warnings.iter().any(|w| w.contains("smeared")));
    case.now.electron.as_mut().unwrap().on = false;
    assert!(case.check(&grab(|_| ())).unwrap().iter().any(|w| w.contains("is off")));
}

#[test]
fn system_keys_are_of_their_kind() {
    let case = case();
    let key = Key::ActiveView;
    assert_eq!(
        case.refused(&Act::SystemSet {
            key,
            value: Value::Number(2.0)
        }),
        ErrorKind::OutOfRange
    );
    assert!(
        case.check(&Act::SystemSet {
            key,
            value: Value::Text("ION".into())
        })
        .is_ok()
    );
}

#[test]
fn a_key_that_is_an_act_is_that_act() {
    let beam = Beam::Ion;
    let set = |key, value| Act::BeamSet { beam, key, value }.canonical();
    assert_eq!(set(Key::On, Value::Bool(true)), Act::BeamPower { beam, on: true });
    assert_eq!(
        set(Key::Blanked, Value::Bool(false)),
        Act::BeamBlank { beam, on: false }
    );
    assert_eq!(
        set(Key::PlasmaGas, Value::Text("Argon".into())),
        Act::PlasmaGas {
            beam,
            gas: "Argon".into()
        }
    );
    let system = |key, on| {
        Act::SystemSet {
            key,
            value: Value::Bool(on),
        }
        .canonical()
    };
    assert_eq!(system(Key::StageHome, true), Act::StageHome);
    assert_eq!(system(Key::StageLink, false), Act::StageLink { on: false });
    assert_eq!(system(Key::PumpChamber, true), Act::Pump);
    assert_eq!(system(Key::VentChamber, true), Act::Vent);
}
