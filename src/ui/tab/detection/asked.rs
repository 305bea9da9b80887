//! What is looked for, and by which model: a form whose values are remembered.

use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::form::{Field, Kind};
use model::Value;

/// Key of the form and of the command, label, what is taken when it is empty, and what it means.
const ROWS: &[(&str, &str, &str)] = &[
    (
        "model",
        "model",
        "a file or a name of `model list`; classical needs none; empty: as detection.yaml says",
    ),
    (
        "features",
        "features",
        "names with commas, e.g. LandingPost,LamellaCentre; empty: needle tip and lamella, as far as the model looks for them",
    ),
];

fn key(name: &str) -> String {
    format!("detection.{name}")
}

fn text(name: &str, cx: &Cx) -> String {
    cx.remembered.text(&key(name)).unwrap_or_default().to_owned()
}

pub fn fields(cx: &Cx) -> Vec<Field> {
    let field = |(name, label, doc): &(&'static str, &'static str, &'static str)| {
        Field::new(name, label, Kind::Text)
            .doc(doc)
            .value(Value::Text(text(name, cx)))
    };
    ROWS.iter().map(field).collect()
}

/// The values as arguments of the command.
pub fn chosen(cx: &Cx) -> Vec<(&'static str, String)> {
    ROWS.iter()
        .map(|(name, ..)| (*name, text(name, cx).trim().to_owned()))
        .collect()
}

pub fn set(name: &str, value: Value) -> Vec<Effect> {
    let Value::Text(text) = value else { return Vec::new() };
    vec![Effect::Remember {
        key: key(name),
        value: text.trim().into(),
    }]
}
