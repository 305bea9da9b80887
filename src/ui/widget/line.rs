//! One line of text that a tab asks for: what is typed, or the proposal as it stands.

use crate::action::Action;
use crate::canvas::Canvas;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use crate::widget::form::{Field, Form, Kind, Outcome};
use crate::widget::pane::pane;
use model::Value;
use ratatui::layout::Rect;

#[derive(Debug)]
pub struct AskedLine {
    /// Taken where nothing else was typed.
    proposal: String,
    form: Form,
}

/// What a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// It is still being typed.
    On,
    /// Left without a text.
    Left,
    /// Done, without blanks around it.
    Text(String),
}

const KEY: &str = "text";

impl AskedLine {
    /// `label` names what is typed; `proposal` may be empty.
    pub fn new(label: &'static str, proposal: String) -> AskedLine {
        let field = Field::new(KEY, label, Kind::Text).value(Value::Text(proposal.clone()));
        let mut form = Form::new("line", vec![field]);
        form.edit(KEY);
        AskedLine { proposal, form }
    }

    pub fn layer(&self) -> Layer {
        self.form.layer()
    }

    pub fn update(&mut self, action: &Action) -> Typed {
        let text = match (self.form.update(action), action) {
            (
                Outcome::Set {
                    value: Value::Text(text),
                    ..
                },
                _,
            ) => text,
            (_, Action::Accept | Action::NextField | Action::PreviousField) => self.proposal.clone(),
            _ if self.form.editing() => return Typed::On,
            _ => return Typed::Left,
        };
        Typed::Text(text.trim().to_owned())
    }

    pub fn draw(&self, title: &str, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        canvas.clear(area, theme.style(Role::Text));
        let inner = pane(title, "", true, theme, area, canvas);
        self.form.draw(true, theme, inner, canvas);
    }
}
