//! Experiments of AutoLamella 0.4, which openFIBSEM opens without its positions: stages become tasks, states become poses.

use super::{DefectKind, Experiment, ExperimentError, Lamella, PoseKind, Status, TaskState};
use crate::names;
use crate::protocol::{Legacy, Protocol, converted, items};
use crate::record::as_python;
use model::yaml::{Document, Node, YamlError};
use model::{MicroscopeState, Rect};
use serde_json::{Map, Value, json};
use std::path::Path;

/// A migrated experiment with its protocol, and what of the old one has no place in it.
#[derive(Debug)]
pub struct Migrated {
    pub experiment: Experiment,
    pub protocol: Protocol,
    pub notes: Vec<String>,
}

/// Stages of before, and the tasks that do their work today. A stage of two names stood for both.
const STAGES: &[(&str, &str, &str)] = &[
    ("MillTrench", "Trench Milling", "MILL_TRENCH"),
    ("MillUndercut", "Undercut", "MILL_UNDERCUT"),
    ("LiftoutLamella", "Liftout", "LIFTOUT_LAMELLA"),
    ("LandLamella", "Landing", "LAND_LAMELLA"),
    ("SetupLamella", "Setup Lamella Position", "SELECT_MILLING_POSITION"),
    ("SetupLamella", "Mill Fiducial", "MILL_FIDUCIAL"),
    ("MillRough", "Rough Milling", "MILL_ROUGH"),
    ("MillPolishing", "Polishing", "MILL_POLISHING"),
];

/// Lamellae with a `state` of stages and no poses.
pub fn is_old(document: &Document) -> bool {
    let positions = document
        .root
        .get("positions")
        .and_then(|node| items(node).ok())
        .unwrap_or_default();
    positions
        .iter()
        .any(|node| node.get("state").is_some() && node.get("poses").is_none())
}

/// The experiment of today that an old one in `folder` means; `protocol` is the old file beside it, if there is one.
pub fn migrate(document: &Document, protocol: Option<&Document>, folder: &Path) -> Result<Migrated, ExperimentError> {
    let document = as_python(document.clone());
    let root = &document.root;
    if !is_old(&document) {
        return Err(ExperimentError::Migrated(folder.to_owned()));
    }
    let text = |node: &Node, key: &str| node.get(key).map(|n| n.word().to_owned()).unwrap_or_default();
    let mut notes = Vec::new();
    let name = text(root, "name");
    let created = root.get("created_at").and_then(Node::number).unwrap_or(0.0);
    let mut experiment = Experiment::new(&super::whole(folder), &name, &text(root, "_id"), created);
    let lamellae = root.get("positions").map(items).transpose()?.unwrap_or_default();
    let mut of_all = None;
    if let Some(node) = root.get("landing_positions") {
        experiment.landing_positions = items(node)?.iter().map(Node::to).collect::<Result<_, YamlError>>()?;
    }
    let method = text(root, "method");
    let shared = match protocol {
        Some(document) if Legacy::is(document) => {
            let (protocol, odd) = converted(document)?;
            notes.extend(odd.iter().map(|note| format!("protocol: {note}")));
            Some(protocol)
        }
        Some(document) => Some(Protocol::read(document)?),
        None => None,
    };
    for node in lamellae {
        let own = protocol_of(node, &method)?;
        let mut lamella = lamella(node, &mut notes)?;
        if let Some(own) = own {
            lamella.tasks = own.tasks.clone();
            of_all.get_or_insert(own);
        } else if let Some(shared) = &shared {
            lamella.tasks = shared.tasks.clone();
        }
        experiment.lamellae.push(lamella);
    }
    let protocol = shared
        .or(of_all)
        .unwrap_or_else(|| Protocol::new(&name, "migrated from AutoLamella 0.4"));
    experiment.metadata = Map::from_iter([("description".to_owned(), json!("migrated from AutoLamella 0.4"))]);
    Ok(Migrated {
        experiment,
        protocol,
        notes,
    })
}

/// What a lamella's own milling entries mean, by the experiment's method.
fn protocol_of(node: &Node, method: &str) -> Result<Option<Protocol>, ExperimentError> {
    let Some(entries) = node.get("protocol").filter(|node| !node.entries().is_empty()) else {
        return Ok(None);
    };
    let origin = format!("{}, protocol", node.place());
    // options and other things once stood among the milling entries
    let milling: Map<String, Value> = entries
        .entries()
        .iter()
        .map(|(key, value)| (key.word().to_owned(), value.value()))
        .filter(|(_, value)| value.as_array().is_some_and(|list| !list.is_empty()) || value.get("stages").is_some())
        .collect();
    if milling.is_empty() {
        return Ok(None);
    }
    let method = if method.is_empty() { "on-grid" } else { method };
    let options = json!({ "use_microexpansion": milling.contains_key("microexpansion"), "use_notch": milling.contains_key("notch") });
    let value = json!({ "name": node.get("petname").map(Node::word), "method": method, "options": options, "milling": milling });
    let root = Node::from_value(&value, &origin.into());
    let document = Document {
        root,
        traps: Vec::new(),
    };
    Ok(Some(converted(&document)?.0))
}

fn lamella(node: &Node, notes: &mut Vec<String>) -> Result<Lamella, ExperimentError> {
    let text = |key: &str| node.get(key).map(|n| n.word().to_owned()).unwrap_or_default();
    let number = node.get("number").and_then(Node::number).unwrap_or(0.0) as u32;
    let name = match text("petname") {
        name if name.is_empty() => format!("{number:02}-lamella"),
        name => name,
    };
    let mut lamella = Lamella::new(&name, number, &text("id"));
    for key in ["alignment_area", "fiducial_area", "alingment_area"] {
        if let Some(area) = node.get(key).filter(|node| !node.is_null()) {
            lamella.alignment_area = area.to::<Rect>()?;
            break;
        }
    }
    let state = node.get("state");
    if let Some(pose) = state
        .and_then(|state| state.get("microscope_state"))
        .filter(|node| !node.is_null())
    {
        lamella.set_pose(PoseKind::Milling, pose.to::<MicroscopeState>()?);
    }
    let selected = node
        .get("landing_selected")
        .is_none_or(|node| node.word() == "true" || node.word() == "True");
    if let Some(pose) = node.get("landing_state").filter(|node| selected && !node.is_null()) {
        lamella.set_pose(PoseKind::Landing, pose.to::<MicroscopeState>()?);
    }
    for past in node.get("history").map(items).transpose()?.unwrap_or_default() {
        lamella.history.extend(runs(past, &name, &lamella.id, notes));
    }
    if node
        .get("is_failure")
        .is_some_and(|node| node.word().eq_ignore_ascii_case("true"))
    {
        let at = node.get("failure_timestamp").and_then(Node::number).unwrap_or(0.0);
        lamella.mark(DefectKind::Failure, &text("failure_note"), at);
    }
    Ok(lamella)
}

/// The completed tasks that one completed stage stands for.
fn runs(past: &Node, lamella: &str, id: &str, notes: &mut Vec<String>) -> Vec<TaskState> {
    let time = |key: &str| past.get(key).and_then(Node::number);
    let word = past.get("stage").map_or("", Node::word);
    let stage = current(word);
    let mut found: Vec<TaskState> = STAGES
        .iter()
        .filter(|(old, ..)| *old == stage)
        .map(|(_, name, task_type)| TaskState {
            name: (*name).to_owned(),
            step: "FINISHED".to_owned(),
            task_id: names::identity(&[id, name, &format!("{:?}", time("start_timestamp"))]),
            task_type: (*task_type).to_owned(),
            lamella_id: id.to_owned(),
            start_timestamp: time("start_timestamp").unwrap_or(0.0),
            end_timestamp: time("end_timestamp"),
            status: Status::Completed,
            status_message: "Finished".to_owned(),
            ..TaskState::default()
        })
        .collect();
    // two tasks in the time of one stage: the second is told to have taken none of it
    if let [first, second] = found.as_mut_slice() {
        second.start_timestamp = first.end_timestamp.unwrap_or(first.start_timestamp);
    }
    if found.is_empty() && !matches!(stage, "Created" | "PositionReady" | "SetupPolishing" | "Finished" | "") {
        notes.push(format!(
            "{lamella}: no task does what stage `{}` did, left out",
            model::text::printable(word)
        ));
    }
    found
}

/// The newest name of a stage.
fn current(stage: &str) -> &str {
    match stage.strip_suffix("Cut").unwrap_or(stage) {
        "PreSetupLamella" | "SetupTrench" => "Created",
        "ReadyTrench" => "PositionReady",
        "ReadyLamella" => "SetupLamella",
        stage => stage,
    }
}
