//! What an act that is done came to: read back, and where it was to get somewhere, that it is there.

use super::{Hand, POLL_FIRST};
use crate::act::{Act, Outcome};
use crate::{HalError, Ticket};
use model::{Axis, ErrorKind, ManipulatorPosition, Pose, StagePosition, Unit, units};

/// Position error (m, rad) within which a stage counts as arrived.
const ARRIVED_M: f64 = 1e-6;
const ARRIVED_RAD: f64 = 1e-4;
/// How long (s) after its ticket is done a stage may take to read as settled.
const SETTLE: f64 = 5.0;

impl Hand {
    /// The outcome of a ticket that is done.
    pub(super) async fn gather(&self, act: &Act, ticket: Ticket) -> Result<Outcome, HalError> {
        match act {
            Act::Acquire { .. } => self
                .scope
                .read(move |m| {
                    m.imaging()
                        .ok_or_else(|| HalError::unsupported("imaging"))?
                        .take(ticket)
                })
                .await
                .map(|frame| Outcome::Frame(Box::new(frame))),
            Act::StageTo { target } => self.settle(target).await,
            Act::StageHome => Ok(Outcome::Stage(self.scope.stage().await?.value.pose)),
            Act::Pump | Act::Vent => Ok(Outcome::Chamber(self.scope.chamber().await?.value)),
            Act::PlasmaGas { beam, .. } => Ok(Outcome::Beam(Box::new(self.scope.beam(*beam).await?.value))),
            Act::PatternStart { .. } => Ok(Outcome::Patterning(self.scope.patterning().await?.value)),
            Act::NeedleTo { target, .. } => self.reached(target).await,
            Act::NeedleInsert { .. } | Act::NeedleRetract => Ok(Outcome::Needle(self.scope.manipulator().await?.value)),
            Act::GasInsert { .. } | Act::GasRetract { .. } | Act::Sputter { .. } => {
                Ok(Outcome::Gas(self.scope.gas().await?.value))
            }
            _ => Ok(Outcome::Done),
        }
    }

    /// The needle stands where it was sent.
    async fn reached(&self, target: &ManipulatorPosition) -> Result<Outcome, HalError> {
        let state = self.scope.manipulator().await?.value;
        let off = state.position.distance(target);
        if state.moving || off > ARRIVED_M {
            return Err(HalError::new(
                ErrorKind::Unknown,
                format!(
                    "the needle ended its move but is {} from its target",
                    units::format(off, Unit::Metre)
                ),
                "look where it is in both pictures before you go on",
            ));
        }
        Ok(Outcome::Needle(state))
    }

    /// Settled means settled: two idle reads in a row, at the place that was asked for.
    async fn settle(&self, target: &StagePosition) -> Result<Outcome, HalError> {
        let clock = self.scope.0.clock.clone();
        let deadline = clock.now() + SETTLE;
        let mut idle_before = false;
        loop {
            let state = self.scope.stage().await?.value;
            let error = miss(target, &state.pose);
            if !state.moving && error.is_none() && idle_before {
                return Ok(Outcome::Stage(state.pose));
            }
            if clock.now() > deadline {
                let detail = error.unwrap_or_else(|| "it still moves".to_owned());
                return Err(HalError::new(
                    ErrorKind::Unknown,
                    format!("the stage ended its move but did not settle: {detail}"),
                    "read its position before you go on",
                ));
            }
            idle_before = !state.moving && error.is_none();
            tokio::time::sleep(POLL_FIRST).await;
        }
    }
}

/// Which axis missed its target and by how much.
fn miss(target: &StagePosition, pose: &Pose) -> Option<String> {
    Axis::ALL.into_iter().find_map(|axis| {
        let want = target.get(axis)?;
        let off = if axis == Axis::R {
            model::kinematics::angles::difference(want, pose.get(axis))
        } else {
            (want - pose.get(axis)).abs()
        };
        let most = if axis.is_angle() { ARRIVED_RAD } else { ARRIVED_M };
        (off > most).then(|| {
            let unit = if axis.is_angle() { Unit::Radian } else { Unit::Metre };
            format!("{} is {} away", axis.name(), units::format(off, unit))
        })
    })
}
