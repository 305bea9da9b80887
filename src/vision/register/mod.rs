//! How far one picture lies from another, and whether to believe it.
//!
//! [`register`] is for everyone above: it runs a [`Method`], weighs independent evidence (`evidence.rs`) and accepts or refuses
//! with a reason. [`cross_correlation`] and [`phase_correlation`] are the bare methods with the original's numbers and scores;
//! [`shift_between`] is the quick sub-pixel shift for frames of one series.
//!
//! Convention: the displacement of `new` relative to `reference` in pixels, dx > 0 = the feature moved right, dy > 0 = down.
//! A new method is a file here, a variant of `Method` with its file name, and an arm in `register`.

mod band;
mod cross;
mod evidence;
mod fft;
mod phase;

pub use cross::{CrossCorrelation, cross_correlation};
pub use evidence::{Evidence, shift_between};
pub use phase::phase_correlation;

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Displacement of a picture relative to another, pixels, with the score of the method that found it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Positive: the feature moved right.
    pub dx_px: f64,
    /// Positive: the feature moved down.
    pub dy_px: f64,
    /// The method's own figure; see each method for its range and worth.
    pub score: f64,
}

/// Ways to register, by their names in openFIBSEM's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    #[default]
    CrossCorrelation,
    PhaseCorrelation,
}

impl Method {
    pub const ALL: [Method; 2] = [Method::CrossCorrelation, Method::PhaseCorrelation];

    pub fn name(self) -> &'static str {
        match self {
            Method::CrossCorrelation => "cross-correlation",
            Method::PhaseCorrelation => "phase-correlation",
        }
    }
}

/// How to register and how sure to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Settings of the cross-correlation; unused by the phase correlation.
    pub cross: CrossCorrelation,
    /// Refuse a shift longer than this, pixels. Without it, half the field is the limit.
    pub limit_px: Option<f64>,
    /// Accept at this confidence (0..1) or above.
    pub min_confidence: f64,
}

impl Default for Options {
    fn default() -> Self {
        let cross = CrossCorrelation {
            subpixel: true,
            ..CrossCorrelation::default()
        };
        Options {
            cross,
            limit_px: None,
            min_confidence: 0.5,
        }
    }
}

/// A shift with the reasons to act on it or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// Pixels, positive = right. Meaningless when not accepted, and 0 when nothing was found at all.
    pub dx_px: f64,
    /// Pixels, positive = down.
    pub dy_px: f64,
    /// 0..1: the weakest of the pieces of evidence, not the method's score.
    pub confidence: f64,
    pub method: Method,
    pub accepted: bool,
    /// Why it was refused; `None` when accepted.
    pub reason: Option<String>,
}

/// What makes a pair of pictures, or the settings, unusable. Nothing has been computed then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RegisterError {
    #[error("the {what} is {}x{} pixels but the reference is {}x{}; acquire both at one resolution", .new.1, .new.0, .reference.1, .reference.0)]
    SizeMismatch {
        what: &'static str,
        reference: (usize, usize),
        new: (usize, usize),
    },
    #[error("the {what} picture is {}x{} pixels; registration needs at least {MIN_SIDE} on each side", .size.1, .size.0)]
    TooSmall { what: &'static str, size: (usize, usize) },
    #[error("the {what} picture holds values that are not finite numbers; acquire it again")]
    NotFinite { what: &'static str },
    #[error(
        "the {what} picture is blank (every pixel the same); check beam, blanking, contrast and brightness, and acquire again"
    )]
    Blank { what: &'static str },
    #[error("nothing of the pictures is left inside the band-pass and the mask; widen them")]
    Featureless,
    #[error(
        "a setting is out of range: {0}; lengths are finite and not negative, highpass is below lowpass, confidence is 0 to 1"
    )]
    Settings(String),
}

/// Smallest side of a picture that can be registered, pixels.
pub const MIN_SIDE: usize = 16;

/// The shift of `new` relative to `reference`, with a confidence, accepted or refused with a reason.
///
/// Refused (`accepted` false, no error): blank pictures, featureless noise, a repeating pattern without a unique match, different
/// scenes, a shift beyond `limit_px` or half the field, and disagreement between the method and the evidence.
/// Errors: pictures of different or too small size, values that are not finite, settings out of range.
pub fn register(
    reference: ArrayView2<f32>,
    new: ArrayView2<f32>,
    method: Method,
    options: &Options,
) -> Result<Registration, RegisterError> {
    let limit_ok = options.limit_px.is_none_or(|v| v.is_finite() && v > 0.0);
    if !limit_ok || !(0.0..=1.0).contains(&options.min_confidence) {
        return Err(RegisterError::Settings(format!(
            "limit {:?}, confidence {}",
            options.limit_px, options.min_confidence
        )));
    }
    let refuse = |reason: String| Registration {
        dx_px: 0.0,
        dy_px: 0.0,
        confidence: 0.0,
        method,
        accepted: false,
        reason: Some(reason),
    };
    let pair = match check_pair(reference, new) {
        Err(blank @ RegisterError::Blank { .. }) => return Ok(refuse(blank.to_string())),
        other => other?,
    };
    let found = match method {
        Method::CrossCorrelation => cross::correlate(&pair, &options.cross),
        Method::PhaseCorrelation => Ok(phase::correlate(&pair)),
    };
    let found = match found {
        Err(nothing @ RegisterError::Featureless) => return Ok(refuse(nothing.to_string())),
        other => other?,
    };
    let evidence = Evidence::weigh_pair(&pair, options.limit_px)?;
    let verdict = evidence.judge(&found, reference.dim(), options.limit_px);
    let accepted = verdict.confidence >= options.min_confidence;
    Ok(Registration {
        dx_px: found.dx_px,
        dy_px: found.dy_px,
        confidence: verdict.confidence,
        method,
        accepted,
        reason: (!accepted).then_some(verdict.weakest),
    })
}

/// A picture that can be registered: large enough, finite, not constant.
#[derive(Clone, Copy, Debug)]
struct Picture<'a> {
    pixels: ArrayView2<'a, f32>,
    moments: Moments,
}

impl<'a> Picture<'a> {
    fn check(pixels: ArrayView2<'a, f32>, what: &'static str) -> Result<Self, RegisterError> {
        if pixels.nrows() < MIN_SIDE || pixels.ncols() < MIN_SIDE {
            return Err(RegisterError::TooSmall {
                what,
                size: pixels.dim(),
            });
        }
        let moments = Moments::of(pixels);
        if !(moments.mean.is_finite() && moments.std.is_finite()) {
            return Err(RegisterError::NotFinite { what });
        }
        // A constant picture's variance may come out as the rounding of its mean.
        if moments.std <= 1e-9 * moments.mean.abs() {
            return Err(RegisterError::Blank { what });
        }
        Ok(Picture { pixels, moments })
    }
}

/// Two such pictures of one size.
fn check_pair<'a>(reference: ArrayView2<'a, f32>, new: ArrayView2<'a, f32>) -> Result<[Picture<'a>; 2], RegisterError> {
    if reference.dim() != new.dim() {
        return Err(RegisterError::SizeMismatch {
            what: "new picture",
            reference: reference.dim(),
            new: new.dim(),
        });
    }
    Ok([Picture::check(reference, "reference")?, Picture::check(new, "new")?])
}

/// Mean and population standard deviation.
#[derive(Clone, Copy, Debug)]
struct Moments {
    mean: f64,
    std: f64,
}

impl Moments {
    fn of(picture: ArrayView2<f32>) -> Self {
        // Sums of differences from one of the pixels: no cancellation for a bright picture of little contrast.
        let pivot = picture.first().map_or(0.0, |v| f64::from(*v));
        let row_sums = |row: ArrayView1<f32>| {
            let add = |sum: (f64, f64), v: f32| {
                let d = f64::from(v) - pivot;
                (sum.0 + d, sum.1 + d * d)
            };
            match row.as_slice() {
                Some(values) => lanes(values, [(0.0, 0.0); 8], add).into_iter().fold((0.0, 0.0), both),
                None => row.iter().copied().fold((0.0, 0.0), add),
            }
        };
        let rows: Vec<(f64, f64)> = picture.outer_iter().into_par_iter().map(row_sums).collect();
        let (sum, squares) = rows.into_iter().fold((0.0, 0.0), both);
        let n = picture.len() as f64;
        let mean = sum / n;
        Moments {
            mean: pivot + mean,
            std: (squares / n - mean * mean).max(0.0).sqrt(),
        }
    }
}

fn both(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 + b.0, a.1 + b.1)
}

/// A fold in lanes that do not wait for each other: the compiler may not do that with sums of floats by itself.
fn lanes<T: Copy, S: Copy, const N: usize>(values: &[T], start: [S; N], fold: impl Fn(S, T) -> S) -> [S; N] {
    let mut lanes = start;
    let chunks = values.chunks_exact(N);
    for (lane, v) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane = fold(*lane, *v);
    }
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = fold(*lane, *v);
        }
    }
    lanes
}

/// The largest of some finite numbers.
fn largest<T: Copy + Default + PartialOrd>(values: &[T]) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    let first = values.first().copied().unwrap_or_default();
    lanes(values, [first; 16], larger).into_iter().fold(first, larger)
}
