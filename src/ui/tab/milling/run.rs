//! The keys that run a task: mill, pause, look on. What goes out is asked about like every command that changes the sample.

use super::Milling;
use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::tab::{running, taking};
use crate::widget::picture::tell;
use engine::Command;
use engine::snapshot::at;
use model::Beam;

impl Milling {
    /// Holds the running job, or lets it go on.
    pub(super) fn pause(&self, cx: &Cx) -> Vec<Effect> {
        let running = cx.snapshot.running();
        match running {
            Some(_) if !can_pause(cx) => {
                vec![tell(
                    "this instrument cannot hold a pattern; nothing was paused",
                    "X stops the job",
                )]
            }
            Some(job) if job.paused => vec![Effect::Send(Command::new("milling.resume"))],
            Some(_) => vec![Effect::Send(Command::new("milling.pause"))],
            None => vec![tell("nothing mills; nothing was paused", "R starts milling")],
        }
    }

    /// Live view while the task runs: of the other beam, where the instrument can look with it meanwhile.
    pub(super) fn watch(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let beam = self.draft.task().channel;
        let off = !cx.snapshot.live[at(beam)].on && running::drawing(cx) != Some(beam);
        if *action == Action::Live && beam == Beam::Ion && self.pair.beam() == beam && off {
            let hint = "F2 takes one picture; in the Imaging tab the ion beam can be looked with live";
            return Some(vec![tell(
                "a live view mills what it shows; none was started here",
                hint,
            )]);
        }
        let capabilities = cx.snapshot.connection.as_ref().map(|c| &c.capabilities);
        let milling = capabilities.and_then(|c| c.milling.as_ref());
        let looks = milling.is_some_and(|milling| milling.imaging_meanwhile);
        if *action != Action::Live || !looks || self.pair.beam() != beam || running::drawing(cx) != Some(beam) {
            return None;
        }
        self.pair.swap(cx);
        match cx.snapshot.live[at(beam.other())].on {
            true => Some(Vec::new()),
            false => taking::update(action, beam.other(), cx),
        }
    }

    /// Asks to mill all stages that are on, or the selected one alone.
    pub(super) fn mill(&self, one: bool, cx: &Cx) -> Vec<Effect> {
        if !self.draft.is_settled(cx) {
            return vec![tell(
                "the last edit is still on its way; nothing was milled",
                "press the key again in a moment",
            )];
        }
        if let Some(why) = &self.draft.refused {
            return vec![tell(
                &format!("the last edit was not taken ({why}); nothing was milled"),
                "undo it",
            )];
        }
        let task = self.draft.task();
        let chosen = |i: &usize| {
            if one {
                *i == self.stages.row
            } else {
                task.stages[*i].enabled
            }
        };
        let rows: Vec<usize> = (0..task.stages.len()).filter(chosen).collect();
        if rows.is_empty() {
            return vec![tell("no stage is on; nothing was milled", "Space switches one on")];
        }
        if let Some(problem) = rows.iter().find_map(|i| self.problems.get(*i)?.as_deref()) {
            return vec![tell(
                &format!("{problem}; nothing was milled"),
                "the stage is marked in the list",
            )];
        }
        let numbers: Vec<String> = rows.iter().map(|i| (i + 1).to_string()).collect();
        vec![Effect::Send(
            Command::new("milling.run").with("stages", numbers.join(",")),
        )]
    }
}

/// This instrument can hold a pattern between two dwells.
pub fn can_pause(cx: &Cx) -> bool {
    let capabilities = cx.snapshot.connection.as_ref().map(|c| &c.capabilities);
    capabilities
        .and_then(|c| c.milling.as_ref())
        .is_some_and(|milling| milling.pause)
}
