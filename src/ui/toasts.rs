//! The message line: one message at a time, each for its time, none over another. What has passed stays in the notices.
//!
//! Stop has one message, and it is what Stop came to (it stands in the message line until somebody acts): jobs that it ended
//! and what waited before it are read in the notices.

use engine::event::NoticeId;
use engine::{Failure, Snapshot};
use model::{ErrorKind, Notice, Severity};
use std::collections::VecDeque;

/// Messages waiting at most; older ones wait in the notices popup instead.
const MOST_WAITING: usize = 20;
/// Own notices kept for the popup.
const MOST_KEPT: usize = 100;
/// With others waiting a message still stays this long, s.
const HURRIED: f64 = 2.0;

/// The queue, and this console's own notices (those that never were the engine's).
#[derive(Clone, Debug, Default)]
pub struct Toasts {
    queue: VecDeque<Waiting>,
    /// When the first of the queue came to the front.
    since: Option<f64>,
    kept: VecDeque<(f64, Notice)>,
    last: Option<NoticeId>,
    stop: Stop,
}

#[derive(Clone, Debug)]
struct Waiting {
    notice: Notice,
    /// It tells of a job's end by a stop.
    stopped: bool,
}

/// How far Stop is, as this console knows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stop {
    #[default]
    Not,
    /// Pressed here; the instrument's word on it is a notice after this one.
    Pressed(NoticeId),
    /// The snapshot says what it came to.
    Told,
}

impl Toasts {
    /// News of this console itself.
    pub fn tell(&mut self, notice: Notice, now: f64) {
        self.keep(notice.clone(), now);
        self.push(notice, false);
    }

    /// A command of this console ended with this. Where Stop ended it, Stop itself has the word.
    pub fn tell_failure(&mut self, failure: &Failure, now: f64) {
        let stopped = failure.kind == ErrorKind::Stopped;
        if stopped && self.stop != Stop::Not {
            self.keep(of_failure(failure), now);
        } else {
            let notice = of_failure(failure);
            self.keep(notice.clone(), now);
            self.push(notice, stopped);
        }
    }

    /// The red button was pressed at this console.
    pub fn stop_pressed(&mut self, snapshot: &Snapshot) {
        self.stop = Stop::Pressed(newest(snapshot));
        self.queue.retain(|waiting| !waiting.stopped);
        self.since = None;
    }

    /// It was pressed here and nobody has yet said what it came to.
    pub fn is_stopping(&self) -> bool {
        matches!(self.stop, Stop::Pressed(_))
    }

    /// Takes in what the engine raised since the last look; what is older than this console is not shown again.
    pub fn notice(&mut self, snapshot: &Snapshot) {
        let newest = newest(snapshot);
        if let Some(last) = self.last {
            for entry in snapshot.notices.iter().filter(|entry| entry.id > last) {
                self.push(entry.notice.clone(), false);
            }
        }
        self.last = Some(self.last.unwrap_or(0).max(newest));
        self.stop = match (self.stop, snapshot.stopped.is_some()) {
            (Stop::Pressed(before), told) if newest <= before || !told && snapshot.connection.is_some() => self.stop,
            (Stop::Told, true) => Stop::Told,
            (_, true) => {
                self.clear();
                Stop::Told
            }
            (_, false) => Stop::Not,
        };
    }

    fn keep(&mut self, notice: Notice, now: f64) {
        self.kept.push_back((now, notice));
        if self.kept.len() > MOST_KEPT {
            self.kept.pop_front();
        }
    }

    fn push(&mut self, notice: Notice, stopped: bool) {
        // the engine and a failed command may say the same
        if self.queue.iter().any(|waiting| waiting.notice.title == notice.title) {
            return;
        }
        self.queue.push_back(Waiting { notice, stopped });
        if self.queue.len() > MOST_WAITING {
            self.queue.remove(1);
        }
    }

    /// The message to show and how many wait behind it.
    pub fn front(&self) -> Option<(&Notice, usize)> {
        let front = self.queue.front()?;
        Some((&front.notice, self.queue.len() - 1))
    }

    /// Lets time pass; says when to look again, seconds from now.
    pub fn pass(&mut self, now: f64, seconds: f64) -> Option<f64> {
        loop {
            let front = self.queue.front()?;
            let since = *self.since.get_or_insert(now);
            let longer = if front.notice.severity >= Severity::Error {
                2.0
            } else {
                1.0
            };
            let stay = if self.queue.len() > 1 {
                HURRIED.min(seconds)
            } else {
                seconds * longer
            };
            let left = since + stay - now;
            // a clock that was set back must not keep a message for ever
            if left > 0.0 && left <= stay + 1.0 {
                return Some(left);
            }
            self.queue.pop_front();
            self.since = None;
        }
    }

    /// Everything waiting was read elsewhere.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.since = None;
    }

    /// This console's own notices with their times, oldest first.
    pub fn kept(&self) -> impl DoubleEndedIterator<Item = &(f64, Notice)> {
        self.kept.iter()
    }
}

fn newest(snapshot: &Snapshot) -> NoticeId {
    snapshot.notices.back().map_or(0, |entry| entry.id)
}

/// A failure as a notice: what happened, what was left untouched, what to do.
fn of_failure(failure: &Failure) -> Notice {
    let severity = match failure.kind {
        ErrorKind::Usage | ErrorKind::Busy | ErrorKind::Stopped | ErrorKind::Unsupported | ErrorKind::NotConnected => {
            Severity::Warning
        }
        _ => Severity::Error,
    };
    Notice::new(severity, &failure.title)
        .detail(&failure.detail)
        .hint(&failure.hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_wait_for_each_other() {
        let mut toasts = Toasts::default();
        for title in ["one", "two", "two", "three"] {
            toasts.tell(Notice::new(Severity::Info, title), 0.0);
        }
        let mut seen = Vec::new();
        let mut now = 100.0;
        while let Some(wait) = toasts.pass(now, 6.0) {
            seen.extend(toasts.front().map(|(n, waiting)| format!("{} +{waiting}", n.title)));
            now += wait;
        }
        assert_eq!(seen, ["one +2", "two +1", "three +0"]);
        assert_eq!(now, 110.0, "two seconds, two, six");
        assert_eq!(toasts.kept().count(), 4);
    }

    #[test]
    fn old_notices_are_not_news() {
        let raise = |snapshot: &mut Snapshot, id| {
            let notice = Notice::new(Severity::Info, format!("n{id}"));
            snapshot.notices.push_back(engine::snapshot::NoticeEntry {
                id,
                time: 0.0,
                notice,
                seen: false,
            });
        };
        let (mut toasts, mut snapshot) = (Toasts::default(), Snapshot::default());
        raise(&mut snapshot, 1);
        toasts.notice(&snapshot);
        assert!(toasts.front().is_none());
        raise(&mut snapshot, 2);
        toasts.notice(&snapshot);
        toasts.notice(&snapshot);
        assert_eq!(
            toasts.front().map(|(n, waiting)| (n.title.as_str(), waiting)),
            Some(("n2", 0))
        );
    }
}
