//! The one door to the instrument.
//!
//! [`Hand::act`] is the only way to change anything: it claims what the act needs, reads fresh state, asks the interlock,
//! writes the intent, acts, follows the ticket, writes the outcome. The act is driven by a task of its own, so a dropped
//! future never loses an outcome. Reads go through [`Scope`]; they change nothing. [`Scope::stop`] waits for nothing.

mod arrive;
mod hand;
mod order;
#[cfg(test)]
mod tests;

pub use hand::{Hand, Release};

use crate::act::{Act, Hold, Outcome, Resource};
use crate::interlock::Memory;
use crate::{Clock, HalError, Microscope, Reading, Stopper};
use model::{
    Beam, BeamState, Capabilities, ChamberState, ErrorKind, Frame, GasState, Geometry, Identity, Key, Limits,
    ManipulatorPosition, ManipulatorState, PatterningPhase, PatterningState, Pose, StageState, StopOutcome, StopReport,
    Value,
};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Number of an act in this session.
pub type ActId = u64;

/// Where intents and outcomes are written. Called on the hardware thread, in order.
pub trait ActLog: Send + Sync {
    /// Before the act goes out. An error (the journal cannot be written) keeps the act from going out.
    fn intent(&self, id: ActId, by: &str, act: &Act) -> Result<(), HalError>;
    fn warning(&self, id: ActId, act: &Act, warning: &str);
    /// How far a pattern came that did not run to its end, as the instrument says; before the outcome.
    fn evidence(&self, _id: ActId, _state: &PatterningState) {}
    fn outcome(&self, id: ActId, by: &str, act: &Act, result: &Result<Outcome, HalError>);
}

/// The shared door; clones are the same door.
#[derive(Clone)]
pub struct Scope(Arc<Inner>);

struct Inner {
    microscope: Mutex<Box<dyn Microscope>>,
    identity: Identity,
    capabilities: Capabilities,
    geometry: Geometry,
    /// Of the MILLING orientation, rad: an operator's choice, for the session.
    milling_angle: Mutex<f64>,
    stopper: Arc<dyn Stopper>,
    clock: Arc<dyn Clock>,
    log: Arc<dyn ActLog>,
    next: AtomicU64,
    /// How often stop was pressed: a hand from before the press can do nothing more.
    presses: AtomicU64,
    flights: Mutex<Vec<Flight>>,
    landed: Notify,
    /// From where the rules count small steps.
    memory: Mutex<Memory>,
    /// What ended since the last press.
    aftermath: Mutex<Vec<(String, StopOutcome)>>,
}

/// An act under way.
struct Flight {
    id: ActId,
    what: String,
    by: String,
    claims: Vec<(Resource, Hold)>,
    background: bool,
    cancel: watch::Sender<bool>,
}

/// Way (m, rad) that a stage at rest may show between two reads: the last digit of its encoders.
const STILL: f64 = 1e-8;
/// How long a stop waits for confirmation before it says so.
const CONFIRM: Duration = Duration::from_secs(2);
/// Pauses between two looks at what is under way: where its end is at hand, at first, for most of what an instrument does, and for what
/// takes minutes.
const POLL_LEAST: Duration = Duration::from_millis(1);
const POLL_FIRST: Duration = Duration::from_millis(10);
const POLL_OFTEN: Duration = Duration::from_millis(100);
const POLL_MOST: Duration = Duration::from_secs(1);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // a panic inside a driver must not take the stop button with it
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scope {
    /// Takes the instrument over. `limits` is the configuration's word; it can only narrow the driver's.
    pub fn new(
        microscope: Box<dyn Microscope>,
        limits: Option<Limits>,
        clock: Arc<dyn Clock>,
        log: Arc<dyn ActLog>,
    ) -> Scope {
        let mut capabilities = microscope.capabilities();
        if let (Some(stage), Some(limits)) = (capabilities.stage.as_mut(), limits) {
            stage.limits = stage.limits.narrow(&limits);
        }
        Scope(Arc::new(Inner {
            identity: microscope.identity(),
            geometry: microscope.geometry(),
            milling_angle: Mutex::new(microscope.geometry().milling_angle),
            stopper: microscope.stopper(),
            capabilities,
            microscope: Mutex::new(microscope),
            clock,
            log,
            next: AtomicU64::new(1),
            presses: AtomicU64::new(0),
            flights: Mutex::new(Vec::new()),
            landed: Notify::new(),
            memory: Mutex::default(),
            aftermath: Mutex::new(Vec::new()),
        }))
    }

    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    pub fn geometry(&self) -> &Geometry {
        &self.0.geometry
    }

    /// The geometry with the milling angle that was chosen last.
    pub fn chosen_geometry(&self) -> Geometry {
        Geometry {
            milling_angle: *lock(&self.0.milling_angle),
            ..self.0.geometry
        }
    }

    /// Chooses the angle (rad) of the MILLING orientation; nothing moves.
    pub fn choose_milling_angle(&self, angle: f64) {
        *lock(&self.0.milling_angle) = angle;
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// A hand to act with, and what ends it. `by` names who acts, for the journal and for Busy refusals.
    pub fn hand(&self, by: impl Into<String>) -> (Hand, Release) {
        self.make_hand(by.into(), false)
    }

    /// A hand whose acts give way to any other hand's (live view).
    pub fn background_hand(&self, by: impl Into<String>) -> (Hand, Release) {
        self.make_hand(by.into(), true)
    }

    fn make_hand(&self, by: String, background: bool) -> (Hand, Release) {
        let (sender, cancel) = watch::channel(false);
        let presses = self.0.presses.load(Ordering::SeqCst);
        (
            Hand {
                scope: self.clone(),
                presses,
                by,
                background,
                cancel,
            },
            Release(Arc::new(sender)),
        )
    }

    pub async fn stage(&self) -> Result<Reading<StageState>, HalError> {
        self.glance(|m| m.stage().ok_or_else(|| HalError::unsupported("stage"))?.read())
            .await
    }

    pub async fn beam(&self, beam: Beam) -> Result<Reading<BeamState>, HalError> {
        self.glance(move |m| {
            m.beam(beam)
                .ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))?
                .read()
        })
        .await
    }

    pub async fn chamber(&self) -> Result<Reading<ChamberState>, HalError> {
        self.glance(|m| {
            m.chamber()
                .ok_or_else(|| HalError::unsupported("chamber control"))?
                .read()
        })
        .await
    }

    pub async fn patterning(&self) -> Result<Reading<PatterningState>, HalError> {
        self.glance(|m| m.milling().ok_or_else(|| HalError::unsupported("milling"))?.read())
            .await
    }

    /// By which the instrument plans the time of each application file, where it tells: m3 removed per C.
    pub async fn milling_rates(&self) -> Result<BTreeMap<String, f64>, HalError> {
        self.glance(|m| Ok(m.milling().map(|m| m.rates()).unwrap_or_default()))
            .await
    }

    pub async fn manipulator(&self) -> Result<Reading<ManipulatorState>, HalError> {
        let mut reading = self
            .glance(|m| {
                m.manipulator()
                    .ok_or_else(|| HalError::unsupported("manipulator"))?
                    .read()
            })
            .await?;
        reading.value.approached = lock(&self.0.memory).approached;
        Ok(reading)
    }

    /// A needle position that the instrument itself remembers.
    pub async fn saved_needle(&self, name: &str) -> Result<ManipulatorPosition, HalError> {
        let name = name.to_owned();
        self.glance(move |m| {
            m.manipulator()
                .ok_or_else(|| HalError::unsupported("manipulator"))?
                .saved(&name)
        })
        .await
    }

    pub async fn gas(&self) -> Result<Reading<GasState>, HalError> {
        self.glance(|m| m.gas().ok_or_else(|| HalError::unsupported("gas injection"))?.read())
            .await
    }

    /// The chamber camera's newest picture.
    pub async fn chamber_picture(&self) -> Result<Frame, HalError> {
        self.read(|m| {
            m.chamber()
                .ok_or_else(|| HalError::unsupported("chamber camera"))?
                .picture()
        })
        .await
    }

    pub async fn last_frame(&self, beam: Beam) -> Result<Option<Frame>, HalError> {
        self.read(move |m| m.imaging().ok_or_else(|| HalError::unsupported("imaging"))?.last(beam))
            .await
    }

    /// One key of the get/set table.
    pub async fn get(&self, key: Key, beam: Option<Beam>) -> Result<Value, HalError> {
        if let Some(values) = self.capabilities().choices(key) {
            return Ok(Value::List(values));
        }
        match key {
            Key::ManipulatorState => return Ok(Value::Bool(self.manipulator().await?.value.inserted)),
            Key::ManipulatorPosition => {
                let at = self.manipulator().await?.value.position;
                return Ok(Value::List([at.x, at.y, at.z, at.r, at.t].map(Value::Number).to_vec()));
            }
            _ => {}
        }
        self.glance(move |m| match (key.row().per_beam, beam) {
            (true, None) => Err(HalError::new(
                ErrorKind::OutOfRange,
                format!("`{key}` belongs to a beam and none was named; nothing was read"),
                "add beam=electron or beam=ion",
            )),
            (true, Some(beam)) => m
                .beam(beam)
                .ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))?
                .get(key),
            (false, _) => m.get(key),
        })
        .await
    }

    /// The twin's ground truth, for tests and the `truth` command; `None` on a real instrument.
    pub async fn truth(&self) -> Result<Option<serde_json::Value>, HalError> {
        self.read(|m| Ok(m.truth())).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Microscope) -> Result<T, HalError> + Send + 'static,
    ) -> Result<T, HalError> {
        let inner = self.0.clone();
        blocking(move || read(lock(&inner.microscope).as_mut())).await
    }

    /// As [`Scope::read`] for what an instrument in this process says at once: made right here then, unless somebody else speaks with it.
    async fn glance<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Microscope) -> Result<T, HalError> + Send + 'static,
    ) -> Result<T, HalError> {
        if let Ok(mut microscope) = self.0.microscope.try_lock()
            && microscope.is_at_hand()
        {
            return catch_unwind(AssertUnwindSafe(|| read(microscope.as_mut())))
                .unwrap_or_else(|_| Err(failed_inside()));
        }
        self.read(read).await
    }

    /// The red button: goes out at once, from any thread; every hand made before it can do nothing more.
    /// Whether it took is what [`Scope::confirm_stop`] finds out.
    pub fn stop(&self) -> Result<(), HalError> {
        lock(&self.0.aftermath).clear();
        self.0.presses.fetch_add(1, Ordering::SeqCst);
        let sent = self.0.stopper.stop();
        for flight in lock(&self.0.flights).iter() {
            flight.cancel.send_replace(true);
        }
        sent
    }

    /// What the press came to; waits two seconds at most for the instrument's word.
    pub async fn confirm_stop(&self, sent: bool) -> StopReport {
        let quiet = async {
            loop {
                let landed = self.0.landed.notified();
                if lock(&self.0.flights).is_empty() {
                    break;
                }
                landed.await;
            }
        };
        let _ = tokio::time::timeout(CONFIRM, quiet).await;
        let mut acts = std::mem::take(&mut *lock(&self.0.aftermath));
        acts.extend(
            lock(&self.0.flights)
                .iter()
                .map(|f| (f.what.clone(), StopOutcome::Unconfirmed)),
        );
        let at_rest = self.at_rest().await;
        if !at_rest || !sent {
            for (_, outcome) in &mut acts {
                if *outcome == StopOutcome::Halted {
                    *outcome = StopOutcome::Unconfirmed;
                }
            }
        }
        StopReport { sent, acts, at_rest }
    }

    /// Nothing draws, flows or moves: two reads in a row say idle and give the same place, for a controller's word alone is
    /// not enough.
    async fn at_rest(&self) -> bool {
        let mut before: Option<Rest> = None;
        for _ in 0..2 {
            tokio::time::sleep(POLL_OFTEN).await;
            let Ok(rest) = self.read(Rest::read).await else {
                return false;
            };
            if !rest.idle || before.is_some_and(|b| !b.is_same_place(&rest)) {
                return false;
            }
            before = Some(rest);
        }
        true
    }
}

/// What everything that moves, draws or flows says of itself; a part the instrument lacks is at rest.
struct Rest {
    idle: bool,
    stage: Option<Pose>,
    needle: Option<ManipulatorPosition>,
}

impl Rest {
    fn read(microscope: &mut dyn Microscope) -> Result<Rest, HalError> {
        let stage = microscope.stage().map(|s| s.read()).transpose()?;
        let needle = microscope.manipulator().map(|n| n.read()).transpose()?;
        let patterning = microscope.milling().map(|m| m.read()).transpose()?;
        let gas = microscope.gas().map(|g| g.read()).transpose()?;
        let idle = !stage.is_some_and(|s| s.value.moving)
            && !needle.as_ref().is_some_and(|n| n.value.moving)
            && !patterning
                .is_some_and(|p| matches!(p.value.phase, PatterningPhase::Running | PatterningPhase::Stopping))
            && !gas.is_some_and(|g| g.value.open() || g.value.sputtering.is_some());
        Ok(Rest {
            idle,
            stage: stage.map(|s| s.value.pose),
            needle: needle.map(|n| n.value.position),
        })
    }

    fn is_same_place(&self, other: &Rest) -> bool {
        let stage = self.stage.zip(other.stage).is_none_or(|(a, b)| a.is_close(&b, STILL));
        let needle = self.needle.as_ref().zip(other.needle.as_ref());
        stage && needle.is_none_or(|(a, b)| a.distance(b) < STILL)
    }
}

/// Runs a call that may take a while off the async threads; on a paused clock time stands still meanwhile.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, HalError> + Send + 'static,
) -> Result<T, HalError> {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(join) => Err(failed_inside().caused_by(join)),
    }
}

fn failed_inside() -> HalError {
    HalError::new(
        ErrorKind::Unknown,
        "the driver failed inside this call; what it did is not known",
        "read the instrument's state before you go on",
    )
}
