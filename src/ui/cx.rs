//! What a tab or popup may look at: the snapshot, the client's own memory, the keymap. Nothing here can be changed by looking.

use crate::keys::Keymap;
use crate::remembered::Remembered;
use engine::event::{FrameId, FrameInfo};
use engine::snapshot::Aged;
use engine::{Command, Snapshot};
use model::Pixels;
use picture::Grid;
use picture::plot::Histogram;
use std::collections::VecDeque;
use std::sync::Arc;

/// What there is to see when a key is handled or a frame is drawn.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    pub snapshot: &'a Snapshot,
    /// The engine's clock as it must be now, POSIX s: for ages and finish times.
    pub now: f64,
    /// Commands of this console that have not ended.
    pub pending: &'a Pending,
    /// Pixels of pictures that are or were on the screen.
    pub frames: &'a Frames,
    /// What pictures are made of on this terminal: for [`picture::Viewport::new`], to find the pixel under a cursor.
    pub grid: Grid,
    pub keymap: &'a Keymap,
    /// Settings kept from the last time; change them by [`crate::Effect::Remember`].
    pub remembered: &'a Remembered,
    pub options: &'a crate::Console,
    /// The zone times of day are shown in.
    pub zone: &'a jiff::tz::TimeZone,
    /// This client's name, as the engine knows it.
    pub me: &'a str,
    /// Instruments there are to connect to.
    pub instruments: &'a [model::config::paths::Entry],
}

impl Cx<'_> {
    /// Seconds since a value was read; 0 where the clocks disagree. What did not change was read again all the same.
    pub fn age<T>(&self, aged: &Aged<T>) -> f64 {
        (self.now - aged.time.max(self.snapshot.read)).max(0.0)
    }

    /// Older than the 2 s after which a value is shown grey with its age.
    pub fn stale<T>(&self, aged: &Aged<T>) -> bool {
        self.age(aged) > STALE
    }

    /// Time of day of a POSIX time, `14:02`.
    pub fn clock(&self, time: f64) -> String {
        self.at(time)
            .map_or_else(|| "--:--".to_owned(), |t| t.strftime("%H:%M").to_string())
    }

    /// As [`Cx::clock`], with seconds.
    pub fn clock_seconds(&self, time: f64) -> String {
        self.at(time)
            .map_or_else(|| "--:--:--".to_owned(), |t| t.strftime("%H:%M:%S").to_string())
    }

    fn at(&self, time: f64) -> Option<jiff::Zoned> {
        let stamp = jiff::Timestamp::from_millisecond((time * 1e3).round() as i64).ok()?;
        time.is_finite().then(|| stamp.to_zoned(self.zone.clone()))
    }

    /// The picture of that id, if the snapshot still knows it.
    pub fn frame(&self, id: FrameId) -> Option<&FrameInfo> {
        let live = self.snapshot.live_frames.iter().flatten();
        self.snapshot
            .frames
            .iter()
            .rev()
            .chain(live)
            .find(|frame| frame.id == id)
    }
}

/// Seconds after which a value counts as old.
pub const STALE: f64 = 2.0;

/// Commands that were sent and have not ended; until then the screen shows `…` at what they would change.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    next: u64,
    /// Id, command, and the tab that was open when it went out.
    entries: Vec<(u64, Command, usize)>,
}

impl Pending {
    pub(crate) fn push(&mut self, command: Command, tab: usize) -> u64 {
        self.next += 1;
        self.entries.push((self.next, command, tab));
        self.next
    }

    pub(crate) fn end(&mut self, id: u64) -> Option<(Command, usize)> {
        let at = self.entries.iter().position(|(i, ..)| *i == id)?;
        let (_, command, tab) = self.entries.remove(at);
        Some((command, tab))
    }

    /// A command of that name is under way.
    pub fn has(&self, name: &str) -> bool {
        self.any(|command| command.name == name)
    }

    pub fn any(&self, mut which: impl FnMut(&Command) -> bool) -> bool {
        self.entries.iter().any(|(_, command, _)| which(command))
    }

    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.entries.iter().map(|(_, command, _)| command)
    }
}

/// A picture's pixels, here.
#[derive(Clone, Debug)]
pub struct Picture {
    pub pixels: Arc<Pixels>,
    pub histogram: Histogram,
}

/// The pictures this client holds, newest last, bounded in bytes. The app asks the engine for what a placement names.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    held: VecDeque<(FrameId, Option<Arc<Picture>>)>,
}

/// Pictures held at once: two panes, their live successors, a comparison and some of the filmstrip.
const MOST_FRAMES: usize = 8;

impl Frames {
    /// The picture's pixels, if they are here.
    pub fn get(&self, id: FrameId) -> Option<&Arc<Picture>> {
        self.held
            .iter()
            .find(|(held, _)| *held == id)
            .and_then(|(_, picture)| picture.as_ref())
    }

    /// It was asked for and the engine no longer has it.
    pub fn is_gone(&self, id: FrameId) -> bool {
        self.held.iter().any(|(held, picture)| *held == id && picture.is_none())
    }

    /// Takes a picture in, or that it is gone.
    pub(crate) fn insert(&mut self, id: FrameId, picture: Option<Picture>) {
        self.held.retain(|(held, _)| *held != id);
        self.held.push_back((id, picture.map(Arc::new)));
        while self.held.len() > MOST_FRAMES {
            self.held.pop_front();
        }
    }

    /// A picture that is on the screen again goes last.
    pub(crate) fn touch(&mut self, id: FrameId) {
        if let Some(at) = self.held.iter().position(|(held, _)| *held == id)
            && let Some(entry) = self.held.remove(at)
        {
            self.held.push_back(entry);
        }
    }
}
