//! What stands near the sample or works on it, in words: needle, gas, coater, patterning. Nothing while all of it is at rest.

use crate::cx::Cx;
use crate::theme::{Role, Theme};
use crate::widget::value::aged;
use model::{GasState, ManipulatorState, PatterningPhase, PatterningState};
use ratatui::text::Span;

/// The words of the status line, two columns between them.
pub fn hands(cx: &Cx, theme: &Theme) -> Vec<Span<'static>> {
    let snapshot = cx.snapshot;
    let mut spans: Vec<Span> = Vec::new();
    let mut say = |span: Span<'static>| {
        if !spans.is_empty() {
            spans.push(Span::raw("  "));
        }
        spans.push(span);
    };
    if let Some(read) = &snapshot.patterning
        && let Some((words, role)) = patterning(&read.value)
    {
        say(aged(words, read, theme.style(role), cx, theme));
    }
    if let Some(read) = &snapshot.needle
        && let Some((words, role)) = needle(&read.value)
    {
        say(aged(words.to_owned(), read, theme.style(role), cx, theme));
    }
    if let Some(read) = &snapshot.gas {
        for (words, role) in gas(&read.value) {
            say(aged(words.to_owned(), read, theme.style(role), cx, theme));
        }
    }
    spans
}

fn patterning(state: &PatterningState) -> Option<(String, Role)> {
    let percent = state.fraction() * 100.0;
    match state.phase {
        PatterningPhase::Idle => None,
        PatterningPhase::Running => Some((format!("MILLING {percent:.0} %"), Role::Danger)),
        PatterningPhase::Paused => Some((format!("MILLING PAUSED {percent:.0} %"), Role::Warn)),
        PatterningPhase::Stopping => Some(("MILLING STOPS".to_owned(), Role::Warn)),
        PatterningPhase::Error => Some(("MILLING FAILED".to_owned(), Role::Danger)),
    }
}

fn needle(state: &ManipulatorState) -> Option<(&'static str, Role)> {
    match (state.moving, state.inserted) {
        (true, _) => Some(("NEEDLE MOVES", Role::Danger)),
        (false, true) => Some(("NEEDLE IN", Role::Warn)),
        (false, false) => None,
    }
}

fn gas(state: &GasState) -> Vec<(&'static str, Role)> {
    let injector = match (state.open(), state.inserted()) {
        (true, _) => Some(("GAS OPEN", Role::Danger)),
        (false, true) => Some(("GAS IN", Role::Warn)),
        (false, false) => None,
    };
    let coater = match (state.sputtering, state.sputter_ready) {
        (Some(_), _) => Some(("SPUTTERS", Role::Danger)),
        (None, true) => Some(("COATER IN", Role::Warn)),
        (None, false) => None,
    };
    injector.into_iter().chain(coater).collect()
}
