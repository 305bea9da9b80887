//! What comes in: keys, clicks, pastes, sizes; ends of commands, pixels, pictures; signals.

use super::App;
use crate::keys::Chord;
use crate::painting::Painted;
use crate::terminal::MOUSE_PIXELS;
use crate::writer::Written;
use crate::{UiError, cx};
use crossterm::event::{Event, EventStream, KeyEventKind};
use engine::Failure;
use engine::event::FrameId;
use futures::StreamExt;
use model::Notice;
use model::config::paths::Entry;
use picture::detect::{StrayReply, keys};
use picture::{Choice, Env, Graphics, Replies};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// How long the terminal may take to say what it can show.
const PATIENCE: Duration = Duration::from_millis(600);

/// Everything the loop hears besides snapshots.
pub enum Input {
    Terminal(Event),
    /// The terminal has said what it can, or nothing in time.
    Probed(Graphics),
    /// Its event reader failed.
    Deaf(std::io::Error),
    Ended {
        id: u64,
        end: Result<Value, Failure>,
    },
    /// A picture's pixels; `None` = the engine no longer has them.
    Frame {
        id: FrameId,
        picture: Option<Box<cx::Picture>>,
    },
    Painted(Painted),
    Written(Written),
    Told(Notice),
    Instruments(Vec<Entry>),
    /// The system wants the program to end.
    Leave,
}

/// Asks the terminal, then reads its events. Keys pressed meanwhile come first.
pub fn ask_terminal(inputs: UnboundedSender<Input>, env: Env, choice: Choice) {
    tokio::spawn(async move {
        let tmux = env.tmux;
        let asked = tokio::task::spawn_blocking(move || picture::detect::ask(&mut std::io::stdout(), tmux, PATIENCE));
        let replies = match asked.await {
            Ok(Ok(replies)) => replies,
            _ => Replies::default(),
        };
        let graphics = Graphics::decide(choice, &env, &replies, super::look::window());
        // the loop has ended when nobody takes these
        let _ = inputs.send(Input::Probed(graphics));
        for key in keys(&replies.typed) {
            let _ = inputs.send(Input::Terminal(Event::Key(key)));
        }
        let mut stray = (!replies.complete).then(StrayReply::default);
        let mut events = EventStream::new();
        while let Some(event) = events.next().await {
            let input = match event {
                Ok(Event::Key(key)) if stray.as_mut().is_some_and(|s| s.swallows(&key)) => continue,
                Ok(event) => Input::Terminal(event),
                Err(error) => Input::Deaf(error),
            };
            if inputs.send(input).is_err() {
                return;
            }
        }
        let _ = inputs.send(Input::Leave);
    });
}

/// SIGTERM, SIGHUP and their kin end the console as `q` does, but without a question.
pub fn watch_signals(inputs: UnboundedSender<Input>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
            let inputs = inputs.clone();
            tokio::spawn(async move {
                if let Ok(mut signal) = signal(kind) {
                    signal.recv().await;
                    let _ = inputs.send(Input::Leave);
                }
            });
        }
    }
    #[cfg(windows)]
    tokio::spawn(async move {
        if let Ok(mut close) = tokio::signal::windows::ctrl_close() {
            close.recv().await;
            let _ = inputs.send(Input::Leave);
        }
    });
    #[cfg(not(any(unix, windows)))]
    drop(inputs);
}

impl App {
    pub(super) fn take(&mut self, input: Input) {
        self.set_clock();
        match input {
            Input::Terminal(event) => self.terminal(event),
            Input::Probed(graphics) => self.probed(graphics),
            Input::Deaf(error) => self.failed = Some(UiError::Terminal(error)),
            Input::Ended { id, end } => {
                let effects = self.state.ended(id, &end, &self.snapshot);
                self.do_all(effects);
            }
            Input::Frame { id, picture } => {
                self.look.asked.remove(&id);
                self.state.desk.frames.insert(id, picture.map(|picture| *picture));
            }
            Input::Painted(painted) => {
                self.painting.done();
                painted
                    .gone
                    .into_iter()
                    .for_each(|(slot, bytes)| self.screen.gone(slot, bytes));
                painted
                    .pictures
                    .into_iter()
                    .for_each(|(slot, pane, encoded)| self.screen.picture(slot, pane, encoded));
            }
            Input::Written(written) => {
                self.writer.done();
                match written.result {
                    // a picture may have waited for this; text that changed has set `dirty` itself
                    Ok(()) => self.dirty |= self.look.written(written.bytes, written.took),
                    Err(error) => self.failed = Some(UiError::Terminal(error)),
                }
                return;
            }
            Input::Told(notice) => self.state.desk.toasts.tell(notice, self.state.desk.now),
            Input::Instruments(entries) => {
                self.state.desk.instruments = entries;
                self.state.refresh(&self.snapshot);
            }
            Input::Leave => self.leaving = true,
        }
        self.dirty = true;
    }

    fn terminal(&mut self, event: Event) {
        let clock = self.start.elapsed().as_secs_f64();
        let effects = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                self.urgent = true;
                if self.cut_stop.completes(&key) {
                    self.link.stop();
                }
                self.state.key(Chord::from(key), &self.snapshot)
            }
            Event::Paste(text) => self.state.paste(&text, &self.snapshot),
            Event::Mouse(mouse) => {
                self.urgent = true;
                self.state.mouse(mouse, clock, &self.snapshot)
            }
            // the size is asked for at every draw; a storm of these is drawn once
            _ => Vec::new(),
        };
        self.do_all(effects);
    }

    fn probed(&mut self, graphics: Graphics) {
        let pixels = graphics.pixel_mouse && self.state.desk.options.mouse;
        self.state.mouse_pixels(pixels.then_some(graphics.cell_px));
        if pixels {
            self.look.before.extend_from_slice(MOUSE_PIXELS);
        }
        self.look.graphics = graphics;
        self.state.desk.grid = self.look.grid();
    }
}
