//! Calibration: the needle's tip into the centre of both pictures, or the vendor's three positions driven and remembered.
//!
//! Source: openFIBSEM's guided EasyLift calibration (four fields, both beams, x only by electrons) and its three-position one.

use super::guided::{asked, centred};
use crate::Job;
use crate::{JobCx, JobError};
use hal::Act;
use model::{Beam, ErrorKind, Key, ManipulatorPosition, Value};
use serde::Serialize;

/// Field widths from the widest to the narrowest, m.
const FIELDS: [f64; 4] = [2000e-6, 900e-6, 400e-6, 150e-6];

/// What a calibration came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibrated {
    /// Positions found, by name: centred in both pictures, or the three the vendor names.
    pub positions: Vec<(String, ManipulatorPosition)>,
}

/// Guides the operator through the calibration this instrument needs.
pub fn calibrate(cx: JobCx) -> Job<Calibrated> {
    Box::pin(async move {
        let caps = cx
            .scope()
            .capabilities()
            .manipulator
            .clone()
            .ok_or_else(|| hal::HalError::unsupported("manipulator"))?;
        if caps.stage_frame {
            by_pictures(&cx).await
        } else {
            by_positions(&cx, &caps.saved).await
        }
    })
}

/// Four fields, both beams: the operator brings the tip to the centre, sideways by electrons only, up and down by ions.
async fn by_pictures(cx: &JobCx) -> Result<Calibrated, JobError> {
    if !cx.scope().manipulator().await?.value.inserted {
        return Err(JobError::new(
            ErrorKind::Interlock,
            "the needle is retracted; nothing was calibrated",
            "insert it first (manipulator.insert)",
        ));
    }
    let electron = cx.scope().beam(Beam::Electron).await?.value.settings;
    let eucentric = cx.scope().get(Key::EucentricHeight, Some(Beam::Electron)).await;
    let mark = cx.mark();
    cx.owe(
        "the electron beam's working distance",
        vec![Act::BeamSet {
            beam: Beam::Electron,
            key: Key::WorkingDistance,
            value: Value::Number(electron.working_distance),
        }],
    );
    let centred = async {
        if let Ok(height) = eucentric {
            cx.set(Beam::Electron, Key::WorkingDistance, height).await?;
        }
        centred(cx, &FIELDS).await
    }
    .await;
    cx.put_back(mark).await?;
    Ok(Calibrated {
        positions: vec![("EUCENTRIC".to_owned(), centred?)],
    })
}

/// Drives to every position the vendor names and remembers where each is.
async fn by_positions(cx: &JobCx, names: &[String]) -> Result<Calibrated, JobError> {
    asked(
        cx,
        "calibrate the needle?".to_owned(),
        format!("it is driven to {}; the stage must be clear of it", names.join(", ")),
        &[("drive", "the needle moves now".to_owned())],
    )
    .await?;
    let mut positions = Vec::new();
    for (i, name) in names.iter().enumerate() {
        cx.progress(i as f64 / names.len() as f64, &format!("needle to {name}"));
        let state = cx.scope().manipulator().await?.value;
        let at = if state.inserted {
            let target = cx.scope().saved_needle(name).await?;
            super::go_to(cx, target, true).await?
        } else {
            super::insert(cx.clone(), super::Insert { name: name.clone() }).await?
        };
        positions.push((name.clone(), at.position));
    }
    Ok(Calibrated { positions })
}
