//! The rules of columns and pictures: the value fits its key and the instrument, the scan is one it can do.

use super::present;
use crate::HalError;
use crate::act::show;
use model::key::Kind;
use model::{Beam, Capabilities, ErrorKind, ImageSettings, Key, Value, units, units::Unit};

/// Fewer pixels a side than this are no picture, and nothing sensible is scanned beyond that many.
const SMALLEST_SCAN: u32 = 8;
const LARGEST_SCAN: u32 = 8192;

/// The value fits the key's kind, is finite, and lies in what this instrument allows.
pub fn beam_value(beam: Beam, key: Key, value: &Value, capabilities: &Capabilities) -> Result<(), HalError> {
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

pub(super) fn one_of(key: Key, value: &Value, known: &[Value]) -> Result<(), HalError> {
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
pub(super) fn kind_fits(key: Key, value: &Value) -> Result<(), HalError> {
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

pub(super) fn beam_range(key: Key, value: f64, range: (f64, f64), unit: Unit) -> Result<(), HalError> {
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
