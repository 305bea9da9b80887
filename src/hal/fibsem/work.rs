//! What takes its time: requests that block are made on threads of their own; a ticket follows one, a watched value is the
//! last answer with its age.

use crate::{Clock, HalError, Progress, Reading, Ticket};
use model::{Beam, ErrorKind, Frame, Pose};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A read waits this long for its answer before the last value is given instead...
const PATIENCE: Duration = Duration::from_millis(100);
/// ...so long as that is not older than this (s): the interlock decides on nothing older.
const STALE: f64 = 1.0;
/// Ends that are remembered.
const REMEMBERED: usize = 64;

/// What a ticket works at.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Move(Pose),
    Picture(Beam),
    Pattern,
    Home,
    Spot,
    Needle,
    Injector,
    Vacuum,
}

impl What {
    pub fn moves_stage(&self) -> bool {
        matches!(self, What::Move(_) | What::Home)
    }
}

/// Work under way.
pub(super) struct Running {
    pub ticket: u64,
    pub what: What,
    /// Clock seconds.
    pub begun: f64,
    /// How long it is expected to take, s.
    pub expected: Option<f64>,
    /// It was told to end.
    pub cancelled: bool,
    presses: u64,
    answer: Receiver<Result<Option<Frame>, HalError>>,
}

/// Work that came to an end.
pub(super) struct Ended {
    pub ticket: u64,
    pub what: What,
    pub result: Result<Option<Frame>, HalError>,
    /// Stop, or a cancel, came while it was under way.
    pub stopped: bool,
}

/// Connections of this process so far.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// What the red button, on whatever thread it is pressed, shares with the work under way.
#[derive(Default)]
pub(super) struct Button {
    /// How often it was pressed.
    presses: AtomicU64,
    /// The names of the orders that went out, or are about to, and have not come back.
    orders: Mutex<Vec<String>>,
}

impl Button {
    /// From here on nothing that was begun before is sent any more.
    pub fn press(&self) {
        self.presses.fetch_add(1, Ordering::SeqCst);
    }

    fn presses(&self) -> u64 {
        self.presses.load(Ordering::SeqCst)
    }

    /// What may be on its way still, and reach the instrument after the stop did.
    pub fn orders(&self) -> Vec<String> {
        self.names().clone()
    }

    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All tickets of a connection.
pub(super) struct Works {
    clock: Arc<dyn Clock>,
    /// Tells this connection's orders from all others of its client.
    name: String,
    next: u64,
    button: Arc<Button>,
    running: Vec<Running>,
    ended: Vec<(u64, Progress, Option<Frame>)>,
}

impl Works {
    pub fn new(clock: Arc<dyn Clock>) -> Works {
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Works {
            clock,
            name: format!("{}-{connection}", std::process::id()),
            next: 1,
            button: Arc::default(),
            running: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub fn button(&self) -> &Arc<Button> {
        &self.button
    }

    /// What the order of a ticket is called, to be called off by.
    pub fn order(&self, ticket: u64) -> String {
        format!("{}-{ticket}", self.name)
    }

    /// What the next ticket's order will be called.
    pub fn upcoming(&self) -> String {
        self.order(self.next)
    }

    /// Does `work` on a thread of its own, unless the red button is pressed before it gets to it: stop has a connection of its own, and
    /// what it overtakes must not begin behind it. `expected`: s, where it can be said.
    pub fn begin(
        &mut self,
        what: What,
        expected: Option<f64>,
        work: impl FnOnce() -> Result<Option<Frame>, HalError> + Send + 'static,
    ) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        // the name before the count: a press between the two calls off what the count would let go
        self.button.names().push(self.order(ticket));
        let presses = self.button.presses();
        let button = self.button.clone();
        self.running.push(Running {
            ticket,
            what,
            begun: self.clock.now(),
            expected,
            cancelled: false,
            presses,
            answer: aside(move || {
                if button.presses() == presses {
                    work()
                } else {
                    Err(HalError::stopped())
                }
            }),
        });
        Ticket(ticket)
    }

    pub fn running(&self) -> impl Iterator<Item = &Running> {
        self.running.iter()
    }

    pub fn find(&mut self, ticket: Ticket) -> Option<&mut Running> {
        self.running.iter_mut().find(|r| r.ticket == ticket.0)
    }

    /// What ended since the last look; each must be told to [`Works::end`].
    pub fn arrived(&mut self) -> Vec<Ended> {
        let presses = self.button.presses();
        let mut arrived = Vec::new();
        self.running.retain(|running| {
            let result = match running.answer.try_recv() {
                Ok(result) => result,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => Err(broken()),
            };
            arrived.push(Ended {
                ticket: running.ticket,
                what: running.what.clone(),
                result,
                stopped: running.cancelled || running.presses != presses,
            });
            false
        });
        let back: Vec<String> = arrived.iter().map(|end: &Ended| self.order(end.ticket)).collect();
        self.button.names().retain(|name| !back.contains(name));
        arrived
    }

    pub fn end(&mut self, ticket: u64, progress: Progress, frame: Option<Frame>) {
        if self.ended.len() >= REMEMBERED {
            self.ended.remove(0);
        }
        self.ended.push((ticket, progress, frame));
    }

    /// How a ticket stands; what is under way is followed by the clock, for the server tells no progress.
    pub fn progress(&self, ticket: Ticket) -> Result<Progress, HalError> {
        if let Some((_, end, _)) = self.ended.iter().find(|(t, ..)| *t == ticket.0) {
            return Ok(end.clone());
        }
        let running = self.running.iter().find(|r| r.ticket == ticket.0);
        let running = running.ok_or_else(|| unknown(ticket))?;
        let spent = self.clock.now() - running.begun;
        let expected = running.expected.filter(|s| *s > 0.0);
        Ok(Progress::Pending {
            fraction: expected.map(|s| (spent / s).clamp(0.0, 0.99)),
            remaining: expected.map(|s| (s - spent).max(0.0)),
        })
    }

    /// The picture of a ticket that is done; once.
    pub fn take(&mut self, ticket: Ticket) -> Result<Frame, HalError> {
        self.ended
            .iter_mut()
            .find(|(t, ..)| *t == ticket.0)
            .and_then(|(_, _, frame)| frame.take())
            .ok_or_else(|| unknown(ticket))
    }
}

fn unknown(ticket: Ticket) -> HalError {
    HalError::new(
        ErrorKind::Protocol,
        format!("nothing is known of ticket {}", ticket.0),
        "read the instrument's state",
    )
}

fn broken() -> HalError {
    HalError::new(
        ErrorKind::Unknown,
        "the request failed inside this program; what the instrument did is not known",
        "read its state before you go on",
    )
}

/// `work` on a thread of its own.
fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (sender, answer) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        // nobody may be waiting any more
        let _ = sender.send(work());
    });
    answer
}

type Answer<T> = Result<(T, f64), HalError>;

/// A value that is asked for again and again.
pub(super) struct Watched<T> {
    last: Option<(T, f64)>,
    late: Option<Receiver<Answer<T>>>,
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Watched { last: None, late: None }
    }
}

impl<T: Clone + Send + 'static> Watched<T> {
    /// The answer, or where it is late the last one with its age, if that is still good to decide on.
    pub fn read(
        &mut self,
        clock: &Arc<dyn Clock>,
        ask: impl FnOnce() -> Result<T, HalError> + Send + 'static,
    ) -> Result<Reading<T>, HalError> {
        let asked = clock.clone();
        let answer = self.late.take().unwrap_or_else(|| {
            aside(move || {
                let value = ask()?;
                Ok((value, asked.now()))
            })
        });
        let fresh = match answer.recv_timeout(PATIENCE) {
            Ok(fresh) => fresh,
            Err(RecvTimeoutError::Disconnected) => Err(broken()),
            Err(RecvTimeoutError::Timeout) => {
                let age = self.last.as_ref().map(|(_, at)| clock.now() - at);
                match (&self.last, age) {
                    (Some((value, _)), Some(age)) if age <= STALE => {
                        let value = value.clone();
                        self.late = Some(answer);
                        return Ok(Reading { value, age });
                    }
                    _ => answer.recv().unwrap_or_else(|_| Err(broken())),
                }
            }
        };
        let (value, at) = fresh?;
        self.last = Some((value.clone(), at));
        Ok(Reading {
            value,
            age: (clock.now() - at).max(0.0),
        })
    }

    /// Something was changed: what is known, or on its way, is from before.
    pub fn forget(&mut self) {
        *self = Watched::default();
    }
}
