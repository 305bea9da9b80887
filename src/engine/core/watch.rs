//! Looks at the instrument: often while something is under way, twice a second when idle. What changed is told, and whether
//! it was us or somebody at the vendor's own program or hand panel.

use super::{Core, Speed, lock};
use crate::event::{By, Event, Pulse, StageView};
use hal::{Resource, Scope};
use model::kinematics::{milling_angle, orientation::Orientation};
use model::{Beam, BeamState, ChamberState, GasState, ManipulatorState, Notice, PatterningState, Severity, StageState};
use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;

const BUSY: Duration = Duration::from_millis(120);
const IDLE: Duration = Duration::from_millis(500);
/// Under way for minutes: still within the second in which what others change is noticed.
const LONG: Duration = Duration::from_millis(900);
/// A smaller change of an axis (m, rad) is the noise of its encoder.
const AXIS_NOISE: f64 = 1e-9;
/// A smaller relative change of the pressure is not news.
const PRESSURE_NEWS: f64 = 0.1;

/// A smaller change of a crucible's temperature (K), or of the coater's remaining time (s), is not news.
const GAS_NEWS: f64 = 0.5;

/// When the read began that was last told, by resource. Locked while a reading is told: of two that are made at once, the one
/// that began first must not have the last word.
pub(crate) type Told = HashMap<Resource, u64>;

/// Runs as long as the engine.
pub(crate) async fn run(core: Arc<Core>) {
    let mut active = core.lanes.active();
    let mut beat = core.time();
    let mut read = beat;
    let mut room = super::disk::Room::default();
    let mut busy: Option<Instant> = None;
    loop {
        if core.options.speed == Speed::Virtual {
            // on a virtual clock time passes only while somebody waits for it
            if active.wait_for(|n| *n > 0).await.is_err() {
                return;
            }
        }
        if !lock(&core.touched).busy() {
            busy = None;
        } else if busy.is_none() {
            busy = Some(Instant::now());
        }
        // what takes minutes need not be looked at as if it were over at any moment
        let pause = busy.map_or(IDLE, |since| (since.elapsed() / 100).clamp(BUSY, LONG));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = core.lanes.looked() => {}
            _ = active.wait_for(|n| *n == 0), if core.options.speed == Speed::Virtual => continue,
        }
        if look_now(&core).await {
            read = core.time();
        }
        for notice in core.hooks.trouble() {
            core.notice(notice);
        }
        if core.time() - beat >= 1.0 {
            beat = core.time();
            core.pulse(Pulse::Alive { time: beat, read });
            core.hooks.alive();
            // what is played or tried in virtual time says nothing of this machine
            if core.options.speed != Speed::Virtual {
                room.look(&core);
            }
        }
    }
}

/// Reads everything once and tells what changed; `false` if something could not be read.
pub(crate) async fn look_now(core: &Arc<Core>) -> bool {
    let Ok(scope) = core.scope() else { return false };
    let mut trouble = None;
    // of each read on its own: what we change while it is made may or may not be in it
    let as_of = || lock(&core.touched).tick();
    if scope.capabilities().stage.is_some() {
        let begun = as_of();
        match scope.stage().await {
            Ok(reading) => core.saw_stage(&scope, reading.value, begun),
            Err(error) => trouble = Some(error),
        }
    }
    for beam in scope.capabilities().beams() {
        let begun = as_of();
        match scope.beam(beam).await {
            Ok(reading) => core.saw_beam(beam, reading.value, begun),
            Err(error) => trouble = Some(error),
        }
    }
    if scope.capabilities().chamber.is_some() {
        let begun = as_of();
        match scope.chamber().await {
            Ok(reading) => core.saw_chamber(reading.value, begun),
            Err(error) => trouble = Some(error),
        }
    }
    if scope.capabilities().milling.is_some() {
        let begun = as_of();
        match scope.patterning().await {
            Ok(reading) => core.saw_patterning(reading.value, begun),
            Err(error) => trouble = Some(error),
        }
    }
    if scope.capabilities().manipulator.is_some() {
        let begun = as_of();
        match scope.manipulator().await {
            Ok(reading) => core.saw_needle(reading.value, begun),
            Err(error) => trouble = Some(error),
        }
    }
    if scope.capabilities().gas.is_some() {
        let begun = as_of();
        match scope.gas().await {
            Ok(reading) => core.saw_gas(reading.value, begun),
            Err(error) => trouble = Some(error),
        }
    }
    let whole = trouble.is_none();
    core.saw_trouble(trouble.map(|e| e.to_string()));
    whole
}

impl Core {
    /// Whose a change is that a read shows, and the right to tell it: ours if we did something to it since it was last read, which
    /// a read that began after that settles. `None`: another read, which began later, was told already.
    fn attribute(&self, resource: Resource, begun: u64) -> Option<(By, MutexGuard<'_, Told>)> {
        let mut told = lock(&self.told);
        let last = told.entry(resource).or_default();
        if *last > begun {
            return None;
        }
        *last = begun;
        let mut touched = lock(&self.touched);
        let by = if touched.ours(resource) { By::Us } else { By::Other };
        touched.read(resource, begun);
        Some((by, told))
    }

    fn saw_stage(&self, scope: &Scope, state: StageState, begun: u64) {
        let Some((by, _told)) = self.attribute(Resource::Stage, begun) else {
            return;
        };
        let snapshot = self.snapshot();
        let before = snapshot.stage.as_ref().map(|s| s.value.state);
        let same = before.is_some_and(|b| {
            b.pose.is_close(&state.pose, AXIS_NOISE)
                && (b.moving, b.homed, b.linked) == (state.moving, state.homed, state.linked)
        });
        if same {
            return;
        }
        let geometry = scope.geometry();
        let view = StageView {
            orientation: Orientation::of(geometry, &state.pose)
                .map_or("NONE", Orientation::name)
                .to_owned(),
            milling_angle_deg: milling_angle::of(geometry, &state.pose).to_degrees(),
            state,
        };
        let moved_by_other =
            by == By::Other && before.is_some_and(|b| !b.pose.is_close(&state.pose, 1e-7) && !b.moving);
        self.publish(Event::Stage { by, stage: view });
        if moved_by_other {
            self.notice(
                Notice::new(Severity::Warning, "the stage was moved, not by fibdeck")
                    .detail("the vendor's program or a hand panel moved it")
                    .hint("pictures on the screen show the place before the move"),
            );
        }
    }

    pub(crate) fn saw_beam(&self, beam: Beam, state: BeamState, begun: u64) {
        let Some((by, _told)) = self.attribute(Resource::of(beam), begun) else {
            return;
        };
        let snapshot = self.snapshot();
        let before = snapshot.beam(beam);
        if before.is_some_and(|b| b.value == state) {
            return;
        }
        let foreign = by == By::Other && before.is_some();
        self.publish(Event::BeamChanged {
            by,
            beam,
            state: Box::new(state),
        });
        if foreign {
            self.notice(
                Notice::new(Severity::Info, format!("the {beam} beam was changed, not by fibdeck"))
                    .hint("the Imaging tab shows what it is now"),
            );
        }
    }

    fn saw_chamber(&self, state: ChamberState, begun: u64) {
        let Some((by, _told)) = self.attribute(Resource::Chamber, begun) else {
            return;
        };
        let snapshot = self.snapshot();
        let before = snapshot.chamber.as_ref().map(|c| c.value);
        let same = before.is_some_and(|b| {
            b.phase == state.phase
                && (b.pressure - state.pressure).abs() <= PRESSURE_NEWS * b.pressure.abs().max(state.pressure.abs())
        });
        if same {
            return;
        }
        let lost = by == By::Other
            && before.is_some_and(|b| b.phase == model::ChamberPhase::Pumped)
            && state.phase != model::ChamberPhase::Pumped;
        self.publish(Event::ChamberChanged { by, state });
        if lost {
            self.notice(
                Notice::new(Severity::Alarm, "vacuum lost")
                    .detail(format!(
                        "the chamber is {} at {}",
                        state.phase.word().to_lowercase(),
                        model::units::format(state.pressure, model::Unit::Pascal)
                    ))
                    .hint("beams go off by themselves; find the cause before you pump"),
            );
        }
    }

    fn saw_patterning(&self, state: PatterningState, begun: u64) {
        let Some((by, _told)) = self.attribute(Resource::Patterning, begun) else {
            return;
        };
        let snapshot = self.snapshot();
        let before = snapshot.patterning.as_ref().map(|p| &p.value);
        if before == Some(&state) {
            return;
        }
        let foreign = by == By::Other && state.phase.is_active() && before.is_some_and(|b| !b.phase.is_active());
        // or telling would copy it
        drop(snapshot);
        self.publish(Event::Patterning { by, state });
        if foreign {
            self.notice(
                Notice::new(Severity::Warning, "a beam began to mill, not by fibdeck")
                    .hint("F12 stops it as well; until it ends nothing else can be milled or moved"),
            );
        }
    }

    fn saw_needle(&self, state: ManipulatorState, begun: u64) {
        let Some((by, _told)) = self.attribute(Resource::Needle, begun) else {
            return;
        };
        let snapshot = self.snapshot();
        let before = snapshot.needle.as_ref().map(|n| &n.value);
        let same = before.is_some_and(|b| {
            b.position.distance(&state.position) < AXIS_NOISE
                && (b.inserted, b.moving, b.calibrated) == (state.inserted, state.moving, state.calibrated)
        });
        if same {
            return;
        }
        // a retracted needle's coordinates may change with the stage's tilt, and nobody has to look
        let beside = before.is_some_and(|b| !b.moving && (b.inserted || state.inserted));
        let foreign = by == By::Other && beside;
        self.publish(Event::NeedleChanged { by, state });
        if foreign {
            self.notice(
                Notice::new(Severity::Warning, "the needle was moved, not by fibdeck")
                    .hint("look where it is in both pictures before the stage moves"),
            );
        }
    }

    fn saw_gas(&self, state: GasState, begun: u64) {
        let Some((by, _told)) = self.attribute(Resource::Gas, begun) else {
            return;
        };
        let snapshot = self.snapshot();
        let before = snapshot.gas.as_ref().map(|g| &g.value);
        if before.is_some_and(|b| same_gas(b, &state)) {
            return;
        }
        let foreign = by == By::Other && before.is_some_and(|b| state.open() && !b.open());
        self.publish(Event::GasChanged { by, state });
        if foreign {
            self.notice(
                Notice::new(Severity::Warning, "a gas valve was opened, not by fibdeck")
                    .hint("F12 closes it, or its own program"),
            );
        }
    }

    fn saw_trouble(&self, trouble: Option<String>) {
        let before = self.snapshot().trouble.clone();
        if let Some(text) = trouble
            && before.as_ref() != Some(&text)
        {
            self.publish(Event::LinkTrouble { text: text.clone() });
            self.notice(
                Notice::new(Severity::Error, "the instrument does not answer")
                    .detail(text)
                    .hint("values on the screen grow old; they are marked"),
            );
        }
    }
}

/// The same but for a temperature that creeps and a coater that counts down.
fn same_gas(a: &GasState, b: &GasState) -> bool {
    let port = |p: &model::GasPortState| model::GasPortState {
        temperature: 0.0,
        ..p.clone()
    };
    let near = |a: f64, b: f64| (a - b).abs() < GAS_NEWS;
    a.ports.len() == b.ports.len()
        && a.ports
            .iter()
            .zip(&b.ports)
            .all(|(a, b)| port(a) == port(b) && near(a.temperature, b.temperature))
        && match (a.sputtering, b.sputtering) {
            (Some(a), Some(b)) => near(a, b),
            (a, b) => a == b,
        }
        && a.sputter_ready == b.sputter_ready
}
