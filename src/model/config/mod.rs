//! Instrument files (openFIBSEM's `microscope-configuration.yaml` plus ours) and layered settings.
//!
//! `instrument` is the data, `load` reads and writes it, `layers` lays a user's file over embedded defaults and knows
//! where each value came from, `form` is the table of what a new instrument needs, `detection` how features are found, `paths` says where files are and which
//! instrument is meant by a name. A shipped instrument is a file in `config/instruments` plus a row of [`paths::SHIPPED`].

pub mod detection;
pub mod form;
pub mod instrument;
pub mod layers;
mod load;
pub mod paths;
#[cfg(test)]
mod tests;

pub use detection::Detection;
pub use form::{FORM, Field, FormError};
pub use instrument::Instrument;
pub use layers::{Layered, Layers, Origin, Problem};
pub use load::normal_manufacturer;
pub use paths::Paths;
