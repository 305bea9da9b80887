//! Detection gets better where it is used: what was recorded and corrected becomes data, and models prove themselves on it.
//!
//! `table` reads and writes openFIBSEM's tables of points, `picture` any picture or mask; `dataset` is a folder of labelled pictures
//! (listed, filtered, checked, split, added to), `evaluate` holds models against one; `nnunet` converts,
//! `train` is what a training is configured by and tells. Files and numbers only: no instrument, no clock, no
//! screen. Nothing here writes over a file. To add a form of dataset: a row in `dataset::LAYOUTS`; something to check: a variant of `Fault`.

pub mod classes;
pub mod dataset;
mod error;
pub mod evaluate;
pub mod label;
pub mod nnunet;
pub mod picture;
pub mod table;
pub mod train;

pub use error::LearnError;
