//! The live view: quick frames of one beam until somebody ends it, with the dose an ion beam leaves behind.
//!
//! Run it with a background hand: every other act of the beam or the stage sends the frame under way away, and the view goes on
//! after it. An ion view ends by itself, so that nobody mills a sample by looking away.

use crate::acquire::{probe, probe_dwell, probe_size};
use crate::{JobCx, JobError};
use model::{Beam, ErrorKind, ImageSettings};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Parameters of [`live`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    pub beam: Beam,
    /// Pixels; the size nearest to 768x512 unless given.
    #[serde(default)]
    pub resolution: Option<(u32, u32)>,
    /// s per pixel.
    #[serde(default)]
    pub dwell_time: Option<f64>,
    /// Instrument seconds after which an ion view ends; the electron view has no end of its own.
    #[serde(default = "ion_timeout")]
    pub ion_timeout: f64,
}

/// Two minutes at 20 pA are a few hundredths of what removes the first layer of ice from a 150 um field.
fn ion_timeout() -> f64 {
    120.0
}

const DWELL: f64 = 0.3e-6;
const SIZE: (u32, u32) = (768, 512);
/// How long the view waits while other acts use beam or stage.
const GIVE_WAY: Duration = Duration::from_millis(100);

impl Live {
    pub fn of(beam: Beam) -> Live {
        Live {
            beam,
            resolution: None,
            dwell_time: None,
            ion_timeout: ion_timeout(),
        }
    }
}

/// How the view stands, told after each frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LiveReport {
    pub frames: u64,
    /// Ion dose on the field so far, C/m2; 0 for electrons, whose dose is not counted here.
    pub dose: f64,
    /// Instrument seconds until the view ends by itself.
    pub remaining: Option<f64>,
}

/// Why the view ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiveEnd {
    /// Its hand was ended, or stop was pressed.
    Asked,
    TimedOut,
}

/// Shows frames until the hand ends or the ion view's time is up; settings are read afresh for each frame, so that a change of
/// field shows at once. An error of the instrument ends it.
pub async fn live(
    cx: JobCx,
    params: Live,
    report: impl Fn(LiveReport) + Send + Sync,
) -> Result<(LiveEnd, LiveReport), JobError> {
    let beam = params.beam;
    let clock = cx.scope().clock().clone();
    let ends = (beam == Beam::Ion).then(|| clock.now() + params.ion_timeout.max(0.0));
    let mut told = LiveReport::default();
    while !cx.hand.is_ended() {
        told.remaining = ends.map(|end| (end - clock.now()).max(0.0));
        if told.remaining == Some(0.0) {
            return Ok((LiveEnd::TimedOut, told));
        }
        let base = cx.host.image_settings(beam);
        let settings = ImageSettings {
            beam_type: beam,
            resolution: params.resolution.unwrap_or_else(|| probe_size(&cx, beam, SIZE)),
            dwell_time: params.dwell_time.unwrap_or_else(|| probe_dwell(&cx, beam, DWELL)),
            ..base
        };
        let dose = if beam == Beam::Ion {
            frame_dose(&cx, &settings).await?
        } else {
            0.0
        };
        match probe(&cx, &settings).await {
            Ok(_) => {
                told.frames += 1;
                told.dose += dose;
                report(told);
            }
            // somebody else's act goes first; a frame sent away half-way is not counted, though it dosed a part
            Err(error) if matches!(error.kind, ErrorKind::Busy | ErrorKind::Stopped) => {
                if !cx.hand.is_ended() {
                    tokio::time::sleep(GIVE_WAY).await;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok((LiveEnd::Asked, told))
}

/// Charge per area (C/m2) of one frame: current x beam time / scanned area; nothing while off or blanked.
async fn frame_dose(cx: &JobCx, settings: &ImageSettings) -> Result<f64, JobError> {
    let state = cx.scope().beam(settings.beam_type).await?.value;
    if !state.on || state.blanked {
        return Ok(0.0);
    }
    let (w, h) = settings.scanned();
    let area = f64::from(w) * f64::from(h) * settings.pixel_size().powi(2);
    Ok(if area > 0.0 {
        state.settings.beam_current * settings.beam_time() / area
    } else {
        0.0
    })
}
