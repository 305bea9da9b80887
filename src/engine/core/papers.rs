//! The experiment that is open: one for everybody, told as it changes.

use super::{Core, lock};
use crate::command::Failure;
use crate::event::Event;
use crate::papers::ExperimentView;
use jiff::tz::TimeZone;
use lamella::{Experiment, Protocol, Queue};
use model::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex};
use workflow::lamella::{Book, Papers};

impl Core {
    /// The papers that are open.
    pub(crate) fn book(&self) -> Result<Book, Failure> {
        lock(&self.papers).clone().ok_or_else(|| {
            Failure::usage(
                "no experiment is open; nothing was changed",
                "open one (experiment.open path=FOLDER), or make one (experiment.new name=...)",
            )
        })
    }
}

/// Opens the experiment of a folder with its protocol; `queue` is what waits.
pub(crate) fn open(core: &Arc<Core>, folder: &Path, queue: Queue) -> Result<Book, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            ErrorKind::File,
            format!("{error}; what was open stays so"),
            "`fibdeck experiment check` explains a folder",
        )
    };
    let experiment = Experiment::load(folder).map_err(|e| failed(&e))?;
    let protocol = experiment.protocol().map_err(|e| failed(&e))?;
    Ok(show(core, experiment, protocol, queue))
}

/// These papers are the open ones from here on.
pub(crate) fn show(core: &Arc<Core>, experiment: Experiment, protocol: Protocol, queue: Queue) -> Book {
    let mut session = core.snapshot().session.clone();
    session.experiment.clone_from(&experiment.name);
    core.publish(Event::Session {
        session,
        by: String::new(),
    });
    let (weak, told) = (Arc::downgrade(core), Mutex::new(None));
    let papers = Papers {
        experiment,
        protocol,
        queue,
    };
    let book = Book::new(papers, TimeZone::system(), move |papers| {
        if let Some(core) = weak.upgrade() {
            tell(&core, &mut lock(&told), papers);
        }
    });
    *lock(&core.papers) = Some(book.clone());
    book
}

/// Tells what is different: a lamella, the queue, or all of it.
fn tell(core: &Core, told: &mut Option<ExperimentView>, papers: &Papers) {
    let now = ExperimentView::of(papers, core.time(), &TimeZone::system());
    let before = told.replace(now.clone()).unwrap_or_default();
    let same = |a: &ExperimentView, b: &ExperimentView| {
        let parts = |v: &ExperimentView| (v.name.clone(), v.folder.clone(), v.protocol.clone(), v.tasks.clone());
        let ids = |v: &ExperimentView| v.lamellae.iter().map(|l| l.id.clone()).collect::<Vec<_>>();
        parts(a) == parts(b) && ids(a) == ids(b)
    };
    if !same(&before, &now) {
        core.publish(Event::Experiment {
            experiment: Some(Box::new(now)),
        });
        return;
    }
    for (lamella, was) in now.lamellae.into_iter().zip(before.lamellae) {
        if lamella != was {
            core.publish(Event::Lamella {
                lamella: Box::new(lamella),
            });
        }
    }
    if now.queue != before.queue {
        core.publish(Event::Queue {
            queue: Box::new(now.queue),
            finish: now.finish,
        });
    }
}
