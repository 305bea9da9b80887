//! The two columns of a FIB-SEM.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which beam. Written as openFIBSEM writes it (`ELECTRON`, `ION`); read in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Beam {
    #[default]
    #[serde(rename = "ELECTRON")]
    Electron,
    #[serde(rename = "ION")]
    Ion,
}

impl Beam {
    /// Both beams, electron first: the order of every table and picture.
    pub const ALL: [Beam; 2] = [Beam::Electron, Beam::Ion];

    /// The word of files and wires: `ELECTRON`, `ION`.
    pub fn wire_name(self) -> &'static str {
        match self {
            Beam::Electron => "ELECTRON",
            Beam::Ion => "ION",
        }
    }

    /// The word of the command line: `electron`, `ion`.
    pub fn word(self) -> &'static str {
        match self {
            Beam::Electron => "electron",
            Beam::Ion => "ion",
        }
    }

    /// What operators call the picture: `SEM`, `FIB`.
    pub fn short(self) -> &'static str {
        match self {
            Beam::Electron => "SEM",
            Beam::Ion => "FIB",
        }
    }

    /// The ending openFIBSEM gives a picture's file name: `eb`, `ib`.
    pub fn suffix(self) -> &'static str {
        match self {
            Beam::Electron => "eb",
            Beam::Ion => "ib",
        }
    }

    pub fn other(self) -> Beam {
        match self {
            Beam::Electron => Beam::Ion,
            Beam::Ion => Beam::Electron,
        }
    }
}

impl fmt::Display for Beam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names neither beam.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no beam: say electron or ion")]
pub struct UnknownBeam(pub String);

impl FromStr for Beam {
    type Err = UnknownBeam;

    fn from_str(s: &str) -> Result<Self, UnknownBeam> {
        match s.to_ascii_lowercase().as_str() {
            "electron" | "sem" | "eb" | "e" => Ok(Beam::Electron),
            "ion" | "fib" | "ib" | "i" => Ok(Beam::Ion),
            _ => Err(UnknownBeam(s.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for Beam {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = String::deserialize(d)?;
        word.parse().map_err(serde::de::Error::custom)
    }
}
