//! The queue of a run: which task is done to which lamella, in which order, and how each of them ended.
//!
//! Made from an experiment and its protocol (`plan`), edited while it runs (`edit`: what waits can be moved, taken out, added to),
//! asked for what comes next. Items hold a lamella's identity, so that a new name changes nothing. Pure: the time comes in.

mod edit;
mod plan;
#[cfg(test)]
mod tests;

use crate::experiment::{Experiment, Status};
use crate::protocol::Protocol;
pub use edit::{Place, Refused};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
pub use plan::{Choice, Order, Unplanned};
use serde::{Deserialize, Serialize};

/// What is to be done, in this order; what was done stays where it stood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    pub items: Vec<Item>,
    /// The next item's number.
    next: u64,
    /// Grows with every change.
    pub version: u64,
}

/// One task to be done to one lamella.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its number in this queue, never used again.
    pub id: u64,
    /// The lamella's identity.
    pub lamella: String,
    /// What the lamella was called when this was put in.
    pub name: String,
    pub task: String,
    pub status: Status,
    /// Why it failed, was skipped or was stopped.
    #[serde(default)]
    pub message: String,
    /// How often it was begun.
    #[serde(default)]
    pub attempts: u32,
    /// s; none where it cannot be said.
    #[serde(default)]
    pub estimate: Option<f64>,
    /// POSIX seconds.
    #[serde(default)]
    pub started: Option<f64>,
    #[serde(default)]
    pub ended: Option<f64>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// The item of this number.
    Run(u64),
    /// Nothing before this time, POSIX seconds.
    Wait(f64),
    Nothing,
}

impl Queue {
    pub fn item(&self, id: u64) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    fn item_mut(&mut self, id: u64) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    /// What waits for its turn, in order.
    pub fn pending(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.status == Status::NotStarted)
    }

    /// What is under way.
    pub fn running(&self) -> Option<&Item> {
        self.items.iter().find(|item| item.status == Status::InProgress)
    }

    /// The first item that can be done; those before it that cannot be are skipped, each with its reason.
    pub fn next(&mut self, experiment: &Experiment, protocol: &Protocol, now: f64, zone: &TimeZone) -> Next {
        while let Some(at) = self.items.iter().position(|item| item.status == Status::NotStarted) {
            match obstacle(&self.items[at], experiment, protocol) {
                Some(reason) => {
                    let item = &mut self.items[at];
                    (item.status, item.message, item.ended) = (Status::Skipped, reason, Some(now));
                    self.version += 1;
                }
                None => match due(protocol, &self.items[at].task, zone) {
                    Some(due) if due > now => return Next::Wait(due),
                    _ => return Next::Run(self.items[at].id),
                },
            }
        }
        Next::Nothing
    }

    /// An item is begun.
    pub fn begin(&mut self, id: u64, now: f64) {
        if let Some(item) = self.item_mut(id) {
            item.status = Status::InProgress;
            item.attempts += 1;
            item.message.clear();
            (item.started, item.ended) = (Some(now), None);
            self.version += 1;
        }
    }

    /// An item has ended like this. One that failed waits for its turn again while it was begun less than `attempts` times; the
    /// answer says whether it does.
    pub fn end(&mut self, id: u64, status: Status, message: &str, now: f64, attempts: u32) -> bool {
        let Some(item) = self.item_mut(id) else { return false };
        let again = status == Status::Failed && item.attempts < attempts;
        item.status = if again { Status::NotStarted } else { status };
        message.clone_into(&mut item.message);
        item.ended = Some(now);
        self.version += 1;
        again
    }

    /// Nothing that waits is done to this lamella any more.
    pub fn park(&mut self, lamella: &str, reason: &str, now: f64) {
        let waits = |item: &&mut Item| item.lamella == lamella && item.status == Status::NotStarted;
        for item in self.items.iter_mut().filter(waits) {
            (item.status, item.ended) = (Status::Skipped, Some(now));
            reason.clone_into(&mut item.message);
        }
        self.version += 1;
    }

    /// Ends what the lamellae say was completed since then (POSIX seconds), and lets what was under way wait for its turn again: after a crash
    /// their files may know more than the queue that was written down.
    pub fn catch_up(&mut self, experiment: &Experiment, since: f64) {
        let times = self.items.iter().flat_map(|item| [item.started, item.ended]).flatten();
        let since = times.fold(since, f64::max);
        for item in &mut self.items {
            let since = match item.status {
                Status::InProgress => item.started.unwrap_or(since),
                Status::NotStarted => since,
                _ => continue,
            };
            let lamella = experiment.lamellae.iter().find(|l| l.id == item.lamella);
            let last = lamella.and_then(|l| l.history.iter().rev().find(|run| run.name == item.task));
            let done = last.filter(|run| run.status == Status::Completed && run.start_timestamp >= since);
            (item.status, item.ended) = match done {
                Some(run) => (Status::Completed, run.end_timestamp),
                None => (Status::NotStarted, None),
            };
        }
        self.version += 1;
    }

    /// When all of it will be done (POSIX seconds) if it goes on now, with what waits for a time of the day; `None` where
    /// nothing is left.
    pub fn finish(&self, protocol: &Protocol, now: f64, zone: &TimeZone) -> Option<f64> {
        let mut at = now;
        let mut left = false;
        for item in &self.items {
            let estimate = item.estimate.unwrap_or(0.0);
            match item.status {
                Status::InProgress => at += (estimate - (now - item.started.unwrap_or(now))).max(0.0),
                Status::NotStarted => at = due(protocol, &item.task, zone).map_or(at, |due| due.max(at)) + estimate,
                _ => continue,
            }
            left = true;
        }
        left.then_some(at)
    }

    /// How much of it is over, 0 to 1, by the times that its items take; what ended counts whole, however it ended. `None` where
    /// nothing is known to take any time.
    pub fn fraction(&self, now: f64) -> Option<f64> {
        let wanted = self.items.iter().filter(|item| item.status != Status::Removed);
        let (mut over, mut whole) = (0.0, 0.0);
        for item in wanted {
            let estimate = item.estimate.unwrap_or(0.0);
            whole += estimate;
            over += match item.status {
                Status::NotStarted => 0.0,
                Status::InProgress => (now - item.started.unwrap_or(now)).clamp(0.0, estimate),
                _ => estimate,
            };
        }
        (whole > 0.0).then(|| over / whole)
    }
}

/// Why an item cannot be done now, whatever the hour.
fn obstacle(item: &Item, experiment: &Experiment, protocol: &Protocol) -> Option<String> {
    let Some(lamella) = experiment.lamellae.iter().find(|l| l.id == item.lamella) else {
        return Some("the lamella is no longer in the experiment".to_owned());
    };
    if lamella.has_failed() {
        return Some(format!(
            "the lamella is marked as failed: {}",
            lamella.defect.description
        ));
    }
    if lamella.tasks.get(&item.task).is_none() {
        return Some(format!("the lamella has no task `{}`", item.task));
    }
    let requires = protocol.workflow.step(&item.task).map(|step| step.requires.as_slice());
    let missing: Vec<&str> = requires
        .unwrap_or_default()
        .iter()
        .map(String::as_str)
        .filter(|task| lamella.completed(Some(task)).is_none())
        .collect();
    (!missing.is_empty()).then(|| format!("not done before: {}", missing.join(", ")))
}

/// The time before which a task is not begun, POSIX seconds; `None` where any will do.
pub fn due(protocol: &Protocol, task: &str, zone: &TimeZone) -> Option<f64> {
    let text = protocol.workflow.step(task)?.scheduled_at.as_deref()?;
    let local: DateTime = text.parse().ok()?;
    Some(local.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond() as f64 * 1e-6)
}
