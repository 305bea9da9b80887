//! A terminal with a screen of ours on it: taken, asked what it can show, drawn on, and given back.
//!
//! Whatever is drawn (the console, labelling, a training) has a loop of its own, hears [`News`] in it, and hands a [`Canvas`] over. What may
//! take its time lives on other threads: `writer` writes to the terminal, `painting` makes pictures; `screen` finds out what differs from the last
//! frame, and `look` how pictures are made for this terminal and this line.

mod look;
mod news;
mod painting;
mod screen;
mod terminal;
mod writer;

pub use look::{size, window};
pub use news::{Heard, News};
pub use painting::Manner;

use crate::UiError;
use crate::canvas::{Canvas, PictureKey};
use look::Look;
use model::Pixels;
use painting::{Order, Painting};
use picture::{Choice, Env, Graphics, Grid, InkTable, Replies};
use ratatui::layout::Rect;
use screen::Screen;
use std::sync::Arc;
use std::time::Duration;
use terminal::Terminal;
use tokio::sync::mpsc::UnboundedSender;
use writer::Writer;

/// How long the terminal is waited for at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A picture to be on the screen: its pane and how it looks; its pixels, where they are at hand.
pub type Placed = (Rect, PictureKey, Option<Arc<Pixels>>);

/// What a display is opened with.
pub struct Wishes {
    pub choice: Choice,
    pub mouse: bool,
    pub inks: InkTable,
    pub env: Env,
}

/// The terminal, taken.
pub struct Display {
    screen: Screen,
    writer: Writer,
    painting: Painting,
    look: Look,
    wishes: Wishes,
    /// Gives it back when it is dropped, after everything else.
    _terminal: Terminal,
}

impl Display {
    /// Takes the terminal. Its threads tell their news by `inputs`.
    pub fn open<I: From<News> + Send + 'static>(
        wishes: Wishes,
        inputs: &UnboundedSender<I>,
    ) -> Result<Display, UiError> {
        let graphics = Graphics::decide(wishes.choice, &wishes.env, &Replies::default(), look::window());
        let terminal = Terminal::take(wishes.mouse).map_err(UiError::Terminal)?;
        // nobody listens any more when the loop has ended
        let written = inputs.clone();
        let tell = move |w| drop(written.send(News::Written(w).into()));
        let writer = Writer::start(std::io::stdout(), tell).map_err(UiError::Start)?;
        let look = Look::new(wishes.inks, graphics);
        let painted = inputs.clone();
        let tell = move |p| drop(painted.send(News::Painted(p).into()));
        let painting = Painting::start(look.manner(), tell).map_err(UiError::Start)?;
        Ok(Display {
            screen: Screen::new(look::size()),
            writer,
            painting,
            look,
            wishes,
            _terminal: terminal,
        })
    }

    /// Asks the terminal what it can show and hears its events from then on; to be called on the loop's runtime, after the first frame.
    pub fn listen<I: From<News> + Send + 'static>(&self, inputs: &UnboundedSender<I>) {
        news::ask_terminal(inputs.clone(), self.wishes.env.clone(), self.wishes.choice);
        news::watch_signals(inputs.clone());
    }

    /// The last frame is out: another can be shown.
    pub fn is_idle(&self) -> bool {
        self.writer.is_idle()
    }

    /// What pictures are made of here.
    pub fn grid(&self) -> Grid {
        self.look.grid()
    }

    pub fn manner(&self) -> Manner {
        self.look.manner()
    }

    /// The picture that was ordered for a pane.
    pub fn placed(&self, slot: u8) -> Option<&PictureKey> {
        self.look.placed(slot)
    }

    /// Bytes to write before the next frame.
    pub fn before(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.look.before.extend(bytes);
    }

    /// The whole screen is drawn anew the next time.
    pub fn forget(&mut self) {
        self.screen.forget();
    }

    /// Another theme's colours.
    pub fn inks(&mut self, inks: InkTable) {
        self.look.inks(inks);
    }

    /// Shows a frame, and orders its pictures where they are not what was ordered last and nothing is under way: at most one order
    /// waits, and it is the newest. Whether pictures were ordered. To be called when idle.
    pub fn show(&mut self, canvas: Canvas, pictures: Vec<Placed>) -> bool {
        let ordered = self.order(pictures);
        let mut bytes = std::mem::take(&mut self.look.before);
        bytes.extend(self.screen.render(canvas, self.look.graphics.synchronised));
        if !bytes.is_empty() {
            self.writer.send(bytes);
        }
        ordered
    }

    fn order(&mut self, pictures: Vec<Placed>) -> bool {
        let manner = self.look.manner();
        let wanted = || pictures.iter().map(|(pane, key, _)| (pane, key));
        let ordered = self.look.ordered.iter().map(|(pane, key)| (pane, key));
        if (manner == self.look.manner && wanted().eq(ordered)) || !self.painting.is_idle() || !self.writer.is_idle() {
            return false;
        }
        let old = self.look.ordered.iter().map(|(_, key)| key.slot);
        let gone = old.filter(|slot| wanted().all(|(_, key)| key.slot != *slot)).collect();
        let now = wanted().map(|(pane, key)| (*pane, key.clone())).collect();
        let here = |(pane, key, pixels): Placed| Some((pane, key, pixels?));
        self.painting.send(Order {
            manner: (manner != self.look.manner).then_some(manner),
            pictures: pictures.into_iter().filter_map(here).collect(),
            gone,
        });
        self.look.manner = manner;
        self.look.ordered = now;
        true
    }

    /// The pictures that were ordered last.
    pub fn ordered(&self) -> &[(Rect, PictureKey)] {
        &self.look.ordered
    }

    /// Takes news in, and says what the loop should know of it. Errors: the terminal is gone.
    pub fn hear(&mut self, news: News) -> Result<Heard, UiError> {
        match news {
            News::Terminal(event) => Ok(Heard::Event(event)),
            News::Deaf(error) => Err(UiError::Terminal(error)),
            News::Leave => Ok(Heard::Leave),
            News::Probed(graphics) => {
                self.look.graphics = graphics;
                let pixels = graphics.pixel_mouse && self.wishes.mouse;
                if pixels {
                    self.before(terminal::MOUSE_PIXELS.iter().copied());
                }
                Ok(Heard::Probed(pixels.then_some(graphics.cell_px)))
            }
            News::Painted(painted) => {
                self.painting.done();
                for (slot, bytes) in painted.gone {
                    self.screen.gone(slot, bytes);
                }
                for (slot, pane, encoded) in painted.pictures {
                    self.screen.picture(slot, pane, encoded);
                }
                Ok(Heard::Painted)
            }
            News::Written(written) => {
                self.writer.done();
                written.result.map_err(UiError::Terminal)?;
                Ok(Heard::Written(self.look.written(written.bytes, written.took)))
            }
        }
    }

    /// Takes the pictures away and gives the terminal back; a dead line does not keep the program.
    pub fn close(self) {
        let last = self.painting.farewell(FAREWELL);
        self.writer.finish(last, FAREWELL);
    }
}
