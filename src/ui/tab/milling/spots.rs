//! Spot burn: the form beside the points, and the command that burns them.

use super::offers;
use super::placing::Spot;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::form::{Field, Form, Kind};
use crate::widget::picture::tell;
use engine::Command;
use model::capabilities::MillingControl;
use model::{Beam, Key, Unit, Value};

const EXPOSURE: &str = "exposure_time";
const CURRENT: &str = "milling_current";
const PRESET: &str = "preset";
/// Longest exposure of one point, s.
const LONGEST: f64 = 600.0;

/// How long and how strongly each point is burned.
#[derive(Debug)]
pub struct Spots {
    /// s.
    exposure: f64,
    /// A.
    current: f64,
    /// Where the instrument mills by presets.
    preset: Option<String>,
    pub form: Form,
}

impl Default for Spots {
    /// openFIBSEM's own.
    fn default() -> Self {
        Spots {
            exposure: 10.0,
            current: 60e-12,
            preset: None,
            form: Form::new("spots", Vec::new()),
        }
    }
}

impl Spots {
    pub fn refresh(&mut self, beam: Beam, cx: &Cx) {
        let presets = match offers::control(cx) {
            MillingControl::Preset => offers::Offers::of(beam, cx).words(PRESET),
            MillingControl::Current => Vec::new(),
        };
        self.preset = self
            .preset
            .take()
            .filter(|preset| presets.contains(preset))
            .or(presets.first().cloned());
        let choices = offers::Offers::of(beam, cx).numbers(Key::Current);
        let current = Kind::Number {
            unit: Unit::Ampere,
            low: choices.first().copied().unwrap_or(1e-13),
            high: choices.last().copied().unwrap_or(1e-6),
            choices,
        };
        self.form.replace(vec![
            Field::new(EXPOSURE, "Exposure", Kind::number(Unit::Second, 1e-3, LONGEST))
                .value(Value::Number(self.exposure))
                .doc("of each point"),
            match &self.preset {
                Some(preset) => Field::new(PRESET, "Preset", Kind::Choice(presets)).value(Value::Text(preset.clone())),
                None => Field::new(CURRENT, "Current", current).value(Value::Number(self.current)),
            },
        ]);
    }

    pub fn set(&mut self, key: &str, value: &Value) {
        match (key, value.as_f64()) {
            (EXPOSURE, Some(seconds)) => self.exposure = seconds,
            (CURRENT, Some(amperes)) => self.current = amperes,
            (PRESET, _) => self.preset = value.as_text().map(str::to_owned),
            _ => {}
        }
    }

    /// Burns the points, asked about before it goes out.
    pub fn burn(&self, points: &[Spot], beam: Beam, cx: &Cx) -> Vec<Effect> {
        let Some((width, height)) = offers::field_now(beam, cx) else {
            return vec![tell("the beam has not been read; nothing was burned", "connect first")];
        };
        if points.is_empty() {
            return vec![tell(
                "no point is placed; nothing was burned",
                "Enter places one at the cursor",
            )];
        }
        let mut said = Vec::new();
        for (n, spot) in points.iter().enumerate() {
            let now = match spot.now(cx) {
                Ok(now) => now,
                Err(refused) => return vec![tell(&format!("point {}: {}", n + 1, refused.why), refused.hint)],
            };
            let (x, y) = (0.5 + now.x / width, 0.5 - now.y / height);
            if !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
                let title = format!(
                    "point {} lies outside the field as it is now; nothing was burned",
                    n + 1
                );
                return vec![tell(&title, "take the point off, or widen the field")];
            }
            said.push(format!("{x:.6},{y:.6}"));
        }
        let command = Command::new("milling.spot-burn")
            .with("points", said.join(";"))
            .with(EXPOSURE, self.exposure)
            .with("beam", beam.word());
        let command = match &self.preset {
            Some(preset) => command.with(PRESET, preset.as_str()),
            None => command.with(CURRENT, self.current),
        };
        vec![Effect::Send(command)]
    }
}
