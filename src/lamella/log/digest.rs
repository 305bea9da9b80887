//! The records that count, gathered: steps of tasks, milling, detections, alignments.

use super::{Record, python};
use crate::table::Table;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// What a log came to. Feed it every record ([`Digest::take`]), then ask.
#[derive(Debug)]
pub struct Digest {
    zone: TimeZone,
    /// Records by kind of data.
    pub kinds: BTreeMap<String, usize>,
    /// Records meant as data, and those of them that could not be read (the first hundred lines).
    pub data: usize,
    pub unread: usize,
    pub unread_lines: Vec<usize>,
    words: Words,
    pub(super) steps: Vec<Step>,
    pub(super) milling: Vec<Row>,
    pub(super) detections: Vec<Row>,
    pub(super) shifts: Vec<Shift>,
    /// Methods of alignment that did not agree, by step.
    pub(super) disagreements: usize,
    pub(super) estimates: Vec<(String, f64)>,
}

/// A step of a task, as it began. Words are kept once for the whole log: it has many steps and few words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) at: DateTime,
    /// As in [`COLUMNS`].
    words: [usize; COLUMNS.len()],
}

/// A step's columns, and the keys of AutoLamella 0.4 for them.
const COLUMNS: [(&str, &str); 6] = [
    ("lamella", "petname"),
    ("lamella_id", ""),
    ("task_name", "stage"),
    ("task_id", ""),
    ("task_type", ""),
    ("task_step", "step"),
];

/// A record that belongs to a step, if one had begun; its data is read again when it is asked for.
#[derive(Debug)]
pub(super) struct Row {
    at: DateTime,
    pub(super) step: Option<usize>,
    message: Box<str>,
}

impl Row {
    pub(super) fn data(&self) -> Map<String, Value> {
        match python::value(&self.message) {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        }
    }
}

/// Words by number.
#[derive(Debug, Default)]
struct Words {
    all: Vec<Rc<str>>,
    numbers: HashMap<Rc<str>, usize>,
}

impl Words {
    fn number(&mut self, word: &str) -> usize {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let word: Rc<str> = word.into();
        self.all.push(word.clone());
        self.numbers.insert(word, self.all.len() - 1);
        self.all.len() - 1
    }
}

/// A beam shift that an alignment made, m.
#[derive(Debug)]
pub(super) struct Shift {
    pub(super) step: Option<usize>,
    pub(super) beam: String,
    pub(super) dx: f64,
    pub(super) dy: f64,
}

/// Kinds whose data is used; of the others it is only looked whether it can be read.
const USED: &[&str] = &[
    "status",
    "milling_task",
    "feature_detection",
    "beam_shift",
    "compare_alignment_methods",
    "duration_estimate",
];

impl Digest {
    /// `zone`: of the machine that wrote the log; only the columns of POSIX seconds need it.
    pub fn new(zone: TimeZone) -> Digest {
        Digest {
            zone,
            kinds: BTreeMap::new(),
            data: 0,
            unread: 0,
            unread_lines: Vec::new(),
            words: Words::default(),
            steps: Vec::new(),
            milling: Vec::new(),
            detections: Vec::new(),
            shifts: Vec::new(),
            disagreements: 0,
            estimates: Vec::new(),
        }
    }

    pub fn take(&mut self, record: &Record<'_>) {
        if !record.is_data() {
            return;
        }
        self.data += 1;
        let kind = record.kind().unwrap_or_default();
        let used = USED.contains(&kind);
        let readable = match used {
            true => record.data().is_some_and(|data| self.used(record, kind, data)),
            false => python::is_value(record.message),
        };
        if !readable {
            self.unread += 1;
            if self.unread_lines.len() < 100 {
                self.unread_lines.push(record.line);
            }
            return;
        }
        match self.kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.kinds.insert(kind.to_owned(), 1)),
        }
    }

    /// False where it lacks what its kind must have.
    fn used(&mut self, record: &Record<'_>, kind: &str, data: Value) -> bool {
        let (Some(at), Value::Object(data)) = (record.at(), data) else {
            return false;
        };
        let step = self.steps.len().checked_sub(1);
        let row = || Row {
            at,
            step,
            message: record.message.into(),
        };
        match kind {
            "status" => {
                let words = COLUMNS.map(|(new, old)| data.get(new).or_else(|| data.get(old)));
                let words = words.map(|word| self.words.number(word.and_then(Value::as_str).unwrap_or_default()));
                self.steps.push(Step { at, words });
            }
            "milling_task" if data.get("stage").is_some() => self.milling.push(row()),
            "feature_detection" => self.detections.push(row()),
            "beam_shift" => {
                let metres = |key: &str| data.get(key).and_then(Value::as_f64);
                let (Some(dx), Some(dy)) = (metres("dx"), metres("dy")) else {
                    return false;
                };
                self.shifts.push(Shift {
                    step,
                    beam: text(&data, "beam_type"),
                    dx,
                    dy,
                });
            }
            "compare_alignment_methods" => {
                self.disagreements += usize::from(data.get("agreement") == Some(&Value::Bool(false)))
            }
            "duration_estimate" => match data.get("seconds").and_then(Value::as_f64) {
                Some(seconds) => self.estimates.push((text(&data, "label"), seconds)),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// A word of a step by its column.
    fn word(&self, step: &Step, column: usize) -> &str {
        self.words.all.get(step.words[column]).map_or("", |word| word)
    }

    pub(super) fn lamella(&self, step: &Step) -> &str {
        self.word(step, 0)
    }

    pub(super) fn task(&self, step: &Step) -> &str {
        self.word(step, 2)
    }

    pub(super) fn task_id(&self, step: &Step) -> &str {
        self.word(step, 3)
    }

    pub(super) fn step(&self, step: &Step) -> &str {
        self.word(step, 5)
    }

    /// A step's columns, with a time.
    fn columns(&self, step: &Step, at: DateTime) -> Map<String, Value> {
        let time = ("timestamp".to_owned(), json!(self.seconds(at)));
        let words = (0..COLUMNS.len()).map(|n| (COLUMNS[n].0.to_owned(), json!(self.word(step, n))));
        std::iter::once(time).chain(words).collect()
    }

    /// POSIX seconds, whole as the original reads them.
    fn seconds(&self, at: DateTime) -> f64 {
        at.to_zoned(self.zone.clone())
            .map_or(f64::NAN, |zoned| zoned.timestamp().as_second() as f64)
    }

    /// `milling.csv`: a row for each stage that was milled. Unlike the original's, a row has nothing of an earlier one.
    pub fn milling_table(&self) -> Table {
        self.table(&self.milling)
    }

    /// `detection.csv`: a row for each feature that was looked for.
    pub fn detection_table(&self) -> Table {
        self.table(&self.detections)
    }

    /// `tasks.csv`: every step with its length, s (the original makes this table and writes it nowhere).
    pub fn step_table(&self) -> Table {
        let mut table = Table::default();
        for (n, step) in self.steps.iter().enumerate() {
            let mut row = self.columns(step, step.at);
            let next = self
                .steps
                .get(n + 1)
                .map_or(0.0, |next| self.seconds(next.at) - self.seconds(step.at));
            row.insert("duration".to_owned(), json!(next));
            table.push(&row);
        }
        table
    }

    /// A record's fields after those of its step; what both have stands in the step's place with the record's value.
    fn table(&self, rows: &[Row]) -> Table {
        let mut table = Table::default();
        for row in rows {
            // the original drops what comes before the first step
            let Some(step) = row.step.and_then(|n| self.steps.get(n)) else {
                continue;
            };
            let mut record = self.columns(step, row.at);
            record.extend(row.data());
            table.push(&record);
        }
        table
    }
}

pub(super) fn text(data: &Map<String, Value>, key: &str) -> String {
    data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
