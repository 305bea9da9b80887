//! The picture pane: one widget, one set of keys, in every tab that shows pictures.
//!
//! A [`PicturePane`] shows the newest or a chosen picture of a beam and keeps what the hand did to it: zoom, cursor, ruler,
//! a corner of an area. `guest` is what a tab adds to it, `shot` knows where a pixel lies in metres, `aim` turns a pixel of an old picture into a move of the
//! stage as it is now, `deeds` are what leaves the picture by a key, `overlays` says what is burned in, `draw` puts it on the
//! canvas, and [`Pair`] is SEM and FIB together with their look. Nothing here acquires anything; a move leaves only by
//! [`PicturePane::go`].

mod aim;
mod deeds;
mod draw;
#[cfg(test)]
pub(crate) mod fixture;
mod guest;
mod mark;
mod overlays;
mod pair;
mod shot;
#[cfg(test)]
mod tests;

pub use aim::{Aim, Refused, aim};
use guest::Guest;
pub use pair::Pair;
pub use shot::Shot;

use crate::action::{Action, Gesture, Pointer};
use crate::cx::Cx;
use crate::effect::Effect;
use engine::event::{FrameId, FrameInfo};
use engine::snapshot::at;
use engine::{Command, Failure};
use mark::{Mark, Ruler};
use model::{Beam, Notice, Severity};
use picture::{Position, View, Viewport};
use ratatui::layout::Rect;
use std::cell::Cell;

/// Picture pixels of one step of the cursor at zoom 1, and how many of them a far step is.
const STEP: f64 = 4.0;
const FAR: f64 = 10.0;
/// What one press or one notch of the wheel magnifies.
const ZOOM: f64 = 1.5;

/// One pane and what the hand did to it.
#[derive(Debug)]
pub struct PicturePane {
    pub beam: Beam,
    /// A picture chosen in the filmstrip; otherwise the newest is followed.
    chosen: Option<FrameId>,
    view: View,
    /// Picture pixels; `None` = the centre.
    cursor: Option<Position>,
    /// Size of the picture that cursor, ruler and view are pixels of.
    size: (u32, u32),
    /// When something was last seen to work on the sample: pictures from before no longer show it.
    worked: f64,
    ruler: Ruler,
    mark: Option<Mark>,
    /// The next move is a vertical one.
    vertical: bool,
    grip: Option<Grip>,
    /// The picture a move was made from: the next one starts with the cursor in its centre.
    left: Option<FrameId>,
    /// Gamma of the picture that was drawn last: found once, since it takes every pixel.
    gamma: Cell<Option<(FrameId, f64)>>,
    /// Where the picture was drawn last: that is what a click was aimed at.
    place: Cell<Rect>,
    /// What the tab itself draws in it.
    guest: Guest,
}

/// A drag under way.
#[derive(Clone, Copy, Debug)]
struct Grip {
    from: Pointer,
    view: View,
}

/// Which move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Along the sample plane.
    Stable,
    /// Up or down, to the coincidence height.
    Vertical,
}

impl PicturePane {
    pub fn new(beam: Beam) -> PicturePane {
        PicturePane {
            beam,
            chosen: None,
            view: View::default(),
            cursor: None,
            size: (0, 0),
            worked: f64::NEG_INFINITY,
            ruler: Ruler::Off,
            mark: None,
            vertical: false,
            grip: None,
            left: None,
            gamma: Cell::new(None),
            place: Cell::new(Rect::ZERO),
            guest: Guest::default(),
        }
    }

    /// The pane's number on the canvas: 0 for SEM, 1 for FIB, in every tab.
    pub fn slot(&self) -> u8 {
        at(self.beam) as u8
    }

    /// The picture that is shown: the chosen one while the session knows it, else the newest.
    pub fn frame<'a>(&self, cx: &'a Cx) -> Option<&'a FrameInfo> {
        self.chosen.and_then(|id| cx.frame(id)).or_else(|| self.newest(cx))
    }

    /// Shows this picture of the session, or with `None` follows the newest.
    pub fn choose(&mut self, frame: Option<FrameId>) {
        self.chosen = frame;
        self.ruler = Ruler::Off;
        self.mark = None;
    }

    /// An area is being drawn: Enter takes it and moves nothing.
    pub fn is_marking(&self) -> bool {
        self.mark.is_some()
    }

    pub fn is_vertical(&self) -> bool {
        self.vertical
    }

    /// The cursor in picture pixels; the centre where it was never moved.
    pub fn cursor(&self, size: (u32, u32)) -> Position {
        let (w, h) = (f64::from(size.0), f64::from(size.1));
        let at = self.cursor.unwrap_or(Position::new(w / 2.0, h / 2.0));
        Position::new(at.x.clamp(0.0, w), at.y.clamp(0.0, h))
    }

    fn viewport(&self, size: (u32, u32), cx: &Cx) -> Viewport {
        Viewport::new(
            (size.0 as usize, size.1 as usize),
            self.place.get(),
            cx.grid,
            &self.view,
        )
    }

    /// The snapshot changed: a new picture after a move is looked at from its centre; one of another size, where the last was.
    pub fn refresh(&mut self, cx: &Cx) {
        self.worked = aim::worked(cx).map_or(self.worked, |time| time.max(self.worked));
        let Some((id, size)) = self.frame(cx).map(|frame| (frame.id, frame.size)) else {
            return;
        };
        self.resize(size);
        if self.left.is_some_and(|left| left != id) {
            self.left = None;
            self.cursor = None;
            self.ruler = Ruler::Off;
        }
    }

    /// What the hand put in the picture stays on its place where the next one has more or fewer pixels (live view has fewer).
    fn resize(&mut self, size: (u32, u32)) {
        let before = std::mem::replace(&mut self.size, size);
        if before == size || before.0 == 0 || before.1 == 0 {
            return;
        }
        let (x, y) = (
            f64::from(size.0) / f64::from(before.0),
            f64::from(size.1) / f64::from(before.1),
        );
        let scaled = |at: Position| Position::new(at.x * x, at.y * y);
        self.cursor = self.cursor.map(scaled);
        self.view.centre = self.view.centre.map(scaled);
        self.ruler = self.ruler.map(scaled);
        self.mark = self.mark.map(|mark| mark.map(scaled));
    }

    /// The gamma that makes a dark or bright picture readable; `None` while its pixels are not here.
    fn autogamma(&self, id: FrameId, cx: &Cx) -> Option<f64> {
        if let Some((of, gamma)) = self.gamma.get()
            && of == id
        {
            return Some(gamma);
        }
        let picture = cx.frames.get(id)?;
        let gamma = match &*picture.pixels {
            model::Pixels::U8(grey) => vision::contrast::auto_gamma(grey.view()),
            model::Pixels::U16(_) => vision::contrast::auto_gamma(picture.pixels.to_u8().view()),
        };
        self.gamma.set(Some((id, gamma)));
        Some(gamma)
    }

    /// A command this console sent has ended well: a move leaves the picture it was aimed in behind.
    pub fn moved(&mut self, command: &Command, end: &Result<serde_json::Value, Failure>, cx: &Cx) {
        if end.is_ok() && crate::tab::after_move::is_move(command) {
            self.left = self.frame(cx).map(|frame| frame.id);
        }
    }

    /// Handles an action of the picture; `None`: not the picture's.
    pub fn update(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let size = self.frame(cx).map_or((0, 0), |frame| frame.size);
        match action {
            Action::Left | Action::Right | Action::Up | Action::Down => self.step(1.0, action, size, cx),
            Action::FarLeft | Action::FarRight | Action::PageUp | Action::PageDown => self.step(FAR, action, size, cx),
            Action::Home => {
                self.cursor = None;
                self.follow(size, cx);
            }
            Action::ZoomIn => self.zoom(ZOOM, self.cursor(size), size, cx),
            Action::ZoomOut => self.zoom(1.0 / ZOOM, self.cursor(size), size, cx),
            Action::ZoomWhole => self.view = View::default(),
            Action::CentreView => self.view.centre = Some(self.cursor(size)),
            Action::Ruler => self.ruler = self.ruler.next(self.cursor(size)),
            Action::NewestPicture => self.choose(None),
            Action::DrawArea => return Some(self.start_area(size, cx)),
            Action::Accept if self.mark.is_some() => return Some(self.take_area(cx)),
            Action::FullFrame => {
                let settings = Command::new("image.settings").with("beam", self.beam.word());
                return Some(vec![Effect::Send(settings.with("full_frame", true))]);
            }
            Action::Vertical if self.beam == Beam::Ion => self.vertical = !self.vertical,
            Action::Vertical => return Some(vec![only_in_fib()]),
            Action::MoveHere => {
                let which = if self.vertical { Move::Vertical } else { Move::Stable };
                return Some(self.go(which, cx));
            }
            Action::Close if self.mark.is_some() => self.mark = None,
            Action::Close if self.vertical => self.vertical = false,
            Action::Close => self.ruler = Ruler::Off,
            Action::ExportPicture if size != (0, 0) => return Some(vec![Effect::ExportPicture { slot: self.slot() }]),
            Action::ExportPicture => return Some(vec![tell("there is no picture to export", "F2 takes one")]),
            Action::PictureFile => return Some(vec![self.say(cx)]),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn step(&mut self, steps: f64, action: &Action, size: (u32, u32), cx: &Cx) {
        let (dx, dy) = match action {
            Action::Left | Action::FarLeft => (-1.0, 0.0),
            Action::Right | Action::FarRight => (1.0, 0.0),
            Action::Up | Action::PageUp => (0.0, -1.0),
            _ => (0.0, 1.0),
        };
        let step = (STEP / self.view.zoom).max(1.0).round() * steps;
        let at = self.cursor(size);
        self.put_cursor(Position::new(at.x + dx * step, at.y + dy * step), size);
        self.follow(size, cx);
    }

    /// The cursor stays on the picture, its right and lower edge included.
    fn put_cursor(&mut self, at: Position, size: (u32, u32)) {
        self.cursor = Some(at);
        self.cursor = Some(self.cursor(size));
    }

    /// A magnified view goes with the cursor, so that keys alone reach everything.
    fn follow(&mut self, size: (u32, u32), cx: &Cx) {
        let viewport = self.viewport(size, cx);
        let (at, origin, (w, h)) = (self.cursor(size), viewport.origin(), viewport.extent());
        let seen = (origin.x..=origin.x + w).contains(&at.x) && (origin.y..=origin.y + h).contains(&at.y);
        if !seen && !viewport.area.is_empty() {
            self.view.centre = Some(at);
        }
    }

    fn zoom(&mut self, factor: f64, around: Position, size: (u32, u32), cx: &Cx) {
        let viewport = self.viewport(size, cx);
        if viewport.area.is_empty() {
            return;
        }
        self.view = self.view.zoomed(factor, around, &viewport);
        if self.view.zoom <= 1.0 {
            self.view = View::default();
        }
    }

    /// What the mouse did in this pane.
    pub fn point(&mut self, pointer: Pointer, cx: &Cx) -> Vec<Effect> {
        let Some(size) = self.frame(cx).map(|frame| frame.size) else {
            return Vec::new();
        };
        let viewport = self.viewport(size, cx);
        let under = under(pointer, &viewport);
        match (pointer.gesture, under) {
            (Gesture::Click | Gesture::ShiftClick | Gesture::CtrlShiftClick, Some(at)) => {
                self.put_cursor(at, size);
                if let Some(mark) = &mut self.mark {
                    *mark = Mark::new(at);
                }
                self.grip = Some(Grip {
                    from: pointer,
                    view: self.view,
                });
            }
            // without pixels a click is a cell wide: it aims, and a key moves
            (Gesture::DoubleClick | Gesture::AltDoubleClick, Some(at)) if self.mark.is_none() => {
                self.put_cursor(at, size);
                match (pointer.pixel, pointer.gesture, self.beam) {
                    (None, ..) => {}
                    (_, Gesture::AltDoubleClick, Beam::Electron) => return vec![only_in_fib()],
                    (_, Gesture::AltDoubleClick, Beam::Ion) => return self.go(Move::Vertical, cx),
                    _ => return self.go(Move::Stable, cx),
                }
            }
            (Gesture::Drag, Some(at)) if self.mark.is_some() => self.put_cursor(at, size),
            (Gesture::Drag, _) if self.mark.is_none() => self.pan(pointer, &viewport),
            (Gesture::Drop, _) => {
                let drawn = self.mark.is_some() && self.grip.take().is_some_and(|grip| !same_place(grip.from, pointer));
                self.grip = None;
                if drawn {
                    return self.take_area(cx);
                }
            }
            (Gesture::ScrollUp, Some(at)) => self.zoom(ZOOM, at, size, cx),
            (Gesture::ScrollDown, Some(at)) => self.zoom(1.0 / ZOOM, at, size, cx),
            _ => {}
        }
        Vec::new()
    }

    /// The picture goes with the hand.
    fn pan(&mut self, pointer: Pointer, viewport: &Viewport) {
        let Some(grip) = self.grip else { return };
        let area = viewport.area;
        let cell = viewport.grid.cell_px;
        let (dx, dy, w, h) = match (grip.from.pixel, pointer.pixel) {
            (Some(a), Some(b)) => (
                f64::from(a.0) - f64::from(b.0),
                f64::from(a.1) - f64::from(b.1),
                f64::from(area.width) * f64::from(cell.0.max(1)),
                f64::from(area.height) * f64::from(cell.1.max(1)),
            ),
            _ => (
                f64::from(grip.from.column) - f64::from(pointer.column),
                f64::from(grip.from.row) - f64::from(pointer.row),
                f64::from(area.width),
                f64::from(area.height),
            ),
        };
        if w <= 0.0 || h <= 0.0 || grip.view.zoom <= 1.0 {
            return;
        }
        let (width, height) = viewport.picture();
        let held = Viewport::new((width, height), self.place.get(), viewport.grid, &grip.view);
        self.view = grip.view.panned(dx / w, dy / h, &held);
    }
}

/// The pixel of the picture that a pointer is over.
fn under(pointer: Pointer, viewport: &Viewport) -> Option<Position> {
    match pointer.pixel {
        Some((x, y)) => viewport.at_screen_pixel(x, y),
        None => viewport.at_cell(pointer.column, pointer.row),
    }
}

fn only_in_fib() -> Effect {
    tell(
        "vertical moves are aimed in the FIB picture; nothing moves",
        "Tab goes to the FIB picture",
    )
}

fn same_place(a: Pointer, b: Pointer) -> bool {
    (a.column, a.row) == (b.column, b.row)
}

/// News with a way out, for the person at the screen.
pub(crate) fn tell(title: &str, hint: &str) -> Effect {
    Effect::Tell(Notice::new(Severity::Warning, title).hint(hint))
}
