//! How the running task stands: total, stage, finish time, dose, the age of the picture; and what a stop left changed.

use crate::action::Action;
use crate::cx::Cx;
use crate::fit::{cut, wrap};
use crate::keys::Layer;
use crate::tab::running::MILLS;
use crate::theme::{Role, Theme};
use crate::widget::value::{Sign, duration};
use engine::event::{How, Job};
use model::{Beam, text};
use pattern::{MillingRun, StageState, estimate};
use ratatui::text::{Line, Span};

/// Narrowest and widest bar, columns.
const BAR: (usize, usize) = (4, 30);

/// The lines, with the age of the picture of `beam`, which is shown; none where nothing was milled and nothing is owed.
pub fn lines(beam: Beam, cx: &Cx, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(run) = &cx.snapshot.milling {
        match run.ended {
            false => lines.extend(running(run, beam, cx, theme, width)),
            true => {
                lines.push(ended(run, cx, theme, width));
                lines.extend(unfinished(run, cx, theme, width));
            }
        }
    }
    lines.extend(owed(cx, theme, width));
    lines
}

fn bar(fraction: f64, width: usize) -> String {
    let fraction = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let full = (fraction * width as f64).round() as usize;
    format!(
        "{}{} {:3.0} %",
        "█".repeat(full),
        "·".repeat(width - full),
        100.0 * fraction
    )
}

fn is_paused(cx: &Cx) -> bool {
    cx.snapshot.running().is_some_and(|job| job.paused)
}

fn running(run: &MillingRun, beam: Beam, cx: &Cx, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let left = estimate::format_duration_short(run.remaining, true);
    // while it is held, when it will be done is not known
    let until = match is_paused(cx) {
        true => format!(" PAUSED, {left} left"),
        false => format!(" {left} left, done {}", cx.clock(cx.now + run.remaining)),
    };
    let long = width.saturating_sub(until.len() + 9).clamp(BAR.0, BAR.1);
    let role = if is_paused(cx) { Role::Warn } else { Role::Accent };
    let total = Line::from(vec![
        Span::styled(format!(" {}", bar(run.fraction, long)), theme.style(role)),
        Span::styled(until, theme.style(Role::Text)),
    ]);
    let stage = run.at.and_then(|at| Some((at, run.stages.get(at)?)));
    let stage = stage.map(|(at, stage)| {
        let words = format!(" {} {}  {}", at + 1, text::printable(&stage.name), run.doing);
        Line::from(vec![
            Span::styled(
                format!(" {}", bar(stage.fraction, long)),
                theme.style(Role::of_stage(at)),
            ),
            Span::styled(cut(&words, width.saturating_sub(long + 7)), theme.style(Role::Text)),
        ])
    });
    let stage = stage.unwrap_or_else(|| Line::styled(format!(" {}", run.doing), theme.style(Role::Text)));
    let dose = format!(" dose {} of {}", charge(run.dose), charge(run.planned_dose));
    let picture = cx.snapshot.newest(beam).map(|frame| {
        let live = if frame.live { "live picture" } else { "picture" };
        format!("   {} {live} {} old", beam.short(), duration(cx.now - frame.time))
    });
    let words = dose + &picture.unwrap_or_default();
    vec![total, stage, Line::styled(words, theme.style(Role::Dim))]
}

/// How the last task ended, until the next begins.
fn ended(run: &MillingRun, cx: &Cx, theme: &Theme, width: usize) -> Line<'static> {
    let worst = run
        .stages
        .iter()
        .find(|s| matches!(s.state, StageState::Failed | StageState::Stopped));
    let done = run.stages.iter().filter(|s| s.state == StageState::Done).count();
    let (sign, words) = match worst {
        Some(stage) => {
            let how = stage.state.word();
            let percent = 100.0 * stage.fraction;
            let name = text::printable(&stage.name);
            (
                Sign::Failed,
                format!("{how} in {name} at {percent:.0} %, {done} stages done"),
            )
        }
        None => {
            let words = format!("{done} of {} stages done", run.stages.len());
            // all is milled and yet the job failed: its last picture, or putting the beam back
            match last(cx).and_then(|job| job.end.as_ref()?.failure.as_ref()) {
                Some(failure) => (
                    Sign::Failed,
                    format!("{words}, then {}", text::printable(&failure.title)),
                ),
                None => (Sign::Done, words),
            }
        }
    };
    let words = format!("{}: {words}, {}", text::printable(&run.task), charge(run.dose));
    Line::from(vec![
        Span::raw(" "),
        sign.span(theme),
        Span::styled(
            format!(" {}", cut(&words, width.saturating_sub(3))),
            theme.style(Role::Text),
        ),
    ])
}

/// The last run was cut off, and what is missing can be milled.
pub fn is_unfinished(cx: &Cx) -> bool {
    let run = cx.snapshot.milling.as_ref();
    run.is_some_and(|run| run.ended && run.unfinished.is_some())
}

/// What the run left to be milled, and the key that mills it.
fn unfinished(run: &MillingRun, cx: &Cx, theme: &Theme, width: usize) -> Option<Line<'static>> {
    let left = run.unfinished.as_deref()?;
    let key = cx.keymap.key(&Action::MillMissing, &[Layer::Milling]);
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    let stages = left.task.enabled().count();
    let words = match left.rest.shapes() {
        0 => format!("{stages} stages are missing; {key} mills them"),
        shapes => format!("missing: {shapes} shapes of its stage, {stages} stages in all; {key} mills them"),
    };
    let words = cut(&words, width.saturating_sub(1));
    Some(Line::styled(format!(" {words}"), theme.style(Role::Text)))
}

/// What a stopped job left changed, and the key that puts it back.
fn owed(cx: &Cx, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    if cx.snapshot.owed.is_empty() {
        return Vec::new();
    }
    let key = cx.keymap.key(&Action::PutBack, &[Layer::Milling]);
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    let what = text::printable(&cx.snapshot.owed.join(", "));
    let words = format!("left changed by the stop: {what}; {key} puts it back");
    wrap(&words, width.saturating_sub(1))
        .into_iter()
        .map(|line| Line::styled(format!(" {line}"), theme.style(Role::Warn)))
        .collect()
}

/// A charge in C, as 178 nC.
fn charge(coulombs: f64) -> String {
    let (factor, unit) = match coulombs.abs() {
        c if c >= 1e-3 => (1e3, "mC"),
        c if c >= 1e-6 => (1e6, "uC"),
        c if c >= 1e-9 => (1e9, "nC"),
        _ => (1e12, "pC"),
    };
    format!("{:.1} {unit}", coulombs * factor)
}

/// The last job that mills.
fn last<'a>(cx: &'a Cx) -> Option<&'a Job> {
    let mills = |job: &&Job| MILLS.contains(&job.command.name.as_str());
    cx.snapshot.jobs.iter().rev().find(mills)
}

/// What the last job came to, for the title.
pub fn title(cx: &Cx) -> &'static str {
    match last(cx).map(|job| job.end.as_ref().map(|end| end.how)) {
        Some(None) => "Milling",
        Some(Some(How::Failed)) => "Milling failed",
        Some(Some(How::Stopped)) => "Milling stopped",
        Some(Some(How::Done)) | None => "Milled",
    }
}
