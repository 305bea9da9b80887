//! Where the stage is, and where it should go.

use crate::StageKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One stage axis. Lengths in metres, angles in radians.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    X,
    Y,
    Z,
    R,
    T,
}

impl Axis {
    pub const ALL: [Axis; 5] = [Axis::X, Axis::Y, Axis::Z, Axis::R, Axis::T];

    pub fn name(self) -> &'static str {
        match self {
            Axis::X => "x",
            Axis::Y => "y",
            Axis::Z => "z",
            Axis::R => "r",
            Axis::T => "t",
        }
    }

    pub fn is_angle(self) -> bool {
        matches!(self, Axis::R | Axis::T)
    }

    /// `value` of this axis as operators read it: mm with 3 decimals, degrees with 2.
    fn show(self, value: f64) -> String {
        if self.is_angle() {
            format!("{:.2} deg", value.to_degrees())
        } else {
            format!("{:.3} mm", value * 1e3)
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A whole raw stage pose: x, y, z in metres, r (rotation) and t (tilt) in radians. On a stage without rotation r is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    pub x: f64,
    pub y: f64,
    pub z: f64,
    pub r: f64,
    pub t: f64,
}

/// A stage position as openFIBSEM keeps it: an axis that is `None` is left alone by a move.
///
/// `extra` carries axes that only some stages have (a sixth axis, an objective), by name, in SI units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StagePosition {
    #[serde(default)]
    pub name: Option<String>,
    pub x: Option<f64>,
    pub y: Option<f64>,
    pub z: Option<f64>,
    pub r: Option<f64>,
    pub t: Option<f64>,
    #[serde(default)]
    pub coordinate_system: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, f64>,
}

/// Soft limits per axis: `None` = the stage does not have that axis. Metres and radians.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub x: Option<(f64, f64)>,
    pub y: Option<(f64, f64)>,
    pub z: Option<(f64, f64)>,
    pub r: Option<(f64, f64)>,
    pub t: Option<(f64, f64)>,
}

/// Why a position cannot be used as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PositionError {
    /// The axis is null where a number is needed.
    #[error("the position has no {axis}: read the stage first, or give a value")]
    Missing { axis: String },
    #[error("{axis} = {value} is no finite number: nothing was moved")]
    NotFinite { axis: String, value: f64 },
}

impl Pose {
    /// Every axis in order: m, m, m, rad, rad.
    pub fn axes(&self) -> [(Axis, f64); 5] {
        Axis::ALL.map(|axis| (axis, self.get(axis)))
    }

    pub fn get(&self, axis: Axis) -> f64 {
        match axis {
            Axis::X => self.x,
            Axis::Y => self.y,
            Axis::Z => self.z,
            Axis::R => self.r,
            Axis::T => self.t,
        }
    }

    pub fn set(&mut self, axis: Axis, value: f64) {
        match axis {
            Axis::X => self.x = value,
            Axis::Y => self.y = value,
            Axis::Z => self.z = value,
            Axis::R => self.r = value,
            Axis::T => self.t = value,
        }
    }

    /// This pose after a relative move: axes that are `None` stay.
    pub fn moved_by(&self, delta: &StagePosition) -> Pose {
        let mut pose = *self;
        for axis in Axis::ALL {
            pose.set(axis, self.get(axis) + delta.get(axis).unwrap_or(0.0));
        }
        pose
    }

    /// Every axis differs by less than `tolerance` (m, and rad).
    pub fn is_close(&self, other: &Pose, tolerance: f64) -> bool {
        Axis::ALL
            .into_iter()
            .all(|axis| (self.get(axis) - other.get(axis)).abs() < tolerance)
    }

    /// Length of the way in x, y, z (m).
    pub fn distance(&self, other: &Pose) -> f64 {
        let [dx, dy, dz] = [self.x - other.x, self.y - other.y, self.z - other.z];
        (dx * dx + dy * dy + dz * dz).sqrt()
    }

    pub fn is_finite(&self) -> bool {
        Axis::ALL.into_iter().all(|axis| self.get(axis).is_finite())
    }
}

impl fmt::Display for Pose {
    /// As openFIBSEM shows a position: mm with 2 decimals, degrees with 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        StagePosition::from(*self).fmt(f)
    }
}

impl From<Pose> for StagePosition {
    /// All five axes, in the RAW coordinate system.
    fn from(pose: Pose) -> Self {
        StagePosition {
            x: Some(pose.x),
            y: Some(pose.y),
            z: Some(pose.z),
            r: Some(pose.r),
            t: Some(pose.t),
            coordinate_system: Some("RAW".to_owned()),
            ..StagePosition::default()
        }
    }
}

impl TryFrom<&StagePosition> for Pose {
    type Error = PositionError;

    /// A position whose five axes are all given.
    fn try_from(position: &StagePosition) -> Result<Self, PositionError> {
        let mut pose = Pose::default();
        for axis in Axis::ALL {
            pose.set(axis, position.need(axis)?);
        }
        Ok(pose)
    }
}

impl StagePosition {
    /// openFIBSEM's tolerance for "the same position": m and rad.
    pub const CLOSE: f64 = 1e-6;

    pub fn get(&self, axis: Axis) -> Option<f64> {
        match axis {
            Axis::X => self.x,
            Axis::Y => self.y,
            Axis::Z => self.z,
            Axis::R => self.r,
            Axis::T => self.t,
        }
    }

    pub fn set(&mut self, axis: Axis, value: Option<f64>) {
        match axis {
            Axis::X => self.x = value,
            Axis::Y => self.y = value,
            Axis::Z => self.z = value,
            Axis::R => self.r = value,
            Axis::T => self.t = value,
        }
    }

    /// This position with one axis given (m or rad): `StagePosition::default().with(Axis::T, 0.0)`.
    pub fn with(mut self, axis: Axis, value: f64) -> StagePosition {
        self.set(axis, Some(value));
        self
    }

    fn need(&self, axis: Axis) -> Result<f64, PositionError> {
        self.get(axis).ok_or_else(|| PositionError::Missing {
            axis: axis.name().to_owned(),
        })
    }

    /// Where the stage is after moving absolutely to this position from `current`.
    pub fn resolve(&self, current: Pose) -> Pose {
        let mut pose = current;
        for axis in Axis::ALL {
            pose.set(axis, self.get(axis).unwrap_or(current.get(axis)));
        }
        pose
    }

    /// `self + delta` as openFIBSEM adds: what is null in `delta` leaves the axis alone, null here under a number there is an
    /// error; the coordinate system is kept, the name is not.
    pub fn plus(&self, delta: &StagePosition) -> Result<StagePosition, PositionError> {
        let mut sum = StagePosition {
            name: None,
            ..self.clone()
        };
        for axis in Axis::ALL {
            if let Some(step) = delta.get(axis) {
                sum.set(axis, Some(self.need(axis)? + step));
            }
        }
        for (axis, step) in &delta.extra {
            let value = sum
                .extra
                .get_mut(axis)
                .ok_or_else(|| PositionError::Missing { axis: axis.clone() })?;
            *value += step;
        }
        Ok(sum)
    }

    /// `self - other`: every axis is needed in both; extra axes that `other` lacks count from 0.
    pub fn minus(&self, other: &StagePosition) -> Result<StagePosition, PositionError> {
        let mut difference = StagePosition {
            name: None,
            ..self.clone()
        };
        for axis in Axis::ALL {
            difference.set(axis, Some(self.need(axis)? - other.need(axis)?));
        }
        for (axis, value) in &mut difference.extra {
            *value -= other.extra.get(axis).copied().unwrap_or(0.0);
        }
        Ok(difference)
    }

    /// Every axis is given in both and differs by less than [`Self::CLOSE`]; so do the extra axes that both have.
    pub fn is_close(&self, other: &StagePosition) -> bool {
        self.is_close_within(other, Self::CLOSE)
    }

    /// As [`Self::is_close`] with another tolerance (m and rad).
    pub fn is_close_within(&self, other: &StagePosition, tolerance: f64) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() < tolerance;
        Axis::ALL
            .into_iter()
            .all(|axis| matches!((self.get(axis), other.get(axis)), (Some(a), Some(b)) if near(a, b)))
            && self
                .extra
                .iter()
                .all(|(axis, a)| other.extra.get(axis).is_none_or(|b| near(*a, *b)))
    }

    /// Length of the way in x, y, z (m); an axis that either leaves alone counts 0.
    pub fn distance(&self, other: &StagePosition) -> f64 {
        [Axis::X, Axis::Y, Axis::Z]
            .into_iter()
            .filter_map(|axis| Some(self.get(axis)? - other.get(axis)?))
            .map(|d| d * d)
            .sum::<f64>()
            .sqrt()
    }

    /// Refuses NaN and infinity in any axis, extra ones included.
    pub fn check_finite(&self) -> Result<(), PositionError> {
        let named = Axis::ALL
            .into_iter()
            .filter_map(|axis| Some((axis.name(), self.get(axis)?)));
        let extra = self.extra.iter().map(|(axis, value)| (axis.as_str(), *value));
        match named.chain(extra).find(|(_, value)| !value.is_finite()) {
            Some((axis, value)) => Err(PositionError::NotFinite {
                axis: axis.to_owned(),
                value,
            }),
            None => Ok(()),
        }
    }
}

impl fmt::Display for StagePosition {
    /// `X:1.00, Y:-2.00, Z:4.00, R:0.0, T:35.0` in mm and degrees, `X:None` for an axis left alone: openFIBSEM's
    /// `pretty_string`, which its users grep for. Extra axes follow with their plain value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, axis) in Axis::ALL.into_iter().enumerate() {
            let (comma, name) = (if i == 0 { "" } else { ", " }, axis.name().to_uppercase());
            match self.get(axis) {
                None => write!(f, "{comma}{name}:None")?,
                Some(value) if axis.is_angle() => write!(f, "{comma}{name}:{:.1}", value.to_degrees())?,
                Some(value) => write!(f, "{comma}{name}:{:.2}", value * 1e3)?,
            }
        }
        self.extra
            .iter()
            .try_for_each(|(axis, value)| write!(f, ", {}:{value}", crate::text::printable(axis)))
    }
}

/// A position that the stage may not take. Nothing has been moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitError {
    pub axis: Axis,
    /// m or rad.
    pub value: f64,
    /// The range that is allowed; `None`: the stage has no such axis.
    pub range: Option<(f64, f64)>,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitError { axis, value, range } = *self;
        match range {
            Some((low, high)) => write!(
                f,
                "{axis} = {} is outside the stage's limits {} to {}: nothing was moved",
                axis.show(value),
                axis.show(low),
                axis.show(high)
            ),
            None => write!(
                f,
                "{axis} = {}, but this stage has no {axis} axis: nothing was moved",
                axis.show(value)
            ),
        }
    }
}

impl std::error::Error for LimitError {}

impl Limits {
    /// openFIBSEM's ranges for a kind of stage.
    pub fn of(kind: StageKind) -> Limits {
        let degrees = |low: f64, high: f64| Some((low.to_radians(), high.to_radians()));
        match kind {
            StageKind::Tilting | StageKind::ChamberFixed => Limits {
                x: Some((-0.1, 0.1)),
                y: Some((-0.1, 0.1)),
                z: Some((0.0, 0.04)),
                r: degrees(-360.0, 360.0),
                t: degrees(-10.0, 90.0),
            },
            StageKind::Compustage => Limits {
                x: Some((-999.9e-6, 999.9e-6)),
                y: Some((-377.8e-6, 377.8e-6)),
                z: Some((-999.9e-6, 999.9e-6)),
                r: None,
                t: degrees(-195.0, 15.0),
            },
        }
    }

    pub fn get(&self, axis: Axis) -> Option<(f64, f64)> {
        match axis {
            Axis::X => self.x,
            Axis::Y => self.y,
            Axis::Z => self.z,
            Axis::R => self.r,
            Axis::T => self.t,
        }
    }

    /// Refuses the first axis that is not a number, out of range, or not there at all. Axes left alone pass; so does 0 on an
    /// axis the stage does not have, which is how positions without rotation are written.
    pub fn check(&self, position: &StagePosition) -> Result<(), LimitError> {
        self.check_axes(position, &Axis::ALL)
    }

    /// As [`Self::check`] for some axes only (a tile grid is checked in x and y).
    pub fn check_axes(&self, position: &StagePosition, axes: &[Axis]) -> Result<(), LimitError> {
        for (axis, value) in axes.iter().filter_map(|axis| Some((*axis, position.get(*axis)?))) {
            let range = self.get(axis);
            let allowed = range.map_or(value == 0.0, |(low, high)| value >= low && value <= high);
            if !allowed {
                return Err(LimitError { axis, value, range });
            }
        }
        Ok(())
    }

    /// The whole pose is within the limits.
    pub fn contains(&self, pose: &Pose) -> bool {
        self.check(&StagePosition::from(*pose)).is_ok()
    }

    /// These limits made narrower by `other`, never wider. An axis that `other` does not speak of stays as it is; ranges that
    /// do not overlap leave an empty one, which allows nothing.
    pub fn narrow(&self, other: &Limits) -> Limits {
        let narrow = |axis| match (self.get(axis), other.get(axis)) {
            (Some((a, b)), Some((c, d))) => Some((f64::max(a, c), f64::min(b, d))),
            (own, _) => own,
        };
        Limits {
            x: narrow(Axis::X),
            y: narrow(Axis::Y),
            z: narrow(Axis::Z),
            r: narrow(Axis::R),
            t: narrow(Axis::T),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSE: Pose = Pose {
        x: 1e-3,
        y: -2e-3,
        z: 4e-3,
        r: 0.0,
        t: 0.5,
    };

    #[test]
    fn an_axis_that_is_none_is_left_alone() {
        let target = StagePosition::default().with(Axis::X, 3e-3).with(Axis::T, 0.0);
        assert_eq!(
            target.resolve(POSE),
            Pose {
                x: 3e-3,
                t: 0.0,
                ..POSE
            }
        );
        assert_eq!(POSE.moved_by(&target), Pose { x: 4e-3, ..POSE });
    }

    #[test]
    fn sums_follow_openfibsem() {
        let here = StagePosition {
            name: Some("a".into()),
            extra: [("m".to_owned(), 1.0)].into(),
            ..POSE.into()
        };
        let sum = here.plus(&StagePosition::default().with(Axis::Z, 1e-3)).unwrap();
        assert_eq!(
            (sum.z, sum.name.as_deref(), sum.coordinate_system.as_deref()),
            (Some(5e-3), None, Some("RAW"))
        );
        assert_eq!(sum.extra["m"], 1.0);
        let missing = StagePosition::default().plus(&here).unwrap_err();
        assert_eq!(missing, PositionError::Missing { axis: "x".into() });
        assert_eq!(here.minus(&POSE.into()).unwrap().z, Some(0.0));
        assert!(here.minus(&StagePosition::default()).is_err());
    }

    #[test]
    fn close_is_strict_and_needs_every_axis() {
        let a = StagePosition::from(POSE);
        assert!(a.is_close(&StagePosition::from(Pose {
            x: POSE.x + 0.9e-6,
            ..POSE
        })));
        assert!(
            !StagePosition::from(Pose::default()).is_close(&StagePosition::from(Pose {
                x: 1e-6,
                ..Pose::default()
            }))
        );
        assert!(!a.is_close(&StagePosition { r: None, ..a.clone() }));
        assert_eq!(a.distance(&StagePosition::default()), 0.0);
        assert!(
            (a.distance(
                &Pose {
                    x: 4e-3,
                    y: 2e-3,
                    ..POSE
                }
                .into()
            ) - 5e-3)
                .abs()
                < 1e-15
        );
    }

    #[test]
    fn displays_as_openfibsem_does() {
        assert_eq!(POSE.to_string(), "X:1.00, Y:-2.00, Z:4.00, R:0.0, T:28.6");
        assert_eq!(
            StagePosition::default().to_string(),
            "X:None, Y:None, Z:None, R:None, T:None"
        );
    }

    #[test]
    fn a_number_that_is_none_is_refused_by_name() {
        let bad = StagePosition {
            extra: [("m".to_owned(), f64::INFINITY)].into(),
            ..POSE.into()
        };
        assert_eq!(
            bad.check_finite().unwrap_err().to_string(),
            "m = inf is no finite number: nothing was moved"
        );
        assert!(
            Limits::of(StageKind::Tilting)
                .check(&StagePosition::default().with(Axis::X, f64::NAN))
                .is_err()
        );
    }

    #[test]
    fn limits_speak_in_mm_and_degrees() {
        let limits = Limits::of(StageKind::Tilting);
        let error = limits
            .check(&StagePosition::default().with(Axis::T, 95f64.to_radians()))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "t = 95.00 deg is outside the stage's limits -10.00 deg to 90.00 deg: nothing was moved"
        );
        let compustage = Limits::of(StageKind::Compustage);
        assert!(compustage.contains(&Pose {
            t: -128f64.to_radians(),
            ..Pose::default()
        }));
        let error = compustage
            .check(&StagePosition::default().with(Axis::R, 0.1))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "r = 5.73 deg, but this stage has no r axis: nothing was moved"
        );
    }

    #[test]
    fn narrowing_never_widens() {
        let all = Limits::of(StageKind::Tilting);
        let other = Limits {
            x: Some((-1.0, 0.01)),
            y: None,
            z: Some((1.0, 2.0)),
            r: None,
            t: Some((-1.0, 0.1)),
        };
        let both = all.narrow(&other);
        assert_eq!((both.x, both.y, both.r), (Some((-0.1, 0.01)), all.y, all.r));
        assert!(
            both.check(&StagePosition::default().with(Axis::Z, 0.01)).is_err(),
            "no overlap allows nothing"
        );
    }
}
