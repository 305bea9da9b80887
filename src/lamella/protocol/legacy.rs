//! Protocols of before tasks: a method, its options, and a `milling` mapping in any of the forms it has had.

use super::ProtocolError;
use crate::record::as_python;
use model::text::printable;
use model::yaml::{Document, Node};
use pattern::{MillingTask, Note};
use serde_json::{Map, Value};

/// The ways of preparing lamellae that stand for a fixed order of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    OnGrid,
    Trench,
    Waffle,
    Liftout,
    SerialLiftout,
}

impl Method {
    pub const ALL: [Method; 5] = [
        Method::OnGrid,
        Method::Trench,
        Method::Waffle,
        Method::Liftout,
        Method::SerialLiftout,
    ];

    /// As on the command line, and the name of its shipped protocol.
    pub fn word(self) -> &'static str {
        match self {
            Method::OnGrid => "on-grid",
            Method::Trench => "trench",
            Method::Waffle => "waffle",
            Method::Liftout => "liftout",
            Method::SerialLiftout => "serial-liftout",
        }
    }

    /// By any name that files have for it, in any case: `AutoLamella-OnGrid`, `autolamella-waffle`, `serial-liftout`.
    pub fn named(name: &str) -> Option<Method> {
        let lower = name.to_lowercase();
        let word = lower.strip_prefix("autolamella-").unwrap_or(&lower);
        match word {
            "ongrid" => Some(Method::OnGrid),
            _ => Method::ALL.into_iter().find(|method| method.word() == word),
        }
    }

    /// Trenches are milled around the lamella first.
    pub fn has_trench(self) -> bool {
        self != Method::OnGrid
    }

    pub fn is_liftout(self) -> bool {
        matches!(self, Method::Liftout | Method::SerialLiftout)
    }
}

/// Key of `supervise` and stage of `supervision` that say who watches what.
const WATCHED: &[(&str, &str)] = &[
    ("trench", "MillTrench"),
    ("undercut", "MillUndercut"),
    ("liftout", "LiftoutLamella"),
    ("landing", "LandLamella"),
    ("setup_lamella", "SetupLamella"),
    ("mill_rough", "MillRough"),
    ("mill_polishing", "MillPolishing"),
    ("reset", "Reset"),
    ("prepare_manipulator", "PrepareManipulator"),
];

/// A protocol of before tasks.
#[derive(Clone, Debug)]
pub struct Legacy {
    pub name: String,
    pub method: Method,
    /// Options and what stood beside them, under the names of the newest of these files.
    pub options: Map<String, Value>,
    supervise: Map<String, Value>,
    supervision: Map<String, Value>,
    /// Milling by its key; a list of stages is a task that has field, alignment and pictures of the first.
    pub milling: Vec<(String, MillingTask)>,
    /// What was odd in it, by place.
    pub notes: Vec<Note>,
}

impl Legacy {
    pub fn is(document: &Document) -> bool {
        document.root.get("tasks").is_none() && document.root.get("milling").is_some()
    }

    /// The method's name as the file has it.
    pub(super) fn method_of(root: &Node) -> &str {
        let named = root.get("method").or_else(|| root.find("options.method"));
        named.map_or("on-grid", Node::word)
    }

    pub fn read(document: &Document) -> Result<Legacy, ProtocolError> {
        let root = &as_python(document.clone()).root;
        let origin = || root.origin.to_string();
        if root.get("tasks").is_some() {
            return Err(ProtocolError::Converted { origin: origin() });
        }
        if root.get("milling").is_none() {
            return Err(ProtocolError::NoProtocol { origin: origin() });
        }
        let value = root.value();
        let map = |key: &str| value.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut options = map("options");
        let mut notes = Vec::new();
        for (key, value) in map("tmp") {
            // the older home of what has no place among the options
            options.entry(key).or_insert(value);
        }
        let word = Legacy::method_of(root);
        let method = method(word, &value, &mut notes).ok_or_else(|| ProtocolError::Method {
            origin: origin(),
            name: printable(word),
            known: Method::ALL.map(Method::word).join(", "),
        })?;
        let mut milling = Vec::new();
        // one by one: what cannot be read takes nothing else along
        for (key, entry) in map("milling") {
            let alone = Value::Object(Map::from_iter([(key.clone(), entry)]));
            match MillingTask::read_all(&Value::Object(Map::from_iter([("milling".to_owned(), alone)]))) {
                Ok((task, odd)) => {
                    milling.extend(task);
                    notes.extend(odd);
                }
                Err(error) => notes.push(Note {
                    key: format!("milling.{key}"),
                    text: format!("cannot be read and is left out: {error}"),
                }),
            }
        }
        let name = value.get("name").or(options.get("name")).and_then(Value::as_str);
        Ok(Legacy {
            name: name.unwrap_or("Default-AutoLamella-Protocol").to_owned(),
            method,
            supervise: options
                .get("supervise")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            supervision: map("supervision"),
            options,
            milling,
            notes,
        })
    }

    /// Whether an operator watches; who is not told, does.
    pub fn supervised(&self, key: &str) -> bool {
        let stage = WATCHED.iter().find(|(k, _)| *k == key).map_or("", |(_, stage)| *stage);
        let said = self.supervision.get(stage).or_else(|| self.supervise.get(key));
        said.and_then(Value::as_bool).unwrap_or(true)
    }

    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.options.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// The first of these options that is there.
    pub fn option(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter()
            .find_map(|key| self.options.get(*key).filter(|v| !v.is_null()))
    }

    pub fn milling(&self, key: &str) -> Option<&MillingTask> {
        self.milling.iter().find(|(k, _)| k == key).map(|(_, task)| task)
    }
}

/// `AutoLiftout` was a name of on-grid files in openFIBSEM, and of liftout ones before: what the file mills decides.
fn method(word: &str, value: &Value, notes: &mut Vec<Note>) -> Option<Method> {
    if !word.eq_ignore_ascii_case("AutoLiftout") {
        return Method::named(word);
    }
    let milled = |key: &str| value["milling"].get(key).is_some();
    let method = if milled("sever") || milled("weld") {
        Method::Liftout
    } else {
        Method::OnGrid
    };
    notes.push(Note {
        key: "method".to_owned(),
        text: format!("`AutoLiftout` is taken for {}, by what the file mills", method.word()),
    });
    Some(method)
}
