//! Vacuum, beams, plasma source, stage: how each is, and the keys that change it. What an instrument does not have is not
//! drawn, and its keys mean nothing.

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use crate::widget::pane::pane;
use crate::widget::value::{Sign, aged, duration};
use engine::Command;
use engine::event::Connection;
use model::{Beam, Key, Unit, text, units};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The keys of this pane that make sense now.
pub fn actions(cx: &Cx) -> Vec<Action> {
    let all = [
        Action::ElectronPower,
        Action::IonPower,
        Action::ElectronBlank,
        Action::IonBlank,
        Action::Vent,
        Action::Pump,
        Action::Plasma,
        Action::ChamberPicture,
        Action::ApplyConfiguration,
        Action::Disconnect,
    ];
    all.into_iter().filter(|action| has(action, cx)).collect()
}

/// The instrument has what this action is for.
pub fn has(action: &Action, cx: &Cx) -> bool {
    let Some(connection) = &cx.snapshot.connection else {
        return false;
    };
    let capabilities = &connection.capabilities;
    let writes = |beam: Beam, key: Key| capabilities.beam(beam).is_some_and(|c| c.writable.contains(&key));
    let blanks = |beam: Beam| capabilities.beam(beam).is_some_and(|c| c.blanker);
    let chamber = capabilities.chamber.as_ref();
    match action {
        Action::ElectronPower => writes(Beam::Electron, Key::On),
        Action::IonPower => writes(Beam::Ion, Key::On),
        Action::ElectronBlank => blanks(Beam::Electron),
        Action::IonBlank => blanks(Beam::Ion),
        Action::Pump => chamber.is_some_and(|c| c.pump),
        Action::Vent => chamber.is_some_and(|c| c.vent),
        Action::ChamberPicture => chamber.is_some_and(|c| c.camera),
        Action::Plasma => plasma(connection),
        Action::ApplyConfiguration | Action::Disconnect => true,
        _ => false,
    }
}

fn plasma(connection: &Connection) -> bool {
    connection
        .capabilities
        .ion
        .as_ref()
        .is_some_and(|ion| ion.writable.contains(&Key::PlasmaGas))
}

/// Off where it is on, and the other way round; on is asked about. Nothing while its state is not known.
pub fn power(beam: Beam, cx: &Cx) -> Vec<Effect> {
    let Some(read) = cx.snapshot.beam(beam) else {
        return Vec::new();
    };
    let name = if read.value.on { "beam.off" } else { "beam.on" };
    vec![Effect::Send(Command::new(name).with("beam", beam.word()))]
}

pub fn blank(beam: Beam, cx: &Cx) -> Vec<Effect> {
    let Some(read) = cx.snapshot.beam(beam) else {
        return Vec::new();
    };
    let name = if read.value.blanked {
        "beam.unblank"
    } else {
        "beam.blank"
    };
    vec![Effect::Send(Command::new(name).with("beam", beam.word()))]
}

/// From here on there is room for words beside the keys of a beam.
const WIDE: u16 = 60;

/// Rows of the pane with its frame.
pub fn height(cx: &Cx) -> u16 {
    let beams = cx
        .snapshot
        .connection
        .as_ref()
        .map_or(0, |c| c.capabilities.beams().len() + usize::from(plasma(c)));
    beams as u16 + 5
}

pub fn draw(cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let inside = pane("Subsystems", "", false, theme, area, canvas);
    let Some(connection) = &cx.snapshot.connection else {
        canvas.row(Line::styled(" --", theme.style(Role::Stale)), inside, 0);
        return;
    };
    let mut lines = vec![vacuum(cx, theme)];
    lines.extend(
        connection
            .capabilities
            .beams()
            .into_iter()
            .map(|b| beam(b, inside.width >= WIDE, cx, theme)),
    );
    if plasma(connection) {
        lines.push(gas(cx, theme));
    }
    lines.push(stage(connection, cx, theme));
    lines.push(job(cx, theme));
    for (i, line) in lines.into_iter().enumerate() {
        canvas.row(line, inside, i as u16);
    }
}

fn label(word: &str, theme: &Theme) -> Span<'static> {
    Span::styled(format!(" {word:<9}"), theme.style(Role::Dim))
}

/// `   v vent` for the actions there are; the keys alone where words have no room.
fn keys(actions: &[Action], words: bool, cx: &Cx, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for action in actions.iter().filter(|a| has(a, cx)) {
        let (Some(chord), Some(row)) = (cx.keymap.key(action, &[Layer::Connection]), action.row()) else {
            continue;
        };
        let gap = if words { "   " } else { "  " };
        spans.push(Span::styled(format!("{gap}{chord}"), theme.style(Role::Key)));
        if words {
            // the line says which beam already
            let hint = row.hint.trim_start_matches("SEM ").trim_start_matches("FIB ");
            spans.push(Span::styled(format!(" {hint}"), theme.style(Role::Dim)));
        }
    }
    spans
}

fn pending(names: &[&str], beam: Option<Beam>, cx: &Cx, theme: &Theme) -> Option<Span<'static>> {
    let concerns = |command: &Command| {
        let of = command.args.get("beam").and_then(|b| b.as_str());
        names.contains(&command.name.as_str()) && (beam.is_none() || of.is_none() || of == beam.map(Beam::word))
    };
    cx.pending.any(concerns).then(|| {
        Span::styled(
            format!(" {}", Sign::Pending.symbol()),
            theme.style(Sign::Pending.role()),
        )
    })
}

fn vacuum(cx: &Cx, theme: &Theme) -> Line<'static> {
    let mut spans = vec![label("vacuum", theme)];
    match &cx.snapshot.chamber {
        Some(read) => {
            let words = format!(
                "{} {}",
                read.value.phase.word(),
                units::format(read.value.pressure, Unit::Pascal)
            );
            spans.push(aged(words, read, theme.style(Role::Text), cx, theme));
        }
        None => spans.push(Span::styled("--", theme.style(Role::Stale))),
    }
    spans.extend(pending(&["chamber.pump", "chamber.vent"], None, cx, theme));
    spans.extend(keys(&[Action::Pump, Action::Vent], true, cx, theme));
    Line::from(spans)
}

fn beam(beam: Beam, wide: bool, cx: &Cx, theme: &Theme) -> Line<'static> {
    let mut spans = vec![label(beam.short(), theme)];
    match cx.snapshot.beam(beam) {
        Some(read) => {
            let settings = &read.value.settings;
            let power = match (read.value.on, read.value.blanked) {
                (false, _) => "off",
                (true, true) => "on, blanked",
                (true, false) => "on",
            };
            let (voltage, current) = (
                units::format(settings.voltage, Unit::Volt),
                units::format(settings.beam_current, Unit::Ampere),
            );
            spans.push(aged(
                format!("{power:<11} {voltage} {current}"),
                read,
                theme.style(Role::Text),
                cx,
                theme,
            ));
        }
        None => spans.push(Span::styled("--", theme.style(Role::Stale))),
    }
    let names = ["beam.on", "beam.off", "beam.blank", "beam.unblank"];
    spans.extend(pending(&names, Some(beam), cx, theme));
    let actions = match beam {
        Beam::Electron => [Action::ElectronPower, Action::ElectronBlank],
        Beam::Ion => [Action::IonPower, Action::IonBlank],
    };
    spans.extend(keys(&actions, wide, cx, theme));
    Line::from(spans)
}

fn gas(cx: &Cx, theme: &Theme) -> Line<'static> {
    let mut spans = vec![label("plasma", theme)];
    match &cx.snapshot.ion {
        Some(read) => {
            let gas = read
                .value
                .plasma_gas
                .as_deref()
                .map_or("no gas".to_owned(), text::printable);
            spans.push(aged(gas, read, theme.style(Role::Text), cx, theme));
        }
        None => spans.push(Span::styled("--", theme.style(Role::Stale))),
    }
    spans.extend(pending(&["beam.plasma"], None, cx, theme));
    spans.extend(keys(&[Action::Plasma], true, cx, theme));
    Line::from(spans)
}

fn stage(connection: &Connection, cx: &Cx, theme: &Theme) -> Line<'static> {
    let mut spans = vec![label("stage", theme)];
    let axes = connection
        .capabilities
        .stage
        .as_ref()
        .map(|stage| stage.axes.iter().map(|a| a.name()).collect::<Vec<_>>().join(" "));
    match (axes, &cx.snapshot.stage) {
        (Some(axes), Some(read)) => {
            let state = &read.value.state;
            let homed = if state.homed { "homed" } else { "NOT HOMED" };
            let linked = if state.linked { "linked" } else { "not linked" };
            spans.push(aged(
                format!("{axes}, {homed}, {linked}"),
                read,
                theme.style(Role::Text),
                cx,
                theme,
            ));
        }
        (Some(axes), None) => spans.push(Span::styled(format!("{axes} --"), theme.style(Role::Stale))),
        (None, _) => spans.push(Span::styled("none", theme.style(Role::Dim))),
    }
    Line::from(spans)
}

/// What runs, and how to end it: pumping, a plasma change and applying the configuration take minutes.
fn job(cx: &Cx, theme: &Theme) -> Line<'static> {
    let Some(job) = cx.snapshot.running() else {
        let mut spans = vec![label("", theme)];
        spans.extend(keys(
            &[Action::ApplyConfiguration, Action::ChamberPicture, Action::Disconnect],
            true,
            cx,
            theme,
        ));
        return Line::from(spans);
    };
    let progress = job.progress.as_ref();
    let percent = progress
        .and_then(|p| p.fraction)
        .map(|f| format!(" {:.0} %", f * 100.0))
        .unwrap_or_default();
    let left = progress
        .and_then(|p| p.remaining)
        .map(|s| format!(", {} left", duration(s)))
        .unwrap_or_default();
    let jobs = cx
        .keymap
        .key(&Action::Jobs, &[Layer::Connection])
        .map(|k| k.to_string())
        .unwrap_or_default();
    Line::from(vec![
        Span::raw(" "),
        Sign::Running.span(theme),
        Span::styled(
            format!(" {}{percent}{left}", text::printable(&job.title)),
            theme.style(Role::Accent),
        ),
        Span::styled(format!("  {jobs}"), theme.style(Role::Key)),
        Span::styled(" cancel", theme.style(Role::Dim)),
    ])
}
