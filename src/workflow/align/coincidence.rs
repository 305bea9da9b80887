//! Coincidence: what is centred in the SEM picture shall be centred in the FIB picture.
//!
//! From a wide field to narrow ones, a picture of each beam is taken, both are brought into one frame and registered in two
//! frequency bands, which must agree. What is missing along y is a height error and is corrected by an exact vertical move, which
//! leaves the SEM picture where it is. A measurement that may be wrong puts the stage back where it was.

use super::common_view::CommonView;
use crate::acquire::{beam_is_up, probe, probe_dwell, probe_size};
use crate::movement::{Now, VerticalMove, absolute, vertical_move};
use crate::{JobCx, JobError};
use model::kinematics::{camera, vertical};
use model::{Beam, ErrorKind, Frame, ImageSettings, Key, Point, Pose, Unit, Value, units};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::json;
use vision::filter::{Border, gaussian};
use vision::register::{CrossCorrelation, Method, Options, Registration, register};

/// Parameters of [`coincidence`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coincidence {
    /// Field widths (m), wide to narrow: the first must show the error, the last decides how well it is measured.
    pub fields: Vec<f64>,
    /// How far along the sample the first picture is searched (m): less than half the period of a grid, whose bars all look alike;
    /// 63 um for 200 mesh.
    pub search: f64,
    /// Done when what is missing in the FIB picture is less than this (m).
    pub tolerance: f64,
    /// Most pictures pairs per field.
    pub iterations: usize,
    /// Pixels of the pictures, as near as the instrument has them.
    pub resolution: (u32, u32),
    /// s per pixel.
    pub dwell_time: f64,
}

impl Default for Coincidence {
    fn default() -> Self {
        Coincidence {
            fields: vec![400e-6, 200e-6, 80e-6],
            search: 50e-6,
            tolerance: 0.3e-6,
            iterations: 4,
            resolution: (768, 512),
            dwell_time: 1e-6,
        }
    }
}

/// What [`coincidence`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coincident {
    /// Where what is centred in the SEM picture is in the FIB picture at the end, as measured (m, x right, y up).
    pub residual_m: Point,
    /// Height of the sample above the coincidence point at the end, as measured (m).
    pub height_error_m: f64,
    /// The same before the first move.
    pub height_error_before_m: f64,
    /// Picture pairs taken.
    pub iterations: usize,
    pub confidence: f64,
    /// The residual along y, the one a height corrects, is within the tolerance.
    pub accepted: bool,
}

/// What one pair of pictures says.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// In the FIB picture (m, x right, y up).
    pub residual: Point,
    /// Above the coincidence point (m).
    pub height_error: f64,
    pub confidence: f64,
}

/// Octaves of the pictures that must agree, as bins of the cross-correlation: coarse and fine structure.
const BANDS: [(f64, f64, f64); 2] = [(3.0, 24.0, 2.0), (8.0, 72.0, 4.0)];
/// The two beams show different contrast, so that less agreement than between pictures of one beam is still sure.
const LEAST_CONFIDENCE: f64 = 0.35;
/// Pictures are smoothed by this much (pixels) first: holes of a film near the pixel's size make patterns of their own, which repeat.
const SMOOTH_PX: f64 = 1.5;
/// How far the bands may disagree, pixels: less than a period of the fine one. Film lies lower than the bars it hangs from, so
/// coarse and fine structure need not be at one height.
const AGREE_PX: f64 = 8.0;
/// How far from where a wider field put it the sample may be: pixels of that field, and relief (m along the sample), since a narrow
/// field sees another height of it.
const SEARCH_PX: f64 = 4.0;
const RELIEF: f64 = 3e-6;
/// Least share of a picture's width that is searched, whatever is already known: a second match shows only beside the first's rings.
const ROOM: f64 = 0.125;
/// Largest share of a picture's height that is searched: the rest must overlap.
const WIDEST: f64 = 0.35;

/// Finds the height error from pictures and corrects it.
pub async fn coincidence(cx: JobCx, params: Coincidence) -> Result<Coincident, JobError> {
    check(&params)?;
    for beam in Beam::ALL {
        beam_is_up(&cx, beam, "nothing moved").await?;
    }
    let start = cx.pose().await?;
    let ion_focus = cx.scope().get(Key::WorkingDistance, Some(Beam::Ion)).await?;
    let result = correct(&cx, &params).await;
    match result {
        // a doubtful measurement must not leave its moves behind; a stop or an error of the instrument moves nothing more
        Err(error) if error.kind == ErrorKind::Doubtful => {
            put_back(&cx, start, ion_focus).await?;
            Err(error)
        }
        other => other,
    }
}

fn check(params: &Coincidence) -> Result<(), JobError> {
    let search_good = params.search.is_finite() && params.search > 0.0;
    let fields_good = search_good && !params.fields.is_empty() && params.fields.windows(2).all(|f| f[1] < f[0]);
    if fields_good && params.tolerance.is_finite() && params.tolerance > 0.0 && params.iterations > 0 {
        return Ok(());
    }
    Err(JobError::new(
        ErrorKind::Usage,
        "the fields must go from wide to narrow, and search, tolerance and iterations be above 0; nothing moved",
        "leave them out for the defaults: 400um, 200um, 80um; 50um; 0.3um; 4",
    ))
}

async fn put_back(cx: &JobCx, start: Pose, ion_focus: Value) -> Result<(), JobError> {
    if cx.pose().await? != start {
        absolute(cx.clone(), start.into()).await?;
    }
    if cx.scope().get(Key::WorkingDistance, Some(Beam::Ion)).await? != ion_focus {
        cx.set(Beam::Ion, Key::WorkingDistance, ion_focus).await?;
    }
    Ok(())
}

async fn correct(cx: &JobCx, params: &Coincidence) -> Result<Coincident, JobError> {
    let mut iterations = 0;
    let mut confidence = 1.0f64;
    let mut first = None;
    let mut search = params.search;
    let last_field = params.fields.last().copied();
    for (i, field) in params.fields.iter().enumerate() {
        let pixel = field / f64::from(probe_size(cx, Beam::Ion, params.resolution).0.max(1));
        // a wide field cannot do better than a part of its pixel
        let enough = if Some(*field) == last_field {
            params.tolerance
        } else {
            pixel
        };
        let mut before = f64::INFINITY;
        for round in 1..=params.iterations {
            cx.progress(
                (i as f64 + (round - 1) as f64 / params.iterations as f64) / params.fields.len() as f64,
                &format!("coincidence at {}, pair {round}", units::format(*field, Unit::Metre)),
            );
            iterations += 1;
            let found = measure(cx, params, *field, search).await?;
            confidence = confidence.min(found.confidence);
            let height_error_before_m = *first.get_or_insert(found.height_error);
            search = SEARCH_PX * pixel + RELIEF;
            let off = found.residual.y.abs();
            if off <= enough {
                if Some(*field) != last_field {
                    break;
                }
                return Ok(Coincident {
                    residual_m: found.residual,
                    height_error_m: found.height_error,
                    height_error_before_m,
                    iterations,
                    confidence,
                    accepted: true,
                });
            }
            if off > before || (round == params.iterations && Some(*field) == last_field) {
                return Err(not_converging(&found, iterations, params.tolerance));
            }
            before = off;
            rise(cx, &found).await?;
        }
    }
    Err(JobError::new(
        ErrorKind::Usage,
        "no field was given; nothing moved",
        "leave fields out for the defaults",
    ))
}

/// Corrects the height by what was measured.
pub(super) async fn rise(cx: &JobCx, found: &Measured) -> Result<(), JobError> {
    // along the axes of the unturned picture only y is height, so x of a turned picture goes along with it
    let now = Now::read(cx).await?;
    let upright = model::kinematics::scan::to_axes(found.residual, now.scan_rotation.ion);
    let step = model::kinematics::scan::to_picture(Point { x: 0.0, y: upright.y }, now.scan_rotation.ion);
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

fn not_converging(found: &Measured, iterations: usize, tolerance: f64) -> JobError {
    let reason = format!(
        "after {iterations} pairs the FIB picture is still {} off, more than {}",
        units::format(found.residual.y, Unit::Metre),
        units::format(tolerance, Unit::Metre)
    );
    doubtful(&reason, found.confidence, Some(found))
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

/// Takes a picture with each beam and finds where the SEM picture's centre is in the FIB picture. `search`: it cannot be
/// further than this (m along the sample).
pub(super) async fn measure(cx: &JobCx, params: &Coincidence, field: f64, search: f64) -> Result<Measured, JobError> {
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
    let pixel = field / f64::from(size.0.max(1));
    let limit = (search / pixel)
        .max(ROOM * f64::from(size.0))
        .min(WIDEST * f64::from(size.1));
    let [coarse, fine] = cx
        .compute(move || {
            let [electron, ion] = [(Beam::Electron, electron), (Beam::Ion, ion)]
                .map(|(beam, frame)| view.resample(beam, &frame.pixels.to_f32()))
                .map(|picture| gaussian(picture.view(), SMOOTH_PX, Border::Reflect));
            BANDS.map(|band| in_band(&electron, &ion, band, limit))
        })
        .await?;
    let (coarse, fine) = (coarse?, fine?);
    let apart = (coarse.dx_px - fine.dx_px).hypot(coarse.dy_px - fine.dy_px);
    let confidence = coarse.confidence.min(fine.confidence);
    if let Some(refused) = [&coarse, &fine].into_iter().find(|r| !r.accepted) {
        let why = refused.reason.as_deref().unwrap_or("no clear match");
        let reason = format!("at a field of {}, {why}", units::format(field, Unit::Metre));
        return Err(doubtful(&reason, confidence, None));
    }
    if apart > AGREE_PX {
        return Err(doubtful(
            &format!(
                "at a field of {}, coarse and fine structure disagree by {apart:.0} px",
                units::format(field, Unit::Metre)
            ),
            confidence,
            None,
        ));
    }
    let along = pixel * fine.dx_px.hypot(fine.dy_px);
    if along > search {
        let reason = format!(
            "it seems to be {} away, further than the {} searched",
            units::format(along, Unit::Metre),
            units::format(search, Unit::Metre)
        );
        return Err(doubtful(&reason, confidence, None));
    }
    let residual = view.to_picture(
        Beam::Ion,
        Point {
            x: fine.dx_px * pixel,
            y: -fine.dy_px * pixel,
        },
    );
    let step = vertical::checked(&now.setup(), residual.x, residual.y)?;
    // the move would bring the sample up by this much, so it is too low by it
    let rise = camera::chamber_motion(&now.geometry, &now.pose, &step).z;
    Ok(Measured {
        residual,
        height_error: -rise,
        confidence,
    })
}

fn in_band(
    electron: &Array2<f32>,
    ion: &Array2<f32>,
    (highpass, lowpass, sigma): (f64, f64, f64),
    limit: f64,
) -> Result<Registration, JobError> {
    let cross = CrossCorrelation {
        highpass,
        lowpass,
        sigma,
        subpixel: true,
        limit: Some(limit),
        ..CrossCorrelation::default()
    };
    let options = Options {
        cross,
        limit_px: Some(limit),
        min_confidence: LEAST_CONFIDENCE,
    };
    register(electron.view(), ion.view(), Method::CrossCorrelation, &options)
        .map_err(|e| doubtful(&e.to_string(), 0.0, None))
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
