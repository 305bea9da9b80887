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
mod tests;
