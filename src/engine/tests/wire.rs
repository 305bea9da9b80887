//! The wire's words: each variant goes through unchanged, and what older programs wrote still reads.
//!
//! `tests/wire/protocol-1` holds a line for each variant, as it was said when it was new. A line is never changed; a variant that
//! is new gets one (`FIBDECK_RECORD=1 cargo test -p fibdeck-engine wire` adds what a run on the twin says, the rest is written by hand).

use super::*;
use crate::event::{Event, Pulse};
use crate::link::Heard;
use crate::query::Query;
use crate::wire::message::Answer;
use crate::wire::{Hello, Said, Told, Welcome};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/wire/protocol-1")
        .join(format!("{name}.jsonl"))
}

/// Every recorded line of a kind: reads, and says the same again.
fn recorded<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str) -> Vec<(Value, T)> {
    let text = std::fs::read_to_string(file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let line = |line: &str| {
        let told: T = serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}: {e} in {line}"));
        let again = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<T>(&again).unwrap(), told, "{name}");
        (serde_json::from_str(line).unwrap(), told)
    };
    text.lines().map(line).collect()
}

/// The variants of `T`, as serde itself lists them for one that there is not.
fn variants<T: DeserializeOwned>(nonsense: Value) -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(nonsense) else {
        panic!("nonsense is understood")
    };
    let text = error.to_string();
    let (_, list) = text.split_once("expected ").unwrap_or_else(|| panic!("{text}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Each variant has a line.
fn complete(name: &str, wanted: BTreeSet<String>, have: impl IntoIterator<Item = String>) {
    let have: BTreeSet<String> = have.into_iter().collect();
    let missing: Vec<_> = wanted.difference(&have).collect();
    assert!(
        missing.is_empty() && !wanted.is_empty(),
        "{name}: no line in tests/wire for {missing:?}"
    );
}

fn tag(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}

/// The variant of an enum that serde tags from outside.
fn outer(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        other => other.as_object().unwrap().keys().next().unwrap().clone(),
    }
}

#[test]
fn events_of_every_kind_go_through_and_old_ones_still_read() {
    if std::env::var_os("FIBDECK_RECORD").is_some() {
        record();
    }
    let events = recorded::<Event>("events");
    complete(
        "events",
        variants::<Event>(serde_json::json!({ "event": "nonsense" })),
        events.iter().map(|(v, _)| tag(v, "event")),
    );
    let pulses = recorded::<Pulse>("pulses");
    complete(
        "pulses",
        variants::<Pulse>(serde_json::json!({ "pulse": "nonsense" })),
        pulses.iter().map(|(v, _)| tag(v, "pulse")),
    );
    let queries = recorded::<Query>("queries");
    complete(
        "queries",
        variants::<Query>(serde_json::json!({ "query": "nonsense" })),
        queries.iter().map(|(v, _)| tag(v, "query")),
    );
    // and an old snapshot of all of it
    let mut snapshot = crate::Snapshot::default();
    for (n, (_, event)) in events.into_iter().enumerate() {
        snapshot.apply(&crate::Sequenced {
            seq: n as u64 + 1,
            time: n as f64,
            event,
        });
    }
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<crate::Snapshot>(&text).unwrap(), snapshot);
    recorded::<crate::Snapshot>("snapshots");
    serde_json::from_str::<crate::Snapshot>("{}").unwrap();
}

#[test]
fn everything_that_is_said_and_told_goes_through() {
    let said = recorded::<Said>("said");
    complete(
        "said",
        variants::<Said>(serde_json::json!({ "nonsense": 1 })),
        said.iter().map(|(v, _)| outer(v)),
    );
    let told = recorded::<Told>("told");
    complete(
        "told",
        variants::<Told>(serde_json::json!({ "nonsense": 1 })),
        told.iter().map(|(v, _)| outer(v)),
    );
    complete(
        "answers",
        variants::<Answer>(serde_json::json!({ "nonsense": 1 })),
        told.iter()
            .filter_map(|(v, _)| Some(outer(v.get("reply")?.get("reply")?))),
    );
    recorded::<Hello>("hello");
    recorded::<Welcome>("welcome");
}

#[test]
fn every_command_with_its_example_goes_through() {
    for row in crate::command::rows() {
        let command = parse::line(row.example).unwrap();
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(
            serde_json::from_str::<crate::Command>(&text).unwrap(),
            command,
            "{}",
            row.name
        );
    }
}

#[test]
fn what_a_busy_twin_says_goes_through() {
    let heard = busy();
    assert!(heard.len() > 20);
    for item in heard {
        match item {
            Heard::Event(event) => {
                let text = serde_json::to_string(&Told::Event(event.clone())).unwrap();
                assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), Told::Event(event));
            }
            Heard::Pulse(pulse) => {
                let text = serde_json::to_string(&Told::Pulse(pulse.clone())).unwrap();
                assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), Told::Pulse(pulse));
            }
        }
    }
}

/// Everything that is heard of a session on the twin.
fn busy() -> Vec<Heard> {
    let bench = Bench::new();
    let mut heard = bench.link().listen();
    let lines = [
        "system.connect",
        "beam.on beam=both",
        "stage.move-relative x=20um",
        "image.settings beam=ion hfw=80um",
        "image.acquire beam=both resolution=384x256",
        "chamber.picture",
        "position.save name=here",
        "image.live beam=electron on=true",
        "system.wait seconds=3",
        "image.live beam=electron on=false",
        "stage.move-relative x=1",
        "stop",
        "system.disconnect",
    ];
    for line in lines {
        // a refusal is news, too
        let _ = bench.lines(&[line]);
    }
    let mut all = Vec::new();
    while let Ok(item) = heard.try_recv() {
        all.push(item);
    }
    all
}

/// Adds a line for each variant that has none and that a busy twin says.
fn record() {
    let mut new: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut have: BTreeSet<String> = BTreeSet::new();
    for (name, key) in [("events", "event"), ("pulses", "pulse")] {
        let text = std::fs::read_to_string(file(name)).unwrap_or_default();
        have.extend(text.lines().map(|l| tag(&serde_json::from_str(l).unwrap(), key)));
    }
    for item in busy() {
        let (name, key, mut value) = match item {
            Heard::Event(event) => ("events", "event", serde_json::to_value(&event.event).unwrap()),
            Heard::Pulse(pulse) => ("pulses", "pulse", serde_json::to_value(&pulse).unwrap()),
        };
        if let Some(file) = value.pointer_mut("/frame/file") {
            *file = Value::from("pictures/image_eb.tif");
        }
        if have.insert(tag(&value, key)) {
            new.entry(name).or_default().push(value.to_string());
        }
    }
    for (name, lines) in new {
        let mut text = std::fs::read_to_string(file(name)).unwrap_or_default();
        lines.into_iter().for_each(|line| text += &(line + "\n"));
        std::fs::create_dir_all(file(name).parent().unwrap()).unwrap();
        std::fs::write(file(name), text).unwrap();
    }
}
