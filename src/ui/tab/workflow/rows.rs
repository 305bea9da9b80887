//! How a lamella, a task and an item of the queue stand, in signs that work without colours and in words.

use crate::cx::Cx;
use crate::theme::Role;
use crate::widget::value::Sign;
use engine::papers::{ExperimentView, LamellaView};
use lamella::experiment::{DefectKind, Status};
use model::text::printable;

/// The sign of a task that was not begun and does not wait.
const NOTHING: (&str, Role) = ("·", Role::Dim);

pub fn sign(status: Status) -> (&'static str, Role) {
    let sign = |sign: Sign| (sign.symbol(), sign.role());
    match status {
        Status::NotStarted => sign(Sign::Pending),
        Status::InProgress => sign(Sign::Running),
        Status::Completed => sign(Sign::Done),
        Status::Failed => sign(Sign::Failed),
        Status::Skipped | Status::Cancelled => ("-", Role::Warn),
        Status::Removed => ("x", Role::Dim),
    }
}

pub fn word(status: Status) -> &'static str {
    match status {
        Status::NotStarted => "waits",
        Status::InProgress => "under way",
        Status::Completed => "done",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Cancelled => "stopped",
        Status::Removed => "taken out",
    }
}

/// How a task stands on a lamella: what the queue holds of it goes before what was done.
pub fn task(task: &str, lamella: &LamellaView, experiment: &ExperimentView) -> (&'static str, Role) {
    let mut queued = experiment.queue.items.iter().rev();
    let queued = queued.find(|item| item.lamella == lamella.id && item.task == task);
    let open = queued.filter(|item| matches!(item.status, Status::NotStarted | Status::InProgress));
    open.map(|item| item.status)
        .or_else(|| lamella.run(task).map(|run| run.status))
        .map_or(NOTHING, sign)
}

/// What there is to say of a lamella: that it asks, what is wrong with it, what is done to it, what it waits for.
pub fn state(lamella: &LamellaView, experiment: &ExperimentView, cx: &Cx) -> (String, Role) {
    let here = experiment.queue.running().filter(|item| item.lamella == lamella.id);
    if let (Some(_), Some(question)) = (here, &cx.snapshot.question) {
        return (format!("ASKS: {}", printable(&question.text)), Role::Warn);
    }
    if let Some(item) = here {
        let step = printable(&lamella.step);
        return (format!("{}: {step}", printable(&item.task)), Role::Accent);
    }
    let note = printable(&lamella.note);
    match lamella.defect {
        DefectKind::Failure => return (format!("FAILED {note}"), Role::Danger),
        DefectKind::Rework => return (format!("parked: {note}"), Role::Warn),
        DefectKind::None => {}
    }
    let mut waits = experiment.queue.pending().filter(|item| item.lamella == lamella.id);
    if let Some(item) = waits.next() {
        return (format!("waits for {}", printable(&item.task)), Role::Dim);
    }
    let missing = experiment.tasks.iter().filter(|task| task.required);
    let mut missing = missing.filter(|task| {
        let run = lamella.run(&task.name);
        run.is_none_or(|run| run.status != Status::Completed)
    });
    match missing.next() {
        None => ("done".to_owned(), Role::Good),
        Some(task) if lamella.history.is_empty() => (format!("next {}", printable(&task.name)), Role::Dim),
        Some(task) => (format!("not done: {}", printable(&task.name)), Role::Text),
    }
}
