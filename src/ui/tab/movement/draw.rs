//! Where everything stands: pictures first, below them axes, target and places; in jog mode its frame around all of it.

use super::jog::Frame;
use super::places::{self, Place};
use super::{Focus, Movement, target};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::layout::{above, is_wide};
use crate::tab::after_move;
use crate::theme::{Role, Theme};
use crate::widget::list::marker;
use crate::widget::pane::{mode_frame, pane};
use crate::widget::value::{Sign, duration};
use model::{Axis, Unit, units};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Columns of an axis' bar.
const BAR: usize = 14;

pub fn draw(tab: &Movement, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let area = match &tab.jog {
        Some(_) => jog_frame(tab, cx, theme, area, canvas),
        None => area,
    };
    let wide = is_wide(area);
    let panel = match (wide, tab.focus) {
        (true, _) => (area.height / 3).clamp(10, 12),
        (false, Focus::Picture) => (area.height / 6).min(2),
        (false, _) => area.height.saturating_sub(area.height / 2).min(12),
    };
    let (top, below) = above(area, panel);
    tab.pair.draw(tab.focus == Focus::Picture, cx, theme, top, canvas);
    match (wide, tab.focus) {
        (true, _) => panels(tab, cx, theme, below, canvas),
        (false, Focus::Picture) => {
            canvas.row(pose_line(cx, theme), below, 0);
            canvas.row(stage_line(tab, cx, theme), below, 1);
        }
        (false, Focus::Pose) => pose(tab, cx, theme, below, canvas),
        (false, Focus::Target) => typed(tab, cx, theme, below, canvas),
        (false, Focus::Places) => list(tab, cx, theme, below, canvas),
    }
    if let Some(prompt) = &tab.prompt {
        let height = area.height.min(4);
        prompt.draw(
            theme,
            Rect {
                y: area.bottom() - height,
                height,
                ..area
            },
            canvas,
        );
    }
}

fn panels(tab: &Movement, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let first = area.width * 2 / 5;
    let second = area.width * 3 / 10;
    pose(tab, cx, theme, Rect { width: first, ..area }, canvas);
    typed(
        tab,
        cx,
        theme,
        Rect {
            x: area.x + first,
            width: second,
            ..area
        },
        canvas,
    );
    let rest = Rect {
        x: area.x + first + second,
        width: area.width - first - second,
        ..area
    };
    list(tab, cx, theme, rest, canvas);
}

/// What the mode is at, around everything.
fn jog_frame(tab: &Movement, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) -> Rect {
    let Some(jog) = &tab.jog else { return area };
    let along = match jog.frame {
        Frame::Picture => format!("along the {} picture", tab.pair.beam().short()),
        Frame::Axes => "along the stage's axes".to_owned(),
    };
    let title = format!(
        "JOG {along}  step {}  turn {}  ends in {}",
        units::format(tab.steps.length, Unit::Metre),
        units::format(tab.steps.angle, Unit::Radian),
        duration(jog.ends_in(cx))
    );
    mode_frame(&title, theme, area, canvas)
}

/// The table of axes: value, limits, where between them.
fn pose(tab: &Movement, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let note = format!("after a move: {}", after_move::shown(cx));
    let focus = tab.focus == Focus::Pose;
    let inner = pane("Stage", &note, focus, theme, area, canvas);
    let role = if cx.snapshot.stage.as_ref().is_some_and(|s| cx.stale(s)) {
        Role::Stale
    } else {
        Role::Text
    };
    let stage = cx.snapshot.stage.as_ref().map(|s| &s.value);
    let axes = target::axes(cx);
    for (i, axis) in axes.iter().enumerate() {
        let chosen = *axis == tab.axis;
        let style = theme.style(if focus && chosen { Role::Selected } else { role });
        let value = stage.map_or_else(|| "--".to_owned(), |s| shown(*axis, s.state.pose.get(*axis)));
        let mut spans = vec![Span::styled(format!("{}{axis} {value:>12} ", marker(chosen)), style)];
        if let Some((low, high)) = target::limits(*axis, cx) {
            let at = stage.map(|s| (s.state.pose.get(*axis) - low) / (high - low));
            let near = at.is_some_and(|at| !(0.03..=0.97).contains(&at));
            let ends = |v: f64| format!("{:.1}", if axis.is_angle() { v.to_degrees() } else { v * 1e3 });
            spans.push(Span::styled(format!("{:>7} ", ends(low)), theme.style(Role::Dim)));
            spans.push(Span::styled(
                bar(at),
                theme.style(if near { Role::Warn } else { Role::Info }),
            ));
            spans.push(Span::styled(format!(" {}", ends(high)), theme.style(Role::Dim)));
        }
        canvas.row(Line::from(spans), inner, i as u16);
        if (i as u16) < inner.height {
            canvas.hit(
                Rect {
                    y: inner.y + i as u16,
                    height: 1,
                    ..inner
                },
                Action::Pick { zone: "axes", row: i },
            );
        }
    }
    canvas.row(stage_line(tab, cx, theme), inner, axes.len() as u16);
    let steps = format!(
        " step {}  turn {}",
        units::format(tab.steps.length, Unit::Metre),
        units::format(tab.steps.angle, Unit::Radian)
    );
    canvas.row(
        Line::styled(steps, theme.style(Role::Dim)),
        inner,
        axes.len() as u16 + 1,
    );
}

/// Where between its limits an axis stands.
fn bar(at: Option<f64>) -> String {
    let here = at
        .filter(|at| at.is_finite())
        .map(|at| ((at.clamp(0.0, 1.0) * (BAR - 1) as f64).round()) as usize);
    let cells: String = (0..BAR).map(|i| if Some(i) == here { '█' } else { '·' }).collect();
    format!("[{cells}]")
}

/// A coordinate as operators read it, always the same width and unit: mm and degrees.
fn shown(axis: Axis, value: f64) -> String {
    if axis.is_angle() {
        format!("{:.2} deg", value.to_degrees())
    } else {
        format!("{:.4} mm", value * 1e3)
    }
}

fn pose_line(cx: &Cx, theme: &Theme) -> Line<'static> {
    let Some(stage) = &cx.snapshot.stage else {
        return Line::styled(" the stage has not been read", theme.style(Role::Dim));
    };
    let pose = stage.value.state.pose;
    let words: Vec<String> = target::axes(cx)
        .iter()
        .map(|axis| format!("{axis} {}", shown(*axis, pose.get(*axis))))
        .collect();
    let role = if cx.snapshot.stage.as_ref().is_some_and(|s| cx.stale(s)) {
        Role::Stale
    } else {
        Role::Text
    };
    Line::styled(format!(" {}", words.join("  ")), theme.style(role))
}

/// Orientation, milling angle, homed and linked, and what is on its way.
fn stage_line(tab: &Movement, cx: &Cx, theme: &Theme) -> Line<'static> {
    let Some(stage) = cx.snapshot.stage.as_ref().map(|s| &s.value) else {
        return Line::default();
    };
    let mut spans = vec![Span::styled(
        format!(
            " {}  milling angle {:.1} deg",
            stage.orientation, stage.milling_angle_deg
        ),
        theme.style(Role::Accent),
    )];
    for (is, yes, no) in [
        (stage.state.homed, "homed", "NOT HOMED"),
        (stage.state.linked, "linked", "NOT LINKED"),
    ] {
        let (word, role) = if is { (yes, Role::Dim) } else { (no, Role::Warn) };
        spans.push(Span::styled(format!("  {word}"), theme.style(role)));
    }
    let pending = cx
        .pending
        .any(|c| after_move::is_move(c) || c.name == super::jog::COMMAND);
    let sign = match (stage.state.moving, pending) {
        (true, _) => Some((Sign::Running, "moving")),
        (false, true) => Some((Sign::Pending, "move sent")),
        (false, false) => None,
    };
    if let Some((sign, word)) = sign {
        spans.push(Span::styled(
            format!("  {} {word}", sign.symbol()),
            theme.style(sign.role()),
        ));
    }
    if tab.pair.focused().is_vertical() {
        spans.push(Span::styled("  next move is vertical", theme.style(Role::Warn)));
    }
    Line::from(spans)
}

fn typed(tab: &Movement, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let go = cx
        .keymap
        .key(&Action::GoTarget, &[crate::keys::Layer::Movement])
        .map(|k| k.to_string())
        .unwrap_or_default();
    let note = if tab.target.is_empty() {
        String::new()
    } else {
        format!("{go} goes there")
    };
    let focus = tab.focus == Focus::Target;
    let inner = pane("Target and steps", &note, focus, theme, area, canvas);
    tab.form.draw(focus, theme, inner, canvas);
}

fn list(tab: &Movement, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let focus = tab.focus == Focus::Places;
    let inner = pane("Places", "", focus, theme, area, canvas);
    let rows = places::places(cx);
    let first = tab.places.selection.first(rows.len(), usize::from(inner.height));
    let here = cx.snapshot.stage.as_ref().map(|s| s.value.orientation.as_str());
    for (line, (row, place)) in rows
        .iter()
        .enumerate()
        .skip(first)
        .take(usize::from(inner.height))
        .enumerate()
    {
        let (sign, words) = match place {
            Place::Orientation(orientation) => {
                let sign = if here == Some(orientation.name()) { '*' } else { ' ' };
                (sign, format!("{} orientation", orientation.name()))
            }
            Place::Saved(position) => {
                let pose = cx.snapshot.stage.as_ref().map(|s| s.value.state.pose);
                let there = pose.is_some_and(|pose| position.is_close(&pose.into()));
                (
                    if there { '*' } else { ' ' },
                    format!("{}  {position}", model::text::printable(&place.name())),
                )
            }
        };
        let selected = focus && row == tab.places.selection.row;
        let style = theme.style(if selected { Role::Selected } else { Role::Text });
        let words = format!("{}{sign}{words}", marker(selected));
        canvas.row(Line::styled(words, style), inner, line as u16);
        let at = Rect {
            y: inner.y + line as u16,
            height: 1,
            ..inner
        };
        canvas.hit(
            at,
            Action::Pick {
                zone: places::ZONE,
                row,
            },
        );
    }
    if rows.is_empty() {
        canvas.line(Line::styled("not connected", theme.style(Role::Dim)), inner);
    }
}
