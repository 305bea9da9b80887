//! Detection: features in the picture as labelled points over the mask, chosen, moved, rejected, added and confirmed by hand.
//!
//! What was found is data in the snapshot; every correction goes out as a command and comes back with it. Here live which feature is
//! selected, what a hand drags, the mask's look (`mask`), the form of what is looked for (`asked`), and where everything stands (`draw`).
//! Nothing moves on the instrument but by the picture's own key: a selected feature has the cursor on it.

mod asked;
mod draw;
mod overlay;
#[cfg(test)]
mod tests;

use crate::action::{Action, Gesture};
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::{Effect, Popup};
use crate::keys::Layer;
use crate::tab::{Reason, Tab, TabId, taking};
use crate::theme::Theme;
use crate::widget::form::{Form, Outcome};
use crate::widget::list::Selection;
use crate::widget::picture::{Pair, tell};
use engine::{Command, Failure};
use model::detection::Detection as Found;
use model::{Beam, Capabilities};
use picture::Position;
use ratatui::layout::Rect;
use serde_json::Value;

/// What a mask covers of the picture, and a step of that.
const OPACITY: f64 = 0.3;
const OPACITY_STEP: f64 = 0.1;
/// Share of the picture's width within which a click takes a feature.
const GRIP: f64 = 0.03;

pub struct Detection {
    pair: Pair,
    form: Form,
    /// The keys are in the form.
    editing: bool,
    selected: Selection,
    /// The number of the detection the selection was made in, by its record.
    of: Option<String>,
    opacity: f64,
    masked: bool,
    /// Another detection follows each that ends.
    live: bool,
    /// A feature under the hand, and where it is held.
    held: Option<(usize, Position)>,
    mask: overlay::Cache,
}

impl Detection {
    pub fn new(cx: &Cx) -> Detection {
        Detection {
            pair: Pair::new(cx),
            form: Form::new("detection", asked::fields(cx)),
            editing: false,
            selected: Selection::default(),
            of: None,
            opacity: OPACITY,
            masked: true,
            live: false,
            held: None,
            mask: overlay::Cache::default(),
        }
    }

    /// Looks for features in a new picture of the beam in front, or in the last one.
    fn detect(&self, last: bool, cx: &Cx) -> Vec<Effect> {
        if cx.pending.has("detect.features") {
            return Vec::new();
        }
        let mut command = Command::new("detect.features").with("beam", self.pair.beam().word());
        for (key, text) in asked::chosen(cx) {
            if !text.is_empty() {
                command = command.with(key, text);
            }
        }
        if last {
            command = command.with("last", true);
        }
        vec![Effect::Send(command)]
    }

    /// The command about the selected feature, or why there is none.
    fn about(&self, name: &str, cx: &Cx, with: impl FnOnce(Command, &Found) -> Option<Command>) -> Vec<Effect> {
        let found = found(cx).filter(|found| self.selected.row < found.features.len());
        let Some(found) = found else {
            return vec![tell("there is no feature to change", "d looks for some")];
        };
        let command = Command::new(name).with("feature", (self.selected.row + 1).to_string());
        with(command, found).map_or_else(Vec::new, |command| vec![Effect::Send(command)])
    }

    /// The cursor of the picture that the detection was made in, in its pixels.
    fn cursor(&self, cx: &Cx) -> Option<(f64, f64)> {
        let frame = shown(cx)?;
        let pane = self.pair.pane(frame.beam?);
        let at = pane
            .frame(cx)
            .filter(|f| f.id == frame.id)
            .map(|f| pane.cursor(f.size))?;
        Some(overlay::pixel(at, frame.size))
    }

    fn put(&self, cx: &Cx) -> Vec<Effect> {
        match self.cursor(cx) {
            Some((x, y)) => self.about("detect.move", cx, |command, _| Some(command.with("x", x).with("y", y))),
            None => vec![tell(
                "the picture that is shown is not the one that was looked at",
                "D looks for features in it",
            )],
        }
    }

    fn add(&self, cx: &Cx) -> Vec<Effect> {
        match self.cursor(cx) {
            Some((x, y)) => vec![Effect::Open(Popup::Palette(format!(
                "detect.add x={x:.1} y={y:.1} feature="
            )))],
            None => vec![tell("there is no detection to add to", "d looks for features")],
        }
    }

    /// Selects a feature and brings the cursor onto it.
    fn select(&mut self, by: isize, cx: &Cx) {
        let Some(found) = found(cx).filter(|found| !found.features.is_empty()) else {
            return;
        };
        let n = found.features.len() as isize;
        self.selected.row = (self.selected.row as isize + by).rem_euclid(n) as usize;
        self.aim(cx);
    }

    fn aim(&mut self, cx: &Cx) {
        let Some((found, frame)) = found(cx).zip(shown(cx)) else {
            return;
        };
        let px = found.features.get(self.selected.row).and_then(|f| f.px);
        let Some((px, beam)) = px.zip(frame.beam) else { return };
        if self.pair.beam() != beam {
            self.pair.swap(cx);
        }
        self.pair
            .pane_mut(beam)
            .point_at(overlay::position(px, found.size, frame.size), cx);
    }

    /// What the mouse did to a feature; `None`: it is the picture's.
    fn drag(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let Action::Point { slot, pointer } = action else {
            return None;
        };
        let frame = shown(cx)?;
        let beam = frame
            .beam
            .filter(|beam| engine::snapshot::at(*beam) == usize::from(*slot))?;
        let pane = self.pair.pane(beam);
        pane.frame(cx).filter(|f| f.id == frame.id)?;
        match pointer.gesture {
            Gesture::Click => {
                let at = pane.under(*pointer, cx)?;
                let near = overlay::nearest(found(cx)?, at, frame.size, GRIP * f64::from(frame.size.0))?;
                self.selected.row = near;
                self.held = Some((near, at));
                None
            }
            Gesture::Drag => {
                let (index, from) = self.held?;
                let at = pane.under(*pointer, cx).unwrap_or(from);
                self.held = Some((index, at));
                self.pair.pane_mut(beam).point_at(at, cx);
                Some(Vec::new())
            }
            Gesture::Drop => {
                let (_, at) = self.held.take()?;
                let moved = overlay::pixel(at, frame.size);
                Some(self.about("detect.move", cx, |command, _| {
                    Some(command.with("x", moved.0).with("y", moved.1))
                }))
            }
            _ => None,
        }
    }

    fn host(&mut self, cx: &Cx) {
        let frame = shown(cx);
        for beam in Beam::ALL {
            let pane = self.pair.pane(beam);
            let own = frame.filter(|f| f.beam == Some(beam) && pane.frame(cx).is_some_and(|shown| shown.id == f.id));
            let (overlays, says) = match own.zip(found(cx)) {
                Some((frame, found)) => {
                    let mut overlays = Vec::new();
                    if self.masked {
                        overlays.extend(self.mask.overlay(found, frame.size, self.opacity));
                    }
                    overlays.extend(overlay::points(found, self.selected.row, self.held, frame.size));
                    (overlays, draw::target(found, self.selected.row))
                }
                None => Default::default(),
            };
            self.pair.pane_mut(beam).host(overlays, says);
        }
    }
}

/// What was found last.
fn found<'a>(cx: &'a Cx) -> Option<&'a Found> {
    cx.snapshot.detection.as_ref()
}

/// The picture it was found in, where the session knows it.
fn shown<'a>(cx: &'a Cx) -> Option<&'a engine::event::FrameInfo> {
    found(cx)?.frame.and_then(|id| cx.frame(id))
}

impl Tab for Detection {
    fn id(&self) -> TabId {
        TabId::Detection
    }

    fn available(&self, capabilities: Option<&Capabilities>) -> Result<(), Reason> {
        taking::available(capabilities)
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        match self.editing {
            true => vec![self.form.layer(), Layer::Detection],
            false => [self.pair.layers(), vec![Layer::Detection]].concat(),
        }
    }

    fn next(&self, cx: &Cx) -> Vec<Action> {
        if self.editing {
            return [self.form.next(), vec![Action::Close]].concat();
        }
        let mut next = vec![Action::DetectNew, Action::DetectShown];
        if found(cx).is_some_and(|found| !found.features.is_empty()) {
            next.extend([
                Action::NextFeature,
                Action::PutFeature,
                Action::ConfirmFeatures,
                Action::RejectFeature,
                Action::AddFeature,
                Action::MoveHere,
                Action::MaskShown,
            ]);
        }
        next.extend([
            Action::EditDetection,
            Action::Acquire,
            Action::NextPane,
            Action::DetectLive,
        ]);
        next
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        if let Action::Pick { zone: draw::ZONE, row } = action {
            self.selected.row = *row;
            self.aim(cx);
            self.refresh(cx);
            return Vec::new();
        }
        if self.editing {
            match self.form.update(action) {
                Outcome::Set { key, value } => return asked::set(key, value),
                Outcome::Handled => return Vec::new(),
                Outcome::Ignored => {}
            }
        }
        if let Some(effects) = self.drag(action, cx) {
            self.refresh(cx);
            return effects;
        }
        let pictures = !self.editing || matches!(action, Action::Point { .. });
        if pictures && let Some(effects) = self.pair.update(action, cx) {
            self.editing = false;
            self.refresh(cx);
            return effects;
        }
        let effects = match action {
            Action::DetectNew => self.detect(false, cx),
            Action::DetectShown => self.detect(true, cx),
            Action::DetectLive => {
                self.live = !self.live;
                if self.live { self.detect(false, cx) } else { Vec::new() }
            }
            Action::PutFeature => self.put(cx),
            Action::AddFeature => self.add(cx),
            Action::RejectFeature => self.about("detect.reject", cx, |command, _| Some(command)),
            Action::ConfirmFeatures if found(cx).is_some() => vec![Effect::Send(Command::new("detect.confirm"))],
            Action::ConfirmFeatures => vec![tell("there is nothing to confirm", "d looks for features")],
            Action::NextFeature => {
                self.select(1, cx);
                Vec::new()
            }
            Action::PreviousFeature => {
                self.select(-1, cx);
                Vec::new()
            }
            Action::MaskShown => {
                self.masked = !self.masked;
                Vec::new()
            }
            Action::MaskMore => self.fade(OPACITY_STEP),
            Action::MaskLess => self.fade(-OPACITY_STEP),
            Action::EditDetection => {
                self.editing = true;
                Vec::new()
            }
            Action::Close => {
                self.form.abandon();
                self.editing = false;
                Vec::new()
            }
            Action::NextPane | Action::PreviousPane => {
                self.pair.swap(cx);
                Vec::new()
            }
            other => taking::update(other, self.pair.beam(), cx).unwrap_or_default(),
        };
        self.refresh(cx);
        effects
    }

    fn refresh(&mut self, cx: &Cx) {
        self.pair.refresh(cx);
        self.form.replace(asked::fields(cx));
        let record = found(cx).and_then(|found| found.record.clone());
        if record != self.of {
            self.of = record;
            self.selected.row = 0;
            self.held = None;
            self.aim(cx);
        }
        self.host(cx);
    }

    fn ended(&mut self, command: &Command, end: &Result<Value, Failure>, cx: &Cx) -> Vec<Effect> {
        self.pair.ended(command, end, cx);
        if command.name == "detect.features" && self.live {
            self.live = end.is_ok();
            return if self.live { self.detect(false, cx) } else { Vec::new() };
        }
        taking::ended(command, end, cx)
    }

    /// Live detection takes pictures: it ends where nobody looks.
    fn shown(&mut self, open: bool, cx: &Cx) -> Vec<Effect> {
        self.live &= open;
        self.form.abandon();
        self.refresh(cx);
        Vec::new()
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        draw::draw(self, cx, theme, area, canvas);
    }
}

impl Detection {
    fn fade(&mut self, by: f64) -> Vec<Effect> {
        self.opacity = (self.opacity + by).clamp(OPACITY_STEP, 1.0);
        self.masked = true;
        Vec::new()
    }
}
