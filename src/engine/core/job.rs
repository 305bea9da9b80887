//! Commands at work: the guard and the one job lane.

use super::start::Speed;
use super::{Core, Cx, host::JobHost, lease, lock, owed, stop};
use crate::command::{Args, Command, CommandRow, Failure, Lane, parse};
use crate::event::{Event, How, Job, JobEnd, JobId};
use crate::link::{Asked, Ended};
use futures::future::BoxFuture;
use hal::scope::Release;
use model::{Danger, ErrorKind};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot, watch};
use workflow::JobCx;
use workflow::cx::Answer;

/// Who runs what.
pub(crate) struct Lanes {
    /// The running job; above it, while it waits for a person, what the hardware is lent for.
    running: Mutex<Vec<Running>>,
    pub question: Mutex<Option<Open>>,
    /// Commands under way: on a virtual clock, time passes only while there are any.
    active: watch::Sender<usize>,
    /// Something was done: look at the instrument now.
    looked: Notify,
}

struct Running {
    id: JobId,
    title: String,
    release: Release,
    paused: watch::Sender<bool>,
}

/// A question that waits for its answer.
pub(crate) struct Open {
    pub id: u64,
    pub choices: Vec<String>,
    /// Its answer may carry data.
    pub more: bool,
    /// The answer, and whose it is.
    pub answer: oneshot::Sender<(Answer, String)>,
}

/// Counts a command as under way while it lives.
pub(crate) struct Activity<'a>(&'a watch::Sender<usize>);

impl Drop for Activity<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}

impl Lanes {
    pub fn new() -> Lanes {
        Lanes {
            running: Mutex::new(Vec::new()),
            question: Mutex::new(None),
            active: watch::channel(0).0,
            looked: Notify::new(),
        }
    }

    pub fn activity(&self) -> Activity<'_> {
        self.active.send_modify(|n| *n += 1);
        Activity(&self.active)
    }

    pub fn active(&self) -> watch::Receiver<usize> {
        self.active.subscribe()
    }

    pub fn look(&self) {
        self.looked.notify_one();
    }

    pub async fn looked(&self) {
        self.looked.notified().await;
    }

    /// Title of the running job.
    pub fn running(&self) -> Option<(JobId, String)> {
        lock(&self.running).last().map(|r| (r.id, r.title.clone()))
    }

    /// Ends the job of that id (all, if none is named) and what the hardware was lent for; `false` if it does not run.
    pub fn stop_job(&self, id: Option<JobId>) -> bool {
        let running = lock(&self.running);
        let Some(first) = running.iter().position(|r| id.is_none_or(|id| r.id == id)) else {
            return false;
        };
        for job in &running[first..] {
            job.release.cancel();
            job.paused.send_replace(false);
        }
        if first == 0 {
            lock(&self.question).take();
        }
        true
    }

    /// The job at the bottom waits for a person: its hardware may be used meanwhile.
    fn is_lent(&self, running: &[Running]) -> bool {
        match running {
            [only] => *only.paused.borrow() || lock(&self.question).is_some(),
            _ => false,
        }
    }

    /// May another job begin now? If not, the title of the one in the way.
    fn free(&self) -> Result<(), String> {
        let running = lock(&self.running);
        match running.last() {
            Some(job) if !self.is_lent(&running) => Err(job.title.clone()),
            _ => Ok(()),
        }
    }

    /// Gives the open question its answer.
    pub fn answer(&self, id: u64, answer: Answer, by: &str) -> Result<(), Failure> {
        if let [_, lent] = lock(&self.running).as_slice() {
            return Err(busy(&lent.title));
        }
        let mut question = lock(&self.question);
        let Some(open) = question.as_ref().filter(|q| q.id == id) else {
            return Err(Failure::usage(
                "no such question is open; nothing was answered",
                "job.list shows what waits",
            ));
        };
        if !open.choices.contains(&answer.choice) {
            return Err(Failure::usage(
                format!(
                    "`{}` is no answer to that question",
                    model::text::printable(&answer.choice)
                ),
                format!("one of: {}", open.choices.join(", ")),
            ));
        }
        if answer.data.is_some() && !open.more {
            return Err(Failure::usage(
                "that question takes a word and no data; nothing was answered",
                "leave the JSON out",
            ));
        }
        if let Some(open) = question.take() {
            // a job that ended meanwhile has said so itself
            let _ = open.answer.send((answer, by.to_owned()));
        }
        Ok(())
    }

    /// Holds the job before its next act, or lets it go on; its id, if one runs.
    pub fn pause_job(&self, paused: bool) -> Result<JobId, Failure> {
        let running = lock(&self.running);
        match running.as_slice() {
            [] => Err(Failure::new(
                ErrorKind::Other,
                "no job runs; nothing was changed",
                "job.list shows what there was",
            )),
            [job] => {
                job.paused.send_replace(paused);
                Ok(job.id)
            }
            [.., lent] => Err(busy(&lent.title)),
        }
    }
}

/// Takes a command in; its end goes to `ended`.
pub(crate) fn accept(core: &Arc<Core>, asked: Asked, ended: oneshot::Sender<Ended>) {
    let core = core.clone();
    tokio::spawn(async move {
        // the asker may have gone: the command was carried out all the same
        let _ = ended.send(execute(&core, asked).await);
    });
}

async fn execute(core: &Arc<Core>, mut asked: Asked) -> Ended {
    asked.command = parse::check(asked.command)?;
    let row = parse::find(&asked.command.name)?;
    let _active = core.lanes.activity();
    core.guard(row, &asked.by)?;
    core.take_control_if_free(row, &asked.by);
    match row.lane {
        Lane::Now => {
            if row.danger > Danger::None {
                core.unless_stopped(asked.presses)?;
            }
            let cx = Cx {
                core: core.clone(),
                by: asked.by,
                job: None,
            };
            caught((row.run)(cx, Args(asked.command.args))).await
        }
        Lane::Job => run_job(core, row, asked).await,
        Lane::Lease => lease::step(core, row, asked).await,
    }
}

/// A command that only looks, on the thread that asks. Nothing where it is more than that, or where time belongs to the engine's thread.
pub(crate) fn look(core: &Arc<Core>, command: &Command, by: &str) -> Option<BoxFuture<'static, Ended>> {
    let row = parse::find(&command.name).ok()?;
    if !row.only_looks() || core.options.speed == Speed::Virtual {
        return None;
    }
    let (core, asked) = (
        core.clone(),
        Asked {
            command: command.clone(),
            by: by.to_owned(),
            presses: 0,
        },
    );
    Some(Box::pin(async move { execute(&core, asked).await }))
}

/// Runs a command in a task of its own: a panic in it is its failure, not the engine's.
async fn caught(work: BoxFuture<'static, Ended>) -> Ended {
    match tokio::spawn(work).await {
        Ok(ended) => ended,
        Err(_) => Err(Failure::new(
            ErrorKind::Other,
            "the command failed inside; what it had begun was followed to its end",
            "this is a fault of fibdeck: please report it with the log",
        )),
    }
}

pub(crate) async fn run_job(core: &Arc<Core>, row: &'static CommandRow, asked: Asked) -> Ended {
    let Asked { command, by, presses } = asked;
    let connected = core.connected()?;
    let id = core.fresh_id();
    let title = title(row, &command);
    let (hand, release) = connected.scope.hand(format!("{} by {by}", row.name));
    // after the hand was made: a press from here on ends the hand, one before it is seen here
    core.unless_stopped(presses)?;
    let (paused, is_paused) = watch::channel(false);
    core.lanes.free().map_err(|other| busy(&other))?;
    lock(&core.lanes.running).push(Running {
        id,
        title: title.clone(),
        release,
        paused,
    });
    let job = Job {
        id,
        command: command.clone(),
        by: by.clone(),
        title,
        started: core.time(),
        paused: false,
        progress: None,
        end: None,
    };
    core.publish(Event::JobStarted { job: Box::new(job) });
    let host = Arc::new(JobHost {
        core: core.clone(),
        job: Some(id),
        paused: is_paused,
        while_active: None,
        hand: hand.clone(),
    });
    let job = JobCx {
        hand,
        host,
        instrument: connected.instrument,
        debts: Default::default(),
        whole: Default::default(),
    };
    let cx = Cx {
        core: core.clone(),
        by,
        job: Some(job.clone()),
    };
    let ended = caught((row.run)(cx, Args(command.args))).await;
    owed::settle(core, &job, core.unless_stopped(presses).is_err()).await;
    super::watch::look_now(core).await;
    lock(&core.lanes.running).retain(|r| r.id != id);
    let ended = ended.map_err(|failure| match failure.kind {
        ErrorKind::Stopped if core.unless_stopped(presses).is_err() => stop::ended_by_it(),
        _ => failure,
    });
    let (how, failure) = match &ended {
        Ok(_) => (How::Done, None),
        Err(failure) if failure.kind == ErrorKind::Stopped => (How::Stopped, Some(failure.clone())),
        Err(failure) => (How::Failed, Some(failure.clone())),
    };
    core.publish(Event::JobEnded {
        id,
        end: JobEnd {
            time: core.time(),
            how,
            failure,
        },
    });
    ended
}

/// The command as an operator would say it: its name and what was given.
fn title(row: &CommandRow, command: &Command) -> String {
    let args: Vec<String> = command
        .args
        .iter()
        .map(|(name, value)| {
            let kind = row.args.iter().find(|a| a.name == name).map(|a| a.kind);
            let shown = match (kind, value.as_f64(), value.as_str()) {
                (Some(crate::command::ArgKind::Number(unit)), Some(v), _) => model::units::format(v, unit),
                (_, _, Some(text)) => text.to_owned(),
                _ => value.to_string(),
            };
            format!("{name}={shown}")
        })
        .collect();
    model::text::printable(format!("{} {}", row.name, args.join(" ")).trim_end())
}

pub(crate) fn busy(title: &str) -> Failure {
    Failure::new(
        ErrorKind::Busy,
        format!("busy with {title}; nothing was sent"),
        "wait for its end, or stop it (job.stop)",
    )
}

impl Core {
    /// May this client run this command now? Refusals come before anything happens.
    pub(crate) fn guard(&self, row: &CommandRow, by: &str) -> Result<(), Failure> {
        if row.is_open() {
            return Ok(());
        }
        if let Some(holder) = self.snapshot().control.as_deref().filter(|holder| *holder != by) {
            return Err(Failure::new(
                ErrorKind::Busy,
                format!("{} has control; nothing was sent", model::text::printable(holder)),
                "take it over openly with control.take",
            ));
        }
        if row.lane != Lane::Now {
            self.connected()?;
        }
        // a step of jogging may wait for the one before it
        if row.lane == Lane::Job || (row.lane == Lane::Lease && !self.lease.is_held()) {
            self.lanes.free().map_err(|other| busy(&other))?;
        }
        Ok(())
    }

    /// Who acts while nobody has control, has it from then on.
    fn take_control_if_free(&self, row: &CommandRow, by: &str) {
        if (row.danger > Danger::None || row.lane != Lane::Now) && self.snapshot().control.is_none() {
            self.publish(Event::Control {
                holder: Some(by.to_owned()),
            });
        }
    }
}
