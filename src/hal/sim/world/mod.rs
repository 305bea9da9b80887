//! The twin's world: what goes on whether or not anybody is connected.
//!
//! Everything in it is a function of the instrument's clock: [`State::advance`] brings it to the present, event by event,
//! whenever it is looked at, so nothing depends on how often that happens. The lock is held for microseconds only; pictures
//! are developed outside of it, so that stop never waits for one. `changes`: what is done to it.

mod changes;

use super::chamber::ChamberSim;
use super::collision::Probe;
use super::column::ColumnSim;
use super::faults::{Faults, Schedule};
use super::gas::GasSim;
use super::geometry::TwinGeometry;
use super::imaging::{Darkroom, Film, Pictures, Scan};
use super::needle::{self, NeedleSim};
use super::patterning::PatterningSim;
use super::stage::{Contact, Ending, Motion, Purpose, StageSim};
use super::workpiece::{Deed, Lab, Workpiece};
use super::{room, values};
use crate::{Clock, HalError};
use model::config::Instrument;
use model::{Beam, Capabilities, ErrorKind, Identity, Key, StagePosition, Value};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A world with a specimen, a stage, two columns and a chamber. It outlives its drivers: whoever opens it finds it as it is.
pub struct World {
    pub(super) instrument: Instrument,
    pub(super) capabilities: Capabilities,
    /// The geometry as it really is.
    pub(super) geometry: Arc<TwinGeometry>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) darkroom: Arc<Darkroom>,
    pub(super) lab: Arc<Lab>,
    state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub lab: Arc<Lab>,
    pub stage: StageSim,
    pub electron: ColumnSim,
    pub ion: ColumnSim,
    pub chamber: ChamberSim,
    pub patterning: PatterningSim,
    pub needle: NeedleSim,
    pub gas: GasSim,
    pub scan: Option<Scan>,
    pub pictures: Pictures,
    pub faults: Schedule,
    pub touched: Vec<Contact>,
    /// Beam whose view and whose detector are active.
    pub active_view: Beam,
    pub active_device: Beam,
    /// Charge that reached the sample while scanning: electron, ion (C).
    pub dose: [f64; 2],
    ended: BTreeMap<u64, Result<(), HalError>>,
    tickets: u64,
    /// Clock time up to which everything here has happened.
    present: f64,
}

/// Something done to the instrument behind the console's back: the vendor's program, the hand panel.
#[derive(Clone, Debug, PartialEq)]
pub enum Foreign {
    /// Moves; axes that are `None` stay.
    Move(StagePosition),
    /// Sets a key of a column.
    Set(Beam, Key, Value),
    /// Makes the stage homed and linked, or not.
    Reference { homed: bool, linked: bool },
    /// Lets air in.
    Leak,
}

/// How many ended tickets are remembered.
const REMEMBERED: usize = 256;

impl World {
    /// A world at rest: the grid's centre under both beams, in focus, flat to the electron beam, both beams on and not
    /// blanked, pumped. The specimen grows when the first picture needs it.
    pub fn new(instrument: &Instrument, clock: Arc<dyn Clock>) -> Arc<World> {
        World::made(instrument, clock, None)
    }

    /// The same, whose beams see recorded pictures.
    pub fn playing(instrument: &Instrument, clock: Arc<dyn Clock>, film: Film) -> Arc<World> {
        World::made(instrument, clock, Some(film))
    }

    pub(super) fn is_playing(&self) -> bool {
        self.darkroom.film.is_some()
    }

    fn made(instrument: &Instrument, clock: Arc<dyn Clock>, film: Option<Film>) -> Arc<World> {
        let twin = &instrument.twin;
        let mut geometry = room::geometry(instrument);
        geometry.height_error = twin.errors.coincidence;
        geometry.rotation_axis = [twin.errors.runout.0, twin.errors.runout.1];
        let capabilities = values::capabilities(instrument);
        let column = |beam| ColumnSim::new(instrument, beam, capabilities.beam(beam).cloned().unwrap_or_default());
        let geometry = Arc::new(geometry);
        let lab = Arc::new(Lab {
            geometry: geometry.clone(),
            errors: twin.errors.clone(),
            born: clock.now(),
            piece: Arc::new(Workpiece::new(&twin.scene, twin.seed)),
        });
        let state = State {
            lab: lab.clone(),
            stage: StageSim::new(
                geometry.home(),
                twin.errors.clone(),
                ChaCha8Rng::seed_from_u64(twin.seed),
            ),
            electron: column(Beam::Electron),
            ion: column(Beam::Ion),
            chamber: ChamberSim::pumped(),
            patterning: PatterningSim::new(
                capabilities.milling.as_ref().map(|m| m.control).unwrap_or_default(),
                twin.errors.patterning_overhead,
            ),
            needle: NeedleSim::new(geometry.nominal.stage),
            gas: GasSim::new(capabilities.gas.as_ref()),
            scan: None,
            pictures: Pictures::default(),
            faults: Schedule::default(),
            touched: Vec::new(),
            active_view: Beam::Electron,
            active_device: Beam::Electron,
            dose: [0.0; 2],
            ended: BTreeMap::new(),
            tickets: 0,
            present: 0.0,
        };
        Arc::new(World {
            instrument: instrument.clone(),
            capabilities,
            geometry,
            clock,
            darkroom: Arc::new(Darkroom::new(lab.clone(), film)),
            lab,
            state: Mutex::new(state),
        })
    }

    /// Plays a scenario of faults from now on, in place of any before.
    pub fn set_faults(&self, faults: Faults) {
        self.look(|state, now| state.faults = Schedule::new(faults, now));
    }

    /// Does something behind the console's back. What the instrument itself would refuse is refused.
    pub fn foreign(&self, change: Foreign) -> Result<(), HalError> {
        self.look(|state, now| match change {
            Foreign::Move(target) => {
                state.interrupt_stage(now);
                let pose = target.resolve(state.stage.pose(now));
                state.travel(&self.geometry, Purpose::Foreign, &[pose], None, now);
                Ok(())
            }
            Foreign::Set(beam, key, value) => state.set(beam, key, &value, now).map(drop),
            Foreign::Reference { homed, linked } => {
                (state.stage.homed, state.stage.linked) = (homed, linked);
                Ok(())
            }
            Foreign::Leak => {
                state.leak(now);
                Ok(())
            }
        })
    }

    pub(super) fn identity(&self) -> Identity {
        let info = &self.instrument.info;
        Identity {
            name: info.name.clone(),
            manufacturer: info.manufacturer.clone(),
            model: if self.is_playing() {
                "fibdeck replay"
            } else {
                "fibdeck digital twin"
            }
            .to_owned(),
            serial_number: format!("seed-{}", self.instrument.twin.seed),
            hardware_version: self.instrument.twin.scene.clone(),
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            driver: if self.is_playing() { "replay" } else { "sim" }.to_owned(),
        }
    }

    /// The state brought to the present, and the present (clock s).
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut State, f64) -> T) -> T {
        let mut state = self.lock();
        let now = self.clock.now().max(state.present);
        state.advance(&self.geometry, now);
        look(&mut state, now)
    }

    /// As [`World::look`] over the link to the instrument, which may be dead.
    pub(super) fn call<T>(&self, call: impl FnOnce(&mut State, f64) -> Result<T, HalError>) -> Result<T, HalError> {
        self.look(|state, now| {
            state.alive(now)?;
            call(state, now)
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stopped() -> Result<(), HalError> {
    Err(HalError::stopped())
}

impl State {
    pub fn column(&mut self, beam: Beam) -> &mut ColumnSim {
        match beam {
            Beam::Electron => &mut self.electron,
            Beam::Ion => &mut self.ion,
        }
    }

    /// An error while the link is dead.
    pub fn alive(&self, now: f64) -> Result<(), HalError> {
        if self.faults.is_dead(now) {
            return Err(HalError::new(
                ErrorKind::Timeout,
                "the instrument does not answer; whether it heard is not known",
                "look at the instrument and its network, then try again",
            ));
        }
        Ok(())
    }

    pub fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Remembers how a ticket ended.
    pub fn end(&mut self, ticket: u64, result: Result<(), HalError>) {
        self.ended.insert(ticket, result);
        while self.ended.len() > REMEMBERED {
            self.ended.pop_first();
        }
    }

    pub fn ending(&self, ticket: u64) -> Option<&Result<(), HalError>> {
        self.ended.get(&ticket)
    }

    /// Brings everything to `now`, fault by fault.
    fn advance(&mut self, geometry: &TwinGeometry, now: f64) {
        while let Some((at, effect)) = self.faults.due(now) {
            // what a scenario set late has missed strikes at once, not in the past
            let at = at.max(self.present);
            self.settle(at);
            self.strike(geometry, effect, at);
        }
        self.settle(now);
    }

    /// Ends what has come to its end by `t`.
    fn settle(&mut self, t: f64) {
        self.present = t;
        if self.stage.motion.is_some() {
            // where it was while the beam drew is known only as long as it moves
            self.hand_out_dose(t);
        }
        self.settle_hands(t);
        if let Some((motion, ending)) = self.stage.settle(t) {
            self.arrive(motion, ending);
            self.hand_out_needle(t);
        }
        for ticket in [self.chamber.settle(t), self.electron.settle(t), self.ion.settle(t)]
            .into_iter()
            .flatten()
        {
            self.end(ticket, Ok(()));
        }
    }

    /// Patterns, needle and gas.
    fn settle_hands(&mut self, t: f64) {
        let drawing = self.patterning.drawing_with();
        if self.patterning.is_due(t) {
            self.hand_out_dose(t);
        }
        if let Some((ticket, drawn)) = self.patterning.settle(t) {
            if let Some(beam) = drawing {
                self.end_spot_mode(beam);
            }
            self.look_for_bodies(t);
            self.end(ticket, if drawn { Ok(()) } else { stopped() });
        }
        if self.gas.is_due(t) {
            self.hand_out_flow(t);
        }
        for (ticket, struck) in self.gas.settle(t) {
            let result = struck.map_or(Ok(()), |with| Err(self.struck("the gas injector", with, t)));
            self.end(ticket, result);
        }
        let Some((ticket, ending)) = self.needle.settle(t) else {
            return;
        };
        self.hand_out_needle(t);
        let result = match ending {
            needle::Ending::Arrived => Ok(()),
            needle::Ending::Stuck => Err(HalError::new(
                ErrorKind::Other,
                "the needle did not follow",
                "read its position, then try again",
            )),
            needle::Ending::Struck(with) => Err(self.struck("the needle", with, t)),
        };
        self.end(ticket, result);
    }

    /// Asks what the pattern that has ended has set free.
    pub fn look_for_bodies(&mut self, t: f64) {
        self.hand_out_needle(t);
        self.lab.piece.push(Deed::Release);
    }

    /// Remembers that something ran into something.
    fn struck(&mut self, what: &str, with: &'static str, t: f64) -> HalError {
        let pose = self.stage.pose(t);
        self.touched.push(Contact { at: t, pose, with });
        HalError::new(
            ErrorKind::Other,
            format!("{what} ran into {with} and halted on the way"),
            "move it back where it came from before anything else",
        )
    }

    /// The needle, where it is in.
    pub fn needle_body(&self, t: f64) -> Option<Probe> {
        let needle = &self.needle;
        needle
            .inserted()
            .then(|| needle::body::ended(needle.point(t), needle.end.radius))
    }

    fn arrive(&mut self, motion: Motion, ending: Ending) {
        let result = match ending {
            Ending::Arrived => Ok(()),
            Ending::Touched(contact) => {
                let error = HalError::new(
                    ErrorKind::Other,
                    format!("the stage touched {} and halted on the way", contact.with),
                    "lower z before anything else",
                );
                self.touched.push(contact);
                Err(error)
            }
            Ending::Stuck(axis) => Err(HalError::new(
                ErrorKind::Other,
                format!("the {axis} axis did not follow; the other axes arrived"),
                "read the position, then try again or home the stage",
            )),
        };
        if motion.purpose != Purpose::Foreign {
            self.end(motion.ticket, result);
        }
    }
}
