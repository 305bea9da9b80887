//! Eucentric tilt: tilt in small steps and bring the sample back to the middle of both pictures after each.
//!
//! Source: openFIBSEM's eucentric tilt alignment: after each step the SEM picture is brought back by a move along the sample, the FIB
//! picture by one of height. Here the picture before a step is first stretched to how the sample looks after it, each correction
//! is checked by another pair of pictures, and where the sample is lost the stage goes back to where it began.

use super::beam_shift::centre_by_beam;
use super::common_view::upright;
use super::stand::Stand;
use crate::Job;
use crate::acquire::{beam_is_up, beams_there, probe, probe_dwell, probe_size};
use crate::movement::{Now, StableMove, VerticalMove, absolute, stable_move, vertical_move};
use crate::{JobCx, JobError};
use model::kinematics::{milling_angle, sample_plane, scan};
use model::{Beam, ErrorKind, Frame, ImageSettings, Point, Pose, StagePosition, Unit, units};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::json;
use vision::register::{Method, Options, Registration, register_blurred};

/// Parameters of [`eucentric_tilt`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EucentricTilt {
    /// Stage tilt to reach (rad); or `milling_angle`.
    pub tilt: Option<f64>,
    /// Angle between ion beam and sample plane to reach (rad).
    pub milling_angle: Option<f64>,
    /// Most that is tilted at once (rad).
    pub step: f64,
    /// Which pictures keep the sample in place: SEM along the sample, FIB in height.
    pub beams: Vec<Beam>,
    /// Field width of the pictures (m).
    pub hfw: f64,
    /// How far the sample may be off at the end of a step (m in each picture).
    pub tolerance: f64,
    /// Pixels of the pictures, as near as the instrument has them.
    pub resolution: (u32, u32),
    /// s per pixel.
    pub dwell_time: f64,
    /// What the stage leaves in the FIB picture at the end is taken off by the ion beam's shift: seen so obliquely, a micrometre there is
    /// many along the sample.
    pub beam_shift: bool,
}

impl Default for EucentricTilt {
    fn default() -> Self {
        EucentricTilt {
            tilt: None,
            milling_angle: None,
            step: 3f64.to_radians(),
            beams: Beam::ALL.to_vec(),
            hfw: 150e-6,
            tolerance: 1e-6,
            resolution: (768, 512),
            dwell_time: 1e-6,
            beam_shift: false,
        }
    }
}

/// What [`eucentric_tilt`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tilted {
    pub pose: Pose,
    /// Angle between ion beam and sample plane now (rad).
    pub milling_angle: f64,
    /// Steps of tilt.
    pub steps: usize,
    /// Corrections made in all of them.
    pub corrections: usize,
    /// Furthest that a picture was off before it was corrected (m).
    pub worst_m: f64,
    /// Furthest that a picture was off at the end (m), before the ion beam was shifted.
    pub residual_m: f64,
    /// By how much (m) the ion beam was shifted for the rest.
    pub shifted_m: Point,
    pub confidence: f64,
}

/// A view more oblique than this has too few lines of the sample to compare.
const LEAST_COSINE: f64 = 0.12;
/// Corrections of one beam after a step.
const ROUNDS: usize = 4;
/// A step shifts the sample by less than this (m), or it is something else that looks alike.
const SLIP: f64 = 15e-6;
/// Blur (m) that takes out the pattern of a holey film, which repeats: for pictures that cannot be told apart with it.
const BLUR: f64 = 1e-6;

/// Tilts step by step and keeps what both pictures show where it is.
pub fn eucentric_tilt(cx: JobCx, params: EucentricTilt) -> Job<Tilted> {
    Box::pin(async move {
        let beams = beams_there(&cx, &params.beams)?;
        for beam in &beams {
            beam_is_up(&cx, *beam, "nothing moved").await?;
        }
        let now = Now::read(&cx).await?;
        let tilts = plan(&cx, &now, &params, &beams)?;
        let start = Stand::read(&cx).await?;
        let mut walk = Walk {
            cx: &cx,
            params: &params,
            beams,
            corrections: 0,
            worst: 0.0,
            residual: 0.0,
            confidence: 1.0,
        };
        match walk.along(&tilts).await {
            // a sample that was lost leaves no move behind; after a stop or an error of the instrument nothing moves
            Err(error) if error.kind == ErrorKind::Doubtful => {
                start.go_back(&cx).await?;
                Err(error)
            }
            Err(error) => Err(error),
            Ok(left) => {
                let shifted_m = match left.filter(|_| params.beam_shift) {
                    Some(left) => centre_by_beam(&cx, Beam::Ion, left).await?,
                    None => Point::default(),
                };
                let pose = cx.pose().await?;
                Ok(Tilted {
                    pose,
                    milling_angle: milling_angle::of(&cx.geometry(), &pose),
                    steps: tilts.len(),
                    corrections: walk.corrections,
                    worst_m: walk.worst,
                    residual_m: walk.residual,
                    shifted_m,
                    confidence: walk.confidence,
                })
            }
        }
    })
}

/// The tilts to stop at, the last the one asked for. Refused where one cannot be reached, or a beam sees nothing there.
fn plan(cx: &JobCx, now: &Now, params: &EucentricTilt, beams: &[Beam]) -> Result<Vec<f64>, JobError> {
    let usage = |what: &str, hint: &str| JobError::new(ErrorKind::Usage, format!("{what}; nothing moved"), hint);
    let numbers = [params.step, params.hfw, params.tolerance, params.dwell_time];
    if !numbers.iter().all(|n| n.is_finite() && *n > 0.0) {
        return Err(usage(
            "step, field width, tolerance and dwell time must be above 0",
            "leave them out for 3deg, 150um, 1um, 1us",
        ));
    }
    let target = match (params.tilt, params.milling_angle) {
        (Some(tilt), None) => tilt,
        (None, Some(angle)) => milling_angle::stage_tilt(&now.geometry, angle),
        _ => {
            return Err(usage(
                "either a stage tilt or a milling angle must be given",
                "e.g. tilt=17deg, or milling-angle=15deg",
            ));
        }
    };
    let limits = cx
        .scope()
        .capabilities()
        .stage
        .as_ref()
        .and_then(|stage| stage.limits.t);
    if !target.is_finite() || limits.is_some_and(|(low, high)| !(low..=high).contains(&target)) {
        let reach = limits.map(|(low, high)| {
            format!(
                "tilt to between {:.1} and {:.1} deg",
                low.to_degrees(),
                high.to_degrees()
            )
        });
        return Err(JobError::new(
            ErrorKind::OutOfRange,
            format!(
                "this stage does not tilt to {:.1} deg; nothing moved",
                target.to_degrees()
            ),
            reach.unwrap_or_else(|| "this stage has no tilt".to_owned()),
        ));
    }
    let way = target - now.pose.t;
    let steps = (way.abs() / params.step - 1e-6).ceil().max(0.0) as usize;
    let tilts: Vec<f64> = (1..=steps)
        .map(|n| now.pose.t + way * n as f64 / steps as f64)
        .collect();
    for t in std::iter::once(now.pose.t).chain(tilts.iter().copied()) {
        let pose = Pose { t, ..now.pose };
        for beam in beams {
            let angle = sample_plane::view_angle(&now.geometry, &pose, *beam);
            if angle.cos() < LEAST_COSINE {
                return Err(JobError::new(
                    ErrorKind::OutOfRange,
                    format!(
                        "at a tilt of {:.1} deg the {beam} beam sees the sample {:.0} deg from upright, too obliquely to compare pictures; \
                         nothing moved",
                        t.to_degrees(),
                        angle.to_degrees().abs()
                    ),
                    "leave that beam out (beams=electron), or tilt less far",
                ));
            }
        }
    }
    Ok(tilts)
}

/// How the way stands.
struct Walk<'a> {
    cx: &'a JobCx,
    params: &'a EucentricTilt,
    beams: Vec<Beam>,
    corrections: usize,
    worst: f64,
    residual: f64,
    confidence: f64,
}

/// A beam's picture and how the sample stood.
struct Seen {
    picture: Array2<f32>,
    pixel: f64,
    now: Now,
    /// Where what was in the middle at the start is in this picture (m, upright, x right, y up): what a step leaves is not
    /// forgotten by the next.
    off: Point,
}

impl Walk<'_> {
    /// What lies where the middle of the FIB picture was is so far (m, y up) off in the last one.
    async fn along(&mut self, tilts: &[f64]) -> Result<Option<Point>, JobError> {
        let mut before = Vec::new();
        for beam in self.beams.clone() {
            before.push(self.look(beam).await?);
        }
        for (n, tilt) in tilts.iter().enumerate() {
            let text = format!(
                "tilt to {:.1} deg, step {} of {}",
                tilt.to_degrees(),
                n + 1,
                tilts.len()
            );
            self.cx.progress(n as f64 / tilts.len() as f64, &text);
            let only_tilt = StagePosition {
                t: Some(*tilt),
                ..StagePosition::default()
            };
            absolute(self.cx.clone(), only_tilt).await?;
            self.residual = 0.0;
            for (beam, seen) in self.beams.clone().into_iter().zip(&mut before) {
                *seen = self.hold(beam, seen).await?;
            }
        }
        let ion = self.beams.iter().position(|beam| *beam == Beam::Ion);
        let left = |seen: &Seen| scan::to_picture(seen.off, seen.now.scan_rotation.ion);
        Ok(ion.and_then(|n| before.get(n)).map(left))
    }

    async fn look(&self, beam: Beam) -> Result<Seen, JobError> {
        let settings = ImageSettings {
            beam_type: beam,
            hfw: self.params.hfw,
            resolution: probe_size(self.cx, beam, self.params.resolution),
            dwell_time: probe_dwell(self.cx, beam, self.params.dwell_time),
            reduced_area: None,
            ..self.cx.host.image_settings(beam)
        };
        let frame: Frame = probe(self.cx, &settings).await?;
        Ok(Seen {
            picture: frame.pixels.to_f32(),
            pixel: settings.pixel_size(),
            now: Now::read(self.cx).await?,
            off: Point::default(),
        })
    }

    /// Brings a beam's picture back to what it showed before the tilt; the picture it shows then.
    async fn hold(&mut self, beam: Beam, before: &Seen) -> Result<Seen, JobError> {
        let mut last = f64::INFINITY;
        for round in 0..=ROUNDS {
            let mut seen = self.look(beam).await?;
            let found = self.compare(beam, before, &mut seen).await?;
            let off = scan::to_picture(seen.off, seen.now.scan_rotation.of(beam));
            if !found.accepted {
                return Err(self.lost(beam, &seen, &found, found.reason.clone().unwrap_or_default()));
            }
            self.confidence = self.confidence.min(found.confidence);
            let far = off.x.hypot(off.y);
            self.worst = self.worst.max(far);
            let enough = self.params.tolerance.max(seen.pixel);
            if far <= enough {
                self.residual = self.residual.max(far);
                return Ok(seen);
            }
            // a stage that comes back no better than so may miss once
            if far > last.max(2.0 * enough) || round == ROUNDS {
                let reason = format!(
                    "after {round} corrections it is still {} off, more than {}",
                    units::format(far, Unit::Metre),
                    units::format(enough, Unit::Metre)
                );
                return Err(self.lost(beam, &seen, &found, reason));
            }
            last = far;
            self.correct(beam, off).await?;
        }
        Err(JobError::new(
            ErrorKind::Other,
            "the tilt ended without a picture; the stage is where its last step led",
            "look where it is, and start again",
        ))
    }

    /// Finds what was seen before in what is seen now, and notes where the middle of the start is there.
    async fn compare(&self, beam: Beam, before: &Seen, seen: &mut Seen) -> Result<Registration, JobError> {
        let cosine = |s: &Seen| sample_plane::view_angle(&s.now.geometry, &s.now.pose, beam).cos();
        let stretch = cosine(before) / cosine(seen);
        let rotation = seen.now.scan_rotation.of(beam);
        let (old, new, pixel) = (before.picture.clone(), seen.picture.clone(), seen.pixel);
        let (found, _) = self
            .cx
            .compute(move || {
                let (old, new) = (upright(&old, rotation, stretch), upright(&new, rotation, 1.0));
                let options = Options {
                    limit_px: Some(SLIP / pixel),
                    ..Options::default()
                };
                register_blurred([&old, &new], Method::CrossCorrelation, &options, BLUR / pixel)
            })
            .await?
            .map_err(|e| {
                JobError::new(
                    ErrorKind::Doubtful,
                    format!("{e}; nothing more is moved"),
                    "look at both pictures",
                )
            })?;
        seen.off = Point {
            x: before.off.x + found.dx_px * pixel,
            y: before.off.y / stretch - found.dy_px * pixel,
        };
        Ok(found)
    }

    async fn correct(&mut self, beam: Beam, off: Point) -> Result<(), JobError> {
        self.corrections += 1;
        let alone = self.beams.len() == 1;
        if beam == Beam::Electron || alone {
            let along = StableMove {
                dx: off.x,
                dy: off.y,
                beam,
                static_wd: false,
            };
            stable_move(self.cx.clone(), along).await?;
        } else {
            let height = VerticalMove {
                dx: off.x,
                dy: off.y,
                exact: true,
            };
            vertical_move(self.cx.clone(), height).await?;
        }
        Ok(())
    }

    fn lost(&self, beam: Beam, seen: &Seen, found: &Registration, reason: String) -> JobError {
        let tilt = seen.now.pose.t.to_degrees();
        JobError::new(
            ErrorKind::Doubtful,
            format!("at a tilt of {tilt:.1} deg the sample was lost in the {} picture: {reason}; the stage stands where it stood", beam.short()),
            "centre a clear feature and bring it to coincidence first, tilt in smaller steps or use a wider field",
        )
        .with_data(json!({
            "accepted": false,
            "reason": reason,
            "tilt_rad": seen.now.pose.t,
            "beam": beam,
            "confidence": found.confidence,
            "dx_m": found.dx_px * seen.pixel,
            "dy_m": found.dy_px * seen.pixel,
        }))
    }
}
