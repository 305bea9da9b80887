//! A mapping of a file as a struct, with the keys that the struct does not know kept beside it.

use model::yaml::{Document, Kind, Node, Scalar, YamlError};
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::{Map, Value};

/// A struct read from and written to a mapping. Its `other` is `#[serde(skip)]` and holds what the mapping has besides.
pub(crate) trait Record: Serialize + DeserializeOwned {
    fn other(&mut self) -> &mut Map<String, Value>;

    fn read(node: &Node) -> Result<Self, YamlError> {
        let mut record: Self = node.to()?;
        let known = object(&record);
        let unknown = node.entries().iter().filter(|(key, _)| !known.contains_key(key.word()));
        let other = unknown.map(|(key, value)| (key.word().to_owned(), value.value()));
        *record.other() = other.collect();
        Ok(record)
    }

    fn write(&self) -> Map<String, Value>
    where
        Self: Clone,
    {
        let mut map = object(self);
        map.extend(std::mem::take(self.clone().other()));
        map
    }
}

/// A record as a mapping.
pub(crate) fn object<T: Serialize>(record: &T) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Files write null where a value was never set.
pub(crate) fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// A record out of a value that may leave keys out, at any depth: those have the default's value.
pub(crate) fn filled<T: Default + Serialize + DeserializeOwned>(given: &Value) -> Result<T, serde_json::Error> {
    let mut whole = serde_json::to_value(T::default())?;
    lay(&mut whole, given);
    serde_json::from_value(whole)
}

/// Lays `upper` over `lower`: mappings key by key, all else replaced; null changes nothing.
pub(crate) fn lay(lower: &mut Value, upper: &Value) {
    match (lower, upper) {
        (_, Value::Null) => {}
        (Value::Object(lower), Value::Object(upper)) => {
            for (key, value) in upper {
                match lower.get_mut(key) {
                    Some(below) => lay(below, value),
                    None => {
                        lower.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (lower, upper) => *lower = upper.clone(),
    }
}

/// The document as Python reads it: a bare `None` is the word, of which openFIBSEM's files make use.
pub(crate) fn as_python(mut document: Document) -> Document {
    fn words(node: &mut Node) {
        match &mut node.kind {
            Kind::Scalar(scalar, text) if *scalar == Scalar::Null && text == "None" => {
                *scalar = Scalar::Text(text.clone())
            }
            Kind::Scalar(..) => {}
            Kind::List(items) => items.iter_mut().for_each(words),
            Kind::Map(entries) => entries.iter_mut().for_each(|(_, value)| words(value)),
        }
    }
    words(&mut document.root);
    document.traps.retain(|trap| !trap.text.contains("`None`"));
    document
}
