//! Lines that are more than fit, and which of them are seen.

use super::frame::frame;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::theme::Theme;
use crate::widget::list::Selection;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::cell::Cell;

#[derive(Debug, Default)]
pub struct Scroll {
    /// First line shown.
    top: Selection,
    /// Lines there were to scroll through, and those seen at once, when it was drawn last.
    drawn: Cell<(usize, usize)>,
}

impl Scroll {
    pub fn update(&mut self, action: &Action) {
        let (lines, seen) = self.drawn.get();
        let places = lines.saturating_sub(seen) + 1;
        self.top.update(action, "scroll", places, seen.saturating_sub(1));
    }

    /// Draws a popup of these lines, `width` columns wide.
    pub fn draw(
        &self,
        title: &str,
        lines: Vec<Line<'static>>,
        width: u16,
        theme: &Theme,
        area: Rect,
        canvas: &mut Canvas,
    ) {
        let seen = lines.len().min(usize::from(area.height.saturating_sub(2)));
        let first = self.top.row.min(lines.len() - seen);
        self.drawn.set((lines.len(), seen));
        let note = if seen < lines.len() {
            let more = if first + seen < lines.len() { " ↓" } else { " ↑" };
            format!("lines {} to {} of {}{more}", first + 1, first + seen, lines.len())
        } else {
            String::new()
        };
        let inside = frame(title, &note, (width, seen as u16), theme, area, canvas);
        for (i, line) in lines.into_iter().skip(first).take(seen).enumerate() {
            canvas.row(line, inside, i as u16);
        }
    }
}
