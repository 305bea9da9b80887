//! A hand: somebody's right to act, and how an act is claimed, sent, followed and written.

use super::order::{self, Begun};
use super::{ActId, Flight, POLL_FIRST, POLL_LEAST, POLL_MOST, POLL_OFTEN, Scope, blocking, lock};
use crate::act::{Act, Hold, Outcome, Resource};
use crate::interlock::{self, Readings};
use crate::{HalError, Progress, Ticket};
use model::{ErrorKind, StopOutcome};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Somebody's right to act: a job, a command, a background stream.
#[derive(Clone)]
pub struct Hand {
    pub(super) scope: Scope,
    pub(super) presses: u64,
    pub(super) by: String,
    pub(super) background: bool,
    pub(super) cancel: watch::Receiver<bool>,
}

/// Ends whatever the hand has under way and refuses what it would begin.
#[derive(Clone)]
pub struct Release(pub(super) Arc<watch::Sender<bool>>);

impl Release {
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }
}

/// How long polls may go unanswered before the outcome is called unknown.
const DEAF: Duration = Duration::from_secs(10);

impl Hand {
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn by(&self) -> &str {
        &self.by
    }

    /// A hand as old as this one that its cancel does not reach, to put back what cancelled work had changed. Stop ends it too.
    pub fn afterwards(&self) -> Hand {
        Hand {
            cancel: watch::channel(false).1,
            ..self.clone()
        }
    }

    /// A hand that this one's end ends too, with an end of its own: for a part of the work that may be cut short.
    pub fn child(&self) -> (Hand, Release) {
        let (sender, cancel) = watch::channel(*self.cancel.borrow());
        let (sender, mut parent) = (Arc::new(sender), self.cancel.clone());
        let passed_on = sender.clone();
        tokio::spawn(async move {
            tokio::select! {
                // an error: the parent can end no more
                Ok(_) = parent.wait_for(|cancelled| *cancelled) => { passed_on.send_replace(true); }
                () = passed_on.closed() => {}
            }
        });
        let hand = Hand { cancel, ..self.clone() };
        (hand, Release(sender))
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
            Err(join) => Err(HalError::new(
                ErrorKind::Unknown,
                "the act's driver failed inside; its outcome is not known",
                "read the instrument's state before you go on",
            )
            .caused_by(join)),
        }
    }

    async fn drive(
        &self,
        act: Act,
        watch: &(dyn Fn(Option<f64>, Option<f64>) + Send + Sync),
    ) -> Result<Outcome, HalError> {
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
                for flight in flights.iter() {
                    let Some(resource) = contested(&flight.claims, &claims) else {
                        continue;
                    };
                    if self.background || !flight.background {
                        return Err(HalError::new(
                            ErrorKind::Busy,
                            format!(
                                "the {} is in use: {} ({}); nothing was sent",
                                resource.word(),
                                flight.what,
                                flight.by
                            ),
                            "wait for its end, or stop it",
                        ));
                    }
                    flight.cancel.send_replace(true);
                    waiting = true;
                }
                if !waiting {
                    let (cancel, cancelled) = watch::channel(false);
                    flights.push(Flight {
                        id,
                        what: act.describe(),
                        by: self.by.clone(),
                        claims,
                        background: self.background,
                        cancel,
                    });
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
                    return Err(HalError::new(
                        ErrorKind::Stopped,
                        format!("stopped before it began: {}; nothing was sent", act.describe()),
                        "start it again when it is safe",
                    ));
                }
                let now = Readings {
                    memory: *lock(&inner.memory),
                    ..order::readings(microscope.as_mut(), &act, &inner.capabilities)?
                };
                for warning in interlock::check(&act, &now, &inner.capabilities)? {
                    inner.log.warning(id, &act, &warning);
                }
                inner.log.intent(id, &hand.by, &act)?;
                let begun = order::begin(microscope.as_mut(), &act, &now);
                if begun.is_ok() {
                    lock(&inner.memory).sent(&act, &now, &inner.capabilities);
                }
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
        if matches!((act, &result), (Act::PatternStart { .. }, Err(_)))
            && let Ok(state) = self.scope.patterning().await
        {
            inner.log.evidence(id, &state.value);
        }
        let (inner, by, act) = (inner.clone(), self.by.clone(), act.clone());
        blocking(move || {
            inner.log.outcome(id, &by, &act, &result);
            result
        })
        .await
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
        let deadline = clock.now() + order::patience(act);
        let mut mine = self.cancel.clone();
        let mut asked = false;
        // what is waited for, since when; and since when nothing was heard
        let (mut since, mut deaf) = (Instant::now(), None);
        loop {
            let mut left = None;
            match self.scope.read(move |m| m.poll(ticket)).await {
                Ok(Progress::Pending { fraction, remaining }) => {
                    deaf = None;
                    left = remaining;
                    watch(fraction, remaining);
                }
                Ok(Progress::Done) => break,
                Ok(Progress::Failed(error)) => return Err(error),
                Ok(Progress::Unknown) => return Err(in_doubt(act)),
                // polling changes nothing, so a lost answer is asked for again before the outcome is called unknown
                Err(error)
                    if matches!(error.kind, ErrorKind::Timeout | ErrorKind::NotConnected)
                        && deaf.get_or_insert_with(Instant::now).elapsed() < DEAF =>
                {
                    tracing::debug!(%error, "a poll was not answered");
                }
                Err(error) => return Err(in_doubt(act).caused_by(error)),
            }
            if clock.now() > deadline {
                let _ = self.scope.read(move |m| m.cancel(ticket)).await;
                return Err(HalError::new(
                    ErrorKind::Timeout,
                    format!(
                        "not finished in {:.0} s: {}; it was told to end",
                        order::patience(act),
                        act.describe()
                    ),
                    "look at the instrument; what it reached is shown in the status line",
                ));
            }
            let wanted = *cancelled.borrow() || *mine.borrow();
            if wanted && !asked {
                match self.scope.read(move |m| m.cancel(ticket)).await {
                    Ok(()) => {
                        (asked, since) = (true, Instant::now());
                        continue;
                    }
                    Err(error) => tracing::debug!(%error, "a cancel was not answered"),
                }
            }
            let pause = match deaf {
                None => pause(since.elapsed(), left.map(|seconds| seconds / clock.speed())),
                Some(_) => POLL_OFTEN,
            };
            if asked {
                tokio::time::sleep(pause).await;
            } else {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    Ok(()) = cancelled.changed() => {}
                    Ok(()) = mine.changed() => {}
                }
            }
        }
        self.gather(act, ticket).await
    }
}

/// How long to wait before the next look at what is under way for `elapsed`: a hundredth of that, a second at most. Not past the end
/// that the instrument foretells (`left`, s of the runtime), which may be wrong.
fn pause(elapsed: Duration, left: Option<f64>) -> Duration {
    let (pause, least) = match elapsed < POLL_OFTEN {
        true => ((elapsed / 2).max(POLL_FIRST), POLL_LEAST),
        false => ((elapsed / 100).clamp(POLL_OFTEN, POLL_MOST), POLL_OFTEN),
    };
    match left.map(Duration::try_from_secs_f64) {
        Some(Ok(left)) => pause.min(left.max(least)),
        _ => pause,
    }
}

/// A resource that both want and at least one wants alone.
fn contested(held: &[(Resource, Hold)], wanted: &[(Resource, Hold)]) -> Option<Resource> {
    held.iter()
        .find(|(resource, hold)| {
            wanted
                .iter()
                .any(|(r, h)| r == resource && (*h == Hold::Alone || *hold == Hold::Alone))
        })
        .map(|(resource, _)| *resource)
}

fn in_doubt(act: &Act) -> HalError {
    HalError::new(
        ErrorKind::Unknown,
        format!("the instrument cannot say whether it finished: {}", act.describe()),
        "read its state before you go on",
    )
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
