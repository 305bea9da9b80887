//! `run`: lamella preparation without a screen.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use super::protocol::{failed, load};
use super::session::Session;
use clap::Args;
use engine::Command;
use lamella::queue::{Choice, Queue};
use lamella::{Experiment, Protocol};
use model::text::printable;
use model::units::{self, Unit};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Lamella preparation: what waits in an experiment's queue, task by task.
///
/// With a protocol, a new experiment is made here, with one lamella where the stage stands. What an experiment has completed is left
/// out; what was cut off goes on where it was cut off. A lamella whose task fails is left with its reason, and the run goes on.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck run yeast --dry-run\n  fibdeck run yeast --unsupervised\n  fibdeck run on-grid --demo --speed max --unsupervised"
)]
pub struct Run {
    /// An experiment's folder, a protocol's file, or the name of a shipped protocol.
    #[arg(value_name = "PROTOCOL|EXPERIMENT_DIR")]
    what: PathBuf,
    /// Only these lamellae, e.g. 01-calm-heron,02-wise-owl.
    #[arg(long, value_name = "NAMES")]
    lamella: Option<String>,
    /// Only these tasks, e.g. "Rough Milling,Polishing".
    #[arg(long, value_name = "NAMES")]
    task: Option<String>,
    /// Nobody is asked, whatever the protocol says.
    #[arg(long)]
    unsupervised: bool,
    /// Print what would be done, with times, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

/// The experiment of a folder, or a protocol.
enum Source {
    Experiment(PathBuf),
    Protocol(Box<Protocol>),
}

impl Run {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let what = std::path::absolute(&self.what).unwrap_or_else(|_| self.what.clone());
        let source = match what.is_dir() {
            true => Source::Experiment(what),
            false => Source::Protocol(Box::new(load(&self.what).map_err(failed)?)),
        };
        if let (Source::Protocol(_), Some(_)) = (&source, &self.lamella) {
            return Err(CliError::new(
                Exit::Usage,
                "a protocol has no lamellae to choose from: name an experiment's folder; nothing was started",
            ));
        }
        match self.dry_run {
            true => self.plan(globals, &source),
            false => self.go(globals, source),
        }
    }

    fn plan(&self, globals: &Globals, source: &Source) -> Result<Exit, CliError> {
        let names = |text: &Option<String>| {
            text.as_ref()
                .map(|t| t.split(',').map(|n| n.trim().to_owned()).collect())
        };
        let items: Vec<(String, String, Option<f64>)> = match source {
            Source::Experiment(folder) => {
                let experiment = Experiment::load(folder).map_err(failed)?;
                let protocol = experiment.protocol().map_err(failed)?;
                let choice = Choice {
                    lamellae: names(&self.lamella),
                    tasks: names(&self.task),
                    ..Choice::default()
                };
                let queue = Queue::plan(&experiment, &protocol, &choice).map_err(|e| CliError::new(Exit::Usage, e))?;
                queue
                    .items
                    .into_iter()
                    .map(|item| (item.name, item.task, item.estimate))
                    .collect()
            }
            Source::Protocol(protocol) => {
                let chosen: Option<Vec<String>> = names(&self.task);
                let wanted = |task: &str| {
                    chosen
                        .as_ref()
                        .is_none_or(|names| names.iter().any(|name| name == task))
                };
                let steps = protocol.workflow.tasks.iter().filter(|step| wanted(&step.name));
                let estimate = |task: &str| protocol.tasks.get(task).and_then(|config| config.estimate());
                steps
                    .map(|step| ("new".to_owned(), step.name.clone(), estimate(&step.name)))
                    .collect()
            }
        };
        let total: f64 = items.iter().filter_map(|(.., estimate)| *estimate).sum();
        if globals.json {
            let items: Vec<Value> = items
                .iter()
                .map(|(lamella, task, estimate)| json!({ "lamella": lamella, "task": task, "estimate_s": estimate }))
                .collect();
            output::line(&json!({ "items": items, "total_s": total }).to_string())?;
            return Ok(Exit::Done);
        }
        for (lamella, task, estimate) in &items {
            let time = estimate.map_or_else(|| "-".to_owned(), |s| units::format(s, Unit::Second));
            output::line(&format!("{:24} {:28} {time}", printable(lamella), printable(task)))?;
        }
        output::line(&format!("{} in all", units::format(total, Unit::Second)))?;
        Ok(Exit::Done)
    }

    fn go(&self, globals: &Globals, source: Source) -> Result<Exit, CliError> {
        let session = Session::open(globals, "run", true)?;
        match source {
            Source::Experiment(folder) => {
                session.run(Command::new("experiment.open").with("path", folder.display().to_string()))?;
            }
            Source::Protocol(protocol) => self.begin(&session, &protocol)?,
        }
        let mut command = Command::new("queue.run").with("unsupervised", self.unsupervised);
        for (name, given) in [("lamellae", &self.lamella), ("tasks", &self.task)] {
            if let Some(given) = given {
                command = command.with(name, given.clone());
            }
        }
        let ended = session.run(command);
        if globals.json {
            output::line(&output::envelope("queue.run", &session.instrument(), &ended).to_string())?;
        }
        let ran = match (ended, globals.json) {
            (Ok(ran), _) => ran,
            (Err(failure), true) => return Ok(failure.kind.into()),
            (Err(failure), false) => return Err(failure.into()),
        };
        let parked = ran["parked"].as_array().cloned().unwrap_or_default();
        if !globals.json {
            output::line(&format!("{} tasks done on {}", ran["completed"], session.instrument()))?;
            for lamella in &parked {
                let word = |key: &str| printable(lamella[key].as_str().unwrap_or_default());
                output::line(&format!(
                    "{} left at {}: {}",
                    word("lamella"),
                    word("task"),
                    word("reason")
                ))?;
            }
        }
        Ok(match (parked.is_empty(), ran["completed"].as_u64()) {
            (true, _) => Exit::Done,
            (false, Some(0)) => Exit::Failed,
            (false, _) => Exit::Partly,
        })
    }

    /// A new experiment here, with one lamella where the stage stands.
    fn begin(&self, session: &Session, protocol: &Protocol) -> Result<(), CliError> {
        let stamp = jiff::Zoned::now().strftime("%Y-%m-%d-%H-%M-%S");
        let here = std::path::absolute(".").unwrap_or_default();
        let source = match Path::new(&self.what).exists() {
            true => std::path::absolute(&self.what).unwrap_or_else(|_| self.what.clone()),
            false => self.what.clone(),
        };
        let made = Command::new("experiment.new")
            .with("name", format!("{}-{stamp}", protocol.name()))
            .with("protocol", source.display().to_string())
            .with("folder", here.display().to_string());
        session.run(made)?;
        session.run(Command::new("lamella.add"))?;
        Ok(())
    }
}
