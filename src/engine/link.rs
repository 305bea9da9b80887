//! A client's end of the line to an engine.
//!
//! In memory it is fed by the engine itself, over a line by [`crate::remote`]: one type, so that no client can tell. Nothing here blocks: commands are sent and their end is
//! awaited, the newest snapshot is always at hand, and stop has a way of its own that waits for nothing.

use crate::command::{Command, Failure};
use crate::event::{Pulse, Sequenced};
use crate::query::{Query, Reply};
use crate::snapshot::Snapshot;
use futures::future::BoxFuture;
use model::ErrorKind;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// How a command ended.
pub type Ended = Result<Value, Failure>;

/// A command, who asked for it, and how often stop had been pressed when it left: a later press is for it, too.
pub(crate) struct Asked {
    pub command: Command,
    pub by: String,
    pub presses: u64,
}

/// What an engine receives.
pub(crate) enum Request {
    Run {
        asked: Asked,
        ended: oneshot::Sender<Ended>,
    },
    Ask {
        query: Query,
        reply: oneshot::Sender<Reply>,
    },
    /// The red button was pressed (and went out, if `sent`): find out what it came to.
    Stopped { by: String, sent: bool },
    /// A client of a line is here, or gone: its control is free then, and nothing else changes.
    Client {
        name: String,
        here: bool,
        pid: Option<u32>,
        uid: Option<u32>,
        /// Where it comes from, where that is not this machine's socket.
        from: Option<String>,
    },
    /// The process is ending.
    End,
}

/// What subscribers hear.
#[derive(Clone, Debug)]
pub enum Heard {
    Event(Arc<Sequenced>),
    Pulse(Pulse),
}

/// The red button's own way to the engine.
pub(crate) type StopButton = Arc<dyn Fn(&str) + Send + Sync>;

/// The short way to what only looks; nothing where a command has to go the usual way.
pub(crate) type Glance = Arc<dyn Fn(&Command, &str) -> Option<BoxFuture<'static, Ended>> + Send + Sync>;

#[derive(Clone)]
pub struct Link {
    pub(crate) requests: mpsc::UnboundedSender<Request>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) heard: broadcast::Sender<Heard>,
    pub(crate) stop: StopButton,
    /// Where the engine lives in this process.
    pub(crate) glance: Option<Glance>,
    pub(crate) presses: Arc<AtomicU64>,
    pub(crate) name: String,
    /// Where relative paths count from, if not from where the engine is.
    pub(crate) folder: Option<Arc<Path>>,
}

/// A command that was sent.
pub struct Receipt {
    ended: oneshot::Receiver<Ended>,
}

impl Receipt {
    /// Waits for the one end that every command has.
    pub async fn ended(self) -> Ended {
        self.ended.await.unwrap_or_else(|_| Err(gone()))
    }
}

pub(crate) fn gone() -> Failure {
    Failure::new(
        ErrorKind::NotConnected,
        "the engine has ended; nothing was sent",
        "start fibdeck again",
    )
}

impl Link {
    /// The same line under another client's name (journal, Busy refusals, control).
    pub fn named(&self, name: impl Into<String>) -> Link {
        Link {
            name: name.into(),
            ..self.clone()
        }
    }

    /// The same line for one order that came now and may wait before it is sent, or be sent in steps: stop pressed from now on is for all of it.
    pub(crate) fn as_of_now(&self) -> Link {
        Link {
            presses: Arc::new(AtomicU64::new(self.presses.load(Ordering::SeqCst))),
            ..self.clone()
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a command.
    pub fn send(&self, command: Command) -> Receipt {
        let command = match &self.folder {
            Some(folder) => command.from_folder(folder),
            None => command,
        };
        let (sender, ended) = oneshot::channel();
        // a closed engine drops the sender, and the receipt then says so
        let _ = self.requests.send(Request::Run {
            asked: Asked {
                command,
                by: self.name.clone(),
                presses: self.presses.load(Ordering::SeqCst),
            },
            ended: sender,
        });
        Receipt { ended }
    }

    /// Sends a command and waits for its end.
    pub async fn run(&self, command: Command) -> Ended {
        self.send(command).ended().await
    }

    /// Runs a command that only looks: on the caller's own thread where the engine lives in this process, so that an answer costs no
    /// change of threads; sent like any other elsewhere.
    pub(crate) async fn look(&self, command: Command) -> Ended {
        let near = self.glance.as_ref().and_then(|glance| glance(&command, &self.name));
        match near {
            Some(ended) => ended.await,
            None => self.run(command).await,
        }
    }

    pub async fn ask(&self, query: Query) -> Result<Reply, Failure> {
        let (sender, reply) = oneshot::channel();
        self.requests
            .send(Request::Ask { query, reply: sender })
            .map_err(|_| gone())?;
        reply.await.map_err(|_| gone())
    }

    /// The red button: waits for nothing, ahead of everything. What was sent before it and has not begun does not begin.
    pub fn stop(&self) {
        (self.stop)(&self.name);
    }

    /// What is so now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// Wakes on every change of the snapshot; always the newest.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Every event and pulse from now on; a slow listener is told how many it missed.
    pub fn listen(&self) -> broadcast::Receiver<Heard> {
        self.heard.subscribe()
    }
}
