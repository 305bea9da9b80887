//! The experiment that is open, as clients see it: lamellae with what was done to them, and the queue.

use lamella::Queue;
use lamella::experiment::{DefectKind, Lamella, PoseKind, Status};
use model::StagePosition;
use serde::{Deserialize, Serialize};
use workflow::lamella::Papers;

/// An experiment without what only its file needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExperimentView {
    pub name: String,
    pub folder: String,
    pub protocol: String,
    /// In the order of the workflow.
    pub tasks: Vec<TaskView>,
    pub lamellae: Vec<LamellaView>,
    pub queue: Queue,
    /// When the queue will be done if it goes on now, POSIX seconds.
    pub finish: Option<f64>,
}

/// A task of the workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    pub name: String,
    pub task_type: String,
    pub supervise: bool,
    pub required: bool,
}

/// A lamella.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LamellaView {
    pub id: String,
    pub name: String,
    pub number: u32,
    /// Degrees.
    pub milling_angle: Option<f64>,
    /// Where it is milled.
    pub stage: Option<StagePosition>,
    pub defect: DefectKind,
    /// Why it has one.
    pub note: String,
    /// The task under way and its step; empty = none.
    pub task: String,
    pub step: String,
    /// The last run of each task, in the order in which they ended.
    pub history: Vec<Run>,
}

/// One run of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub task: String,
    pub status: Status,
    pub message: String,
    /// POSIX seconds.
    pub start: f64,
    pub end: Option<f64>,
}

impl LamellaView {
    fn of(lamella: &Lamella) -> LamellaView {
        let mut history: Vec<Run> = Vec::new();
        for state in &lamella.history {
            history.retain(|run| run.task != state.name);
            history.push(Run {
                task: state.name.clone(),
                status: state.status,
                message: state.status_message.clone(),
                start: state.start_timestamp,
                end: state.end_timestamp,
            });
        }
        let at_work = lamella.state.status == Status::InProgress;
        let shown = |text: &str| if at_work { text.to_owned() } else { String::new() };
        LamellaView {
            id: lamella.id.clone(),
            name: lamella.name.clone(),
            number: lamella.number,
            milling_angle: lamella.milling_angle,
            stage: lamella.pose(PoseKind::Milling).map(|pose| pose.stage_position.clone()),
            defect: lamella.defect.state,
            note: lamella.defect.description.clone(),
            task: shown(&lamella.state.name),
            step: shown(&lamella.state.step),
            history,
        }
    }

    /// The last run of a task.
    pub fn run(&self, task: &str) -> Option<&Run> {
        self.history.iter().find(|run| run.task == task)
    }
}

impl ExperimentView {
    /// `now`: POSIX seconds.
    pub(crate) fn of(papers: &Papers, now: f64, zone: &jiff::tz::TimeZone) -> ExperimentView {
        let Papers {
            experiment,
            protocol,
            queue,
        } = papers;
        let task = |step: &lamella::protocol::Step| TaskView {
            name: step.name.clone(),
            task_type: protocol
                .tasks
                .get(&step.name)
                .map(|c| c.task_type.clone())
                .unwrap_or_default(),
            supervise: step.supervise,
            required: step.required,
        };
        ExperimentView {
            name: experiment.name.clone(),
            folder: experiment.folder().display().to_string(),
            protocol: protocol.name().to_owned(),
            tasks: protocol.workflow.tasks.iter().map(task).collect(),
            lamellae: experiment.lamellae.iter().map(LamellaView::of).collect(),
            queue: queue.clone(),
            finish: queue.finish(protocol, now, zone),
        }
    }
}
