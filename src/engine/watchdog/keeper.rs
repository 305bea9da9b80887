//! The engine's side of the watchdog.

use super::{Said, Told, note};
use crate::command::Failure;
use crate::core::Core;
use hal::Resource;
use model::{Danger, ErrorKind, Notice, Severity};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often the engine's loop says that it turns.
const BEAT: Duration = Duration::from_millis(400);
/// Words that wait for the dog to take them; a beat too many is lost, and the next one says the same.
const WAITING: usize = 8;

/// A dog that watches. Dropping it ends it.
pub(crate) struct Keeper(SyncSender<Said>);

impl Keeper {
    /// Starts `program`, which has to speak as [`super::run`] does.
    pub fn start(core: &Arc<Core>, mut program: Command) -> Result<Keeper, Failure> {
        program.stdin(Stdio::piped()).stdout(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // Ctrl-C is for the engine, which then ends as it should
            program.process_group(0);
        }
        let failed = |e: std::io::Error| {
            Failure::new(
                ErrorKind::Other,
                format!("the watchdog could not be started: {e}"),
                "without it, a pattern under way runs on when the engine fails",
            )
        };
        let mut child = program.spawn().map_err(failed)?;
        let (sender, words) = sync_channel(WAITING);
        if let Some(output) = child.stdout.take() {
            let core = Arc::downgrade(core);
            let hear = move || hear(&core, BufReader::new(output));
            spawn("watchdog-hear", hear).map_err(failed)?;
        }
        spawn("watchdog-say", move || say(child, &words)).map_err(failed)?;
        let open = Said::Open {
            instrument: Box::new(core.options.instrument.clone()),
            note: core.journal.path().and_then(|journal| note(journal)),
        };
        // the first word finds room
        let _ = sender.try_send(open);
        Ok(Keeper(sender))
    }

    fn say(&self, said: Said) {
        let _ = self.0.try_send(said);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.say(Said::End);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn say(mut child: Child, words: &Receiver<Said>) {
    if let Some(mut input) = child.stdin.take() {
        for said in words {
            let line = serde_json::to_string(&said).unwrap_or_default();
            // a dog that died is told by the end of its words
            if writeln!(input, "{line}").is_err() {
                break;
            }
        }
    }
    let _ = child.wait();
}

fn hear(core: &Weak<Core>, output: impl BufRead) {
    let alarm = |title: &str, detail: String, hint: &str| {
        if let Some(core) = core.upgrade() {
            core.notice(Notice::new(Severity::Alarm, title).detail(detail).hint(hint));
        }
    };
    for line in output.lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Told::Watching) => tracing::info!("the watchdog watches"),
            Ok(Told::Blind { why }) => alarm(
                "the watchdog has no connection to the instrument",
                why,
                "it tries again when it has to; until then a pattern may run on if the engine fails",
            ),
            Ok(Told::Stopped { note }) => {
                let title = match note.sent {
                    true => "the watchdog has stopped the instrument",
                    false => "the watchdog could NOT stop the instrument",
                };
                alarm(title, note.why, "look at the instrument before you go on");
            }
            Err(error) => tracing::warn!(%error, "the watchdog says what is not understood"),
        }
    }
    if core.upgrade().is_some_and(|core| core.has_watchdog()) {
        alarm(
            "the watchdog has ended",
            String::new(),
            "start the daemon again when no job runs",
        );
    }
}

impl Core {
    fn has_watchdog(&self) -> bool {
        crate::core::lock(&self.watchdog).is_some()
    }

    /// Says at once that something is about to be begun: the next beat may be too late.
    pub(crate) fn watch_closely(&self) {
        if let Some(keeper) = crate::core::lock(&self.watchdog).as_ref() {
            keeper.say(Said::Beat { busy: true });
        }
    }

    /// Something is under way that must not go on without us: a pattern, gas, or a job that changes the sample.
    fn must_not_be_left(&self) -> bool {
        let snapshot = self.snapshot();
        let draws = snapshot.patterning.as_ref().is_some_and(|p| p.value.phase.is_active())
            || crate::core::lock(&self.touched).at_work_on(Resource::Patterning);
        let flows = snapshot.gas.as_ref().is_some_and(|gas| gas.value.open());
        let mut jobs = snapshot.jobs.iter().filter(|job| job.end.is_none());
        draws
            || flows
            || jobs
                .any(|job| crate::command::parse::find(&job.command.name).is_ok_and(|row| row.danger == Danger::Sample))
    }
}

/// Beats from the engine's own loop, as long as it turns.
pub(crate) async fn beat(core: Arc<Core>) {
    loop {
        if let Some(keeper) = crate::core::lock(&core.watchdog).as_ref() {
            keeper.say(Said::Beat {
                busy: core.must_not_be_left(),
            });
        }
        tokio::time::sleep(BEAT).await;
    }
}
