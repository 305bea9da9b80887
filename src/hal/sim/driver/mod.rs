//! The twin's driver: a handle on a world, which goes on without it. `hands`: milling, needle and gas.

mod hands;
mod progress;

use super::faults::Sort;
use super::stage::Purpose;
use super::world::World;
use crate::drivers::Opening;
use crate::{
    Chamber, Column, Gas, HalError, Imaging, Manipulator, Microscope, Milling, Progress, Reading, Stage, Stopper,
    Ticket,
};
use model::{
    Beam, BeamState, Capabilities, ChamberState, ErrorKind, Frame, Geometry, Identity, ImageSettings, Key, Pose,
    StageKind, StagePosition, StageState, Value,
};
use std::sync::Arc;

/// Opens the world of `opening`, or a new one that nobody else knows. Nothing in it is changed.
pub fn open(opening: &Opening) -> Result<Box<dyn Microscope>, HalError> {
    let world = opening
        .world
        .clone()
        .unwrap_or_else(|| World::new(&opening.instrument, opening.clock.clone()));
    world.check_scene()?;
    world.call(|_, _| Ok(()))?;
    let column = |beam| ColumnHandle {
        world: world.clone(),
        beam,
    };
    Ok(Box::new(Twin {
        electron: column(Beam::Electron),
        ion: column(Beam::Ion),
        world,
    }))
}

/// Opens a world that plays recorded pictures ([`World::playing`]), which whoever opens it must have made.
pub fn play(opening: &Opening) -> Result<Box<dyn Microscope>, HalError> {
    match &opening.world {
        Some(world) if world.is_playing() => open(opening),
        _ => Err(HalError::new(
            ErrorKind::NotConnected,
            "there is nothing to play; nothing was opened",
            "--instrument replay:PATH names a folder of pictures or a journal",
        )),
    }
}

struct Twin {
    world: Arc<World>,
    electron: ColumnHandle,
    ion: ColumnHandle,
}

struct ColumnHandle {
    world: Arc<World>,
    beam: Beam,
}

struct TwinStopper(Arc<World>);

impl Stopper for TwinStopper {
    fn stop(&self) -> Result<(), HalError> {
        self.0.look(|state, now| state.halt(&self.0.geometry, now))
    }
}

fn busy(what: &str) -> HalError {
    HalError::new(
        ErrorKind::Busy,
        format!("{what} already; nothing was sent"),
        "wait for its end, or stop it",
    )
}

impl Microscope for Twin {
    fn identity(&self) -> Identity {
        self.world.identity()
    }

    fn capabilities(&self) -> Capabilities {
        self.world.capabilities.clone()
    }

    fn geometry(&self) -> Geometry {
        self.world.geometry.nominal
    }

    fn stopper(&self) -> Arc<dyn Stopper> {
        Arc::new(TwinStopper(self.world.clone()))
    }

    fn is_at_hand(&self) -> bool {
        true
    }

    fn poll(&mut self, ticket: Ticket) -> Result<Progress, HalError> {
        self.world.develop(ticket.0);
        self.world.call(|state, now| state.progress(ticket.0, now))
    }

    fn cancel(&mut self, ticket: Ticket) -> Result<(), HalError> {
        self.world.call(|state, now| {
            state.progress(ticket.0, now)?;
            state.cancel(ticket.0, now);
            Ok(())
        })
    }

    fn get(&mut self, key: Key) -> Result<Value, HalError> {
        let identity = self.world.identity();
        self.world.call(|state, now| {
            Ok(match key {
                Key::ActiveView => Value::Text(state.active_view.wire_name().to_owned()),
                Key::ActiveDevice => Value::Text(state.active_device.wire_name().to_owned()),
                Key::StagePosition => Value::Position(Box::new(StagePosition::from(state.stage.pose(now)))),
                Key::StageHomed => Value::Bool(state.stage.homed),
                Key::StageLinked => Value::Bool(state.stage.linked),
                Key::ChamberState => Value::Text(state.chamber.read(now).phase.word().to_owned()),
                Key::ChamberPressure => Value::Number(state.chamber.read(now).pressure),
                Key::Manufacturer => Value::Text(identity.manufacturer),
                Key::Model => Value::Text(identity.model),
                Key::SerialNumber => Value::Text(identity.serial_number),
                Key::SoftwareVersion => Value::Text(identity.software_version),
                Key::HardwareVersion => Value::Text(identity.hardware_version),
                _ => return Err(HalError::unsupported(&format!("readable `{key}` without a beam"))),
            })
        })
    }

    fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError> {
        let beam = value.as_text().and_then(|word| word.parse::<Beam>().ok());
        self.world.call(|state, _| {
            let active = match key {
                Key::ActiveView => &mut state.active_view,
                Key::ActiveDevice => &mut state.active_device,
                // homing, pumping and the like take their time: they are acts of their own
                _ => return Err(HalError::unsupported(&format!("settable `{key}` without a beam"))),
            };
            *active = beam.ok_or_else(|| {
                HalError::new(
                    ErrorKind::OutOfRange,
                    format!(
                        "`{key}` cannot be {}; it was left as it is",
                        crate::act::show(key, value)
                    ),
                    "ELECTRON or ION",
                )
            })?;
            Ok(Value::Text(active.wire_name().to_owned()))
        })
    }

    fn stage(&mut self) -> Option<&mut dyn Stage> {
        if self.world.capabilities.stage.is_some() {
            Some(self)
        } else {
            None
        }
    }

    fn beam(&mut self, beam: Beam) -> Option<&mut dyn Column> {
        self.world.capabilities.beam(beam)?;
        match beam {
            Beam::Electron => Some(&mut self.electron),
            Beam::Ion => Some(&mut self.ion),
        }
    }

    fn imaging(&mut self) -> Option<&mut dyn Imaging> {
        Some(self)
    }

    fn chamber(&mut self) -> Option<&mut dyn Chamber> {
        Some(self)
    }

    fn milling(&mut self) -> Option<&mut dyn Milling> {
        self.world.capabilities.milling.as_ref()?;
        Some(self)
    }

    fn manipulator(&mut self) -> Option<&mut dyn Manipulator> {
        self.world.capabilities.manipulator.as_ref()?;
        Some(self)
    }

    fn gas(&mut self) -> Option<&mut dyn Gas> {
        self.world.capabilities.gas.as_ref()?;
        Some(self)
    }

    fn truth(&mut self) -> Option<serde_json::Value> {
        Some(self.world.truth())
    }
}

impl Stage for Twin {
    fn read(&mut self) -> Result<Reading<StageState>, HalError> {
        self.world.call(|state, now| {
            let stage = &state.stage;
            let (homed, linked) = (stage.homed, stage.linked);
            Ok(Reading::fresh(StageState {
                pose: stage.pose(now),
                moving: stage.moving(now),
                homed,
                linked,
            }))
        })
    }

    fn begin_move(&mut self, target: Pose) -> Result<Ticket, HalError> {
        if !target.is_finite() {
            return Err(HalError::new(
                ErrorKind::OutOfRange,
                "the target is no finite position; nothing moved",
                "give every axis a number",
            ));
        }
        let world = &self.world;
        let needle = world.stage_meets_needle(&target)?;
        world.call(|state, now| {
            if state.stage.motion.is_some() {
                return Err(busy("the stage moves"));
            }
            state.count(&world.geometry, Sort::Move, now);
            state.alive(now)?;
            Ok(Ticket(state.travel(
                &world.geometry,
                Purpose::Move,
                &[target],
                needle,
                now,
            )))
        })
    }

    /// Lowers the sample first (or, where z counts downwards, lays it flat first), then sends every axis to zero and looks for
    /// the reference marks. It ends unlinked.
    fn begin_home(&mut self) -> Result<Ticket, HalError> {
        let world = &self.world;
        world.call(|state, now| {
            if state.stage.motion.is_some() {
                return Err(busy("the stage moves"));
            }
            state.count(&world.geometry, Sort::Home, now);
            state.alive(now)?;
            let here = state.stage.pose(now);
            let clear = match world.geometry.nominal.stage {
                StageKind::ChamberFixed => Pose {
                    z: here.z,
                    ..Pose::default()
                },
                StageKind::Tilting | StageKind::Compustage => Pose { z: 0.0, ..here },
            };
            Ok(Ticket(state.travel(
                &world.geometry,
                Purpose::Home,
                &[clear, Pose::default()],
                None,
                now,
            )))
        })
    }

    fn link(&mut self, on: bool) -> Result<bool, HalError> {
        let world = &self.world;
        if !world.capabilities.stage.as_ref().is_some_and(|stage| stage.link) {
            return Err(HalError::unsupported("stage link"));
        }
        world.call(|state, now| {
            state.count(&world.geometry, Sort::Link, now);
            state.alive(now)?;
            state.stage.linked = on;
            Ok(on)
        })
    }
}

impl Column for ColumnHandle {
    fn read(&mut self) -> Result<Reading<BeamState>, HalError> {
        self.world
            .call(|state, _| Ok(Reading::fresh(state.column(self.beam).state.clone())))
    }

    fn get(&mut self, key: Key) -> Result<Value, HalError> {
        self.world.call(|state, _| state.column(self.beam).get(key))
    }

    fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError> {
        self.world.call(|state, now| {
            state.count(&self.world.geometry, Sort::Set, now);
            state.alive(now)?;
            state.set(self.beam, key, value, now)
        })
    }

    fn begin_plasma_gas(&mut self, gas: &str) -> Result<Ticket, HalError> {
        self.world.call(|state, now| {
            state.count(&self.world.geometry, Sort::Gas, now);
            state.alive(now)?;
            if state.patterning.drawing_with() == Some(self.beam) {
                return Err(busy("the beam is drawing a pattern"));
            }
            let ticket = state.ticket();
            let late = state.faults.take_hang();
            state.column(self.beam).change_gas(ticket, gas, now, late)?;
            Ok(Ticket(ticket))
        })
    }
}

impl Imaging for Twin {
    fn begin(&mut self, settings: &ImageSettings) -> Result<Ticket, HalError> {
        self.world.expose(settings).map(Ticket)
    }

    fn take(&mut self, ticket: Ticket) -> Result<Frame, HalError> {
        self.world.call(|state, _| state.pictures.take(ticket.0))
    }

    fn last(&mut self, beam: Beam) -> Result<Option<Frame>, HalError> {
        self.world.call(|state, _| Ok(state.pictures.last(beam)))
    }
}

impl Chamber for Twin {
    fn read(&mut self) -> Result<Reading<ChamberState>, HalError> {
        self.world
            .call(|state, now| Ok(Reading::fresh(state.chamber.read(now))))
    }

    fn begin_pump(&mut self) -> Result<Ticket, HalError> {
        self.world.call(|state, now| {
            state.count(&self.world.geometry, Sort::Pump, now);
            state.alive(now)?;
            let (ticket, late) = (state.ticket(), state.faults.take_hang());
            if let Some(undone) = state.chamber.pump(ticket, now, late) {
                state.end(undone, Err(HalError::stopped()));
            }
            Ok(Ticket(ticket))
        })
    }

    /// The instrument's own interlock trips the beams when its valve opens.
    fn begin_vent(&mut self) -> Result<Ticket, HalError> {
        self.world.call(|state, now| {
            state.count(&self.world.geometry, Sort::Vent, now);
            state.alive(now)?;
            let (ticket, late) = (state.ticket(), state.faults.take_hang());
            state.shut_valves(now);
            for beam in Beam::ALL {
                state.trip(beam, now);
            }
            if let Some(undone) = state.chamber.vent(ticket, now, late) {
                state.end(undone, Err(HalError::stopped()));
            }
            Ok(Ticket(ticket))
        })
    }

    fn picture(&mut self) -> Result<Frame, HalError> {
        self.world.chamber_picture()
    }
}
