//! The running job, in every tab whose commands are jobs.

use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::picture::tell;
use engine::Command;
use engine::event::Job;
use lamella::queue::Item;
use model::Beam;

/// The commands that mill a task.
pub const MILLS: [&str; 2] = ["milling.run", "milling.continue"];

/// The command that runs the queue of an experiment.
pub const RUNS: &str = "queue.run";

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

/// Holds the running job, or lets it go on.
pub fn pause(cx: &Cx) -> Vec<Effect> {
    match cx.snapshot.running() {
        Some(job) => vec![Effect::Send(Command::new(match job.paused {
            true => "job.resume",
            false => "job.pause",
        }))],
        None => vec![tell("no job runs; nothing was paused", "J shows what ran")],
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

/// What a run of the queue is doing: its item under way.
pub fn item<'a>(job: &Job, cx: &'a Cx) -> Option<&'a Item> {
    let run = cx.snapshot.experiment.as_ref().filter(|_| job.command.name == RUNS)?;
    run.queue.running()
}

/// How much of a job is over (0 to 1), and how long it still takes (s). A run of the queue tells of its tasks one by one, but a night
/// has one end: that of the queue.
pub fn progress(job: &Job, cx: &Cx) -> (Option<f64>, Option<f64>) {
    match cx.snapshot.experiment.as_ref().filter(|_| item(job, cx).is_some()) {
        Some(run) => (
            run.queue.fraction(cx.now),
            run.finish_at(cx.now).map(|at| (at - cx.now).max(0.0)),
        ),
        None => {
            let told = job.progress.as_ref();
            (told.and_then(|p| p.fraction), told.and_then(|p| p.remaining))
        }
    }
}

/// The keys for the line of next keys while a job runs; none while there is none.
pub fn next(cx: &Cx) -> Vec<Action> {
    cx.snapshot.running().map(|_| Action::JobStop).into_iter().collect()
}
