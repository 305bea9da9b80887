//! Feeds a link from a line, and the line from the link.

use super::{Door, NoLine, broken};
use crate::command::Failure;
use crate::link::{Ended, Heard, Link, Request};
use crate::query::Reply;
use crate::serve::SILENCE;
use crate::snapshot::Snapshot;
use crate::wire::message::Answer;
use crate::wire::pixels::{Incoming, PIECE};
use crate::wire::{Hello, Kind, PROTOCOL, Said, Told, Welcome, WireError, packet};
use model::ErrorKind;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot, watch};
use tokio::time::timeout;

/// How long an engine may take to let somebody in; behind ssh a person may have to type a password first.
const WELCOME: Duration = Duration::from_secs(120);
/// Events kept for a slow listener in this process.
const BACKLOG: usize = 1024;

type Opened = Result<(Link, Welcome), NoLine>;

/// Opens the line, hands the link over, and pumps until it is hung up or cut.
pub(super) fn run(door: Door, hello: Hello, mut hung_up: watch::Receiver<bool>, ready: &SyncSender<Opened>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // who opens waits for exactly one word
            let _ = ready.send(Err(NoLine::Failed(broken(&error.to_string()))));
            return;
        }
    };
    runtime.block_on(async {
        let (mut read, mut write, _child) = match door.open().await {
            Ok(Some(((read, write), child))) => (read, write, child),
            Ok(None) => return drop(ready.send(Err(NoLine::NobodyThere))),
            Err(error) => return drop(ready.send(Err(NoLine::Failed(broken(&error.to_string()))))),
        };
        let (line, link, welcome) = match enter(&mut read, &mut write, &hello).await {
            Ok(entered) => entered,
            Err(failure) => return drop(ready.send(Err(NoLine::Failed(failure)))),
        };
        if ready.send(Ok((link, welcome))).is_err() {
            return;
        }
        tokio::select! {
            _ = hung_up.wait_for(|hung_up| *hung_up) => {}
            () = line.pump(read, write) => {}
        }
    });
    // nothing of ours needs its end: a read of a dead pipe must not keep the program
    runtime.shutdown_background();
}

/// Says hello and takes the first snapshot.
pub(crate) async fn enter(
    read: &mut (impl AsyncRead + Unpin),
    write: &mut (impl AsyncWrite + Unpin),
    hello: &Hello,
) -> Result<(Line, Link, Welcome), Failure> {
    let failed = |error: WireError| broken(&error.to_string());
    packet::say(write, hello).await.map_err(failed)?;
    let greeting = timeout(WELCOME, packet::greeting(read)).await;
    let welcome: Welcome = greeting.map_err(|_| broken("no answer in time"))?.map_err(failed)?;
    if let Some(refused) = welcome.refused {
        return Err(refused);
    }
    let mut first = Arc::new(Snapshot {
        instrument: welcome.instrument.clone(),
        ..Snapshot::default()
    });
    if welcome.protocol == PROTOCOL {
        let told = timeout(WELCOME, packet::read(read, packet::MOST_TOLD)).await;
        let told = told.map_err(|_| broken("no answer in time"))?.map_err(failed)?;
        let told = told.ok_or_else(|| broken("it ended at once"))?;
        match serde_json::from_slice(&told.body).map_err(|e| failed(e.into()))? {
            Told::Snapshot(snapshot) => first = snapshot,
            _ => return Err(broken("it does not begin with what is so")),
        }
    }
    let (line, link) = Line::new(first, &welcome.name);
    Ok((line, link, welcome))
}

/// What waits for its answer.
#[derive(Default)]
struct Waiting {
    ends: HashMap<u64, oneshot::Sender<Ended>>,
    replies: HashMap<u64, oneshot::Sender<Reply>>,
    pictures: HashMap<u64, Incoming>,
}

/// The line behind a link.
pub(crate) struct Line {
    requests: UnboundedReceiver<Request>,
    stops: UnboundedReceiver<()>,
    /// What the reading half has to say.
    says: (UnboundedSender<Said>, UnboundedReceiver<Said>),
    snapshots: watch::Sender<Arc<Snapshot>>,
    heard: broadcast::Sender<Heard>,
    presses: Arc<AtomicU64>,
    waiting: Mutex<Waiting>,
}

impl Line {
    fn new(first: Arc<Snapshot>, name: &str) -> (Line, Link) {
        let (requests, inbox) = unbounded_channel();
        let (stop, stops) = unbounded_channel();
        let presses = Arc::new(AtomicU64::new(first.presses));
        let (snapshots, newest) = watch::channel(first);
        let heard = broadcast::channel(BACKLOG).0;
        let pressed = presses.clone();
        let link = Link {
            requests,
            snapshots: newest,
            heard: heard.clone(),
            glance: None,
            presses: presses.clone(),
            stop: Arc::new(move |_| {
                // what this client sent before does not begin; what it sends from now on was sent after
                pressed.fetch_add(1, Ordering::SeqCst);
                let _ = stop.send(());
            }),
            name: name.to_owned(),
            folder: None,
        };
        let line = Line {
            requests: inbox,
            stops,
            says: unbounded_channel(),
            snapshots,
            heard,
            presses,
            waiting: Mutex::default(),
        };
        (line, link)
    }

    /// Both directions, until the line is cut or nobody holds the link any more.
    pub(crate) async fn pump(self, mut read: impl AsyncRead + Unpin, mut write: impl AsyncWrite + Unpin) {
        let Line {
            requests,
            stops,
            says: (said, says),
            snapshots,
            heard,
            presses,
            waiting,
        } = self;
        let reading = Reading {
            said,
            snapshots,
            heard,
            presses,
            waiting: &waiting,
        };
        let why = tokio::select! {
            ended = reading.run(&mut read) => ended,
            ended = write_all(&mut write, requests, stops, says, &waiting) => ended,
        };
        if let Err(error) = why {
            tracing::warn!(target: "line", "{error}");
        }
        let mut waiting = crate::core::lock(&waiting);
        for (_, end) in waiting.ends.drain() {
            // its asker may have gone
            let _ = end.send(Err(cut()));
        }
    }
}

fn cut() -> Failure {
    Failure::new(
        ErrorKind::NotConnected,
        "the line to the engine was cut; a command that had begun goes on there",
        "attach again and look what became of it (job.list)",
    )
}

/// The engine's words.
struct Reading<'a> {
    said: UnboundedSender<Said>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    heard: broadcast::Sender<Heard>,
    presses: Arc<AtomicU64>,
    waiting: &'a Mutex<Waiting>,
}

impl Reading<'_> {
    async fn run(&self, read: &mut (impl AsyncRead + Unpin)) -> Result<(), WireError> {
        while let Some(packet) = packet::read(read, packet::MOST_TOLD).await? {
            match packet.kind {
                kind if kind == Kind::Json as u8 => match serde_json::from_slice(&packet.body) {
                    Ok(told) => self.take(told),
                    // a newer engine's word: whatever changed is in its next snapshot
                    Err(error) => {
                        tracing::debug!(target: "line", %error, "not understood");
                        self.say(Said::Again);
                    }
                },
                kind if kind == Kind::Pixels as u8 => self.piece(&packet.body)?,
                _ => {}
            }
        }
        Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
    }

    fn say(&self, said: Said) {
        // the writing half has ended: so has the line
        let _ = self.said.send(said);
    }

    fn take(&self, told: Told) {
        match told {
            Told::Snapshot(snapshot) => self.newest(snapshot),
            Told::Event(event) => {
                let mut now = self.snapshots.borrow().clone();
                match event.seq {
                    seq if seq <= now.seq => return,
                    seq if seq > now.seq + 1 => return self.say(Said::Again),
                    _ => Arc::make_mut(&mut now).apply(&event),
                }
                self.newest(now);
                // nobody listening is fine: the snapshot has it
                let _ = self.heard.send(Heard::Event(event));
            }
            Told::Pulse(pulse) => {
                let mut now = self.snapshots.borrow().clone();
                Arc::make_mut(&mut now).pulse(&pulse);
                self.newest(now);
                let _ = self.heard.send(Heard::Pulse(pulse));
            }
            Told::Ended { id, end } => {
                if let Some(waiting) = crate::core::lock(self.waiting).ends.remove(&id) {
                    let _ = waiting.send(end);
                }
            }
            Told::Reply { id, reply } => self.reply(id, reply),
            Told::Unknown { text } => tracing::warn!(target: "line", "the engine does not understand: {text}"),
        }
    }

    fn newest(&self, snapshot: Arc<Snapshot>) {
        self.presses.fetch_max(snapshot.presses, Ordering::SeqCst);
        self.snapshots.send_replace(snapshot);
    }

    fn reply(&self, id: u64, answer: Answer) {
        let mut waiting = crate::core::lock(self.waiting);
        let reply = match answer {
            Answer::Snapshot(snapshot) => Reply::Snapshot(snapshot),
            Answer::Gone { file } => Reply::Gone { file },
            Answer::Preview(verdict) => Reply::Preview(verdict),
            Answer::Frame(head) => match Incoming::new(*head) {
                Some(incoming) => {
                    waiting.pictures.insert(id, incoming);
                    drop(waiting);
                    return self.finish(id);
                }
                None => Reply::Gone { file: None },
            },
        };
        if let Some(sender) = waiting.replies.remove(&id) {
            let _ = sender.send(reply);
        }
    }

    fn piece(&self, body: &[u8]) -> Result<(), WireError> {
        let Some((id, piece)) = body.split_first_chunk::<8>().filter(|(_, p)| p.len() <= PIECE) else {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        };
        let id = u64::from_le_bytes(*id);
        if let Some(incoming) = crate::core::lock(self.waiting).pictures.get_mut(&id) {
            incoming.take(piece);
        }
        self.say(Said::Got {
            bytes: piece.len() as u64,
        });
        self.finish(id);
        Ok(())
    }

    /// Hands a picture over once it is whole.
    fn finish(&self, id: u64) {
        let mut waiting = crate::core::lock(self.waiting);
        if !waiting.pictures.get(&id).is_some_and(Incoming::is_whole) {
            return;
        }
        let frame = waiting.pictures.remove(&id).and_then(Incoming::frame);
        if let Some(sender) = waiting.replies.remove(&id) {
            let reply = frame.map_or(Reply::Gone { file: None }, |frame| Reply::Frame(Arc::new(frame)));
            let _ = sender.send(reply);
        }
    }
}

/// Our words, stop first.
async fn write_all(
    write: &mut (impl AsyncWrite + Unpin),
    mut requests: UnboundedReceiver<Request>,
    mut stops: UnboundedReceiver<()>,
    mut says: UnboundedReceiver<Said>,
    waiting: &Mutex<Waiting>,
) -> Result<(), WireError> {
    let mut next = 1;
    let mut here = tokio::time::interval(SILENCE / 4);
    loop {
        let said = tokio::select! {
            biased;
            Some(()) = stops.recv() => Said::Stop,
            Some(said) = says.recv() => said,
            request = requests.recv() => match request {
                Some(Request::Run { asked, ended }) => {
                    next += 1;
                    crate::core::lock(waiting).ends.insert(next, ended);
                    Said::Run { id: next, presses: asked.presses, command: asked.command }
                }
                Some(Request::Ask { query, reply }) => {
                    next += 1;
                    crate::core::lock(waiting).replies.insert(next, reply);
                    Said::Ask { id: next, query }
                }
                // an engine's own business
                Some(Request::Stopped { .. } | Request::Client { .. }) => continue,
                Some(Request::End) | None => return Ok(()),
            },
            _ = here.tick() => Said::Here,
        };
        packet::say(write, &said).await?;
    }
}
