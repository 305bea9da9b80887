//! The stage beside an inserted needle or gas injector, and what a whole-stage procedure would strike.

use super::{Readings, refuse, room};
use crate::HalError;
use model::{Capabilities, Pose, StagePosition, units, units::Unit};

/// How far the stage may go beside an inserted needle or gas injector, m: sideways, up (nearer to it), down. In all, from where it
/// stood when that was inserted or last confirmed.
const BESIDE: f64 = 200e-6;
const UP: f64 = 20e-6;
const DOWN: f64 = 2e-3;
/// Tilt or turn that still counts as none, rad.
const NO_TURN: f64 = 1e-4;

/// The stage with the needle or an injector in: small moves only, and no turn.
pub(super) fn stage_beside(
    target: &StagePosition,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<(), HalError> {
    let (Some(state), true) = (now.stage, now.hands_in()) else {
        return Ok(());
    };
    let (what, hint) = match now.needle.as_ref().is_some_and(|n| n.inserted) {
        true => ("the needle is inserted", "retract it first (manipulator.retract)"),
        false => ("a gas injector is inserted", "retract it first"),
    };
    let (from, to) = (state.pose, target.resolve(state.pose));
    let turns = |a: f64, b: f64| model::kinematics::angles::difference(a, b) > NO_TURN;
    if turns(to.r, from.r) || turns(to.t, from.t) {
        return Err(refuse(
            format!("{what}: the stage may neither turn nor tilt; nothing moved"),
            hint,
        ));
    }
    let Some(anchor) = now.memory.stage else {
        // inserted by somebody else: nobody here knows what room there was
        let nearer = room::nearer_to_hands((&from, &to), &from, 0.0, now, capabilities);
        let way = (to.x - from.x).abs().max((to.y - from.y).abs());
        return match nearer.is_none() && to.z <= from.z && way <= BESIDE && from.z - to.z <= DOWN {
            true => Ok(()),
            false => Err(refuse(
                format!("{what}, and not in this session: the stage may only be lowered; nothing moved"),
                hint,
            )),
        };
    };
    let nearer = match room::of(capabilities) {
        Some(_) => room::nearer_to_hands((&from, &to), &anchor, UP, now, capabilities),
        None => Some(to.z - anchor.z).filter(|up| *up > UP),
    };
    let way = (to.x - anchor.x).abs().max((to.y - anchor.y).abs());
    if way > BESIDE || anchor.z - to.z > DOWN || nearer.is_some() {
        let show = |v: f64| units::format(v, Unit::Metre);
        let near = nearer.map_or(String::new(), |by| format!(" and {} nearer to it", show(by)));
        return Err(refuse(
            format!(
                "{what}: the stage would be {}{near} from where it stood then, which is too far; nothing moved",
                moved(&anchor, &to)
            ),
            format!(
                "{hint}, or move less: {} sideways, {} nearer, {} down in all",
                show(BESIDE),
                show(UP),
                show(DOWN)
            ),
        ));
    }
    Ok(())
}

/// By how much, in x, y, z.
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
