//! The order of a protocol, and what counts for all of it.

use crate::record::{Record, object, or_default};
use model::yaml::{Node, YamlError};
use model::{Point, Rect};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The order in which tasks are done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Workflow {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    #[serde(skip)]
    pub tasks: Vec<Step>,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

/// One task in the order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Of the task's configuration.
    pub name: String,
    /// An operator is asked where the task has a question; else it answers itself.
    #[serde(default, deserialize_with = "or_default")]
    pub supervise: bool,
    /// A lamella is done when all required tasks are.
    #[serde(default, deserialize_with = "or_default")]
    pub required: bool,
    /// Tasks that must be completed on the lamella before.
    #[serde(default, deserialize_with = "or_default")]
    pub requires: Vec<String>,
    /// Not before this local time, ISO 8601.
    #[serde(default)]
    pub scheduled_at: Option<String>,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

/// What counts for a whole run. openFIBSEM refuses a file with any other key here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    #[serde(deserialize_with = "or_default")]
    pub turn_beams_off: bool,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

/// How new lamellae of this protocol begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LamellaDefaults {
    /// `01-quiet-heron` rather than `Lamella-01`.
    pub use_petname: bool,
    #[serde(deserialize_with = "or_default")]
    pub name_prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment_area: Option<Rect>,
    /// m in the ion picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poi: Option<Point>,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

impl Default for LamellaDefaults {
    fn default() -> Self {
        LamellaDefaults {
            use_petname: true,
            name_prefix: String::new(),
            alignment_area: None,
            poi: None,
            other: Map::new(),
        }
    }
}

macro_rules! records {
    ($($name:ty),*) => {$(
        impl Record for $name {
            fn other(&mut self) -> &mut Map<String, Value> {
                &mut self.other
            }
        }
    )*};
}
records!(Step, Options, LamellaDefaults);

impl Step {
    pub fn new(name: &str, supervise: bool, requires: &[&str]) -> Step {
        Step {
            name: name.to_owned(),
            supervise,
            required: true,
            requires: requires.iter().map(|r| (*r).to_owned()).collect(),
            ..Step::default()
        }
    }
}

impl Workflow {
    pub(super) fn read(node: &Node) -> Result<Workflow, YamlError> {
        let mut workflow: Workflow = node.to()?;
        let known = object(&workflow);
        for (key, value) in node.entries() {
            match key.word() {
                "tasks" => {
                    workflow.tasks = super::task::items(value)?
                        .iter()
                        .map(Step::read)
                        .collect::<Result<_, _>>()?
                }
                word if known.contains_key(word) => {}
                word => {
                    workflow.other.insert(word.to_owned(), value.value());
                }
            }
        }
        Ok(workflow)
    }

    pub(super) fn value(&self) -> Value {
        let mut map = object(self);
        let tasks = self.tasks.iter().map(|step| Value::Object(step.write())).collect();
        map.insert("tasks".to_owned(), Value::Array(tasks));
        map.extend(self.other.clone());
        Value::Object(map)
    }

    pub fn step(&self, name: &str) -> Option<&Step> {
        self.tasks.iter().find(|step| step.name == name)
    }

    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.tasks
            .iter()
            .filter(|step| step.required)
            .map(|step| step.name.as_str())
    }
}
