//! What comes in: keys, clicks, pastes, sizes; ends of commands, pixels, pictures; signals.

use super::App;
use crate::cx;
use crate::display::{Heard, News};
use crate::keys::Chord;
use crossterm::event::{Event, KeyEventKind};
use engine::Failure;
use engine::event::FrameId;
use model::Notice;
use model::config::paths::Entry;
use serde_json::Value;

/// Everything the loop hears besides snapshots.
pub enum Input {
    Display(News),
    Ended {
        id: u64,
        end: Result<Value, Failure>,
    },
    /// A picture's pixels; `None` = the engine no longer has them.
    Frame {
        id: FrameId,
        picture: Option<Box<cx::Picture>>,
    },
    Told(Notice),
    Instruments(Vec<Entry>),
}

impl From<News> for Input {
    fn from(news: News) -> Input {
        Input::Display(news)
    }
}

impl App {
    pub(super) fn take(&mut self, input: Input) {
        self.set_clock();
        match input {
            Input::Display(news) => match self.display.hear(news) {
                Ok(Heard::Event(event)) => self.terminal(event),
                Ok(Heard::Probed(cell)) => {
                    self.state.mouse_pixels(cell);
                    self.state.desk.grid = self.display.grid();
                }
                Ok(Heard::Painted) => {}
                // a picture may have waited for this; text that changed has set `dirty` itself
                Ok(Heard::Written(changed)) => {
                    self.dirty |= changed;
                    return;
                }
                Ok(Heard::Leave) => self.leaving = true,
                Err(error) => self.failed = Some(error),
            },
            Input::Ended { id, end } => {
                let effects = self.state.ended(id, &end, &self.snapshot);
                self.do_all(effects);
            }
            Input::Frame { id, picture } => {
                self.asked.remove(&id);
                self.state.desk.frames.insert(id, picture.map(|picture| *picture));
            }
            Input::Told(notice) => self.state.desk.toasts.tell(notice, self.state.desk.now),
            Input::Instruments(entries) => {
                self.state.desk.instruments = entries;
                self.state.refresh(&self.snapshot);
            }
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
}
