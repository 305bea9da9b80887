//! The digital twin: a world with a specimen, a stage, two columns and a vacuum, and the driver that is a handle on it.
//!
//! - `world`: what goes on, connected or not. `stage`, `column`, `chamber`, `patterning`, `needle`, `gas`: its parts, each a
//!   function of the clock.
//!   `collision`, `room`, `faults`, `values`: what is in the way, what the rules are told of it, what goes wrong, what can be set.
//! - `workpiece`: what beams, gases and the needle do to `matter`, done when somebody looks.
//! - `geometry`, `optics`, `specimen`, `render`, `chamber_view`: how it looks; pure. `imaging`: scans that take their time.
//! - `matter`: what beams and gases change on the specimen; pure.
//! - `studio`: labelled pictures for those who teach networks: sets made ready without a clock, each pixel's name known.
//! - `driver`: the [`crate::Microscope`] of it. `truth`: what is really so, for tests, scoring and the `truth` command.
//!
//! Time and chance come in by the clock and the seed. Nothing above `hal` may read the specimen or the truth to decide.

mod chamber;
pub mod chamber_view;
mod collision;
mod column;
mod driver;
mod faults;
mod gas;
pub mod geometry;
mod imaging;
pub mod matter;
mod needle;
pub mod optics;
mod patterning;
pub mod render;
mod room;
pub mod specimen;
mod stage;
pub mod studio;
#[cfg(test)]
mod tests;
mod truth;
mod values;
mod workpiece;
mod world;

pub use driver::{open, play};
pub use faults::{Faults, NAMED as FAULTS};
pub use imaging::Film;
pub use world::{Foreign, World};
