//! The engine alone, on a clock that is given.

use super::*;
use model::shape::{CrossSection, Rectangle, ScanDirection};

const PROBE: Probe = Probe {
    channel: Beam::Ion,
    current: 1e-9,
    spot: 50e-9,
};

fn part(time: f64) -> Part {
    Part {
        shape: Shape::Rectangle(Rectangle {
            width: 1e-6,
            height: 1e-6,
            depth: 1e-6,
            centre_x: 0.0,
            centre_y: 0.0,
            rotation: 0.0,
            cleaning_cross_section: false,
            scan_direction: ScanDirection::TopToBottom,
            cross_section: CrossSection::Rectangle,
            passes: 0,
            time,
            is_exclusion: false,
        }),
        file: &files::FILES[0],
    }
}

fn engine(times: &[f64], mode: PatterningMode) -> PatterningSim {
    let mut engine = PatterningSim::new(MillingControl::Current, 0.0);
    engine.settings.patterning_mode = mode;
    engine.load(times.iter().map(|time| part(*time)));
    engine
}

fn delivered(engine: &PatterningSim) -> Vec<f64> {
    engine.records.iter().map(|r| r.delivered / PROBE.current).collect()
}

#[test]
fn serial_shapes_are_drawn_one_after_the_other_and_parallel_ones_together() {
    for (mode, wanted) in [
        (PatterningMode::Serial, [1.0, 0.25]),
        (PatterningMode::Parallel, [0.5, 0.5]),
    ] {
        let mut engine = engine(&[10.0, 20.0], mode);
        assert_eq!(engine.read(PROBE, 0.0).estimated, 30.0);
        engine.begin(1, PROBE, 0.0, 100.0);
        let state = engine.read(PROBE, 115.0);
        assert_eq!((state.phase, state.elapsed), (PatterningPhase::Running, 15.0));
        assert_eq!(state.done, wanted, "{mode:?}");
        assert_eq!(engine.settle(129.9), None);
        let segments = engine.take_segments(130.0);
        assert_eq!((segments.len(), segments[1].end), (2, 130.0));
        assert_eq!(engine.settle(130.0), Some((1, true)));
        assert_eq!(engine.read(PROBE, 500.0).done, [1.0, 1.0]);
        assert_eq!(delivered(&engine), [10.0, 20.0]);
    }
}

#[test]
fn a_pause_stands_still_and_doses_nothing() {
    let mut engine = engine(&[10.0], PatterningMode::Serial);
    engine.begin(1, PROBE, 0.0, 0.0);
    engine.take_segments(4.0);
    engine.pause(4.0).unwrap();
    assert!(engine.pause(5.0).is_err());
    assert_eq!(engine.settle(100.0), None);
    assert!(engine.take_segments(100.0).is_empty());
    assert_eq!(engine.progress(100.0), (0.4, 6.0));
    assert!(engine.resume(2e-9, 100.0).is_err(), "another current is another dose");
    engine.resume(1e-9, 100.0).unwrap();
    let rest = engine.take_segments(106.0);
    assert_eq!((rest[0].from, rest[0].to, rest[0].start), (0.4, 1.0, 100.0));
    assert_eq!(engine.settle(106.0), Some((1, true)));
}

#[test]
fn what_is_broken_off_says_how_far_it_came() {
    let mut first = engine(&[10.0, 10.0], PatterningMode::Serial);
    first.begin(1, PROBE, 0.0, 0.0);
    assert_eq!(first.halt(PatterningPhase::Error, 13.0), Some(1));
    let state = first.read(PROBE, 50.0);
    assert_eq!((state.phase, state.elapsed), (PatterningPhase::Error, 13.0));
    assert!((state.done[1] - 0.3).abs() < 1e-12);
    assert_eq!(first.halt(PatterningPhase::Idle, 60.0), None, "it is over");

    let mut second = engine(&[10.0], PatterningMode::Serial);
    second.begin(2, PROBE, 0.0, 0.0);
    assert!(second.cancel(2, 5.0) && !second.cancel(2, 5.0));
    assert_eq!(second.read(PROBE, 5.0).phase, PatterningPhase::Stopping);
    assert_eq!(second.settle(5.01), None);
    assert_eq!(second.settle(5.0 + STOPPING), Some((2, false)));
    let state = second.read(PROBE, 9.0);
    assert_eq!((state.phase, state.done[0]), (PatterningPhase::Idle, 0.5));
}

#[test]
fn overhead_is_time_without_dose() {
    let mut engine = PatterningSim::new(MillingControl::Current, 0.25);
    engine.load([part(8.0)]);
    engine.begin(1, PROBE, 0.0, 0.0);
    assert_eq!(engine.read(PROBE, 5.0).elapsed, 4.0);
    engine.take_segments(10.0);
    assert_eq!(engine.settle(10.0), Some((1, true)));
    assert_eq!(delivered(&engine), [8.0]);
}

#[test]
fn a_spot_is_a_run_of_its_own() {
    let mut engine = engine(&[10.0], PatterningMode::Serial);
    engine.begin_spot(3, PROBE, Point { x: 0.5, y: 0.5 }, 10.0, 0.0);
    assert_eq!(engine.drawing_with(), Some(Beam::Ion));
    assert_eq!(engine.take_segments(4.0).len(), 1);
    let state = engine.read(PROBE, 4.0);
    assert_eq!(
        (state.phase, state.elapsed, state.done),
        (PatterningPhase::Running, 4.0, vec![0.0])
    );
    engine.take_segments(10.0);
    assert_eq!(engine.settle(10.0), Some((3, true)));
    assert_eq!(delivered(&engine), [10.0]);
    assert!(!engine.is_active());
}
