//! The suite on the twin, whole and faulty.

use super::*;
use crate::clock::ManualClock;
use crate::drivers::{DRIVERS, Opening};
use model::StageKind;
use model::config::Instrument;
use std::sync::Arc;

fn run(instrument: Instrument) -> Vec<Finding> {
    let clock = Arc::new(ManualClock::default());
    let opening = Opening {
        instrument,
        clock: clock.clone(),
        world: None,
    };
    let mut microscope = (DRIVERS[0].open)(&opening).unwrap();
    let before = Suite {
        m: microscope.as_mut(),
        pass: &|_| (),
        findings: Vec::new(),
    }
    .everything();
    let findings = check(microscope.as_mut(), &|seconds| clock.advance(seconds));
    let after = Suite {
        m: microscope.as_mut(),
        pass: &|_| (),
        findings: Vec::new(),
    }
    .everything();
    assert_eq!(before, after, "the suite leaves the instrument as it found it");
    findings
}

fn instrument(kind: StageKind) -> Instrument {
    let mut instrument = Instrument::default();
    instrument.twin.stage = Some(kind);
    if kind == StageKind::Compustage {
        (instrument.stage.shuttle_pre_tilt, instrument.stage.rotation_180) = (0.0, 0.0);
        instrument.stage.rotation = false;
    }
    instrument
}

#[test]
fn the_twin_conforms_with_every_kind_of_stage() {
    for kind in [StageKind::Tilting, StageKind::Compustage, StageKind::ChamberFixed] {
        let findings: Vec<String> = run(instrument(kind)).iter().map(Finding::to_string).collect();
        assert!(findings.is_empty(), "{kind:?}:\n{}", findings.join("\n"));
    }
}

#[test]
fn the_twin_conforms_with_parts_missing_and_with_a_plasma_source() {
    let mut blind = Instrument::default();
    (blind.stage.enabled, blind.ion.enabled) = (false, false);
    let mut plasma = Instrument::default();
    (plasma.ion.plasma, plasma.ion.plasma_gas) = (true, Some("Argon".into()));
    plasma.ion.current = 20e-12;
    for instrument in [blind, plasma] {
        let findings: Vec<String> = run(instrument).iter().map(Finding::to_string).collect();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}

/// A suite that finds nothing in a faulty driver is worth nothing.
#[test]
fn faults_are_found() {
    for (scenario, rule) in [
        ("- {on: move, nth: 1, kind: stuck-axis, axis: x}", "a move ends"),
        ("- {on: move, nth: 1, kind: timeout}", "a move ends"),
        ("- {on: acquire, nth: 1, kind: dropped-frame}", "a picture ends"),
        ("- {on: stop, nth: 1, kind: stop-lie}", "a stopped needle move says so"),
        ("- {on: stop, nth: 2, kind: stop-lie}", "a stopped move says so"),
        ("- {on: stop, nth: 4, kind: stop-lie}", "a stopped pattern says so"),
        (
            "- {on: pattern, nth: 1, after: 0.5, kind: beam-trip, beam: ion}",
            "a pattern ends",
        ),
        ("- {on: needle, nth: 1, kind: stuck-needle}", "an insertion ends"),
        ("- {on: injector, nth: 2, kind: timeout}", "an injector arrives"),
    ] {
        let clock = Arc::new(ManualClock::default());
        let instrument = Instrument::default();
        let world = crate::sim::World::new(&instrument, clock.clone());
        world.set_faults(crate::sim::Faults::parse(scenario).unwrap());
        let opening = Opening {
            instrument,
            clock: clock.clone(),
            world: Some(world),
        };
        let mut microscope = (DRIVERS[0].open)(&opening).unwrap();
        let findings = check(microscope.as_mut(), &|seconds| clock.advance(seconds));
        assert!(findings.iter().any(|f| f.rule == rule), "{scenario}: {findings:?}");
    }
}

#[test]
fn a_recording_that_plays_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let files: Vec<_> = Beam::ALL
        .map(|beam| {
            let settings = Suite::small(beam);
            let state = model::MicroscopeState::bare(0.0, model::StagePosition::default());
            let metadata = model::frame::Metadata::new(settings, state);
            let frame = model::Frame {
                pixels: model::Pixels::filled(96, 64, 100),
                metadata: Some(metadata),
            };
            let file = folder.path().join(format!("{}.tif", beam.word()));
            frame.save(&file).unwrap();
            file
        })
        .to_vec();
    let instrument = Instrument::default();
    let film = crate::sim::Film::of(&files).unwrap();
    let mut opening = Opening {
        world: Some(crate::sim::World::playing(&instrument, clock.clone(), film)),
        instrument,
        clock: clock.clone(),
    };
    let row = crate::drivers::find("replay").unwrap();
    let mut microscope = (row.open)(&opening).unwrap();
    let findings = check(microscope.as_mut(), &|seconds| clock.advance(seconds));
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(microscope.identity().driver, "replay");
    // a twin is no recording, and nothing is none either
    opening.world = None;
    assert!((row.open)(&opening).is_err() && crate::sim::Film::of(&[]).is_err());
}
