//! The status line, always the same and always true: beams, vacuum, stage, job, control, alarms. What is old is grey with its
//! age; what is missing says so.

use crate::bars::instrument;
use crate::cx::Cx;
use crate::fit::cut;
use crate::hands::hands;
use crate::layout::SMALLEST;
use crate::tab::running;
use crate::theme::{Role, Theme};
use crate::widget::value::{Sign, aged, duration};
use model::{Axis, Beam, ChamberPhase, Unit, text, units};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// One piece of the status: never split over two lines.
type Piece = Vec<Span<'static>>;

/// From these widths on one line is enough, or two: each piece then has its own place, which does not depend on what the
/// others say, and the pictures above keep their size while a job comes and goes.
const ONE_LINE: u16 = 170;
const TWO_LINES: u16 = 76;

/// The status in lines no wider than the screen.
pub fn lines(cx: &Cx, theme: &Theme, screen: Rect) -> Vec<Line<'static>> {
    let [beams, vacuum, stage] = [beams(cx, theme), vacuum(cx, theme), stage(cx, theme)];
    let (control, alarms) = (vec![control(cx, theme)], vec![alarms(cx, theme)]);
    let hands = hands(cx, theme);
    // what the others in its line leave
    let job = |others: &[&Piece]| {
        let taken: usize = others.iter().map(|piece| width(piece) + 3).sum();
        job(cx, theme, usize::from(screen.width).saturating_sub(taken))
    };
    let rows: Vec<Vec<Piece>> = if screen.width < SMALLEST.0 || screen.height < SMALLEST.1 {
        vec![
            vec![instrument(cx, theme)],
            vec![beams],
            vec![hands],
            vec![stage],
            vec![vacuum, alarms],
            vec![job(&[])],
            vec![control],
        ]
    } else if screen.width >= ONE_LINE {
        {
            let job = job(&[&beams, &vacuum, &hands, &stage, &control, &alarms]);
            vec![vec![beams, vacuum, hands, stage, job, control, alarms]]
        }
    } else if screen.width >= TWO_LINES {
        let job = job(&[&stage]);
        // what stands near the sample is said before who has control
        let who = if hands.is_empty() {
            vec![control, alarms]
        } else {
            vec![hands, alarms, control]
        };
        vec![[vec![beams, vacuum], who].concat(), vec![stage, job]]
    } else {
        let job = job(&[&hands, &control]);
        vec![vec![beams, vacuum], vec![stage, alarms], vec![hands, job, control]]
    };
    rows.into_iter()
        .filter(|pieces| pieces.iter().any(|piece| !piece.is_empty()))
        .map(|pieces| joined(pieces, usize::from(screen.width), theme))
        .collect()
}

fn width(piece: &Piece) -> usize {
    piece.iter().map(Span::width).sum()
}

/// Pieces side by side; the last one that begins in the line is cut where it does not fit.
fn joined(pieces: Vec<Piece>, room: usize, theme: &Theme) -> Line<'static> {
    let mut spans: Piece = Vec::new();
    let mut left = room;
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        if !spans.is_empty() {
            spans.push(Span::styled(" | ", theme.style(Role::Dim)));
            left = left.saturating_sub(3);
        }
        for span in piece {
            let width = span.width();
            spans.push(if width > left {
                Span::styled(cut(&span.content, left), span.style)
            } else {
                span
            });
            left = left.saturating_sub(width);
        }
    }
    Line::from(spans)
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

/// The job in at most `room` columns. Verb, progress and what it waits for stay; its arguments, the clock and the long words go.
fn job(cx: &Cx, theme: &Theme, room: usize) -> Piece {
    let Some(job) = cx.snapshot.running() else {
        return match cx.pending.commands().next() {
            Some(command) => vec![Sign::Pending.span(theme), Span::raw(format!(" {}", command.name))],
            None => vec![Span::styled("idle", theme.style(Role::Dim))],
        };
    };
    let waits = cx.snapshot.question.as_ref().is_some_and(|q| q.job == job.id);
    // what waits for an answer takes as long as the answer does
    let (fraction, remaining) = match waits {
        true => (None, None),
        false => running::progress(job, cx),
    };
    let percent = fraction
        .map(|f| format!(" {:3.0} %", f.clamp(0.0, 1.0) * 100.0))
        .unwrap_or_default();
    let left = remaining.map(|s| format!(" {} left", duration(s))).unwrap_or_default();
    let finish = remaining
        .map(|s| format!(", {}", cx.clock(cx.now + s)))
        .unwrap_or_default();
    let sign = if job.paused { Sign::Pending } else { Sign::Running };
    let (held, short) = match (waits, job.paused) {
        (true, _) => (" WAITS FOR AN ANSWER", " ASKS"),
        (false, true) => (" PAUSED", " PAUSED"),
        (false, false) => ("", ""),
    };
    let title = text::printable(&match running::item(job, cx) {
        Some(item) => format!("{} on {}", item.task, item.name),
        None => job.title.clone(),
    });
    let name = text::printable(&job.command.name);
    let verb = name.rsplit('.').next().unwrap_or_default();
    let shorter = [
        format!(" {}{percent}{left}{finish}{held}", cut(&title, 40)),
        format!(" {name}{percent}{left}{finish}{held}"),
        format!(" {name}{percent}{left}{held}"),
        format!(" {verb}{percent}{left}{short}"),
        format!(" {verb}{percent}{short}"),
        format!(" {verb}{short}"),
    ];
    let fits = |words: &&String| words.width() < room;
    let words = shorter.iter().find(fits).unwrap_or(&shorter[5]);
    vec![sign.span(theme), Span::styled(words.clone(), theme.style(Role::Accent))]
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
