//! May this act be done now? Pure rules: act, fresh state, limits -> yes with warnings, or a refusal that says why.
//!
//! `beam`, `patterning`, `needle`, `gas`, `beside`: rules by what they are about. `room`: what keeps apart in the chamber, with `apart` as its
//! geometry. `memory`: what is counted from act to act. To add a rule: a function that returns a refusal, called from [`check`].
//! Nothing here talks to hardware.

mod apart;
mod beam;
mod beside;
mod gas;
mod memory;
mod needle;
mod patterning;
mod room;

use crate::HalError;
use crate::act::Act;
pub use beam::{acquire, beam_value};
use beam::{kind_fits, one_of};
pub use memory::Memory;
use model::ErrorKind;
use model::key::Access;
use model::{
    Beam, BeamState, Capabilities, ChamberPhase, ChamberState, GasState, Key, ManipulatorPosition, ManipulatorState,
    PatterningPhase, PatterningState, StageState, Value, units, units::Unit,
};

/// What an act is judged on; a part the instrument lacks is `None`.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    pub stage: Option<StageState>,
    pub electron: Option<BeamState>,
    pub ion: Option<BeamState>,
    pub chamber: Option<ChamberState>,
    pub patterning: Option<PatterningState>,
    pub needle: Option<ManipulatorState>,
    pub gas: Option<GasState>,
    /// Where the position lies that a needle is inserted to, or parks at on its way out.
    pub saved: Option<ManipulatorPosition>,
    /// From where small steps beside a hand are counted.
    pub memory: Memory,
}

impl Readings {
    /// Needle or gas injector stand beside the sample.
    pub fn hands_in(&self) -> bool {
        self.needle.as_ref().is_some_and(|n| n.inserted) || self.gas.as_ref().is_some_and(|g| g.inserted())
    }

    pub fn beam(&self, beam: Beam) -> Option<&BeamState> {
        match beam {
            Beam::Electron => self.electron.as_ref(),
            Beam::Ion => self.ion.as_ref(),
        }
    }
}

/// Largest turn (rad) that may be made while the stage is tilted: a larger one sweeps the shuttle past the pole pieces.
const TILTED_TURN: f64 = std::f64::consts::FRAC_PI_2;
/// Tilt (rad) that counts as flat for a turn, either way.
const FLAT: f64 = 0.02;

/// Ok with warnings (each a line for the operator), or the refusal. Nothing has been sent when this refuses.
pub fn check(act: &Act, now: &Readings, capabilities: &Capabilities) -> Result<Vec<String>, HalError> {
    let mut warnings = Vec::new();
    match act {
        Act::StageTo { target } => {
            let stage = capabilities
                .stage
                .as_ref()
                .ok_or_else(|| HalError::unsupported("stage"))?;
            let state = now.stage.ok_or_else(|| HalError::unsupported("stage"))?;
            stage.limits.check(target).map_err(|limit| {
                HalError::new(
                    ErrorKind::OutOfRange,
                    format!("{limit}; nothing moved"),
                    "ask for a target inside the limits (Movement tab shows them)",
                )
            })?;
            if !state.homed {
                return Err(HalError::new(
                    ErrorKind::Interlock,
                    "the stage is not homed, so its coordinates mean nothing; nothing moved",
                    "home it first (system.home)",
                ));
            }
            if state.moving {
                return Err(HalError::new(
                    ErrorKind::Busy,
                    "the stage is moving already; nothing was sent",
                    "wait, or stop it with F12",
                ));
            }
            turn_while_tilted(target, &state)?;
            beside::stage_beside(target, now, capabilities)?;
            patterning::not_drawing(now, "the stage stays where it is")?;
            if let Some(room) = room::of(capabilities) {
                room::stage_passes(&state.pose, &target.resolve(state.pose), room)?;
            }
            if !state.linked && stage.link {
                warnings.push("the stage is not linked: z does not follow the working distance".to_owned());
            }
            vented(now, &mut warnings, "the stage moves in a chamber that is not pumped");
        }
        Act::StageHome => {
            capabilities
                .stage
                .as_ref()
                .filter(|s| s.home)
                .ok_or_else(|| HalError::unsupported("homing"))?;
            beside::all_out(now, "the stage was not homed")?;
            patterning::not_drawing(now, "the stage was not homed")?;
        }
        Act::StageLink { .. } => {
            capabilities
                .stage
                .as_ref()
                .filter(|s| s.link)
                .ok_or_else(|| HalError::unsupported("stage link"))?;
        }
        Act::BeamPower { beam, on } => {
            present(*beam, capabilities)?;
            if *on {
                pumped(now, &format!("the {beam} beam stays off"))?;
            }
        }
        Act::BeamBlank { beam, .. } => {
            if !present(*beam, capabilities)?.blanker {
                return Err(HalError::unsupported(&format!("blanker on the {beam} beam")));
            }
        }
        Act::BeamSet { beam, key, value } => beam_value(*beam, *key, value, capabilities)?,
        Act::SystemSet { key, value } => {
            let row = key.row();
            if row.per_beam || row.access == Access::Read {
                return Err(HalError::new(
                    ErrorKind::Unsupported,
                    format!("`{key}` cannot be set without a beam; nothing was sent"),
                    row.doc,
                ));
            }
            kind_fits(*key, value)?;
        }
        Act::PlasmaGas { beam, gas } => {
            let beam_caps = present(*beam, capabilities)?;
            let known = beam_caps.available(Key::PlasmaGas);
            if known.is_empty() {
                return Err(HalError::unsupported(&format!("plasma source on the {beam} beam")));
            }
            one_of(Key::PlasmaGas, &Value::Text(gas.clone()), known)?;
            pumped(now, "the gas was not changed")?;
        }
        Act::Acquire { settings } => {
            acquire(settings, capabilities)?;
            let beam = settings.beam_type;
            meanwhile(beam, now, capabilities)?;
            if let Some(state) = now.beam(beam) {
                if !state.on {
                    warnings.push(format!("the {beam} beam is off: the picture shows noise"));
                } else if state.blanked {
                    warnings.push(format!("the {beam} beam is blanked: the picture shows noise"));
                }
            }
            if now.stage.is_some_and(|s| s.moving) {
                warnings.push("the stage moves: the picture may be smeared".to_owned());
            }
        }
        Act::Pump => {
            capabilities
                .chamber
                .as_ref()
                .filter(|c| c.pump)
                .ok_or_else(|| HalError::unsupported("pump control"))?;
        }
        Act::Vent => {
            capabilities
                .chamber
                .as_ref()
                .filter(|c| c.vent)
                .ok_or_else(|| HalError::unsupported("vent control"))?;
            let on: Vec<&str> = Beam::ALL
                .into_iter()
                .filter(|b| now.beam(*b).is_some_and(|s| s.on))
                .map(Beam::word)
                .collect();
            if !on.is_empty() {
                return Err(HalError::new(
                    ErrorKind::Interlock,
                    format!("the {} beam is on; the chamber was not vented", on.join(" and the ")),
                    "turn the beams off first (beam.off beam=both)",
                ));
            }
            beside::all_out(now, "the chamber was not vented")?;
            patterning::not_drawing(now, "the chamber was not vented")?;
        }
        Act::MillingSetup { settings } => patterning::setup(settings, now, capabilities)?,
        Act::PatternsLoad { shapes } => patterning::shapes(shapes, now, capabilities)?,
        Act::PatternStart { channel, current } => patterning::start(*channel, *current, now, capabilities)?,
        Act::PatternPause => patterning::pause(now, capabilities)?,
        Act::PatternResume => patterning::resume(now, capabilities)?,
        Act::PatternsClear => {
            patterning::milling(capabilities)?;
            patterning::not_drawing(now, "the patterns stay as they are")?;
        }
        Act::SpotBurn {
            beam,
            at,
            seconds,
            current,
        } => patterning::spot(*beam, *at, *seconds, *current, now, capabilities)?,
        Act::NeedleInsert { name } => needle::needle_in(name, now, capabilities)?,
        Act::NeedleRetract => needle::needle_out(now, capabilities)?,
        Act::NeedleTo { target, confirmed } => needle::needle_to(target, *confirmed, now, capabilities)?,
        Act::GasInsert { port, position } => gas::gas_in(port, position.as_deref(), now, capabilities)?,
        // out, off and closed are the safe side, and never refused
        Act::GasRetract { port } | Act::GasHeat { port, on: false, .. } | Act::GasValve { port, open: false } => {
            gas::port(port, capabilities)?;
        }
        Act::GasHeat { port, gas, on: true } => gas::heat(port, gas.as_deref(), capabilities)?,
        Act::GasValve { port, open: true } => gas::valve(port, now, capabilities)?,
        Act::Sputter { step } => gas::sputter(*step, now, capabilities)?,
    }
    Ok(warnings)
}

/// A picture while a beam mills: with the other beam, where the instrument can.
fn meanwhile(beam: Beam, now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    let Some(patterning) = now.patterning.as_ref().filter(|p| p.phase.is_active()) else {
        return Ok(());
    };
    let other = capabilities.milling.as_ref().is_some_and(|m| m.imaging_meanwhile);
    if beam == Beam::Electron && (other || patterning.phase == PatterningPhase::Paused) {
        return Ok(());
    }
    patterning::not_drawing(now, "no picture was taken")
}

fn refuse(what: impl Into<String>, hint: impl Into<String>) -> HalError {
    HalError::new(ErrorKind::Interlock, what, hint)
}

fn busy(what: impl Into<String>) -> HalError {
    HalError::new(ErrorKind::Busy, what, "wait for its end, or stop it (F12)")
}

/// Longest spot burn and sputtering, s.
const LONGEST: f64 = 10_000.0;

fn duration(seconds: f64, what: &str, untouched: &str) -> Result<(), HalError> {
    if seconds > 0.0 && seconds <= LONGEST {
        return Ok(());
    }
    Err(HalError::new(
        ErrorKind::OutOfRange,
        format!(
            "{what} of {} is not possible; {untouched}",
            units::format(seconds, Unit::Second)
        ),
        format!("above 0 and up to {}", units::format(LONGEST, Unit::Second)),
    ))
}

fn present(beam: Beam, capabilities: &Capabilities) -> Result<&model::capabilities::BeamCapabilities, HalError> {
    capabilities
        .beam(beam)
        .ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))
}

fn pumped(now: &Readings, untouched: &str) -> Result<(), HalError> {
    match now.chamber {
        Some(chamber) if chamber.phase != ChamberPhase::Pumped => Err(HalError::new(
            ErrorKind::Interlock,
            format!(
                "the chamber is {}, not pumped; {untouched}",
                chamber.phase.word().to_lowercase()
            ),
            "pump first (chamber.pump) and wait for the vacuum",
        )),
        _ => Ok(()),
    }
}

fn vented(now: &Readings, warnings: &mut Vec<String>, text: &str) {
    if now.chamber.is_some_and(|c| c.phase != ChamberPhase::Pumped) {
        warnings.push(text.to_owned());
    }
}

/// A half turn with the shuttle tilted comes near the pole pieces: openFIBSEM tilts flat first, and so must any move here.
fn turn_while_tilted(target: &model::StagePosition, state: &StageState) -> Result<(), HalError> {
    let (Some(r), pose) = (target.r, state.pose) else {
        return Ok(());
    };
    let turn = model::kinematics::angles::difference(r, pose.r);
    if turn > TILTED_TURN && (pose.t.abs() > FLAT || target.t.is_some_and(|t| t.abs() > FLAT)) {
        return Err(HalError::new(
            ErrorKind::Interlock,
            format!(
                "a turn of {:.0} deg while tilted {:.1} deg could touch a pole piece; nothing moved",
                turn.to_degrees(),
                pose.t.to_degrees()
            ),
            "use stage.safe-move, which tilts flat before it turns",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
