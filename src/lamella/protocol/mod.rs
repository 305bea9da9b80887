//! Protocols: which tasks there are, in which order they are done to a lamella, who watches.
//!
//! `kind` has a row per kind of task, `task` one task's configuration, `workflow` the order; `check` says what is odd or wrong,
//! line by line. `legacy` reads the methods of before (a `milling` mapping and options), `convert` makes protocols of them.
//! `shipped` are those inside the program. Reading and writing loses no key.

mod check;
mod convert;
pub mod kind;
mod legacy;
mod shipped;
mod task;
#[cfg(test)]
mod tests;
mod workflow;

use crate::record::{Record, as_python, object};
pub(crate) use check::check_tasks;
pub use convert::converted;
pub use kind::{Default as ParameterDefault, Parameter, TASKS, TaskKind};
pub use legacy::{Legacy, Method};
use model::file::{self, Durability, SaveError};
use model::yaml::{self, Document, YamlError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
pub use shipped::{SHIPPED, shipped};
use std::path::{Path, PathBuf};
pub(crate) use task::items;
pub use task::{ReferenceImaging, TaskConfig, Tasks};
pub use workflow::{LamellaDefaults, Options, Step, Workflow};

/// The file of an experiment's protocol.
pub const FILE: &str = "protocol.yaml";

/// openFIBSEM's task protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Protocol {
    head: Head,
    pub tasks: Tasks,
    pub workflow: Workflow,
    pub options: Options,
    pub lamella_defaults: LamellaDefaults,
}

/// What stands at the top of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Head {
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: String,
    description: String,
    version: String,
    /// The segmentation model of tasks that name none; ours, openFIBSEM passes over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<String>,
    #[serde(skip)]
    other: Map<String, Value>,
}

impl Default for Head {
    fn default() -> Self {
        Head {
            id: None,
            name: "AutoLamella Task Protocol".to_owned(),
            description: String::new(),
            version: "1.0".to_owned(),
            checkpoint: None,
            other: Map::new(),
        }
    }
}

impl Record for Head {
    fn other(&mut self) -> &mut Map<String, Value> {
        &mut self.other
    }
}

/// Why a protocol could not be read, made or written; no file was changed.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    #[error(transparent)]
    Yaml(#[from] YamlError),
    #[error(
        "{origin}: this is a protocol of before tasks (method {method}): `fibdeck protocol convert {origin}` makes one of today of it"
    )]
    Legacy { origin: String, method: String },
    #[error("{origin}: this is no protocol: neither `tasks` nor `milling` stands in it")]
    NoProtocol { origin: String },
    #[error("{origin}: this is a task protocol already; nothing was converted")]
    Converted { origin: String },
    #[error("{origin}: no method is named `{name}`: the methods are {known}")]
    Method {
        origin: String,
        name: String,
        known: String,
    },
    #[error("there is no protocol `{name}` here: name a file, or one of {known}")]
    Unknown { name: String, known: String },
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl Protocol {
    /// A protocol without tasks.
    pub fn new(name: &str, description: &str) -> Protocol {
        let head = Head {
            name: name.to_owned(),
            description: description.to_owned(),
            ..Head::default()
        };
        let workflow = Workflow {
            name: name.to_owned(),
            description: description.to_owned(),
            ..Workflow::default()
        };
        Protocol {
            head,
            tasks: Tasks::default(),
            workflow,
            options: Options::default(),
            lamella_defaults: LamellaDefaults::default(),
        }
    }

    pub fn load(path: &Path) -> Result<Protocol, ProtocolError> {
        Protocol::read(&Document::load(path)?)
    }

    /// `text` as a protocol; `origin` (a file name) goes into errors.
    pub fn parse(text: &str, origin: &str) -> Result<Protocol, ProtocolError> {
        Protocol::read(&Document::parse(text, origin)?)
    }

    /// What is odd in a document is told by [`Protocol::check`].
    pub fn read(document: &Document) -> Result<Protocol, ProtocolError> {
        let root = &as_python(document.clone()).root;
        let origin = || root.origin.to_string();
        match (root.get("tasks"), root.get("milling")) {
            (None, Some(_)) => {
                let method = Legacy::method_of(root).to_owned();
                return Err(ProtocolError::Legacy {
                    origin: origin(),
                    method,
                });
            }
            (None, None) => return Err(ProtocolError::NoProtocol { origin: origin() }),
            _ => {}
        }
        let mut head = Head::read(root)?;
        for key in ["tasks", "workflow", "options", "lamella_defaults"] {
            head.other.shift_remove(key);
        }
        Ok(Protocol {
            head,
            tasks: root.get("tasks").map(Tasks::read).transpose()?.unwrap_or_default(),
            workflow: root
                .get("workflow")
                .map(Workflow::read)
                .transpose()?
                .unwrap_or_default(),
            options: root.get("options").map(Options::read).transpose()?.unwrap_or_default(),
            lamella_defaults: root
                .get("lamella_defaults")
                .map(LamellaDefaults::read)
                .transpose()?
                .unwrap_or_default(),
        })
    }

    pub fn name(&self) -> &str {
        &self.head.name
    }

    pub fn description(&self) -> &str {
        &self.head.description
    }

    pub fn set_name(&mut self, name: &str) {
        self.head.name = name.to_owned();
    }

    /// Its identity, a UUID; none where the file has none yet.
    pub fn id(&self) -> Option<&str> {
        self.head.id.as_deref()
    }

    pub fn set_id(&mut self, id: &str) {
        self.head.id = Some(id.to_owned());
    }

    /// The segmentation model of a task: its own, or the protocol's.
    pub fn checkpoint(&self, task: &str) -> Option<&str> {
        let own = self
            .tasks
            .get(task)
            .and_then(|t| t.parameters.get("checkpoint")?.as_str());
        own.or(self.head.checkpoint.as_deref())
    }

    pub fn set_checkpoint(&mut self, checkpoint: Option<&str>) {
        self.head.checkpoint = checkpoint.map(str::to_owned);
    }

    /// Keys of the file that mean nothing here; kept.
    pub fn other(&self) -> &Map<String, Value> {
        &self.head.other
    }

    /// As the file has it, key by key.
    pub fn value(&self) -> Value {
        let mut map = object(&self.head);
        map.extend([
            ("tasks".to_owned(), self.tasks.value()),
            ("workflow".to_owned(), self.workflow.value()),
            ("options".to_owned(), Value::Object(self.options.write())),
            (
                "lamella_defaults".to_owned(),
                Value::Object(self.lamella_defaults.write()),
            ),
        ]);
        map.extend(self.head.other.clone());
        Value::Object(map)
    }

    /// As YAML that openFIBSEM opens.
    pub fn to_yaml(&self) -> Result<String, YamlError> {
        yaml::write(&self.value())
    }

    /// Writes a new file, never over one that is there; returns the name it got.
    pub fn save_new(&self, path: &Path) -> Result<PathBuf, ProtocolError> {
        let text = self.to_yaml()?;
        Ok(file::create(path, Durability::Synced, |out| {
            std::io::Write::write_all(out, text.as_bytes())
        })?)
    }

    /// Puts it at `path`, over what is there: a reader, or a power cut, meets the old file or the new one.
    pub fn save_over(&self, path: &Path) -> Result<(), ProtocolError> {
        Ok(file::replace(path, Durability::Synced, self.to_yaml()?.as_bytes())?)
    }

    /// Order, tasks and times for a person or a program.
    pub fn summary(&self) -> Value {
        let steps = self.workflow.tasks.iter().map(|step| {
            let config = self.tasks.get(&step.name);
            json!({
                "name": step.name,
                "task_type": config.map(|c| &c.task_type),
                "supervise": step.supervise,
                "required": step.required,
                "requires": step.requires,
                "scheduled_at": step.scheduled_at,
                "checkpoint": config.and_then(TaskConfig::kind).filter(|k| k.detects).and_then(|_| self.checkpoint(&step.name)),
                "milling": config.map(TaskConfig::milling_summary),
                "estimate_s": config.and_then(TaskConfig::estimate),
            })
        });
        json!({
            "name": self.name(), "description": self.description(), "id": self.id(), "tasks": steps.collect::<Vec<_>>(),
            "options": self.options, "lamella_defaults": self.lamella_defaults,
        })
    }
}
