//! The needle: in, out, to a place, and in the directions of a picture.
//!
//! +x is right in both pictures. In the electron picture +dy is up; by the ion beam +dy lifts the needle away from the sample, which
//! shows as up in the ion picture. Raw +z is away from the sample. To add a guided procedure: a file here.

mod calibrate;

pub use calibrate::{Calibrated, calibrate};

use crate::{JobCx, JobError};
use hal::{Act, Outcome};
use model::manipulator::{corrected, with_offset};
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
pub async fn insert(cx: JobCx, params: Insert) -> Result<ManipulatorState, JobError> {
    needle(cx.act(Act::NeedleInsert { name: params.name }).await?)
}

/// Takes the needle out.
pub async fn retract(cx: JobCx) -> Result<ManipulatorState, JobError> {
    needle(cx.act(Act::NeedleRetract).await?)
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
pub async fn move_relative(cx: JobCx, by: Axes) -> Result<ManipulatorState, JobError> {
    let way = [by.x, by.y, by.z].map(|v| v.unwrap_or(0.0));
    nudge(&cx, (way[0], way[1], way[2]), by.confirmed).await
}

/// Moves the needle to a place along its own axes.
pub async fn move_absolute(cx: JobCx, to: Axes) -> Result<ManipulatorState, JobError> {
    let from = cx.scope().manipulator().await?.value.position;
    let target = ManipulatorPosition {
        x: to.x.unwrap_or(from.x),
        y: to.y.unwrap_or(from.y),
        z: to.z.unwrap_or(from.z),
        ..from
    };
    go_to(&cx, target, to.confirmed).await
}

async fn nudge(cx: &JobCx, by: (f64, f64, f64), confirmed: bool) -> Result<ManipulatorState, JobError> {
    let from = cx.scope().manipulator().await?.value.position;
    go_to(cx, from.moved(by), confirmed).await
}

async fn go_to(cx: &JobCx, target: ManipulatorPosition, confirmed: bool) -> Result<ManipulatorState, JobError> {
    needle(cx.act(Act::NeedleTo { target, confirmed }).await?)
}

/// Parameters of [`move_corrected`]: m in the picture of `beam`, +x right, +y up.
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

/// Moves the needle by a way in a picture (openFIBSEM's corrected move). Where the instrument's needle does not follow the tilted
/// stage it is a plain x, y move, which means something only once the needle is calibrated.
pub async fn move_corrected(cx: JobCx, params: Corrected) -> Result<ManipulatorState, JobError> {
    let by = Point {
        x: params.dx,
        y: params.dy,
    };
    let caps = cx.scope().capabilities().manipulator.clone().unwrap_or_default();
    if !caps.stage_frame {
        if caps.needs_calibration && !cx.scope().manipulator().await?.value.calibrated {
            return Err(JobError::new(
                ErrorKind::Interlock,
                "the needle is not calibrated, so a move in the picture has no meaning; nothing moved",
                "calibrate it first (manipulator.calibrate), or move along its own axes (manipulator.move-relative)",
            ));
        }
        return nudge(&cx, (by.x, by.y, 0.0), params.confirmed).await;
    }
    let tilt = cx.pose().await?.t;
    nudge(&cx, corrected(params.beam, by, tilt), params.confirmed).await
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
pub async fn go(cx: JobCx, params: Go) -> Result<ManipulatorState, JobError> {
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
}
