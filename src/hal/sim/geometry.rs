//! The twin's real geometry: where a point of the sample lies in the chamber, and where it appears in a picture.
//!
//! Frames, all right-handed, metres:
//! - *chamber*: X to the right of the SEM picture, Y up in it, Z up along an electron column that is not tilted. Its origin is
//!   the coincidence point. Both columns lie in the YZ plane, a column tilted by `a` looks along (0, sin a, cos a).
//! - *platform*: the chamber frame turned by the stage tilt; what the tilt axis carries. Its Z is the stage's normal.
//! - *sample*: on the pre-tilted shuttle, z = 0 is the film (or the block's face), x right and y up in the SEM picture at home.
//!
//! Built from the axes of the stage, not from `model::kinematics`: the tests compare the two as independent models.

use super::matter::Beamline;
use model::{Beam, Geometry, Point, Pose, StageKind};
use nalgebra::{Isometry3, Point3, Rotation3, Translation3, UnitQuaternion, Vector3};

/// The instrument as it really stands, errors included.
#[derive(Clone, Debug, PartialEq)]
pub struct TwinGeometry {
    /// What the instrument's configuration says of columns, shuttle and kind of stage.
    pub nominal: Geometry,
    /// Working distance at the coincidence point: electron, ion (m).
    pub eucentric_height: [f64; 2],
    /// Raw z at which the sample's origin lies on the tilt axis (m).
    pub home_z: f64,
    /// How far the sample sits above the coincidence point at home, along its normal (m).
    pub height_error: f64,
    /// Where the rotation axis meets the stage, in raw x and y (m); the origin on a perfect stage.
    pub rotation_axis: [f64; 2],
    /// Wobble of the rotation axis: largest displacement of the platform during a turn (m).
    pub runout: f64,
}

/// How a column looks at the chamber: unit vectors of its picture and towards its lens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnView {
    pub right: Vector3<f64>,
    pub up: Vector3<f64>,
    pub toward: Vector3<f64>,
}

impl TwinGeometry {
    /// A perfect instrument. `eucentric_height` is (electron, ion) in metres.
    pub fn new(nominal: Geometry, eucentric_height: [f64; 2]) -> Self {
        let home_z = match nominal.stage {
            // A compustage moves within 1 mm of its centre and counts from there.
            StageKind::Compustage => 0.0,
            StageKind::Tilting | StageKind::ChamberFixed => 4e-3,
        };
        TwinGeometry {
            nominal,
            eucentric_height,
            home_z,
            height_error: 0.0,
            rotation_axis: [0.0; 2],
            runout: 0.0,
        }
    }

    /// The raw pose with the sample's origin at the coincidence point, flat to the electron beam.
    pub fn home(&self) -> Pose {
        let r = if self.nominal.stage == StageKind::Compustage {
            0.0
        } else {
            self.nominal.rotation_reference
        };
        Pose {
            x: 0.0,
            y: 0.0,
            z: self.home_z,
            r,
            t: self.nominal.pre_tilt,
        }
    }

    /// Working distance of `beam` at the coincidence point (m).
    pub fn eucentric(&self, beam: Beam) -> f64 {
        match beam {
            Beam::Electron => self.eucentric_height[0],
            Beam::Ion => self.eucentric_height[1],
        }
    }

    /// The picture axes of a column.
    pub fn column(&self, beam: Beam) -> ColumnView {
        let (sin, cos) = self.nominal.column_tilt(beam).sin_cos();
        ColumnView {
            right: Vector3::x(),
            up: Vector3::new(0.0, cos, -sin),
            toward: Vector3::new(0.0, sin, cos),
        }
    }

    /// The platform in the chamber: the frame that carries the shuttle.
    pub fn platform_to_chamber(&self, pose: &Pose) -> Isometry3<f64> {
        let tilt = Rotation3::from_axis_angle(&Vector3::x_axis(), -pose.t);
        let lift = pose.z - self.home_z;
        let travel = match self.nominal.stage {
            StageKind::Tilting => tilt * Vector3::new(-pose.x, -pose.y, lift),
            StageKind::Compustage => {
                // Coordinates are those of the specimen: once it is upside down, y and z are counted the other way round,
                // so that z+ still raises it towards the columns.
                let side = if pose.t < -std::f64::consts::FRAC_PI_2 {
                    -1.0
                } else {
                    1.0
                };
                tilt * Vector3::new(-pose.x, -side * pose.y, side * lift)
            }
            // x and y lie on the tilting top; z is the chamber's vertical and counts downwards.
            StageKind::ChamberFixed => tilt * Vector3::new(pose.x, pose.y, 0.0) - Vector3::new(0.0, 0.0, lift),
        };
        let turn = match self.nominal.stage {
            StageKind::Compustage => 0.0,
            StageKind::Tilting | StageKind::ChamberFixed => pose.r - self.nominal.rotation_reference,
        };
        let sign = if self.nominal.stage == StageKind::ChamberFixed {
            -1.0
        } else {
            1.0
        };
        let axis = Vector3::new(sign * self.rotation_axis[0], sign * self.rotation_axis[1], 0.0);
        let rotation = Rotation3::from_axis_angle(&Vector3::z_axis(), turn);
        let wobble = Vector3::new(1.0 - (3.0 * turn).cos(), (3.0 * turn).sin(), 0.0) * (self.runout / 2.0);
        let seat = axis - rotation * axis + wobble;
        Isometry3::from_parts(
            Translation3::from(travel + tilt * seat),
            UnitQuaternion::from_rotation_matrix(&(tilt * rotation)),
        )
    }

    /// The sample frame in the chamber.
    pub fn sample_to_chamber(&self, pose: &Pose) -> Isometry3<f64> {
        let wedge = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), self.nominal.pre_tilt);
        let seat = wedge * Vector3::new(0.0, 0.0, self.height_error);
        self.platform_to_chamber(pose) * Isometry3::from_parts(Translation3::from(seat), wedge)
    }

    /// Where a point of the sample (m) appears on the optical plane of `beam`: metres right and up of its axis, before scan
    /// rotation and beam shift; and how far it lies above the coincidence plane towards the lens.
    pub fn in_view(&self, beam: Beam, pose: &Pose, point: [f64; 3]) -> (Point, f64) {
        let at = self.sample_to_chamber(pose) * Point3::from(point);
        let view = self.column(beam);
        (
            Point {
                x: at.coords.dot(&view.right),
                y: at.coords.dot(&view.up),
            },
            at.coords.dot(&view.toward),
        )
    }

    /// The shown picture's axes in the sample frame: its middle, right and up, and where the beam travels. `scan_rotation` in rad;
    /// `landing`: how far beam shift and flaws move the content (m, right and up in the shown picture); `drift`: how far the
    /// sample has drifted in the chamber (m).
    pub fn beamline(
        &self,
        beam: Beam,
        pose: &Pose,
        scan_rotation: f64,
        landing: Point,
        drift: Vector3<f64>,
    ) -> Beamline {
        let view = self.column(beam);
        let sample = self.sample_to_chamber(pose);
        let (s, c) = scan_rotation.sin_cos();
        let (right, up) = (view.right * c + view.up * s, view.up * c - view.right * s);
        let middle = Point3::from(-(right * landing.x + up * landing.y) - drift);
        Beamline {
            origin: sample.inverse_transform_point(&middle),
            right: sample.inverse_transform_vector(&right),
            up: sample.inverse_transform_vector(&up),
            along: sample.inverse_transform_vector(&-view.toward),
        }
    }

    /// How far the point seen in the middle of the pictures lies from the coincidence point along the chamber's vertical (m):
    /// the height at which the electron axis meets the sample plane. `None` where the axis runs along that plane.
    pub fn coincidence_error(&self, pose: &Pose) -> Option<f64> {
        let sample = self.sample_to_chamber(pose);
        let normal = sample.rotation * Vector3::z();
        let axis = self.column(Beam::Electron).toward;
        let slope = normal.dot(&axis);
        (slope.abs() > 1e-6).then(|| normal.dot(&sample.translation.vector) / slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MM: f64 = 1e-3;

    fn twin(stage: StageKind) -> TwinGeometry {
        let mut nominal = Geometry {
            stage,
            ..Geometry::default()
        };
        if stage == StageKind::Compustage {
            nominal.pre_tilt = 0.0;
            nominal.rotation_180 = 0.0;
        }
        TwinGeometry::new(nominal, [7.0 * MM, 16.5 * MM])
    }

    /// Content of the picture moves by this much (right, up) when the stage moves by `d` (x, y, z).
    fn content(g: &TwinGeometry, beam: Beam, at: Pose, d: [f64; 3]) -> [f64; 2] {
        let to = Pose {
            x: at.x + d[0],
            y: at.y + d[1],
            z: at.z + d[2],
            ..at
        };
        let p = [12e-6, -7e-6, 3e-6];
        let (a, b) = (g.in_view(beam, &at, p).0, g.in_view(beam, &to, p).0);
        [b.x - a.x, b.y - a.y]
    }

    fn assert_shift(seen: [f64; 2], wanted: [f64; 2], what: &str) {
        assert!(
            (seen[0] - wanted[0]).abs() < 1e-12 && (seen[1] - wanted[1]).abs() < 1e-12,
            "{what}: {seen:?} {wanted:?}"
        );
    }

    #[test]
    fn home_has_the_sample_at_coincidence_and_flat() {
        for stage in [StageKind::Tilting, StageKind::Compustage, StageKind::ChamberFixed] {
            let g = twin(stage);
            for beam in Beam::ALL {
                let (at, depth) = g.in_view(beam, &g.home(), [0.0; 3]);
                assert_shift([at.x, at.y], [0.0, 0.0], "home");
                assert!(depth.abs() < 1e-12);
            }
            let flat = g.sample_to_chamber(&g.home()).rotation * Vector3::z();
            assert!((flat - Vector3::z()).norm() < 1e-12);
        }
    }

    #[test]
    fn raw_moves_shift_the_picture_as_the_camera_model_says() {
        let g = twin(StageKind::Tilting);
        for (r, t) in [(0.0, 35f64), (180.0, 17.0), (0.0, 12.0), (0.0, -10.0), (180.0, 60.0)] {
            let at = Pose {
                x: 0.2 * MM,
                y: -0.1 * MM,
                z: 3.9 * MM,
                r: f64::to_radians(r),
                t: t.to_radians(),
            };
            let d = [11e-6, -23e-6, 17e-6];
            let (s, c) = at.t.sin_cos();
            let (h, u) = (d[1] * c - d[2] * s, d[1] * s + d[2] * c);
            let f = 52f64.to_radians();
            assert_shift(content(&g, Beam::Electron, at, d), [-d[0], -h], "SEM");
            assert_shift(
                content(&g, Beam::Ion, at, d),
                [-d[0], -(h * f.cos() + u * f.sin())],
                "FIB",
            );
        }
    }

    /// A stable move as openFIBSEM computes it: raw (y, z) for an offset `dy` up in the picture.
    fn stable(g: &TwinGeometry, beam: Beam, at: Pose, dy: f64, turned: bool) -> [f64; 3] {
        let n = &g.nominal;
        let v = if beam == Beam::Ion { n.ion_column_tilt } else { 0.0 };
        let mut sign = if turned { -1.0 } else { 1.0 };
        let (mut t, mut e) = (at.t, dy);
        if n.stage == StageKind::Compustage {
            t += std::f64::consts::PI;
            let fib = (at.t - (n.ion_column_tilt - n.pre_tilt - std::f64::consts::PI)).abs() < 0.1;
            sign = if fib { -1.0 } else { 1.0 };
            e = if fib { dy } else { -dy };
        }
        let p = sign * (n.pre_tilt + n.electron_column_tilt);
        if n.stage == StageKind::ChamberFixed {
            let i = at.t - p;
            let d = dy / (i - v).cos();
            return [0.0, -d * i.cos() / at.t.cos(), d * p.sin() / at.t.cos()];
        }
        let d = e / (t - p - v).cos();
        [0.0, d * p.cos(), -d * p.sin()]
    }

    #[test]
    fn stable_moves_stay_on_the_sample_plane_and_shift_the_picture_by_what_was_asked() {
        let dy = 20e-6;
        for stage in [StageKind::Tilting, StageKind::ChamberFixed, StageKind::Compustage] {
            let g = twin(stage);
            let poses: &[(f64, f64)] = match stage {
                StageKind::Compustage => &[(0.0, 0.0), (0.0, -23.0), (0.0, 12.0), (0.0, -128.0), (0.0, -125.0)],
                _ => &[(0.0, 35.0), (180.0, 17.0), (0.0, 12.0), (180.0, 35.0)],
            };
            for &(r, t) in poses {
                let at = Pose {
                    r: r.to_radians(),
                    t: t.to_radians(),
                    ..g.home()
                };
                for beam in Beam::ALL {
                    let d = stable(&g, beam, at, dy, r > 90.0);
                    assert_shift(
                        content(&g, beam, at, d),
                        [0.0, -dy],
                        &format!("{stage:?} {beam} r {r} t {t}"),
                    );
                    // On the plane: the sample's normal does not see the move.
                    let to = Pose {
                        y: at.y + d[1],
                        z: at.z + d[2],
                        ..at
                    };
                    let (a, b) = (g.sample_to_chamber(&at), g.sample_to_chamber(&to));
                    let along = (a.rotation * Vector3::z()).dot(&(b.translation.vector - a.translation.vector));
                    assert!(along.abs() < 1e-12, "{stage:?} leaves the plane by {along}");
                }
            }
        }
    }

    #[test]
    fn x_runs_left_on_a_tilting_stage_and_right_on_a_chamber_fixed_one() {
        let d = [5e-6, 0.0, 0.0];
        let tilting = twin(StageKind::Tilting);
        assert_shift(
            content(&tilting, Beam::Electron, tilting.home(), d),
            [-5e-6, 0.0],
            "tilting",
        );
        let fixed = twin(StageKind::ChamberFixed);
        assert_shift(
            content(&fixed, Beam::Electron, fixed.home(), d),
            [5e-6, 0.0],
            "chamber-fixed",
        );
    }

    #[test]
    fn vertical_moves_show_in_fib_only() {
        let u = 9e-6;
        let f = 52f64.to_radians();
        for t in [0.0, 12.0, 35.0] {
            let t = f64::to_radians(t);
            let g = twin(StageKind::Tilting);
            let at = Pose { t, ..g.home() };
            let d = [0.0, u * t.sin(), u * t.cos()];
            assert_shift(content(&g, Beam::Electron, at, d), [0.0, 0.0], "SEM");
            assert_shift(content(&g, Beam::Ion, at, d), [0.0, -u * f.sin()], "FIB");
            let g = twin(StageKind::ChamberFixed);
            let at = Pose { t, ..g.home() };
            // openFIBSEM's vertical move for an offset dy up in the FIB picture: z += -dy / sin F.
            let dy = 4e-6;
            assert_shift(
                content(&g, Beam::Electron, at, [0.0, 0.0, -dy / f.sin()]),
                [0.0, 0.0],
                "SEM fixed",
            );
            assert_shift(
                content(&g, Beam::Ion, at, [0.0, 0.0, -dy / f.sin()]),
                [0.0, -dy],
                "FIB fixed",
            );
        }
        // A compustage upside down: openFIBSEM turns dy round, because its axes are the specimen's.
        let g = twin(StageKind::Compustage);
        let t = -128f64.to_radians();
        let dy = 4e-6;
        let zm = -dy / f.sin();
        let at = Pose { t, ..g.home() };
        let d = [0.0, zm * t.sin(), zm * t.cos()];
        assert_shift(content(&g, Beam::Electron, at, d), [0.0, 0.0], "SEM upside down");
        assert_shift(content(&g, Beam::Ion, at, d), [0.0, -dy], "FIB upside down");
    }

    #[test]
    fn orientations_face_the_beams() {
        let g = twin(StageKind::Tilting);
        let normal = |r: f64, t: f64| {
            let at = Pose {
                r: r.to_radians(),
                t: t.to_radians(),
                ..g.home()
            };
            g.sample_to_chamber(&at).rotation * Vector3::z()
        };
        assert!((normal(0.0, 35.0).dot(&g.column(Beam::Electron).toward) - 1.0).abs() < 1e-12);
        assert!((normal(180.0, 17.0).dot(&g.column(Beam::Ion).toward) - 1.0).abs() < 1e-12);
        let grazing = normal(0.0, 12.0).dot(&g.column(Beam::Ion).toward);
        assert!(
            (grazing - 15f64.to_radians().sin()).abs() < 1e-12,
            "milling angle 15 deg"
        );
        let c = twin(StageKind::Compustage);
        let at = Pose {
            t: -128f64.to_radians(),
            ..c.home()
        };
        let down = c.sample_to_chamber(&at).rotation * -Vector3::z();
        assert!(
            (down.dot(&c.column(Beam::Ion).toward) - 1.0).abs() < 1e-12,
            "the underside faces the ion beam"
        );
    }

    #[test]
    fn a_point_of_a_picture_lies_on_its_beamline() {
        let g = twin(StageKind::Tilting);
        let at = Pose {
            x: 40e-6,
            y: -25e-6,
            t: 0.2,
            ..g.home()
        };
        let drift = Vector3::new(2e-6, -1e-6, 3e-6);
        for beam in Beam::ALL {
            let view = g.column(beam);
            let landing = Point { x: 3e-6, y: -2e-6 };
            let line = g.beamline(beam, &at, 0.4, landing, drift);
            assert!((line.right.cross(&line.up) + line.along).norm() < 1e-12);
            // Seen in the column's own picture, then turned, shifted and drifted as a shown picture is.
            let p = line.point(5e-6, 7e-6, 11e-6);
            let (seen, _) = g.in_view(beam, &at, [p.x, p.y, p.z]);
            let (x, y) = (seen.x + drift.dot(&view.right), seen.y + drift.dot(&view.up));
            let (s, c) = 0.4f64.sin_cos();
            assert_shift(
                [c * x + s * y + landing.x, c * y - s * x + landing.y],
                [5e-6, 7e-6],
                "beamline",
            );
        }
        let line = g.beamline(
            Beam::Ion,
            &Pose {
                t: 12f64.to_radians(),
                ..g.home()
            },
            0.0,
            Point::default(),
            Vector3::zeros(),
        );
        assert!(
            (line.along.z + 15f64.to_radians().sin()).abs() < 1e-12,
            "milling angle 15 deg"
        );
    }

    #[test]
    fn half_turns_go_round_the_rotation_axis() {
        let mut g = twin(StageKind::Tilting);
        g.rotation_axis = [30e-6, -20e-6];
        let p = [100e-6, 50e-6, 0.0];
        let flat = Pose { t: 0.0, ..g.home() };
        let seen = g.in_view(Beam::Electron, &flat, p).0;
        let centred = Pose {
            x: seen.x,
            y: seen.y,
            ..flat
        };
        let o = g.in_view(Beam::Electron, &centred, p).0;
        assert_shift([o.x, o.y], [0.0, 0.0], "centred");
        let turned = Pose {
            x: 2.0 * 30e-6 - centred.x,
            y: 2.0 * -20e-6 - centred.y,
            r: std::f64::consts::PI,
            ..centred
        };
        let o = g.in_view(Beam::Electron, &turned, p).0;
        assert_shift([o.x, o.y], [0.0, 0.0], "compucentric half turn");
        g.runout = 2e-6;
        let o = g.in_view(Beam::Electron, &turned, p).0;
        assert!((o.x.hypot(o.y) - 2e-6).abs() < 1e-9, "runout shows after half a turn");
    }

    #[test]
    fn a_height_error_is_the_loss_of_coincidence() {
        let mut g = twin(StageKind::Tilting);
        g.height_error = 30e-6;
        let f = 52f64.to_radians();
        let (sem, fib) = (
            g.in_view(Beam::Electron, &g.home(), [0.0; 3]).0,
            g.in_view(Beam::Ion, &g.home(), [0.0; 3]).0,
        );
        assert_shift([sem.x, sem.y], [0.0, 0.0], "SEM");
        assert_shift([fib.x, fib.y], [0.0, -30e-6 * f.sin()], "FIB");
        assert!((g.coincidence_error(&g.home()).unwrap() - 30e-6).abs() < 1e-12);
    }
}
