//! When the needle may go in, out or somewhere.

use super::patterning::not_drawing;
use super::{Readings, busy, refuse};
use crate::HalError;
use model::{Capabilities, ErrorKind, ManipulatorPosition, units, units::Unit};

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
    needle_still(now)
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
    needle_still(now)
}

pub(super) fn needle_to(
    target: &ManipulatorPosition,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<(), HalError> {
    let caps = capabilities
        .manipulator
        .as_ref()
        .ok_or_else(|| HalError::unsupported("manipulator"))?;
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
    if now.needle.as_ref().is_some_and(|n| !n.inserted) {
        return Err(refuse(
            "the needle is retracted; nothing moved",
            "insert it first (manipulator.insert)",
        ));
    }
    needle_still(now)
}
