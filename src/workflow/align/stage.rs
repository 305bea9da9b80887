//! Stage alignment: bring a beam's picture back onto a reference picture by moving the stage along the sample.
//!
//! Source: openFIBSEM `multi_step_alignment_v2(subsystem="stage")`: content that lies (dx right, dy down) off is centred again by a
//! stable move of (dx, -dy). It reaches further than the beam shift and leaves that free, but no nearer than the stage comes to where
//! it is sent: hence a tolerance in metres. Each step is checked by the next picture.

use super::reference;
use super::stand::Stand;
use crate::Job;
use crate::acquire::beam_is_up;
use crate::contrast::{self, AutoContrast};
use crate::movement::{StableMove, stable_move};
use crate::{JobCx, JobError, Keep};
use model::{Beam, ErrorKind, Frame, ImageSettings, Pose, Unit, units};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use vision::register::{Method, Registration};

/// Parameters of [`stage`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlignStage {
    /// The reference picture, a TIFF with metadata; the beam's last picture unless given.
    pub reference: Option<PathBuf>,
    /// Whose last picture; a reference file names its own beam.
    pub beam: Beam,
    pub method: Method,
    /// Most moves.
    pub steps: usize,
    /// A shift further than this (pixels) is refused; half of the field unless given.
    pub limit_px: Option<f64>,
    /// Near enough (m in the picture): about how well the stage comes back to a place.
    pub tolerance: f64,
    /// Set contrast and brightness first.
    pub autocontrast: bool,
}

impl Default for AlignStage {
    fn default() -> Self {
        AlignStage {
            reference: None,
            beam: Beam::Electron,
            method: Method::default(),
            steps: 3,
            limit_px: None,
            tolerance: 1e-6,
            autocontrast: false,
        }
    }
}

/// What [`stage`] came to. dx, dy: how far the picture was off at first, right and down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StageAligned {
    pub dx_px: f64,
    pub dy_px: f64,
    pub dx_m: f64,
    pub dy_m: f64,
    pub confidence: f64,
    pub method: Method,
    pub accepted: bool,
    /// Where the stage is now.
    pub pose: Pose,
    /// How far the last picture was off (m).
    pub residual_m: f64,
    /// Moves made.
    pub steps: usize,
}

/// Half a pixel is as well as pictures can be laid onto each other.
const ALIGNED_PX: f64 = 0.5;

/// Measures the picture against the reference and moves the stage until they agree.
pub fn stage(cx: JobCx, params: AlignStage) -> Job<StageAligned> {
    Box::pin(async move {
        if !(params.tolerance.is_finite() && params.tolerance > 0.0) {
            return Err(JobError::new(
                ErrorKind::Usage,
                "the tolerance must be above 0; nothing moved",
                "leave it out for 1um",
            ));
        }
        let (reference, settings) = reference::of(&cx, params.reference.clone(), params.beam).await?;
        let beam = settings.beam_type;
        beam_is_up(&cx, beam, "nothing moved").await?;
        if params.autocontrast {
            let around = AutoContrast {
                hfw: Some(settings.hfw),
                reduced_area: settings.reduced_area,
                ..AutoContrast::of(beam)
            };
            contrast::autocontrast(cx.clone(), around).await?;
        }
        let start = Stand::read(&cx).await?;
        match correct(&cx, &reference, &settings, &params).await {
            // a measurement in doubt leaves no move behind; after a stop or an error of the instrument nothing moves
            Err(error) if error.kind == ErrorKind::Doubtful => {
                start.go_back(&cx).await?;
                Err(error)
            }
            done => done,
        }
    })
}

async fn correct(
    cx: &JobCx,
    reference: &Frame,
    settings: &ImageSettings,
    params: &AlignStage,
) -> Result<StageAligned, JobError> {
    let beam = settings.beam_type;
    let pixel = settings.pixel_size();
    let enough = params.tolerance.max(ALIGNED_PX * pixel);
    let mut first: Option<Registration> = None;
    let mut last = f64::INFINITY;
    let mut step = 0;
    loop {
        cx.progress(
            step as f64 / (params.steps + 1) as f64,
            &format!("{} alignment by the stage, picture {}", beam.short(), step + 1),
        );
        let (picture, _) = cx.frame(settings, &Keep { live: true, path: None }).await?;
        let (found, _) = reference::measure(cx, reference, &picture, params.method, params.limit_px, 0.0).await?;
        let start = first.get_or_insert_with(|| found.clone());
        let off = found.dx_px.hypot(found.dy_px) * pixel;
        if !found.accepted {
            return Err(doubtful(&found, pixel, found.reason.clone().unwrap_or_default()));
        }
        if off <= enough {
            return Ok(StageAligned {
                dx_px: start.dx_px,
                dy_px: start.dy_px,
                dx_m: start.dx_px * pixel,
                dy_m: start.dy_px * pixel,
                confidence: start.confidence.min(found.confidence),
                method: params.method,
                accepted: true,
                pose: cx.pose().await?,
                residual_m: off,
                steps: step,
            });
        }
        // a stage that comes back no better than so may miss once
        if off > last.max(2.0 * enough) || step == params.steps.max(1) {
            let reason = format!(
                "after {step} moves the picture is still {} off, more than {}: the sample drifts, or the stage does not come nearer",
                units::format(off, Unit::Metre),
                units::format(enough, Unit::Metre)
            );
            return Err(doubtful(&found, pixel, reason));
        }
        last = off;
        let back = StableMove {
            dx: found.dx_px * pixel,
            dy: -found.dy_px * pixel,
            beam,
            static_wd: false,
        };
        stable_move(cx.clone(), back).await?;
        step += 1;
    }
}

fn doubtful(found: &Registration, pixel: f64, reason: String) -> JobError {
    JobError::new(
        ErrorKind::Doubtful,
        format!("the sample was not brought back: {reason}; the stage stands where it stood"),
        "look at both pictures; bring the feature back into the field, allow a larger tolerance or take a new reference",
    )
    .with_data(reference::figures(found, pixel, &reason))
}
