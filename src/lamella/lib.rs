//! The papers of lamella preparation: protocols, experiments, log files, as openFIBSEM writes them.
//!
//! `protocol` says what is to be done with each lamella, `experiment` what was done with which, `queue` what comes next, `log` what a log file tells,
//! `names` what files are called, `table` what goes into CSV files. Keys that nobody here knows are kept where they stand and
//! reported. Pure: no instrument, no clock (times and chance come in), no screen; running a protocol is the workflow room's.
//! To add a kind of task: a row of `protocol::kind::TASKS`. A message of the log that counts: its arm in `log::digest`.

pub mod experiment;
pub mod log;
pub mod names;
pub mod problem;
pub mod protocol;
pub mod queue;
mod record;
pub mod table;

pub use experiment::{Experiment, Lamella};
pub use problem::{Problem, Weight};
pub use protocol::{Protocol, TaskConfig, Tasks};
pub use queue::Queue;
