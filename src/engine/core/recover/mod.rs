//! After a crash: what an engine had under way when it ended without a word is looked up in its journal, compared with what the
//! instrument says, told, and, where the sample is concerned, asked about. Nothing is turned on, moved or milled before a
//! person has answered. `found`: what the instrument shows of an act; `cut`: what of a milling task is still to be milled.

mod cut;
mod found;

use super::{Core, Cx, job, lock, owed};
use crate::command::{Args, Command, Failure, parse, queue};
use crate::event::{Event, How, Job, JobEnd};
use crate::journal::{self, Entry, Past, line};
use crate::link::{Asked, Ended};
use crate::watchdog;
use ::lamella::Experiment;
use ::lamella::Queue;
use ::lamella::queue::Item;
use cut::Cut;
use found::find;
use hal::{Act, Scope};
use model::{Danger, ErrorKind, Notice, PatterningPhase, PatterningState, Severity, text};
use pattern::{MillingTask, Rest};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use workflow::Question;
use workflow::lamella::{self, Underway, settle as settle_lamella};

/// A journal that a crash left.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub name: String,
    pub bytes: Vec<u8>,
    /// Its file, which loses its mark once everything is settled.
    pub path: Option<PathBuf>,
}

impl Left {
    fn past(&self) -> Past {
        let mut past = Past::of(&line::read(&self.bytes));
        past.stopped = self.path.as_deref().and_then(watchdog::read);
        past
    }
}

/// The journals that crashes left in this data folder, oldest first.
pub(crate) fn left(data: &std::path::Path) -> Vec<Left> {
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).ok()?;
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some(Left {
            name,
            bytes,
            path: Some(path),
        })
    };
    journal::left_open(data).into_iter().filter_map(read).collect()
}

/// Looks whether a crash left something of the instrument that was just connected; to be called once it is.
pub(crate) async fn look(core: &Arc<Core>) {
    let (instrument, driver) = match core.snapshot().connection.as_ref() {
        Some(c) => (c.identity.name.clone(), c.identity.driver.clone()),
        None => return,
    };
    let all = std::mem::take(&mut *lock(&core.left));
    let pasts: Vec<Past> = all.iter().map(Left::past).collect();
    let done: Vec<String> = pasts.iter().flat_map(|past| past.settled.clone()).collect();
    let mut unsettled = Vec::new();
    for (left, past) in all.into_iter().zip(&pasts) {
        if past.is_at_rest() || done.contains(&left.name) {
            settled(core, &left, None);
        } else if past.instrument != instrument || past.driver != driver {
            // another's: it is asked about when that one is connected
            unsettled.push(left);
        } else if core.new_world.load(Ordering::SeqCst) {
            let text = "the twin's world of last time went with its engine, in the middle of a command";
            core.notice(Notice::new(Severity::Warning, text).hint("this is a new one: nothing of it was milled"));
            settled(core, &left, Some("gone with its world"));
        } else if tell(core, past).await {
            unsettled.push(left);
        } else {
            settled(core, &left, Some("told"));
        }
    }
    let asks = unsettled.iter().any(|left| is_of(left, &instrument, &driver));
    *lock(&core.left) = unsettled;
    if asks {
        ask(core);
    }
}

/// Asks, once nothing else is asked about a crash.
fn ask(core: &Arc<Core>) {
    let Ok(row) = parse::find("job.recover") else { return };
    let asked = Asked {
        command: Command::new(row.name),
        by: "engine".to_owned(),
        presses: core.presses.load(Ordering::SeqCst),
    };
    let core = core.clone();
    // not through the guard: a question takes control from nobody
    tokio::spawn(async move {
        let _active = core.lanes.activity();
        let mut snapshots = core.bus.watch();
        // the sender lives as long as the engine
        let _ = snapshots
            .wait_for(|s| {
                s.jobs
                    .iter()
                    .all(|job| job.end.is_some() || job.command.name != row.name)
            })
            .await;
        // how it ended is in the record
        let _ = job::run_job(&core, row, asked).await;
    });
}

fn is_of(left: &Left, instrument: &str, driver: &str) -> bool {
    let past = Past::of(&line::read(&left.bytes));
    past.instrument == instrument && past.driver == driver
}

fn settled(core: &Core, left: &Left, how: Option<&str>) {
    if let Some(how) = how {
        core.journal.write(&Entry::Settled {
            journal: left.name.clone(),
            how: how.to_owned(),
            time: core.time(),
        });
    }
    if let Some(path) = &left.path
        && let Err(error) = journal::close(path)
    {
        tracing::warn!(%error, "the journal of before keeps its mark");
    }
}

/// Tells what was cut off and what was found; `true` where a person has to decide.
async fn tell(core: &Arc<Core>, past: &Past) -> bool {
    let Ok(scope) = core.scope() else { return false };
    let mut found = Vec::new();
    for doubt in &past.doubts {
        found.push((doubt, find(&scope, past, doubt).await));
    }
    let what = match past.job() {
        Some(job) => format!("`{}` of {}", job.title, job.by),
        None => "an act".to_owned(),
    };
    let mut words: Vec<String> = found
        .iter()
        .map(|(doubt, found)| format!("{}: {}", doubt.what.describe(), found.words()))
        .collect();
    words.extend(watchdogs_word(past));
    let failure = Failure {
        detail: words.join("; "),
        ..Failure::new(
            ErrorKind::Unknown,
            "cut off: the engine ended while it ran",
            "look at the instrument before you go on",
        )
    };
    core.notice(
        Notice::new(Severity::Alarm, format!("the engine had ended in the middle of {what}"))
            .detail(failure.detail.clone())
            .hint("nothing was done since; what it left changed is offered (job.restore)"),
    );
    if let Some(job) = past.job() {
        let id = core.fresh_id();
        core.publish(Event::JobStarted {
            job: Box::new(Job { id, ..job.clone() }),
        });
        let end = JobEnd {
            time: core.time(),
            how: How::Failed,
            failure: Some(failure),
        };
        core.publish(Event::JobEnded { id, end });
    }
    lock(&core.owed).extend(past.debts.iter().rev().cloned());
    owed::offer(core);
    past.doubts.iter().any(|d| d.what.danger() == Danger::Sample) || Cut::of(past).is_some() || changes_the_sample(past)
}

/// What the watchdog of that engine did.
fn watchdogs_word(past: &Past) -> Option<String> {
    past.stopped.as_ref().map(|note| match note.sent {
        true => format!("the watchdog stopped the instrument, since {}", note.why),
        false => format!("the watchdog could not stop the instrument, though {}", note.why),
    })
}

/// The job that was cut off would have gone on to change the sample: what is missing is not left out unsaid.
fn changes_the_sample(past: &Past) -> bool {
    let row = past.job().and_then(|job| parse::find(&job.command.name).ok());
    row.is_some_and(|row| row.danger == Danger::Sample)
}

const RESUME: &str = "resume";
const END: &str = "end";

/// `job.recover`: asks what to do about each thing that a crash cut off, and does it.
pub(crate) async fn recover(cx: Cx) -> Ended {
    let identity = cx.scope()?.identity().clone();
    let mut told = Vec::new();
    loop {
        let next = lock(&cx.core.left)
            .iter()
            .find(|left| is_of(left, &identity.name, &identity.driver))
            .cloned();
        let Some(left) = next else { break };
        let past = left.past();
        let Answer { how, pressed } = settle(&cx, &past).await?;
        let goes_on = how == RESUME;
        let resumed = match Cut::of(&past) {
            Some(_) if goes_on => Some(still(&cx, &past).await?),
            _ => None,
        };
        let mut entries = vec![Entry::Settled {
            journal: left.name.clone(),
            how: how.clone(),
            time: cx.core.time(),
        }];
        entries.extend(resumed.as_ref().map(|cut| Entry::Resumed {
            command: cut.command.clone(),
            task: Box::new(cut.task.clone()),
            rest: cut.rest.clone(),
        }));
        // on the disk before the patterns, which are evidence, are cleared, and before the old journal loses its mark
        write_safely(&cx.core, entries).await?;
        settled(&cx.core, &left, None);
        lock(&cx.core.left).retain(|other| other.name != left.name);
        told.push(json!({ "journal": left.name, "how": how }));
        match resumed {
            Some(cut) => mill_on(&cx, &past, cut).await?,
            None if goes_on => {
                put_back(&cx).await?;
                queue_on(&cx, &past).await?;
            }
            None => {}
        }
        if pressed {
            // stop ended this job, too: what else a crash left is asked by another
            if lock(&cx.core.left)
                .iter()
                .any(|left| is_of(left, &identity.name, &identity.driver))
            {
                ask(&cx.core);
            }
            break;
        }
    }
    Ok(json!({ "settled": told }))
}

/// Writes down what a command mills that does not mill the loaded task.
pub(crate) async fn goes_on(cx: &Cx, task: &MillingTask, rest: &Rest) -> Result<(), Failure> {
    let entry = Entry::Resumed {
        command: Command::new("milling.continue"),
        task: Box::new(task.clone()),
        rest: rest.clone(),
    };
    write_safely(&cx.core, vec![entry]).await
}

/// The argument of a `queue.run` that a crash cut off: what it milled for which lamella.
const UNDERWAY: &str = "underway";

/// What is about to be milled for a lamella, as the journal has it.
pub(crate) fn of_a_lamella(underway: Underway) -> Entry {
    Entry::Resumed {
        command: Command::new("queue.run").with(UNDERWAY, json!(underway)),
        task: Box::new(underway.milling),
        rest: underway.rest,
    }
}

pub(crate) async fn write_safely(core: &Arc<Core>, entries: Vec<Entry>) -> Result<(), Failure> {
    let core = core.clone();
    let written = tokio::task::spawn_blocking(move || {
        entries.iter().for_each(|entry| core.journal.write(entry));
        core.journal.sync()
    });
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(unwritten(&error.to_string())),
        Err(error) => Err(unwritten(&error.to_string())),
    }
}

fn unwritten(why: &str) -> Failure {
    Failure::new(
        ErrorKind::File,
        format!("the journal cannot be written ({why}); nothing was settled or milled"),
        "free space on the disk of the data folder, then `job.recover`",
    )
}

/// What was chosen, and whether stop was pressed for it.
struct Answer {
    how: String,
    pressed: bool,
}

/// Asks.
async fn settle(cx: &Cx, past: &Past) -> Result<Answer, Failure> {
    let job = cx.job()?;
    let scope = cx.scope()?;
    let state = patterning_state(&scope).await?;
    let mut detail = Vec::new();
    for doubt in &past.doubts {
        let found = find(&scope, past, doubt).await;
        detail.push(format!("{}: {}", doubt.what.describe(), found.words()));
    }
    detail.extend(watchdogs_word(past));
    let mut choices = Vec::new();
    if let Some(cut) = Cut::of(past) {
        match cut.left(past, &state) {
            Some(left) => choices.push((RESUME.to_owned(), left.offer(&state))),
            None => detail.push("what is left to mill is not known: look at it before you mill again".to_owned()),
        }
    } else if let Some(queue) = queue_left(past).filter(|_| !state.phase.is_active()) {
        match queue.pending().next() {
            Some(first) => choices.push((RESUME.to_owned(), offered(first, queue.pending().count()))),
            None => detail.push("all that was queued is done".to_owned()),
        }
    } else if changes_the_sample(past) {
        let before = match past.acts {
            0 => "it had not yet changed the sample".to_owned(),
            n => format!("{n} of its acts had changed the sample"),
        };
        detail.push(format!(
            "{before}; it does not go on by itself: what is missing is yours to do"
        ));
    }
    let end = match state.phase.is_active() {
        true => "stops the pattern that is under way; nothing more is milled",
        false => "lets it be; nothing more is milled",
    };
    choices.push((END.to_owned(), end.to_owned()));
    let what = past
        .job()
        .map_or("an act".to_owned(), |job| format!("{} ({})", job.title, job.by));
    let how = job
        .host
        .ask(Question {
            text: format!("The engine had ended in the middle of {what}. Go on?"),
            detail: detail.join("; "),
            choices,
        })
        .await?;
    let pressed = how == END && patterning_state(&scope).await?.phase.is_active();
    if how == END
        && !pressed
        && let Some(cut) = Cut::of(past).and_then(|cut| cut.left(past, &state))
        && let Some((underway, left)) = cut.of_a_lamella(job.pose().await?)
    {
        settle_lamella(&underway, left)?;
    }
    if pressed {
        let sent = cx.core.press(&cx.by);
        super::stop::confirm(&cx.core, &cx.by, sent).await;
    }
    Ok(Answer { how, pressed })
}

async fn patterning_state(scope: &Scope) -> Result<PatterningState, Failure> {
    match scope.capabilities().milling {
        Some(_) => Ok(scope.patterning().await?.value),
        None => Ok(PatterningState::default()),
    }
}

/// How often a pattern that goes on is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Waits for what is still under way; what is left then.
async fn still(cx: &Cx, past: &Past) -> Result<Cut, Failure> {
    let (job, scope) = (cx.job()?, cx.scope()?);
    if patterning_state(&scope).await?.phase == PatterningPhase::Paused {
        job.act(Act::PatternResume).await?;
    }
    let seen = loop {
        let state = patterning_state(&scope).await?;
        if !state.phase.is_active() {
            break state;
        }
        if job.hand.is_ended() {
            return Err(hal::HalError::stopped().into());
        }
        let text = "the pattern from before";
        job.host.progress(Some(state.fraction()), Some(state.remaining()), text);
        tokio::time::sleep(LOOK).await;
    };
    Cut::of(past).and_then(|cut| cut.left(past, &seen)).ok_or_else(|| {
        Failure::new(
            ErrorKind::Unknown,
            "what is left to mill is no longer known; nothing more was milled",
            "look at it before you mill again",
        )
    })
}

/// Puts back what was owed; what cannot be stays owed.
async fn put_back(cx: &Cx) -> Result<(), Failure> {
    let debts = std::mem::take(&mut *lock(&cx.core.owed));
    for (i, debt) in debts.iter().enumerate() {
        if let Err(error) = workflow::restore::pay(&cx.job()?, debt).await {
            *lock(&cx.core.owed) = debts[i..].to_vec();
            owed::offer(&cx.core);
            return Err(error.into());
        }
    }
    owed::offer(&cx.core);
    Ok(())
}

/// Puts back what was owed, and mills what is left.
async fn mill_on(cx: &Cx, past: &Past, cut: Cut) -> Result<(), Failure> {
    put_back(cx).await?;
    let job = cx.job()?;
    if let Some((underway, left)) = cut.of_a_lamella(job.pose().await?) {
        job.act(Act::PatternsClear).await?;
        settle_lamella(&underway, left)?;
        return queue_on(cx, past).await;
    }
    if cut.task.enabled().next().is_none() {
        job.act(Act::PatternsClear).await?;
        return Ok(());
    }
    workflow::milling::run(job, cut.params()).await?;
    Ok(())
}

/// What is left of a queue that a crash cut off, where one was run: by its journal, and by the lamellae's own files, which may know more.
fn queue_left(past: &Past) -> Option<Queue> {
    let view = past.snapshot.experiment.as_ref()?;
    let job = past.job()?;
    if job.command.name != "queue.run" && view.queue.running().is_none() {
        return None;
    }
    // where it cannot be read, going on is refused with the reason
    let mut queue = view.queue.clone();
    if let Ok(experiment) = Experiment::load(Path::new(&view.folder)) {
        queue.catch_up(&experiment, job.started);
    }
    Some(queue)
}

/// What going on with a queue does: each lamella's own papers say what was milled of it, and what was begun and is not known is asked
/// about, or parks it.
fn offered(first: &Item, waits: usize) -> String {
    format!(
        "the queue goes on with {} on {}, {waits} tasks in all: the stage moves and the beam mills; what was milled is not milled again",
        text::printable(&first.task),
        text::printable(&first.name)
    )
}

/// The queue of before goes on, with the lamella that was at work where it was cut off.
async fn queue_on(cx: &Cx, past: &Past) -> Result<(), Failure> {
    let (Some(view), Some(queue)) = (past.snapshot.experiment.as_ref(), queue_left(past)) else {
        return Ok(());
    };
    let done = queue.pending().next().is_none();
    let book = super::papers::open(&cx.core, Path::new(&view.folder), queue)?;
    if done {
        return Ok(());
    }
    let args = past.job().map(|job| Args(job.command.args.clone())).unwrap_or_default();
    lamella::run(cx.job()?, book, queue::params(&args)).await?;
    Ok(())
}
