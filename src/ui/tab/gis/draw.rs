//! Injectors as rows, the form beside or below them, and what each key would do, or the progress of what is under way.

use super::{Gis, actions, form};
use crate::action::Action;
use crate::asked::gas::steps;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::fit::hang;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use crate::widget::pane::pane;
use crate::widget::value::{Sign, duration};
use engine::event::Job;
use model::gas::WARM;
use model::{GasPortState, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// From this width on the form stands beside the injectors, and what the keys do side by side.
const WIDE: u16 = 110;
/// Columns of the bar of progress.
const BAR: usize = 30;

pub fn draw(tab: &Gis, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let wide = area.width >= WIDE;
    let ports = form::capabilities(cx).map_or(1, |caps| caps.ports.len() + usize::from(caps.sputter_coater)) as u16;
    let fields = tab.form.fields().len() as u16;
    let injectors_height = ports + 3;
    if wide {
        let top = injectors_height.max(fields + 3).min(area.height);
        let left = INJECTORS.max(area.width / 2);
        injectors(
            cx,
            theme,
            Rect {
                width: left,
                height: top,
                ..area
            },
            canvas,
        );
        let right = Rect {
            x: area.x + left,
            width: area.width - left,
            height: top,
            ..area
        };
        filled_in(tab, theme, right, canvas);
        let rest = Rect {
            y: area.y + top,
            height: area.height - top,
            ..area
        };
        return below(tab, wide, cx, theme, rest, canvas);
    }
    let mut left = area;
    let mut take = |wanted: u16| {
        let height = wanted.min(left.height);
        let part = Rect { height, ..left };
        left = Rect {
            y: left.y + height,
            height: left.height - height,
            ..left
        };
        part
    };
    let (first, second) = (take(injectors_height), take(tab.form.height(area.width) + 2));
    injectors(cx, theme, first, canvas);
    filled_in(tab, theme, second, canvas);
    below(tab, wide, cx, theme, left, canvas);
}

fn filled_in(tab: &Gis, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let inner = pane("Deposition", "", true, theme, area, canvas);
    tab.form.draw(true, theme, inner, canvas);
}

/// One row a port, and one for the coater.
fn injectors(cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let read = cx.snapshot.gas.as_ref();
    let old = read
        .filter(|read| cx.stale(read))
        .map(|read| format!("~{}", duration(cx.age(read))));
    let inner = pane("Injectors", &old.unwrap_or_default(), false, theme, area, canvas);
    let (Some(caps), Some(read)) = (form::capabilities(cx), read) else {
        canvas.row(Line::styled(" not read", theme.style(Role::Stale)), inner, 0);
        return;
    };
    let stale = cx.stale(read);
    let titles = row(["port", "place", "gas", "temperature", "valve"]);
    canvas.row(Line::styled(titles, theme.style(Role::Dim)), inner, 0);
    for (i, port) in caps.ports.iter().enumerate() {
        let Some(state) = read.value.port(&port.port) else {
            continue;
        };
        let mut line = injector(state, port.heater, &port.gases, theme);
        if stale {
            line = Line::styled(line.to_string(), theme.style(Role::Stale));
        }
        canvas.row(line, inner, i as u16 + 1);
    }
    if caps.sputter_coater {
        let (words, role) = match (read.value.sputtering, read.value.sputter_ready) {
            (Some(left), _) => (
                format!("{} coats, {} left", Sign::Running.symbol(), duration(left)),
                Role::Danger,
            ),
            (None, true) => ("prepared".to_owned(), Role::Warn),
            (None, false) => ("at rest".to_owned(), Role::Good),
        };
        let role = if stale { Role::Stale } else { role };
        let line = Line::from(vec![
            Span::raw(cell("coater", 0) + " "),
            Span::styled(words, theme.style(role)),
        ]);
        canvas.row(line, inner, caps.ports.len() as u16 + 1);
    }
}

/// Columns of a row.
const COLUMNS: [usize; 5] = [10, 19, 8, 17, 6];
/// What they take, with a space before each and the frame.
const INJECTORS: u16 = 67;

fn cell(words: &str, column: usize) -> String {
    let width = COLUMNS[column];
    format!(" {:<width$}", crate::fit::cut(words, width))
}

fn row(words: [&str; 5]) -> String {
    words.iter().enumerate().map(|(i, word)| cell(word, i)).collect()
}

fn injector(state: &GasPortState, heater: bool, gases: &[String], theme: &Theme) -> Line<'static> {
    let (place, place_role) = match (state.inserted, &state.position) {
        (true, Some(position)) => (format!("IN {}", text::printable(position)), Role::Warn),
        (true, None) => ("IN".to_owned(), Role::Warn),
        (false, _) => ("out".to_owned(), Role::Good),
    };
    let gas = match (&state.gas, gases) {
        (Some(gas), _) => text::printable(gas),
        (None, [only]) => text::printable(only),
        (None, _) => "--".to_owned(),
    };
    let (heat, heat_role) = match (heater, state.heater, state.temperature >= WARM) {
        (false, ..) => ("no heater".to_owned(), Role::Dim),
        (true, true, true) => (
            format!("{:.0} K {} warm", state.temperature, Sign::Done.symbol()),
            Role::Good,
        ),
        (true, true, false) => {
            let sign = Sign::Running.symbol();
            (
                format!("{:.0} K {sign} of {WARM:.0} K", state.temperature),
                Role::Accent,
            )
        }
        (true, false, true) => (format!("{:.0} K heater off", state.temperature), Role::Text),
        (true, false, false) => (format!("{:.0} K cold", state.temperature), Role::Text),
    };
    let (valve, valve_role) = match state.open {
        true => ("OPEN", Role::Danger),
        false => ("closed", Role::Good),
    };
    Line::from(vec![
        Span::styled(cell(&text::printable(&state.port), 0), theme.style(Role::Text)),
        Span::styled(cell(&place, 1), theme.style(place_role)),
        Span::styled(cell(&gas, 2), theme.style(Role::Text)),
        Span::styled(cell(&heat, 3), theme.style(heat_role)),
        Span::styled(cell(valve, 4), theme.style(valve_role)),
    ])
}

/// The job of this tab while there is one; else what the keys would do.
fn below(tab: &Gis, wide: bool, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let mut area = area;
    if let Some(job) = cx.snapshot.running().filter(|job| job.command.name.starts_with("gis.")) {
        let height = area.height.min(4);
        progress(job, cx, theme, Rect { height, ..area }, canvas);
        area = Rect {
            y: area.y + height,
            height: area.height - height,
            ..area
        };
        let doing: Vec<String> = numbered(&steps(&job.command, cx.snapshot)).collect();
        return list("What it does", &doing, theme, area, canvas);
    }
    let all = actions(cx);
    if !wide {
        // where there is room for one, it is what the form is for
        if let Some(action) = all.first() {
            plan(tab, action, cx, theme, area, canvas);
        }
        return;
    }
    let width = area.width / all.len().max(1) as u16;
    for (i, action) in all.iter().enumerate() {
        let part = Rect {
            x: area.x + i as u16 * width,
            width,
            ..area
        };
        plan(tab, action, cx, theme, part, canvas);
    }
}

/// What a key would do now, step by step.
fn plan(tab: &Gis, action: &Action, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let (Some(command), Some(row)) = (tab.command(action, cx), action.row()) else {
        return;
    };
    let key = cx
        .keymap
        .key(action, &[Layer::Gis])
        .map(|key| key.to_string())
        .unwrap_or_default();
    let sent = if cx.pending.any(|pending| *pending == command) {
        " …"
    } else {
        ""
    };
    let title = format!("{key} {}{sent}", row.hint);
    let named = (command.name == "gis.pattern").then(|| match &cx.snapshot.plan {
        Some(plan) => format!("milling task `{}`", text::printable(&plan.task.name)),
        None => "no milling task is loaded: make or load one in the Milling tab".to_owned(),
    });
    let steps = match (&named, cx.snapshot.plan.is_some()) {
        (Some(_), false) => Vec::new(),
        _ => steps(&command, cx.snapshot),
    };
    let lines: Vec<String> = named.into_iter().chain(numbered(&steps)).collect();
    list(&title, &lines, theme, area, canvas);
}

fn numbered(steps: &[String]) -> impl Iterator<Item = String> {
    steps.iter().enumerate().map(|(i, step)| format!("{} {step}", i + 1))
}

fn list(title: &str, lines: &[String], theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let inner = pane(title, "", false, theme, area, canvas);
    let room = usize::from(inner.width).saturating_sub(2);
    let wrapped = lines.iter().flat_map(|line| hang(line, room));
    for (i, line) in wrapped.enumerate() {
        canvas.row(
            Line::styled(format!(" {line}"), theme.style(Role::Text)),
            inner,
            i as u16,
        );
    }
}

fn progress(job: &Job, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let inner = pane(&text::printable(&job.title), "", false, theme, area, canvas);
    let stop = cx
        .keymap
        .key(&Action::JobStop, &[Layer::Gis])
        .map(|key| key.to_string())
        .unwrap_or_default();
    let Some(progress) = &job.progress else {
        canvas.row(Line::styled(" begins", theme.style(Role::Dim)), inner, 0);
        return;
    };
    let mut spans = vec![Span::raw(" "), Sign::Running.span(theme)];
    spans.push(Span::styled(
        format!(" {}", text::printable(&progress.text)),
        theme.style(Role::Accent),
    ));
    canvas.row(Line::from(spans), inner, 0);
    let mut words = " ".to_owned();
    if let Some(fraction) = progress.fraction.filter(|f| f.is_finite()) {
        let full = (fraction.clamp(0.0, 1.0) * BAR as f64).round() as usize;
        words += &format!(
            "[{}{}] {:3.0} %  ",
            "█".repeat(full),
            "·".repeat(BAR - full),
            fraction * 100.0
        );
    }
    if let Some(left) = progress.remaining {
        words += &format!("{} left  ", duration(left));
    }
    let line = Line::from(vec![
        Span::raw(words),
        Span::styled(stop, theme.style(Role::Key)),
        Span::styled(" ends it", theme.style(Role::Dim)),
    ]);
    canvas.row(line, inner, 1);
}
