//! Log: what happened, line by line (time, level, who says it, what), filtered by target and level; and what the engine said, as
//! notices. `line` is how a line reads.

mod line;

use super::{Tab, TabId};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::fit::cut;
use crate::keys::Layer;
use crate::popup::severity_sign;
use crate::theme::{Role, Theme};
use crate::widget::list::{Selection, marker};
use crate::widget::pane::pane;
use model::text;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use tui_logger::{TuiLoggerTargetWidget, TuiLoggerWidget, TuiWidgetEvent, TuiWidgetState};

const ZONE: &str = "log-notices";
/// Columns of the list of targets.
const TARGETS: u16 = 30;

pub struct Log {
    /// The logger's own view: selected target, levels, scroll.
    lines: TuiWidgetState,
    /// The list of targets is beside them.
    targets: bool,
    notices: Selection,
    /// The list of notices has the focus, not the lines.
    in_notices: bool,
}

impl Log {
    pub fn new(_cx: &Cx) -> Log {
        Log {
            lines: TuiWidgetState::new(),
            targets: false,
            notices: Selection::default(),
            in_notices: false,
        }
    }
}

/// What an action means to the logger's view.
fn event(action: &Action) -> Option<TuiWidgetEvent> {
    Some(match action {
        Action::Up => TuiWidgetEvent::UpKey,
        Action::Down => TuiWidgetEvent::DownKey,
        Action::Left | Action::LogLess => TuiWidgetEvent::LeftKey,
        Action::Right | Action::LogMore => TuiWidgetEvent::RightKey,
        Action::PageUp => TuiWidgetEvent::PrevPageKey,
        Action::PageDown => TuiWidgetEvent::NextPageKey,
        Action::LogFocus => TuiWidgetEvent::FocusKey,
        Action::LogFollow | Action::End | Action::Close => TuiWidgetEvent::EscapeKey,
        _ => return None,
    })
}

impl Tab for Log {
    fn id(&self) -> TabId {
        TabId::Log
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        vec![Layer::Log]
    }

    fn next(&self, _cx: &Cx) -> Vec<Action> {
        if self.in_notices {
            vec![Action::Up, Action::Down, Action::Notices, Action::NextPane]
        } else {
            let mut next = vec![Action::PageUp, Action::LogFollow, Action::LogTargets];
            if self.targets {
                next.extend([
                    Action::Up,
                    Action::Down,
                    Action::LogMore,
                    Action::LogLess,
                    Action::LogFocus,
                ]);
            }
            next.push(Action::NextPane);
            next
        }
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        match action {
            Action::NextPane | Action::PreviousPane => self.in_notices = !self.in_notices,
            Action::Pick { zone: ZONE, .. } => {
                self.in_notices = true;
                self.notices.update(action, ZONE, cx.snapshot.notices.len(), 8);
            }
            other if self.in_notices => {
                self.notices.update(other, ZONE, cx.snapshot.notices.len(), 8);
            }
            Action::LogTargets => self.targets = !self.targets,
            other => {
                if let Some(event) = event(other) {
                    self.lines.transition(event);
                }
            }
        }
        Vec::new()
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let wanted = (cx.snapshot.notices.len() as u16).clamp(1, 8) + 3;
        let below = if area.height >= 12 {
            wanted.min(area.height / 2)
        } else {
            0
        };
        let [lines, notices] = Layout::vertical([Constraint::Min(0), Constraint::Length(below)]).areas(area);
        let beside = if self.targets { TARGETS.min(lines.width / 2) } else { 0 };
        let [targets, lines] = Layout::horizontal([Constraint::Length(beside), Constraint::Min(0)]).areas(lines);
        let focus = !self.in_notices;
        if !targets.is_empty() {
            let widget = TuiLoggerTargetWidget::default()
                .style(theme.style(Role::Text))
                .highlight_style(theme.style(Role::Selected))
                .state(&self.lines);
            let inside = pane("Targets", "", focus, theme, targets, canvas);
            canvas.widget(widget, inside);
        }
        let inside = pane("Log", "", focus, theme, lines, canvas);
        let widget = TuiLoggerWidget::default()
            .formatter(Box::new(line::Phrases::new(theme)))
            .state(&self.lines);
        canvas.widget(widget, inside);
        self.draw_notices(cx, theme, notices, canvas);
    }
}

impl Log {
    fn draw_notices(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        if area.is_empty() {
            return;
        }
        let inside = pane("Notices", "", self.in_notices, theme, area, canvas);
        let all = &cx.snapshot.notices;
        if all.is_empty() {
            canvas.row(
                Line::styled(" Nothing has happened yet.", theme.style(Role::Dim)),
                inside,
                0,
            );
            return;
        }
        let list = usize::from(inside.height.saturating_sub(1));
        let first = self.notices.first(all.len(), list);
        for (i, entry) in all.iter().rev().enumerate().skip(first).take(list) {
            let selected = self.in_notices && i == self.notices.row;
            let role = if selected { Role::Selected } else { Role::Text };
            let room = usize::from(inside.width).saturating_sub(13);
            let line = Line::from(vec![
                Span::styled(
                    format!("{}{} ", marker(selected), cx.clock_seconds(entry.time)),
                    theme.style(Role::Dim),
                ),
                Span::styled(
                    format!("{} ", severity_sign(entry.notice.severity)),
                    theme.severity(entry.notice.severity),
                ),
                Span::styled(cut(&text::printable(&entry.notice.title), room), theme.style(role)),
            ]);
            let row = (i - first) as u16;
            canvas.row(line, inside, row);
            canvas.hit(
                Rect {
                    y: inside.y + row,
                    height: 1,
                    ..inside
                },
                Action::Pick { zone: ZONE, row: i },
            );
        }
        if let Some(entry) = all.iter().rev().nth(self.notices.row) {
            let words = [&entry.notice.detail, &entry.notice.hint].map(|w| text::printable(w));
            let words = words
                .iter()
                .filter(|w| !w.is_empty())
                .cloned()
                .collect::<Vec<_>>()
                .join("; ");
            canvas.row(
                Line::styled(format!(" {words}"), theme.style(Role::Dim)),
                inside,
                inside.height.saturating_sub(1),
            );
        }
    }
}
