//! `script`, `do`, `status`, `truth`: engine commands from the command line.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use super::session::Session;
use clap::Args;
use engine::Command;
use engine::command::{CONFIRMED, Lane, parse, rows};
use model::Danger;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use tokio::sync::mpsc::{Receiver, channel};

/// Lines of a script read ahead of the command under way.
const AHEAD: usize = 16;

/// Run engine commands, one a line, in one session.
///
/// Blank lines and lines that begin with # are skipped. Stops at the first failure unless --keep-going.
#[derive(Args)]
#[command(
    after_help = "Example:\n  printf 'stage.stable-move dx=10um\\nimage.acquire beam=electron\\n' | fibdeck script --demo --json"
)]
pub struct Script {
    /// File of commands; stdin without one.
    file: Option<PathBuf>,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
}

impl Script {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let mut lines = self.lines()?;
        let session = Session::open(globals, "script", true)?;
        let (mut done, mut first_failure) = (0, None);
        for number in 1.. {
            let Some(line) = session.wait(lines.recv())? else { break };
            let line = line.map_err(|e| CliError::failed(format!("line {number}: {e}")))?;
            let text = line.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let ended = parse::line(text).and_then(|command| session.run(said_yes(globals, command)));
            tell(globals, text, &session.instrument(), &ended, Some(number))?;
            match ended {
                Ok(_) => done += 1,
                Err(_) if session.was_interrupted() => return Ok(Exit::Interrupted),
                Err(failure) => {
                    first_failure.get_or_insert(Exit::from(failure.kind));
                    if !self.keep_going {
                        break;
                    }
                }
            }
        }
        Ok(match first_failure {
            None => Exit::Done,
            Some(_) if self.keep_going && done > 0 => Exit::Partly,
            Some(exit) => exit,
        })
    }

    /// The lines, read on a thread of their own: who waits for the next one can still be interrupted.
    fn lines(&self) -> Result<Receiver<std::io::Result<String>>, CliError> {
        let source: Box<dyn BufRead + Send> = match &self.file {
            Some(path) => {
                let file = std::fs::File::open(path).map_err(|e| {
                    CliError::new(
                        Exit::Usage,
                        format!("{} cannot be read: {e}; nothing was started", path.display()),
                    )
                })?;
                Box::new(BufReader::new(file))
            }
            None => Box::new(BufReader::new(std::io::stdin())),
        };
        let (sender, lines) = channel(AHEAD);
        // it ends with the source, with the script, or with the program
        std::thread::spawn(move || {
            for line in source.lines() {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Ok(lines)
    }
}

/// Run one engine command.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck do --list\n  fibdeck do --demo stage.move-relative x=20um\n  fibdeck do --demo --json system.get key=hfw beam=ion"
)]
pub struct Do {
    /// List the commands instead.
    #[arg(long)]
    list: bool,
    /// Name of the command.
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Its arguments, `name=value`, with units.
    #[arg(value_name = "K=V")]
    args: Vec<String>,
}

impl Do {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        if self.list {
            return list(globals);
        }
        let name = self.name.clone().unwrap_or_default();
        let command = parse::pairs(&name, self.args.iter().cloned())?;
        one(globals, said_yes(globals, command))
    }
}

/// The whole state of the instrument.
#[derive(Args)]
pub struct Status {}

impl Status {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        bare(globals, Command::new("system.state"))
    }
}

/// The digital twin's ground truth.
#[derive(Args)]
pub struct Truth {}

impl Truth {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        bare(globals, Command::new("truth"))
    }
}

/// `--yes` is what a command hears that wants to know whether a person was asked.
fn said_yes(globals: &Globals, command: Command) -> Command {
    let asks = rows().any(|row| row.name == command.name && row.args.iter().any(|arg| arg.name == CONFIRMED));
    match globals.yes && asks && !command.args.contains_key(CONFIRMED) {
        true => command.with(CONFIRMED, true),
        false => command,
    }
}

fn one(globals: &Globals, command: Command) -> Result<Exit, CliError> {
    // connecting is what the command itself may be about
    let session = match command.name.as_str() {
        "system.connect" => Session::unconnected(globals, "do")?,
        name => {
            let row = parse::find(name)?;
            let acts = row.danger > Danger::None || row.lane != Lane::Now;
            Session::open(globals, "do", acts)?
        }
    };
    let name = command.name.clone();
    let ended = session.run(command);
    tell(globals, &name, &session.instrument(), &ended, None)?;
    Ok(ended.map_or_else(|failure| failure.kind.into(), |_| Exit::Done))
}

/// The result alone, without the envelope: for commands whose JSON is a contract of its own.
fn bare(globals: &Globals, command: Command) -> Result<Exit, CliError> {
    let session = Session::open(globals, "status", false)?;
    let mut result = session.run(command)?;
    if let Value::Object(map) = &mut result {
        map.entry("instrument").or_insert_with(|| json!(session.instrument()));
    }
    output::line(&if globals.json {
        result.to_string()
    } else {
        ui::plain(&result)
    })?;
    Ok(Exit::Done)
}

fn tell(
    globals: &Globals,
    command: &str,
    instrument: &str,
    ended: &engine::link::Ended,
    line: Option<usize>,
) -> Result<(), CliError> {
    if globals.json {
        return output::line(&output::envelope(command, instrument, ended).to_string());
    }
    match ended {
        Ok(result) => {
            if !globals.quiet {
                output::line(&format!("{instrument}: {}", model::text::printable(command)))?;
            }
            output::line(&ui::plain(result))
        }
        Err(failure) => {
            let place = line.map(|n| format!("line {n}: ")).unwrap_or_default();
            eprintln!("fibdeck: {place}{failure}");
            Ok(())
        }
    }
}

fn list(globals: &Globals) -> Result<Exit, CliError> {
    if globals.json {
        let table: Vec<Value> = rows()
            .map(|row| {
                let args: Vec<Value> = row
                    .args
                    .iter()
                    .map(|a| json!({ "name": a.name, "takes": a.kind.hint(), "required": a.required, "default": a.default, "doc": a.doc }))
                    .collect();
                json!({ "name": row.name, "doc": row.doc, "args": args, "danger": row.danger, "lane": row.lane, "example": row.example })
            })
            .collect();
        output::line(&Value::Array(table).to_string())?;
        return Ok(Exit::Done);
    }
    for row in rows() {
        output::line(&format!(
            "{}\n    {}",
            parse::usage(row).trim_start_matches("usage: "),
            row.doc
        ))?;
        for arg in row.args {
            let default = if arg.default.is_empty() {
                String::new()
            } else {
                format!(" [{}]", arg.default)
            };
            output::line(&format!(
                "      {:18} {} ({}){default}",
                arg.name,
                arg.doc,
                arg.kind.hint()
            ))?;
        }
    }
    Ok(Exit::Done)
}
