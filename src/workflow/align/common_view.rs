//! SEM and FIB pictures in one frame.
//!
//! Both beams see the same sample plane, each foreshortened its own way and turned by its own scan rotation. The one that sees it
//! flatter keeps its y, the other's is stretched to match; then features lie where they should if the height is right, and a
//! height error is a shift along y.

use model::kinematics::{ScanRotation, Setup, sample_plane, scan};
use model::{Beam, Geometry, Point, Pose};
use ndarray::Array2;

/// How the common frame shows in each beam's picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommonView {
    /// Picture y for a y of the common frame: electron, ion. One of them is 1 or -1, the other smaller.
    scale: [f64; 2],
    scan_rotation: ScanRotation,
}

/// A view more oblique than this against the other has too few lines of the sample to compare.
const LEAST_SCALE: f64 = 0.15;

impl CommonView {
    /// `None` where one of the beams sees the sample plane edge on, or nearly so.
    pub fn new(geometry: &Geometry, pose: Pose, scan_rotation: ScanRotation) -> Option<CommonView> {
        let setup = Setup {
            geometry,
            pose,
            scan_rotation,
        };
        for beam in Beam::ALL {
            sample_plane::checked(&setup, beam).ok()?;
        }
        // the stage's way along the sample for the same picture y: the longer, the more foreshortened
        let [e, i] = Beam::ALL.map(|beam| sample_plane::to_stage(geometry, &pose, beam, 1.0));
        let ratio = e.0.hypot(e.1) / i.0.hypot(i.1) * (e.0 * i.0 + e.1 * i.1).signum();
        let scale = if ratio.abs() <= 1.0 {
            [1.0, ratio]
        } else {
            [1.0 / ratio.abs(), ratio.signum()]
        };
        let deep_enough = scale.iter().all(|s| s.abs() >= LEAST_SCALE);
        deep_enough.then_some(CommonView { scale, scan_rotation })
    }

    fn scale_of(self, beam: Beam) -> f64 {
        match beam {
            Beam::Electron => self.scale[0],
            Beam::Ion => self.scale[1],
        }
    }

    /// A point of the common frame (m, x right, y up) in the beam's picture.
    pub fn to_picture(self, beam: Beam, point: Point) -> Point {
        scan::to_picture(
            Point {
                x: point.x,
                y: point.y * self.scale_of(beam),
            },
            self.scan_rotation.of(beam),
        )
    }

    /// The beam's picture as the common frame shows it: same size, same pixels. Where the picture ends, its mean.
    pub fn resample(self, beam: Beam, picture: &Array2<f32>) -> Array2<f32> {
        upright(picture, self.scan_rotation.of(beam), self.scale_of(beam))
    }
}

/// A picture turned back by its scan rotation, whose own y is `scale` x that of the result; same size, same pixels. Where the
/// picture ends, its mean.
pub fn upright(picture: &Array2<f32>, rotation: f64, scale: f64) -> Array2<f32> {
    let (h, w) = picture.dim();
    let mean = picture.mean().unwrap_or(0.0);
    let centre = (0.5 * (h as f64 - 1.0), 0.5 * (w as f64 - 1.0));
    Array2::from_shape_fn((h, w), |(row, col)| {
        let at = Point {
            x: col as f64 - centre.1,
            y: (centre.0 - row as f64) * scale,
        };
        let at = scan::to_picture(at, rotation);
        linear(picture, centre.0 - at.y, centre.1 + at.x).unwrap_or(mean)
    })
}

/// Value between pixels; `None` outside.
fn linear(picture: &Array2<f32>, row: f64, col: f64) -> Option<f32> {
    const EDGE: f64 = 1e-6;
    let (h, w) = (picture.nrows() as f64 - 1.0, picture.ncols() as f64 - 1.0);
    if !(-EDGE..=h + EDGE).contains(&row) || !(-EDGE..=w + EDGE).contains(&col) {
        return None;
    }
    let (row, col) = (row.clamp(0.0, h), col.clamp(0.0, w));
    let (y, x) = (row.floor().min((h - 1.0).max(0.0)), col.floor().min((w - 1.0).max(0.0)));
    let (ty, tx) = ((row - y) as f32, (col - x) as f32);
    let (y, x) = (y as usize, x as usize);
    let (y1, x1) = ((y + 1).min(picture.nrows() - 1), (x + 1).min(picture.ncols() - 1));
    let along = |y: usize| picture[[y, x]] * (1.0 - tx) + picture[[y, x1]] * tx;
    Some(along(y) * (1.0 - ty) + along(y1) * ty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn view(t_deg: f64, r_deg: f64, rotation: ScanRotation) -> Option<CommonView> {
        let pose = Pose {
            t: t_deg.to_radians(),
            r: r_deg.to_radians(),
            ..Pose::default()
        };
        CommonView::new(&Geometry::default(), pose, rotation)
    }

    #[test]
    fn the_flatter_view_keeps_its_scale() {
        let sem = view(35.0, 0.0, ScanRotation::default()).unwrap();
        assert!((sem.scale[0] - 1.0).abs() < 1e-12 && (sem.scale[1] - 52f64.to_radians().cos()).abs() < 1e-12);
        let fib = view(17.0, 180.0, ScanRotation::default()).unwrap();
        assert!((fib.scale[1].abs() - 1.0).abs() < 1e-12 && (fib.scale[0] - 52f64.to_radians().cos()).abs() < 1e-9);
        assert_eq!(
            view(-3.0, 0.0, ScanRotation::default()),
            None,
            "the ion beam runs along the sample"
        );
    }

    #[test]
    fn a_turned_picture_is_turned_back() {
        let picture = Array2::from_shape_fn((40, 60), |(y, x)| (y * 60 + x) as f32);
        let turned = view(35.0, 0.0, ScanRotation { electron: PI, ion: 0.0 }).unwrap();
        let back = turned.resample(Beam::Electron, &picture);
        assert!((back[[0, 0]] - picture[[39, 59]]).abs() < 1e-2);
        assert!((back[[20, 10]] - picture[[19, 49]]).abs() < 1e-2);
        // the ion picture is stretched about its middle row
        let ion = turned.resample(Beam::Ion, &picture);
        let cos = 52f64.to_radians().cos();
        let expected = (19.5 + (30.0 - 19.5) * cos) * 60.0 + 10.0;
        assert!((f64::from(ion[[30, 10]]) - expected).abs() < 0.1);
    }
}
