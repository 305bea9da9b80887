//! From a pixel of a picture to a move of the stage as it is now.
//!
//! A picture shows where things were when it was taken. If the stage has moved along its axes since, what was under the pixel
//! has moved with it, and where it would show now follows from the geometry; a beam shift set since moves what is shown by just
//! that much. After a tilt or a turn it does not, since the
//! height of the point is not known: then the click is refused.

use super::Shot;
use crate::cx::Cx;
use engine::event::FrameInfo;
use model::kinematics::{Displacement, ScanRotation, camera, scan};
use model::{PatterningPhase, Point, Pose};
use picture::Position;

/// Rotation and tilt closer than this (rad) are the same: 0.03 deg, more than any stage's read-out trembles.
const SAME_ANGLE: f64 = 5e-4;
/// Positions closer than this (m) are the same.
const SAME_PLACE: f64 = 1e-9;
/// A picture off by less than this (m) still shows where things are.
const NEAR: f64 = 100e-9;

/// Where a point of a picture is now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    /// Picture offset (m, x right, y up) that a move centres.
    pub offset: Point,
    /// How far (m) the stage has moved since the picture, where it has.
    pub carried: Option<f64>,
}

/// Why a point of a picture cannot be moved to. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub why: String,
    pub hint: &'static str,
}

fn refuse(why: &str, hint: &'static str) -> Refused {
    Refused {
        why: format!("{why}; nothing moves"),
        hint,
    }
}

const RETAKE: &str = "take a new picture and aim there";

/// Where the stage was when the picture was taken, in all axes.
pub fn pose(frame: &FrameInfo) -> Option<Pose> {
    frame
        .stage
        .as_ref()
        .and_then(|stage| Pose::try_from(stage).ok())
        .filter(Pose::is_finite)
}

/// The stage still stands where it stood in this picture; `None` where that cannot be said.
pub fn is_current(frame: &FrameInfo, cx: &Cx) -> Option<bool> {
    let (then, now) = (pose(frame)?, cx.snapshot.stage.as_ref()?.value.state.pose);
    let shift = shift_since(frame, cx);
    let place = then.distance(&now) < NEAR && shift.x.hypot(shift.y) < NEAR;
    Some(place && same_angle(then.r, now.r) && same_angle(then.t, now.t))
}

/// When the sample was last read to be milled, deposited or sputtered on, if it is now.
pub fn worked(cx: &Cx) -> Option<f64> {
    let patterns = cx.snapshot.patterning.as_ref();
    let drawn = patterns.filter(|read| read.value.phase == PatterningPhase::Running);
    let gas = cx.snapshot.gas.as_ref();
    let coated = gas.filter(|read| read.value.sputtering.is_some() || read.value.ports.iter().any(|port| port.open));
    [drawn.map(|read| read.time), coated.map(|read| read.time)]
        .into_iter()
        .flatten()
        .reduce(f64::max)
}

/// How far a beam shift set since then moves what is shown, m right and up.
fn shift_since(frame: &FrameInfo, cx: &Cx) -> Point {
    let now = frame.beam.and_then(|beam| cx.snapshot.beam(beam));
    less(now.map_or(frame.shift, |b| b.value.settings.shift), frame.shift)
}

fn less(a: Point, b: Point) -> Point {
    Point {
        x: a.x - b.x,
        y: a.y - b.y,
    }
}

fn plus(a: Point, b: Point) -> Point {
    Point {
        x: a.x + b.x,
        y: a.y + b.y,
    }
}

fn same_angle(a: f64, b: f64) -> bool {
    let full = std::f64::consts::TAU;
    let apart = (a - b).rem_euclid(full);
    apart.min(full - apart) < SAME_ANGLE
}

/// The picture offset that centres now what `frame` shows at the pixel `at`.
pub fn aim(frame: &FrameInfo, at: Position, cx: &Cx) -> Result<Aim, Refused> {
    let beam = frame.beam.ok_or_else(|| {
        refuse(
            "a chamber picture has no scale to aim by",
            "aim in the SEM or FIB picture",
        )
    })?;
    let shot = Shot::of(frame).ok_or_else(|| refuse("this picture does not say its pixel size", RETAKE))?;
    let then = pose(frame).ok_or_else(|| refuse("this picture does not say where the stage was", RETAKE))?;
    let connection = cx
        .snapshot
        .connection
        .as_ref()
        .ok_or_else(|| refuse("not connected", "connect first"))?;
    let stage = cx
        .snapshot
        .stage
        .as_ref()
        .ok_or_else(|| refuse("the stage has not been read", "wait a moment"))?;
    if stage.value.state.moving {
        return Err(refuse("the stage is moving", "wait until it stands"));
    }
    let now = stage.value.state.pose;
    if !same_angle(then.r, now.r) || !same_angle(then.t, now.t) {
        return Err(refuse("the stage was tilted or turned since this picture", RETAKE));
    }
    let scan_now = cx
        .snapshot
        .beam(beam)
        .map_or(frame.scan_rotation, |b| b.value.settings.scan_rotation);
    let way = then.distance(&now);
    let moved = Displacement {
        x: now.x - then.x,
        y: now.y - then.y,
        z: now.z - then.z,
    };
    let geometry = &connection.geometry;
    let gone = camera::centred_by(geometry, &then, beam, ScanRotation::default(), &moved);
    // the shift is one of the picture as it is shown: it comes off before the scan is turned back, and goes on again after
    let old = scan::to_axes(less(shot.to_metres(at), frame.shift), frame.scan_rotation);
    let seen = scan::to_picture(less(old, gone), scan_now);
    let offset = plus(seen, plus(frame.shift, shift_since(frame, cx)));
    if !(offset.x.is_finite() && offset.y.is_finite()) {
        return Err(refuse("the way from there to here cannot be computed", RETAKE));
    }
    Ok(Aim {
        offset,
        carried: (way >= SAME_PLACE).then_some(way),
    })
}
