//! The arguments of a command, typed. They were checked by name and kind before, so a getter only picks.

use super::Failure;
use model::{Beam, Rect};
use serde_json::{Map, Value};

#[derive(Clone, Debug, Default)]
pub struct Args(pub Map<String, Value>);

impl Args {
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    pub fn count(&self, name: &str) -> Option<u32> {
        self.0
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|v| u32::try_from(v).ok())
    }

    pub fn id(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub fn json(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn size(&self, name: &str) -> Option<(u32, u32)> {
        self.0.get(name).and_then(|v| serde_json::from_value(v.clone()).ok())
    }

    pub fn rect(&self, name: &str) -> Option<Rect> {
        self.0.get(name).and_then(|v| serde_json::from_value(v.clone()).ok())
    }

    pub fn beam(&self, name: &str) -> Option<Beam> {
        self.text(name).and_then(|word| word.parse().ok())
    }

    /// electron, ion, or both in that order.
    pub fn beams(&self, name: &str) -> Option<Vec<Beam>> {
        match self.text(name)? {
            "both" => Some(Beam::ALL.to_vec()),
            word => word.parse().ok().map(|beam| vec![beam]),
        }
    }

    /// A required argument was checked to be there; this keeps its absence an error and not a panic.
    pub fn need<T>(&self, value: Option<T>, name: &str) -> Result<T, Failure> {
        value.ok_or_else(|| {
            Failure::usage(
                format!("`{name}=` is missing; nothing was sent"),
                "see its help with `do --list`",
            )
        })
    }
}
