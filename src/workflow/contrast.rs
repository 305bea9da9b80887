//! Automatic contrast and brightness from probe pictures: what the vision room plans, the detector is set to.
//!
//! Source: openFIBSEM's image-based autocontrast. What differs: a search that ends short of its goal begins anew, at last from the
//! middle of both ranges; a flat picture whose mean is right is not the end; the whole picture counts, not its middle quarter alone,
//! beyond which a grid bar would be white; and pictures that have nothing in common with each other are refused. Only detector
//! contrast and brightness change; an error, a refusal or a cancel puts them back.

use crate::Job;
use crate::acquire::{beam_is_up, probe, probe_dwell, probe_size};
use crate::{JobCx, JobError};
use model::{Beam, ErrorKind, Frame, ImageSettings, Key, Pixels, Rect, Value};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use vision::contrast::{AutoContrast as Plan, AutoContrastSettings, DetectorSetting, ImageStats, NextStep};
use vision::filter::{Border, gaussian};

/// Parameters of [`autocontrast`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoContrast {
    pub beam: Beam,
    /// Field width of the probes (m); the operator's unless given.
    #[serde(default)]
    pub hfw: Option<f64>,
    /// The operator's unless given: what lies outside of it is not seen, and may saturate.
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

/// Pixels of a probe across; it has the shape of the operator's picture.
const PROBE_WIDTH: u32 = 384;
const PROBE_DWELL: f64 = 0.2e-6;
/// Most probes: each is a dose.
const MOST_PROBES: usize = 40;
/// A picture that spans less than this share of the grey scale is flat, however right its mean: contrast is raised by a step.
const FLAT: f64 = 0.15;
const RAISE: f64 = 0.15;
const NEUTRAL: DetectorSetting = DetectorSetting {
    contrast: 0.5,
    brightness: 0.5,
};
/// Two pictures of one place, smoothed by this (pixels), correlate at least so much; those of noise by about 0.03.
const SMOOTH_PX: f64 = 2.0;
const LEAST_LIKENESS: f64 = 0.2;

/// Sets detector contrast and brightness so that the picture uses the grey scale without saturating, from any start. Takes at most 41
/// probes. Pictures without signal are refused ([`ErrorKind::Doubtful`]).
pub fn autocontrast(cx: JobCx, params: AutoContrast) -> Job<Contrast> {
    Box::pin(async move {
        let beam = params.beam;
        beam_is_up(&cx, beam, "contrast and brightness were left as they are").await?;
        let before = detector(&cx, beam).await?;
        let result = search(&cx, &params, before).await;
        if result.is_err() {
            set(&cx.afterwards(), beam, before).await?;
        }
        result
    })
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
    let (width, height) = base.resolution;
    let shape = (PROBE_WIDTH, PROBE_WIDTH.saturating_mul(height) / width.max(1));
    let settings = ImageSettings {
        beam_type: beam,
        hfw: params.hfw.unwrap_or(base.hfw),
        resolution: probe_size(cx, beam, shape),
        dwell_time: probe_dwell(cx, beam, PROBE_DWELL),
        reduced_area: params.reduced_area.or(base.reduced_area).filter(|_| reduces),
        ..base
    };
    // begin anew from the best that was found, which may be near the goal, then from where every detector shows something
    let mut starts = vec![NEUTRAL];
    let mut again_from_best = true;
    let mut iterations = 0;
    loop {
        cx.progress(
            iterations as f64 / (MOST_PROBES + 1) as f64,
            &format!("{} contrast, probe {}", beam.short(), iterations + 1),
        );
        let frame = probe(cx, &settings).await?;
        let stats = stats(cx, frame.clone()).await?;
        iterations += 1;
        let spent = iterations >= MOST_PROBES;
        let (reached, converged) = match plan.next(&stats).map_err(refused)? {
            NextStep::Set(next) if !spent => {
                set(cx, beam, next).await?;
                continue;
            }
            NextStep::Set(_) => (plan.setting(), false),
            NextStep::Converged(at) if stats.range_utilisation < FLAT && at.contrast < 1.0 && !spent => {
                let wider = DetectorSetting {
                    contrast: (at.contrast + RAISE).min(1.0),
                    ..at
                };
                set(cx, beam, wider).await?;
                plan = Plan::new(params.settings, wider).map_err(refused)?;
                continue;
            }
            NextStep::Converged(setting) => (setting, true),
            NextStep::GaveUp(best) => {
                let next = if std::mem::take(&mut again_from_best) {
                    Some(best)
                } else {
                    starts.pop()
                };
                let from = next.filter(|_| !spent);
                set(cx, beam, from.unwrap_or(best)).await?;
                if let Some(from) = from {
                    plan = Plan::new(params.settings, from).map_err(refused)?;
                    continue;
                }
                (best, false)
            }
        };
        let again = probe(cx, &settings).await?;
        if likeness(cx, frame, again).await? < LEAST_LIKENESS {
            return Err(no_signal(beam));
        }
        return Ok(Contrast {
            contrast: reached.contrast,
            brightness: reached.brightness,
            iterations: iterations + 1,
            converged,
            mean: stats.mean,
        });
    }
}

fn no_signal(beam: Beam) -> JobError {
    JobError::new(
        ErrorKind::Doubtful,
        format!(
            "two {} pictures of the same place have nothing in common: there is no signal to set contrast by; contrast and brightness \
             were put back",
            beam.short()
        ),
        "bring something into the field, and see that the detector is in and the beam reaches the sample; then try again",
    )
}

/// Correlation coefficient of two pictures of one place.
async fn likeness(cx: &JobCx, one: Frame, other: Frame) -> Result<f64, JobError> {
    cx.compute(move || {
        let [a, b] = [one, other].map(|frame| {
            let smooth = gaussian(frame.pixels.to_f32().view(), SMOOTH_PX, Border::Reflect);
            let mean = smooth.mean().unwrap_or(0.0);
            smooth - mean
        });
        if a.dim() != b.dim() {
            return 0.0;
        }
        let product = |a: &Array2<f32>, b: &Array2<f32>| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let norm = (product(&a, &a) * product(&b, &b)).sqrt();
        if norm > 0.0 { product(&a, &b) / norm } else { 0.0 }
    })
    .await
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
            "the instrument gave a picture without pixels; contrast and brightness were put back",
            "take one by hand and look at it",
        )
    })
}

/// Contrast and brightness as they are.
pub(crate) async fn detector(cx: &JobCx, beam: Beam) -> Result<DetectorSetting, JobError> {
    let state = cx.scope().beam(beam).await?.value.detector;
    Ok(DetectorSetting {
        contrast: state.contrast,
        brightness: state.brightness,
    })
}

/// Sets what differs.
pub(crate) async fn set(cx: &JobCx, beam: Beam, wanted: DetectorSetting) -> Result<(), JobError> {
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
