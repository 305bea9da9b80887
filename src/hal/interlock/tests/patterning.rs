//! Patterns, and what may not be changed under a beam that draws.

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
        current: None,
    }
}

fn setup(change: impl FnOnce(&mut MillingSettings)) -> Act {
    let mut settings = MillingSettings::default();
    change(&mut settings);
    Act::MillingSetup { settings }
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
    let spot = |current: f64| Act::SpotBurn {
        beam: Beam::Ion,
        at: Point { x: 0.5, y: 0.5 },
        seconds: 1.0,
        current: Some(current),
    };
    assert!(case().check(&spot(current * 1.09)).is_ok());
    assert_eq!(case().refused(&spot(current * 1.2)), ErrorKind::Interlock);
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
            Act::NeedleInsert { name: "PARK".into() },
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
