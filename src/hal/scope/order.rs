//! What goes out for an act: the state that its rules are asked about, the order itself, and how long it may take.

use crate::act::{Act, Outcome};
use crate::interlock::Readings;
use crate::{Gas, HalError, Manipulator, Microscope, Milling, Reading, Ticket};
use model::{Beam, Capabilities, ErrorKind, Key, SputterStep, Value};

/// Longest time (instrument seconds) an act may take.
pub(super) fn patience(act: &Act) -> f64 {
    match act {
        Act::StageTo { .. } => 300.0,
        Act::StageHome => 900.0,
        Act::Acquire { settings } => 60.0 + 3.0 * settings.beam_time(),
        // a pattern may be paused for as long as a person likes: the instrument's own word ends it
        Act::PatternStart { .. } => f64::INFINITY,
        Act::SpotBurn { seconds, .. } => 60.0 + 3.0 * seconds,
        Act::NeedleInsert { .. } | Act::NeedleRetract | Act::NeedleTo { .. } => 300.0,
        Act::Sputter { step } => match step {
            SputterStep::Run { seconds } => 120.0 + 2.0 * seconds,
            _ => 1800.0,
        },
        Act::PlasmaGas { .. } | Act::Pump | Act::Vent => 3600.0,
        _ => 60.0,
    }
}

/// The interlock decides on nothing older, s.
const OLDEST: f64 = 1.0;
/// How often a driver that tells what it read longer ago is asked again.
const AGAIN: usize = 3;

/// What is so at the moment of acting. A driver that answers with what it knows is asked again; on what stays old nothing is decided.
fn fresh<T>(what: &str, mut read: impl FnMut() -> Result<Reading<T>, HalError>) -> Result<T, HalError> {
    let mut reading = read()?;
    for _ in 0..AGAIN {
        if reading.age <= OLDEST {
            return Ok(reading.value);
        }
        reading = read()?;
    }
    match reading.age <= OLDEST {
        true => Ok(reading.value),
        false => Err(HalError::new(
            ErrorKind::Interlock,
            format!(
                "the {what} was last read {:.0} s ago, and the instrument says nothing newer; nothing was sent",
                reading.age
            ),
            "try again when values on the screen are no longer marked as old",
        )),
    }
}

/// Fresh state of just those parts that the act's rules look at.
pub(super) fn readings(
    microscope: &mut dyn Microscope,
    act: &Act,
    capabilities: &Capabilities,
) -> Result<Readings, HalError> {
    let mut now = Readings::default();
    let parks = capabilities.manipulator.as_ref().and_then(|m| m.saved.first());
    let moves = matches!(act, Act::StageTo { .. } | Act::StageHome);
    let draws = matches!(
        act,
        Act::PatternStart { .. } | Act::PatternResume | Act::SpotBurn { .. }
    );
    let needle = matches!(
        act,
        Act::NeedleInsert { .. } | Act::NeedleRetract | Act::NeedleTo { .. }
    );
    let gas = matches!(
        act,
        Act::GasInsert { .. } | Act::GasHeat { .. } | Act::GasValve { .. } | Act::Sputter { .. }
    );
    let vents = matches!(act, Act::Vent);
    if (moves || draws || needle || gas || matches!(act, Act::Acquire { .. }))
        && let Some(stage) = microscope.stage()
    {
        now.stage = Some(fresh("stage", || stage.read())?);
    }
    if draws || vents || matches!(act, Act::Acquire { .. } | Act::Sputter { .. }) {
        if let Some(beam) = microscope.beam(Beam::Electron) {
            now.electron = Some(fresh("electron beam", || beam.read())?);
        }
        if let Some(beam) = microscope.beam(Beam::Ion) {
            now.ion = Some(fresh("ion beam", || beam.read())?);
        }
    }
    if (moves || vents || needle || gas)
        && let Some(manipulator) = microscope.manipulator()
    {
        now.needle = Some(fresh("needle", || manipulator.read())?);
        now.saved = match act {
            // a name that it does not know is refused by its rule, and not here
            Act::NeedleInsert { name } => manipulator.saved(name).ok(),
            Act::NeedleRetract => parks.and_then(|name| manipulator.saved(name).ok()),
            _ => None,
        };
    }
    if (moves || vents || needle || gas)
        && let Some(system) = microscope.gas()
    {
        now.gas = Some(fresh("gas system", || system.read())?);
    }
    let patterns = matches!(
        act,
        Act::MillingSetup { .. } | Act::PatternsLoad { .. } | Act::PatternsClear | Act::PatternPause
    );
    // a beam that draws on its own (begun elsewhere, or by a session that ended) is no less in the way
    if (moves || draws || vents || patterns || needle || matches!(act, Act::Acquire { .. }))
        && let Some(milling) = microscope.milling()
    {
        now.patterning = Some(fresh("patterning engine", || milling.read())?);
    }
    if let Some(chamber) = microscope.chamber() {
        now.chamber = Some(fresh("vacuum", || chamber.read())?);
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
        Act::MillingSetup { settings } => milling(microscope)?
            .setup(settings)
            .map(|set| Begun::Done(Outcome::Milling(Box::new(set)))),
        Act::PatternsLoad { shapes } => milling(microscope)?
            .load(shapes)
            .map(|seconds| Begun::Done(Outcome::Estimate(seconds))),
        Act::PatternStart { .. } => milling(microscope)?.begin().map(Begun::Under),
        Act::PatternPause => milling(microscope)?.pause().map(done),
        Act::PatternResume => milling(microscope)?.resume().map(done),
        Act::PatternsClear => milling(microscope)?.clear().map(done),
        Act::SpotBurn { beam, at, seconds, .. } => {
            milling(microscope)?.begin_spot(*beam, *at, *seconds).map(Begun::Under)
        }
        Act::NeedleInsert { name } => needle(microscope)?.begin_insert(name).map(Begun::Under),
        Act::NeedleRetract => needle(microscope)?.begin_retract().map(Begun::Under),
        Act::NeedleTo { target, .. } => needle(microscope)?.begin_move(target).map(Begun::Under),
        Act::GasInsert { port, position } => gas(microscope)?
            .begin_insert(port, position.as_deref())
            .map(Begun::Under),
        Act::GasRetract { port } => gas(microscope)?.begin_retract(port).map(Begun::Under),
        Act::GasHeat { port, gas: name, on } => gas(microscope)?.heat(port, name.as_deref(), *on).map(done),
        Act::GasValve { port, open } => gas(microscope)?.valve(port, *open).map(done),
        Act::Sputter { step } => gas(microscope)?.begin_sputter(*step).map(Begun::Under),
    }
}

fn done((): ()) -> Begun {
    Begun::Done(Outcome::Done)
}

fn milling(microscope: &mut dyn Microscope) -> Result<&mut dyn Milling, HalError> {
    microscope.milling().ok_or_else(|| HalError::unsupported("milling"))
}

fn needle(microscope: &mut dyn Microscope) -> Result<&mut dyn Manipulator, HalError> {
    microscope
        .manipulator()
        .ok_or_else(|| HalError::unsupported("manipulator"))
}

fn gas(microscope: &mut dyn Microscope) -> Result<&mut dyn Gas, HalError> {
    microscope.gas().ok_or_else(|| HalError::unsupported("gas injection"))
}
