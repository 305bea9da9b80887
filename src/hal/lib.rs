//! The hardware room: what a microscope is, every change that can be made to it, and the one door for changes.
//!
//! - `microscope`: the traits a driver implements; a capability that is absent is `None`, never a stub.
//! - `act`: every change of an instrument, as data. `interlock`: pure rules that refuse an act. `scope`: the one door,
//!   which reads fresh state, asks the interlock, writes the intent, acts, writes the outcome.
//! - `drivers`: the table of drivers. `sim`: the digital twin. `fibsem`: instruments behind openFIBSEM's REST server.
//!
//! Nothing here knows a workflow, a journal's format or a screen. To add a driver: a folder beside `sim`, one row in
//! [`drivers::DRIVERS`], and the conformance suite passes on it.

pub mod act;
pub mod clock;
pub mod conformance;
pub mod drivers;
pub mod error;
pub mod fibsem;
pub mod interlock;
pub mod microscope;
pub mod scope;
pub mod sim;

pub use act::{Act, Hold, Outcome, Resource};
pub use clock::Clock;
pub use error::HalError;
pub use microscope::{
    Chamber, Column, Gas, Imaging, Manipulator, Microscope, Milling, Progress, Reading, Stage, Stopper, Ticket,
};
pub use scope::{ActLog, Hand, Scope};
