//! A picture's axes in the frame of what it looks at: how patterns in a picture become rays through matter.

use nalgebra::{Isometry3, Point3, Vector3};

/// A beam seen through its picture: the middle of the picture, its axes and where the beam travels. Unit vectors; metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beamline {
    /// The middle of the picture, anywhere along the beam.
    pub origin: Point3<f64>,
    pub right: Vector3<f64>,
    pub up: Vector3<f64>,
    /// Direction of travel, away from the lens.
    pub along: Vector3<f64>,
}

impl Beamline {
    /// A beam straight down on the sample plane at (x, y), the picture's axes those of the sample.
    pub fn from_above(x: f64, y: f64) -> Self {
        Beamline::inclined(Point3::new(x, y, 0.0), std::f64::consts::FRAC_PI_2)
    }

    /// A beam through `origin` that meets the sample plane under `angle` (rad) and travels towards +y of the sample, as an ion
    /// beam does at a milling angle: x to the right in its picture.
    pub fn inclined(origin: Point3<f64>, angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        Beamline {
            origin,
            right: Vector3::x(),
            up: Vector3::new(0.0, sin, cos),
            along: Vector3::new(0.0, cos, -sin),
        }
    }

    /// The point at (u, v) of the picture (m, right and up), `depth` further along the beam than the origin.
    pub fn point(&self, u: f64, v: f64, depth: f64) -> Point3<f64> {
        self.origin + self.right * u + self.up * v + self.along * depth
    }

    /// Right, up and along of a point, from the origin (m).
    pub fn picture(&self, p: &Point3<f64>) -> [f64; 3] {
        let d = p - self.origin;
        [d.dot(&self.right), d.dot(&self.up), d.dot(&self.along)]
    }

    /// The same beam in another frame.
    pub fn seen_from(&self, frame: &Isometry3<f64>) -> Beamline {
        Beamline {
            origin: frame.inverse_transform_point(&self.origin),
            right: frame.inverse_transform_vector(&self.right),
            up: frame.inverse_transform_vector(&self.up),
            along: frame.inverse_transform_vector(&self.along),
        }
    }

    /// Whether another beam comes from nearly the same direction (of unit vectors) and looks at nearly the same place (m).
    pub(super) fn is_like(&self, other: &Beamline, parallel: f64, near: f64) -> bool {
        let along = [(&self.right, &other.right), (&self.along, &other.along)];
        let [u, v, _] = self.picture(&other.origin);
        along.into_iter().all(|(a, b)| (a - b).norm() < parallel) && u.hypot(v) < near
    }

    /// Whether its numbers describe a beam at all.
    pub(super) fn is_sound(&self) -> bool {
        let unit = |v: &Vector3<f64>| (v.norm() - 1.0).abs() < 1e-6;
        let square = |a: &Vector3<f64>, b: &Vector3<f64>| a.dot(b).abs() < 1e-6;
        self.origin.iter().all(|c| c.is_finite())
            && [&self.right, &self.up, &self.along].into_iter().all(unit)
            && square(&self.right, &self.up)
            && square(&self.up, &self.along)
            && square(&self.right, &self.along)
    }
}
