//! The stage beside an inserted needle or gas injector, and what a whole-stage procedure would strike.

use super::{Readings, refuse};
use crate::HalError;
use model::{Pose, StagePosition, units, units::Unit};

/// How far the stage may go beside an inserted needle or gas injector, m: sideways, up, down.
const BESIDE: f64 = 200e-6;
const UP: f64 = 20e-6;
const DOWN: f64 = 2e-3;
/// Tilt or turn that still counts as none, rad.
const NO_TURN: f64 = 1e-4;

/// The stage with the needle or an injector in: small moves only, and no turn.
pub(super) fn stage_beside(target: &StagePosition, now: &Readings) -> Result<(), HalError> {
    let needle = now.needle.as_ref().is_some_and(|n| n.inserted);
    let gas = now.gas.as_ref().is_some_and(|g| g.inserted());
    let (Some(state), true) = (now.stage, needle || gas) else {
        return Ok(());
    };
    let (what, hint) = if needle {
        ("the needle is inserted", "retract it first (manipulator.retract)")
    } else {
        ("a gas injector is inserted", "retract it first")
    };
    let (from, to) = (state.pose, target.resolve(state.pose));
    let turns = |a: f64, b: f64| model::kinematics::angles::difference(a, b) > NO_TURN;
    if turns(to.r, from.r) || turns(to.t, from.t) {
        return Err(refuse(
            format!("{what}: the stage may neither turn nor tilt; nothing moved"),
            hint,
        ));
    }
    let way = (to.x - from.x).abs().max((to.y - from.y).abs());
    if way > BESIDE || to.z - from.z > UP || from.z - to.z > DOWN {
        return Err(refuse(
            format!(
                "{what}: a stage move of {} is too far beside it; nothing moved",
                moved(&from, &to)
            ),
            format!(
                "{hint}, or move less: {} sideways, {} up, {} down",
                units::format(BESIDE, Unit::Metre),
                units::format(UP, Unit::Metre),
                units::format(DOWN, Unit::Metre)
            ),
        ));
    }
    Ok(())
}

fn moved(from: &Pose, to: &Pose) -> String {
    let by = |v: f64| units::format(v, Unit::Metre);
    format!("{}, {}, {}", by(to.x - from.x), by(to.y - from.y), by(to.z - from.z))
}

/// Nothing may be near the sample that a whole-stage procedure (homing, venting) would strike.
pub(super) fn all_out(now: &Readings, untouched: &str) -> Result<(), HalError> {
    if now.needle.as_ref().is_some_and(|n| n.inserted) {
        return Err(refuse(
            format!("the needle is inserted; {untouched}"),
            "retract it first (manipulator.retract)",
        ));
    }
    if now.gas.as_ref().is_some_and(|g| g.inserted()) {
        return Err(refuse(
            format!("a gas injector is inserted; {untouched}"),
            "retract it first",
        ));
    }
    Ok(())
}
