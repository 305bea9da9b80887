//! Typed targets and steps: the form, and what is sent when the key to go is pressed. Typing alone moves nothing.

use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::form::{Field, Kind};
use crate::widget::picture::tell;
use engine::Command;
use model::{Axis, Unit, Value};

/// The row of the milling angle, which is its own move.
pub const MILLING_ANGLE: &str = "milling-angle";
const STEP: &str = "step";
const TURN: &str = "turn";
/// Rows of the axes, and what they are called once something was typed.
const ROWS: [(&str, &str, &str); 5] = [
    ("x", "x", "to x"),
    ("y", "y", "to y"),
    ("z", "z", "to z"),
    ("r", "r", "to r"),
    ("t", "t", "to t"),
];

/// Lengths (m) and angles (deg) that steps go through.
const LENGTHS: &[f64] = &[
    10e-9, 20e-9, 50e-9, 100e-9, 200e-9, 500e-9, 1e-6, 2e-6, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3,
];
const ANGLES: &[f64] = &[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// How far one step goes, m and rad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    pub length: f64,
    pub angle: f64,
}

impl Default for Steps {
    fn default() -> Steps {
        Steps {
            length: 10e-6,
            angle: 1f64.to_radians(),
        }
    }
}

impl Steps {
    pub fn of(self, axis: Axis) -> f64 {
        if axis.is_angle() { self.angle } else { self.length }
    }

    /// The next longer or shorter step of that axis' kind; `None` = both kinds.
    pub fn change(&mut self, axis: Option<Axis>, by: i32) -> Vec<Effect> {
        if axis.is_none_or(|axis| !axis.is_angle()) {
            self.length = next(LENGTHS.iter().copied(), self.length, by);
        }
        if axis.is_none_or(Axis::is_angle) {
            self.angle = next(ANGLES.iter().map(|a| a.to_radians()), self.angle, by);
        }
        Vec::new()
    }
}

fn next(ladder: impl Iterator<Item = f64>, now: f64, by: i32) -> f64 {
    let further = ladder.filter(|v| if by > 0 { *v > now * 1.001 } else { *v < now * 0.999 });
    further
        .min_by(|a, b| (a - now).abs().total_cmp(&(b - now).abs()))
        .unwrap_or(now)
}

/// What was typed and not yet gone to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target([Option<f64>; 5]);

impl Target {
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    pub fn clear(&mut self) {
        *self = Target::default();
    }

    pub fn of(&self, axis: Axis) -> Option<f64> {
        self.0[axis as usize]
    }

    /// Takes what was typed; a milling angle goes out at once, since its row is the key for it (and it is asked about).
    pub fn set(&mut self, key: &str, value: &Value, steps: &mut Steps) -> Vec<Effect> {
        let Some(number) = value.as_f64() else {
            return Vec::new();
        };
        match key {
            MILLING_ANGLE => return vec![Effect::Send(Command::new("stage.milling-angle").with("angle", number))],
            STEP => steps.length = number,
            TURN => steps.angle = number,
            _ => {
                if let Some(axis) = Axis::ALL.into_iter().find(|axis| axis.name() == key) {
                    self.0[axis as usize] = Some(number);
                }
            }
        }
        Vec::new()
    }

    /// The move to what was typed, tilted flat before a large turn.
    pub fn go(&self) -> Vec<Effect> {
        if self.is_empty() {
            return vec![tell(
                "no target was typed; nothing moves",
                "type one with the target key first",
            )];
        }
        let mut command = Command::new("stage.safe-move");
        for axis in Axis::ALL {
            if let Some(to) = self.of(axis) {
                command = command.with(axis.name(), to);
            }
        }
        vec![Effect::Send(command)]
    }
}

/// The axes of this stage.
pub fn axes(cx: &Cx) -> Vec<Axis> {
    let stage = cx
        .snapshot
        .connection
        .as_ref()
        .and_then(|c| c.capabilities.stage.as_ref());
    stage.map_or_else(|| Axis::ALL.to_vec(), |stage| stage.axes.clone())
}

/// Lowest and highest value of an axis.
pub fn limits(axis: Axis, cx: &Cx) -> Option<(f64, f64)> {
    cx.snapshot
        .connection
        .as_ref()?
        .capabilities
        .stage
        .as_ref()?
        .limits
        .get(axis)
}

fn unit(axis: Axis) -> Unit {
    if axis.is_angle() { Unit::Radian } else { Unit::Metre }
}

/// The rows, from what was typed and where the stage is.
pub fn fields(target: &Target, steps: Steps, cx: &Cx) -> Vec<Field> {
    let stage = cx.snapshot.stage.as_ref().map(|s| &s.value);
    let mut rows: Vec<Field> = axes(cx)
        .into_iter()
        .map(|axis| {
            let (low, high) = limits(axis, cx).unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            let typed = target.of(axis);
            let value = typed
                .or(stage.map(|s| s.state.pose.get(axis)))
                .map_or(Value::Null, Value::Number);
            let (key, plain, to) = ROWS[axis as usize];
            let label = if typed.is_some() { to } else { plain };
            let mut field = Field::new(key, label, Kind::number(unit(axis), low, high)).value(value);
            field.doc = "typed only; the go key moves there";
            field.pending = typed.is_some() && cx.pending.has("stage.safe-move");
            field
        })
        .collect();
    let angle = stage.map_or(Value::Null, |s| Value::Number(s.milling_angle_deg.to_radians()));
    let mut milling = Field::new(
        MILLING_ANGLE,
        "mill. angle",
        Kind::number(Unit::Radian, 0.0, std::f64::consts::FRAC_PI_2),
    )
    .value(angle);
    milling.doc = "asks, then tilts there";
    milling.pending = cx.pending.has("stage.milling-angle");
    rows.push(milling);
    rows.push(
        Field::new(STEP, "step", Kind::length(1e-9, 1e-3))
            .value(Value::Number(steps.length))
            .doc("of single steps and jog"),
    );
    let turn = Kind::number(Unit::Radian, 1e-5, 5f64.to_radians());
    rows.push(
        Field::new(TURN, "turn", turn)
            .value(Value::Number(steps.angle))
            .doc("of single steps and jog"),
    );
    rows
}
