//! Where everything stands: pictures first, below them the needle, what is typed, and positions; in drive mode its frame.

use super::drive::sense;
use super::{Focus, Manipulator, capabilities, is_move, needle, positions};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::keys::Layer;
use crate::layout::{above, is_wide};
use crate::tab::after_move;
use crate::theme::{Role, Theme};
use crate::widget::list::marker;
use crate::widget::pane::{mode_frame, pane};
use crate::widget::value::{Sign, aged, duration};
use model::{Unit, text, units};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Least columns of the needle's pane and of what is typed (two columns of a form).
const NEEDLE: u16 = 38;
const TYPED: u16 = 46;

pub fn draw(tab: &Manipulator, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let area = match &tab.drive {
        Some(_) => drive_frame(tab, cx, theme, area, canvas),
        None => area,
    };
    let wide = is_wide(area);
    let panel = match (wide, tab.focus) {
        (true, _) => (area.height / 3).clamp(9, 11),
        (false, Focus::Picture) => (area.height / 4).min(4),
        (false, _) => area.height.saturating_sub(area.height / 2).min(12),
    };
    let (top, below) = above(area, panel);
    tab.pair.draw(tab.focus == Focus::Picture, cx, theme, top, canvas);
    match (wide, tab.focus) {
        (true, _) => panels(tab, cx, theme, below, canvas),
        (false, Focus::Picture) => {
            let lines = [
                state(cx, theme),
                place(cx, theme),
                senses(tab, cx, theme),
                step_and_height(tab, cx, theme),
            ];
            for (i, line) in lines.into_iter().enumerate() {
                canvas.row(line, below, i as u16);
            }
        }
        (false, Focus::Typed) => typed(tab, cx, theme, below, canvas),
        (false, Focus::Positions) => list(tab, cx, theme, below, canvas),
    }
}

fn panels(tab: &Manipulator, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let first = NEEDLE.max(area.width * 3 / 10).min(area.width);
    let second = TYPED.max(area.width / 3).min(area.width - first);
    let third = area.width - first - second;
    // where the list has no room beside them, it stands in place of what is typed while it has the focus
    let (second, third) = if third < 20 {
        (second + third, 0)
    } else {
        (second, third)
    };
    needle_pane(tab, cx, theme, Rect { width: first, ..area }, canvas);
    let middle = Rect {
        x: area.x + first,
        width: second,
        ..area
    };
    let right = Rect {
        x: middle.right(),
        width: third,
        ..area
    };
    match (third, tab.focus) {
        (0, Focus::Positions) => list(tab, cx, theme, middle, canvas),
        (0, _) => typed(tab, cx, theme, middle, canvas),
        _ => {
            typed(tab, cx, theme, middle, canvas);
            list(tab, cx, theme, right, canvas);
        }
    }
}

/// What the mode is at, around everything.
fn drive_frame(tab: &Manipulator, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) -> Rect {
    let Some(drive) = &tab.drive else { return area };
    let title = format!(
        "NEEDLE along the {} picture  step {}  ends in {}",
        tab.pair.beam().short(),
        units::format(tab.typed.step, Unit::Metre),
        duration(drive.ends_in(cx))
    );
    mode_frame(&title, theme, area, canvas)
}

fn needle_pane(tab: &Manipulator, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let note = format!("after a move: {}", after_move::shown(cx));
    let inner = pane("Needle", &note, false, theme, area, canvas);
    let mut lines = vec![state(cx, theme)];
    match needle(cx) {
        Some(needle) if needle.inserted => {
            let at = &needle.position;
            for (axis, value) in [("x", at.x), ("y", at.y), ("z", at.z)] {
                let words = format!(" {axis} {}", metres(value));
                lines.push(Line::styled(words, theme.style(role(cx))));
            }
        }
        _ => {}
    }
    lines.push(step(tab, cx, theme));
    lines.extend(senses_now(tab, cx).map(|words| sense_line(words, theme)));
    for (i, line) in lines.into_iter().enumerate() {
        canvas.row(line, inner, i as u16);
    }
}

/// A coordinate as it is redrawn: always the same width and unit.
fn metres(value: f64) -> String {
    format!("{:>+11.3} um", value * 1e6)
}

fn role(cx: &Cx) -> Role {
    match &cx.snapshot.needle {
        Some(read) if cx.stale(read) => Role::Stale,
        _ => Role::Text,
    }
}

/// In, out or on its way, calibrated or not, and how old that is.
fn state(cx: &Cx, theme: &Theme) -> Line<'static> {
    let Some(read) = &cx.snapshot.needle else {
        return Line::styled(" the needle has not been read", theme.style(Role::Dim));
    };
    let (words, place) = match (read.value.moving, read.value.inserted) {
        (true, _) => (format!("{} MOVING", Sign::Running.symbol()), Role::Accent),
        (false, true) => ("INSERTED".to_owned(), Role::Warn),
        (false, false) => ("retracted".to_owned(), Role::Good),
    };
    let mut spans = vec![Span::raw(" "), aged(words, read, theme.style(place), cx, theme)];
    if !read.value.moving && cx.pending.any(is_move) {
        spans.push(Span::styled(
            format!("  {} move sent", Sign::Pending.symbol()),
            theme.style(Sign::Pending.role()),
        ));
    }
    if read.value.inserted {
        let (words, role) = match read.value.calibrated {
            true => ("  calibrated", Role::Dim),
            false => ("  NOT CALIBRATED", Role::Warn),
        };
        spans.push(Span::styled(words, theme.style(role)));
    } else if !read.value.moving {
        let key = cx.keymap.key(&Action::NeedleInsert, &[Layer::Manipulator]);
        let words = key.map(|key| format!("  {key} inserts it")).unwrap_or_default();
        spans.push(Span::styled(words, theme.style(Role::Dim)));
    }
    Line::from(spans)
}

fn place(cx: &Cx, theme: &Theme) -> Line<'static> {
    match needle(cx) {
        Some(needle) if needle.inserted => {
            let at = &needle.position;
            let words = [("x", at.x), ("y", at.y), ("z", at.z)].map(|(axis, value)| format!("{axis}{}", metres(value)));
            Line::styled(format!(" {}", words.join("  ")), theme.style(role(cx)))
        }
        _ => Line::default(),
    }
}

/// How far one key goes, and what was typed and waits.
fn step(tab: &Manipulator, cx: &Cx, theme: &Theme) -> Line<'static> {
    let keys = [Action::ShorterStep, Action::LongerStep].map(|action| {
        let key = cx.keymap.key(&action, &tab_layers(tab));
        key.map(|key| key.to_string()).unwrap_or_default()
    });
    let mut spans = vec![
        Span::styled(
            format!(" step {}", units::format(tab.typed.step, Unit::Metre)),
            theme.style(Role::Text),
        ),
        Span::styled(format!("  {} {}", keys[0], keys[1]), theme.style(Role::Key)),
    ];
    if tab.typed.waits() {
        spans.push(Span::styled("  typed, not gone", theme.style(Role::Warn)));
    }
    Line::from(spans)
}

fn tab_layers(tab: &Manipulator) -> [Layer; 1] {
    [if tab.drive.is_some() {
        Layer::Needle
    } else {
        Layer::Manipulator
    }]
}

/// The sense of the keys; what comes near the sample in another colour.
fn sense_line(words: &'static str, theme: &Theme) -> Line<'static> {
    let role = if words.contains("TOWARDS") {
        Role::Warn
    } else {
        Role::Dim
    };
    Line::styled(format!(" {words}"), theme.style(role))
}

/// One line for both, where there is room for few: what `z` means is said beside its keys.
fn step_and_height(tab: &Manipulator, cx: &Cx, theme: &Theme) -> Line<'static> {
    let mut line = step(tab, cx, theme);
    let [_, _, z] = senses_now(tab, cx);
    line.spans.push(Span::raw("  "));
    line.spans.extend(sense_line(z, theme).spans);
    line
}

fn senses_now(tab: &Manipulator, cx: &Cx) -> [&'static str; 3] {
    let beam = tab.pair.beam();
    let turn = cx.snapshot.beam(beam).map_or(0.0, |b| b.value.settings.scan_rotation);
    sense(beam, turn, capabilities(cx))
}

fn senses(tab: &Manipulator, cx: &Cx, theme: &Theme) -> Line<'static> {
    let [up, down, _] = senses_now(tab, cx);
    let mut line = sense_line(up, theme);
    line.spans.push(Span::raw("  "));
    line.spans.extend(sense_line(down, theme).spans);
    line
}

fn typed(tab: &Manipulator, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let go = cx.keymap.key(&Action::NeedleGo, &[Layer::Manipulator]);
    let note = match go {
        Some(go) if tab.typed.waits() => format!("{go} goes there"),
        _ => String::new(),
    };
    let focus = tab.focus == Focus::Typed;
    let inner = pane("Place, way and step", &note, focus, theme, area, canvas);
    tab.form.draw(focus, theme, inner, canvas);
}

fn list(tab: &Manipulator, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let focus = tab.focus == Focus::Positions;
    let inserted = needle(cx).is_some_and(|needle| needle.inserted);
    let offset = tab.typed.offset.iter().any(|by| *by != 0.0);
    let note = match (inserted, offset) {
        (true, true) => "Enter goes there, with the offset",
        (true, false) => "Enter goes there",
        (false, _) => "Enter inserts to it",
    };
    let inner = pane("Positions", if focus { note } else { "" }, focus, theme, area, canvas);
    let rows = positions::places(cx);
    let first = tab.positions.selection.first(rows.len(), usize::from(inner.height));
    let now = needle(cx)
        .filter(|needle| needle.inserted)
        .map(|needle| &needle.position);
    let seen = rows.iter().enumerate().skip(first).take(usize::from(inner.height));
    for (line, (row, place)) in seen.enumerate() {
        let there = now
            .zip(place.at.as_ref())
            .is_some_and(|(now, at)| now.distance(at) < 1e-6);
        let sign = if there { '*' } else { ' ' };
        let at = place
            .at
            .as_ref()
            .map(|at| format!("{:.1} {:.1} {:.1} um", at.x * 1e6, at.y * 1e6, at.z * 1e6));
        let words = match at {
            Some(at) => at,
            None => "(instrument)".to_owned(),
        };
        let selected = focus && row == tab.positions.selection.row;
        // while the needle is out, only the instrument's own can be gone to
        let role = match (selected, inserted || place.own) {
            (true, _) => Role::Selected,
            (false, true) => Role::Text,
            (false, false) => Role::Dim,
        };
        let words = format!("{}{sign}{}  {words}", marker(selected), text::printable(&place.name));
        canvas.row(Line::styled(words, theme.style(role)), inner, line as u16);
        let at = Rect {
            y: inner.y + line as u16,
            height: 1,
            ..inner
        };
        canvas.hit(
            at,
            Action::Pick {
                zone: positions::ZONE,
                row,
            },
        );
    }
    if rows.is_empty() {
        canvas.line(Line::styled(" none saved yet", theme.style(Role::Dim)), inner);
    }
}
