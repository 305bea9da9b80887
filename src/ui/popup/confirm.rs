//! Asking before something that cannot be taken back. `y` does it; there is no default, and Enter does nothing.

use super::Dialog;
use super::frame::frame;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::{Ask, Effect};
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Columns of the line with the two keys.
const CHOICE: usize = 54;

pub struct Confirm {
    ask: Ask,
}

impl Confirm {
    pub fn new(ask: Ask) -> Confirm {
        Confirm { ask }
    }
}

impl Dialog for Confirm {
    fn layer(&self) -> Layer {
        Layer::Confirm
    }

    fn next(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Yes, Action::No]
    }

    fn update(&mut self, action: &Action, _cx: &Cx) -> Vec<Effect> {
        match action {
            Action::Yes => {
                let mut effects = vec![Effect::Close];
                effects.extend(
                    self.ask
                        .then
                        .drain(..)
                        .map(|effect| Effect::Confirmed(Box::new(effect))),
                );
                effects
            }
            Action::No | Action::Close => vec![Effect::Close],
            _ => Vec::new(),
        }
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let width = self
            .ask
            .lines
            .iter()
            .map(|l| l.width())
            .max()
            .unwrap_or(0)
            .max(self.ask.title.width() + 4)
            .max(CHOICE);
        let height = self.ask.lines.len() + 3;
        let inside = frame(
            &self.ask.title,
            "",
            (width as u16 + 2, height as u16),
            theme,
            area,
            canvas,
        );
        for (i, line) in self.ask.lines.iter().enumerate() {
            canvas.row(Line::from(format!(" {line}")), inside, i as u16);
        }
        let key = |action| {
            cx.keymap
                .key(&action, &[Layer::Confirm])
                .map(|k| k.to_string())
                .unwrap_or_default()
        };
        let choice = Line::from(vec![
            Span::styled(format!(" {} ", key(Action::Yes)), theme.danger(self.ask.danger)),
            Span::raw(" yes, do it    "),
            Span::styled(format!(" {} ", key(Action::No)), theme.style(Role::Key)),
            Span::raw(" no, leave everything as it is"),
        ]);
        let bottom = inside.height.saturating_sub(1);
        canvas.row(choice, inside, bottom);
    }
}
