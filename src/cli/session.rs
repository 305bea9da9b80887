//! One engine for the length of a command line, the daemon's or one of its own: runs commands, turns Ctrl-C into stop.

use super::daemon;
use super::exit::{CliError, Exit};
use super::interrupt::Interrupt;
use super::options::Globals;
use engine::core::stop_told;
use engine::event::{Event, Pulse, Question};
use engine::link::{Ended, Heard, Link};
use engine::remote::Remote;
use engine::{Command, Failure};
use model::{ErrorKind, Severity};
use std::any::Any;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How long what a stop came to is waited for: longer than the engine takes to find out.
const VERDICT: Duration = Duration::from_secs(5);

pub struct Session {
    /// The engine or the line: held so that it ends with the session.
    _owned: Box<dyn Any>,
    link: Link,
    interrupt: Interrupt,
    /// Ctrl-C stops the instrument. Who only asks a daemon, whose instrument is everybody's, just leaves.
    stops: bool,
    /// The engine is our own: nobody else hears its questions.
    alone: bool,
    runtime: tokio::runtime::Runtime,
    progress: Progress,
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Bar,
    Lines,
    None,
}

/// What was last said of a command's progress: a line for every hundredth of a second helps nobody.
#[derive(Default)]
struct Told {
    text: String,
    fraction: f64,
}

impl Told {
    /// Another step, or a tenth further on.
    fn is_news(&mut self, text: &str, fraction: Option<f64>) -> bool {
        let fraction = fraction.unwrap_or(0.0);
        let news = self.text != text || fraction >= self.fraction + 0.1;
        if news {
            (self.text, self.fraction) = (text.to_owned(), fraction);
        }
        news
    }
}

fn interrupted() -> Failure {
    Failure::new(
        ErrorKind::Stopped,
        "interrupted; nothing was sent",
        "start it again when it is safe",
    )
}

fn choices(question: &Question) -> String {
    let words: Vec<&str> = question.choices.iter().map(|(word, _)| word.as_str()).collect();
    words.join(", ")
}

fn unanswered(question: &Question) -> Failure {
    let text = model::text::printable(&question.text);
    Failure::new(
        ErrorKind::Unanswered,
        format!(
            "an operator is asked and nobody is here to answer, so the job was ended: {text} ({})",
            choices(question)
        ),
        "run it from the console, or beside `fibdeck serve`, where `fibdeck answer` reaches it",
    )
}

impl Session {
    /// The running daemon, or else a fresh twin, connected. `acts`: what will be run may change the instrument.
    pub fn open(globals: &Globals, name: &str, acts: bool) -> Result<Session, CliError> {
        match daemon::visit(globals, name)? {
            Some(remote) => Session::on(remote, globals, acts),
            None => {
                let session = Session::twin(globals, name)?;
                session.run(Command::new("system.connect"))?;
                Ok(session)
            }
        }
    }

    /// The running daemon, or else a fresh twin that nobody has connected to.
    pub fn unconnected(globals: &Globals, name: &str) -> Result<Session, CliError> {
        match daemon::visit(globals, name)? {
            Some(remote) => Session::on(remote, globals, true),
            None => Session::twin(globals, name),
        }
    }

    /// The running daemon, to ask it something.
    pub fn daemon(globals: &Globals, name: &str) -> Result<Session, CliError> {
        Session::on(daemon::need(globals, name)?, globals, false)
    }

    fn on(remote: Remote, globals: &Globals, acts: bool) -> Result<Session, CliError> {
        let link = remote.link();
        Session::new(Box::new(remote), link, globals, (acts, false))
    }

    fn twin(globals: &Globals, name: &str) -> Result<Session, CliError> {
        let engine = globals.twin_engine()?;
        let link = engine.link(name);
        Session::new(Box::new(engine), link, globals, (true, true))
    }

    fn new(
        owned: Box<dyn Any>,
        link: Link,
        globals: &Globals,
        (stops, alone): (bool, bool),
    ) -> Result<Session, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| CliError::failed(format!("the runtime could not be built: {e}")))?;
        let progress = match (globals.quiet, globals.json, std::io::stderr().is_terminal()) {
            (true, ..) => Progress::None,
            (false, true, _) => Progress::Lines,
            (false, false, true) => Progress::Bar,
            (false, false, false) => Progress::None,
        };
        Ok(Session {
            interrupt: Interrupt::listen(stops.then(|| link.clone()))?,
            stops,
            alone,
            link,
            _owned: owned,
            runtime,
            progress,
            quiet: globals.quiet,
        })
    }

    pub fn instrument(&self) -> String {
        self.link.snapshot().instrument.clone()
    }

    /// Runs a command to its end. Ctrl-C stops the instrument: the command then ends with what that came to, and a later one is
    /// not sent.
    pub fn run(&self, command: Command) -> Ended {
        if self.interrupt.came() {
            return Err(interrupted());
        }
        self.runtime.block_on(async {
            let mut heard = self.link.listen();
            let mut told = Told::default();
            let receipt = self.link.send(command).ended();
            if self.stops && self.interrupt.came() {
                // pressed between the look and the sending: the command may have left after the press
                self.link.stop();
            }
            tokio::pin!(receipt);
            let mut snapshots = self.link.snapshots();
            let mut asked: Option<Question> = None;
            let ended = loop {
                tokio::select! {
                    ended = &mut receipt => break ended,
                    Ok(snapshot) = snapshots.wait_for(|s| s.question.is_some()), if asked.is_none() => {
                        asked = snapshot.question.clone();
                        drop(snapshot);
                        self.questioned(asked.as_ref());
                    }
                    () = self.interrupt.comes(), if !self.stops => break Err(interrupted()),
                    Ok(item) = heard.recv() => self.show(&item, &mut told),
                }
            };
            self.clear();
            match ended {
                Err(failure)
                    if self.alone
                        && failure.kind == ErrorKind::Stopped
                        && !self.interrupt.came()
                        && asked.is_some() =>
                {
                    Err(asked.as_ref().map_or(failure, unanswered))
                }
                Err(failure) if failure.kind == ErrorKind::Stopped && self.interrupt.came() => {
                    Err(self.verdict().await)
                }
                ended => ended,
            }
        })
    }

    /// A job asks an operator. Nobody hears an engine of our own: the job ends there; of a daemon it is said who can answer.
    fn questioned(&self, question: Option<&Question>) {
        let Some(question) = question else { return };
        if self.alone {
            // the command under way ends with it
            drop(self.link.send(Command::new("job.stop").with("id", question.job)));
        } else if !self.quiet {
            self.clear();
            eprintln!(
                "fibdeck: {}: the console answers, or `fibdeck answer {} CHOICE` ({})",
                model::text::printable(&question.text),
                question.id,
                choices(question)
            );
        }
    }

    pub fn was_interrupted(&self) -> bool {
        self.interrupt.came()
    }

    /// Waits for `work` between two commands; an interrupt ends the wait, as an error that says what the stop came to.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, CliError> {
        self.runtime.block_on(async {
            match self.interrupt.or(work).await {
                Some(done) => Ok(done),
                None => Err(CliError::new(Exit::Interrupted, self.verdict().await)),
            }
        })
    }

    /// What the interrupt's stop came to.
    async fn verdict(&self) -> Failure {
        if !self.stops || self.link.snapshot().connection.is_none() {
            return interrupted();
        }
        let mut snapshots = self.link.snapshots();
        let report = tokio::time::timeout(VERDICT, snapshots.wait_for(|s| s.stopped.is_some())).await;
        let told = match report {
            Ok(Ok(snapshot)) => snapshot.stopped.as_ref().map(stop_told),
            _ => None,
        };
        match told {
            Some(notice) => Failure {
                detail: notice.detail,
                ..Failure::new(ErrorKind::Stopped, notice.title, notice.hint)
            },
            None => Failure::new(
                ErrorKind::Stopped,
                "STOP was pressed, and the engine does not say what it came to: look at the instrument",
                "use the vendor's own stop if anything still moves",
            ),
        }
    }

    fn show(&self, item: &Heard, told: &mut Told) {
        if let Heard::Event(event) = item
            && let Event::Raised { notice, .. } = &event.event
            && notice.severity == Severity::Warning
            && !self.quiet
            && !self.interrupt.came()
        {
            self.clear();
            eprintln!("fibdeck: warning: {}", model::text::printable(&notice.title));
        }
        let Heard::Pulse(Pulse::Progress { progress, .. }) = item else {
            return;
        };
        if self.progress == Progress::None || !told.is_news(&progress.text, progress.fraction) {
            return;
        }
        match (self.progress, progress.fraction) {
            (Progress::Lines, _) => {
                if let Ok(line) = serde_json::to_string(&serde_json::json!({ "progress": progress })) {
                    eprintln!("{line}");
                }
            }
            (Progress::Bar, Some(fraction)) => {
                let full = (fraction.clamp(0.0, 1.0) * 30.0).round() as usize;
                let text = model::text::printable(&progress.text);
                eprint!(
                    "\r\x1b[K[{}{}] {:3.0} %  {text}",
                    "#".repeat(full),
                    ".".repeat(30 - full),
                    fraction * 100.0
                );
                // a bar that cannot be drawn is no loss
                let _ = std::io::stderr().flush();
            }
            _ => {}
        }
    }

    fn clear(&self) {
        if self.progress == Progress::Bar {
            eprint!("\r\x1b[K");
        }
    }
}
