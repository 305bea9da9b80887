//! Everything that happens. Events are numbered and folded into the snapshot; pulses (progress, the sign of life) are not.

use crate::command::{Command, Failure};
use crate::papers::{ExperimentView, LamellaView};
use model::detection::Detection;
use model::{
    Beam, BeamState, Capabilities, ChamberState, GasState, Geometry, Identity, ImageSettings, ManipulatorPosition,
    ManipulatorState, MillingSettings, Notice, PatterningState, Point, StagePosition, StageState, StopReport,
};
use pattern::{MillingRun, MillingTask};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub type JobId = u64;
pub type FrameId = u64;
pub type NoticeId = u64;

/// An event with its place in the order and its time (POSIX seconds on the instrument's clock).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequenced {
    pub seq: u64,
    pub time: f64,
    pub event: Event,
}

/// Who changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A command of ours.
    Us,
    /// The vendor's own program, the hand panel, the instrument itself.
    Other,
}

/// What [`Event::DiskLow`] says, and what to do.
pub fn disk_low(free: u64) -> [String; 2] {
    let room = format!(
        "only {:.1} GB are free on the disk of the data folder",
        free as f64 / 1e9
    );
    [
        room,
        "free space: when it is full, nothing that changes the sample is begun".to_owned(),
    ]
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    Connecting {
        instrument: String,
    },
    Connected(Box<Connection>),
    Disconnected {
        reason: Option<String>,
    },
    /// Reads fail or come late; values on the screen grow old.
    LinkTrouble {
        text: String,
    },
    /// The disk of the data folder has only this much room left, bytes.
    DiskLow {
        free: u64,
    },
    Stage {
        by: By,
        stage: StageView,
    },
    BeamChanged {
        by: By,
        beam: Beam,
        state: Box<BeamState>,
    },
    ChamberChanged {
        by: By,
        state: ChamberState,
    },
    /// Settings the next picture of this beam will use.
    Settings {
        settings: Box<ImageSettings>,
    },
    JobStarted {
        job: Box<Job>,
    },
    JobEnded {
        id: JobId,
        end: JobEnd,
    },
    JobPaused {
        id: JobId,
        paused: bool,
    },
    Asked {
        question: Box<Question>,
    },
    Answered {
        id: u64,
        choice: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<serde_json::Value>,
        /// Who answered.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
    },
    FrameTaken {
        frame: Box<FrameInfo>,
    },
    Live {
        beam: Beam,
        live: LiveView,
    },
    Raised {
        id: NoticeId,
        notice: Notice,
    },
    /// All notices up to this one were seen; alarms are acknowledged.
    Seen {
        id: NoticeId,
    },
    Positions {
        positions: Vec<StagePosition>,
    },
    Session {
        session: Session,
        /// Who set it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
    },
    Control {
        holder: Option<String>,
    },
    Stopped {
        by: String,
        report: Option<StopReport>,
    },
    Patterning {
        by: By,
        state: PatterningState,
    },
    NeedleChanged {
        by: By,
        state: ManipulatorState,
    },
    GasChanged {
        by: By,
        state: GasState,
    },
    /// What milling.run will mill; `None` = nothing is loaded.
    Plan {
        plan: Option<Box<Plan>>,
    },
    /// A milling task began, took another step or ended.
    Milling {
        run: Box<MillingRun>,
    },
    NeedlePositions {
        positions: Vec<(String, ManipulatorPosition)>,
    },
    /// The angle (rad) of the MILLING orientation that was chosen.
    MillingAngle {
        angle: f64,
    },
    /// Features were found in a picture, or corrected.
    Detection {
        detection: Box<Detection>,
    },
    /// An experiment was opened, or its protocol or its lamellae are others; `None` = none is open.
    Experiment {
        experiment: Option<Box<ExperimentView>>,
    },
    /// A lamella of the open experiment changed.
    Lamella {
        lamella: Box<LamellaView>,
    },
    /// The queue changed.
    Queue {
        queue: Box<lamella::Queue>,
        /// When it will be done, POSIX seconds.
        #[serde(default)]
        finish: Option<f64>,
    },
    /// What a stopped job left changed, in words: job.restore puts it back.
    Owed {
        what: Vec<String>,
    },
}

/// A milling task that is loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub task: MillingTask,
    /// Where it came from or was last saved.
    #[serde(default)]
    pub file: Option<String>,
    /// What was odd in it.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Time to its end as estimated on this instrument, s.
    pub estimate: f64,
}

/// What a connection found, read only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    pub identity: Identity,
    pub capabilities: Capabilities,
    pub geometry: Geometry,
    pub address: String,
    /// Configured against actual; nothing was changed.
    pub comparison: Vec<Compared>,
    /// The configured beam of new milling stages.
    #[serde(default)]
    pub milling: MillingSettings,
    /// By which the instrument plans the time of each application file, where it tells: m3 removed per C.
    #[serde(default)]
    pub rates: BTreeMap<String, f64>,
}

/// One configured value against what the instrument has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// `electron.voltage`, `stage.rotation`, ...
    pub key: String,
    pub configured: String,
    pub actual: String,
    pub same: bool,
}

/// The stage with what is derived from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageView {
    pub state: StageState,
    /// SEM, FIB, MILLING, FM or NONE.
    pub orientation: String,
    pub milling_angle_deg: f64,
}

/// A running or ended job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub command: Command,
    pub by: String,
    /// What it is doing, in words.
    pub title: String,
    pub started: f64,
    #[serde(default)]
    pub paused: bool,
    #[serde(default)]
    pub progress: Option<Progress>,
    #[serde(default)]
    pub end: Option<JobEnd>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0..1 where it can be said.
    pub fraction: Option<f64>,
    /// Seconds.
    pub remaining: Option<f64>,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobEnd {
    pub time: f64,
    pub how: How,
    pub failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    Done,
    Failed,
    Stopped,
}

/// Something a job waits for a person to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub id: u64,
    pub job: JobId,
    pub text: String,
    /// Why it is asked and what to look at.
    pub detail: String,
    /// Word and what will happen.
    pub choices: Vec<(String, String)>,
    pub since: f64,
}

/// A picture without its pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameInfo {
    pub id: FrameId,
    /// `None` = chamber camera.
    pub beam: Option<Beam>,
    pub live: bool,
    /// Pixels, width x height.
    pub size: (u32, u32),
    /// m; 0 where unknown.
    pub pixel_size: f64,
    /// The settings it was taken with.
    pub settings: Option<ImageSettings>,
    /// Where the stage was.
    pub stage: Option<StagePosition>,
    pub working_distance: f64,
    pub voltage: f64,
    pub current: f64,
    /// rad.
    pub scan_rotation: f64,
    /// The beam shift it was taken with, m: with pose and scan rotation it says where on the sample a pixel lies.
    #[serde(default)]
    pub shift: Point,
    pub time: f64,
    /// Where it was saved.
    pub file: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveView {
    pub on: bool,
    /// Instrument time when it will end by itself (FIB), POSIX s.
    pub until: Option<f64>,
    /// Accumulated dose of this live view, C/m2.
    pub dose: f64,
    /// Why it ended, when it ended by itself.
    pub reason: Option<String>,
}

/// Who works and where pictures go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub folder: String,
    pub user: model::frame::metadata::User,
    pub project: String,
    pub experiment: String,
}

/// News that is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "pulse", rename_all = "kebab-case")]
pub enum Pulse {
    Progress {
        job: JobId,
        progress: Progress,
    },
    /// Once a second: the engine lives, this is its clock, and then the instrument was last read whole.
    Alive {
        time: f64,
        read: f64,
    },
    /// New figures of the running milling task.
    Milling {
        run: Box<MillingRun>,
    },
    /// Stop was pressed, this often by now: what a client sent before it heard of that does not begin.
    Pressed {
        presses: u64,
    },
}
