//! May this act be done now? Pure rules: act, fresh state, limits -> yes with warnings, or a refusal that says why.
//!
//! To add a rule: a function here that returns a refusal, called from [`check`]. Nothing here talks to hardware.

use crate::HalError;
use crate::act::{Act, show};
use model::ErrorKind;
use model::key::{Access, Kind};
use model::{
    Beam, BeamState, Capabilities, ChamberPhase, ChamberState, ImageSettings, Key, StageState, Value, units,
    units::Unit,
};

/// What an act is judged on; a part the instrument lacks is `None`.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    pub stage: Option<StageState>,
    pub electron: Option<BeamState>,
    pub ion: Option<BeamState>,
    pub chamber: Option<ChamberState>,
}

impl Readings {
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
/// Fewer pixels a side than this are no picture, and nothing sensible is scanned beyond that many.
const SMALLEST_SCAN: u32 = 8;
const LARGEST_SCAN: u32 = 8192;

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
        }
    }
    Ok(warnings)
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

/// The value fits the key's kind, is finite, and lies in what this instrument allows.
fn beam_value(beam: Beam, key: Key, value: &Value, capabilities: &Capabilities) -> Result<(), HalError> {
    let caps = present(beam, capabilities)?;
    let row = key.row();
    if !row.per_beam {
        return Err(HalError::new(
            ErrorKind::Unsupported,
            format!("`{key}` belongs to no beam; nothing was sent"),
            "leave beam= out",
        ));
    }
    if !caps.writable.contains(&key) {
        return Err(HalError::new(
            ErrorKind::Unsupported,
            format!("`{key}` of the {beam} beam cannot be set; nothing was sent"),
            row.doc,
        ));
    }
    kind_fits(key, value)?;
    let within = |range: (f64, f64), unit: Unit| match value {
        Value::Number(v) if *v < range.0 || *v > range.1 => Err(out_of_range(key, value, range, unit)),
        _ => Ok(()),
    };
    match key {
        Key::Hfw => within(caps.hfw, Unit::Metre)?,
        Key::DwellTime => within(caps.dwell_time, Unit::Second)?,
        Key::WorkingDistance => within(caps.working_distance, Unit::Metre)?,
        Key::EucentricHeight => within(caps.working_distance, Unit::Metre)?,
        Key::Voltage => within(caps.voltage, Unit::Volt)?,
        Key::Current => within(caps.current, Unit::Ampere)?,
        Key::DetectorBrightness | Key::DetectorContrast => within((0.0, 1.0), Unit::None)?,
        Key::Shift => {
            if let Value::Point(p) = value
                && p.x.abs().max(p.y.abs()) > caps.shift
            {
                return Err(out_of_range(key, value, (-caps.shift, caps.shift), Unit::Metre));
            }
        }
        Key::Resolution => {
            if let Value::Size(w, h) = value {
                scan_size((*w, *h), &caps.resolutions)?;
            }
        }
        Key::ReducedArea => {
            if let Value::Rect(area) = value
                && !area.is_valid()
            {
                return Err(bad_area());
            }
        }
        Key::SpotMode => {
            if let Value::Point(p) = value
                && !((0.0..=1.0).contains(&p.x) && (0.0..=1.0).contains(&p.y))
            {
                return Err(out_of_range(key, value, (0.0, 1.0), Unit::None));
            }
        }
        _ => {}
    }
    // currents and voltages are steps of the instrument, which takes the nearest; words must be known
    if matches!(value, Value::Text(_)) {
        one_of(key, value, caps.available(key))?;
    }
    Ok(())
}

fn one_of(key: Key, value: &Value, known: &[Value]) -> Result<(), HalError> {
    if known.is_empty() || known.contains(value) {
        return Ok(());
    }
    let words: Vec<String> = known.iter().map(|v| show(key, v)).collect();
    Err(HalError::new(
        ErrorKind::OutOfRange,
        format!(
            "`{}` is no {key} of this instrument; nothing was sent",
            show(key, value)
        ),
        format!("one of: {}", words.join(", ")),
    ))
}

/// A number where a number is wanted, finite; text where text is wanted.
fn kind_fits(key: Key, value: &Value) -> Result<(), HalError> {
    let finite = match value {
        Value::Number(v) => v.is_finite(),
        Value::Point(p) => p.x.is_finite() && p.y.is_finite(),
        Value::Rect(r) => [r.left, r.top, r.width, r.height].iter().all(|v| v.is_finite()),
        _ => true,
    };
    let fits = matches!(
        (key.row().kind, value),
        (Kind::Bool, Value::Bool(_))
            | (Kind::Number(_), Value::Number(_))
            | (Kind::Text, Value::Text(_))
            | (Kind::Size, Value::Size(..))
            | (Kind::Point(_), Value::Point(_))
            | (Kind::Rect, Value::Rect(_))
            | (Kind::Position, Value::Position(_))
            | (Kind::List, Value::List(_))
    );
    if fits && finite {
        return Ok(());
    }
    Err(HalError::new(
        ErrorKind::OutOfRange,
        format!("`{key}` cannot be {}; nothing was sent", show(key, value)),
        key.row().doc,
    ))
}

fn out_of_range(key: Key, value: &Value, range: (f64, f64), unit: Unit) -> HalError {
    HalError::new(
        ErrorKind::OutOfRange,
        format!("{key} {} is out of range; nothing was sent", show(key, value)),
        format!(
            "between {} and {}",
            units::format(range.0, unit),
            units::format(range.1, unit)
        ),
    )
}

fn bad_area() -> HalError {
    HalError::new(
        ErrorKind::OutOfRange,
        "the reduced area does not lie inside the picture; nothing was scanned",
        "left, top, width, height are fractions 0..1, and left+width and top+height stay at most 1",
    )
}

fn scan_size(size: (u32, u32), known: &[(u32, u32)]) -> Result<(), HalError> {
    let sides = SMALLEST_SCAN..=LARGEST_SCAN;
    let plausible = sides.contains(&size.0) && sides.contains(&size.1);
    if plausible && (known.is_empty() || known.contains(&size)) {
        return Ok(());
    }
    let sizes: Vec<String> = known.iter().map(|(w, h)| format!("{w}x{h}")).collect();
    let hint = if sizes.is_empty() {
        format!("{SMALLEST_SCAN}x{SMALLEST_SCAN} to {LARGEST_SCAN}x{LARGEST_SCAN}")
    } else {
        format!("one of: {}", sizes.join(", "))
    };
    Err(HalError::new(
        ErrorKind::OutOfRange,
        format!(
            "a scan of {}x{} pixels is not possible; nothing was scanned",
            size.0, size.1
        ),
        hint,
    ))
}

/// May a picture with these settings be taken on this instrument, whatever its state?
pub fn acquire(settings: &ImageSettings, capabilities: &Capabilities) -> Result<(), HalError> {
    let beam = settings.beam_type;
    let caps = present(beam, capabilities)?;
    scan_size(settings.resolution, &caps.resolutions)?;
    beam_range(Key::Hfw, settings.hfw, caps.hfw, Unit::Metre)?;
    beam_range(Key::DwellTime, settings.dwell_time, caps.dwell_time, Unit::Second)?;
    if let Some(area) = settings.reduced_area {
        if !caps.reduced_area {
            return Err(HalError::unsupported("reduced area scan"));
        }
        let (_, _, w, h) = area.pixels(settings.resolution);
        if !area.is_valid() || w == 0 || h == 0 {
            return Err(bad_area());
        }
    }
    count("frame integration", settings.frame_integration, caps.frame_integration)?;
    count("line integration", settings.line_integration, caps.line_integration)?;
    count("scan interlacing", settings.scan_interlacing, caps.interlacing)?;
    if settings.drift_correction {
        if !caps.drift_correction {
            return Err(HalError::unsupported("drift-corrected imaging"));
        }
        if settings.frame_integration.unwrap_or(1) < 2 {
            return Err(HalError::new(
                ErrorKind::OutOfRange,
                "drift correction registers frames with each other and there is only one; nothing was scanned",
                "ask for frame integration of at least 2",
            ));
        }
    }
    Ok(())
}

fn beam_range(key: Key, value: f64, range: (f64, f64), unit: Unit) -> Result<(), HalError> {
    if value.is_finite() && value >= range.0 && value <= range.1 {
        return Ok(());
    }
    Err(out_of_range(key, &Value::Number(value), range, unit))
}

/// Largest number of integrations or interlaced passes.
const MOST_PASSES: u32 = 255;

fn count(what: &str, value: Option<u32>, supported: bool) -> Result<(), HalError> {
    match value {
        None | Some(1) => Ok(()),
        Some(_) if !supported => Err(HalError::unsupported(what)),
        Some(n) if (1..=MOST_PASSES).contains(&n) => Ok(()),
        Some(n) => Err(HalError::new(
            ErrorKind::OutOfRange,
            format!("{what} of {n} is not possible; nothing was scanned"),
            format!("1 to {MOST_PASSES}"),
        )),
    }
}

#[cfg(test)]
mod tests;
