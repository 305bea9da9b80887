//! Lamella preparation: the tasks of a protocol, done to the lamellae of an experiment, one item of a queue after the other.
//!
//! `book`: experiment, protocol and queue, shared and saved; `run`: the queue; `task`: one task on one lamella from its first word in
//! the history to its last; `work`: what tasks are made of (steps, poses, pictures, alignment); `mill`: milling that is
//! never done twice, and `left`, what of it is missing; `inspect`: what was polished is measured, and polished again or refused; `place`: lamellae out of an overview; `position`, `milled`, `pictures`: how each kind is done. Where a task
//! is supervised its questions go to a person, and the instrument is theirs meanwhile; else what was measured decides. To add a
//! kind: a function in a file here and its row in [`KINDS`].

mod book;
mod inspect;
pub mod left;
mod mill;
mod milled;
mod pictures;
pub mod place;
mod position;
mod run;
mod task;
mod work;

use crate::JobError;
pub use book::{Book, Papers};
use futures::future::BoxFuture;
pub use left::{Left, Underway};
pub use mill::settle;
pub use run::{Ran, Run, run};
use work::Work;

/// How a kind of task is done.
pub struct Kind {
    /// As [`lamella::protocol::TASKS`] has it.
    pub task_type: &'static str,
    run: for<'a> fn(&'a mut Work) -> BoxFuture<'a, Result<(), JobError>>,
}

/// The kinds of task that can be run.
pub const KINDS: &[Kind] = &[
    Kind {
        task_type: "SELECT_MILLING_POSITION",
        run: |work| Box::pin(position::select(work)),
    },
    Kind {
        task_type: "MILL_TRENCH",
        run: |work| Box::pin(milled::trench(work)),
    },
    Kind {
        task_type: "MILL_FIDUCIAL",
        run: |work| Box::pin(milled::fiducial(work)),
    },
    Kind {
        task_type: "MILL_ROUGH",
        run: |work| Box::pin(milled::rough(work)),
    },
    Kind {
        task_type: "MILL_POLISHING",
        run: |work| Box::pin(milled::polishing(work)),
    },
    Kind {
        task_type: "BASIC_MILLING",
        run: |work| Box::pin(milled::basic(work)),
    },
    Kind {
        task_type: "SPOT_BURN_FIDUCIAL",
        run: |work| Box::pin(pictures::spot_burn(work)),
    },
    Kind {
        task_type: "ACQUIRE_REFERENCE_IMAGE",
        run: |work| Box::pin(pictures::reference(work)),
    },
];

/// How this kind is done; `None` where it cannot be run yet. Old names count.
pub fn kind(task_type: &str) -> Option<&'static Kind> {
    let name = lamella::protocol::kind::row(task_type)?.task_type;
    KINDS.iter().find(|kind| kind.task_type == name)
}
