//! The instrument's own switches: power, blanker, beam shift, plasma gas, vacuum, homing, stage link.
//!
//! Each is one act (or one for each beam); what may not be done in the present state the interlock refuses.

use crate::Job;
use crate::{JobCx, JobError};
use hal::{Act, HalError, Outcome};
use model::{Beam, ChamberState, ErrorKind, Key, Point, Pose, Value};
use serde::Serialize;

/// Turns beams on or off; whether they are.
pub fn power(cx: JobCx, beams: Vec<Beam>, on: bool) -> Job<Switched> {
    Box::pin(async move {
        for beam in &beams {
            cx.act(Act::BeamPower { beam: *beam, on }).await?;
        }
        switched(&cx).await
    })
}

/// Blanks or unblanks beams.
pub fn blank(cx: JobCx, beams: Vec<Beam>, on: bool) -> Job<Switched> {
    Box::pin(async move {
        for beam in &beams {
            cx.act(Act::BeamBlank { beam: *beam, on }).await?;
        }
        switched(&cx).await
    })
}

/// Which beams are on and which blanked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Switched {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub electron: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ion: Option<Switch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Switch {
    pub on: bool,
    pub blanked: bool,
}

async fn switched(cx: &JobCx) -> Result<Switched, JobError> {
    let mut now = Switched {
        electron: None,
        ion: None,
    };
    for beam in cx.scope().capabilities().beams() {
        let state = cx.scope().beam(beam).await?.value;
        let switch = Some(Switch {
            on: state.on,
            blanked: state.blanked,
        });
        match beam {
            Beam::Electron => now.electron = switch,
            Beam::Ion => now.ion = switch,
        }
    }
    Ok(now)
}

/// Shifts a beam by (dx, dy) (m) from where it is; the shift there is then. A shift beyond the beam's range is refused.
pub async fn shift_beam(cx: &JobCx, beam: Beam, dx: f64, dy: f64) -> Result<Point, JobError> {
    let from = beam_shift(cx, beam).await?;
    set_beam_shift(
        cx,
        beam,
        Point {
            x: from.x + dx,
            y: from.y + dy,
        },
    )
    .await
}

/// Centres the beam shift.
pub fn reset_shift(cx: JobCx, beams: Vec<Beam>) -> Job<()> {
    Box::pin(async move {
        for beam in beams {
            set_beam_shift(&cx, beam, Point::default()).await?;
        }
        Ok(())
    })
}

/// The beam shift there is (m).
pub(crate) async fn beam_shift(cx: &JobCx, beam: Beam) -> Result<Point, JobError> {
    Ok(cx.scope().beam(beam).await?.value.settings.shift)
}

/// Sets a beam shift (m); what was really set.
pub(crate) async fn set_beam_shift(cx: &JobCx, beam: Beam, shift: Point) -> Result<Point, JobError> {
    match cx.set(beam, Key::Shift, Value::Point(shift)).await? {
        Value::Point(set) => Ok(set),
        _ => beam_shift(cx, beam).await,
    }
}

/// Changes the gas of a plasma source: minutes, with the instrument's own progress; a cancel ends it where the source allows.
/// Where that gas runs already nothing is done.
pub fn plasma_gas(cx: JobCx, beam: Beam, gas: String) -> Job<String> {
    Box::pin(async move {
        let now = cx.scope().beam(beam).await?.value.plasma_gas;
        if now.as_deref() == Some(gas.as_str()) {
            return Ok(gas);
        }
        match cx.act(Act::PlasmaGas { beam, gas }).await? {
            Outcome::Beam(state) => state
                .plasma_gas
                .ok_or_else(|| HalError::unsupported("plasma source").into()),
            _ => Err(no_answer("which gas runs")),
        }
    })
}

/// Pumps the chamber and waits for the vacuum.
pub fn pump(cx: JobCx) -> Job<ChamberState> {
    Box::pin(async move { chamber(&cx, Act::Pump).await })
}

/// Vents the chamber; refused while a beam is on.
pub fn vent(cx: JobCx) -> Job<ChamberState> {
    Box::pin(async move { chamber(&cx, Act::Vent).await })
}

async fn chamber(cx: &JobCx, act: Act) -> Result<ChamberState, JobError> {
    match cx.act(act).await? {
        Outcome::Chamber(state) => Ok(state),
        _ => Err(no_answer("how the vacuum stands")),
    }
}

/// Drives the stage to its reference marks; where it stands then.
pub fn home(cx: JobCx) -> Job<Pose> {
    Box::pin(async move {
        match cx.act(Act::StageHome).await? {
            Outcome::Stage(pose) => Ok(pose),
            _ => cx.pose().await,
        }
    })
}

/// Links or unlinks z and the working distance; whether it is linked.
pub fn link(cx: JobCx, on: bool) -> Job<bool> {
    Box::pin(async move {
        match cx.act(Act::StageLink { on }).await? {
            Outcome::Value(Value::Bool(linked)) => Ok(linked),
            _ => Ok(cx.scope().stage().await?.value.linked),
        }
    })
}

fn no_answer(what: &str) -> JobError {
    JobError::new(
        ErrorKind::Protocol,
        format!("the instrument finished but did not say {what}; nothing else was changed"),
        "read its state (status)",
    )
}
