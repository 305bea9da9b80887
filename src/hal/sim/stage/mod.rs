//! The twin's stage: motion as a function of time, so that nothing depends on how often it is looked at.
//!
//! Two poses: what the encoders say (the pose that is read, exactly where a move was told to go) and where the stage
//! really is, which differs by the configured errors. Linking does not carry the working distance along: it is the state
//! of a reference, as in openFIBSEM's Demo, whose raw coordinates the movement vectors describe.

use model::config::instrument::TwinErrors;
use model::{Axis, Pose};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Largest speed (m/s, rad/s) and acceleration (m/s2, rad/s2) of an axis, of the size of a five-axis stage of the field.
fn dynamics(axis: Axis) -> (f64, f64) {
    match axis {
        Axis::X | Axis::Y => (1e-3, 2e-3),
        Axis::Z => (0.3e-3, 1e-3),
        Axis::R => (10f64.to_radians(), 20f64.to_radians()),
        Axis::T => (2.5f64.to_radians(), 5f64.to_radians()),
    }
}

/// The controller calls a move done this long after the last step (s).
const SETTLING: f64 = 0.8;
/// Searching the reference marks at the end of homing (s).
const REFERENCING: f64 = 15.0;

/// A straight way with trapezoid speed: all axes start and arrive together.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    pub from: Pose,
    pub to: Pose,
    /// Clock seconds.
    pub start: f64,
    /// Share of the way per second at full speed, and per second squared while gaining it.
    speed: f64,
    acceleration: f64,
}

impl Leg {
    pub fn new(from: Pose, to: Pose, start: f64) -> Leg {
        let (mut speed, mut acceleration) = (f64::INFINITY, f64::INFINITY);
        for axis in Axis::ALL {
            let way = (to.get(axis) - from.get(axis)).abs();
            if way > 0.0 {
                let (v, a) = dynamics(axis);
                speed = speed.min(v / way);
                acceleration = acceleration.min(a / way);
            }
        }
        Leg {
            from,
            to,
            start,
            speed,
            acceleration,
        }
    }

    /// Seconds to gain full speed, or half of the whole time where full speed is never reached.
    fn ramp(&self) -> f64 {
        (self.speed / self.acceleration).min((1.0 / self.acceleration).sqrt())
    }

    /// Seconds from the first to the last step; 0 where nothing moves.
    pub fn duration(&self) -> f64 {
        if self.speed.is_infinite() {
            return 0.0;
        }
        let ramp = self.ramp();
        let top = self.acceleration * ramp;
        2.0 * ramp + (1.0 - top * ramp).max(0.0) / top
    }

    pub fn end(&self) -> f64 {
        self.start + self.duration()
    }

    /// Share of the way made at clock time `t`, 0..1.
    pub fn share(&self, t: f64) -> f64 {
        let (elapsed, duration) = (t - self.start, self.duration());
        if elapsed <= 0.0 {
            return 0.0;
        }
        if elapsed >= duration {
            return 1.0;
        }
        let ramp = self.ramp();
        let gained = |s: f64| 0.5 * self.acceleration * s * s;
        if elapsed < ramp {
            gained(elapsed)
        } else if elapsed > duration - ramp {
            1.0 - gained(duration - elapsed)
        } else {
            gained(ramp) + self.acceleration * ramp * (elapsed - ramp)
        }
    }

    pub fn pose(&self, t: f64) -> Pose {
        self.at(self.share(t))
    }

    /// Clock time at which that share of the way is made: the inverse of [`Leg::share`].
    pub fn when(&self, share: f64) -> f64 {
        let (ramp, duration) = (self.ramp(), self.duration());
        let gained = 0.5 * self.acceleration * ramp * ramp;
        let elapsed = if share <= gained {
            (2.0 * share / self.acceleration).sqrt()
        } else if share >= 1.0 - gained {
            duration - (2.0 * (1.0 - share) / self.acceleration).sqrt()
        } else {
            ramp + (share - gained) / (self.acceleration * ramp)
        };
        self.start + elapsed
    }

    /// The pose at a share of the way.
    pub fn at(&self, share: f64) -> Pose {
        if share >= 1.0 {
            return self.to;
        }
        let mut pose = self.from;
        for axis in Axis::ALL {
            pose.set(
                axis,
                self.from.get(axis) + share * (self.to.get(axis) - self.from.get(axis)),
            );
        }
        pose
    }
}

/// Why the stage moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Move,
    Home,
    /// The hand panel or the vendor's program: nobody here holds a ticket.
    Foreign,
}

/// Something in the way: when (clock s) and at which pose the stage touches it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    pub at: f64,
    pub pose: Pose,
    pub with: &'static str,
}

/// Motion under way: legs one after the other, then a time of settling.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    pub ticket: u64,
    pub purpose: Purpose,
    pub legs: Vec<Leg>,
    /// Clock time at which the controller calls it done.
    pub end: f64,
    /// Clock time from which the controller already says idle.
    pub claims_idle: f64,
    pub contact: Option<Contact>,
    /// An axis that did not follow: the move ends with this error.
    pub stuck: Option<Axis>,
    /// It will not hear a stop (a fault).
    pub deaf: bool,
    error_before: [f64; 3],
    error_after: [f64; 3],
}

impl Motion {
    /// Encoder pose at clock time `t`.
    pub fn pose(&self, t: f64) -> Pose {
        let current = self.legs.iter().rev().find(|leg| leg.start <= t).or(self.legs.first());
        current.map_or_else(Pose::default, |leg| leg.pose(t))
    }

    /// When the last step is made (clock s).
    pub fn arrival(&self) -> f64 {
        self.legs.last().map_or(self.end, Leg::end)
    }

    pub fn start(&self) -> f64 {
        self.legs.first().map_or(self.end, |leg| leg.start)
    }

    fn error(&self, t: f64) -> [f64; 3] {
        let (start, end) = (self.start(), self.arrival());
        let share = if end > start {
            ((t - start) / (end - start)).clamp(0.0, 1.0)
        } else {
            1.0
        };
        std::array::from_fn(|i| self.error_before[i] + share * (self.error_after[i] - self.error_before[i]))
    }
}

/// What a motion is planned from.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub ticket: u64,
    pub purpose: Purpose,
    /// Poses to go through, each on a straight way.
    pub points: &'a [Pose],
    /// Clock seconds.
    pub start: f64,
    /// An axis that stays where it is (a fault).
    pub stuck: Option<Axis>,
    /// Seconds by which the controller calls it done too late, and says idle too early (faults).
    pub late: f64,
    pub lie: f64,
}

/// How a motion ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    Arrived,
    Touched(Contact),
    Stuck(Axis),
}

#[derive(Clone, Debug)]
pub struct StageSim {
    rest: Pose,
    pub motion: Option<Motion>,
    pub homed: bool,
    pub linked: bool,
    errors: TwinErrors,
    /// Where the stage really is, less the encoders, at rest: m in x, y, z.
    error: [f64; 3],
    /// Sense of the last motion of x, y, z: -1, 0 (none yet), 1.
    sense: [f64; 3],
    rng: ChaCha8Rng,
}

impl StageSim {
    pub fn new(pose: Pose, errors: TwinErrors, rng: ChaCha8Rng) -> StageSim {
        StageSim {
            rest: pose,
            motion: None,
            homed: true,
            linked: true,
            errors,
            error: [0.0; 3],
            sense: [0.0; 3],
            rng,
        }
    }

    /// What the encoders say.
    pub fn pose(&self, t: f64) -> Pose {
        self.motion.as_ref().map_or(self.rest, |m| m.pose(t))
    }

    /// Where the stage is, repeatability and backlash included; the rotation axis is the geometry's.
    pub fn true_pose(&self, t: f64) -> Pose {
        let mut pose = self.pose(t);
        let error = self.motion.as_ref().map_or(self.error, |m| m.error(t));
        pose.x += error[0];
        pose.y += error[1];
        pose.z += error[2];
        pose
    }

    /// What the controller says; it may say idle too early.
    pub fn moving(&self, t: f64) -> bool {
        self.motion.as_ref().is_some_and(|m| t < m.claims_idle)
    }

    /// Plans and begins a motion. What is in the way is told by `contact`, which is asked leg by leg.
    pub fn plan(&mut self, order: &Order, contact: impl Fn(&Leg) -> Option<Contact>) -> &Motion {
        let Order {
            ticket, purpose, stuck, ..
        } = *order;
        let mut from = self.pose(order.start);
        let wanted = order.points.last().copied().unwrap_or(from);
        let mut legs = Vec::with_capacity(order.points.len());
        let mut start = order.start;
        let mut blocked = None;
        for point in order.points {
            let mut to = *point;
            if let Some(axis) = stuck {
                to.set(axis, from.get(axis));
            }
            let leg = Leg::new(from, to, start);
            blocked = contact(&leg);
            (start, from) = (leg.end(), to);
            legs.push(leg);
            if blocked.is_some() {
                break;
            }
        }
        let moves = legs.iter().any(|leg| leg.duration() > 0.0);
        let settling = match purpose {
            Purpose::Home => REFERENCING,
            _ if moves => SETTLING,
            _ => 0.0,
        };
        let end = start + settling + order.late;
        let error_after = if moves { self.next_error(&legs) } else { self.error };
        self.motion.insert(Motion {
            ticket,
            purpose,
            legs,
            end,
            claims_idle: (end - order.lie - self.errors.idle_lie).max(order.start),
            contact: blocked,
            stuck: stuck.filter(|axis| wanted.get(*axis) != from.get(*axis)),
            deaf: false,
            error_before: self.error,
            error_after,
        })
    }

    /// Backlash leaves each axis behind by half of it, against the sense of the last motion; repeatability is drawn anew.
    fn next_error(&mut self, legs: &[Leg]) -> [f64; 3] {
        let mut error = self.error;
        for (i, axis) in [Axis::X, Axis::Y, Axis::Z].into_iter().enumerate() {
            let Some(last) = legs
                .iter()
                .rev()
                .map(|leg| leg.to.get(axis) - leg.from.get(axis))
                .find(|way| *way != 0.0)
            else {
                continue;
            };
            self.sense[i] = last.signum();
            let draw: f64 = StandardNormal.sample(&mut self.rng);
            error[i] = self.errors.repeatability * draw - 0.5 * self.errors.backlash * self.sense[i];
        }
        error
    }

    /// Ends a motion whose time has come by `t`.
    pub fn settle(&mut self, t: f64) -> Option<(Motion, Ending)> {
        let motion = self.motion.as_ref()?;
        let touched = motion.contact.clone().filter(|c| c.at <= t);
        if touched.is_none() && t < motion.end {
            return None;
        }
        let motion = self.motion.take()?;
        let ending = match (touched, motion.stuck) {
            (Some(contact), _) => {
                self.error = motion.error(contact.at);
                self.rest = contact.pose;
                Ending::Touched(contact)
            }
            (None, stuck) => {
                self.error = motion.error_after;
                self.rest = motion.pose(motion.end);
                stuck.map_or(Ending::Arrived, Ending::Stuck)
            }
        };
        if motion.purpose == Purpose::Home && ending == Ending::Arrived {
            // the reference is new, so what was linked to the old one is not
            (self.homed, self.linked) = (true, false);
        }
        Some((motion, ending))
    }

    /// Halts where it is. A homing that is broken off leaves the stage without its reference.
    pub fn halt(&mut self, t: f64) -> Option<Motion> {
        let motion = self.motion.take()?;
        self.rest = motion.pose(t);
        self.error = motion.error(t);
        if motion.purpose == Purpose::Home {
            (self.homed, self.linked) = (false, false);
        }
        Some(motion)
    }
}

#[cfg(test)]
mod tests;
