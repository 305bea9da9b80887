//! A journal played as if it happened now: a [`Link`] whose engine is a recording. Commands are refused, pictures come from
//! their files where these are still there.

use crate::command::Failure;
use crate::event::{Event, Pulse, Sequenced};
use crate::journal::{self, Entry};
use crate::link::{Heard, Link, Request};
use crate::query::{Query, Reply};
use crate::snapshot::Snapshot;
use model::{ErrorKind, Frame, Notice, Severity};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{broadcast, watch};

/// Nothing happens for no longer than this, s.
const LONGEST: f64 = 3.0;
/// Events kept for a slow listener.
const BACKLOG: usize = 1024;

/// A recording that plays. Dropping it ends it.
pub struct Replay {
    link: Link,
    end: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What there is to play.
struct Tape {
    first: Snapshot,
    events: Vec<Arc<Sequenced>>,
    /// What could not be read.
    note: Option<Notice>,
}

impl Tape {
    fn read(path: &Path) -> Result<Tape, Failure> {
        let read = journal::read(path)?;
        let mut first = Snapshot::default();
        let mut events = Vec::new();
        for (_, entry) in read.entries {
            match entry {
                Entry::Opened { first: opened, .. } => first = *opened,
                Entry::Event { event } => events.push(event),
                _ => {}
            }
        }
        if events.is_empty() {
            return Err(Failure::usage(
                "there is nothing in it to play",
                "journals are in the folder `journal` of the data folder",
            ));
        }
        let note = match (read.damaged.len(), read.torn) {
            (0, false) => None,
            (0, true) => Some(Notice::new(
                Severity::Info,
                "the engine of this journal ended by a crash",
            )),
            (n, _) => Some(Notice::new(
                Severity::Warning,
                format!("{n} lines of this journal are damaged"),
            )),
        };
        Ok(Tape { first, events, note })
    }
}

impl Replay {
    /// Plays the journal at `path`, `speed` times as fast as it happened; long silences are cut short. Infinite = at once.
    pub fn open(path: &Path, speed: f64) -> Result<Replay, Failure> {
        let tape = Tape::read(path)?;
        let (requests, inbox) = unbounded_channel();
        let (snapshots, newest) = watch::channel(Arc::new(tape.first.clone()));
        let heard = broadcast::channel(BACKLOG).0;
        let (end, ended) = watch::channel(false);
        let link = Link {
            requests,
            snapshots: newest,
            heard: heard.clone(),
            stop: Arc::new(|_| tracing::info!(target: "stop", "this is a recording: nothing moves")),
            glance: None,
            presses: Arc::default(),
            name: "replay".to_owned(),
            folder: None,
        };
        let player = Player { snapshots, heard };
        let thread = std::thread::Builder::new()
            .name("replay".to_owned())
            .spawn(move || player.run(tape, speed, inbox, ended))
            .map_err(|e| Failure::new(ErrorKind::Other, "the recording could not be started", e.to_string()))?;
        Ok(Replay {
            link,
            end,
            thread: Some(thread),
        })
    }

    pub fn link(&self) -> Link {
        self.link.clone()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.end.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Player {
    snapshots: watch::Sender<Arc<Snapshot>>,
    heard: broadcast::Sender<Heard>,
}

impl Player {
    fn run(self, tape: Tape, speed: f64, inbox: UnboundedReceiver<Request>, mut ended: watch::Receiver<bool>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            tokio::select! {
                _ = ended.wait_for(|ended| *ended) => {}
                () = self.play(tape, speed) => {}
                () = self.answer(inbox) => {}
            }
        });
        runtime.shutdown_background();
    }

    async fn play(&self, tape: Tape, speed: f64) {
        let mut time = tape.first.time;
        for event in tape.events {
            let gap = ((event.time - time) / speed).clamp(0.0, LONGEST);
            time = event.time;
            if gap > 0.0 {
                tokio::time::sleep(Duration::from_secs_f64(gap)).await;
            }
            self.show(event);
        }
        let end = Notice::new(Severity::Info, "the recording has ended").hint("`q` leaves it");
        for notice in tape.note.into_iter().chain([end]) {
            let now = self.snapshots.borrow().clone();
            self.show(Arc::new(Sequenced {
                seq: now.seq + 1,
                time,
                event: Event::Raised { id: u64::MAX, notice },
            }));
        }
        std::future::pending::<()>().await;
    }

    fn show(&self, event: Arc<Sequenced>) {
        let mut now = self.snapshots.borrow().clone();
        let changed = Arc::make_mut(&mut now);
        changed.apply(&event);
        // what is shown was as fresh as it was then
        changed.pulse(&Pulse::Alive {
            time: event.time,
            read: event.time,
        });
        self.snapshots.send_replace(now);
        // nobody listening is fine: the snapshot has it
        let _ = self.heard.send(Heard::Event(event));
    }

    async fn answer(&self, mut inbox: UnboundedReceiver<Request>) {
        while let Some(request) = inbox.recv().await {
            match request {
                Request::Run { ended, .. } => {
                    let _ = ended.send(Err(recording()));
                }
                Request::Ask { query, reply } => {
                    let answer = self.reply(query).await;
                    // the asker may have gone
                    let _ = reply.send(answer);
                }
                Request::Stopped { .. } | Request::Client { .. } | Request::End => {}
            }
        }
    }

    async fn reply(&self, query: Query) -> Reply {
        let now = self.snapshots.borrow().clone();
        match query {
            Query::Snapshot => Reply::Snapshot(now),
            Query::Preview { .. } => Reply::Preview(Err(recording())),
            Query::Frame { id, most } => {
                let mut frames = now.frames.iter().chain(now.live_frames.iter().flatten());
                let Some(file) = frames.find(|f| f.id == id).and_then(|f| f.file.clone()) else {
                    return Reply::Gone { file: None };
                };
                let path = file.clone();
                let loaded = tokio::task::spawn_blocking(move || Frame::load(Path::new(&path))).await;
                match loaded {
                    Ok(Ok(loaded)) => Reply::Frame(crate::core::reduced(&Arc::new(loaded.frame), most)),
                    _ => Reply::Gone { file: Some(file) },
                }
            }
        }
    }
}

fn recording() -> Failure {
    Failure::new(
        ErrorKind::Unsupported,
        "this is a recording: nothing was sent",
        "`q` leaves it",
    )
}
