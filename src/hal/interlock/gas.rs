//! When an injector may go in, a crucible warm up, a valve open, the coater run.

use super::beside::all_out;
use super::patterning::not_drawing;
use super::{Readings, busy, duration, pumped, refuse, room};
use crate::HalError;
use model::capabilities::GasPortCapabilities;
use model::{Capabilities, ErrorKind, SputterStep, units, units::Unit};

/// Highest stage (raw z, m) under which an injector may be driven in.
const GAS_HEIGHT: f64 = 4.05e-3;

pub(super) fn port<'a>(name: &str, capabilities: &'a Capabilities) -> Result<&'a GasPortCapabilities, HalError> {
    let caps = capabilities
        .gas
        .as_ref()
        .ok_or_else(|| HalError::unsupported("gas injection"))?;
    caps.ports.iter().find(|p| p.port == name).ok_or_else(|| {
        let names: Vec<&str> = caps.ports.iter().map(|p| p.port.as_str()).collect();
        HalError::new(
            ErrorKind::OutOfRange,
            format!("there is no gas port `{}`; nothing moved", model::text::printable(name)),
            format!("one of: {}", names.join(", ")),
        )
    })
}

pub(super) fn gas_in(
    name: &str,
    position: Option<&str>,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<(), HalError> {
    let port = port(name, capabilities)?;
    if let Some(position) = position
        && !port.positions.iter().any(|p| p == position)
    {
        return Err(HalError::new(
            ErrorKind::OutOfRange,
            format!(
                "port {name} has no position `{}`; nothing moved",
                model::text::printable(position)
            ),
            format!("one of: {}", port.positions.join(", ")),
        ));
    }
    if now.gas.as_ref().and_then(|g| g.port(name)).is_some_and(|p| p.inserted) {
        return Err(refuse(
            format!("port {name} is inserted already; nothing moved"),
            "retract it first",
        ));
    }
    match now.stage {
        Some(stage) if stage.moving => Err(busy("the stage moves; the injector stays out")),
        Some(stage)
            if stage.pose.z > GAS_HEIGHT
                && capabilities
                    .stage
                    .as_ref()
                    .is_some_and(|s| s.kind == model::StageKind::Tilting) =>
        {
            Err(refuse(
                format!(
                    "the stage stands at z {}: an injector could strike it; nothing moved",
                    units::format(stage.pose.z, Unit::Metre)
                ),
                format!("lower the stage below {}", units::format(GAS_HEIGHT, Unit::Metre)),
            ))
        }
        _ => room::injector_inserts(name, position, now, capabilities),
    }
}

pub(super) fn heat(name: &str, gas: Option<&str>, capabilities: &Capabilities) -> Result<(), HalError> {
    let port = port(name, capabilities)?;
    if !port.heater {
        return Err(HalError::unsupported(&format!("a heater on gas port {name}")));
    }
    match gas {
        Some(gas) if !port.gases.iter().any(|g| g == gas) => Err(HalError::new(
            ErrorKind::OutOfRange,
            format!(
                "port {name} has no gas `{}`; nothing was heated",
                model::text::printable(gas)
            ),
            format!("one of: {}", port.gases.join(", ")),
        )),
        _ => Ok(()),
    }
}

pub(super) fn valve(name: &str, now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    let caps = port(name, capabilities)?;
    pumped(now, "the valve stays closed")?;
    let Some(state) = now.gas.as_ref().and_then(|g| g.port(name)) else {
        return Ok(());
    };
    if !state.inserted {
        return Err(refuse(
            format!("port {name} is not inserted: the gas would go into the chamber; the valve stays closed"),
            "insert it first",
        ));
    }
    if caps.heater && state.temperature < model::gas::WARM {
        return Err(refuse(
            format!(
                "the gas of port {name} is at {:.0} K; the valve stays closed",
                state.temperature
            ),
            format!("turn its heater on and wait for {:.0} K", model::gas::WARM),
        ));
    }
    Ok(())
}

pub(super) fn sputter(step: SputterStep, now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    capabilities
        .gas
        .as_ref()
        .filter(|g| g.sputter_coater)
        .ok_or_else(|| HalError::unsupported("sputter coater"))?;
    if step == SputterStep::Recover {
        return Ok(());
    }
    all_out(now, "nothing was coated")?;
    not_drawing(now, "nothing was coated")?;
    if let SputterStep::Run { seconds } = step {
        duration(seconds, "sputtering", "nothing was coated")?;
        if now.gas.as_ref().is_some_and(|g| !g.sputter_ready) {
            return Err(refuse(
                "the sputter coater is not prepared; nothing was coated",
                "prepare it first",
            ));
        }
    }
    Ok(())
}
