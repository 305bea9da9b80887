//! Where everything stands: pictures first, below them forms, histogram and session as far as they fit.

use super::{Focus, Imaging};
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::layout::{above, is_wide};
use crate::tab::after_move;
use crate::theme::{Role, Theme};
use crate::widget::histogram;
use crate::widget::pane::pane;
use engine::snapshot::at;
use model::{Beam, Unit, units};
use ratatui::layout::Rect;
use ratatui::text::Line;

pub fn draw(tab: &Imaging, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let wide = is_wide(area);
    let panel = match (wide, tab.focus) {
        (true, _) => (area.height / 3).clamp(8, 10),
        (false, Focus::Picture) => u16::from(area.height > 6),
        (false, _) => area.height / 2,
    };
    let (top, below) = above(area, panel);
    tab.pair.draw(tab.focus == Focus::Picture, cx, theme, top, canvas);
    match (wide, tab.focus) {
        (true, _) => panels(tab, cx, theme, below, canvas),
        (false, Focus::Picture) => canvas.line(folded(tab.pair.beam(), cx, theme), below),
        (false, Focus::Settings) => settings(tab, cx, theme, below, canvas),
        (false, Focus::Column) => column(tab, cx, theme, below, canvas),
        (false, Focus::Film) => film(tab, cx, theme, below, canvas),
    }
}

fn panels(tab: &Imaging, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    // the form that is being filled in has room for two columns
    let shares: [u16; 4] = match tab.focus {
        _ if area.width >= 160 => [34, 34, 13, 19],
        Focus::Settings => [46, 22, 14, 18],
        Focus::Column => [22, 46, 14, 18],
        Focus::Picture | Focus::Film => [30, 28, 19, 23],
    };
    let mut x = area.x;
    let places = shares.map(|share| {
        let width = (u32::from(area.width) * u32::from(share) / 100) as u16;
        let place = Rect { x, width, ..area };
        x += width;
        place
    });
    let last = Rect {
        width: area.right() - places[3].x,
        ..places[3]
    };
    settings(tab, cx, theme, places[0], canvas);
    column(tab, cx, theme, places[1], canvas);
    let inner = pane("Histogram", "", false, theme, places[2], canvas);
    let shown = tab.pair.focused().frame(cx).and_then(|frame| cx.frames.get(frame.id));
    histogram::draw(shown.map(|picture| &picture.histogram), theme, inner, canvas);
    film(tab, cx, theme, last, canvas);
}

fn settings(tab: &Imaging, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let beam = tab.pair.beam();
    let time = cx.snapshot.settings[at(beam)].beam_time();
    let (title, note) = (format!("Settings {}", beam.short()), units::format(time, Unit::Second));
    let focus = tab.focus == Focus::Settings;
    let inner = pane(&title, &note, focus, theme, area, canvas);
    tab.settings.draw(focus, theme, inner, canvas);
}

fn column(tab: &Imaging, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let beam = tab.pair.beam();
    let note = match cx.snapshot.beam(beam).map(|b| (b.value.on, b.value.blanked)) {
        Some((false, _)) => "off",
        Some((true, true)) => "blanked",
        Some((true, false)) => "on",
        None => "",
    };
    let focus = tab.focus == Focus::Column;
    let inner = pane(
        &format!("Beam and detector {}", beam.short()),
        note,
        focus,
        theme,
        area,
        canvas,
    );
    tab.column.draw(focus, theme, inner, canvas);
}

fn film(tab: &Imaging, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let note = format!("after a move: {}", after_move::shown(cx));
    let focus = tab.focus == Focus::Film;
    let inner = pane("Session", &note, focus, theme, area, canvas);
    let shown: Vec<_> = Beam::ALL
        .iter()
        .filter_map(|beam| tab.pair.pane(*beam).frame(cx))
        .map(|frame| frame.id)
        .collect();
    tab.film.draw(focus, &shown, cx, theme, inner, canvas);
}

/// The settings in one line, where there is no room for the form.
fn folded(beam: Beam, cx: &Cx, theme: &Theme) -> Line<'static> {
    let settings = &cx.snapshot.settings[at(beam)];
    let mut words = format!(
        " {} next: {}  {}x{}  {}  frames {}",
        beam.short(),
        units::format(settings.hfw, Unit::Metre),
        settings.resolution.0,
        settings.resolution.1,
        units::format(settings.dwell_time, Unit::Second),
        settings.frame_integration.unwrap_or(1)
    );
    for (on, word) in [
        (settings.reduced_area.is_some(), "area"),
        (settings.autocontrast, "autocontrast"),
        (settings.save, "saved"),
    ] {
        if on {
            words += &format!("  {word}");
        }
    }
    Line::styled(words, theme.style(Role::Dim))
}
