//! The status line, always the same and always true: beams, vacuum, stage, job, control, alarms. What is old is grey with its
//! age; what is missing says so.

use crate::bars::{cut, instrument};
use crate::cx::Cx;
use crate::layout::SMALLEST;
use crate::theme::{Role, Theme};
use crate::widget::value::{Sign, aged, duration};
use model::{Axis, Beam, ChamberPhase, Unit, text, units};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// One piece of the status: never split over two lines.
type Piece = Vec<Span<'static>>;

/// The status packed into lines of `width` columns.
pub fn lines(cx: &Cx, theme: &Theme, area: Rect) -> Vec<Line<'static>> {
    let tiny = area.width < SMALLEST.0 || area.height < SMALLEST.1;
    let mut pieces: Vec<Piece> = Vec::new();
    if tiny {
        pieces.push(instrument(cx, theme));
    }
    pieces.push(beams(cx, theme));
    pieces.push(vacuum(cx, theme));
    pieces.push(stage(cx, theme));
    pieces.push(job(cx, theme));
    pieces.push(vec![control(cx, theme)]);
    pieces.push(vec![alarms(cx, theme)]);
    pack(
        pieces.into_iter().filter(|p| !p.is_empty()).collect(),
        usize::from(area.width),
        theme,
    )
}

fn width(piece: &Piece) -> usize {
    piece.iter().map(Span::width).sum()
}

/// First line that has room, in order; a piece longer than a line is cut.
fn pack(pieces: Vec<Piece>, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let separator = || Span::styled(" | ", theme.style(Role::Dim));
    let mut lines: Vec<Piece> = Vec::new();
    for mut piece in pieces {
        if width(&piece) > room
            && let Some(first) = piece.first()
        {
            let words: String = piece.iter().map(|s| s.content.as_ref()).collect();
            piece = vec![Span::styled(cut(&words, room), first.style)];
        }
        match lines.iter_mut().find(|line| width(line) + 3 + width(&piece) <= room) {
            Some(line) => {
                line.push(separator());
                line.extend(piece);
            }
            None => lines.push(piece),
        }
    }
    lines.into_iter().map(Line::from).collect()
}

fn beams(cx: &Cx, theme: &Theme) -> Piece {
    let mut piece = Piece::new();
    for beam in Beam::ALL {
        let known = cx
            .snapshot
            .connection
            .as_ref()
            .is_none_or(|c| c.capabilities.beam(beam).is_some());
        if !known {
            continue;
        }
        if !piece.is_empty() {
            piece.push(Span::raw("  "));
        }
        piece.push(Span::styled(format!("{} ", beam.short()), theme.style(Role::Dim)));
        let Some(read) = cx.snapshot.beam(beam) else {
            piece.push(Span::styled("--", theme.style(Role::Stale)));
            continue;
        };
        let live = cx.snapshot.live[engine::snapshot::at(beam)].on;
        let (words, role) = match (read.value.on, read.value.blanked, live) {
            (false, ..) => ("off", Role::Text),
            (true, _, true) => ("LIVE", Role::Accent),
            (true, true, _) => ("on blanked", Role::Good),
            (true, false, _) => ("on", Role::Warn),
        };
        piece.push(aged(words.to_owned(), read, theme.style(role), cx, theme));
    }
    piece
}

fn vacuum(cx: &Cx, theme: &Theme) -> Piece {
    let Some(read) = &cx.snapshot.chamber else {
        return vec![Span::styled("vacuum --", theme.style(Role::Stale))];
    };
    let state = read.value;
    let (words, role) = match state.phase {
        ChamberPhase::Pumped => (units::format(state.pressure, Unit::Pascal), Role::Text),
        phase => (
            format!(
                "{} {}",
                phase.word().to_uppercase(),
                units::format(state.pressure, Unit::Pascal)
            ),
            Role::Warn,
        ),
    };
    vec![aged(words, read, theme.style(role), cx, theme)]
}

fn stage(cx: &Cx, theme: &Theme) -> Piece {
    let Some(read) = &cx.snapshot.stage else {
        return vec![Span::styled("stage --", theme.style(Role::Stale))];
    };
    let view = &read.value;
    let axes = cx
        .snapshot
        .connection
        .as_ref()
        .and_then(|c| c.capabilities.stage.as_ref())
        .map(|s| s.axes.clone());
    let has = |axis: Axis| axes.as_ref().is_none_or(|axes| axes.contains(&axis));
    let mut words = String::new();
    for (axis, value) in view.state.pose.axes() {
        if has(axis) {
            let number = if axis.is_angle() {
                format!("{:.1}", value.to_degrees())
            } else {
                format!("{:.3}", value * 1e3)
            };
            let unit = if axis == Axis::Z { " mm" } else { "" };
            words.push_str(&format!("{axis} {number}{unit} "));
        }
    }
    words.push_str(&format!("deg {}", text::printable(&view.orientation)));
    let role = if view.state.moving { Role::Accent } else { Role::Text };
    let mut piece = Piece::new();
    if view.state.moving {
        piece.push(Span::styled(
            format!("{} ", Sign::Running.symbol()),
            theme.style(Role::Accent),
        ));
    }
    piece.push(aged(words, read, theme.style(role), cx, theme));
    if !view.state.homed {
        piece.push(Span::styled(" NOT HOMED", theme.style(Role::Warn)));
    }
    piece
}

fn job(cx: &Cx, theme: &Theme) -> Piece {
    let Some(job) = cx.snapshot.running() else {
        return match cx.pending.commands().next() {
            Some(command) => vec![Sign::Pending.span(theme), Span::raw(format!(" {}", command.name))],
            None => vec![Span::styled("idle", theme.style(Role::Dim))],
        };
    };
    let progress = job.progress.as_ref();
    let percent = progress
        .and_then(|p| p.fraction)
        .map(|f| format!(" {:3.0} %", f.clamp(0.0, 1.0) * 100.0))
        .unwrap_or_default();
    let left = progress
        .and_then(|p| p.remaining)
        .map(|s| format!(" {} left, {}", duration(s), cx.clock(cx.now + s)))
        .unwrap_or_default();
    let (sign, held) = if job.paused {
        (Sign::Pending, " PAUSED")
    } else {
        (Sign::Running, "")
    };
    let waits = if cx.snapshot.question.as_ref().is_some_and(|q| q.job == job.id) {
        " WAITS FOR AN ANSWER"
    } else {
        ""
    };
    let words = format!(" {}{percent}{left}{held}{waits}", cut(&text::printable(&job.title), 40));
    vec![sign.span(theme), Span::styled(words, theme.style(Role::Accent))]
}

fn control(cx: &Cx, theme: &Theme) -> Span<'static> {
    match cx.snapshot.control.as_deref() {
        None => Span::styled("control: free", theme.style(Role::Dim)),
        Some(holder) if holder == cx.me => Span::raw("control: you"),
        Some(holder) => Span::styled(format!("control: {}", text::printable(holder)), theme.style(Role::Warn)),
    }
}

fn alarms(cx: &Cx, theme: &Theme) -> Span<'static> {
    match cx.snapshot.alarms().count() {
        0 => Span::styled("no alarms", theme.style(Role::Dim)),
        1 => Span::styled("1 ALARM", theme.style(Role::Danger)),
        n => Span::styled(format!("{n} ALARMS"), theme.style(Role::Danger)),
    }
}
