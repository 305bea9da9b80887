//! The form of a new instrument, made from the table of what one needs; nothing is written before its last row.

use crate::canvas::Canvas;
use crate::theme::Theme;
use crate::widget::form::{Field, Form, Kind};
use crate::widget::pane::pane;
use model::config::FORM;
use model::{Unit, Value, units};
use ratatui::layout::Rect;

/// The row that writes the file.
pub const CREATE: &str = "create";

pub fn form() -> Form {
    let field = |row: &model::config::Field| {
        let (kind, value) = match row.unit {
            Some(unit) => {
                let default = units::parse(row.default, unit).map_or(Value::Null, Value::Number);
                (Kind::number(unit, f64::NEG_INFINITY, f64::INFINITY), default)
            }
            None => (Kind::Text, Value::Text(row.default.to_owned())),
        };
        Field::new(row.key, row.label, kind).doc(row.doc).value(value)
    };
    let mut fields: Vec<Field> = FORM.iter().map(field).collect();
    fields.push(Field::new(CREATE, "Write its file", Kind::Button));
    Form::new("new-instrument", fields)
}

/// What was typed, as `model::config::form` reads it.
pub fn answers(form: &Form) -> Vec<(&'static str, String)> {
    let answer = |row: &model::config::Field| {
        let value = form.field(row.key).map(|f| &f.value);
        let text = match value {
            Some(Value::Number(n)) => units::format_input(*n, row.unit.unwrap_or(Unit::None)),
            Some(Value::Text(t)) => t.clone(),
            _ => String::new(),
        };
        (row.key, text)
    };
    FORM.iter().map(answer).collect()
}

pub fn draw(form: &Form, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let inside = pane(
        "New instrument",
        "Esc leaves without writing",
        true,
        theme,
        area,
        canvas,
    );
    form.draw(true, theme, inside, canvas);
}
