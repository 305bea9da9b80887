//! Calibration: the needle's tip into the centre of both pictures, or the vendor's three positions driven and remembered.
//!
//! Source: openFIBSEM's guided EasyLift calibration (four fields, both beams, x only by electrons) and its three-position one.

use super::{Corrected, move_corrected};
use crate::{JobCx, JobError, Keep, Question};
use hal::Act;
use model::{Beam, ErrorKind, ImageSettings, Key, ManipulatorPosition, Value};
use serde::Serialize;

/// Field widths from the widest to the narrowest, m.
const FIELDS: [f64; 4] = [2000e-6, 900e-6, 400e-6, 150e-6];
/// Corrections in one picture before the next question.
const MOST_CORRECTIONS: usize = 20;

/// What a calibration came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibrated {
    /// Positions found, by name: centred in both pictures, or the three the vendor names.
    pub positions: Vec<(String, ManipulatorPosition)>,
}

/// Guides the operator through the calibration this instrument needs.
pub async fn calibrate(cx: JobCx) -> Result<Calibrated, JobError> {
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
        for (i, hfw) in FIELDS.into_iter().enumerate() {
            for (j, beam) in Beam::ALL.into_iter().enumerate() {
                let done = (2 * i + j) as f64 / (2 * FIELDS.len()) as f64;
                cx.progress(
                    done,
                    &format!("needle in the {beam} picture, field {:.0} um", hfw * 1e6),
                );
                centre(cx, beam, hfw).await?;
            }
        }
        Ok::<_, JobError>(cx.scope().manipulator().await?.value.position)
    }
    .await;
    cx.put_back(mark).await?;
    Ok(Calibrated {
        positions: vec![("EUCENTRIC".to_owned(), centred?)],
    })
}

/// Pictures and corrections until the operator says that the tip is centred. The hardware is lent to the operator while asked.
async fn centre(cx: &JobCx, beam: Beam, hfw: f64) -> Result<(), JobError> {
    let settings = ImageSettings {
        hfw,
        ..cx.host.image_settings(beam)
    };
    let step = hfw / 10.0;
    for _ in 0..MOST_CORRECTIONS {
        cx.frame(&settings, &Keep::default()).await?;
        let mut choices = vec![
            ("centred".to_owned(), "go on to the next picture".to_owned()),
            (
                "again".to_owned(),
                "take the picture again after your own move".to_owned(),
            ),
            (
                "up".to_owned(),
                format!("move the needle {:.0} um up in this picture", step * 1e6),
            ),
            (
                "down".to_owned(),
                format!("move the needle {:.0} um down in this picture", step * 1e6),
            ),
        ];
        if beam == Beam::Electron {
            choices.push(("left".to_owned(), format!("move the needle {:.0} um left", step * 1e6)));
            choices.push((
                "right".to_owned(),
                format!("move the needle {:.0} um right", step * 1e6),
            ));
        }
        let answer = cx
            .ask(Question {
                text: format!("is the needle's tip in the centre of the {beam} picture?"),
                detail: format!(
                    "field {:.0} um; moves asked for here, or your own (Manipulator tab), until it is",
                    hfw * 1e6
                ),
                choices,
            })
            .await?;
        let (dx, dy) = match answer.as_str() {
            "centred" => return Ok(()),
            "up" => (0.0, step),
            "down" => (0.0, -step),
            "left" => (-step, 0.0),
            "right" => (step, 0.0),
            _ => continue,
        };
        let step = Corrected {
            dx,
            dy,
            beam,
            confirmed: true,
        };
        move_corrected(cx.clone(), step).await?;
    }
    Err(JobError::new(
        ErrorKind::Doubtful,
        format!("the needle was not centred in {MOST_CORRECTIONS} corrections; it stays where it is"),
        "retract it, look at it, and calibrate again",
    ))
}

/// Drives to every position the vendor names and remembers where each is.
async fn by_positions(cx: &JobCx, names: &[String]) -> Result<Calibrated, JobError> {
    let answer = cx
        .ask(Question {
            text: "calibrate the needle?".to_owned(),
            detail: format!("it is driven to {}; the stage must be clear of it", names.join(", ")),
            choices: vec![
                ("drive".to_owned(), "the needle moves now".to_owned()),
                ("cancel".to_owned(), "nothing moves".to_owned()),
            ],
        })
        .await?;
    if answer != "drive" {
        return Err(JobError::new(
            ErrorKind::Stopped,
            "the calibration was not wanted; nothing moved",
            "start it again when the stage is clear",
        ));
    }
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
