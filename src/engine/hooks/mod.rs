//! Telling people who are not there: an operator is needed, a job ended, an alarm, the link to the instrument lost, the disk low.
//!
//! `config` reads `hooks.yaml`, `occasion` says which events are worth telling, `deliver` how: a program by its arguments (never
//! a shell) or a web address. Every hook has a thread and a short queue of its own, so the engine waits for none; what could not
//! be delivered after all its tries comes back as an alarm. A heartbeat goes to a dead-man service as long as the engine's own
//! loop turns. To add an occasion: a variant of [`Kind`] and its arm in [`Occasion::of`]; a form of message: a row in [`FORMS`].

mod config;
mod deliver;
mod occasion;

pub use config::{Config, Heartbeat, Hook};
pub use deliver::{FORMS, Form, Way};
pub use occasion::{Kind, Occasion};

use crate::event::Sequenced;
use crate::snapshot::Snapshot;
use model::{Notice, Severity};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

/// Messages that wait for one hook; more are told as not delivered.
const MOST_WAITING: usize = 32;
/// Pauses before another try.
const AGAIN: &[Duration] = &[Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)];
/// Begins the alarm of a message that was not delivered, which is itself told on the screen only.
const UNDELIVERED: &str = "a message was not delivered";

/// The hooks of an engine, at work.
pub struct Hooks {
    lines: Vec<(Hook, SyncSender<Occasion>)>,
    heart: Option<SyncSender<()>>,
    trouble: Mutex<Receiver<Notice>>,
    troubled: Sender<Notice>,
}

impl Hooks {
    pub fn start(config: Config) -> Hooks {
        Hooks::with(config, AGAIN)
    }

    /// As [`Hooks::start`], with pauses of the caller's own.
    pub(crate) fn with(config: Config, again: &'static [Duration]) -> Hooks {
        let (troubled, trouble) = channel();
        let lines = config.hooks.into_iter().filter_map(|hook| {
            let (sender, waiting) = sync_channel(MOST_WAITING);
            let (way, trouble) = (hook.way.clone(), troubled.clone());
            let work = move || waiting.iter().for_each(|o: Occasion| tell(&way, &o, again, &trouble));
            started("hook", work, &troubled).then_some((hook, sender))
        });
        let lines = lines.collect();
        let heart = config.heartbeat.and_then(|heartbeat| {
            let (sender, beats) = sync_channel(1);
            let trouble = troubled.clone();
            started("heartbeat", move || beat(&heartbeat, &beats, &trouble), &troubled).then_some(sender)
        });
        Hooks {
            lines,
            heart,
            trouble: Mutex::new(trouble),
            troubled,
        }
    }

    /// Tells who wants to know of it. Never waits.
    pub fn event(&self, event: &Sequenced, snapshot: &Snapshot) {
        if self.lines.is_empty() {
            return;
        }
        if let Some(occasion) = Occasion::of(event, snapshot)
            && !occasion.title.starts_with(UNDELIVERED)
        {
            self.tell(&occasion);
        }
    }

    pub fn tell(&self, occasion: &Occasion) {
        for (_, line) in self.lines.iter().filter(|(hook, _)| hook.wants(occasion)) {
            if let Err(TrySendError::Full(lost)) = line.try_send(occasion.clone()) {
                // read by the engine's own loop, which lives as long as this
                let _ = self.troubled.send(undelivered(&lost, "too many wait for this hook"));
            }
        }
    }

    /// The engine's loop turned once more.
    pub fn alive(&self) {
        if let Some(heart) = &self.heart {
            // one beat waits already: the heart is at work
            let _ = heart.try_send(());
        }
    }

    /// What went wrong since this was last asked.
    pub fn trouble(&self) -> Vec<Notice> {
        crate::core::lock(&self.trouble).try_iter().collect()
    }
}

fn started(name: &str, work: impl FnOnce() + Send + 'static, trouble: &Sender<Notice>) -> bool {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    if let Err(error) = &thread {
        let text = format!("a {name} could not be started: {error}");
        let _ = trouble.send(Notice::new(Severity::Alarm, text));
    }
    thread.is_ok()
}

fn undelivered(occasion: &Occasion, why: &str) -> Notice {
    Notice::new(Severity::Alarm, format!("{UNDELIVERED}: {}", occasion.title))
        .detail(why.to_owned())
        .hint("look at hooks.yaml, and tell them another way")
}

fn tell(way: &Way, occasion: &Occasion, again: &[Duration], trouble: &Sender<Notice>) {
    let mut pauses = again.iter();
    loop {
        let Err(why) = way.deliver(occasion) else { return };
        let Some(pause) = pauses.next() else {
            // an engine that has ended shows nothing any more
            let _ = trouble.send(undelivered(occasion, &format!("{}: {why}", way.name())));
            return;
        };
        std::thread::sleep(*pause);
    }
}

/// Beats at most once in `every`; what fails is told once, until it goes again.
fn beat(heartbeat: &Heartbeat, beats: &Receiver<()>, trouble: &Sender<Notice>) {
    let (mut last, mut well) = (None::<Instant>, true);
    for () in beats {
        if last.is_some_and(|last| last.elapsed() < heartbeat.every) {
            continue;
        }
        last = Some(Instant::now());
        let sent = deliver::get(&heartbeat.url);
        if let (Err(why), true) = (&sent, well) {
            let notice = Notice::new(Severity::Alarm, "the heartbeat does not reach its service").detail(why.clone());
            let _ = trouble.send(notice.hint("it is tried again; the service may raise an alarm of its own"));
        }
        well = sent.is_ok();
    }
}

#[cfg(test)]
mod tests;
