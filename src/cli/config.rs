//! `config`: instrument files.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::{Args, Subcommand};
use model::config::FORM;
use model::config::form::{create, instrument};
use serde_json::json;
use std::io::{BufRead, IsTerminal, Write};

/// Instrument files: make one, show what applies and where it is from, check it.
#[derive(Args)]
pub struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make an instrument's file from the few values it needs; asked for on a terminal, or given as KEY=VALUE.
    #[command(
        after_help = "Example:\n  fibdeck config new name=upstairs ip_address=192.168.0.1 shuttle_pre_tilt=35 --yes"
    )]
    New {
        /// Values by name; those left out are asked for on a terminal, or have their default.
        #[arg(value_name = "KEY=VALUE")]
        values: Vec<String>,
        /// Make it the instrument used when none is named.
        #[arg(long)]
        default: bool,
    },
    /// What applies.
    Show {
        /// Say for each value where it is from.
        #[arg(long)]
        origin: bool,
    },
    /// Read the file and say what is odd about it.
    Check,
    /// The instruments there are.
    List,
    /// Make an instrument the one used when none is named.
    Use { name: String },
}

impl Config {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        match &self.verb {
            Verb::New { values, default } => new(globals, values, *default),
            Verb::Show { origin } => show(globals, *origin),
            Verb::Check => check(globals),
            Verb::List => list(globals),
            Verb::Use { name } => choose(globals, name),
        }
    }
}

fn usage(error: impl std::fmt::Display) -> CliError {
    CliError::new(Exit::Usage, error)
}

fn new(globals: &Globals, given: &[String], default: bool) -> Result<Exit, CliError> {
    let mut values = Vec::new();
    for word in given {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| usage(format!("`{}` is not KEY=VALUE", model::text::printable(word))))?;
        values.push((key.to_owned(), value.to_owned()));
    }
    if std::io::stdin().is_terminal() && !globals.yes {
        for field in FORM
            .iter()
            .filter(|f| !given.iter().any(|g| g.starts_with(&format!("{}=", f.key))))
        {
            values.push((field.key.to_owned(), ask(field.label, field.default, field.doc)?));
        }
    }
    let borrowed: Vec<(&str, &str)> = values.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let made = instrument(&borrowed).map_err(usage)?;
    let paths = globals.paths()?;
    let file = create(&paths, &made).map_err(CliError::failed)?;
    if default {
        paths.choose(&made.info.name).map_err(CliError::failed)?;
    }
    let value = json!({ "file": file, "name": made.info.name, "default": default });
    output::line(&if globals.json {
        value.to_string()
    } else {
        file.display().to_string()
    })?;
    Ok(Exit::Done)
}

fn ask(label: &str, default: &str, doc: &str) -> Result<String, CliError> {
    eprint!("{label} ({doc}) [{default}]: ");
    std::io::stderr().flush().map_err(CliError::failed)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(CliError::failed)?;
    let line = line.trim();
    Ok(if line.is_empty() {
        default.to_owned()
    } else {
        line.to_owned()
    })
}

fn layered(globals: &Globals) -> Result<model::config::Layered<model::config::Instrument>, CliError> {
    let paths = globals.paths()?;
    if globals.demo && globals.instrument.is_none() {
        return model::config::paths::shipped("sim-grid").map_err(usage);
    }
    paths.instrument(globals.instrument.as_deref(), &[]).map_err(usage)
}

fn show(globals: &Globals, origin: bool) -> Result<Exit, CliError> {
    let layered = layered(globals)?;
    if globals.json {
        let value = if origin {
            json!(layered.origins)
        } else {
            json!(layered.value)
        };
        output::line(&value.to_string())?;
    } else if origin {
        let width = layered.origins.iter().map(|o| o.key.len()).max().unwrap_or(0);
        for o in &layered.origins {
            let line = format!("{:width$}  {}  ({})", o.key, o.value, o.origin);
            output::line(&model::text::printable(&line))?;
        }
    } else {
        output::line(layered.value.to_yaml().map_err(CliError::failed)?.trim_end())?;
    }
    Ok(Exit::Done)
}

fn check(globals: &Globals) -> Result<Exit, CliError> {
    let layered = layered(globals)?;
    if globals.json {
        output::line(&json!({ "instrument": layered.value.info.name, "problems": layered.problems }).to_string())?;
    } else {
        for problem in &layered.problems {
            output::line(&model::text::printable(&format!("{}: {}", problem.place, problem.text)))?;
        }
        output::line(&format!(
            "{}: {} to note",
            model::text::printable(&layered.value.info.name),
            layered.problems.len()
        ))?;
    }
    Ok(Exit::Done)
}

fn list(globals: &Globals) -> Result<Exit, CliError> {
    let paths = globals.paths()?;
    let chosen = paths.chosen().map_err(usage)?;
    for entry in paths.instruments() {
        let place = entry
            .file
            .as_ref()
            .map_or_else(|| "shipped".to_owned(), |f| f.display().to_string());
        if globals.json {
            output::line(
                &json!({ "name": entry.name, "file": entry.file, "default": chosen.as_ref() == Some(&entry.name) })
                    .to_string(),
            )?;
        } else {
            let mark = if chosen.as_ref() == Some(&entry.name) { "*" } else { " " };
            output::line(&model::text::printable(&format!("{mark} {:16} {place}", entry.name)))?;
        }
    }
    Ok(Exit::Done)
}

fn choose(globals: &Globals, name: &str) -> Result<Exit, CliError> {
    let paths = globals.paths()?;
    // a name that cannot be read is not made the default
    paths.instrument(Some(name), &[]).map_err(usage)?;
    paths.choose(name).map_err(CliError::failed)?;
    output::line(&format!("{} is used when none is named", model::text::printable(name)))?;
    Ok(Exit::Done)
}
