//! Where everything stands: the picture at the left, at the right progress, stages and forms; where there is no room, the
//! picture above what has the keys.

use super::{Focus, Milling, edits, progress, rows};
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::layout::is_wide;
use crate::theme::Theme;
use crate::widget::pane::pane;
use model::{Unit, text, units};
use ratatui::layout::Rect;

/// Most columns of the right side.
const RIGHT: u16 = 72;

pub fn draw(tab: &Milling, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    match is_wide(area) {
        true => wide(tab, cx, theme, area, canvas),
        false => narrow(tab, cx, theme, area, canvas),
    }
    if let Some(prompt) = &tab.prompt {
        let height = area.height.min(4);
        let place = Rect {
            y: area.bottom() - height,
            height,
            ..area
        };
        prompt.draw(theme, place, canvas);
    }
}

fn wide(tab: &Milling, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    // the picture keeps half of the screen or more
    let width = (area.width / 2).min(RIGHT);
    let left = Rect {
        width: area.width - width,
        ..area
    };
    let mut right = Rect {
        x: left.right(),
        width,
        ..area
    };
    tab.pair.draw(tab.focus == Focus::Picture, cx, theme, left, canvas);
    let inside = width.saturating_sub(2);
    let lines = progress::lines(tab.pair.beam(), cx, theme, usize::from(inside));
    if !lines.is_empty() {
        let place = take(&mut right, lines.len() as u16 + 2);
        let inner = pane(progress::title(cx), "", false, theme, place, canvas);
        for (row, line) in lines.into_iter().enumerate() {
            canvas.row(line, inner, row as u16);
        }
    }
    let wanted = tab.rows_wanted(inside) + 2;
    let place = take(&mut right, wanted.min(area.height / 2));
    stages(tab, cx, theme, place, canvas);
    below(tab, cx, theme, right, canvas);
}

/// Cuts `height` rows off the top.
fn take(area: &mut Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    let top = Rect { height, ..*area };
    area.y += height;
    area.height -= height;
    top
}

fn narrow(tab: &Milling, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let lines = progress::lines(tab.pair.beam(), cx, theme, usize::from(area.width));
    let folded = tab.focus == Focus::Picture && tab.choosing.is_none();
    let most = area.height.saturating_sub(area.height / 3);
    let panel = match tab.focus {
        _ if folded => 1,
        Focus::Stages if tab.choosing.is_none() => most.min(tab.rows_wanted(area.width) + 2),
        _ => most,
    };
    let mut rest = area;
    let picture = area.height.saturating_sub(panel + (lines.len() as u16).min(2));
    tab.pair
        .draw(tab.focus == Focus::Picture, cx, theme, take(&mut rest, picture), canvas);
    for line in lines.into_iter().take(2) {
        canvas.line(line, take(&mut rest, 1));
    }
    match (folded, tab.focus) {
        (true, _) => canvas.line(tab.folded(cx, theme), rest),
        (false, Focus::Stages) if tab.choosing.is_none() => stages(tab, cx, theme, rest, canvas),
        (false, _) => below(tab, cx, theme, rest, canvas),
    }
}

fn stages(tab: &Milling, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let task = tab.draft.task();
    let title = match task.stages.is_empty() {
        true => "Stages".to_owned(),
        false => format!("Stages of {}", text::printable(&task.name)),
    };
    let focus = tab.focus == Focus::Stages && tab.choosing.is_none();
    let inner = pane(&title, &tab.rows_note(cx), focus, theme, area, canvas);
    tab.draw_rows(focus, cx, theme, inner, canvas);
}

/// What is below the list: the patterns to choose from, the form of spots, or the forms of stage and task.
fn below(tab: &Milling, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let focus = tab.focus == Focus::Form;
    if let Some(choosing) = &tab.choosing {
        let note = if choosing.typed().is_empty() {
            "type its name"
        } else {
            choosing.typed()
        };
        let inner = pane("Add a stage: which pattern?", note, true, theme, area, canvas);
        return rows::draw_patterns(choosing.row(), edits::PATTERN_ZONE, theme, inner, canvas);
    }
    if tab.places_spots() {
        let inner = pane("Spot burn", "", focus, theme, area, canvas);
        return tab.spots.form.draw(focus, theme, inner, canvas);
    }
    let title = match tab.stage() {
        Some(stage) => format!("Stage {}, {}", tab.stages.row + 1, text::printable(&stage.name)),
        None => "Task".to_owned(),
    };
    let note = format!("nudge {}", units::format(tab.nudge, Unit::Metre));
    let inner = pane(&title, &note, focus, theme, area, canvas);
    tab.forms
        .draw(focus, tab.draft.task(), tab.stage(), cx, theme, inner, canvas);
}
