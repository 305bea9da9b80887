//! `tail`, `stop`, `answer`: what is said to and by a running daemon.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::session::Session;
use super::{daemon, output};
use clap::Args;
use engine::core::stop_told;
use engine::event::Event;
use engine::link::Heard;
use engine::{Command, Link};
use model::Severity;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// How long what a stop came to is waited for: longer than an engine takes to find out.
const VERDICT: Duration = Duration::from_secs(6);

/// Events as they come.
#[derive(Args)]
#[command(after_help = "Example:\n  fibdeck tail --json | grep job-ended")]
pub struct Tail {
    /// End after this many.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

impl Tail {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let remote = daemon::need(globals, "tail")?;
        let link = daemon::whole(&remote)?;
        let mut heard = link.listen();
        let mut left = self.count.unwrap_or(u64::MAX);
        block(async {
            while left > 0 {
                match heard.recv().await {
                    Ok(Heard::Event(event)) => {
                        output::line(&match globals.json {
                            true => serde_json::to_string(&*event).unwrap_or_default(),
                            false => format!("{}  {}", event.seq, ui::words(&event.event)),
                        })?;
                        left -= 1;
                    }
                    Ok(Heard::Pulse(_)) => {}
                    Err(RecvError::Lagged(missed)) => eprintln!("fibdeck: {missed} events were missed"),
                    Err(RecvError::Closed) => return Err(cut()),
                }
            }
            Ok(Exit::Done)
        })?
    }
}

fn cut() -> CliError {
    CliError::new(
        Exit::Connection,
        "the line to the daemon was cut; what runs there goes on",
    )
}

/// The red button: halt everything, blank the beams, and say what that came to.
#[derive(Args)]
pub struct Stop {}

impl Stop {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let remote = daemon::need(globals, "stop")?;
        let link = remote.link();
        let report = match remote.is_limited() {
            false => pressed(&link)?,
            // one protocol or another: the press is understood, what it came to is asked for
            true => block(link.run(Command::new("stop")))??,
        };
        if report.is_null() {
            output::line("stop was pressed; no instrument is connected, so nothing was moving")?;
            return Ok(Exit::Done);
        }
        let report: model::StopReport = serde_json::from_value(report).map_err(|_| {
            CliError::failed(
                "STOP was pressed; what it came to is told in another version's words: look at the instrument",
            )
        })?;
        let told = stop_told(&report);
        if globals.json {
            let instrument = link.snapshot().instrument.clone();
            output::line(&json!({ "instrument": instrument, "stop": report }).to_string())?;
        } else {
            let parts = [told.title, told.detail, told.hint];
            let parts: Vec<String> = parts
                .iter()
                .filter(|p| !p.is_empty())
                .map(|p| model::text::printable(p))
                .collect();
            output::line(&parts.join("; "))?;
        }
        Ok(match told.severity {
            Severity::Alarm => Exit::Failed,
            _ => Exit::Done,
        })
    }
}

/// Presses first, and then waits for what it came to.
fn pressed(link: &Link) -> Result<Value, CliError> {
    let mut heard = link.listen();
    link.stop();
    if link.snapshot().connection.is_none() {
        return Ok(Value::Null);
    }
    let report = async {
        loop {
            match heard.recv().await {
                Ok(Heard::Event(event)) => {
                    if let Event::Stopped { report, .. } = &event.event {
                        return Ok(json!(report));
                    }
                }
                Ok(Heard::Pulse(_)) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(cut()),
            }
        }
    };
    match block(async { tokio::time::timeout(VERDICT, report).await })? {
        Ok(report) => report,
        Err(_) => Err(CliError::failed(
            "STOP was pressed, and the engine does not say what it came to: look at the instrument",
        )),
    }
}

fn block<T>(work: impl Future<Output = T>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::failed(format!("the runtime could not be built: {e}")))?;
    Ok(runtime.block_on(work))
}

/// Answer the question that a job waits with.
#[derive(Args)]
#[command(after_help = "Example:\n  fibdeck status --json | jq .jobs\n  fibdeck answer 12 yes")]
pub struct Answer {
    /// Number of the question.
    id: u64,
    /// One of its choices.
    choice: String,
    /// What was changed of what it shows (points, areas, patterns), as JSON.
    #[arg(value_name = "JSON")]
    data: Option<String>,
}

impl Answer {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let session = Session::daemon(globals, "answer")?;
        let mut command = Command::new("answer")
            .with("id", self.id)
            .with("choice", self.choice.clone());
        if let Some(text) = &self.data {
            let wrong = |e| {
                CliError::new(
                    Exit::Usage,
                    format!("the answer's data is no JSON: {e}; nothing was sent"),
                )
            };
            command = command.with("data", serde_json::from_str::<Value>(text).map_err(wrong)?);
        }
        let answered = session.run(command)?;
        output::line(&match globals.json {
            true => output::envelope("answer", &session.instrument(), &Ok(answered)).to_string(),
            false => format!(
                "question {} was answered: {}",
                self.id,
                model::text::printable(&self.choice)
            ),
        })?;
        Ok(Exit::Done)
    }
}
