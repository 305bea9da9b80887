//! Intents and outcomes of acts: written to the record, and remembered so that a change can be told from a foreign one.

use super::{Core, lock};
use crate::journal::{self, Entry};
use hal::{Act, ActLog, HalError, Hold, Outcome, Resource, scope::ActId};
use model::{Danger, ErrorKind, Notice, PatterningState, Severity};
use std::collections::HashMap;
use std::sync::Weak;

/// Which parts of the instrument we are changing, or changed since they were last read.
#[derive(Default)]
pub(crate) struct Touched {
    under_way: HashMap<Resource, u32>,
    /// When our last change of a resource ended that was not read since.
    since_read: HashMap<Resource, u64>,
    /// Counts our changes and the reads that began: what came before what.
    clock: u64,
}

/// What the act changes: what it holds for itself alone.
fn changed(act: &Act) -> impl Iterator<Item = Resource> {
    act.claims()
        .into_iter()
        .filter_map(|(resource, hold)| (hold == Hold::Alone).then_some(resource))
}

impl Touched {
    fn begin(&mut self, act: &Act) {
        for resource in changed(act) {
            *self.under_way.entry(resource).or_default() += 1;
        }
    }

    fn end(&mut self, act: &Act) {
        let now = self.tick();
        for resource in changed(act) {
            if let Some(count) = self.under_way.get_mut(&resource) {
                *count = count.saturating_sub(1);
            }
            self.since_read.insert(resource, now);
        }
    }

    /// A change seen now on `resource` is ours.
    pub fn ours(&self, resource: Resource) -> bool {
        self.at_work_on(resource) || self.since_read.contains_key(&resource)
    }

    /// To be taken before a read begins.
    pub fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// The resource was read; the read began at `begun`, and saw nothing of later changes for sure.
    pub fn read(&mut self, resource: Resource, begun: u64) {
        if self.since_read.get(&resource).is_some_and(|change| *change < begun) {
            self.since_read.remove(&resource);
        }
    }

    /// Everything may have changed by us (connect, stop).
    pub fn all(&mut self) {
        let now = self.tick();
        for resource in Resource::ALL {
            self.since_read.insert(resource, now);
        }
    }

    pub fn busy(&self) -> bool {
        self.under_way.values().any(|n| *n > 0)
    }

    /// We are at it now.
    pub fn at_work_on(&self, resource: Resource) -> bool {
        self.under_way.get(&resource).is_some_and(|n| *n > 0)
    }
}

/// Nothing that changes the sample goes out unwritten.
fn unwritten(act: &Act, error: &std::io::Error) -> HalError {
    HalError::new(
        ErrorKind::File,
        format!(
            "the journal cannot be written ({error}), so this was not begun: {}",
            act.describe()
        ),
        "free space on the disk of the data folder, then start it again",
    )
}

/// The engine's record of acts.
pub(crate) struct Record(pub Weak<Core>);

impl ActLog for Record {
    fn intent(&self, id: ActId, by: &str, act: &Act) -> Result<(), HalError> {
        let Some(core) = self.0.upgrade() else {
            return Err(HalError::not_connected());
        };
        #[cfg(test)]
        core.spring(Moment::Intent)?;
        let time = core.time();
        core.journal.write(&Entry::Intent {
            act: id,
            by: by.to_owned(),
            time,
            what: act.clone(),
        });
        if act.danger() == Danger::Sample {
            core.journal.sync().map_err(|e| {
                let error = unwritten(act, &e);
                // the intent may yet reach the disk: that nothing came of it has to follow it
                core.ended(id, by, Some(&error));
                error
            })?;
        }
        lock(&core.touched).begin(act);
        if act.danger() == Danger::Sample {
            core.watch_closely();
        }
        core.logs.intent(time, act);
        Ok(())
    }

    fn warning(&self, _id: ActId, act: &Act, warning: &str) {
        if let Some(core) = self.0.upgrade() {
            core.notice(Notice::new(Severity::Warning, warning).detail(act.describe()));
        }
    }

    fn evidence(&self, id: ActId, state: &PatterningState) {
        if let Some(core) = self.0.upgrade() {
            core.journal.write(&Entry::Evidence {
                act: id,
                time: core.time(),
                state: state.clone(),
            });
        }
    }

    fn outcome(&self, id: ActId, by: &str, act: &Act, result: &Result<Outcome, HalError>) {
        let Some(core) = self.0.upgrade() else { return };
        lock(&core.touched).end(act);
        let (time, error) = (core.time(), result.as_ref().err());
        core.ended(id, by, error);
        // what comes next may wipe out the instrument's own evidence of it
        if act.danger() == Danger::Sample
            && let Err(error) = core.journal.sync()
        {
            tracing::error!(%error, "an outcome is not safely written");
        }
        if let Some(error) = error {
            core.logs.failure(time, act, &error.to_string());
        }
        core.lanes.look();
    }
}

impl Core {
    fn ended(&self, act: ActId, by: &str, error: Option<&HalError>) {
        self.journal.write(&Entry::Outcome {
            act,
            by: by.to_owned(),
            time: self.time(),
            outcome: journal::Outcome {
                done: error.is_none(),
                kind: error.map(|e| e.kind),
                error: error.map(ToString::to_string),
            },
        });
    }
}

/// When a test's trap is sprung: where a job asks whether it may go on to its next act, and where an act is about to go out.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Turn,
    Intent,
}

/// What a test lets happen at the acts of a job.
#[cfg(test)]
pub(crate) type Trap = Box<dyn FnMut(&std::sync::Arc<Core>, Moment) -> Result<(), HalError> + Send>;

#[cfg(test)]
impl Core {
    pub(crate) fn spring(self: &std::sync::Arc<Core>, moment: Moment) -> Result<(), HalError> {
        // not held while it works: it may panic, or act itself
        let Some(mut trap) = lock(&self.trap).take() else {
            return Ok(());
        };
        let sprung = trap(self, moment);
        *lock(&self.trap) = Some(trap);
        sprung
    }
}
