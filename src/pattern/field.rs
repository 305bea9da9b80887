//! What a form needs to know of a parameter, and reading and writing one by its key.

use model::Unit;
use model::shape::{CrossSection, ScanDirection};
use model::units::{self, UnitError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One parameter as a form shows it; the record's own keys are openFIBSEM's.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub key: &'static str,
    pub label: &'static str,
    pub kind: Kind,
    /// Seldom needed: a form may fold it away.
    pub advanced: bool,
    pub doc: &'static str,
}

/// What a parameter is, with its limits (inclusive, in the unit's base: m, s, A, V, or degrees).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Quantity {
        unit: Unit,
        min: f64,
        max: f64,
        /// What one press of an arrow key changes.
        step: f64,
    },
    Integer {
        min: u32,
        max: u32,
    },
    Bool,
    /// One of these words; `none` stands for null.
    Choice(&'static [&'static str]),
    /// One of [`CrossSection::ALL`].
    CrossSection,
    /// One of [`ScanDirection::ALL`]; an instrument may know fewer.
    ScanDirection,
    /// Width x height in pixels, `1536x1024`.
    Resolution,
    Text,
    /// A file.
    Path,
}

const NONE: &str = "none";

impl Field {
    pub const fn new(key: &'static str, label: &'static str, kind: Kind, doc: &'static str) -> Field {
        Field {
            key,
            label,
            kind,
            advanced: false,
            doc,
        }
    }

    const fn um(key: &'static str, label: &'static str, min: f64, doc: &'static str) -> Field {
        let kind = Kind::Quantity {
            unit: Unit::Metre,
            min,
            max: 1000e-6,
            step: 0.1e-6,
        };
        Field::new(key, label, kind, doc)
    }

    /// A size: 0.01 to 1000 um.
    pub const fn length(key: &'static str, label: &'static str, doc: &'static str) -> Field {
        Field::um(key, label, 0.01e-6, doc)
    }

    /// A size that may be nothing: 0 to 1000 um.
    pub const fn optional_length(key: &'static str, label: &'static str, doc: &'static str) -> Field {
        Field::um(key, label, 0.0, doc)
    }

    /// A place in the picture: -1000 to 1000 um.
    pub const fn coordinate(key: &'static str, label: &'static str, doc: &'static str) -> Field {
        Field::um(key, label, -1000e-6, doc)
    }

    /// 0 to 360 degrees.
    pub const fn angle(key: &'static str, label: &'static str, doc: &'static str) -> Field {
        let kind = Kind::Quantity {
            unit: Unit::Degree,
            min: 0.0,
            max: 360.0,
            step: 1.0,
        };
        Field::new(key, label, kind, doc)
    }

    pub const fn flag(key: &'static str, label: &'static str, doc: &'static str) -> Field {
        Field::new(key, label, Kind::Bool, doc)
    }

    /// 1 to 100.
    pub const fn count(key: &'static str, label: &'static str, doc: &'static str) -> Field {
        Field::new(key, label, Kind::Integer { min: 1, max: 100 }, doc)
    }

    pub const fn advanced(mut self) -> Field {
        self.advanced = true;
        self
    }

    pub const TIME: Field = Field::new(
        "time",
        "Time",
        Kind::Quantity {
            unit: Unit::Second,
            min: 0.0,
            max: 10_000.0,
            step: 0.1,
        },
        "beam time of the pattern; 0 = from its depth",
    )
    .advanced();

    pub const PASSES: Field = Field::new(
        "passes",
        "Passes",
        Kind::Integer {
            min: 0,
            max: 100_000_000,
        },
        "how often the beam goes over it; 0 = as the instrument chooses",
    )
    .advanced();

    pub const SCAN_DIRECTION: Field = Field::new(
        "scan_direction",
        "Scan direction",
        Kind::ScanDirection,
        "the way in which the beam works through it",
    );

    pub const CROSS_SECTION: Field = Field::new(
        "cross_section",
        "Cross section",
        Kind::CrossSection,
        "evenly, as a staircase, or line by line to full depth",
    );

    /// The unit its text takes; none where it is not a quantity.
    pub fn unit(&self) -> Option<Unit> {
        match self.kind {
            Kind::Quantity { unit, .. } => Some(unit),
            _ => None,
        }
    }

    /// The words it may be; none where anything else counts.
    pub fn choices(&self) -> Option<Vec<&'static str>> {
        match self.kind {
            Kind::Choice(words) => Some(words.to_vec()),
            Kind::CrossSection => Some(CrossSection::ALL.map(CrossSection::word).to_vec()),
            Kind::ScanDirection => Some(ScanDirection::ALL.map(ScanDirection::word).to_vec()),
            _ => None,
        }
    }

    /// The word among [`Field::choices`] that is meant, in any case, as the record spells it.
    pub(crate) fn choice(&self, word: &str) -> Option<Value> {
        let word = word.trim();
        let word = self.choices()?.into_iter().find(|c| c.eq_ignore_ascii_case(word))?;
        Some(if word == NONE { Value::Null } else { Value::from(word) })
    }

    /// A value of the record as one would type it; [`Field::parse`] reads it back without loss.
    fn text(&self, value: &Value) -> String {
        match (self.kind, value) {
            (Kind::Quantity { unit, .. }, value) => units::format_input(value.as_f64().unwrap_or(f64::NAN), unit),
            (Kind::Resolution, Value::Array(pair)) => pair.iter().map(Value::to_string).collect::<Vec<_>>().join("x"),
            (_, Value::Null) => NONE.to_owned(),
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        }
    }

    /// What was typed, as a value of the record; limits are kept.
    fn parse(&self, text: &str) -> Result<Value, FieldError> {
        let refuse = |what: String| FieldError::Value {
            label: self.label,
            what,
        };
        match self.kind {
            Kind::Quantity { unit, min, max, .. } => {
                let value = units::parse(text, unit).map_err(|error| FieldError::Unit {
                    label: self.label,
                    error,
                })?;
                // a hair of the limit's own size: 1000um typed is 1e-3, 1000e-6 computed is not
                let hair = 1e-12 * min.abs().max(max.abs());
                if (min - hair..=max + hair).contains(&value) {
                    return Ok(Value::from(value));
                }
                Err(refuse(format!(
                    "{} is outside {} to {}",
                    units::format_input(value, unit),
                    units::format_input(min, unit),
                    units::format_input(max, unit)
                )))
            }
            Kind::Integer { min, max } => match text.trim().parse::<u32>() {
                Ok(n) if (min..=max).contains(&n) => Ok(Value::from(n)),
                _ => Err(refuse(format!(
                    "`{}` is no whole number from {min} to {max}",
                    model::text::printable(text)
                ))),
            },
            Kind::Bool => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Ok(Value::Bool(true)),
                "false" | "no" | "off" => Ok(Value::Bool(false)),
                other => Err(refuse(format!(
                    "`{}` is neither yes nor no",
                    model::text::printable(other)
                ))),
            },
            Kind::Choice(_) | Kind::CrossSection | Kind::ScanDirection => self.choice(text).ok_or_else(|| {
                refuse(format!(
                    "`{}` is none of {}",
                    model::text::printable(text.trim()),
                    self.choices().unwrap_or_default().join(", ")
                ))
            }),
            Kind::Resolution => {
                let pair = text.trim().split_once('x').and_then(|(w, h)| {
                    let (w, h) = (w.trim().parse::<u32>().ok()?, h.trim().parse::<u32>().ok()?);
                    ((1..=65_536).contains(&w) && (1..=65_536).contains(&h)).then_some([w, h])
                });
                pair.map(Value::from).ok_or_else(|| {
                    refuse(format!(
                        "`{}` is no size in pixels: write one like 1536x1024",
                        model::text::printable(text.trim())
                    ))
                })
            }
            Kind::Text | Kind::Path => {
                if text.chars().any(char::is_control) {
                    return Err(refuse("holds control characters: write it without".to_owned()));
                }
                Ok(Value::from(text.trim()))
            }
        }
    }
}

/// Why a parameter was not set; the record is as it was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FieldError {
    #[error("no parameter `{key}` here{}: it has {known}", did_you_mean(.near))]
    Unknown {
        key: String,
        near: Option<&'static str>,
        known: String,
    },
    #[error("{label}: {error}")]
    Unit { label: &'static str, error: UnitError },
    #[error("{label}: {what}")]
    Value { label: &'static str, what: String },
}

pub(crate) fn did_you_mean(near: &Option<&'static str>) -> String {
    near.map(|near| format!(" (did you mean `{near}`?)"))
        .unwrap_or_default()
}

/// The row of `key`.
pub fn find<'a>(fields: impl IntoIterator<Item = &'a Field> + Clone, key: &str) -> Result<&'a Field, FieldError> {
    fields.clone().into_iter().find(|f| f.key == key).ok_or_else(|| {
        let keys: Vec<&'static str> = fields.into_iter().map(|f| f.key).collect();
        FieldError::Unknown {
            key: model::text::printable(key),
            near: model::text::nearest(key, keys.iter().copied()),
            known: keys.join(", "),
        }
    })
}

/// A parameter of `record` as one would type it (`20um`, `45deg`, `TopToBottom`, `true`).
pub fn get<T: Serialize>(record: &T, field: &Field) -> String {
    let value = serde_json::to_value(record).unwrap_or_default();
    field.text(&value[field.key])
}

/// Sets a parameter of `record` from what was typed, within its limits.
pub fn set<T: Serialize + DeserializeOwned>(record: &mut T, field: &Field, text: &str) -> Result<(), FieldError> {
    let typed = field.parse(text)?;
    let refuse = |error: serde_json::Error| FieldError::Value {
        label: field.label,
        what: error.to_string(),
    };
    let mut value = serde_json::to_value(&*record).map_err(refuse)?;
    value[field.key] = typed;
    *record = serde_json::from_value(value).map_err(refuse)?;
    Ok(())
}
