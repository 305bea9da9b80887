//! Whether a model is worse than one before it.

use super::{Report, Scored};
use std::fmt;

/// A figure that went down.
#[derive(Clone, Debug, PartialEq)]
pub struct Worse {
    pub checkpoint: String,
    /// The one it is held against.
    pub against: String,
    pub figure: String,
    pub was: f64,
    /// `None`: not measured any more.
    pub is: Option<f64>,
}

impl fmt::Display for Worse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Worse {
            checkpoint,
            against,
            figure,
            was,
            is,
        } = self;
        match is {
            Some(is) => write!(f, "{checkpoint}: {figure} is {is:.3}, and was {was:.3} with {against}"),
            None => write!(
                f,
                "{checkpoint}: {figure} was not measured; it was {was:.3} with {against}"
            ),
        }
    }
}

/// What of `report` is worse than `baseline` by more than `tolerance` (a share: 0.01 is one per cent of hits, or of IoU).
///
/// A checkpoint is held against the one of its name in the baseline, or, where there is none, against the best of it. Every hit rate and every
/// IoU of the baseline counts; figures that only the new report has do not.
pub fn worse(report: &Report, baseline: &Report, tolerance: f64) -> Vec<Worse> {
    let mut found = Vec::new();
    for scored in &report.checkpoints {
        let same = baseline.checkpoints.iter().find(|b| b.checkpoint == scored.checkpoint);
        let best = || baseline.checkpoints.iter().max_by(|a, b| worth(a).total_cmp(&worth(b)));
        let Some(before) = same.or_else(best) else { continue };
        for (figure, was) in figures(before, &baseline.thresholds) {
            let now = figures(scored, &report.thresholds);
            let is = now.into_iter().find(|(name, _)| *name == figure).map(|(_, is)| is);
            // the last digits are the arithmetic's
            if is.is_none_or(|is| is < was - tolerance - 1e-9) {
                found.push(Worse {
                    checkpoint: scored.checkpoint.clone(),
                    against: before.checkpoint.clone(),
                    figure,
                    was,
                    is,
                });
            }
        }
    }
    found
}

/// The mean of all figures.
fn worth(scored: &Scored) -> f64 {
    let all = figures(scored, &[]);
    all.iter().map(|(_, v)| v).sum::<f64>() / all.len().max(1) as f64
}

/// Every figure of which more is better, 0 to 1, by name.
fn figures(scored: &Scored, thresholds: &[f64]) -> Vec<(String, f64)> {
    let mut all = Vec::new();
    for feature in &scored.features {
        for (i, rate) in feature.hit_rate.iter().enumerate() {
            let within = thresholds.get(i).map_or_else(|| format!("#{i}"), |t| format!("{t} px"));
            all.push((format!("the hit rate of {} within {within}", feature.feature), *rate));
        }
    }
    for class in &scored.classes {
        all.push((format!("the IoU of {}", class.label), class.iou));
    }
    all.extend(scored.mean_iou.map(|iou| ("the mean IoU".to_owned(), iou)));
    all
}
