//! What this instrument can be told: a parameter as a field of a form with the values there are here, and back to its text.

use crate::cx::Cx;
use crate::widget::form::{Field, Kind};
use engine::snapshot::at;
use model::capabilities::{BeamCapabilities, MillingCapabilities, MillingControl};
use model::{Beam, Key, Unit, Value, units};
use pattern::{MillingStage, estimate, field};

/// What an instrument can be told.
pub struct Offers<'a> {
    pub milling: Option<&'a MillingCapabilities>,
    pub beam: Option<&'a BeamCapabilities>,
}

impl<'a> Offers<'a> {
    pub fn of(beam: Beam, cx: &'a Cx) -> Offers<'a> {
        let capabilities = cx.snapshot.connection.as_ref().map(|c| &c.capabilities);
        Offers {
            milling: capabilities.and_then(|c| c.milling.as_ref()),
            beam: capabilities.and_then(|c| c.beam(beam)),
        }
    }

    /// The values this key can have on the beam, in rising order; empty = any.
    pub fn numbers(&self, key: Key) -> Vec<f64> {
        let offered = self.beam.map(|beam| &beam.available).into_iter().flatten();
        let values = offered.filter(|(k, _)| *k == key).flat_map(|(_, values)| values);
        let mut numbers: Vec<f64> = values.filter_map(Value::as_f64).collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    }

    /// The words this parameter can have here, where the instrument says so.
    pub fn words(&self, key: &str) -> Vec<String> {
        let Some(milling) = self.milling else { return Vec::new() };
        match key {
            "application_file" => milling.application_files.clone(),
            "preset" => milling.presets.clone(),
            "patterning_mode" => milling.modes.iter().map(|mode| mode.word().to_owned()).collect(),
            "scan_direction" => milling.scan_directions.iter().map(|d| d.word().to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    /// A parameter as a field of a form, with what it is now.
    pub fn field(&self, parameter: &'static field::Field, text: &str) -> Field {
        let choices = match parameter.key {
            "milling_current" => self.numbers(Key::Current),
            "milling_voltage" => self.numbers(Key::Voltage),
            _ => Vec::new(),
        };
        let words = self.words(parameter.key);
        let kind = match parameter.kind {
            field::Kind::Quantity { unit, min, max, .. } => Kind::Number {
                unit,
                low: choices.first().copied().unwrap_or(min),
                high: choices.last().copied().unwrap_or(max),
                choices,
            },
            // seconds, which the file holds without their unit
            field::Kind::Integer { min, max } if parameter.key == "interval" => {
                Kind::number(Unit::Second, f64::from(min), f64::from(max))
            }
            field::Kind::Integer { min, max } => Kind::Count { low: min, high: max },
            field::Kind::Bool => Kind::Bool,
            field::Kind::Resolution => self.sizes(),
            _ if !words.is_empty() => Kind::Choice(words),
            field::Kind::Text | field::Kind::Path => Kind::Text,
            field::Kind::Choice(_) | field::Kind::CrossSection | field::Kind::ScanDirection => {
                let words = parameter.choices().unwrap_or_default();
                Kind::Choice(words.into_iter().map(str::to_owned).collect())
            }
        };
        let value = value(text, &kind);
        Field::new(parameter.key, parameter.label, kind)
            .value(value)
            .doc(parameter.doc)
    }

    /// Picture sizes in pixels.
    pub fn sizes(&self) -> Kind {
        Kind::Size(self.beam.map(|beam| beam.resolutions.clone()).unwrap_or_default())
    }
}

/// A parameter's text as a value of its field.
fn value(text: &str, kind: &Kind) -> Value {
    match kind {
        Kind::Number { unit, .. } => units::parse(text, *unit).map_or(Value::Null, Value::Number),
        Kind::Count { .. } => text.parse().map_or(Value::Null, Value::Number),
        Kind::Bool => Value::Bool(text == "true"),
        Kind::Size(_) => text
            .split_once('x')
            .and_then(|(w, h)| Some(Value::Size(w.parse().ok()?, h.parse().ok()?)))
            .unwrap_or(Value::Null),
        _ => Value::Text(text.to_owned()),
    }
}

/// A field's value as the text of its parameter.
pub fn text(value: &Value, unit: Option<Unit>) -> String {
    match (value, unit) {
        (Value::Number(n), Some(unit)) => units::format_input(*n, unit),
        (Value::Number(n), None) => format!("{n}"),
        (Value::Bool(on), _) => on.to_string(),
        (Value::Size(w, h), _) => format!("{w}x{h}"),
        (Value::Text(text), _) => text.clone(),
        _ => String::new(),
    }
}

/// How this instrument is told what its beam shall do.
pub fn control(cx: &Cx) -> MillingControl {
    cx.snapshot.planner().control
}

/// What the beam of a stage is called here: its current, or its preset.
pub fn current(stage: &MillingStage, cx: &Cx) -> String {
    match control(cx) {
        MillingControl::Current => units::format(stage.milling.milling_current, Unit::Ampere),
        MillingControl::Preset => model::text::printable(&stage.milling.preset),
    }
}

/// Seconds the beam needs for a stage on this instrument.
pub fn beam_time(stage: &MillingStage, cx: &Cx) -> f64 {
    estimate::stage_time(stage, cx.snapshot.planner())
}

/// Width and height of the field as the beam is set now, m.
pub fn field_now(beam: Beam, cx: &Cx) -> Option<(f64, f64)> {
    let width = cx.snapshot.beam(beam)?.value.settings.hfw;
    let (w, h) = cx.snapshot.settings[at(beam)].resolution;
    Some((width, width * f64::from(h.max(1)) / f64::from(w.max(1))))
}
