//! Lamellae from a bare grid to their final thickness, by commands alone.

use super::{Bench, Here};
use crate::command::parse;
use lamella::experiment::{DefectKind, Status};
use lamella::{Experiment, Protocol};
use model::ErrorKind;
use serde_json::{Value, json};
use std::path::Path;

/// Fiducial, rough milling and polishing of lamellae 5 um wide and 0.4 um thick, all of it by small pictures.
fn protocol(folder: &Path) -> String {
    let stage = |name: &str, current: f64, spacing: f64, height: f64, section: &str| {
        json!({
            "name": name, "milling": {"milling_current": current, "application_file": "Si"},
            "pattern": {
                "name": "Trench", "width": 5e-6, "depth": 1.5e-6, "spacing": spacing, "upper_trench_height": height,
                "lower_trench_height": height, "cross_section": section,
            },
            "strategy": {"name": "Standard", "config": {}},
        })
    };
    let milling = |name: &str, stages: Value| {
        json!({
            "name": name, "field_of_view": 60e-6, "channel": "ION", "alignment": {"enabled": false},
            "acquisition": {"acquire_sem": false, "acquire_fib": false, "acquire_final_image": false}, "stages": stages,
        })
    };
    let pictures = json!({
        "imaging": {"resolution": [768, 512], "dwell_time": 1e-6, "autocontrast": false}, "field_of_view1": 60e-6,
        "acquire_sem": false, "acquire_image2": false,
    });
    let fiducial = json!([{
        "name": "mark", "milling": {"milling_current": 2e-9, "application_file": "Si"},
        "pattern": {"name": "Fiducial", "width": 1e-6, "height": 8e-6, "depth": 1e-6, "rotation": 45.0, "point": {"x": 16e-6, "y": 0.0}},
        "strategy": {"name": "Standard", "config": {}},
    }]);
    let rough = json!([
        stage("first", 2e-9, 3e-6, 3e-6, "Rectangle"),
        stage("second", 0.74e-9, 1.2e-6, 1.5e-6, "Rectangle")
    ]);
    let polish = json!([stage("polish", 0.2e-9, 0.4e-6, 0.8e-6, "CleaningCrossSection")]);
    let task = |kind: &str, parameters: Value, milling: Value| json!({"task_type": kind, "parameters": parameters, "milling": milling, "reference_imaging": pictures});
    let step =
        |name: &str, requires: Value| json!({"name": name, "supervise": true, "required": true, "requires": requires});
    let all = json!({
        "name": "short", "version": "1.0",
        "tasks": {
            "Position": task("SELECT_MILLING_POSITION", json!({"milling_angle": 15.0, "use_autofocus": false}), json!({})),
            "Mark": task("MILL_FIDUCIAL", json!({}), json!({"fiducial": milling("Mark", fiducial)})),
            "Rough": task("MILL_ROUGH", json!({"reacquire_alignment_reference": false}), json!({"mill_rough": milling("Rough", rough)})),
            "Polish": task("MILL_POLISHING", json!({}), json!({"mill_polishing": milling("Polish", polish)})),
        },
        "workflow": {"name": "short", "tasks": [
            step("Position", json!([])), step("Mark", json!(["Position"])), step("Rough", json!(["Mark"])), step("Polish", json!(["Rough"])),
        ]},
    });
    let file = folder.join("short.yaml");
    std::fs::write(&file, all.to_string()).unwrap();
    file.display().to_string()
}

/// An experiment with this protocol.
fn open(folder: &Path) -> String {
    format!(
        "experiment.new name=e protocol={} folder={}",
        protocol(folder),
        folder.display()
    )
}

/// Thickness of the lamellae that stand, m, thinnest place of each.
fn standing(truth: &Value) -> Vec<f64> {
    let sites = truth["sites"].as_array().unwrap().iter();
    let all = sites.filter(|site| site["kind"] == "lamella");
    all.map(|site| site["thickness_m"]["min"].as_f64().unwrap()).collect()
}

#[test]
fn a_lamella_off_the_tilt_axis_is_held_while_it_is_tilted_where_its_task_says_so() {
    let bench = Bench::with(|o| o.instrument.twin.errors.coincidence = 20e-6);
    let folder = bench.folder.path();
    let file = protocol(folder);
    let mut all: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    all["tasks"]["Position"]["parameters"]["auto_milling_alignment"] = json!(true);
    std::fs::write(&file, all.to_string()).unwrap();
    let made = format!("experiment.new name=e protocol={file} folder={}", folder.display());
    bench.lines(&["system.connect", &made, "lamella.add name=a"]).unwrap();
    let before = bench.lines(&["stage.position"]).unwrap();
    let ran = bench.lines(&["queue.run unsupervised=true tasks=Position"]).unwrap();
    assert_eq!(ran["completed"], 1, "{ran}");
    let after = bench.lines(&["stage.position"]).unwrap();
    let moved = |axis: &str| after[axis].as_f64().unwrap() - before[axis].as_f64().unwrap();
    // 23 deg about an axis 20 um below; a tilt alone would have left y and z as they were
    assert!((moved("t").to_degrees() + 23.0).abs() < 0.1, "{after}");
    assert!(moved("y").hypot(moved("z")) > 3e-6, "{before} {after}");
    let snapshot = bench.link().snapshot();
    let lamella = &snapshot.experiment.as_ref().unwrap().lamellae[0];
    assert!(
        lamella.milling_angle.is_some_and(|angle| (angle - 15.0).abs() < 0.1),
        "{lamella:?}"
    );
}

#[test]
fn two_lamellae_are_milled_by_a_queue_from_a_bare_grid_to_their_thickness() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    let lines = [
        "system.connect",
        "stage.milling-angle angle=15deg",
        &open(folder),
        "lamella.add name=a",
        "stage.move-relative x=80um",
        "lamella.add name=b",
    ];
    bench.lines(&lines).unwrap();
    let ran = bench.lines(&["queue.run unsupervised=true"]).unwrap();
    assert_eq!((&ran["completed"], &ran["failed"]), (&json!(8), &json!(0)), "{ran}");
    let truth = bench.lines(&["truth"]).unwrap();
    let thick = standing(&truth);
    assert!(thick.len() >= 2, "{truth}");
    assert!(thick.iter().all(|t| (t / 0.4e-6 - 1.0).abs() < 0.2), "{thick:?}");
    // what the file says is what was done, in its own order and with its pictures
    let experiment = Experiment::load(&folder.join("e")).unwrap();
    for lamella in &experiment.lamellae {
        let done: Vec<&str> = lamella.history.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(done, ["Position", "Mark", "Rough", "Polish"]);
        assert!(lamella.history.iter().all(|run| run.status == Status::Completed));
        for file in lamella.history.iter().flat_map(|run| run.outputs.values().flatten()) {
            assert!(experiment.folder_of(lamella).join(file).is_file(), "{file}");
        }
        assert!(
            experiment
                .folder_of(lamella)
                .join("ref_Rough_final_res_01_ib.tif")
                .is_file()
        );
        assert!(!experiment.folder_of(lamella).join("unfinished.json").exists());
    }
    let again = bench.lines(&["queue.run unsupervised=true"]).unwrap_err();
    assert_eq!(again.kind, ErrorKind::Usage, "all is done: {again}");
}

/// Charge delivered to the sample so far, and planned for all patterns that were started, C.
async fn doses(here: &Here) -> (f64, f64) {
    let truth = here.run("truth").await.unwrap();
    let all = truth["milling"].as_array().unwrap();
    let sum = |key: &str| all.iter().map(|p| p[key].as_f64().unwrap()).sum();
    (sum("delivered_dose_c"), sum("planned_dose_c"))
}

/// A lamella whose position and mark are done.
async fn marked() -> Here {
    let here = Here::connected(|_| {}).await;
    let folder = here.core.options.paths.data_dir.clone();
    std::fs::create_dir_all(&folder).unwrap();
    here.run("stage.milling-angle angle=15deg").await.unwrap();
    here.run(&open(&folder)).await.unwrap();
    here.run("lamella.add name=a").await.unwrap();
    here.run("queue.run unsupervised=true tasks=Position,Mark")
        .await
        .unwrap();
    here
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_stopped_goes_on_inside_its_task_and_mills_nothing_twice() {
    let here = marked().await;
    let before = doses(&here).await.0;
    let run = here
        .link
        .run(parse::line("queue.run unsupervised=true tasks=Rough").unwrap());
    let stop = async {
        super::until(&here.link, |s| {
            s.milling
                .as_ref()
                .is_some_and(|run| run.at == Some(0) && run.stages[0].fraction > 0.3)
        })
        .await;
        here.run("job.stop").await.unwrap();
    };
    let (ended, ()) = tokio::join!(run, stop);
    assert_eq!(ended.unwrap_err().kind, ErrorKind::Stopped);
    let part = doses(&here).await.0 - before;
    let experiment = Experiment::load(Path::new(&here.core.snapshot().experiment.clone().unwrap().folder)).unwrap();
    let last = experiment.lamellae[0].history.last().unwrap();
    assert_eq!((last.name.as_str(), last.status), ("Rough", Status::Cancelled));
    assert!(
        experiment
            .folder_of(&experiment.lamellae[0])
            .join("unfinished.json")
            .is_file()
    );
    // what waits is the queue's own, and it goes on inside the task
    let ran = here.run("queue.run unsupervised=true").await.unwrap();
    assert_eq!(ran["completed"], json!(1), "{ran}");
    let whole = doses(&here).await.0 - before;
    here.run("queue.run unsupervised=true tasks=Rough again=true")
        .await
        .unwrap();
    let anew = doses(&here).await.0 - before - whole;
    assert!(part > 0.1 * anew, "{part:e} of {anew:e}");
    assert!((whole / anew - 1.0).abs() < 0.02, "{whole:e} is one dose of {anew:e}");
}

#[tokio::test(start_paused = true)]
async fn a_watched_task_asks_what_is_loaded_is_milled_and_a_lamella_can_be_parked() {
    let here = marked().await;
    let run = here.link.run(parse::line("queue.run tasks=Rough,Polish").unwrap());
    let answer = async {
        let asked = async |before: u64| {
            super::until(&here.link, |s| s.question.as_ref().is_some_and(|q| q.id > before)).await;
            here.core.snapshot().question.clone().unwrap()
        };
        let first = asked(0).await;
        assert!(first.text.contains("mill these patterns"), "{}", first.text);
        // the hardware is the operator's: they look, and take a stage out
        here.run("image.acquire beam=ion resolution=384x256 save=false")
            .await
            .unwrap();
        let mut task = here.core.snapshot().plan.clone().unwrap().task;
        assert_eq!(task.name, "Rough");
        task.stages[1].enabled = false;
        here.run(&format!(
            "milling.load task='{}'",
            serde_json::to_string(&task).unwrap()
        ))
        .await
        .unwrap();
        here.run(&format!("answer id={} choice=mill", first.id)).await.unwrap();
        let second = asked(first.id).await;
        let states: Vec<_> = here
            .core
            .snapshot()
            .milling
            .clone()
            .unwrap()
            .stages
            .iter()
            .map(|s| s.state)
            .collect();
        assert_eq!(states, [pattern::StageState::Done, pattern::StageState::Off]);
        here.run(&format!("answer id={} choice=continue", second.id))
            .await
            .unwrap();
        let third = asked(second.id).await;
        assert!(third.text.contains("Polish"), "{}", third.text);
        here.run(&format!("answer id={} choice=park", third.id)).await.unwrap();
    };
    let (ran, ()) = tokio::join!(run, answer);
    let ran = ran.unwrap();
    assert_eq!(
        (&ran["completed"], &ran["parked"][0]["lamella"]),
        (&json!(1), &json!("a")),
        "{ran}"
    );
    let lamella = here.core.snapshot().experiment.clone().unwrap().lamellae[0].clone();
    assert_eq!(
        (lamella.defect, lamella.run("Polish").unwrap().status),
        (DefectKind::Rework, Status::Failed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_lamella_that_is_not_found_again_is_parked_with_its_reason_and_the_run_goes_on() {
    let here = marked().await;
    here.run("stage.move-relative x=120um").await.unwrap();
    here.run("lamella.add name=b").await.unwrap();
    here.run("queue.run unsupervised=true tasks=Position,Mark lamellae=b")
        .await
        .unwrap();
    // somebody touched the grid: the first lamella is no longer where it was
    here.run("stage.move-absolute x=300um y=200um").await.unwrap();
    here.run("lamella.move name=a").await.unwrap();
    let ran = here
        .run("queue.run unsupervised=true tasks=Rough,Polish")
        .await
        .unwrap();
    assert_eq!(
        (&ran["completed"], &ran["parked"][0]["lamella"]),
        (&json!(2), &json!("a")),
        "{ran}"
    );
    let reason = ran["parked"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("not found"), "{reason}");
    let items = here.core.snapshot().experiment.clone().unwrap().queue.items;
    let of_a: Vec<_> = items
        .iter()
        .filter(|i| i.name == "a")
        .map(|i| (i.status, i.attempts))
        .collect();
    assert_eq!(of_a, [(Status::Failed, 2), (Status::Skipped, 0)]);
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_moves() {
    let bench = Bench::new();
    let none = bench.lines(&["system.connect", "queue.run"]).unwrap_err();
    assert_eq!(none.kind, ErrorKind::Usage, "{none}");
    let folder = bench.folder.path().display().to_string();
    bench
        .lines(&[
            &format!("experiment.new name=w protocol=waffle folder={folder}"),
            "lamella.add name=a",
        ])
        .unwrap();
    let undercut = bench.lines(&["queue.run unsupervised=true"]).unwrap_err();
    assert_eq!(undercut.kind, ErrorKind::Unsupported, "{undercut}");
    let taken = bench.lines(&["lamella.add name=a"]).unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Usage, "{taken}");
    let unknown = bench.lines(&["queue.plan lamellae=z"]).unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Usage, "{unknown}");
    let queue = bench.lines(&[
        "queue.plan tasks='Trench Milling'",
        "queue.add lamella=a task='Trench Milling' to=front",
        "queue.move id=1 to=front",
        "queue.remove id=2",
    ]);
    let words: Vec<_> = queue.unwrap()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (i["id"].as_u64().unwrap(), i["status"].clone()))
        .collect();
    assert_eq!(words, [(1, json!("NotStarted")), (2, json!("Removed"))]);
    let protocol = Protocol::load(&bench.folder.path().join("w").join("protocol.yaml")).unwrap();
    assert_eq!(protocol.name(), "waffle");
}
