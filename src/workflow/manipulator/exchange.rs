//! The needle exchanged by hand: out, beams off, vented, and pumped again when the new one is in.
//!
//! Source: openFIBSEM leaves this to the vendor's program and the operator; the steps and their order are ours. Beams stay off
//! at the end: turning them on is the operator's.

use super::guided::asked;
use crate::Job;
use crate::{JobCx, JobError};
use hal::{Act, Outcome};
use model::{ChamberState, ErrorKind, Notice, Severity};
use serde::Serialize;

/// What an exchange came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exchanged {
    pub chamber: ChamberState,
    /// The chamber was pumped again after the exchange.
    pub pumped: bool,
}

/// Leads through an exchange. Cancelled while vented, the chamber stays vented.
pub fn exchange(cx: JobCx) -> Job<Exchanged> {
    Box::pin(async move {
        let caps = cx.scope().capabilities();
        if caps.manipulator.is_none() {
            return Err(hal::HalError::unsupported("manipulator").into());
        }
        if !caps.chamber.as_ref().is_some_and(|c| c.vent && c.pump) {
            return Err(hal::HalError::unsupported("vent and pump control").into());
        }
        let begin = "the needle is retracted, the beams are turned off, and the chamber is VENTED";
        asked(
            &cx,
            "exchange the needle?".to_owned(),
            "a cold sample must be out of the chamber: venting warms and wets it".to_owned(),
            &[("vent", begin.to_owned())],
        )
        .await?;
        if cx.scope().manipulator().await?.value.inserted {
            cx.act(Act::NeedleRetract).await?;
        }
        for beam in cx.scope().capabilities().beams() {
            if cx.scope().beam(beam).await?.value.on {
                cx.act(Act::BeamPower { beam, on: false }).await?;
            }
        }
        let vented = chamber(cx.act(Act::Vent).await?)?;
        let answer = asked(
            &cx,
            "the chamber is vented: exchange the needle".to_owned(),
            "follow the vendor's guide; the door must be shut before the chamber is pumped".to_owned(),
            &[
                (
                    "pump",
                    "the new needle is in and the door shut: pump the chamber".to_owned(),
                ),
                ("leave", "end here and leave the chamber vented".to_owned()),
            ],
        )
        .await?;
        if answer == "leave" {
            return Ok(Exchanged {
                chamber: vented,
                pumped: false,
            });
        }
        let pumped = chamber(cx.act(Act::Pump).await?)?;
        let told = "the needle was exchanged and the chamber pumped; the beams are off";
        let hint = "turn them on (beam.on), then calibrate the new needle (manipulator.calibrate)";
        cx.host.notice(Notice::new(Severity::Info, told).hint(hint));
        Ok(Exchanged {
            chamber: pumped,
            pumped: true,
        })
    })
}

fn chamber(outcome: Outcome) -> Result<ChamberState, JobError> {
    match outcome {
        Outcome::Chamber(state) => Ok(state),
        _ => Err(JobError::new(
            ErrorKind::Protocol,
            "the instrument did not say how its chamber stands",
            "look at the vacuum in the vendor's own program",
        )),
    }
}
