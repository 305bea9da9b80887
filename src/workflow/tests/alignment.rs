use super::{Rig, near, shift};
use crate::align::{AlignBeamShift, Coincidence, beam_shift, coincidence, guided};
use crate::movement::{VerticalMove, vertical_move};
use futures::FutureExt;
use hal::Act;
use model::{Beam, ErrorKind, Key, Point, Value};

fn heights(error: f64) -> Rig {
    Rig::with(|i| i.twin.errors.coincidence = error)
}

/// The vendor's program blanks the ion beam.
fn blank(world: &hal::sim::World) {
    world
        .foreign(hal::sim::Foreign::Set(Beam::Ion, Key::Blanked, Value::Bool(true)))
        .unwrap();
}

/// The film in the middle of a square hangs up to this far under the plane of the bars (m), which the twin counts heights from.
const FILM: f64 = 2e-6;

#[tokio::test(start_paused = true)]
async fn coincidence_is_found_from_either_side() {
    let mut ends = Vec::new();
    for error in [30e-6, -30e-6, 8e-6] {
        let rig = heights(error);
        near(rig.truth("/coincidence_error_m"), error, 1e-9, "at start");
        let electron = rig.look(Beam::Electron, 150e-6).await;
        let found = coincidence(rig.cx.clone(), Coincidence::default()).await.unwrap();
        assert!(found.accepted, "{found:?}");
        near(found.height_error_before_m, error, FILM, "measured at first");
        near(found.residual_m.y, 0.0, 0.3e-6, "residual");
        // what is in the middle of the pictures is coincident now: the film, not the bars
        let end = rig.truth("/coincidence_error_m");
        near(end, 0.5 * FILM, 0.5 * FILM + 0.3e-6, &format!("{found:?}"));
        ends.push(end);
        let moved = shift(&electron, &rig.look(Beam::Electron, 150e-6).await);
        near(moved.0.hypot(moved.1), 0.0, 0.5e-6, "the SEM picture stays");
    }
    for end in &ends {
        near(*end, ends[0], 0.6e-6, "the same height from wherever it starts");
    }
}

#[tokio::test(start_paused = true)]
async fn coincidence_is_found_with_turned_pictures() {
    let rig = heights(20e-6);
    for (beam, rotation) in [(Beam::Electron, std::f64::consts::PI), (Beam::Ion, 0.0)] {
        rig.cx
            .set(beam, Key::ScanRotation, Value::Number(rotation))
            .await
            .unwrap();
    }
    let found = coincidence(rig.cx.clone(), Coincidence::default()).await.unwrap();
    near(
        rig.truth("/coincidence_error_m"),
        0.5 * FILM,
        0.5 * FILM + 0.3e-6,
        &format!("{found:?}"),
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_moves_on_blanked_or_empty_pictures() {
    let rig = heights(30e-6);
    rig.cx
        .act(Act::BeamBlank {
            beam: Beam::Ion,
            on: true,
        })
        .await
        .unwrap();
    let error = coincidence(rig.cx.clone(), Coincidence::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interlock, "{error}");
    // blanked by somebody else once the job has looked
    let rig = heights(30e-6);
    let from = rig.cx.pose().await.unwrap();
    let world = rig.world.clone();
    rig.inject(super::Moment::Intent, 1, move || blank(&world));
    let error = coincidence(rig.cx.clone(), Coincidence::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Doubtful, "{error}");
    assert_eq!(error.data.unwrap()["accepted"], false);
    assert_eq!(rig.cx.pose().await.unwrap(), from);
    assert!(
        !rig.record
            .acts
            .lock()
            .unwrap()
            .iter()
            .any(|a| matches!(a, Act::StageTo { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_at_a_narrow_field_undoes_the_moves_before() {
    let rig = heights(25e-6);
    let from = rig.cx.pose().await.unwrap();
    // the ion beam is blanked by somebody else once the first correction was made
    let world = rig.world.clone();
    let watched = std::sync::Arc::downgrade(&rig.record);
    rig.inject(super::Moment::Outcome, 3, move || {
        assert!(
            watched
                .upgrade()
                .is_some_and(|r| matches!(r.acts.lock().unwrap().last(), Some(Act::StageTo { .. })))
        );
        blank(&world);
    });
    let error = coincidence(rig.cx.clone(), Coincidence::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Doubtful, "{error}");
    assert_eq!(rig.cx.pose().await.unwrap(), from);
    near(rig.truth("/coincidence_error_m"), 25e-6, 1e-9, "height");
}

#[tokio::test(start_paused = true)]
async fn what_a_wider_field_measured_stands_when_a_narrower_one_cannot_be_matched() {
    let rig = heights(25e-6);
    // the ion beam is blanked by somebody else once the narrowest field is begun
    let world = rig.world.clone();
    let watched = std::sync::Arc::downgrade(&rig.record);
    let done = std::sync::atomic::AtomicBool::new(false);
    rig.inject(super::Moment::Intent, super::ANY, move || {
        let narrow = watched.upgrade().is_some_and(
            |r| matches!(r.acts.lock().unwrap().last(), Some(Act::Acquire { settings }) if settings.hfw < 100e-6),
        );
        if narrow && !done.swap(true, std::sync::atomic::Ordering::SeqCst) {
            blank(&world);
        }
    });
    let found = coincidence(rig.cx.clone(), Coincidence::default()).await.unwrap();
    assert!(found.accepted, "{found:?}");
    assert!(found.field_m > 100e-6, "{found:?}");
    near(found.uncertainty_m, found.field_m / 768.0, 1e-9, "uncertainty");
    near(rig.truth("/coincidence_error_m"), 0.0, FILM, &format!("{found:?}"));
    let told = rig.host.notices.lock().unwrap().clone();
    assert!(told.iter().any(|n| n.title.contains("um only: ")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_operator_is_asked_and_the_residual_measured() {
    let rig = heights(12e-6);
    let operator = rig.cx.clone();
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = asked.clone();
    *rig.host.answer.lock().unwrap() = Some(Box::new(move |question| {
        heard.lock().unwrap().push(question.text.clone());
        let (operator, word) = (operator.clone(), question.choices[0].0.clone());
        let second = question.text.contains("FIB picture") && word == "continue";
        async move {
            if second {
                // the operator is 4 um off the mark
                let dy = -12e-6 * 52f64.to_radians().sin() + 4e-6;
                vertical_move(
                    operator,
                    VerticalMove {
                        dy,
                        dx: 0.0,
                        exact: true,
                    },
                )
                .await
                .unwrap();
            }
            word
        }
        .boxed()
    }));
    let found = guided(rig.cx.clone(), Coincidence::default()).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 3, "{asked:?}");
    // 4 um lower in the picture than it should be: too high, less what the film hangs under the bars
    near(
        found.height_error_before_m,
        4e-6 / 52f64.to_radians().sin() - 0.5 * FILM,
        0.5 * FILM,
        "what the operator left",
    );
    assert!(found.accepted, "{found:?}");
    near(
        rig.truth("/coincidence_error_m"),
        0.5 * FILM,
        0.5 * FILM + 0.3e-6,
        &format!("{found:?}"),
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_question_leaves_the_stage() {
    let rig = heights(12e-6);
    *rig.host.answer.lock().unwrap() = Some(Box::new(|_| async { "cancel".to_owned() }.boxed()));
    assert_eq!(
        guided(rig.cx.clone(), Coincidence::default()).await.unwrap_err().kind,
        ErrorKind::Stopped
    );
    assert!(
        !rig.record
            .acts
            .lock()
            .unwrap()
            .iter()
            .any(|a| matches!(a, Act::StageTo { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn the_beam_shift_brings_a_picture_back() {
    for (beam, gain) in [(Beam::Ion, 0.0), (Beam::Electron, 0.05)] {
        let rig = Rig::with(|i| i.twin.errors.beam_shift_gain = gain);
        let before = rig.look(beam, 80e-6).await;
        let from = crate::system::shift_beam(&rig.cx, beam, 0.5e-6, 0.0).await.unwrap();
        near(from.x, 0.5e-6, 1e-12, "shift");
        crate::movement::stable_move(
            rig.cx.clone(),
            crate::movement::StableMove {
                dx: 3e-6,
                dy: -2e-6,
                beam,
                static_wd: false,
            },
        )
        .await
        .unwrap();
        let found = beam_shift(
            rig.cx.clone(),
            AlignBeamShift {
                reference: None,
                beam,
                ..AlignBeamShift::default()
            },
        )
        .await
        .unwrap();
        assert!(found.accepted && found.steps >= 1, "{found:?}");
        near(found.dx_m, -2.5e-6, 0.3e-6, "dx");
        near(found.dy_m, -2e-6, 0.3e-6, "dy");
        let off = shift(&before, &rig.look(beam, 80e-6).await);
        near(off.0.hypot(off.1), 0.0, 0.3e-6, &format!("{found:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn another_scene_and_a_far_one_are_refused_and_nothing_is_shifted() {
    let rig = Rig::new();
    let align = || AlignBeamShift {
        beam: Beam::Electron,
        ..AlignBeamShift::default()
    };
    let none = beam_shift(rig.cx.clone(), align()).await.unwrap_err();
    assert_eq!(none.kind, ErrorKind::Usage, "no picture yet: {none}");
    rig.look(Beam::Electron, 80e-6).await;
    let scene = crate::movement::StableMove {
        dx: 700e-6,
        dy: 333e-6,
        beam: Beam::Electron,
        static_wd: false,
    };
    crate::movement::stable_move(rig.cx.clone(), scene).await.unwrap();
    let error = beam_shift(rig.cx.clone(), align()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Doubtful, "{error}");
    let data = error.data.unwrap();
    assert_eq!(data["accepted"], false);
    assert!(data["reason"].as_str().is_some_and(|r| !r.is_empty()));
    // near the end of its range
    let rig = Rig::new();
    let range = rig.scope.capabilities().electron.as_ref().unwrap().shift;
    let edge = Point {
        x: -(range - 1e-6),
        y: 0.0,
    };
    rig.cx
        .set(Beam::Electron, Key::Shift, Value::Point(edge))
        .await
        .unwrap();
    rig.look(Beam::Electron, 80e-6).await;
    let step = crate::movement::StableMove {
        dx: -4e-6,
        dy: 0.0,
        beam: Beam::Electron,
        static_wd: false,
    };
    crate::movement::stable_move(rig.cx.clone(), step).await.unwrap();
    let error = beam_shift(rig.cx.clone(), align()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutOfRange, "{error}");
    assert_eq!(rig.scope.beam(Beam::Electron).await.unwrap().value.settings.shift, edge);
}
