//! Stage positions in a picture that has been taken, and the stage position under a point of it.
//!
//! Source: openFIBSEM `BeamStageProjection`, `reproject_stage_positions_onto_image2` and the older
//! `reproject_stage_positions_onto_image`. The geometry, pose and scan rotation are the picture's, not the live stage's.

use super::{angles, pixels, sample_plane, scan, x_sign};
use crate::frame::Metadata;
use crate::{Beam, Geometry, Point, Pose};
use std::f64::consts::PI;

/// How a picture was taken.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub geometry: &'a Geometry,
    pub beam: Beam,
    /// The stage when it was taken.
    pub pose: Pose,
    /// Of `beam` (rad); only pi counts.
    pub scan_rotation: f64,
    pub half_turn: HalfTurn,
}

/// How a position carries over to a picture taken at the opposite stage rotation: mirrored about `centre`, then shifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HalfTurn {
    /// Raw stage position of the rotation centre (m).
    pub centre: Point,
    /// What the instrument misses by when it turns (m).
    pub shift: Point,
}

impl Default for HalfTurn {
    /// The calibration of one instrument, which openFIBSEM applies to all.
    fn default() -> Self {
        HalfTurn {
            centre: Point {
                x: -0.000_512_740_388_893_285_4,
                y: 0.000_793_791_666_666_666_6,
            },
            shift: Point { x: 50e-6, y: 25e-6 },
        }
    }
}

impl HalfTurn {
    /// A rotation centre without error: what a geometrically perfect stage has.
    pub const fn about(centre: Point) -> HalfTurn {
        HalfTurn {
            centre,
            shift: Point { x: 0.0, y: 0.0 },
        }
    }

    /// Where a point centred at `position` is centred after half a turn; z, r and t are left as they are.
    pub fn apply(&self, position: Pose) -> Pose {
        Pose {
            x: -(position.x - self.centre.x) + self.shift.x + self.centre.x,
            y: -(position.y - self.centre.y) + self.shift.y + self.centre.y,
            ..position
        }
    }
}

/// Length of the probe by which [`View::foreshortening`] measures; any would do, the projection is linear.
const PROBE: f64 = 1e-3;

impl<'a> View<'a> {
    /// A picture that is not turned, with the default half turn.
    pub fn new(geometry: &'a Geometry, beam: Beam, pose: Pose) -> View<'a> {
        View {
            geometry,
            beam,
            pose,
            scan_rotation: 0.0,
            half_turn: HalfTurn::default(),
        }
    }

    /// How a picture says it was taken; angles that its stage has not are 0. `None` where it does not say where the stage was.
    pub fn of(geometry: &'a Geometry, metadata: &Metadata) -> Option<View<'a>> {
        let nowhere = Pose {
            x: f64::NAN,
            y: f64::NAN,
            z: f64::NAN,
            r: 0.0,
            t: 0.0,
        };
        let pose = metadata.microscope_state.stage_position.resolve(nowhere);
        let beam = metadata.image.beam_type;
        let column = metadata.microscope_state.beam(beam);
        pose.is_finite().then(|| View {
            scan_rotation: column.map_or(0.0, |column| column.scan_rotation),
            ..View::new(geometry, beam, pose)
        })
    }

    /// `position` as seen from the picture's rotation.
    fn carried_over(&self, position: Pose) -> Pose {
        let apart = (self.pose.r - position.r).to_degrees().abs();
        if angles::is_close(apart, 180.0, 2.0) {
            self.half_turn.apply(position)
        } else {
            position
        }
    }

    /// Where a stage position is in the picture's plane: metres from the centre, x right, **y down**.
    pub fn to_plane(&self, position: Pose) -> Point {
        let position = self.carried_over(position);
        let dx = x_sign(self.geometry) * (position.x - self.pose.x);
        let (dy, dz) = (position.y - self.pose.y, position.z - self.pose.z);
        let up = sample_plane::to_picture(self.geometry, &self.pose, self.beam, dy, dz);
        let (x, y) = scan::compatible(dx, -up, self.scan_rotation);
        Point { x, y }
    }

    /// The stage position, on the sample plane through the picture's own, that centres a point of the plane (metres from the
    /// centre, x right, **y down**). The inverse of [`Self::to_plane`] at the picture's own rotation.
    pub fn from_plane(&self, point: Point) -> Pose {
        let (dx, down) = scan::compatible(point.x, point.y, self.scan_rotation);
        let (y, z) = sample_plane::to_stage(self.geometry, &self.pose, self.beam, -down);
        Pose {
            x: self.pose.x + x_sign(self.geometry) * dx,
            y: self.pose.y + y,
            z: self.pose.z + z,
            ..self.pose
        }
    }

    /// Pixel (x right, y down, origin top left) of a stage position in a picture of `size` (w, h) and `pixel_size` (m).
    pub fn to_pixel(&self, position: Pose, size: (u32, u32), pixel_size: f64) -> Point {
        let Point { x, y } = self.to_plane(position);
        pixels::from_metres(Point { x, y: -y }, size, pixel_size, true)
    }

    /// As [`Self::to_pixel`] by openFIBSEM's first formula, which takes the picture to be flat to the beam. For old overviews.
    pub fn to_pixel_legacy(&self, position: Pose, size: (u32, u32), pixel_size: f64) -> Point {
        let position = self.carried_over(position);
        let (dx, dy, dz) = (
            position.x - self.pose.x,
            position.y - self.pose.y,
            position.z - self.pose.z,
        );
        let length = (dy * dy + dz * dz).sqrt();
        let (x, mut down) = scan::compatible(dx, if dy < 0.0 { length } else { -length }, self.scan_rotation);
        if angles::is_close(self.pose.t, -PI, 5f64.to_radians()) {
            down = -down;
        }
        pixels::from_metres(Point { x, y: -down }, size, pixel_size, true)
    }

    /// How much of a length along the sample surface shows in the picture's y: 1 looking straight down, cos of the view's
    /// angle otherwise.
    pub fn foreshortening(&self) -> f64 {
        let moved = self.from_plane(Point { x: 0.0, y: PROBE });
        let travel = (moved.y - self.pose.y).hypot(moved.z - self.pose.z);
        if travel == 0.0 { 1.0 } else { PROBE / travel }
    }
}
