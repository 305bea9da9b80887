//! Building and ending an engine.

use super::files::Files;
use super::logs::{Logs, session_folder};
use super::recover::{self, Left};
use super::{
    Core, bus::Bus, connect, frames, gas, job, job::Lanes, lease::Lease, link, live::Lives, lock, stop, watch,
};
use crate::command::Failure;
use crate::event::{Event, Session};
use crate::hooks::{self, Hooks};
use crate::journal::{self, Entry, Journal, entry::FORMAT};
use crate::link::{Link, Request};
use crate::query::{Query, Reply};
use crate::snapshot::Snapshot;
use crate::watchdog::{self, Keeper};
use hal::clock::TokioClock;
use model::config::{Instrument, Paths};
use model::{Beam, ErrorKind, ImageSettings, Notice, Severity};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct Options {
    pub instrument: Instrument,
    pub speed: Speed,
    /// A set of faults for the twin: a name or a file.
    pub faults: Option<String>,
    pub paths: Paths,
    pub user: model::frame::metadata::User,
    /// Connect at once.
    pub connect: bool,
}

/// How the instrument's clock runs. Only the twin can be anything but real time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// This many instrument seconds a second.
    Real(f64),
    /// As fast as it can be computed; time passes only while a command waits for it.
    Virtual,
}

/// Virtual time starts here (2026-01-01 00:00 UTC), so that runs can be repeated to the last byte.
const VIRTUAL_EPOCH: f64 = 1_767_225_600.0;
/// How long the end of an engine may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// A running engine. Dropping it stops what runs (a job ends as *stopped*), closes what gas flows through, and leaves the
/// instrument as it stands.
pub struct Engine {
    pub(crate) core: Arc<Core>,
    requests: UnboundedSender<Request>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Engine {
    /// A link under a client's name.
    pub fn link(&self, name: &str) -> Link {
        link(&self.core, self.requests.clone(), name)
    }

    /// Lets `program` (`fibdeck watchdog`) watch over this engine. A twin ends with its engine and needs nobody.
    pub fn watched_by(&self, program: std::process::Command) -> Result<(), Failure> {
        if !super::connect::lives_inside(&self.core.options.instrument.driver) {
            *lock(&self.core.watchdog) = Some(Keeper::start(&self.core, program)?);
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // a thread that ended already has nobody to receive this
        let _ = self.requests.send(Request::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts an engine on a thread of its own. The link works at once; the instrument connects meanwhile.
pub fn start(options: Options) -> Result<Engine, Failure> {
    let is_twin = super::connect::lives_inside(&options.instrument.driver);
    match options.speed {
        Speed::Real(factor) if !(factor.is_finite() && factor > 0.0) => {
            return Err(Failure::usage(
                "the speed must be a number above 0; nothing was started",
                "--speed 1, --speed 20 or --speed max",
            ));
        }
        Speed::Real(factor) if factor != 1.0 && !is_twin => return Err(only_the_twin("another speed")),
        Speed::Virtual if !is_twin => return Err(only_the_twin("virtual time")),
        _ => {}
    }
    if options.faults.is_some() && !is_twin {
        return Err(only_the_twin("a set of faults"));
    }
    let (requests, inbox) = unbounded_channel();
    let (ready, made) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || run(options, inbox, &ready))
        .map_err(|e| {
            Failure::new(
                ErrorKind::Other,
                "the engine's thread could not be started",
                e.to_string(),
            )
        })?;
    let core = made
        .recv()
        .map_err(|_| Failure::new(ErrorKind::Other, "the engine ended before it began", "see the log"))??;
    Ok(Engine {
        core,
        requests,
        thread: Some(thread),
    })
}

/// An engine on the caller's runtime, for tests that keep the time themselves.
#[cfg(test)]
pub(crate) fn here(options: Options) -> (Arc<Core>, Link) {
    on_this_runtime(build(options))
}

/// As [`here`], on a journal and with a past of the test's own.
#[cfg(test)]
pub(crate) fn here_on(options: Options, ground: Ground) -> (Arc<Core>, Link, Arc<TokioClock>) {
    let clock = clock(options.speed);
    let (core, link) = on_this_runtime(build_on(options, clock.clone(), ground));
    (core, link, clock)
}

#[cfg(test)]
fn on_this_runtime(core: Arc<Core>) -> (Arc<Core>, Link) {
    let (requests, inbox) = unbounded_channel();
    tokio::spawn(serve(core.clone(), inbox));
    let link = link(&core, requests, "test");
    (core, link)
}

fn only_the_twin(what: &str) -> Failure {
    Failure::usage(
        format!("only the digital twin can have {what}; nothing was started"),
        "add --demo",
    )
}

fn run(
    options: Options,
    inbox: UnboundedReceiver<Request>,
    ready: &std::sync::mpsc::SyncSender<Result<Arc<Core>, Failure>>,
) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(options.speed == Speed::Virtual);
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // the starter waits for exactly one word
            let _ = ready.send(Err(Failure::new(
                ErrorKind::Other,
                "the engine's runtime could not be built",
                error.to_string(),
            )));
            return;
        }
    };
    runtime.block_on(async {
        let core = build(options);
        if ready.send(Ok(core.clone())).is_err() {
            return;
        }
        serve(core, inbox).await;
    });
    runtime.shutdown_timeout(FAREWELL);
}

/// What an engine is built on: where it writes, and what crashes left.
pub(crate) struct Ground {
    pub journal: Journal,
    pub left: Vec<Left>,
    /// Why there is no journal, where there is none.
    pub trouble: Option<String>,
}

impl Ground {
    fn of(data: &std::path::Path, time: f64) -> Ground {
        let left = recover::left(data);
        let opened = journal::create(data, time).and_then(|(disk, path)| Journal::new(Box::new(disk), Some(path)));
        match opened {
            Ok(journal) => Ground {
                journal,
                left,
                trouble: None,
            },
            Err(error) => Ground {
                journal: Journal::none(),
                left,
                trouble: Some(format!("{}: {error}", journal::folder(data).display())),
            },
        }
    }
}

fn build(options: Options) -> Arc<Core> {
    let clock = clock(options.speed);
    let ground = Ground::of(&options.paths.data_dir, hal::Clock::epoch(clock.as_ref()));
    build_on(options, clock, ground)
}

fn clock(speed: Speed) -> Arc<TokioClock> {
    Arc::new(match speed {
        Speed::Real(factor) => TokioClock::new(now(), factor),
        Speed::Virtual => TokioClock::new(VIRTUAL_EPOCH, 1.0),
    })
}

fn build_on(options: Options, clock: Arc<TokioClock>, ground: Ground) -> Arc<Core> {
    let folder = session_folder(&options.paths.data_dir, hal::Clock::epoch(clock.as_ref()));
    let (logs, trouble) = Logs::open(&folder);
    let (files, doubts) = Files::open(&options.paths.config_dir);
    let (hooks, no_hooks) = match hooks::Config::load(&options.paths.config_file("hooks.yaml")) {
        Ok(config) => (config, None),
        Err(why) => (hooks::Config::default(), Some(why)),
    };
    let first = Snapshot {
        time: hal::Clock::epoch(clock.as_ref()),
        instrument: options.instrument.info.name.clone(),
        connecting: options.connect,
        frozen: options.speed == Speed::Virtual,
        settings: first_settings(&options.instrument),
        positions: files.all(),
        needle_positions: files.needle.all(),
        session: Session {
            folder: folder.display().to_string(),
            user: options.user.clone(),
            ..Session::default()
        },
        ..Snapshot::default()
    };
    ground.journal.write(&Entry::Opened {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        instrument: options.instrument.info.name.clone(),
        driver: options.instrument.driver.clone(),
        pid: std::process::id(),
        time: first.time,
        first: Box::new(first.clone()),
    });
    let core = Arc::new(Core {
        clock,
        bus: Bus::new(first),
        connected: Mutex::new(None),
        world: Mutex::new(None),
        lanes: Lanes::new(),
        lease: Lease::default(),
        presses: Arc::default(),
        lives: Lives::default(),
        frames: Mutex::new(frames::FrameRing::default()),
        files: Mutex::new(files),
        owed: Mutex::default(),
        touched: Mutex::default(),
        told: Mutex::default(),
        eyes: Arc::new(workflow::detect::Eyes::new(options.paths.clone())),
        papers: Mutex::new(None),
        logs,
        journal: ground.journal,
        hooks: Hooks::start(hooks),
        watchdog: Mutex::default(),
        shapes: Mutex::default(),
        left: Mutex::new(ground.left),
        new_world: AtomicBool::new(false),
        #[cfg(test)]
        trap: Mutex::default(),
        next_id: AtomicU64::new(1),
        options,
    });
    for (what, why) in [("session's log", trouble), ("journal", ground.trouble)] {
        let Some(why) = why else { continue };
        core.notice(
            Notice::new(Severity::Alarm, format!("the {what} cannot be written"))
                .detail(why)
                .hint("choose another folder with --data-dir"),
        );
    }
    if let Some(why) = no_hooks {
        core.notice(
            Notice::new(Severity::Alarm, "hooks.yaml is not used: nobody is told of anything")
                .detail(why)
                .hint("mend it, then start fibdeck again"),
        );
    }
    for doubt in doubts {
        core.notice(Notice::new(Severity::Warning, doubt));
    }
    core
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64())
}

/// What the first picture of each beam uses: the configuration's values; pictures are kept unless switched off.
fn first_settings(instrument: &Instrument) -> [ImageSettings; 2] {
    Beam::ALL.map(|beam| {
        let config = instrument.beam(beam);
        ImageSettings {
            beam_type: beam,
            resolution: config.resolution,
            dwell_time: config.dwell_time,
            hfw: config.hfw,
            save: true,
            filename: "image".to_owned(),
            ..ImageSettings::default()
        }
    })
}

async fn serve(core: Arc<Core>, mut inbox: UnboundedReceiver<Request>) {
    let watcher = tokio::spawn(watch::run(core.clone()));
    // not on a virtual clock, which a task that waits would make run
    let beat = (core.options.speed != Speed::Virtual).then(|| tokio::spawn(watchdog::beat(core.clone())));
    if core.options.connect {
        let core = core.clone();
        let instrument = core.options.instrument.clone();
        tokio::spawn(async move {
            // what went wrong has become a notice
            let _ = connect::connect(&core, instrument).await;
        });
    }
    while let Some(request) = inbox.recv().await {
        match request {
            Request::Run { asked, ended } => job::accept(&core, asked, ended),
            Request::Ask { query, reply } => {
                // the asker may have gone
                let _ = reply.send(answer(&core, query));
            }
            Request::Stopped { by, sent } => {
                let core = core.clone();
                tokio::spawn(async move { stop::confirm(&core, &by, sent).await });
            }
            Request::Client {
                name,
                here,
                pid,
                uid,
                from,
            } => {
                if !here && core.snapshot().control.as_deref() == Some(name.as_str()) {
                    core.publish(Event::Control { holder: None });
                }
                let time = core.time();
                core.journal.write(&Entry::Client {
                    name,
                    here,
                    pid,
                    uid,
                    from,
                    time,
                });
            }
            Request::End => break,
        }
    }
    watcher.abort();
    core.lanes.stop_job(None);
    super::live::end_all(&core).await;
    // a cancelled act is followed to its true end, so that its outcome is in the record
    let mut active = core.lanes.active();
    let _ = tokio::time::timeout(FAREWELL, active.wait_for(|n| *n == 0)).await;
    // nobody is left to watch what flows
    let end = "the engine's end";
    if tokio::time::timeout(FAREWELL, gas::close(&core, end)).await.is_err() {
        core.notice(gas::unknown(end));
    }
    if let Some(beat) = beat {
        beat.abort();
    }
    *lock(&core.watchdog) = None;
    *lock(&core.connected) = None;
    core.journal.write(&Entry::Closed { time: core.time() });
    core.journal.end();
    if let Some(path) = core.journal.path()
        && let Err(error) = journal::close(path)
    {
        tracing::warn!(%error, "the journal keeps the mark of an open one");
    }
}

fn answer(core: &Arc<Core>, query: Query) -> Reply {
    match query {
        Query::Snapshot => Reply::Snapshot(core.snapshot()),
        Query::Frame { id, most } => match lock(&core.frames).get(id) {
            Some(frame) => Reply::Frame(frames::reduced(&frame, most)),
            None => Reply::Gone {
                file: core
                    .snapshot()
                    .frames
                    .iter()
                    .find(|f| f.id == id)
                    .and_then(|f| f.file.clone()),
            },
        },
        Query::Preview { command, by } => Reply::Preview(preview(core, command, &by)),
    }
}

fn preview(core: &Core, command: crate::Command, by: &str) -> Result<(), Failure> {
    let command = crate::command::parse::check(command)?;
    core.guard(crate::command::parse::find(&command.name)?, by)
}
