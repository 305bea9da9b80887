//! When a milling task will be done: the estimate at first, then more and more what was measured.
//!
//! Beam time and the time around it (changes of current, alignments, pictures) go wrong for different reasons, so each has a
//! factor of its own: what was spent over what was foreseen, with the estimate counted in as if a little of it had been
//! measured. A stage that mills follows its own rate; those to come follow that of all stages so far: not over the table of
//! measured rates, which strays from current to current, but over volume by current, by which instruments plan.

use crate::estimate::{CURRENT_CHANGE, Planner, alignment_time, counted_volume, image_time, stage_time};
use crate::task::MillingTask;
use model::capabilities::MillingControl;

/// What is foreseen for one stage, s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Leg {
    /// Before its beam is on: current, alignment, pictures.
    pub before: f64,
    /// Beam time.
    pub milling: f64,
    /// What its beam time is proportional to among the stages, in any unit; 0 = to what is foreseen.
    pub bulk: f64,
    /// Interruptions while it mills: drift correction at intervals. Spread evenly over the stage.
    pub during: f64,
}

/// How much of the foreseen time the estimate counts as, against what is measured. Small: a rate that is off by a factor of two
/// must show within a few seconds of milling.
const PRIOR: f64 = 0.005;

/// A running estimate of the time to the end; feed it what is measured, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Eta {
    legs: Vec<Leg>,
    after: f64,
    measured: Vec<Measured>,
    finishing: Option<f64>,
}

/// What is known of one stage, s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Measured {
    preparing: f64,
    fraction: f64,
    beam: f64,
    begun: bool,
}

impl Eta {
    /// For stages as foreseen, and `after` (s) for what follows the last one: current back, pictures.
    pub fn new(legs: Vec<Leg>, after: f64) -> Eta {
        let sane = |x: f64| if x.is_finite() { x.max(0.0) } else { 0.0 };
        let legs: Vec<Leg> = legs
            .into_iter()
            .map(|leg| Leg {
                before: sane(leg.before),
                milling: sane(leg.milling),
                bulk: sane(leg.bulk),
                during: sane(leg.during),
            })
            .collect();
        let measured = vec![Measured::default(); legs.len()];
        Eta {
            legs,
            after: sane(after),
            measured,
            finishing: None,
        }
    }

    /// For the enabled stages of a task, counted from 0 in their order. A current is changed where it differs from the one before,
    /// and a stage is aligned at its own current; with one stage this is [`crate::estimate::task_duration`].
    pub fn of_task<'a>(task: &MillingTask, by: impl Into<Planner<'a>>) -> Eta {
        let by = by.into();
        let alignment = alignment_time(&task.alignment);
        let pictures = f64::from(task.acquisition.beams()) * image_time(&task.acquisition.imaging);
        let interval = f64::from(task.alignment.interval.max(1));
        let corrected = task.alignment.enabled && task.alignment.interval_enabled;
        let stages: Vec<_> = task.enabled().map(|(_, stage)| stage).collect();
        let currents = stages.iter().map(|s| s.milling.milling_current);
        let before: Vec<Option<f64>> = std::iter::once(None).chain(currents.map(Some)).collect();
        let legs = stages.iter().zip(before).enumerate().map(|(n, (stage, last))| {
            let milling = stage_time(stage, by);
            let change = if last == Some(stage.milling.milling_current) {
                0.0
            } else {
                CURRENT_CHANGE
            };
            // the reference picture of the alignment, taken once
            let reference = if n == 0 { alignment } else { pictures };
            Leg {
                before: reference + change + alignment,
                milling,
                bulk: bulk(stage, by.control),
                during: if corrected {
                    (milling / interval).floor() * alignment
                } else {
                    0.0
                },
            }
        });
        let last = match task.acquisition.beams() {
            0 if task.acquisition.acquire_final_image => image_time(&task.acquisition.imaging),
            0 => 0.0,
            _ => pictures,
        };
        let legs: Vec<Leg> = legs.collect();
        let after = if legs.is_empty() { 0.0 } else { CURRENT_CHANGE };
        Eta::new(legs, after + last)
    }

    /// The preparations of `stage` have taken so long so far, s.
    pub fn preparing(&mut self, stage: usize, elapsed: f64) {
        if let Some(measured) = self.measured.get_mut(stage).filter(|_| elapsed.is_finite()) {
            measured.preparing = elapsed.max(0.0);
        }
    }

    /// `stage` has done this fraction (0..1) in so much beam time, s (pauses not counted). Its preparations are over, and the
    /// stages before it are done.
    pub fn milling(&mut self, stage: usize, fraction: f64, elapsed: f64) {
        if let Some(measured) = self.measured.get_mut(stage)
            && fraction.is_finite()
            && elapsed.is_finite()
        {
            measured.begun = true;
            measured.fraction = fraction.clamp(0.0, 1.0);
            measured.beam = elapsed.max(0.0);
        }
    }

    /// The last stage is done, and what follows has taken so long so far, s.
    pub fn finishing(&mut self, elapsed: f64) {
        self.finishing = Some(elapsed.max(0.0)).filter(|e| e.is_finite());
    }

    /// The stage that is prepared or milled now; the number of stages when all are done.
    fn now(&self) -> usize {
        let touched = |m: &Measured| m.begun || m.preparing > 0.0;
        match self.finishing {
            Some(_) => self.legs.len(),
            None => self.measured.iter().rposition(touched).unwrap_or(0),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&Leg, &Measured)> {
        self.legs.iter().zip(&self.measured)
    }

    /// Beam time of a stage over what is foreseen for it, by what was measured of all.
    fn rate(&self, of: &Leg) -> f64 {
        let prior = PRIOR * self.legs.iter().map(|leg| leg.milling).sum::<f64>();
        let sum = |part: fn(&Leg) -> f64| self.pairs().map(|(leg, m)| part(leg) * m.fraction).sum::<f64>();
        let (foreseen, bulk) = (sum(|leg| leg.milling), sum(|leg| leg.bulk));
        let spent: f64 = self.measured.iter().map(|m| m.beam).sum();
        let known = self.legs.iter().all(|leg| leg.bulk > 0.0) && bulk > 0.0 && of.milling > 0.0;
        match known {
            // as if so much of this stage itself had been measured
            true => blend(prior, 1.0, spent / bulk * of.bulk / of.milling * foreseen, foreseen),
            false => blend(prior, 1.0, spent, foreseen),
        }
    }

    /// Time around the beam spent over foreseen: of preparations that are over and were measured.
    fn slowness(&self) -> f64 {
        let total = self.legs.iter().map(|leg| leg.before).sum::<f64>() + self.after;
        let done = self.pairs().filter(|(_, m)| m.begun && m.preparing > 0.0);
        let (spent, foreseen) = done.fold((0.0, 0.0), |(s, f), (leg, m)| (s + m.preparing, f + leg.before));
        blend(PRIOR * total, 1.0, spent, foreseen)
    }

    /// s to the end.
    pub fn remaining(&self) -> f64 {
        let (now, slowness) = (self.now(), self.slowness());
        let stages: f64 = self
            .pairs()
            .enumerate()
            .skip(now)
            .map(|(n, (leg, m))| {
                let rate = self.rate(leg);
                let own = match n == now && m.begun {
                    true => blend(PRIOR * leg.milling, rate, m.beam, leg.milling * m.fraction),
                    false => rate,
                };
                let before = if m.begun {
                    0.0
                } else {
                    (leg.before * slowness - m.preparing).max(0.0)
                };
                before + (1.0 - m.fraction) * (leg.milling * own + leg.during * slowness)
            })
            .sum();
        stages + (self.after * slowness - self.finishing.unwrap_or(0.0)).max(0.0)
    }

    /// What was first foreseen, s.
    pub fn first(&self) -> f64 {
        self.legs.iter().map(|l| l.before + l.milling + l.during).sum::<f64>() + self.after
    }
}

/// Volume by current of what is milled by current alone: what a preset foresees is that already, and a pattern that says its time
/// follows no law.
fn bulk(stage: &crate::MillingStage, control: MillingControl) -> f64 {
    let (pattern, current) = (&stage.pattern, stage.milling.milling_current);
    match control {
        MillingControl::Current if pattern.figure.time() == 0.0 && current > 0.0 => counted_volume(pattern) / current,
        _ => 0.0,
    }
}

/// `spent / foreseen`, with `prior` seconds counted as if they had come out at the rate `expected`.
fn blend(prior: f64, expected: f64, spent: f64, foreseen: f64) -> f64 {
    match prior + foreseen {
        0.0 => expected,
        all => (prior * expected + spent) / all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run as it really goes: rate, overhead and change-of-current errors against what was foreseen. Returns the worst error of
    /// the predicted total from 25 % of the time on, as a fraction of the real total, and the error of the first estimate.
    fn run(legs: &[Leg], after: f64, rate: impl Fn(usize) -> f64, overhead: f64) -> (f64, f64) {
        let real: Vec<Leg> = legs
            .iter()
            .enumerate()
            .map(|(n, leg)| Leg {
                before: leg.before * overhead,
                milling: leg.milling * rate(n),
                during: leg.during * overhead,
                ..*leg
            })
            .collect();
        let total: f64 = real.iter().map(|l| l.before + l.milling + l.during).sum::<f64>() + after * overhead;
        let mut eta = Eta::new(legs.to_vec(), after);
        let first = (eta.remaining() - total).abs() / total;
        assert!((eta.remaining() - eta.first()).abs() < 1e-9 * total);
        let (mut spent, mut worst) = (0.0, 0.0f64);
        let mut look = |eta: &Eta, now: f64| {
            if now >= 0.25 * total {
                worst = worst.max((now + eta.remaining() - total).abs() / total);
            }
        };
        const STEPS: u32 = 200;
        for (n, leg) in real.iter().enumerate() {
            for step in 0..=STEPS {
                let part = f64::from(step) / f64::from(STEPS);
                eta.preparing(n, part * leg.before);
                look(&eta, spent + part * leg.before);
            }
            spent += leg.before;
            for step in 0..=STEPS {
                let part = f64::from(step) / f64::from(STEPS);
                eta.milling(n, part, part * leg.milling);
                look(&eta, spent + part * (leg.milling + leg.during));
            }
            spent += leg.milling + leg.during;
        }
        for step in 0..=STEPS {
            let part = f64::from(step) / f64::from(STEPS);
            eta.finishing(part * after * overhead);
            look(&eta, spent + part * after * overhead);
        }
        assert!(eta.remaining() < 0.01 * total, "{} left of {total}", eta.remaining());
        (worst, first)
    }

    fn lamella() -> Vec<Leg> {
        [(240.0, 0.0), (150.0, 12.0), (420.0, 24.0)]
            .map(|(milling, during)| Leg {
                before: 25.6,
                milling,
                during,
                ..Leg::default()
            })
            .to_vec()
    }

    #[test]
    fn from_a_quarter_on_it_is_within_a_tenth_whatever_the_rate_and_the_overhead() {
        for rate in [0.5, 0.7, 1.0, 1.4, 2.0] {
            for overhead in [0.5, 1.0, 1.5, 2.0] {
                let (worst, first) = run(&lamella(), 24.0, |_| rate, overhead);
                assert!(
                    worst < 0.1,
                    "rate {rate}, overhead {overhead}: {worst:.3} (first estimate {first:.3})"
                );
            }
        }
    }

    #[test]
    fn it_corrects_an_estimate_that_was_far_off() {
        let (worst, first) = run(&lamella(), 24.0, |_| 2.0, 2.0);
        assert!(first > 0.4 && worst < 0.1 * first, "first {first:.3}, later {worst:.3}");
    }

    #[test]
    fn one_stage_and_many_small_ones_are_no_exception() {
        let small = [Leg {
            before: 24.0,
            milling: 60.0,
            during: 0.0,
            bulk: 0.0,
        }; 6];
        for rate in [0.5, 2.0] {
            for overhead in [0.5, 2.0] {
                let (one, _) = run(&lamella()[..1], 24.0, |_| rate, overhead);
                let (many, _) = run(&small, 24.0, |_| rate, overhead);
                assert!(
                    one < 0.1 && many < 0.1,
                    "rate {rate}, overhead {overhead}: {one:.3} {many:.3}"
                );
            }
        }
    }

    #[test]
    fn a_stage_with_a_rate_of_its_own_is_followed_while_it_mills() {
        // wrong currents: 20 % up and down around a common error
        let (worst, _) = run(&lamella(), 24.0, |n| 1.5 * [1.2, 1.0, 0.8][n], 1.0);
        assert!(worst < 0.35, "{worst:.3}");
        let mut eta = Eta::new(lamella(), 0.0);
        eta.milling(0, 1.0, 480.0);
        eta.milling(1, 1.0, 150.0);
        eta.milling(2, 0.5, 210.0);
        // the last stage goes as foreseen, though the first took twice its time
        assert!((eta.remaining() - 222.0).abs() < 3.0, "{}", eta.remaining());
    }

    #[test]
    fn where_the_table_strays_volume_by_current_leads() {
        // the instrument goes by volume and current; the table is a third too fast for the first current
        let strays = [0.6, 0.9, 0.85];
        let legs: Vec<Leg> = lamella()
            .into_iter()
            .zip(strays)
            .map(|(leg, stray)| Leg {
                bulk: leg.milling / stray,
                ..leg
            })
            .collect();
        let (worst, first) = run(&legs, 24.0, |n| 1.3 / strays[n], 1.5);
        assert!(worst < 0.1 && first > 0.2, "{worst:.3} {first:.3}");
        let blind: Vec<Leg> = legs.iter().map(|leg| Leg { bulk: 0.0, ..*leg }).collect();
        assert!(run(&blind, 24.0, |n| 1.3 / strays[n], 1.5).0 > 0.1);
    }

    #[test]
    fn nonsense_changes_nothing_and_zero_is_an_answer() {
        let mut eta = Eta::new(lamella(), 24.0);
        let first = eta.clone();
        eta.milling(9, 0.5, 1.0);
        eta.milling(0, f64::NAN, 1.0);
        eta.preparing(0, f64::INFINITY);
        assert_eq!(eta, first);
        assert_eq!(Eta::new(vec![], 0.0).remaining(), 0.0);
        let mut endless = Eta::new(
            vec![Leg {
                before: 0.0,
                milling: f64::INFINITY,
                ..Leg::default()
            }],
            0.0,
        );
        endless.milling(0, 0.5, 3.0);
        assert!(endless.remaining().is_finite());
    }
}
