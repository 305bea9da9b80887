//! How a form looks: one row a field, in as many columns as fit, and at the bottom what the edited field takes.

use super::edit::{range, shown};
use super::{Field, Form};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::theme::{Role, Theme};
use crate::widget::list::marker;
use crate::widget::value::Sign;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Narrowest column: marker, label, value, sign.
const COLUMN: u16 = 26;

impl Form {
    /// Rows this form wants at `width`: fields in columns, and a line for ranges and errors.
    pub fn height(&self, width: u16) -> u16 {
        let columns = usize::from((width / COLUMN).max(1));
        self.fields.len().div_ceil(columns).min(usize::from(u16::MAX - 1)) as u16 + 1
    }

    pub fn draw(&self, focus: bool, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        if area.is_empty() || self.fields.is_empty() {
            return;
        }
        let hint = focus && self.editing() && area.height > 1;
        let height = usize::from(area.height - u16::from(hint));
        let columns = self
            .fields
            .len()
            .div_ceil(height)
            .clamp(1, usize::from((area.width / COLUMN).max(1)));
        let rows = self.fields.len().div_ceil(columns);
        let first = (self.selected % rows)
            .saturating_sub(height.saturating_sub(1))
            .min(rows.saturating_sub(height));
        let width = area.width / columns as u16;
        let label = self
            .fields
            .iter()
            .map(|f| f.label.len())
            .max()
            .unwrap_or(0)
            .min(usize::from(width) * 3 / 5);
        for (i, field) in self.fields.iter().enumerate() {
            let (column, row) = (i / rows, i % rows);
            if row < first || row - first >= height {
                continue;
            }
            let place = Rect {
                x: area.x + column as u16 * width,
                y: area.y + (row - first) as u16,
                width: width.saturating_sub(1),
                height: 1,
            };
            self.draw_field(i, field, label, focus, theme, place, canvas);
        }
        if hint {
            let bottom = Rect {
                y: area.y + height as u16,
                height: 1,
                ..area
            };
            canvas.line(self.hint(theme), bottom);
        }
    }

    #[allow(clippy::too_many_arguments)] // one row of a table, drawn in one place
    fn draw_field(
        &self,
        i: usize,
        field: &Field,
        label: usize,
        focus: bool,
        theme: &Theme,
        place: Rect,
        canvas: &mut Canvas,
    ) {
        let selected = focus && i == self.selected;
        let name = Span::styled(
            format!("{}{:<label$.label$} ", marker(selected), field.label),
            theme.style(if selected { Role::Selected } else { Role::Dim }),
        );
        let at = (label as u16 + 2).min(place.width);
        match self.edit.as_ref().filter(|_| selected) {
            Some(edit) => {
                let room = usize::from(place.width - at);
                let scroll = edit.input.visual_scroll(room.saturating_sub(1));
                let text: String = edit.input.value().chars().skip(scroll).take(room).collect();
                let style = theme.style(if edit.error.is_some() {
                    Role::Danger
                } else {
                    Role::Edited
                });
                let rest = " ".repeat(room.saturating_sub(text.width()));
                let typed = if edit.selected {
                    theme.style(Role::Selected)
                } else {
                    style
                };
                let spans = vec![name, Span::styled(text, typed), Span::styled(rest, style)];
                canvas.line(Line::from(spans), place);
                let x = place.x + at + edit.input.visual_cursor().saturating_sub(scroll).min(room) as u16;
                canvas.cursor = Some(Position::new(x, place.y));
            }
            None => {
                let role = match (selected, field.stale) {
                    (_, true) => Role::Stale,
                    (true, false) => Role::Selected,
                    (false, false) => Role::Text,
                };
                let mut spans = vec![name, Span::styled(shown(&field.value, &field.kind), theme.style(role))];
                if field.pending {
                    spans.push(Span::raw(" "));
                    spans.push(Sign::Pending.span(theme));
                } else if field.stale {
                    spans.push(Span::styled(" ~", theme.style(Role::Stale)));
                }
                canvas.line(Line::from(spans), place);
            }
        }
        canvas.hit(
            place,
            Action::Pick {
                zone: self.zone,
                row: i,
            },
        );
    }

    /// Why the text is not taken, or what is.
    fn hint(&self, theme: &Theme) -> Line<'static> {
        let (Some(edit), Some(field)) = (&self.edit, self.selected()) else {
            return Line::default();
        };
        if let Some(error) = &edit.error {
            return Line::from(vec![
                Sign::Failed.span(theme),
                Span::styled(format!(" {error}"), theme.style(Role::Warn)),
            ]);
        }
        let range = range(&field.kind);
        let gap = if range.is_empty() || field.doc.is_empty() {
            ""
        } else {
            "; "
        };
        Line::styled(format!("{range}{gap}{}", field.doc), theme.style(Role::Dim))
    }
}
