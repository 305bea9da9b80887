//! Beam-shift alignment: bring a beam's picture back onto a reference picture.
//!
//! Source: openFIBSEM `beam_shift_alignment_v2` and `multi_step_alignment_v2`: the picture is taken with the reference's own
//! settings, and content that moved by (dx right, dy down) is brought back by a beam shift of (-dx, +dy). Here each step is checked
//! by the next picture, and a shift that made it worse is undone.

use super::reference;
use crate::Job;
use crate::acquire::beam_is_up;
use crate::contrast::{self, AutoContrast};
use crate::system::{beam_shift as read_shift, set_beam_shift};
use crate::{JobCx, JobError, Keep};
use model::{Beam, ErrorKind, Frame, ImageSettings, Point, Unit, units};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use vision::register::{Method, Registration};

/// Parameters of [`beam_shift`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlignBeamShift {
    /// The reference picture, a TIFF with metadata; the beam's last picture unless given.
    pub reference: Option<PathBuf>,
    /// Whose last picture; a reference file names its own beam.
    pub beam: Beam,
    pub method: Method,
    /// Most corrections.
    pub steps: usize,
    /// A shift further than this (pixels) is refused; half of the field unless given.
    pub limit_px: Option<f64>,
    /// The same in metres; the nearer one counts.
    pub limit_m: Option<f64>,
    /// Pictures that cannot be told apart as they are, for they repeat, are compared once more blurred by this (m); 0: they are not.
    pub blur: f64,
    /// Near enough (pixels).
    pub enough_px: f64,
    /// Set contrast and brightness first.
    pub autocontrast: bool,
}

impl Default for AlignBeamShift {
    fn default() -> Self {
        AlignBeamShift {
            reference: None,
            beam: Beam::Ion,
            method: Method::default(),
            steps: 3,
            limit_px: None,
            limit_m: None,
            blur: 0.0,
            enough_px: ALIGNED_PX,
            autocontrast: false,
        }
    }
}

/// What [`beam_shift`] came to. dx, dy: how far the picture was off at first, right and down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BeamShifted {
    pub dx_px: f64,
    pub dy_px: f64,
    pub dx_m: f64,
    pub dy_m: f64,
    pub confidence: f64,
    pub method: Method,
    pub accepted: bool,
    /// The beam shift now (m).
    pub shift: Point,
    /// How far the last picture was off (m).
    pub residual_m: f64,
    /// Corrections made.
    pub steps: usize,
}

/// Half a pixel is as well as pictures are laid onto each other at sight; below it, noise may make a correction look worse.
const ALIGNED_PX: f64 = 0.5;
/// Share of their blur to which blurred pictures are laid onto each other.
const BLURRED: f64 = 0.1;
/// Beam shifts closer than this (m) are the same.
const SAME_SHIFT: f64 = 1e-12;

/// Measures the picture against the reference and shifts the beam until they agree.
pub fn beam_shift(cx: JobCx, params: AlignBeamShift) -> Job<BeamShifted> {
    Box::pin(async move {
        let (reference, settings) = reference::of(&cx, params.reference.clone(), params.beam).await?;
        let beam = settings.beam_type;
        beam_is_up(&cx, beam, "the beam shift was left as it is").await?;
        if params.autocontrast {
            let around = AutoContrast {
                hfw: Some(settings.hfw),
                reduced_area: settings.reduced_area,
                ..AutoContrast::of(beam)
            };
            contrast::autocontrast(cx.clone(), around).await?;
        }
        onto(&cx, &reference, &settings, &params).await
    })
}

/// As [`beam_shift`], onto a picture in hand, taken anew with `settings`. Where it cannot, the beam shift is as it was.
pub(crate) async fn onto(
    cx: &JobCx,
    reference: &Frame,
    settings: &ImageSettings,
    params: &AlignBeamShift,
) -> Result<BeamShifted, JobError> {
    let beam = settings.beam_type;
    let before = read_shift(cx, beam).await?;
    let result = correct(cx, reference, settings, params, before).await;
    if result.is_err() && away(read_shift(cx, beam).await?, before) {
        set_beam_shift(&cx.afterwards(), beam, before).await?;
    }
    result
}

async fn correct(
    cx: &JobCx,
    reference: &Frame,
    settings: &ImageSettings,
    params: &AlignBeamShift,
    before: Point,
) -> Result<BeamShifted, JobError> {
    let beam = settings.beam_type;
    let pixel = settings.pixel_size();
    let mut shift = before;
    let mut first: Option<Registration> = None;
    let mut last = f64::INFINITY;
    for step in 0..=params.steps.max(1) {
        cx.progress(
            step as f64 / (params.steps + 1) as f64,
            &format!("{} alignment, picture {}", beam.short(), step + 1),
        );
        let (picture, _) = cx.frame(settings, &Keep { live: true, path: None }).await?;
        let limits = [params.limit_px, params.limit_m.map(|limit| limit / pixel)];
        let (limit, blur) = (limits.into_iter().flatten().reduce(f64::min), params.blur / pixel);
        let (found, blurred) = reference::measure(cx, reference, &picture, params.method, limit, blur).await?;
        // by blurred pictures no more is known
        let noise = ALIGNED_PX.max(BLURRED * blurred);
        let start = first.get_or_insert_with(|| found.clone()).clone();
        let off = found.dx_px.hypot(found.dy_px);
        if !found.accepted {
            return Err(doubtful(&found, pixel, found.reason.clone().unwrap_or_default()));
        }
        let result = BeamShifted {
            dx_px: start.dx_px,
            dy_px: start.dy_px,
            dx_m: start.dx_px * pixel,
            dy_m: start.dy_px * pixel,
            confidence: start.confidence.min(found.confidence),
            method: params.method,
            accepted: true,
            shift,
            residual_m: off * pixel,
            steps: step,
        };
        if off <= params.enough_px.max(BLURRED * blurred) || step == params.steps.max(1) {
            return Ok(result);
        }
        if off > last.max(noise) {
            return Err(doubtful(
                &found,
                pixel,
                "the beam shift made it worse: the sample drifts, or the scan is rotated".to_owned(),
            ));
        }
        last = off;
        let wanted = Point {
            x: shift.x - found.dx_px * pixel,
            y: shift.y + found.dy_px * pixel,
        };
        let range = cx.scope().capabilities().beam(beam).map_or(f64::INFINITY, |b| b.shift);
        if wanted.x.abs().max(wanted.y.abs()) > range {
            return Err(at_limit(&found, pixel, beam, range));
        }
        shift = set_beam_shift(cx, beam, wanted).await?;
        if away(shift, wanted) {
            return Err(at_limit(&found, pixel, beam, range));
        }
    }
    Err(JobError::new(
        ErrorKind::Other,
        "the alignment ended without a picture; the beam shift is as it was",
        "start it again",
    ))
}

/// Shifts a beam so that what lies `off` (m, y up) of its picture's middle comes to lie in it; by how much it went.
pub(crate) async fn centre_by_beam(cx: &JobCx, beam: Beam, off: Point) -> Result<Point, JobError> {
    let before = read_shift(cx, beam).await?;
    let wanted = Point {
        x: before.x - off.x,
        y: before.y - off.y,
    };
    let now = set_beam_shift(cx, beam, wanted).await?;
    Ok(Point {
        x: now.x - before.x,
        y: now.y - before.y,
    })
}

fn doubtful(found: &Registration, pixel: f64, reason: String) -> JobError {
    let what = format!("the shift could not be measured: {reason}; the beam shift is as it was");
    JobError::new(
        ErrorKind::Doubtful,
        what,
        "look at both pictures; bring the feature back into the field or take a new reference",
    )
    .with_data(reference::figures(found, pixel, &reason))
}

fn at_limit(found: &Registration, pixel: f64, beam: Beam, range: f64) -> JobError {
    let reason = format!(
        "the correction of {}, {} takes the {beam} beam shift beyond its limit of {}",
        units::format(-found.dx_px * pixel, Unit::Metre),
        units::format(found.dy_px * pixel, Unit::Metre),
        units::format(range, Unit::Metre)
    );
    JobError::new(
        ErrorKind::OutOfRange,
        format!("{reason}; the beam shift is as it was"),
        "centre the feature with the stage (stage.center-on) after beam.reset-shift, then align again",
    )
    .with_data(reference::figures(found, pixel, &reason))
}

fn away(a: Point, b: Point) -> bool {
    (a.x - b.x).abs().max((a.y - b.y).abs()) > SAME_SHIFT
}
