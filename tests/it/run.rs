//! Running the built binary as a user would: folders of its own, input, what it wrote and how it ended. And the engine alone.

use engine::core::{Engine, Options, Speed, start};
use model::config::{Instrument, Paths};
use serde_json::Value;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The longest any command of a test may take: far beyond what the slowest machine needs.
const PATIENCE: Duration = Duration::from_secs(180);

/// A user's folders, empty at first, gone afterwards.
pub struct Place {
    folder: tempfile::TempDir,
}

/// How a run ended and what it wrote.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        Place {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A path of this place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text, for a command line.
    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The binary with this place's folders and nothing of the caller's surroundings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fibdeck"));
        for name in ["FIBDECK_CONFIG_DIR", "FIBDECK_DATA_DIR", "RUST_LOG", "NO_COLOR", "TMUX"] {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("TZ", "UTC")
            .env("TERM", "xterm-256color");
        command
            .args(args)
            .arg("--config-dir")
            .arg(self.path("config"))
            .arg("--data-dir")
            .arg(self.path("data"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// Runs with this on stdin.
    pub fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self.start(args);
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // a program that reads nothing closes the pipe, and that is its right
        let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let ran = finish(child, args);
        writer.join().unwrap();
        ran
    }

    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }
}

/// An engine on a twin in virtual time that nobody has connected to, with this place's folders.
pub fn twin(place: &Place, faults: Option<&str>, change: impl FnOnce(&mut Instrument)) -> Engine {
    let mut instrument = Instrument::default();
    change(&mut instrument);
    start(Options {
        instrument,
        speed: Speed::Virtual,
        faults: faults.map(str::to_owned),
        paths: Paths::new(Some(&place.path("config")), Some(&place.path("data"))).unwrap(),
        user: Default::default(),
        connect: false,
    })
    .unwrap()
}

/// Waits for the end; a run that hangs is killed and fails the test.
fn finish(mut child: Child, args: &[&str]) -> Ran {
    let out = collect(child.stdout.take().unwrap());
    let err = collect(child.stderr.take().unwrap());
    let late = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > late => {
                child.kill().unwrap();
                panic!("{args:?} does not end; it wrote {:?} {:?}", out.join(), err.join());
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    Ran {
        code: status.code(),
        out: out.join().unwrap(),
        err: err.join().unwrap(),
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Ran {
    /// Ended with this code; the rest of the run is in the message if not.
    pub fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// stdout as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// stdout as one JSON value a line.
    pub fn json_lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
            .collect()
    }
}

/// The keys of an object, in order.
pub fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
        .keys()
        .map(String::as_str)
        .collect()
}
