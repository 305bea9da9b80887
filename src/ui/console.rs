//! The console's options: `config/console.yaml`, with the user's file over it.

use crate::app::Call;
use model::{Unit, text, units};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

const SHIPPED: &str = include_str!("../../config/console.yaml");

/// Every option; what each does stands in the file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Console {
    pub theme: String,
    pub start_tab: String,
    pub graphics: String,
    pub mouse: bool,
    pub first_look: bool,
    pub call: Call,
    pub redraws_per_second: f64,
    pub toast_seconds: f64,
    /// m; moves by an amount are asked about beyond it.
    #[serde(deserialize_with = "length")]
    pub ask_beyond_length: f64,
    /// rad; turns and tilts by an amount are asked about beyond it.
    #[serde(deserialize_with = "angle")]
    pub ask_beyond_angle: f64,
    /// m; needle moves by an amount are asked about where they come nearer to the sample than this.
    #[serde(deserialize_with = "length")]
    pub ask_needle_towards: f64,
}

/// The longest way that may go unasked, m: beyond it a move leaves every picture it was aimed in.
const MOST_LENGTH: f64 = 1e-3;
/// The same of an angle, deg.
const MOST_ANGLE: f64 = 5.0;
/// The longest way towards the sample that the needle may go unasked, m.
const MOST_TOWARDS: f64 = 10e-6;

fn length<'de, D: Deserializer<'de>>(text: D) -> Result<f64, D::Error> {
    quantity(text, Unit::Metre)
}

fn angle<'de, D: Deserializer<'de>>(text: D) -> Result<f64, D::Error> {
    quantity(text, Unit::Radian)
}

/// A value with its unit.
fn quantity<'de, D: Deserializer<'de>>(text: D, unit: Unit) -> Result<f64, D::Error> {
    units::parse(&String::deserialize(text)?, unit).map_err(serde::de::Error::custom)
}

/// An option that could not be used; the shipped value stays.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConsoleError {
    #[error("console.yaml was not read ({0}); the options of fibdeck are used")]
    Yaml(String),
    #[error("console.yaml: there is no option `{name}`{}; the line was left out", near.as_ref().map(|n| format!(", did you mean `{n}`?")).unwrap_or_default())]
    Name { name: String, near: Option<String> },
    #[error("console.yaml: `{name}` cannot be {value}; it stays {shipped}")]
    Value {
        name: String,
        value: String,
        shipped: String,
    },
}

impl Default for Console {
    /// What the options are when nobody changed one.
    fn default() -> Self {
        Console {
            theme: "dark".to_owned(),
            start_tab: "last".to_owned(),
            graphics: "auto".to_owned(),
            mouse: true,
            first_look: true,
            call: Call::default(),
            redraws_per_second: 30.0,
            toast_seconds: 6.0,
            ask_beyond_length: MOST_LENGTH,
            ask_beyond_angle: MOST_ANGLE.to_radians(),
            ask_needle_towards: MOST_TOWARDS,
        }
    }
}

impl Console {
    /// The shipped options with the user's over them, and what could not be used.
    pub fn load(user: Option<&str>) -> (Console, Vec<ConsoleError>) {
        let mut errors = Vec::new();
        let mut all: Map<String, Value> = serde_yaml::from_str(SHIPPED).unwrap_or_default();
        let own: Map<String, Value> = match user.map(serde_yaml::from_str) {
            Some(Ok(own)) => own,
            Some(Err(error)) => {
                let error: serde_yaml::Error = error;
                errors.push(ConsoleError::Yaml(text::printable(&error.to_string())));
                Map::new()
            }
            None => Map::new(),
        };
        for (name, value) in own {
            let Some(shipped) = all.get(&name).cloned() else {
                let near = text::nearest(&name, all.keys().map(String::as_str)).map(str::to_owned);
                errors.push(ConsoleError::Name {
                    name: text::printable(&name),
                    near,
                });
                continue;
            };
            all.insert(name.clone(), value.clone());
            if !read(&all).is_some_and(|console| console.makes_sense()) {
                all.insert(name.clone(), shipped.clone());
                let value = text::printable(&value.to_string());
                errors.push(ConsoleError::Value {
                    name,
                    value,
                    shipped: shipped.to_string(),
                });
            }
        }
        (read(&all).unwrap_or_default(), errors)
    }

    fn makes_sense(&self) -> bool {
        (1.0..=120.0).contains(&self.redraws_per_second)
            && (1.0..=600.0).contains(&self.toast_seconds)
            && (0.0..=MOST_LENGTH).contains(&self.ask_beyond_length)
            && (0.0..=MOST_ANGLE.to_radians()).contains(&self.ask_beyond_angle)
            && (0.0..=MOST_TOWARDS).contains(&self.ask_needle_towards)
    }
}

fn read(all: &Map<String, Value>) -> Option<Console> {
    serde_json::from_value(Value::Object(all.clone())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_says_the_defaults() {
        assert_eq!(Console::load(None), (Console::default(), vec![]));
    }

    #[test]
    fn a_mistake_costs_its_own_line_only() {
        let (console, errors) = Console::load(Some("them: light\ntheme: light\nredraws-per-second: 0\nmouse: maybe\n"));
        assert_eq!(
            console,
            Console {
                theme: "light".to_owned(),
                ..Console::default()
            }
        );
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "console.yaml: there is no option `them`, did you mean `theme`?; the line was left out",
                "console.yaml: `redraws-per-second` cannot be 0; it stays 30",
                "console.yaml: `mouse` cannot be \"maybe\"; it stays true",
            ]
        );
    }

    #[test]
    fn questions_can_come_earlier_and_never_later() {
        let limits = |user: &str| {
            let (console, errors) = Console::load(Some(user));
            (console.ask_beyond_length, console.ask_beyond_angle, errors.len())
        };
        let five = 5f64.to_radians();
        assert_eq!(limits("ask-beyond-length: 100 um"), (100e-6, five, 0));
        assert_eq!(limits("ask-beyond-angle: 0 deg"), (1e-3, 0.0, 0));
        for later in [
            "ask-beyond-length: 2 mm",
            "ask-beyond-length: -1 um",
            "ask-beyond-angle: 6 deg",
        ] {
            assert_eq!(limits(later), (1e-3, five, 1), "{later}");
        }
        assert_eq!(limits("ask-beyond-length: far"), (1e-3, five, 1));
        let towards = |user: &str| Console::load(Some(user)).0.ask_needle_towards;
        assert_eq!(towards("ask-needle-towards: 2 um"), 2e-6);
        assert_eq!(towards("ask-needle-towards: 11 um"), MOST_TOWARDS);
    }
}
