//! The daemon's side of the line: who may come in, and what each client is told.
//!
//! `hold` is the lock that keeps a second engine off the instrument, `socket` the way in, `client` one client from its greeting
//! to its end. Nothing here decides what a command does: it goes to the engine under the client's name, as from memory. A
//! client can be as slow or as hostile as it likes: the engine never waits for one.

mod client;
pub mod hold;
pub mod socket;

pub(crate) use client::SILENCE;
pub use hold::Hold;

use crate::command::Failure;
use crate::core::Engine;
use crate::link::{Link, Request};
use crate::wire::Hello;
use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::traits::tokio::Listener as _;
use model::config::Paths;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};

/// Clients at one time.
const MOST_CLIENTS: usize = 64;

/// Where clients are let in.
pub struct Server {
    listener: Listener,
    desk: Desk,
    access: socket::Access,
}

/// What all clients share. Clones are the same desk.
#[derive(Clone)]
pub struct Desk {
    link: Link,
    names: Arc<Mutex<BTreeSet<String>>>,
}

/// A client's name while it is here.
struct Name {
    desk: Desk,
    name: String,
    from: socket::Peer,
}

impl Name {
    /// Says that the client is here, or gone, so that it is written down and its control is free.
    fn tell(&self, here: bool) {
        // an engine that has ended has nobody in control
        let _ = self.desk.link.requests.send(Request::Client {
            name: self.name.clone(),
            here,
            pid: self.from.pid,
            uid: self.from.uid,
            from: None,
        });
    }
}

impl Desk {
    pub fn new(engine: &Engine) -> Desk {
        Desk::on(engine.link("daemon"))
    }

    pub(crate) fn on(link: Link) -> Desk {
        Desk {
            link,
            names: Arc::default(),
        }
    }

    /// Serves one client to its end. `from`: what the system says of who it is.
    pub async fn client(
        &self,
        read: impl AsyncRead + Unpin + Send,
        write: impl AsyncWrite + Unpin + Send,
        from: &socket::Peer,
    ) {
        client::client(self, read, write, from).await;
    }

    /// `ann/console`, or `ann/console-2` where that one is here already; `None` when the house is full.
    fn name(&self, hello: &Hello, from: &socket::Peer) -> Option<Name> {
        let mut names = crate::core::lock(&self.names);
        if names.len() >= MOST_CLIENTS {
            return None;
        }
        let word = |text: &str| -> String { model::text::printable(text.trim()).chars().take(40).collect() };
        let who = [word(&hello.user), word(&hello.name)];
        let who: Vec<&str> = who.iter().map(String::as_str).filter(|w| !w.is_empty()).collect();
        let mut wanted = who.join("/");
        if let Some(mark) = from.stranger() {
            wanted = format!("{wanted} ({mark})");
        }
        let name = std::iter::once(wanted.clone())
            .chain((2..).map(|n| format!("{wanted}-{n}")))
            .find(|name| !names.contains(name))?;
        names.insert(name.clone());
        let name = Name {
            desk: self.clone(),
            name,
            from: from.clone(),
        };
        name.tell(true);
        Some(name)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        crate::core::lock(&self.desk.names).remove(&self.name);
        self.tell(false);
    }
}

impl Server {
    /// Opens the way in. To be called on a runtime; the engine stays the caller's.
    pub fn open(engine: &Engine, paths: &Paths, access: socket::Access) -> Result<Server, Failure> {
        Ok(Server {
            listener: socket::listen(paths, &access)?,
            desk: Desk::new(engine),
            access,
        })
    }

    /// Lets clients in until it is dropped.
    pub async fn run(self) {
        loop {
            let stream = match self.listener.accept().await {
                Ok(stream) => stream,
                Err(error) => {
                    // out of file handles, most likely: those who are here go on
                    tracing::warn!(%error, "a client could not be let in");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            };
            let desk = self.desk.clone();
            match socket::Peer::of(&stream, &self.access) {
                Ok(peer) => {
                    tokio::spawn(async move {
                        let (read, write) = tokio::io::split(stream);
                        desk.client(read, write, &peer).await;
                    });
                }
                Err(why) => tracing::warn!("a client was turned away: {why}"),
            }
        }
    }
}
