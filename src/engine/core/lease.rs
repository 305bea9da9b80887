//! Jogging: one step under way, and at most one that waits for its end. The newest step has the waiting place, and goes only
//! if it came within the last 300 ms: a key that was let go moves nothing more, however many repeats it sent.

use super::job::{busy, run_job};
use super::{Core, lock};
use crate::command::{CommandRow, Failure};
use crate::link::{Asked, Ended};
use hal::Clock;
use model::ErrorKind;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// Seconds of the instrument's clock that a step is still wanted after it was asked for.
const LEASE: f64 = 0.3;

#[derive(Default)]
pub(crate) struct Lease(Mutex<Option<Held>>);

/// Somebody's step is under way.
struct Held {
    by: String,
    waiting: Option<Waiting>,
}

struct Waiting {
    since: f64,
    turn: oneshot::Sender<Turn>,
}

/// What became of a step that waited.
enum Turn {
    Go,
    Replaced,
    Lapsed,
    /// The step before it did not end well.
    Over,
}

impl Lease {
    pub fn is_held(&self) -> bool {
        lock(&self.0).is_some()
    }

    /// Begins a lease, or takes the waiting place of the one that `by` has. An error is the name of somebody else who has it.
    fn enter(&self, by: &str, now: f64) -> Result<Option<oneshot::Receiver<Turn>>, String> {
        let mut held = lock(&self.0);
        match held.as_mut() {
            None => {
                *held = Some(Held {
                    by: by.to_owned(),
                    waiting: None,
                });
                Ok(None)
            }
            Some(held) if held.by == by => {
                let (turn, wait) = oneshot::channel();
                if let Some(before) = held.waiting.replace(Waiting { since: now, turn }) {
                    // its asker may have gone
                    let _ = before.turn.send(Turn::Replaced);
                }
                Ok(Some(wait))
            }
            Some(held) => Err(held.by.clone()),
        }
    }

    /// A step has ended: who waits goes on, if that is still wanted; else nobody jogs any more.
    fn leave(&self, now: f64, well: bool) {
        let mut held = lock(&self.0);
        let waiting = held.as_mut().and_then(|held| held.waiting.take());
        let gone = match waiting {
            Some(Waiting { since, turn }) if well && now - since <= LEASE => turn.send(Turn::Go).is_err(),
            Some(Waiting { turn, .. }) => {
                let _ = turn.send(if well { Turn::Lapsed } else { Turn::Over });
                true
            }
            None => true,
        };
        if gone {
            *held = None;
        }
    }
}

/// Holds the lease for one step.
struct Step<'a> {
    core: &'a Core,
    well: bool,
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.core.lease.leave(self.core.clock.now(), self.well);
    }
}

/// One step, now or in its turn.
pub(crate) async fn step(core: &Arc<Core>, row: &'static CommandRow, asked: Asked) -> Ended {
    let waiting = core
        .lease
        .enter(&asked.by, core.clock.now())
        .map_err(|by| busy(&format!("{} by {by}", row.name)))?;
    let waited = waiting.is_some();
    if let Some(turn) = waiting {
        match turn.await.unwrap_or(Turn::Over) {
            Turn::Go => {}
            Turn::Replaced => return Ok(json!({ "moved": false, "why": "a newer step took its place" })),
            Turn::Lapsed => return Ok(json!({ "moved": false, "why": "the key was let go before its turn" })),
            Turn::Over => {
                core.unless_stopped(asked.presses)?;
                return Err(Failure::new(
                    ErrorKind::Stopped,
                    "the step before it did not end well; nothing was sent",
                    "look at the stage before you jog on",
                ));
            }
        }
    }
    let mut held = Step { core, well: false };
    if waited && core.snapshot().control.as_deref() != Some(asked.by.as_str()) {
        return Err(Failure::new(
            ErrorKind::Busy,
            "control went to somebody else; nothing more was sent",
            "take it over openly with control.take",
        ));
    }
    let ended = run_job(core, row, asked).await;
    held.well = ended.is_ok();
    ended
}
