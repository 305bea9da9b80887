//! Patterns, needle, gas and coater, and the stage beside them.

use super::*;
use model::PatterningPhase::{Idle, Paused, Running};
use model::shape::{Bitmap, Circle, CrossSection, Line, Polygon, Rectangle, ScanDirection};

fn rectangle() -> Rectangle {
    Rectangle {
        width: 4e-6,
        height: 2e-6,
        depth: 1e-6,
        centre_x: 0.0,
        centre_y: 0.0,
        rotation: 0.0,
        cleaning_cross_section: false,
        scan_direction: ScanDirection::TopToBottom,
        cross_section: CrossSection::Rectangle,
        passes: 0,
        time: 0.0,
        is_exclusion: false,
    }
}

fn circle(radius: f64, thickness: f64) -> Shape {
    Shape::Circle(Circle {
        radius,
        depth: 1e-6,
        centre_x: 0.0,
        centre_y: 0.0,
        thickness,
        start_angle: 0.0,
        end_angle: 360.0,
        rotation: 0.0,
        is_exclusion: false,
    })
}

fn load(shape: Shape) -> Act {
    Act::PatternsLoad { shapes: vec![shape] }
}

fn start(current: Option<f64>) -> Act {
    Act::PatternStart {
        channel: Beam::Ion,
        current,
    }
}

fn burn(x: f64, seconds: f64) -> Act {
    Act::SpotBurn {
        beam: Beam::Ion,
        at: Point { x, y: 0.5 },
        seconds,
    }
}

fn setup(change: impl FnOnce(&mut MillingSettings)) -> Act {
    let mut settings = MillingSettings::default();
    change(&mut settings);
    Act::MillingSetup { settings }
}

fn needle(x: f64, z: f64) -> Act {
    Act::NeedleTo {
        target: ManipulatorPosition::new(x, 0.0, z),
    }
}

fn insert(name: &str) -> Act {
    Act::NeedleInsert { name: name.to_owned() }
}

const PORT: &str = "Multichem";

fn inject(position: Option<&str>) -> Act {
    Act::GasInsert {
        port: PORT.to_owned(),
        position: position.map(str::to_owned),
    }
}

fn valve(open: bool) -> Act {
    Act::GasValve {
        port: PORT.to_owned(),
        open,
    }
}

fn loaded() -> Case {
    case().drawing(Idle)
}

#[test]
fn shapes_have_a_size_and_a_depth_and_finite_numbers() {
    let case = case();
    assert!(case.check(&load(Shape::Rectangle(rectangle()))).is_ok());
    assert!(case.check(&load(circle(2e-6, 1e-6))).is_ok());
    let point = Line {
        start_x: 1e-6,
        end_x: 1e-6,
        start_y: 0.0,
        end_y: 0.0,
        depth: 1e-6,
    };
    for shape in [
        Shape::Rectangle(Rectangle {
            width: 0.0,
            ..rectangle()
        }),
        Shape::Rectangle(Rectangle {
            depth: 0.0,
            ..rectangle()
        }),
        Shape::Rectangle(Rectangle {
            depth: -1e-6,
            ..rectangle()
        }),
        Shape::Rectangle(Rectangle {
            centre_x: f64::NAN,
            ..rectangle()
        }),
        Shape::Rectangle(Rectangle {
            time: f64::INFINITY,
            ..rectangle()
        }),
        Shape::Rectangle(Rectangle {
            time: -1.0,
            ..rectangle()
        }),
        circle(0.0, 0.0),
        circle(1e-6, 2e-6),
        Shape::Line(point),
        Shape::Polygon(Polygon {
            vertices: vec![(0.0, 0.0), (1e-6, 0.0)],
            depth: 1e-6,
            is_exclusion: false,
        }),
    ] {
        assert_eq!(case.refused(&load(shape.clone())), ErrorKind::OutOfRange, "{shape:?}");
    }
    assert_eq!(
        case.refused(&Act::PatternsLoad { shapes: vec![] }),
        ErrorKind::OutOfRange
    );
    let exclusion = Rectangle {
        depth: 0.0,
        is_exclusion: true,
        ..rectangle()
    };
    assert!(
        case.check(&load(Shape::Rectangle(exclusion))).is_ok(),
        "what is kept clear has no depth"
    );
}

#[test]
fn bitmaps_pauses_and_burns_are_for_instruments_that_have_them() {
    let mut case = loaded();
    let caps = case.caps.milling.as_mut().unwrap();
    (caps.bitmaps, caps.pause, caps.spot_burn) = (false, false, false);
    let bitmap = Shape::Bitmap(Bitmap {
        width: 1e-6,
        height: 1e-6,
        depth: 1e-6,
        centre_x: 0.0,
        centre_y: 0.0,
        rotation: 0.0,
        scan_direction: ScanDirection::TopToBottom,
        passes: 0,
        time: 0.0,
        is_exclusion: false,
        flip_y: false,
        interpolate: None,
        bitmap: None,
    });
    for act in [load(bitmap), Act::PatternPause, Act::PatternResume, burn(0.5, 1.0)] {
        assert_eq!(case.refused(&act), ErrorKind::Unsupported, "{}", act.describe());
    }
    case.caps.milling = None;
    for act in [setup(|_| ()), start(None), Act::PatternsClear, burn(0.5, 1.0)] {
        assert_eq!(case.refused(&act), ErrorKind::Unsupported, "{}", act.describe());
    }
}

#[test]
fn milling_is_set_up_with_what_the_instrument_has() {
    let case = case();
    assert!(case.check(&setup(|_| ())).is_ok());
    assert_eq!(
        case.refused(&setup(|s| s.application_file = "Cheese".into())),
        ErrorKind::OutOfRange
    );
    assert_eq!(case.refused(&setup(|s| s.hfw = f64::NAN)), ErrorKind::OutOfRange);
    let mut ion_only = case;
    ion_only.caps.milling.as_mut().unwrap().channels = vec![Beam::Ion];
    assert_eq!(
        ion_only.refused(&setup(|s| s.milling_channel = Beam::Electron)),
        ErrorKind::Unsupported
    );
}

#[test]
fn a_beam_touches_the_sample_only_as_it_was_planned() {
    assert_eq!(case().refused(&start(None)), ErrorKind::Interlock, "nothing loaded");
    let current = loaded().now.ion.as_ref().unwrap().settings.beam_current;
    assert!(loaded().check(&start(Some(current * 1.09))).is_ok());
    for planned in [current * 1.2, current * 0.8, 0.0, f64::NAN] {
        assert_eq!(
            loaded().refused(&start(Some(planned))),
            ErrorKind::Interlock,
            "{planned}"
        );
    }
    assert_eq!(
        loaded().vacuum(ChamberPhase::Vented).refused(&start(None)),
        ErrorKind::Interlock
    );
    assert_eq!(
        loaded().stage(|s| s.moving = true).refused(&start(None)),
        ErrorKind::Busy
    );
    let mut dark = loaded();
    dark.now.ion.as_mut().unwrap().on = false;
    assert_eq!(dark.refused(&start(None)), ErrorKind::Interlock);
    assert_eq!(dark.refused(&burn(0.5, 1.0)), ErrorKind::Interlock);
    for act in [
        burn(1.5, 1.0),
        burn(f64::NAN, 1.0),
        burn(0.5, 0.0),
        burn(0.5, f64::NAN),
        burn(0.5, 1e6),
    ] {
        assert_eq!(loaded().refused(&act), ErrorKind::OutOfRange, "{}", act.describe());
    }
}

#[test]
fn nothing_is_changed_under_a_beam_that_draws() {
    for phase in [Running, Paused] {
        let case = case().drawing(phase);
        for act in [
            to(Axis::X, 1e-6),
            Act::StageHome,
            setup(|_| ()),
            load(Shape::Rectangle(rectangle())),
            Act::PatternsClear,
            start(None),
            burn(0.5, 1.0),
            insert("PARK"),
            Act::NeedleRetract,
        ] {
            assert_eq!(case.refused(&act), ErrorKind::Busy, "{phase:?} {}", act.describe());
        }
        let picture = case.check(&grab(|s| s.beam_type = Beam::Ion));
        assert_eq!(picture.unwrap_err().kind, ErrorKind::Busy, "{phase:?}");
        assert!(
            case.check(&grab(|s| s.beam_type = Beam::Electron)).is_ok(),
            "the other beam looks on"
        );
    }
    let mut alone = case().drawing(Running);
    alone.caps.milling.as_mut().unwrap().imaging_meanwhile = false;
    let picture = alone.check(&grab(|s| s.beam_type = Beam::Electron));
    assert_eq!(picture.unwrap_err().kind, ErrorKind::Busy);
}

#[test]
fn pause_is_for_what_runs_and_resume_for_what_is_paused() {
    assert!(case().drawing(Running).check(&Act::PatternPause).is_ok());
    assert!(case().drawing(Paused).check(&Act::PatternResume).is_ok());
    for (phase, act) in [
        (Idle, Act::PatternPause),
        (Paused, Act::PatternPause),
        (Running, Act::PatternResume),
    ] {
        assert_eq!(case().drawing(phase).refused(&act), ErrorKind::Interlock, "{phase:?}");
    }
    let moving = case().drawing(Paused).stage(|s| s.moving = true);
    assert_eq!(moving.refused(&Act::PatternResume), ErrorKind::Busy);
    assert_eq!(
        case()
            .drawing(Paused)
            .vacuum(ChamberPhase::Vented)
            .refused(&Act::PatternResume),
        ErrorKind::Interlock
    );
}

#[test]
fn the_needle_goes_where_it_can_and_only_when_it_is_in() {
    assert!(case().check(&insert("PARK")).is_ok());
    assert_eq!(case().refused(&insert("HOME")), ErrorKind::OutOfRange);
    assert_eq!(case().needle_in().refused(&insert("PARK")), ErrorKind::Interlock);
    assert_eq!(case().refused(&needle(0.0, 0.0)), ErrorKind::Interlock, "retracted");
    assert!(case().needle_in().check(&needle(0.0, 1e-4)).is_ok());
    for (x, z) in [(1.0, 0.0), (0.0, f64::NAN), (f64::NEG_INFINITY, 0.0)] {
        assert_eq!(case().needle_in().refused(&needle(x, z)), ErrorKind::OutOfRange);
    }
    let mut moving = case().needle_in();
    moving.now.needle.as_mut().unwrap().moving = true;
    assert_eq!(moving.refused(&needle(0.0, 0.0)), ErrorKind::Busy);
    let mut none = case();
    none.caps.manipulator = None;
    for act in [insert("PARK"), Act::NeedleRetract, needle(0.0, 0.0)] {
        assert_eq!(none.refused(&act), ErrorKind::Unsupported);
    }
}

#[test]
fn beside_needle_and_injector_the_stage_moves_little_and_does_not_turn() {
    let beside = [case().needle_in(), case().port(|p| p.inserted = true)];
    for case in beside {
        let pose = case.now.stage.unwrap().pose;
        let by = |axis: Axis, way: f64| to(axis, pose.get(axis) + way);
        assert!(case.check(&by(Axis::X, 100e-6)).is_ok() && case.check(&by(Axis::Z, -1e-3)).is_ok());
        for act in [
            by(Axis::X, 1e-3),
            by(Axis::Z, 50e-6),
            by(Axis::T, 0.01),
            by(Axis::R, 0.01),
            Act::StageHome,
        ] {
            assert_eq!(case.refused(&act), ErrorKind::Interlock, "{}", act.describe());
        }
        let mut dark = case;
        for beam in [&mut dark.now.electron, &mut dark.now.ion] {
            beam.as_mut().unwrap().on = false;
        }
        assert_eq!(dark.refused(&Act::Vent), ErrorKind::Interlock);
    }
}

#[test]
fn an_injector_goes_in_over_a_lowered_stage_at_rest() {
    assert!(case().check(&inject(Some("cryo"))).is_ok());
    assert_eq!(case().refused(&inject(Some("moon"))), ErrorKind::OutOfRange);
    assert_eq!(
        case().stage(|s| s.pose.z = 6e-3).refused(&inject(None)),
        ErrorKind::Interlock
    );
    assert_eq!(
        case().stage(|s| s.moving = true).refused(&inject(None)),
        ErrorKind::Busy
    );
    assert_eq!(
        case().port(|p| p.inserted = true).refused(&inject(None)),
        ErrorKind::Interlock
    );
    let nowhere = Act::GasRetract { port: "NOWHERE".into() };
    assert_eq!(case().refused(&nowhere), ErrorKind::OutOfRange);
}

#[test]
fn gas_flows_warm_from_an_inserted_injector_in_vacuum_and_closing_is_always_allowed() {
    let ready = || {
        case().port(|p| {
            (p.inserted, p.heater, p.temperature) = (true, true, 305.0);
        })
    };
    assert!(ready().check(&valve(true)).is_ok());
    assert_eq!(
        ready().port(|p| p.inserted = false).refused(&valve(true)),
        ErrorKind::Interlock
    );
    assert_eq!(
        ready().port(|p| p.temperature = 295.0).refused(&valve(true)),
        ErrorKind::Interlock
    );
    assert_eq!(
        ready().vacuum(ChamberPhase::Vented).refused(&valve(true)),
        ErrorKind::Interlock
    );
    let worst = case()
        .drawing(Running)
        .needle_in()
        .vacuum(ChamberPhase::Vented)
        .stage(|s| s.moving = true);
    let off = Act::GasHeat {
        port: PORT.to_owned(),
        gas: None,
        on: false,
    };
    let out = Act::GasRetract { port: PORT.to_owned() };
    for act in [
        valve(false),
        off,
        out,
        Act::Sputter {
            step: SputterStep::Recover,
        },
    ] {
        assert!(worst.check(&act).is_ok(), "{}", act.describe());
    }
    let heat = |gas: &str| Act::GasHeat {
        port: PORT.to_owned(),
        gas: Some(gas.to_owned()),
        on: true,
    };
    assert!(case().check(&heat("Pt cryo")).is_ok());
    assert_eq!(case().refused(&heat("Helium")), ErrorKind::OutOfRange);
}

#[test]
fn the_coater_runs_prepared_with_everything_out() {
    let run = |seconds: f64| Act::Sputter {
        step: SputterStep::Run { seconds },
    };
    let prepare = Act::Sputter {
        step: SputterStep::Prepare,
    };
    let ready = || {
        let mut case = case();
        case.now.gas.as_mut().unwrap().sputter_ready = true;
        case
    };
    assert!(case().check(&prepare).is_ok() && ready().check(&run(60.0)).is_ok());
    assert_eq!(case().refused(&run(60.0)), ErrorKind::Interlock, "not prepared");
    assert_eq!(ready().refused(&run(0.0)), ErrorKind::OutOfRange);
    assert_eq!(ready().refused(&run(f64::NAN)), ErrorKind::OutOfRange);
    for case in [ready().needle_in(), ready().port(|p| p.inserted = true)] {
        assert_eq!(case.refused(&run(60.0)), ErrorKind::Interlock);
        assert_eq!(case.refused(&prepare), ErrorKind::Interlock);
    }
    let mut none = case();
    none.caps.gas.as_mut().unwrap().sputter_coater = false;
    assert_eq!(none.refused(&prepare), ErrorKind::Unsupported);
}
