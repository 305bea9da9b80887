//! Engines that fail while they mill, on an instrument in another process, which goes on without them: ten are killed, one hangs. What
//! the watchdog does then, and what the next engine makes of it, is held against the instrument's truth.

use crate::run::Place;
use engine::event::Event;
use engine::journal::{self, Entry};
use engine::watchdog;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

const KILLS: usize = 10;
/// The longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// How much faster than life the instrument is.
const SPEED: &str = "30";

/// A daemon; killed when it is dropped.
struct Daemon(Child);

impl Daemon {
    /// Starts one; what it says of itself.
    fn start(place: &Place, args: &[&str], token: Option<&str>) -> (Daemon, Value) {
        let mut command = place.command(&[&["serve", "--json"], args].concat());
        if let Some(token) = token {
            command.env("FIBDECK_TOKEN_FILE", token);
        }
        let mut child = command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        (Daemon(child), said)
    }

    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        let sent = std::process::Command::new("kill").args([signal, &id]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // SIGKILL, where there are signals; one that has ended cannot be killed
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(place: &Place, args: &[&str]) -> Value {
    place.run(&[&["do", "--json"], args].concat()).ended(0).json()["result"].clone()
}

fn until(what: &str, so: impl Fn() -> bool) {
    let late = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < late, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn status(place: &Place) -> Value {
    place.run(&["status", "--json"]).ended(0).json()
}

/// The question that is open in the newest journal: its number and its choices.
fn question(place: &Place) -> Option<(u64, Vec<String>)> {
    let folder = journal::folder(&place.path("data"));
    let mut files: Vec<_> = std::fs::read_dir(folder).ok()?.map(|e| e.unwrap().path()).collect();
    files.sort();
    let read = journal::read(
        files
            .iter()
            .rev()
            .find(|f| f.to_string_lossy().ends_with(".open.jsonl"))?,
    )
    .ok()?;
    read.entries.iter().rev().find_map(|(_, entry)| match entry {
        Entry::Event { event } => match &event.event {
            Event::Asked { question } => {
                let choices = question.choices.iter().map(|(word, _)| word.clone()).collect();
                Some((question.id, choices))
            }
            _ => None,
        },
        _ => None,
    })
}

/// A task of one box of this depth, m, as an argument of milling.load.
fn a_box(depth: f64) -> String {
    let task = json!({
        "name": "box", "field_of_view": 80e-6, "alignment": { "enabled": false },
        "acquisition": { "enabled": false, "acquire_final_image": false },
        "stages": [{
            "name": "box", "milling": { "milling_current": 2e-9 },
            "pattern": { "name": "Rectangle", "width": 6e-6, "height": 4e-6, "depth": depth },
        }],
    });
    format!("task={task}")
}

/// Dose planned by the first of these runs, and delivered by all, C.
fn dose(records: &[Value]) -> (f64, f64) {
    let of = |record: &Value, key: &str| record[key].as_f64().unwrap();
    let planned = records.first().map_or(0.0, |r| of(r, "planned_dose_c"));
    (planned, records.iter().map(|r| of(r, "delivered_dose_c")).sum())
}

/// An instrument in a process of its own, and where engines of it live.
struct Bench {
    world: Place,
    place: Place,
    token: String,
    _instrument: Daemon,
}

impl Bench {
    fn new() -> Bench {
        Bench::at(SPEED)
    }

    /// With an instrument so many times as fast as life.
    fn at(speed: &str) -> Bench {
        let (world, place) = (Place::new(), Place::new());
        let token = world.run(&["token", "new", "kills"]).ended(0).out;
        std::fs::write(world.path("token"), token.trim()).unwrap();
        let (instrument, said) = Daemon::start(&world, &["--demo", "--speed", speed, "--http", "127.0.0.1:0"], None);
        let port = said["http"].as_str().unwrap().rsplit(':').next().unwrap();
        until("the world", || status(&world)["connected"] == true);
        let file = format!(
            "info:\n  name: far\n  manufacturer: Demo\n  ip_address: 127.0.0.1\n  port: {port}\ndriver: fibsem\n"
        );
        std::fs::write(place.path("far.yaml"), file).unwrap();
        Bench {
            token: world.text("token"),
            world,
            place,
            _instrument: instrument,
        }
    }

    /// An engine of it, connected.
    fn engine(&self) -> Daemon {
        let (daemon, _) = Daemon::start(&self.place, &["--instrument", "far.yaml"], Some(&self.token));
        until("connected", || status(&self.place)["connected"] == true);
        daemon
    }

    /// What the instrument says that it mills.
    fn mills(&self) -> Option<f64> {
        let state = run(&self.world, &["milling.state"]);
        (state["state"] == "RUNNING").then(|| state["progress"].as_f64().unwrap())
    }

    /// What the instrument says of its first injector.
    fn gas(&self) -> Value {
        run(&self.world, &["gis.state"])["ports"][0].clone()
    }

    /// Every pattern that was ever begun, as it truly is.
    fn records(&self) -> Vec<Value> {
        let truth = self.world.run(&["truth", "--json"]).ended(0).json();
        let truth = truth.get("result").cloned().unwrap_or(truth);
        truth["milling"].as_array().unwrap().clone()
    }
}

#[test]
fn ten_kills_in_the_middle_of_milling_dose_nothing_twice_and_skip_nothing_unsaid() {
    let bench = Bench::new();
    let place = &bench.place;
    for round in 0..KILLS {
        let before = bench.records().len();
        let engine = bench.engine();
        run(place, &["milling.load", &a_box(1e-6)]);
        let mut client = place.start(&["do", "milling.run"]);
        until("the beam on the sample", || {
            bench.mills().is_some_and(|done| done > 0.04 * round as f64)
        });
        drop(engine);
        assert_eq!(client.wait().unwrap().code(), Some(6), "who waited is told");
        let engine = bench.engine();
        until("the question", || question(place).is_some());
        let (id, choices) = question(place).unwrap();
        // what the killed engine had begun is at rest: its watchdog, a process of its own, saw to it
        until("the watchdog", || bench.mills().is_none());
        let at_rest = bench.records();
        let (planned, delivered) = dose(&at_rest[before..]);
        assert!(
            planned > 0.0 && delivered <= planned * 1.000_001,
            "round {round}: {delivered} of {planned} C"
        );
        let choice = if round % 2 == 0 { "resume" } else { "end" };
        assert!(choices.iter().any(|c| c == choice), "round {round}: {choices:?}");
        place.run(&["answer", &id.to_string(), choice]).ended(0);
        until("the end of it", || status(place)["jobs"] == json!([]));
        let (_, in_all) = dose(&bench.records()[before..]);
        match choice {
            // what was missing was milled, and no more
            "resume" => assert!(
                (in_all / planned - 1.0).abs() < 0.01,
                "round {round}: {in_all} of {planned} C"
            ),
            _ => assert!(
                in_all <= delivered * 1.000_001,
                "round {round}: {in_all} C after the end at {delivered} C"
            ),
        }
        drop(engine);
    }
}

#[test]
fn an_engine_that_hangs_is_stopped_by_its_watchdog_which_writes_down_when() {
    let bench = Bench::new();
    let engine = bench.engine();
    // minutes even at this speed: only the watchdog ends it in the time of this test
    run(&bench.place, &["milling.load", &a_box(40e-6)]);
    let mut client = bench.place.start(&["do", "milling.run"]);
    until("the beam on the sample", || bench.mills().is_some());
    engine.signal("-STOP");
    until("the watchdog", || bench.mills().is_none());
    let (planned, delivered) = dose(&bench.records());
    assert!(
        0.0 < delivered && delivered < 0.5 * planned,
        "{delivered} of {planned} C"
    );
    let left = journal::folder(&bench.place.path("data"));
    let journals = std::fs::read_dir(left).unwrap().map(|e| e.unwrap().path());
    let note = journals.filter_map(|path| watchdog::read(&path)).next().unwrap();
    assert!(note.sent && note.why.contains("sign of life"), "{note:?}");
    // it comes back, and is told
    engine.signal("-CONT");
    until("the alarm", || {
        status(&bench.place)["notices"]
            .to_string()
            .contains("the watchdog has stopped the instrument")
    });
    assert_ne!(
        client.wait().unwrap().code(),
        Some(0),
        "the pattern was not drawn to its end"
    );
}

#[test]
fn gas_that_flows_is_shut_off_when_its_engine_is_killed_or_told_to_end() {
    // an injector warms up for minutes
    let bench = Bench::at("300");
    let place = &bench.place;
    let port = bench.gas()["port"].as_str().unwrap().to_owned();
    let port = format!("port={port}");
    let flows = || {
        let open = || place.run(&["do", "gis.valve", &port, "open=true"]).code == Some(0);
        until("the injector is warm and the valve open", open);
        assert_eq!(bench.gas()["open"], true);
    };
    let engine = bench.engine();
    run(place, &["gis.insert", &port]);
    run(place, &["gis.heat", &port, "on=true"]);
    flows();
    // without a word: the watchdog is left
    drop(engine);
    until("the valve is shut by the watchdog", || bench.gas()["open"] == false);
    let mut engine = bench.engine();
    flows();
    engine.signal("-TERM");
    assert_eq!(engine.0.wait().unwrap().code(), Some(0));
    assert_eq!(
        bench.gas()["open"],
        false,
        "an engine that ends in order shuts it before it goes"
    );
}
