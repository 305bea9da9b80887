//! The client's end of a line: a [`Link`] that is fed by an engine in another process.
//!
//! A thread of its own holds the line, so that the link works on any runtime and on none. Where the line comes from is a
//! [`Door`]: the daemon's socket, or `fibdeck relay` behind ssh, which is the same bytes. When the line is cut, every command that
//! waits is told so, and the snapshot stays as it was last heard.

mod door;
mod pump;
mod relay;

pub use door::Door;
#[cfg(test)]
pub(crate) use pump::enter;
pub use relay::relay;

use crate::command::Failure;
use crate::link::Link;
use crate::wire::{Hello, PROTOCOL, Welcome};
use model::ErrorKind;
use std::sync::Arc;
use tokio::sync::watch;

/// A line to an engine elsewhere. Dropping it hangs up; what runs there goes on.
pub struct Remote {
    link: Link,
    welcome: Welcome,
    hang_up: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Who comes.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// What they come with: `console`, `script`.
    pub name: String,
    pub user: String,
    pub read_only: bool,
}

impl Visitor {
    fn hello(self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            name: self.name,
            user: self.user,
            read_only: self.read_only,
        }
    }
}

/// Why there is no line.
#[derive(Debug)]
pub enum NoLine {
    /// Nobody answers at that door.
    NobodyThere,
    Failed(Failure),
}

impl Remote {
    /// Goes to an engine and is let in; the link then has its first snapshot.
    pub fn open(door: Door, visitor: Visitor) -> Result<Remote, NoLine> {
        // on another machine our folders mean nothing
        let here = matches!(door, Door::Here(_)).then(std::env::current_dir);
        let here = here.and_then(Result::ok).map(Arc::from);
        let (hang_up, hung_up) = watch::channel(false);
        let (ready, opened) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("line".to_owned())
            .spawn(move || pump::run(door, visitor.hello(), hung_up, &ready))
            .map_err(|e| NoLine::Failed(broken(&e.to_string())))?;
        let opened = opened
            .recv()
            .map_err(|_| NoLine::Failed(broken("it ended while it was opened")))?;
        let (mut link, welcome) = opened?;
        link.folder = here;
        Ok(Remote {
            link,
            welcome,
            hang_up,
            thread: Some(thread),
        })
    }

    pub fn link(&self) -> Link {
        self.link.clone()
    }

    /// What the engine said of itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The engine speaks another protocol: status and stop are all there is.
    pub fn is_limited(&self) -> bool {
        self.welcome.protocol != PROTOCOL
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.hang_up.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn broken(why: &str) -> Failure {
    Failure::new(
        ErrorKind::NotConnected,
        format!("no line to the engine: {why}; nothing was sent"),
        "`fibdeck serve` starts one; `fibdeck doctor` says what answers",
    )
}
