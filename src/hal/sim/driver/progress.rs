//! How a ticket stands, whoever of the world works on it.

use crate::sim::column::ColumnSim;
use crate::sim::world::State;
use crate::{HalError, Progress};
use model::ErrorKind;

impl State {
    /// How a ticket stands.
    pub fn progress(&self, ticket: u64, now: f64) -> Result<Progress, HalError> {
        let pending = |start: f64, end: f64| {
            let whole = end - start;
            let known = whole.is_finite() && whole > 0.0;
            Progress::Pending {
                fraction: known.then(|| ((now - start) / whole).clamp(0.0, 1.0)),
                remaining: known.then(|| (end - now).max(0.0)),
            }
        };
        let gas = |column: &ColumnSim| {
            column
                .gas_change
                .as_ref()
                .filter(|change| change.ticket == ticket)
                .map(|change| pending(change.start, change.end))
        };
        if let Some(ending) = self.ending(ticket) {
            return Ok(ending.clone().map_or_else(Progress::Failed, |()| Progress::Done));
        }
        let motion = self
            .stage
            .motion
            .as_ref()
            .filter(|m| m.ticket == ticket)
            .map(|m| pending(m.start(), m.end));
        let scan = self
            .scan
            .as_ref()
            .filter(|s| s.ticket == ticket)
            .map(|s| pending(s.start, s.end));
        let vacuum = (self.chamber.ticket() == Some(ticket)).then(|| {
            let (fraction, remaining) = self.chamber.progress(now).unzip();
            Progress::Pending { fraction, remaining }
        });
        let pattern = (self.patterning.ticket() == Some(ticket)).then(|| {
            let (fraction, remaining) = self.patterning.progress(now);
            Progress::Pending {
                fraction: Some(fraction),
                remaining: Some(remaining),
            }
        });
        let needle = self.needle.motion.as_ref().filter(|m| m.ticket == ticket);
        let needle = needle.map(|m| pending(m.start(), m.end));
        let injector = self.gas.under_way(ticket).map(|(start, end)| pending(start, end));
        motion
            .or(pattern)
            .or(needle)
            .or(injector)
            .or(scan)
            .or_else(|| gas(&self.electron))
            .or_else(|| gas(&self.ion))
            .or(vacuum)
            .ok_or_else(|| {
                HalError::new(
                    ErrorKind::Protocol,
                    format!("nothing is known of ticket {ticket}"),
                    "read the instrument's state",
                )
            })
    }
}
