//! How a form looks: one row a field, in as many columns as fit, and at the bottom what the edited field takes.

use super::edit::{range, shown};
use super::{Field, Form, Kind};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::fit::cut;
use crate::theme::{Role, Theme};
use crate::widget::list::marker;
use crate::widget::value::Sign;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Narrowest column: marker, label, value, sign.
const COLUMN: u16 = 22;
/// What a column has besides label and value: marker, gap, sign and the space to the next column.
const AROUND: u16 = 5;

/// Columns of a value of this kind as it usually is: they depend on the form alone, so that nothing jumps when a value changes.
fn room(field: &Field) -> u16 {
    let longest = |words: &[String]| words.iter().map(|word| word.width()).max().unwrap_or(0);
    let columns = match &field.kind {
        Kind::Number { .. } => 8,
        Kind::Count { .. } | Kind::Bool => 5,
        Kind::Size(_) => 9,
        Kind::Choice(words) => longest(words).clamp(4, 10),
        Kind::Text => 10,
        Kind::Button | Kind::Shown => shown(&field.value, &field.kind).width(),
    };
    columns as u16
}

/// One column: its fields, the width of its labels, and what it needs with the usual values.
struct Column {
    label: u16,
    needs: u16,
}

impl Form {
    /// Rows this form wants at `width`: fields in columns, and a line for ranges and errors.
    pub fn height(&self, width: u16) -> u16 {
        let columns = self.most_columns(width);
        self.fields.len().div_ceil(columns).min(usize::from(u16::MAX - 1)) as u16 + 1
    }

    /// As many columns as `width` has room for, labels whole.
    fn most_columns(&self, width: u16) -> usize {
        let most = usize::from((width / COLUMN).max(1));
        let fits = |columns: &usize| {
            let needed = self.columns(*columns).iter().map(|column| column.needs).sum::<u16>();
            needed <= width
        };
        (2..=most).rev().find(fits).unwrap_or(1)
    }

    fn columns(&self, columns: usize) -> Vec<Column> {
        let rows = self.fields.len().div_ceil(columns.max(1)).max(1);
        let column = |fields: &[Field]| {
            let label = fields.iter().map(|f| f.label.width() as u16).max().unwrap_or(0);
            let value = fields.iter().map(room).max().unwrap_or(0);
            Column {
                label,
                needs: label + value + AROUND,
            }
        };
        self.fields.chunks(rows).map(column).collect()
    }

    pub fn draw(&self, focus: bool, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        if area.is_empty() || self.fields.is_empty() {
            return;
        }
        let hint = focus && self.editing() && area.height > 1;
        let height = usize::from(area.height - u16::from(hint));
        let wanted = self.fields.len().div_ceil(height);
        let columns = self.columns(wanted.clamp(1, self.most_columns(area.width)));
        let rows = self.fields.len().div_ceil(columns.len().max(1));
        let first = (self.selected % rows)
            .saturating_sub(height.saturating_sub(1))
            .min(rows.saturating_sub(height));
        // equal where that is enough for each; else each has what it needs and its share of the rest
        let even = area.width / columns.len().max(1) as u16;
        let needed: u16 = columns.iter().map(|column| column.needs).sum();
        let share = area.width.saturating_sub(needed) / columns.len().max(1) as u16;
        let equal = columns.iter().all(|column| column.needs <= even);
        let mut x = area.x;
        for (fields, (n, column)) in self.fields.chunks(rows).zip(columns.iter().enumerate()) {
            let width = if equal { even } else { column.needs + share };
            for (row, field) in fields.iter().enumerate() {
                if row < first || row - first >= height {
                    continue;
                }
                let place = Rect {
                    x,
                    y: area.y + (row - first) as u16,
                    width: width.min(area.right().saturating_sub(x)).saturating_sub(1),
                    height: 1,
                };
                // a label never takes all of a narrow form
                let label = usize::from(column.label.min(width * 3 / 5 + 2));
                self.draw_field(n * rows + row, field, label, focus, theme, place, canvas);
            }
            x = x.saturating_add(width);
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
                let words = shown(&field.value, &field.kind);
                let mut spans = vec![
                    name,
                    Span::styled(cut(&words, usize::from(place.width - at)), theme.style(role)),
                ];
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
