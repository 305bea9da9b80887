//! Instrument files (openFIBSEM's `microscope-configuration.yaml` plus ours) and layered settings.

pub mod instrument;
pub use instrument::Instrument;
