//! What is odd or wrong in a protocol.

use super::{LamellaDefaults, Options, Protocol, ProtocolError, Step, TaskConfig, Tasks, Workflow};
use crate::problem::{Problem, Problems};
use crate::record::{as_python, object};
use jiff::civil::DateTime;
use model::text::{nearest, printable};
use model::yaml::Document;
use pattern::{MillingTask, ReadError};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Pixels of the ion picture that patterns are laid into.
const RESOLUTION: (u32, u32) = (1536, 1024);
/// Keys at the top that somebody knows.
const KNOWN: &[&str] = &["correlation"];

impl Protocol {
    /// The protocol of a document, and all that is to be said about it, in the order of the file.
    pub fn check(document: &Document) -> Result<(Protocol, Vec<Problem>), ProtocolError> {
        let document = as_python(document.clone());
        let protocol = Protocol::read(&document)?;
        let mut found = Problems::of(&document);
        for key in protocol.other().keys().filter(|key| !KNOWN.contains(&key.as_str())) {
            found.note(
                key.clone(),
                kept(key, ["tasks", "workflow", "options", "lamella_defaults", "checkpoint"]),
            );
        }
        protocol.workflow.problems(&mut found, &protocol.tasks);
        foreign(&mut found, "options", &protocol.options.other, &Options::default());
        for key in protocol.lamella_defaults.other.keys() {
            let known = object(&LamellaDefaults::default());
            found.note(
                format!("lamella_defaults.{key}"),
                kept(key, known.keys().map(String::as_str)),
            );
        }
        check_tasks(&mut found, "tasks", &protocol.tasks);
        for (name, _) in protocol.tasks.iter() {
            if protocol.workflow.step(name).is_none() {
                found.note(format!("tasks.{name}"), "stands in no workflow and is never done");
            }
        }
        Ok((protocol, found.sorted()))
    }
}

fn kept<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(key, known).map(|near| format!(": did you mean `{near}`?"));
    format!(
        "no key `{}` here, kept as it is{}",
        printable(key),
        near.unwrap_or_default()
    )
}

/// Keys where openFIBSEM refuses the whole file for one that it does not know.
fn foreign<T: serde::Serialize>(found: &mut Problems<'_>, at: &str, other: &Map<String, Value>, known: &T) {
    for key in other.keys() {
        let text = kept(key, object(known).keys().map(String::as_str));
        found.wrong(
            format!("{at}.{key}"),
            format!("{text}; openFIBSEM refuses a file with it: remove it"),
        );
    }
}

impl Workflow {
    fn problems(&self, found: &mut Problems<'_>, tasks: &Tasks) {
        foreign(found, "workflow", &self.other, &Workflow::default());
        if self.tasks.is_empty() {
            found.note("workflow", "no task is in the order: nothing is done");
        }
        let mut before = HashSet::new();
        for (n, step) in self.tasks.iter().enumerate() {
            let at = format!("workflow.tasks.{n}");
            foreign(found, &at, &step.other, &Step::default());
            if tasks.get(&step.name).is_none() {
                let near = nearest(&step.name, tasks.iter().map(|(name, _)| name));
                let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
                found.wrong(
                    format!("{at}.name"),
                    format!("there is no task `{}`{near}", printable(&step.name)),
                );
            }
            for needed in &step.requires {
                if !before.contains(needed.as_str()) {
                    let where_ = match self.step(needed) {
                        Some(_) => "comes after it: put it before",
                        None => "is not in the order: add it before, or take the requirement out",
                    };
                    found.wrong(format!("{at}.requires"), format!("`{}` {where_}", printable(needed)));
                }
            }
            if let Some(time) = step
                .scheduled_at
                .as_deref()
                .filter(|time| time.parse::<DateTime>().is_err())
            {
                let text = format!("`{}` is no time: write it like 2026-11-22T22:30:00", printable(time));
                found.wrong(format!("{at}.scheduled_at"), text);
            }
            if !before.insert(step.name.as_str()) {
                found.note(
                    at,
                    format!(
                        "`{}` stands in the order twice and is done twice",
                        printable(&step.name)
                    ),
                );
            }
        }
    }
}

/// What is to be said about tasks that stand at `at`.
pub(crate) fn check_tasks(found: &mut Problems<'_>, at: &str, tasks: &Tasks) {
    for (name, task) in tasks.iter() {
        check_task(found, &format!("{at}.{name}"), task);
    }
}

fn check_task(found: &mut Problems<'_>, at: &str, task: &TaskConfig) {
    let Some(kind) = task.kind() else {
        let known = super::TASKS.iter().map(|kind| kind.task_type);
        let near = nearest(&task.task_type, known.clone()).map(|near| format!("did you mean `{near}`? "));
        let text = format!(
            "`{}` is no kind of task: {}the kinds are {}; it is kept, and cannot be run",
            printable(&task.task_type),
            near.unwrap_or_default(),
            known.collect::<Vec<_>>().join(", ")
        );
        return found.wrong(format!("{at}.task_type"), text);
    };
    if !kind.original {
        found.note(
            format!("{at}.task_type"),
            "openFIBSEM does not know this kind and passes over it",
        );
    }
    for (key, value) in &task.parameters {
        let place = format!("{at}.parameters.{key}");
        match kind.parameter(key) {
            None => found.note(place, kept(key, kind.parameters.iter().map(|p| p.field.key))),
            Some(parameter) => {
                if let Some(wanted) = parameter.default.refuses(value) {
                    found.wrong(place, format!("`{value}` is not {wanted}"));
                } else if let (Some(words), Some(word)) = (parameter.field.choices(), value.as_str())
                    && !words.contains(&word)
                {
                    found.wrong(place, format!("`{}` is none of {}", printable(word), words.join(", ")));
                }
            }
        }
    }
    for key in kind.milling.iter().filter(|key| !task.milling.contains_key(**key)) {
        found.wrong(
            format!("{at}.milling"),
            format!("there is nothing to mill under `{key}`: add it"),
        );
    }
    for (key, value) in &task.milling {
        let place = format!("{at}.milling.{key}");
        if task.task_type != "BASIC_MILLING"
            && !kind.milling.contains(&key.as_str())
            && !kind.may_mill.contains(&key.as_str())
        {
            let known = kind.milling.iter().chain(kind.may_mill).copied();
            found.note(place.clone(), format!("{}, never milled", kept(key, known)));
        }
        check_milling(found, &place, value);
    }
    if let Err(error) = task.reference_imaging() {
        found.wrong(format!("{at}.reference_imaging"), error);
    }
    if kind.task_type == "MILL_UNDERCUT" {
        let angles = task.parameter("milling_angles").as_array().map_or(0, Vec::len);
        let stages = task
            .milling("undercut")
            .and_then(Result::ok)
            .map(|(task, _)| task.stages.len());
        if let Some(stages) = stages.filter(|stages| *stages != angles) {
            let text = format!(
                "{angles} angles for {stages} stages: each stage is milled at an angle of its own, give one for each"
            );
            found.wrong(format!("{at}.parameters.milling_angles"), text);
        }
    }
}

fn check_milling(found: &mut Problems<'_>, at: &str, value: &Value) {
    match MillingTask::read(value) {
        Ok((task, notes)) => {
            for note in notes {
                found.note(
                    format!("{at}.{}", note.key),
                    note.text.replace("left aside", "kept as it is"),
                );
            }
            // nothing to mill is no fault of a file: stages are turned on and off
            if task.enabled().next().is_some()
                && let Err(refused) = task.check(RESOLUTION)
            {
                found.wrong(at, refused);
            }
        }
        Err(error) => {
            let key = match &error {
                ReadError::NotAMapping { key }
                | ReadError::Missing { key, .. }
                | ReadError::Pattern { key, .. }
                | ReadError::Value { key, .. }
                | ReadError::Unit { key, .. } => key.as_str(),
                ReadError::Yaml(_) => "",
            };
            // the text begins with its place, which is told once
            let text = error.to_string();
            let bare = text.strip_prefix(&format!("{key}: ")).unwrap_or(&text).to_owned();
            found.wrong(format!("{at}.{key}").trim_end_matches('.'), bare);
        }
    }
}
