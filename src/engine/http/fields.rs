//! What a request's body may hold. Missing and wrong fields are refused as openFIBSEM's server refuses them; where it takes what it cannot
//! use and fails inside, this refuses, too.

use super::reply::Refusal;
use model::{Axis, Beam, Point, StagePosition};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The fields of a JSON object.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

fn at(name: &str) -> [Value; 2] {
    [json!("body"), json!(name)]
}

impl Fields {
    /// A body's fields; nothing at all is an object without any.
    pub fn read(bytes: &[u8]) -> Result<Fields, Refusal> {
        if bytes.is_empty() {
            return Ok(Fields::default());
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Fields(map)),
            Ok(Value::Null) => Ok(Fields::default()),
            Ok(other) => Err(no_object(other)),
            Err(e) => Err(Refusal::field(
                "json_invalid",
                &[json!("body"), json!(e.column().saturating_sub(1))],
                &format!("JSON decode error: {e}"),
                json!({}),
            )),
        }
    }

    /// A body that says it is no JSON.
    pub fn not_json(bytes: &[u8]) -> Refusal {
        no_object(json!(String::from_utf8_lossy(bytes)))
    }

    pub fn map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// What stands there; null is nothing.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    fn need(&self, name: &str) -> Result<&Value, Refusal> {
        self.0
            .get(name)
            .ok_or_else(|| Refusal::field("missing", &at(name), "Field required", json!(self.0)))
    }

    /// A finite number, perhaps written as text.
    pub fn number(&self, name: &str) -> Result<f64, Refusal> {
        let value = self.need(name)?;
        let wrong = |kind: &str, what: &str| Refusal::field(kind, &at(name), what, value.clone());
        let number = match value {
            Value::Number(n) => n.as_f64(),
            Value::String(text) => Some(text.trim().parse().map_err(|_| {
                let what = "Input should be a valid number, unable to parse string as a number";
                wrong("float_parsing", what)
            })?),
            _ => None,
        };
        let number = number.ok_or_else(|| wrong("float_type", "Input should be a valid number"))?;
        match number.is_finite() {
            true => Ok(number),
            false => Err(wrong("finite_number", "Input should be a finite number")),
        }
    }

    pub fn maybe_number(&self, name: &str) -> Result<Option<f64>, Refusal> {
        self.get(name).map(|_| self.number(name)).transpose()
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let flag = value.as_bool();
        flag.map(Some)
            .ok_or_else(|| Refusal::field("bool_type", &at(name), "Input should be a valid boolean", value.clone()))
    }

    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.need(name)?;
        value.as_str().ok_or_else(|| {
            Refusal::field(
                "string_type",
                &at(name),
                "Input should be a valid string",
                value.clone(),
            )
        })
    }

    /// The beam of `beam_type`.
    pub fn beam(&self) -> Result<Beam, Refusal> {
        let text = self.text("beam_type")?;
        text.parse().map_err(|_| {
            Refusal::nonsense(
                format!(
                    "Unknown beam_type: '{}'. Use 'ELECTRON' or 'ION'.",
                    model::text::printable(text)
                ),
                "ELECTRON or ION",
            )
        })
    }

    pub fn maybe_beam(&self) -> Result<Option<Beam>, Refusal> {
        self.get("beam_type").map(|_| self.beam()).transpose()
    }

    pub fn object(&self, name: &str) -> Result<&Map<String, Value>, Refusal> {
        let value = self.need(name)?;
        value.as_object().ok_or_else(|| {
            Refusal::field(
                "dict_type",
                &at(name),
                "Input should be a valid dictionary",
                value.clone(),
            )
        })
    }

    pub fn list(&self, name: &str) -> Result<&Vec<Value>, Refusal> {
        let value = self.need(name)?;
        value
            .as_array()
            .ok_or_else(|| Refusal::field("list_type", &at(name), "Input should be a valid list", value.clone()))
    }

    /// An object of openFIBSEM's.
    pub fn parse<T: DeserializeOwned>(&self, name: &str) -> Result<T, Refusal> {
        understood(name, Value::Object(self.object(name)?.clone()))
    }

    pub fn point(&self, name: &str) -> Result<Point, Refusal> {
        self.parse(name)
    }

    /// A stage position with all its keys; an axis that is null stays where it is.
    pub fn position(&self, name: &str) -> Result<StagePosition, Refusal> {
        let map = self.object(name)?;
        let keys = Axis::ALL.map(Axis::name);
        if let Some(missing) = keys
            .iter()
            .chain(&["coordinate_system"])
            .find(|key| !map.contains_key(**key))
        {
            let at = [json!("body"), json!(name), json!(missing)];
            return Err(Refusal::field("missing", &at, "Field required", json!(map)));
        }
        self.parse(name)
    }
}

fn no_object(input: Value) -> Refusal {
    Refusal::field(
        "model_attributes_type",
        &[json!("body")],
        "Input should be a valid dictionary or object to extract fields from",
        input,
    )
}

/// A value as one of ours, or why it is none.
pub(super) fn understood<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Refusal> {
    T::deserialize(&value).map_err(|e| Refusal::field("value_error", &at(name), &e.to_string(), value))
}
