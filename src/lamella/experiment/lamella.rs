//! One lamella: where it is, what is to be done with it, what was done.

use super::history::{Defect, DefectKind, Status, TaskState};
use crate::protocol::Tasks;
use crate::record::{Record, object, or_default};
use model::yaml::{Node, YamlError};
use model::{MicroscopeState, Point, Rect};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Where milling is aligned while nobody has chosen a better place.
pub const ALIGNMENT_AREA: Rect = Rect {
    left: 0.7,
    top: 0.3,
    width: 0.25,
    height: 0.4,
};

/// A place that a lamella is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoseKind {
    Milling,
    Fluorescence,
    Landing,
}

impl PoseKind {
    pub fn word(self) -> &'static str {
        match self {
            PoseKind::Milling => "MILLING",
            PoseKind::Fluorescence => "FLUORESCENCE",
            PoseKind::Landing => "LANDING",
        }
    }
}

/// A lamella of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lamella {
    /// Its folder below the experiment's has this name.
    #[serde(rename = "petname")]
    pub name: String,
    #[serde(default = "alignment_area")]
    pub alignment_area: Rect,
    #[serde(default, deserialize_with = "or_default")]
    pub number: u32,
    #[serde(default, deserialize_with = "or_default")]
    pub id: String,
    /// Whole conditions by the name of the place.
    #[serde(default, deserialize_with = "or_default")]
    pub poses: BTreeMap<String, MicroscopeState>,
    /// Degrees.
    #[serde(default)]
    pub milling_angle: Option<f64>,
    /// Point of interest in the ion picture, m.
    #[serde(default, deserialize_with = "or_default")]
    pub poi: Point,
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// The protocol's tasks as they are for this lamella.
    #[serde(skip)]
    pub tasks: Tasks,
    /// The task under way, or the last one.
    #[serde(skip)]
    pub state: TaskState,
    #[serde(skip)]
    pub history: Vec<TaskState>,
    #[serde(skip)]
    pub defect: Defect,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

fn alignment_area() -> Rect {
    ALIGNMENT_AREA
}

impl Record for Lamella {
    fn other(&mut self) -> &mut Map<String, Value> {
        &mut self.other
    }
}

impl Lamella {
    pub fn new(name: &str, number: u32, id: &str) -> Lamella {
        Lamella {
            name: name.to_owned(),
            alignment_area: ALIGNMENT_AREA,
            number,
            id: id.to_owned(),
            poses: BTreeMap::new(),
            milling_angle: None,
            poi: Point::default(),
            description: String::new(),
            tasks: Tasks::default(),
            state: TaskState {
                lamella_id: id.to_owned(),
                ..TaskState::default()
            },
            history: Vec::new(),
            defect: Defect::default(),
            other: Map::new(),
        }
    }

    pub(super) fn of(node: &Node) -> Result<Lamella, YamlError> {
        let mut lamella = Lamella::read(node)?;
        for key in ["path", "task_config", "task_state", "task_history", "defect"] {
            lamella.other.shift_remove(key);
        }
        if let Some(node) = node.get("task_config") {
            lamella.tasks = Tasks::read(node)?;
        }
        if let Some(node) = node.get("task_state").filter(|node| !node.is_null()) {
            lamella.state = TaskState::read(node)?;
        }
        if let Some(node) = node.get("task_history") {
            lamella.history = crate::protocol::items(node)?
                .iter()
                .map(TaskState::read)
                .collect::<Result<_, _>>()?;
        }
        if let Some(node) = node.get("defect") {
            lamella.defect = Defect::of(node)?;
        }
        // once it stood beside the poses
        if let Some(position) = lamella.other.shift_remove("objective_position")
            && let Some(pose) = lamella.poses.get_mut(PoseKind::Fluorescence.word())
        {
            pose.objective_position = pose.objective_position.or(position.as_f64());
        }
        Ok(lamella)
    }

    /// As the file has it; `path` is its folder.
    pub(super) fn value(&self, path: String) -> Value {
        let mut map = object(self);
        let history = self.history.iter().map(|state| Value::Object(state.write())).collect();
        map.extend([
            ("path".to_owned(), Value::String(path)),
            ("task_config".to_owned(), self.tasks.value()),
            ("task_state".to_owned(), Value::Object(self.state.write())),
            ("task_history".to_owned(), Value::Array(history)),
            ("defect".to_owned(), Value::Object(self.defect.write())),
        ]);
        map.extend(self.other.clone());
        Value::Object(map)
    }

    pub fn pose(&self, kind: PoseKind) -> Option<&MicroscopeState> {
        self.poses.get(kind.word())
    }

    pub fn set_pose(&mut self, kind: PoseKind, state: MicroscopeState) {
        self.poses.insert(kind.word().to_owned(), state);
    }

    /// The latest completed run of a task; of any task where none is named.
    pub fn completed(&self, task: Option<&str>) -> Option<&TaskState> {
        let done = |state: &&TaskState| state.status == Status::Completed && task.is_none_or(|task| state.name == task);
        self.history.iter().rev().find(done)
    }

    /// No task is done on it any more.
    pub fn has_failed(&self) -> bool {
        self.defect.state == DefectKind::Failure
    }

    /// Marks it, or clears the mark. `at`: POSIX seconds.
    pub fn mark(&mut self, state: DefectKind, note: &str, at: f64) {
        self.defect = match state {
            DefectKind::None => Defect::default(),
            state => Defect {
                state,
                description: note.to_owned(),
                updated_at: Some(at),
                last_completed_task: self.completed(None).map(|task| task.name.clone()).unwrap_or_default(),
                other: std::mem::take(&mut self.defect.other),
            },
        };
    }

    /// The first task of the order that is required and not completed.
    pub fn remaining<'a>(&self, workflow: &'a crate::protocol::Workflow) -> Vec<&'a str> {
        workflow
            .required()
            .filter(|task| self.completed(Some(task)).is_none())
            .collect()
    }
}
