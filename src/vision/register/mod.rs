//! How far one picture lies from another, and whether to believe it.
//!
//! [`register`] is for everyone above: it runs a [`Method`], weighs independent evidence (`evidence.rs`), accepts or refuses
//! with a reason, and places what it accepts by the whole overlap where noise has moved the peak (`settle.rs`). [`cross_correlation`], [`phase_correlation`] and [`skimage_phase_correlation`] are the bare methods with the original's numbers and scores;
//! [`register_blurred`] looks once more, blurred, at what repeats; [`shift_between`] is the quick sub-pixel shift for frames of one series.
//!
//! Convention: the displacement of `new` relative to `reference` in pixels, dx > 0 = the feature moved right, dy > 0 = down.
//! A new method is a file here, a variant of `Method` with its file name, and an arm in `register`.

mod band;
mod blurred;
mod compare;
mod cross;
mod evidence;
mod fft;
mod phase;
mod picture;
mod settle;
mod upsampled;

pub use blurred::{MOST_BLUR, register_blurred};
pub use compare::{AGREEMENT_PX, Comparison, compare};
pub use cross::{CrossCorrelation, cross_correlation};
pub use evidence::{Evidence, shift_between};
pub use phase::phase_correlation;
pub use picture::MIN_SIDE;
pub use upsampled::skimage_phase_correlation;

use crate::View;
use picture::Picture;
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
    SkimagePhaseCorrelation,
}

impl Method {
    pub const ALL: [Method; 3] = [
        Method::CrossCorrelation,
        Method::PhaseCorrelation,
        Method::SkimagePhaseCorrelation,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Method::CrossCorrelation => "cross-correlation",
            Method::PhaseCorrelation => "phase-correlation",
            Method::SkimagePhaseCorrelation => "skimage-phase-correlation",
        }
    }
}

/// How to register and how sure to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Settings of the cross-correlation; unused by the phase correlations.
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

/// The shift of `new` relative to `reference`, with a confidence, accepted or refused with a reason.
///
/// Refused (`accepted` false, no error): blank pictures, featureless noise, a repeating pattern without a unique match, different
/// scenes, a shift beyond `limit_px` or half the field, and disagreement between the method and the evidence.
/// Errors: pictures of different or too small size, values that are not finite, settings out of range.
pub fn register<'a>(
    reference: impl Into<View<'a>>,
    new: impl Into<View<'a>>,
    method: Method,
    options: &Options,
) -> Result<Registration, RegisterError> {
    let (reference, new) = (reference.into(), new.into());
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
    let pair = match Picture::check_pair(reference, new) {
        Err(blank @ RegisterError::Blank { .. }) => return Ok(refuse(blank.to_string())),
        other => other?,
    };
    let found = match method {
        Method::CrossCorrelation => cross::correlate(&pair[0], &pair[1], &options.cross),
        Method::PhaseCorrelation => Ok(phase::correlate(&pair)),
        Method::SkimagePhaseCorrelation => Ok(upsampled::correlate(&pair)),
    };
    let found = match found {
        Err(nothing @ RegisterError::Featureless) => return Ok(refuse(nothing.to_string())),
        other => other?,
    };
    let evidence = Evidence::weigh_pair(&pair, options.limit_px)?;
    let verdict = evidence.judge(&found, reference.dim(), options.limit_px);
    let accepted = verdict.confidence >= options.min_confidence;
    let found = if accepted { settle::settled(&pair, found) } else { found };
    Ok(Registration {
        dx_px: found.dx_px,
        dy_px: found.dy_px,
        confidence: verdict.confidence,
        method,
        accepted,
        reason: (!accepted).then_some(verdict.weakest),
    })
}
