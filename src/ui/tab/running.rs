//! The running job, in every tab whose commands are jobs.

use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::picture::tell;
use engine::Command;
use model::Beam;

/// The commands that mill a task.
pub const MILLS: [&str; 2] = ["milling.run", "milling.continue"];

/// Ends the running job; what it owes is restored.
pub fn stop(cx: &Cx) -> Vec<Effect> {
    match cx.snapshot.running() {
        Some(job) => vec![Effect::Send(Command::new("job.stop").with("id", job.id))],
        None => vec![tell(
            "no job runs; nothing was stopped",
            "F12 stops everything that moves",
        )],
    }
}

/// The beam that draws the patterns of the running job, held or not. It takes no pictures between them, and a live view of it
/// would go on with the sample when they are drawn.
pub fn drawing(cx: &Cx) -> Option<Beam> {
    let command = &cx.snapshot.running()?.command;
    let named = command.args.get("beam").and_then(|beam| beam.as_str()?.parse().ok());
    match command.name.as_str() {
        name if MILLS.contains(&name) || name == "gis.pattern" => {
            cx.snapshot.plan.as_ref().map(|plan| plan.task.channel)
        }
        "milling.spot-burn" => Some(named.unwrap_or(Beam::Ion)),
        _ => None,
    }
}

/// The keys for the line of next keys while a job runs; none while there is none.
pub fn next(cx: &Cx) -> Vec<Action> {
    cx.snapshot.running().map(|_| Action::JobStop).into_iter().collect()
}
