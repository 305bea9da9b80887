//! The engine: the only owner of the microscope. Clients send [`Command`]s and [`Query`]s over a [`Link`]; everything that
//! happens comes back as an [`Event`], and [`Snapshot`] is the fold of the events.
//!
//! What may not live here: anything about a screen or a terminal, and any knowledge of a vendor. To add a command: one row
//! in [`command::COMMANDS`]; it is then in the palette, `do`, `script` and the docs.

pub mod command;
pub mod core;
pub mod event;
pub mod hooks;
pub mod http;
pub mod journal;
pub mod link;
pub mod papers;
pub mod plan;
pub mod query;
pub mod remote;
pub mod replay;
pub mod serve;
pub mod snapshot;
pub mod watchdog;
pub mod wire;

#[cfg(test)]
mod tests;

pub use command::{Command, Failure};
pub use event::{Event, Sequenced};
pub use link::{Link, Receipt};
pub use query::{Query, Reply};
pub use snapshot::Snapshot;
