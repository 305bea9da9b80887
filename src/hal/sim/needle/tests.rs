//! The needle alone: frames, the sense of z, speed, halts.

use super::*;
use crate::sim::geometry::TwinGeometry;
use model::kinematics::manipulator::corrected;
use model::{Beam, Geometry, Point};

fn tilted(deg: f64) -> Pose {
    Pose {
        t: deg.to_radians(),
        ..Pose::default()
    }
}

fn run(needle: &mut NeedleSim, order: Order, t: f64) -> f64 {
    needle.begin(1, order, None, false, 0.0, t);
    let end = needle.motion.as_ref().unwrap().end;
    assert_eq!(needle.settle(end), Some((1, Ending::Arrived)));
    end
}

fn inserted(deg: f64) -> NeedleSim {
    let mut needle = NeedleSim::new(StageKind::Tilting);
    let order = needle.insert("EUCENTRIC", &tilted(deg)).unwrap();
    run(&mut needle, order, 0.0);
    needle
}

#[test]
fn eucentric_is_the_coincidence_point_and_park_stands_above_the_sample() {
    for deg in [0.0, 17.0, 35.0] {
        let pose = tilted(deg);
        let mut needle = inserted(deg);
        assert!(needle.tip(100.0).norm() < 1e-15);
        let park = needle.saved("PARK").unwrap();
        assert_eq!(park.z, 180e-6, "away from the sample is +z");
        let order = needle.go(&park, &pose).unwrap();
        let end = run(&mut needle, order, 100.0);
        let normal = Vector3::new(0.0, pose.t.sin(), pose.t.cos());
        assert!(
            (needle.tip(end) - normal * 180e-6).norm() < 1e-12,
            "along the stage's normal"
        );
        assert!(needle.position(&needle.tip(end), &pose).distance(&park) < 1e-12);
    }
}

#[test]
fn corrected_moves_run_along_the_electron_picture_and_along_the_chambers_vertical() {
    let twin = TwinGeometry::new(Geometry::default(), [7e-3, 16.5e-3]);
    let by = Point { x: 3e-6, y: -20e-6 };
    for deg in [0.0, 12.0, 35.0] {
        let pose = tilted(deg);
        for (beam, wanted) in [
            (Beam::Electron, Vector3::new(by.x, by.y, 0.0)),
            (Beam::Ion, Vector3::new(by.x, 0.0, by.y)),
        ] {
            let mut needle = inserted(deg);
            let from = needle.read(&pose, 50.0).position;
            let order = needle
                .go(&from.moved(corrected(beam, pose.t, by.x, by.y)), &pose)
                .unwrap();
            let end = run(&mut needle, order, 50.0);
            let moved = needle.tip(end);
            assert!((moved - wanted).norm() < 1e-12, "{beam} at {deg}: {moved}");
        }
        // a picture of the ion beam shows a needle that is lowered higher up: its column looks from the picture's top
        let view = twin.column(Beam::Ion);
        assert!(Vector3::new(0.0, 0.0, -1.0).dot(&view.up) > 0.7);
    }
}

#[test]
fn it_takes_its_time_and_halts_where_it_is() {
    let mut needle = inserted(0.0);
    let order = needle
        .go(&ManipulatorPosition::new(50e-6, 0.0, 0.0), &tilted(0.0))
        .unwrap();
    needle.begin(9, order, None, false, 0.0, 50.0);
    assert!(
        (needle.motion.as_ref().unwrap().end - 50.8).abs() < 1e-9,
        "half a second and the settling"
    );
    assert!(
        needle.go(&ManipulatorPosition::default(), &tilted(0.0)).is_err(),
        "one at a time"
    );
    assert_eq!(needle.halt(50.25), Some(9));
    assert!((needle.tip(99.0).x - 25e-6).abs() < 1e-12);
    assert!(needle.inserted());

    let mut half = NeedleSim::new(StageKind::Tilting);
    let order = half.insert("PARK", &tilted(0.0)).unwrap();
    half.begin(2, order, None, false, 0.0, 0.0);
    half.halt(3.0);
    assert!(half.inserted(), "halfway in is in");
    let order = half.retract(&tilted(0.0), 3.0).unwrap();
    run(&mut half, order, 3.0);
    assert!(!half.inserted());
}

#[test]
fn nonsense_moves_nothing() {
    let needle = inserted(0.0);
    for target in [
        ManipulatorPosition::new(f64::NAN, 0.0, 0.0),
        ManipulatorPosition::new(0.0, 1.0, 0.0),
    ] {
        assert_eq!(
            needle.go(&target, &tilted(0.0)).unwrap_err().kind,
            ErrorKind::OutOfRange
        );
    }
    let out = NeedleSim::new(StageKind::Tilting);
    assert_eq!(
        out.go(&ManipulatorPosition::default(), &tilted(0.0)).unwrap_err().kind,
        ErrorKind::Interlock
    );
    assert_eq!(
        out.insert("HOME", &tilted(0.0)).unwrap_err().kind,
        ErrorKind::OutOfRange
    );
}

#[test]
fn a_chamber_fixed_instrument_is_calibrated_by_driving_to_its_three_places() {
    let pose = tilted(20.0);
    let mut needle = NeedleSim::new(StageKind::ChamberFixed);
    assert!(!needle.read(&pose, 0.0).calibrated);
    let mut t = 0.0;
    let order = needle.insert("Parking", &pose).unwrap();
    t = run(&mut needle, order, t);
    for name in ["Standby", "Working"] {
        assert!(!needle.read(&pose, t).calibrated);
        let order = needle.go(&needle.saved(name).unwrap(), &pose).unwrap();
        t = run(&mut needle, order, t);
    }
    assert!(needle.read(&pose, t).calibrated);
    assert!(needle.tip(t).norm() < 1e-15, "plain coordinates, whatever the tilt");
}
