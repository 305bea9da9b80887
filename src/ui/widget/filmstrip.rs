//! The pictures of a session, newest first, as a list to choose from.

use super::list::{Selection, marker};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::theme::{Role, Theme};
use engine::event::{FrameId, FrameInfo};
use model::{Unit, units};
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Names the rows in [`Action::Pick`].
const ZONE: &str = "film";
/// Columns of one picture.
const COLUMN: u16 = 27;

/// Which picture is selected.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filmstrip {
    selection: Selection,
}

/// Pictures of a beam, newest first.
fn frames<'a>(cx: &'a Cx) -> Vec<&'a FrameInfo> {
    cx.snapshot
        .frames
        .iter()
        .rev()
        .filter(|frame| frame.beam.is_some())
        .collect()
}

impl Filmstrip {
    /// Moves the selection. The picture to show when one was accepted or clicked; outer `None`: not the filmstrip's business.
    pub fn update(&mut self, action: &Action, cx: &Cx) -> Option<Option<FrameId>> {
        let frames = frames(cx);
        let shown = |at: usize| frames.get(at).map(|frame| frame.id);
        match action {
            Action::Accept => Some(shown(self.selection.row)),
            // along the strip as along the list
            Action::Left => self.update(&Action::Up, cx),
            Action::Right => self.update(&Action::Down, cx),
            Action::Pick { zone: ZONE, row } => {
                self.selection.row = *row;
                Some(shown(*row))
            }
            other => self.selection.update(other, ZONE, frames.len(), 5).then_some(None),
        }
    }

    /// Draws the strip; `shown` are on the screen.
    pub fn draw(&self, focus: bool, shown: &[FrameId], cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let frames = frames(cx);
        if frames.is_empty() {
            return canvas.line(Line::styled("nothing taken yet", theme.style(Role::Dim)), area);
        }
        let columns = usize::from((area.width / COLUMN).max(1));
        let height = usize::from(area.height);
        let first = self.selection.first(frames.len(), columns * height);
        for (place, (row, frame)) in frames.iter().enumerate().skip(first).take(columns * height).enumerate() {
            let width = area.width / columns as u16;
            let cell = Rect {
                x: area.x + (place / height.max(1)) as u16 * width,
                y: area.y + (place % height.max(1)) as u16,
                width: width.saturating_sub(1),
                height: 1,
            };
            let selected = focus && row == self.selection.row;
            let role = match (selected, shown.contains(&frame.id)) {
                (true, _) => Role::Selected,
                (false, true) => Role::Accent,
                _ => Role::Text,
            };
            let mark = if shown.contains(&frame.id) { '*' } else { ' ' };
            let field = frame
                .settings
                .as_ref()
                .map_or_else(String::new, |s| units::format(s.hfw, Unit::Metre));
            let beam = frame.beam.map_or("", |beam| beam.short());
            let saved = if frame.file.is_some() { "" } else { " -" };
            let words = format!(
                "{}{mark}{:03} {beam} {field:>7} {}{saved}",
                marker(selected),
                frame.id,
                cx.clock(frame.time)
            );
            canvas.line(Line::styled(words, theme.style(role)), cell);
            canvas.hit(cell, Action::Pick { zone: ZONE, row });
        }
    }
}
