//! Milling tasks as people give them: a file or JSON, made whole. What a task names beside its file (the pictures of bitmaps) is
//! found and read here, and named by a full path from then on: a task can be edited, sent and milled without its file.

use crate::Failure;
use model::ErrorKind;
use model::shape::DoseMap;
use pattern::{MillingTask, Note, Pattern};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where a task comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    File(&'a str),
    /// YAML or JSON.
    Text(&'a str),
    Json(&'a Value),
}

/// A task that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub task: MillingTask,
    /// What was odd in it.
    pub notes: Vec<String>,
}

/// Why a task was not read: what, and what was left as it was.
fn unreadable(what: impl std::fmt::Display, untouched: &str) -> Failure {
    Failure::new(
        ErrorKind::File,
        format!("{what}; {untouched}"),
        "give a milling task as openFIBSEM or fibdeck writes it",
    )
}

/// Reads the task of that name, or the first. `untouched` says what stays as it was when it cannot be read.
pub fn read(source: Source, name: Option<&str>, untouched: &str) -> Result<Given, Failure> {
    let refuse = |what: &dyn std::fmt::Display| unreadable(what, untouched);
    let (tasks, mut notes) = match source {
        Source::Json(task) => MillingTask::read_all(task).map_err(|e| refuse(&e))?,
        Source::Text(text) => MillingTask::parse(text, "the task").map_err(|e| refuse(&e))?,
        Source::File(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|e| refuse(&format!("{} was not read: {e}", model::text::printable(path))))?;
            MillingTask::parse(&text, path).map_err(|e| refuse(&e))?
        }
    };
    let names: Vec<&str> = tasks.iter().map(|(name, _)| name.as_str()).collect();
    let index = match name {
        Some(name) => names.iter().position(|n| *n == name),
        None => (!tasks.is_empty()).then_some(0),
    };
    let Some(index) = index else {
        return Err(Failure::usage(
            format!("there is no such milling task in it; {untouched}"),
            format!("it has: {}", names.join(", ")),
        ));
    };
    if tasks.len() > 1 && name.is_none() {
        notes.push(Note {
            key: "name".to_owned(),
            text: format!("the first of {}", names.join(", ")),
        });
    }
    let mut task = tasks[index].1.clone();
    let folder = match source {
        Source::File(path) => Path::new(path).parent().unwrap_or(Path::new("")),
        Source::Text(_) | Source::Json(_) => Path::new(""),
    };
    for stage in &mut task.stages {
        load_pictures(&mut stage.pattern, folder, untouched)?;
    }
    Ok(Given {
        task,
        notes: notes.iter().map(ToString::to_string).collect(),
    })
}

/// Reads the pictures of a bitmap pattern; a relative path counts from `folder`, and is a full one afterwards.
pub fn load_pictures(pattern: &mut Pattern, folder: &Path, untouched: &str) -> Result<(), Failure> {
    for path in pattern.picture_paths() {
        let given = folder.join(path.trim());
        *path = std::path::absolute(&given).unwrap_or(given).display().to_string();
    }
    pattern.load_pictures(|path| -> Result<DoseMap, Failure> {
        let refuse = |why: &dyn std::fmt::Display| {
            unreadable(
                format!("the picture {} was not read: {why}", model::text::printable(path)),
                untouched,
            )
        };
        let picture = image::open(path).map_err(|e| refuse(&e))?.to_rgb8();
        let (width, height) = picture.dimensions();
        pattern::dose_map(picture.as_raw(), width as usize, height as usize).map_err(|e| refuse(&e))
    })
}

/// The task as it belongs into a file of this folder: pictures beside or below it are named from there.
pub fn beside(mut task: MillingTask, file: &Path) -> MillingTask {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().map(PathBuf::from).unwrap_or_default();
    for path in task.stages.iter_mut().flat_map(|stage| stage.pattern.picture_paths()) {
        if let Ok(below) = Path::new(path.as_str()).strip_prefix(&folder) {
            *path = below.display().to_string();
        }
    }
    task
}
