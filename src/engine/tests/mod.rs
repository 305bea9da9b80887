//! The engine through its link, on the twin in virtual time.

mod crash;
mod detect;
mod full_disk;
mod gas;
mod http;
mod injection;
mod jobs;
mod jog;
mod lamella;
mod line;
mod milling;
mod needle;
mod pictures;
mod replay;
mod stop;
mod watch;
mod wire;

use crate::command::{Failure, parse};
use crate::core::{Core, Engine, Options, Speed, here, start};
use crate::link::Link;
use model::ErrorKind;
use model::config::{Instrument, Paths};
use serde_json::Value;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

/// An engine on a thread of its own, as programs have it.
struct Bench {
    engine: Engine,
    folder: tempfile::TempDir,
}

fn options(folder: &Path) -> Options {
    Options {
        instrument: Instrument::default(),
        speed: Speed::Virtual,
        faults: None,
        paths: Paths::new(Some(&folder.join("config")), Some(&folder.join("data"))).unwrap(),
        user: Default::default(),
        connect: false,
    }
}

impl Bench {
    fn new() -> Bench {
        Bench::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path());
        change(&mut options);
        Bench {
            engine: start(options).unwrap(),
            folder,
        }
    }

    fn link(&self) -> Link {
        self.engine.link("test")
    }

    /// Runs lines one after another; the result of the last.
    fn lines(&self, lines: &[&str]) -> Result<Value, Failure> {
        let mut last = Ok(Value::Null);
        for line in lines {
            last = wait(self.link().run(parse::line(line)?));
            last.as_ref().map_err(Clone::clone)?;
        }
        last
    }
}

/// An engine on the test's own paused clock: what is asked for comes at the very moment it should.
struct Here {
    core: Arc<Core>,
    link: Link,
    _folder: tempfile::TempDir,
}

impl Here {
    async fn connected(change: impl FnOnce(&mut Options)) -> Here {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path());
        change(&mut options);
        let (core, link) = here(options);
        let here = Here {
            core,
            link,
            _folder: folder,
        };
        here.run("system.connect").await.unwrap();
        here
    }

    async fn run(&self, line: &str) -> Result<Value, Failure> {
        self.link.run(parse::line(line)?).await
    }

    async fn x(&self) -> f64 {
        self.core.scope().unwrap().stage().await.unwrap().value.pose.x
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(work)
}

#[test]
fn moves_end_where_they_were_sent_and_limits_refuse() {
    let bench = Bench::new();
    let moved = bench
        .lines(&["system.connect", "stage.move-relative x=20um y=-5um"])
        .unwrap();
    assert!((moved["x"].as_f64().unwrap() - 20e-6).abs() < 1e-9);
    let before = bench.lines(&["stage.position"]).unwrap();
    for line in [
        "stage.move-absolute x=10m",
        "stage.move-absolute t=170deg",
        "stage.move-relative z=1m",
    ] {
        let failure = bench.lines(&[line]).unwrap_err();
        assert_eq!(failure.kind, ErrorKind::OutOfRange, "{line}: {failure}");
    }
    assert_eq!(bench.lines(&["stage.position"]).unwrap(), before);
}

#[test]
fn nothing_acts_before_it_is_connected() {
    let failure = Bench::new().lines(&["stage.move-relative x=1um"]).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::NotConnected);
}

#[test]
fn connecting_changes_nothing_and_leaving_finds_the_same_world() {
    let bench = Bench::new();
    bench.lines(&["system.connect"]).unwrap();
    let connection = bench.link().snapshot().connection.clone().unwrap();
    assert!(!connection.comparison.is_empty());
    let moved = bench.lines(&["stage.move-relative x=100um", "stage.position"]).unwrap();
    bench.lines(&["system.disconnect"]).unwrap();
    assert!(bench.link().snapshot().stage.is_none());
    assert_eq!(bench.lines(&["system.connect", "stage.position"]).unwrap(), moved);
}

async fn until(link: &Link, so: impl Fn(&crate::Snapshot) -> bool) {
    link.snapshots().wait_for(|snapshot| so(snapshot)).await.unwrap();
}

#[test]
fn a_run_on_virtual_time_repeats_to_the_last_byte() {
    let run = || {
        let bench = Bench::new();
        let lines = [
            "system.connect",
            "stage.move-relative x=7um y=3um",
            "system.wait seconds=100",
            "image.acquire beam=both resolution=384x256 path=PATH",
        ]
        .map(|l| l.replace("PATH", bench.folder.path().join("p").to_str().unwrap()));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let result = bench.lines(&lines).unwrap();
        let files: Vec<Vec<u8>> = (0..2)
            .map(|n| model::Frame::load(std::path::Path::new(result["pictures"][n]["file"].as_str().unwrap())).unwrap())
            .map(|loaded| loaded.frame.pixels.to_u8().into_iter().collect())
            .collect();
        (files, bench.lines(&["truth"]).unwrap())
    };
    assert_eq!(run(), run());
}
