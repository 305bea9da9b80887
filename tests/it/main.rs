//! The one integration binary: what can only be seen with the whole house standing.
//!
//! - `layers`: every source file keeps the arrows of the design. `docs`: what is written about fibdeck is so.
//! - `scenario`: long runs on the twin through an engine's link, in virtual time.
//! - `eyes`: what is found in pictures without a network, against where it is.
//! - `soak`: random commands on it, and what must hold after each. `endurance`: days of work under a storm of faults.
//! - `cli`: the built binary as people script it. `daemon`: it as a daemon, whose clients come and go and are killed. `pty`: the
//!   built console in a terminal that answers. `kills`: engines killed in the middle of milling, on an instrument in another process.
//!
//! What one room can test alone is tested in that room. To add a module: a file and its line here.

// clippy takes only the #[test] functions for tests; all of this is
#![allow(clippy::unwrap_used, clippy::panic)]

mod cli;
mod daemon;
mod docs;
mod endurance;
mod eyes;
mod house;
#[cfg(unix)]
mod kills;
mod layers;
mod run;
mod scenario;
mod soak;

#[cfg(unix)]
mod pty;
