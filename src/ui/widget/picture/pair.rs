//! SEM and FIB together, as every tab with pictures shows them: which has the focus, one large or both, the common look.

use super::PicturePane;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::theme::Theme;
use engine::event::FrameId;
use engine::snapshot::at;
use engine::{Command, Failure};
use model::{Beam, Capabilities};
use ratatui::layout::Rect;
use serde_json::Value;
use vision::contrast::Spread;

/// Narrowest area that shows both pictures.
const BOTH: u16 = 100;

/// What is shown on both pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub crosshair: bool,
    /// Scale bar, saved positions, reduced area.
    pub overlays: bool,
    /// Gamma found for each picture.
    pub gamma: bool,
    /// Steps of gamma on top of it, by hand: above 0 is brighter.
    pub brighter: i32,
    pub spread: Spread,
}

impl Look {
    /// Gamma set by hand; below 1 brightens.
    pub fn by_hand(self) -> f64 {
        0.8f64.powi(self.brighter)
    }
}

/// Most steps of gamma either way.
const STEPS: i32 = 6;

/// Both panes.
#[derive(Debug)]
pub struct Pair {
    panes: [PicturePane; 2],
    focus: Beam,
    /// One large picture also where both fit.
    one: bool,
    pub look: Look,
}

impl Pair {
    pub fn new(cx: &Cx) -> Pair {
        let kept = |key: &str, otherwise: bool| cx.remembered.get(key).and_then(Value::as_bool).unwrap_or(otherwise);
        Pair {
            panes: Beam::ALL.map(PicturePane::new),
            focus: Beam::Electron,
            one: kept("picture.one", false),
            look: Look {
                crosshair: kept("picture.crosshair", false),
                overlays: kept("picture.overlays", true),
                gamma: kept("picture.autogamma", false),
                brighter: 0,
                spread: Spread::AsTaken,
            },
        }
    }

    /// As [`Pair::new`], with this beam's picture in front.
    pub fn facing(beam: Beam, cx: &Cx) -> Pair {
        Pair {
            focus: beam,
            ..Pair::new(cx)
        }
    }

    pub fn pane_mut(&mut self, beam: Beam) -> &mut PicturePane {
        &mut self.panes[at(beam)]
    }

    /// The beam of the picture with the focus.
    pub fn beam(&self) -> Beam {
        self.focus
    }

    pub fn pane(&self, beam: Beam) -> &PicturePane {
        &self.panes[at(beam)]
    }

    pub fn focused(&self) -> &PicturePane {
        self.pane(self.focus)
    }

    /// The layers of the picture with the focus.
    pub fn layers(&self) -> Vec<Layer> {
        match self.focused().is_marking() {
            true => vec![Layer::Mark, Layer::Picture],
            false => vec![Layer::Picture],
        }
    }

    /// The other beam's picture, where there is one.
    pub fn swap(&mut self, cx: &Cx) {
        let other = self.focus.other();
        if has(capabilities(cx), other) {
            self.focus = other;
        }
    }

    pub fn refresh(&mut self, cx: &Cx) {
        if !has(capabilities(cx), self.focus) {
            self.focus = self.focus.other();
        }
        for pane in &mut self.panes {
            pane.refresh(cx);
        }
    }

    /// A command of the tab has ended.
    pub fn ended(&mut self, command: &Command, end: &Result<Value, Failure>, cx: &Cx) {
        for pane in &mut self.panes {
            pane.moved(command, end, cx);
        }
    }

    /// Shows a picture of the session in its beam's pane and goes there.
    pub fn choose(&mut self, frame: Option<FrameId>, cx: &Cx) {
        let beam = frame.and_then(|id| cx.frame(id)).and_then(|frame| frame.beam);
        self.focus = beam.unwrap_or(self.focus);
        self.panes[at(self.focus)].choose(frame);
    }

    /// Handles what belongs to a picture; `None`: not the pictures'. A click brings the focus with it.
    pub fn update(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        match action {
            Action::Point { slot, pointer } => {
                let beam = Beam::ALL.into_iter().find(|beam| at(*beam) == usize::from(*slot))?;
                self.focus = beam;
                Some(self.panes[at(beam)].point(*pointer, cx))
            }
            Action::Crosshair => {
                self.look.crosshair = !self.look.crosshair;
                Some(vec![keep("picture.crosshair", self.look.crosshair)])
            }
            Action::Overlays => {
                self.look.overlays = !self.look.overlays;
                Some(vec![keep("picture.overlays", self.look.overlays)])
            }
            Action::Autogamma => {
                self.look.gamma = !self.look.gamma;
                Some(vec![keep("picture.autogamma", self.look.gamma)])
            }
            Action::Spread => {
                self.look.spread = self.look.spread.next();
                Some(Vec::new())
            }
            Action::Brighter => Some(self.brighten(1)),
            Action::Darker => Some(self.brighten(-1)),
            Action::Layout => {
                self.one = !self.one;
                Some(vec![keep("picture.one", self.one)])
            }
            Action::OlderPicture => Some(self.turn_over(cx, -1)),
            Action::NewerPicture => Some(self.turn_over(cx, 1)),
            other => self.panes[at(self.focus)].update(other, cx),
        }
    }

    /// Neither this nor how greys are spread is kept: a picture that looks different for no visible reason costs an operator more than two keys.
    fn brighten(&mut self, by: i32) -> Vec<Effect> {
        self.look.brighter = (self.look.brighter + by).clamp(-STEPS, STEPS);
        Vec::new()
    }

    /// The picture of this beam before or after the one that is shown; after the last one the newest is followed.
    fn turn_over(&mut self, cx: &Cx, by: isize) -> Vec<Effect> {
        let pane = &self.panes[at(self.focus)];
        let ids: Vec<FrameId> = cx
            .snapshot
            .frames
            .iter()
            .filter(|f| f.beam == Some(self.focus))
            .map(|f| f.id)
            .collect();
        let shown = pane.frame(cx).map(|frame| frame.id);
        let here = ids.iter().position(|id| Some(*id) == shown).unwrap_or(ids.len());
        let to = here.saturating_add_signed(by);
        let chosen = if to + 1 >= ids.len() {
            None
        } else {
            ids.get(to).copied()
        };
        self.panes[at(self.focus)].choose(chosen);
        Vec::new()
    }

    /// Draws one or both; `focus` = the keys are in a picture.
    pub fn draw(&self, focus: bool, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let beams: Vec<Beam> = Beam::ALL
            .into_iter()
            .filter(|beam| has(capabilities(cx), *beam))
            .collect();
        if self.one || area.width < BOTH || beams.len() < 2 {
            return self.focused().draw(focus, self.look, cx, theme, area, canvas);
        }
        let half = area.width / 2;
        let left = Rect { width: half, ..area };
        let right = Rect {
            x: area.x + half,
            width: area.width - half,
            ..area
        };
        for (beam, place) in beams.into_iter().zip([left, right]) {
            self.pane(beam)
                .draw(focus && beam == self.focus, self.look, cx, theme, place, canvas);
        }
    }
}

fn capabilities<'a>(cx: &'a Cx) -> Option<&'a Capabilities> {
    cx.snapshot
        .connection
        .as_ref()
        .map(|connection| &connection.capabilities)
}

/// The instrument has that beam; while not connected both are shown.
fn has(capabilities: Option<&Capabilities>, beam: Beam) -> bool {
    capabilities.is_none_or(|c| c.beam(beam).is_some() || c.beams().is_empty())
}

fn keep(key: &str, value: bool) -> Effect {
    Effect::Remember {
        key: key.to_owned(),
        value: value.into(),
    }
}
