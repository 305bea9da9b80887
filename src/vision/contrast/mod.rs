//! How the grey values of a picture are spread: histogram and statistics, the plan of an automatic contrast and brightness, and
//! what only changes the display (stretch, gamma, local equalisation).
//!
//! `auto.rs` changes detector settings by a plan the caller carries out; `display.rs` and `clahe.rs` change copies of pictures and never the instrument.

mod auto;
mod clahe;
mod display;
mod histogram;

pub use auto::{AutoContrast, AutoContrastSettings, ContrastError, DetectorSetting, NextStep};
pub use clahe::{CLAHE, clahe};
pub use display::{Spread, auto_gamma, gamma_lut, percentile_stretch};
pub use histogram::{Histogram, ImageStats};
