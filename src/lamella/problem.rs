//! What is odd or wrong in a file, and on which line.

use model::yaml::{Document, Kind, Node, Trap};
use serde::Serialize;
use std::fmt;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Kept or read as it was meant; nothing need be done.
    Note,
    /// It cannot be run, or openFIBSEM cannot read it.
    Wrong,
}

/// Something to tell about a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    pub weight: Weight,
    /// From 1; 0 = the file as a whole.
    pub line: usize,
    /// Where it is in the document: `tasks.Rough.milling.mill_rough.stages.0`.
    pub key: String,
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.weight == Weight::Wrong {
            f.write_str("wrong: ")?;
        }
        match self.key.as_str() {
            "" => f.write_str(&self.text),
            key => write!(f, "{key}: {}", self.text),
        }
    }
}

/// Problems as they are found in one document.
pub struct Problems<'a> {
    root: &'a Node,
    pub list: Vec<Problem>,
}

impl<'a> Problems<'a> {
    /// Begins with what the document itself has to say.
    pub fn of(document: &'a Document) -> Problems<'a> {
        let trap = |trap: &Trap| Problem {
            weight: Weight::Note,
            line: trap.line,
            key: trap.key.clone(),
            text: trap.text.clone(),
        };
        Problems {
            root: &document.root,
            list: document.traps.iter().map(trap).collect(),
        }
    }

    pub fn note(&mut self, key: impl Into<String>, text: impl fmt::Display) {
        self.add(Weight::Note, key.into(), text);
    }

    pub fn wrong(&mut self, key: impl Into<String>, text: impl fmt::Display) {
        self.add(Weight::Wrong, key.into(), text);
    }

    fn add(&mut self, weight: Weight, key: String, text: impl fmt::Display) {
        let line = line(self.root, &key);
        let text = text.to_string();
        self.list.push(Problem {
            weight,
            line,
            key,
            text,
        });
    }

    /// In the order of the file.
    pub fn sorted(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|problem| problem.line);
        self.list
    }
}

/// The line of a path with dots, or of the nearest thing above it that is in the file. Names may hold dots themselves.
pub fn line(root: &Node, path: &str) -> usize {
    let (mut node, mut rest, mut line) = (root, path, 0);
    while !rest.is_empty() {
        let Some((next, at, left)) = step(node, rest) else {
            break;
        };
        (node, rest) = (next, left);
        line = if at > 0 { at } else { line };
    }
    line
}

fn step<'a, 'p>(node: &'a Node, path: &'p str) -> Option<(&'a Node, usize, &'p str)> {
    let after = |name: &str| {
        let left = path.strip_prefix(name)?;
        if left.is_empty() {
            Some(left)
        } else {
            left.strip_prefix('.')
        }
    };
    match &node.kind {
        Kind::Map(entries) => {
            let found = entries
                .iter()
                .filter_map(|(key, value)| Some((key, value, after(key.word())?)));
            let (key, value, left) = found.max_by_key(|(key, ..)| key.word().len())?;
            Some((value, key.line, left))
        }
        Kind::List(items) => {
            let (index, left) = path.split_once('.').unwrap_or((path, ""));
            let item = items.get(index.parse::<usize>().ok()?)?;
            Some((item, item.line, left))
        }
        Kind::Scalar(..) => None,
    }
}
