//! How the shapes of a stage are milled: the table of strategies and what each can be told.

use crate::Pattern;
use crate::field::{self, Field, FieldError, Kind};
use crate::figure::Figure;
use crate::read::{ReadError, Reader};
use model::Unit;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// What a stage's shapes are milled by.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Strategy {
    /// All shapes together, as drawn.
    #[default]
    Standard,
    /// Each trench with the stage tilted a little past the plane, so that both faces of the lamella come out parallel.
    Overtilt(Overtilt),
    /// Of another program: kept as it was written, never run. (The original would silently mill as Standard.)
    Foreign { name: String, config: Value },
}

/// What Overtilt can be told, with openFIBSEM's keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overtilt {
    /// Degrees.
    pub overtilt: f64,
    /// Of the pictures it is aligned by after each tilt, pixels.
    pub image_resolution: (u32, u32),
    /// The original's own trials; carried, without effect.
    pub secret_parameter: bool,
    /// The original's own trials; carried, without effect.
    pub area_parameter: f64,
}

impl Default for Overtilt {
    fn default() -> Self {
        Overtilt {
            overtilt: 1.0,
            image_resolution: (1536, 1024),
            secret_parameter: false,
            area_parameter: 1e-6,
        }
    }
}

/// One strategy of [`STRATEGIES`].
#[derive(Clone, Copy, Debug)]
pub struct StrategyRow {
    pub name: &'static str,
    pub doc: &'static str,
    pub fields: &'static [Field],
    /// The patterns it can mill; empty = any.
    pub patterns: &'static [&'static str],
    pub default: fn() -> Strategy,
}

/// Every strategy that can be run.
pub const STRATEGIES: &[StrategyRow] = &[
    StrategyRow {
        name: "Standard",
        doc: "all shapes together, as drawn",
        fields: &[],
        patterns: &[],
        default: || Strategy::Standard,
    },
    StrategyRow {
        name: "Overtilt",
        doc: "each trench with the stage tilted a little further, so that both faces come out parallel",
        fields: &[
            Field::new(
                "overtilt",
                "Overtilt",
                Kind::Quantity {
                    unit: Unit::Degree,
                    min: 0.1,
                    max: 10.0,
                    step: 0.5,
                },
                "tilt beyond the plane: less for the upper trench, more for the lower one",
            ),
            Field::new(
                "image_resolution",
                "Pictures",
                Kind::Resolution,
                "size of the pictures it is aligned by after each tilt",
            ),
        ],
        patterns: &["Trench"],
        default: || Strategy::Overtilt(Overtilt::default()),
    },
];

impl Strategy {
    /// openFIBSEM's name.
    pub fn name(&self) -> &str {
        match self {
            Strategy::Standard => "Standard",
            Strategy::Overtilt(_) => "Overtilt",
            Strategy::Foreign { name, .. } => name,
        }
    }

    /// Its row; none where it is foreign.
    pub fn row(&self) -> Option<&'static StrategyRow> {
        STRATEGIES.iter().find(|row| row.name == self.name())
    }

    /// The strategy of this name with its defaults; any case.
    pub fn named(name: &str) -> Option<Strategy> {
        let row = STRATEGIES.iter().find(|row| row.name.eq_ignore_ascii_case(name));
        row.map(|row| (row.default)())
    }

    /// An option as one would type it.
    pub fn get(&self, key: &str) -> Result<String, FieldError> {
        let field = field::find(self.fields(), key)?;
        Ok(match self {
            Strategy::Overtilt(config) => field::get(config, field),
            Strategy::Standard | Strategy::Foreign { .. } => String::new(),
        })
    }

    /// Sets an option from what was typed, within its limits.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), FieldError> {
        let field = field::find(self.fields(), key)?;
        match self {
            Strategy::Overtilt(config) => field::set(config, field, text),
            Strategy::Standard | Strategy::Foreign { .. } => Ok(()),
        }
    }

    fn fields(&self) -> &'static [Field] {
        self.row().map_or(&[], |row| row.fields)
    }

    /// `{name, config}`; nothing at all is Standard.
    pub(crate) fn read_with(reader: &mut Reader, value: Option<&Value>) -> Result<Strategy, ReadError> {
        let Some(value) = value.filter(|v| !v.is_null()) else {
            return Ok(Strategy::Standard);
        };
        let map = reader.map(value)?;
        reader.unknown(map, ["name", "config"]);
        let nothing = Map::new();
        let config = match map.get("config") {
            None | Some(Value::Null) => &nothing,
            Some(config) => reader.within("config", |r| r.map(config))?,
        };
        let name = map.get("name").and_then(Value::as_str).unwrap_or("Standard");
        match Strategy::named(name) {
            Some(Strategy::Standard) => {
                reader.within("config", |r| r.unknown(config, []));
                Ok(Strategy::Standard)
            }
            Some(strategy @ Strategy::Overtilt(_)) => {
                let fields = strategy.fields();
                reader
                    .within("config", |r| r.record(config, fields, &[]))
                    .map(Strategy::Overtilt)
            }
            _ => {
                let name = model::text::printable(name);
                let known: Vec<_> = STRATEGIES.iter().map(|row| row.name).collect();
                reader.note(format!(
                    "`{name}` is none of {}: kept, but it cannot be run here",
                    known.join(", ")
                ));
                Ok(Strategy::Foreign {
                    name,
                    config: Value::Object(config.clone()),
                })
            }
        }
    }

    /// Why `pattern` cannot be milled by it.
    pub(crate) fn check(&self, pattern: &Pattern) -> Result<(), String> {
        let names = || STRATEGIES.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
        let row = self.row().ok_or_else(|| {
            format!(
                "the strategy `{}` cannot be run here: choose one of {}",
                self.name(),
                names()
            )
        })?;
        if !row.patterns.is_empty() && !row.patterns.contains(&pattern.name()) {
            return Err(format!(
                "{} mills {} only, not {}: choose another pattern or strategy",
                row.name,
                row.patterns.join(", "),
                pattern.name()
            ));
        }
        match self {
            Strategy::Overtilt(config) if !(0.1..=10.0).contains(&config.overtilt) => {
                Err(format!("an overtilt of {} deg is outside 0.1 to 10 deg", config.overtilt))
            }
            Strategy::Overtilt(_) if matches!(&pattern.figure, Figure::Trench(t) if t.fillet > 0.0) => Err(
                "Overtilt tilts one way for the first shape and the other way for all others, which is wrong for the corners of a \
                 trench with a fillet: set the fillet to 0"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

impl Serialize for Strategy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let config = match self {
            Strategy::Standard => json!({}),
            Strategy::Overtilt(config) => json!(config),
            Strategy::Foreign { config, .. } => config.clone(),
        };
        json!({"name": self.name(), "config": config}).serialize(serializer)
    }
}
