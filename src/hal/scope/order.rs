//! What goes out for an act: the state that its rules are asked about, the order itself, and how long it may take.

use crate::act::{Act, Outcome};
use crate::interlock::Readings;
use crate::{HalError, Microscope, Ticket};
use model::{Beam, Key, Value};

/// Longest time (instrument seconds) an act may take.
pub(super) fn patience(act: &Act) -> f64 {
    match act {
        Act::StageTo { .. } => 300.0,
        Act::StageHome => 900.0,
        Act::Acquire { settings } => 60.0 + 3.0 * settings.beam_time(),
        Act::PlasmaGas { .. } | Act::Pump | Act::Vent => 3600.0,
        _ => 60.0,
    }
}

/// Fresh state of just those parts that the act's rules look at.
pub(super) fn readings(microscope: &mut dyn Microscope, act: &Act) -> Result<Readings, HalError> {
    let mut now = Readings::default();
    if matches!(act, Act::StageTo { .. } | Act::Acquire { .. })
        && let Some(stage) = microscope.stage()
    {
        now.stage = Some(stage.read()?.value);
    }
    if matches!(act, Act::Acquire { .. } | Act::Vent) {
        if let Some(beam) = microscope.beam(Beam::Electron) {
            now.electron = Some(beam.read()?.value);
        }
        if let Some(beam) = microscope.beam(Beam::Ion) {
            now.ion = Some(beam.read()?.value);
        }
    }
    if let Some(chamber) = microscope.chamber() {
        now.chamber = Some(chamber.read()?.value);
    }
    Ok(now)
}

pub(super) enum Begun {
    Done(Outcome),
    Under(Ticket),
}

/// Sends the act. Moves leave as absolute targets of every axis.
pub(super) fn begin(microscope: &mut dyn Microscope, act: &Act, now: &Readings) -> Result<Begun, HalError> {
    let column = |m: &mut dyn Microscope, beam: Beam, key: Key, value: &Value| -> Result<Begun, HalError> {
        let column = m
            .beam(beam)
            .ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))?;
        column.set(key, value).map(|v| Begun::Done(Outcome::Value(v)))
    };
    match act {
        Act::StageTo { target } => {
            let from = now.stage.ok_or_else(|| HalError::unsupported("stage"))?.pose;
            let stage = microscope.stage().ok_or_else(|| HalError::unsupported("stage"))?;
            stage.begin_move(target.resolve(from)).map(Begun::Under)
        }
        Act::StageHome => microscope
            .stage()
            .ok_or_else(|| HalError::unsupported("stage"))?
            .begin_home()
            .map(Begun::Under),
        Act::StageLink { on } => {
            let linked = microscope
                .stage()
                .ok_or_else(|| HalError::unsupported("stage"))?
                .link(*on)?;
            Ok(Begun::Done(Outcome::Value(Value::Bool(linked))))
        }
        Act::BeamPower { beam, on } => column(microscope, *beam, Key::On, &Value::Bool(*on)),
        Act::BeamBlank { beam, on } => column(microscope, *beam, Key::Blanked, &Value::Bool(*on)),
        Act::BeamSet { beam, key, value } => column(microscope, *beam, *key, value),
        Act::SystemSet { key, value } => microscope.set(*key, value).map(|v| Begun::Done(Outcome::Value(v))),
        Act::PlasmaGas { beam, gas } => {
            let column = microscope
                .beam(*beam)
                .ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))?;
            column.begin_plasma_gas(gas).map(Begun::Under)
        }
        Act::Acquire { settings } => microscope
            .imaging()
            .ok_or_else(|| HalError::unsupported("imaging"))?
            .begin(settings)
            .map(Begun::Under),
        Act::Pump => microscope
            .chamber()
            .ok_or_else(|| HalError::unsupported("pump control"))?
            .begin_pump()
            .map(Begun::Under),
        Act::Vent => microscope
            .chamber()
            .ok_or_else(|| HalError::unsupported("vent control"))?
            .begin_vent()
            .map(Begun::Under),
    }
}
