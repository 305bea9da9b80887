//! The height of the sample over the coincidence point, from one picture of each beam.

use super::coincidence::{Coincidence, Coincident};
use super::common_view::CommonView;
use super::parts::{Bounds, Part, Refused, compare};
use crate::acquire::{probe, probe_dwell, probe_size};
use crate::movement::{Now, VerticalMove, vertical_move};
use crate::{JobCx, JobError};
use model::kinematics::{camera, scan, vertical};
use model::{Beam, ErrorKind, Frame, ImageSettings, Point, Unit, units};
use serde_json::json;
use vision::filter::{Border, gaussian};

/// What one pair of pictures says.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// In the FIB picture (m, x right, y up).
    pub residual: Point,
    /// Above the coincidence point (m).
    pub height_error: f64,
    pub confidence: f64,
    pub field: f64,
    pub part: Part,
    /// Quarters of the picture that bear the match out.
    pub witnesses: usize,
}

impl Measured {
    /// The result, measured as well as `uncertainty` (m) says.
    pub fn result(&self, before: f64, iterations: usize, confidence: f64, uncertainty: f64) -> Coincident {
        Coincident {
            residual_m: self.residual,
            height_error_m: self.height_error,
            height_error_before_m: before,
            iterations,
            confidence,
            accepted: self.residual.y.abs() <= uncertainty,
            field_m: self.field,
            uncertainty_m: uncertainty,
            part: self.part,
        }
    }
}

/// Pictures are smoothed by this much (pixels) first: holes of a film near the pixel's size make patterns of their own, which repeat.
const SMOOTH_PX: f64 = 1.5;
/// How much higher or lower (m along the sample) one part of a picture may lie than another, or than what a wider field was matched by.
pub(super) const RELIEF: f64 = 3e-6;

/// Size of a pixel (m) at a field width.
pub(super) fn pixel(cx: &JobCx, params: &Coincidence, field: f64) -> f64 {
    field / f64::from(probe_size(cx, Beam::Ion, params.resolution).0.max(1))
}

/// Takes a picture with each beam and finds where the SEM picture's centre is in the FIB picture, by the first of `parts` that can
/// be believed. `reach`: it cannot be further than this (m along the sample).
pub(super) async fn measure(
    cx: &JobCx,
    params: &Coincidence,
    field: f64,
    reach: f64,
    parts: &[Part],
) -> Result<Measured, JobError> {
    let now = Now::read(cx).await?;
    let Some(view) = CommonView::new(&now.geometry, now.pose, now.scan_rotation) else {
        return Err(doubtful(
            "one of the beams sees the sample too obliquely here",
            0.0,
            None,
        ));
    };
    let size = probe_size(cx, Beam::Ion, params.resolution);
    let electron = picture(cx, params, Beam::Electron, field, size).await?;
    let ion = picture(cx, params, Beam::Ion, field, size).await?;
    let (pixel, parts) = (pixel(cx, params, field), parts.to_vec());
    let bounds = Bounds {
        search: reach / pixel,
        relief: RELIEF / pixel,
    };
    let found = cx
        .compute(move || {
            let [electron, ion] = [(Beam::Electron, electron), (Beam::Ion, ion)]
                .map(|(beam, frame)| view.resample(beam, &frame.pixels.to_f32()))
                .map(|picture| gaussian(picture.view(), SMOOTH_PX, Border::Reflect));
            compare(&electron, &ion, &parts, bounds)
        })
        .await?
        .map_err(|Refused { reason, confidence }| {
            let reason = format!("at a field of {}, {reason}", units::format(field, Unit::Metre));
            doubtful(&reason, confidence, None)
        })?;
    let residual = view.to_picture(
        Beam::Ion,
        Point {
            x: found.dx_px * pixel,
            y: -found.dy_px * pixel,
        },
    );
    let step = vertical::checked(&now.setup(), residual.x, residual.y)?;
    // the move would bring the sample up by this much, so it is too low by it
    let rise = camera::chamber_motion(&now.geometry, &now.pose, &step).z;
    Ok(Measured {
        residual,
        height_error: -rise,
        confidence: found.confidence,
        field,
        part: found.part,
        witnesses: found.witnesses,
    })
}

async fn picture(
    cx: &JobCx,
    params: &Coincidence,
    beam: Beam,
    field: f64,
    size: (u32, u32),
) -> Result<Frame, JobError> {
    let settings = ImageSettings {
        beam_type: beam,
        hfw: field,
        resolution: size,
        dwell_time: probe_dwell(cx, beam, params.dwell_time),
        reduced_area: None,
        ..cx.host.image_settings(beam)
    };
    probe(cx, &settings).await
}

/// Corrects the height by what was measured.
pub(super) async fn rise(cx: &JobCx, found: &Measured) -> Result<(), JobError> {
    // along the axes of the unturned picture only y is height, so x of a turned picture goes along with it
    let now = Now::read(cx).await?;
    let upright = scan::to_axes(found.residual, now.scan_rotation.ion);
    let step = scan::to_picture(Point { x: 0.0, y: upright.y }, now.scan_rotation.ion);
    vertical_move(
        cx.clone(),
        VerticalMove {
            dx: step.x,
            dy: step.y,
            exact: true,
        },
    )
    .await
    .map(|_| ())
}

/// A refusal with its figures.
pub(super) fn doubtful(reason: &str, confidence: f64, found: Option<&Measured>) -> JobError {
    JobError::new(
        ErrorKind::Doubtful,
        format!("coincidence could not be measured: {reason}; the stage stands where it stood"),
        "centre a feature that both beams show, set contrast and focus of both, or use the guided alignment",
    )
    .with_data(json!({
        "accepted": false,
        "reason": reason,
        "confidence": confidence,
        "residual_m": found.map(|f| f.residual),
        "height_error_m": found.map(|f| f.height_error),
    }))
}
