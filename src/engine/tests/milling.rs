//! Milling by commands alone: errors, stop, pause, what is owed.

use super::Here;
use crate::command::parse;
use model::{Beam, ErrorKind, PatterningPhase};
use pattern::StageState;
use serde_json::{Value, json};
use std::time::Duration;

/// Rough, fine and polish of one lamella.
fn lamella() -> Value {
    let stage = |name: &str, current: f64, spacing: f64, height: f64, section: &str| {
        json!({
            "name": name,
            "milling": {"milling_current": current, "milling_voltage": 30e3, "application_file": "Si"},
            "pattern": {
                "name": "Trench", "width": 10e-6, "depth": 1.5e-6, "spacing": spacing, "upper_trench_height": height,
                "lower_trench_height": height, "cross_section": section,
            },
            "strategy": {"name": "Standard", "config": {}},
        })
    };
    json!({
        "name": "lamella", "field_of_view": 80e-6, "channel": "ION",
        "alignment": {"enabled": false, "rect": {"left": 0.7, "top": 0.3, "width": 0.25, "height": 0.4}},
        "acquisition": {"acquire_sem": false, "acquire_fib": false, "acquire_final_image": false},
        "stages": [
            stage("rough", 0.74e-9, 3e-6, 3e-6, "Rectangle"),
            stage("fine", 0.2e-9, 1.2e-6, 1.5e-6, "Rectangle"),
            stage("polish", 60e-12, 0.4e-6, 0.8e-6, "CleaningCrossSection"),
        ],
    })
}

fn load(task: &Value) -> String {
    format!("milling.load task='{task}'")
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_cannot_be_milled_ends_the_task_and_the_beam_is_as_it_was() {
    let here = Here::connected(|_| {}).await;
    let mut task = lamella();
    // between two of the column's currents: it reads more than a tenth off
    task["stages"][0]["milling"]["milling_current"] = json!(0.55e-9);
    here.run(&load(&task)).await.unwrap();
    let before = here.core.snapshot().ion.clone().unwrap().value.settings;
    let failure = here.run("milling.run").await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Interlock, "{failure}");
    assert!(
        failure.title.contains("rough") && failure.title.contains("nothing was milled"),
        "{failure}"
    );
    let run = here.core.snapshot().milling.clone().unwrap();
    let states: Vec<StageState> = run.stages.iter().map(|s| s.state).collect();
    assert_eq!(states, [StageState::Failed, StageState::Waiting, StageState::Waiting]);
    assert_eq!(run.dose, 0.0);
    let after = here.core.scope().unwrap().beam(Beam::Ion).await.unwrap().value.settings;
    assert_eq!(
        (after.beam_current, after.voltage, after.shift),
        (before.beam_current, before.voltage, before.shift)
    );
    assert!(
        here.core
            .scope()
            .unwrap()
            .patterning()
            .await
            .unwrap()
            .value
            .done
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_red_button_nothing_moves_and_the_way_back_is_offered() {
    let here = Here::connected(|_| {}).await;
    here.run(&load(&lamella())).await.unwrap();
    let scope = here.core.scope().unwrap();
    let current = async || scope.beam(Beam::Ion).await.unwrap().value.settings.beam_current;
    let before = current().await;
    let run = here.link.run(parse::line("milling.run").unwrap());
    let press = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(scope.patterning().await.unwrap().value.phase, PatterningPhase::Running);
        here.core.press("test");
    };
    let (ended, ()) = tokio::join!(run, press);
    assert_eq!(ended.unwrap_err().kind, ErrorKind::Stopped);
    let ion = scope.beam(Beam::Ion).await.unwrap().value;
    assert!(
        ion.blanked && ion.settings.beam_current != before,
        "nothing is put back by itself"
    );
    assert!(!scope.patterning().await.unwrap().value.phase.is_active());
    assert!(
        here.core.snapshot().owed.iter().any(|what| what.contains("current")),
        "{:?}",
        here.core.snapshot().owed
    );
    here.run("job.restore").await.unwrap();
    assert_eq!(current().await, before);
    assert_eq!(here.core.snapshot().owed, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_job_puts_the_beam_back_and_a_paused_one_mills_on() {
    let here = Here::connected(|_| {}).await;
    here.run(&load(&lamella())).await.unwrap();
    let scope = here.core.scope().unwrap();
    let before = scope.beam(Beam::Ion).await.unwrap().value.settings.beam_current;
    let run = here.link.run(parse::line("milling.run stages=1").unwrap());
    let meddle = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        here.run("milling.pause").await.unwrap();
        let done = scope.patterning().await.unwrap().value;
        assert_eq!(done.phase, PatterningPhase::Paused);
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(
            scope.patterning().await.unwrap().value.elapsed,
            done.elapsed,
            "a pause takes no beam time"
        );
        here.run("milling.resume").await.unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert!(scope.patterning().await.unwrap().value.elapsed > done.elapsed);
        here.run("job.stop").await.unwrap();
    };
    let (ended, ()) = tokio::join!(run, meddle);
    assert_eq!(ended.unwrap_err().kind, ErrorKind::Stopped);
    assert_eq!(scope.beam(Beam::Ion).await.unwrap().value.settings.beam_current, before);
    assert_eq!(here.core.snapshot().owed, Vec::<String>::new());
}
