//! The command line as people script it. Here the contract of commands, JSON and exit codes; `pictures`: what is on disk;
//! `pattern`: patterns listed and drawn, and the hands scripted; `models`: models and what they find; `datasets`: what is made of it; `papers`: protocols, experiments, logs;
//! `bad_input`: what that comes to; `bench`: whole runs, scored; `interrupt`: Ctrl-C and the request to end.

mod bad_input;
mod bench;
mod datasets;
#[cfg(unix)]
mod interrupt;
mod models;
mod papers;
mod pattern;
mod pictures;

use crate::run::{Place, Ran, keys};
use model::Frame;
use serde_json::Value;
use std::path::Path;

/// A fresh twin in virtual time, JSON out.
fn script(place: &Place, lines: &str, more: &[&str]) -> Ran {
    place.run_with(
        &[&["script", "--demo", "--speed", "max", "--json"], more].concat(),
        lines,
    )
}

/// Takes small pictures into `output`.
fn take(place: &Place, output: &str, more: &[&str]) -> Ran {
    let small = [
        "acquire",
        "--demo",
        "--speed",
        "max",
        "--resolution",
        "384x256",
        "-o",
        output,
    ];
    place.run(&[&small, more].concat())
}

#[test]
fn a_script_prints_one_object_a_line() {
    let place = Place::new();
    let lines = "# a first look\nstage.move-relative x=20um y=-5um\n\nimage.acquire beam=electron resolution=384x256\nsystem.wait seconds=600\ntruth\n";
    let ran = script(&place, lines, &[]).ended(0);
    let objects = ran.json_lines();
    let commands: Vec<&str> = objects.iter().map(|o| o["command"].as_str().unwrap()).collect();
    assert_eq!(
        commands,
        lines
            .lines()
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
            .collect::<Vec<_>>()
    );
    for object in &objects {
        assert_eq!(keys(object), ["command", "ok", "instrument", "result"]);
        assert_eq!(
            (&object["ok"], &object["instrument"]),
            (&Value::Bool(true), &Value::from("sim-grid"))
        );
    }
    assert!(
        (objects[0]["result"]["x"].as_f64().unwrap() - 20e-6).abs() < 1e-9,
        "{}",
        objects[0]
    );
    assert!(
        (objects[3]["result"]["pose"]["y"].as_f64().unwrap() + 5e-6).abs() < 1e-9,
        "{}",
        objects[3]
    );
    let file = objects[1]["result"]["pictures"][0]["file"].as_str().unwrap();
    assert!(Path::new(file).starts_with(place.path("data")), "{file}");
    assert_eq!(Frame::load(Path::new(file)).unwrap().frame.pixels.size(), (384, 256));
}

#[test]
fn a_script_stops_at_its_first_failure_or_keeps_going() {
    let place = Place::new();
    let lines = "stage.position\nstage.move-absolute x=10m\nstage.position\n";
    let objects = script(&place, lines, &[]).ended(3).json_lines();
    assert_eq!(objects.len(), 2);
    assert_eq!(keys(&objects[1]), ["command", "ok", "instrument", "error"]);
    assert_eq!(keys(&objects[1]["error"])[..4], ["kind", "title", "detail", "hint"]);
    assert_eq!(objects[1]["error"]["kind"], "out-of-range");
    let objects = script(&place, lines, &["--keep-going"]).ended(8).json_lines();
    assert_eq!(objects.len(), 3);
    assert_eq!(
        objects[2]["result"], objects[0]["result"],
        "a refused move moved nothing"
    );
    // nothing done is no part done
    script(&place, "stage.move-absolute x=10m\nnonsense\n", &["--keep-going"]).ended(3);
    script(&place, "nonsense\n", &[]).ended(2);
    script(&place, "image.autofocus passes=5um/50um\n", &[]).ended(2);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed: &str| {
        let place = Place::new();
        let lines = "stage.move-relative x=7um\nimage.acquire beam=ion resolution=384x256\ntruth\n";
        let objects = script(&place, lines, &["--seed", seed]).ended(0).json_lines();
        let file = objects[1]["result"]["pictures"][0]["file"].as_str().unwrap();
        (Frame::load(Path::new(file)).unwrap().frame.pixels, objects[2].clone())
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7").0, run("8").0);
}

#[test]
fn the_table_of_commands_holds_the_contract() {
    let table = Place::new().run(&["do", "--list", "--json"]).ended(0).json();
    let names: Vec<&str> = table
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    for name in "system.connect system.disconnect system.apply-configuration system.home system.link system.get system.set \
        system.available system.state system.capture system.restore system.wait chamber.pump chamber.vent chamber.picture beam.on \
        beam.off beam.blank beam.unblank beam.shift beam.reset-shift beam.plasma image.acquire image.reference image.live \
        image.autocontrast image.autofocus stage.position stage.move-absolute stage.move-relative stage.safe-move stage.stable-move \
        stage.project-stable-move stage.vertical-move stage.flat-to stage.orientation stage.milling-angle stage.center-on \
        position.save position.list position.go position.rename position.remove position.import position.export align.beam-shift \
        align.coincidence job.list job.pause job.resume job.stop stop control.take control.release truth"
        .split_whitespace()
    {
        assert!(names.contains(&name), "{name} is missing");
    }
    let text = Place::new().run(&["do", "--list"]).ended(0).out;
    assert!(names.iter().all(|name| text.contains(name)));
}

#[test]
fn state_and_truth_have_the_keys_of_the_contract() {
    let place = Place::new();
    let state = place.run(&["status", "--demo", "--json"]).ended(0).json();
    has(
        &state,
        "instrument connected control chamber stage electron ion manipulator gis milling jobs notices",
    );
    has(&state["chamber"], "state pressure_pa");
    has(
        &state["stage"],
        "x y z r t moving homed linked limits orientation milling_angle_deg",
    );
    for beam in ["electron", "ion"] {
        has(
            &state[beam],
            "on blanked voltage current hfw working_distance dwell_time resolution",
        );
    }
    assert_eq!(
        (&state["connected"], &state["chamber"]["state"]),
        (&Value::Bool(true), &Value::from("Pumped"))
    );
    has(&state["manipulator"], "inserted moving position calibrated");
    has(&state["gis"], "ports sputtering");
    has(&state["milling"], "state progress remaining_s");
    assert_eq!(
        (&state["manipulator"]["inserted"], &state["milling"]["state"]),
        (&Value::Bool(false), &Value::from("Idle"))
    );
    let lines = "image.autofocus hfw=50um method=sobel passes=400um/40um,80um/10um\nstage.move-relative z=-100um\nmanipulator.insert name=PARK\nsystem.get key=manipulator_state\nsystem.state\n";
    let ran = script(&place, lines, &[]).ended(0).out;
    let ends: Vec<Value> = ran.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(ends[0]["result"]["working_distance"].as_f64().is_some(), "{}", ends[0]);
    let points = ends[0]["result"]["points"].as_array().unwrap();
    let of_pass = |pass: u64| points.iter().filter(|p| p["pass_index"] == pass).count();
    assert_eq!((of_pass(0), of_pass(1)), (11, 9), "{points:?}");
    assert_eq!(ends[3]["result"]["value"], true);
    assert_eq!(ends[4]["result"]["manipulator"]["inserted"], true);

    let truth = place
        .run(&["truth", "--demo", "--json", "--seed", "5", "--scene", "waffle"])
        .ended(0)
        .json();
    has(
        &truth,
        "seed scene pose coincidence_error_m focus_error_m sites milling bodies needle deposits collisions clock_s",
    );
    has(&truth["pose"], "x y z r t");
    has(&truth["focus_error_m"], "electron ion");
    has(&truth["needle"], "inserted tip_m contact");
    assert_eq!(
        (&truth["seed"], &truth["scene"]),
        (&Value::from(5), &Value::from("waffle"))
    );
    // the default scene starts at the coincidence point, in focus
    assert!(truth["coincidence_error_m"].as_f64().unwrap().abs() < 1e-9, "{truth}");
    assert!(truth["focus_error_m"]["ion"].as_f64().unwrap().abs() < 1e-9, "{truth}");
}

#[test]
fn values_to_choose_from_are_listed() {
    let place = Place::new();
    let values = |key: &str| {
        let object = place
            .run(&["do", "--demo", "--json", "system.available", &format!("key={key}")])
            .ended(0)
            .json();
        object["result"]["values"].as_array().unwrap().len()
    };
    for key in [
        "current",
        "application_file",
        "scan_direction",
        "patterning_mode",
        "milling_channel",
        "gis_ports",
    ] {
        assert!(values(key) > 0, "{key}");
    }
    assert_eq!(values("stage_position"), 0, "any");
}

#[test]
fn a_script_may_begin_by_connecting() {
    let lines = "system.connect\nsystem.connect instrument=sim-arctis\n";
    let ran = script(&Place::new(), lines, &[]).ended(5);
    let ends: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(ends[0]["ok"], true);
    assert!(
        ends[1]["error"].to_string().contains("another instrument"),
        "{}",
        ends[1]
    );
}

#[test]
fn what_only_an_operator_can_answer_ends_with_its_own_code() {
    let ran = Place::new()
        .run(&["do", "--demo", "--speed", "max", "align.coincidence", "guided=true"])
        .ended(7);
    assert!(
        ran.err.contains("an operator is asked") && ran.err.contains("fibdeck answer"),
        "{}",
        ran.err
    );
}

fn has(value: &Value, wanted: &str) {
    let there = keys(value);
    for key in wanted.split_whitespace() {
        assert!(there.contains(&key), "{key} is missing in {there:?}");
    }
}

#[test]
fn an_instrument_is_made_shown_checked_and_used() {
    let place = Place::new();
    let made = place
        .run(&[
            "config",
            "new",
            "name=bench",
            "shuttle_pre_tilt=27",
            "--default",
            "--yes",
            "--json",
        ])
        .ended(0)
        .json();
    assert_eq!(made["name"], "bench");
    let file = made["file"].as_str().unwrap();
    assert!(Path::new(file).starts_with(place.path("config")));
    let shown = place.run(&["config", "show"]).ended(0).out;
    assert!(shown.contains("shuttle_pre_tilt: 27"), "{shown}");
    let origins = place.run(&["config", "show", "--origin"]).ended(0).out;
    assert!(
        origins
            .lines()
            .any(|l| l.contains("shuttle_pre_tilt") && l.contains("bench")),
        "{origins}"
    );
    place.run(&["config", "check"]).ended(0);
    // a configured instrument is never answered for by the twin
    for args in [&["do", "stage.position"][..], &["status"], &["script"], &["acquire"]] {
        let ran = place.run(args).ended(6);
        assert!(ran.err.contains("bench") && ran.out.is_empty(), "{ran:?}");
    }
    place.run(&["do", "--demo", "stage.position"]).ended(0);
    // never over an existing file
    let before = std::fs::read(file).unwrap();
    place.run(&["config", "new", "name=bench", "shuttle_pre_tilt=35", "--yes"]);
    assert_eq!(std::fs::read(file).unwrap(), before);

    let yaml = std::fs::read_to_string(file)
        .unwrap()
        .replace("shuttle_pre_tilt", "shutle_pre_tilt");
    std::fs::write(place.path("odd.yaml"), yaml).unwrap();
    let odd = place.run(&["config", "check", "--instrument", "odd.yaml"]);
    let said = format!("{}{}", odd.out, odd.err);
    assert!(
        said.contains("odd.yaml:") && said.contains("shuttle_pre_tilt"),
        "file, line and the nearest key: {said}"
    );
}

#[test]
fn help_is_at_hand() {
    let place = Place::new();
    let doctor = place.run(&["doctor", "--json"]).ended(0).json();
    assert_eq!(doctor["ok"], true, "{doctor}");
    let folders = |doctor: &Value| doctor["checks"][1]["text"].as_str().unwrap().to_owned();
    assert!(folders(&doctor).contains("not there yet"), "{doctor}");
    std::fs::create_dir(place.path("config")).unwrap();
    let doctor = place.run(&["doctor", "--json"]).ended(0).json();
    assert!(!folders(&doctor).contains("not there yet"), "{doctor}");
    std::fs::write(place.path("config").join("console.yaml"), "them: light\n").unwrap();
    let doctor = place.run(&["doctor"]).ended(1).out;
    assert!(doctor.contains("no option `them`, did you mean `theme`?"), "{doctor}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            place.run(&["completions", shell]).ended(0).out.contains("acquire"),
            "{shell}"
        );
    }
    let man = place.run(&["man"]).ended(0).out;
    assert!(man.contains(".TH fibdeck") && man.contains("keep\\-going"), "{man}");
    let help = place.run(&["--help"]).ended(0).out;
    assert!(help.contains("Examples:") && help.contains("130 interrupted"), "{help}");
    // the console needs a terminal, and says so
    let console = place.run(&[]).ended(2);
    assert!(console.err.contains("terminal"), "{console:?}");
}
