//! Running and ended jobs, newest first; the running one can be paused and stopped from here.

use super::Dialog;
use super::frame::frame;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::fit::cut;
use crate::keys::Layer;
use crate::tab::running;
use crate::theme::{Role, Theme};
use crate::widget::list::{Selection, marker};
use crate::widget::value::{Sign, duration};
use engine::Command;
use engine::event::{How, Job};
use model::text;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

#[derive(Default)]
pub struct Jobs {
    selected: Selection,
}

impl Jobs {
    fn job<'a>(&self, cx: &Cx<'a>) -> Option<&'a Job> {
        cx.snapshot.jobs.iter().rev().nth(self.selected.row)
    }
}

fn sign(job: &Job) -> Sign {
    match (&job.end, job.paused) {
        (None, true) => Sign::Pending,
        (None, false) => Sign::Running,
        (Some(end), _) if end.how == How::Done => Sign::Done,
        (Some(_), _) => Sign::Failed,
    }
}

/// Percent and time while it runs, how it ended and how long it took after.
fn state(job: &Job, cx: &Cx) -> String {
    match &job.end {
        None => {
            let (fraction, remaining) = running::progress(job, cx);
            let percent = fraction.map(|f| format!("{:.0} % ", f * 100.0)).unwrap_or_default();
            let left = remaining.map(|s| format!(", {} left", duration(s))).unwrap_or_default();
            format!("{percent}since {}{left}", cx.clock(job.started))
        }
        Some(end) => {
            let how = match end.how {
                How::Done => "done",
                How::Failed => "failed",
                How::Stopped => "stopped",
            };
            format!(
                "{how} {}, took {}",
                cx.clock(end.time),
                duration(end.time - job.started)
            )
        }
    }
}

impl Dialog for Jobs {
    fn layer(&self) -> Layer {
        Layer::Jobs
    }

    fn next(&self, cx: &Cx) -> Vec<Action> {
        match self.job(cx) {
            Some(job) if job.end.is_none() => vec![Action::JobStop, Action::JobPause, Action::Close],
            _ => vec![Action::Down, Action::Close],
        }
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        let running = self.job(cx).filter(|job| job.end.is_none());
        match (action, running) {
            (Action::Close, _) => vec![Effect::Close],
            (Action::JobStop, Some(job)) => vec![Effect::Send(Command::new("job.stop").with("id", job.id))],
            (Action::JobPause, Some(_)) => running::pause(cx),
            (other, _) => {
                self.selected.update(other, "jobs", cx.snapshot.jobs.len(), 8);
                Vec::new()
            }
        }
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let jobs = &cx.snapshot.jobs;
        let inside = frame(
            "Jobs",
            "",
            (
                area.width.saturating_sub(6).min(110),
                jobs.len().clamp(1, 200) as u16 + 2,
            ),
            theme,
            area,
            canvas,
        );
        if jobs.is_empty() {
            canvas.row(Line::styled(" No job has run yet.", theme.style(Role::Dim)), inside, 0);
            return;
        }
        let list = usize::from(inside.height.saturating_sub(2));
        let first = self.selected.first(jobs.len(), list);
        for (i, job) in jobs.iter().rev().enumerate().skip(first).take(list) {
            let state = state(job, cx);
            let by = text::printable(&job.by);
            let room = usize::from(inside.width).saturating_sub(state.len() + by.len() + 7);
            let selected = i == self.selected.row;
            let style = theme.style(if selected { Role::Selected } else { Role::Text });
            let line = Line::from(vec![
                Span::raw(marker(selected)),
                sign(job).span(theme),
                Span::styled(format!(" {:<room$} ", cut(&text::printable(&job.title), room)), style),
                Span::styled(format!("{by}  {state}"), theme.style(Role::Dim)),
            ]);
            let row = (i - first) as u16;
            canvas.row(line, inside, row);
            canvas.hit(
                Rect {
                    y: inside.y + row,
                    height: 1,
                    ..inside
                },
                Action::Pick { zone: "jobs", row: i },
            );
        }
        let Some(job) = self.job(cx) else { return };
        let failure = job.end.as_ref().and_then(|end| end.failure.as_ref());
        let words = match failure {
            Some(failure) => failure.to_string(),
            None => job.progress.as_ref().map(|p| p.text.clone()).unwrap_or_default(),
        };
        let role = if failure.is_some() { Role::Warn } else { Role::Dim };
        canvas.row(
            Line::styled(format!(" {}", text::printable(&words)), theme.style(role)),
            inside,
            inside.height.saturating_sub(1),
        );
    }
}
