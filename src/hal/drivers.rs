//! The table of drivers. To add one: its folder and one row.

use crate::{Clock, HalError, Microscope, fibsem, sim};
use model::config::Instrument;
use std::sync::Arc;

/// What a driver is opened with.
pub struct Opening {
    pub instrument: Instrument,
    pub clock: Arc<dyn Clock>,
    /// The twin's world, which outlives its drivers; real drivers ignore it.
    pub world: Option<Arc<sim::World>>,
}

pub struct DriverRow {
    pub name: &'static str,
    pub doc: &'static str,
    /// What it has been run on so far, for those who are about to trust it.
    pub tried: &'static str,
    /// Its instrument lives in the engine's process and ends with it: it needs no daemon and no watchdog, and its time may run as one likes.
    pub inside: bool,
    /// Opens the instrument. Connecting only reads: nothing is changed.
    pub open: fn(&Opening) -> Result<Box<dyn Microscope>, HalError>,
}

pub const DRIVERS: &[DriverRow] = &[
    DriverRow {
        name: "sim",
        doc: "the digital twin: a world with a specimen and two beams",
        tried: "a simulation, no instrument",
        inside: true,
        open: sim::open,
    },
    DriverRow {
        name: "fibsem",
        doc: "an instrument behind openFIBSEM's REST server",
        tried: "run on openFIBSEM's simulator; on no maker's hardware so far",
        inside: false,
        open: fibsem::open,
    },
    DriverRow {
        name: "replay",
        doc: "recorded pictures, in their order, on the twin's stage and columns",
        tried: "a recording, no instrument",
        inside: true,
        open: sim::play,
    },
];

/// The driver of that name.
pub fn find(name: &str) -> Option<&'static DriverRow> {
    DRIVERS.iter().find(|row| row.name == name)
}
