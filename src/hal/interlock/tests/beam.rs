//! Columns and pictures.

use super::*;

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
