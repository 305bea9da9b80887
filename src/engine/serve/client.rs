//! One client, from its greeting to its end.
//!
//! Two halves run side by side: what it says is read at once and handed to the engine; what it is told is written as fast as
//! it takes it. What is news goes before pictures. Who falls so far behind that events are lost gets a snapshot instead.

use super::socket::Peer;
use super::{Desk, Name};
use crate::command::{Command, Failure, Lane, READS, parse};
use crate::link::{Asked, Heard, Request};
use crate::query::{Query, Reply};
use crate::wire::message::Answer;
use crate::wire::pixels::{self, Window};
use crate::wire::{self, Hello, Kind, PROTOCOL, Packet, Said, Told, Welcome, WireError, packet};
use model::{Danger, ErrorKind, Frame};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot};
use tokio::time::timeout;

/// How long a greeting may take.
const GREETING: Duration = Duration::from_secs(10);
/// A client that says nothing for so long is gone: it says at least [`Said::Here`] four times in that time.
pub(crate) const SILENCE: Duration = Duration::from_secs(20);
/// What one client may have asked for and not yet been answered.
const MOST_OPEN: usize = 256;

/// What the writing half is given.
enum Out {
    Told(Told),
    Picture { id: u64, frame: Arc<Frame> },
    Got(u64),
}

/// Serves a client to its end.
pub(super) async fn client(
    desk: &Desk,
    mut read: impl AsyncRead + Unpin + Send,
    mut write: impl AsyncWrite + Unpin + Send,
    from: &Peer,
) {
    let hello: Hello = match timeout(GREETING, packet::greeting(&mut read)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(error)) => return tracing::debug!(%error, "no greeting"),
        Err(_) => return tracing::debug!("no greeting in time"),
    };
    let name = desk.name(&hello, from);
    let same = hello.protocol == PROTOCOL;
    let welcome = Welcome {
        protocol: PROTOCOL,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        name: name.as_ref().map(|n| n.name.clone()).unwrap_or_default(),
        instrument: desk.link.snapshot().instrument.clone(),
        refused: name.is_none().then(full_house),
    };
    if packet::say(&mut write, &welcome).await.is_err() {
        return;
    }
    let Some(name) = name else { return };
    tracing::info!(target: "client", "{} came (protocol {}, process {:?}, account {:?})", name.name, hello.protocol, from.pid, from.uid);
    let (out, outbox) = unbounded_channel();
    let open = Arc::new(AtomicUsize::new(0));
    let reader = Reader {
        name: &name,
        only_reads: hello.read_only || !same,
        out,
        open: open.clone(),
    };
    let why = tokio::select! {
        ended = reader.run(&mut read) => ended,
        ended = write_all(desk, &mut write, outbox, &open, same) => ended,
    };
    match why {
        Ok(()) => tracing::info!(target: "client", "{} left", name.name),
        Err(error) => tracing::info!(target: "client", "{} is gone: {error}", name.name),
    }
}

fn full_house() -> Failure {
    Failure::new(
        ErrorKind::Busy,
        format!("{} clients are here already", super::MOST_CLIENTS),
        "close one of them",
    )
}

struct Reader<'a> {
    name: &'a Name,
    only_reads: bool,
    out: UnboundedSender<Out>,
    /// Asked for and not yet answered.
    open: Arc<AtomicUsize>,
}

impl Reader<'_> {
    async fn run(&self, read: &mut (impl AsyncRead + Unpin)) -> Result<(), WireError> {
        loop {
            let packet = timeout(SILENCE, packet::read(read, packet::MOST_SAID)).await;
            let packet = packet.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
            let Some(Packet { kind, body }) = packet else {
                return Ok(());
            };
            if kind != Kind::Json as u8 {
                continue;
            }
            match serde_json::from_slice(&body) {
                Ok(said) => self.take(said)?,
                // a newer client's word, or nonsense: it is told, and the rest goes on
                Err(error) => self.tell(Told::Unknown {
                    text: error.to_string(),
                })?,
            }
        }
    }

    fn take(&self, said: Said) -> Result<(), WireError> {
        match said {
            Said::Run { id, presses, command } => self.run_command(id, presses, command),
            Said::Ask { id, query } => self.ask(id, query),
            Said::Stop => {
                (self.name.desk.link.stop)(&self.name.name);
                Ok(())
            }
            Said::Again => self.tell(Told::Snapshot(self.name.desk.link.snapshot())),
            Said::Got { bytes } => self.send(Out::Got(bytes)),
            Said::Here => Ok(()),
        }
    }

    /// To the writing half, which ends only with the client.
    fn send(&self, out: Out) -> Result<(), WireError> {
        self.out
            .send(out)
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe).into())
    }

    fn tell(&self, told: Told) -> Result<(), WireError> {
        self.counted()?;
        self.send(Out::Told(told))
    }

    /// One more to be answered; who asks without end and reads nothing is shown out.
    fn counted(&self) -> Result<(), WireError> {
        if self.open.fetch_add(1, Ordering::SeqCst) >= MOST_OPEN {
            return Err(std::io::Error::other("it asked for more than it reads").into());
        }
        Ok(())
    }

    fn run_command(&self, id: u64, presses: u64, command: Command) -> Result<(), WireError> {
        if let Err(failure) = self.may(&command) {
            return self.tell(Told::Ended { id, end: Err(failure) });
        }
        self.counted()?;
        let (sender, ended) = oneshot::channel();
        let asked = Asked {
            command,
            by: self.name.name.clone(),
            presses,
        };
        let gone = self
            .name
            .desk
            .link
            .requests
            .send(Request::Run { asked, ended: sender })
            .is_err();
        let out = self.out.clone();
        tokio::spawn(async move {
            let end = match ended.await {
                Ok(end) if !gone => end,
                _ => Err(crate::link::gone()),
            };
            // the client may have gone: the command was carried out all the same
            let _ = out.send(Out::Told(Told::Ended { id, end }));
        });
        Ok(())
    }

    fn may(&self, command: &Command) -> Result<(), Failure> {
        let row = parse::find(&command.name)?;
        if !self.only_reads || READS.contains(&row.name) {
            return Ok(());
        }
        let verb = match (row.danger, row.lane) {
            (Danger::None, Lane::Now) => "changes what others see",
            _ => "acts on the instrument",
        };
        Err(Failure::new(
            ErrorKind::NotAuthorised,
            format!("this console only watches and `{}` {verb}; nothing was sent", row.name),
            "attach without --read-only, with a fibdeck of the daemon's version",
        ))
    }

    fn ask(&self, id: u64, query: Query) -> Result<(), WireError> {
        self.counted()?;
        let query = match query {
            // who asks is who is here, whatever they say
            Query::Preview { command, .. } => Query::Preview {
                command,
                by: self.name.name.clone(),
            },
            other => other,
        };
        let (sender, reply) = oneshot::channel();
        let gone = self
            .name
            .desk
            .link
            .requests
            .send(Request::Ask { query, reply: sender })
            .is_err();
        let out = self.out.clone();
        tokio::spawn(async move {
            let answer = match reply.await {
                Ok(reply) if !gone => reply,
                _ => Reply::Gone { file: None },
            };
            let answer = match answer {
                Reply::Snapshot(snapshot) => Answer::Snapshot(snapshot),
                Reply::Gone { file } => Answer::Gone { file },
                Reply::Preview(verdict) => Answer::Preview(verdict),
                Reply::Frame(frame) => {
                    let _ = out.send(Out::Picture { id, frame });
                    return;
                }
            };
            let _ = out.send(Out::Told(Told::Reply { id, reply: answer }));
        });
        Ok(())
    }
}

/// A picture on its way.
struct Sending {
    id: u64,
    frame: Arc<Frame>,
    at: usize,
}

/// Tells the client everything it is to hear, until the line ends. Who speaks another protocol is told the ends of its own commands.
async fn write_all(
    desk: &Desk,
    write: &mut (impl AsyncWrite + Unpin),
    mut outbox: UnboundedReceiver<Out>,
    open: &AtomicUsize,
    news: bool,
) -> Result<(), WireError> {
    // heard before the snapshot is taken: no event falls between the two
    let mut heard = desk.link.listen();
    let mut seq = 0;
    if news {
        seq = snapshot(desk, write).await?;
    }
    let mut window = Window::default();
    let mut pictures: VecDeque<Sending> = VecDeque::new();
    loop {
        tokio::select! {
            biased;
            out = outbox.recv() => match out {
                // the other half has ended
                None => return Ok(()),
                Some(Out::Told(told)) => {
                    open.fetch_sub(1, Ordering::SeqCst);
                    packet::say(write, &told).await?;
                }
                Some(Out::Picture { id, frame }) => {
                    let reply = Answer::Frame(Box::new(pixels::head(&frame)));
                    packet::say(write, &Told::Reply { id, reply }).await?;
                    pictures.push_back(Sending { id, frame, at: 0 });
                }
                Some(Out::Got(bytes)) => window.got(bytes, Instant::now()),
            },
            item = heard.recv(), if news => tell(desk, write, item, &mut seq).await?,
            () = std::future::ready(()), if window.has_room() && !pictures.is_empty() => {
                if let Some(sending) = pictures.front_mut() {
                    let piece = pixels::piece(&sending.frame.pixels, sending.at);
                    if piece.is_empty() {
                        open.fetch_sub(1, Ordering::SeqCst);
                        pictures.pop_front();
                        continue;
                    }
                    sending.at += piece.len();
                    window.sent(piece.len() as u64, Instant::now());
                    wire::packet::write(write, Kind::Pixels, &[&sending.id.to_le_bytes(), &piece]).await?;
                }
            },
        }
    }
}

async fn snapshot(desk: &Desk, write: &mut (impl AsyncWrite + Unpin)) -> Result<u64, WireError> {
    let snapshot = desk.link.snapshot();
    let seq = snapshot.seq;
    packet::say(write, &Told::Snapshot(snapshot)).await?;
    Ok(seq)
}

async fn tell(
    desk: &Desk,
    write: &mut (impl AsyncWrite + Unpin),
    item: Result<Heard, broadcast::error::RecvError>,
    seq: &mut u64,
) -> Result<(), WireError> {
    match item {
        // in the snapshot already
        Ok(Heard::Event(event)) if event.seq <= *seq => Ok(()),
        Ok(Heard::Event(event)) => {
            *seq = event.seq;
            packet::say(write, &Told::Event(event)).await
        }
        Ok(Heard::Pulse(pulse)) => packet::say(write, &Told::Pulse(pulse)).await,
        Err(RecvError::Lagged(_)) => {
            *seq = snapshot(desk, write).await?;
            Ok(())
        }
        // the engine has ended, and the line with it
        Err(RecvError::Closed) => Err(std::io::Error::other("the engine has ended").into()),
    }
}
