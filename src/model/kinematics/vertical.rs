//! Vertical moves: bring a feature to the right height by centring it in the ion picture; the electron picture keeps it.
//!
//! Source: openFIBSEM `vertical_move`, with its factor 0.9 and its 1/cos t; [`exact`] moves truly vertically in the chamber.

use super::{Displacement, KinematicsError, Setup, camera, chamber_fixed, check_finite, scan};
use crate::{Beam, Geometry, Point, StageKind};
use nalgebra::Vector3;
use std::f64::consts::FRAC_PI_2;

/// openFIBSEM's empirical perspective correction.
const PERSPECTIVE: f64 = 0.9;

/// Above this stage z travel (m) openFIBSEM sets the ion working distance back to the eucentric height.
pub const FOCUS_RESET: f64 = 100e-6;

/// openFIBSEM's move that brings what is at (dx, dy) in the ion picture (m) to the coincidence height. Only the ion beam's scan
/// rotation counts. Off by 10 % and, when tilted, sideways: repeat it, or use [`exact`].
pub fn displacement(setup: &Setup, dx: f64, dy: f64) -> Displacement {
    if setup.geometry.stage == StageKind::ChamberFixed {
        return chamber_fixed::vertical(setup, dx, dy);
    }
    let (dx, mut dy) = scan::compatible(dx, dy, setup.scan_rotation.ion);
    let t = setup.pose.t;
    if setup.geometry.is_compustage() && t < -FRAC_PI_2 {
        dy = -dy;
    }
    let rise = dy / (FRAC_PI_2 - setup.geometry.ion_column_tilt).cos() * PERSPECTIVE;
    Displacement {
        x: dx,
        y: rise * t.sin(),
        z: rise / t.cos(),
    }
}

/// The chamber-vertical move that really centres (dx, dy) of the ion picture, for any tilt and scan rotation.
pub fn exact(setup: &Setup, dx: f64, dy: f64) -> Displacement {
    let Setup {
        geometry,
        pose,
        scan_rotation,
    } = setup;
    let Point { x, y } = scan::to_axes(Point { x: dx, y: dy }, scan_rotation.ion);
    let rise = y / ion_tilt(geometry).sin();
    camera::stage_motion(geometry, pose, &Vector3::new(x, 0.0, rise))
}

/// [`exact`], refused where the numbers are none, the columns parallel, or a chamber-fixed stage stands upright.
pub fn checked(setup: &Setup, dx: f64, dy: f64) -> Result<Displacement, KinematicsError> {
    check_finite(setup, dx, dy)?;
    chamber_fixed::check_upright(setup)?;
    if ion_tilt(setup.geometry).sin().abs() < super::GRAZING_COSINE {
        return Err(KinematicsError::ParallelColumns);
    }
    Ok(exact(setup, dx, dy))
}

fn ion_tilt(geometry: &Geometry) -> f64 {
    geometry.column_tilt(Beam::Ion)
}

/// The ion beam's focus no longer means anything after this move: set its working distance to the eucentric height.
pub fn resets_ion_focus(setup: &Setup, moved: &Displacement) -> bool {
    setup.geometry.stage != StageKind::ChamberFixed && moved.z.abs() > FOCUS_RESET
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pose;

    #[test]
    fn only_a_large_rise_resets_the_ion_focus() {
        let geometry = Geometry::default();
        let setup = Setup::new(&geometry, Pose::default());
        let per_metre = displacement(&setup, 0.0, 1.0).z;
        for (rise, resets) in [(99e-6, false), (101e-6, true), (-101e-6, true)] {
            let moved = displacement(&setup, 0.0, rise / per_metre);
            assert_eq!(resets_ion_focus(&setup, &moved), resets, "{rise}");
        }
        let fixed = Geometry {
            stage: StageKind::ChamberFixed,
            ..geometry
        };
        let setup = Setup::new(&fixed, Pose::default());
        assert!(!resets_ion_focus(&setup, &displacement(&setup, 0.0, 1e-3)));
    }

    #[test]
    fn openfibsem_rises_a_tenth_less_than_the_exact_move_on_a_flat_stage() {
        let geometry = Geometry::default();
        let setup = Setup::new(&geometry, Pose::default());
        let (theirs, exact) = (displacement(&setup, 0.0, 10e-6), exact(&setup, 0.0, 10e-6));
        assert!((theirs.z / exact.z - 0.9).abs() < 1e-12 && exact.y.abs() < 1e-18);
    }
}
