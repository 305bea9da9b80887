//! Needle, gas and coater, and the stage beside them.

use super::*;
use model::PatterningPhase::Running;

fn needle(x: f64, z: f64) -> Act {
    Act::NeedleTo {
        target: ManipulatorPosition::new(x, 0.0, z),
        confirmed: false,
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

#[test]
fn the_needle_goes_where_it_can_and_only_when_it_is_in() {
    assert!(case().check(&insert("PARK")).is_ok());
    assert_eq!(case().refused(&insert("HOME")), ErrorKind::OutOfRange);
    assert_eq!(case().needle_in().refused(&insert("PARK")), ErrorKind::Interlock);
    assert_eq!(case().refused(&needle(0.0, 0.0)), ErrorKind::Interlock, "retracted");
    // where a retracted needle stands lies outside its travel: that it is retracted is the reason
    assert!(case().check(&needle(1.0, 0.0)).unwrap_err().what.contains("retracted"));
    assert!(case().needle_in().check(&needle(0.0, 150e-6)).is_ok());
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
fn nothing_is_vented_or_homed_with_a_hand_in() {
    let dark = |mut case: Case| {
        for beam in [&mut case.now.electron, &mut case.now.ion] {
            beam.as_mut().unwrap().on = false;
        }
        case
    };
    assert!(dark(case()).check(&Act::Vent).is_ok() && case().check(&Act::StageHome).is_ok());
    for beside in [case().needle_in(), case().port(|p| p.inserted = true)] {
        assert_eq!(beside.refused(&Act::StageHome), ErrorKind::Interlock);
        assert_eq!(dark(beside).refused(&Act::Vent), ErrorKind::Interlock);
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
fn small_moves_of_the_stage_beside_a_hand_are_counted_together() {
    let risen = |um: f64| case().needle_in().stage(|s| s.pose.z += um * 1e-6);
    let up = |case: &Case, um: f64| to(Axis::Z, case.now.stage.unwrap().pose.z + um * 1e-6);
    assert!(
        risen(15.0).check(&up(&risen(15.0), 9.0)).is_ok(),
        "24 um along the leaning axis are less than 20 up"
    );
    assert_eq!(risen(15.0).refused(&up(&risen(15.0), 12.0)), ErrorKind::Interlock);
    assert!(risen(25.0).check(&up(&risen(25.0), -5.0)).is_ok(), "away is free");
    // a step aside on a tilted stage lifts the sample too
    let pose = case().now.stage.unwrap().pose;
    let (sin, cos) = pose.t.sin_cos();
    assert_eq!(
        case().needle_in().refused(&to(Axis::Y, pose.y + 100e-6)),
        ErrorKind::Interlock
    );
    let level = StagePosition::default()
        .with(Axis::Y, pose.y + 150e-6 * cos)
        .with(Axis::Z, pose.z - 150e-6 * sin);
    assert!(
        case().needle_in().check(&Act::StageTo { target: level }).is_ok(),
        "along the plane of the sample nothing comes nearer"
    );
    // nobody knows how it stood when somebody else inserted a needle
    let mut unknown = case().needle_in();
    unknown.now.memory = Memory::default();
    assert_eq!(unknown.refused(&up(&unknown, 1.0)), ErrorKind::Interlock);
    assert!(unknown.check(&up(&unknown, -100.0)).is_ok());
}

#[test]
fn a_needle_goes_in_where_there_is_room_for_it() {
    let at = |name: &str, z: f64, lift: f64| {
        let mut case = case().stage(|s| s.pose.z += lift);
        case.now.saved = Some(ManipulatorPosition::new(0.0, 0.0, z));
        case.check(&insert(name)).map_err(|e| e.kind)
    };
    assert!(at("PARK", 180e-6, 0.0).is_ok());
    assert_eq!(
        at("PARK", 180e-6, 0.76e-3),
        Err(ErrorKind::Interlock),
        "the sample stands too high"
    );
    assert_eq!(
        at("EUCENTRIC", 0.0, 0.0),
        Err(ErrorKind::Interlock),
        "on the sample itself"
    );
    assert!(at("EUCENTRIC", 0.0, -0.2e-3).is_ok());
    let mut turned = case().stage(|s| (s.pose.r, s.pose.t) = (1.5, 0.5));
    turned.now.saved = Some(ManipulatorPosition::new(0.0, 0.0, 180e-6));
    assert_eq!(
        turned.refused(&insert("PARK")),
        ErrorKind::Interlock,
        "its shaft would lie in the shuttle"
    );
}

#[test]
fn steps_towards_the_sample_are_summed_until_somebody_looks() {
    let mut case = case().needle_in();
    let step = |case: &Case, um: f64, confirmed: bool| {
        let from = case.now.needle.as_ref().unwrap().position.clone();
        // straight up and down: the sample lies flat, and the needle's axes lean with the stage
        let (sin, cos) = case.now.stage.unwrap().pose.t.sin_cos();
        Act::NeedleTo {
            target: from.moved((0.0, -sin * um * 1e-6, cos * um * 1e-6)),
            confirmed,
        }
    };
    let take = |case: &mut Case, um: f64, confirmed: bool| {
        let act = step(case, um, confirmed);
        let allowed = case.check(&act);
        if allowed.is_ok() {
            let now = case.now.clone();
            case.now.memory.sent(&act, &now, &case.caps);
            let Act::NeedleTo { target, .. } = act else {
                unreachable!()
            };
            case.now.needle.as_mut().unwrap().position = target;
        }
        allowed.map(drop)
    };
    take(&mut case, -30.0, false).expect("far above the sample nothing is in the way");
    let error = take(&mut case, -50.0, false).unwrap_err();
    assert!(
        error.what.contains("80.0 um towards the sample") && error.hint.contains("confirm"),
        "{error}"
    );
    assert!(take(&mut case, -50.0, true).is_ok());
    for _ in 0..5 {
        assert!(take(&mut case, -2.0, false).is_ok());
    }
    assert_eq!(take(&mut case, -2.0, false).unwrap_err().kind, ErrorKind::Interlock);
    assert!(
        take(&mut case, 4.0, false).is_ok() && take(&mut case, -4.0, false).is_ok(),
        "up and down again"
    );
    assert!(take(&mut case, -1.0, false).is_err());
    assert!(take(&mut case, -1.0, true).is_ok() && take(&mut case, -9.0, false).is_ok());
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
