//! Settings in layers: embedded defaults, a user's file, what a session overrides; every value knows where it is from.

use crate::yaml::{Document, Kind, Node, YamlError, unknown_key};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Settings with their history.
#[derive(Clone, Debug)]
pub struct Layered<T> {
    pub value: T,
    /// Every value, in the order of the defaults: what `config show --origin` prints.
    pub origins: Vec<Origin>,
    /// What a person should know about the files; none of it kept them from being read.
    pub problems: Vec<Problem>,
}

/// One value and where it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The path with dots: `ion.hfw`.
    pub key: String,
    /// As JSON.
    pub value: String,
    /// `file:line`, `default` or `session`.
    pub origin: String,
}

/// Something in a file that was read as it was meant, or passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `file:line`.
    pub place: String,
    pub text: String,
}

/// Layers being laid, the lowest first.
///
/// The defaults are the schema: a key they do not have is reported with the nearest one and passed over. A section that
/// is `{}` (or null) in the defaults takes any key.
#[derive(Clone, Debug)]
pub struct Layers {
    schema: Node,
    pub(super) tree: Node,
    problems: Vec<Problem>,
}

impl Layers {
    /// Over embedded YAML.
    pub fn over_text(defaults: &str) -> Result<Layers, YamlError> {
        let value = Document::parse(defaults, "default")?.root.value();
        Ok(Layers::over_value(&value))
    }

    /// Over plain data.
    pub fn over_value(defaults: &Value) -> Layers {
        let schema = Node::from_value(defaults, &Arc::from("default"));
        Layers {
            tree: schema.clone(),
            schema,
            problems: Vec::new(),
        }
    }

    /// `embedded` under the user's file, if there is one: all that most settings need.
    pub fn load<T: DeserializeOwned>(embedded: &str, user_file: &Path) -> Result<Layered<T>, YamlError> {
        let mut layers = Layers::over_text(embedded)?;
        if user_file.exists() {
            layers.add(Document::load(user_file)?)?;
        }
        layers.finish()
    }

    /// Lay a file on top.
    pub fn add(&mut self, document: Document) -> Result<(), YamlError> {
        let Document { mut root, traps } = document;
        if !root.is_null() && !matches!(root.kind, Kind::Map(_)) {
            return Err(YamlError::at(
                &root,
                "keys with values are wanted here, like `name: value`",
            ));
        }
        let file = root.origin.clone();
        self.problems.extend(traps.into_iter().map(|trap| Problem {
            place: format!("{file}:{}", trap.line),
            text: format!("{}: {}", trap.key, trap.text),
        }));
        drop_unknown(&mut root, &self.schema, &mut self.problems);
        self.tree.overlay(root);
        Ok(())
    }

    /// Override one value (a path with dots) until the program ends.
    pub fn session(&mut self, key: &str, value: &Value) -> Result<(), YamlError> {
        if key
            .split('.')
            .try_fold(&self.schema, |node, key| node.get(key))
            .is_none()
        {
            let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
            let known = if section.is_empty() {
                Some(&self.schema)
            } else {
                self.schema.find(section)
            };
            let known = known
                .map(Node::entries)
                .unwrap_or_default()
                .iter()
                .map(|(k, _)| k.word());
            return Err(YamlError::file("session", unknown_key(name, known)));
        }
        self.tree.set(key, Node::from_value(value, &Arc::from("session")));
        Ok(())
    }

    /// Add something a person should know about `node`.
    pub(super) fn problem(&mut self, place: String, text: String) {
        self.problems.push(Problem { place, text });
    }

    /// The settings; an error names file and line.
    pub fn finish<T: DeserializeOwned>(self) -> Result<Layered<T>, YamlError> {
        if let Some(node) = not_finite(&self.tree) {
            return Err(YamlError::at(node, "this is no number: write a finite one"));
        }
        let value = self.tree.to()?;
        let mut origins = Vec::new();
        list_origins(&self.tree, String::new(), &mut origins);
        Ok(Layered {
            value,
            origins,
            problems: self.problems,
        })
    }
}

fn drop_unknown(node: &mut Node, schema: &Node, problems: &mut Vec<Problem>) {
    let known = schema.entries();
    if known.is_empty() {
        return;
    }
    let Kind::Map(entries) = &mut node.kind else { return };
    entries.retain_mut(|(key, value)| match schema.get(key.word()) {
        Some(schema) => {
            drop_unknown(value, schema, problems);
            true
        }
        None => {
            let text = unknown_key(key.word(), known.iter().map(|(k, _)| k.word()));
            problems.push(Problem {
                place: key.place(),
                text: format!("{text}; it has no effect"),
            });
            false
        }
    });
}

fn not_finite(node: &Node) -> Option<&Node> {
    match &node.kind {
        Kind::Scalar(crate::yaml::Scalar::Float(x), _) => (!x.is_finite()).then_some(node),
        Kind::Scalar(..) => None,
        Kind::List(items) => items.iter().find_map(not_finite),
        Kind::Map(entries) => entries.iter().find_map(|(_, value)| not_finite(value)),
    }
}

fn list_origins(node: &Node, path: String, origins: &mut Vec<Origin>) {
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let path = if path.is_empty() {
                    key.word().to_owned()
                } else {
                    format!("{path}.{}", key.word())
                };
                list_origins(value, path, origins);
            }
        }
        _ => origins.push(Origin {
            key: path,
            value: node.value().to_string(),
            origin: node.place(),
        }),
    }
}
