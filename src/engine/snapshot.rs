//! The fold of events: what is so now. Engine and clients fold with the same function.

use crate::event::{
    By, Connection, Event, FrameInfo, Job, LiveView, NoticeId, Plan, Pulse, Question, Sequenced, Session, StageView,
};
use crate::papers::ExperimentView;
use model::detection::Detection;
use model::{
    Beam, BeamState, ChamberState, GasState, ImageSettings, ManipulatorPosition, ManipulatorState, Notice,
    PatterningState, Severity, StagePosition, StopReport,
};
use pattern::MillingRun;
use pattern::estimate::Planner;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

const MOST_NOTICES: usize = 200;
const MOST_FRAMES: usize = 64;
const MOST_JOBS: usize = 100;

/// A value, when it last changed (POSIX s on the instrument's clock), and who changed it. How old the reading is, is
/// [`Snapshot::age`]: what did not change was read again all the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aged<T> {
    pub value: T,
    pub time: f64,
    pub by: By,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoticeEntry {
    pub id: NoticeId,
    pub time: f64,
    pub notice: Notice,
    pub seen: bool,
}

// a client of another version knows other fields: what it does not hear of is as in an empty one
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    pub seq: u64,
    /// The engine's clock at the last event or sign of life, POSIX s.
    pub time: f64,
    /// The clock stands still between commands (virtual time).
    pub frozen: bool,
    /// When the instrument was last read whole, POSIX s.
    pub read: f64,
    /// Name of the instrument that is configured; `connecting` while the driver opens it.
    pub instrument: String,
    pub connecting: bool,
    pub connection: Option<Connection>,
    /// Why there is none, or why reads are late.
    pub trouble: Option<String>,
    pub stage: Option<Aged<StageView>>,
    pub electron: Option<Aged<BeamState>>,
    pub ion: Option<Aged<BeamState>>,
    pub chamber: Option<Aged<ChamberState>>,
    /// Settings of the next picture, electron and ion.
    pub settings: [ImageSettings; 2],
    pub live: [LiveView; 2],
    /// Newest last.
    pub jobs: VecDeque<Job>,
    pub question: Option<Question>,
    pub frames: VecDeque<FrameInfo>,
    /// The newest live frame per beam, which does not enter `frames`.
    pub live_frames: [Option<FrameInfo>; 2],
    pub notices: VecDeque<NoticeEntry>,
    pub positions: Vec<StagePosition>,
    pub session: Session,
    /// Who has control; `None` = nobody.
    pub control: Option<String>,
    /// Stop was pressed and nobody has acted since.
    pub stopped: Option<StopReport>,
    pub patterning: Option<Aged<PatterningState>>,
    pub needle: Option<Aged<ManipulatorState>>,
    pub gas: Option<Aged<GasState>>,
    /// What milling.run will mill.
    pub plan: Option<Plan>,
    /// The milling task under way, or how the last one ended.
    pub milling: Option<MillingRun>,
    /// Needle positions the console itself saved.
    pub needle_positions: Vec<(String, ManipulatorPosition)>,
    /// What was found in a picture last, with what was corrected of it.
    pub detection: Option<Detection>,
    /// The experiment that is open.
    #[serde(default)]
    pub experiment: Option<ExperimentView>,
    /// What a stopped job left changed: offered to be put back.
    pub owed: Vec<String>,
    /// How often stop was pressed.
    pub presses: u64,
}

/// Index of a beam in the pairs of the snapshot.
pub fn at(beam: Beam) -> usize {
    match beam {
        Beam::Electron => 0,
        Beam::Ion => 1,
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T, most: usize) {
    list.push_back(item);
    while list.len() > most {
        list.pop_front();
    }
}

impl Snapshot {
    pub fn beam(&self, beam: Beam) -> Option<&Aged<BeamState>> {
        match beam {
            Beam::Electron => self.electron.as_ref(),
            Beam::Ion => self.ion.as_ref(),
        }
    }

    /// What the connected instrument plans its times by.
    pub fn planner(&self) -> Planner<'_> {
        let connection = self.connection.as_ref();
        let milling = connection.and_then(|c| c.capabilities.milling.as_ref());
        Planner {
            control: milling.map(|m| m.control).unwrap_or_default(),
            rates: connection.map(|c| &c.rates),
        }
    }

    /// Seconds since the instrument was last read whole: the age of stage, beams and chamber on the screen.
    pub fn age(&self) -> f64 {
        (self.time - self.read).max(0.0)
    }

    /// The job under way.
    pub fn running(&self) -> Option<&Job> {
        self.jobs.iter().rev().find(|job| job.end.is_none())
    }

    /// The newest picture of a beam, live or kept.
    pub fn newest(&self, beam: Beam) -> Option<&FrameInfo> {
        let kept = self.frames.iter().rev().find(|f| f.beam == Some(beam));
        let live = self.live_frames[at(beam)].as_ref();
        match (kept, live) {
            (Some(kept), Some(live)) => Some(if live.id > kept.id { live } else { kept }),
            (kept, live) => kept.or(live),
        }
    }

    /// Alarms nobody has acknowledged.
    pub fn alarms(&self) -> impl Iterator<Item = &NoticeEntry> {
        self.notices
            .iter()
            .filter(|n| n.notice.severity == Severity::Alarm && !n.seen)
    }

    /// Folds one event in.
    pub fn apply(&mut self, sequenced: &Sequenced) {
        let time = sequenced.time;
        self.seq = sequenced.seq;
        self.time = self.time.max(time);
        match &sequenced.event {
            Event::Connecting { instrument } => {
                self.instrument.clone_from(instrument);
                self.connecting = true;
                self.trouble = None;
            }
            Event::Connected(connection) => {
                self.connecting = false;
                self.trouble = None;
                self.instrument.clone_from(&connection.identity.name);
                self.connection = Some((**connection).clone());
                self.read = time;
            }
            Event::Disconnected { reason } => {
                self.connecting = false;
                self.connection = None;
                self.trouble.clone_from(reason);
                self.stage = None;
                self.electron = None;
                self.ion = None;
                self.chamber = None;
                self.patterning = None;
                self.needle = None;
                self.gas = None;
                self.live = Default::default();
            }
            Event::LinkTrouble { text } => self.trouble = Some(text.clone()),
            // told by its notice
            Event::DiskLow { .. } => {}
            Event::Stage { by, stage } => {
                self.trouble = None;
                self.stage = Some(Aged {
                    value: stage.clone(),
                    time,
                    by: *by,
                });
            }
            Event::BeamChanged { by, beam, state } => {
                let aged = Some(Aged {
                    value: (**state).clone(),
                    time,
                    by: *by,
                });
                match beam {
                    Beam::Electron => self.electron = aged,
                    Beam::Ion => self.ion = aged,
                }
            }
            Event::ChamberChanged { by, state } => {
                self.chamber = Some(Aged {
                    value: *state,
                    time,
                    by: *by,
                })
            }
            Event::Settings { settings } => self.settings[at(settings.beam_type)] = (**settings).clone(),
            Event::JobStarted { job } => {
                self.stopped = None;
                self.jobs.push_back((**job).clone());
                // a job that still runs stays, however many came and went while it waited
                while self.jobs.len() > MOST_JOBS
                    && let Some(oldest) = self.jobs.iter().position(|job| job.end.is_some())
                {
                    self.jobs.remove(oldest);
                }
            }
            Event::JobEnded { id, end } => {
                if let Some(job) = self.job_mut(*id) {
                    job.end = Some(end.clone());
                }
                if self.question.as_ref().is_some_and(|q| q.job == *id) {
                    self.question = None;
                }
            }
            Event::JobPaused { id, paused } => {
                if let Some(job) = self.job_mut(*id) {
                    job.paused = *paused;
                }
            }
            Event::Asked { question } => self.question = Some((**question).clone()),
            Event::Answered { id, .. } => {
                if self.question.as_ref().is_some_and(|q| q.id == *id) {
                    self.question = None;
                }
            }
            Event::FrameTaken { frame } => match (frame.live, frame.beam) {
                (true, Some(beam)) => self.live_frames[at(beam)] = Some((**frame).clone()),
                _ => push(&mut self.frames, (**frame).clone(), MOST_FRAMES),
            },
            Event::Live { beam, live } => self.live[at(*beam)] = live.clone(),
            Event::Raised { id, notice } => {
                let entry = NoticeEntry {
                    id: *id,
                    time,
                    notice: notice.clone(),
                    seen: false,
                };
                push(&mut self.notices, entry, MOST_NOTICES);
            }
            Event::Seen { id } => {
                for entry in self.notices.iter_mut().filter(|n| n.id <= *id) {
                    entry.seen = true;
                }
            }
            Event::Positions { positions } => self.positions.clone_from(positions),
            Event::Session { session, .. } => self.session = session.clone(),
            Event::Control { holder } => self.control.clone_from(holder),
            Event::Stopped { report, .. } => self.stopped.clone_from(report),
            Event::Patterning { by, state } => {
                self.patterning = Some(Aged {
                    value: state.clone(),
                    time,
                    by: *by,
                })
            }
            Event::NeedleChanged { by, state } => {
                self.needle = Some(Aged {
                    value: state.clone(),
                    time,
                    by: *by,
                })
            }
            Event::GasChanged { by, state } => {
                self.gas = Some(Aged {
                    value: state.clone(),
                    time,
                    by: *by,
                })
            }
            Event::Plan { plan } => self.plan = plan.as_deref().cloned(),
            Event::Milling { run } => self.milling = Some((**run).clone()),
            Event::NeedlePositions { positions } => self.needle_positions.clone_from(positions),
            Event::MillingAngle { angle } => {
                if let Some(connection) = &mut self.connection {
                    connection.geometry.milling_angle = *angle;
                }
            }
            Event::Detection { detection } => self.detection = Some((**detection).clone()),
            Event::Experiment { experiment } => self.experiment = experiment.as_deref().cloned(),
            Event::Lamella { lamella } => {
                let lamellae = self.experiment.iter_mut().flat_map(|e| &mut e.lamellae);
                for place in lamellae.filter(|l| l.id == lamella.id) {
                    place.clone_from(lamella);
                }
            }
            Event::Queue { queue, finish } => {
                if let Some(experiment) = &mut self.experiment {
                    experiment.queue.clone_from(queue);
                    experiment.finish = *finish;
                }
            }
            Event::Owed { what } => self.owed.clone_from(what),
        }
    }

    /// Takes a pulse in; pulses are not kept anywhere else.
    pub fn pulse(&mut self, pulse: &Pulse) {
        match pulse {
            Pulse::Progress { job, progress } => {
                if let Some(job) = self.job_mut(*job) {
                    job.progress = Some(progress.clone());
                }
            }
            Pulse::Milling { run } => self.milling = Some((**run).clone()),
            Pulse::Pressed { presses } => self.presses = self.presses.max(*presses),
            Pulse::Alive { time, read } => {
                self.time = self.time.max(*time);
                self.read = *read;
            }
        }
    }

    fn job_mut(&mut self, id: u64) -> Option<&mut Job> {
        self.jobs.iter_mut().rev().find(|job| job.id == id)
    }
}
