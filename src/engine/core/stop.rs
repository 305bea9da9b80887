//! Stop: pressed on the client's own thread, ahead of everything; what it came to is found out afterwards and told once.

use super::{Core, lock, watch};
use crate::command::Failure;
use crate::event::{Event, Pulse};
use crate::link::Request;
use model::{ErrorKind, Notice, Severity, StopOutcome, StopReport};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc::UnboundedSender;

impl Core {
    /// Refuses what was asked for before stop was last pressed: `presses` as the asker saw them.
    pub(crate) fn unless_stopped(&self, presses: u64) -> Result<(), Failure> {
        if self.presses.load(Ordering::SeqCst) == presses {
            return Ok(());
        }
        Err(Failure::new(
            ErrorKind::Stopped,
            "stopped before it began; nothing was sent",
            "start it again when it is safe",
        ))
    }

    /// Stop as a command: pressed, and what it came to.
    pub(crate) async fn stop_and_confirm(self: &Arc<Core>, by: &str) -> Option<StopReport> {
        let sent = self.press(by);
        confirm(self, by, sent).await
    }

    /// The red button of a client.
    pub(crate) fn press_stop(&self, by: &str, engine: &UnboundedSender<Request>) {
        let sent = self.press(by);
        // a closed engine has nothing left to stop
        let _ = engine.send(Request::Stopped {
            by: by.to_owned(),
            sent,
        });
    }

    /// Sends stop out and ends the job; whether it went out.
    pub(crate) fn press(&self, by: &str) -> bool {
        tracing::warn!(target: "stop", "pressed by {by}");
        // first of all: what was asked for before and has not begun must find this
        let presses = self.presses.fetch_add(1, Ordering::SeqCst) + 1;
        let connected = lock(&self.connected).clone();
        let sent = self.as_ours(|| connected.is_some_and(|c| c.scope.stop().is_ok()));
        self.lanes.stop_job(None);
        self.pulse(Pulse::Pressed { presses });
        sent
    }

    /// Makes a change of the whole instrument that is ours, whether the watcher sees it while it is made or afterwards.
    pub(crate) fn as_ours<T>(&self, change: impl FnOnce() -> T) -> T {
        lock(&self.touched).all();
        let made = change();
        lock(&self.touched).all();
        made
    }
}

/// The end of a command that stop ended: what stop came to is a notice of its own.
pub(crate) fn ended_by_it() -> Failure {
    Failure::new(
        ErrorKind::Stopped,
        "ended by stop",
        "start it again when it is safe; what stop came to is told on its own",
    )
}

/// Finds out what a press of stop came to and says so.
pub(crate) async fn confirm(core: &Arc<Core>, by: &str, sent: bool) -> Option<StopReport> {
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
    watch::look_now(core).await;
    core.notice(told(&report));
    core.publish(Event::Stopped {
        by: by.to_owned(),
        report: Some(report.clone()),
    });
    Some(report)
}

/// What a stop came to, in words: confirmed, or an alarm.
pub fn told(report: &StopReport) -> Notice {
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
    notice.detail(detail.join("; "))
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
