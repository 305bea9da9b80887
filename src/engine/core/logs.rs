//! The log of a session, `logfile.log`, in the format that openFIBSEM's parser reads. The record that counts is the journal.

use super::lock;
use crate::event::{Event, Sequenced};
use hal::Act;
use jiff::{Timestamp, Zoned, tz::TimeZone};
use model::text::printable;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use workflow::milling::MilledStage;

pub struct Logs {
    lines: Option<Mutex<File>>,
    /// A line could not be written, which nobody was told yet.
    failed: AtomicBool,
    /// Nobody is told twice.
    told: AtomicBool,
}

impl Logs {
    /// Opens the file for appending in `folder`. A folder that cannot be written gives a log that keeps nothing, and why.
    pub fn open(folder: &Path) -> (Logs, Option<String>) {
        let opened = std::fs::create_dir_all(folder).and_then(|()| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(folder.join("logfile.log"))
        });
        let (lines, why) = match opened {
            Ok(file) => (Some(Mutex::new(file)), None),
            Err(error) => (None, Some(format!("{}: {error}", folder.display()))),
        };
        let logs = Logs {
            failed: AtomicBool::new(false),
            told: AtomicBool::new(lines.is_none()),
            lines,
        };
        (logs, why)
    }

    /// True once, after the first line that could not be written.
    pub fn failed_now(&self) -> bool {
        self.failed.swap(false, Ordering::SeqCst)
    }

    pub fn event(&self, event: &Sequenced) {
        match &event.event {
            Event::Raised { notice, .. } => {
                let text = format!("{} {} {}", notice.title, notice.detail, notice.hint);
                self.line(event.time, "WARNING", "notice", &plain(&text));
            }
            Event::JobStarted { job } => self.line(
                event.time,
                "INFO",
                "job",
                &plain(&format!("started {} for {}", job.title, job.by)),
            ),
            Event::JobEnded { id, end } => {
                let why = end.failure.as_ref().map(ToString::to_string).unwrap_or_default();
                self.line(
                    event.time,
                    "INFO",
                    "job",
                    &plain(&format!("job {id} {:?} {why}", end.how)),
                );
            }
            Event::Connected(connection) => {
                let message = json!({ "msg": "connect_to_microscope", "name": connection.identity.name, "address": connection.address });
                self.line(event.time, "DEBUG", "connect_to_microscope", &python(&message));
            }
            _ => {}
        }
    }

    /// One act of the instrument, as openFIBSEM would have logged it.
    pub fn intent(&self, time: f64, act: &Act) {
        let message = message(act);
        let function = message["msg"].as_str().unwrap_or("act").to_owned();
        self.line(time, "DEBUG", &function, &python(&message));
    }

    /// A stage that was milled, as openFIBSEM's parser and its milling.csv have it.
    pub fn milled(&self, time: f64, stage: &MilledStage) {
        let message = json!({
            "msg": "milling_task", "milling_task_id": stage.run, "milling_task_name": stage.task, "idx": stage.index,
            "stage": stage.stage.long(), "start_time": stage.start, "end_time": stage.end,
            "timestamp": local(time).strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        });
        self.line(time, "DEBUG", "run_milling_task", &python(&message));
    }

    /// An act that failed.
    pub fn failure(&self, time: f64, act: &Act, error: &str) {
        let text = format!("{} failed: {error}", act.describe());
        self.line(time, "ERROR", "act", &plain(&text));
    }

    fn line(&self, time: f64, level: &str, function: &str, message: &str) {
        // time stamps have milliseconds after a comma, in local time, as Python's logging writes them
        let stamp = local(time);
        let millis = stamp.millisecond();
        let Some(file) = self.lines.as_ref() else { return };
        let text = format!(
            "{},{millis:03} — root — {level} — {function}:0 — {message}\n",
            stamp.strftime("%Y-%m-%d %H:%M:%S")
        );
        // one call a line, so that a line is whole or absent
        if lock(file).write_all(text.as_bytes()).is_err() {
            let first = !self.told.swap(true, Ordering::SeqCst);
            self.failed.fetch_or(first, Ordering::SeqCst);
        }
    }
}

/// POSIX seconds in local time.
pub fn local(time: f64) -> Zoned {
    Timestamp::from_microsecond((time * 1e6) as i64)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::system())
}

/// An act as the structured message openFIBSEM logs for it.
fn message(act: &Act) -> Value {
    match act {
        Act::StageTo { target } => json!({ "msg": "move_stage_absolute", "position": target }),
        Act::Acquire { settings } => json!({ "msg": "acquire_image", "metadata": settings }),
        Act::BeamSet { beam, key, value } => json!({ "msg": "set", "key": key, "beam_type": beam, "value": value }),
        Act::BeamPower { beam, on } => json!({ "msg": "set", "key": "on", "beam_type": beam, "value": on }),
        Act::BeamBlank { beam, on } => json!({ "msg": "set", "key": "blanked", "beam_type": beam, "value": on }),
        Act::PlasmaGas { beam, gas } => json!({ "msg": "set", "key": "plasma_gas", "beam_type": beam, "value": gas }),
        Act::SystemSet { key, value } => json!({ "msg": "set", "key": key, "beam_type": null, "value": value }),
        Act::StageHome => json!({ "msg": "set", "key": "stage_home", "beam_type": null, "value": true }),
        Act::StageLink { on } => json!({ "msg": "set", "key": "stage_link", "beam_type": null, "value": on }),
        Act::Pump => json!({ "msg": "set", "key": "pump_chamber", "beam_type": null, "value": true }),
        Act::Vent => json!({ "msg": "set", "key": "vent_chamber", "beam_type": null, "value": true }),
        Act::MillingSetup { settings } => json!({ "msg": "setup_milling", "mill_settings": settings }),
        Act::PatternStart { channel, current } => {
            json!({ "msg": "run_milling", "beam_type": channel, "milling_current": current })
        }
        Act::PatternsClear => json!({ "msg": "finish_milling" }),
        Act::NeedleInsert { name } => json!({ "msg": "insert_manipulator", "name": name }),
        Act::NeedleRetract => json!({ "msg": "retract_manipulator" }),
        Act::NeedleTo { target, .. } => json!({ "msg": "move_manipulator_absolute", "position": target }),
        Act::GasInsert { port, position } => json!({ "msg": "insert_gis", "port": port, "insert_position": position }),
        Act::GasRetract { port } => json!({ "msg": "retract_gis", "port": port }),
        Act::GasHeat { port, gas, on: true } => json!({ "msg": "gis_turn_heater_on", "port": port, "gas": gas }),
        // openFIBSEM's parser counts none of the others: they stand as what they are
        act => json!({ "msg": "act", "act": act }),
    }
}

/// A value as Python prints it, without what makes openFIBSEM's parser drop a line (apostrophes, parentheses, em dashes).
pub fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => format!("'{}'", plain(text)),
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(k, v)| format!("'{}': {}", plain(k), python(v)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn plain(text: &str) -> String {
    printable(text)
        .chars()
        .filter_map(|c| match c {
            '\'' | '"' | '\\' => None,
            '(' => Some('['),
            ')' => Some(']'),
            '—' => Some('-'),
            c => Some(c),
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Where a session's files go: a dated folder below the data folder.
pub fn session_folder(data: &Path, time: f64) -> PathBuf {
    model::frame::session_folder(&data.join("sessions"), local(time).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_pythons_repr_without_what_its_parser_drops() {
        let value = json!({ "msg": "set", "value": null, "on": true, "name": "it's (a) — b", "list": [1, 2.5e-6] });
        assert_eq!(
            python(&value),
            "{'msg': 'set', 'value': None, 'on': True, 'name': 'its [a] - b', 'list': [1, 2.5e-6]}"
        );
    }

    #[test]
    fn lines_look_like_openfibsems() {
        let folder = tempfile::tempdir().unwrap();
        let (logs, trouble) = Logs::open(folder.path());
        assert_eq!(trouble, None);
        logs.intent(1.5, &Act::StageLink { on: true });
        let text = std::fs::read_to_string(folder.path().join("logfile.log")).unwrap();
        let fields: Vec<&str> = text.trim_end().split(" — ").collect();
        assert_eq!(fields.len(), 5);
        assert_eq!(&fields[1..4], ["root", "DEBUG", "set:0"]);
        assert_eq!(
            fields[4],
            "{'msg': 'set', 'key': 'stage_link', 'beam_type': None, 'value': True}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_once() {
        let logs = Logs {
            lines: Some(Mutex::new(OpenOptions::new().write(true).open("/dev/full").unwrap())),
            failed: AtomicBool::new(false),
            told: AtomicBool::new(false),
        };
        logs.intent(0.0, &Act::StageHome);
        assert!(logs.failed_now());
        logs.intent(0.0, &Act::StageHome);
        assert!(!logs.failed_now());
    }
}
