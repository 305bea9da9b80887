//! The form of beam and detector: what the column is set to. Rows are those keys the instrument can write.

use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::form::{Field, Kind};
use engine::Command;
use model::capabilities::BeamCapabilities;
use model::key::Kind as KeyKind;
use model::{Beam, BeamState, Key, Unit, Value, units};
use serde_json::json;

/// One row: its name in the form, its label, the key behind it, and how it is read.
struct Row {
    name: &'static str,
    label: &'static str,
    key: Key,
    read: fn(&BeamState) -> Value,
}

const fn row(name: &'static str, label: &'static str, key: Key, read: fn(&BeamState) -> Value) -> Row {
    Row { name, label, key, read }
}

/// Every row; points have one each for x and y.
const ROWS: &[Row] = &[
    row("preset", "preset", Key::Preset, |s| {
        s.settings.preset.clone().map_or(Value::Null, Value::Text)
    }),
    row("voltage", "voltage", Key::Voltage, |s| {
        Value::Number(s.settings.voltage)
    }),
    row("current", "current", Key::Current, |s| {
        Value::Number(s.settings.beam_current)
    }),
    row("working_distance", "WD", Key::WorkingDistance, |s| {
        Value::Number(s.settings.working_distance)
    }),
    row("stigmation_x", "stig x", Key::Stigmation, |s| {
        Value::Number(s.settings.stigmation.x)
    }),
    row("stigmation_y", "stig y", Key::Stigmation, |s| {
        Value::Number(s.settings.stigmation.y)
    }),
    row("shift_x", "shift x", Key::Shift, |s| Value::Number(s.settings.shift.x)),
    row("shift_y", "shift y", Key::Shift, |s| Value::Number(s.settings.shift.y)),
    row("scan_rotation", "scan rot.", Key::ScanRotation, |s| {
        Value::Number(s.settings.scan_rotation)
    }),
    row("detector_type", "detector", Key::DetectorType, |s| {
        Value::Text(s.detector.kind.clone())
    }),
    row("detector_mode", "mode", Key::DetectorMode, |s| {
        Value::Text(s.detector.mode.clone())
    }),
    row("detector_contrast", "contrast", Key::DetectorContrast, |s| {
        Value::Number(s.detector.contrast)
    }),
    row("detector_brightness", "brightness", Key::DetectorBrightness, |s| {
        Value::Number(s.detector.brightness)
    }),
];

/// The rows for `beam`, from the snapshot; empty while it was never read.
pub fn fields(beam: Beam, cx: &Cx) -> Vec<Field> {
    let (Some(connection), Some(state)) = (&cx.snapshot.connection, cx.snapshot.beam(beam)) else {
        return Vec::new();
    };
    let Some(capabilities) = connection.capabilities.beam(beam) else {
        return Vec::new();
    };
    let offered = |row: &&Row| {
        let readable = capabilities.readable.contains(&row.key);
        let words = row.key != Key::Preset || !capabilities.available(Key::Preset).is_empty();
        words && (readable || capabilities.writable.contains(&row.key))
    };
    let stale = cx.stale(state);
    let field = |row: &Row| {
        let kind = kind(row.key, capabilities);
        let value = match ((row.read)(&state.value), row.key.row().kind) {
            // what cannot be edited knows no unit of its own
            (Value::Number(n), KeyKind::Number(unit) | KeyKind::Point(unit)) if kind == Kind::Shown => {
                Value::Text(units::format(n, unit))
            }
            (value, _) => value,
        };
        let mut field = Field::new(row.name, row.label, kind).value(value);
        field.pending = is_pending(beam, row.key, cx);
        field.stale = stale;
        field.doc = row.key.row().doc;
        field
    };
    ROWS.iter().filter(offered).map(field).collect()
}

/// What a key takes here: the values there are, or a range.
fn kind(key: Key, capabilities: &BeamCapabilities) -> Kind {
    if !capabilities.writable.contains(&key) {
        return Kind::Shown;
    }
    let values = capabilities.available(key);
    let words: Vec<String> = values.iter().filter_map(|v| v.as_text().map(str::to_owned)).collect();
    let mut choices: Vec<f64> = values.iter().filter_map(Value::as_f64).collect();
    choices.sort_by(f64::total_cmp);
    let number = |unit: Unit, (low, high): (f64, f64)| match low < high {
        true => Kind::Number {
            unit,
            low,
            high,
            choices: choices.clone(),
        },
        false => Kind::Number {
            unit,
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
            choices: choices.clone(),
        },
    };
    match (key, key.row().kind) {
        (Key::Voltage, _) => number(Unit::Volt, capabilities.voltage),
        (Key::Current, _) => number(Unit::Ampere, capabilities.current),
        (Key::WorkingDistance, _) => number(Unit::Metre, capabilities.working_distance),
        (Key::Shift, _) => number(Unit::Metre, (-capabilities.shift, capabilities.shift)),
        (Key::DetectorContrast | Key::DetectorBrightness, _) => number(Unit::None, (0.0, 1.0)),
        (Key::ScanRotation, _) => number(Unit::Radian, (-std::f64::consts::TAU, std::f64::consts::TAU)),
        (_, KeyKind::Number(unit) | KeyKind::Point(unit)) => number(unit, (0.0, 0.0)),
        (_, KeyKind::Text) if !words.is_empty() => Kind::Choice(words),
        _ => Kind::Text,
    }
}

fn is_pending(beam: Beam, key: Key, cx: &Cx) -> bool {
    cx.pending.any(|command| {
        let word = |name: &str| command.args.get(name).and_then(|v| v.as_str());
        command.name == "system.set" && word("beam") == Some(beam.word()) && word("key") == Some(key.name())
    })
}

/// Asks for a value. A point keeps its other half as it was read.
pub fn set(beam: Beam, name: &str, value: &Value, cx: &Cx) -> Vec<Effect> {
    let (Some(row), Some(state)) = (ROWS.iter().find(|row| row.name == name), cx.snapshot.beam(beam)) else {
        return Vec::new();
    };
    let settings = &state.value.settings;
    let point = match row.key {
        Key::Stigmation => Some(settings.stigmation),
        Key::Shift => Some(settings.shift),
        _ => None,
    };
    let value = match (point, value) {
        (Some(mut point), Value::Number(n)) => {
            if name.ends_with('x') {
                point.x = *n;
            } else {
                point.y = *n;
            }
            json!(point)
        }
        _ => json!(value),
    };
    let command = Command::new("system.set")
        .with("key", row.key.name())
        .with("value", value);
    vec![Effect::Send(command.with("beam", beam.word()))]
}
