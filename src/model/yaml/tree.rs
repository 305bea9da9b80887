//! A document as a tree that remembers where everything stood, and trees laid over each other.

use super::{Document, Trap, YamlError, scalar};
use serde_json::Value;
use serde_yaml::granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::HashMap;
use std::sync::Arc;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The file (or `default`, `session`) it comes from.
    pub origin: Arc<str>,
    /// From 1; 0 = no file.
    pub line: usize,
    pub column: usize,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The value, and the text it was written as.
    Scalar(Scalar, String),
    List(Vec<Node>),
    /// In the order of the file; a key once.
    Map(Vec<(Node, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Scalar {
    pub(super) fn text(&self) -> String {
        match self {
            Scalar::Null => "null".to_owned(),
            Scalar::Bool(b) => b.to_string(),
            Scalar::Int(n) => n.to_string(),
            Scalar::Float(x) => x.to_string(),
            Scalar::Text(t) => t.clone(),
        }
    }
}

impl Node {
    /// A plain value as a tree, all of it from `origin`.
    pub fn from_value(value: &Value, origin: &Arc<str>) -> Node {
        let kind = match value {
            Value::Array(items) => Kind::List(items.iter().map(|v| Node::from_value(v, origin)).collect()),
            Value::Object(map) => Kind::Map(
                map.iter()
                    .map(|(k, v)| {
                        (
                            Node::from_value(&Value::String(k.clone()), origin),
                            Node::from_value(v, origin),
                        )
                    })
                    .collect(),
            ),
            leaf => {
                let scalar = match leaf {
                    Value::Bool(b) => Scalar::Bool(*b),
                    Value::Number(n) => n
                        .as_i64()
                        .map_or_else(|| Scalar::Float(n.as_f64().unwrap_or(f64::NAN)), Scalar::Int),
                    Value::String(s) => Scalar::Text(s.clone()),
                    _ => Scalar::Null,
                };
                let text = scalar.text();
                Kind::Scalar(scalar, text)
            }
        };
        Node {
            origin: origin.clone(),
            line: 0,
            column: 0,
            kind,
        }
    }

    /// The tree as a plain value; NaN and infinity become null.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::List(items) => Value::Array(items.iter().map(Node::value).collect()),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|(k, v)| (k.word().to_owned(), v.value())).collect())
            }
            Kind::Scalar(Scalar::Null, _) => Value::Null,
            Kind::Scalar(Scalar::Bool(b), _) => Value::Bool(*b),
            Kind::Scalar(Scalar::Int(n), _) => Value::from(*n),
            Kind::Scalar(Scalar::Float(x), _) => Value::from(*x),
            Kind::Scalar(Scalar::Text(t), _) => Value::String(t.clone()),
        }
    }

    /// The text a scalar was written as (a key's name); empty for a list or a map.
    pub fn word(&self) -> &str {
        match &self.kind {
            Kind::Scalar(_, text) => text,
            _ => "",
        }
    }

    /// `file:line`, or just the origin where there is no line.
    pub fn place(&self) -> String {
        match self.line {
            0 => self.origin.to_string(),
            line => format!("{}:{line}", self.origin),
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Scalar(Scalar::Null, _))
    }

    /// The number of a scalar (also one in quotes).
    pub fn number(&self) -> Option<f64> {
        match &self.kind {
            Kind::Scalar(Scalar::Int(n), _) => Some(*n as f64),
            Kind::Scalar(Scalar::Float(x), _) => Some(*x),
            Kind::Scalar(Scalar::Text(t), _) => t.trim().parse().ok(),
            _ => None,
        }
    }

    /// The entries of a map (none for anything else).
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entries of a map, to change; null becomes an empty map first.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<(Node, Node)>> {
        if self.is_null() {
            self.kind = Kind::Map(Vec::new());
        }
        match &mut self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(k, _)| k.word() == key).map(|(_, v)| v)
    }

    /// The node at a path with dots: `ion.plasma_gas`.
    pub fn find(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// Put `value` at a path with dots, making the sections on the way.
    pub fn set(&mut self, path: &str, value: Node) {
        let (key, rest) = path.split_once('.').map_or((path, None), |(k, r)| (k, Some(r)));
        let origin = value.origin.clone();
        let Some(entries) = self.entries_mut() else { return };
        let at = entries.iter().position(|(k, _)| k.word() == key).unwrap_or_else(|| {
            let empty = Node {
                origin: origin.clone(),
                line: 0,
                column: 0,
                kind: Kind::Map(Vec::new()),
            };
            entries.push((Node::from_value(&Value::String(key.to_owned()), &origin), empty));
            entries.len() - 1
        });
        match rest {
            Some(rest) => entries[at].1.set(rest, value),
            None => entries[at].1 = value,
        }
    }

    /// Lay `upper` over this tree: maps are merged key by key, everything else is replaced. An empty section (null)
    /// above a map changes nothing.
    pub fn overlay(&mut self, upper: Node) {
        match (&mut self.kind, upper.kind) {
            (Kind::Map(lower), Kind::Map(entries)) => {
                for (key, value) in entries {
                    match lower.iter_mut().find(|(k, _)| k.word() == key.word()) {
                        Some((_, below)) => below.overlay(value),
                        None => lower.push((key, value)),
                    }
                }
            }
            (Kind::Map(_), Kind::Scalar(Scalar::Null, _)) => {}
            (_, kind) => *self = Node { kind, ..upper },
        }
    }
}

/// Most nodes of a document with its aliases written out, and how deep: a small file cannot ask for a large memory.
const MOST_NODES: usize = 1_000_000;
const DEEPEST: usize = 250;

pub(super) fn parse(text: &str, origin: Arc<str>) -> Result<Document, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        events: Parser::new_from_str(text),
        origin,
        anchors: HashMap::new(),
        traps: Vec::new(),
        path: Vec::new(),
        nodes: 0,
    };
    let mut root = None;
    while let Some((event, span)) = builder.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            _ if root.is_some() => return Err(builder.error(span, "a second document begins here: one file holds one")),
            event => root = Some(builder.node(event, span, 0)?.0),
        }
    }
    let root = root.unwrap_or_else(|| Node::from_value(&Value::Null, &builder.origin));
    Ok(Document {
        root,
        traps: builder.traps,
    })
}

struct Builder<'a> {
    events: Parser<'a, serde_yaml::granit_parser::StrInput<'a>>,
    origin: Arc<str>,
    /// Anchored nodes with their size and depth.
    anchors: HashMap<usize, (Node, Measure)>,
    traps: Vec<Trap>,
    path: Vec<String>,
    nodes: usize,
}

#[derive(Clone, Copy)]
struct Measure {
    nodes: usize,
    depth: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, YamlError> {
        loop {
            match self.events.next() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(e)) => {
                    let (line, column) = (e.marker().line().max(1), e.marker().col() + 1);
                    let what = format!("this is not YAML: {}; mind quotes, brackets and indentation", e.info());
                    return Err(YamlError {
                        origin: self.origin.to_string(),
                        line,
                        column,
                        what,
                    });
                }
            }
        }
    }

    fn expect(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        self.next()?
            .ok_or_else(|| YamlError::file(&self.origin, "the file ends in the middle: take another copy"))
    }

    fn error(&self, span: Span, what: &str) -> YamlError {
        let (line, column) = (span.start.line().max(1), span.start.col() + 1);
        YamlError {
            origin: self.origin.to_string(),
            line,
            column,
            what: what.to_owned(),
        }
    }

    fn trap(&mut self, span: Span, text: String) {
        self.traps.push(Trap {
            line: span.start.line().max(1),
            key: self.path.join("."),
            text,
        });
    }

    fn place(&self, span: Span, kind: Kind) -> Node {
        Node {
            origin: self.origin.clone(),
            line: span.start.line().max(1),
            column: span.start.col() + 1,
            kind,
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<(Node, Measure), YamlError> {
        if depth > DEEPEST {
            return Err(self.error(span, "this is nested too deeply"));
        }
        self.nodes += 1;
        let before = self.nodes;
        let (kind, anchor, deep) = match event {
            Event::Alias(id) => {
                let Some((target, measure)) = self.anchors.get(&id).cloned() else {
                    return Err(self.error(span, "an alias of something that contains it"));
                };
                self.nodes += measure.nodes;
                if self.nodes > MOST_NODES || depth + measure.depth > DEEPEST {
                    return Err(self.error(span, "its aliases make this document too large"));
                }
                return Ok((target, measure));
            }
            Event::Scalar(text, style, anchor, tag) => (self.scalar(&text, style, tag.as_deref(), span), anchor, 0),
            Event::SequenceStart(_, anchor, tag) => {
                self.python_tag(tag.as_deref(), span);
                let (items, deep) = self.list(depth)?;
                (Kind::List(items), anchor, deep)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.python_tag(tag.as_deref(), span);
                let (entries, deep) = self.map(depth)?;
                (Kind::Map(entries), anchor, deep)
            }
            _ => return Err(self.error(span, "a value is missing here")),
        };
        if self.nodes > MOST_NODES {
            return Err(self.error(span, "this document is too large"));
        }
        let node = self.place(span, kind);
        let measure = Measure {
            nodes: self.nodes - before + 1,
            depth: deep + 1,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), measure));
        }
        Ok((node, measure))
    }

    fn list(&mut self, depth: usize) -> Result<(Vec<Node>, usize), YamlError> {
        let (mut items, mut deep) = (Vec::new(), 0);
        loop {
            let (event, span) = self.expect()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok((items, deep));
            }
            self.path.push(items.len().to_string());
            let (item, measure) = self.node(event, span, depth + 1)?;
            self.path.pop();
            deep = deep.max(measure.depth);
            items.push(item);
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Vec<(Node, Node)>, usize), YamlError> {
        let (mut entries, mut merged, mut deep): (Vec<(Node, Node)>, Vec<Node>, usize) = (Vec::new(), Vec::new(), 0);
        // A map may be large: finding duplicates must not be quadratic.
        let mut places: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, span) = self.expect()?;
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, _, _) => {
                    if style == ScalarStyle::Plain && text == "<<" {
                        let (event, span) = self.expect()?;
                        let (node, measure) = self.node(event, span, depth + 1)?;
                        deep = deep.max(measure.depth);
                        match node.kind {
                            Kind::List(nodes) => merged.extend(nodes),
                            _ => merged.push(node),
                        }
                        continue;
                    }
                    let word = text.into_owned();
                    self.place(span, Kind::Scalar(Scalar::Text(word.clone()), word))
                }
                _ => return Err(self.error(span, "a key must be a word: put it in quotes")),
            };
            self.path.push(key.word().to_owned());
            let (event, span_of_value) = self.expect()?;
            let (value, measure) = self.node(event, span_of_value, depth + 1)?;
            deep = deep.max(measure.depth);
            match places.get(key.word()) {
                Some(at) => {
                    let first = entries[*at].0.line;
                    self.trap(
                        span,
                        format!("stands here a second time (first on line {first}); the last one counts: remove one"),
                    );
                    entries[*at] = (key, value);
                }
                None => {
                    places.insert(key.word().to_owned(), entries.len());
                    entries.push((key, value));
                }
            }
            self.path.pop();
        }
        for (key, value) in merged.iter().flat_map(|node| node.entries()) {
            if !places.contains_key(key.word()) {
                places.insert(key.word().to_owned(), entries.len());
                entries.push((key.clone(), value.clone()));
            }
        }
        Ok((entries, deep))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Kind {
        let suffix = tag.filter(|t| t.handle() == "tag:yaml.org,2002:").map(Tag::suffix);
        let value = match suffix {
            Some("str") => Scalar::Text(text.to_owned()),
            Some("int" | "float" | "bool" | "null") => scalar::plain(text).0,
            _ => {
                self.python_tag(tag, span);
                if style == ScalarStyle::Plain {
                    let (value, trap) = scalar::plain(text);
                    if let Some(trap) = trap {
                        self.trap(span, trap);
                    }
                    value
                } else {
                    Scalar::Text(text.to_owned())
                }
            }
        };
        Kind::Scalar(value, text.to_owned())
    }

    /// Tags of Python objects (and any other we do not know) are passed over: the data under them is read.
    fn python_tag(&mut self, tag: Option<&Tag>, span: Span) {
        if let Some(tag) = tag
            && !(tag.handle() == "tag:yaml.org,2002:" && matches!(tag.suffix(), "map" | "seq" | "binary" | "timestamp"))
        {
            self.trap(
                span,
                format!(
                    "the tag `{}` means nothing here; its data was read without it: remove the tag",
                    tag.suffix()
                ),
            );
        }
    }
}
