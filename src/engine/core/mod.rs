//! The engine at work: one thread with its own runtime owns the instrument; requests come in, events go out.
//!
//! `start` builds it. `bus` numbers events and folds them; `job` runs what a command asks, `lease` the steps of jogging; `stop` is
//! the red button; `watch` notices what changed; `host` is a job's view of the engine; `recover` asks about what a crash cut off; `reel`: recordings that are played as an instrument; `frames`, `session`, `logs` keep pictures, files and the record.

pub(crate) mod act_log;
mod bus;
pub(crate) mod connect;
mod disk;
pub(crate) mod files;
mod frames;
mod gas;
mod host;
mod job;
mod lease;
pub mod live;
pub mod logs;
pub(crate) mod owed;
pub(crate) mod papers;
pub(crate) mod recover;
mod reel;
mod start;
mod state;
mod stop;
mod watch;

pub use connect::{driver_tried, lives_inside};
pub(crate) use frames::reduced;
pub use start::{Engine, Options, Speed, start};
#[cfg(test)]
pub(crate) use start::{Ground, here, here_on};
pub use stop::told as stop_told;

use crate::command::{Args, Failure};
use crate::event::{Event, Pulse};
use crate::hooks::Hooks;
use crate::journal::{Entry, Journal};
use crate::link::{Ended, Link};
use crate::snapshot::Snapshot;
use crate::watchdog::Keeper;
use act_log::Touched;
use bus::Bus;
use files::Files;
use frames::FrameRing;
use futures::future::BoxFuture;
use hal::clock::TokioClock;
use hal::{Clock, Scope};
use job::Lanes;
use model::config::Instrument;
use model::{Beam, ErrorKind, Notice, Severity};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use workflow::JobCx;

/// What a command's row runs.
pub type Run = fn(Cx, Args) -> BoxFuture<'static, Ended>;

/// What a running command is given.
#[derive(Clone)]
pub struct Cx {
    pub(crate) core: Arc<Core>,
    /// Who asked.
    pub(crate) by: String,
    /// Set for the commands of the job lane.
    pub(crate) job: Option<JobCx>,
}

impl Cx {
    /// The job's context; a row of the wrong lane is a fault of the table, told as such.
    pub(crate) fn job(&self) -> Result<JobCx, Failure> {
        self.job.clone().ok_or_else(|| {
            Failure::new(
                ErrorKind::NotConnected,
                "no instrument is connected; nothing was sent",
                "connect first (system.connect)",
            )
        })
    }

    pub(crate) fn scope(&self) -> Result<Scope, Failure> {
        self.core.scope()
    }

    /// The beams that `beam=` names; both, or none named, means those there are.
    pub(crate) fn beams(&self, args: &Args) -> Result<Vec<Beam>, Failure> {
        match args.text("beam") {
            None | Some("both") => Ok(self.scope()?.capabilities().beams()),
            Some(_) => args.need(args.beams("beam"), "beam"),
        }
    }
}

/// What is connected.
#[derive(Clone)]
pub(crate) struct Connected {
    pub scope: Scope,
    pub instrument: Arc<Instrument>,
}

/// Everything the engine shares among its tasks.
pub struct Core {
    pub(crate) options: Options,
    pub(crate) clock: Arc<TokioClock>,
    pub(crate) bus: Bus,
    pub(crate) connected: Mutex<Option<Connected>>,
    /// The twin's world outlives its drivers.
    pub(crate) world: Mutex<Option<Arc<hal::sim::World>>>,
    pub(crate) lanes: Lanes,
    pub(crate) lease: lease::Lease,
    /// How often stop was pressed.
    pub(crate) presses: Arc<AtomicU64>,
    pub(crate) lives: live::Lives,
    pub(crate) frames: Mutex<FrameRing>,
    pub(crate) files: Mutex<Files>,
    /// The shapes that `patterning.load` loaded: what is left of them can be told after a stop.
    pub(crate) shapes: Mutex<Vec<model::Shape>>,
    /// What stopped jobs left changed.
    pub(crate) owed: Mutex<Vec<workflow::Debt>>,
    pub(crate) touched: Mutex<Touched>,
    pub(crate) told: Mutex<watch::Told>,
    pub(crate) eyes: Arc<workflow::detect::Eyes>,
    /// The experiment that is open.
    pub(crate) papers: Mutex<Option<workflow::lamella::Book>>,
    pub(crate) logs: logs::Logs,
    pub(crate) journal: Journal,
    pub(crate) hooks: Hooks,
    /// The process that stops the instrument when this one fails; not for the twin.
    pub(crate) watchdog: Mutex<Option<Keeper>>,
    /// What crashes left in doubt.
    pub(crate) left: Mutex<Vec<recover::Left>>,
    /// The twin's world is as old as this engine: nothing of before is in it.
    pub(crate) new_world: AtomicBool,
    #[cfg(test)]
    pub(crate) trap: Mutex<Option<act_log::Trap>>,
    next_id: AtomicU64,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // one failed task must not take stop, reads or the record with it
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// POSIX seconds on the instrument's clock.
    pub(crate) fn time(&self) -> f64 {
        self.clock.epoch() + self.clock.now()
    }

    pub(crate) fn publish(&self, event: Event) {
        let sequenced = self.bus.publish(self.time(), event);
        self.logs.event(&sequenced);
        self.hooks.event(&sequenced, &self.snapshot());
        self.journal.write(&Entry::Event { event: sequenced });
        if self.journal.failed_now() | self.logs.failed_now() {
            let lost = Notice::new(Severity::Alarm, "the journal can no longer be written");
            self.notice(lost.hint(
                "free space on the disk of the data folder; until then nothing that changes the sample is begun",
            ));
        }
    }

    pub(crate) fn pulse(&self, pulse: Pulse) {
        self.bus.pulse(pulse);
    }

    pub(crate) fn notice(&self, notice: Notice) {
        match notice.severity {
            Severity::Info => tracing::info!(target: "notice", "{}", notice.title),
            Severity::Warning => tracing::warn!(target: "notice", "{}", notice.title),
            Severity::Error | Severity::Alarm => {
                tracing::error!(target: "notice", "{} {}", notice.title, notice.detail)
            }
        }
        self.publish(Event::Raised {
            id: self.fresh_id(),
            notice,
        });
    }

    pub(crate) fn fresh_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.bus.snapshot()
    }

    pub(crate) fn scope(&self) -> Result<Scope, Failure> {
        Ok(self.connected()?.scope)
    }

    /// Another configured instrument, by name or file.
    pub(crate) fn find_instrument(&self, name: &str) -> Result<Instrument, Failure> {
        let layered = self.options.paths.instrument(Some(name), &[]).map_err(|e| {
            Failure::new(
                ErrorKind::File,
                format!("that instrument cannot be read: {e}; nothing was opened"),
                "`fibdeck config check` explains its file",
            )
        })?;
        Ok(layered.value)
    }

    pub(crate) fn connected(&self) -> Result<Connected, Failure> {
        lock(&self.connected)
            .clone()
            .ok_or_else(|| hal::HalError::not_connected().into())
    }
}

/// A link to the engine under a client's name.
pub(crate) fn link(
    core: &Arc<Core>,
    requests: tokio::sync::mpsc::UnboundedSender<crate::link::Request>,
    name: &str,
) -> Link {
    let weak = Arc::downgrade(core);
    let to_engine = requests.clone();
    let near = weak.clone();
    Link {
        requests,
        glance: Some(Arc::new(move |command, by| job::look(&near.upgrade()?, command, by))),
        snapshots: core.bus.watch(),
        heard: core.bus.sender(),
        presses: core.presses.clone(),
        stop: Arc::new(move |by| {
            if let Some(core) = weak.upgrade() {
                core.press_stop(by, &to_engine);
            }
        }),
        name: name.to_owned(),
        folder: None,
    }
}
