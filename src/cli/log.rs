//! `log`: what a log file of openFIBSEM tells.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use super::protocol::failed;
use clap::Args;
use jiff::tz::TimeZone;
use lamella::Experiment;
use lamella::log::{self, Digest, Lines, Stats};
use lamella::table::Table;
use model::file::{Durability, replace};
use model::text::printable;
use model::units::{self, Unit};
use pattern::estimate::format_duration;
use serde_json::json;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Read a log file of openFIBSEM: its records, figures, or tables.
///
/// Without options it prints every record that is data; `--stats` times, milling, alignments and detections.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck log night/logfile.log --stats\n  fibdeck log night --csv night/reporting\n  fibdeck log night --json | jq 'select(.data.msg == \"beam_shift\")'"
)]
pub struct Log {
    /// The file, or the folder of its experiment.
    file: PathBuf,
    /// Figures: time by task and step, milling planned and real, alignments and drift, detections.
    #[arg(long)]
    stats: bool,
    /// Tables with openFIBSEM's names and columns into this folder; files of those names there are replaced.
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
}

/// Bytes read at a time.
const PIECE: usize = 1 << 18;

impl Log {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let file = if self.file.is_dir() {
            self.file.join(log::FILE)
        } else {
            self.file.clone()
        };
        let open = File::open(&file).map_err(|e| {
            CliError::failed(format!(
                "{} cannot be read ({e}): check the name and the rights",
                file.display()
            ))
        })?;
        let reader = BufReader::with_capacity(PIECE, open);
        if !self.stats && self.csv.is_none() {
            return records(globals, reader);
        }
        let mut digest = Digest::new(TimeZone::system());
        let lines = log::read(reader, |record| digest.take(record)).map_err(failed)?;
        let mut written = Vec::new();
        if let Some(folder) = &self.csv {
            written = tables(&digest, &file, folder)?;
        }
        if self.stats {
            stats(globals, &file, &digest, lines, &written)?;
        } else if globals.json {
            output::line(&json!({ "file": file, "written": written }).to_string())?;
        } else {
            for file in &written {
                output::line(&printable(&file.display().to_string()))?;
            }
        }
        if digest.unread > 0 && !globals.quiet {
            let first: Vec<String> = digest.unread_lines.iter().take(5).map(usize::to_string).collect();
            eprintln!(
                "fibdeck: {} of {} data lines could not be read, the first: {}",
                digest.unread,
                digest.data,
                first.join(", ")
            );
        }
        Ok(Exit::Done)
    }
}

fn records(globals: &Globals, reader: BufReader<File>) -> Result<Exit, CliError> {
    let mut told = Ok(());
    let read = log::read(reader, |record| {
        if told.is_err() {
            return;
        }
        if globals.json {
            let data = record.data();
            let message = data.is_none().then_some(record.message);
            let line = json!({
                "line": record.line, "time": record.at().map(|t| t.to_string()), "level": record.level, "place": record.place,
                "data": data, "message": message,
            });
            told = output::line(&line.to_string());
        } else if record.is_data() {
            told = output::line(&printable(&format!(
                "{:7}  {}  {}",
                record.line, record.time, record.message
            )));
        }
    });
    read.map_err(failed)?;
    told.map(|()| Exit::Done)
}

/// Writes the tables; those of the experiment where one is beside the log.
fn tables(digest: &Digest, file: &Path, folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut all: Vec<(&str, Table)> = vec![
        ("milling.csv", digest.milling_table()),
        ("detection.csv", digest.detection_table()),
        ("tasks.csv", digest.step_table()),
    ];
    let beside = file.parent().unwrap_or(Path::new(""));
    if beside.join(lamella::experiment::FILE).exists() {
        let (experiment, zone) = (
            Experiment::load(&beside.join(lamella::experiment::FILE)).map_err(failed)?,
            TimeZone::system(),
        );
        let workflow = experiment.protocol().map_err(failed)?.workflow;
        all.push(("experiment.csv", experiment.summary_table(&workflow, &zone)));
        all.push(("workflow.csv", workflow.table()));
        all.push(("task_history.csv", experiment.history_table(&zone)));
    }
    model::file::ensure_folder(folder).map_err(failed)?;
    let mut written = Vec::new();
    for (name, table) in all {
        let path = folder.join(name);
        replace(&path, Durability::Cached, table.to_csv().as_bytes()).map_err(failed)?;
        written.push(path);
    }
    Ok(written)
}

fn stats(globals: &Globals, file: &Path, digest: &Digest, lines: Lines, written: &[PathBuf]) -> Result<(), CliError> {
    let stats = digest.stats();
    if globals.json {
        let value = json!({
            "file": file, "lines": lines.read, "stray_lines": lines.stray, "data_lines": digest.data, "unread": digest.unread,
            "kinds": digest.kinds, "stats": stats, "written": written,
        });
        return output::line(&value.to_string());
    }
    for line in words(&stats) {
        output::line(&printable(&line))?;
    }
    output::line(&format!(
        "{} lines, {} with data, {} of them not read",
        lines.read, digest.data, digest.unread
    ))
}

fn words(stats: &Stats) -> Vec<String> {
    let metres = |x: f64| units::format(x, Unit::Metre);
    let mut lines = Vec::new();
    let mut section = |head: &str, rows: Vec<String>| {
        if !rows.is_empty() {
            lines.push(head.to_owned());
            lines.extend(rows.into_iter().map(|row| format!("  {row}")));
        }
    };
    section(
        "Tasks",
        stats
            .tasks
            .iter()
            .map(|t| {
                let end = if t.finished { "" } else { "  not finished" };
                format!("{:24} {:28} {}{end}", t.lamella, t.task, format_duration(t.seconds))
            })
            .collect(),
    );
    section(
        "Steps, mean",
        stats
            .steps
            .iter()
            .map(|s| {
                format!(
                    "{:28} {:36} {:4} x {}",
                    s.task,
                    s.step,
                    s.count,
                    format_duration(s.mean_s)
                )
            })
            .collect(),
    );
    section(
        "Milling, real of planned",
        stats
            .milling
            .iter()
            .map(|m| {
                let planned = m.planned_s.map_or("--".to_owned(), format_duration);
                let current = units::format(m.milling_current.unwrap_or(f64::NAN), Unit::Ampere);
                let stage = format!("{}: {}", m.milling_task, m.stage);
                format!(
                    "{:24} {stage:36} {} of {planned}, {current}, {}",
                    m.lamella,
                    format_duration(m.seconds),
                    metres(m.depth.unwrap_or(f64::NAN))
                )
            })
            .collect(),
    );
    section(
        "Alignments: largest and last correction, drift",
        stats
            .alignments
            .iter()
            .map(|a| {
                let drift = metres(a.drift_x.hypot(a.drift_y));
                format!(
                    "{:24} {:28} {:3} x {}, {}, {drift}",
                    a.lamella,
                    a.task,
                    a.count,
                    metres(a.largest),
                    metres(a.last)
                )
            })
            .collect(),
    );
    section(
        "Detections, right of all",
        stats
            .detections
            .iter()
            .map(|d| {
                let moved = d
                    .correction
                    .map_or(String::new(), |by| format!(", moved by {}", metres(by)));
                format!("{:28} {:24} {} of {}{moved}", d.step, d.feature, d.correct, d.count)
            })
            .collect(),
    );
    if stats.alignment_disagreements > 0 {
        lines.push(format!(
            "{} alignments in which methods differed",
            stats.alignment_disagreements
        ));
    }
    lines
}
