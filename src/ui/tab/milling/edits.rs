//! The keys of the tab: what changes the task, what places a pattern, what runs it.

use super::boxed::boxed;
use super::choosing::Choosing;
use super::overlays::field_size;
use super::placing::{Placing, Spot};
use super::prompt::{self, Prompt};
use super::run::can_pause;
use super::sections::{self, Section};
use super::{Focus, Milling, progress};
use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::tab::running;
use crate::widget::picture::tell;
use engine::Command;
use model::{Point, Rect, Value};
use pattern::{MillingStage, PATTERNS, Pattern};

/// The list of patterns in clicks.
pub const PATTERN_ZONE: &str = "milling-patterns";
/// Steps of a nudge, m.
const NUDGES: &[f64] = &[10e-9, 20e-9, 50e-9, 100e-9, 200e-9, 500e-9, 1e-6, 2e-6, 5e-6, 10e-6];
pub const NUDGE: f64 = 100e-9;

impl Milling {
    /// Handles the tab's own keys; `None`: another's business.
    pub(super) fn edit(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let row = self.stages.row;
        Some(match action {
            Action::NextPane => self.go(true),
            Action::PreviousPane => self.go(false),
            Action::Close => {
                self.focus = Focus::Stages;
                Vec::new()
            }
            Action::OtherPicture => {
                self.pair.swap(cx);
                Vec::new()
            }
            Action::PatternsShown => {
                self.patterns_shown = !self.patterns_shown;
                Vec::new()
            }
            Action::AddStage => {
                self.abandon();
                self.choosing = Some(Choosing::default());
                Vec::new()
            }
            Action::LoadTask => {
                self.prompt = Some(Prompt::new(
                    prompt::Wanted::Load,
                    self.draft.file().unwrap_or_default().to_owned(),
                ));
                Vec::new()
            }
            Action::SpotBurn => self.start(Placing::Spots(Vec::new()), cx),
            Action::DrawAlignment => self.start(Placing::Alignment(None), cx),
            Action::PauseMilling => self.pause(cx),
            Action::JobStop => running::stop(cx),
            Action::PutBack if cx.snapshot.owed.is_empty() => {
                vec![tell("nothing was left changed", "there is nothing to put back")]
            }
            Action::PutBack => vec![Effect::Send(Command::new("job.restore"))],
            Action::MillMissing => vec![Effect::Send(Command::new("milling.continue"))],
            Action::UndoEdit => self
                .draft
                .undo(cx)
                .unwrap_or_else(|| vec![tell("there is no edit to take back", "edits of this console can be")]),
            Action::LongerStep => self.step(1),
            Action::ShorterStep => self.step(-1),
            own if is_of_stage(own) && self.stage().is_none() => {
                vec![tell(
                    "there is no stage; nothing was done",
                    "a adds one, l loads a task",
                )]
            }
            Action::ClearTask => {
                self.draft.leave();
                vec![Effect::Send(Command::new("milling.clear"))]
            }
            Action::SaveTask => {
                let file = Prompt::new_file(&self.draft.task().name, cx);
                self.prompt = Some(Prompt::new(prompt::Wanted::Save, file));
                Vec::new()
            }
            Action::ToggleStage => {
                let on = self.stage().is_some_and(|stage| stage.enabled);
                self.change(cx, |task| task.enable(row, !on))
            }
            Action::DuplicateStage => {
                let mut copy = row;
                let effects = self.change(cx, |task| task.duplicate(row).map(|at| copy = at));
                self.stages.row = copy;
                effects
            }
            Action::RemoveStage => self.change(cx, |task| task.remove(row).map(drop)),
            Action::StageEarlier => self.reorder(row.checked_sub(1), cx),
            Action::StageLater => self.reorder(Some(row + 1), cx),
            Action::PutPattern => self.put(false, cx),
            Action::PutAll => self.put(true, cx),
            Action::NudgeLeft => self.shift(-1.0, 0.0, cx),
            Action::NudgeRight => self.shift(1.0, 0.0, cx),
            Action::NudgeUp => self.shift(0.0, 1.0, cx),
            Action::NudgeDown => self.shift(0.0, -1.0, cx),
            Action::DrawPattern => self.start(Placing::Pattern(None), cx),
            Action::MillTask => self.mill(false, cx),
            Action::MillStage => self.mill(true, cx),
            _ => return None,
        })
    }

    fn go(&mut self, forward: bool) -> Vec<Effect> {
        self.turn_focus(forward);
        Vec::new()
    }

    /// Changes the task, or says why it could not be.
    fn change<E: std::fmt::Display>(
        &mut self,
        cx: &Cx,
        change: impl FnOnce(&mut pattern::MillingTask) -> Result<(), E>,
    ) -> Vec<Effect> {
        let mut refused = None;
        let mut effects = self.draft.edit(cx, |task| refused = change(task).err());
        if let Some(error) = refused {
            effects.push(tell(
                &format!("{error}; the task stays as it is"),
                "choose or type another",
            ));
        }
        effects
    }

    fn change_stage(&mut self, cx: &Cx, change: impl FnOnce(&mut MillingStage)) -> Vec<Effect> {
        let row = self.stages.row;
        self.change(cx, |task| task.stage_mut(row).map(change))
    }

    fn reorder(&mut self, to: Option<usize>, cx: &Cx) -> Vec<Effect> {
        let row = self.stages.row;
        let Some(to) = to.filter(|to| *to < self.draft.task().stages.len()) else {
            return Vec::new();
        };
        self.stages.row = to;
        self.change(cx, |task| task.reorder(row, to))
    }

    /// Adds a stage with that pattern at the cursor, milled as the selected one is; the first one as configured.
    pub(super) fn add(&mut self, row: usize, cx: &Cx) -> Vec<Effect> {
        let Some(row) = PATTERNS.get(row) else {
            return Vec::new();
        };
        let mut pattern = Pattern::new((row.default)());
        if let Some(Ok(at)) = self.under_cursor(cx).map(|spot| spot.now(cx)) {
            pattern.put(at);
        }
        let configured = || cx.snapshot.connection.as_ref().map(|c| c.milling.clone());
        let milling = self
            .stage()
            .map(|stage| stage.milling.clone())
            .or_else(configured)
            .unwrap_or_default();
        let stage = MillingStage {
            name: row.name.to_owned(),
            pattern,
            milling,
            ..MillingStage::default()
        };
        let mut row = 0;
        let effects = self.draft.edit(cx, |task| row = task.add(stage));
        self.stages.row = row;
        self.forms.restart();
        self.focus = Focus::Stages;
        effects
    }

    /// Sets a parameter that was typed.
    pub(super) fn set(&mut self, section: Section, key: &str, value: &Value, cx: &Cx) -> Vec<Effect> {
        let row = self.stages.row;
        self.change(cx, |task| sections::set(task, row, section, key, value))
    }

    /// The cursor of the milling beam's picture, where that is in front.
    fn under_cursor(&self, cx: &Cx) -> Option<Spot> {
        let beam = self.draft.task().channel;
        let pane = Some(self.pair.pane(beam)).filter(|_| self.pair.beam() == beam)?;
        Spot::under_cursor(pane, cx)
    }

    /// Puts the selected pattern at the cursor; with `all`, the others go the same way.
    pub(super) fn put(&mut self, all: bool, cx: &Cx) -> Vec<Effect> {
        let Some(place) = self.stage().map(|stage| stage.pattern.place()) else {
            return vec![tell("there is no pattern to put there", "a adds one, l loads a task")];
        };
        let here = match self.under_cursor(cx).map(|spot| spot.now(cx)) {
            Some(Ok(here)) => here,
            Some(Err(refused)) => return vec![tell(&refused.why, refused.hint)],
            None => {
                let beam = self.draft.task().channel.short();
                let title = format!("patterns are put in the {beam} picture, and it is not in front; nothing was put");
                return vec![tell(&title, "S shows it, F2 takes one")];
            }
        };
        if !all {
            return self.change_stage(cx, |stage| stage.pattern.put(here));
        }
        let (dx, dy) = (here.x - place.x, here.y - place.y);
        self.draft.edit(cx, |task| {
            for stage in &mut task.stages {
                stage.pattern.shift(dx, dy);
            }
        })
    }

    fn shift(&mut self, x: f64, y: f64, cx: &Cx) -> Vec<Effect> {
        let step = self.nudge;
        self.change_stage(cx, |stage| stage.pattern.shift(x * step, y * step))
    }

    fn step(&mut self, by: isize) -> Vec<Effect> {
        let here = NUDGES.iter().position(|step| *step >= self.nudge).unwrap_or(0);
        let to = here.saturating_add_signed(by).min(NUDGES.len() - 1);
        self.nudge = NUDGES[to];
        Vec::new()
    }

    /// Begins to place something in the milling beam's picture.
    pub(super) fn start(&mut self, placing: Placing, cx: &Cx) -> Vec<Effect> {
        let beam = self.draft.task().channel;
        if self.pair.pane(beam).frame(cx).is_none() {
            let title = format!("there is no {} picture to place anything in", beam.short());
            return vec![tell(&title, "F2 takes one")];
        }
        let offered = cx
            .snapshot
            .connection
            .as_ref()
            .and_then(|c| c.capabilities.milling.as_ref());
        if matches!(placing, Placing::Spots(_)) && !offered.is_some_and(|milling| milling.spot_burn) {
            return vec![tell("this instrument burns no spots", "mill a small circle instead")];
        }
        self.abandon();
        if self.pair.beam() != beam {
            self.pair.swap(cx);
        }
        self.focus = Focus::Picture;
        self.placing = Some(placing);
        Vec::new()
    }

    /// Both corners of a box are there.
    pub(super) fn take_box(&mut self, a: Spot, b: Spot, cx: &Cx) -> Vec<Effect> {
        let (a, b) = match (a.now(cx), b.now(cx)) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(refused), _) | (_, Err(refused)) => return vec![tell(&refused.why, refused.hint)],
        };
        let placing = self.placing.take();
        match (placing, self.stage()) {
            (Some(Placing::Alignment(_)), _) => self.take_area(a, b, cx),
            (_, Some(stage)) => match boxed(&stage.pattern, a, b) {
                Ok(pattern) => self.change_stage(cx, |stage| stage.pattern = pattern),
                Err(error) => vec![tell(&format!("{error}; the pattern stays"), "b draws again")],
            },
            _ => Vec::new(),
        }
    }

    fn take_area(&mut self, a: Point, b: Point, cx: &Cx) -> Vec<Effect> {
        let (w, h) = field_size(self.draft.task(), cx);
        let area = Rect {
            left: a.x.min(b.x) / w + 0.5,
            top: 0.5 - a.y.max(b.y) / h,
            width: (a.x - b.x).abs() / w,
            height: (a.y - b.y).abs() / h,
        };
        if !area.is_valid() {
            return vec![tell(
                "the area is empty, or leaves the field that is milled in; the old one stays",
                "draw it inside the field",
            )];
        }
        self.draft.edit(cx, |task| task.alignment.rect = area)
    }

    /// The next keys where nothing special is under way.
    pub(super) fn next_keys(&self, cx: &Cx) -> Vec<Action> {
        let mut next = Vec::new();
        if cx.snapshot.running().is_some() {
            if can_pause(cx) {
                next.push(Action::PauseMilling);
            }
            next.extend([Action::JobStop, Action::Live]);
        }
        if !cx.snapshot.owed.is_empty() {
            next.push(Action::PutBack);
        }
        match (self.focus, self.stage()) {
            (_, None) => next.extend([Action::AddStage, Action::LoadTask, Action::Acquire]),
            (Focus::Form, _) => {
                next.extend(self.forms.next());
                next.extend([Action::Left, Action::Right, Action::Close]);
            }
            (Focus::Stages, _) => next.extend([
                Action::Accept,
                Action::ToggleStage,
                Action::AddStage,
                Action::PutPattern,
                Action::DrawPattern,
                Action::MillTask,
                Action::MillStage,
            ]),
            (Focus::Picture, _) => next.extend([
                Action::PutPattern,
                Action::PutAll,
                Action::DrawPattern,
                Action::NudgeRight,
                Action::Acquire,
                Action::MillTask,
            ]),
        }
        if progress::is_unfinished(cx) {
            next.insert(0, Action::MillMissing);
        }
        next.push(Action::NextPane);
        if self.draft.can_undo() {
            next.push(Action::UndoEdit);
        }
        if self.stage().is_some() {
            next.extend([
                Action::DuplicateStage,
                Action::RemoveStage,
                Action::StageEarlier,
                Action::StageLater,
                Action::SaveTask,
                Action::LoadTask,
                Action::ClearTask,
            ]);
        }
        next.extend([Action::SpotBurn, Action::PatternsShown, Action::OtherPicture]);
        if cx.snapshot.running().is_some() {
            // refused by the job that runs
            next.retain(|action| {
                !matches!(
                    action,
                    Action::MillTask | Action::MillStage | Action::MillMissing | Action::SpotBurn
                )
            });
        }
        next
    }
}

/// Needs a stage to work on.
fn is_of_stage(action: &Action) -> bool {
    use Action::*;
    matches!(
        action,
        SaveTask
            | ClearTask
            | ToggleStage
            | DuplicateStage
            | RemoveStage
            | StageEarlier
            | StageLater
            | PutPattern
            | PutAll
            | NudgeLeft
            | NudgeRight
            | NudgeUp
            | NudgeDown
            | DrawPattern
            | MillTask
            | MillStage
    )
}
