//! `experiment`: what was done with which lamella.

use super::exit::{CliError, Exit};
use super::options::{Globals, user};
use super::output;
use super::protocol::{failed, new_identity, tell, written};
use clap::{Args, Subcommand};
use lamella::experiment::{self, DefectKind, Experiment, Migrated, Status};
use lamella::protocol::{self, Protocol, shipped};
use model::file::{self, Durability};
use model::text::printable;
use model::yaml::Document;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Experiments: folders of lamellae, as openFIBSEM has them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck experiment new night-1 --protocol waffle --project yeast\n  fibdeck experiment show night-1\n  fibdeck experiment check night-1\n  fibdeck experiment convert old-night"
)]
pub struct Experiments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// An experiment without lamellae, in a folder of its name.
    New {
        name: String,
        /// A protocol's file, or the name of a shipped one.
        #[arg(long, default_value = "on-grid")]
        protocol: PathBuf,
        /// The folder in which the experiment's is made; else here.
        #[arg(long = "in", value_name = "DIR")]
        parent: Option<PathBuf>,
        #[arg(long, default_value = "")]
        description: String,
        /// Who works on it; else the account.
        #[arg(long)]
        user: Option<String>,
        #[arg(long, default_value = "")]
        project: String,
        #[arg(long, default_value = "")]
        organisation: String,
    },
    /// Its lamellae, what was done with each and what remains.
    Show { folder: PathBuf },
    /// The experiments below a folder.
    List {
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// What is odd or wrong in its files, line by line; exit 1 if it cannot be run as it is.
    Check { folder: PathBuf },
    /// An experiment of AutoLamella 0.4 as one of today. In its folder the old files stay, as `experiment-old.yaml` and
    /// `protocol-old.yaml`.
    Convert {
        folder: PathBuf,
        /// Another folder for the new files; pictures are not copied.
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Read and write back: the file is laid out anew, paths in it follow its folder.
    Rewrite {
        folder: PathBuf,
        /// Another file; never over one that is there.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

impl Experiments {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        match &self.verb {
            Verb::New {
                name,
                protocol,
                parent,
                description,
                user,
                project,
                organisation,
            } => {
                let said = [
                    ("description", description),
                    ("project", project),
                    ("organisation", organisation),
                ];
                new(globals, name, protocol, parent.as_deref(), user.as_deref(), &said)
            }
            Verb::Show { folder } => show(globals, folder),
            Verb::List { folder } => list(globals, folder),
            Verb::Check { folder } => check(globals, folder),
            Verb::Convert { folder, output } => convert(globals, folder, output.as_deref()),
            Verb::Rewrite { folder, output } => {
                let experiment = Experiment::load(folder).map_err(failed)?;
                let file = match output {
                    None => experiment.save(),
                    Some(path) => experiment.save_new(path),
                };
                written(globals, &file.map_err(failed)?)
            }
        }
    }
}

fn new(
    globals: &Globals,
    name: &str,
    protocol: &Path,
    parent: Option<&Path>,
    who: Option<&str>,
    said: &[(&str, &String)],
) -> Result<Exit, CliError> {
    if model::frame::safe_name(name) != name {
        let better = printable(&model::frame::safe_name(name));
        return Err(CliError::new(
            Exit::Usage,
            format!(
                "`{}` cannot be a folder's name everywhere: `{better}` can",
                printable(name)
            ),
        ));
    }
    let protocol = match protocol.exists() {
        true => Protocol::load(protocol).map_err(failed)?,
        false => shipped(&protocol.to_string_lossy()).map_err(|e| CliError::new(Exit::Usage, e))?,
    };
    let folder = parent.unwrap_or(Path::new(".")).join(name);
    let now = jiff::Timestamp::now().as_microsecond() as f64 / 1e6;
    let mut experiment = Experiment::new(&folder, name, &new_identity(name), now);
    let mut say = |key: &str, value: &str| experiment.metadata.insert(key.to_owned(), json!(value));
    said.iter().for_each(|(key, value)| drop(say(key, value)));
    say("user", who.unwrap_or(&user().name));
    let made = experiment.create(&protocol).map_err(failed)?;
    written(globals, &made.folder().join(experiment::FILE))
}

/// A lamella's past and future.
fn lamella_summary(experiment: &Experiment, protocol: Option<&Protocol>, lamella: &lamella::Lamella) -> Value {
    let history = lamella.history.iter().map(|task| {
        json!({
            "task": task.name, "status": task.status, "message": task.status_message, "started": task.start_timestamp,
            "ended": task.end_timestamp, "duration_s": task.duration(), "outputs": task.outputs,
        })
    });
    json!({
        "name": lamella.name, "number": lamella.number, "id": lamella.id, "folder": experiment.folder_of(lamella),
        "poses": lamella.poses.keys().collect::<Vec<_>>(), "milling_angle_deg": lamella.milling_angle,
        "alignment_area": lamella.alignment_area, "poi": lamella.poi, "description": lamella.description,
        "tasks": lamella.tasks.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "defect": lamella.defect, "history": history.collect::<Vec<_>>(),
        "remaining": protocol.map(|p| lamella.remaining(&p.workflow)),
    })
}

fn show(globals: &Globals, folder: &Path) -> Result<Exit, CliError> {
    let experiment = Experiment::load(folder).map_err(failed)?;
    // an experiment without a protocol can be looked at
    let protocol = experiment.protocol();
    let known = protocol.as_ref().ok();
    if globals.json {
        let lamellae = experiment
            .lamellae
            .iter()
            .map(|l| lamella_summary(&experiment, known, l))
            .collect::<Vec<_>>();
        let value = json!({
            "name": experiment.name, "id": experiment.id, "folder": experiment.folder(), "created_at": experiment.created_at,
            "metadata": experiment.metadata, "protocol": known.map(Protocol::name), "lamellae": lamellae,
        });
        output::line(&value.to_string())?;
        return Ok(Exit::Done);
    }
    let made =
        jiff::Timestamp::from_second(experiment.created_at as i64).map(|t| t.to_zoned(jiff::tz::TimeZone::system()));
    let made = made.map_or(String::new(), |t| t.strftime(", %Y-%m-%d %H:%M").to_string());
    output::line(&printable(&format!(
        "{}{made}, in {}",
        experiment.name,
        experiment.folder().display()
    )))?;
    for (key, value) in experiment
        .metadata
        .iter()
        .filter(|(_, value)| value.as_str().is_some_and(|text| !text.is_empty()))
    {
        output::line(&printable(&format!("  {key}: {}", value.as_str().unwrap_or_default())))?;
    }
    match &protocol {
        Ok(protocol) => output::line(&printable(&format!("  protocol: {}", protocol.name())))?,
        Err(error) => eprintln!("fibdeck: {}", printable(&error.to_string())),
    }
    for lamella in &experiment.lamellae {
        let done: Vec<&str> = lamella
            .history
            .iter()
            .filter(|t| t.status == Status::Completed)
            .map(|t| t.name.as_str())
            .collect();
        let left = known.map(|p| lamella.remaining(&p.workflow)).unwrap_or_default();
        let mut words = format!(
            "{:28} done: {}",
            lamella.name,
            if done.is_empty() {
                "nothing".to_owned()
            } else {
                done.join(", ")
            }
        );
        if !left.is_empty() {
            words += &format!("; to do: {}", left.join(", "));
        }
        if lamella.defect.state != DefectKind::None {
            let word = if lamella.has_failed() {
                "failed"
            } else {
                "to be done again"
            };
            words += &format!("; {word}: {}", lamella.defect.description);
        }
        output::line(&printable(&words))?;
    }
    Ok(Exit::Done)
}

fn list(globals: &Globals, folder: &Path) -> Result<Exit, CliError> {
    let entries = std::fs::read_dir(folder).map_err(|e| CliError::failed(format!("{}: {e}", folder.display())))?;
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.join(experiment::FILE).exists())
        .collect();
    folders.sort();
    for folder in folders {
        let found = Experiment::load(&folder);
        output::line(&match (globals.json, &found) {
            (true, Ok(e)) => {
                json!({ "folder": folder, "name": e.name, "created_at": e.created_at, "lamellae": e.lamellae.len() })
                    .to_string()
            }
            (true, Err(error)) => json!({ "folder": folder, "error": error.to_string() }).to_string(),
            (false, Ok(e)) => printable(&format!(
                "{:32} {:3} lamellae  {}",
                e.name,
                e.lamellae.len(),
                folder.display()
            )),
            (false, Err(error)) => printable(&error.to_string()),
        })?;
    }
    Ok(Exit::Done)
}

fn check(globals: &Globals, folder: &Path) -> Result<Exit, CliError> {
    let file = Experiment::file(folder).map_err(failed)?;
    let document = Document::load(&file).map_err(failed)?;
    let (experiment, problems) = Experiment::check(&document, &file).map_err(failed)?;
    let exit = tell(globals, &file, &problems)?;
    let beside = experiment.folder().join(protocol::FILE);
    if !beside.exists() {
        return Ok(exit);
    }
    let document = Document::load(&beside).map_err(failed)?;
    let (_, problems) = Protocol::check(&document).map_err(failed)?;
    match tell(globals, &beside, &problems)? {
        Exit::Done => Ok(exit),
        worse => Ok(worse),
    }
}

fn convert(globals: &Globals, folder: &Path, output: Option<&Path>) -> Result<Exit, CliError> {
    let file = Experiment::file(folder).map_err(failed)?;
    let home = file.parent().unwrap_or(Path::new("")).to_owned();
    let document = Document::load(&file).map_err(failed)?;
    let beside = home.join(protocol::FILE);
    let old = if beside.exists() {
        Some(Document::load(&beside).map_err(failed)?)
    } else {
        None
    };
    let target = output.unwrap_or(&home);
    let Migrated {
        mut experiment,
        mut protocol,
        notes,
    } = experiment::migrate(&document, old.as_ref(), target).map_err(failed)?;
    protocol.set_id(&new_identity(protocol.name()));
    if experiment.id.is_empty() {
        experiment.id = new_identity(&experiment.name);
    }
    if !globals.quiet {
        for note in notes {
            eprintln!("{}", printable(&note));
        }
    }
    if output.is_some() {
        let made = experiment.create(&protocol).map_err(failed)?;
        return written(globals, &made.folder().join(experiment::FILE));
    }
    for (from, to) in [(&file, "experiment-old.yaml"), (&beside, "protocol-old.yaml")] {
        if from.exists() {
            let bytes = std::fs::read(from).map_err(failed)?;
            file::create(&home.join(to), Durability::Synced, |out| out.write_all(&bytes)).map_err(failed)?;
        }
    }
    protocol.save_over(&beside).map_err(failed)?;
    written(globals, &experiment.save().map_err(failed)?)
}
