//! Which injectors an instrument has, and what their gases do to a cold sample.
//!
//! Growth by condensation is of the size reported for organoplatinum on frozen samples (Hayles et al., J. Microsc. 226, 2007:
//! micrometres within tens of seconds); the coater's that of a chamber magnetron (tens of nm within minutes). To add a gas: a
//! row of [`GASES`], and its name in a port.

use crate::sim::collision::Probe;
use model::capabilities::{GasCapabilities, GasPortCapabilities};
use model::config::Instrument;
use nalgebra::Vector3;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Platinum,
    Carbon,
}

/// A gas, or the coater's metal.
#[derive(Clone, Debug, PartialEq)]
pub struct Gas {
    pub name: &'static str,
    pub layer: Layer,
    /// m/s below the nozzle, on a cold sample.
    pub growth: f64,
}

pub const GASES: &[Gas] = &[
    Gas {
        name: "Pt cryo",
        layer: Layer::Platinum,
        growth: 40e-9,
    },
    Gas {
        name: "Pt dep",
        layer: Layer::Platinum,
        growth: 40e-9,
    },
    Gas {
        name: "C dep",
        layer: Layer::Carbon,
        growth: 10e-9,
    },
];

/// The sputter coater's platinum.
pub const SPUTTERED: Gas = Gas {
    name: "sputtered platinum",
    layer: Layer::Platinum,
    growth: 0.15e-9,
};

/// Where an injector with several positions can stand, and how far from the sample its nozzle then is (m): the gas spreads as
/// wide as it is far, and thins out with the square of it.
pub const POSITIONS: &[(&str, f64)] = &[("cryo", 2.5e-3), ("electron default", 0.6e-3), ("ion default", 0.6e-3)];

/// Distance at which the growth of a gas is given (m).
const GIVEN_AT: f64 = 2.5e-3;

/// From the sample towards an injector, seat by seat, in the chamber: from the right and above, opposite of the needle.
const SEATS: [Vector3<f64>; 3] = [
    Vector3::new(0.6200, 0.1000, 0.7782),
    Vector3::new(0.5600, -0.2800, 0.7797),
    Vector3::new(0.5000, 0.3500, 0.7921),
];
/// How far an injector is drawn back (m); radius of its nozzle, and of its tube (m).
const OUT: f64 = 25e-3;
const NOZZLE: f64 = 0.2e-3;
const TUBE: f64 = 1e-3;

/// The injector of port number `seat`, a share of its way in towards a place `far` metres from the sample.
pub fn probe(seat: usize, far: f64, inward: f64) -> Probe {
    let shaft = SEATS[seat % SEATS.len()];
    Probe {
        name: "the gas injector",
        tip: shaft * (far + OUT * (1.0 - inward)),
        shaft,
        radius: NOZZLE,
        taper: 0.08,
        shank: TUBE,
    }
}

pub fn gas(name: &str) -> Option<&'static Gas> {
    GASES.iter().find(|gas| gas.name == name)
}

/// How far the nozzle is from the sample at a position; a plain port has one place only.
pub fn distance(position: Option<&str>) -> f64 {
    let found = POSITIONS.iter().find(|(name, _)| Some(*name) == position);
    found.map_or(GIVEN_AT, |(_, far)| *far)
}

/// Growth (m/s) of a gas `off` metres beside the point below its nozzle.
pub fn growth(gas: &Gas, position: Option<&str>, off: f64) -> f64 {
    let far = distance(position);
    gas.growth * (GIVEN_AT / far).powi(2) / (1.0 + (off / far).powi(2)).powi(2)
}

/// What the twin's gas system can do.
pub fn capabilities(instrument: &Instrument) -> Option<GasCapabilities> {
    let gis = &instrument.gis;
    let names = |gases: &[Gas]| gases.iter().map(|gas| gas.name.to_owned()).collect::<Vec<_>>();
    let ports = if gis.multichem {
        vec![GasPortCapabilities {
            port: "Multichem".to_owned(),
            gases: names(GASES),
            positions: POSITIONS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            heater: true,
        }]
    } else {
        GASES
            .iter()
            .map(|gas| GasPortCapabilities {
                port: gas.name.to_owned(),
                gases: vec![gas.name.to_owned()],
                positions: Vec::new(),
                heater: true,
            })
            .collect()
    };
    gis.enabled.then_some(GasCapabilities {
        ports,
        multichem: gis.multichem,
        sputter_coater: gis.sputter_coater,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_seconds_of_cryo_platinum_are_about_a_micrometre_and_thin_out_sideways() {
        let gas = gas("Pt cryo").unwrap();
        let below = 30.0 * growth(gas, Some("cryo"), 0.0);
        assert!((0.5e-6..3e-6).contains(&below), "{below}");
        let beside = 30.0 * growth(gas, Some("cryo"), 1e-3);
        assert!(beside < below && beside > 0.5 * below);
        let near = 30.0 * growth(gas, Some("electron default"), 0.0);
        assert!(near > 5.0 * below, "a nozzle that is near lays down more");
    }
}
