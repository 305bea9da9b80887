//! The running console: input and news come in, effects are done, frames go out. The only part of this crate that acts.
//!
//! `run` is one loop on a runtime of its own. It drains what has come, draws once, and sleeps. What may take its time lives
//! on other threads: writing to the terminal, making pictures, files. Stop goes straight from the key to the link.

mod call;
mod cut;
mod deeds;
mod input;
mod options;
mod pictures;
mod said;

pub use call::Call;
pub use options::{UiError, UiOptions, log_layer};
pub use said::words;

use crate::display::{Display, Wishes, size};
use crate::effect::Effect;
use crate::state::UiState;
use crate::tab::{TABS, imaging};
use engine::event::FrameId;
use engine::hooks::Occasion;
use engine::link::Heard;
use engine::{Link, Snapshot};
use input::Input;
use picture::Env;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::{info, warn};

/// Values grow old and clocks go on at least this often.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Shows the console until the user leaves. Blocks; to be called on a plain thread (the main one). The terminal is given
/// back whatever happens.
pub fn run(link: Link, options: UiOptions) -> Result<(), UiError> {
    let snapshot = link.snapshot();
    let env = Env::read(|name| std::env::var(name).ok());
    let (desk, choice, tab) = options.desk(&env, &link, &snapshot);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(UiError::Start)?;
    let (inputs, inbox) = unbounded_channel();
    let wishes = Wishes {
        choice,
        mouse: desk.options.mouse,
        inks: desk.theme.inks(),
        env: env.clone(),
    };
    let display = Display::open(wishes, &inputs)?;
    let state = UiState::new(desk, tab, &snapshot);
    let mut app = App {
        link,
        snapshot,
        heard_at: Instant::now(),
        state,
        display,
        asked: BTreeSet::new(),
        inputs,
        options,
        env,
        start: Instant::now(),
        drawn_at: None,
        dirty: true,
        urgent: true,
        keep_at: None,
        tick_at: None,
        cut_stop: cut::CutStop::default(),
        recalled: false,
        looked: false,
        leaving: false,
        failed: None,
    };
    let result = runtime.block_on(app.run(inbox));
    app.keep();
    // threads that hang on a dead line or a slow disk must not keep the program
    runtime.shutdown_background();
    app.display.close();
    result
}

struct App {
    link: Link,
    snapshot: Arc<Snapshot>,
    /// When the snapshot came: the engine's clock goes on from there.
    heard_at: Instant,
    state: UiState,
    display: Display,
    /// Pixels on their way.
    asked: BTreeSet<FrameId>,
    inputs: UnboundedSender<Input>,
    options: UiOptions,
    env: Env,
    start: Instant,
    drawn_at: Option<Instant>,
    /// Something may look different.
    dirty: bool,
    /// A key was pressed: draw at once.
    urgent: bool,
    /// When remembered settings go to the disk.
    keep_at: Option<Instant>,
    /// When the open tab or the message line wants to be looked at again.
    tick_at: Option<Instant>,
    cut_stop: cut::CutStop,
    /// The settings of the last time were brought back.
    recalled: bool,
    /// Whether to take the first look was decided.
    looked: bool,
    leaving: bool,
    failed: Option<UiError>,
}

impl App {
    async fn run(&mut self, mut inbox: UnboundedReceiver<Input>) -> Result<(), UiError> {
        let mut snapshots = self.link.snapshots();
        let mut heard = self.link.listen();
        let mut listening = true;
        // the first frame, before the terminal has answered anything and whatever the engine does
        self.draw();
        self.display.listen(&self.inputs);
        let name = model::text::printable(&self.snapshot.instrument);
        info!(target: "console", "open on {name} as {}", self.link.name());
        self.recall();
        while !self.leaving && self.failed.is_none() {
            let wake = self.wake();
            tokio::select! {
                biased;
                Some(input) = inbox.recv() => self.take(input),
                changed = snapshots.changed() => match changed {
                    Ok(()) => self.news(snapshots.borrow_and_update().clone()),
                    Err(_) if self.options.owns_engine => return Err(UiError::EngineGone),
                    Err(_) => return Err(UiError::LineCut),
                },
                event = heard.recv(), if listening => listening = self.heard(event),
                () = tokio::time::sleep_until(wake.into()) => self.tick(),
            }
            while let Ok(input) = inbox.try_recv() {
                self.take(input);
            }
            self.draw_if_due();
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    /// When to look again without any news.
    fn wake(&self) -> Instant {
        let now = Instant::now();
        let redraw = (self.dirty && self.display.is_idle()).then(|| self.next_draw(now));
        [redraw, self.keep_at, self.tick_at]
            .into_iter()
            .flatten()
            .fold(now + HEARTBEAT, Instant::min)
    }

    /// News is drawn at most so often; a key at once.
    fn next_draw(&self, now: Instant) -> Instant {
        let pause = Duration::from_secs_f64(1.0 / self.state.desk.options.redraws_per_second);
        match self.drawn_at {
            Some(at) if !self.urgent => at + pause,
            _ => now,
        }
    }

    fn draw_if_due(&mut self) {
        let now = Instant::now();
        if self.dirty && self.display.is_idle() && self.next_draw(now) <= now {
            self.draw();
        }
    }

    /// Tells the log, and calls whoever should come and look.
    fn heard(&mut self, event: Result<Heard, RecvError>) -> bool {
        if let Ok(Heard::Event(event)) = &event
            && !self.snapshot.frozen
            && let Some(occasion) = Occasion::of(event, &self.snapshot)
        {
            let call = self.state.desk.options.call.bytes(&occasion, self.env.tmux);
            self.dirty |= !call.is_empty();
            self.display.before(call);
        }
        tell_log(&event)
    }

    fn news(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshot = snapshot;
        self.heard_at = Instant::now();
        self.set_clock();
        self.state.refresh(&self.snapshot);
        self.recall();
        self.dirty = true;
    }

    /// Brings the settings of the last time back and takes the first look, once an instrument is there to say whether it can have them.
    fn recall(&mut self) {
        if self.snapshot.connection.is_none() {
            return;
        }
        let mut commands = Vec::new();
        if !std::mem::replace(&mut self.recalled, true) {
            commands = imaging::remembered(&self.state.desk.remembered);
        }
        if !self.looked
            && let Some(looks) = imaging::looks_first(&self.state.desk.cx(&self.snapshot))
        {
            self.looked = true;
            if looks && self.options.owns_engine {
                commands.push(imaging::first_look());
            }
        }
        self.do_all(commands.into_iter().map(Effect::Send).collect());
    }

    fn set_clock(&mut self) {
        let unheard = if self.snapshot.frozen {
            0.0
        } else {
            self.heard_at.elapsed().as_secs_f64()
        };
        self.state.desk.now = self.snapshot.time + unheard;
        self.state.desk.wall = self.start.elapsed().as_secs_f64();
    }

    fn tick(&mut self) {
        if self.keep_at.is_some_and(|at| at <= Instant::now()) {
            self.keep();
        }
        self.pass_time();
        self.dirty = true;
    }

    /// Messages end, a tab's time is up; and when that will be so again.
    fn pass_time(&mut self) {
        self.set_clock();
        let (effects, again) = self.state.tick(&self.snapshot);
        self.do_all(effects);
        let seconds = again.filter(|s| s.is_finite()).map(|s| s.clamp(0.005, 3600.0));
        self.tick_at = seconds.map(|s| Instant::now() + Duration::from_secs_f64(s));
    }

    fn do_all(&mut self, effects: Vec<Effect>) {
        // Stop before whatever came with it
        if effects.contains(&Effect::Stop) {
            self.link.stop();
            self.dirty = true;
        }
        for effect in effects {
            self.perform(effect);
        }
    }

    /// Draws, fetches pixels that are missing, and orders pictures.
    fn draw(&mut self) {
        self.pass_time();
        let mut canvas = self.state.draw(&self.snapshot, size());
        self.state.on_screen(&mut canvas);
        self.fetch(&canvas.placements);
        let pictures = self.pictures(&canvas.placements);
        if self.display.show(canvas, pictures) {
            self.state.desk.grid = self.display.grid();
        }
        self.drawn_at = Some(Instant::now());
        (self.dirty, self.urgent) = (false, false);
    }
}

/// Writes what the engine told into the log; `false` when it has ended.
fn tell_log(event: &Result<Heard, RecvError>) -> bool {
    match event {
        Ok(Heard::Event(event)) => said::log(event),
        Ok(Heard::Pulse(_)) => {}
        Err(RecvError::Lagged(missed)) => warn!(target: "event", "{missed} events were missed by this console"),
        Err(RecvError::Closed) => return false,
    }
    tui_logger::move_events();
    true
}

/// The tab of that name.
fn tab_named(name: &str) -> Option<crate::tab::TabId> {
    TABS.iter().find(|row| row.name == name).map(|row| row.id)
}
