//! Who works and where pictures go: shown, and changed by `session.set`.

use super::instruments::text_value;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::theme::Theme;
use crate::widget::form::{Field, Form, Kind};
use crate::widget::pane::pane;
use engine::Command;
use engine::event::Session;
use model::{Value, text};
use ratatui::layout::Rect;

pub const ZONE: &str = "session";

/// One field: the argument of `session.set`, its label, its value, what it is for.
struct Row {
    key: &'static str,
    label: &'static str,
    read: fn(&Session) -> &str,
    doc: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        key: "folder",
        label: "folder",
        read: |s| &s.folder,
        doc: "where pictures and records go; made if it is not there",
    },
    Row {
        key: "user",
        label: "user",
        read: |s| &s.user.name,
        doc: "written into every picture",
    },
    Row {
        key: "email",
        label: "e-mail",
        read: |s| &s.user.email,
        doc: "written into every picture",
    },
    Row {
        key: "organization",
        label: "organisation",
        read: |s| &s.user.organization,
        doc: "written into every picture",
    },
    Row {
        key: "project",
        label: "project",
        read: |s| &s.project,
        doc: "written into every picture",
    },
    Row {
        key: "experiment",
        label: "experiment",
        read: |s| &s.experiment,
        doc: "written into every picture",
    },
];

pub fn form(cx: &Cx) -> Form {
    let fields = ROWS
        .iter()
        .map(|row| Field::new(row.key, row.label, Kind::Text).doc(row.doc))
        .collect();
    let mut form = Form::new(ZONE, fields);
    refresh(&mut form, cx);
    form
}

pub fn refresh(form: &mut Form, cx: &Cx) {
    for row in ROWS {
        form.set(row.key, text_value((row.read)(&cx.snapshot.session)));
        let pending = cx
            .pending
            .any(|c| c.name == "session.set" && c.args.contains_key(row.key));
        if let Some(field) = form.field_mut(row.key) {
            field.pending = pending;
        }
    }
}

pub fn send(key: &'static str, value: &Value) -> Vec<Effect> {
    let typed = text::printable(value.as_text().unwrap_or_default());
    vec![Effect::Send(Command::new("session.set").with(key, typed))]
}

pub fn draw(form: &Form, focus: bool, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let kept = cx.snapshot.frames.len();
    let note = match kept {
        0 => String::new(),
        1 => "1 picture".to_owned(),
        n => format!("{n} pictures"),
    };
    let inside = pane("Session", &note, focus, theme, area, canvas);
    form.draw(focus, theme, inside, canvas);
}
