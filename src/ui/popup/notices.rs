//! Everything that was said, newest first; opening it acknowledges alarms.

use super::Dialog;
use super::frame::frame;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::fit::cut;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use crate::toasts::Toasts;
use crate::widget::list::{Selection, marker};
use crate::widget::value::Sign;
use engine::Command;
use model::{Notice, Severity, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

pub struct Notices {
    /// This console's own, as they were when it was opened; the engine's come from the snapshot.
    own: Vec<(f64, Notice)>,
    selected: Selection,
}

impl Notices {
    pub fn new(toasts: &Toasts, _cx: &Cx) -> Notices {
        Notices {
            own: toasts.kept().cloned().collect(),
            selected: Selection::default(),
        }
    }

    /// Newest first.
    fn all<'a>(&'a self, cx: &Cx<'a>) -> Vec<(f64, &'a Notice, bool)> {
        let engine = cx
            .snapshot
            .notices
            .iter()
            .map(|entry| (entry.time, &entry.notice, entry.seen));
        let own = self.own.iter().map(|(time, notice)| (*time, notice, true));
        let mut all: Vec<_> = engine.chain(own).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        all
    }
}

/// The sign of a severity, for screens without colours.
pub fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "i",
        Severity::Warning => "!",
        Severity::Error => Sign::Failed.symbol(),
        Severity::Alarm => "‼",
    }
}

impl Dialog for Notices {
    fn layer(&self) -> Layer {
        Layer::Notices
    }

    fn next(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Accept, Action::Down, Action::Close]
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        match action {
            Action::Close => vec![Effect::Close],
            Action::Accept if cx.snapshot.notices.iter().any(|n| !n.seen) => {
                vec![Effect::Send(Command::new("notice.seen"))]
            }
            other => {
                self.selected.update(other, "notices", self.all(cx).len(), 8);
                Vec::new()
            }
        }
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let all = self.all(cx);
        let unseen = cx.snapshot.notices.iter().filter(|n| !n.seen).count();
        let key = cx
            .keymap
            .key(&Action::Accept, &[Layer::Notices])
            .map(|k| k.to_string())
            .unwrap_or_default();
        let note = if unseen > 0 {
            format!("{unseen} new, {key} acknowledges")
        } else {
            String::new()
        };
        let height = (all.len().clamp(1, 200) + 3) as u16;
        let inside = frame(
            "Notices",
            &note,
            (area.width.saturating_sub(6), height),
            theme,
            area,
            canvas,
        );
        if all.is_empty() {
            canvas.row(
                Line::styled(" Nothing has happened yet.", theme.style(Role::Dim)),
                inside,
                0,
            );
            return;
        }
        let list = usize::from(inside.height.saturating_sub(3));
        let first = self.selected.first(all.len(), list);
        for (i, (time, notice, seen)) in all.iter().enumerate().skip(first).take(list) {
            let selected = i == self.selected.row;
            let style = theme.style(if selected { Role::Selected } else { Role::Text });
            let new = if *seen { ' ' } else { '•' };
            let line = Line::from(vec![
                Span::styled(
                    format!("{}{new}{} ", marker(selected), cx.clock_seconds(*time)),
                    theme.style(Role::Dim),
                ),
                Span::styled(format!("{} ", sign(notice.severity)), theme.severity(notice.severity)),
                Span::styled(
                    cut(
                        &text::printable(&notice.title),
                        usize::from(inside.width).saturating_sub(14),
                    ),
                    style,
                ),
            ]);
            let row = (i - first) as u16;
            canvas.row(line, inside, row);
            canvas.hit(
                Rect {
                    y: inside.y + row,
                    height: 1,
                    ..inside
                },
                Action::Pick {
                    zone: "notices",
                    row: i,
                },
            );
        }
        let Some((_, notice, _)) = all.get(self.selected.row) else {
            return;
        };
        let bottom = inside.height.saturating_sub(2);
        canvas.row(
            Line::styled(format!(" {}", text::printable(&notice.detail)), theme.style(Role::Dim)),
            inside,
            bottom,
        );
        canvas.row(
            Line::styled(format!(" {}", text::printable(&notice.hint)), theme.style(Role::Info)),
            inside,
            bottom + 1,
        );
    }
}
