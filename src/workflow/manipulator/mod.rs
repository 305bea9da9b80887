//! The needle: in, out, to a place, and in the directions of a picture.
//!
//! +x is right in both pictures. In the electron picture +dy is up; by the ion beam +dy lifts the needle away from the sample, which an
//! ion picture that is not turned shows as down, for it looks from the side. Raw +z is away from the sample.
//!
//! `calibrate`, `tip` and `exchange` are guided procedures, made of the steps in `guided`. To add one: a file here.

mod calibrate;
mod exchange;
mod guided;
mod tip;

pub use calibrate::{Calibrated, calibrate};
pub use exchange::{Exchanged, exchange};
pub use tip::{Prepare, Reset, Sharpen, Tip, prepare, reset, sharpen};

use crate::Job;
use crate::{JobCx, JobError};
use hal::{Act, Outcome};
use model::kinematics::Displacement;
use model::kinematics::manipulator::NeedleView;
use model::manipulator::with_offset;
use model::{Beam, ErrorKind, ManipulatorPosition, ManipulatorState, Point};
use serde::{Deserialize, Serialize};

/// Parameters of [`insert`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Insert {
    /// A position that the instrument remembers.
    pub name: String,
}

impl Default for Insert {
    fn default() -> Self {
        Insert {
            name: "PARK".to_owned(),
        }
    }
}

/// Inserts the needle to a remembered position.
pub fn insert(cx: JobCx, params: Insert) -> Job<ManipulatorState> {
    Box::pin(async move { needle(cx.act(Act::NeedleInsert { name: params.name }).await?) })
}

/// Takes the needle out.
pub fn retract(cx: JobCx) -> Job<ManipulatorState> {
    Box::pin(async move { needle(cx.act(Act::NeedleRetract).await?) })
}

fn needle(outcome: Outcome) -> Result<ManipulatorState, JobError> {
    match outcome {
        Outcome::Needle(state) => Ok(state),
        _ => Err(JobError::new(
            ErrorKind::Protocol,
            "the instrument did not say where the needle is",
            "look at both pictures before you go on",
        )),
    }
}

/// A place or a way, m; what is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Axes {
    pub x: Option<f64>,
    pub y: Option<f64>,
    pub z: Option<f64>,
    /// A person has looked: it may come nearer to the sample than small steps do.
    pub confirmed: bool,
}

/// Moves the needle by a way along its own axes.
pub fn move_relative(cx: JobCx, by: Axes) -> Job<ManipulatorState> {
    Box::pin(async move {
        let way = [by.x, by.y, by.z].map(|v| v.unwrap_or(0.0));
        nudge(
            &cx,
            Displacement {
                x: way[0],
                y: way[1],
                z: way[2],
            },
            by.confirmed,
        )
        .await
    })
}

/// Moves the needle to a place along its own axes.
pub fn move_absolute(cx: JobCx, to: Axes) -> Job<ManipulatorState> {
    Box::pin(async move {
        let from = cx.scope().manipulator().await?.value.position;
        let target = ManipulatorPosition {
            x: to.x.unwrap_or(from.x),
            y: to.y.unwrap_or(from.y),
            z: to.z.unwrap_or(from.z),
            ..from
        };
        go_to(&cx, target, to.confirmed).await
    })
}

async fn nudge(cx: &JobCx, by: Displacement, confirmed: bool) -> Result<ManipulatorState, JobError> {
    let from = cx.scope().manipulator().await?.value.position;
    go_to(cx, from.moved(by), confirmed).await
}

async fn go_to(cx: &JobCx, target: ManipulatorPosition, confirmed: bool) -> Result<ManipulatorState, JobError> {
    needle(cx.act(Act::NeedleTo { target, confirmed }).await?)
}

/// Parameters of [`move_corrected`]: m in the picture of `beam`, +x right; +y up (electron), away from the sample (ion), as they are
/// in a picture that is not turned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Corrected {
    pub dx: f64,
    pub dy: f64,
    pub beam: Beam,
    /// As in [`Axes`].
    pub confirmed: bool,
}

impl Default for Corrected {
    fn default() -> Self {
        Corrected {
            dx: 0.0,
            dy: 0.0,
            beam: Beam::Electron,
            confirmed: false,
        }
    }
}

/// Moves the needle by a way in a picture: openFIBSEM's corrected move, which shows the same however the scan is turned. Where the
/// instrument's needle does not follow the tilted stage it is a plain x, y move, which means something only once it is calibrated.
pub fn move_corrected(cx: JobCx, params: Corrected) -> Job<ManipulatorState> {
    Box::pin(async move {
        let by = Point {
            x: params.dx,
            y: params.dy,
        };
        let way = view(&cx, params.beam).await?.corrected(by);
        nudge(&cx, way.ok_or_else(|| blind(params.beam))?, params.confirmed).await
    })
}

/// How the picture of `beam` shows the needle now; refused while its moves mean nothing there.
async fn view(cx: &JobCx, beam: Beam) -> Result<NeedleView, JobError> {
    let caps = cx.scope().capabilities().manipulator.clone().unwrap_or_default();
    if caps.needs_calibration && !cx.scope().manipulator().await?.value.calibrated {
        return Err(JobError::new(
            ErrorKind::Interlock,
            "the needle is not calibrated, so a move in the picture has no meaning; nothing moved",
            "calibrate it first (manipulator.calibrate), or move along its own axes (manipulator.move-relative)",
        ));
    }
    Ok(NeedleView {
        beam,
        stage_tilt: cx.pose().await?.t,
        column_tilt: cx.geometry().column_tilt(beam),
        scan_rotation: cx.scope().beam(beam).await?.value.settings.scan_rotation,
        stage_frame: caps.stage_frame,
    })
}

fn blind(beam: Beam) -> JobError {
    JobError::new(
        ErrorKind::OutOfRange,
        format!("the {beam} beam does not see that way of the needle; nothing moved"),
        "move it by the other beam's picture, or along its own axes (manipulator.move-relative)",
    )
}

/// Parameters of [`go`]: a remembered or saved position, and an offset (m) from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Go {
    pub name: String,
    pub dx: f64,
    pub dy: f64,
    pub dz: f64,
    /// The place of a position that the console itself saved.
    pub place: Option<ManipulatorPosition>,
    /// As in [`Axes`].
    pub confirmed: bool,
}

/// Moves the needle to a position by name, with an offset whose z follows the normal of the tilted sample.
pub fn go(cx: JobCx, params: Go) -> Job<ManipulatorState> {
    Box::pin(async move {
        let saved = match params.place {
            Some(place) => place,
            None => cx.scope().saved_needle(&params.name).await?,
        };
        let offset = (params.dx, params.dy, params.dz);
        let follows = cx
            .scope()
            .capabilities()
            .manipulator
            .as_ref()
            .is_some_and(|m| m.stage_frame);
        let target = if follows {
            with_offset(&saved, offset, cx.pose().await?.t)
        } else {
            saved.moved(offset)
        };
        go_to(&cx, target, params.confirmed).await
    })
}
