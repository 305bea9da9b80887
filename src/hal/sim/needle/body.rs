//! The needle as a body: a slender cone along a direction of the chamber that does not turn with the stage.

use nalgebra::Vector3;

/// From the tip along the shaft, in the chamber: from the left and from above, between the columns and clear of a sample that
/// faces either of them.
pub const SHAFT: Vector3<f64> = Vector3::new(-0.8215, -0.1002, 0.5612);
/// Radius of the tip (m).
pub const TIP: f64 = 0.5e-6;
/// Tangent of half the cone's angle, and the radius at which it ends in its holder (m).
pub const TAPER: f64 = 0.05;
pub const SHANK: f64 = 0.25e-3;

/// Radius at a distance from the tip along the shaft (m).
pub fn radius(along: f64) -> f64 {
    (TIP + TAPER * along).min(SHANK)
}
