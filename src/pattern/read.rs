//! Reading what people and openFIBSEM wrote: as it was meant, with a note for everything that is odd; nothing is swallowed.

use crate::field::{Field, Kind, did_you_mean};
use model::text::{nearest, printable};
use model::units::{self, UnitError};
use model::yaml::YamlError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;

/// Something odd in what was read; it was read as it was meant, or left aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where: `stages.0.pattern.width`; empty = the whole.
    pub key: String,
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => f.write_str(&self.text),
            key => write!(f, "{key}: {}", self.text),
        }
    }
}

/// Why something could not be read; nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    #[error("{}is no mapping of keys to values: write one", place(.key))]
    NotAMapping { key: String },
    #[error("{}has no `{missing}`: add it", place(.key))]
    Missing { key: String, missing: &'static str },
    #[error("{}no milling pattern is named `{name}`{}: choose one of {known}", place(.key), did_you_mean(.near))]
    Pattern {
        key: String,
        name: String,
        near: Option<&'static str>,
        known: String,
    },
    #[error("{}{what}", place(.key))]
    Value { key: String, what: String },
    #[error("{}{error}", place(.key))]
    Unit { key: String, error: UnitError },
    #[error(transparent)]
    Yaml(#[from] YamlError),
}

fn place(key: &str) -> String {
    match key {
        "" => String::new(),
        key => format!("{key}: "),
    }
}

/// Where we are in a document, and the notes so far.
#[derive(Default)]
pub(crate) struct Reader {
    path: Vec<String>,
    pub(crate) notes: Vec<Note>,
}

impl Reader {
    /// `work` one level deeper.
    pub(crate) fn within<T>(&mut self, key: impl ToString, work: impl FnOnce(&mut Reader) -> T) -> T {
        self.path.push(printable(&key.to_string()));
        let done = work(self);
        self.path.pop();
        done
    }

    pub(crate) fn key(&self) -> String {
        self.path.join(".")
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        let key = self.key();
        self.notes.push(Note { key, text: text.into() });
    }

    pub(crate) fn refuse(&self, what: impl fmt::Display) -> ReadError {
        ReadError::Value {
            key: self.key(),
            what: what.to_string(),
        }
    }

    pub(crate) fn map<'a>(&self, value: &'a Value) -> Result<&'a Map<String, Value>, ReadError> {
        value
            .as_object()
            .ok_or_else(|| ReadError::NotAMapping { key: self.key() })
    }

    pub(crate) fn text<'a>(&self, map: &'a Map<String, Value>, key: &'static str) -> Result<&'a str, ReadError> {
        let missing = || ReadError::Missing {
            key: self.key(),
            missing: key,
        };
        map.get(key).and_then(Value::as_str).ok_or_else(missing)
    }

    /// A note for every key of `map` that is not among `known`.
    pub(crate) fn unknown<'a>(&mut self, map: &Map<String, Value>, known: impl IntoIterator<Item = &'a str> + Clone) {
        for key in map.keys() {
            if known.clone().into_iter().all(|k| k != key) {
                let near = nearest(key, known.clone());
                let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
                let key = printable(key);
                self.within(&key, |r| r.note(format!("no key `{key}` here, left aside{near}")));
            }
        }
    }

    /// A record out of a mapping: keys left out have their default, unknown ones are told. Keys in `aside` are the caller's.
    /// What a value must be is told by the default's type and, where there is one, by its row in `fields`.
    pub(crate) fn record<T>(
        &mut self,
        given: &Map<String, Value>,
        fields: &[Field],
        aside: &[&str],
    ) -> Result<T, ReadError>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let default = serde_json::to_value(T::default()).map_err(|e| self.refuse(e))?;
        let merged = self.merge(self.map(&default)?.clone(), given, fields, aside)?;
        serde_json::from_value(Value::Object(merged)).map_err(|e| self.refuse(e))
    }

    fn merge(
        &mut self,
        mut base: Map<String, Value>,
        given: &Map<String, Value>,
        fields: &[Field],
        aside: &[&str],
    ) -> Result<Map<String, Value>, ReadError> {
        let known: Vec<String> = base.keys().cloned().collect();
        self.unknown(given, known.iter().map(String::as_str).chain(aside.iter().copied()));
        for (key, default) in &mut base {
            let Some(value) = given.get(key).filter(|_| !aside.contains(&key.as_str())) else {
                continue;
            };
            let field = fields.iter().find(|f| f.key == key);
            *default = self.within(key, |r| r.value(value, default, field))?;
        }
        Ok(base)
    }

    fn value(&mut self, given: &Value, default: &Value, field: Option<&Field>) -> Result<Value, ReadError> {
        if let Some(field) = field.filter(|f| f.choices().is_some()) {
            return self.choice(given, default, field);
        }
        match (default, given) {
            (Value::Number(_), Value::Null) if field.is_none() => Ok(default.clone()),
            (Value::Number(_), _) => self.number(given, default.is_u64(), field),
            (Value::Bool(_), Value::Bool(_)) | (Value::Null, _) | (Value::Array(_), Value::Array(_)) => {
                Ok(given.clone())
            }
            (Value::String(_), Value::String(_)) => Ok(given.clone()),
            (Value::String(_), Value::Number(n)) => {
                self.note(format!(
                    "`{n}` is a number where a text belongs; read as text: put it in quotes"
                ));
                Ok(Value::from(n.to_string()))
            }
            (Value::Object(base), Value::Object(given)) => {
                Ok(Value::Object(self.merge(base.clone(), given, &[], &[])?))
            }
            // files write null where a value was never set
            (_, Value::Null) => Ok(default.clone()),
            (Value::Bool(_), _) => Err(self.refuse(format!("`{given}` is neither true nor false"))),
            _ => Err(self.refuse(format!("`{given}` is not what belongs here, which is like `{default}`"))),
        }
    }

    fn choice(&mut self, given: &Value, default: &Value, field: &Field) -> Result<Value, ReadError> {
        let word = match given {
            Value::Null => "none",
            Value::String(word) => word,
            _ => return Err(self.refuse(format!("`{given}` is no word"))),
        };
        if let Some(known) = field.choice(word) {
            return Ok(known);
        }
        let (word, words) = (printable(word), field.choices().unwrap_or_default().join(", "));
        if field.kind == Kind::ScanDirection {
            self.note(format!(
                "`{word}` is no scan direction, read as {default}: choose one of {words}"
            ));
            return Ok(default.clone());
        }
        Err(self.refuse(format!("`{word}` is none of {words}")))
    }

    fn number(&mut self, given: &Value, whole: bool, field: Option<&Field>) -> Result<Value, ReadError> {
        let unit = field.and_then(Field::unit).unwrap_or(model::Unit::None);
        let number = match given {
            Value::String(text) => {
                let number = units::parse(text, unit).map_err(|error| ReadError::Unit { key: self.key(), error })?;
                let as_number = model::yaml::float(number);
                self.note(format!(
                    "`{}` is text, read as a number: write `{as_number}`",
                    printable(text)
                ));
                number
            }
            _ => given.as_f64().unwrap_or(f64::NAN),
        };
        if !number.is_finite() {
            return Err(self.refuse(format!("`{given}` is no finite number")));
        }
        let (min, max) = match field.map(|f| f.kind) {
            Some(Kind::Quantity { min, max, .. }) => (min, max),
            Some(Kind::Integer { min, max }) => (f64::from(min), f64::from(max)),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        if number < 0.0 && (min >= 0.0 || whole) {
            return Err(self.refuse(format!("{number} is negative: write a positive number")));
        }
        let hair = 1e-9 * max.abs().min(1e9);
        if number < min - hair.min(min.abs() * 1e-9) || number > max + hair {
            let limit = |x: f64| units::format_input(x, unit);
            self.note(format!(
                "{} is outside what a form allows, {} to {}",
                limit(number),
                limit(min),
                limit(max)
            ));
        }
        if !whole {
            return Ok(Value::from(number));
        }
        if number.fract() != 0.0 {
            self.note(format!("{number} is no whole number, read as {}", number.trunc()));
        }
        Ok(Value::from(number as u64))
    }
}
