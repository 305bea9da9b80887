//! YAML that people write by hand and Python reads: what we write, PyYAML reads back as the same values; what we read is
//! read as it was meant, with a [`Trap`] for each thing PyYAML would see differently.
//!
//! `scalar` says what a bare word is, `tree` keeps where everything stood (file, line, column), `de` turns a tree into a
//! struct with errors that point at the place. The parser and the writer are serde-saphyr's (`serde_yaml` in Cargo.toml):
//! it is the one that quotes YAML 1.1's words and writes floats as PyYAML does. No other file of this crate touches it.

mod de;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;

use crate::text::nearest;
pub use scalar::python as float;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
pub use tree::{Kind, Node, Scalar};

/// Something in a file that reads differently to PyYAML, or that looks like a slip; it was read as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    pub line: usize,
    /// Where it is in the document: `ion.plasma_gas`.
    pub key: String,
    /// What it is, how it was read and what to write instead.
    pub text: String,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.key, self.text)
    }
}

/// What is wrong with a file, and where. Lines and columns count from 1; line 0 = the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct YamlError {
    /// The file, or what else the text came from.
    pub origin: String,
    pub line: usize,
    pub column: usize,
    pub what: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.origin, self.what),
            _ => write!(f, "{}:{}:{}: {}", self.origin, self.line, self.column, self.what),
        }
    }
}

impl YamlError {
    /// An error about the file as a whole.
    pub fn file(origin: impl fmt::Display, what: impl fmt::Display) -> YamlError {
        YamlError {
            origin: origin.to_string(),
            line: 0,
            column: 0,
            what: what.to_string(),
        }
    }

    /// An error about `node`.
    pub fn at(node: &Node, what: impl fmt::Display) -> YamlError {
        YamlError {
            origin: node.origin.to_string(),
            line: node.line,
            column: node.column,
            what: what.to_string(),
        }
    }
}

/// A parsed document: its tree and its traps.
#[derive(Clone, Debug)]
pub struct Document {
    pub root: Node,
    pub traps: Vec<Trap>,
}

impl Document {
    /// Parse the one document in `text`; `origin` (a file name) goes into errors. Nothing at all is null.
    pub fn parse(text: &str, origin: &str) -> Result<Document, YamlError> {
        tree::parse(text, Arc::from(origin))
    }

    /// Read and parse a file.
    pub fn load(path: &Path) -> Result<Document, YamlError> {
        let origin = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|e| YamlError::file(&origin, format!("cannot be read ({e}): check the name and the rights")))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let line = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()]
                .iter()
                .filter(|b| **b == b'\n')
                .count();
            let what = "is not UTF-8 text: save it as UTF-8 in your editor".to_owned();
            YamlError {
                origin: origin.clone(),
                line,
                column: 1,
                what,
            }
        })?;
        Document::parse(&text, &origin)
    }

    /// The document as a `T`.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, YamlError> {
        self.root.to()
    }
}

/// `text` as a `T`; traps go unreported (use [`Document`] where a person should hear of them).
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    Document::parse(text, "YAML")?.to()
}

/// `text` as a plain value (NaN and infinity become null), and its traps.
pub fn read_value(text: &str) -> Result<(serde_json::Value, Vec<Trap>), YamlError> {
    let document = Document::parse(text, "YAML")?;
    Ok((document.root.value(), document.traps))
}

/// `value` as YAML that PyYAML (and every YAML 1.1 or 1.2 reader) reads as the same values.
pub fn write<T: Serialize>(value: &T) -> Result<String, YamlError> {
    // Strings over several lines are quoted, not folded: a folded one loses blanks in some readers.
    let options = serde_yaml::ser_options! { indent_step: 4, compact_list_indent: true, prefer_block_scalars: false };
    serde_yaml::to_string_with_options(value, options)
        .map_err(|e| YamlError::file("YAML", format!("cannot be written: {e}")))
}

/// `no key \`x\` here; did you mean \`y\`?`: one wording for every unknown key.
pub(crate) fn unknown_key<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(key, known) {
        Some(near) => format!("no key `{key}` here: did you mean `{near}`?"),
        None => format!("no key `{key}` here"),
    }
}
