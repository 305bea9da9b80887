//! Workflow: the lamellae of the open experiment with how their tasks stand, the queue with its end, and what was done to the one
//! that is selected.
//!
//! `rows` says how a lamella and an item of the queue stand, `draw` puts it on the screen. Everything that acts is a command; running the
//! queue and going to a lamella are asked about before they go out (`asked`).

mod draw;
mod rows;
#[cfg(test)]
mod tests;

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::{Effect, Popup};
use crate::keys::Layer;
use crate::tab::{Tab, TabId, running};
use crate::theme::Theme;
use crate::widget::list::Selection;
use crate::widget::picture::tell;
use engine::Command;
use engine::command::quoted;
use engine::papers::{ExperimentView, LamellaView};
use lamella::experiment::Status;
use lamella::queue::Item;
use ratatui::layout::Rect;

const LAMELLAE: &str = "workflow-lamellae";
const QUEUE: &str = "workflow-queue";
/// Rows of a page.
const PAGE: usize = 8;

#[derive(Default)]
pub struct Workflow {
    lamella: Selection,
    /// Of the queue.
    item: Selection,
    /// The queue has the focus, not the lamellae.
    in_queue: bool,
    /// The item under way when the selection followed it last, so that it follows only news.
    followed: Option<u64>,
}

fn experiment<'a>(cx: &'a Cx) -> Option<&'a ExperimentView> {
    cx.snapshot.experiment.as_ref()
}

/// The queue is being run.
fn runs(cx: &Cx) -> bool {
    cx.snapshot
        .running()
        .is_some_and(|job| job.command.name == running::RUNS)
}

impl Workflow {
    pub fn new(_cx: &Cx) -> Workflow {
        Workflow::default()
    }

    fn chosen<'a>(&self, cx: &'a Cx) -> Option<&'a LamellaView> {
        experiment(cx)?.lamellae.get(self.lamella.row)
    }

    fn queued<'a>(&self, cx: &'a Cx) -> Option<&'a Item> {
        experiment(cx)?.queue.items.get(self.item.row).filter(|_| self.in_queue)
    }

    /// The selected item if it waits for its turn.
    fn waiting<'a>(&self, cx: &'a Cx) -> Option<&'a Item> {
        self.queued(cx).filter(|item| item.status == Status::NotStarted)
    }

    /// The selected item one place further on among those that wait, or one place back.
    fn shifted(&mut self, earlier: bool, cx: &Cx) -> Vec<Effect> {
        let (Some(item), Some(experiment)) = (self.waiting(cx), experiment(cx)) else {
            return vec![tell(
                "only what waits in the queue can be moved; the queue stays as it is",
                "choose it in the queue (Tab)",
            )];
        };
        let waits: Vec<&Item> = experiment.queue.pending().collect();
        let at = waits.iter().position(|other| other.id == item.id).unwrap_or_default();
        let (neighbour, word) = match earlier {
            true => (at.checked_sub(1).and_then(|at| waits.get(at)), "before"),
            false => (waits.get(at + 1), "after"),
        };
        let Some(neighbour) = neighbour else {
            return Vec::new();
        };
        if let Some(row) = experiment.queue.items.iter().position(|other| other.id == neighbour.id) {
            self.item.row = row;
        }
        vec![Effect::Send(
            Command::new("queue.move").with("id", item.id).with(word, neighbour.id),
        )]
    }

    /// The task of the selected item, or the lamella's last that went wrong, once more.
    fn again(&self, cx: &Cx) -> Vec<Effect> {
        let ended = |item: &&Item| !matches!(item.status, Status::NotStarted | Status::InProgress);
        let wrong = |lamella: &LamellaView| {
            let last = lamella.history.last().filter(|run| run.status != Status::Completed)?;
            Some((lamella.name.clone(), last.task.clone()))
        };
        let what = match self.in_queue {
            true => self
                .queued(cx)
                .filter(ended)
                .map(|item| (item.name.clone(), item.task.clone())),
            false => self.chosen(cx).and_then(wrong),
        };
        match what {
            Some((lamella, task)) => vec![Effect::Send(
                Command::new("queue.add")
                    .with("lamella", lamella)
                    .with("task", task)
                    .with("to", "front"),
            )],
            None => vec![tell(
                "nothing that ended is selected; the queue stays as it is",
                "choose a task in the queue (Tab), or a lamella whose last task went wrong",
            )],
        }
    }

    /// The stage to where the selected lamella is milled.
    fn go(&self, cx: &Cx) -> Vec<Effect> {
        let Some(place) = self.chosen(cx).and_then(|lamella| lamella.stage.as_ref()) else {
            return vec![tell(
                "this lamella has no place yet; nothing moved",
                "`lamella.move` gives it the one where the stage stands",
            )];
        };
        let axes = [
            ("x", place.x),
            ("y", place.y),
            ("z", place.z),
            ("r", place.r),
            ("t", place.t),
        ];
        let command = axes
            .into_iter()
            .filter_map(|(axis, value)| Some((axis, value?)))
            .fold(Command::new("stage.safe-move"), |command, (axis, value)| {
                command.with(axis, value)
            });
        vec![Effect::Send(command)]
    }

    /// A command of the palette about the selected lamella, begun.
    fn typed(&self, cx: &Cx, line: impl Fn(&str) -> String) -> Vec<Effect> {
        match self.chosen(cx) {
            Some(lamella) => vec![Effect::Open(Popup::Palette(line(&quoted(&lamella.name))))],
            None => vec![tell(
                "there is no lamella yet; nothing was changed",
                "add one where the stage stands",
            )],
        }
    }
}

impl Tab for Workflow {
    fn id(&self) -> TabId {
        TabId::Workflow
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        vec![Layer::Workflow]
    }

    fn next(&self, cx: &Cx) -> Vec<Action> {
        let Some(experiment) = experiment(cx) else {
            return vec![Action::OpenExperiment, Action::NewExperiment];
        };
        if cx.snapshot.question.is_some() {
            return vec![Action::Accept, Action::JobStop, Action::NextPane];
        }
        let job = match runs(cx) {
            true => vec![Action::JobPause, Action::JobStop],
            false if cx.snapshot.running().is_some() => vec![Action::JobStop],
            false if experiment.lamellae.is_empty() => vec![Action::AddLamella],
            false => vec![Action::RunQueue, Action::RunAlone],
        };
        let mut next = job;
        match (self.in_queue, self.waiting(cx)) {
            (true, Some(_)) => next.extend([Action::QueueEarlier, Action::QueueLater, Action::QueueRemove]),
            (true, None) => next.push(Action::TaskAgain),
            (false, _) if experiment.lamellae.is_empty() => {}
            (false, _) if runs(cx) => next.push(Action::MarkFailed),
            (false, _) => next.extend([Action::AddLamella, Action::GoLamella, Action::MarkFailed]),
        }
        next.push(Action::NextPane);
        next
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        let (lamellae, items) = experiment(cx).map_or((0, 0), |e| (e.lamellae.len(), e.queue.items.len()));
        match action {
            Action::NextPane | Action::PreviousPane => self.in_queue = !self.in_queue,
            Action::Pick { zone: LAMELLAE, .. } => {
                self.in_queue = false;
                self.lamella.update(action, LAMELLAE, lamellae, PAGE);
            }
            Action::Pick { zone: QUEUE, .. } => {
                self.in_queue = true;
                self.item.update(action, QUEUE, items, PAGE);
            }
            Action::OpenExperiment => return vec![Effect::Open(Popup::Palette("experiment.open path=".to_owned()))],
            Action::NewExperiment => return vec![Effect::Open(Popup::Palette("experiment.new name=".to_owned()))],
            Action::Accept if cx.snapshot.question.is_some() => return vec![Effect::Open(Popup::Question)],
            Action::AddLamella => return vec![Effect::Send(Command::new("lamella.add"))],
            Action::GoLamella => return self.go(cx),
            Action::MarkFailed => return self.typed(cx, |name| format!("lamella.fail name={name} note=")),
            Action::RunQueue => return vec![Effect::Send(Command::new(running::RUNS))],
            Action::RunAlone => return vec![Effect::Send(Command::new(running::RUNS).with("unsupervised", true))],
            Action::PlanQueue => return vec![Effect::Send(Command::new("queue.plan"))],
            Action::QueueEarlier => return self.shifted(true, cx),
            Action::QueueLater => return self.shifted(false, cx),
            Action::QueueRemove => {
                return match self.waiting(cx) {
                    Some(item) => vec![Effect::Send(Command::new("queue.remove").with("id", item.id))],
                    None => vec![tell(
                        "only what waits can be taken out of the queue; it stays as it is",
                        "choose it in the queue (Tab)",
                    )],
                };
            }
            Action::TaskAgain => return self.again(cx),
            Action::JobStop => return running::stop(cx),
            Action::JobPause => return running::pause(cx),
            other if self.in_queue => {
                self.item.update(other, QUEUE, items, PAGE);
            }
            other => {
                self.lamella.update(other, LAMELLAE, lamellae, PAGE);
            }
        }
        Vec::new()
    }

    /// Brings the selection to what has just begun; from there it goes where the person goes.
    fn refresh(&mut self, cx: &Cx) {
        let Some(experiment) = experiment(cx) else {
            return;
        };
        let now = experiment.queue.running();
        if now.map(|item| item.id) != self.followed {
            self.followed = now.map(|item| item.id);
            if let Some(item) = now {
                let row = |found: Option<usize>, old: usize| found.unwrap_or(old);
                self.item.row = row(
                    experiment.queue.items.iter().position(|other| other.id == item.id),
                    self.item.row,
                );
                self.lamella.row = row(
                    experiment
                        .lamellae
                        .iter()
                        .position(|lamella| lamella.id == item.lamella),
                    self.lamella.row,
                );
            }
        }
        self.lamella.row = self.lamella.row.min(experiment.lamellae.len().saturating_sub(1));
        self.item.row = self.item.row.min(experiment.queue.items.len().saturating_sub(1));
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        draw::draw(self, cx, theme, area, canvas);
    }
}
