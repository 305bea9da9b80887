//! Milling that a crash cut off, and what of it is still to be milled.

use super::UNDERWAY;
use crate::command::Command;
use crate::journal::Past;
use model::{PatterningPhase, PatterningState, Pose, Shape};
use pattern::task::Strategy;
use pattern::{MillingRun, MillingTask, Rest, StageState, Unfinished};
use workflow::lamella::Underway;
use workflow::milling::Mill;

/// Milling that was cut off: the task as it was to be milled, of one stage perhaps only a rest, and whose command it was.
pub(super) struct Cut {
    pub command: Command,
    pub task: MillingTask,
    pub rest: Rest,
}

impl Cut {
    pub fn of(past: &Past) -> Option<Cut> {
        let job = past.job()?;
        let run = past.snapshot.milling.as_ref().filter(|run| !run.ended);
        if let Some(resumed) = &past.resumed {
            return Some(Cut {
                command: resumed.command.clone(),
                task: resumed.task.clone(),
                rest: resumed.rest.clone(),
            });
        }
        if !["milling.run", "gis.pattern"].contains(&job.command.name.as_str()) {
            return None;
        }
        let mut task = past.snapshot.plan.as_ref()?.task.clone();
        for (stage, run) in task.stages.iter_mut().zip(&run?.stages) {
            stage.enabled = run.state != StageState::Off;
        }
        Some(Cut {
            command: job.command.clone(),
            task,
            rest: Rest::default(),
        })
    }

    /// What is left of it: stages that are done are off, and of the one at work only what is left is on. `None` where that
    /// cannot be known.
    pub fn left(mut self, past: &Past, seen: &PatterningState) -> Option<Cut> {
        // of the command that was cut off; what a resumed task did before is in `rest` already
        let Some(run) = past.snapshot.milling.as_ref().filter(|run| run.task == self.task.name) else {
            return Some(self);
        };
        if run.ended {
            return self.ended(run);
        }
        for (stage, run) in self.task.stages.iter_mut().zip(&run.stages) {
            stage.enabled &= run.state != StageState::Done;
        }
        let Some((at, stage)) = run.at.and_then(|at| Some((at, self.task.stages.get_mut(at)?))) else {
            return Some(self);
        };
        if !stage.enabled {
            return Some(self);
        }
        let one_by_one = matches!(stage.strategy, Strategy::Overtilt(_));
        let seen = past
            .loads
            .last()
            .filter(|load| load.shapes.len() == seen.done.len())
            .map(|_| seen);
        let whole = match self.rest.stage == at && !self.rest.left.is_empty() {
            true => self.rest.left,
            false => stage.pattern.shapes().into_iter().map(Some).collect(),
        };
        let left = past.left(whole, one_by_one, seen).ok()?;
        stage.enabled = !left.iter().flatten().all(Shape::is_exclusion);
        self.rest = Rest { stage: at, left };
        Some(self)
    }

    /// The milling had ended, and its job had not.
    fn ended(mut self, run: &MillingRun) -> Option<Cut> {
        match run.unfinished.as_deref() {
            Some(left) => (self.task, self.rest) = (left.task.clone(), left.rest.clone()),
            None => {
                for (stage, run) in self.task.stages.iter_mut().zip(&run.stages) {
                    stage.enabled &= run.state != StageState::Done;
                }
                if self.task.enabled().next().is_some() {
                    return None;
                }
                self.rest = Rest::default();
            }
        }
        Some(self)
    }

    /// What of this is left for its lamella, where it is a task's of a queue.
    pub fn of_a_lamella(&self, pose: Pose) -> Option<(Underway, Option<Unfinished>)> {
        if self.command.name != "queue.run" {
            return None;
        }
        let underway: Underway = serde_json::from_value(self.command.args.get(UNDERWAY)?.clone()).ok()?;
        let left = self.task.enabled().next().map(|_| Unfinished {
            task: self.task.clone(),
            rest: self.rest.clone(),
            pose,
        });
        Some((underway, left))
    }

    /// What `resume` does, in words.
    pub fn offer(&self, state: &PatterningState) -> String {
        let wait = match state.phase {
            PatterningPhase::Paused => "the paused pattern goes on; then ",
            phase if phase.is_active() => "the pattern under way is waited for; then ",
            _ => "",
        };
        let stages = self.task.enabled().count();
        let shapes = self.rest.left.iter().flatten().count();
        let whole = if self.rest.left.is_empty() {
            ""
        } else {
            " of the stage it was at"
        };
        match (stages, shapes) {
            (0, _) => format!("{wait}nothing is missing: the patterns are cleared"),
            (n, 0) => format!("{wait}mills the {n} stages that are missing"),
            (n, shapes) => format!("{wait}mills only what is missing: {shapes} shapes{whole}, {n} stages in all"),
        }
    }

    pub fn params(self) -> Mill {
        let args = crate::command::Args(self.command.args);
        let gas = (self.command.name == "gis.pattern").then(|| crate::command::gis::under_gas(&args));
        Mill {
            path: args.text("path").map(str::to_owned),
            task: self.task,
            gas,
            rest: Some(self.rest),
        }
    }
}
