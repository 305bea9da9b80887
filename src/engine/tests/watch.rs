//! What the engine sees and says: events, changes by others, the state for display.

use super::*;
use model::Beam;

#[test]
fn the_snapshot_is_the_fold_of_the_events() {
    let bench = Bench::new();
    let mut folded = (*bench.link().snapshot()).clone();
    let mut heard = bench.link().listen();
    bench
        .lines(&[
            "system.connect",
            "stage.move-relative x=1um",
            "position.save name=a",
            "image.settings beam=ion hfw=80um",
        ])
        .unwrap();
    while let Ok(item) = heard.try_recv() {
        match item {
            crate::link::Heard::Event(event) => {
                let text = serde_json::to_string(&*event).unwrap();
                folded.apply(&serde_json::from_str(&text).unwrap());
            }
            crate::link::Heard::Pulse(pulse) => folded.pulse(&pulse),
        }
    }
    assert_eq!(folded, *bench.link().snapshot());
}

#[test]
fn what_others_change_is_noticed_within_a_second_and_marked() {
    use crate::event::By;
    use hal::sim::Foreign;
    let bench = Bench::new();
    bench.lines(&["system.connect", "stage.move-relative x=1um"]).unwrap();
    let world = crate::core::lock(&bench.engine.core.world).clone().unwrap();
    assert_eq!(bench.link().snapshot().stage.as_ref().unwrap().by, By::Us);
    world
        .foreign(Foreign::Move(model::StagePosition {
            x: Some(3e-6),
            ..Default::default()
        }))
        .unwrap();
    world
        .foreign(Foreign::Set(
            Beam::Electron,
            model::Key::Voltage,
            model::Value::Number(5000.0),
        ))
        .unwrap();
    bench.lines(&["system.wait seconds=1"]).unwrap();
    let snapshot = bench.link().snapshot();
    assert_eq!(snapshot.stage.as_ref().unwrap().by, By::Other);
    assert_eq!(snapshot.beam(Beam::Electron).unwrap().by, By::Other);
    assert_eq!(snapshot.beam(Beam::Electron).unwrap().value.settings.voltage, 5000.0);
    assert!(
        snapshot
            .notices
            .iter()
            .any(|n| n.notice.title.contains("not by fibdeck"))
    );
    world.foreign(Foreign::Leak).unwrap();
    bench.lines(&["system.wait seconds=1"]).unwrap();
    assert!(
        bench
            .link()
            .snapshot()
            .alarms()
            .any(|n| n.notice.title == "vacuum lost")
    );
}

#[test]
fn state_has_the_keys_that_scripts_rely_on() {
    let bench = Bench::new();
    let state = bench.lines(&["system.connect", "system.state"]).unwrap();
    for key in [
        "instrument",
        "connected",
        "control",
        "chamber",
        "stage",
        "electron",
        "ion",
        "manipulator",
        "gis",
        "milling",
        "jobs",
        "notices",
    ] {
        assert!(state.get(key).is_some(), "{key}");
    }
    for key in [
        "x",
        "y",
        "z",
        "r",
        "t",
        "moving",
        "homed",
        "linked",
        "limits",
        "orientation",
        "milling_angle_deg",
    ] {
        assert!(state["stage"].get(key).is_some(), "{key}");
    }
    for key in [
        "on",
        "blanked",
        "voltage",
        "current",
        "hfw",
        "working_distance",
        "dwell_time",
        "resolution",
    ] {
        assert!(state["ion"].get(key).is_some(), "{key}");
    }
    assert_eq!(state["chamber"]["state"], "Pumped");
}
