//! Comparing angles the way openFIBSEM and numpy do.

use std::f64::consts::{PI, TAU};

/// Smallest turn between two angles, 0 to pi (rad). Source: openFIBSEM `movement.angle_difference`.
pub fn difference(a: f64, b: f64) -> f64 {
    let (a, b) = (a.rem_euclid(TAU), b.rem_euclid(TAU));
    let (high, low) = (a.max(b), a.min(b));
    (high - low).min(TAU + low - high)
}

/// Less than 5 deg apart: two stage rotations are the same orientation (`rotation_angle_is_smaller`).
pub fn near(a: f64, b: f64) -> bool {
    difference(a, b) < 5f64.to_radians()
}

/// More than 90 deg apart: a rotation between them is done with the stage flat (`rotation_angle_is_larger`).
pub fn far(a: f64, b: f64) -> bool {
    difference(a, b) > 90f64.to_radians()
}

/// numpy's `isclose(a, b, atol)`: relative tolerance 1e-5 of `b`, so not symmetric.
pub fn is_close(a: f64, b: f64, atol: f64) -> bool {
    (a - b).abs() <= atol + 1e-5 * b.abs()
}

/// numpy's `isclose(angle, pi)`: the one scan rotation besides 0 that openFIBSEM knows. -pi does not count.
pub fn is_half_turn(angle: f64) -> bool {
    is_close(angle, PI, 1e-8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_wrap() {
        assert!((difference(0.1, TAU - 0.1) - 0.2).abs() < 1e-12);
        assert!((difference(-PI, PI)).abs() < 1e-12);
        assert!(near(0.0, 4.9f64.to_radians()) && !near(0.0, 5.1f64.to_radians()));
        assert!(far(0.0, 91f64.to_radians()) && !far(0.0, 89f64.to_radians()));
        assert!(is_half_turn(PI) && !is_half_turn(-PI) && !is_half_turn(0.0));
    }
}
