//! Experiments read, written, made, marked and migrated.

use super::*;
use crate::problem::Weight;
use jiff::tz::TimeZone;
use serde_json::json;
use std::fs;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples/experiment")
}

/// Equal, where a whole number may be written either way; keys in `but` are not looked at.
#[track_caller]
fn same(a: &Value, b: &Value, at: &str, but: &[&str]) {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => assert_eq!(x.as_f64(), y.as_f64(), "{at}"),
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter()
                .zip(y)
                .enumerate()
                .for_each(|(n, (x, y))| same(x, y, &format!("{at}.{n}"), but));
        }
        (Value::Object(x), Value::Object(y)) => {
            assert_eq!(
                x.keys().collect::<Vec<_>>(),
                y.keys().collect::<Vec<_>>(),
                "{at}: keys in their order"
            );
            let looked = x.iter().filter(|(key, _)| !but.contains(&key.as_str()));
            looked.for_each(|(key, value)| same(value, &y[key], &format!("{at}.{key}"), but));
        }
        _ => assert_eq!(a, b, "{at}"),
    }
}

fn state() -> MicroscopeState {
    Experiment::load(&sample()).unwrap().lamellae[0]
        .pose(PoseKind::Milling)
        .unwrap()
        .clone()
}

#[test]
fn the_originals_experiment_comes_back_as_it_was() {
    let file = sample().join(FILE);
    let document = Document::load(&file).unwrap();
    let (experiment, problems) = Experiment::check(&document, &file).unwrap();
    assert_eq!(problems, []);
    assert_eq!(experiment, Experiment::load(&sample()).unwrap());
    let lamella = experiment.lamella("01-meet-ocelot").unwrap();
    assert_eq!(lamella.history.len(), 5);
    assert_eq!(lamella.completed(None).unwrap().name, "Polishing");
    assert!(lamella.completed(Some("Undercut")).is_none());
    assert!((lamella.milling_angle.unwrap() - 12.0).abs() < 1e-9);
    let text = experiment.to_yaml().unwrap();
    same(
        &Document::parse(&text, "ours").unwrap().root.value(),
        &document.root.value(),
        "",
        &["path"],
    );
    let path = experiment.value()["positions"][0]["path"].as_str().unwrap().to_owned();
    assert_eq!(
        Path::new(&path),
        experiment.folder().join("01-meet-ocelot"),
        "paths follow the file"
    );
}

#[test]
fn tables_are_those_that_pandas_wrote() {
    let experiment = Experiment::load(&sample()).unwrap();
    let workflow = experiment.protocol().unwrap().workflow;
    let theirs = |name: &str| fs::read_to_string(sample().join("reporting").join(name)).unwrap();
    let here = experiment.folder().display().to_string();
    let ours = experiment.summary_table(&workflow, &TimeZone::UTC).to_csv();
    assert_eq!(
        ours.replace(&here, "/data/autolamella/Demo-Shared"),
        theirs("experiment.csv")
    );
    assert_eq!(
        experiment.history_table(&TimeZone::UTC).to_csv(),
        theirs("task_history.csv")
    );
    assert_eq!(workflow.table().to_csv(), theirs("workflow.csv"));
}

#[test]
fn an_experiment_is_made_filled_and_saved_whole() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("night 1");
    let protocol = crate::protocol::shipped("waffle").unwrap();
    let new = || Experiment::new(&folder, "night 1", "id-1", 1.8e9);
    let mut experiment = new().create(&protocol).unwrap();
    assert!(matches!(new().create(&protocol), Err(ExperimentError::Exists(_))));
    let name = experiment.add(&protocol, None, state(), "seed").unwrap().name.clone();
    assert!(name.starts_with("01-") && folder.join(&name).is_dir());
    assert!(matches!(
        experiment.add(&protocol, Some(&name), state(), "seed"),
        Err(ExperimentError::Taken(_))
    ));
    let second = experiment
        .add(&protocol, Some("left: corner"), state(), "seed")
        .unwrap();
    assert_eq!((second.name.as_str(), second.number), ("left_ corner", 2));
    second.mark(DefectKind::Failure, "cracked", 1.8e9 + 60.0);
    second.other.insert("weather".to_owned(), json!("foggy"));
    experiment.save().unwrap();
    let back = Experiment::load(&folder).unwrap();
    assert_eq!(back, experiment);
    assert!(back.lamellae[1].has_failed() && !back.lamellae[0].has_failed());
    assert_eq!(back.lamellae[1].other["weather"], "foggy");
    assert_eq!(back.protocol().unwrap(), protocol);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "no drafts are left: {names:?}");
    // elsewhere the same experiment has other paths
    let copy = back.save_new(&dir.path().join("copy.yaml")).unwrap();
    let text = fs::read_to_string(copy).unwrap();
    assert!(!text.contains("night 1/"), "{text}");
}

#[test]
fn older_and_odder_files_are_read() {
    let text = "name: x
positions:
-   petname: a
    objective_position: 0.003
    defect: {has_defect: true, requires_rework: true, description: again}
    alignment_area: {left: 0.9, top: 0.3, width: 0.25, height: 0.4}
    colour: red
    task_history:
    -   {name: Rough Milling, task_id: t, status: Cancelled, mood: sad}
    poses: {}
-   petname: a
";
    let document = Document::parse(text, "x/experiment.yaml").unwrap();
    let (experiment, problems) = Experiment::check(&document, Path::new("x/experiment.yaml")).unwrap();
    let lamella = &experiment.lamellae[0];
    assert_eq!(
        (lamella.defect.state, lamella.defect.description.as_str()),
        (DefectKind::Rework, "again")
    );
    assert_eq!(lamella.history[0].other["mood"], "sad");
    assert_eq!(experiment.lamellae[1].alignment_area, ALIGNMENT_AREA);
    let told: Vec<(usize, Weight)> = problems.iter().map(|p| (p.line, p.weight)).collect();
    assert_eq!(
        told,
        [(6, Weight::Wrong), (7, Weight::Note), (11, Weight::Wrong)],
        "{problems:?}"
    );
    for (text, line) in [
        ("- 1", 1),
        ("name: a\npositions: 7\n", 2),
        ("name: a\npositions:\n- {petname: a, poi: up}\n", 3),
    ] {
        let document = Document::parse(text, "e.yaml").unwrap();
        let error = Experiment::check(&document, Path::new("e.yaml"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&format!("e.yaml:{line}:")), "{error}");
    }
    let error = Experiment::load(Path::new("nowhere")).unwrap_err().to_string();
    assert!(error.contains("experiment.yaml"), "{error}");
}

#[test]
fn an_experiment_of_autolamella_0_4_is_migrated() {
    let pose = serde_json::to_string(&state()).unwrap();
    let stage = "{name: S, milling: {milling_current: 2.0e-09, hfw: 8.0e-05}, pattern: {name: Trench}, strategy: {}}";
    let text = format!(
        "name: old
_id: o-1
path: /somewhere/old
created_at: 1700000000.5
method: autolamella-waffle
landing_positions: []
positions:
-   petname: 01-old-owl
    path: /somewhere/old/01-old-owl
    number: 1
    id: l-1
    fiducial_area: {{left: 0.1, top: 0.2, width: 0.3, height: 0.4}}
    is_failure: true
    failure_note: lost
    failure_timestamp: 1700000900.0
    landing_selected: true
    landing_state: {pose}
    state: {{stage: MillRoughCut, start_timestamp: 1.0, end_timestamp: 2.0, microscope_state: {pose}}}
    history:
    -   {{stage: MillTrench, start_timestamp: 1700000100.0, end_timestamp: 1700000200.0}}
    -   {{stage: SetupLamella, start_timestamp: 1700000300.0, end_timestamp: 1700000400.0}}
    -   {{stage: MillRoughCut, start_timestamp: 1700000500.0, end_timestamp: 1700000600.0}}
    protocol:
        trench: [{stage}]
        undercut: [{stage}, {stage}]
        fiducial: [{stage}]
        mill_rough: [{stage}]
        mill_polishing: [{stage}]
        options: {{}}
"
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE);
    fs::write(&file, &text).unwrap();
    let error = Experiment::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("fibdeck experiment convert"), "{error}");
    let document = Document::load(&file).unwrap();
    let Migrated {
        experiment, protocol, ..
    } = migrate(&document, None, dir.path()).unwrap();
    let lamella = &experiment.lamellae[0];
    assert_eq!(lamella.pose(PoseKind::Milling), Some(&state()));
    assert_eq!(lamella.pose(PoseKind::Landing), Some(&state()));
    assert_eq!(lamella.alignment_area.left, 0.1);
    assert!(lamella.has_failed() && lamella.defect.last_completed_task == "Rough Milling");
    let names: Vec<&str> = lamella.history.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Trench Milling",
            "Setup Lamella Position",
            "Mill Fiducial",
            "Rough Milling"
        ]
    );
    assert_eq!(lamella.history[1].duration() + lamella.history[2].duration(), 100.0);
    assert_eq!(lamella.remaining(&protocol.workflow), ["Undercut", "Polishing"]);
    assert_eq!(lamella.tasks, protocol.tasks);
    let again = experiment.to_yaml().unwrap();
    let (back, problems) = Experiment::check(&Document::parse(&again, "n").unwrap(), &file).unwrap();
    assert_eq!(back, experiment);
    assert!(problems.is_empty(), "{problems:?}");
    assert!(migrate(&Document::parse(&again, "n").unwrap(), None, dir.path()).is_err());
}
