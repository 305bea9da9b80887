//! Protocols, experiments and log files on the command line.

use crate::run::Place;
use std::fs;
use std::path::{Path, PathBuf};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name)
}

fn run(place: &Place, words: &[&str], exit: i32) -> crate::run::Ran {
    place.run(words).ended(exit)
}

#[test]
fn protocols_are_made_shown_checked_and_converted() {
    let place = Place::new();
    let file = place.path("mine.yaml").display().to_string();
    run(&place, &["protocol", "new", "waffle", "--name", "mine", "-o", &file], 0);
    let shown = run(&place, &["protocol", "show", &file, "--json"], 0)
        .json_lines()
        .remove(0);
    assert_eq!(
        (&shown["name"], &shown["tasks"][1]["name"]),
        (&"mine".into(), &"Undercut".into())
    );
    assert!(shown["tasks"][1]["estimate_s"].as_f64().unwrap() > 60.0);
    let checked = run(&place, &["protocol", "check", &file, "--json"], 0)
        .json_lines()
        .remove(0);
    assert_eq!(checked["ok"], true, "{checked}");

    let text = fs::read_to_string(&file)
        .unwrap()
        .replace("milling_current: 7.6e-9", "milling_current: much");
    fs::write(&file, text).unwrap();
    let ran = run(&place, &["protocol", "check", &file], 1);
    assert!(
        ran.out.contains("mine.yaml:") && ran.out.contains("much"),
        "{}",
        ran.out
    );

    let old = sample("protocols/legacy-on-grid.yaml").display().to_string();
    let ran = run(&place, &["protocol", "show", &old], 1);
    assert!(ran.err.contains("protocol convert"), "{}", ran.err);
    let new = place.path("new.yaml").display().to_string();
    run(&place, &["protocol", "convert", &old, "-o", &new], 0);
    run(&place, &["protocol", "check", &new], 0);
    run(&place, &["protocol", "new", "knitting"], 2);
}

#[test]
fn experiments_are_made_shown_checked_and_rewritten() {
    let place = Place::new();
    let home = place.path("").display().to_string();
    let words = [
        "experiment",
        "new",
        "night 1",
        "--in",
        &home,
        "--protocol",
        "trench",
        "--user",
        "Zoe",
        "--project",
        "ice",
    ];
    run(&place, &words, 0);
    assert!(run(&place, &words, 1).err.contains("already"));
    run(&place, &["experiment", "new", "a/b", "--in", &home], 2);
    let folder = place.path("night 1").display().to_string();
    let shown = run(&place, &["experiment", "show", &folder, "--json"], 0)
        .json_lines()
        .remove(0);
    assert_eq!(
        (&shown["metadata"]["user"], &shown["protocol"]),
        (&"Zoe".into(), &"trench".into())
    );
    run(&place, &["experiment", "check", &folder], 0);

    let theirs = sample("experiment").display().to_string();
    let shown = run(&place, &["experiment", "show", &theirs, "--json"], 0)
        .json_lines()
        .remove(0);
    let lamella = &shown["lamellae"][0];
    assert_eq!(lamella["name"], "01-meet-ocelot");
    assert_eq!(
        (
            lamella["history"].as_array().unwrap().len(),
            lamella["remaining"].as_array().unwrap().len()
        ),
        (5, 0)
    );
    let copy = place.path("copy.yaml").display().to_string();
    run(&place, &["experiment", "rewrite", &theirs, "-o", &copy], 0);
    assert!(
        run(&place, &["experiment", "convert", &copy], 1)
            .err
            .contains("already")
    );
}

#[test]
fn a_log_file_is_told_and_laid_into_tables() {
    let place = Place::new();
    let (log, csv) = (
        sample("experiment").display().to_string(),
        place.path("csv").display().to_string(),
    );
    let stats = run(&place, &["log", &log, "--stats", "--csv", &csv, "--json"], 0)
        .json_lines()
        .remove(0);
    assert_eq!(
        (&stats["unread"], &stats["kinds"]["milling_task"]),
        (&0.into(), &9.into())
    );
    assert_eq!(stats["written"].as_array().unwrap().len(), 6);
    // of the records' own times, so that no zone counts
    let ours = fs::read_to_string(Path::new(&csv).join("milling.csv")).unwrap();
    assert_eq!(
        ours,
        fs::read_to_string(sample("experiment/reporting/milling.csv")).unwrap()
    );
    let words = run(&place, &["log", &log, "--stats"], 0).out;
    assert!(
        words.contains("Rough Milling") && words.contains("LamellaCentre"),
        "{words}"
    );
    let records = run(&place, &["log", &log, "--json"], 0).json_lines();
    assert!(records.iter().any(|r| r["data"]["msg"] == "beam_shift"));
}

#[test]
fn a_queue_is_run_from_the_shell_and_goes_on_where_it_ended() {
    let place = Place::new();
    let foretold = |what: &str| -> Vec<String> {
        let plan = run(
            &place,
            &["run", what, "--demo", "--unsupervised", "--dry-run", "--json"],
            0,
        )
        .json();
        let items = plan["items"].as_array().unwrap();
        let times: f64 = items.iter().map(|item| item["estimate_s"].as_f64().unwrap()).sum();
        assert!(
            times > 0.0 && (plan["total_s"].as_f64().unwrap() - times).abs() < 1e-6,
            "{plan}"
        );
        items
            .iter()
            .map(|item| item["task"].as_str().unwrap().to_owned())
            .collect()
    };
    let whole = ["Setup Lamella Position", "Mill Fiducial", "Rough Milling", "Polishing"];
    assert_eq!(foretold("on-grid"), whole);
    let folders = || -> Vec<String> {
        let all = std::fs::read_dir(place.path(".")).unwrap();
        let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("on-grid-")).collect()
    };
    assert!(folders().is_empty(), "a plan makes nothing");

    let first = [
        "run",
        "on-grid",
        "--demo",
        "--speed",
        "max",
        "--unsupervised",
        "--json",
        "--task",
        whole[0],
    ];
    let ended = run(&place, &first, 0).json();
    assert_eq!(ended["result"]["completed"], 1, "{ended}");
    let made = folders();
    assert_eq!(made.len(), 1);
    assert!(
        run(&place, &["experiment", "check", &made[0]], 0)
            .out
            .contains("0 wrong")
    );
    assert_eq!(foretold(&made[0]), whole[1..]);
    let nowhere = run(
        &place,
        &["run", &made[0], "--demo", "--speed", "max", "--task", "Nope"],
        2,
    );
    assert!(nowhere.err.contains("there is no task `Nope`"), "{}", nowhere.err);
}
