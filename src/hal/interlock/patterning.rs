//! When a beam may draw: what can be loaded, and what must be so before it touches the sample.

use super::{Readings, busy, duration, pumped, refuse};
use crate::HalError;
use model::capabilities::MillingCapabilities;
use model::{Beam, Capabilities, ErrorKind, Key, MillingSettings, PatterningPhase, Shape, shape, units, units::Unit};

/// The beam's current may be this far off what the patterns were planned for.
const CURRENT_OFF: f64 = 0.1;
/// More shapes than this at once is a mistake, not a pattern.
const MOST_SHAPES: usize = 20_000;

/// No beam draws while the stage, the chamber or the patterns are changed under it.
pub(super) fn not_drawing(now: &Readings, untouched: &str) -> Result<(), HalError> {
    match &now.patterning {
        Some(p) if p.phase.is_active() => Err(busy(format!(
            "a beam is milling ({}); {untouched}",
            p.phase.word().to_lowercase()
        ))),
        _ => Ok(()),
    }
}

pub(super) fn milling(capabilities: &Capabilities) -> Result<&MillingCapabilities, HalError> {
    capabilities
        .milling
        .as_ref()
        .ok_or_else(|| HalError::unsupported("milling"))
}

pub(super) fn setup(settings: &MillingSettings, now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    let caps = milling(capabilities)?;
    not_drawing(now, "the patterns stay as they are")?;
    let column = channel(settings.milling_channel, caps, capabilities)?;
    super::beam::beam_range(Key::Hfw, settings.hfw, column.hfw, Unit::Metre)?;
    if !caps.application_files.is_empty() && !caps.application_files.contains(&settings.application_file) {
        return Err(HalError::new(
            ErrorKind::OutOfRange,
            format!(
                "`{}` is no application file of this instrument; nothing was set",
                model::text::printable(&settings.application_file)
            ),
            format!("one of: {}", caps.application_files.join(", ")),
        ));
    }
    if !caps.modes.contains(&settings.patterning_mode) {
        return Err(HalError::unsupported(&format!(
            "{} patterning",
            settings.patterning_mode.word()
        )));
    }
    Ok(())
}

fn channel<'a>(
    beam: Beam,
    caps: &MillingCapabilities,
    capabilities: &'a Capabilities,
) -> Result<&'a model::capabilities::BeamCapabilities, HalError> {
    if !caps.channels.contains(&beam) {
        return Err(HalError::unsupported(&format!("patterning with the {beam} beam")));
    }
    super::present(beam, capabilities)
}

/// Every shape is something a beam can draw.
pub(super) fn shapes(shapes: &[Shape], now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    let caps = milling(capabilities)?;
    not_drawing(now, "nothing was loaded")?;
    if shapes.is_empty() || shapes.len() > MOST_SHAPES {
        return Err(HalError::new(
            ErrorKind::OutOfRange,
            format!("{} shapes cannot be loaded; nothing was loaded", shapes.len()),
            format!("1 to {MOST_SHAPES}"),
        ));
    }
    for (i, shape) in shapes.iter().enumerate() {
        if matches!(shape, Shape::Bitmap(_)) && !caps.bitmaps {
            return Err(HalError::unsupported("bitmap patterns"));
        }
        if !drawable(shape) {
            return Err(HalError::new(
                ErrorKind::OutOfRange,
                format!(
                    "shape {} ({}) has no size, no depth or a number that is not finite; nothing was loaded",
                    i + 1,
                    shape.kind()
                ),
                "give every length a value above zero",
            ));
        }
    }
    Ok(())
}

fn drawable(shape: &Shape) -> bool {
    let bounds = shape.bounds();
    let finite = [
        bounds.left,
        bounds.right,
        bounds.bottom,
        bounds.top,
        shape.depth(),
        shape.time(),
    ]
    .iter()
    .all(|v| v.is_finite());
    let sized = match shape {
        Shape::Line(_) => bounds.width() > 0.0 || bounds.height() > 0.0,
        Shape::Polygon(shape::Polygon { vertices, .. }) => vertices.len() >= 3 && shape.area() > 0.0,
        Shape::Rectangle(s) => s.width > 0.0 && s.height > 0.0,
        Shape::Bitmap(s) => s.width > 0.0 && s.height > 0.0,
        Shape::Circle(s) => s.radius > 0.0 && (0.0..=s.radius).contains(&s.thickness),
    };
    finite && sized && shape.time() >= 0.0 && (shape.depth() > 0.0 || shape.is_exclusion())
}

/// The beam touches the sample: it must be the beam that was planned with, in vacuum, on a stage at rest.
pub(super) fn start(
    beam: Beam,
    current: Option<f64>,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<(), HalError> {
    channel(beam, milling(capabilities)?, capabilities)?;
    not_drawing(now, "nothing was started")?;
    if now.patterning.as_ref().is_none_or(|p| p.done.is_empty()) {
        return Err(refuse(
            "no pattern is loaded; nothing was milled",
            "load patterns first",
        ));
    }
    touch(beam, now, "milled")?;
    planned(beam, current, now, "milled")
}

/// The beam reads the current that was planned. `done`: what was not, in the past tense.
fn planned(beam: Beam, current: Option<f64>, now: &Readings, done: &str) -> Result<(), HalError> {
    let Some((wanted, state)) = current.zip(now.beam(beam)) else {
        return Ok(());
    };
    let read = state.settings.beam_current;
    // a reading that is no number is not near either
    if (read - wanted).abs() <= CURRENT_OFF * wanted {
        return Ok(());
    }
    let show = |i: f64| units::format(i, Unit::Ampere);
    Err(refuse(
        format!(
            "the {beam} beam reads {} where {} was planned; nothing was {done}",
            show(read),
            show(wanted)
        ),
        "set the current again, or plan for the current there is",
    ))
}

fn touch(beam: Beam, now: &Readings, done: &str) -> Result<(), HalError> {
    pumped(now, &format!("nothing was {done}"))?;
    if now.beam(beam).is_some_and(|b| !b.on) {
        return Err(refuse(
            format!("the {beam} beam is off; nothing was {done}"),
            format!("turn it on first (beam.on beam={})", beam.word()),
        ));
    }
    if now.stage.is_some_and(|s| s.moving) {
        return Err(busy(format!("the stage moves; nothing was {done}")));
    }
    Ok(())
}

pub(super) fn pause(now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    if !milling(capabilities)?.pause {
        return Err(HalError::unsupported("pausing a pattern"));
    }
    match &now.patterning {
        Some(p) if p.phase == PatterningPhase::Running => Ok(()),
        _ => Err(refuse(
            "nothing is being milled; nothing was paused",
            "milling.state shows what there is",
        )),
    }
}

pub(super) fn resume(now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    if !milling(capabilities)?.pause {
        return Err(HalError::unsupported("pausing a pattern"));
    }
    if now
        .patterning
        .as_ref()
        .is_none_or(|p| p.phase != PatterningPhase::Paused)
    {
        return Err(refuse(
            "no pattern is paused; nothing was resumed",
            "milling.state shows what there is",
        ));
    }
    pumped(now, "the pattern stays paused")?;
    if now.stage.is_some_and(|s| s.moving) {
        return Err(busy("the stage moves; the pattern stays paused"));
    }
    Ok(())
}

pub(super) fn spot(
    beam: Beam,
    at: model::Point,
    seconds: f64,
    current: Option<f64>,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<(), HalError> {
    let caps = milling(capabilities)?;
    if !caps.spot_burn {
        return Err(HalError::unsupported("spot burns"));
    }
    channel(beam, caps, capabilities)?;
    not_drawing(now, "nothing was burned")?;
    if !(0.0..=1.0).contains(&at.x) || !(0.0..=1.0).contains(&at.y) {
        return Err(HalError::new(
            ErrorKind::OutOfRange,
            format!(
                "the spot ({}, {}) lies outside the field; nothing was burned",
                at.x, at.y
            ),
            "fractions of the picture, 0..1 from the top left",
        ));
    }
    duration(seconds, "a burn", "nothing was burned")?;
    touch(beam, now, "burned")?;
    planned(beam, current, now, "burned")
}
