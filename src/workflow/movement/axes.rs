//! Moves by coordinates: absolute, relative, safe; named orientations and the milling angle.
//!
//! Source: openFIBSEM `move_stage_absolute`, `move_stage_relative`, `safe_absolute_stage_movement`, `move_flat_to_beam`,
//! `move_to_orientation`, `move_to_milling_angle`.

use super::{Focus, Moved, go};
use crate::Job;
use crate::{JobCx, JobError};
use model::kinematics::{Orientation, milling_angle as milling, safe};
use model::{Axis, Beam, ErrorKind, StagePosition};
use serde::{Deserialize, Serialize};

/// Straight to `target`; axes that are null stay. A large turn while tilted is refused: that is what [`safe_move`] is for.
pub fn absolute(cx: JobCx, target: StagePosition) -> Job<Moved> {
    Box::pin(async move {
        some_axis(&target)?;
        go(&cx, &[target], Focus::default()).await
    })
}

/// By `delta` from where the stage is now; it leaves as an absolute target, so that a lost reply cannot double it.
pub fn relative(cx: JobCx, delta: StagePosition) -> Job<Moved> {
    Box::pin(async move {
        some_axis(&delta)?;
        delta.check_finite()?;
        let pose = cx.pose().await?;
        let mut target = StagePosition {
            extra: delta.extra.clone(),
            ..StagePosition::default()
        };
        for axis in Axis::ALL {
            target.set(axis, delta.get(axis).map(|step| pose.get(axis) + step));
        }
        go(&cx, &[target], Focus::default()).await
    })
}

fn some_axis(position: &StagePosition) -> Result<(), JobError> {
    if Axis::ALL.into_iter().any(|axis| position.get(axis).is_some()) || !position.extra.is_empty() {
        return Ok(());
    }
    Err(JobError::new(
        ErrorKind::Usage,
        "no axis was named; nothing moved",
        "name at least one of x, y, z, r, t",
    ))
}

/// Parameters of [`safe_move`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SafeMove {
    /// Axes that are null stay; the tilt comes back to what it was after a turn.
    #[serde(flatten)]
    pub target: StagePosition,
}

/// Tilts flat before a large turn, turns, then goes to the target. Height and obstacles are not looked at.
pub async fn safe_move(cx: JobCx, SafeMove { mut target }: SafeMove) -> Result<Moved, JobError> {
    some_axis(&target)?;
    let pose = cx.pose().await?;
    // r and t alone: a stage that turns compucentrically moves x and y by itself, and those must be left to it
    target.r.get_or_insert(pose.r);
    target.t.get_or_insert(pose.t);
    let mut moves = safe::moves(&cx.geometry(), pose, &target)?;
    moves.retain(|step| {
        *step == target
            || Axis::ALL
                .into_iter()
                .any(|a| step.get(a).is_some_and(|v| v != pose.get(a)))
    });
    go(&cx, &moves, Focus::default()).await
}

/// Turns and tilts the sample flat to `beam`; x, y, z stay.
pub fn flat_to(cx: JobCx, beam: Beam) -> Job<Moved> {
    Box::pin(async move {
        orientation(
            cx,
            Orient {
                name: Orientation::flat_to(beam),
            },
        )
        .await
    })
}

/// Parameters of [`orientation`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Orient {
    pub name: Orientation,
}

/// Turns and tilts the sample to a named orientation by a safe move; x, y, z stay.
pub async fn orientation(cx: JobCx, Orient { name }: Orient) -> Result<Moved, JobError> {
    let target = name.target(&cx.geometry());
    safe_move(cx, SafeMove { target }).await
}

/// Parameters of [`milling_angle`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MillingAngle {
    /// Between the ion beam and the sample plane (rad).
    pub angle: f64,
    /// Stage rotation (rad); the SEM orientation's unless given.
    #[serde(default)]
    pub rotation: Option<f64>,
}

/// What [`milling_angle`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MilledAt {
    #[serde(flatten)]
    pub moved: Moved,
    /// The angle reached (rad).
    pub milling_angle: f64,
    /// It is the one asked for, within openFIBSEM's 2 deg.
    pub reached: bool,
}

/// Tilts so that the ion beam meets the sample at an angle. An angle the stage cannot tilt to is refused before it moves.
pub fn milling_angle(cx: JobCx, params: MillingAngle) -> Job<MilledAt> {
    Box::pin(async move {
        let geometry = cx.geometry();
        let target = milling::target(&geometry, params.angle, params.rotation);
        target.check_finite()?;
        let limits = cx.scope().capabilities().stage.as_ref().map(|s| s.limits);
        if let Some((low, high)) = limits.and_then(|l| l.t)
            && let Some(t) = target.t
            && !(low..=high).contains(&t)
        {
            let reach = [low, high].map(|t| milling::at_tilt(&geometry, t).to_degrees());
            return Err(JobError::new(
                ErrorKind::OutOfRange,
                format!(
                    "a milling angle of {:.1} deg needs a stage tilt of {:.1} deg, which this stage does not reach; nothing moved",
                    params.angle.to_degrees(),
                    t.to_degrees()
                ),
                format!("ask for {:.1} to {:.1} deg", reach[0], reach[1]),
            ));
        }
        let moved = safe_move(cx, SafeMove { target }).await?;
        Ok(MilledAt {
            moved,
            milling_angle: milling::of(&geometry, &moved.pose),
            reached: milling::is_at(&geometry, &moved.pose, params.angle, milling::TOLERANCE),
        })
    })
}
