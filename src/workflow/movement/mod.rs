//! Moves of the stage.
//!
//! `axes`: by raw coordinates, safe moves, orientations and milling angle. `picture`: by what is seen in a picture. `jog`: one
//! step. The mathematics is `model::kinematics`; here targets are checked, sent as acts and the focus is kept. To add a
//! move: a function beside its kind that ends in [`go`].

mod axes;
mod jog;
mod picture;

pub use axes::{
    MilledAt, MillingAngle, Orient, SafeMove, absolute, flat_to, milling_angle, orientation, relative, safe_move,
};
pub use jog::{Jog, jog};
pub use picture::{
    Projected, ProjectedMove, StableMove, VerticalMove, center_on, coincident_from_sem, project_stable_move,
    stable_move, vertical_move,
};

use crate::cx::Share;
use crate::{JobCx, JobError};
use hal::Act;
use model::kinematics::{Orientation, ScanRotation, Setup};
use model::{Axis, Beam, ErrorKind, Geometry, Key, Pose, StageKind, StagePosition, Value};
use serde::Serialize;

/// Where a move ended (m, rad) and what orientation of the sample that is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moved {
    #[serde(flatten)]
    pub pose: Pose,
    /// SEM, FIB, MILLING, FM, or null.
    pub orientation: Option<Orientation>,
}

/// What a movement is computed from, read just now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub geometry: Geometry,
    pub pose: Pose,
    pub scan_rotation: ScanRotation,
}

impl Now {
    pub async fn read(cx: &JobCx) -> Result<Now, JobError> {
        let scan_rotation = ScanRotation {
            electron: scan_rotation(cx, Beam::Electron).await?,
            ion: scan_rotation(cx, Beam::Ion).await?,
        };
        Ok(Now {
            geometry: cx.geometry(),
            pose: cx.pose().await?,
            scan_rotation,
        })
    }

    pub fn setup(&self) -> Setup<'_> {
        Setup {
            geometry: &self.geometry,
            pose: self.pose,
            scan_rotation: self.scan_rotation,
        }
    }
}

/// Scan rotation of a beam (rad); 0 where the instrument has none.
async fn scan_rotation(cx: &JobCx, beam: Beam) -> Result<f64, JobError> {
    let readable = cx
        .scope()
        .capabilities()
        .beam(beam)
        .is_some_and(|b| b.readable.contains(&Key::ScanRotation));
    if !readable {
        return Ok(0.0);
    }
    Ok(cx
        .scope()
        .get(Key::ScanRotation, Some(beam))
        .await?
        .as_f64()
        .unwrap_or(0.0))
}

/// What becomes of the focus after a move.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Focus {
    /// The electron working distance becomes the eucentric height instead of staying what it was.
    electron_eucentric: bool,
    /// The ion working distance becomes the eucentric height: the move was so high that the old one means nothing.
    ion_eucentric: bool,
    /// A compustage keeps its focus by itself, but openFIBSEM's vertical move restores it there too.
    vertical: bool,
}

/// Moves to each target in turn, then sees to the focus. Targets are checked before the first act: finite, inside the limits,
/// no axis the stage lacks.
async fn go(cx: &JobCx, targets: &[StagePosition], focus: Focus) -> Result<Moved, JobError> {
    let stage = cx.scope().capabilities().stage.as_ref();
    for target in targets {
        target.check_finite()?;
        if let Some(axis) = target.extra.keys().next() {
            let what = format!("this stage has no {} axis; nothing moved", model::text::printable(axis));
            return Err(JobError::new(ErrorKind::Unsupported, what, "leave that axis out"));
        }
        if let Some(Err(limit)) = stage.map(|s| s.limits.check(target)) {
            return Err(JobError::new(
                ErrorKind::OutOfRange,
                limit.to_string(),
                "ask for a target inside the limits (the Movement tab shows them)",
            ));
        }
    }
    let before = electron_focus(cx, focus).await?;
    let shares = shares(cx.pose().await?, targets);
    let end = targets
        .last()
        .map(|target| Act::StageTo { target: target.clone() }.describe());
    let mut moved = Ok(());
    for (i, (target, share)) in targets.iter().zip(shares).enumerate() {
        let act = Act::StageTo { target: target.clone() };
        // the end is what an operator waits for, whatever the way there
        let text = match &end {
            Some(end) if targets.len() > 1 => format!("{end}, move {} of {}", i + 1, targets.len()),
            _ => act.describe(),
        };
        moved = cx.act_of(act, share, text).await.map(|_| ());
        if moved.is_err() {
            break;
        }
    }
    // also after a move that ended early: the stage is elsewhere then, too
    let focused = refocus(&cx.afterwards(), before, focus).await;
    moved?;
    focused?;
    let pose = cx.pose().await?;
    Ok(Moved {
        pose,
        orientation: Orientation::of(&cx.geometry(), &pose),
    })
}

/// Usual speeds of a stage: m/s, rad/s of rotation and of tilt; and what a move takes besides (s). They share out the progress of
/// several moves; how long each really takes the instrument says.
const SPEEDS: [f64; 3] = [1e-3, 0.17, 0.044];
const OVERHEAD: f64 = 0.5;

/// Which part of the whole time each of the moves is, by the way it goes.
fn shares(start: Pose, targets: &[StagePosition]) -> Vec<Share> {
    let mut at = start;
    let times: Vec<f64> = targets
        .iter()
        .map(|target| {
            let to = target.resolve(at);
            let time = |axis: Axis| {
                let speed = match axis {
                    Axis::X | Axis::Y | Axis::Z => SPEEDS[0],
                    Axis::R => SPEEDS[1],
                    Axis::T => SPEEDS[2],
                };
                (to.get(axis) - at.get(axis)).abs() / speed
            };
            let longest = Axis::ALL.into_iter().map(time).fold(0.0, f64::max);
            at = to;
            OVERHEAD + longest
        })
        .collect();
    let total: f64 = times.iter().sum();
    let mut done = 0.0;
    times
        .iter()
        .map(|time| {
            let from = done / total;
            done += time;
            Share { from, to: done / total }
        })
        .collect()
}

/// The electron working distance before a move, where this instrument wants it put back afterwards.
async fn electron_focus(cx: &JobCx, focus: Focus) -> Result<Option<f64>, JobError> {
    let kept = match cx.geometry().stage {
        StageKind::Tilting => true,
        StageKind::Compustage => focus.vertical,
        StageKind::ChamberFixed => false,
    };
    if !kept || !settable(cx, Beam::Electron) {
        return Ok(None);
    }
    Ok(cx
        .scope()
        .get(Key::WorkingDistance, Some(Beam::Electron))
        .await?
        .as_f64())
}

async fn refocus(cx: &JobCx, before: Option<f64>, focus: Focus) -> Result<(), JobError> {
    if let Some(before) = before {
        let wanted = if focus.electron_eucentric {
            eucentric_height(cx, Beam::Electron).await?
        } else {
            before
        };
        set_focus(cx, Beam::Electron, wanted).await?;
    }
    if focus.ion_eucentric && settable(cx, Beam::Ion) {
        set_focus(cx, Beam::Ion, eucentric_height(cx, Beam::Ion).await?).await?;
    }
    Ok(())
}

async fn set_focus(cx: &JobCx, beam: Beam, wanted: f64) -> Result<(), JobError> {
    let now = cx.scope().get(Key::WorkingDistance, Some(beam)).await?;
    if now != Value::Number(wanted) {
        cx.set(beam, Key::WorkingDistance, Value::Number(wanted)).await?;
    }
    Ok(())
}

fn settable(cx: &JobCx, beam: Beam) -> bool {
    cx.scope()
        .capabilities()
        .beam(beam)
        .is_some_and(|b| b.writable.contains(&Key::WorkingDistance))
}

/// The working distance (m) at which a beam is in focus at the coincidence point: the instrument's word, else the configuration's.
pub(crate) async fn eucentric_height(cx: &JobCx, beam: Beam) -> Result<f64, JobError> {
    let readable = cx
        .scope()
        .capabilities()
        .beam(beam)
        .is_some_and(|b| b.readable.contains(&Key::EucentricHeight));
    let told = if readable {
        cx.scope().get(Key::EucentricHeight, Some(beam)).await?.as_f64()
    } else {
        None
    };
    Ok(told.unwrap_or(cx.instrument.beam(beam).eucentric_height))
}
