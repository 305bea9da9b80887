//! The twin's vacuum: pressure as a function of time, pumping and venting that take their minutes.

use model::{ChamberPhase, ChamberState};

/// Working vacuum and atmosphere (Pa).
pub const WORKING: f64 = 2.1e-4;
const ATMOSPHERE: f64 = 1e5;
/// Pressure (Pa) up to which the instrument calls the chamber pumped.
const PUMPED: f64 = 1e-2;
/// Seconds from atmosphere to working vacuum, and back.
const PUMP_TIME: f64 = 240.0;
const VENT_TIME: f64 = 90.0;

/// A change of pressure under way: a straight line of its logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ramp {
    /// `None`: nobody here asked for it (a leak).
    ticket: Option<u64>,
    from: f64,
    to: f64,
    start: f64,
    /// When `to` is reached, and when that is told.
    reached: f64,
    end: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ChamberSim {
    pressure: f64,
    ramp: Option<Ramp>,
}

impl ChamberSim {
    pub fn pumped() -> ChamberSim {
        ChamberSim {
            pressure: WORKING,
            ramp: None,
        }
    }

    pub fn read(&self, t: f64) -> ChamberState {
        let pressure = self.pressure(t);
        let phase = match &self.ramp {
            Some(ramp) if t < ramp.end => {
                if ramp.to < ramp.from {
                    ChamberPhase::Pumping
                } else {
                    ChamberPhase::Venting
                }
            }
            // a chamber left halfway is no vacuum to work in
            _ if pressure > PUMPED => ChamberPhase::Vented,
            _ => ChamberPhase::Pumped,
        };
        ChamberState { phase, pressure }
    }

    fn pressure(&self, t: f64) -> f64 {
        match &self.ramp {
            None => self.pressure,
            Some(ramp) => {
                let whole = ramp.reached - ramp.start;
                let share = if whole > 0.0 {
                    ((t - ramp.start) / whole).clamp(0.0, 1.0)
                } else {
                    1.0
                };
                ramp.from * (ramp.to / ramp.from).powf(share)
            }
        }
    }

    pub fn is_pumped(&self, t: f64) -> bool {
        self.read(t).phase == ChamberPhase::Pumped
    }

    /// Begins to pump; `late`: seconds by which the end is told too late. Returns the ticket of what it puts an end to.
    pub fn pump(&mut self, ticket: u64, t: f64, late: f64) -> Option<u64> {
        self.go(Some(ticket), WORKING, PUMP_TIME, t, late)
    }

    /// Begins to vent, as [`ChamberSim::pump`].
    pub fn vent(&mut self, ticket: u64, t: f64, late: f64) -> Option<u64> {
        self.go(Some(ticket), ATMOSPHERE, VENT_TIME, t, late)
    }

    /// Air gets in without anybody having asked.
    pub fn leak(&mut self, t: f64) -> Option<u64> {
        let lost = self.go(None, ATMOSPHERE, VENT_TIME, t, 0.0);
        // the gauge jumps above the working range at once: the trip is not a matter of polling
        if let Some(ramp) = &mut self.ramp {
            ramp.from = ramp.from.max(10.0 * PUMPED);
        }
        lost
    }

    /// Reaches `to` in the share of `full` that the way still to go is of the whole way.
    fn go(&mut self, ticket: Option<u64>, to: f64, full: f64, t: f64, late: f64) -> Option<u64> {
        let from = self.pressure(t);
        let way = (to / from).ln().abs() / (ATMOSPHERE / WORKING).ln();
        let ramp = Ramp {
            ticket,
            from,
            to,
            start: t,
            reached: t + full * way,
            end: t + full * way + late,
        };
        self.ramp.replace(ramp).and_then(|undone| undone.ticket)
    }

    /// The ticket under way.
    pub fn ticket(&self) -> Option<u64> {
        self.ramp.as_ref().and_then(|ramp| ramp.ticket)
    }

    /// Fraction done and seconds left of what is under way.
    pub fn progress(&self, t: f64) -> Option<(f64, f64)> {
        let ramp = self.ramp.as_ref()?;
        let whole = ramp.reached - ramp.start;
        Some((
            if whole > 0.0 {
                ((t - ramp.start) / whole).clamp(0.0, 1.0)
            } else {
                1.0
            },
            (ramp.reached - t).max(0.0),
        ))
    }

    /// Ends a ramp whose time has come; returns its ticket.
    pub fn settle(&mut self, t: f64) -> Option<u64> {
        if self.ramp.as_ref().is_none_or(|ramp| t < ramp.end) {
            return None;
        }
        let ramp = self.ramp.take()?;
        self.pressure = ramp.to;
        ramp.ticket
    }

    /// Valves shut and pumps off: the pressure stays what it is.
    pub fn halt(&mut self, t: f64) -> Option<u64> {
        self.pressure = self.pressure(t);
        self.ramp.take().and_then(|ramp| ramp.ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_follows_the_clock_both_ways() {
        let mut chamber = ChamberSim::pumped();
        assert_eq!(
            chamber.read(0.0),
            ChamberState {
                phase: ChamberPhase::Pumped,
                pressure: WORKING
            }
        );
        chamber.vent(1, 0.0, 0.0);
        assert_eq!(chamber.read(1.0).phase, ChamberPhase::Venting);
        let middle = chamber.read(45.0).pressure;
        assert!((middle / (WORKING * ATMOSPHERE).sqrt() - 1.0).abs() < 1e-9);
        assert_eq!(chamber.settle(90.0), Some(1));
        assert_eq!(
            chamber.read(90.0),
            ChamberState {
                phase: ChamberPhase::Vented,
                pressure: ATMOSPHERE
            }
        );
        chamber.pump(2, 100.0, 0.0);
        assert_eq!(chamber.progress(220.0), Some((0.5, 120.0)));
        assert!(!chamber.is_pumped(339.9));
        assert_eq!(chamber.settle(340.0), Some(2));
        assert!(chamber.is_pumped(340.0));
    }

    #[test]
    fn pumping_broken_off_is_no_vacuum() {
        let mut chamber = ChamberSim::pumped();
        chamber.vent(1, 0.0, 0.0);
        chamber.settle(90.0);
        chamber.pump(2, 90.0, 0.0);
        assert_eq!(chamber.halt(150.0), Some(2));
        assert_eq!(chamber.read(1e4).phase, ChamberPhase::Vented);
        assert_eq!(chamber.read(1e4).pressure, chamber.read(200.0).pressure);
    }

    #[test]
    fn a_leak_ends_the_vacuum_at_once() {
        let mut chamber = ChamberSim::pumped();
        assert_eq!(chamber.leak(5.0), None);
        assert!(!chamber.is_pumped(5.0));
        assert_eq!(chamber.settle(1e3), None);
        assert_eq!(chamber.read(1e3).phase, ChamberPhase::Vented);
    }
}
