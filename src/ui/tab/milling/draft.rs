//! The milling task as it is edited here: a working copy of the engine's plan.
//!
//! Every edit goes out as one `milling.load`, one at a time; what is typed meanwhile goes out together when it has ended.
//! As long as an edit is on its way the copy is the truth of this screen, then the plan of the snapshot is again.

use crate::cx::Cx;
use crate::effect::Effect;
use engine::event::Plan;
use engine::{Command, Failure};
use pattern::MillingTask;
use serde_json::{Value, json};

pub const LOAD: &str = "milling.load";
/// Edits that can be taken back.
const MOST_UNDO: usize = 50;

#[derive(Debug, Default)]
pub struct Draft {
    task: MillingTask,
    /// The plan that was last taken over.
    seen: Option<Plan>,
    past: Vec<MillingTask>,
    /// Edited, and not sent yet.
    unsent: bool,
    /// Why the engine did not take the last edit.
    pub refused: Option<String>,
    /// Counts every change of the task, for what is computed from it.
    revision: u64,
}

impl Draft {
    pub fn task(&self) -> &MillingTask {
        &self.task
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The file it was loaded from or saved to, while it is as there.
    pub fn file(&self) -> Option<&str> {
        self.seen.as_ref()?.file.as_deref()
    }

    /// What was odd in the file.
    pub fn notes(&self) -> &[String] {
        self.seen.as_ref().map_or(&[], |plan| &plan.notes)
    }

    /// The engine has what is shown here.
    pub fn is_settled(&self, cx: &Cx) -> bool {
        !self.unsent && !cx.pending.has(LOAD)
    }

    /// Takes the engine's plan over where it is news: another client's, a file's, or our own edit come back.
    pub fn refresh(&mut self, cx: &Cx) {
        if self.is_settled(cx) && self.seen != cx.snapshot.plan {
            self.seen.clone_from(&cx.snapshot.plan);
            self.task = self.seen.as_ref().map(|plan| plan.task.clone()).unwrap_or_default();
            self.refused = None;
            self.revision += 1;
        }
    }

    /// Changes the task; what did not change anything is not sent.
    pub fn edit(&mut self, cx: &Cx, change: impl FnOnce(&mut MillingTask)) -> Vec<Effect> {
        let before = self.task.clone();
        change(&mut self.task);
        if self.task == before {
            return Vec::new();
        }
        self.remember(before);
        self.changed(cx)
    }

    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Takes the last edit back; `None` = there is none.
    pub fn undo(&mut self, cx: &Cx) -> Option<Vec<Effect>> {
        self.task = self.past.pop()?;
        Some(self.changed(cx))
    }

    /// Another task will come: undo leads back to this one.
    pub fn leave(&mut self) {
        if !self.task.stages.is_empty() {
            self.remember(self.task.clone());
        }
    }

    fn remember(&mut self, task: MillingTask) {
        self.past.push(task);
        if self.past.len() > MOST_UNDO {
            self.past.remove(0);
        }
    }

    fn changed(&mut self, cx: &Cx) -> Vec<Effect> {
        self.unsent = true;
        self.revision += 1;
        self.flush(cx)
    }

    /// Sends what was edited, unless an edit is on its way: then its end calls again.
    pub fn flush(&mut self, cx: &Cx) -> Vec<Effect> {
        if !self.unsent || cx.pending.has(LOAD) {
            return Vec::new();
        }
        self.unsent = false;
        vec![Effect::Send(Command::new(LOAD).with("task", json!(self.task)))]
    }

    /// A `milling.load` of this tab has ended.
    pub fn ended(&mut self, end: &Result<Value, Failure>, cx: &Cx) -> Vec<Effect> {
        self.refused = end.as_ref().err().map(|failure| failure.title.clone());
        let effects = self.flush(cx);
        if effects.is_empty() {
            self.refresh(cx);
        }
        effects
    }
}
