//! What is done to a world: keys that are set, moves that begin, faults that strike, beams that trip, stop and cancel.

use super::{State, stopped};
use crate::HalError;
use crate::sim::collision;
use crate::sim::faults::{Effect, Sort};
use crate::sim::geometry::TwinGeometry;
use crate::sim::stage::{Contact, Order, Purpose};
use crate::sim::workpiece::Deed;
use model::{Beam, ErrorKind, Key, PatterningPhase, Pose, Value};

impl State {
    /// Counts an act for the scenario and lets strike what it brings.
    pub fn count(&mut self, geometry: &TwinGeometry, sort: Sort, now: f64) {
        for effect in self.faults.on(sort, now) {
            self.strike(geometry, effect, now);
        }
    }

    pub(super) fn strike(&mut self, geometry: &TwinGeometry, effect: Effect, t: f64) {
        match effect {
            Effect::VacuumLoss => self.leak(t),
            Effect::BeamTrip { beam } => self.trip(beam, t),
            Effect::NewSample => self.lab.piece.push(Deed::Exchange),
            Effect::WrongPreset { beam } => self.column(beam).slips = true,
            Effect::HandPanel { axis, by } => {
                self.interrupt_stage(t);
                let mut pose = self.stage.pose(t);
                pose.set(axis, pose.get(axis) + by);
                self.travel(geometry, Purpose::Foreign, &[pose], None, t);
            }
            armed => self.faults.arm(armed, t),
        }
    }

    /// Sends the stage through `points`; returns the ticket. `pushed`: the share of the first way at which the sample is
    /// pushed into the needle.
    pub fn travel(
        &mut self,
        geometry: &TwinGeometry,
        purpose: Purpose,
        points: &[Pose],
        pushed: Option<f64>,
        now: f64,
    ) -> u64 {
        let ticket = self.ticket();
        let stuck = self.faults.stuck(now);
        let (late, lie) = match purpose {
            Purpose::Foreign => (0.0, 0.0),
            Purpose::Move | Purpose::Home => (self.faults.take_hang(), self.faults.take_idle_lie()),
        };
        let order = Order {
            ticket,
            purpose,
            points,
            start: now,
            stuck,
            late,
            lie,
        };
        let mut beside = self.gas.probes(now);
        beside.extend(self.needle_body(now));
        let start = now;
        self.stage.plan(&order, |leg| {
            let gross = collision::first(geometry, leg, &beside);
            let fine = pushed.filter(|_| leg.start == start).map(|share| Contact {
                at: leg.when(share),
                pose: leg.at(share),
                with: "the needle",
            });
            gross.into_iter().chain(fine).min_by(|a, b| a.at.total_cmp(&b.at))
        });
        ticket
    }

    /// Somebody else takes the stage over.
    pub(super) fn interrupt_stage(&mut self, now: f64) {
        if let Some(motion) = self.stage.halt(now)
            && motion.purpose != Purpose::Foreign
        {
            let error = HalError::new(
                ErrorKind::Stopped,
                "the move was taken over at the instrument",
                "look who is at the hand panel",
            );
            self.end(motion.ticket, Err(error));
        }
    }

    /// Sets a key of a column, with what the instrument itself makes impossible. What a beam draws is planned for the beam as
    /// it is: it ends when that is changed.
    pub fn set(&mut self, beam: Beam, key: Key, value: &Value, now: f64) -> Result<Value, HalError> {
        if key == Key::On && *value == Value::Bool(true) && !self.chamber.is_pumped(now) {
            return Err(HalError::new(
                ErrorKind::Interlock,
                format!("there is no vacuum; the {beam} beam stays off"),
                "pump the chamber first (chamber.pump)",
            ));
        }
        self.hand_out_dose(now);
        let before = self.column(beam).state.clone();
        let set = self.column(beam).set(key, value)?;
        if key == Key::On && *value == Value::Bool(false) {
            self.lose_scan(beam, now);
        }
        let after = self.column(beam).state.clone();
        if let Some(scan) = self.scan.as_mut().filter(|scan| scan.beam() == beam) {
            scan.shut(after.on && !after.blanked, now);
        }
        let why = if !after.on {
            Some("the beam went off")
        } else if after.blanked {
            Some("the beam was blanked")
        } else if (after.settings.beam_current, after.settings.voltage)
            != (before.settings.beam_current, before.settings.voltage)
        {
            Some("the beam's current or voltage was changed")
        } else if after.settings.hfw != before.settings.hfw {
            Some("the beam's field was changed")
        } else {
            None
        };
        if let Some(why) = why {
            self.break_pattern(beam, why, now);
        }
        Ok(set)
    }

    /// The instrument itself turns a beam off.
    pub fn trip(&mut self, beam: Beam, now: f64) {
        self.break_pattern(beam, "the beam went off", now);
        self.column(beam).state.on = false;
        self.lose_scan(beam, now);
    }

    fn lose_scan(&mut self, beam: Beam, now: f64) {
        if self.scan.as_ref().is_none_or(|scan| scan.beam() != beam) {
            return;
        }
        if let Some(scan) = self.end_scan(now) {
            let error = HalError::new(
                ErrorKind::Other,
                format!("the {beam} beam went off during the scan; there is no picture"),
                "see why the beam is off, then take it again",
            );
            self.end(scan.ticket, Err(error));
        }
    }

    pub(super) fn leak(&mut self, t: f64) {
        self.shut_valves(t);
        let lost = || {
            Err(HalError::new(
                ErrorKind::Other,
                "air got into the chamber",
                "find the leak before you pump again",
            ))
        };
        if let Some(ticket) = self.chamber.leak(t) {
            self.end(ticket, lost());
        }
        for beam in Beam::ALL {
            self.trip(beam, t);
            if let Some(ticket) = self.column(beam).halt_gas() {
                self.end(ticket, lost());
            }
        }
    }

    /// The red button: halts motion where it is, ends the scan, keeps the old gas, shuts the valves, blanks both beams.
    pub fn halt(&mut self, geometry: &TwinGeometry, now: f64) -> Result<(), HalError> {
        self.alive(now)?;
        self.count(geometry, Sort::Stop, now);
        if self.faults.take_stop_lie() {
            if let Some(motion) = &mut self.stage.motion {
                motion.deaf = true;
            }
            return Ok(());
        }
        let moving = self.stage.halt(now).map(|motion| motion.ticket);
        let scanning = self.end_scan(now).map(|scan| scan.ticket);
        let gas = [self.electron.halt_gas(), self.ion.halt_gas()];
        self.halt_hands(now);
        for ticket in [moving, scanning, gas[0], gas[1], self.chamber.halt(now)]
            .into_iter()
            .flatten()
        {
            self.end(ticket, stopped());
        }
        (self.electron.state.blanked, self.ion.state.blanked) = (true, true);
        Ok(())
    }

    /// The beam off the pattern, the needle where it is, valves shut, the coater off.
    fn halt_hands(&mut self, now: f64) {
        self.hand_out(now);
        let drawing = self.patterning.drawing_with();
        let pattern = self.patterning.halt(PatterningPhase::Idle, now);
        if let Some(beam) = drawing {
            self.end_spot_mode(beam);
            self.look_for_bodies(now);
        }
        let (needle, gas) = (self.needle.halt(now), self.gas.halt(now));
        for ticket in pattern.into_iter().chain(needle).chain(gas) {
            self.end(ticket, stopped());
        }
    }

    /// The instrument itself shuts its valves.
    pub fn shut_valves(&mut self, now: f64) {
        self.hand_out_flow(now);
        self.gas.shut();
    }

    /// Ends what one ticket began.
    pub fn cancel(&mut self, ticket: u64, now: f64) {
        if self
            .stage
            .motion
            .as_ref()
            .is_some_and(|m| m.ticket == ticket && !m.deaf)
        {
            self.stage.halt(now);
            self.end(ticket, stopped());
        }
        if self.scan.as_ref().is_some_and(|scan| scan.ticket == ticket) {
            self.end_scan(now);
            self.end(ticket, stopped());
        }
        for beam in Beam::ALL {
            let column = self.column(beam);
            if column.gas_change.as_ref().is_some_and(|change| change.ticket == ticket) {
                column.halt_gas();
                self.end(ticket, stopped());
            }
        }
        if self.chamber.ticket() == Some(ticket) {
            self.chamber.halt(now);
            self.end(ticket, stopped());
        }
        self.hand_out_dose(now);
        let drawing = self.patterning.drawing_with();
        if self.patterning.cancel(ticket, now)
            && let Some(beam) = drawing
        {
            self.end_spot_mode(beam);
        }
        if self.needle.motion.as_ref().is_some_and(|m| m.ticket == ticket) {
            self.needle.halt(now);
            self.end(ticket, stopped());
        }
        self.hand_out_flow(now);
        if self.gas.cancel(ticket, now) {
            self.end(ticket, stopped());
        }
    }
}
