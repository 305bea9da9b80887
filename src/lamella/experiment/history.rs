//! What has been done to a lamella, and what is wrong with it.

use crate::record::{Record, or_default};
use model::yaml::{Node, YamlError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How a task stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    #[default]
    NotStarted,
    InProgress,
    Completed,
    Failed,
    Skipped,
    Cancelled,
    /// Taken out of the queue before it ran.
    Removed,
}

/// One run of a task on a lamella.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskState {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub step: String,
    pub task_id: String,
    #[serde(deserialize_with = "or_default")]
    pub task_type: String,
    #[serde(deserialize_with = "or_default")]
    pub lamella_id: String,
    /// POSIX seconds.
    #[serde(deserialize_with = "or_default")]
    pub start_timestamp: f64,
    pub end_timestamp: Option<f64>,
    pub status: Status,
    /// Why it failed or was skipped; `Finished` where it was completed.
    #[serde(deserialize_with = "or_default")]
    pub status_message: String,
    /// Files it made, by role (`final_fib`), relative to the lamella's folder.
    #[serde(deserialize_with = "or_default")]
    pub outputs: BTreeMap<String, Vec<String>>,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

impl Record for TaskState {
    fn other(&mut self) -> &mut Map<String, Value> {
        &mut self.other
    }
}

impl TaskState {
    /// s; 0 while it runs.
    pub fn duration(&self) -> f64 {
        self.end_timestamp.map_or(0.0, |end| end - self.start_timestamp)
    }
}

/// Whether somebody, or a check, found the lamella unfit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DefectKind {
    #[default]
    None,
    /// No task is done on it any more.
    Failure,
    /// It is to be done again.
    Rework,
}

/// What is wrong with a lamella.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Defect {
    pub state: DefectKind,
    #[serde(deserialize_with = "or_default")]
    pub last_completed_task: String,
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// POSIX seconds.
    pub updated_at: Option<f64>,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

impl Record for Defect {
    fn other(&mut self) -> &mut Map<String, Value> {
        &mut self.other
    }
}

impl Defect {
    /// Also in the older form, of two flags.
    pub(super) fn of(node: &Node) -> Result<Defect, YamlError> {
        let mut defect = if node.is_null() {
            Defect::default()
        } else {
            Defect::read(node)?
        };
        let mut flag = |key: &str| defect.other.shift_remove(key).map(|value| value == true);
        match (flag("has_defect"), flag("requires_rework")) {
            (Some(true), Some(true)) => defect.state = DefectKind::Rework,
            (Some(true), _) => defect.state = DefectKind::Failure,
            _ => {}
        }
        Ok(defect)
    }
}
