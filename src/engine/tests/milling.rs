//! Milling by commands alone: a lamella and what is true of it, drift, errors, stop, pause, what is owed.

use super::{Bench, Here};
use crate::command::parse;
use model::{Beam, ErrorKind, PatterningPhase};
use pattern::StageState;
use serde_json::{Value, json};
use std::time::Duration;

/// Rough, fine and polish of one lamella, 0.4 um thick and 10 um wide.
fn lamella() -> Value {
    lamella_of(10e-6)
}

/// The same of another width (m): what it costs to mill goes with it.
fn lamella_of(width: f64) -> Value {
    let stage = |name: &str, current: f64, spacing: f64, height: f64, section: &str| {
        json!({
            "name": name,
            "milling": {"milling_current": current, "milling_voltage": 30e3, "application_file": "Si"},
            "pattern": {
                "name": "Trench", "width": width, "depth": 1.5e-6, "spacing": spacing, "upper_trench_height": height,
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

/// What is true after this task was milled at 15 deg while the sample drifted by so much (m/s).
fn milled(task: &Value, drift: f64) -> Value {
    let bench = Bench::with(|o| o.instrument.twin.errors.drift = (0.0, drift, 0.0));
    let lines = [
        "system.connect",
        "stage.milling-angle angle=15deg",
        &load(task),
        "milling.run",
    ];
    bench.lines(&lines).unwrap();
    bench.lines(&["truth"]).unwrap()
}

/// Of the lamella that stands nearest to the middle of the field: its thinnest place and how far from the middle it stands (m).
fn standing(truth: &Value) -> (f64, f64) {
    let sites = truth["sites"].as_array().unwrap().iter();
    let all = sites.filter(|site| site["kind"] == "lamella");
    let found = all.map(|site| {
        (
            site["thickness_m"]["min"].as_f64().unwrap(),
            site["at_m"][1].as_f64().unwrap().abs(),
        )
    });
    found.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

#[test]
fn a_lamella_is_as_thick_as_its_pattern_says() {
    let truth = milled(&lamella(), 0.0);
    let (thick, off) = standing(&truth);
    assert!((thick / 0.4e-6 - 1.0).abs() < 0.1 && off < 0.15e-6, "{thick:e} {off:e}");
    let patterns = truth["milling"].as_array().unwrap();
    assert_eq!(patterns.len(), 6);
    for pattern in patterns {
        let dose = |key: &str| pattern[key].as_f64().unwrap();
        let rate = dose("delivered_dose_c") / dose("planned_dose_c");
        assert!((rate - 1.0).abs() < 1e-6, "{pattern}");
    }
}

#[test]
fn on_a_sample_that_drifts_only_an_aligned_lamella_comes_out_right() {
    const DRIFT: f64 = 2.2e-9;
    let mut task = lamella_of(5e-6);
    for (stage, current) in task["stages"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip([2e-9, 0.74e-9, 0.2e-9])
    {
        stage["milling"]["milling_current"] = json!(current);
    }
    let (thick, off) = standing(&milled(&task, DRIFT));
    assert!(off > 0.4e-6, "beside where it was planned: {off:e} {thick:e}");
    let alignment = &mut task["alignment"];
    alignment["enabled"] = json!(true);
    alignment["interval_enabled"] = json!(true);
    alignment["interval"] = json!(50);
    alignment["imaging"] = json!({"resolution": [384, 256]});
    let (thick, off) = standing(&milled(&task, DRIFT));
    assert!((thick / 0.4e-6 - 1.0).abs() < 0.1 && off < 0.2e-6, "{thick:e} {off:e}");
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

/// Charge planned and delivered by all patterns together, C.
async fn doses(here: &Here) -> (f64, f64) {
    let truth = here.run("truth").await.unwrap();
    let all = truth["milling"].as_array().unwrap();
    let sum = |key: &str| all.iter().map(|p| p[key].as_f64().unwrap()).sum();
    (sum("planned_dose_c"), sum("delivered_dose_c"))
}

#[tokio::test(start_paused = true)]
async fn what_a_stopped_job_left_is_milled_where_the_stage_stands_as_it_did() {
    for red in [false, true] {
        let here = Here::connected(|_| {}).await;
        let nothing = here.run("milling.continue").await.unwrap_err();
        assert_eq!(nothing.kind, ErrorKind::Usage, "{nothing}");
        here.run("stage.milling-angle angle=15deg").await.unwrap();
        here.run(&load(&lamella_of(3e-6))).await.unwrap();
        let run = here.link.run(parse::line("milling.run stages=1,2").unwrap());
        let stop = async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            match red {
                true => drop(here.core.press("test")),
                false => drop(here.run("job.stop").await.unwrap()),
            }
        };
        let (ended, ()) = tokio::join!(run, stop);
        assert_eq!(ended.unwrap_err().kind, ErrorKind::Stopped);
        let whole = doses(&here).await.0;
        if red {
            here.run("job.restore").await.unwrap();
        }
        here.run("stage.move-relative x=50um").await.unwrap();
        let elsewhere = here.run("milling.continue").await.unwrap_err();
        assert_eq!(elsewhere.kind, ErrorKind::Interlock, "{elsewhere}");
        here.run("stage.move-relative x=-50um").await.unwrap();
        let done = here.run("milling.continue").await.unwrap();
        let states: Vec<&str> = done["stages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["state"].as_str().unwrap())
            .collect();
        assert_eq!(states, ["done", "done", "off"], "stop of everything: {red}");
        let (planned, delivered) = doses(&here).await;
        // of the first stage what was missing, then all of the second
        let second = planned - whole - (whole - doses_of(&here, 2).await);
        assert!(
            (delivered / (whole + second) - 1.0).abs() < 0.02,
            "{delivered:e} of {:e}",
            whole + second
        );
        assert!(
            here.run("milling.continue").await.is_err(),
            "nothing is missing any more"
        );
    }
}

/// Charge delivered by the first so many patterns, C.
async fn doses_of(here: &Here, first: usize) -> f64 {
    let truth = here.run("truth").await.unwrap();
    let all = truth["milling"].as_array().unwrap();
    all[..first]
        .iter()
        .map(|p| p["delivered_dose_c"].as_f64().unwrap())
        .sum()
}

#[tokio::test(start_paused = true)]
async fn every_stage_is_logged_as_openfibsem_logs_it() {
    let here = Here::connected(|_| {}).await;
    here.run(&load(&lamella())).await.unwrap();
    here.run("milling.run stages=2,3").await.unwrap();
    let folder = here.core.snapshot().session.folder.clone();
    let log = std::fs::read_to_string(std::path::Path::new(&folder).join("logfile.log")).unwrap();
    let said: Vec<&str> = log.lines().filter(|line| line.contains("'milling_task'")).collect();
    assert_eq!(said.len(), 2, "{log}");
    for (line, (idx, name)) in said.iter().zip([(1, "fine"), (2, "polish")]) {
        for part in [
            "run_milling_task:0",
            &format!("'idx': {idx}"),
            &format!("'name': '{name}'"),
            "'milling_task_name': 'lamella'",
            "'milling_current': ",
            "'alignment': {",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}
