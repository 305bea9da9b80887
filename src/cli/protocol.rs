//! `protocol`: what is to be done with each lamella.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::{Args, Subcommand};
use lamella::problem::{self, Problem, Weight};
use lamella::protocol::{self, ProtocolError, SHIPPED, shipped};
use lamella::{Protocol, names};
use model::text::printable;
use model::units::{self, Unit};
use model::yaml::{Document, YamlError};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Protocols: the tasks that are done with each lamella, and their order.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck protocol new waffle -o mine.yaml\n  fibdeck protocol show mine.yaml\n  fibdeck protocol check mine.yaml\n  fibdeck protocol convert old-protocol.yaml -o new.yaml"
)]
pub struct Protocols {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A file of one's own, begun as one of the shipped protocols; without a name, which there are.
    New {
        /// on-grid, trench, waffle, liftout or serial-liftout.
        method: Option<String>,
        /// What the protocol is called; else as the shipped one.
        #[arg(long)]
        name: Option<String>,
        /// The file; never over one that is there. Default: METHOD.yaml here.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Tasks in their order, what each mills and how long it takes.
    Show {
        /// A file, or the name of a shipped protocol.
        file: PathBuf,
    },
    /// What is odd or wrong in a file, line by line; exit 1 if it cannot be run as it is.
    Check { file: PathBuf },
    /// A protocol of before tasks as one of today: to a new file, or to stdout.
    Convert {
        file: PathBuf,
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

pub fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::failed(printable(&error.to_string()))
}

impl Protocols {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        match &self.verb {
            Verb::New { method: None, .. } => list(globals),
            Verb::New {
                method: Some(method),
                name,
                output,
            } => new(globals, method, name.as_deref(), output.as_deref()),
            Verb::Show { file } => show(globals, file),
            Verb::Check { file } => check(globals, file),
            Verb::Convert { file, output } => convert(globals, file, output.as_deref()),
        }
    }
}

fn list(globals: &Globals) -> Result<Exit, CliError> {
    for (name, _) in SHIPPED {
        let protocol = shipped(name).map_err(failed)?;
        output::line(&match globals.json {
            true => json!({ "name": name, "description": protocol.description() }).to_string(),
            false => format!("{name:16} {}", protocol.description()),
        })?;
    }
    Ok(Exit::Done)
}

fn new(globals: &Globals, method: &str, name: Option<&str>, output: Option<&Path>) -> Result<Exit, CliError> {
    let mut protocol = shipped(method).map_err(|e| CliError::new(Exit::Usage, e))?;
    if let Some(name) = name {
        protocol.set_name(name);
        protocol.workflow.name = name.to_owned();
    }
    protocol.set_id(&new_identity(protocol.name()));
    let path = output.map_or_else(|| PathBuf::from(format!("{method}.yaml")), Path::to_owned);
    written(globals, &protocol.save_new(&path).map_err(failed)?)
}

/// An identity that no two files share: of a name, this moment and this process.
pub fn new_identity(name: &str) -> String {
    let (now, process) = (jiff::Timestamp::now().to_string(), std::process::id().to_string());
    names::identity(&[name, &now, &process])
}

/// Tells which file came of it.
pub fn written(globals: &Globals, file: &Path) -> Result<Exit, CliError> {
    output::line(&match globals.json {
        true => json!({ "file": file }).to_string(),
        false => printable(&file.display().to_string()),
    })?;
    Ok(Exit::Done)
}

/// A file, or a shipped protocol where no file has that name.
pub fn load(file: &Path) -> Result<Protocol, ProtocolError> {
    let name = file.to_string_lossy();
    match file.exists() || !SHIPPED.iter().any(|(n, _)| *n == name) {
        true => Protocol::load(file),
        false => shipped(&name),
    }
}

fn show(globals: &Globals, file: &Path) -> Result<Exit, CliError> {
    let protocol = load(file).map_err(failed)?;
    let summary = protocol.summary();
    if globals.json {
        output::line(&summary.to_string())?;
        return Ok(Exit::Done);
    }
    let text = |value: &Value| printable(value.as_str().unwrap_or_default());
    output::line(&format!(
        "{}: {}",
        text(&summary["name"]),
        text(&summary["description"])
    ))?;
    for (n, step) in items(&summary["tasks"]).enumerate() {
        let mut words = vec![text(&step["task_type"])];
        for (key, word) in [("supervise", "supervised"), ("required", "required")] {
            if step[key] == true {
                words.push(word.to_owned());
            }
        }
        let needs: Vec<String> = items(&step["requires"]).map(text).collect();
        if !needs.is_empty() {
            words.push(format!("after {}", needs.join(", ")));
        }
        if let Some(time) = step["scheduled_at"].as_str() {
            words.push(format!("not before {}", printable(time)));
        }
        if let Some(seconds) = step["estimate_s"].as_f64() {
            words.push(pattern::estimate::format_duration_short(seconds, false));
        }
        output::line(&format!("{:2}. {}  ({})", n + 1, text(&step["name"]), words.join(", ")))?;
        for milling in items(&step["milling"]) {
            if let Some(error) = milling["error"].as_str() {
                output::line(&format!("      {}: {}", text(&milling["key"]), printable(error)))?;
            }
            for stage in items(&milling["stages"]) {
                let current = units::format(stage["milling_current"].as_f64().unwrap_or(f64::NAN), Unit::Ampere);
                let off = if stage["enabled"] == false { ", off" } else { "" };
                let names = (text(&milling["key"]), text(&stage["name"]), text(&stage["pattern"]));
                output::line(&format!(
                    "      {}: {}, {} at {current}{off}",
                    names.0, names.1, names.2
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Prints what is to be said about a file, `file:line: text`; exit 1 if anything of it is wrong.
pub fn tell(globals: &Globals, file: &Path, problems: &[Problem]) -> Result<Exit, CliError> {
    let wrong = problems.iter().filter(|p| p.weight == Weight::Wrong).count();
    if globals.json {
        output::line(&json!({ "file": file, "ok": wrong == 0, "problems": problems }).to_string())?;
    } else {
        for problem in problems {
            output::line(&printable(&format!("{}:{}: {problem}", file.display(), problem.line)))?;
        }
        let noted = problems.len() - wrong;
        output::line(&printable(&format!(
            "{}: {wrong} wrong, {noted} to note",
            file.display()
        )))?;
    }
    Ok(if wrong == 0 { Exit::Done } else { Exit::Failed })
}

fn check(globals: &Globals, file: &Path) -> Result<Exit, CliError> {
    let found = Document::load(file)
        .map_err(ProtocolError::from)
        .and_then(|d| Protocol::check(&d));
    match found {
        Ok((_, problems)) => tell(globals, file, &problems),
        Err(ProtocolError::Yaml(YamlError { line, what: text, .. })) => {
            let problem = Problem {
                weight: Weight::Wrong,
                line,
                key: String::new(),
                text,
            };
            tell(globals, file, &[problem])
        }
        Err(error) => Err(failed(error)),
    }
}

fn convert(globals: &Globals, file: &Path, output: Option<&Path>) -> Result<Exit, CliError> {
    let document = Document::load(file).map_err(failed)?;
    let (mut protocol, notes) = protocol::converted(&document).map_err(failed)?;
    protocol.set_id(&new_identity(protocol.name()));
    if !globals.quiet {
        for note in notes {
            let line = problem::line(&document.root, &note.key);
            eprintln!("{}", printable(&format!("{}:{line}: {note}", file.display())));
        }
    }
    match output {
        Some(path) => written(globals, &protocol.save_new(path).map_err(failed)?),
        None if globals.json => output::line(&protocol.value().to_string()).map(|()| Exit::Done),
        None => output::line(protocol.to_yaml().map_err(failed)?.trim_end()).map(|()| Exit::Done),
    }
}
