//! Logs of the original, line by line and as tables.

use super::*;
use jiff::tz::TimeZone;
use serde_json::json;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples/experiment")
}

fn digest(log: impl BufRead) -> (Digest, Lines) {
    let mut digest = Digest::new(TimeZone::UTC);
    let lines = read(log, |record| digest.take(record)).unwrap();
    (digest, lines)
}

fn file(name: &str) -> String {
    fs::read_to_string(sample().join(name)).unwrap()
}

#[test]
fn every_structured_line_of_the_original_is_read() {
    let text = file(FILE);
    let (digest, lines) = digest(Cursor::new(&text));
    assert_eq!(lines.read, text.lines().count());
    assert_eq!((lines.stray, digest.unread), (0, 0), "{:?}", digest.unread_lines);
    assert_eq!(
        digest.data,
        text.lines().filter(|l| l.contains("\u{2014} {'msg'")).count()
    );
    assert_eq!(
        (
            digest.kinds["status"],
            digest.kinds["milling_task"],
            digest.kinds["beam_shift"]
        ),
        (74, 9, 32)
    );
}

#[test]
fn the_tables_are_those_the_original_makes() {
    let (digest, _) = digest(Cursor::new(file(FILE)));
    assert_eq!(digest.detection_table().to_csv(), file("reporting/detection.csv"));
    let (ours, theirs) = (digest.milling_table().to_csv(), file("reporting/milling.csv"));
    let rows = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&ours), rows(&theirs));
    assert_eq!(digest.step_table().len(), 74);
}

/// `tests/vectors/workflow.json`: what the original reads, we read the same, but for its words `None`, `True` and `False`.
#[test]
fn lines_are_read_as_recorded() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/workflow.json");
    let vectors: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let words = |value: Value| -> Value {
        let text = value
            .to_string()
            .replace(":null", ":\"None\"")
            .replace(":true", ":\"True\"")
            .replace(":false", ":\"False\"");
        serde_json::from_str(&text).unwrap()
    };
    let cases = vectors["sections"]["log_line"].as_array().unwrap();
    for case in cases {
        let line = case["line"].as_str().unwrap();
        let mut seen = 0;
        read(Cursor::new(line), |record| {
            seen += 1;
            // the original takes what stands before the last dash, also of one in the message
            if !record.message.contains('\u{2014}') {
                assert_eq!(record.place, case["func"], "{line}");
            }
            assert_eq!(
                record.at().unwrap().strftime("%F %T").to_string(),
                case["local_time"].as_str().unwrap()
            );
            match (&case["parsed"], record.data()) {
                (Value::Object(wanted), Some(data)) => assert_eq!(words(data), Value::Object(wanted.clone()), "{line}"),
                // it reads less than we do, never more
                (Value::Object(_), None) => panic!("not read: {line}"),
                _ => {}
            }
        })
        .unwrap();
        assert_eq!(seen, usize::from(case["local_time"].is_string()), "{line}");
    }
    assert!(cases.len() >= 9);
}

#[test]
fn torn_foreign_and_old_lines_are_told_apart() {
    let head = |s: u32| format!("2026-11-22 00:58:{s:02},139 \u{2014} root \u{2014} DEBUG \u{2014}");
    let text = format!(
        "before the first\n\n{} f:1 \u{2014} Traceback \u{2014} of:\n  File a\n    b()\n{} g:2 \u{2014} {{'msg': 'get', 'value': [1, 2\n{} h:3 \u{2014} {{'msg': 'beam_shift', 'dx': 'wide'}}\n2026-11-22 00:58:07,1 torn\n{} log_status_message:1 \u{2014} {{'msg': 'status', 'petname': '01-a', 'stage': 'MillRough', 'step': 'STARTED'}}\n",
        head(1),
        head(2),
        head(3),
        head(4)
    );
    let (digest, lines) = digest(Cursor::new(&text));
    assert_eq!(lines, Lines { read: 9, stray: 2 });
    assert_eq!(
        (digest.data, digest.unread, digest.unread_lines.as_slice()),
        (3, 2, [6, 7].as_slice())
    );
    let table = digest.step_table();
    assert_eq!(table.get(0, "lamella"), Some(&json!("01-a")));
    assert_eq!(table.get(0, "task_name"), Some(&json!("MillRough")));
    let mut messages = Vec::new();
    read(Cursor::new(&text), |record| messages.push(record.message.to_owned())).unwrap();
    assert_eq!(messages[0], "Traceback \u{2014} of:\n  File a\n    b()");
    // as a Windows machine wrote it
    let bytes: Vec<u8> = text
        .chars()
        .map(|c| {
            if c == '\u{2014}' {
                0x97
            } else {
                u8::try_from(u32::from(c)).unwrap()
            }
        })
        .collect();
    let (windows, _) = self::digest(Cursor::new(bytes));
    assert_eq!((windows.data, windows.unread), (3, 2));
}

#[test]
fn figures_are_made_of_a_log() {
    let (digest, _) = digest(Cursor::new(file(FILE)));
    let stats = digest.stats();
    assert!(
        stats.tasks.len() >= 8 && stats.tasks.iter().all(|t| t.seconds >= 0.0),
        "{:?}",
        stats.tasks
    );
    assert!(stats.tasks.iter().filter(|t| t.finished).count() >= 8);
    assert_eq!(stats.milling.len(), 9);
    for stage in &stats.milling {
        assert!(
            stage.planned_s.unwrap() > 1.0 && stage.seconds >= 0.0 && stage.milling_current.unwrap() > 0.0,
            "{stage:?}"
        );
    }
    let centre = stats.detections.iter().find(|d| d.feature == "LamellaCentre").unwrap();
    assert_eq!((centre.count, centre.correct), (2, 1));
    // 5 and 3 pixels of 0.833 um
    assert!((centre.correction.unwrap() - 34_f64.sqrt() * 8.333_333_333_333_334e-7).abs() < 1e-12);
    assert_eq!(stats.alignments.iter().map(|a| a.count).sum::<usize>(), 32);
    assert!(
        stats
            .steps
            .iter()
            .all(|s| s.step != "STARTED" && s.count > 0 && s.mean_s >= 0.0)
    );
}
