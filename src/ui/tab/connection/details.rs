//! Who the instrument is, and its configuration against what it has.

use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::fit::cut;
use crate::theme::{Role, Theme};
use crate::widget::list::Selection;
use crate::widget::pane::pane;
use crate::widget::value::Sign;
use engine::event::Compared;
use model::text;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

pub const ZONE: &str = "details";

/// Lines of the table.
pub fn rows(cx: &Cx) -> usize {
    cx.snapshot.connection.as_ref().map_or(0, |c| c.comparison.len())
}

pub fn draw(top: &Selection, focus: bool, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let Some(connection) = &cx.snapshot.connection else {
        let inside = pane("Instrument", "", focus, theme, area, canvas);
        let words = if cx.snapshot.connecting {
            "… connecting"
        } else {
            "Not connected. Connecting only reads."
        };
        canvas.row(Line::styled(format!(" {words}"), theme.style(Role::Dim)), inside, 0);
        if let Some(trouble) = &cx.snapshot.trouble {
            canvas.row(
                Line::styled(format!(" {}", text::printable(trouble)), theme.style(Role::Warn)),
                inside,
                1,
            );
        }
        return;
    };
    let differ = connection.comparison.iter().filter(|row| !row.same).count();
    let note = match differ {
        0 => format!("{} as configured", Sign::Done.symbol()),
        1 => "1 differs from its configuration".to_owned(),
        n => format!("{n} differ from their configuration"),
    };
    let inside = pane("Instrument", &note, focus, theme, area, canvas);
    let who = &connection.identity;
    let label = |word: &'static str| Span::styled(word, theme.style(Role::Dim));
    let value = |words: &str| Span::raw(format!("{} ", text::printable(words)));
    let head = [
        Line::from(vec![
            label(" "),
            value(&who.manufacturer),
            value(&who.model),
            label("serial "),
            value(&who.serial_number),
        ]),
        Line::from(vec![
            label(" software "),
            value(&who.software_version),
            label("hardware "),
            value(&who.hardware_version),
        ]),
        Line::from(vec![
            label(" driver "),
            value(&who.driver),
            label("at "),
            value(&connection.address),
        ]),
    ];
    // where rows are scarce the table matters more
    let head_rows = if inside.height >= 10 { 3 } else { 1 };
    for (i, line) in head.into_iter().take(head_rows).enumerate() {
        canvas.row(line, inside, i as u16);
    }
    let table = Rect {
        y: inside.y + head_rows as u16,
        height: inside.height.saturating_sub(head_rows as u16),
        ..inside
    };
    draw_table(top, &connection.comparison, theme, table, canvas);
}

fn draw_table(top: &Selection, rows: &[Compared], theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.height < 2 {
        return;
    }
    // the names have the room that two short values leave
    let longest = rows.iter().map(|row| row.key.len() + 1).max().unwrap_or(0);
    let key = longest.min(usize::from(area.width).saturating_sub(4 + 2 * 12));
    let column = usize::from(area.width).saturating_sub(key + 4) / 2;
    let dim = theme.style(Role::Dim);
    canvas.row(
        Line::styled(
            format!("   {:<key$}{:<column$}{:<column$}", "", "configured", "actual"),
            dim,
        ),
        area,
        0,
    );
    let height = usize::from(area.height - 1);
    let first = top.row.min(rows.len().saturating_sub(height));
    for (i, row) in rows.iter().enumerate().skip(first).take(height) {
        let sign = if row.same { Sign::Done } else { Sign::Failed };
        let value = theme.style(if row.same { Role::Text } else { Role::Warn });
        let line = Line::from(vec![
            Span::raw(" "),
            if row.same {
                sign.span(theme)
            } else {
                Span::styled(sign.symbol(), theme.style(Role::Warn))
            },
            Span::styled(format!(" {:<key$}", cut(&row.key, key.saturating_sub(1))), dim),
            Span::styled(
                format!(
                    "{:<column$}",
                    cut(&text::printable(&row.configured), column.saturating_sub(1))
                ),
                value,
            ),
            Span::styled(cut(&text::printable(&row.actual), column), value),
        ]);
        canvas.row(line, area, (i - first) as u16 + 1);
    }
}
