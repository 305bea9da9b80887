//! From the state to a frame.

use super::UiState;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::theme::Role;
use crate::{bars, layout, popup, status, tab};
use engine::Snapshot;
use ratatui::layout::Rect;
use ratatui::text::Line;

impl UiState {
    /// Draws the whole screen. Cannot fail, at any size.
    pub fn draw(&self, snapshot: &Snapshot, screen: Rect) -> Canvas {
        let mut canvas = Canvas::new(screen);
        let cx = self.desk.cx(snapshot);
        let theme = &self.desk.theme;
        canvas.buffer.set_style(screen, theme.style(Role::Text));
        let status = status::lines(&cx, theme, screen);
        let areas = layout::areas(
            screen,
            status.len() as u16,
            popup::question_rows(snapshot.question.as_ref(), screen),
        );
        let layers = self.layers(&cx);
        let open = self.tabs.get(self.open);
        if let Some(open) = open {
            bars::tabs(open.id(), &cx, theme, areas.tabs, &mut canvas);
        }
        if !areas.body.is_empty()
            && let Some(open) = open
        {
            match open.available(snapshot.connection.as_ref().map(|c| &c.capabilities)) {
                Ok(()) => open.draw(&cx, theme, areas.body, &mut canvas),
                Err(reason) => unavailable(reason, theme, areas.body, &mut canvas),
            }
        }
        self.question.draw(&cx, theme, areas.question, &mut canvas);
        bars::message(&self.desk.toasts, &cx, theme, areas.message, &mut canvas);
        canvas.buffer.set_style(areas.status, theme.style(Role::Bar));
        for (i, line) in status.into_iter().enumerate() {
            canvas.row(line, areas.status, i as u16);
        }
        let mut next = match self.dialogs.last() {
            Some(dialog) => dialog.next(&cx),
            None if self.question.focus => self.question.next(),
            None => open.map(|tab| tab.next(&cx)).unwrap_or_default(),
        };
        if self.dialogs.is_empty() && snapshot.question.is_some() && !self.question.focus {
            next.insert(0, Action::Question);
        }
        if let Some(dialog) = self.dialogs.last()
            && !areas.body.is_empty()
        {
            canvas.cursor = None;
            dialog.draw(&cx, theme, areas.body, &mut canvas);
        }
        bars::keys(&next, &layers, &cx, theme, areas.keys, &mut canvas);
        canvas
    }

    /// Keeps what clicks mean in the frame that is now on the screen.
    pub fn on_screen(&mut self, canvas: &mut Canvas) {
        self.hits = std::mem::take(&mut canvas.hits);
    }
}

fn unavailable(reason: tab::Reason, theme: &crate::Theme, area: Rect, canvas: &mut Canvas) {
    let row = area.height / 2;
    canvas.row(Line::styled(reason, theme.style(Role::Dim)).centered(), area, row);
}
