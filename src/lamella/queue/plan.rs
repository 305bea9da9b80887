//! A queue out of an experiment and its protocol.

use super::{Item, Queue};
use crate::experiment::{Experiment, Lamella, Status};
use crate::protocol::Protocol;
use serde::{Deserialize, Serialize};

/// Which comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// A task on all lamellae, then the next task.
    #[default]
    Task,
    /// All tasks on a lamella, then the next lamella.
    Lamella,
}

/// What a run is to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// By name; all that are not marked as failed unless given.
    pub lamellae: Option<Vec<String>>,
    /// By name; those of the workflow unless given.
    pub tasks: Option<Vec<String>>,
    pub order: Order,
    /// Also what is completed already: it would be milled once more.
    pub again: bool,
}

/// Why there is no queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unplanned {
    #[error("there is no lamella `{name}`: there are {known}")]
    Lamella { name: String, known: String },
    #[error("there is no task `{name}` in the workflow: it has {known}")]
    Task { name: String, known: String },
}

impl Queue {
    /// What is chosen and not completed yet, in the order of the workflow.
    pub fn plan(experiment: &Experiment, protocol: &Protocol, choice: &Choice) -> Result<Queue, Unplanned> {
        let lamellae: Vec<&Lamella> = match &choice.lamellae {
            None => experiment.lamellae.iter().filter(|l| !l.has_failed()).collect(),
            Some(names) => names
                .iter()
                .map(|name| {
                    experiment.lamella(name).ok_or_else(|| Unplanned::Lamella {
                        name: name.clone(),
                        known: list(experiment.lamellae.iter().map(|l| l.name.as_str())),
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        let steps = &protocol.workflow.tasks;
        if let Some(name) = choice
            .tasks
            .iter()
            .flatten()
            .find(|name| protocol.workflow.step(name).is_none())
        {
            return Err(Unplanned::Task {
                name: name.clone(),
                known: list(steps.iter().map(|step| step.name.as_str())),
            });
        }
        let chosen = |task: &str| {
            choice
                .tasks
                .as_ref()
                .is_none_or(|names| names.iter().any(|n| n == task))
        };
        let tasks: Vec<&str> = steps
            .iter()
            .map(|s| s.name.as_str())
            .filter(|task| chosen(task))
            .collect();
        let mut pairs: Vec<(&Lamella, &str)> = match choice.order {
            Order::Task => tasks
                .iter()
                .flat_map(|task| lamellae.iter().map(|l| (*l, *task)))
                .collect(),
            Order::Lamella => lamellae
                .iter()
                .flat_map(|l| tasks.iter().map(|task| (*l, *task)))
                .collect(),
        };
        pairs.retain(|(lamella, task)| choice.again || lamella.completed(Some(task)).is_none());
        let mut queue = Queue::default();
        for (lamella, task) in pairs {
            let item = queue.item_of(lamella, task);
            queue.items.push(item);
        }
        Ok(queue)
    }

    pub(super) fn item_of(&mut self, lamella: &Lamella, task: &str) -> Item {
        self.next += 1;
        Item {
            id: self.next,
            lamella: lamella.id.clone(),
            name: lamella.name.clone(),
            task: task.to_owned(),
            status: Status::NotStarted,
            estimate: lamella.tasks.get(task).and_then(|config| config.estimate()),
            ..Item::default()
        }
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    match names.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "none".to_owned(),
        names => names,
    }
}
