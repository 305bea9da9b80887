//! The twin with something of its stage done differently.

use super::*;
use crate::{Chamber, Column, Imaging, Microscope, Progress, Reading, Stage, Stopper, Ticket};
use model::{Geometry, Identity, Key, StageState, Value};

/// Everything else is the twin's own.
pub struct Over {
    pub twin: Box<dyn Microscope>,
    /// How old the stage is told to be, s.
    pub age: Box<dyn FnMut() -> f64 + Send>,
    /// Done when a move is on its way to the twin.
    pub moving: Box<dyn FnMut() + Send>,
    /// It ends what it is told to end.
    pub cancels: bool,
}

impl Over {
    pub fn new(twin: Box<dyn Microscope>) -> Over {
        Over {
            twin,
            age: Box::new(|| 0.0),
            moving: Box::new(|| ()),
            cancels: true,
        }
    }

    fn its(&mut self) -> &mut dyn Stage {
        self.twin.stage().unwrap()
    }
}

impl Microscope for Over {
    fn identity(&self) -> Identity {
        self.twin.identity()
    }
    fn capabilities(&self) -> Capabilities {
        self.twin.capabilities()
    }
    fn geometry(&self) -> Geometry {
        self.twin.geometry()
    }
    fn stopper(&self) -> Arc<dyn Stopper> {
        self.twin.stopper()
    }
    fn poll(&mut self, ticket: Ticket) -> Result<Progress, HalError> {
        self.twin.poll(ticket)
    }
    fn cancel(&mut self, ticket: Ticket) -> Result<(), HalError> {
        match self.cancels {
            true => self.twin.cancel(ticket),
            false => Ok(()),
        }
    }
    fn get(&mut self, key: Key) -> Result<Value, HalError> {
        self.twin.get(key)
    }
    fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError> {
        self.twin.set(key, value)
    }
    fn stage(&mut self) -> Option<&mut dyn Stage> {
        Some(self)
    }
    fn beam(&mut self, beam: Beam) -> Option<&mut dyn Column> {
        self.twin.beam(beam)
    }
    fn imaging(&mut self) -> Option<&mut dyn Imaging> {
        self.twin.imaging()
    }
    fn chamber(&mut self) -> Option<&mut dyn Chamber> {
        self.twin.chamber()
    }
}

impl Stage for Over {
    fn read(&mut self) -> Result<Reading<StageState>, HalError> {
        let age = (self.age)();
        let value = self.its().read()?.value;
        Ok(Reading { value, age })
    }
    fn begin_move(&mut self, target: Pose) -> Result<Ticket, HalError> {
        (self.moving)();
        self.its().begin_move(target)
    }
    fn begin_home(&mut self) -> Result<Ticket, HalError> {
        self.its().begin_home()
    }
    fn link(&mut self, on: bool) -> Result<bool, HalError> {
        self.its().link(on)
    }
}
