//! Milling tasks: the order of their stages, and drift corrected while they mill.

use super::{Rig, near};
use crate::milling::{Mill, run};
use hal::Act;
use model::{ImageSettings, Key, MillingSettings, Rect};
use pattern::figure::Rectangle;
use pattern::{MillingStage, MillingTask, Pattern, StageState};

fn stage(name: &str, current: f64, depth: f64) -> MillingStage {
    MillingStage {
        name: name.to_owned(),
        milling: MillingSettings {
            milling_current: current,
            ..MillingSettings::default()
        },
        pattern: Pattern::new(Rectangle {
            width: 8e-6,
            height: 4e-6,
            depth,
            ..Rectangle::default()
        }),
        ..MillingStage::default()
    }
}

fn task(stages: Vec<MillingStage>) -> MillingTask {
    let mut task = MillingTask {
        name: "test".to_owned(),
        field_of_view: 80e-6,
        stages,
        ..MillingTask::default()
    };
    task.alignment.enabled = false;
    task.alignment.rect = Rect {
        left: 0.1,
        top: 0.1,
        width: 0.8,
        height: 0.8,
    };
    task.alignment.imaging = ImageSettings {
        resolution: (768, 512),
        ..ImageSettings::default()
    };
    task.acquisition.acquire_final_image = false;
    task.acquisition.imaging = ImageSettings {
        resolution: (384, 256),
        ..ImageSettings::default()
    };
    task
}

fn mill(task: MillingTask) -> Mill {
    Mill {
        task,
        path: None,
        gas: None,
        rest: None,
    }
}

/// Which current each pattern was started with.
fn started(rig: &Rig) -> Vec<f64> {
    let acts = rig.record.acts.lock().unwrap();
    let current = |act: &Act| match act {
        Act::PatternStart { current, .. } => *current,
        _ => None,
    };
    acts.iter().filter_map(current).collect()
}

/// Charge delivered, C, by everything that was drawn.
fn delivered(rig: &Rig) -> f64 {
    let truth = rig.world.truth();
    let all = truth["milling"].as_array().unwrap();
    all.iter().map(|p| p["delivered_dose_c"].as_f64().unwrap()).sum()
}

#[tokio::test(start_paused = true)]
async fn stages_are_milled_in_their_order_and_those_that_are_off_are_not() {
    let rig = Rig::new();
    let mut task = task(vec![
        stage("a", 0.2e-9, 0.3e-6),
        stage("b", 0.74e-9, 0.3e-6),
        stage("c", 2e-9, 0.3e-6),
    ]);
    task.reorder(2, 0).unwrap();
    task.duplicate(1).unwrap();
    task.stage_mut(3).unwrap().enabled = false;
    let names: Vec<&str> = task.stages.iter().map(|s| s.name.as_str()).collect();
    assert_eq!((names[0], names[1], names[3]), ("c", "a", "b"));
    let done = run(rig.cx.clone(), mill(task)).await.unwrap();
    assert_eq!(started(&rig), [2e-9, 0.2e-9, 0.2e-9]);
    let states: Vec<StageState> = done.stages.iter().map(|s| s.state).collect();
    assert_eq!(
        states,
        [StageState::Done, StageState::Done, StageState::Done, StageState::Off]
    );
    let charge = delivered(&rig);
    near(done.dose, charge, 1e-3 * charge, "dose as told and as delivered");
}

/// Mills for a few minutes on a sample that drifts by 2 nm/s; how far (m) the beam shift had gone when the last pattern began, how
/// often patterns were started, and the charge delivered.
async fn drifting(interval: bool) -> (f64, usize, f64) {
    let rig = Rig::with(|i| i.twin.errors.drift = (2e-9, 0.0, 0.0));
    let mut task = task(vec![stage("long", 0.2e-9, 1e-6)]);
    task.alignment.enabled = true;
    (task.alignment.interval_enabled, task.alignment.interval) = (interval, 60);
    run(rig.cx.clone(), mill(task)).await.unwrap();
    let acts = rig.record.acts.lock().unwrap();
    let last = acts
        .iter()
        .rposition(|act| matches!(act, Act::PatternStart { .. }))
        .unwrap();
    let shifted = acts[..last].iter().rev().find_map(|act| match act {
        Act::BeamSet {
            key: Key::Shift,
            value: model::Value::Point(at),
            ..
        } => Some(at.x.hypot(at.y)),
        _ => None,
    });
    let starts = acts
        .iter()
        .filter(|act| matches!(act, Act::PatternStart { .. }))
        .count();
    (shifted.unwrap_or(0.0), starts, delivered(&rig))
}

#[tokio::test(start_paused = true)]
async fn drift_is_corrected_at_intervals_and_nothing_is_dosed_twice() {
    let (without, once, whole) = drifting(false).await;
    assert_eq!(once, 1);
    let (with, starts, pieces) = drifting(true).await;
    assert!(starts >= 3, "{starts}");
    near(pieces, whole, 0.01 * whole, "dose in pieces");
    // the last correction came after two thirds of the time: a drift of more than a hundred nanometres by then
    assert!(with > without + 150e-9, "{with:e} {without:e}");
}
