//! Movement: where the stage is, and every way to send it elsewhere.
//!
//! Pictures are `widget::picture`. Here: `target` (the form of typed targets and steps), `places` (orientations and saved
//! positions), `jog` (the mode in which the stage follows the keys), `prompt` (one line of text for names and files), `draw`.
//! Nothing here moves anything but by a key that says so; far ways are asked about before they go out (`asked`).

mod draw;
mod jog;
mod places;
mod prompt;
mod target;
#[cfg(test)]
mod tests;

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::tab::{Reason, Tab, TabId, after_move, taking};
use crate::theme::Theme;
use crate::widget::form::{Form, Outcome};
use crate::widget::picture::{Pair, tell};
use engine::{Command, Failure};
use jog::Jog;
use model::{Axis, Capabilities};
use places::Places;
use prompt::{Prompt, Wanted};
use ratatui::layout::Rect;
use serde_json::Value;
use target::{Steps, Target};

/// What the keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Picture,
    /// The table of axes.
    Pose,
    Target,
    Places,
}

pub struct Movement {
    pair: Pair,
    focus: Focus,
    /// The axis of single steps.
    axis: Axis,
    steps: Steps,
    target: Target,
    form: Form,
    places: Places,
    prompt: Option<Prompt>,
    jog: Option<Jog>,
    /// Jog mode has ended, its last step not yet: the pictures that follow a move are taken then.
    jog_settles: bool,
}

impl Movement {
    pub fn new(cx: &Cx) -> Movement {
        Movement {
            pair: Pair::new(cx),
            focus: Focus::Picture,
            axis: Axis::X,
            steps: Steps::default(),
            target: Target::default(),
            form: Form::new("target", Vec::new()),
            places: Places::default(),
            prompt: None,
            jog: None,
            jog_settles: false,
        }
    }

    /// Lets the pane with the focus handle an action, or the one that was clicked.
    fn pane(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        match action {
            Action::Pick { zone: "axes", .. } => self.focus = Focus::Pose,
            Action::Pick { zone: "target", .. } => self.focus = Focus::Target,
            Action::Pick { zone: "places", .. } => self.focus = Focus::Places,
            Action::Pick { .. } => return None,
            Action::Point { .. } => {
                self.form.abandon();
                self.focus = Focus::Picture;
            }
            _ => {}
        }
        match self.focus {
            Focus::Picture => self.pair.update(action, cx),
            Focus::Pose => self.choose_axis(action, cx).then(Vec::new),
            Focus::Target => match self.form.update(action) {
                Outcome::Set { key, value } => Some(self.target.set(key, &value, &mut self.steps)),
                Outcome::Handled => Some(Vec::new()),
                Outcome::Ignored => None,
            },
            Focus::Places => self.places.update(action, cx),
        }
    }

    fn choose_axis(&mut self, action: &Action, cx: &Cx) -> bool {
        let axes = target::axes(cx);
        let here = axes.iter().position(|axis| *axis == self.axis).unwrap_or(0);
        let to = match action {
            Action::Up => here.saturating_sub(1),
            Action::Down => here + 1,
            Action::Pick { row, .. } => *row,
            _ => return false,
        };
        self.axis = axes.get(to).or(axes.last()).copied().unwrap_or(Axis::X);
        true
    }

    /// One step along the chosen axis.
    fn step(&self, sign: f64, cx: &Cx) -> Vec<Effect> {
        if cx.pending.any(after_move::is_move) {
            return vec![tell("a move is under way; this step was not sent", "wait for its end")];
        }
        let by = sign * self.steps.of(self.axis);
        vec![Effect::Send(
            Command::new("stage.move-relative").with(self.axis.name(), by),
        )]
    }

    fn ask(&mut self, wanted: Wanted, cx: &Cx) -> Vec<Effect> {
        let name = self.places.name(cx);
        if name.is_none() && wanted.of_position() {
            self.focus = Focus::Places;
            return vec![tell(
                "no saved position is chosen; nothing was changed",
                "choose one in the list of places",
            )];
        }
        self.prompt = Some(Prompt::new(wanted, name, cx));
        Vec::new()
    }

    fn start_jog(&mut self, cx: &Cx) -> Vec<Effect> {
        if cx.snapshot.stage.is_none() {
            return vec![tell("there is no stage to jog; nothing moves", "connect first")];
        }
        self.form.abandon();
        self.focus = Focus::Picture;
        self.jog = Some(Jog::new(cx));
        Vec::new()
    }

    /// Ends jog mode; where it moved anything, the pictures that every move asks for are taken now.
    fn end_jog(&mut self, cx: &Cx) -> Vec<Effect> {
        let moved = self.jog.take().is_some_and(|jog| jog.has_moved());
        self.jog_settles = moved && cx.pending.has(jog::COMMAND);
        if moved && !self.jog_settles {
            after_move::picture(cx)
        } else {
            Vec::new()
        }
    }

    /// After a step that failed, or was stopped, nothing more happens by itself.
    fn jog_step_ended(&mut self, well: bool, cx: &Cx) -> Vec<Effect> {
        if !well {
            self.jog.take();
            self.jog_settles = false;
        } else if self.jog_settles && !cx.pending.has(jog::COMMAND) {
            self.jog_settles = false;
            return after_move::picture(cx);
        }
        Vec::new()
    }

    fn prompted(&mut self, action: &Action) -> Option<Vec<Effect>> {
        let prompt = self.prompt.as_mut()?;
        let (done, effects) = prompt.update(action);
        if done {
            self.prompt = None;
        }
        Some(effects)
    }

    fn jogged(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let jog = self.jog.as_mut()?;
        Some(match action {
            Action::Jog | Action::Close => self.end_jog(cx),
            Action::LongerStep => self.steps.change(jog.axis(), 1),
            Action::ShorterStep => self.steps.change(jog.axis(), -1),
            other => jog.update(other, self.pair.beam(), self.steps, cx),
        })
    }
}

impl Tab for Movement {
    fn id(&self) -> TabId {
        TabId::Movement
    }

    fn available(&self, capabilities: Option<&Capabilities>) -> Result<(), Reason> {
        match capabilities {
            Some(capabilities) if capabilities.stage.is_none() => {
                Err("this instrument has no stage that can be moved from here")
            }
            _ => Ok(()),
        }
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        if self.jog.is_some() {
            return vec![Layer::Jog];
        }
        if let Some(prompt) = &self.prompt {
            return vec![prompt.layer()];
        }
        let mut layers = match self.focus {
            Focus::Picture => self.pair.layers(),
            Focus::Target => vec![self.form.layer()],
            Focus::Pose | Focus::Places => vec![Layer::Form],
        };
        layers.push(Layer::Movement);
        layers
    }

    fn next(&self, _cx: &Cx) -> Vec<Action> {
        if self.jog.is_some() {
            let frame = [
                Action::Close,
                Action::Left,
                Action::Right,
                Action::Up,
                Action::Down,
                Action::PageUp,
                Action::PageDown,
            ];
            return [&frame[..], &[Action::ShorterStep, Action::LongerStep, Action::JogFrame]].concat();
        }
        if self.prompt.is_some() {
            return vec![Action::Accept, Action::Close];
        }
        let steps = [
            Action::StepDown,
            Action::StepUp,
            Action::ShorterStep,
            Action::LongerStep,
        ];
        let mut next = match self.focus {
            Focus::Picture if self.pair.focused().is_marking() => return vec![Action::Accept, Action::Close],
            Focus::Picture => vec![Action::MoveHere, Action::Vertical, Action::NextPane, Action::Acquire],
            Focus::Pose => [&[Action::Up, Action::Down], &steps[..], &[Action::Close]].concat(),
            Focus::Target if self.form.editing() => return self.form.next(),
            Focus::Target => [&self.form.next()[..], &[Action::GoTarget, Action::Close]].concat(),
            Focus::Places => vec![
                Action::Accept,
                Action::SavePosition,
                Action::RenamePosition,
                Action::DeletePosition,
                Action::Close,
            ],
        };
        next.extend([Action::Jog, Action::EditTarget, Action::Places]);
        next.extend(steps);
        next.extend([Action::MillingAngle, Action::SavePosition, Action::AfterMove]);
        next
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        if let Some(effects) = self.jogged(action, cx).or_else(|| self.prompted(action)) {
            return effects;
        }
        if let Some(effects) = self.pane(action, cx) {
            self.refresh(cx);
            return effects;
        }
        match action {
            Action::NextPane | Action::PreviousPane => self.pair.swap(cx),
            Action::EditTarget => self.focus = Focus::Target,
            Action::Places => self.focus = Focus::Places,
            Action::Pose => self.focus = Focus::Pose,
            Action::Close if self.focus == Focus::Target && !self.target.is_empty() => self.target.clear(),
            Action::Close => self.focus = Focus::Picture,
            Action::StepUp => return self.step(1.0, cx),
            Action::StepDown => return self.step(-1.0, cx),
            Action::LongerStep => return self.steps.change(Some(self.axis), 1),
            Action::ShorterStep => return self.steps.change(Some(self.axis), -1),
            Action::GoTarget => return self.target.go(),
            Action::MillingAngle => {
                self.focus = Focus::Target;
                self.form.edit(target::MILLING_ANGLE);
            }
            Action::Jog => return self.start_jog(cx),
            Action::SavePosition => return self.ask(Wanted::Save, cx),
            Action::RenamePosition => return self.ask(Wanted::Rename, cx),
            Action::ImportPositions => return self.ask(Wanted::Import, cx),
            Action::ExportPositions => return self.ask(Wanted::Export, cx),
            Action::CaptureState => return self.ask(Wanted::Capture, cx),
            Action::RestoreState => return self.ask(Wanted::Restore, cx),
            Action::DeletePosition => return self.places.delete(cx),
            other => {
                let effects = taking::update(other, self.pair.beam(), cx);
                self.refresh(cx);
                return effects.unwrap_or_default();
            }
        }
        self.refresh(cx);
        Vec::new()
    }

    fn refresh(&mut self, cx: &Cx) {
        self.pair.refresh(cx);
        if !target::axes(cx).contains(&self.axis) {
            self.axis = Axis::X;
        }
        self.form.replace(target::fields(&self.target, self.steps, cx));
    }

    fn ended(&mut self, command: &Command, end: &Result<Value, Failure>, cx: &Cx) -> Vec<Effect> {
        self.pair.ended(command, end, cx);
        if command.name == jog::COMMAND {
            return self.jog_step_ended(end.is_ok(), cx);
        }
        if after_move::is_move(command) && end.is_ok() {
            self.target.clear();
        }
        taking::ended(command, end, cx)
    }

    fn shown(&mut self, _open: bool, cx: &Cx) -> Vec<Effect> {
        self.prompt = None;
        self.form.abandon();
        self.jog.take();
        self.refresh(cx);
        Vec::new()
    }

    fn wake(&self, cx: &Cx) -> Option<f64> {
        self.jog.as_ref().map(|jog| jog.ends_in(cx))
    }

    fn tick(&mut self, cx: &Cx) -> Vec<Effect> {
        let mut effects = self.end_jog(cx);
        effects.push(tell(
            "jog mode ended by itself: no key for a while",
            "F7 starts it again",
        ));
        effects
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        draw::draw(self, cx, theme, area, canvas);
    }
}
