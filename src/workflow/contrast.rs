//! Automatic contrast and brightness from probe pictures: what the vision room plans, the detector is set to.
//!
//! Source: openFIBSEM's image-based autocontrast. Only detector contrast and brightness change; an error or a cancel puts them back.

use crate::acquire::{beam_is_up, probe, probe_dwell, probe_size};
use crate::{JobCx, JobError};
use model::{Beam, ErrorKind, Frame, ImageSettings, Key, Pixels, Rect, Value};
use serde::{Deserialize, Serialize};
use vision::contrast::{AutoContrast as Plan, AutoContrastSettings, DetectorSetting, ImageStats, NextStep};

/// Parameters of [`autocontrast`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoContrast {
    pub beam: Beam,
    /// Field width of the probes (m); the operator's unless given.
    #[serde(default)]
    pub hfw: Option<f64>,
    /// The middle quarter unless given.
    #[serde(default)]
    pub reduced_area: Option<Rect>,
    #[serde(default)]
    pub settings: AutoContrastSettings,
}

impl AutoContrast {
    pub fn of(beam: Beam) -> AutoContrast {
        AutoContrast {
            beam,
            hfw: None,
            reduced_area: None,
            settings: AutoContrastSettings::default(),
        }
    }
}

/// What [`autocontrast`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Contrast {
    pub contrast: f64,
    pub brightness: f64,
    /// Probe pictures taken.
    pub iterations: usize,
    /// Mean and saturation of the last probe are as wanted; otherwise this is the best that was found.
    pub converged: bool,
    /// Mean grey value, share of the full scale.
    pub mean: f64,
}

const PROBE_SIZE: (u32, u32) = (512, 384);
const PROBE_DWELL: f64 = 0.2e-6;
/// A search from a bad start may end with its steps spent near the goal: it may begin anew from there this often.
const RESTARTS: usize = 2;
const MIDDLE: Rect = Rect {
    left: 0.25,
    top: 0.25,
    width: 0.5,
    height: 0.5,
};

/// Sets detector contrast and brightness so that the picture uses the grey scale without saturating.
pub async fn autocontrast(cx: JobCx, params: AutoContrast) -> Result<Contrast, JobError> {
    let beam = params.beam;
    beam_is_up(&cx, beam, "contrast and brightness were left as they are").await?;
    let before = detector(&cx, beam).await?;
    let result = search(&cx, &params, before).await;
    if result.is_err() {
        set(&cx.afterwards(), beam, before).await?;
    }
    result
}

async fn search(cx: &JobCx, params: &AutoContrast, before: DetectorSetting) -> Result<Contrast, JobError> {
    let beam = params.beam;
    let refused = |e: vision::contrast::ContrastError| {
        JobError::new(
            ErrorKind::OutOfRange,
            e.to_string(),
            "ask for settings inside their ranges",
        )
    };
    let mut plan = Plan::new(params.settings, before).map_err(refused)?;
    let reduces = cx.scope().capabilities().beam(beam).is_some_and(|b| b.reduced_area);
    let base = cx.host.image_settings(beam);
    let settings = ImageSettings {
        beam_type: beam,
        hfw: params.hfw.unwrap_or(base.hfw),
        resolution: probe_size(cx, beam, PROBE_SIZE),
        dwell_time: probe_dwell(cx, beam, PROBE_DWELL),
        reduced_area: reduces.then_some(params.reduced_area.unwrap_or(MIDDLE)),
        ..base
    };
    let (mut iterations, mut restarts) = (0, RESTARTS);
    loop {
        cx.progress(
            iterations as f64 / ((RESTARTS + 1) * (params.settings.n_iterations + 1)) as f64,
            &format!("{} contrast, probe {}", beam.short(), iterations + 1),
        );
        let stats = stats(cx, probe(cx, &settings).await?).await?;
        iterations += 1;
        let (reached, converged) = match plan.next(&stats).map_err(refused)? {
            NextStep::Set(next) => {
                set(cx, beam, next).await?;
                continue;
            }
            NextStep::Converged(setting) => (setting, true),
            NextStep::GaveUp(best) => {
                set(cx, beam, best).await?;
                if restarts > 0 {
                    restarts -= 1;
                    plan = Plan::new(params.settings, best).map_err(refused)?;
                    continue;
                }
                (best, false)
            }
        };
        return Ok(Contrast {
            contrast: reached.contrast,
            brightness: reached.brightness,
            iterations,
            converged,
            mean: stats.mean,
        });
    }
}

async fn stats(cx: &JobCx, frame: Frame) -> Result<ImageStats, JobError> {
    let stats = cx
        .compute(move || match &frame.pixels {
            Pixels::U8(a) => ImageStats::of(a.view()),
            Pixels::U16(a) => ImageStats::of(a.view()),
        })
        .await?;
    stats.ok_or_else(|| {
        JobError::new(
            ErrorKind::Protocol,
            "the instrument gave a picture without pixels",
            "take one by hand and look at it",
        )
    })
}

async fn detector(cx: &JobCx, beam: Beam) -> Result<DetectorSetting, JobError> {
    let state = cx.scope().beam(beam).await?.value.detector;
    Ok(DetectorSetting {
        contrast: state.contrast,
        brightness: state.brightness,
    })
}

async fn set(cx: &JobCx, beam: Beam, wanted: DetectorSetting) -> Result<(), JobError> {
    let now = detector(cx, beam).await?;
    if now.brightness != wanted.brightness {
        cx.set(beam, Key::DetectorBrightness, Value::Number(wanted.brightness))
            .await?;
    }
    if now.contrast != wanted.contrast {
        cx.set(beam, Key::DetectorContrast, Value::Number(wanted.contrast))
            .await?;
    }
    Ok(())
}
