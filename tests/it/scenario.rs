//! Long runs on the twin through an engine's link, in virtual time: what the console believes against what is so.

use crate::run::{Place, twin};
use engine::command::{Failure, parse};
use engine::core::Engine;
use engine::link::Link;
use model::config::Instrument;
use serde_json::Value;
use std::future::Future;

struct Session {
    /// Held so that it lives as long as the link is used.
    _engine: Engine,
    link: Link,
    place: Place,
}

impl Session {
    fn new(faults: Option<&str>, change: impl FnOnce(&mut Instrument)) -> Session {
        let place = Place::new();
        let engine = twin(&place, faults, change);
        let session = Session {
            link: engine.link("scenario"),
            _engine: engine,
            place,
        };
        session.done("system.connect");
        session
    }

    fn run(&self, line: &str) -> Result<Value, Failure> {
        wait(self.link.run(parse::line(line)?))
    }

    fn done(&self, line: &str) -> Value {
        self.run(line).unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    /// A number of the twin's truth, by JSON pointer.
    fn truth(&self, pointer: &str) -> f64 {
        let truth = self.done("truth");
        truth
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap_or_else(|| panic!("{pointer}: {truth}"))
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

/// Which axes of the stage as shown and as it is differ by more than this (m, rad).
fn astray(shown: &Value, truth: &Value, most: f64) -> Vec<&'static str> {
    let differs = |axis: &&str| (shown[*axis].as_f64().unwrap() - truth[*axis].as_f64().unwrap()).abs() > most;
    ["x", "y", "z", "r", "t"].into_iter().filter(differs).collect()
}

/// A morning at the instrument: the grid is too high, out of focus and off centre; at the end everything is where it should be.
#[test]
fn a_morning_from_a_lost_coincidence_to_a_restored_state() {
    let session = Session::new(None, |i| i.twin.errors.coincidence = 25e-6);
    assert!((session.truth("/coincidence_error_m") - 25e-6).abs() < 1e-9);
    let found = session.done("align.coincidence");
    assert_eq!(found["accepted"], true, "{found}");
    let left = session.truth("/coincidence_error_m");
    // what is in the middle is coincident now, and that is film, which hangs a little under the bars that heights are counted from
    assert!((-0.5e-6..2e-6).contains(&left), "{left} m are left; measured: {found}");
    // lost again to the other side, the same place is found
    session.done("stage.vertical-move dy=12um exact=true");
    assert!((session.truth("/coincidence_error_m") - left).abs() > 10e-6);
    let found = session.done("align.coincidence");
    let again = session.truth("/coincidence_error_m");
    assert!(
        (again - left).abs() < 0.5e-6,
        "{left} m were left, now {again}; measured: {found}"
    );
    let left = again;

    // what the configuration calls focused is where both beams meet: put it off and find it again
    for beam in ["electron", "ion"] {
        let focused = session.done(&format!("system.get key=working_distance beam={beam}"))["value"]
            .as_f64()
            .unwrap();
        session.done(&format!(
            "system.set key=working_distance value={} beam={beam}",
            focused + 60e-6
        ));
    }
    let off = session.truth("/focus_error_m/electron").abs();
    session.done("image.autofocus beam=electron hfw=80um");
    let focus = session.truth("/focus_error_m/electron").abs();
    assert!(
        off > 40e-6 && focus < 15e-6,
        "out of focus by {focus} m, before by {off}"
    );

    // a stable move goes along the sample: what was at dx is centred, and the height stays right
    let before = session.done("truth");
    session.done("stage.stable-move dx=20um dy=-15um beam=ion");
    let after = session.done("truth");
    let dx = after["pose"]["x"].as_f64().unwrap() - before["pose"]["x"].as_f64().unwrap();
    assert!((dx.abs() - 20e-6).abs() < 1e-8, "{dx}");
    let drift = after["coincidence_error_m"].as_f64().unwrap() - left;
    assert!(drift.abs() < 1e-7, "a stable move changed the height by {drift} m");

    // capture, change everything, restore: exact
    let saved = session.place.text("before.yaml");
    let captured = session.done(&format!("system.capture path='{saved}'"))["state"].clone();
    for line in [
        "stage.orientation name=FIB",
        "system.set key=current value=0.74nA beam=ion",
        "system.set key=voltage value=5kV beam=electron",
        "system.set key=detector_contrast value=0.7 beam=electron",
        "beam.shift dx=3um dy=-2um beam=ion",
        "image.acquire beam=both hfw=300um resolution=384x256 save=false",
    ] {
        session.done(line);
    }
    assert!(!same(&session.done("system.capture")["state"], &captured));
    session.done(&format!("system.restore path='{saved}'"));
    let restored = session.done("system.capture")["state"].clone();
    assert!(same(&restored, &captured), "{restored}\nis not\n{captured}");

    // a saved position is found again, and nothing was touched on the way
    session.done("position.save name=morning");
    session.done("stage.milling-angle angle=15deg");
    session.done("stage.move-relative x=300um");
    session.done("position.go name=morning");
    let end = session.done("truth");
    assert!(astray(&after["pose"], &end["pose"], 1e-9).is_empty(), "{after} {end}");
    assert_eq!(end["collisions"], 0);
    assert_eq!(session.link.snapshot().alarms().count(), 0);
}

/// Two captured states are the same but for when they were captured.
fn same(a: &Value, b: &Value) -> bool {
    let bare = |v: &Value| {
        let mut v = v.clone();
        v.as_object_mut().map(|o| o.remove("timestamp"));
        v
    };
    bare(a) == bare(b)
}

/// Hours under a storm of faults: every command ends once, honestly; nothing is hit; what is shown at the end is so.
#[test]
fn a_night_of_faults_is_told_as_it_was() {
    let night = || {
        let session = Session::new(Some("storm"), |_| {});
        let mut told = Vec::new();
        let mut tell = |line: String| {
            let ended = session.run(&line).map(drop).map_err(|failure| {
                assert!(
                    !failure.title.is_empty() && !failure.hint.is_empty(),
                    "{line}: {failure:?}"
                );
                failure.to_string()
            });
            told.push((line, ended));
        };
        // twenty minutes without a pause longer than a fault lasts, then a jump to when the vacuum goes
        for round in 0..130 {
            let side = if round % 2 == 0 { 1 } else { -1 };
            tell(format!("stage.move-relative x={}um y=1um", 30 * side));
            tell(format!(
                "system.set key=current value={}pA beam=ion",
                [20, 60][round % 2]
            ));
            tell("system.wait seconds=8".to_owned());
            if round % 4 == 0 {
                tell("image.acquire beam=both resolution=384x256 save=false".to_owned());
            }
        }
        tell("system.wait seconds=7500".to_owned());
        for _ in 0..10 {
            tell("beam.on beam=both".to_owned());
            tell("stage.stable-move dx=-10um dy=0 beam=electron".to_owned());
            tell("system.wait seconds=30".to_owned());
        }
        let shown = session.done("stage.position");
        let truth = session.done("truth");
        let snapshot = session.link.snapshot();
        assert!(snapshot.running().is_none() && !shown["moving"].as_bool().unwrap());
        assert_eq!(astray(&shown, &truth["pose"], 1e-7), [""; 0], "{shown} {truth}");
        assert_eq!(truth["collisions"], 0);
        (told, truth, snapshot.alarms().count())
    };
    let (told, truth, alarms) = night();
    let failed = told.iter().filter(|(_, ended)| ended.is_err()).count();
    assert!(failed >= 5, "only {failed} of {} commands met a fault", told.len());
    for what in ["stage", "image", "beam"] {
        let met = |(line, ended): &(String, Result<(), String>)| line.starts_with(what) && ended.is_err();
        assert!(told.iter().any(met), "{what} met no fault: {told:#?}");
    }
    assert!(
        told.iter().filter(|(_, ended)| ended.is_ok()).count() > told.len() / 2,
        "{told:#?}"
    );
    assert!(alarms > 0, "a night with a vacuum loss raised no alarm");
    assert!(truth["clock_s"].as_f64().unwrap() > 2.0 * 3600.0);
    assert_eq!(night(), (told, truth, alarms), "the same storm comes out the same");
}
