//! Manipulator: where the needle is, and every way to send it elsewhere.
//!
//! Pictures are `widget::picture`. Here: `drive` (the mode in which the needle follows the keys), `typed` (the form of places,
//! ways, steps and offsets), `positions` (places by name, where it is also inserted to), `draw`. Nothing here moves anything but
//! by a key that says so; what comes near the sample is asked about before it goes out (`asked`). In these pictures Enter means
//! the needle: the stage is moved from Imaging and Movement.

mod draw;
mod drive;
mod positions;
#[cfg(test)]
mod tests;
mod typed;

use crate::action::{Action, Gesture, Pointer};
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::tab::{Reason, Tab, TabId, after_move, running, taking};
use crate::theme::Theme;
use crate::widget::form::{Form, Outcome};
use crate::widget::picture::{Pair, tell};
use drive::Drive;
use engine::{Command, Failure};
use model::capabilities::ManipulatorCapabilities;
use model::{Beam, Capabilities, ManipulatorState};
use positions::Positions;
use ratatui::layout::Rect;
use serde_json::Value;
use typed::Typed;

/// What the keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Picture,
    Typed,
    Positions,
}

pub struct Manipulator {
    pair: Pair,
    focus: Focus,
    typed: Typed,
    form: Form,
    positions: Positions,
    drive: Option<Drive>,
}

/// Commands that leave the needle elsewhere.
const MOVES: &[&str] = &[
    "manipulator.insert",
    "manipulator.retract",
    "manipulator.move-relative",
    "manipulator.move-absolute",
    "manipulator.move-corrected",
    "manipulator.go",
];

/// The procedure that a key begins: it asks at every step.
fn guided(action: &Action) -> Option<&'static str> {
    match action {
        Action::NeedleCalibrate => Some("manipulator.calibrate"),
        Action::NeedleReset => Some("manipulator.reset"),
        Action::NeedleSharpen => Some("manipulator.sharpen"),
        Action::NeedlePrepare => Some("manipulator.prepare"),
        Action::NeedleExchange => Some("manipulator.exchange"),
        _ => None,
    }
}

fn is_move(command: &Command) -> bool {
    MOVES.contains(&command.name.as_str())
}

fn capabilities<'a>(cx: &Cx<'a>) -> Option<&'a ManipulatorCapabilities> {
    cx.snapshot.connection.as_ref()?.capabilities.manipulator.as_ref()
}

fn needle<'a>(cx: &Cx<'a>) -> Option<&'a ManipulatorState> {
    cx.snapshot.needle.as_ref().map(|needle| &needle.value)
}

impl Manipulator {
    pub fn new(cx: &Cx) -> Manipulator {
        Manipulator {
            pair: Pair::new(cx),
            focus: Focus::Picture,
            typed: Typed::default(),
            form: Form::new("needle", Vec::new()),
            positions: Positions::default(),
            drive: None,
        }
    }

    /// Lets the pane with the focus handle an action, or the one that was clicked.
    fn pane(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        match action {
            Action::Pick { zone: "needle", .. } => self.focus = Focus::Typed,
            Action::Pick {
                zone: positions::ZONE, ..
            } => self.focus = Focus::Positions,
            Action::Pick { .. } => return None,
            Action::Point { slot, pointer } => {
                self.form.abandon();
                self.focus = Focus::Picture;
                let point = Action::Point {
                    slot: *slot,
                    pointer: only_aiming(*pointer),
                };
                return self.pair.update(&point, cx);
            }
            _ => {}
        }
        match self.focus {
            Focus::Picture if matches!(action, Action::MoveHere | Action::Vertical) => Some(vec![tell(
                "the stage is not moved from here; nothing moves",
                "Imaging and Movement move it",
            )]),
            Focus::Picture => self.pair.update(action, cx),
            Focus::Typed => match self.form.update(action) {
                Outcome::Set { key, value } => Some(self.typed.set(key, &value)),
                Outcome::Handled => Some(Vec::new()),
                Outcome::Ignored => None,
            },
            Focus::Positions => self.positions.update(action, self.typed.offset, cx),
        }
    }

    fn driven(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let drive = self.drive.as_mut()?;
        if let Some(effects) = drive.update(action, self.pair.beam(), self.typed.step, cx) {
            return Some(effects);
        }
        drive.touch(cx);
        match action {
            Action::NeedleDrive | Action::Close => Some(self.end_drive(cx)),
            // pictures, step and beam are the tab's, in the mode as outside of it
            _ => None,
        }
    }

    /// Ends drive mode; where it moved the needle, the pictures that every move asks for are taken once, after its last step.
    fn end_drive(&mut self, cx: &Cx) -> Vec<Effect> {
        let moved = self.drive.take().is_some_and(|drive| drive.has_moved());
        if moved && !cx.pending.any(is_move) {
            after_move::picture(cx)
        } else {
            Vec::new()
        }
    }

    fn start_drive(&mut self, cx: &Cx) -> Vec<Effect> {
        if let Some(refused) = out(cx) {
            return vec![refused];
        }
        self.form.abandon();
        self.focus = Focus::Picture;
        self.drive = Some(Drive::new(cx));
        Vec::new()
    }

    /// The needle along the ruler of the picture with the focus.
    fn along_ruler(&mut self, cx: &Cx) -> Vec<Effect> {
        if let Some(refused) = out(cx) {
            return vec![refused];
        }
        if cx.pending.any(is_move) {
            return vec![tell("a move is under way; this one was not sent", "wait for its end")];
        }
        let pane = self.pair.focused();
        let since = cx.snapshot.needle.as_ref().map_or(0.0, |needle| needle.time);
        if pane.frame(cx).is_some_and(|frame| frame.time < since) {
            return vec![tell(
                "the needle moved since this picture: its tip is no longer there; nothing moves",
                "take a new picture and measure there",
            )];
        }
        match pane.ruled(cx) {
            Ok(way) => vec![Effect::Send(
                Command::new("manipulator.move-corrected")
                    .with("dx", way.x)
                    .with("dy", way.y)
                    .with("beam", pane.beam.word()),
            )],
            Err(refused) => vec![tell(&refused.why, refused.hint)],
        }
    }

    /// Says below each picture which way the needle would go along its ruler.
    fn say_ways(&mut self, cx: &Cx) {
        let key = cx.keymap.key(&Action::NeedleHere, &[Layer::Manipulator]);
        for beam in Beam::ALL {
            let way = out(cx).is_none().then(|| self.pair.pane(beam).ruled(cx).ok()).flatten();
            let says = way.zip(key).map(|(way, key)| {
                let (x, y) = (way.x * 1e6, way.y * 1e6);
                format!("{key}: tip by {x:+.2} {y:+.2} um")
            });
            self.pair.pane_mut(beam).host(Vec::new(), says.unwrap_or_default());
        }
    }

    fn insert(&mut self, cx: &Cx) -> Vec<Effect> {
        if needle(cx).is_some_and(|needle| needle.inserted) {
            return vec![tell(
                "the needle is inserted already; nothing moves",
                "the positions move it on",
            )];
        }
        self.form.abandon();
        self.positions.selection.row = 0;
        self.focus = Focus::Positions;
        Vec::new()
    }
}

/// Why the needle cannot be sent anywhere, while it cannot.
fn out(cx: &Cx) -> Option<Effect> {
    match needle(cx) {
        Some(needle) if needle.inserted => None,
        Some(_) => Some(tell("the needle is retracted; nothing moves", "insert it first")),
        None => Some(tell("the needle has not been read; nothing moves", "wait a moment")),
    }
}

/// A click aims and never moves: what a double click moves elsewhere is the stage.
fn only_aiming(pointer: Pointer) -> Pointer {
    let gesture = match pointer.gesture {
        Gesture::DoubleClick | Gesture::AltDoubleClick => Gesture::Click,
        other => other,
    };
    Pointer { gesture, ..pointer }
}

impl Tab for Manipulator {
    fn id(&self) -> TabId {
        TabId::Manipulator
    }

    fn available(&self, capabilities: Option<&Capabilities>) -> Result<(), Reason> {
        match capabilities {
            Some(capabilities) if capabilities.manipulator.is_none() => {
                Err("this instrument has no needle; enable `manipulator` in its file if it should")
            }
            _ => Ok(()),
        }
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        if self.drive.is_some() {
            return vec![Layer::Needle];
        }
        match self.focus {
            Focus::Picture if self.pair.focused().is_marking() => {
                vec![Layer::Mark, Layer::Manipulator, Layer::Picture]
            }
            // Enter is the needle's here, before it is the stage's
            Focus::Picture => vec![Layer::Manipulator, Layer::Picture],
            Focus::Typed => vec![self.form.layer(), Layer::Manipulator],
            Focus::Positions => vec![Layer::Form, Layer::Manipulator],
        }
    }

    fn next(&self, cx: &Cx) -> Vec<Action> {
        if capabilities(cx).is_none() {
            return Vec::new();
        }
        if self.drive.is_some() {
            let keys = [
                Action::Close,
                Action::Left,
                Action::Right,
                Action::Up,
                Action::Down,
                Action::PageUp,
                Action::PageDown,
            ];
            let rest = [
                Action::ShorterStep,
                Action::LongerStep,
                Action::Acquire,
                Action::NextPane,
            ];
            return [&keys[..], &rest].concat();
        }
        let inserted = needle(cx).is_some_and(|needle| needle.inserted);
        let next = match self.focus {
            Focus::Picture if self.pair.focused().is_marking() => return vec![Action::Accept, Action::Close],
            Focus::Picture if inserted => vec![
                Action::NeedleDrive,
                Action::NeedleRetract,
                Action::Ruler,
                Action::NeedleHere,
                Action::Acquire,
            ],
            Focus::Picture => vec![Action::NeedleInsert, Action::Acquire],
            Focus::Typed if self.form.editing() => return self.form.next(),
            Focus::Typed => [&self.form.next()[..], &[Action::NeedleGo, Action::Close]].concat(),
            Focus::Positions => vec![Action::Accept, Action::NeedleRemove, Action::Close],
        };
        let mut next = [running::next(cx), next].concat();
        next.push(Action::NextPane);
        if inserted {
            next.extend([Action::NeedleTarget, Action::NeedlePlaces, Action::NeedleSave]);
            next.extend([Action::ShorterStep, Action::LongerStep, Action::NeedleCalibrate]);
        } else {
            next.push(Action::NeedlePlaces);
        }
        next.push(Action::AfterMove);
        if cx.snapshot.running().is_none() {
            next.extend([
                Action::NeedleReset,
                Action::NeedleSharpen,
                Action::NeedlePrepare,
                Action::NeedleExchange,
            ]);
        }
        next
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        if let Some(effects) = self.driven(action, cx) {
            return effects;
        }
        if let Some(effects) = self.pane(action, cx) {
            self.refresh(cx);
            return effects;
        }
        let mut effects = Vec::new();
        match action {
            Action::NextPane | Action::PreviousPane => self.pair.swap(cx),
            Action::NeedleTarget => self.focus = Focus::Typed,
            Action::NeedlePlaces => self.focus = Focus::Positions,
            Action::NeedleInsert => effects = self.insert(cx),
            Action::NeedleRetract => effects = vec![Effect::Send(Command::new("manipulator.retract"))],
            Action::NeedleDrive => effects = self.start_drive(cx),
            Action::NeedleHere => effects = self.along_ruler(cx),
            Action::NeedleGo => effects = out(cx).map_or_else(|| self.typed.go(), |refused| vec![refused]),
            Action::JobStop => effects = running::stop(cx),
            Action::NeedleRemove => effects = self.positions.remove(cx),
            Action::NeedleSave => {
                self.focus = Focus::Typed;
                self.form.edit(typed::NAME);
            }
            Action::LongerStep => self.typed.change_step(1),
            Action::ShorterStep => self.typed.change_step(-1),
            Action::Close if self.focus == Focus::Typed && self.typed.waits() => self.typed.clear(),
            Action::Close => self.focus = Focus::Picture,
            other => {
                effects = match guided(other) {
                    Some(name) => vec![Effect::Send(Command::new(name))],
                    None => taking::update(other, self.pair.beam(), cx).unwrap_or_default(),
                }
            }
        }
        self.refresh(cx);
        effects
    }

    fn refresh(&mut self, cx: &Cx) {
        self.pair.refresh(cx);
        if !needle(cx).is_some_and(|needle| needle.inserted) {
            self.drive = None;
        }
        let now = needle(cx)
            .filter(|needle| needle.inserted)
            .map(|needle| &needle.position);
        self.form.replace(typed::fields(&self.typed, now, cx));
        self.say_ways(cx);
    }

    fn ended(&mut self, command: &Command, end: &Result<Value, Failure>, cx: &Cx) -> Vec<Effect> {
        self.pair.ended(command, end, cx);
        if !is_move(command) {
            return taking::ended(command, end, cx);
        }
        if end.is_err() {
            self.drive = None;
            return Vec::new();
        }
        if self.drive.is_some() {
            return Vec::new();
        }
        self.typed.clear();
        if command.name == "manipulator.move-corrected" {
            // the ruler was for this way alone
            self.pair.update(&Action::Close, cx);
        }
        self.refresh(cx);
        after_move::picture(cx)
    }

    fn shown(&mut self, _open: bool, cx: &Cx) -> Vec<Effect> {
        self.form.abandon();
        self.drive = None;
        self.refresh(cx);
        Vec::new()
    }

    fn wake(&self, cx: &Cx) -> Option<f64> {
        self.drive.as_ref().map(|drive| drive.ends_in(cx))
    }

    fn tick(&mut self, cx: &Cx) -> Vec<Effect> {
        let mut effects = self.end_drive(cx);
        effects.push(tell(
            "drive mode ended by itself: no key for a while",
            "F7 starts it again",
        ));
        effects
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        draw::draw(self, cx, theme, area, canvas);
    }
}
