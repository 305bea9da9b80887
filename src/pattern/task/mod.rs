//! Milling tasks: what is milled in which order, with what beam, aligned and pictured how. Data, its reading, writing and
//! checking, with openFIBSEM's keys; running it is the workflow room's.
//!
//! To add a strategy: a variant and a row in `strategy`; to add a setting: a key of its struct and a row of its fields.

mod acquisition;
mod alignment;
mod edit;
mod legacy;
mod milling;
mod stage;
mod strategy;
#[cfg(test)]
mod tests;

use crate::check::{Refused, check};
use crate::read::{Note, ReadError, Reader};
pub use acquisition::{ACQUISITION_FIELDS, Acquisition};
pub use alignment::{ALIGNMENT_FIELDS, Alignment};
pub use edit::{EditError, Pass};
pub use legacy::{legacy_pattern, legacy_stage};
pub use milling::{MILLING_FIELDS, MillingField, milling_fields};
use model::yaml::{self, YamlError};
use model::{Beam, Unit, units};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
pub use stage::{MillingStage, milling_settings};
pub use strategy::{Overtilt, STRATEGIES, Strategy, StrategyRow};

/// openFIBSEM's milling task configuration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct MillingTask {
    pub name: String,
    /// Width of the field all stages are milled in, m; overrides theirs.
    pub field_of_view: f64,
    /// The beam all stages are milled with; overrides theirs.
    pub channel: Beam,
    pub alignment: Alignment,
    pub acquisition: Acquisition,
    pub stages: Vec<MillingStage>,
}

/// The tasks of a document, each by its key.
pub type NamedTasks = Vec<(String, MillingTask)>;

/// Why a task cannot be run as it is; nothing was begun.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TaskRefused {
    #[error("milling task `{task}`: {what}")]
    Task { task: String, what: String },
    #[error("stage `{stage}`: {what}")]
    Stage { stage: String, what: String },
    #[error("stage `{stage}`: {refused}")]
    Shapes { stage: String, refused: Refused },
}

const NAME: &str = "Milling Task";

impl Default for MillingTask {
    fn default() -> Self {
        MillingTask {
            name: NAME.to_owned(),
            field_of_view: 150e-6,
            channel: Beam::Ion,
            alignment: Alignment::default(),
            acquisition: Acquisition::default(),
            stages: Vec::new(),
        }
    }
}

impl MillingTask {
    /// A task as openFIBSEM writes it, or a list of stages (long, short or flat), with a note for everything odd.
    pub fn read(value: &Value) -> Result<(MillingTask, Vec<Note>), ReadError> {
        let mut reader = Reader::default();
        let task = match value {
            Value::Array(stages) => legacy::task(&mut reader, stages, NAME)?,
            _ => MillingTask::read_with(&mut reader, value)?,
        };
        Ok((task, reader.notes))
    }

    /// Every task of a document, by its key: a task or list of stages alone, a protocol with a `milling` mapping of such, or
    /// one of tasks with such mappings.
    pub fn read_all(value: &Value) -> Result<(NamedTasks, Vec<Note>), ReadError> {
        let mut reader = Reader::default();
        let tasks = legacy::tasks(&mut reader, value)?;
        Ok((tasks, reader.notes))
    }

    /// [`MillingTask::read_all`] of a YAML text; `origin` (a file name) goes into errors.
    pub fn parse(text: &str, origin: &str) -> Result<(NamedTasks, Vec<Note>), ReadError> {
        let document = yaml::Document::parse(text, origin)?;
        let (tasks, mut notes) = MillingTask::read_all(&document.root.value())?;
        notes.extend(document.traps.into_iter().map(|trap| Note {
            key: format!("line {}: {}", trap.line, trap.key),
            text: trap.text,
        }));
        Ok((tasks, notes))
    }

    /// As YAML that openFIBSEM reads back as the same task.
    pub fn to_yaml(&self) -> Result<String, YamlError> {
        yaml::write(self)
    }

    pub(crate) fn read_with(reader: &mut Reader, value: &Value) -> Result<MillingTask, ReadError> {
        #[derive(Serialize, Deserialize)]
        struct Head {
            name: String,
            field_of_view: f64,
            channel: Beam,
        }
        impl Default for Head {
            fn default() -> Self {
                let MillingTask {
                    name,
                    field_of_view,
                    channel,
                    ..
                } = MillingTask::default();
                Head {
                    name,
                    field_of_view,
                    channel,
                }
            }
        }
        let map = reader.map(value)?;
        let Head {
            name,
            field_of_view,
            channel,
        } = reader.record(map, milling::FIELD_OF_VIEW, &["alignment", "acquisition", "stages"])?;
        let alignment = reader.within("alignment", |r| Alignment::read_with(r, map.get("alignment")))?;
        let acquisition = reader.within("acquisition", |r| Acquisition::read_with(r, map.get("acquisition")))?;
        let stages = match map.get("stages") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(stages)) => reader.within("stages", |r| legacy::stages(r, stages))?,
            Some(other) => return Err(reader.within("stages", |r| r.refuse(format!("`{other}` is no list of stages")))),
        };
        Ok(MillingTask {
            name,
            field_of_view,
            channel,
            alignment,
            acquisition,
            stages,
        })
    }

    /// A task of stages that were written by themselves: field, beam, alignment and pictures are those of the first.
    pub fn from_stages(name: &str, stages: Vec<MillingStage>) -> MillingTask {
        let Some(first) = stages.first() else {
            return MillingTask {
                name: name.to_owned(),
                ..MillingTask::default()
            };
        };
        MillingTask {
            name: name.to_owned(),
            field_of_view: first.milling.hfw,
            channel: first.milling.milling_channel,
            alignment: first.alignment.clone(),
            acquisition: Acquisition {
                acquire_sem: first.milling.acquire_images,
                acquire_fib: first.milling.acquire_images,
                imaging: first.imaging.clone(),
                ..Acquisition::default()
            },
            stages,
        }
    }

    /// The stages that are milled, with their place in the list.
    pub fn enabled(&self) -> impl Iterator<Item = (usize, &MillingStage)> {
        self.stages.iter().enumerate().filter(|(_, stage)| stage.enabled)
    }

    /// Whether it can be run: `resolution` (w, h) of the picture shapes are drawn on gives the field's height and the pixel.
    /// The pictures of bitmaps must be loaded. Stages that are off are not looked at.
    pub fn check(&self, resolution: (u32, u32)) -> Result<(), TaskRefused> {
        let refuse = |what: String| TaskRefused::Task {
            task: self.name.clone(),
            what,
        };
        if self.enabled().next().is_none() {
            return Err(refuse("no stage is on: turn one on, or add one".to_owned()));
        }
        if !(1e-6..=5e-3).contains(&self.field_of_view) {
            let field = units::format(self.field_of_view, Unit::Metre);
            return Err(refuse(format!("a field of view of {field} is outside 1 um to 5 mm")));
        }
        self.alignment.check().map_err(refuse)?;
        let (width, height) = (f64::from(resolution.0.max(1)), f64::from(resolution.1.max(1)));
        let field = (self.field_of_view, self.field_of_view * height / width);
        for (_, stage) in self.enabled() {
            stage.check().map_err(|what| TaskRefused::Stage {
                stage: stage.name.clone(),
                what,
            })?;
            check(&stage.pattern.shapes(), field, self.field_of_view / width).map_err(|refused| {
                TaskRefused::Shapes {
                    stage: stage.name.clone(),
                    refused,
                }
            })?;
        }
        Ok(())
    }
}

impl Serialize for MillingTask {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "name": self.name,
            "field_of_view": self.field_of_view,
            "channel": self.channel,
            "alignment": self.alignment,
            "acquisition": self.acquisition,
            "stages": self.stages.iter().map(MillingStage::short).collect::<Vec<_>>(),
        })
        .serialize(serializer)
    }
}

impl TryFrom<Value> for MillingTask {
    type Error = ReadError;

    fn try_from(value: Value) -> Result<MillingTask, ReadError> {
        MillingTask::read(&value).map(|(task, _)| task)
    }
}
