//! The needle by pictures and by guided procedures: every answer, cancel, errors and ends at every act.

use super::{Moment, Rig, near};
use crate::manipulator::{self, Corrected, Insert, Prepare, Reset, Sharpen};
use crate::{JobCx, JobError, Question};
use futures::FutureExt;
use futures::future::BoxFuture;
use hal::sim::Faults;
use model::{Axis, Beam, ChamberPhase, ErrorKind, Key, Point, Pose, Value};
use nalgebra::Vector3;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Where the needle really ends, in the chamber (m).
fn tip(rig: &Rig) -> Vector3<f64> {
    let truth = rig.world.truth();
    let at: Vec<f64> = serde_json::from_value(truth["needle"]["tip_m"].clone()).unwrap();
    Vector3::new(at[0], at[1], at[2])
}

/// A way in the chamber as a picture shows it, right and up.
fn seen(way: Vector3<f64>, beam: Beam, scan_rotation: f64) -> Point {
    let tilt = if beam == Beam::Ion { 52f64.to_radians() } else { 0.0 };
    let (sin, cos) = tilt.sin_cos();
    let unturned = Point {
        x: way.x,
        y: way.y * cos - way.z * sin,
    };
    model::kinematics::scan::to_picture(unturned, scan_rotation)
}

#[tokio::test(start_paused = true)]
async fn a_corrected_move_shows_the_same_on_a_turned_scan() {
    for beam in Beam::ALL {
        let mut first = None;
        for turn in [0.0, 90.0, 180.0, 33.0] {
            let rig = Rig::new();
            manipulator::insert(rig.cx.clone(), Insert::default()).await.unwrap();
            let turn = f64::to_radians(turn);
            rig.cx.set(beam, Key::ScanRotation, Value::Number(turn)).await.unwrap();
            let before = tip(&rig);
            let by = Corrected {
                dx: 3e-6,
                dy: 5e-6,
                beam,
                confirmed: true,
            };
            manipulator::move_corrected(rig.cx.clone(), by).await.unwrap();
            let shown = seen(tip(&rig) - before, beam, turn);
            let wanted = *first.get_or_insert(shown);
            near(shown.x, wanted.x, 1e-11, "right");
            near(shown.y, wanted.y, 1e-11, "up");
        }
        let shown = first.unwrap();
        near(shown.x, 3e-6, 1e-11, "right is right");
        let up = if beam == Beam::Electron {
            5e-6
        } else {
            -5e-6 * 52f64.to_radians().sin()
        };
        near(shown.y, up, 1e-11, "by ions dy is the height");
    }
}

/// Answers in this order, then for ever the last; the questions asked are kept.
fn answering(rig: &Rig, answers: &[&str]) -> Arc<Mutex<Vec<Question>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    let left: Mutex<VecDeque<String>> = Mutex::new(answers.iter().map(|a| (*a).to_owned()).collect());
    *rig.host.answer.lock().unwrap() = Some(Box::new(move |question| {
        kept.lock().unwrap().push(question.clone());
        let mut left = left.lock().unwrap();
        let answer = match left.len() {
            1 => left[0].clone(),
            _ => left.pop_front().unwrap(),
        };
        assert!(
            question.choices.iter().any(|(word, _)| *word == answer),
            "{answer}: {question:?}"
        );
        async move { answer }.boxed()
    }));
    asked
}

/// Where the stage stands by its own word.
async fn home(rig: &Rig) -> Pose {
    rig.scope.stage().await.unwrap().value.pose
}

/// Nothing of a procedure is left: the needle out, the stage where it was, no pattern, nothing owed.
async fn is_as_before(rig: &Rig, pose: &Pose, what: &str) {
    assert!(!rig.scope.manipulator().await.unwrap().value.inserted, "{what}");
    let now = home(rig).await;
    for axis in Axis::ALL {
        near(now.get(axis), pose.get(axis), 1e-9, what);
    }
    assert!(!rig.scope.patterning().await.unwrap().value.phase.is_active(), "{what}");
    assert_eq!(rig.cx.debts.take(), [], "{what}");
}

type Procedure = fn(JobCx) -> BoxFuture<'static, Result<(), JobError>>;

const PROCEDURES: &[(&str, Procedure)] = &[
    ("reset", |cx| {
        manipulator::reset(cx, Reset::default()).map(|r| r.map(drop)).boxed()
    }),
    ("sharpen", |cx| {
        manipulator::sharpen(cx, Sharpen::default())
            .map(|r| r.map(drop))
            .boxed()
    }),
    ("prepare", |cx| {
        manipulator::prepare(cx, Prepare::default())
            .map(|r| r.map(drop))
            .boxed()
    }),
];

#[tokio::test(start_paused = true)]
async fn reset_brings_the_tip_where_both_pictures_have_their_middle() {
    let rig = Rig::new();
    let pose = home(&rig).await;
    // up and right once each in the first electron picture, down once in the first ion picture
    let asked = answering(&rig, &["start", "up", "right", "again", "centred", "down", "centred"]);
    let found = manipulator::reset(rig.cx.clone(), Reset::default()).await.unwrap();
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1 + 4 + 2 + 2, "two fields, two beams");
    let words = |n: usize| {
        asked[n]
            .choices
            .iter()
            .map(|(word, _)| word.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(words(0), ["start", "cancel"]);
    assert_eq!(words(1), ["centred", "again", "up", "down", "left", "right", "cancel"]);
    assert_eq!(
        words(5),
        ["centred", "again", "up", "down", "cancel"],
        "sideways by electrons only"
    );
    // a tenth of 400 um each: as the electron picture shows it, and as the ion picture does
    near(found.position.x, 40e-6, 1e-9, "right");
    let (sin, cos) = pose.t.sin_cos();
    let (across, height) = (
        found.position.y * cos + found.position.z * sin,
        found.position.z * cos - found.position.y * sin,
    );
    near(across, 40e-6, 1e-9, "up in the electron picture");
    near(
        height,
        40e-6 / 52f64.to_radians().sin(),
        1e-9,
        "down in the ion picture is up in the chamber",
    );
    is_as_before(&rig, &pose, "reset").await;
    assert_eq!(rig.kept().len(), 3 + 1 + 2 + 2);
}

#[tokio::test(start_paused = true)]
async fn sharpening_mills_the_tip_thinner_and_puts_the_beam_back() {
    let rig = Rig::new();
    let pose = home(&rig).await;
    let before = rig.scope.beam(Beam::Ion).await.unwrap().value.settings;
    let new = rig.truth("/needle/tip_radius_m");
    let asked = answering(
        &rig,
        &[
            "start", "centred", "centred", "centred", "centred", "mill", "done", "centred",
        ],
    );
    let params = Sharpen {
        angle: 31.5f64.to_radians(),
        ..Sharpen::default()
    };
    let found = manipulator::sharpen(rig.cx.clone(), params).await.unwrap();
    assert_eq!(found.milled.len(), 1);
    assert!(found.milled[0].dose > 0.0);
    assert_eq!(
        asked.lock().unwrap().len(),
        1 + 4 + 2 + 2,
        "centred again in the narrow field"
    );
    let (sharp, worn) = (rig.truth("/needle/tip_radius_m"), rig.truth("/needle/worn_m"));
    assert!(sharp < 0.7 * new && worn < 3e-6, "{new} {sharp} {worn}");
    let after = rig.scope.beam(Beam::Ion).await.unwrap().value.settings;
    assert_eq!((after.beam_current, after.shift), (before.beam_current, before.shift));
    is_as_before(&rig, &pose, "sharpen").await;
}

#[tokio::test(start_paused = true)]
async fn a_tip_that_is_good_is_not_milled() {
    let rig = Rig::new();
    answering(&rig, &["start", "centred", "centred", "centred", "centred", "done"]);
    let found = manipulator::sharpen(rig.cx.clone(), Sharpen::default()).await.unwrap();
    assert_eq!(found.milled, []);
    assert_eq!(rig.truth("/needle/worn_m"), 0.0);
    assert!(rig.truth("/dose_c/ion") > 0.0, "pictures were taken");
}

#[tokio::test(start_paused = true)]
async fn preparing_cuts_the_end_off_on_a_level_stage() {
    let rig = Rig::new();
    let pose = home(&rig).await;
    let asked = answering(
        &rig,
        &[
            "start", "centred", "centred", "centred", "centred", "mill", "done", "centred",
        ],
    );
    // where it is prepared the ion picture shows the tip eight micrometres low, and nobody moved it to the middle
    let params = Prepare {
        point: Point { x: -10e-6, y: -12e-6 },
        ..Prepare::default()
    };
    let found = manipulator::prepare(rig.cx.clone(), params).await.unwrap();
    assert_eq!(found.milled.len(), 1);
    assert!(asked.lock().unwrap()[6].text.contains("once more"));
    near(found.position.z, 10e-6, 1e-9, "above its working position");
    let worn = rig.truth("/needle/worn_m");
    assert!((9e-6..15e-6).contains(&worn), "{worn}");
    is_as_before(&rig, &pose, "prepare").await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_at_any_question_the_needle_goes_out_and_the_stage_comes_back() {
    // preparing asks what sharpening asks
    for (name, procedure) in &PROCEDURES[..2] {
        for number in 0.. {
            let rig = Rig::new();
            let pose = home(&rig).await;
            let mut answers: Vec<&str> = vec!["start", "centred", "centred", "centred", "centred"];
            if *name != "reset" {
                answers.extend(["mill", "done", "centred", "centred"]);
            }
            if number == answers.len() {
                break;
            }
            answers[number] = "cancel";
            answers.truncate(number + 1);
            answering(&rig, &answers);
            let error = procedure(rig.cx.clone()).await.unwrap_err();
            let what = format!("{name}, question {number}: {error}");
            assert_eq!(error.kind, ErrorKind::Stopped, "{what}");
            is_as_before(&rig, &pose, &what).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ended_at_any_act_the_needle_goes_out_and_the_stage_comes_back() {
    let answers = [
        "start", "centred", "centred", "centred", "centred", "mill", "done", "centred",
    ];
    let (name, procedure) = PROCEDURES[1];
    let rig = Rig::new();
    answering(&rig, &answers);
    procedure(rig.cx.clone()).await.unwrap();
    // the last two put needle and stage back; the first bring the needle in, of the others every fifth is tried
    let acts = rig.record.count();
    for number in (1..6).chain((6..acts - 1).step_by(5)) {
        let rig = Rig::new();
        let pose = home(&rig).await;
        answering(&rig, &answers);
        let release = rig.release.clone();
        rig.inject(Moment::Intent, number, move || release.cancel());
        let what = format!("{name}, act {number}: {:?}", procedure(rig.cx.clone()).await);
        is_as_before(&rig, &pose, &what).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_red_button_the_needle_stays_where_it_is() {
    let rig = Rig::new();
    answering(&rig, &["start", "centred"]);
    let scope = rig.scope.clone();
    // stage down, needle in, needle to its place, a picture
    rig.inject(Moment::Outcome, 4, move || scope.stop().unwrap());
    let error = manipulator::reset(rig.cx.clone(), Reset::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stopped);
    let (needle, pose) = (tip(&rig), home(&rig).await);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!((tip(&rig), home(&rig).await), (needle, pose));
    let owed: Vec<String> = rig.cx.debts.take().into_iter().map(|debt| debt.what).collect();
    assert_eq!(
        owed,
        ["the needle", "the stage"],
        "in the order in which they are put back"
    );
}

#[tokio::test(start_paused = true)]
async fn a_needle_that_does_not_follow_ends_the_procedure() {
    let rig = Rig::new();
    answering(&rig, &["start", "centred"]);
    rig.world.set_faults(Faults::find("stuck-needle").unwrap());
    let error = manipulator::reset(rig.cx.clone(), Reset::default()).await.unwrap_err();
    assert!(error.what.contains("did not follow"), "{error}");
    // it could not be taken out, so the stage stays away from it, and both stay owed
    let owed: Vec<String> = rig.cx.debts.take().iter().map(|debt| debt.what.to_string()).collect();
    assert_eq!(owed, ["the needle", "the stage"]);
}

#[tokio::test(start_paused = true)]
async fn a_procedure_needs_both_beams_and_a_needle_that_is_calibrated() {
    let rig = Rig::new();
    crate::system::power(rig.cx.clone(), vec![Beam::Ion], false)
        .await
        .unwrap();
    let before = rig.record.count();
    for (name, procedure) in PROCEDURES {
        let error = procedure(rig.cx.clone()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Interlock, "{name}: {error}");
    }
    let wrong = Sharpen {
        tip_angle: 0.0,
        ..Sharpen::default()
    };
    let error = manipulator::sharpen(rig.cx.clone(), wrong).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutOfRange);
    assert_eq!(rig.record.count(), before, "nothing was begun");
}

#[tokio::test(start_paused = true)]
async fn an_exchange_vents_when_told_and_pumps_when_told() {
    let rig = Rig::new();
    manipulator::insert(rig.cx.clone(), Insert::default()).await.unwrap();
    answering(&rig, &["vent", "pump"]);
    let done = manipulator::exchange(rig.cx.clone()).await.unwrap();
    assert!(done.pumped && done.chamber.phase == ChamberPhase::Pumped, "{done:?}");
    assert_eq!(rig.world.truth()["needle"]["inserted"], false);
    for beam in Beam::ALL {
        assert!(
            !rig.scope.beam(beam).await.unwrap().value.on,
            "nothing turns a beam on by itself"
        );
    }
    assert!(rig.host.notices.lock().unwrap()[0].hint.contains("calibrate"));

    for (answers, vented) in [
        (&["cancel"][..], false),
        (&["vent", "cancel"], true),
        (&["vent", "leave"], true),
    ] {
        let rig = Rig::new();
        answering(&rig, answers);
        let ended = manipulator::exchange(rig.cx.clone()).await;
        let state = rig.scope.chamber().await.unwrap().value;
        assert_eq!(state.phase == ChamberPhase::Vented, vented, "{answers:?}");
        assert_eq!(ended.is_ok(), answers.last() == Some(&"leave"), "{answers:?}");
        assert_eq!(
            rig.scope.beam(Beam::Electron).await.unwrap().value.on,
            !vented,
            "{answers:?}"
        );
    }
}
