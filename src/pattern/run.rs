//! How a running milling task stands, as data for whoever shows it, and what is left of one that ended early.

use crate::MillingTask;
use model::{Pose, Shape};
use serde::{Deserialize, Serialize};

/// A task under way, or how the last one ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MillingRun {
    pub task: String,
    /// Every stage of the task, in its order.
    pub stages: Vec<StageRun>,
    /// The stage at work.
    pub at: Option<usize>,
    /// What is being done, in words.
    pub doing: String,
    /// Of the whole, 0..1 of the time.
    pub fraction: f64,
    /// s; corrects itself as it goes.
    pub remaining: f64,
    /// Time from start to end as estimated before it began, s.
    pub estimated: f64,
    /// Time since it began, pauses not counted, s.
    #[serde(default)]
    pub elapsed: f64,
    /// By how much that first estimate was too long (0.1 = 10 %) or too short (negative), once the task is done.
    #[serde(default)]
    pub estimate_error: Option<f64>,
    /// Charge brought to the sample so far, C.
    pub dose: f64,
    /// Charge planned, by estimated beam time and current, C.
    pub planned_dose: f64,
    pub ended: bool,
    /// What can be milled on, where it ended early and what was drawn is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Box<Unfinished>>,
}

/// What is left of a task that ended early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unfinished {
    /// With only those stages on of which something is left.
    pub task: MillingTask,
    pub rest: Rest,
    /// Where the stage stood.
    pub pose: Pose,
}

/// What is left of a stage that was cut off: its shapes in their order, `None` for each that is done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rest {
    /// Number of the stage in its task, from 0.
    pub stage: usize,
    /// Empty: all of it.
    pub left: Vec<Option<Shape>>,
}

impl Rest {
    /// How many shapes are left of the stage that was begun; 0 where all of it is.
    pub fn shapes(&self) -> usize {
        self.left.iter().flatten().filter(|shape| !shape.is_exclusion()).count()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageRun {
    pub name: String,
    pub state: StageState,
    /// Done, 0..1.
    pub fraction: f64,
    /// Beam time so far, pauses not counted, s.
    pub beam_time: f64,
    /// Beam time as the instrument estimates it, once it has; before, as the tables do, s.
    pub estimated: f64,
    /// By how much the first estimate of its beam time was too long (0.1 = 10 %) or too short (negative), once it is done.
    #[serde(default)]
    pub estimate_error: Option<f64>,
}

/// By how much `estimated` is longer than what it really took, as a share of that; `None` where it took no time.
pub fn estimate_error(estimated: f64, took: f64) -> Option<f64> {
    (took > 0.0).then(|| estimated / took - 1.0)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageState {
    /// Not enabled.
    Off,
    #[default]
    Waiting,
    /// Current, alignment, pictures.
    Preparing,
    Milling,
    Done,
    Failed,
    Stopped,
}

impl StageState {
    pub fn word(self) -> &'static str {
        match self {
            StageState::Off => "off",
            StageState::Waiting => "waiting",
            StageState::Preparing => "preparing",
            StageState::Milling => "milling",
            StageState::Done => "done",
            StageState::Failed => "failed",
            StageState::Stopped => "stopped",
        }
    }
}
