//! What can be done with a microscope: one file per job, each a function from a [`JobCx`] and its parameters to a result.
//!
//! A workflow asks for acts and reads; it never holds the microscope, never sees a screen, a clock of the wall or the twin's
//! truth, and never restores in `Drop`: what it changes for a while it owes ([`restore`]) and puts back. Parameters and
//! results are serde structs in SI units. To add one: a file here, a command row in the engine that starts it.

pub mod acquire;
pub mod align;
pub mod autofocus;
pub mod configuration;
pub mod contrast;
pub mod cx;
pub mod deposit;
pub mod detect;
pub mod lamella;
pub mod live;
pub mod manipulator;
pub mod milling;
pub mod movement;
pub mod neutralise;
pub mod overview;
pub mod restore;
pub mod state;
pub mod system;

#[cfg(test)]
mod tests;

pub use cx::{Host, JobCx, JobError, Keep, Question};
pub use restore::{Debt, Debts};

/// A job on its way. Boxed here: the body of a bare `async fn` is compiled by everyone who runs it, which cost minutes a build.
pub type Job<T> = futures::future::BoxFuture<'static, Result<T, JobError>>;
