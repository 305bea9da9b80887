//! From pixels to places on the sample and back, for one shot: the exact affine map of an orthographic view.
//!
//! Pixels are of the *full* frame, column right and row down; pixel (W/2, H/2) lies on the optical axis.

use super::Shot;
use crate::sim::specimen::Face;
use nalgebra::{Isometry3, Matrix2, Point3, Vector2, Vector3};

/// Below this sine of the angle between beam and sample plane a view is drawn as if it had this angle (0.6 deg).
const EDGE_ON: f64 = 0.01;

/// One view of the sample plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Camera {
    /// Sample x, y (m) of the plane z = 0 at pixel (0, 0), and per column and per row.
    pub origin: Vector2<f64>,
    pub per_pixel: Matrix2<f64>,
    /// Unit vector towards the lens in the sample frame, z counted outward of the face that is seen.
    pub toward: Vector3<f64>,
    /// Unit vectors of the chamber's X, Y, Z in the same frame.
    pub chamber: [Vector3<f64>; 3],
    pub face: Face,
    /// Distance above the coincidence plane, towards the lens (m): at pixel (0, 0), per column, per row, per outward height.
    pub depth: [f64; 4],
}

/// Right and up of the column's own picture (m), for a point of the shown picture (m): scan rotation and beam shift undone.
fn unturned(shot: &Shot, shown: Vector2<f64>) -> Vector2<f64> {
    let (s, c) = shot.beam.settings.scan_rotation.sin_cos();
    let o = shown - landing(shot);
    Vector2::new(c * o.x - s * o.y, s * o.x + c * o.y)
}

/// How far beam shift and column flaws move the content of the shown picture (m, right and up).
fn landing(shot: &Shot) -> Vector2<f64> {
    let (set, real) = (shot.beam.settings.shift, &shot.flaws);
    Vector2::new(
        set.x * real.shift_gain + real.offset.x,
        set.y * real.shift_gain + real.offset.y,
    )
}

impl Camera {
    /// The view of a shot whose sample has drifted by `offset` (m, chamber).
    pub fn of(shot: &Shot, offset: Vector3<f64>) -> Self {
        let view = shot.geometry.column(shot.settings.beam_type);
        let sample = shot.geometry.sample_to_chamber(&shot.pose);
        let back = sample.rotation.inverse();
        let px = shot.settings.pixel_size();
        let (w, h) = shot.settings.resolution;

        let mut toward = back * view.toward;
        let mut chamber = [Vector3::x(), Vector3::y(), Vector3::z()].map(|axis| back * axis);
        let face = if toward.z < 0.0 { Face::Under } else { Face::Top };
        let out = if face == Face::Under { -1.0 } else { 1.0 };
        let lift = toward.z.abs().max(EDGE_ON);

        // A point of the picture plane slides along the beam until it meets z = 0.
        let slide = Vector2::new(toward.x, toward.y) / (out * lift);
        let on_plane = |p: Vector3<f64>| Vector2::new(p.x, p.y) - slide * p.z;
        let ray = |o: Vector2<f64>| back * (view.right * o.x + view.up * o.y);
        let step = |col: f64, row: f64| {
            let (s, c) = shot.beam.settings.scan_rotation.sin_cos();
            let o = Vector2::new(col * px, -row * px);
            ray(Vector2::new(c * o.x - s * o.y, s * o.x + c * o.y))
        };
        let corner = Vector2::new(-f64::from(w) / 2.0 * px, f64::from(h) / 2.0 * px);
        let first = sample.inverse_transform_point(&Point3::from(-offset)).coords + ray(unturned(shot, corner));
        let (dc, dr) = (step(1.0, 0.0), step(0.0, 1.0));
        let (pc, pr) = (on_plane(dc), on_plane(dr));
        let along = |p: Vector3<f64>| -p.z / (out * lift);
        for v in chamber.iter_mut().chain([&mut toward]) {
            v.z *= out;
        }
        toward.z = lift;
        Camera {
            origin: on_plane(first),
            per_pixel: Matrix2::from_columns(&[pc, pr]),
            toward: toward.normalize(),
            chamber,
            face,
            depth: [along(first), along(dc), along(dr), 1.0 / lift],
        }
    }

    /// The same view of the plane z = 0 of another frame, given by where that is in the sample's.
    pub fn within(&self, frame: &Isometry3<f64>) -> Camera {
        let out = if self.face == Face::Under { -1.0 } else { 1.0 };
        let turned = |v: &Vector3<f64>| frame.inverse_transform_vector(&Vector3::new(v.x, v.y, out * v.z));
        let mut toward = turned(&self.toward);
        let mut chamber = self.chamber.map(|axis| turned(&axis));
        let face = if toward.z < 0.0 { Face::Under } else { Face::Top };
        let out = if face == Face::Under { -1.0 } else { 1.0 };
        let lift = toward.z.abs().max(EDGE_ON);
        let slide = Vector2::new(toward.x, toward.y) / (out * lift);
        let on_plane = |p: &Vector3<f64>| Vector2::new(p.x, p.y) - slide * p.z;
        let along = |p: &Vector3<f64>| -p.z / (out * lift);

        let first = frame
            .inverse_transform_point(&Point3::new(self.origin.x, self.origin.y, 0.0))
            .coords;
        let step = |n: usize| {
            frame.inverse_transform_vector(&Vector3::new(self.per_pixel[(0, n)], self.per_pixel[(1, n)], 0.0))
        };
        let (dc, dr) = (step(0), step(1));
        let [d0, per_col, per_row, _] = self.depth;
        for v in chamber.iter_mut().chain([&mut toward]) {
            v.z *= out;
        }
        toward.z = lift;
        Camera {
            origin: on_plane(&first),
            per_pixel: Matrix2::from_columns(&[on_plane(&dc), on_plane(&dr)]),
            toward: toward.normalize(),
            chamber,
            face,
            depth: [
                d0 + along(&first),
                per_col + along(&dc),
                per_row + along(&dr),
                1.0 / lift,
            ],
        }
    }

    /// Pixel at which a point of the frame appears (m; z outward of the face that is seen).
    pub fn pixel(&self, [x, y, z]: [f64; 3]) -> Vector2<f64> {
        let inverse = self.per_pixel.try_inverse().unwrap_or_else(Matrix2::zeros);
        inverse * (Vector2::new(x, y) - self.origin) - self.shear_pixels() * z
    }

    /// The point of the sample (m) that is seen at a pixel of the full frame, `height` (m) out of the face that is seen.
    pub fn point(&self, col: f64, row: f64, height: f64) -> [f64; 3] {
        let at = self.origin + self.per_pixel * Vector2::new(col, row) + self.shear() * height;
        [at.x, at.y, if self.face == Face::Under { -height } else { height }]
    }

    /// Shift on the sample plane per outward height (m per m) of what a pixel sees.
    pub fn shear(&self) -> Vector2<f64> {
        Vector2::new(self.toward.x, self.toward.y) / self.toward.z
    }

    /// The same in pixels per metre: a point of height z appears this much *before* its foot point.
    pub fn shear_pixels(&self) -> Vector2<f64> {
        self.per_pixel
            .try_inverse()
            .map_or_else(Vector2::zeros, |inverse| inverse * self.shear())
    }
}

/// Full-frame pixel (column, row) at which a point of the sample (m) appears.
pub fn project(shot: &Shot, point: [f64; 3]) -> [f64; 2] {
    let at = shot.geometry.sample_to_chamber(&shot.pose) * Point3::from(point);
    appears(shot, at.coords + Vector3::from(shot.motion.offset))
}

/// Full-frame pixel (column, row) at which a place of the chamber (m) appears.
pub fn appears(shot: &Shot, at: Vector3<f64>) -> [f64; 2] {
    let view = shot.geometry.column(shot.settings.beam_type);
    let (x, y) = (at.dot(&view.right), at.dot(&view.up));
    let (s, c) = shot.beam.settings.scan_rotation.sin_cos();
    let shown = Vector2::new(c * x + s * y, c * y - s * x) + landing(shot);
    let (w, h) = shot.settings.resolution;
    let px = shot.settings.pixel_size();
    [f64::from(w) / 2.0 + shown.x / px, f64::from(h) / 2.0 - shown.y / px]
}
