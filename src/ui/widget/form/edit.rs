//! The text of a field while it is edited: what it means, and what a step makes of it.

use super::{Field, Kind};
use crate::action::Action;
use model::{Unit, Value, text, units};
use tui_input::{Input, InputRequest};

/// Longest text of a field, characters.
const LONGEST: usize = 1000;
/// Steps of a big step.
const BIG: f64 = 10.0;

#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub input: Input,
    original: String,
    /// All of it is selected, as it is to begin with: what is typed or erased takes its place.
    pub selected: bool,
    pub error: Option<String>,
}

/// A value as one would type it.
pub(super) fn typed(value: &Value, kind: &Kind) -> String {
    match (value, kind) {
        (Value::Number(n), Kind::Number { unit, .. }) => units::format_input(readable(*n, *unit), *unit),
        (Value::Null, _) => String::new(),
        _ => shown(value, kind),
    }
}

/// A value as it is read.
pub(super) fn shown(value: &Value, kind: &Kind) -> String {
    match value {
        Value::Null if *kind == Kind::Button => "[Enter]".to_owned(),
        Value::Null => "--".to_owned(),
        Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Number(n) => match kind {
            Kind::Number { unit, .. } => units::format(*n, *unit),
            _ => format!("{n}"),
        },
        Value::Size(w, h) => format!("{w}x{h}"),
        Value::Text(t) => text::printable(t),
        Value::Point(p) => format!("{:.3}, {:.3}", p.x, p.y),
        Value::Rect(r) => format!("{:.2},{:.2},{:.2},{:.2}", r.left, r.top, r.width, r.height),
        Value::Position(p) => p.to_string(),
        Value::List(values) => values.iter().map(|v| shown(v, kind)).collect::<Vec<_>>().join(" "),
    }
}

/// What may be typed, in one line.
pub(super) fn range(kind: &Kind) -> String {
    match kind {
        Kind::Number {
            unit,
            low,
            high,
            choices,
        } => {
            let show = |v: f64| units::format_input(v, *unit);
            match (choices.as_slice(), low.is_finite() && high.is_finite()) {
                ([], true) => format!("{} to {}", show(*low), show(*high)),
                ([], false) => format!("like {}", unit.example()),
                (some, _) if some.len() <= 6 => some.iter().map(|v| show(*v)).collect::<Vec<_>>().join(" "),
                ([first, .., last], _) => format!("{} values, {} to {}", choices.len(), show(*first), show(*last)),
                ([only], _) => show(*only),
            }
        }
        Kind::Count { low, high } => format!("{low} to {high}"),
        Kind::Choice(words) => words.join(" | "),
        Kind::Size(sizes) if sizes.is_empty() => "width x height in pixels".to_owned(),
        Kind::Size(sizes) => sizes
            .iter()
            .map(|(w, h)| format!("{w}x{h}"))
            .collect::<Vec<_>>()
            .join(" "),
        Kind::Bool => "on or off".to_owned(),
        Kind::Text | Kind::Button | Kind::Shown => String::new(),
    }
}

impl Edit {
    pub fn new(field: &Field) -> Edit {
        let original = typed(&field.value, &field.kind);
        Edit {
            input: Input::new(original.clone()),
            selected: !original.is_empty(),
            original,
            error: None,
        }
    }

    pub fn changed(&self) -> bool {
        self.input.value() != self.original
    }

    /// What the text means, or why it means nothing.
    pub fn value(&self, kind: &Kind) -> Result<Value, String> {
        let text = self.input.value().trim();
        match kind {
            Kind::Number {
                unit,
                low,
                high,
                choices,
            } => {
                let value = units::parse(text, *unit).map_err(|e| e.to_string())?;
                if (low.is_finite() && value < *low) || (high.is_finite() && value > *high) {
                    return Err(format!("{} is outside {}", units::format(value, *unit), range(kind)));
                }
                let value = match nearest(choices, value) {
                    Some(near) if (near - value).abs() <= 0.02 * near.abs() => near,
                    Some(near) => {
                        let value = units::format(value, *unit);
                        return Err(format!(
                            "there is no {value} here, the nearest is {}",
                            units::format(near, *unit)
                        ));
                    }
                    None => value,
                };
                Ok(Value::Number(value))
            }
            Kind::Count { low, high } => match text.parse::<u32>() {
                Ok(n) if (*low..=*high).contains(&n) => Ok(Value::Number(f64::from(n))),
                _ => Err(format!(
                    "`{}` is no whole number from {low} to {high}",
                    text::printable(text)
                )),
            },
            Kind::Choice(words) => match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
                Some(word) => Ok(Value::Text(word.clone())),
                None => Err(match text::nearest(text, words.iter().map(String::as_str)) {
                    Some(near) => format!("`{}` is none of these, did you mean {near}?", text::printable(text)),
                    None => format!("`{}` is none of {}", text::printable(text), range(kind)),
                }),
            },
            Kind::Size(sizes) => {
                let size =
                    parse_size(text).ok_or_else(|| format!("`{}` is no size like 1536x1024", text::printable(text)))?;
                if sizes.is_empty() || sizes.contains(&size) {
                    return Ok(Value::Size(size.0, size.1));
                }
                Err(format!("{}x{} is not among {}", size.0, size.1, range(kind)))
            }
            Kind::Bool | Kind::Text | Kind::Button | Kind::Shown => Ok(Value::Text(text.to_owned())),
        }
    }

    /// Handles a key; says whether it was one of the field's.
    pub fn update(&mut self, action: &Action, kind: &Kind) -> bool {
        let replaces = matches!(
            action,
            Action::Type(_) | Action::Paste(_) | Action::Backspace | Action::Delete
        );
        if std::mem::take(&mut self.selected) && replaces {
            self.input.handle(InputRequest::DeleteLine);
        }
        let request = match action {
            Action::Type(c) if self.input.value().chars().count() < LONGEST => InputRequest::InsertChar(*c),
            Action::Type(_) => return true,
            Action::Backspace => InputRequest::DeletePrevChar,
            Action::Delete => InputRequest::DeleteNextChar,
            Action::EraseLine => InputRequest::DeleteLine,
            Action::Left => InputRequest::GoToPrevChar,
            Action::Right => InputRequest::GoToNextChar,
            Action::Home => InputRequest::GoToStart,
            Action::End => InputRequest::GoToEnd,
            Action::Paste(text) => {
                let room = LONGEST.saturating_sub(self.input.value().chars().count());
                for c in text.chars().take(room) {
                    self.input.handle(InputRequest::InsertChar(c));
                }
                self.error = None;
                return true;
            }
            Action::Up => return self.step(kind, 1.0),
            Action::Down => return self.step(kind, -1.0),
            Action::StepMore => return self.step(kind, BIG),
            Action::StepLess => return self.step(kind, -BIG),
            _ => return false,
        };
        self.input.handle(request);
        self.error = None;
        true
    }

    fn step(&mut self, kind: &Kind, steps: f64) -> bool {
        if let Some(text) = stepped(self.input.value().trim(), kind, steps) {
            self.input = Input::new(text);
            self.error = None;
        }
        true
    }
}

/// The text after `steps` steps up; `None` where there is nowhere to go.
fn stepped(text: &str, kind: &Kind, steps: f64) -> Option<String> {
    match kind {
        Kind::Number {
            unit,
            low,
            high,
            choices,
        } => {
            let value = units::parse(text, *unit).ok()?;
            let next = match choices.as_slice() {
                [] => add(value, *unit, steps, *low, *high).clamp(floor(*low), ceiling(*high)),
                choices => along(choices, value, steps)?,
            };
            Some(units::format_input(next, *unit))
        }
        Kind::Count { low, high } => {
            let value: u32 = text.parse().ok()?;
            let next = (f64::from(value) + steps).clamp(f64::from(*low), f64::from(*high));
            Some(format!("{next:.0}"))
        }
        Kind::Choice(words) => {
            let at = words.iter().position(|w| w.eq_ignore_ascii_case(text))?;
            words.get(shift(at, -steps, words.len())).cloned()
        }
        Kind::Size(sizes) => {
            let at = sizes.iter().position(|size| Some(*size) == parse_size(text))?;
            sizes
                .get(shift(at, steps, sizes.len()))
                .map(|(w, h)| format!("{w}x{h}"))
        }
        Kind::Bool | Kind::Text | Kind::Button | Kind::Shown => None,
    }
}

fn floor(low: f64) -> f64 {
    if low.is_nan() { f64::NEG_INFINITY } else { low }
}

fn ceiling(high: f64) -> f64 {
    if high.is_nan() { f64::INFINITY } else { high }
}

fn shift(at: usize, steps: f64, len: usize) -> usize {
    at.saturating_add_signed(steps as isize).min(len.saturating_sub(1))
}

/// A step changes the second digit (150 um by 10, 2.00 kV by 0.1), an angle by a degree; from zero by a hundredth of the
/// range's power of ten.
fn add(value: f64, unit: Unit, steps: f64, low: f64, high: f64) -> f64 {
    match unit {
        Unit::Radian => return (value.to_degrees().round() + steps).to_radians(),
        Unit::Degree => return value.round() + steps,
        _ => {}
    }
    let size = if value != 0.0 {
        value.abs()
    } else if low.is_finite() && high.is_finite() && high > low {
        (high - low) / 10.0
    } else {
        return steps * units::parse(unit.example(), unit).unwrap_or(1.0) / BIG;
    };
    let step = 10f64.powf(size.log10().floor() - 1.0);
    let snapped = (value / step).round() * step;
    tidy(snapped + steps * step)
}

/// A value as computed, in digits that a person would type: nine of them, an angle to a millionth of a degree. What is not
/// edited further is not sent, so nothing is rounded by looking.
fn readable(value: f64, unit: Unit) -> f64 {
    match unit {
        Unit::Radian => ((value.to_degrees() * 1e6).round() / 1e6).to_radians(),
        _ => format!("{value:.8e}").parse().unwrap_or(value),
    }
}

/// Without the dust of binary fractions.
fn tidy(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

fn nearest(choices: &[f64], value: f64) -> Option<f64> {
    choices
        .iter()
        .copied()
        .min_by(|a, b| (a - value).abs().total_cmp(&(b - value).abs()))
}

/// The choice `steps` after the one nearest to `value`.
fn along(choices: &[f64], value: f64, steps: f64) -> Option<f64> {
    let near = nearest(choices, value)?;
    let at = choices.iter().position(|c| *c == near)?;
    choices.get(shift(at, steps, choices.len())).copied()
}

fn parse_size(text: &str) -> Option<(u32, u32)> {
    let (w, h) = text.split_once(['x', 'X', '*'])?;
    let (w, h) = (w.trim().parse().ok()?, h.trim().parse().ok()?);
    (w > 0 && h > 0).then_some((w, h))
}
