//! Milling tasks: the order of their stages, pictures after them, drift corrected while they mill, and times foretold.

use super::{Moment, Rig, near};
use crate::milling::{Mill, run};
use hal::Act;
use hal::sim::Faults;
use model::capabilities::MillingControl;
use model::config::instrument::TwinErrors;
use model::{Beam, ImageSettings, Key, MillingSettings, Rect};
use pattern::figure::{Rectangle, Trench};
use pattern::task::{Overtilt, Strategy};
use pattern::{MillingRun, MillingStage, MillingTask, Pattern, StageState};

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

#[tokio::test(start_paused = true)]
async fn pictures_are_taken_before_the_first_and_after_each_stage() {
    let rig = Rig::new();
    let mut task = task(vec![stage("one", 0.74e-9, 0.2e-6), stage("two", 0.74e-9, 0.2e-6)]);
    (task.acquisition.acquire_sem, task.acquisition.acquire_fib) = (true, true);
    let area = Rect {
        left: 0.25,
        top: 0.25,
        width: 0.5,
        height: 0.5,
    };
    task.acquisition.imaging = ImageSettings {
        reduced_area: Some(area),
        line_integration: Some(2),
        frame_integration: Some(3),
        scan_interlacing: Some(2),
        drift_correction: true,
        ..task.acquisition.imaging
    };
    let asked = task.acquisition.imaging.clone();
    run(rig.cx.clone(), mill(task)).await.unwrap();
    let kept = rig.kept();
    let taken: Vec<_> = kept.iter().map(|frame| frame.metadata.as_ref().unwrap()).collect();
    let names: Vec<(&str, Beam)> = taken
        .iter()
        .map(|m| (m.image.filename.as_str(), m.image.beam_type))
        .collect();
    for taken in &taken {
        let as_asked = ImageSettings {
            beam_type: taken.image.beam_type,
            save: true,
            filename: taken.image.filename.clone(),
            ..asked.clone()
        };
        assert_eq!(taken.image, as_asked, "nothing of what was asked for is left out");
    }
    // a picture that is nearly taken is no task that is nearly over
    let told = rig.host.progress.lock().unwrap().clone();
    assert!(told.iter().filter(|(_, text)| text.starts_with("acquire FIB")).count() > 3);
    assert!(told.windows(2).all(|two| two[0].0 <= two[1].0), "{told:?}");
    let wanted = [
        "test_pre-task_14-05-59",
        "test-one_finished_14-05-59",
        "test-two_finished_14-05-59",
    ];
    let wanted: Vec<(&str, Beam)> = wanted
        .iter()
        .flat_map(|name| Beam::ALL.map(|beam| (*name, beam)))
        .collect();
    assert_eq!(names, wanted);
    let imaging = rig.scope.beam(Beam::Ion).await.unwrap().value.settings.beam_current;
    let currents = taken
        .iter()
        .filter_map(|m| Some(m.microscope_state.beam(Beam::Ion)?.beam_current));
    assert!(
        currents.clone().all(|current| current == imaging),
        "{:?}",
        currents.collect::<Vec<_>>()
    );
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

fn stages() -> Vec<MillingStage> {
    vec![
        stage("rough", 0.74e-9, 2e-6),
        stage("fine", 0.2e-9, 0.6e-6),
        stage("polish", 60e-12, 0.2e-6),
    ]
}

/// Runs three stages on this twin. The worst error of the end foretold, as a share of the whole, from a quarter of the time on; and
/// what was told at the end.
async fn foretold(errors: TwinErrors) -> (f64, MillingRun) {
    let rig = Rig::with(|i| i.twin.errors = errors);
    let mut task = task(stages());
    task.alignment.enabled = true;
    let done = run(rig.cx.clone(), mill(task)).await.unwrap();
    let told = rig.host.milling.lock().unwrap().clone();
    let whole = done.elapsed;
    for pair in told.windows(2) {
        let (before, now) = (&pair[0], &pair[1]);
        assert!(now.dose <= now.planned_dose * (1.0 + 1e-9), "{now:?}");
        let moved = now.fraction - before.fraction;
        assert!(moved >= 0.0, "the bar goes back: {before:?} {now:?}");
        assert!(
            moved > 0.0 || now.fraction > 0.999 || now.elapsed <= before.elapsed,
            "the bar stands still: {before:?} {now:?}"
        );
    }
    near(
        done.dose,
        done.planned_dose,
        1e-6 * done.dose,
        "all that was planned is told in the end",
    );
    let late = told.iter().filter(|run| !run.ended && run.elapsed >= 0.25 * whole);
    let errors: Vec<f64> = late
        .map(|run| (run.elapsed + run.remaining - whole).abs() / whole)
        .collect();
    assert!(errors.len() > 100, "{}", errors.len());
    (errors.into_iter().fold(0.0, f64::max), done)
}

#[tokio::test(start_paused = true)]
async fn the_end_is_foretold_within_a_tenth_from_a_quarter_on() {
    let errors = |overhead: f64| TwinErrors {
        // patterns take longer, more current flows than is read, and another current shifts the picture
        patterning_overhead: overhead,
        current: 0.2,
        current_offset: 0.3e-6,
        ..TwinErrors::default()
    };
    for overhead in [0.0, 0.5, 1.0] {
        let (worst, done) = foretold(errors(overhead)).await;
        let first = done.estimate_error.unwrap();
        assert!(
            worst <= 0.1,
            "overhead {overhead}: {worst:.3}, first estimate {first:.3}"
        );
        near(
            first,
            done.estimated / done.elapsed - 1.0,
            1e-9,
            "the first estimate's error is told",
        );
        for (stage, planned) in done.stages.iter().zip(stages()) {
            // the twin takes longer than it says itself
            let wanted = stage.estimated * (1.0 + overhead);
            near(stage.beam_time, wanted, 0.03 * wanted, "beam time by the clock");
            // the first estimate knows the instrument's own rates: what it lacks is the overhead
            let error = stage.estimate_error.unwrap();
            near(
                error,
                1.0 / (1.0 + overhead) - 1.0,
                0.02,
                "the error of a stage's first estimate",
            );
            let table = pattern::estimate::stage_time(&planned, MillingControl::Current) / stage.beam_time - 1.0;
            assert!(
                error > table + 0.1,
                "by the table of rates: {table:.2}, by its own {error:.2}"
            );
        }
    }
}

/// What the twin says was planned of every load, and what was delivered, C.
fn planned(rig: &Rig) -> f64 {
    let truth = rig.world.truth();
    let all = truth["milling"].as_array().unwrap();
    all.iter().map(|p| p["planned_dose_c"].as_f64().unwrap()).sum()
}

#[tokio::test(start_paused = true)]
async fn what_a_cut_off_task_left_is_milled_once_and_no_more() {
    let trench = |overtilt: bool| {
        let mut task = overtilted();
        if !overtilt {
            task.stages[0].strategy = Strategy::Standard;
        }
        task.stages.insert(0, stage("first", 0.74e-9, 0.1e-6));
        task.stages.push(stage("last", 0.74e-9, 0.1e-6));
        task
    };
    for overtilt in [false, true] {
        let whole = {
            let rig = Rig::new();
            run(rig.cx.clone(), mill(trench(overtilt))).await.unwrap();
            delivered(&rig)
        };
        let rig = Rig::new();
        // while the second pattern is drawn
        let release = rig.release.clone();
        let (record, seen) = (rig.record.clone(), std::sync::atomic::AtomicBool::new(false));
        tokio::spawn({
            let scope = rig.scope.clone();
            async move {
                loop {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    let starts = record
                        .acts
                        .lock()
                        .unwrap()
                        .iter()
                        .filter(|act| matches!(act, Act::PatternStart { .. }))
                        .count();
                    if starts == 2 && scope.patterning().await.unwrap().value.fraction() > 0.3 {
                        seen.store(true, std::sync::atomic::Ordering::SeqCst);
                        return release.cancel();
                    }
                }
            }
        });
        run(rig.cx.clone(), mill(trench(overtilt))).await.unwrap_err();
        let told = rig.host.milling.lock().unwrap().last().unwrap().clone();
        let left = *told.unfinished.expect("what is missing is known");
        let on: Vec<bool> = left.task.stages.iter().map(|stage| stage.enabled).collect();
        assert_eq!(
            (on.as_slice(), left.rest.stage),
            (&[false, true, true][..], 1),
            "overtilt {overtilt}"
        );
        let part = delivered(&rig);
        assert!(part < 0.9 * whole && part < planned(&rig), "{part:e} of {whole:e}");
        let cx = rig.again();
        run(
            cx,
            Mill {
                task: left.task,
                rest: Some(left.rest),
                path: None,
                gas: None,
            },
        )
        .await
        .unwrap();
        near(
            delivered(&rig),
            whole,
            0.01 * whole,
            &format!("overtilt {overtilt}: all of it, once"),
        );
        assert!(rig.host.milling.lock().unwrap().last().unwrap().unfinished.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_spot_is_burned_only_with_the_current_that_was_asked_for() {
    use crate::milling::{SpotBurn, spot_burn};
    let spots = |current: f64, preset: Option<&str>| SpotBurn {
        coordinates: vec![model::Point { x: 0.5, y: 0.5 }],
        exposure_time: 2.0,
        milling_current: current,
        preset: preset.map(str::to_owned),
        beam: Beam::Ion,
    };
    let rig = Rig::new();
    let before = rig.scope.beam(Beam::Ion).await.unwrap().value.settings.beam_current;
    // between two of the column's currents: it reads more than a tenth off
    let refused = spot_burn(rig.cx.clone(), spots(0.55e-9, None)).await.unwrap_err();
    assert!(refused.what.contains("nothing was burned"), "{refused}");
    assert_eq!(delivered(&rig), 0.0);
    let refused = spot_burn(rig.again(), spots(60e-12, Some("30 keV; 2 nA")))
        .await
        .unwrap_err();
    assert!(refused.what.contains("by current"), "{refused}");
    spot_burn(rig.again(), spots(0.2e-9, None)).await.unwrap();
    near(delivered(&rig), 0.2e-9 * 2.0, 1e-12, "dose");
    let after = rig.scope.beam(Beam::Ion).await.unwrap().value.settings.beam_current;
    near(after, before, 1e-15, "current put back");

    let rig = Rig::with(|i| i.twin.stage = Some(model::StageKind::ChamberFixed));
    let refused = spot_burn(rig.cx.clone(), spots(3.3e-15, None)).await.unwrap_err();
    assert!(refused.hint.contains("30 keV; 2 nA"), "{refused}");
    for (current, preset) in [(2e-9, None), (60e-12, Some("30 keV; 2 nA"))] {
        let dose = delivered(&rig);
        spot_burn(rig.again(), spots(current, preset)).await.unwrap();
        near(delivered(&rig) - dose, 2e-9 * 2.0, 1e-12, "dose by preset");
    }
}

/// Two trenches, each with the stage tilted its own way.
fn overtilted() -> MillingTask {
    let trench = Trench {
        width: 4e-6,
        depth: 0.1e-6,
        spacing: 1e-6,
        upper_trench_height: 2e-6,
        lower_trench_height: 1e-6,
        ..Trench::default()
    };
    let mut task = task(vec![MillingStage {
        pattern: Pattern::new(trench),
        strategy: Strategy::Overtilt(Overtilt {
            image_resolution: (768, 512),
            ..Overtilt::default()
        }),
        ..stage("polish", 0.74e-9, 0.1e-6)
    }]);
    task.alignment.rect = Rect {
        left: 0.7,
        top: 0.3,
        width: 0.25,
        height: 0.4,
    };
    task
}

/// Which act of a run begins to draw for the second time, from 1, and where the stage stood at each beginning.
fn second_start(rig: &Rig) -> (usize, Vec<f64>) {
    let acts = rig.record.acts.lock().unwrap();
    let (mut tilt, mut starts, mut tilts) = (f64::NAN, Vec::new(), Vec::new());
    for (i, act) in acts.iter().enumerate() {
        match act {
            Act::StageTo { target } => tilt = target.t.unwrap_or(tilt),
            Act::PatternStart { .. } => {
                starts.push(i + 1);
                tilts.push(tilt);
            }
            _ => {}
        }
    }
    (starts[1], tilts)
}

async fn tilt(rig: &Rig) -> f64 {
    rig.scope.stage().await.unwrap().value.pose.t
}

#[tokio::test(start_paused = true)]
async fn overtilt_brings_the_tilt_back_however_it_ends() {
    let rig = Rig::new();
    let home = tilt(&rig).await;
    let done = run(rig.cx.clone(), mill(overtilted())).await.unwrap();
    near(tilt(&rig).await, home, 1e-6, "done");
    let (second, tilts) = second_start(&rig);
    let by = Overtilt::default().overtilt.to_radians();
    assert_eq!(tilts.len(), 2);
    near(tilts[0], home - by, 1e-9, "the upper trench");
    near(tilts[1], home + by, 1e-9, "the lower trench");
    let told = rig.host.milling.lock().unwrap().clone();
    for pair in told.windows(2) {
        let (before, now) = (&pair[0], &pair[1]);
        assert!(
            now.stages[0].fraction >= before.stages[0].fraction,
            "{before:?} {now:?}"
        );
        assert!(now.dose <= now.planned_dose * (1.0 + 1e-9), "{now:?}");
    }
    near(
        done.dose,
        rig.truth("/milling/0/delivered_dose_c") + rig.truth("/milling/1/delivered_dose_c"),
        1e-3 * done.dose,
        "dose",
    );

    // the job is ended, the beam trips, and the red button, each while the second trench is drawn
    let rig = Rig::new();
    let release = rig.release.clone();
    rig.inject(Moment::Intent, second, move || release.cancel());
    run(rig.cx.clone(), mill(overtilted())).await.unwrap_err();
    near(tilt(&rig).await, home, 1e-6, "job ended");
    assert_eq!(rig.cx.debts.take(), []);

    let rig = Rig::new();
    let world = rig.world.clone();
    rig.inject(Moment::Intent, second, move || {
        world.set_faults(Faults::parse("- {at: 0, kind: beam-trip, beam: ion}").unwrap());
    });
    let error = run(rig.cx.clone(), mill(overtilted())).await.unwrap_err();
    near(tilt(&rig).await, home, 1e-6, &error.what);

    let rig = Rig::new();
    let scope = rig.scope.clone();
    rig.inject(Moment::Intent, second, move || scope.stop().unwrap());
    run(rig.cx.clone(), mill(overtilted())).await.unwrap_err();
    near(tilt(&rig).await, home + by, 1e-6, "nothing moves");
    let owed: Vec<String> = rig.cx.debts.take().iter().map(|debt| debt.what.to_string()).collect();
    assert!(owed.iter().any(|what| what == "the stage's tilt"), "{owed:?}");
}
