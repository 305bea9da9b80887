//! What the stage does to bring the sample back: to a reference picture, and while it is tilted.

use super::{Moment, Rig, near, shift};
use crate::align::{AlignStage, Coincidence, EucentricTilt, coincidence, eucentric_tilt, stage};
use crate::movement::{StableMove, absolute, stable_move};
use hal::Act;
use model::{Beam, ErrorKind, Key, Pose, StagePosition, Value};

async fn aside(rig: &Rig, beam: Beam, dx: f64, dy: f64) {
    let away = StableMove {
        dx,
        dy,
        beam,
        static_wd: false,
    };
    stable_move(rig.cx.clone(), away).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_stage_brings_a_picture_back_as_near_as_it_comes() {
    for beam in Beam::ALL {
        let rig = Rig::with(|i| i.twin.errors.repeatability = 0.2e-6);
        let before = rig.look(beam, 80e-6).await;
        aside(&rig, beam, 9e-6, -5e-6).await;
        let params = AlignStage {
            beam,
            ..AlignStage::default()
        };
        let found = stage(rig.cx.clone(), params).await.unwrap();
        assert!(found.accepted && found.steps >= 1, "{found:?}");
        near(found.dx_m, -9e-6, 1e-6, "dx");
        near(found.dy_m, -5e-6, 1e-6, "dy");
        let off = shift(&before, &rig.look(beam, 80e-6).await);
        near(off.0.hypot(off.1), 0.0, 1.1e-6, &format!("{found:?}"));
        let shifts = |act: &Act| matches!(act, Act::BeamSet { key: Key::Shift, .. });
        assert!(!rig.record.acts.lock().unwrap().iter().any(shifts));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_does_not_come_nearer_is_told_and_goes_back() {
    let rig = Rig::with(|i| i.twin.errors.repeatability = 3e-6);
    rig.look(Beam::Electron, 80e-6).await;
    aside(&rig, Beam::Electron, 9e-6, 0.0).await;
    let from = rig.cx.pose().await.unwrap();
    let strict = AlignStage {
        tolerance: 10e-9,
        ..AlignStage::default()
    };
    let error = stage(rig.cx.clone(), strict).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Doubtful, "{error}");
    let data = error.data.unwrap();
    assert!(
        data["accepted"] == false && data["reason"].as_str().is_some_and(|r| r.contains("still")),
        "{data}"
    );
    // as near as this stage comes
    near(rig.cx.pose().await.unwrap().distance(&from), 0.0, 10e-6, "went back");
    let nothing = AlignStage {
        tolerance: 0.0,
        ..AlignStage::default()
    };
    assert_eq!(stage(rig.cx.clone(), nothing).await.unwrap_err().kind, ErrorKind::Usage);
}

#[tokio::test(start_paused = true)]
async fn another_scene_moves_no_stage() {
    let rig = Rig::new();
    rig.look(Beam::Electron, 80e-6).await;
    aside(&rig, Beam::Electron, 700e-6, 333e-6).await;
    let (from, acts) = (rig.cx.pose().await.unwrap(), rig.record.count());
    let error = stage(rig.cx.clone(), AlignStage::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Doubtful, "{error}");
    assert_eq!(rig.cx.pose().await.unwrap(), from);
    let moved = |act: &Act| matches!(act, Act::StageTo { .. });
    assert!(!rig.record.acts.lock().unwrap()[acts..].iter().any(moved));
}

/// Ten degrees less, from where the sample lies flat under the SEM.
fn tilted(from: Pose) -> f64 {
    from.t - 10f64.to_radians()
}

#[tokio::test(start_paused = true)]
async fn a_sample_off_the_tilt_axis_stays_in_the_picture() {
    let rig = Rig::with(|i| i.twin.errors.coincidence = 30e-6);
    let from = rig.cx.pose().await.unwrap();
    let before = rig.look(Beam::Electron, 80e-6).await;
    let by_itself = StagePosition {
        t: Some(tilted(from)),
        ..StagePosition::default()
    };
    absolute(rig.cx.clone(), by_itself).await.unwrap();
    let off = shift(&before, &rig.look(Beam::Electron, 80e-6).await);
    assert!(off.0.hypot(off.1) > 4e-6, "{off:?}");
    absolute(rig.cx.clone(), from.into()).await.unwrap();

    let params = EucentricTilt {
        tilt: Some(tilted(from)),
        beams: vec![Beam::Electron],
        ..EucentricTilt::default()
    };
    let found = eucentric_tilt(rig.cx.clone(), params).await.unwrap();
    assert_eq!(found.steps, 4);
    assert!(
        found.corrections > 0 && found.worst_m > 1e-6 && found.residual_m <= 1e-6,
        "{found:?}"
    );
    near(found.pose.t, tilted(from), 1e-4, "tilt");
    let off = shift(&before, &rig.look(Beam::Electron, 80e-6).await);
    // each of four steps may leave a picture a tolerance off
    near(off.0.hypot(off.1), 0.0, 2e-6, &format!("{found:?}"));
}

#[tokio::test(start_paused = true)]
async fn what_both_beams_see_stays_coincident_while_it_is_tilted() {
    let rig = Rig::with(|i| i.twin.errors.coincidence = 20e-6);
    coincidence(rig.cx.clone(), Coincidence::default()).await.unwrap();
    let (from, height) = (rig.cx.pose().await.unwrap(), rig.truth("/coincidence_error_m"));
    let before = rig.look(Beam::Electron, 40e-6).await;
    let params = EucentricTilt {
        tilt: Some(from.t - 6f64.to_radians()),
        ..EucentricTilt::default()
    };
    let found = eucentric_tilt(rig.cx.clone(), params).await.unwrap();
    near(rig.truth("/coincidence_error_m"), height, 2e-6, &format!("{found:?}"));
    let off = shift(&before, &rig.look(Beam::Electron, 40e-6).await);
    near(off.0.hypot(off.1), 0.0, 2e-6, &format!("{found:?}"));
}

#[tokio::test(start_paused = true)]
async fn what_the_stage_leaves_in_the_fib_picture_its_beam_takes_off() {
    let rig = Rig::with(|i| (i.twin.errors.coincidence, i.twin.errors.repeatability) = (20e-6, 1e-6));
    coincidence(rig.cx.clone(), Coincidence::default()).await.unwrap();
    let from = rig.cx.pose().await.unwrap();
    let before = rig.look(Beam::Ion, 40e-6).await;
    let params = |tilt| EucentricTilt {
        tilt: Some(tilt),
        tolerance: 2.5e-6,
        beam_shift: true,
        ..EucentricTilt::default()
    };
    let there = eucentric_tilt(rig.cx.clone(), params(tilted(from))).await.unwrap();
    assert!(there.shifted_m.x.hypot(there.shifted_m.y) > 0.2e-6, "{there:?}");
    let back = eucentric_tilt(rig.cx.clone(), params(from.t)).await.unwrap();
    assert!(back.shifted_m.x.hypot(back.shifted_m.y) > 0.2e-6, "{back:?}");
    let off = shift(&before, &rig.look(Beam::Ion, 40e-6).await);
    near(off.0.hypot(off.1), 0.0, 0.6e-6, &format!("{there:?} {back:?}"));
}

#[tokio::test(start_paused = true)]
async fn a_tilt_that_cannot_be_watched_is_not_begun_and_a_lost_sample_goes_back() {
    let rig = Rig::new();
    let from = rig.cx.pose().await.unwrap();
    let asked = |tilt, milling_angle| EucentricTilt {
        tilt,
        milling_angle,
        ..EucentricTilt::default()
    };
    for (params, kind) in [
        (asked(None, None), ErrorKind::Usage),
        (asked(Some(0.1), Some(0.1)), ErrorKind::Usage),
        (asked(Some(f64::NAN), None), ErrorKind::OutOfRange),
        (asked(Some(2.0), None), ErrorKind::OutOfRange),
        // the ion beam runs along the sample
        (asked(None, Some(2f64.to_radians())), ErrorKind::OutOfRange),
    ] {
        let error = eucentric_tilt(rig.cx.clone(), params.clone()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{params:?}: {error}");
    }
    assert_eq!(rig.record.count(), 0);

    // the vendor's program blanks the SEM once the first step is done
    let world = rig.world.clone();
    let watched = std::sync::Arc::downgrade(&rig.record);
    rig.inject(Moment::Intent, 0, move || {
        let last = watched.upgrade().and_then(|r| r.acts.lock().unwrap().last().cloned());
        if matches!(last, Some(Act::StageTo { .. })) {
            let blank = hal::sim::Foreign::Set(Beam::Electron, Key::Blanked, Value::Bool(true));
            world.foreign(blank).unwrap();
        }
    });
    let error = eucentric_tilt(rig.cx.clone(), asked(Some(tilted(from)), None))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Doubtful, "{error}");
    assert!(error.data.unwrap()["tilt_rad"].as_f64().is_some_and(|t| t < from.t));
    assert_eq!(rig.cx.pose().await.unwrap(), from);
}
