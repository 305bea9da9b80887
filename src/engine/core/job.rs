//! Commands at work: the guard, the one job lane, stop.

use super::{Core, Cx, host::JobHost, lock};
use crate::command::{Args, Command, CommandRow, Failure, Lane, parse};
use crate::event::{Event, How, Job, JobEnd, JobId};
use crate::link::{Ended, Request};
use hal::scope::Release;
use model::{Danger, ErrorKind, Notice, Severity, StopOutcome, StopReport};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, mpsc::UnboundedSender, oneshot, watch};
use workflow::JobCx;

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
    pub answer: oneshot::Sender<String>,
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

    fn activity(&self) -> Activity<'_> {
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
    pub fn answer(&self, id: u64, choice: &str) -> Result<(), Failure> {
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
        if !open.choices.iter().any(|c| c == choice) {
            return Err(Failure::usage(
                format!("`{}` is no answer to that question", model::text::printable(choice)),
                format!("one of: {}", open.choices.join(", ")),
            ));
        }
        if let Some(open) = question.take() {
            // a job that ended meanwhile has said so itself
            let _ = open.answer.send(choice.to_owned());
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
pub(crate) fn accept(core: &Arc<Core>, command: Command, by: String, ended: oneshot::Sender<Ended>) {
    let core = core.clone();
    tokio::spawn(async move {
        // the asker may have gone: the command was carried out all the same
        let _ = ended.send(execute(&core, command, by).await);
    });
}

async fn execute(core: &Arc<Core>, command: Command, by: String) -> Ended {
    let command = parse::check(command)?;
    let row = parse::find(&command.name)?;
    let _active = core.lanes.activity();
    core.guard(row, &by)?;
    core.take_control_if_free(row, &by);
    match row.lane {
        Lane::Now => {
            let cx = Cx {
                core: core.clone(),
                by,
                job: None,
            };
            caught((row.run)(cx, Args(command.args))).await
        }
        Lane::Job => run_job(core, row, command, by).await,
    }
}

/// Runs a command in a task of its own: a panic in it is its failure, not the engine's.
async fn caught(work: futures::future::BoxFuture<'static, Ended>) -> Ended {
    match tokio::spawn(work).await {
        Ok(ended) => ended,
        Err(_) => Err(Failure::new(
            ErrorKind::Other,
            "the command failed inside; what it had begun was followed to its end",
            "this is a fault of fibdeck: please report it with the log",
        )),
    }
}

async fn run_job(core: &Arc<Core>, row: &'static CommandRow, command: Command, by: String) -> Ended {
    let connected = core.connected()?;
    let id = core.fresh_id();
    let title = title(row, &command);
    let (hand, release) = connected.scope.hand(format!("{} by {by}", row.name));
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
    let cx = Cx {
        core: core.clone(),
        by,
        job: Some(JobCx {
            hand,
            host,
            instrument: connected.instrument,
        }),
    };
    let ended = caught((row.run)(cx, Args(command.args))).await;
    super::watch::look_now(core).await;
    lock(&core.lanes.running).retain(|r| r.id != id);
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

fn busy(title: &str) -> Failure {
    Failure::new(
        ErrorKind::Busy,
        format!("busy with {title}; nothing was sent"),
        "wait for its end, or stop it (job.stop)",
    )
}

impl Core {
    /// May this client run this command now? Refusals come before anything happens.
    pub(crate) fn guard(&self, row: &CommandRow, by: &str) -> Result<(), Failure> {
        if row.danger == Danger::None && row.lane == Lane::Now {
            return Ok(());
        }
        if let Some(holder) = self.snapshot().control.as_deref().filter(|holder| *holder != by) {
            return Err(Failure::new(
                ErrorKind::Busy,
                format!("{} has control; nothing was sent", model::text::printable(holder)),
                "take it over openly with control.take",
            ));
        }
        if row.lane == Lane::Job {
            self.connected()?;
            self.lanes.free().map_err(|other| busy(&other))?;
        }
        Ok(())
    }

    /// Who acts while nobody has control, has it from then on.
    fn take_control_if_free(&self, row: &CommandRow, by: &str) {
        if (row.danger > Danger::None || row.lane == Lane::Job) && self.snapshot().control.is_none() {
            self.publish(Event::Control {
                holder: Some(by.to_owned()),
            });
        }
    }

    /// Stop as a command: pressed, and what it came to.
    pub(crate) async fn stop_and_confirm(self: &Arc<Core>, by: &str) -> Option<StopReport> {
        let sent = self.press(by);
        confirm_stop(self, by, sent).await
    }

    /// The red button: called on the client's own thread, ahead of everything. What it came to is found out afterwards.
    pub(crate) fn press_stop(&self, by: &str, engine: &UnboundedSender<Request>) {
        let sent = self.press(by);
        // a closed engine has nothing left to stop
        let _ = engine.send(Request::Stopped {
            by: by.to_owned(),
            sent,
        });
    }

    /// Sends stop out and ends the job; whether it went out.
    fn press(&self, by: &str) -> bool {
        tracing::warn!(target: "stop", "pressed by {by}");
        let connected = lock(&self.connected).clone();
        // what the press changes is ours, whether it is seen before or after it took effect
        lock(&self.touched).all();
        let sent = match &connected {
            Some(connected) => connected.scope.stop().is_ok(),
            None => false,
        };
        lock(&self.touched).all();
        self.lanes.stop_job(None);
        sent
    }
}

/// Finds out what a press of stop came to and says so.
pub(crate) async fn confirm_stop(core: &Arc<Core>, by: &str, sent: bool) -> Option<StopReport> {
    let Ok(scope) = core.scope() else {
        core.notice(Notice::new(
            Severity::Info,
            "stop: no instrument is connected, so nothing was moving",
        ));
        return None;
    };
    let _active = core.lanes.activity();
    let report = scope.confirm_stop(sent).await;
    lock(&core.touched).all();
    super::watch::look_now(core).await;
    let unsure = !report.sent || !report.at_rest || report.acts.iter().any(|(_, o)| *o == StopOutcome::Unconfirmed);
    let detail: Vec<String> = report
        .acts
        .iter()
        .map(|(what, outcome)| format!("{what}: {}", outcome_words(*outcome)))
        .collect();
    let notice = if unsure {
        Notice::new(
            Severity::Alarm,
            "STOP was pressed but is not confirmed: look at the instrument",
        )
        .hint("use the vendor's own stop if anything still moves")
    } else {
        Notice::new(Severity::Warning, "stopped: everything is at rest, beams blanked")
            .hint("unblank the beams (beam.unblank) to go on")
    };
    core.notice(notice.detail(detail.join("; ")));
    core.publish(Event::Stopped {
        by: by.to_owned(),
        report: Some(report.clone()),
    });
    Some(report)
}

fn outcome_words(outcome: StopOutcome) -> &'static str {
    match outcome {
        StopOutcome::NeverStarted => "never started",
        StopOutcome::Halted => "halted",
        StopOutcome::HaltedAtBoundary => "halted at the next boundary",
        StopOutcome::RanToCompletion => "had ended already",
        StopOutcome::Unconfirmed => "not confirmed",
    }
}
