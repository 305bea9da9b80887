//! One task's configuration: its parameters, what it mills, which pictures it takes.

use super::kind::{self, TaskKind};
use crate::record::{Record, filled, lay, object, or_default};
use model::ImageSettings;
use model::capabilities::MillingControl;
use model::yaml::{Kind, Node, YamlError};
use pattern::{MillingTask, Note, ReadError, estimate};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Tasks by their name, in the order of the file, which means nothing: the workflow has the order.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Vec<(String, TaskConfig)>);

impl PartialEq for Tasks {
    fn eq(&self, other: &Tasks) -> bool {
        self.len() == other.len() && self.iter().all(|(name, task)| other.get(name) == Some(task))
    }
}

/// A task as the file has it. Everything in it is kept as it was written; what a task needs is read by the functions below.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskConfig {
    /// A row of [`kind::TASKS`], or of a plug-in.
    pub task_type: String,
    #[serde(deserialize_with = "or_default")]
    pub parameters: Map<String, Value>,
    /// Milling tasks by their key.
    #[serde(deserialize_with = "or_default")]
    pub milling: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_imaging: Option<Map<String, Value>>,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

impl Record for TaskConfig {
    fn other(&mut self) -> &mut Map<String, Value> {
        &mut self.other
    }
}

/// The pictures before and after a task. Both fields of view are taken, the larger one first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceImaging {
    pub imaging: ImageSettings,
    /// m.
    pub field_of_view1: f64,
    /// m.
    pub field_of_view2: f64,
    pub acquire_sem: bool,
    pub acquire_fib: bool,
    pub acquire_image1: bool,
    pub acquire_image2: bool,
}

impl Default for ReferenceImaging {
    fn default() -> Self {
        ReferenceImaging {
            imaging: ImageSettings::default(),
            field_of_view1: 100e-6,
            field_of_view2: 150e-6,
            acquire_sem: true,
            acquire_fib: true,
            acquire_image1: true,
            acquire_image2: true,
        }
    }
}

impl ReferenceImaging {
    /// The fields of view that are taken, m, the largest first: `res_01`, `res_02`.
    pub fn fields(&self) -> Vec<f64> {
        let pairs = [
            (self.acquire_image1, self.field_of_view1),
            (self.acquire_image2, self.field_of_view2),
        ];
        let mut fields: Vec<f64> = pairs
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, field)| field)
            .collect();
        fields.sort_by(|a, b| b.total_cmp(a));
        fields
    }

    fn beams(&self) -> f64 {
        f64::from(u8::from(self.acquire_sem) + u8::from(self.acquire_fib))
    }
}

/// The entries of a list; null is none.
pub(crate) fn items(node: &Node) -> Result<&[Node], YamlError> {
    match &node.kind {
        Kind::List(items) => Ok(items),
        _ if node.is_null() => Ok(&[]),
        _ => Err(YamlError::at(node, "a list is wanted here, each item after `- `")),
    }
}

impl Tasks {
    pub(crate) fn read(node: &Node) -> Result<Tasks, YamlError> {
        let task = |(name, node): &(Node, Node)| Ok((name.word().to_owned(), TaskConfig::read(node)?));
        node.entries().iter().map(task).collect::<Result<_, _>>().map(Tasks)
    }

    pub(crate) fn value(&self) -> Value {
        let tasks = self
            .0
            .iter()
            .map(|(name, task)| (name.clone(), Value::Object(task.write())));
        Value::Object(tasks.collect())
    }

    pub fn get(&self, name: &str) -> Option<&TaskConfig> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, task)| task)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut TaskConfig> {
        self.0.iter_mut().find(|(n, _)| n == name).map(|(_, task)| task)
    }

    /// Adds a task, or puts it in the place of its namesake.
    pub fn insert(&mut self, name: &str, task: TaskConfig) {
        match self.get_mut(name) {
            Some(old) => *old = task,
            None => self.0.push((name.to_owned(), task)),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<TaskConfig> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &TaskConfig)> + Clone {
        self.0.iter().map(|(name, task)| (name.as_str(), task))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut TaskConfig)> {
        self.0.iter_mut().map(|(name, task)| (name.as_str(), task))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TaskConfig {
    /// A task with its kind's parameters, nothing milled yet.
    pub fn new(kind: &TaskKind) -> TaskConfig {
        TaskConfig {
            task_type: kind.task_type.to_owned(),
            parameters: kind.defaults(),
            reference_imaging: Some(object(&ReferenceImaging::default())),
            ..TaskConfig::default()
        }
    }

    pub fn kind(&self) -> Option<&'static TaskKind> {
        kind::row(&self.task_type)
    }

    /// A parameter as written, or its kind's default.
    pub fn parameter(&self, key: &str) -> Value {
        let default = || self.kind().and_then(|kind| Some(kind.parameter(key)?.default.value()));
        self.parameters.get(key).cloned().or_else(default).unwrap_or_default()
    }

    /// A parameter that is a number, as a number; NaN where it is none.
    pub fn number(&self, key: &str) -> f64 {
        self.parameter(key).as_f64().unwrap_or(f64::NAN)
    }

    pub fn flag(&self, key: &str) -> bool {
        self.parameter(key).as_bool().unwrap_or(false)
    }

    /// What is milled under `key`, with a note for everything odd; `None` where nothing stands there.
    pub fn milling(&self, key: &str) -> Option<Result<(MillingTask, Vec<Note>), ReadError>> {
        self.milling.get(key).map(MillingTask::read)
    }

    /// Puts what is milled under `key`. Keys of the entry that a milling task does not have stay.
    pub fn set_milling(&mut self, key: &str, task: &MillingTask) {
        let new = serde_json::to_value(task).unwrap_or_default();
        match self.milling.get_mut(key) {
            // null is a value here: laid over, it would let the old one stay
            Some(Value::Object(old)) => {
                let kept = old.iter().filter(|(key, _)| new.get(key.as_str()).is_none());
                let kept: Vec<(String, Value)> = kept.map(|(k, v)| (k.clone(), v.clone())).collect();
                *old = object(&new);
                old.extend(kept);
            }
            _ => {
                self.milling.insert(key.to_owned(), new);
            }
        }
    }

    pub fn reference_imaging(&self) -> Result<ReferenceImaging, serde_json::Error> {
        match &self.reference_imaging {
            None => Ok(ReferenceImaging::default()),
            Some(given) => filled(&Value::Object(given.clone())),
        }
    }

    pub fn set_reference_imaging(&mut self, pictures: &ReferenceImaging) {
        let mut value = Value::Object(self.reference_imaging.take().unwrap_or_default());
        lay(&mut value, &Value::Object(object(pictures)));
        self.reference_imaging = Some(object(&value));
    }

    /// Its milling in a few words: `mill_rough: 2 stages, 0.74 nA .. 0.2 nA`.
    pub fn milling_summary(&self) -> Value {
        let one = |(key, value): (&String, &Value)| match MillingTask::read(value) {
            Ok((task, _)) => json!({
                "key": key, "name": task.name, "field_of_view": task.field_of_view, "aligned": task.alignment.enabled,
                "stages": task.stages.iter().map(|s| json!({
                    "name": s.name, "enabled": s.enabled, "pattern": s.pattern.name(), "milling_current": s.milling.milling_current,
                })).collect::<Vec<_>>(),
                "milling_s": estimate::task_time(&task, MillingControl::Current),
            }),
            Err(error) => json!({ "key": key, "error": error.to_string() }),
        };
        self.milling.iter().map(one).collect()
    }

    /// How long it takes, s, on the long side (openFIBSEM's rule); none for kinds that it does not know or cannot read.
    pub fn estimate(&self) -> Option<f64> {
        let kind = self.kind().filter(|kind| kind.original)?;
        let pictures = self.reference_imaging().ok()?;
        let picture = estimate::image_time(&pictures.imaging) * pictures.beams();
        let fields = pictures.fields().len() as f64;
        let mut seconds = picture * (1.0 + fields);
        seconds += estimate::STAGE_MOVE;
        let aligns = match kind.task_type {
            "MILL_ROUGH" | "MILL_POLISHING" | "SPOT_BURN_FIDUCIAL" => true,
            "MILL_FIDUCIAL" => self.flag("align_to_reference"),
            _ => false,
        };
        seconds += if aligns { estimate::REFERENCE_ALIGNMENT } else { 0.0 };
        for milling in self.milling.values() {
            seconds += estimate::task_duration(&MillingTask::read(milling).ok()?.0, MillingControl::Current);
        }
        if kind.task_type == "SPOT_BURN_FIDUCIAL" {
            let spots = self
                .other
                .get("coordinates")
                .and_then(Value::as_array)
                .map_or(0, Vec::len) as f64;
            seconds += 2.0 * estimate::CURRENT_CHANGE + spots * (self.number("exposure_time") + estimate::SPOT);
        }
        Some(seconds)
    }
}
