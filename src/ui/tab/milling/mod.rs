//! Milling: stages of patterns over the FIB picture, what beam mills them, and their running.
//!
//! `draft` is the task as it is edited (one `milling.load` per edit), `sections` what can be set of it (`offers`: on this
//! instrument) and `forms` how that is shown, `overlays` what is drawn over the picture, `placing` corners and points set with
//! its cursor (`boxed`, `spots`: what comes of them), `edits` the keys that change the task, `run` those that mill it; `draw`,
//! `rows` and `progress` say where everything stands. Nothing here mills: `milling.run` is asked about like every command that
//! changes the sample. To add something that can be set: see `sections`.

mod boxed;
mod choosing;
mod draft;
mod draw;
mod edits;
mod forms;
mod offers;
mod overlays;
mod placing;
mod progress;
mod prompt;
mod rows;
mod run;
mod sections;
mod spots;
#[cfg(test)]
mod tests;

use crate::action::{Action, Gesture};
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::tab::{Reason, Tab, TabId, taking};
use crate::theme::Theme;
use crate::widget::form::Outcome;
use crate::widget::list::Selection;
use crate::widget::picture::Pair;
use choosing::Choosing;
use draft::Draft;
use engine::{Command, Failure};
use forms::{Forms, Wanted};
use model::{Beam, Capabilities, Notice, Severity};
use pattern::MillingStage;
use placing::{Placed, Placing};
use prompt::Prompt;
use ratatui::layout::Rect;
use serde_json::Value;
use spots::Spots;

/// What the keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Picture,
    Stages,
    Form,
}

pub struct Milling {
    pair: Pair,
    focus: Focus,
    draft: Draft,
    stages: Selection,
    forms: Forms,
    spots: Spots,
    /// The pattern of a stage to be added is being chosen.
    choosing: Option<Choosing>,
    placing: Option<Placing>,
    prompt: Option<Prompt>,
    patterns_shown: bool,
    /// How far one nudge moves a pattern, m.
    nudge: f64,
    /// Why each stage cannot be milled as it is, and what this was found for.
    problems: Vec<Option<String>>,
    checked: Option<(u64, (u32, u32))>,
}

impl Milling {
    pub fn new(cx: &Cx) -> Milling {
        let mut pair = Pair::facing(Beam::Ion, cx);
        for beam in Beam::ALL {
            pair.pane_mut(beam).follow_whole();
        }
        Milling {
            pair,
            focus: Focus::Stages,
            draft: Draft::default(),
            stages: Selection::default(),
            forms: Forms::new(),
            spots: Spots::default(),
            choosing: None,
            placing: None,
            prompt: None,
            patterns_shown: true,
            nudge: edits::NUDGE,
            problems: Vec::new(),
            checked: None,
        }
    }

    /// The selected stage.
    fn stage(&self) -> Option<&MillingStage> {
        self.draft.task().stages.get(self.stages.row)
    }

    /// Spots are placed: their form takes the place of the stages'.
    fn places_spots(&self) -> bool {
        matches!(self.placing, Some(Placing::Spots(_)))
    }

    fn turn_focus(&mut self, forward: bool) {
        self.abandon();
        if !self.places_spots() {
            self.placing = None;
        }
        let all = match self.places_spots() {
            true => vec![Focus::Picture, Focus::Form],
            false => vec![Focus::Picture, Focus::Stages, Focus::Form],
        };
        let here = all.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        let step = if forward { 1 } else { all.len() - 1 };
        self.focus = all[(here + step) % all.len()];
    }

    fn abandon(&mut self) {
        self.forms.abandon();
        self.spots.form.abandon();
    }

    /// Lets whatever takes all keys for a while handle an action: a line of text, the list of patterns, a box being drawn.
    fn first(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        if let Some(prompt) = &mut self.prompt {
            let (done, effects) = prompt.update(action);
            if done {
                self.prompt = None;
            }
            let loads = |effect: &Effect| matches!(effect, Effect::Send(command) if command.name == draft::LOAD);
            if effects.iter().any(loads) {
                self.draft.leave();
            }
            return Some(effects);
        }
        if let Some(choosing) = &mut self.choosing {
            if choosing.update(action) {
                return Some(Vec::new());
            }
            let row = choosing.row();
            match action {
                Action::Accept
                | Action::Pick {
                    zone: edits::PATTERN_ZONE,
                    ..
                } => {
                    self.choosing = None;
                    return Some(self.add(row, cx));
                }
                Action::Close | Action::Pick { .. } | Action::Point { .. } => self.choosing = None,
                _ => {}
            }
            return Some(Vec::new());
        }
        self.placed(action, cx)
    }

    /// Corners and points are placed while the picture has the keys.
    fn placed(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let beam = self.draft.task().channel;
        if let Some(Placing::Spots(points)) = &self.placing
            && *action == Action::BurnSpots
        {
            return Some(self.spots.burn(points, beam, cx));
        }
        let in_picture = self.focus == Focus::Picture && self.pair.beam() == beam;
        let clicked = matches!(action, Action::Point { slot, .. } if *slot == self.pair.pane(beam).slot());
        if !in_picture && !clicked && *action != Action::Close {
            return None;
        }
        let placing = self.placing.as_mut()?;
        if self.focus == Focus::Form && self.spots.form.editing() {
            return None;
        }
        match placing.update(action, self.pair.pane_mut(beam), cx) {
            Placed::Ignored => None,
            Placed::Handled => {
                self.focus = Focus::Picture;
                Some(Vec::new())
            }
            Placed::Left => {
                self.placing = None;
                self.focus = Focus::Stages;
                Some(Vec::new())
            }
            Placed::Box(a, b) => Some(self.take_box(a, b, cx)),
        }
    }

    /// Lets the pane with the focus handle an action, or the one that was clicked.
    fn pane(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        match action {
            Action::Pick { zone: rows::ZONE, row } => {
                let again = self.focus == Focus::Stages && self.stages.row == *row;
                self.abandon();
                self.focus = if again { Focus::Form } else { Focus::Stages };
            }
            Action::Pick { .. } => self.focus = Focus::Form,
            Action::Point { pointer, .. } => {
                self.abandon();
                self.focus = Focus::Picture;
                let effects = self.pair.update(action, cx)?;
                // without pixels a click is a cell wide: it aims, and a key puts
                return Some(match (pointer.gesture, pointer.pixel) {
                    (Gesture::ShiftClick, Some(_)) => self.put(false, cx),
                    (Gesture::CtrlShiftClick, Some(_)) => self.put(true, cx),
                    _ => effects,
                });
            }
            _ => {}
        }
        match self.focus {
            Focus::Picture => self.pair.update(action, cx),
            Focus::Stages => {
                let rows = self.draft.task().stages.len();
                if self.stages.update(action, rows::ZONE, rows, 10) {
                    return Some(Vec::new());
                }
                if *action == Action::Accept && self.stage().is_some() {
                    self.focus = Focus::Form;
                    return Some(Vec::new());
                }
                None
            }
            Focus::Form if self.places_spots() => match self.spots.form.update(action) {
                Outcome::Set { key, value } => {
                    self.spots.set(key, &value);
                    Some(Vec::new())
                }
                Outcome::Handled => Some(Vec::new()),
                Outcome::Ignored => None,
            },
            Focus::Form => match self.forms.update(action) {
                Wanted::Set(section, key, value) => Some(self.set(section, key, &value, cx)),
                Wanted::Area => Some(self.start(Placing::Alignment(None), cx)),
                Wanted::Handled => Some(Vec::new()),
                Wanted::Ignored => None,
            },
        }
    }

    /// Finds anew what each stage lacks, where the task or the picture's size has changed.
    fn check(&mut self, cx: &Cx) {
        let task = self.draft.task();
        let resolution = cx.snapshot.settings[engine::snapshot::at(task.channel)].resolution;
        let of = (self.draft.revision(), resolution);
        if self.checked != Some(of) {
            self.problems = rows::problems(task, resolution);
            self.checked = Some(of);
        }
    }

    /// What the picture shows besides itself.
    fn host(&mut self, cx: &Cx) {
        let beam = self.draft.task().channel;
        let frame = self.pair.pane(beam).frame(cx);
        let overlays = frame.map(|frame| self.overlays(frame, cx)).unwrap_or_default();
        let says = self.placing.as_ref().map(Placing::says).unwrap_or_default();
        self.pair.pane_mut(beam).host(overlays, says);
        self.pair.pane_mut(beam.other()).host(Vec::new(), String::new());
    }
}

impl Tab for Milling {
    fn id(&self) -> TabId {
        TabId::Milling
    }

    fn available(&self, capabilities: Option<&Capabilities>) -> Result<(), Reason> {
        match capabilities {
            Some(capabilities) if capabilities.milling.is_none() => Err("this instrument cannot mill from here"),
            _ => Ok(()),
        }
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        if let Some(prompt) = &self.prompt {
            return vec![prompt.layer()];
        }
        if self.choosing.is_some() {
            return vec![Layer::Field];
        }
        match (self.focus, &self.placing) {
            (Focus::Form, Some(_)) if self.places_spots() => vec![self.spots.form.layer(), Layer::Place],
            (Focus::Picture, Some(_)) => vec![Layer::Place, Layer::Picture],
            (Focus::Picture, None) => vec![Layer::Milling, Layer::Picture],
            (Focus::Form, _) if self.forms.editing() => vec![self.forms.layer()],
            (Focus::Stages | Focus::Form, _) => vec![Layer::Milling, Layer::Form],
        }
    }

    fn next(&self, cx: &Cx) -> Vec<Action> {
        if self.prompt.is_some() {
            return vec![Action::Accept, Action::Close];
        }
        if self.choosing.is_some() {
            return vec![Action::Accept, Action::Up, Action::Down, Action::Close];
        }
        match &self.placing {
            Some(Placing::Spots(_)) if self.focus == Focus::Form => {
                return [
                    &self.spots.form.next()[..],
                    &[Action::BurnSpots, Action::NextPane, Action::Close],
                ]
                .concat();
            }
            Some(Placing::Spots(points)) => {
                let mut next = vec![Action::Accept, Action::NextPane, Action::Close];
                if !points.is_empty() {
                    next.splice(1..1, [Action::BurnSpots, Action::RemovePoint]);
                }
                return next;
            }
            Some(_) => return vec![Action::Accept, Action::Close],
            None => {}
        }
        if self.focus == Focus::Form && self.forms.editing() {
            return self.forms.next();
        }
        self.next_keys(cx)
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        let effects = self
            .first(action, cx)
            .or_else(|| self.pane(action, cx))
            .or_else(|| self.edit(action, cx))
            .or_else(|| self.watch(action, cx))
            .or_else(|| taking::update(action, self.pair.beam(), cx))
            .unwrap_or_default();
        self.refresh(cx);
        effects
    }

    fn refresh(&mut self, cx: &Cx) {
        self.draft.refresh(cx);
        let task = self.draft.task();
        self.stages.row = self.stages.row.min(task.stages.len().saturating_sub(1));
        let stage = task.stages.get(self.stages.row);
        self.forms.refresh(task, stage, cx);
        self.spots.refresh(task.channel, cx);
        self.pair.refresh(cx);
        self.check(cx);
        self.host(cx);
    }

    fn ended(&mut self, command: &Command, end: &Result<Value, Failure>, cx: &Cx) -> Vec<Effect> {
        self.pair.ended(command, end, cx);
        if command.name == "milling.spot-burn" && end.is_ok() {
            self.placing = None;
        }
        let mut effects = taking::ended(command, end, cx);
        if let ("milling.save", Ok(saved)) = (command.name.as_str(), end) {
            let path = saved.get("file").and_then(Value::as_str);
            let title = format!("milling task written to {}", path.unwrap_or("its file"));
            effects.push(Effect::Tell(Notice::new(Severity::Info, title)));
        }
        if command.name == draft::LOAD {
            effects.extend(self.draft.ended(end, cx));
        }
        self.refresh(cx);
        effects
    }

    fn shown(&mut self, _open: bool, cx: &Cx) -> Vec<Effect> {
        self.prompt = None;
        self.choosing = None;
        self.placing = None;
        self.abandon();
        let effects = self.draft.flush(cx);
        self.refresh(cx);
        effects
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        draw::draw(self, cx, theme, area, canvas);
    }
}
