//! The stage, the chamber, and what an instrument lacks.

use super::*;

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
