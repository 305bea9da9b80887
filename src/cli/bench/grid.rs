//! One run, from a bare grid to polished lamellae, by engine commands alone.

use super::score::{self, Outcome};
use crate::cli::exit::{CliError, Exit};
use crate::cli::options::Globals;
use engine::core::{Engine, Options, Speed, start};
use engine::link::{Ended, Link};
use engine::{Command, Failure};
use model::config::Paths;
use model::config::instrument::TwinErrors;
use model::{ErrorKind, Geometry};
use serde_json::Value;
use std::path::Path;

pub struct Grid<'a> {
    pub seed: u64,
    pub lamellae: u32,
    /// Rows and columns of the overview.
    pub tiles: u32,
    pub protocol: &'a Path,
    pub errors: TwinErrors,
    /// Experiments are kept below it.
    pub keep: Option<&'a Path>,
}

/// A run that ends for a line or an instrument that is gone is taken up again so often, after so many seconds.
const AGAIN: usize = 6;
/// Most that a task is begun before its lamella is parked: on a bad night something fails every few minutes.
const ATTEMPTS: u32 = 8;
const REST: f64 = 120.0;

impl Grid<'_> {
    /// Runs and scores it; `target`: thickness of its lamellae, m.
    pub fn run(&self, globals: &Globals, target: f64) -> Result<Outcome, CliError> {
        let folder =
            tempfile::tempdir().map_err(|e| CliError::failed(format!("no folder for the run could be made: {e}")))?;
        let kept = match self.keep {
            Some(keep) => std::path::absolute(keep.join(format!("seed-{}", self.seed)))
                .map_err(|e| CliError::new(Exit::Usage, e))?,
            None => folder.path().join("kept"),
        };
        model::file::ensure_folder(&kept).map_err(|e| CliError::failed(format!("{}: {e}", kept.display())))?;
        let (engine, geometry) = self.engine(globals, folder.path())?;
        let bench = On::new(&engine)?;
        let ended = self.steps(&bench, &kept);
        let snapshot = bench.link.snapshot();
        let asked = (self.seed, self.lamellae, target);
        Ok(score::scored(
            &bench,
            snapshot.experiment.as_ref(),
            geometry,
            ended.err(),
            asked,
        )?)
    }

    fn engine(&self, globals: &Globals, folder: &Path) -> Result<(Engine, Geometry), CliError> {
        let twin = Globals {
            demo: true,
            seed: Some(self.seed),
            ..globals.clone()
        };
        let paths = Paths::new(Some(&folder.join("config")), Some(&folder.join("data")))
            .map_err(|e| CliError::new(Exit::Usage, e))?;
        let (mut instrument, _) = twin.resolve(&twin.paths()?)?;
        instrument.twin.errors = self.errors.clone();
        let geometry = instrument.geometry();
        let engine = start(Options {
            instrument,
            speed: Speed::Virtual,
            faults: globals.faults.clone(),
            paths,
            user: crate::cli::options::user(),
            connect: false,
        })?;
        Ok((engine, geometry))
    }

    fn steps(&self, on: &On, kept: &Path) -> Result<(), Failure> {
        on.run(Command::new("system.connect"))?;
        let protocol = match self.protocol.exists() {
            true => std::path::absolute(self.protocol).unwrap_or_else(|_| self.protocol.to_path_buf()),
            false => self.protocol.to_path_buf(),
        };
        let made = Command::new("experiment.new")
            .with("name", "run")
            .with("protocol", protocol.display().to_string())
            .with("folder", kept.display().to_string());
        on.run(made)?;
        let overview = Command::new("overview.acquire")
            .with("rows", self.tiles)
            .with("columns", self.tiles)
            .with("hfw", 400e-6)
            .with("autofocus", "once")
            .with("autocontrast", true);
        let overview = on.patiently(&overview)?;
        let placed = Command::new("lamella.place")
            .with("picture", overview["file"].clone())
            .with("most", self.lamellae);
        on.run(placed)?;
        let run = Command::new("queue.run")
            .with("unsupervised", true)
            .with("attempts", ATTEMPTS)
            .with("order", "lamella");
        on.patiently(&run).map(drop)
    }
}

/// An engine and the runtime its answers are waited for on.
pub struct On {
    link: Link,
    runtime: tokio::runtime::Runtime,
}

impl On {
    fn new(engine: &Engine) -> Result<On, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        Ok(On {
            link: engine.link("bench"),
            runtime: runtime.map_err(|e| CliError::failed(format!("the runtime could not be built: {e}")))?,
        })
    }

    pub fn run(&self, command: Command) -> Ended {
        self.runtime.block_on(self.link.run(command))
    }

    /// The same again where the line or the instrument was gone: what waits goes on from where it was cut off.
    pub fn patiently(&self, command: &Command) -> Result<Value, Failure> {
        let mut ended = self.run(command.clone());
        for _ in 0..AGAIN {
            match &ended {
                Err(failure) if may_differ(failure.kind) => {
                    self.run(Command::new("system.wait").with("seconds", REST))?;
                    if self.link.snapshot().connection.is_none() {
                        // where it fails the next turn tries again
                        let _ = self.run(Command::new("system.connect"));
                    }
                }
                _ => return ended,
            }
            ended = self.run(command.clone());
        }
        ended
    }
}

fn may_differ(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotConnected | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::Busy | ErrorKind::Other
    )
}
