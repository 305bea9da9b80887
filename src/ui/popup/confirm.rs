//! Asking before something that cannot be taken back. `y` does it; there is no default, and Enter does nothing.
//!
//! What is asked about stays; what there is to check is said anew at every draw, so that a question which stood for a while
//! tells how things are when it is answered.

use super::Dialog;
use super::frame::{frame_beside, room_beside};
use crate::action::Action;
use crate::asked;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::{Ask, Effect};
use crate::fit::wrap;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// Columns of the line with the two keys.
const CHOICE: usize = 54;

pub enum Confirm {
    Ask(Ask),
    /// Leaving, while something would end with it.
    Leave,
}

impl Confirm {
    /// The question as things are now; `None` = there is nothing to ask any more.
    fn question(&self, cx: &Cx) -> Option<Cow<'_, Ask>> {
        match self {
            Confirm::Leave => asked::leave::ask(cx).map(Cow::Owned),
            Confirm::Ask(ask) => {
                let anew = match &ask.then[..] {
                    [Effect::Send(command)] => asked::before(command, cx),
                    _ => None,
                };
                Some(anew.map_or(Cow::Borrowed(ask), Cow::Owned))
            }
        }
    }
}

impl Dialog for Confirm {
    fn layer(&self) -> Layer {
        Layer::Confirm
    }

    fn next(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Yes, Action::No]
    }

    fn stands(&self, cx: &Cx) -> bool {
        self.question(cx).is_some()
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        match action {
            Action::Yes => {
                let then = self.question(cx).map(|ask| ask.into_owned().then).unwrap_or_default();
                let done = then.into_iter().map(|effect| Effect::Confirmed(Box::new(effect)));
                [Effect::Close].into_iter().chain(done).collect()
            }
            Action::No | Action::Close => vec![Effect::Close],
            _ => Vec::new(),
        }
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let Some(ask) = self.question(cx) else { return };
        // between its borders
        let room = usize::from(room_beside(CHOICE as u16 + 2, area, canvas)).saturating_sub(2);
        let lines = ask.lines.iter().flat_map(|line| wrap(line, room.saturating_sub(1)));
        let lines: Vec<String> = lines.collect();
        // a column before and, where there is one, behind them
        let wanted = lines.iter().map(|l| (l.width() + 2).min(room)).max().unwrap_or(0);
        let width = wanted.max(ask.title.width() + 4).max(CHOICE);
        let height = lines.len() + 3;
        let inside = frame_beside(&ask.title, (width as u16, height as u16), theme, area, canvas);
        for (i, line) in lines.iter().enumerate() {
            canvas.row(Line::from(format!(" {line}")), inside, i as u16);
        }
        let key = |action| {
            cx.keymap
                .key(&action, &[Layer::Confirm])
                .map(|k| k.to_string())
                .unwrap_or_default()
        };
        let choice = Line::from(vec![
            Span::styled(format!(" {} ", key(Action::Yes)), theme.danger(ask.danger)),
            Span::raw(" yes, do it    "),
            Span::styled(format!(" {} ", key(Action::No)), theme.style(Role::Key)),
            Span::raw(" no, leave everything as it is"),
        ]);
        let bottom = inside.height.saturating_sub(1);
        canvas.row(choice, inside, bottom);
    }
}
