//! Scan rotation: how a picture is turned against the stage axes.
//!
//! openFIBSEM knows 0 and pi and takes every other rotation for 0; [`compatible`] does the same. [`to_axes`] and [`to_picture`]
//! turn by any angle: a positive scan rotation turns the scanned frame counter-clockwise over the sample, so what is shown
//! turns clockwise. At 0 and pi both agree.

use super::angles;
use crate::{Beam, Point};
use nalgebra::{Rotation2, Vector2};

/// Scan rotation of both beams (rad).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScanRotation {
    pub electron: f64,
    pub ion: f64,
}

impl ScanRotation {
    pub fn of(&self, beam: Beam) -> f64 {
        match beam {
            Beam::Electron => self.electron,
            Beam::Ion => self.ion,
        }
    }

    pub fn is_finite(&self) -> bool {
        self.electron.is_finite() && self.ion.is_finite()
    }
}

/// (dx, dy) with both signs flipped if `rotation` is pi, unchanged otherwise. Its own inverse.
pub fn compatible(dx: f64, dy: f64, rotation: f64) -> (f64, f64) {
    if angles::is_half_turn(rotation) {
        (-dx, -dy)
    } else {
        (dx, dy)
    }
}

/// A picture offset (m) turned into the axes an unrotated picture would have.
pub fn to_axes(offset: Point, rotation: f64) -> Point {
    turn(offset, rotation)
}

/// The inverse of [`to_axes`]: where an offset along the unrotated axes shows in the picture.
pub fn to_picture(offset: Point, rotation: f64) -> Point {
    turn(offset, -rotation)
}

fn turn(offset: Point, angle: f64) -> Point {
    let turned = Rotation2::new(angle) * Vector2::new(offset.x, offset.y);
    Point {
        x: turned.x,
        y: turned.y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{FRAC_PI_2, PI};

    #[test]
    fn exact_and_compatible_agree_at_a_half_turn_and_invert() {
        let offset = Point { x: 3e-6, y: -1e-6 };
        let turned = to_axes(offset, PI);
        assert!((turned.x + 3e-6).abs() < 1e-18 && (turned.y - 1e-6).abs() < 1e-18);
        assert_eq!(compatible(3e-6, -1e-6, PI), (-3e-6, 1e-6));
        assert_eq!(compatible(3e-6, -1e-6, -PI), (3e-6, -1e-6));
        let back = to_picture(to_axes(offset, 0.7), 0.7);
        assert!((back.x - offset.x).abs() < 1e-18 && (back.y - offset.y).abs() < 1e-18);
        let quarter = to_axes(Point { x: 1.0, y: 0.0 }, FRAC_PI_2);
        assert!(
            (quarter.y - 1.0).abs() < 1e-15,
            "the frame turns counter-clockwise: its right is the sample's up"
        );
    }
}
