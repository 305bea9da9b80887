//! What a driver implements.
//!
//! The contract: a call returns within about 100 ms; where the vendor's blocks, the driver keeps a private worker, reads
//! return the last value with its age, and `begin_*` returns a [`Ticket`] (or Busy) that [`Microscope::poll`] follows.
//! Setters return what was really set. SI units. A driver never sleeps, prints or decides. An idempotent read may be sent
//! again once, a write never; moves leave as absolute targets, so that a lost reply cannot double them. Reads change nothing.

use crate::HalError;
use model::{
    Beam, BeamState, Capabilities, ChamberState, Frame, GasState, Geometry, Identity, ImageSettings, Key,
    ManipulatorPosition, ManipulatorState, MillingSettings, PatterningState, Point, Pose, Shape, SputterStep,
    StageState, Value,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something begun and not yet known to have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// How a ticket stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    /// Under way; `remaining` in seconds where it can be said.
    Pending {
        fraction: Option<f64>,
        remaining: Option<f64>,
    },
    Done,
    Failed(HalError),
    /// The instrument cannot say; nothing may be assumed.
    Unknown,
}

/// A value as last read, and how old it is (s).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading<T> {
    pub value: T,
    pub age: f64,
}

impl<T> Reading<T> {
    pub fn fresh(value: T) -> Reading<T> {
        Reading { value, age: 0.0 }
    }
}

pub trait Microscope: Send {
    fn identity(&self) -> Identity;
    /// The driver's word; the scope narrows it by configuration.
    fn capabilities(&self) -> Capabilities;
    /// The geometry of columns and stage, as configured.
    fn geometry(&self) -> Geometry;
    /// The red button: works from any thread while a call is in flight.
    fn stopper(&self) -> Arc<dyn Stopper>;
    /// Whether states and keys are read in microseconds, since the instrument lives in this process: no other thread is then needed to
    /// wait for them.
    fn is_at_hand(&self) -> bool {
        false
    }
    fn poll(&mut self, ticket: Ticket) -> Result<Progress, HalError>;
    /// Ends what the ticket began, where it can be ended; the ticket then polls as `Failed(Stopped)` or `Done`.
    fn cancel(&mut self, ticket: Ticket) -> Result<(), HalError>;

    /// A key that belongs to no beam (identity, views).
    fn get(&mut self, key: Key) -> Result<Value, HalError>;
    /// Sets a key that belongs to no beam; returns what was really set.
    fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError>;

    fn stage(&mut self) -> Option<&mut dyn Stage> {
        None
    }
    fn beam(&mut self, _beam: Beam) -> Option<&mut dyn Column> {
        None
    }
    fn imaging(&mut self) -> Option<&mut dyn Imaging> {
        None
    }
    fn chamber(&mut self) -> Option<&mut dyn Chamber> {
        None
    }
    fn milling(&mut self) -> Option<&mut dyn Milling> {
        None
    }
    fn manipulator(&mut self) -> Option<&mut dyn Manipulator> {
        None
    }
    fn gas(&mut self) -> Option<&mut dyn Gas> {
        None
    }
    /// The twin's ground truth (JSON of the command line's `truth`); a real instrument has none.
    fn truth(&mut self) -> Option<serde_json::Value> {
        None
    }
}

pub trait Stage {
    fn read(&mut self) -> Result<Reading<StageState>, HalError>;
    /// Starts a straight move of all axes to `target`.
    fn begin_move(&mut self, target: Pose) -> Result<Ticket, HalError>;
    fn begin_home(&mut self) -> Result<Ticket, HalError>;
    /// Links (true) or unlinks z and working distance; returns the new state.
    fn link(&mut self, on: bool) -> Result<bool, HalError>;
}

pub trait Column {
    fn read(&mut self) -> Result<Reading<BeamState>, HalError>;
    /// Any per-beam key of the table that capabilities call readable.
    fn get(&mut self, key: Key) -> Result<Value, HalError>;
    /// Returns what was really set.
    fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError>;
    /// Changes the plasma gas (minutes).
    fn begin_plasma_gas(&mut self, gas: &str) -> Result<Ticket, HalError>;
}

pub trait Imaging {
    /// Starts a picture; only settings that passed the interlock arrive here.
    fn begin(&mut self, settings: &ImageSettings) -> Result<Ticket, HalError>;
    /// The picture of a ticket that is done; once.
    fn take(&mut self, ticket: Ticket) -> Result<Frame, HalError>;
    /// The last picture of `beam`, if one was taken.
    fn last(&mut self, beam: Beam) -> Result<Option<Frame>, HalError>;
}

pub trait Chamber {
    fn read(&mut self) -> Result<Reading<ChamberState>, HalError>;
    fn begin_pump(&mut self) -> Result<Ticket, HalError>;
    fn begin_vent(&mut self) -> Result<Ticket, HalError>;
    /// The chamber camera's newest picture; no metadata.
    fn picture(&mut self) -> Result<Frame, HalError>;
}

pub trait Milling {
    fn read(&mut self) -> Result<Reading<PatterningState>, HalError>;
    /// Clears the patterns and sets channel, application file or preset, mode and field of view. Current and voltage are the
    /// column's own keys. Returns what was really set.
    fn setup(&mut self, settings: &MillingSettings) -> Result<MillingSettings, HalError>;
    /// Adds shapes in drawing order; returns the instrument's estimate for all that is loaded, s.
    fn load(&mut self, shapes: &[Shape]) -> Result<f64, HalError>;
    /// By which it plans the time of each application file, where it tells: m3 removed per C.
    fn rates(&self) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }
    /// Starts to draw what is loaded. The ticket is pending while it runs or is paused; a cancel ends it between two dwells.
    fn begin(&mut self) -> Result<Ticket, HalError>;
    fn pause(&mut self) -> Result<(), HalError>;
    fn resume(&mut self) -> Result<(), HalError>;
    /// Takes all patterns away.
    fn clear(&mut self) -> Result<(), HalError>;
    /// Parks the unblanked beam for `seconds` at a point of its field (fractions 0..1 from the top left).
    fn begin_spot(&mut self, beam: Beam, at: Point, seconds: f64) -> Result<Ticket, HalError>;
}

pub trait Manipulator {
    fn read(&mut self) -> Result<Reading<ManipulatorState>, HalError>;
    /// A position that the instrument remembers, in the frame its moves use.
    fn saved(&mut self, name: &str) -> Result<ManipulatorPosition, HalError>;
    fn begin_insert(&mut self, name: &str) -> Result<Ticket, HalError>;
    fn begin_retract(&mut self) -> Result<Ticket, HalError>;
    /// Starts a straight move to an absolute position.
    fn begin_move(&mut self, target: &ManipulatorPosition) -> Result<Ticket, HalError>;
}

pub trait Gas {
    fn read(&mut self) -> Result<Reading<GasState>, HalError>;
    fn begin_insert(&mut self, port: &str, position: Option<&str>) -> Result<Ticket, HalError>;
    fn begin_retract(&mut self, port: &str) -> Result<Ticket, HalError>;
    /// Turns a crucible's heater on for `gas`, or off. It warms up in its own time: read the temperature.
    fn heat(&mut self, port: &str, gas: Option<&str>, on: bool) -> Result<(), HalError>;
    fn valve(&mut self, port: &str, open: bool) -> Result<(), HalError>;
    fn begin_sputter(&mut self, step: SputterStep) -> Result<Ticket, HalError>;
}

/// Halts everything at once: motion, scan, patterning, gas. Cloneable, thread-safe, never blocked by a call in flight.
pub trait Stopper: Send + Sync {
    /// Sends the stop; an error means that it may not have arrived.
    fn stop(&self) -> Result<(), HalError>;
}
