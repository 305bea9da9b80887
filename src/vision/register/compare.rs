//! All methods on one pair: how far apart they are, and their common answer.
//!
//! This is what openFIBSEM writes beside a multi-step alignment. It is a note for people, no gate: two methods that share a mistake agree.
//! To decide by a shift, use [`super::register`].

use super::cross::{self, CrossCorrelation};
use super::picture::Picture;
use super::{Method, RegisterError, Shift, phase, upsampled};
use crate::View;
use crate::filter::resize;

/// Shifts further apart than this do not agree, pixels.
pub const AGREEMENT_PX: f64 = 2.0;

/// What the methods make of a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// In the order of [`Method::ALL`].
    pub shifts: [Shift; 3],
    /// The largest distance between two of them.
    pub max_disagreement_px: f64,
    pub agreement: bool,
    /// Mean of the shifts by their scores (dx, dy); (0, 0) when all scores are 0.
    pub consensus_px: (f64, f64),
}

/// A picture of another shape is resized to the reference's first, as by [`super::cross_correlation`].
///
/// Errors: as each of the methods.
pub fn compare<'a>(reference: impl Into<View<'a>>, new: impl Into<View<'a>>) -> Result<Comparison, RegisterError> {
    let (reference, mut new) = (reference.into().to_f32(), new.into().to_f32());
    if new.dim() != reference.dim() && !new.is_empty() {
        new = resize(new.view(), reference.dim()).mapv(f32::trunc);
    }
    let pair = Picture::check_pair(reference.view().into(), new.view().into())?;
    let settings = CrossCorrelation::default();
    let mut shifts = [Shift {
        dx_px: 0.0,
        dy_px: 0.0,
        score: 0.0,
    }; 3];
    for (shift, method) in shifts.iter_mut().zip(Method::ALL) {
        *shift = match method {
            Method::CrossCorrelation => cross::correlate(&pair[0], &pair[1], &settings)?,
            Method::PhaseCorrelation => phase::correlate(&pair),
            Method::SkimagePhaseCorrelation => upsampled::correlate(&pair),
        };
    }
    let pairs = shifts
        .iter()
        .flat_map(|a| shifts.iter().map(move |b| (a.dx_px - b.dx_px).hypot(a.dy_px - b.dy_px)));
    let max_disagreement_px = pairs.fold(0.0, f64::max);
    let scores: f64 = shifts.iter().map(|s| s.score).sum();
    let mean = |of: fn(&Shift) -> f64| {
        shifts.iter().map(|s| of(s) * s.score).sum::<f64>() / if scores == 0.0 { 1.0 } else { scores }
    };
    Ok(Comparison {
        max_disagreement_px,
        agreement: max_disagreement_px < AGREEMENT_PX,
        consensus_px: (mean(|s| s.dx_px), mean(|s| s.dy_px)),
        shifts,
    })
}
