//! What is typed of the needle: places, ways, steps, offsets and names. Typing alone moves nothing.

use super::capabilities;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::form::{Field, Kind};
use crate::widget::picture::tell;
use engine::Command;
use model::{ManipulatorPosition, Value};

const STEP: &str = "step";
/// The row where a name to save under is typed.
pub const NAME: &str = "name";

/// Steps (m) that the keys go through.
const STEPS: &[f64] = &[
    10e-9, 20e-9, 50e-9, 100e-9, 200e-9, 500e-9, 1e-6, 2e-6, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 200e-6,
];

/// Rows of one axis: to a place and, once typed, its other label; by a way; offset of a position.
struct Rows {
    name: &'static str,
    to: &'static str,
    typed: &'static str,
    by: &'static str,
    offset: &'static str,
}

const AXES: [Rows; 3] = [
    Rows {
        name: "x",
        to: "x",
        typed: "to x",
        by: "by x",
        offset: "offset x",
    },
    Rows {
        name: "y",
        to: "y",
        typed: "to y",
        by: "by y",
        offset: "offset y",
    },
    Rows {
        name: "z",
        to: "z",
        typed: "to z",
        by: "by z",
        offset: "offset z",
    },
];

/// What was typed and not yet gone to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Typed {
    /// Of one step, m.
    pub step: f64,
    to: [Option<f64>; 3],
    by: [Option<f64>; 3],
    /// From a position by name, m.
    pub offset: [f64; 3],
}

impl Default for Typed {
    fn default() -> Typed {
        Typed {
            step: 1e-6,
            to: [None; 3],
            by: [None; 3],
            offset: [0.0; 3],
        }
    }
}

impl Typed {
    /// A place or a way is typed and waits for the key that goes.
    pub fn waits(&self) -> bool {
        self.to.iter().chain(&self.by).any(Option::is_some)
    }

    /// Forgets place and way; step and offset stay.
    pub fn clear(&mut self) {
        self.to = [None; 3];
        self.by = [None; 3];
    }

    /// The next longer or shorter step.
    pub fn change_step(&mut self, by: i32) {
        let further = STEPS.iter().filter(|s| match by > 0 {
            true => **s > self.step * 1.001,
            false => **s < self.step * 0.999,
        });
        let nearest = further.min_by(|a, b| (*a - self.step).abs().total_cmp(&(*b - self.step).abs()));
        self.step = nearest.copied().unwrap_or(self.step);
    }

    /// Takes what was typed in a row. A place and a way exclude each other: the newer one counts.
    pub fn set(&mut self, key: &str, value: &Value) -> Vec<Effect> {
        if let (NAME, Value::Text(name)) = (key, value) {
            return vec![Effect::Send(Command::new("manipulator.save").with("name", name.trim()))];
        }
        let Some(number) = value.as_f64() else {
            return Vec::new();
        };
        if key == STEP {
            self.step = number;
        }
        for (i, rows) in AXES.iter().enumerate() {
            if key == rows.to {
                self.by = [None; 3];
                self.to[i] = Some(number);
            } else if key == rows.by {
                self.to = [None; 3];
                self.by[i] = Some(number);
            } else if key == rows.offset {
                self.offset[i] = number;
            }
        }
        Vec::new()
    }

    /// The move to the typed place, or along the typed way.
    pub fn go(&self) -> Vec<Effect> {
        let (name, given) = if self.to.iter().any(Option::is_some) {
            ("manipulator.move-absolute", self.to)
        } else {
            ("manipulator.move-relative", self.by)
        };
        if given.iter().all(Option::is_none) {
            return vec![tell(
                "no place or way was typed; nothing moves",
                "type one with the target key first",
            )];
        }
        let command = AXES
            .iter()
            .zip(given)
            .fold(Command::new(name), |command, (rows, value)| {
                value
                    .iter()
                    .fold(command, |command, value| command.with(rows.name, *value))
            });
        vec![Effect::Send(command)]
    }
}

/// The rows, from what was typed and where the needle is.
pub fn fields(typed: &Typed, now: Option<&ManipulatorPosition>, cx: &Cx) -> Vec<Field> {
    let limits = capabilities(cx).map_or([(f64::NEG_INFINITY, f64::INFINITY); 3], |caps| caps.limits);
    let moving = cx.pending.any(super::is_move);
    let number = |key, label, (low, high), value: Option<f64>, doc| {
        Field::new(key, label, Kind::length(low, high))
            .value(value.map_or(Value::Null, Value::Number))
            .doc(doc)
    };
    let mut rows = vec![number(
        STEP,
        STEP,
        (1e-9, 1e-3),
        Some(typed.step),
        "of one key in drive mode",
    )];
    let now = now.map(|p| [p.x, p.y, p.z]);
    for (i, axis) in AXES.iter().enumerate() {
        let label = if typed.to[i].is_some() { axis.typed } else { axis.to };
        let value = typed.to[i].or(now.map(|now| now[i]));
        let mut field = number(axis.to, label, limits[i], value, "the go key moves there");
        field.pending = typed.to[i].is_some() && moving;
        rows.push(field);
    }
    let travel = |i: usize| (limits[i].0 - limits[i].1, limits[i].1 - limits[i].0);
    for (i, axis) in AXES.iter().enumerate() {
        let mut field = number(axis.by, axis.by, travel(i), typed.by[i], "the go key moves that way");
        field.pending = typed.by[i].is_some() && moving;
        rows.push(field);
    }
    for (i, axis) in AXES.iter().enumerate() {
        let doc = match axis.name {
            "z" => "of a position by name; + is away from the sample",
            _ => "of a position by name",
        };
        rows.push(number(axis.offset, axis.offset, travel(i), Some(typed.offset[i]), doc));
    }
    let mut name = Field::new(NAME, "save as", Kind::Text).doc("Enter saves where the needle is under this name");
    name.pending = cx.pending.has("manipulator.save");
    rows.push(name);
    rows
}
