//! Moves by what a picture shows: stable (along the sample), vertical (to the coincidence height), both from the SEM picture.
//!
//! Offsets are metres in the picture, x right, y up, of the feature to be centred. Scan rotation is read afresh and turned by
//! exactly, which at 0 and pi is what openFIBSEM does. Source: openFIBSEM `stable_move`, `project_stable_move`,
//! `vertical_move`, `move_coincident_from_sem`.

use super::{Focus, Moved, Now, go};
use crate::Job;
use crate::JobCx;
use model::kinematics::{Displacement, ScanRotation, Setup, coincident, scan, stable, vertical};
use model::{Beam, Point, Pose, StagePosition};
use serde::{Deserialize, Serialize};

/// Parameters of [`stable_move`] and [`center_on`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StableMove {
    pub dx: f64,
    pub dy: f64,
    pub beam: Beam,
    /// Set the electron working distance to the eucentric height instead of keeping it.
    #[serde(default)]
    pub static_wd: bool,
}

/// Centres what is at (dx, dy) in the beam's picture by moving along the sample plane.
pub fn stable_move(cx: JobCx, params: StableMove) -> Job<Moved> {
    Box::pin(async move {
        let now = Now::read(&cx).await?;
        let step = stable::checked(&now.setup(), params.beam, params.dx, params.dy)?;
        let focus = Focus {
            electron_eucentric: params.static_wd,
            ..Focus::default()
        };
        go(&cx, &[target(now.pose, step)], focus).await
    })
}

/// Centres the point (x, y) of the beam's picture (m): a stable move.
pub fn center_on(cx: JobCx, beam: Beam, point: Point) -> Job<Moved> {
    Box::pin(async move {
        stable_move(
            cx,
            StableMove {
                dx: point.x,
                dy: point.y,
                beam,
                static_wd: false,
            },
        )
        .await
    })
}

/// Only the axes that a relative move touches.
fn target(pose: Pose, step: Displacement) -> StagePosition {
    let to = step.from(pose);
    StagePosition {
        x: Some(to.x),
        y: Some(to.y),
        z: Some(to.z),
        ..StagePosition::default()
    }
}

/// Parameters of [`project_stable_move`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectedMove {
    pub dx: f64,
    pub dy: f64,
    pub beam: Beam,
    /// Where the move would start; where the stage is unless given. Tilt, rotation and scan rotation are always the live ones.
    #[serde(default)]
    pub base: Option<StagePosition>,
}

/// Where a stable move would lead.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Projected {
    #[serde(flatten)]
    pub position: StagePosition,
}

/// Where [`stable_move`] would lead; nothing moves.
pub fn project_stable_move(cx: JobCx, params: ProjectedMove) -> Job<Projected> {
    Box::pin(async move {
        let now = Now::read(&cx).await?;
        let base = params.base.unwrap_or_else(|| now.pose.into());
        base.check_finite()?;
        let step = stable::checked(&now.setup(), params.beam, params.dx, params.dy)?;
        let position = base.plus(&step.to_position())?;
        Ok(Projected {
            position: StagePosition {
                name: base.name,
                ..position
            },
        })
    })
}

/// Parameters of [`vertical_move`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VerticalMove {
    pub dy: f64,
    #[serde(default)]
    pub dx: f64,
    /// Truly vertical in the chamber. Otherwise openFIBSEM's move, which falls short by 10 % and drifts sideways when tilted.
    #[serde(default)]
    pub exact: bool,
}

/// Brings what is at (dx, dy) in the ion picture to the coincidence height; the SEM picture keeps its feature.
pub fn vertical_move(cx: JobCx, params: VerticalMove) -> Job<Moved> {
    Box::pin(async move {
        let now = Now::read(&cx).await?;
        let setup = now.setup();
        let exact = vertical::checked(&setup, params.dx, params.dy)?;
        let step = if params.exact {
            exact
        } else {
            let (setup, offset) = unturned(&setup, Beam::Ion, params.dx, params.dy);
            vertical::displacement(&setup, offset.x, offset.y)
        };
        let focus = Focus {
            vertical: true,
            ion_eucentric: vertical::resets_ion_focus(&setup, &step),
            ..Focus::default()
        };
        go(&cx, &[target(now.pose, step)], focus).await
    })
}

/// Centres what is at (dx, dy) in the electron picture and keeps it coincident: a slide and a correction of the height. For
/// small moves.
pub fn coincident_from_sem(cx: JobCx, offset: Point) -> Job<Moved> {
    Box::pin(async move {
        let now = Now::read(&cx).await?;
        let setup = now.setup();
        stable::checked(&setup, Beam::Electron, offset.x, offset.y)?;
        let (setup, offset) = unturned(&setup, Beam::Electron, offset.x, offset.y);
        let correction = coincident::from_sem(&setup, offset.x, offset.y);
        let slid = target(now.pose, correction.slide);
        let risen = correction.rise.map(|_| target(now.pose, correction.total()));
        let moves: Vec<StagePosition> = std::iter::once(slid).chain(risen).collect();
        go(
            &cx,
            &moves,
            Focus {
                vertical: true,
                ..Focus::default()
            },
        )
        .await
    })
}

/// The offset turned to the axes an unrotated picture would have, and the setup of such pictures: what openFIBSEM's own
/// formulas, which know only 0 and pi, can be asked for any scan rotation.
fn unturned<'a>(setup: &Setup<'a>, beam: Beam, dx: f64, dy: f64) -> (Setup<'a>, Point) {
    let offset = scan::to_axes(Point { x: dx, y: dy }, setup.scan_rotation.of(beam));
    (
        Setup {
            scan_rotation: ScanRotation::default(),
            ..*setup
        },
        offset,
    )
}
