//! Autofocus: the working distance is swept, every picture's sharpness measured, the sharpest kept.
//!
//! Source: openFIBSEM's image-based autofocus (probe settings, measure, order of passes). What differs: the passes follow from the
//! depth of focus at the field in use, a best position at the end of the first pass is followed, the best is refined by a parabola,
//! and a curve without a peak is refused. An error, a refusal or a cancel puts the working distance back.

use crate::Job;
use crate::acquire::{beam_is_up, probe, probe_dwell, probe_size};
use crate::{JobCx, JobError};
use model::{Beam, ErrorKind, ImageSettings, Key, Rect, Unit, Value, units};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vision::focus::{FocusPass, FocusPoint, FocusSweep, Measure, SweepError};

/// Parameters of [`autofocus`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoFocus {
    pub beam: Beam,
    /// Field width of the probes (m); the operator's unless given.
    #[serde(default)]
    pub hfw: Option<f64>,
    #[serde(default)]
    pub reduced_area: Option<Rect>,
    #[serde(default)]
    pub method: Measure,
    /// Passes of the search, wide to narrow; made from the depth of focus at this field unless given.
    #[serde(default)]
    pub passes: Option<Vec<FocusPass>>,
}

impl AutoFocus {
    pub fn of(beam: Beam) -> AutoFocus {
        AutoFocus {
            beam,
            hfw: None,
            reduced_area: None,
            method: Measure::default(),
            passes: None,
        }
    }
}

/// What [`autofocus`] came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Focused {
    /// m.
    pub working_distance: f64,
    /// m.
    pub before: f64,
    /// Sharpness at the best position, in the measure's own unit.
    pub score: f64,
    /// Pictures taken.
    pub iterations: usize,
    /// The curve: every position visited, with its sharpness, in the order it was visited.
    pub points: Vec<FocusPoint>,
    /// 0..1: how much of the curve's ups and downs is one peak.
    pub confidence: f64,
    pub method: Measure,
}

const PROBE_SIZE: (u32, u32) = (768, 512);
const PROBE_DWELL: f64 = 0.5e-6;
/// Usual half angle (rad) of an electron and of an ion beam: with the pixel it says how deep focus is.
const CONVERGENCE: [f64; 2] = [6e-3, 0.6e-3];
/// A search whose best lies at its end goes on from there, four times as wide each time, this often.
const FOLLOWED: usize = 3;
const WIDER: f64 = 4.0;
/// White noise of eleven points comes to about 0.3, a real peak to nearly 1.
const LEAST_CONFIDENCE: f64 = 0.6;

/// Finds the sharpest working distance of `beam` and leaves it set.
pub fn autofocus(cx: JobCx, params: AutoFocus) -> Job<Focused> {
    Box::pin(async move {
        let beam = params.beam;
        let writable = cx
            .scope()
            .capabilities()
            .beam(beam)
            .is_some_and(|b| b.writable.contains(&Key::WorkingDistance));
        if !writable {
            let what = format!("the working distance of the {beam} beam cannot be set; nothing was changed");
            return Err(JobError::new(
                ErrorKind::Unsupported,
                what,
                "focus in the vendor's program",
            ));
        }
        beam_is_up(&cx, beam, "the focus was left as it is").await?;
        let before = working_distance(&cx, beam).await?;
        let result = search(&cx, &params, before).await;
        if let Err(error) = result {
            let restored = set(&cx.afterwards(), beam, before).await;
            return Err(match restored {
                Ok(()) => error,
                // after the red button nothing may change: say where the focus was left
                Err(_) => JobError {
                    hint: format!("{}; the working distance was {} before", error.hint, show(before)),
                    ..error
                },
            });
        }
        result
    })
}

async fn search(cx: &JobCx, params: &AutoFocus, before: f64) -> Result<Focused, JobError> {
    let settings = probe_settings(cx, params);
    let mut passes = params
        .passes
        .clone()
        .unwrap_or_else(|| passes(params.beam, settings.pixel_size()));
    let mut centre = before;
    let mut probes = Vec::new();
    for _ in 0..=FOLLOWED {
        let first = *passes.first().ok_or_else(|| refused(SweepError::NoPass))?;
        let coarse = sweep(cx, &settings, params.method, &[first], centre, &mut probes).await?;
        let best = coarse.best().map_or(centre, |p| p.working_distance);
        if coarse.best_at_end() {
            centre = best;
            let wider = FocusPass {
                range: first.range * WIDER,
                step: first.step * WIDER,
            };
            passes.insert(0, wider);
            continue;
        }
        let confidence = unimodality(coarse.points());
        if confidence < LEAST_CONFIDENCE {
            return Err(doubtful(
                params,
                "the sharpness has no clear peak in the range searched",
                confidence,
                &probes,
            ));
        }
        let rest = &passes[1..];
        let (score, refined) = if rest.is_empty() {
            (coarse.best().map_or(0.0, |p| p.score), coarse.refined())
        } else {
            let fine = sweep(cx, &settings, params.method, rest, best, &mut probes).await?;
            (fine.best().map_or(0.0, |p| p.score), fine.refined())
        };
        let working_distance = refined.unwrap_or(best);
        set(cx, params.beam, working_distance).await?;
        return Ok(Focused {
            working_distance,
            before,
            score,
            iterations: probes.len(),
            points: probes,
            confidence,
            method: params.method,
        });
    }
    Err(doubtful(
        params,
        "the picture gets sharper beyond the range searched, or nothing in it can be focused",
        0.0,
        &probes,
    ))
}

fn doubtful(params: &AutoFocus, reason: &str, confidence: f64, probes: &[FocusPoint]) -> JobError {
    JobError::new(
        ErrorKind::Doubtful,
        format!("{reason}; the working distance of the {} beam was put back", params.beam),
        "bring a feature with edges into the field, set contrast, focus roughly by hand, or search a wider range",
    )
    .with_data(json!({ "accepted": false, "reason": reason, "confidence": confidence, "method": params.method, "points": probes }))
}

fn probe_settings(cx: &JobCx, params: &AutoFocus) -> ImageSettings {
    let base = cx.host.image_settings(params.beam);
    ImageSettings {
        beam_type: params.beam,
        hfw: params.hfw.unwrap_or(base.hfw),
        resolution: probe_size(cx, params.beam, PROBE_SIZE),
        dwell_time: probe_dwell(cx, params.beam, PROBE_DWELL),
        reduced_area: params.reduced_area.or(base.reduced_area),
        ..base
    }
}

/// A step of the first pass blurs by a pixel or two, a step of the second is within the depth of focus.
fn passes(beam: Beam, pixel: f64) -> Vec<FocusPass> {
    let depth = pixel / CONVERGENCE[usize::from(beam == Beam::Ion)];
    vec![
        FocusPass {
            range: 20.0 * depth,
            step: 2.0 * depth,
        },
        FocusPass {
            range: 4.0 * depth,
            step: 0.5 * depth,
        },
    ]
}

async fn sweep(
    cx: &JobCx,
    settings: &ImageSettings,
    method: Measure,
    passes: &[FocusPass],
    centre: f64,
    probes: &mut Vec<FocusPoint>,
) -> Result<FocusSweep, JobError> {
    let beam = settings.beam_type;
    let mut sweep = FocusSweep::new(passes, centre).map_err(refused)?;
    let earlier = probes.last().map_or(0, |p| p.pass + 1);
    while let Some(position) = sweep.next_position() {
        let (done, all) = sweep.progress();
        cx.progress(
            done as f64 / all as f64,
            &format!("{} focus at {}, {} of {all}", beam.short(), show(position), done + 1),
        );
        set(cx, beam, position).await?;
        let frame = probe(cx, settings).await?;
        let score = cx
            .compute(move || method.robust_quality(frame.pixels.to_f32().view()))
            .await?;
        sweep.feed(score).map_err(refused)?;
        probes.extend(sweep.points().last().map(|p| FocusPoint {
            pass: earlier + p.pass,
            ..*p
        }));
    }
    Ok(sweep)
}

/// How much of all ups and downs of a curve is the way up to its highest point and down again: 1 for a single peak.
fn unimodality(points: &[FocusPoint]) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return 0.0;
    };
    let top = points.iter().map(|p| p.score).fold(f64::MIN, f64::max);
    let ways: f64 = points.windows(2).map(|p| (p[1].score - p[0].score).abs()).sum();
    if ways > 0.0 {
        (2.0 * top - first.score - last.score) / ways
    } else {
        0.0
    }
}

fn refused(error: SweepError) -> JobError {
    JobError::new(
        ErrorKind::OutOfRange,
        format!("{error}; the working distance is as it was"),
        "give passes of a range and a smaller step, e.g. 50um/5um",
    )
}

fn show(working_distance: f64) -> String {
    units::format(working_distance, Unit::Metre)
}

async fn working_distance(cx: &JobCx, beam: Beam) -> Result<f64, JobError> {
    let value = cx.scope().get(Key::WorkingDistance, Some(beam)).await?;
    value.as_f64().ok_or_else(|| {
        let what = format!("the working distance of the {beam} beam cannot be read; nothing was changed");
        JobError::new(ErrorKind::Protocol, what, "read it in the vendor's program")
    })
}

async fn set(cx: &JobCx, beam: Beam, working_distance: f64) -> Result<(), JobError> {
    cx.set(beam, Key::WorkingDistance, Value::Number(working_distance))
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(score: impl Fn(f64) -> f64) -> f64 {
        let points: Vec<_> = (-5..=5)
            .map(|i| FocusPoint {
                pass: 0,
                working_distance: f64::from(i),
                score: score(f64::from(i)),
            })
            .collect();
        unimodality(&points)
    }

    #[test]
    fn a_peak_is_told_from_noise() {
        assert!(curve(|x| 1.0 / (1.0 + (x - 1.3).powi(2))) > 0.999);
        assert!(curve(|x| 1.0 / (1.0 + x * x) + 0.01 * (x * 7.0).sin()) > 0.85);
        assert!(curve(|x| (x * x * 12.9898).sin()) < 0.5);
        assert_eq!(curve(|_| 1.0), 0.0);
    }
}
