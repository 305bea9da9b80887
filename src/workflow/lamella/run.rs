//! The queue at work: item by item, until nothing waits.

use super::{Book, task};
use crate::{Job, JobCx, JobError, Question};
use hal::Act;
use lamella::experiment::{DefectKind, Status};
use lamella::queue::{Item, Next};
use model::{ErrorKind, Notice, Severity, text};
use serde::{Deserialize, Serialize};
use task::work_time;

/// Parameters of [`run`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Most that an item is begun, where it fails for what may be different the next time.
    pub attempts: u32,
    /// Nobody is asked, whatever the protocol says.
    pub unsupervised: bool,
}

impl Default for Run {
    fn default() -> Self {
        Run {
            attempts: 2,
            unsupervised: false,
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ran {
    pub completed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Lamellae left before their end, with the reason.
    pub parked: Vec<Parked>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parked {
    pub lamella: String,
    pub task: String,
    pub reason: String,
}

/// How often the queue is looked at while it waits for an hour (s).
const LOOK: f64 = 10.0;

/// Does what waits in the queue, in its order. A lamella whose task fails is parked with the reason, and the run goes on; stop, and an
/// instrument that is gone, end the run, and what was under way waits for its turn again.
pub fn run(cx: JobCx, book: Book, params: Run) -> Job<Ran> {
    Box::pin(async move {
        check(&book)?;
        beams_on(&cx).await?;
        let mut ran = Ran::default();
        loop {
            let zone = book.zone().clone();
            let now = work_time(&cx);
            let next = book
                .change(|p| Ok::<_, JobError>(p.queue.next(&p.experiment, &p.protocol, now, &zone)))
                .await?;
            match next {
                Next::Nothing => break,
                Next::Wait(until) => {
                    let told = |left: f64| {
                        cx.tell(
                            None,
                            Some(until - now - LOOK + left),
                            "waiting for the hour of the next task",
                        )
                    };
                    cx.wait((until - now).min(LOOK), told).await?;
                }
                Next::Run(id) => item(&cx, &book, params, id, &mut ran).await?,
            }
        }
        ran.skipped = book.read(|p| p.queue.items.iter().filter(|i| i.status == Status::Skipped).count());
        if book.read(|p| p.protocol.options.turn_beams_off) {
            for beam in cx.scope().capabilities().beams() {
                cx.act(Act::BeamPower { beam, on: false }).await?;
            }
        }
        Ok(ran)
    })
}

/// Turns on beams that are off: at the beginning, and before each task of an unsupervised run, for a beam may have tripped. One that
/// may not come on (the vacuum is gone) is refused by the interlock.
async fn beams_on(cx: &JobCx) -> Result<(), JobError> {
    for beam in cx.scope().capabilities().beams() {
        if !cx.scope().beam(beam).await?.value.on {
            cx.act(Act::BeamPower { beam, on: true }).await?;
        }
    }
    Ok(())
}

/// Refuses what cannot be run before anything moves.
fn check(book: &Book) -> Result<(), JobError> {
    book.read(|papers| {
        for item in papers.queue.pending() {
            let lamella = papers.experiment.lamellae.iter().find(|l| l.id == item.lamella);
            if let Some(config) = lamella.and_then(|lamella| lamella.tasks.get(&item.task))
                && super::kind(&config.task_type).is_none()
            {
                return Err(task::unknown(&item.task, &config.task_type));
            }
        }
        match papers.queue.pending().next() {
            Some(_) => Ok(()),
            None => Err(JobError::new(
                ErrorKind::Usage,
                "nothing waits in the queue: all that was chosen is completed; nothing was done",
                "queue.plan again=true does it once more; lamella.add adds lamellae",
            )),
        }
    })
}

async fn item(cx: &JobCx, book: &Book, params: Run, id: u64, ran: &mut Ran) -> Result<(), JobError> {
    let begun = |p: &mut super::Papers| {
        p.queue.begin(id, work_time(cx));
        Ok::<_, JobError>(p.queue.item(id).cloned())
    };
    let Some(item) = book.change(begun).await? else {
        return Ok(());
    };
    // a beam that tripped comes on again for the next try; where it may not, no other lamella can be milled either
    if params.unsupervised
        && let Err(error) = beams_on(cx).await
    {
        end(book, &item, Status::Failed, &error.what, work_time(cx), u32::MAX).await?;
        return Err(error);
    }
    let done = task::run(cx, book, &item.lamella, &item.task, !params.unsupervised).await;
    // nothing is owed over the end of a task, and the next one begins anew
    cx.parts_tell();
    let now = work_time(cx);
    match done {
        Ok(()) => {
            ran.completed += 1;
            end(book, &item, Status::Completed, "", now, 1).await.map(drop)
        }
        Err(error)
            if matches!(
                error.kind,
                ErrorKind::Stopped | ErrorKind::NotConnected | ErrorKind::File
            ) =>
        {
            // its turn comes again, from where it was cut off
            end(book, &item, Status::Failed, &error.what, now, u32::MAX).await?;
            Err(error)
        }
        Err(error) => {
            let supervised = book.read(|p| p.protocol.workflow.step(&item.task).is_some_and(|step| step.supervise));
            let attempts = match (
                supervised && !params.unsupervised && error.kind != ErrorKind::Usage,
                may_differ(error.kind),
            ) {
                (true, _) => asked(cx, &item, &error).await?,
                (false, true) => params.attempts,
                (false, false) => 1,
            };
            if end(book, &item, Status::Failed, &error.what, now, attempts).await? {
                return Ok(());
            }
            ran.failed += 1;
            park(cx, book, &item, &error, now, ran).await
        }
    }
}

/// The same may go better when it is tried again.
fn may_differ(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Doubtful
            | ErrorKind::Timeout
            | ErrorKind::Protocol
            | ErrorKind::Busy
            | ErrorKind::Interlock
            | ErrorKind::Other
    )
}

async fn end(
    book: &Book,
    item: &Item,
    status: Status,
    message: &str,
    now: f64,
    attempts: u32,
) -> Result<bool, JobError> {
    book.change(|p| Ok(p.queue.end(item.id, status, message, now, attempts)))
        .await
}

/// Asks the person who watches what to do about a failure: as many attempts as the item may have then.
async fn asked(cx: &JobCx, item: &Item, error: &JobError) -> Result<u32, JobError> {
    let choices = [
        ("retry", "does the task again, from where it failed"),
        super::work::PARK,
    ];
    let answer = cx
        .ask(Question {
            text: format!(
                "{}, {} failed. Try again?",
                text::printable(&item.name),
                text::printable(&item.task)
            ),
            detail: format!("{}; {}", error.what, error.hint),
            choices: choices.map(|(word, does)| (word.to_owned(), does.to_owned())).to_vec(),
        })
        .await?;
    Ok(if answer == "retry" { u32::MAX } else { 1 })
}

/// Leaves a lamella whose task failed as it is. An optional task's failure is told and stops nothing.
async fn park(cx: &JobCx, book: &Book, item: &Item, error: &JobError, now: f64, ran: &mut Ran) -> Result<(), JobError> {
    let required = book.read(|p| p.protocol.workflow.step(&item.task).is_none_or(|step| step.required));
    let reason = format!("{}: {}", item.task, error.what);
    let title = match required {
        true => format!("{} is parked", text::printable(&item.name)),
        false => format!("{}: an optional task failed", text::printable(&item.name)),
    };
    cx.host.notice(
        Notice::new(Severity::Error, title)
            .detail(text::printable(&reason))
            .hint(error.hint.clone()),
    );
    if !required {
        return Ok(());
    }
    book.change(|p| {
        p.queue.park(&item.lamella, &reason, now);
        let lamella = p.experiment.lamellae.iter_mut().find(|l| l.id == item.lamella);
        if let Some(lamella) = lamella {
            lamella.mark(DefectKind::Rework, &reason, now);
        }
        Ok::<_, JobError>(())
    })
    .await?;
    ran.parked.push(Parked {
        lamella: item.name.clone(),
        task: item.task.clone(),
        reason: error.what.clone(),
    });
    Ok(())
}
