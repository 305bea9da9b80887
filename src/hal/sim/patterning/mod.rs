//! The twin's patterning engine: what is loaded, how far the beam has drawn it, and what broke it off.
//!
//! A function of the clock like everything else here: it draws whether or not anybody looks. `files`: how long a shape takes.
//! `draw`: the world around it, which starts, halts and breaks it. What the dose does to matter is not decided here: who
//! looks at the sample takes the [`Segment`]s that were drawn since the last look (`segments`).

mod draw;
pub mod files;
mod segments;

pub use draw::capabilities;
pub use segments::{Drawn, Segment};

use crate::HalError;
use files::ApplicationFile;
use model::capabilities::MillingControl;
use model::{
    Beam, ErrorKind, MillingSettings, PatterningMode, PatterningPhase, PatterningState, Point, Shape, units,
    units::Unit,
};

/// Time (s) the controller takes to end a pattern that was cancelled; the beam is off it at once.
const STOPPING: f64 = 0.05;

/// One loaded shape.
#[derive(Clone, Debug)]
pub struct Part {
    pub shape: Shape,
    /// By which its time is planned, and whether it grows instead of being milled.
    pub file: &'static ApplicationFile,
}

/// What the beam is, as far as planning goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    pub channel: Beam,
    /// A, as read.
    pub current: f64,
    /// m.
    pub spot: f64,
}

/// A run of what is loaded.
#[derive(Clone, Debug)]
struct Run {
    ticket: u64,
    probe: Probe,
    /// Beam time of each part, s.
    times: Vec<f64>,
    /// Beam time drawn before `since`, s.
    drawn: f64,
    /// Clock time at which the beam was last put on.
    since: f64,
    /// Clock seconds per second of beam time.
    pace: f64,
    /// Seconds by which its end is told too late (a fault).
    late: f64,
    /// Beam time up to which its dose was handed out.
    told: f64,
    /// Where in the records its parts begin.
    record: usize,
}

impl Run {
    fn total(&self) -> f64 {
        self.times.iter().sum()
    }

    /// Clock time at which it is drawn, if nothing comes between.
    fn end(&self) -> f64 {
        self.since + (self.total() - self.drawn) * self.pace
    }
}

/// A parked beam.
#[derive(Clone, Debug)]
pub struct Spot {
    pub ticket: u64,
    pub probe: Probe,
    /// Fractions of the field from the top left.
    pub at: Point,
    pub start: f64,
    pub end: f64,
    told: f64,
    record: usize,
}

/// What became of one shape that was begun, for the truth.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: u64,
    pub name: String,
    /// C.
    pub planned: f64,
    pub delivered: f64,
}

#[derive(Clone, Debug)]
pub struct PatterningSim {
    pub settings: MillingSettings,
    control: MillingControl,
    /// Clock seconds per second of beam time: flyback and settling that the estimate leaves out.
    pace: f64,
    phase: PatterningPhase,
    parts: Vec<Part>,
    run: Option<Run>,
    spot: Option<Spot>,
    /// Clock time at which the controller has ended a cancelled run.
    stopped_at: Option<(u64, f64)>,
    pub records: Vec<Record>,
}

impl PatterningSim {
    /// Nothing loaded. `overhead`: share of the beam time that a run takes longer than its estimate.
    pub fn new(control: MillingControl, overhead: f64) -> PatterningSim {
        PatterningSim {
            settings: MillingSettings::default(),
            control,
            pace: 1.0 + overhead.max(0.0),
            phase: PatterningPhase::Idle,
            parts: Vec::new(),
            run: None,
            spot: None,
            stopped_at: None,
            records: Vec::new(),
        }
    }

    /// The beam is on the sample, or will go on to be.
    pub fn is_active(&self) -> bool {
        self.spot.is_some() || self.phase.is_active()
    }

    /// The beam that draws now.
    pub fn drawing_with(&self) -> Option<Beam> {
        let spot = self.spot.as_ref().map(|spot| spot.probe.channel);
        let run = self.run.as_ref().map(|run| run.probe.channel);
        spot.or(run.filter(|_| self.phase == PatterningPhase::Running))
    }

    pub fn is_loaded(&self) -> bool {
        !self.parts.is_empty()
    }

    /// m3/C by which the time of a part is planned.
    fn rate(&self, part: &Part) -> f64 {
        match self.control {
            MillingControl::Current => part.file.rate,
            MillingControl::Preset => self.settings.rate,
        }
    }

    fn times(&self, probe: Probe) -> Vec<f64> {
        let time = |part: &Part| files::beam_time(&part.shape, self.rate(part), probe.current, probe.spot);
        self.parts.iter().map(time).collect()
    }

    /// Seconds for all that is loaded, with the beam as it is.
    pub fn estimate(&self, probe: Probe) -> f64 {
        self.times(probe).iter().sum()
    }

    pub fn clear(&mut self) {
        (self.parts, self.run, self.phase) = (Vec::new(), None, PatterningPhase::Idle);
    }

    pub fn load(&mut self, parts: impl IntoIterator<Item = Part>) {
        // what is drawn is counted by what was loaded when it began
        (self.run, self.phase) = (None, PatterningPhase::Idle);
        self.parts.extend(parts);
    }

    /// Beam time drawn by clock time `t`.
    fn drawn(&self, t: f64) -> f64 {
        self.run.as_ref().map_or(0.0, |run| match self.phase {
            PatterningPhase::Running => (run.drawn + (t - run.since).max(0.0) / run.pace).min(run.total()),
            _ => run.drawn,
        })
    }

    /// Share drawn of part `i` at beam time `drawn`.
    fn share(&self, run: &Run, i: usize, drawn: f64) -> f64 {
        let (time, total) = (run.times[i], run.total());
        if time <= 0.0 {
            // nothing to do is done as soon as the run is
            return f64::from(drawn >= total);
        }
        match self.settings.patterning_mode {
            PatterningMode::Serial => {
                let before: f64 = run.times[..i].iter().sum();
                ((drawn - before) / time).clamp(0.0, 1.0)
            }
            PatterningMode::Parallel => (drawn / total).clamp(0.0, 1.0),
        }
    }

    pub fn read(&self, probe: Probe, t: f64) -> PatterningState {
        let drawn = self.drawn(t);
        let phase = if self.spot.is_some() {
            PatterningPhase::Running
        } else {
            self.phase
        };
        match (&self.run, &self.spot) {
            (_, Some(spot)) => PatterningState {
                phase,
                estimated: spot.end - spot.start,
                elapsed: (t - spot.start).clamp(0.0, spot.end - spot.start),
                done: vec![0.0; self.parts.len()],
            },
            (Some(run), None) => PatterningState {
                phase,
                estimated: run.total(),
                elapsed: drawn,
                done: (0..self.parts.len()).map(|i| self.share(run, i, drawn)).collect(),
            },
            (None, None) => PatterningState {
                phase,
                estimated: self.estimate(probe),
                elapsed: 0.0,
                done: vec![0.0; self.parts.len()],
            },
        }
    }

    /// Begins to draw all that is loaded.
    pub fn begin(&mut self, ticket: u64, probe: Probe, late: f64, t: f64) {
        let times = self.times(probe);
        let record = self.records.len();
        for (part, time) in self.parts.iter().zip(&times) {
            let name = match part.file.deposits {
                Some(_) => format!("{} ({})", part.shape.kind(), part.file.name),
                None => part.shape.kind().to_owned(),
            };
            self.records.push(Record {
                id: self.records.len() as u64 + 1,
                name,
                planned: time * probe.current,
                delivered: 0.0,
            });
        }
        self.run = Some(Run {
            ticket,
            probe,
            times,
            drawn: 0.0,
            since: t,
            pace: self.pace,
            late,
            told: 0.0,
            record,
        });
        self.phase = PatterningPhase::Running;
    }

    pub fn begin_spot(&mut self, ticket: u64, probe: Probe, at: Point, seconds: f64, t: f64) {
        let record = self.records.len();
        self.records.push(Record {
            id: record as u64 + 1,
            name: "spot".to_owned(),
            planned: seconds * probe.current,
            delivered: 0.0,
        });
        self.spot = Some(Spot {
            ticket,
            probe,
            at,
            start: t,
            end: t + seconds,
            told: t,
            record,
        });
    }

    /// Stands still at `t`; the segments up to there must have been taken.
    pub fn pause(&mut self, t: f64) -> Result<(), HalError> {
        if self.phase != PatterningPhase::Running {
            return Err(HalError::new(
                ErrorKind::Interlock,
                "nothing is being milled; nothing was paused",
                "look at the state of milling",
            ));
        }
        self.hold(t, PatterningPhase::Paused);
        Ok(())
    }

    pub fn resume(&mut self, current: f64, t: f64) -> Result<(), HalError> {
        let run = self.run.as_mut().filter(|_| self.phase == PatterningPhase::Paused);
        let Some(run) = run else {
            return Err(HalError::new(
                ErrorKind::Interlock,
                "no pattern is paused; nothing was resumed",
                "look at the state of milling",
            ));
        };
        if (current / run.probe.current - 1.0).abs() > 0.01 {
            let show = |i| units::format(i, Unit::Ampere);
            return Err(HalError::new(
                ErrorKind::Interlock,
                format!(
                    "the pattern was begun at {} and the beam is at {}; it stays paused",
                    show(run.probe.current),
                    show(current)
                ),
                "set the current back, or stop the pattern and plan what is left",
            ));
        }
        (run.since, self.phase) = (t, PatterningPhase::Running);
        Ok(())
    }

    fn hold(&mut self, t: f64, phase: PatterningPhase) {
        let drawn = self.drawn(t);
        if let Some(run) = &mut self.run {
            run.drawn = drawn;
        }
        self.phase = phase;
    }

    /// Breaks off what is under way at `t`, leaving `phase`; returns its ticket.
    pub fn halt(&mut self, phase: PatterningPhase, t: f64) -> Option<u64> {
        if let Some((ticket, _)) = self.stopped_at.take() {
            self.phase = PatterningPhase::Idle;
            return Some(ticket);
        }
        if let Some(spot) = self.spot.take() {
            return Some(spot.ticket);
        }
        if !self.phase.is_active() {
            return None;
        }
        self.hold(t, phase);
        self.run.as_ref().map(|run| run.ticket)
    }

    /// As an operator's cancel: the beam leaves the sample now, the controller is done a moment later.
    pub fn cancel(&mut self, ticket: u64, t: f64) -> bool {
        if self.ticket() != Some(ticket) || self.stopped_at.is_some() {
            return false;
        }
        if self.spot.as_ref().is_none_or(|spot| spot.ticket != ticket) {
            self.hold(t, PatterningPhase::Stopping);
        }
        self.spot = None;
        self.stopped_at = Some((ticket, t + STOPPING));
        true
    }

    /// The ticket under way.
    pub fn ticket(&self) -> Option<u64> {
        let run = self
            .run
            .as_ref()
            .filter(|_| self.phase.is_active())
            .map(|run| run.ticket);
        self.stopped_at
            .map(|(ticket, _)| ticket)
            .or(self.spot.as_ref().map(|spot| spot.ticket))
            .or(run)
    }

    /// Fraction done and seconds left of what is under way.
    pub fn progress(&self, t: f64) -> (f64, f64) {
        if let Some(spot) = &self.spot {
            let whole = spot.end - spot.start;
            return (((t - spot.start) / whole).clamp(0.0, 1.0), (spot.end - t).max(0.0));
        }
        let (drawn, total) = (self.drawn(t), self.run.as_ref().map_or(0.0, Run::total));
        let fraction = if total > 0.0 { drawn / total } else { 1.0 };
        (fraction.clamp(0.0, 1.0), (total - drawn).max(0.0))
    }

    /// Ends what has come to its end by `t`: its ticket, and whether it was drawn to its end.
    pub fn settle(&mut self, t: f64) -> Option<(u64, bool)> {
        if let Some((ticket, at)) = self.stopped_at {
            if t < at {
                return None;
            }
            (self.stopped_at, self.phase) = (None, PatterningPhase::Idle);
            return Some((ticket, false));
        }
        if let Some(spot) = self.spot.take_if(|spot| t >= spot.end) {
            return Some((spot.ticket, true));
        }
        let run = self.run.as_ref().filter(|_| self.phase == PatterningPhase::Running)?;
        if t < run.end() + run.late {
            return None;
        }
        let ticket = run.ticket;
        self.hold(t, PatterningPhase::Idle);
        Some((ticket, true))
    }

    /// Whether something comes to its end by `t`.
    pub fn is_due(&self, t: f64) -> bool {
        let spot = self.spot.as_ref().is_some_and(|spot| t >= spot.end);
        let run = self.run.as_ref().filter(|_| self.phase == PatterningPhase::Running);
        spot || self.stopped_at.is_some() || run.is_some_and(|run| t >= run.end())
    }

    /// The shapes that are kept clear.
    pub fn exclusions(&self) -> Vec<Shape> {
        let shapes = self.parts.iter().map(|part| &part.shape);
        shapes.filter(|shape| shape.is_exclusion()).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
