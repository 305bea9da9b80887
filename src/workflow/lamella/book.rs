//! The papers of a run, shared by the job and by those who look and edit meanwhile.

use crate::JobError;
use jiff::tz::TimeZone;
use lamella::experiment::ExperimentError;
use lamella::{Experiment, Lamella, Protocol, Queue};
use model::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};

/// What is known of an experiment that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Papers {
    pub experiment: Experiment,
    pub protocol: Protocol,
    pub queue: Queue,
}

/// The papers, one set for everybody; clones are the same. What changes the experiment is on the disk before anybody is told.
#[derive(Clone)]
pub struct Book(Arc<Inner>);

struct Inner {
    papers: Mutex<Papers>,
    /// One change after the other, so that an older one is never written over a newer one.
    turn: tokio::sync::Mutex<()>,
    zone: TimeZone,
    tell: Box<dyn Fn(&Papers) + Send + Sync>,
}

impl Book {
    /// `zone`: in which a task's hour is meant, and pictures are named. `tell` hears of every change.
    pub fn new(papers: Papers, zone: TimeZone, tell: impl Fn(&Papers) + Send + Sync + 'static) -> Book {
        tell(&papers);
        Book(Arc::new(Inner {
            papers: Mutex::new(papers),
            turn: tokio::sync::Mutex::new(()),
            zone,
            tell: Box::new(tell),
        }))
    }

    pub fn zone(&self) -> &TimeZone {
        &self.0.zone
    }

    pub fn read<T>(&self, look: impl FnOnce(&Papers) -> T) -> T {
        look(&self.0.papers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the papers; an experiment that is different then is saved before this returns. A change that is refused, or cannot
    /// be written, is not made.
    pub async fn change<T, E: From<JobError>>(&self, change: impl FnOnce(&mut Papers) -> Result<T, E>) -> Result<T, E> {
        let _turn = self.0.turn.lock().await;
        let before = self.read(Papers::clone);
        let mut after = before.clone();
        let made = change(&mut after)?;
        if after == before {
            return Ok(made);
        }
        if after.experiment != before.experiment {
            let experiment = after.experiment.clone();
            let saved = tokio::task::spawn_blocking(move || experiment.save()).await;
            saved.map_err(|e| unsaved(&e))?.map_err(|e| unsaved(&e))?;
        }
        *self.0.papers.lock().unwrap_or_else(PoisonError::into_inner) = after.clone();
        (self.0.tell)(&after);
        Ok(made)
    }

    /// Changes one lamella.
    pub(super) async fn edit(&self, id: &str, edit: impl FnOnce(&mut Lamella)) -> Result<(), JobError> {
        self.change(|papers| {
            let lamella = papers.experiment.lamellae.iter_mut().find(|l| l.id == id);
            lamella.map(edit).ok_or_else(gone)
        })
        .await
    }

    /// A copy of one lamella.
    pub(super) fn lamella(&self, id: &str) -> Result<Lamella, JobError> {
        self.read(|papers| papers.experiment.lamellae.iter().find(|l| l.id == id).cloned())
            .ok_or_else(gone)
    }
}

fn gone() -> JobError {
    JobError::new(
        ErrorKind::Usage,
        "the lamella is no longer in the experiment; nothing was done to it",
        "lamella.list shows those there are",
    )
}

fn unsaved(why: &dyn std::fmt::Display) -> JobError {
    JobError::new(
        ErrorKind::File,
        format!("the experiment was not saved: {why}; the file is as it was"),
        "free space, or see to the folder's permissions, then go on (queue.run)",
    )
}

impl From<ExperimentError> for JobError {
    fn from(error: ExperimentError) -> JobError {
        let kind = match error {
            ExperimentError::Taken(_) | ExperimentError::Exists(_) => ErrorKind::Usage,
            _ => ErrorKind::File,
        };
        JobError::new(kind, error.to_string(), "`fibdeck experiment check` explains a file")
    }
}
