//! Where a point of the sample is in the chamber, and where both beams show it: rigid transforms, independent of the formulas
//! of stable and vertical moves, which are tested against it.
//!
//! **Chamber frame** (right-handed, m): origin in the coincidence point, x along the tilt axis, z up towards the electron
//! column, y completing them. A stage whose axes tilt carries a point fixed to it by the raw displacement (dx, dy, dz) to
//! (dx, dy cos t - dz sin t, dy sin t + dz cos t) further; a positive tilt lifts what lies at +y.
//! **Pictures**: moving the stage moves what is shown the other way, so picture right is -x and picture up is -y for electrons,
//! -(y cos F + z sin F) for ions, F the ion column's tilt. A point too low by u shows u sin F too high in the ion picture.
//! **A compustage turned over** (tilted beyond -90 deg) counts y and z the other way round, so that z+ still raises the sample.
//! openFIBSEM's vertical moves, and its stable moves in the FIB orientation, say so; its stable moves at other tilts beyond
//! -90 deg do not, and run against this model there.
//! **Holder frame**: fixed to the turning top of the stage, its axes those of the raw axes at r = 0, its origin on the rotation
//! axis. A chamber-fixed stage has it where rotation axis and tilt axis meet.

use super::{Displacement, ScanRotation, scan};
use crate::{Beam, Geometry, Point, Pose, StageKind};
use nalgebra::{Isometry3, Point3, Rotation3, Translation3, Vector2, Vector3};
use std::f64::consts::FRAC_PI_2;

/// The chamber frame as one beam sees it.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    /// Picture right and up along the chamber's axes.
    right: Vector3<f64>,
    up: Vector3<f64>,
    scan_rotation: f64,
}

impl Camera {
    /// The picture of `beam`.
    pub fn new(geometry: &Geometry, beam: Beam, scan_rotation: ScanRotation) -> Camera {
        let column = match (beam, geometry.stage) {
            (Beam::Ion, _) => geometry.ion_column_tilt,
            (Beam::Electron, StageKind::ChamberFixed) => geometry.electron_column_tilt,
            // openFIBSEM counts this column as upright and its tilt as pre-tilt, except on chamber-fixed stages.
            (Beam::Electron, _) => 0.0,
        };
        let up = Rotation3::from_axis_angle(&Vector3::x_axis(), column) * -Vector3::y();
        Camera {
            right: -Vector3::x(),
            up,
            scan_rotation: scan_rotation.of(beam),
        }
    }

    /// Where a chamber point shows: metres from the picture's centre, x right, y up. Beam shift is not in it.
    pub fn picture(&self, point: &Point3<f64>) -> Point {
        let seen = Vector2::new(self.right.dot(&point.coords), self.up.dot(&point.coords));
        scan::to_picture(Point { x: seen.x, y: seen.y }, self.scan_rotation)
    }

    /// The direction (unit vector, chamber frame) that runs along the beam towards its column.
    pub fn towards_column(&self) -> Vector3<f64> {
        self.right.cross(&self.up)
    }
}

/// Raw (x, y, z) with the signs that count along the stage's own axes.
fn counted(geometry: &Geometry, pose: &Pose, raw: Vector3<f64>) -> Vector3<f64> {
    let turned_over = geometry.is_compustage() && pose.t < -FRAC_PI_2;
    if turned_over {
        Vector3::new(raw.x, -raw.y, -raw.z)
    } else {
        raw
    }
}

fn tilt(pose: &Pose) -> Rotation3<f64> {
    Rotation3::from_axis_angle(&Vector3::x_axis(), pose.t)
}

/// How the chamber sees a raw stage move from `pose`: motion (m, chamber frame) of every point fixed to the stage.
pub fn chamber_motion(geometry: &Geometry, pose: &Pose, moved: &Displacement) -> Vector3<f64> {
    match geometry.stage {
        StageKind::Tilting | StageKind::Compustage => tilt(pose) * counted(geometry, pose, moved.to_vector()),
        StageKind::ChamberFixed => tilt(pose) * Vector3::new(-moved.x, -moved.y, 0.0) - Vector3::z() * moved.z,
    }
}

/// The raw stage move that makes a chamber motion (m): the inverse of [`chamber_motion`]. Diverges on a chamber-fixed stage
/// tilted to 90 deg.
pub fn stage_motion(geometry: &Geometry, pose: &Pose, motion: &Vector3<f64>) -> Displacement {
    match geometry.stage {
        StageKind::Tilting | StageKind::Compustage => counted(geometry, pose, tilt(pose).inverse() * motion).into(),
        StageKind::ChamberFixed => Displacement {
            x: -motion.x,
            y: -motion.y / pose.t.cos(),
            z: motion.y * pose.t.tan() - motion.z,
        },
    }
}

/// What a raw stage move would centre: the picture offset (m, x right, y up) of a point that the move brings to the centre.
pub fn centred_by(geometry: &Geometry, pose: &Pose, beam: Beam, rotation: ScanRotation, moved: &Displacement) -> Point {
    let point = Point3::from(-chamber_motion(geometry, pose, moved));
    Camera::new(geometry, beam, rotation).picture(&point)
}

/// Holder frame to chamber frame with the stage at `pose`.
///
/// The top turns by r (counter-clockwise seen from above, compustages do not turn), x, y, z shift it, and all of it tilts by t
/// about the chamber's x axis. On a chamber-fixed stage z carries the tilt: its tilt axis goes through the coincidence point
/// at raw z = `tilt_axis_z` (m), which the other kinds do not need.
pub fn holder_to_chamber(geometry: &Geometry, pose: &Pose, tilt_axis_z: f64) -> Isometry3<f64> {
    let turn = Rotation3::from_axis_angle(&Vector3::z_axis(), if geometry.is_compustage() { 0.0 } else { pose.r });
    let from_axis = if geometry.stage == StageKind::ChamberFixed {
        tilt_axis_z
    } else {
        0.0
    };
    let shift = chamber_motion(
        geometry,
        pose,
        &Displacement {
            x: pose.x,
            y: pose.y,
            z: pose.z - from_axis,
        },
    );
    Isometry3::from_parts(Translation3::from(shift), (tilt(pose) * turn).into())
}

/// A point fixed to the sample holder (m, holder frame) in the chamber frame.
pub fn specimen_to_chamber(geometry: &Geometry, pose: &Pose, tilt_axis_z: f64, point: &Point3<f64>) -> Point3<f64> {
    holder_to_chamber(geometry, pose, tilt_axis_z) * point
}

/// The inverse of [`specimen_to_chamber`].
pub fn chamber_to_specimen(geometry: &Geometry, pose: &Pose, tilt_axis_z: f64, point: &Point3<f64>) -> Point3<f64> {
    holder_to_chamber(geometry, pose, tilt_axis_z).inverse() * point
}

/// The pre-tilted sample plane in the holder frame: takes points of the plane z = 0, y up the picture's axis, to the holder.
/// At r = the reference rotation and t = the pre-tilt it faces the electron beam.
pub fn sample_to_holder(geometry: &Geometry) -> Rotation3<f64> {
    let turn = if geometry.is_compustage() {
        0.0
    } else {
        geometry.rotation_reference
    };
    let slope = geometry.pre_tilt + geometry.electron_column_tilt;
    Rotation3::from_axis_angle(&Vector3::z_axis(), -turn) * Rotation3::from_axis_angle(&Vector3::x_axis(), -slope)
}

#[cfg(test)]
mod tests {
    use super::super::{Setup, orientation, sample_plane, stable, vertical};
    use super::*;
    use proptest::prelude::*;

    const KINDS: [StageKind; 3] = [StageKind::Tilting, StageKind::Compustage, StageKind::ChamberFixed];
    const TILT_AXIS_Z: f64 = 4e-3;

    fn geometry(stage: StageKind) -> Geometry {
        let pre_tilt = if stage == StageKind::Compustage {
            0.0
        } else {
            35f64.to_radians()
        };
        let rotation_180 = if stage == StageKind::Compustage {
            0.0
        } else {
            std::f64::consts::PI
        };
        Geometry {
            stage,
            pre_tilt,
            rotation_180,
            ..Geometry::default()
        }
    }

    /// The pose that brings a holder point to the coincidence point at rotation r and tilt t.
    fn pose_on(geometry: &Geometry, point: &Point3<f64>, r: f64, t: f64) -> Pose {
        let pose = Pose {
            r,
            t,
            z: if geometry.stage == StageKind::ChamberFixed {
                TILT_AXIS_Z
            } else {
                0.0
            },
            ..Pose::default()
        };
        let off = specimen_to_chamber(geometry, &pose, TILT_AXIS_Z, point);
        stage_motion(geometry, &pose, &-off.coords).from(pose)
    }

    proptest! {
        /// A landmark of the sample plane shown at p comes to the centre of both pictures, at the right height, by a stable
        /// move of p; at half turns, any tilt, any scan rotation and with all three stages.
        #[test]
        fn a_stable_move_centres_a_landmark_and_keeps_coincidence(
            kind in 0usize..3, half_turn: bool, tilt in -10f64..50.0, over: bool, scan in -7f64..7.0,
            u in -300e-6..300e-6, v in -300e-6..300e-6, ion: bool,
        ) {
            let geometry = geometry(KINDS[kind]);
            let beam = if ion { Beam::Ion } else { Beam::Electron };
            let r = if half_turn && !geometry.is_compustage() { std::f64::consts::PI } else { 0.0 };
            let plane = sample_to_holder(&geometry);
            let centre = plane * Point3::new(1e-4, -2e-4, 3e-3);
            let landmark = centre + plane * Vector3::new(u, v, 0.0);
            let over = over && geometry.is_compustage();
            let t = if over { orientation::fib_tilt(&geometry) + tilt.to_radians() / 10.0 } else { tilt.to_radians() };
            let pose = pose_on(&geometry, &centre, r, t);
            let rotation = ScanRotation { electron: scan, ion: scan };
            let setup = Setup { geometry: &geometry, pose, scan_rotation: rotation };
            prop_assume!(sample_plane::view_angle(&geometry, &pose, beam).abs() < 1.4);

            let shown = Camera::new(&geometry, beam, rotation)
                .picture(&specimen_to_chamber(&geometry, &pose, TILT_AXIS_Z, &landmark));
            let moved = stable::checked(&setup, beam, shown.x, shown.y).unwrap();
            let after = specimen_to_chamber(&geometry, &moved.from(pose), TILT_AXIS_Z, &landmark);
            prop_assert!(after.coords.norm() < 1e-12, "{kind} {beam}: {after}");

            let again = centred_by(&geometry, &pose, beam, rotation, &moved);
            prop_assert!((again.x - shown.x).hypot(again.y - shown.y) < 1e-12);
        }

        /// The picture formula of openFIBSEM is this camera, also for moves off the sample plane (chamber-fixed stages read
        /// only moves in the plane) and for a compustage that is turned over.
        #[test]
        fn the_inverse_formula_is_the_camera(
            compustage: bool, half_turn: bool, over: bool, tilt in -89f64..60.0, dy in -1e-3..1e-3, dz in -1e-3..1e-3, ion: bool,
        ) {
            let geometry = geometry(if compustage { StageKind::Compustage } else { StageKind::Tilting });
            let t = if over { orientation::fib_tilt(&geometry) } else { tilt.to_radians() };
            let pose = Pose { r: if half_turn && !compustage { 3.1 } else { 0.0 }, t, ..Pose::default() };
            let beam = if ion { Beam::Ion } else { Beam::Electron };
            let seen = centred_by(&geometry, &pose, beam, ScanRotation::default(), &Displacement { x: 0.0, y: dy, z: dz });
            let formula = sample_plane::to_picture(&geometry, &pose, beam, dy, dz);
            prop_assert!((seen.y - formula).abs() < 1e-15, "{} {formula}", seen.y);
        }

        /// An exact vertical move centres the ion picture and leaves the electron picture where it was.
        #[test]
        fn an_exact_vertical_move_is_vertical(
            kind in 0usize..3, tilt in -10f64..60.0, scan in -7f64..7.0, height in -200e-6..200e-6,
        ) {
            let geometry = geometry(KINDS[kind]);
            let rotation = ScanRotation { electron: 0.0, ion: scan };
            let pose = Pose { t: tilt.to_radians(), ..Pose::default() };
            let setup = Setup { geometry: &geometry, pose, scan_rotation: rotation };
            let feature = Point3::new(0.0, 0.0, height);
            let shown = Camera::new(&geometry, Beam::Ion, rotation).picture(&feature);
            prop_assert!((shown.x.hypot(shown.y) - height.abs() * geometry.ion_column_tilt.sin()).abs() < 1e-12);
            let moved = vertical::checked(&setup, shown.x, shown.y).unwrap();
            let after = feature + chamber_motion(&geometry, &pose, &moved);
            prop_assert!(after.coords.norm() < 1e-12);
        }

        #[test]
        fn holder_and_chamber_invert(kind in 0usize..3, x in -1e-2..1e-2, r in -7f64..7.0, t in -3f64..1.5, z in -1e-2..1e-2) {
            let geometry = geometry(KINDS[kind]);
            let pose = Pose { x, y: -x, z, r, t };
            let point = Point3::new(1e-3, 2e-3, z);
            let there = specimen_to_chamber(&geometry, &pose, TILT_AXIS_Z, &point);
            let back = chamber_to_specimen(&geometry, &pose, TILT_AXIS_Z, &there);
            prop_assert!((back - point).norm() < 1e-15);
        }
    }

    #[test]
    fn the_orientations_face_their_beams() {
        use super::super::Orientation;
        for stage in KINDS {
            let geometry = geometry(stage);
            for (orientation, beam) in [(Orientation::Sem, Beam::Electron), (Orientation::Fib, Beam::Ion)] {
                let (r, t) = orientation.rotation_tilt(&geometry);
                let pose = Pose {
                    r,
                    t,
                    ..Pose::default()
                };
                let normal = holder_to_chamber(&geometry, &pose, 0.0) * (sample_to_holder(&geometry) * Vector3::z());
                let facing = normal.dot(&Camera::new(&geometry, beam, ScanRotation::default()).towards_column());
                assert!((facing.abs() - 1.0).abs() < 1e-12, "{stage:?} {orientation}: {facing}");
            }
        }
    }

    #[test]
    fn half_a_turn_mirrors_the_positions_about_the_rotation_axis() {
        let geometry = geometry(StageKind::Tilting);
        let point = Point3::new(1e-3, -2e-3, -4e-3);
        let (here, there) = (
            pose_on(&geometry, &point, 0.0, 0.0),
            pose_on(&geometry, &point, std::f64::consts::PI, 0.0),
        );
        assert!(
            (here.x + there.x).abs() < 1e-15 && (here.y + there.y).abs() < 1e-15 && (here.z - there.z).abs() < 1e-15
        );
    }

    #[test]
    fn grazing_and_nonsense_are_refused() {
        use super::super::KinematicsError;
        let geometry = geometry(StageKind::Tilting);
        let at = |t: f64| {
            Setup::new(
                &geometry,
                Pose {
                    t: t.to_radians(),
                    ..Pose::default()
                },
            )
        };
        assert!(matches!(
            stable::checked(&at(-55.0), Beam::Electron, 0.0, 1e-6),
            Err(KinematicsError::Grazing { .. })
        ));
        assert!(matches!(
            stable::checked(&at(0.0), Beam::Ion, f64::NAN, 0.0),
            Err(KinematicsError::NotFinite { .. })
        ));
        assert!(
            stable::checked(&at(0.0), Beam::Ion, 1e-6, 1e-6).is_ok(),
            "87 deg from the normal still works"
        );
        let parallel = Geometry {
            ion_column_tilt: 0.0,
            ..geometry
        };
        let refused = vertical::checked(&Setup::new(&parallel, Pose::default()), 0.0, 1e-6);
        assert_eq!(refused, Err(KinematicsError::ParallelColumns));
        let upright = self::geometry(StageKind::ChamberFixed);
        let setup = Setup::new(
            &upright,
            Pose {
                t: std::f64::consts::FRAC_PI_2,
                ..Pose::default()
            },
        );
        assert!(matches!(
            vertical::checked(&setup, 0.0, 1e-6),
            Err(KinematicsError::Upright { .. })
        ));
    }
}
