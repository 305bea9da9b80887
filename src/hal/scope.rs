//! The one door to the instrument.
//!
//! [`Hand::act`] is the only way to change anything: it claims what the act needs, reads fresh state, asks the interlock,
//! writes the intent, acts, follows the ticket, writes the outcome. The act is driven by a task of its own, so a dropped
//! future never loses an outcome. Reads go through [`Scope`]; they change nothing. [`Scope::stop`] waits for nothing.

use crate::act::{Act, Outcome, Resource};
use crate::interlock::{self, Readings};
use crate::{Clock, HalError, Microscope, Progress, Reading, Stopper, Ticket};
use model::{Beam, BeamState, Capabilities, ChamberState, ErrorKind, Frame, Geometry, Identity, Key, Limits, StageState, StopOutcome, StopReport, Value};
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
    stopper: Arc<dyn Stopper>,
    clock: Arc<dyn Clock>,
    log: Arc<dyn ActLog>,
    next: AtomicU64,
    /// How often stop was pressed: a hand from before the press can do nothing more.
    presses: AtomicU64,
    flights: Mutex<Vec<Flight>>,
    landed: Notify,
    /// What ended since the last press.
    aftermath: Mutex<Vec<(String, StopOutcome)>>,
}

/// An act under way.
struct Flight {
    id: ActId,
    what: String,
    by: String,
    claims: Vec<Resource>,
    background: bool,
    cancel: watch::Sender<bool>,
}

/// Somebody's right to act: a job, a command, a background stream.
#[derive(Clone)]
pub struct Hand {
    scope: Scope,
    presses: u64,
    by: String,
    background: bool,
    cancel: watch::Receiver<bool>,
}

/// Ends whatever the hand has under way and refuses what it would begin.
#[derive(Clone)]
pub struct Release(Arc<watch::Sender<bool>>);

impl Release {
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }
}

/// Position error (m, rad) within which a stage counts as arrived.
const ARRIVED_M: f64 = 1e-6;
const ARRIVED_RAD: f64 = 1e-4;
/// Way (m, rad) that a stage at rest may show between two reads: the last digit of its encoders.
const STILL: f64 = 1e-8;
/// How long (s) after its ticket is done a stage may take to read as settled.
const SETTLE: f64 = 5.0;
const POLL_FIRST: Duration = Duration::from_millis(10);
/// Polls in a row that may go unanswered.
const DEAF: u32 = 20;
const POLL_MOST: Duration = Duration::from_millis(100);
/// How long a stop waits for confirmation before it says so.
const CONFIRM: Duration = Duration::from_secs(2);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // a panic inside a driver must not take the stop button with it
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scope {
    /// Takes the instrument over. `limits` is the configuration's word; it can only narrow the driver's.
    pub fn new(microscope: Box<dyn Microscope>, limits: Option<Limits>, clock: Arc<dyn Clock>, log: Arc<dyn ActLog>) -> Scope {
        let mut capabilities = microscope.capabilities();
        if let (Some(stage), Some(limits)) = (capabilities.stage.as_mut(), limits) {
            stage.limits = stage.limits.narrow(&limits);
        }
        Scope(Arc::new(Inner {
            identity: microscope.identity(),
            geometry: microscope.geometry(),
            stopper: microscope.stopper(),
            capabilities,
            microscope: Mutex::new(microscope),
            clock,
            log,
            next: AtomicU64::new(1),
            presses: AtomicU64::new(0),
            flights: Mutex::new(Vec::new()),
            landed: Notify::new(),
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
        (Hand { scope: self.clone(), presses, by, background, cancel }, Release(Arc::new(sender)))
    }

    pub async fn stage(&self) -> Result<Reading<StageState>, HalError> {
        self.read(|m| m.stage().ok_or_else(|| HalError::unsupported("stage"))?.read()).await
    }

    pub async fn beam(&self, beam: Beam) -> Result<Reading<BeamState>, HalError> {
        self.read(move |m| m.beam(beam).ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))?.read()).await
    }

    pub async fn chamber(&self) -> Result<Reading<ChamberState>, HalError> {
        self.read(|m| m.chamber().ok_or_else(|| HalError::unsupported("chamber control"))?.read()).await
    }

    /// The chamber camera's newest picture.
    pub async fn chamber_picture(&self) -> Result<Frame, HalError> {
        self.read(|m| m.chamber().ok_or_else(|| HalError::unsupported("chamber camera"))?.picture()).await
    }

    pub async fn last_frame(&self, beam: Beam) -> Result<Option<Frame>, HalError> {
        self.read(move |m| m.imaging().ok_or_else(|| HalError::unsupported("imaging"))?.last(beam)).await
    }

    /// One key of the get/set table.
    pub async fn get(&self, key: Key, beam: Option<Beam>) -> Result<Value, HalError> {
        self.read(move |m| match (key.row().per_beam, beam) {
            (true, None) => Err(HalError::new(ErrorKind::OutOfRange, format!("`{key}` belongs to a beam and none was named; nothing was read"), "add beam=electron or beam=ion")),
            (true, Some(beam)) => m.beam(beam).ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))?.get(key),
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
        acts.extend(lock(&self.0.flights).iter().map(|f| (f.what.clone(), StopOutcome::Unconfirmed)));
        let at_rest = self.0.capabilities.stage.is_none() || self.at_rest().await;
        if !at_rest || !sent {
            for (_, outcome) in &mut acts {
                if *outcome == StopOutcome::Halted {
                    *outcome = StopOutcome::Unconfirmed;
                }
            }
        }
        StopReport { sent, acts, at_rest }
    }

    /// Two reads in a row say idle and give the same place: a controller's word alone is not enough.
    async fn at_rest(&self) -> bool {
        let mut before: Option<StageState> = None;
        for _ in 0..2 {
            tokio::time::sleep(POLL_MOST).await;
            let Ok(state) = self.stage().await else { return false };
            if state.value.moving || before.is_some_and(|b| !b.pose.is_close(&state.value.pose, STILL)) {
                return false;
            }
            before = Some(state.value);
        }
        true
    }
}

impl Hand {
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn by(&self) -> &str {
        &self.by
    }

    /// A hand as old as this one that its cancel does not reach, to put back what cancelled work had changed. Stop ends it too.
    pub fn afterwards(&self) -> Hand {
        Hand { cancel: watch::channel(false).1, ..self.clone() }
    }

    /// The hand was cancelled, or stop was pressed after it was made.
    pub fn is_ended(&self) -> bool {
        *self.cancel.borrow() || self.scope.0.presses.load(Ordering::SeqCst) != self.presses
    }

    /// Does `act` and waits for its end. Refusals (limits, interlock, busy, stopped) come back before anything is sent.
    pub async fn act(&self, act: Act) -> Result<Outcome, HalError> {
        self.act_watched(act, |_, _| {}).await
    }

    /// As [`Hand::act`], telling `watch` the fraction done and the seconds that remain, where the instrument says.
    pub async fn act_watched(
        &self,
        act: Act,
        watch: impl Fn(Option<f64>, Option<f64>) + Send + Sync + 'static,
    ) -> Result<Outcome, HalError> {
        let hand = self.clone();
        // a task of its own: the caller may be dropped, the outcome is still seen and written
        match tokio::spawn(async move { hand.drive(act, &watch).await }).await {
            Ok(result) => result,
            Err(join) => Err(HalError::new(ErrorKind::Unknown, "the act's driver failed inside; its outcome is not known", "read the instrument's state before you go on").caused_by(join)),
        }
    }

    async fn drive(&self, act: Act, watch: &(dyn Fn(Option<f64>, Option<f64>) + Send + Sync)) -> Result<Outcome, HalError> {
        let act = act.canonical();
        let inner = &self.scope.0;
        let id = inner.next.fetch_add(1, Ordering::SeqCst);
        let mut cancelled = self.claim(id, &act).await?;
        let mut sent = false;
        let result = self.carry_out(id, &act, &mut cancelled, watch, &mut sent).await;
        let stopped = inner.presses.load(Ordering::SeqCst) != self.presses;
        let what = act.describe();
        {
            let mut flights = lock(&inner.flights);
            flights.retain(|f| f.id != id);
            if stopped {
                lock(&inner.aftermath).push((what, aftermath(sent, &result)));
            }
        }
        inner.landed.notify_waiters();
        result
    }

    /// Claims the act's resources: Busy by name if another foreground act holds one, background acts are sent away.
    async fn claim(&self, id: ActId, act: &Act) -> Result<watch::Receiver<bool>, HalError> {
        let inner = &self.scope.0;
        let claims = act.claims();
        loop {
            let landed = inner.landed.notified();
            {
                let mut flights = lock(&inner.flights);
                let mut waiting = false;
                for flight in flights.iter().filter(|f| f.claims.iter().any(|c| claims.contains(c))) {
                    if self.background || !flight.background {
                        let resource = flight.claims.iter().find(|c| claims.contains(c)).map_or("instrument", |c| c.word());
                        return Err(HalError::new(
                            ErrorKind::Busy,
                            format!("the {resource} is in use: {} ({}); nothing was sent", flight.what, flight.by),
                            "wait for its end, or stop it",
                        ));
                    }
                    flight.cancel.send_replace(true);
                    waiting = true;
                }
                if !waiting {
                    let (cancel, cancelled) = watch::channel(false);
                    flights.push(Flight { id, what: act.describe(), by: self.by.clone(), claims, background: self.background, cancel });
                    return Ok(cancelled);
                }
            }
            landed.await;
        }
    }

    async fn carry_out(
        &self,
        id: ActId,
        act: &Act,
        cancelled: &mut watch::Receiver<bool>,
        watch: &(dyn Fn(Option<f64>, Option<f64>) + Send + Sync),
        sent: &mut bool,
    ) -> Result<Outcome, HalError> {
        let inner = &self.scope.0;
        let begun = {
            let (hand, act, inner) = (self.clone(), act.clone(), inner.clone());
            blocking(move || {
                let mut microscope = lock(&inner.microscope);
                if hand.is_ended() {
                    return Err(HalError::new(ErrorKind::Stopped, format!("stopped before it began: {}; nothing was sent", act.describe()), "start it again when it is safe"));
                }
                let now = readings(microscope.as_mut(), &act)?;
                for warning in interlock::check(&act, &now, &inner.capabilities)? {
                    inner.log.warning(id, &act, &warning);
                }
                inner.log.intent(id, &hand.by, &act)?;
                let begun = begin(microscope.as_mut(), &act, &now);
                if hand.scope.0.presses.load(Ordering::SeqCst) != hand.presses {
                    // stop was pressed between the check and the order: it went out before what it was to stop
                    let _ = inner.stopper.stop();
                }
                Ok(begun)
            })
            .await?
        };
        *sent = true;
        // from here an intent is written, so an outcome must be
        let result = match begun {
            Ok(Begun::Done(outcome)) => Ok(outcome),
            Ok(Begun::Under(ticket)) => self.follow(act, ticket, cancelled, watch).await,
            Err(error) => Err(error),
        };
        let (inner, by, act, result2) = (inner.clone(), self.by.clone(), act.clone(), result.clone());
        blocking(move || {
            inner.log.outcome(id, &by, &act, &result2);
            Ok(())
        })
        .await?;
        result
    }

    /// Polls the ticket to its end; a cancel is passed on once and the true end is waited for.
    async fn follow(
        &self,
        act: &Act,
        ticket: Ticket,
        cancelled: &mut watch::Receiver<bool>,
        watch: &(dyn Fn(Option<f64>, Option<f64>) + Send + Sync),
    ) -> Result<Outcome, HalError> {
        let clock = self.scope.0.clock.clone();
        let deadline = clock.now() + patience(act);
        let mut mine = self.cancel.clone();
        let mut asked = false;
        let mut deaf: u32 = 0;
        let mut pause = POLL_FIRST;
        loop {
            match self.scope.read(move |m| m.poll(ticket)).await {
                Ok(Progress::Pending { fraction, remaining }) => {
                    deaf = 0;
                    watch(fraction, remaining);
                }
                Ok(Progress::Done) => break,
                Ok(Progress::Failed(error)) => return Err(error),
                Ok(Progress::Unknown) => return Err(in_doubt(act)),
                // polling changes nothing, so a lost answer is asked for again before the outcome is called unknown
                Err(error) if matches!(error.kind, ErrorKind::Timeout | ErrorKind::NotConnected) && deaf < DEAF => {
                    tracing::debug!(%error, "a poll was not answered");
                    deaf += 1;
                }
                Err(error) => return Err(in_doubt(act).caused_by(error)),
            }
            if clock.now() > deadline {
                let _ = self.scope.read(move |m| m.cancel(ticket)).await;
                return Err(HalError::new(
                    ErrorKind::Timeout,
                    format!("not finished in {:.0} s: {}; it was told to end", patience(act), act.describe()),
                    "look at the instrument; what it reached is shown in the status line",
                ));
            }
            let wanted = *cancelled.borrow() || *mine.borrow();
            if wanted && !asked {
                asked = true;
                if let Err(error) = self.scope.read(move |m| m.cancel(ticket)).await {
                    tracing::debug!(%error, "a cancel was not answered");
                    asked = false;
                }
            }
            if asked {
                tokio::time::sleep(pause).await;
            } else {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    Ok(()) = cancelled.changed() => {}
                    Ok(()) = mine.changed() => {}
                }
            }
            pause = (pause * 3 / 2).min(POLL_MOST);
        }
        self.gather(act, ticket).await
    }

    /// The outcome of a ticket that is done.
    async fn gather(&self, act: &Act, ticket: Ticket) -> Result<Outcome, HalError> {
        match act {
            Act::Acquire { .. } => self
                .scope
                .read(move |m| m.imaging().ok_or_else(|| HalError::unsupported("imaging"))?.take(ticket))
                .await
                .map(|frame| Outcome::Frame(Box::new(frame))),
            Act::StageTo { target } => self.settle(target).await,
            Act::StageHome => Ok(Outcome::Stage(self.scope.stage().await?.value.pose)),
            Act::Pump | Act::Vent => Ok(Outcome::Chamber(self.scope.chamber().await?.value)),
            Act::PlasmaGas { beam, .. } => Ok(Outcome::Beam(Box::new(self.scope.beam(*beam).await?.value))),
            _ => Ok(Outcome::Done),
        }
    }

    /// Settled means settled: two idle reads in a row, at the place that was asked for.
    async fn settle(&self, target: &model::StagePosition) -> Result<Outcome, HalError> {
        let clock = self.scope.0.clock.clone();
        let deadline = clock.now() + SETTLE;
        let mut idle_before = false;
        loop {
            let state = self.scope.stage().await?.value;
            let error = miss(target, &state.pose);
            if !state.moving && error.is_none() && idle_before {
                return Ok(Outcome::Stage(state.pose));
            }
            if clock.now() > deadline {
                let detail = error.unwrap_or_else(|| "it still moves".to_owned());
                return Err(HalError::new(ErrorKind::Unknown, format!("the stage ended its move but did not settle: {detail}"), "read its position before you go on"));
            }
            idle_before = !state.moving && error.is_none();
            tokio::time::sleep(POLL_FIRST).await;
        }
    }
}

fn in_doubt(act: &Act) -> HalError {
    HalError::new(
        ErrorKind::Unknown,
        format!("the instrument cannot say whether it finished: {}", act.describe()),
        "read its state before you go on",
    )
}

/// Which axis missed its target and by how much.
fn miss(target: &model::StagePosition, pose: &model::Pose) -> Option<String> {
    use model::Axis;
    Axis::ALL.into_iter().find_map(|axis| {
        let want = target.get(axis)?;
        let off = if axis == Axis::R {
            model::kinematics::angles::difference(want, pose.get(axis))
        } else {
            (want - pose.get(axis)).abs()
        };
        let most = if axis.is_angle() { ARRIVED_RAD } else { ARRIVED_M };
        (off > most).then(|| {
            let unit = if axis.is_angle() { model::Unit::Radian } else { model::Unit::Metre };
            format!("{} is {} away", axis.name(), model::units::format(off, unit))
        })
    })
}

/// What a press of stop made of an act. An order that the instrument refused was never started.
fn aftermath(sent: bool, result: &Result<Outcome, HalError>) -> StopOutcome {
    use ErrorKind::{Busy, Interlock, OutOfRange, Stopped, Unsupported};
    match result {
        Ok(_) => StopOutcome::RanToCompletion,
        Err(_) if !sent => StopOutcome::NeverStarted,
        Err(e) if e.kind == Stopped => StopOutcome::Halted,
        Err(e) if matches!(e.kind, Interlock | OutOfRange | Busy | Unsupported) => StopOutcome::NeverStarted,
        Err(_) => StopOutcome::Unconfirmed,
    }
}

/// Longest time (instrument seconds) an act may take.
fn patience(act: &Act) -> f64 {
    match act {
        Act::StageTo { .. } => 300.0,
        Act::StageHome => 900.0,
        Act::Acquire { settings } => 60.0 + 3.0 * settings.beam_time(),
        Act::PlasmaGas { .. } | Act::Pump | Act::Vent => 3600.0,
        _ => 60.0,
    }
}

/// Fresh state of just those parts that the act's rules look at.
fn readings(microscope: &mut dyn Microscope, act: &Act) -> Result<Readings, HalError> {
    let mut now = Readings::default();
    if matches!(act, Act::StageTo { .. } | Act::Acquire { .. })
        && let Some(stage) = microscope.stage()
    {
        now.stage = Some(stage.read()?.value);
    }
    if matches!(act, Act::Acquire { .. } | Act::Vent) {
        if let Some(beam) = microscope.beam(Beam::Electron) {
            now.electron = Some(beam.read()?.value);
        }
        if let Some(beam) = microscope.beam(Beam::Ion) {
            now.ion = Some(beam.read()?.value);
        }
    }
    if let Some(chamber) = microscope.chamber() {
        now.chamber = Some(chamber.read()?.value);
    }
    Ok(now)
}

enum Begun {
    Done(Outcome),
    Under(Ticket),
}

/// Sends the act. Moves leave as absolute targets of every axis.
fn begin(microscope: &mut dyn Microscope, act: &Act, now: &Readings) -> Result<Begun, HalError> {
    let column = |m: &mut dyn Microscope, beam: Beam, key: Key, value: &Value| -> Result<Begun, HalError> {
        let column = m.beam(beam).ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))?;
        column.set(key, value).map(|v| Begun::Done(Outcome::Value(v)))
    };
    match act {
        Act::StageTo { target } => {
            let from = now.stage.ok_or_else(|| HalError::unsupported("stage"))?.pose;
            let stage = microscope.stage().ok_or_else(|| HalError::unsupported("stage"))?;
            stage.begin_move(target.resolve(from)).map(Begun::Under)
        }
        Act::StageHome => {
            microscope.stage().ok_or_else(|| HalError::unsupported("stage"))?.begin_home().map(Begun::Under)
        }
        Act::StageLink { on } => {
            let linked = microscope.stage().ok_or_else(|| HalError::unsupported("stage"))?.link(*on)?;
            Ok(Begun::Done(Outcome::Value(Value::Bool(linked))))
        }
        Act::BeamPower { beam, on } => column(microscope, *beam, Key::On, &Value::Bool(*on)),
        Act::BeamBlank { beam, on } => column(microscope, *beam, Key::Blanked, &Value::Bool(*on)),
        Act::BeamSet { beam, key, value } => column(microscope, *beam, *key, value),
        Act::SystemSet { key, value } => microscope.set(*key, value).map(|v| Begun::Done(Outcome::Value(v))),
        Act::PlasmaGas { beam, gas } => {
            let column = microscope.beam(*beam).ok_or_else(|| HalError::unsupported(&format!("{beam} beam")))?;
            column.begin_plasma_gas(gas).map(Begun::Under)
        }
        Act::Acquire { settings } => {
            microscope.imaging().ok_or_else(|| HalError::unsupported("imaging"))?.begin(settings).map(Begun::Under)
        }
        Act::Pump => microscope.chamber().ok_or_else(|| HalError::unsupported("pump control"))?.begin_pump().map(Begun::Under),
        Act::Vent => microscope.chamber().ok_or_else(|| HalError::unsupported("vent control"))?.begin_vent().map(Begun::Under),
    }
}

/// Runs a call that may take a while off the async threads; on a paused clock time stands still meanwhile.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> Result<T, HalError> + Send + 'static) -> Result<T, HalError> {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(join) => Err(HalError::new(ErrorKind::Unknown, "the driver failed inside this call; what it did is not known", "read the instrument's state before you go on").caused_by(join)),
    }
}
