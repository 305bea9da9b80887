//! When the needle may go in, out or somewhere.

use super::patterning::not_drawing;
use super::{Readings, busy, refuse, room};
use crate::HalError;
use model::manipulator::towards;
use model::{Capabilities, ErrorKind, ManipulatorPosition, units, units::Unit};

/// How far the needle may come towards the sample in all before a person confirms that it may, m.
const UNCONFIRMED: f64 = 10e-6;
/// Rounding must not make a step of just the limit one beyond it (m).
const ROUNDING: f64 = 1e-9;

pub(super) fn needle_in(name: &str, now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    let caps = capabilities
        .manipulator
        .as_ref()
        .ok_or_else(|| HalError::unsupported("manipulator"))?;
    if !caps.saved.iter().any(|s| s == name) {
        return Err(HalError::new(
            ErrorKind::OutOfRange,
            format!(
                "`{}` is no needle position of this instrument; nothing moved",
                model::text::printable(name)
            ),
            format!("one of: {}", caps.saved.join(", ")),
        ));
    }
    if now.needle.as_ref().is_some_and(|n| n.inserted) {
        return Err(refuse(
            "the needle is inserted already; nothing moved",
            "manipulator.go moves it to a saved position",
        ));
    }
    needle_still(now)?;
    match &now.saved {
        Some(place) => room::needle_inserts(place, now, capabilities),
        None => Ok(()),
    }
}

fn needle_still(now: &Readings) -> Result<(), HalError> {
    if now.needle.as_ref().is_some_and(|n| n.moving) {
        return Err(busy("the needle moves already; nothing was sent"));
    }
    if now.stage.is_some_and(|s| s.moving) {
        return Err(busy("the stage moves; the needle stays where it is"));
    }
    not_drawing(now, "the needle stays where it is")
}

pub(super) fn needle_out(now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    if capabilities.manipulator.is_none() {
        return Err(HalError::unsupported("manipulator"));
    }
    needle_still(now)?;
    room::needle_leaves(now, capabilities)
}

pub(super) fn needle_to(
    target: &ManipulatorPosition,
    confirmed: bool,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<(), HalError> {
    let caps = capabilities
        .manipulator
        .as_ref()
        .ok_or_else(|| HalError::unsupported("manipulator"))?;
    // before its travel: what is retracted stands outside it
    if now.needle.as_ref().is_some_and(|n| !n.inserted) {
        return Err(refuse(
            "the needle is retracted; nothing moved",
            "insert it first (manipulator.insert)",
        ));
    }
    for ((name, value), (low, high)) in [("x", target.x), ("y", target.y), ("z", target.z)]
        .into_iter()
        .zip(caps.limits)
    {
        if !(low..=high).contains(&value) {
            let show = |v: f64| units::format(v, Unit::Metre);
            return Err(HalError::new(
                ErrorKind::OutOfRange,
                format!("needle {name} {} is out of its travel; nothing moved", show(value)),
                format!("between {} and {}", show(low), show(high)),
            ));
        }
    }
    needle_still(now)?;
    let over = room::needle_passes(target, now, capabilities)?;
    let nearer = approached(target, now, capabilities);
    let is_far = over.is_some_and(|[least, ..]| least >= room::OVER_SAMPLE);
    if confirmed || is_far || nearer <= UNCONFIRMED + ROUNDING {
        return Ok(());
    }
    let show = |v: f64| units::format(v, Unit::Metre);
    Err(refuse(
        format!(
            "that makes {} towards the sample since the needle's way was last confirmed; nothing moved",
            show(nearer)
        ),
        format!(
            "look at both pictures, then confirm the move (confirmed=true); up to {} in all go unasked",
            show(UNCONFIRMED)
        ),
    ))
}

/// How far the needle has come towards the sample since its way was last confirmed, if it goes there (m).
pub(super) fn approached(target: &ManipulatorPosition, now: &Readings, capabilities: &Capabilities) -> f64 {
    let (Some(needle), Some(stage)) = (&now.needle, now.stage) else {
        return 0.0;
    };
    let from = &needle.position;
    let way = (target.x - from.x, target.y - from.y, target.z - from.z);
    let tilt = match capabilities.manipulator.as_ref().is_some_and(|m| m.stage_frame) {
        true => stage.pose.t,
        false => 0.0,
    };
    // nearer to the plane that the sample lies in, where that is known
    let over = room::needle_passes(target, now, capabilities).ok().flatten();
    let nearer = over.map_or_else(|| towards(way, tilt), |[_, here, there]| here - there);
    (now.memory.approached + nearer).max(0.0)
}
