//! The plan of a focus search: passes of evenly spaced working distances, each centred on the best of the one before.

use serde::{Deserialize, Serialize};

/// Most positions of a pass: more is a slip in range or step, not a search.
const MAX_STEPS: f64 = 1000.0;

/// One sweep about a centre; metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FocusPass {
    /// Whole span: positions cover centre - range/2 to centre + range/2.
    #[serde(rename = "search_range")]
    pub range: f64,
    #[serde(rename = "step_size")]
    pub step: f64,
}

impl FocusPass {
    /// Number of intervals: range/step rounded half to even, at least 1 (openFIBSEM's rule); one position more is visited.
    pub fn steps(&self) -> usize {
        (self.range / self.step).round_ties_even().clamp(1.0, MAX_STEPS) as usize
    }

    /// The working distances to visit, evenly from low to high.
    pub fn positions(&self, centre: f64) -> Vec<f64> {
        let (n, low) = (self.steps(), centre - 0.5 * self.range);
        (0..=n).map(|i| low + self.range * i as f64 / n as f64).collect()
    }
}

/// A working distance (m) with the sharpness measured there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FocusPoint {
    #[serde(rename = "pass_index")]
    pub pass: usize,
    pub working_distance: f64,
    #[serde(rename = "focus_score")]
    pub score: f64,
}

/// Why a sweep cannot be planned or a score taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SweepError {
    #[error("the focus search has no pass; give at least one range and step")]
    NoPass,
    #[error(
        "a focus pass of range {range} m and step {step} m cannot be run; both must be above 0, with at most {MAX_STEPS} steps"
    )]
    BadPass { range: f64, step: f64 },
    #[error("{0} m is not a working distance to search about")]
    BadCentre(f64),
    #[error("a focus score of {0} is not a number; that position was not counted, measure it again")]
    BadScore(f64),
    #[error("the focus search is finished; start a new one")]
    Finished,
}

/// A search in progress: ask for [`FocusSweep::next_position`], measure there, [`FocusSweep::feed`] the score, until there is none.
#[derive(Clone, Debug)]
pub struct FocusSweep {
    passes: Vec<FocusPass>,
    points: Vec<FocusPoint>,
    pass: usize,
    positions: Vec<f64>,
    /// How many of `positions` have been measured.
    measured: usize,
}

impl FocusSweep {
    /// openFIBSEM's default: 50 um in 5 um steps, then 10 um in 1 um steps.
    pub const DEFAULT_PASSES: [FocusPass; 2] = [
        FocusPass {
            range: 50e-6,
            step: 5e-6,
        },
        FocusPass {
            range: 10e-6,
            step: 1e-6,
        },
    ];

    /// Searches about `centre` (m). Refuses no pass, a range or step that is not above 0, more than 1000 steps, a centre that is not finite.
    pub fn new(passes: &[FocusPass], centre: f64) -> Result<Self, SweepError> {
        let good = |p: &&FocusPass| {
            p.range.is_finite() && p.step.is_finite() && p.range > 0.0 && p.step > 0.0 && p.range / p.step <= MAX_STEPS
        };
        if let Some(p) = passes.iter().find(|p| !good(p)) {
            return Err(SweepError::BadPass {
                range: p.range,
                step: p.step,
            });
        }
        if !centre.is_finite() {
            return Err(SweepError::BadCentre(centre));
        }
        let first = passes.first().ok_or(SweepError::NoPass)?;
        Ok(FocusSweep {
            positions: first.positions(centre),
            passes: passes.to_vec(),
            points: Vec::new(),
            pass: 0,
            measured: 0,
        })
    }

    /// Whether a later pass is wider than the one before: allowed, as in the original, but worth a warning.
    pub fn widens(&self) -> bool {
        self.passes.windows(2).any(|p| p[1].range > p[0].range)
    }

    /// The working distance (m) to measure next, or `None` when the search is done.
    pub fn next_position(&self) -> Option<f64> {
        self.positions.get(self.measured).copied()
    }

    /// Takes the score of [`FocusSweep::next_position`]. A score that is not finite is refused and the position stays due.
    pub fn feed(&mut self, score: f64) -> Result<(), SweepError> {
        let working_distance = self.next_position().ok_or(SweepError::Finished)?;
        if !score.is_finite() {
            return Err(SweepError::BadScore(score));
        }
        self.points.push(FocusPoint {
            pass: self.pass,
            working_distance,
            score,
        });
        self.measured += 1;
        if self.measured == self.positions.len() && self.pass + 1 < self.passes.len() {
            let centre = best_of(self.in_pass(self.pass)).map_or(working_distance, |p| p.working_distance);
            self.pass += 1;
            self.positions = self.passes[self.pass].positions(centre);
            self.measured = 0;
        }
        Ok(())
    }

    /// (positions measured, positions of all passes).
    pub fn progress(&self) -> (usize, usize) {
        (self.points.len(), self.passes.iter().map(|p| p.steps() + 1).sum())
    }

    /// Everything measured, in order.
    pub fn points(&self) -> &[FocusPoint] {
        &self.points
    }

    /// The sharpest position measured in any pass; the first of equals.
    pub fn best(&self) -> Option<FocusPoint> {
        best_of(self.points.iter())
    }

    /// The top (m) of a parabola through the best position and its neighbours in the same pass: finer than the step. The
    /// best position itself at the end of its pass, or where the three points have no top.
    pub fn refined(&self) -> Option<f64> {
        let best = self.best()?;
        let pass: Vec<_> = self.in_pass(best.pass).collect();
        let at = pass.iter().position(|p| **p == best)?;
        let interior = at
            .checked_sub(1)
            .and_then(|before| Some((pass.get(before)?, pass.get(at + 1)?)));
        let Some((before, after)) = interior else {
            return Some(best.working_distance);
        };
        let curvature = 2.0 * best.score - before.score - after.score;
        let step = 0.5 * (after.working_distance - before.working_distance);
        let offset = if curvature > 0.0 {
            0.5 * (after.score - before.score) / curvature
        } else {
            0.0
        };
        Some(best.working_distance + step * offset)
    }

    /// Whether the best position is the first or last of its pass: focus may lie outside the range searched.
    pub fn best_at_end(&self) -> bool {
        let Some(best) = self.best() else { return false };
        let ends = [self.in_pass(best.pass).next(), self.in_pass(best.pass).next_back()];
        ends.into_iter().flatten().any(|end| *end == best)
    }

    fn in_pass(&self, pass: usize) -> impl DoubleEndedIterator<Item = &FocusPoint> {
        self.points.iter().filter(move |p| p.pass == pass)
    }
}

fn best_of<'a>(points: impl Iterator<Item = &'a FocusPoint>) -> Option<FocusPoint> {
    points
        .copied()
        .reduce(|best, next| if next.score > best.score { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(passes: &[FocusPass], centre: f64, score: impl Fn(f64) -> f64) -> FocusSweep {
        let mut sweep = FocusSweep::new(passes, centre).unwrap();
        while let Some(wd) = sweep.next_position() {
            sweep.feed(score(wd)).unwrap();
        }
        sweep
    }

    #[test]
    fn positions_follow_the_originals_rule() {
        let pass = |range: f64, step: f64| FocusPass { range, step };
        assert_eq!(pass(2.5, 1.0).steps(), 2);
        assert_eq!(pass(3.5, 1.0).steps(), 4);
        assert_eq!(pass(0.1, 1.0).steps(), 1);
        assert_eq!(pass(4.0, 1.0).positions(10.0), [8.0, 9.0, 10.0, 11.0, 12.0]);
        assert_eq!(FocusSweep::DEFAULT_PASSES.map(|p| p.steps() + 1), [11, 11]);
    }

    #[test]
    fn a_search_finds_a_focus_off_the_grid() {
        let focus = 4e-3 + 7.3e-6;
        let sweep = run(&FocusSweep::DEFAULT_PASSES, 4e-3, |wd| {
            1.0 / (1.0 + ((wd - focus) / 20e-6).powi(2))
        });
        assert_eq!(sweep.progress(), (22, 22));
        assert!((sweep.best().unwrap().working_distance - focus).abs() <= 0.5e-6);
        assert!((sweep.refined().unwrap() - focus).abs() < 0.02e-6);
        assert!(!sweep.best_at_end() && !sweep.widens());
    }

    #[test]
    fn the_best_of_all_passes_wins_and_the_first_of_equals() {
        let mut sweep = FocusSweep::new(&[FocusPass { range: 2.0, step: 1.0 }; 2], 0.0).unwrap();
        for score in [1.0, 9.0, 2.0, 3.0, 3.0, 3.0] {
            sweep.feed(score).unwrap();
        }
        assert_eq!(
            sweep.best().unwrap(),
            FocusPoint {
                pass: 0,
                working_distance: 0.0,
                score: 9.0
            }
        );
        assert_eq!(sweep.feed(1.0), Err(SweepError::Finished));
        let flat = run(&[FocusPass { range: 2.0, step: 1.0 }], 5.0, |_| 1.0);
        assert_eq!(flat.refined(), Some(4.0));
        assert!(flat.best_at_end());
    }

    #[test]
    fn bad_input_is_refused_and_a_bad_score_leaves_the_position_due() {
        assert_eq!(FocusSweep::new(&[], 0.0).unwrap_err(), SweepError::NoPass);
        for (range, step) in [(0.0, 1.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, 1e-9)] {
            assert!(matches!(
                FocusSweep::new(&[FocusPass { range, step }], 0.0),
                Err(SweepError::BadPass { .. })
            ));
        }
        assert!(matches!(
            FocusSweep::new(&FocusSweep::DEFAULT_PASSES, f64::INFINITY),
            Err(SweepError::BadCentre(_))
        ));
        let mut sweep = FocusSweep::new(&[FocusPass { range: 2.0, step: 1.0 }], 0.0).unwrap();
        assert!(sweep.feed(f64::NAN).is_err());
        assert_eq!(sweep.next_position(), Some(-1.0));
    }
}
