//! The built binary as a daemon: clients come and go, consoles are killed, the daemon itself is killed.

use crate::run::Place;
use engine::event::Event;
use engine::journal::{self, Entry};
use pattern::figure::Rectangle;
use pattern::{MillingStage, MillingTask, Pattern};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

/// The longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon on the twin; killed when it is dropped.
struct Daemon(Child);

impl Daemon {
    fn start(place: &Place, more: &[&str]) -> Daemon {
        let mut child = place.start(&[&["serve", "--demo"], more].concat());
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("served at"), "{line}");
        Daemon(child)
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // one that has ended cannot be killed
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(place: &Place, args: &[&str]) -> Value {
    let ran = place.run(&[&["do", "--json"], args].concat()).ended(0);
    ran.json()["result"].clone()
}

/// Waits until it is so.
fn until(what: &str, so: impl Fn() -> bool) {
    let late = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < late, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Once the daemon has its instrument.
fn connected(place: &Place) {
    until("connected", || {
        place.run(&["status", "--json"]).ended(0).json()["connected"] == true
    });
}

/// No job runs.
fn idle(place: &Place) -> bool {
    place.run(&["status", "--json"]).ended(0).json()["jobs"] == serde_json::json!([])
}

fn x(place: &Place) -> f64 {
    run(place, &["stage.position"])["x"].as_f64().unwrap()
}

#[test]
fn commands_find_the_daemon_and_each_other_s_work() {
    let place = Place::new();
    let _daemon = Daemon::start(&place, &[]);
    connected(&place);
    run(&place, &["stage.move-relative", "x=20um"]);
    assert!((x(&place) - 20e-6).abs() < 1e-8);
    // control went with the client that had taken it
    until("control is free", || {
        place.run(&["status", "--json"]).ended(0).json()["control"].is_null()
    });
    let status = place.run(&["status", "--json"]).ended(0).json();
    assert!((status["stage"]["x"].as_f64().unwrap() - 20e-6).abs() < 1e-8);
    // a fresh twin, whatever daemon there is
    let fresh = place.run(&["do", "--demo", "--json", "stage.position"]).ended(0).json();
    assert_eq!(fresh["result"]["x"], 0.0);
    // two engines never share an instrument
    let second = place.run(&["serve", "--demo"]).ended(5);
    assert!(
        second.err.contains("held by process") && second.err.contains("attach"),
        "{second:?}"
    );
    let doctor = place.run(&["doctor"]).ended(0);
    assert!(doctor.out.contains("owns"), "{doctor:?}");
    let stopped = place.run(&["stop"]).ended(0);
    assert!(stopped.out.contains("at rest"), "{stopped:?}");
    let tail = place.start(&["tail", "--json", "--count", "1"]);
    until("somebody listens", || {
        run(&place, &["notice.seen"]);
        run(&place, &["stage.move-relative", "x=1um"]);
        journals(&place)
            .iter()
            .any(|(_, read)| clients(read).contains(&"tail".to_owned()))
    });
    run(&place, &["stage.move-relative", "x=1um"]);
    let heard = tail.wait_with_output().unwrap();
    let event: Value = serde_json::from_slice(&heard.stdout).unwrap();
    assert!(event["event"]["event"].is_string(), "{event}");
}

/// Needs the right to be somebody else, which root has; a build server's container usually runs as root.
#[cfg(target_os = "linux")]
#[test]
fn a_group_s_members_come_by_their_own_accounts_and_nobody_else_does() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const GROUP: u32 = 54_321;
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can be another account");
        return;
    }
    let place = Place::new();
    // all may come as far as the daemon's own folders
    std::fs::set_permissions(place.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    let program = place.path("fibdeck");
    std::fs::copy(env!("CARGO_BIN_EXE_fibdeck"), &program).unwrap();
    let as_account = |uid: u32, gid: u32, args: &[&str]| {
        let mut command = std::process::Command::new(&program);
        command.args(args).arg("--data-dir").arg(place.path("data"));
        let own = place.path(&format!("config-{uid}"));
        command.arg("--config-dir").arg(own).current_dir(place.path(""));
        let ran = command.uid(uid).gid(gid).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (ran.status.code(), text(ran.stdout), text(ran.stderr))
    };
    let group = GROUP.to_string();
    let _daemon = Daemon::start(&place, &["--socket-group", &group]);
    connected(&place);
    let member = as_account(65_533, GROUP, &["status", "--json"]);
    assert_eq!(member.0, Some(0), "{member:?}");
    let moved = as_account(65_533, GROUP, &["do", "--json", "stage.move-relative", "x=5um"]);
    assert_eq!(moved.0, Some(0), "{moved:?}");
    assert!((x(&place) - 5e-6).abs() < 1e-8);
    let stopped = as_account(65_533, GROUP, &["stop"]);
    assert_eq!(stopped.0, Some(0), "{stopped:?}");
    // who came is written down with the account
    let names: Vec<String> = journals(&place).iter().flat_map(|(_, read)| clients(read)).collect();
    assert!(names.iter().any(|name| name.contains("uid 65533")), "{names:?}");
    let outside = as_account(65_534, 65_534, &["status", "--json"]);
    assert_ne!(outside.0, Some(0), "{outside:?}");
    assert!(!outside.1.contains("connected"), "{outside:?}");
    let stopped = as_account(65_534, 65_534, &["stop"]);
    assert_ne!(stopped.0, Some(0), "{stopped:?}");
}

/// What clients came as.
fn clients(read: &journal::line::Read) -> Vec<String> {
    let name = |entry: &Entry| match entry {
        Entry::Client { name, here: true, .. } => Some(name.rsplit('/').next().unwrap_or(name).to_owned()),
        _ => None,
    };
    read.entries.iter().filter_map(|(_, entry)| name(entry)).collect()
}

/// Jobs that were begun.
fn begun(place: &Place) -> usize {
    let is_start =
        |entry: &Entry| matches!(entry, Entry::Event { event } if matches!(event.event, Event::JobStarted { .. }));
    let all = journals(place);
    let entries = all.iter().flat_map(|(_, read)| &read.entries);
    entries.filter(|(_, entry)| is_start(entry)).count()
}

/// Every journal of the place, by name.
fn journals(place: &Place) -> Vec<(PathBuf, journal::line::Read)> {
    let folder = journal::folder(&place.path("data"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.clone(), journal::read(&path).unwrap()))
        .collect()
}

#[test]
fn a_job_outlives_every_way_its_client_can_end() {
    let place = Place::new();
    let _daemon = Daemon::start(&place, &["--speed", "6"]);
    connected(&place);
    for (n, signal) in ["-KILL", "-HUP", "-PIPE"].into_iter().enumerate() {
        let target = format!("x={}mm", (n + 1) * 8);
        let mut client = place.start(&["do", "stage.move-absolute", &target]);
        until("the move", || begun(&place) == n + 1);
        let sent = std::process::Command::new("kill")
            .args([signal, &client.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        client.wait().unwrap();
        let there = (n + 1) as f64 * 8e-3;
        until("the end of the way", || (x(&place) - there).abs() < 1e-6);
        until("the end of the job", || idle(&place));
    }
}

/// A task of one box that takes a minute and a half of the instrument's time, as an argument of milling.load.
fn a_box() -> String {
    let shape = Rectangle {
        width: 4e-6,
        height: 2e-6,
        depth: 0.1e-6,
        ..Rectangle::default()
    };
    let mut task = MillingTask {
        name: "box".to_owned(),
        stages: vec![MillingStage {
            name: "box".to_owned(),
            pattern: Pattern::new(shape),
            ..MillingStage::default()
        }],
        ..MillingTask::default()
    };
    task.alignment.enabled = false;
    task.acquisition.acquire_final_image = false;
    format!("task={}", serde_json::to_string(&task).unwrap())
}

#[test]
fn a_daemon_that_is_killed_leaves_a_whole_journal_and_a_free_instrument() {
    let place = Place::new();
    for round in 0..3u32 {
        let mut daemon = Daemon::start(&place, &["--speed", "20"]);
        connected(&place);
        run(&place, &["milling.load", &a_box()]);
        let mut client = place.start(&["do", "milling.run"]);
        until("the beam on the sample", || {
            let state = run(&place, &["milling.state"]);
            state["state"] == "RUNNING" && state["progress"].as_f64().unwrap() > 0.02 * f64::from(round)
        });
        daemon.kill();
        // whoever waited is told
        let ended = client.wait().unwrap();
        assert_eq!(ended.code(), Some(6));
    }
    let _daemon = Daemon::start(&place, &[]);
    connected(&place);
    let status = place.run(&["status", "--json"]).ended(0).json();
    let told = status["notices"].to_string();
    assert!(told.contains("went with its engine"), "{told}");
    // a killed process loses nothing that it wrote: the beam was never on unannounced
    let is_open = |path: &PathBuf| path.to_string_lossy().ends_with(".open.jsonl");
    let (open, settled): (Vec<_>, Vec<_>) = journals(&place).into_iter().partition(|(path, _)| is_open(path));
    assert_eq!((open.len(), settled.len()), (1, 3), "what is settled is open no more");
    for (path, read) in &settled {
        assert!(read.damaged.is_empty(), "{}: {:?}", path.display(), read.damaged);
        let is_start =
            |entry: &Entry| matches!(entry, Entry::Intent { what, .. } if what.describe().starts_with("mill with"));
        assert!(
            read.entries.iter().any(|(_, entry)| is_start(entry)),
            "{}",
            path.display()
        );
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        place.run(&["journal", "verify", &name]).ended(0);
        who_milled(&place, &name);
    }
}

/// The journal says whose client, of which account and process, set the beam on the sample, and that it had come before.
fn who_milled(place: &Place, journal: &str) {
    let all = place.run(&["journal", "show", "--who", "--json", journal]).ended(0);
    let lines = all.json_lines();
    let intent = |line: &&Value| line["did"]["what"]["PatternStart"].is_object();
    let line = lines
        .iter()
        .find(intent)
        .unwrap_or_else(|| panic!("nobody milled: {}", all.out));
    let who = &line["who"];
    let client = who["client"].as_str().unwrap();
    assert!(client.starts_with("do"), "{line}");
    if cfg!(unix) {
        assert!(who["process"].as_u64() > Some(1) && who["account"].is_u64(), "{line}");
    }
    let came = |line: &Value| line["who"]["client"] == client && line["did"]["here"] == true;
    assert!(lines.iter().any(came), "{client} never came: {}", all.out);
    let words = place.run(&["journal", "show", "--who", journal]).ended(0).out;
    assert!(
        words.lines().any(|l| l.contains(client) && l.contains("mill with")),
        "{words}"
    );
}

/// The process that says it owns the instrument.
#[cfg(unix)]
fn holder(place: &Place) -> Option<u64> {
    let note = std::fs::read(place.path("data/instrument.holder")).ok()?;
    serde_json::from_slice::<Value>(&note).ok()?["pid"].as_u64()
}

#[cfg(unix)]
mod consoles {
    use super::*;

    /// Ends the process of this number, however the test ends.
    struct Ended(String);

    impl Drop for Ended {
        fn drop(&mut self) {
            // it may have ended already
            let _ = std::process::Command::new("kill").args(["-KILL", &self.0]).output();
        }
    }

    use crate::pty::{Terminal, stage_x};
    use std::os::unix::fs::PermissionsExt;
    use std::rc::Rc;

    fn attach(place: &Rc<Place>, more: &[&str]) -> Terminal {
        let terminal = Terminal::run(110, 32, &[&["attach"], more].concat(), place.clone());
        terminal.until("the instrument", |s| {
            stage_x(s).is_some() && s.contents().contains("STOP")
        });
        terminal
    }

    #[test]
    fn a_console_detaches_and_another_sees_the_job_run() {
        let place = Rc::new(Place::new());
        let _daemon = Daemon::start(&place, &["--speed", "2"]);
        connected(&place);
        let mut first = attach(&place, &[]);
        first.press(":");
        first.press("stage.move-relative x=20mm\r");
        first.until_text("x by 20.0 mm");
        first.press("y");
        first.until("a move", |s| stage_x(s).is_some_and(|x| x > 0.01));
        // no question: nothing ends
        first.press("q");
        assert_eq!(first.end(), 0);
        let second = attach(&place, &[]);
        second.until("it still runs", |s| stage_x(s).is_some_and(|x| x > 0.01 && x < 19.0));
        // its terminal is gone, as when a laptop is closed
        drop(second);
        until("the end of the way", || (x(&place) - 20e-3).abs() < 1e-6);
    }

    #[test]
    fn the_line_may_go_through_ssh() {
        let place = Rc::new(Place::new());
        let _daemon = Daemon::start(&place, &[]);
        connected(&place);
        // an ssh that stays here: everything after the host is what would run there
        let script = format!(
            "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift 3\nexec {} \"$@\"\n",
            env!("CARGO_BIN_EXE_fibdeck")
        );
        std::fs::create_dir_all(place.path("bin")).unwrap();
        std::fs::write(place.path("bin/ssh"), script).unwrap();
        std::fs::set_permissions(place.path("bin/ssh"), PermissionsExt::from_mode(0o755)).unwrap();
        let there = format!("ssh://ann@scope{}", place.text("data"));
        let mut terminal = attach(&place, &[&there]);
        terminal.press(":");
        terminal.press("stage.move-relative x=150um\r");
        terminal.until("a move", |s| stage_x(s).is_some_and(|x| (x - 0.15).abs() < 0.001));
        terminal.press("q");
        assert_eq!(terminal.end(), 0);
    }

    #[test]
    fn a_console_on_an_instrument_starts_a_daemon_that_outlives_it() {
        let place = Rc::new(Place::new());
        let file = place.path("far.yaml");
        std::fs::write(&file, "info:\n  name: far\ndriver: far\n").unwrap();
        let terminal = Terminal::run(110, 32, &["--instrument", "far.yaml"], place.clone());
        terminal.until("a console", |s| s.contents().contains("STOP"));
        let pid = holder(&place).unwrap().to_string();
        let _ended = Ended(pid.clone());
        drop(terminal);
        let session = std::process::Command::new("ps")
            .args(["-o", "sid=", "-p", &pid])
            .output()
            .unwrap();
        let session = String::from_utf8(session.stdout).unwrap();
        assert_eq!(session.trim(), pid, "it leads a session of its own");
        let ended = std::process::Command::new("kill").args(["-TERM", &pid]).status();
        assert!(ended.unwrap().success());
        until("its end", || !place.path("data/instrument.holder").exists());
    }
}
