//! A tree into a struct: errors point at the place in the file, numbers are taken as they were meant.

use super::{Kind, Node, Scalar, YamlError, unknown_key};
use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, Unexpected, VariantAccess,
    Visitor,
};
use std::fmt::Display;

impl Node {
    /// This part of the document as a `T`.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, YamlError> {
        T::deserialize(self).map_err(|e| YamlError {
            origin: e.origin.unwrap_or_else(|| self.origin.to_string()),
            line: e.line,
            column: e.column,
            what: e.what,
        })
    }
}

/// What serde says, and where, once a node on the way up has said it.
#[derive(Debug)]
pub struct DeError {
    origin: Option<String>,
    line: usize,
    column: usize,
    what: String,
}

impl DeError {
    /// The innermost node that is in a file wins.
    fn at(mut self, node: &Node) -> DeError {
        if self.origin.is_none() {
            (self.origin, self.line, self.column) = (Some(node.origin.to_string()), node.line, node.column);
        }
        self
    }
}

impl Display for DeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    fn custom<T: Display>(what: T) -> Self {
        DeError {
            origin: None,
            line: 0,
            column: 0,
            what: what.to_string(),
        }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        match unexpected {
            Unexpected::Unit => Self::custom(format!("this is empty, it should be {expected}")),
            found => Self::custom(format!("this is {found}, it should be {expected}")),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(unknown_key(field, expected.iter().copied()))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("`{variant}` is not one of {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("the key `{field}` is missing here"))
    }
}

impl<'de> IntoDeserializer<'de, DeError> for &'de Node {
    type Deserializer = &'de Node;

    fn into_deserializer(self) -> &'de Node {
        self
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        /// Whole numbers, also written as `1536.0` or in quotes.
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            match self.number() {
                Some(x) if x.fract() == 0.0 && x.abs() < 9e18 && !matches!(self.kind, Kind::Scalar(Scalar::Int(_), _)) => {
                    visitor.visit_i64(x as i64).map_err(|e: DeError| e.at(self))
                }
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        /// Any number, also one in quotes.
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            match self.number() {
                Some(x) => visitor.visit_f64(x).map_err(|e: DeError| e.at(self)),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

macro_rules! words {
    ($($method:ident)*) => {$(
        /// Text; a bare number, `yes` or `None` counts as the word it was written as.
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            match &self.kind {
                Kind::Scalar(scalar, text) if *scalar != Scalar::Null || text == "None" => {
                    visitor.visit_borrowed_str(text).map_err(|e: DeError| e.at(self))
                }
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.kind {
            Kind::Scalar(Scalar::Null, _) => visitor.visit_unit(),
            Kind::Scalar(Scalar::Bool(b), _) => visitor.visit_bool(*b),
            Kind::Scalar(Scalar::Int(n), _) => visitor.visit_i64(*n),
            Kind::Scalar(Scalar::Float(x), _) => visitor.visit_f64(*x),
            Kind::Scalar(Scalar::Text(t), _) => visitor.visit_borrowed_str(t),
            Kind::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            Kind::Map(entries) => visitor.visit_map(MapDeserializer::new(entries.iter().map(|(k, v)| (k, v)))),
        }
        .map_err(|e| e.at(self))
    }

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }
    numbers! { deserialize_f32 deserialize_f64 }
    words! { deserialize_str deserialize_string deserialize_char deserialize_identifier }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self).map_err(|e: DeError| e.at(self))
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self).map_err(|e: DeError| e.at(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_map(visitor)
    }

    /// A section left empty is an empty section.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.is_null() {
            let none = std::iter::empty::<(&'de Node, &'de Node)>();
            return visitor
                .visit_map(MapDeserializer::new(none))
                .map_err(|e: DeError| e.at(self));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let (variant, content) = match &self.kind {
            Kind::Scalar(_, text) => (text.as_str(), None),
            Kind::Map(entries) if entries.len() == 1 => (entries[0].0.word(), Some(&entries[0].1)),
            _ => {
                return Err(
                    <DeError as de::Error>::custom("this should be one word, or one key with its values").at(self),
                );
            }
        };
        visitor.visit_enum(Variant { variant, content }).map_err(|e| e.at(self))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { bool bytes byte_buf unit unit_struct seq tuple tuple_struct }
}

struct Variant<'de> {
    variant: &'de str,
    content: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = DeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), DeError> {
        let name: StringDeserializer<DeError> = self.variant.to_owned().into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        match self.content {
            Some(node) if !node.is_null() => {
                Err(<DeError as de::Error>::custom(format!("`{}` takes no values", self.variant)).at(node))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DeError> {
        match self.content {
            Some(node) => seed.deserialize(node),
            None => Err(de::Error::custom(format!("`{}` needs values", self.variant))),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DeError> {
        self.newtype_variant_seed(Seed(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DeError> {
        self.newtype_variant_seed(Seed(visitor))
    }
}

/// A visitor as a seed: whatever the node is, show it.
struct Seed<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Seed<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<V::Value, D::Error> {
        d.deserialize_any(self.0)
    }
}
