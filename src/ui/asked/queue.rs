//! What a run of the queue will do: its tasks lamella by lamella, how long they take, and whether somebody is asked.

use super::Words;
use super::mill::duration;
use super::words::{chamber, word};
use crate::cx::Cx;
use crate::fit::cut;
use engine::Command;
use model::text;

/// Lamellae that are named one by one.
const NAMED: usize = 6;

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
    let (title, mut lines) = if chosen.is_empty() && !waiting.is_empty() {
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
