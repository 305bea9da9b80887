//! What a job owes the instrument: how to put back what it changed for a while, as data.
//!
//! A job writes down the way back *before* it changes something ([`JobCx::owe`]) and pays at its end ([`JobCx::put_back`]). Whatever
//! is still owed when its task has ended, however it ended, a panic included, the engine pays; after the red button it only
//! offers to, for then nothing may move by itself.

use crate::{JobCx, JobError};
use hal::Act;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// One debt: what is put back, in words, and the acts that do it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Debt {
    pub what: String,
    pub acts: Vec<Act>,
}

/// The debts of a job, oldest first; clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Debts(Arc<Mutex<Vec<Debt>>>);

impl Debts {
    fn with<T>(&self, change: impl FnOnce(&mut Vec<Debt>) -> T) -> T {
        // a panic of the job must not take the way back with it
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest that is owed after `mark`.
    fn newest(&self, mark: Mark) -> Option<Debt> {
        self.with(|debts| debts.get(mark.0..)?.last().cloned())
    }

    /// Everything owed, newest first: the order in which it is put back. The list is empty afterwards.
    pub fn take(&self) -> Vec<Debt> {
        self.with(|debts| debts.drain(..).rev().collect())
    }
}

/// Where a list of debts stood.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl JobCx {
    /// Everything owed after this mark is put back by [`JobCx::put_back`].
    pub fn mark(&self) -> Mark {
        Mark(self.debts.with(|debts| debts.len()))
    }

    /// Promises to put something back.
    pub fn owe(&self, what: impl Into<String>, acts: Vec<Act>) {
        let what = what.into();
        self.debts.with(|debts| debts.push(Debt { what, acts }));
        self.host.owes(&self.debts.with(|debts| debts.clone()));
    }

    /// Pays what is owed since `mark`, newest first, also when the job was cancelled; every debt is tried. After the red button
    /// nothing is done and everything stays owed. An act that fails is told with what it was to put back, which stays owed: the
    /// engine tries again when the job has ended.
    pub async fn put_back(&self, mark: Mark) -> Result<(), JobError> {
        let cx = self.afterwards();
        let (mut first, mut unpaid) = (None, Vec::new());
        while let Some(debt) = self.debts.newest(mark) {
            if cx.hand.is_ended() {
                first.get_or_insert(hal::HalError::stopped().into());
                break;
            }
            let paid = pay(&cx, &debt).await;
            self.debts.with(|debts| debts.pop());
            self.host.owes(&self.debts.with(|debts| debts.clone()));
            if let Err(error) = paid {
                unpaid.push(debt);
                first.get_or_insert(error);
            }
        }
        self.debts.with(|debts| debts.extend(unpaid.into_iter().rev()));
        first.map_or(Ok(()), Err)
    }
}

/// Does the acts of one debt.
pub async fn pay(cx: &JobCx, debt: &Debt) -> Result<(), JobError> {
    for act in &debt.acts {
        cx.act(act.clone()).await.map_err(|error| JobError {
            what: format!("{} was not put back: {}", debt.what, error.what),
            ..error
        })?;
    }
    Ok(())
}
