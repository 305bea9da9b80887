//! The experiment that is open, as clients see it: lamellae with what was done to them, and the queue.

use lamella::Queue;
use lamella::experiment::{DefectKind, Lamella, PoseKind, Status};
use lamella::protocol::TaskConfig;
use model::StagePosition;
use pattern::MillingStage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// When the queue was to be done if it went on at its last change, POSIX seconds; [`ExperimentView::finish_at`] knows better.
    pub finish: Option<f64>,
}

/// A task of the workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    pub name: String,
    pub task_type: String,
    pub supervise: bool,
    pub required: bool,
    /// What it mills, as the protocol has it.
    #[serde(default)]
    pub cuts: Vec<Cut>,
}

/// A milling stage in a few words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub stage: String,
    pub pattern: String,
    /// A.
    pub current: f64,
    /// What stands for the current where an instrument mills by presets.
    pub preset: String,
    /// m.
    pub depth: f64,
}

impl Cut {
    /// The stages of a task that are on. A task that cannot be read has none: `queue.run` refuses it by itself.
    fn of(config: &TaskConfig) -> Vec<Cut> {
        let tasks = config.milling.keys().filter_map(|key| config.milling(key)?.ok());
        tasks
            .flat_map(|(task, _)| task.enabled().map(|(_, stage)| Cut::stage(stage)).collect::<Vec<_>>())
            .collect()
    }

    fn stage(stage: &MillingStage) -> Cut {
        Cut {
            stage: stage.name.clone(),
            pattern: stage.pattern.name().to_owned(),
            current: stage.milling.milling_current,
            preset: stage.milling.preset.clone(),
            depth: stage.pattern.depth(),
        }
    }
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
    /// What its tasks mill where that is not what the protocol says, by task.
    #[serde(default)]
    pub own: BTreeMap<String, Vec<Cut>>,
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
    fn of(lamella: &Lamella, tasks: &[TaskView]) -> LamellaView {
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
        let own = |task: &TaskView| {
            let cuts = Cut::of(lamella.tasks.get(&task.name)?);
            (cuts != task.cuts).then(|| (task.name.clone(), cuts))
        };
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
            own: tasks.iter().filter_map(own).collect(),
        }
    }

    /// The last run of a task.
    pub fn run(&self, task: &str) -> Option<&Run> {
        self.history.iter().find(|run| run.task == task)
    }
}

impl ExperimentView {
    /// When the queue will be done as things stand at `now`: later than foretold by what its task under way takes beyond its estimate,
    /// answers that are waited for among it.
    pub fn finish_at(&self, now: f64) -> Option<f64> {
        let late = self.queue.running().map_or(0.0, |item| {
            (now - item.started.unwrap_or(now) - item.estimate.unwrap_or(0.0)).max(0.0)
        });
        self.finish.map(|finish| finish + late)
    }

    /// `now`: POSIX seconds.
    pub(crate) fn of(papers: &Papers, now: f64, zone: &jiff::tz::TimeZone) -> ExperimentView {
        let Papers {
            experiment,
            protocol,
            queue,
        } = papers;
        let task = |step: &lamella::protocol::Step| {
            let config = protocol.tasks.get(&step.name);
            TaskView {
                name: step.name.clone(),
                task_type: config.map(|c| c.task_type.clone()).unwrap_or_default(),
                supervise: step.supervise,
                required: step.required,
                cuts: config.map(Cut::of).unwrap_or_default(),
            }
        };
        let tasks: Vec<TaskView> = protocol.workflow.tasks.iter().map(task).collect();
        ExperimentView {
            name: experiment.name.clone(),
            folder: experiment.folder().display().to_string(),
            protocol: protocol.name().to_owned(),
            lamellae: experiment.lamellae.iter().map(|l| LamellaView::of(l, &tasks)).collect(),
            tasks,
            queue: queue.clone(),
            finish: queue.finish(protocol, now, zone),
        }
    }
}
