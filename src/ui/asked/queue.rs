//! What a run of the queue will do: its tasks lamella by lamella, how long they take, and whether somebody is asked.

use super::Words;
use super::mill::duration;
use super::words::{chamber, word};
use crate::cx::Cx;
use crate::fit::cut;
use engine::Command;
use engine::papers::{Cut, ExperimentView};
use model::capabilities::MillingControl;
use model::{Unit, text, units};

/// Lamellae that are named one by one.
const NAMED: usize = 6;
/// Milling stages that are named one by one.
const CUTS: usize = 10;

pub(super) fn run(command: &Command, cx: &Cx) -> Words {
    let Some(experiment) = cx.snapshot.experiment.as_ref() else {
        return (
            "Run the queue?".to_owned(),
            vec!["It will be refused: no experiment is open.".to_owned()],
        );
    };
    let name = text::printable(&experiment.name);
    let chosen = ["lamellae", "tasks", "order", "again"].map(|arg| (arg, word(command, arg)));
    let chosen: Vec<String> = chosen
        .into_iter()
        .filter(|(arg, _)| command.args.contains_key(*arg))
        .map(|(arg, word)| format!("{arg}: {word}"))
        .collect();
    let waiting: Vec<_> = experiment.queue.pending().collect();
    let anew = !chosen.is_empty() || waiting.is_empty();
    let (title, mut lines) = if !anew {
        let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
        for item in &waiting {
            let task = text::printable(&item.task);
            match rows.iter_mut().find(|(lamella, _)| *lamella == item.name) {
                Some((_, tasks)) => tasks.push(task),
                None => rows.push((&item.name, vec![task])),
            }
        }
        let mut lines: Vec<String> = rows
            .iter()
            .take(NAMED)
            .map(|(lamella, tasks)| format!("{:<16} {}", cut(&text::printable(lamella), 16), tasks.join(", ")))
            .collect();
        if rows.len() > NAMED {
            lines.push(format!("and {} lamellae more", rows.len() - NAMED));
        }
        let total: f64 = waiting.iter().filter_map(|item| item.estimate).sum();
        lines.push(format!(
            "about {} and what answers take; done at {}",
            duration(total),
            cx.clock(cx.now + total)
        ));
        (format!("Run {} tasks of {name}?", waiting.len()), lines)
    } else {
        let mut lines = vec![format!(
            "A new queue is made first: what is not completed of {} lamellae by {}.",
            experiment.lamellae.len(),
            text::printable(&experiment.protocol)
        )];
        lines.extend(chosen);
        (format!("Run {name}?"), lines)
    };
    lines.extend(cuts(experiment, anew.then_some(command), cx));
    let watched = experiment.tasks.iter().filter(|task| task.supervise).count();
    lines.push(match word(command, "unsupervised").as_str() {
        "true" => "UNSUPERVISED: nobody is asked before a cut.".to_owned(),
        _ if watched == 0 => "The protocol asks nobody before a cut.".to_owned(),
        _ => format!("{watched} of {} tasks ask you before they act.", experiment.tasks.len()),
    });
    lines.push("The stage moves and the ion beam mills: what is cut cannot be brought back.".to_owned());
    lines.extend(chamber(cx.snapshot));
    (title, lines)
}

/// What each task mills that waits, or that a new queue is made of: the protocol's stages, and those of lamellae that have their own.
fn cuts(experiment: &ExperimentView, anew: Option<&Command>, cx: &Cx) -> Vec<String> {
    let queued = |task: &str, lamella: Option<&str>| {
        let mut pending = experiment.queue.pending();
        pending.any(|item| item.task == task && lamella.is_none_or(|name| item.name == name))
    };
    let named = |command: &Command, arg: &str, name: &str| {
        let given = command.args.get(arg).and_then(|list| list.as_str());
        given.is_none_or(|list| list.split(',').any(|part| part.trim() == name))
    };
    let wanted = |task: &str, lamella: Option<&str>| match anew {
        Some(command) => named(command, "tasks", task) && lamella.is_none_or(|name| named(command, "lamellae", name)),
        None => queued(task, lamella),
    };
    let tasks = experiment.tasks.iter().filter(|task| wanted(&task.name, None));
    let general = tasks
        .clone()
        .flat_map(|task| task.cuts.iter().map(|cut| row(&task.name, cut, cx)));
    let own = experiment.lamellae.iter().flat_map(|lamella| {
        let tasks = lamella.own.iter().filter(|(task, _)| wanted(task, Some(&lamella.name)));
        tasks.flat_map(|(task, cuts)| {
            let whose = format!("{}: {task}", lamella.name);
            cuts.iter().map(move |cut| row(&whose, cut, cx))
        })
    });
    let mut rows: Vec<String> = general.chain(own).collect();
    if rows.len() > CUTS {
        let more = rows.len() - CUTS;
        rows.truncate(CUTS);
        rows.push(format!("and {more} milling stages more"));
    }
    rows
}

/// Task, stage, pattern, current or preset, depth.
fn row(task: &str, stage: &Cut, cx: &Cx) -> String {
    let beam = match cx.snapshot.planner().control {
        MillingControl::Current => units::format(stage.current, Unit::Ampere),
        MillingControl::Preset => text::printable(&stage.preset),
    };
    format!(
        "{:<16} {:<14} {:<10} {beam:>7} {:>7} deep",
        cut(&text::printable(task), 16),
        cut(&text::printable(&stage.stage), 14),
        cut(&stage.pattern, 10),
        units::format(stage.depth, Unit::Metre)
    )
}
