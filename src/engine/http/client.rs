//! A client of the web door: here from its first request until it has been silent for a while, and its turn to act.
//!
//! HTTP knows no sessions. A client that is silent for [`SILENCE`] is gone, and the control it had is free, as when a line ends.
//! What acts waits for its turn, in the order in which it came; whoever gives up waiting sends nothing. An act once sent goes on.

use super::gate::Bucket;
use super::order::Order;
use super::reply::Refusal;
use crate::command::Command;
use crate::core::lock;
use crate::link::{Ended, Link, Receipt, Request, gone};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedMutexGuard, mpsc::UnboundedSender};

/// A client that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// What waits for its turn at most.
const MOST_WAITING: usize = 64;
/// Requests of one client: so many at once, and so many a second.
const RATE: (f64, f64) = (20_000.0, 20_000.0);

/// Everybody who is here.
pub(super) struct Clients {
    here: Mutex<HashMap<String, Seen>>,
    engine: UnboundedSender<Request>,
    turn: Arc<tokio::sync::Mutex<()>>,
    waiting: AtomicUsize,
}

struct Seen {
    /// Requests under way.
    open: usize,
    last: Instant,
    rate: Bucket,
    /// Where its first request came from.
    from: IpAddr,
}

/// A request under way.
pub(super) struct Visit {
    clients: Arc<Clients>,
    name: String,
}

impl Clients {
    pub fn new(engine: UnboundedSender<Request>) -> Arc<Clients> {
        Arc::new(Clients {
            here: Mutex::default(),
            engine,
            turn: Arc::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    pub fn count(&self) -> usize {
        lock(&self.here).len()
    }

    /// Requests that wait for their turn to act.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// A request of that client begins.
    pub fn enter(self: &Arc<Clients>, name: &str, from: IpAddr) -> Result<Visit, Refusal> {
        let mut here = lock(&self.here);
        let seen = here.entry(name.to_owned()).or_insert_with(|| {
            self.tell(name, true, from);
            Seen {
                open: 0,
                last: Instant::now(),
                rate: Bucket::new(RATE),
                from,
            }
        });
        if !seen.rate.take() {
            return Err(Refusal::slow());
        }
        seen.open += 1;
        Ok(Visit {
            clients: self.clone(),
            name: name.to_owned(),
        })
    }

    fn tell(&self, name: &str, here: bool, from: IpAddr) {
        // an engine that has ended has nobody in control
        let _ = self.engine.send(Request::Client {
            name: name.to_owned(),
            here,
            pid: None,
            uid: None,
            from: Some(from.to_string()),
        });
    }

    /// Sees who is gone, until it is dropped.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            lock(&self.here).retain(|name, seen| {
                let stays = seen.open > 0 || seen.last.elapsed() < SILENCE;
                if !stays {
                    self.tell(name, false, seen.from);
                }
                stays
            });
        }
    }

    /// Waits until it is this request's turn to act.
    async fn turn(&self) -> Result<OwnedMutexGuard<()>, Refusal> {
        if self.waiting.fetch_add(1, Ordering::SeqCst) >= MOST_WAITING {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            return Err(Refusal::slow());
        }
        // also when the waiting is given up
        let _waits = Waits(&self.waiting);
        Ok(self.turn.clone().lock_owned().await)
    }

    /// Sends a command when its turn has come, and waits for its end, which nobody's leaving hastens. Called off before its turn it never
    /// begins.
    pub async fn act(&self, link: &Link, command: Command, mut order: Order) -> Result<Ended, Refusal> {
        let turn = tokio::select! {
            // whichever came first, an order that is called off does not begin
            biased;
            () = order.called_off() => return Ok(Err(hal::HalError::stopped().into())),
            turn = self.turn() => turn?,
        };
        let link = link.clone();
        let ended = tokio::spawn(async move {
            let ended = order.carry_out(link, command).await;
            drop(turn);
            ended
        });
        Ok(ended.await.unwrap_or_else(|_| Err(gone())))
    }

    /// Sends what takes long when its turn has come. Those after it are not kept waiting: the engine tells them what runs.
    pub async fn begin(&self, link: &Link, command: Command) -> Result<Receipt, Refusal> {
        let _turn = self.turn().await?;
        Ok(link.send(command))
    }
}

struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(seen) = lock(&self.clients.here).get_mut(&self.name) {
            seen.open = seen.open.saturating_sub(1);
            seen.last = Instant::now();
        }
    }
}
