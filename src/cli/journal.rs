//! `journal` and `replay`: what happened.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::{console, output};
use clap::{Args, Subcommand};
use engine::core::Speed;
use engine::event::Event;
use engine::journal::{self, Entry};
use engine::replay::Replay;
use model::text::printable;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Read and check journals: everything an engine did and saw.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck journal show\n  fibdeck journal show --who 20261122-101500.jsonl\n  fibdeck journal verify 20261122-101500.jsonl"
)]
pub struct Journal {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// What stands in a journal, a line an entry; without FILE, which journals there are.
    Show {
        file: Option<PathBuf>,
        /// Only who (client, account, process or address) came, went and did what.
        #[arg(long)]
        who: bool,
    },
    /// Is a journal whole, and as it was written?
    Verify { file: PathBuf },
}

impl Journal {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        match &self.verb {
            Verb::Show { file: None, .. } => list(globals),
            Verb::Show { file: Some(file), who } => show(&find(globals, file)?, *who, globals),
            Verb::Verify { file } => verify(&find(globals, file)?, globals),
        }
    }
}

/// A file as it was named, or of that name in the folder of journals.
fn find(globals: &Globals, file: &Path) -> Result<PathBuf, CliError> {
    let there = journal::folder(&globals.paths()?.data_dir).join(file);
    Ok(if !file.exists() && there.exists() {
        there
    } else {
        file.to_owned()
    })
}

fn list(globals: &Globals) -> Result<Exit, CliError> {
    let folder = journal::folder(&globals.paths()?.data_dir);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".jsonl"))
        .collect();
    names.sort();
    if globals.json {
        output::line(&json!({ "folder": folder, "journals": names }).to_string())?;
    } else {
        for name in names {
            output::line(&printable(&name))?;
        }
    }
    Ok(Exit::Done)
}

fn show(path: &Path, who: bool, globals: &Globals) -> Result<Exit, CliError> {
    let mut clients = BTreeMap::new();
    for (line, entry) in journal::read(path)?.entries {
        if let Entry::Client {
            name, pid, uid, from, ..
        } = &entry
        {
            clients.insert(
                name.clone(),
                json!({ "client": name, "process": pid, "account": uid, "address": from }),
            );
        }
        let whose = match who {
            true => match doer(&entry) {
                Some(name) => Some(clients.get(name).cloned().unwrap_or_else(|| json!({ "client": name }))),
                None => continue,
            },
            false => None,
        };
        output::line(&match (globals.json, whose) {
            (true, None) => serde_json::to_string(&entry).unwrap_or_default(),
            (true, Some(whose)) => json!({ "who": whose, "did": entry }).to_string(),
            (false, None) => format!("{line:6}  {}", printable(&words(&entry))),
            (false, Some(whose)) => format!(
                "{line:6}  {:32}  {}",
                printable(&name(&whose)),
                printable(&words(&entry))
            ),
        })?;
    }
    Ok(Exit::Done)
}

/// A client with where it is: by its address, or by its account and process on this machine.
fn name(whose: &Value) -> String {
    let client = whose["client"].as_str().unwrap_or_default();
    match (
        whose["address"].as_str(),
        whose["account"].as_u64(),
        whose["process"].as_u64(),
    ) {
        (Some(address), ..) => format!("{client} ({address})"),
        (None, Some(account), Some(process)) => format!("{client} (account {account}, process {process})"),
        _ => client.to_owned(),
    }
}

/// Who came, went or did it; `None` where it was nobody's deed.
fn doer(entry: &Entry) -> Option<&str> {
    // a hand is named after its command and whose it is
    fn whose(by: &str) -> &str {
        by.rsplit_once(" by ").map_or(by, |(_, name)| name)
    }
    match entry {
        Entry::Client { name, .. } => Some(name),
        Entry::Intent { by, .. } | Entry::Outcome { by, .. } => Some(whose(by)),
        Entry::Event { event } => match &event.event {
            Event::JobStarted { job } => Some(&job.by),
            Event::Control { holder } => Some(holder.as_deref().unwrap_or("nobody")),
            Event::Answered { by, .. } | Event::Session { by, .. } | Event::Stopped { by, .. } => Some(by),
            _ => None,
        },
        _ => None,
    }
}

fn words(entry: &Entry) -> String {
    match entry {
        Entry::Opened {
            instrument,
            program,
            pid,
            ..
        } => {
            format!("fibdeck {program}, process {pid}, for {instrument}")
        }
        Entry::Event { event } => ui::words(&event.event),
        Entry::Intent { act, by, what, .. } => format!("act {act} by {by}: {}", what.describe()),
        Entry::Evidence { act, state, .. } => format!("act {act}: {:.0} % drawn", state.fraction() * 100.0),
        Entry::Outcome { act, by, outcome, .. } => match &outcome.error {
            None => format!("act {act} by {by}: done"),
            Some(error) => format!("act {act} by {by}: {error}"),
        },
        Entry::Owes { job, debts } => {
            let what: Vec<&str> = debts.iter().map(|debt| debt.what.as_str()).collect();
            format!("job {job} will put back: {}", what.join(", "))
        }
        Entry::Client {
            name,
            here,
            pid,
            uid,
            from,
            ..
        } => {
            let word = if *here { "came" } else { "left" };
            let number = |n: &Option<u32>| n.map_or("?".to_owned(), |n| n.to_string());
            match from {
                Some(address) => format!("{name} {word} (from {address})"),
                None => format!("{name} {word} (process {}, account {})", number(pid), number(uid)),
            }
        }
        Entry::Settled { journal, how, .. } => format!("what {journal} left open: {how}"),
        Entry::Resumed { task, .. } => format!("milling task {} goes on", task.name),
        Entry::Closed { .. } => "closed".to_owned(),
        Entry::Over => "the milling before is over".to_owned(),
        Entry::Unknown => "of a later fibdeck".to_owned(),
    }
}

fn verify(path: &Path, globals: &Globals) -> Result<Exit, CliError> {
    let read = journal::read(path)?;
    let closed = matches!(read.entries.last(), Some((_, Entry::Closed { .. })));
    if globals.json {
        let found =
            json!({ "entries": read.entries.len(), "closed": closed, "torn": read.torn, "damaged": read.damaged });
        output::line(&found.to_string())?;
    } else {
        let end = match (closed, read.torn) {
            (true, _) => "closed",
            (false, true) => "ended by a crash, in the middle of a line",
            (false, false) => "open, or ended by a crash",
        };
        output::line(&format!("{} entries, {end}", read.entries.len()))?;
        for line in &read.damaged {
            output::line(&format!(
                "line {line} is not as it was written, or does not follow the one before"
            ))?;
        }
    }
    Ok(match read.damaged.is_empty() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

/// Play a journal in the console.
///
/// `--speed X` plays it X times as fast, `--speed max` shows its end at once; long silences are cut short.
#[derive(Args)]
#[command(after_help = "Example:\n  fibdeck replay 20261122-101500.jsonl --speed 10")]
pub struct Play {
    #[arg(value_name = "JOURNAL")]
    file: PathBuf,
}

impl Play {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        console::need_terminal()?;
        let speed = match globals.speed {
            None => 1.0,
            Some(Speed::Real(factor)) => factor,
            Some(Speed::Virtual) => f64::INFINITY,
        };
        let replay = Replay::open(&find(globals, &self.file)?, speed)?;
        console::show(replay.link(), globals, false)
    }
}
