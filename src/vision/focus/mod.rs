//! How sharp a picture is, and where to look next for a sharper one.
//!
//! `measure.rs` turns a picture into a map or a number; `sweep.rs` plans working distances from scores. Neither acquires
//! anything: the loop that drives a microscope belongs in `workflow`.

mod measure;
mod sweep;

pub use measure::{Measure, laplacian, sobel, tenengrad, variance};
pub use sweep::{FocusPass, FocusPoint, FocusSweep, SweepError};
