//! Lamellae at the left, the queue at the right, below them what was done to the selected lamella and how the run's time goes. Where there is
//! no room for both lists, the one with the focus is seen.

use super::{LAMELLAE, QUEUE, Workflow, experiment, rows};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::fit::{cut, wrap};
use crate::theme::{Role, Theme};
use crate::widget::list::{Selection, marker};
use crate::widget::pane::pane;
use crate::widget::value::duration;
use engine::papers::{ExperimentView, LamellaView};
use lamella::experiment::Status;
use model::text::printable;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// From this width on both lists are seen.
const WIDE: u16 = 104;
/// Columns of a lamella's name.
const NAME: usize = 16;
/// Columns of a task's name in the queue and in the history.
const TASK: usize = 22;

pub fn draw(tab: &Workflow, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let Some(experiment) = experiment(cx) else {
        return nothing(theme, area, canvas);
    };
    let timeline = u16::from(area.height >= 12 && !experiment.queue.items.is_empty());
    let history = match area.height {
        0..12 => 0,
        height => (experiment.tasks.len() as u16 + 3).min(height / 2),
    };
    let [lists, below, line] = Layout::vertical([
        Constraint::Min(0),
        Constraint::Length(history),
        Constraint::Length(timeline),
    ])
    .areas(area);
    if area.width >= WIDE {
        let [left, right] = Layout::horizontal([Constraint::Percentage(54), Constraint::Min(0)]).areas(lists);
        lamellae(tab, experiment, cx, theme, left, canvas);
        queue(tab, experiment, cx, theme, right, canvas);
    } else if tab.in_queue {
        queue(tab, experiment, cx, theme, lists, canvas);
    } else {
        lamellae(tab, experiment, cx, theme, lists, canvas);
    }
    if history > 0 {
        past(tab, experiment, cx, theme, below, canvas);
    }
    if timeline > 0 {
        canvas.row(course(experiment, cx, theme, line.width), line, 0);
    }
}

fn nothing(theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let inside = pane("Workflow", "", true, theme, area, canvas);
    let words = [
        "No experiment is open.",
        "",
        "An experiment holds the lamellae of one grid: where they are, what is done to them (its protocol), and what was done.",
        "Make one, or open one of openFIBSEM's; then add lamellae where the stage stands, and run the queue.",
    ];
    let lines = words.iter().flat_map(|words| match words.is_empty() {
        true => vec![String::new()],
        false => wrap(words, usize::from(inside.width).saturating_sub(2)),
    });
    for (row, words) in lines.take(usize::from(inside.height)).enumerate() {
        canvas.row(
            Line::styled(format!(" {words}"), theme.style(Role::Text)),
            inside,
            row as u16,
        );
    }
}

/// Draws the rows of a list that are seen, each to be picked by a click.
fn list(
    selection: Selection,
    rows: usize,
    zone: &'static str,
    inside: Rect,
    canvas: &mut Canvas,
    line: impl Fn(usize) -> Line<'static>,
) {
    let height = usize::from(inside.height);
    let first = selection.first(rows, height);
    for row in first..rows.min(first + height) {
        let at = (row - first) as u16;
        canvas.row(line(row), inside, at);
        let place = Rect {
            y: inside.y + at,
            height: 1,
            ..inside
        };
        canvas.hit(place, Action::Pick { zone, row });
    }
}

fn lamellae(tab: &Workflow, experiment: &ExperimentView, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let focus = !tab.in_queue;
    let title = format!("Lamellae of {}", printable(&experiment.name));
    let inside = pane(&title, &printable(&experiment.protocol), focus, theme, area, canvas);
    if inside.is_empty() {
        return;
    }
    if experiment.lamellae.is_empty() {
        let words = " None yet. Bring one into view, then add it where the stage stands.";
        return canvas.row(Line::styled(words, theme.style(Role::Dim)), inside, 0);
    }
    let numbers: String = (1..=experiment.tasks.len()).map(|n| format!("{n:<2}")).collect();
    let heads = format!("  {:<NAME$} {numbers} state", "name");
    canvas.row(Line::styled(heads, theme.style(Role::Dim)), inside, 0);
    let room = usize::from(inside.width).saturating_sub(NAME + 5 + 2 * experiment.tasks.len());
    let rest = Rect {
        y: inside.y + 1,
        height: inside.height - 1,
        ..inside
    };
    list(tab.lamella, experiment.lamellae.len(), LAMELLAE, rest, canvas, |row| {
        let lamella = &experiment.lamellae[row];
        let selected = focus && row == tab.lamella.row;
        let (words, role) = rows::state(lamella, experiment, cx);
        let name = if selected { Role::Selected } else { Role::Text };
        let mut spans = vec![Span::styled(
            format!("{} {:<NAME$} ", marker(selected), cut(&printable(&lamella.name), NAME)),
            theme.style(name),
        )];
        for task in &experiment.tasks {
            let (sign, role) = rows::task(&task.name, lamella, experiment);
            spans.push(Span::styled(format!("{sign:<2}"), theme.style(role)));
        }
        spans.push(Span::styled(format!(" {}", cut(&words, room)), theme.style(role)));
        Line::from(spans)
    });
}

fn queue(tab: &Workflow, experiment: &ExperimentView, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let items = &experiment.queue.items;
    let over = items.iter().filter(|item| item.ended.is_some()).count();
    let waits = experiment.queue.pending().next().is_some() || experiment.queue.running().is_some();
    let note = match experiment.finish_at(cx.now).filter(|_| waits) {
        Some(finish) => format!("{over} of {}, done at {}", items.len(), cx.clock(finish)),
        None if items.is_empty() => String::new(),
        None => format!("{over} of {}", items.len()),
    };
    let inside = pane("Queue", &note, tab.in_queue, theme, area, canvas);
    if items.is_empty() {
        let words = " Nothing is planned. Running it plans all that is not done.";
        return canvas.row(Line::styled(words, theme.style(Role::Dim)), inside, 0);
    }
    let room = usize::from(inside.width).saturating_sub(NAME + TASK + 14);
    list(tab.item, items.len(), QUEUE, inside, canvas, |row| {
        let item = &items[row];
        let selected = tab.in_queue && row == tab.item.row;
        let (sign, role) = rows::sign(item.status);
        let text = match (selected, item.status) {
            (true, _) => Role::Selected,
            (_, Status::NotStarted | Status::InProgress) => Role::Text,
            _ => Role::Dim,
        };
        let took = match (item.started, item.ended) {
            (Some(start), Some(end)) => duration(end - start),
            (Some(start), None) => duration(cx.now - start),
            _ => item.estimate.map(|s| format!("~{}", duration(s))).unwrap_or_default(),
        };
        Line::from(vec![
            Span::styled(marker(selected), theme.style(text)),
            Span::styled(format!(" {sign} "), theme.style(role)),
            Span::styled(
                format!(
                    "{:<NAME$} {:<TASK$} {took:>8} ",
                    cut(&printable(&item.name), NAME),
                    cut(&printable(&item.task), TASK),
                ),
                theme.style(text),
            ),
            Span::styled(cut(&printable(&item.message), room), theme.style(Role::Dim)),
        ])
    });
}

/// Where the selected lamella is and how each of its tasks went: number, sign, name, when, how long, why not.
fn past(tab: &Workflow, experiment: &ExperimentView, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let selected = tab.chosen(cx);
    let name = selected.map_or("Tasks".to_owned(), |lamella| printable(&lamella.name));
    let inside = pane(
        &name,
        &selected.map(place).unwrap_or_default(),
        false,
        theme,
        area,
        canvas,
    );
    let last = inside.height.saturating_sub(1);
    for (row, task) in experiment.tasks.iter().enumerate().take(usize::from(inside.height)) {
        let more = experiment.tasks.len() > usize::from(inside.height) && row as u16 == last;
        if more {
            let left = experiment.tasks.len() - row;
            canvas.row(
                Line::styled(format!(" and {left} tasks more"), theme.style(Role::Dim)),
                inside,
                last,
            );
            break;
        }
        let (sign, role) = selected.map_or(("·", Role::Dim), |lamella| rows::task(&task.name, lamella, experiment));
        let run = selected.and_then(|lamella| lamella.run(&task.name));
        let words = run.map_or_else(String::new, |run| {
            let took = run.end.map(|end| format!(", {}", duration(end - run.start)));
            let message = match run.status {
                Status::Completed => String::new(),
                _ => format!("  {}", printable(&run.message)),
            };
            format!(
                "{} {}{}{message}",
                rows::word(run.status),
                cx.clock(run.start),
                took.unwrap_or_default()
            )
        });
        let asks = if task.supervise { "asks you" } else { "" };
        let room = usize::from(inside.width).saturating_sub(TASK + 17);
        let line = Line::from(vec![
            Span::styled(format!(" {:<2}", row + 1), theme.style(Role::Dim)),
            Span::styled(format!("{sign} "), theme.style(role)),
            Span::styled(
                format!("{:<TASK$} ", cut(&printable(&task.name), TASK)),
                theme.style(Role::Text),
            ),
            Span::styled(format!("{asks:<9}"), theme.style(Role::Dim)),
            Span::styled(cut(&words, room), theme.style(Role::Text)),
        ]);
        canvas.row(line, inside, row as u16);
    }
}

/// Where a lamella is milled.
fn place(lamella: &LamellaView) -> String {
    let Some(position) = &lamella.stage else {
        return "no place yet".to_owned();
    };
    let mm = |value: Option<f64>| value.map_or("--".to_owned(), |value| format!("{:.3}", value * 1e3));
    let tilt = position.t.map_or("--".to_owned(), |t| format!("{:.1}", t.to_degrees()));
    let angle = lamella.milling_angle.map(|deg| format!(", milled at {deg:.1} deg"));
    format!(
        "x {} y {} z {} mm, t {tilt} deg{}",
        mm(position.x),
        mm(position.y),
        mm(position.z),
        angle.unwrap_or_default()
    )
}

/// The run on one line: from its first task to its end, what was done, what went wrong, what is under way, what waits.
fn course(experiment: &ExperimentView, cx: &Cx, theme: &Theme, width: u16) -> Line<'static> {
    let items = &experiment.queue.items;
    let begun = items.iter().filter_map(|item| item.started).reduce(f64::min);
    let begun = begun.unwrap_or(cx.now);
    let last = items.iter().filter_map(|item| item.ended).fold(begun, f64::max);
    let finish = experiment
        .finish_at(cx.now)
        .unwrap_or(last)
        .max(cx.now.min(last))
        .max(begun + 1.0);
    let (from, to) = (format!(" {} ", cx.clock(begun)), format!(" {} ", cx.clock(finish)));
    let cells = usize::from(width).saturating_sub(from.len() + to.len());
    // what waits follows on what is under way, each as long as it is thought to take
    let mut ahead = cx.now.max(last);
    let spans: Vec<(f64, f64, Status)> = items
        .iter()
        .filter_map(|item| {
            let estimate = item.estimate.unwrap_or(0.0);
            match (item.status, item.started, item.ended) {
                (Status::InProgress, Some(start), _) => {
                    ahead = (start + estimate).max(cx.now);
                    Some((start, ahead, item.status))
                }
                (Status::NotStarted, ..) => {
                    ahead += estimate;
                    Some((ahead - estimate, ahead, item.status))
                }
                (status, Some(start), Some(end)) => Some((start, end, status)),
                _ => None,
            }
        })
        .collect();
    let mut line = vec![Span::styled(from, theme.style(Role::Dim))];
    for cell in 0..cells {
        let time = begun + (cell as f64 + 0.5) / cells as f64 * (finish - begun);
        let here = spans
            .iter()
            .rev()
            .find(|(start, end, _)| (*start..=*end).contains(&time));
        let (glyph, role) = match here.map(|(_, _, status)| *status) {
            Some(Status::Completed) => ("█", Role::Good),
            Some(Status::InProgress) if time <= cx.now => ("▓", Role::Accent),
            Some(Status::InProgress) => ("▒", Role::Accent),
            Some(Status::NotStarted) => ("░", Role::Dim),
            Some(_) => ("x", Role::Danger),
            None => (" ", Role::Dim),
        };
        line.push(Span::styled(glyph, theme.style(role)));
    }
    line.push(Span::styled(to, theme.style(Role::Dim)));
    Line::from(line)
}
