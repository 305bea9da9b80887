//! Quantities with units: `20um`, `0.74nA`, `52deg`, `2kV`, `1us` read and printed.

use serde::{Deserialize, Serialize};

/// What a number means. Values are always in this unit's SI base (degrees: in degrees, where a key says so).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// A bare number.
    None,
    Metre,
    Second,
    Ampere,
    Volt,
    /// Radians; typed as `52deg` or `0.9rad`; a bare number above 2 pi is refused.
    Radian,
    /// Degrees kept as degrees (the few configuration keys that are).
    Degree,
    Pascal,
}
