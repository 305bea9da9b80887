//! Protocols and experiments for and from the real openFIBSEM package.
//!
//! `interop_writes_*` write files and a manifest for `tests/interop/check_files.py` into the folder `FIBDECK_INTEROP_DIR`
//! names (sub-folder `ours`), or a temporary one. With `FIBDECK_OPENFIBSEM_CONFIG` (the package's `config` folder) the
//! protocols inside the package are read and converted too.

use lamella::experiment::{DefectKind, PoseKind};
use lamella::protocol::{SHIPPED, converted, shipped};
use lamella::{Experiment, Protocol};
use model::yaml::Document;
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples")
}

fn ours(temporary: &Path) -> PathBuf {
    env::var_os("FIBDECK_INTEROP_DIR").map_or(temporary.to_path_buf(), |dir| Path::new(&dir).join("ours"))
}

fn entry(protocol: &Protocol, file: &str) -> Value {
    let known = protocol
        .tasks
        .iter()
        .filter(|(_, task)| task.kind().is_some_and(|kind| kind.original));
    let milling: serde_json::Map<String, Value> = known
        .clone()
        .map(|(name, task)| (name.to_owned(), json!(task.milling.len())))
        .collect();
    let workflow: Vec<&str> = protocol.workflow.tasks.iter().map(|step| step.name.as_str()).collect();
    let tasks: Vec<&str> = known.map(|(name, _)| name).collect();
    json!({ "kind": "protocol", "file": file, "tasks": tasks, "workflow": workflow, "milling": milling })
}

#[test]
fn interop_writes_protocols() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = ours(temporary.path());
    fs::create_dir_all(&folder).unwrap();
    let mut manifest = Vec::new();
    let mut write = |protocol: &Protocol, file: String, sample: Option<&str>| {
        fs::write(folder.join(&file), protocol.to_yaml().unwrap()).unwrap();
        let mut entry = entry(protocol, &file);
        if let Some(sample) = sample {
            entry["sample"] = json!(sample);
        }
        manifest.push(entry);
    };
    for (name, text) in SHIPPED {
        write(
            &Protocol::parse(text, name).unwrap(),
            format!("protocol-{name}.yaml"),
            None,
        );
    }
    for sample in ["task-on-grid.yaml", "task-waffle.yaml", "legacy-on-grid-converted.yaml"] {
        let protocol = Protocol::load(&samples().join("protocols").join(sample)).unwrap();
        write(&protocol, format!("protocol-again-{sample}"), Some(sample));
    }
    let legacy = Document::load(&samples().join("protocols/legacy-on-grid.yaml")).unwrap();
    write(
        &converted(&legacy).unwrap().0,
        "protocol-converted.yaml".to_owned(),
        None,
    );
    assert_eq!(manifest.len(), 9);
    fs::write(folder.join("manifest-protocols.json"), json!(manifest).to_string()).unwrap();
}

#[test]
fn openfibsems_own_protocols_are_read() {
    let Some(config) = env::var_os("FIBDECK_OPENFIBSEM_CONFIG").map(PathBuf::from) else {
        // Without the package: what it wrote.
        assert!(Protocol::load(&samples().join("protocols/task-waffle.yaml")).is_ok());
        return;
    };
    let folder = config.join("../applications/autolamella/protocol");
    for name in ["task-protocol.yaml", "task-protocol-waffle.yaml"] {
        let document = Document::load(&folder.join(name)).unwrap();
        let (protocol, problems) = Protocol::check(&document).unwrap();
        assert!(
            !protocol.tasks.is_empty() && problems.len() < 10,
            "{name}: {problems:?}"
        );
    }
    for name in ["on-grid", "trench", "waffle", "liftout", "serial-liftout"] {
        let document = Document::load(&folder.join(format!("legacy/protocol-{name}.yaml"))).unwrap();
        let (protocol, notes) = converted(&document).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (_, problems) = Protocol::check(&Document::parse(&protocol.to_yaml().unwrap(), name).unwrap()).unwrap();
        println!("{name}: {notes:#?} {problems:#?}");
        assert!(!protocol.tasks.is_empty(), "{name}");
    }
}

#[test]
fn interop_writes_experiments() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = ours(temporary.path());
    fs::create_dir_all(&folder).unwrap();
    let theirs = Experiment::load(&samples().join("experiment")).unwrap();
    // theirs again, and a new one with a lamella of theirs
    let again = folder.join("experiment-again");
    let _ = fs::remove_dir_all(&again);
    fs::create_dir_all(&again).unwrap();
    theirs.save_new(&again.join("experiment.yaml")).unwrap();
    theirs
        .protocol()
        .unwrap()
        .save_over(&again.join("protocol.yaml"))
        .unwrap();
    let new = folder.join("experiment-new");
    let _ = fs::remove_dir_all(&new);
    let protocol = shipped("liftout").unwrap();
    let mut made = Experiment::new(&new, "experiment-new", "e-1", 1.8e9)
        .create(&protocol)
        .unwrap();
    let state = theirs.lamellae[0].pose(PoseKind::Milling).unwrap();
    let lamella = made.add(&protocol, None, state.clone(), "seed").unwrap();
    lamella.history = theirs.lamellae[0].history.clone();
    lamella.mark(DefectKind::Rework, "once more: \"thin\"", 1.8e9);
    let name = lamella.name.clone();
    made.save().unwrap();
    let lamellae = |e: &Experiment| e.lamellae.iter().map(|l| l.name.clone()).collect::<Vec<_>>();
    let manifest = json!([
        { "kind": "experiment", "file": "experiment-again/experiment.yaml", "sample": "experiment", "lamellae": lamellae(&theirs) },
        { "kind": "experiment", "file": "experiment-new/experiment.yaml", "lamellae": [name], "defect": "REWORK", "history": 5 },
    ]);
    fs::write(folder.join("manifest-experiments.json"), manifest.to_string()).unwrap();
}
