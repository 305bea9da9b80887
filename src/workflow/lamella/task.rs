//! One task on one lamella: from its first word in the history to its last.

use super::left::Left;
use super::work::Work;
use super::{Book, kind};
use crate::{JobCx, JobError};
use lamella::experiment::{Status, TaskState};
use lamella::names;
use model::ErrorKind;

/// What a completed task says of itself, as openFIBSEM's does.
const FINISHED: &str = "Finished";

/// Does a task to a lamella (by its identity). What it came to stands in the lamella's history, which is saved, before this returns.
pub(super) async fn run(cx: &JobCx, book: &Book, lamella: &str, task: &str, supervised: bool) -> Result<(), JobError> {
    let before = book.lamella(lamella)?;
    let config = before.tasks.get(task).cloned().ok_or_else(|| {
        JobError::new(
            ErrorKind::Usage,
            format!("the lamella has no task `{task}`; nothing was done"),
            "protocol.load sync=true gives lamellae the tasks of a protocol",
        )
    })?;
    let kind = kind(&config.task_type).ok_or_else(|| unknown(task, &config.task_type))?;
    let start = work_time(cx);
    let folder = book.read(|papers| papers.experiment.folder_of(&before));
    if before.state.status == Status::Completed {
        // a crash may have left it there after the task's end was written
        Left::forget(&folder, &before.state.name)?;
    }
    book.edit(lamella, |lamella| {
        lamella.state = TaskState {
            name: task.to_owned(),
            task_id: names::identity(&[&lamella.id, task, &start.to_string()]),
            task_type: config.task_type.clone(),
            lamella_id: lamella.id.clone(),
            start_timestamp: start,
            status: Status::InProgress,
            ..TaskState::default()
        };
    })
    .await?;
    let done = match Work::begin(cx, book, lamella, task, config, supervised) {
        Ok(mut work) => (kind.run)(&mut work).await,
        Err(error) => Err(error),
    };
    let (status, message) = match &done {
        Ok(()) => (Status::Completed, FINISHED.to_owned()),
        Err(error) if error.kind == ErrorKind::Stopped => (Status::Cancelled, error.what.clone()),
        Err(error) => (Status::Failed, error.what.clone()),
    };
    let written = book
        .edit(lamella, |lamella| {
            let state = &mut lamella.state;
            (state.status, state.status_message, state.end_timestamp) = (status, message, Some(work_time(cx)));
            lamella.history.push(lamella.state.clone());
        })
        .await;
    // only now: until the history has it, that file alone says that it was milled
    if done.is_ok()
        && written.is_ok()
        && let Err(error) = Left::forget(&folder, task)
    {
        tracing::warn!(%error.what, "it is forgotten when the lamella's next task begins");
    }
    done.and(written)
}

/// Why a kind cannot be run.
pub(super) fn unknown(task: &str, task_type: &str) -> JobError {
    let known: Vec<&str> = super::KINDS.iter().map(|kind| kind.task_type).collect();
    JobError::new(
        ErrorKind::Unsupported,
        format!("`{task}` is a task of kind {task_type}, which fibdeck cannot run yet; nothing was done"),
        format!("leave it out (tasks=); it runs {}", known.join(", ")),
    )
}

/// POSIX seconds on the instrument's clock.
pub(super) fn work_time(cx: &JobCx) -> f64 {
    let clock = cx.scope().clock();
    clock.epoch() + clock.now()
}
