//! The stages as rows: on or off, name, current, pattern, depth, time, state; and what is wrong with the selected one.

use super::{Milling, offers};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::fit::{cut, wrap};
use crate::theme::{Role, Theme};
use crate::widget::list::marker;
use crate::widget::value::Sign;
use model::{Unit, text, units};
use pattern::{MillingStage, MillingTask, StageState, estimate};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// The list in clicks.
pub const ZONE: &str = "milling-stages";
/// Columns of everything but the name.
const FIXED: usize = 46;
/// Lines for what is wrong.
const MOST_LINES: usize = 3;

/// Why each stage cannot be milled as it is; stages that are off are looked at all the same.
pub fn problems(task: &MillingTask, resolution: (u32, u32)) -> Vec<Option<String>> {
    let mut alone = MillingTask {
        stages: Vec::new(),
        name: task.name.clone(),
        alignment: task.alignment.clone(),
        acquisition: task.acquisition.clone(),
        ..*task
    };
    let problem = |stage: &MillingStage| {
        alone.stages = vec![MillingStage {
            enabled: true,
            ..stage.clone()
        }];
        alone.check(resolution).err().map(|refused| refused.to_string())
    };
    task.stages.iter().map(problem).collect()
}

impl Milling {
    /// Lines this pane wants: a row per stage, and what is said below.
    pub(super) fn rows_wanted(&self, width: u16) -> u16 {
        let rows = self.draft.task().stages.len().max(2);
        (rows + self.said(usize::from(width)).len()) as u16
    }

    /// What is wrong with the selected stage, what the engine did not take, what was odd in the file.
    fn said(&self, width: usize) -> Vec<(Sign, String)> {
        let refused = self.draft.refused.as_deref().map(|why| (Sign::Failed, why));
        let problem = self.problems.get(self.stages.row).and_then(Option::as_deref);
        let problem = problem.map(|problem| (Sign::Failed, problem));
        let notes = self.draft.notes().iter().map(|note| (Sign::Stale, note.as_str()));
        let all = refused.into_iter().chain(problem).chain(notes);
        let lines = all.flat_map(|(sign, words)| {
            let lines = wrap(&text::printable(words), width.saturating_sub(3));
            lines.into_iter().enumerate().map(move |(n, line)| match n {
                0 => (sign, format!(" {} {line}", sign.symbol())),
                _ => (sign, format!("   {line}")),
            })
        });
        lines.take(MOST_LINES).collect()
    }

    pub(super) fn draw_rows(&self, focus: bool, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let stages = &self.draft.task().stages;
        if stages.is_empty() {
            return self.draw_empty(cx, theme, area, canvas);
        }
        let said = self.said(usize::from(area.width));
        let below = said.len().min(usize::from(area.height.saturating_sub(1)));
        let height = usize::from(area.height) - below;
        let first = self.stages.first(stages.len(), height);
        for (line, (i, stage)) in stages.iter().enumerate().skip(first).take(height).enumerate() {
            let place = Rect {
                y: area.y + line as u16,
                height: 1,
                ..area
            };
            canvas.line(self.row(i, stage, focus, usize::from(area.width), cx, theme), place);
            canvas.hit(place, Action::Pick { zone: ZONE, row: i });
        }
        let shown = height.min(stages.len());
        for (n, (sign, line)) in said.into_iter().take(below).enumerate() {
            let role = if sign == Sign::Failed { Role::Warn } else { Role::Dim };
            canvas.row(Line::styled(line, theme.style(role)), area, (shown + n) as u16);
        }
    }

    fn draw_empty(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let key = |action| {
            let key = cx.keymap.key(&action, &[crate::keys::Layer::Milling]);
            key.map(|key| key.to_string()).unwrap_or_default()
        };
        let words = [
            "no milling task".to_owned(),
            format!(
                "{} adds a stage, {} loads a task or protocol",
                key(Action::AddStage),
                key(Action::LoadTask)
            ),
        ];
        for (row, words) in words.into_iter().enumerate() {
            canvas.row(
                Line::styled(format!(" {words}"), theme.style(Role::Dim)),
                area,
                row as u16,
            );
        }
    }

    fn row(&self, i: usize, stage: &MillingStage, focus: bool, width: usize, cx: &Cx, theme: &Theme) -> Line<'static> {
        let here = i == self.stages.row;
        let base = theme.style(match (here && focus, stage.enabled) {
            (true, _) => Role::Selected,
            (false, true) => Role::Text,
            (false, false) => Role::Dim,
        });
        // in the picture the selected pattern is bright
        let colour = theme.style(if here { Role::Accent } else { Role::of_stage(i) });
        let name = width.saturating_sub(FIXED).max(6);
        let time = estimate::format_duration_short(offers::beam_time(stage, cx), true);
        let words = format!(
            " {:<name$} {:>7} {:<9} {:>7} {:>6} ",
            cut(&text::printable(&stage.name), name),
            cut(&offers::current(stage, cx), 7),
            cut(stage.pattern.name(), 9),
            units::format(stage.pattern.depth(), Unit::Metre),
            time
        );
        let on = if stage.enabled { "[x]" } else { "[ ]" };
        let mut spans = vec![
            Span::styled(format!("{}{on}", marker(here)), base),
            Span::styled(format!("{:>2}", i + 1), colour),
            Span::styled(words, base),
        ];
        spans.extend(
            self.state(i, stage, cx)
                .map(|(role, words)| Span::styled(words, theme.style(role))),
        );
        Line::from(spans)
    }

    /// How far a stage is, or that it cannot be milled.
    fn state(&self, i: usize, stage: &MillingStage, cx: &Cx) -> Option<(Role, String)> {
        let run = cx.snapshot.milling.as_ref();
        let of = run.and_then(|run| {
            run.stages
                .get(i)
                .filter(|s| s.name == stage.name)
                .map(|s| (s, run.ended))
        });
        let sign = |sign: Sign| Some((sign.role(), sign.symbol().to_owned()));
        match of.map(|(s, ended)| (s.state, ended, s.fraction)) {
            Some((StageState::Milling, false, fraction)) => {
                let role = Sign::Running.role();
                Some((role, format!("{}{:3.0}%", Sign::Running.symbol(), 100.0 * fraction)))
            }
            Some((StageState::Preparing, false, _)) => sign(Sign::Running),
            Some((StageState::Waiting, false, _)) => sign(Sign::Pending),
            Some((StageState::Done, ..)) => sign(Sign::Done),
            Some((StageState::Failed | StageState::Stopped, _, fraction)) => {
                let role = Sign::Failed.role();
                Some((role, format!("{}{:3.0}%", Sign::Failed.symbol(), 100.0 * fraction)))
            }
            _ if self.problems.get(i).is_some_and(Option::is_some) => sign(Sign::Failed),
            _ => None,
        }
    }

    /// The selected stage in one line, where there is no room for the list.
    pub(super) fn folded(&self, cx: &Cx, theme: &Theme) -> Line<'static> {
        let count = self.draft.task().stages.len();
        let Some(stage) = self.stage() else {
            return Line::styled(" no milling task", theme.style(Role::Dim));
        };
        let row = self.stages.row;
        if let Some(problem) = self.problems.get(row).and_then(Option::as_deref) {
            let words = format!(" {}", text::printable(problem));
            return Line::from(vec![
                Span::raw(" "),
                Sign::Failed.span(theme),
                Span::styled(words, theme.style(Role::Warn)),
            ]);
        }
        let words = format!(
            " stage {} of {count}  {}  {}  {}  {} deep",
            row + 1,
            text::printable(&stage.name),
            offers::current(stage, cx),
            stage.pattern.name(),
            units::format(stage.pattern.depth(), Unit::Metre)
        );
        let mut spans = vec![Span::styled(words, theme.style(Role::Dim))];
        let state = self.state(row, stage, cx);
        spans.extend(state.map(|(role, words)| Span::styled(format!("  {words}"), theme.style(role))));
        Line::from(spans)
    }

    /// How many are on, and how long all of it will take.
    pub(super) fn rows_note(&self, cx: &Cx) -> String {
        let task = self.draft.task();
        let on = task.enabled().count();
        if task.stages.is_empty() {
            return String::new();
        }
        let total = pattern::Eta::of_task(task, cx.snapshot.planner()).first();
        let time = estimate::format_duration_short(total, true);
        let sign = if self.draft.is_settled(cx) {
            ""
        } else {
            Sign::Pending.symbol()
        };
        format!("{on} of {} on, {time} {sign}", task.stages.len())
            .trim_end()
            .to_owned()
    }
}

/// Rows of the list of patterns a stage can have, and below them what the selected one is where its row has no room for it.
pub fn draw_patterns(row: usize, zone: &'static str, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let all = pattern::PATTERNS;
    let longest = all.iter().map(|row| row.name.width()).max().unwrap_or(0);
    let width = usize::from(area.width);
    let narrow = all.iter().any(|row| longest + 3 + row.doc.width() > width);
    let below = u16::from(narrow && area.height > 4) * 2;
    let (area, foot) = (
        Rect {
            height: area.height - below,
            ..area
        },
        Rect {
            y: area.bottom() - below,
            height: below,
            ..area
        },
    );
    let doc = all.get(row).map_or("", |row| row.doc);
    for (n, line) in wrap(doc, width.saturating_sub(1)).into_iter().enumerate() {
        canvas.row(
            Line::styled(format!(" {line}"), theme.style(Role::Accent)),
            foot,
            n as u16,
        );
    }
    let selection = crate::widget::list::Selection { row };
    let first = selection.first(all.len(), usize::from(area.height));
    for (line, (i, pattern)) in all
        .iter()
        .enumerate()
        .skip(first)
        .take(usize::from(area.height))
        .enumerate()
    {
        let style = theme.style(if i == row { Role::Selected } else { Role::Text });
        let words = format!("{}{:<longest$}  {}", marker(i == row), pattern.name, pattern.doc);
        let place = Rect {
            y: area.y + line as u16,
            height: 1,
            ..area
        };
        canvas.line(Line::styled(cut(&words, width), style), place);
        canvas.hit(place, Action::Pick { zone, row: i });
    }
}
