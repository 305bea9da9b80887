//! One injector: where it stands, how warm its crucible is, what it holds.

use model::GasPortState;

/// Temperatures of a crucible that is off and on (K), and the time constant of its warming (s).
pub(super) const COLD: f64 = 293.0;
pub(super) const HOT: f64 = 318.0;
const WARMING: f64 = 15.0;

/// A temperature on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crucible {
    pub from: f64,
    pub to: f64,
    pub since: f64,
}

impl Crucible {
    pub fn temperature(&self, t: f64) -> f64 {
        self.to + (self.from - self.to) * (-(t - self.since).max(0.0) / WARMING).exp()
    }
}

/// One injector.
#[derive(Clone, Debug)]
pub struct Port {
    pub name: String,
    pub(super) gases: Vec<String>,
    pub(super) positions: Vec<String>,
    /// Share of the way in, 0 (out) to 1, at rest.
    pub(super) place: f64,
    pub(super) position: Option<String>,
    pub(super) gas: Option<String>,
    pub(super) heater: bool,
    pub(super) crucible: Crucible,
    pub(super) open: bool,
    pub(super) motion: Option<Travel>,
}

/// A way in or out.
#[derive(Clone, Debug)]
pub(super) struct Travel {
    pub ticket: u64,
    pub from: f64,
    pub to: f64,
    pub start: f64,
    pub reached: f64,
    /// When it is told.
    pub end: f64,
    /// Clock time at which it runs into something.
    pub strike: Option<(f64, &'static str)>,
}

impl Port {
    /// Share of the way in.
    pub fn inward(&self, t: f64) -> f64 {
        match &self.motion {
            None => self.place,
            Some(m) if m.reached > m.start => {
                m.from + (m.to - m.from) * ((t - m.start) / (m.reached - m.start)).clamp(0.0, 1.0)
            }
            Some(m) => m.to,
        }
    }

    pub(super) fn read(&self, t: f64) -> GasPortState {
        GasPortState {
            port: self.name.clone(),
            // anything that is not wholly out is in the way
            inserted: self.motion.is_some() || self.place > 0.0,
            position: self.position.clone(),
            gas: self.gas.clone(),
            heater: self.heater,
            temperature: self.crucible.temperature(t),
            open: self.open,
        }
    }
}
