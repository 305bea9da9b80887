//! What is worth telling somebody who is not there.

use crate::event::{Event, How, Sequenced, disk_low};
use crate::snapshot::Snapshot;
use model::Severity;
use model::text::printable;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A job waits for an answer.
    OperatorNeeded,
    JobDone,
    JobFailed,
    JobStopped,
    Alarm,
    LinkLost,
    DiskLow,
}

impl Kind {
    /// As it stands in hooks.yaml.
    pub fn word(self) -> &'static str {
        match self {
            Kind::OperatorNeeded => "operator-needed",
            Kind::JobDone => "job-done",
            Kind::JobFailed => "job-failed",
            Kind::JobStopped => "job-stopped",
            Kind::Alarm => "alarm",
            Kind::LinkLost => "link-lost",
            Kind::DiskLow => "disk-low",
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Occasion {
    pub kind: Kind,
    pub instrument: String,
    pub title: String,
    pub text: String,
    /// POSIX s on the instrument's clock.
    pub time: f64,
    /// How long the job took that ended, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took: Option<f64>,
}

impl Occasion {
    /// `snapshot`: as it is after the event.
    pub fn of(event: &Sequenced, snapshot: &Snapshot) -> Option<Occasion> {
        let occasion = |kind, title: &str, text: &str, took| Occasion {
            kind,
            instrument: printable(&snapshot.instrument),
            title: printable(title),
            text: printable(text),
            time: event.time,
            took,
        };
        Some(match &event.event {
            Event::Asked { question } => {
                let choices: Vec<&str> = question.choices.iter().map(|(word, _)| word.as_str()).collect();
                let text = format!("{} [{}]", question.detail, choices.join(", "));
                occasion(Kind::OperatorNeeded, &question.text, &text, None)
            }
            Event::JobEnded { id, end } => {
                let job = snapshot.jobs.iter().rev().find(|job| job.id == *id)?;
                let (kind, word) = match end.how {
                    How::Done => (Kind::JobDone, "done"),
                    How::Failed => (Kind::JobFailed, "failed"),
                    How::Stopped => (Kind::JobStopped, "stopped"),
                };
                let why = end.failure.as_ref().map(ToString::to_string).unwrap_or_default();
                let title = format!("{}: {word}", job.title);
                occasion(kind, &title, &why, Some((end.time - job.started).max(0.0)))
            }
            Event::Raised { notice, .. } if notice.severity == Severity::Alarm => {
                let text = [notice.detail.as_str(), notice.hint.as_str()].join(" ");
                occasion(Kind::Alarm, &notice.title, text.trim(), None)
            }
            Event::LinkTrouble { text } => occasion(Kind::LinkLost, "the instrument does not answer well", text, None),
            Event::DiskLow { free } => {
                let [title, text] = disk_low(*free);
                occasion(Kind::DiskLow, &title, &text, None)
            }
            Event::Disconnected { reason: Some(reason) } => {
                occasion(Kind::LinkLost, "the instrument is not connected", reason, None)
            }
            _ => return None,
        })
    }
}
