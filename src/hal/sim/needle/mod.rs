//! The twin's needle: where its tip is in the chamber, how it gets elsewhere, and what it is read as.
//!
//! The tip is kept in the chamber's frame. Instruments with a tilting stage count it in the stage's frame, whose axes turn
//! with the tilt: y along the tilted stage, z along its normal, away from the sample. `body`: its shape. `touch`: what its tip meets.
//! `wear`: what a beam takes off it, of which the controller knows nothing: it counts from where a new needle would end.

pub mod body;
pub mod touch;
pub mod wear;

use crate::HalError;
use model::capabilities::ManipulatorCapabilities;
use model::config::Instrument;
use model::{ErrorKind, ManipulatorPosition, ManipulatorState, Pose, StageKind};
use nalgebra::{Rotation3, Vector3};

/// Saved positions (m), in the frame that moves use: the tip on the coincidence point, and well above it.
const TILTING: &[(&str, [f64; 3])] = &[("PARK", [0.0, 0.0, 180e-6]), ("EUCENTRIC", [0.0; 3])];
const FIXED: &[(&str, [f64; 3])] = &[
    ("Parking", [0.0, 0.0, 1.5e-3]),
    ("Standby", [0.0, 0.0, 500e-6]),
    ("Working", [0.0; 3]),
];
/// How far it goes out along its shaft from where it parks (m).
pub const OUT: f64 = 20e-3;
/// Travel either way of each axis (m).
const TRAVEL: f64 = 8e-3;
/// Speed of long and of short ways (m/s), the way from which a way is long (m), and the time to settle (s).
const FAST: f64 = 2e-3;
const SLOW: f64 = 100e-6;
const LONG: f64 = 1e-3;
const SETTLING: f64 = 0.3;

/// What the twin's needle can do.
pub fn capabilities(instrument: &Instrument, kind: StageKind) -> Option<ManipulatorCapabilities> {
    let fixed = kind == StageKind::ChamberFixed;
    instrument.manipulator.enabled.then(|| ManipulatorCapabilities {
        saved: saved(kind).iter().map(|(name, _)| (*name).to_owned()).collect(),
        limits: [(-TRAVEL, TRAVEL); 3],
        rotation: false,
        tilt: false,
        stage_frame: !fixed,
        needs_calibration: fixed,
    })
}

fn saved(kind: StageKind) -> &'static [(&'static str, [f64; 3])] {
    match kind {
        StageKind::ChamberFixed => FIXED,
        StageKind::Tilting | StageKind::Compustage => TILTING,
    }
}

/// A straight way of the tip, chamber frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    pub from: Vector3<f64>,
    pub to: Vector3<f64>,
    /// Clock seconds.
    pub start: f64,
    pub end: f64,
}

impl Way {
    fn new(from: Vector3<f64>, to: Vector3<f64>, start: f64) -> Way {
        let way = (to - from).norm();
        let speed = if way > LONG { FAST } else { SLOW };
        Way {
            from,
            to,
            start,
            end: start + way / speed,
        }
    }

    pub fn at(&self, share: f64) -> Vector3<f64> {
        self.from + (self.to - self.from) * share
    }

    fn when(&self, share: f64) -> f64 {
        self.start + share * (self.end - self.start)
    }

    fn tip(&self, t: f64) -> Vector3<f64> {
        if t >= self.end {
            return self.to;
        }
        self.at(((t - self.start) / (self.end - self.start)).clamp(0.0, 1.0))
    }
}

/// What the needle ran into: where along which way, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Strike {
    /// Which way of the motion, and its share.
    pub way: usize,
    pub share: f64,
    pub with: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    pub ticket: u64,
    ways: Vec<Way>,
    /// Clock time at which the controller calls it done.
    pub end: f64,
    /// It ends outside, or at this saved position.
    leaves: bool,
    reaches: Option<String>,
    /// Clock time and obstacle at which it is halted.
    strike: Option<(f64, &'static str)>,
    /// It does not move (a fault).
    stuck: bool,
}

impl Motion {
    pub fn start(&self) -> f64 {
        self.ways.first().map_or(self.end, |way| way.start)
    }

    fn tip(&self, t: f64) -> Option<Vector3<f64>> {
        let way = self.ways.iter().rev().find(|w| w.start <= t).or(self.ways.first())?;
        Some(way.tip(t))
    }
}

/// How a motion ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    Arrived,
    Stuck,
    Struck(&'static str),
}

#[derive(Clone, Debug)]
pub struct NeedleSim {
    kind: StageKind,
    rest: Vector3<f64>,
    out: bool,
    pub motion: Option<Motion>,
    pub end: wear::End,
    /// Saved positions it was driven to, for instruments that calibrate by that.
    visited: Vec<String>,
}

/// What a motion is made of.
#[derive(Clone, Debug)]
pub struct Order {
    /// Points to go through, chamber frame.
    pub points: Vec<Vector3<f64>>,
    pub leaves: bool,
    pub reaches: Option<String>,
}

impl NeedleSim {
    /// Retracted.
    pub fn new(kind: StageKind) -> NeedleSim {
        NeedleSim {
            kind,
            rest: body::SHAFT * OUT,
            out: true,
            motion: None,
            end: wear::End::default(),
            visited: Vec::new(),
        }
    }

    pub fn tip(&self, t: f64) -> Vector3<f64> {
        self.motion.as_ref().and_then(|m| m.tip(t)).unwrap_or(self.rest)
    }

    /// Where it really ends at clock time `t`.
    pub fn point(&self, t: f64) -> Vector3<f64> {
        self.tip(t) + self.worn()
    }

    /// From where a new needle would end to where it ends.
    pub fn worn(&self) -> Vector3<f64> {
        body::SHAFT * self.end.lost
    }

    /// Not wholly outside: it is in the way.
    pub fn inserted(&self) -> bool {
        !self.out
    }

    /// From the frame of the positions to the chamber.
    fn frame(&self, pose: &Pose) -> Rotation3<f64> {
        let tilt = if self.kind == StageKind::ChamberFixed {
            0.0
        } else {
            pose.t
        };
        Rotation3::from_axis_angle(&Vector3::x_axis(), -tilt)
    }

    pub fn position(&self, tip: &Vector3<f64>, pose: &Pose) -> ManipulatorPosition {
        let p = self.frame(pose).inverse() * tip;
        let frame = if self.kind == StageKind::ChamberFixed {
            "RAW"
        } else {
            "STAGE"
        };
        ManipulatorPosition {
            coordinate_system: frame.to_owned(),
            ..ManipulatorPosition::new(p.x, p.y, p.z)
        }
    }

    pub fn read(&self, pose: &Pose, t: f64) -> ManipulatorState {
        ManipulatorState {
            inserted: self.inserted(),
            moving: self.motion.is_some(),
            position: self.position(&self.tip(t), pose),
            calibrated: self.kind != StageKind::ChamberFixed
                || saved(self.kind)
                    .iter()
                    .all(|(name, _)| self.visited.iter().any(|v| v == name)),
            approached: 0.0,
        }
    }

    fn saved_place(&self, name: &str) -> Result<Vector3<f64>, HalError> {
        let known = saved(self.kind);
        let found = known.iter().find(|(n, _)| *n == name).map(|(_, p)| Vector3::from(*p));
        found.ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(n, _)| *n).collect();
            HalError::new(
                ErrorKind::OutOfRange,
                format!(
                    "the needle has no position `{}`; nothing moved",
                    model::text::printable(name)
                ),
                format!("one of: {}", names.join(", ")),
            )
        })
    }

    pub fn saved(&self, name: &str) -> Result<ManipulatorPosition, HalError> {
        let place = self.saved_place(name)?;
        Ok(self.position(&place, &Pose::default()))
    }

    fn at_rest(&self) -> Result<(), HalError> {
        if self.motion.is_none() {
            return Ok(());
        }
        Err(HalError::new(
            ErrorKind::Busy,
            "the needle moves already; nothing was sent",
            "wait for its end, or stop it",
        ))
    }

    /// Along its shaft to a saved position.
    pub fn insert(&self, name: &str, pose: &Pose) -> Result<Order, HalError> {
        self.at_rest()?;
        let place = self.frame(pose) * self.saved_place(name)?;
        if self.inserted() {
            return Err(HalError::new(
                ErrorKind::Interlock,
                "the needle is inserted already; nothing moved",
                "move it, or retract it first",
            ));
        }
        Ok(Order {
            points: vec![place],
            leaves: false,
            reaches: Some(name.to_owned()),
        })
    }

    /// Up to where it parks, unless it is far from the sample, then out along its shaft.
    pub fn retract(&self, pose: &Pose, t: f64) -> Result<Order, HalError> {
        self.at_rest()?;
        let park = self.frame(pose) * Vector3::from(saved(self.kind)[0].1);
        let (tip, out) = (self.tip(t), body::SHAFT * OUT);
        let near = self.inserted() && tip.norm() < LONG;
        Ok(Order {
            points: if near { vec![park, out] } else { vec![out] },
            leaves: true,
            reaches: None,
        })
    }

    pub fn go(&self, target: &ManipulatorPosition, pose: &Pose) -> Result<Order, HalError> {
        self.at_rest()?;
        let p = [target.x, target.y, target.z];
        if !p.iter().all(|v| v.abs() <= TRAVEL) {
            return Err(HalError::new(
                ErrorKind::OutOfRange,
                "the target lies out of the needle's travel; nothing moved",
                "its limits are in the capabilities",
            ));
        }
        if !self.inserted() {
            return Err(HalError::new(
                ErrorKind::Interlock,
                "the needle is retracted; nothing moved",
                "insert it first",
            ));
        }
        let near = |place: &[f64; 3]| (Vector3::from(*place) - Vector3::from(p)).norm() < 1e-7;
        Ok(Order {
            points: vec![self.frame(pose) * Vector3::from(p)],
            leaves: false,
            reaches: saved(self.kind)
                .iter()
                .find(|(_, place)| near(place))
                .map(|(name, _)| (*name).to_owned()),
        })
    }

    /// The ways of an order that begins at clock time `t`.
    pub fn ways(&self, order: &Order, t: f64) -> Vec<Way> {
        let (mut from, mut start) = (self.tip(t), t);
        order
            .points
            .iter()
            .map(|to| {
                let way = Way::new(from, *to, start);
                (from, start) = (*to, way.end);
                way
            })
            .collect()
    }

    /// Begins to move; `strike` is what it will run into.
    pub fn begin(&mut self, ticket: u64, order: Order, strike: Option<Strike>, stuck: bool, late: f64, t: f64) {
        let ways = self.ways(&order, t);
        let end = ways.last().map_or(t, |way| way.end) + SETTLING + late;
        let strike = strike
            .filter(|_| !stuck)
            .and_then(|s| Some((ways.get(s.way)?.when(s.share), s.with)));
        let ways = if stuck {
            vec![Way::new(self.tip(t), self.tip(t), t)]
        } else {
            ways
        };
        // a needle that does not follow is still outside
        self.out &= stuck;
        self.motion = Some(Motion {
            ticket,
            ways,
            end,
            leaves: order.leaves,
            reaches: order.reaches,
            strike,
            stuck,
        });
    }

    /// Ends a motion whose time has come by `t`.
    pub fn settle(&mut self, t: f64) -> Option<(u64, Ending)> {
        let motion = self.motion.as_ref()?;
        let struck = motion.strike.filter(|(at, _)| *at <= t);
        if struck.is_none() && t < motion.end {
            return None;
        }
        let motion = self.motion.take()?;
        if let Some((at, with)) = struck {
            self.rest = motion.tip(at).unwrap_or(self.rest);
            return Some((motion.ticket, Ending::Struck(with)));
        }
        self.rest = motion.tip(motion.end).unwrap_or(self.rest);
        if motion.stuck {
            return Some((motion.ticket, Ending::Stuck));
        }
        self.out = motion.leaves;
        self.visited.extend(motion.reaches);
        Some((motion.ticket, Ending::Arrived))
    }

    /// Halts where it is; halfway in is in.
    pub fn halt(&mut self, t: f64) -> Option<u64> {
        let motion = self.motion.take()?;
        self.rest = motion.tip(t).unwrap_or(self.rest);
        Some(motion.ticket)
    }
}

#[cfg(test)]
mod tests;
