//! What a journal says of the engine that wrote it: where it was when it ended, and what is not known of its last acts.

use super::{Entry, line};
use crate::command::Command;
use crate::event::{Event, Job, JobId};
use crate::snapshot::Snapshot;
use crate::watchdog::Note;
use hal::{Act, scope::ActId};
use model::{Danger, PatterningState, Shape};
use pattern::{MillingTask, Rest};
use workflow::Debt;

/// An engine's past.
#[derive(Clone, Debug, Default)]
pub struct Past {
    pub instrument: String,
    pub driver: String,
    /// As it was folded last; progress is not in it.
    pub snapshot: Snapshot,
    /// The engine said that it ended.
    pub closed: bool,
    /// Acts whose intent is written and whose outcome is not, oldest first.
    pub doubts: Vec<Doubt>,
    /// What the job that ran would have put back, newest last.
    pub debts: Vec<Debt>,
    /// What was drawn of the stage at work, in the order in which it was loaded.
    pub loads: Vec<Load>,
    /// Milling that was cut off once before and went on here.
    pub resumed: Option<Resumed>,
    /// Acts of the job that ran which are done and changed the sample.
    pub acts: usize,
    /// What the watchdog of that engine did when it failed.
    pub stopped: Option<Note>,
    /// Journals whose doubts were settled here.
    pub settled: Vec<String>,
    job: Option<JobId>,
    stage: Option<usize>,
}

/// What was left of a task when it went on.
#[derive(Clone, Debug, PartialEq)]
pub struct Resumed {
    pub command: Command,
    pub task: MillingTask,
    pub rest: Rest,
}

/// An act that may or may not have been done.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    pub act: ActId,
    pub by: String,
    /// When it was about to go out, POSIX s.
    pub time: f64,
    pub what: Act,
}

/// Shapes that were loaded into the patterning engine, and what is known of their drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    pub shapes: Vec<Shape>,
    pub drawn: Drawn,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Drawn {
    Never,
    Whole,
    /// It ended early, with this share of each shape done.
    Part(Vec<f64>),
    /// It was begun, or about to be, and nothing more is known here.
    Doubt,
}

impl Past {
    pub fn of(read: &line::Read) -> Past {
        let mut past = Past::default();
        for (_, entry) in &read.entries {
            past.take(entry);
        }
        past
    }

    /// The job that had begun and not ended.
    pub fn job(&self) -> Option<&Job> {
        // at the bottom; what ran above it while its hardware was lent went with it
        self.snapshot.jobs.iter().find(|job| job.end.is_none())
    }

    /// Nothing was under way, and nothing is left to be put back.
    pub fn is_at_rest(&self) -> bool {
        self.closed || (self.job().is_none() && self.doubts.is_empty())
    }

    fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Opened {
                instrument,
                driver,
                first,
                ..
            } => {
                self.instrument.clone_from(instrument);
                self.driver.clone_from(driver);
                self.snapshot = (**first).clone();
            }
            Entry::Event { event } => {
                self.snapshot.apply(event);
                self.event(&event.event);
            }
            Entry::Intent { act, by, time, what } => {
                self.intent(what);
                self.doubts.push(Doubt {
                    act: *act,
                    by: by.clone(),
                    time: *time,
                    what: what.clone(),
                });
            }
            Entry::Evidence { act, state, .. } => {
                if self.draws(*act) {
                    self.drawn(Drawn::Part(state.done.clone()));
                }
            }
            Entry::Outcome { act, outcome, .. } => {
                if self.draws(*act) && outcome.done {
                    self.drawn(Drawn::Whole);
                }
                let known = self.doubts.iter().position(|d| d.act == *act);
                let what = known.map(|at| self.doubts.remove(at).what);
                let changed = outcome.done && what.as_ref().is_some_and(|what| what.danger() == Danger::Sample);
                self.acts += usize::from(changed);
                if matches!(what, Some(Act::PatternsLoad { .. })) && !outcome.done {
                    self.loads.pop();
                }
            }
            Entry::Owes { job, debts } if self.job == Some(*job) => self.debts.clone_from(debts),
            Entry::Closed { .. } => self.closed = true,
            Entry::Settled { journal, .. } => self.settled.push(journal.clone()),
            Entry::Resumed { command, task, rest } => {
                self.resumed = Some(Resumed {
                    command: command.clone(),
                    task: (**task).clone(),
                    rest: rest.clone(),
                });
                // what was milled before was another's
                self.snapshot.milling = None;
            }
            Entry::Over => self.resumed = None,
            Entry::Owes { .. } | Entry::Client { .. } | Entry::Unknown => {}
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::JobStarted { job } if self.job.is_none() => {
                self.job = Some(job.id);
                self.acts = 0;
                self.begin(None);
            }
            Event::JobEnded { id, .. } if self.job == Some(*id) => {
                self.job = None;
                self.resumed = None;
                self.debts.clear();
                self.begin(None);
            }
            Event::Milling { run } if run.at != self.stage => self.begin(run.at),
            // another connection counts its acts anew, and what was under way on the old one is told by its job
            Event::Connected(_) => self.doubts.clear(),
            _ => {}
        }
    }

    /// Another stage.
    fn begin(&mut self, stage: Option<usize>) {
        self.stage = stage;
        self.loads.clear();
    }

    fn intent(&mut self, what: &Act) {
        match what {
            Act::PatternsLoad { shapes } => self.loads.push(Load {
                shapes: shapes.clone(),
                drawn: Drawn::Never,
            }),
            Act::PatternStart { .. } => self.drawn(Drawn::Doubt),
            _ => {}
        }
    }

    fn draws(&self, act: ActId) -> bool {
        self.doubts
            .iter()
            .any(|d| d.act == act && matches!(d.what, Act::PatternStart { .. }))
    }

    fn drawn(&mut self, drawn: Drawn) {
        if let Some(load) = self.loads.last_mut() {
            load.drawn = drawn;
        }
    }

    /// What is left of the stage at work, of which `left` was to be milled, `None` for each shape that is done; an error where the
    /// journal and `seen` (the instrument's word on what is loaded last) do not say. `one_by_one`: each shape is loaded on its own.
    pub fn left(
        &self,
        mut left: Vec<Option<Shape>>,
        one_by_one: bool,
        seen: Option<&PatterningState>,
    ) -> Result<Vec<Option<Shape>>, Unclear> {
        for (n, load) in self.loads.iter().enumerate() {
            let open = left
                .iter()
                .enumerate()
                .filter(|(_, shape)| shape.is_some())
                .map(|(i, _)| i);
            let loaded: Vec<usize> = open.take(if one_by_one { 1 } else { usize::MAX }).collect();
            let same = loaded.len() == load.shapes.len()
                && loaded
                    .iter()
                    .zip(&load.shapes)
                    .all(|(i, shape)| left[*i].as_ref() == Some(shape));
            if !same {
                return Err(Unclear);
            }
            let seen = seen.filter(|_| n + 1 == self.loads.len()).map(|state| &state.done);
            let done = match (&load.drawn, seen) {
                (Drawn::Never, _) => continue,
                (Drawn::Whole, _) => vec![1.0; loaded.len()],
                (Drawn::Part(done), _) => done.clone(),
                (Drawn::Doubt, Some(done)) => done.clone(),
                (Drawn::Doubt, None) => return Err(Unclear),
            };
            if done.len() != loaded.len() {
                return Err(Unclear);
            }
            for (i, done) in loaded.into_iter().zip(done) {
                left[i] = left[i].as_ref().and_then(|shape| pattern::remaining(shape, done));
            }
        }
        Ok(left)
    }
}

/// Neither the journal nor the instrument says what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear;
