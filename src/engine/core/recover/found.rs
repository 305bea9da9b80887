//! What became of an act that a journal has no outcome of: what the instrument shows of it, and what the watchdog saw.

use crate::journal::Past;
use crate::journal::past::Doubt;
use crate::watchdog::Note;
use hal::{Act, Scope};
use model::{Axis, PatterningState};

/// What became of an act in doubt, as the instrument shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    Done,
    NotStarted,
    /// This share of it was done.
    Partly(f64),
    /// It goes on.
    UnderWay(f64),
    /// The instrument is elsewhere, or does not say.
    Unknown(String),
}

impl Found {
    pub fn words(&self) -> String {
        match self {
            Found::Done => "done".to_owned(),
            Found::NotStarted => "not started".to_owned(),
            Found::Partly(f) => format!("{:.0} % done", f * 100.0),
            Found::UnderWay(f) => format!("still under way, {:.0} % done", f * 100.0),
            Found::Unknown(why) => format!("in doubt: {why}"),
        }
    }
}

/// What the instrument shows of an act.
pub(super) async fn find(scope: &Scope, past: &Past, doubt: &Doubt) -> Found {
    match look_at(scope, past, doubt).await {
        Ok(found) => found,
        Err(error) => Found::Unknown(error.what),
    }
}

async fn look_at(scope: &Scope, past: &Past, doubt: &Doubt) -> Result<Found, hal::HalError> {
    let either = |so: bool| if so { Found::Done } else { Found::NotStarted };
    Ok(match &doubt.what {
        Act::StageTo { target } => {
            let state = scope.stage().await?.value;
            let off = |axis: Axis| {
                target
                    .get(axis)
                    .is_some_and(|t| (t - state.pose.get(axis)).abs() > 1e-5)
            };
            match (state.moving, Axis::ALL.into_iter().any(off)) {
                (true, _) => Found::UnderWay(0.0),
                (false, false) => Found::Done,
                (false, true) => Found::Unknown("the stage is not there".to_owned()),
            }
        }
        Act::BeamPower { beam, on } => either(scope.beam(*beam).await?.value.on == *on),
        Act::BeamBlank { beam, on } => either(scope.beam(*beam).await?.value.blanked == *on),
        Act::NeedleTo { target, .. } => {
            let state = scope.manipulator().await?.value;
            match (state.moving, state.position.distance(target) < 1e-6) {
                (true, _) => Found::UnderWay(0.0),
                (false, true) => Found::Done,
                (false, false) => Found::Unknown("the needle is not there".to_owned()),
            }
        }
        Act::GasValve { port, open } => {
            let state = scope.gas().await?.value;
            either(state.port(port).is_some_and(|p| p.open == *open))
        }
        Act::PatternStart { .. } => patterning(past, doubt, &scope.patterning().await?.value),
        _ => Found::Unknown("the instrument cannot say".to_owned()),
    })
}

/// The patterning engine's word, where it is about what the journal says was loaded.
fn patterning(past: &Past, doubt: &Doubt, state: &PatterningState) -> Found {
    match past.loads.last() {
        Some(load) if load.shapes.len() == state.done.len() && !state.done.is_empty() => match state.phase {
            phase if phase.is_active() => Found::UnderWay(state.fraction()),
            _ if state.done.iter().all(|d| *d >= 1.0) => Found::Done,
            _ if state.done.iter().all(|d| *d <= 0.0) => Found::NotStarted,
            _ => Found::Partly(state.fraction()),
        },
        _ => Found::Unknown(match &past.stopped {
            Some(note) => format!(
                "the patterning engine no longer holds it; {}",
                until_stopped(past, doubt, note)
            ),
            None => "the patterning engine no longer holds it".to_owned(),
        }),
    }
}

/// How far a pattern can have come until the watchdog stopped it.
fn until_stopped(past: &Past, doubt: &Doubt, note: &Note) -> String {
    if !note.sent {
        return "the watchdog could not stop it".to_owned();
    }
    let seconds = (note.time - doubt.time).max(0.0);
    let planned = past.snapshot.patterning.as_ref().map_or(0.0, |p| p.value.estimated);
    match planned > 0.0 {
        true => format!(
            "the watchdog stopped it {seconds:.0} s after it began: {:.0} % done at most",
            (seconds / planned * 100.0).min(100.0)
        ),
        false => format!("the watchdog stopped it {seconds:.0} s after it began"),
    }
}
