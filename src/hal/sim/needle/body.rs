//! The needle as a body: a slender cone along a direction of the chamber that does not turn with the stage.

use crate::sim::collision::Probe;
use nalgebra::Vector3;

/// What it is called where it stands in the way.
pub const NAME: &str = "the needle";
/// From the tip along the shaft, in the chamber: from the left and from above, between the columns and clear of a sample that
/// faces either of them.
pub const SHAFT: Vector3<f64> = Vector3::new(-0.8215, -0.1002, 0.5612);
/// Radius of a new tip (m).
pub const TIP: f64 = 0.5e-6;
/// Tangent of half the cone's angle, and the radius at which it ends in its holder (m).
pub const TAPER: f64 = 0.05;
pub const SHANK: f64 = 0.25e-3;

/// A new needle with its tip at a place of the chamber (m).
pub fn probe(tip: Vector3<f64>) -> Probe {
    ended(tip, TIP)
}

/// A needle that ends there with this radius (m).
pub fn ended(tip: Vector3<f64>, radius: f64) -> Probe {
    Probe {
        name: NAME,
        tip,
        shaft: SHAFT,
        radius,
        taper: TAPER,
        shank: SHANK,
    }
}
