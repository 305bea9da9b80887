//! `serve`: the daemon that owns the instrument.

use super::exit::{CliError, Exit};
use super::lean;
use super::options::{Globals, user};
use super::output;
use clap::Args;
use engine::Link;
use engine::core::Engine;
use engine::http;
use engine::serve::{Hold, Server, socket};
use model::config::Paths;
use serde_json::json;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

/// Own the instrument and serve consoles and commands, until it is told to end.
///
/// One daemon owns an instrument; consoles come and go (`fibdeck attach`), and what runs goes on without them. SIGTERM or Ctrl-C
/// ends it: a running job is stopped in a safe order first, and gas that flows is shut off.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck serve --instrument my-scope\n  fibdeck serve --demo            the digital twin as a daemon, to try things out\n  fibdeck serve --socket-group microscope --data-dir /var/lib/fibdeck\n  fibdeck serve --demo --http     the twin for openFIBSEM's client and scripts, on 127.0.0.1:8001"
)]
pub struct Serve {
    /// Members of this group may attach, too (name or number; Unix).
    #[arg(long, value_name = "GROUP")]
    socket_group: Option<String>,
    /// Serve openFIBSEM's REST API, /v1 and /metrics, too: on loopback, to those with a token (`fibdeck token`).
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = http::ADDRESS)]
    http: Option<String>,
    /// The tokens that --http knows, if not those of the settings.
    #[arg(long, value_name = "F", requires = "http")]
    token_file: Option<PathBuf>,
    /// Let everybody on this machine control the instrument by --http, without a token.
    #[arg(long, requires = "http", conflicts_with = "token_file")]
    insecure_loopback: bool,
    /// Leave the login's session: nobody watches.
    #[arg(long, hide = true)]
    detached: bool,
}

/// How soon a second Ctrl-C has to come to end a daemon whose job runs.
const REALLY: Duration = Duration::from_secs(5);

impl Serve {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        lean::again();
        #[cfg(unix)]
        if self.detached {
            // fails only where it leads a session already
            let _ = rustix::process::setsid();
        }
        let options = globals.engine_options(true)?;
        let (paths, name) = (options.paths.clone(), options.instrument.info.name.clone());
        let _hold = Hold::take(&paths, &user(), &name)?;
        let engine = engine::core::start(options)?;
        let program = std::env::current_exe().map_err(|e| {
            CliError::failed(format!(
                "this program does not know its own file: {e}; nothing was served"
            ))
        })?;
        let mut watchdog = std::process::Command::new(program);
        watchdog.args(["watchdog", "--quiet"]);
        engine.watched_by(watchdog)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| CliError::failed(format!("the runtime could not be built: {e}; nothing was started")))?;
        runtime.block_on(async {
            let access = socket::Access {
                group: self.socket_group.clone(),
            };
            let server = Server::open(&engine, &paths, access)?;
            let door = self.open_door(&engine, &paths).await?;
            let link = engine.link("daemon");
            let mut signals = Signals::listen()
                .map_err(|e| CliError::failed(format!("signals could not be listened for: {e}; nothing was served")))?;
            let address = socket::address(&paths);
            let web = door.as_ref().map(|door| format!("http://{}", door.address()));
            output::line(&if globals.json {
                json!({ "instrument": name, "address": address, "http": web, "pid": std::process::id() }).to_string()
            } else {
                let web = web.map(|web| format!(" and {web}")).unwrap_or_default();
                format!("{}: served at {address}{web}", model::text::printable(&name))
            })?;
            let web = async {
                match door {
                    Some(door) => door.run().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = server.run() => {}
                () = web => {}
                () = signals.end(&link, globals.quiet || self.detached) => {}
            }
            Ok::<(), CliError>(())
        })?;
        // nobody is let in any more; then the engine stops what runs, and only then the instrument is free
        drop(runtime);
        drop(engine);
        Ok(Exit::Done)
    }
}

impl Serve {
    /// The web door, where one is wanted.
    async fn open_door(&self, engine: &Engine, paths: &Paths) -> Result<Option<http::Server>, CliError> {
        let Some(address) = &self.http else {
            return Ok(None);
        };
        let tokens = match self.insecure_loopback {
            true => None,
            false => Some(self.token_file.clone().unwrap_or_else(|| http::token::file(paths))),
        };
        if tokens.is_none() {
            let red = if std::io::stderr().is_terminal() {
                ("\x1b[31m", "\x1b[0m")
            } else {
                ("", "")
            };
            eprintln!(
                "{}fibdeck: --insecure-loopback: every program on this machine can control the instrument{}",
                red.0, red.1
            );
        }
        Ok(Some(
            http::Server::open(engine, &http::Access::at(address, tokens)?).await?,
        ))
    }
}

/// What ends a daemon.
enum Ending {
    /// Ctrl-C.
    ByHand,
    BySystem,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    end: tokio::signal::unix::Signal,
    /// The login that started it is over: heard, and nothing to the daemon.
    _hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            end: signal(SignalKind::terminate())?,
            _hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Ending {
        tokio::select! {
            _ = self.interrupt.recv() => Ending::ByHand,
            _ = self.end.recv() => Ending::BySystem,
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    end: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: tokio::signal::windows::ctrl_c()?,
            end: tokio::signal::windows::ctrl_shutdown()?,
        })
    }

    async fn next(&mut self) -> Ending {
        tokio::select! {
            _ = self.interrupt.recv() => Ending::ByHand,
            _ = self.end.recv() => Ending::BySystem,
        }
    }
}

impl Signals {
    /// Returns when the daemon is to end: at once when the system says so; after Ctrl-C, where a job runs and a person can
    /// read what that means, after another.
    async fn end(&mut self, link: &Link, quiet: bool) {
        while let Ending::ByHand = self.next().await {
            let title = link.snapshot().running().map(|job| job.title.clone());
            let Some(title) = title.filter(|_| !quiet && std::io::stderr().is_terminal()) else {
                return;
            };
            eprintln!(
                "fibdeck: {title} runs and would be stopped; Ctrl-C again within {} s ends the daemon all the same",
                REALLY.as_secs()
            );
            if tokio::time::timeout(REALLY, self.next()).await.is_ok() {
                return;
            }
        }
    }
}
