//! One engine for the length of a command line: connects, runs commands, turns Ctrl-C into stop.

use super::exit::CliError;
use super::options::Globals;
use engine::Command;
use engine::core::Engine;
use engine::event::{Event, Pulse};
use engine::link::{Ended, Heard, Link};
use model::Severity;
use std::io::{IsTerminal, Write};

pub struct Session {
    /// Held so that it ends with the session.
    _engine: Engine,
    link: Link,
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

impl Session {
    /// A fresh twin, connected.
    pub fn twin(globals: &Globals, name: &str) -> Result<Session, CliError> {
        let session = Session::unconnected(globals, name)?;
        session.run(Command::new("system.connect"))?;
        Ok(session)
    }

    /// A fresh twin that nobody has connected to.
    pub fn unconnected(globals: &Globals, name: &str) -> Result<Session, CliError> {
        let engine = globals.twin_engine()?;
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
            link: engine.link(name),
            _engine: engine,
            runtime,
            progress,
            quiet: globals.quiet,
        })
    }

    pub fn instrument(&self) -> String {
        self.link.snapshot().instrument.clone()
    }

    /// Runs a command to its end; Ctrl-C stops the instrument, and the command then ends as stopped.
    pub fn run(&self, command: Command) -> Ended {
        self.runtime.block_on(async {
            let mut heard = self.link.listen();
            let mut told = Told::default();
            let receipt = self.link.send(command).ended();
            tokio::pin!(receipt);
            loop {
                tokio::select! {
                    ended = &mut receipt => {
                        self.clear();
                        return ended;
                    }
                    Ok(()) = tokio::signal::ctrl_c() => self.link.stop(),
                    Ok(item) = heard.recv() => self.show(&item, &mut told),
                }
            }
        })
    }

    fn show(&self, item: &Heard, told: &mut Told) {
        if let Heard::Event(event) = item
            && let Event::Raised { notice, .. } = &event.event
            && notice.severity == Severity::Warning
            && !self.quiet
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
