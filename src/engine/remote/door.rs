//! Where a line comes from.

use crate::serve::socket;
use model::config::Paths;
use std::io;
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::process::{Child, Command};

/// The way to an engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Door {
    /// The daemon of this data folder.
    Here(Paths),
    /// The daemon of another machine: what is run there speaks for it on its stdio.
    Through { program: String, args: Vec<String> },
}

pub(super) type Halves = (Box<dyn AsyncRead + Unpin + Send>, Box<dyn AsyncWrite + Unpin + Send>);

impl Door {
    /// `fibdeck relay` on `host` (a name ssh knows, `user@host`), with options for the fibdeck there.
    pub fn ssh(host: &str, port: Option<u16>, options: &[String]) -> Door {
        // a dead line is noticed in a quarter of a minute
        let mut args = ["-T", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"]
            .map(str::to_owned)
            .to_vec();
        if let Some(port) = port {
            args.extend(["-p".to_owned(), port.to_string()]);
        }
        args.extend(["--", host, "fibdeck", "relay"].map(str::to_owned));
        args.extend_from_slice(options);
        Door::Through {
            program: "ssh".to_owned(),
            args,
        }
    }

    /// Opens it; `None` where nobody answers. The child has to live as long as the line.
    pub(super) async fn open(&self) -> io::Result<Option<(Halves, Option<Child>)>> {
        match self {
            Door::Here(paths) => Ok(socket::connect(paths).await?.map(|stream| {
                let (read, write) = tokio::io::split(stream);
                let halves: Halves = (Box::new(read), Box::new(write));
                (halves, None)
            })),
            Door::Through { program, args } => {
                let mut child = Command::new(program)
                    .args(args)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()
                    .map_err(|e| io::Error::new(e.kind(), format!("`{program}` cannot be started: {e}")))?;
                match (child.stdout.take(), child.stdin.take()) {
                    (Some(read), Some(write)) => Ok(Some(((Box::new(read), Box::new(write)), Some(child)))),
                    _ => Err(io::Error::other(format!("`{program}` has no stdio"))),
                }
            }
        }
    }
}
