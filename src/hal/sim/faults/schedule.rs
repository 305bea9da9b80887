//! A scenario while it is played: what strikes when, and what it has set for the acts to come.

use super::{Effect, Faults, Sort, When};
use model::Axis;
use std::collections::BTreeMap;

/// A scenario being played.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    faults: Faults,
    /// How often each `at` entry has struck.
    struck: Vec<u32>,
    counts: BTreeMap<Sort, u32>,
    /// What an act has set off and has not struck yet: clock time and effect.
    fuses: Vec<(f64, Effect)>,
    stuck: Option<(Axis, f64)>,
    dead_until: f64,
    hang: Option<f64>,
    idle_lie: Option<f64>,
    stop_lies: u32,
    dropped: u32,
    stuck_needle: f64,
    stuck_valves: u32,
}

impl Schedule {
    /// A scenario set at clock time `now`: what repeats goes on from there, a single entry that is past strikes at once.
    pub fn new(faults: Faults, now: f64) -> Schedule {
        let missed = |(when, _): &(When, Effect)| match when {
            When::At {
                first,
                every: Some(every),
            } => ((now - first) / every).ceil().max(0.0) as u32,
            _ => 0,
        };
        Schedule {
            struck: faults.0.iter().map(missed).collect(),
            faults,
            ..Schedule::default()
        }
    }

    /// The next entry whose time has come by `t`, earliest first.
    pub fn due(&mut self, t: f64) -> Option<(f64, Effect)> {
        let times = self
            .faults
            .0
            .iter()
            .enumerate()
            .filter_map(|(i, (when, effect))| match when {
                When::At { first, every } => {
                    let times = self.struck[i];
                    match every {
                        Some(every) => Some((i, first + f64::from(times) * every, *effect)),
                        None => (times == 0).then_some((i, *first, *effect)),
                    }
                }
                When::On { .. } => None,
            });
        let next = times.filter(|(_, at, _)| *at <= t).min_by(|a, b| a.1.total_cmp(&b.1));
        let fuse = self.fuses.iter().enumerate().filter(|(_, (at, _))| *at <= t);
        let fuse = fuse.min_by(|a, b| a.1.0.total_cmp(&b.1.0)).map(|(i, (at, _))| (i, *at));
        match (next, fuse) {
            (next, Some((i, at))) if next.is_none_or(|(_, first, _)| at < first) => Some(self.fuses.remove(i)),
            (Some((i, at, effect)), _) => {
                self.struck[i] += 1;
                Some((at, effect))
            }
            (None, _) => None,
        }
    }

    /// Counts an act of `sort` at clock time `t`; what strikes at once because of it.
    pub fn on(&mut self, sort: Sort, t: f64) -> Vec<Effect> {
        let count = self.counts.entry(sort).or_insert(0);
        *count += 1;
        let mut strikes = Vec::new();
        for (when, effect) in &self.faults.0 {
            match when {
                When::On { sort: on, nth, after } if *on == sort && nth == count => {
                    if *after > 0.0 {
                        self.fuses.push((t + after, *effect));
                    } else {
                        strikes.push(*effect);
                    }
                }
                _ => {}
            }
        }
        strikes
    }

    /// Remembers a condition from clock time `t` on; what the world itself must do is not for here.
    pub fn arm(&mut self, effect: Effect, t: f64) {
        match effect {
            Effect::StuckAxis { axis, lasts } => self.stuck = Some((axis, t + lasts)),
            Effect::DeadLink { lasts } => self.dead_until = t + lasts,
            Effect::Timeout { lasts } => self.hang = Some(lasts),
            Effect::IdleLie { lasts } => self.idle_lie = Some(lasts),
            Effect::StopLie => self.stop_lies += 1,
            Effect::DroppedFrame => self.dropped += 1,
            Effect::StuckNeedle { lasts } => self.stuck_needle = t + lasts,
            Effect::StuckValve => self.stuck_valves += 1,
            Effect::VacuumLoss
            | Effect::BeamTrip { .. }
            | Effect::WrongPreset { .. }
            | Effect::HandPanel { .. }
            | Effect::NewSample => {}
        }
    }

    pub fn stuck(&self, t: f64) -> Option<Axis> {
        self.stuck.filter(|(_, until)| t < *until).map(|(axis, _)| axis)
    }

    pub fn is_dead(&self, t: f64) -> bool {
        t < self.dead_until
    }

    /// Seconds by which what is begun now ends too late.
    pub fn take_hang(&mut self) -> f64 {
        self.hang.take().unwrap_or(0.0)
    }

    /// Seconds by which the move begun now says idle too early.
    pub fn take_idle_lie(&mut self) -> f64 {
        self.idle_lie.take().unwrap_or(0.0)
    }

    pub fn take_stop_lie(&mut self) -> bool {
        take_one(&mut self.stop_lies)
    }

    pub fn needle_is_stuck(&self, t: f64) -> bool {
        t < self.stuck_needle
    }

    pub fn take_stuck_valve(&mut self) -> bool {
        take_one(&mut self.stuck_valves)
    }

    pub fn take_dropped(&mut self) -> bool {
        take_one(&mut self.dropped)
    }
}

fn take_one(count: &mut u32) -> bool {
    let any = *count > 0;
    *count = count.saturating_sub(1);
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Beam;

    #[test]
    fn entries_strike_in_the_order_of_the_clock_and_repeat() {
        let faults = Faults::parse("- {at: 5, every: 10, kind: dropped-frame}\n- {at: 8, kind: stop-lie}").unwrap();
        let mut schedule = Schedule::new(faults, 0.0);
        assert_eq!(schedule.due(4.9), None);
        let all: Vec<_> = std::iter::from_fn(|| schedule.due(26.0)).collect();
        let times: Vec<f64> = all.iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [5.0, 8.0, 15.0, 25.0]);
        assert_eq!(all[1].1, Effect::StopLie);
    }

    #[test]
    fn acts_are_counted_by_sort() {
        let faults = Faults::parse("- {on: move, nth: 2, kind: timeout, for: 3}").unwrap();
        let mut schedule = Schedule::new(faults, 0.0);
        assert!(schedule.on(Sort::Move, 0.0).is_empty());
        assert!(schedule.on(Sort::Acquire, 0.0).is_empty());
        assert_eq!(schedule.on(Sort::Move, 0.0), [Effect::Timeout { lasts: 3.0 }]);
        assert!(schedule.on(Sort::Move, 0.0).is_empty());
    }

    #[test]
    fn what_an_act_sets_off_strikes_after_its_time_among_the_others() {
        let faults = Faults::parse(
            "- {on: pattern, nth: 1, after: 10, kind: beam-trip, beam: ion}\n- {at: 12, kind: stop-lie}\n- {at: 20, kind: stop-lie}",
        )
        .unwrap();
        let mut schedule = Schedule::new(faults, 0.0);
        assert!(schedule.on(Sort::Pattern, 5.0).is_empty());
        assert_eq!(schedule.due(11.0), None);
        let all: Vec<_> = std::iter::from_fn(|| schedule.due(30.0)).collect();
        assert_eq!(all.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [12.0, 15.0, 20.0]);
        assert_eq!(all[1].1, Effect::BeamTrip { beam: Beam::Ion });
    }

    #[test]
    fn conditions_pass() {
        let mut schedule = Schedule::default();
        schedule.arm(
            Effect::StuckAxis {
                axis: Axis::Y,
                lasts: 10.0,
            },
            5.0,
        );
        assert_eq!((schedule.stuck(14.9), schedule.stuck(15.0)), (Some(Axis::Y), None));
        schedule.arm(Effect::DeadLink { lasts: 2.0 }, 5.0);
        assert!(schedule.is_dead(6.9) && !schedule.is_dead(7.0));
        schedule.arm(Effect::StopLie, 5.0);
        assert!(schedule.take_stop_lie() && !schedule.take_stop_lie());
    }
}
