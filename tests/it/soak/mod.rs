//! Random commands on the twin in virtual time, and what must hold after each of them.
//!
//! A sequence is its seed: commands are drawn by weight from `kinds`, and after each every row of `promises` is asked. To add a
//! kind or a promise: a row. Every test run does two thousand small ones and a few long ones of fixed seeds;
//! `cargo xtask soak --minutes N --seed S` goes on for minutes.

mod kinds;
mod promises;

use crate::run::{Place, twin};
use engine::Snapshot;
use engine::command::parse;
use engine::core::Engine;
use engine::event::Event;
use engine::link::{Ended, Heard, Link, Receipt};
use kinds::{Dice, draw};
use model::{Beam, Key};
use promises::{BELIEFS, PROMISES, Seen};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Seeds of a usual test run and commands of each: many small sequences and a few that go far. And commands of a sequence of the long
/// run.
const FIXED: [(RangeInclusive<u64>, usize); 2] = [(1..=2000, 3), (2001..=2002, 40)];
const LONG: usize = 300;
/// Pixels of a picture whose command names none.
const SMALL: (u32, u32) = (384, 256);
/// How long after a command that failed it is looked at again (s), and how long a job stays paused.
const LATER: f64 = 5.0;
/// Scenes of the twin, by seed.
const SCENES: [&str; 4] = ["grid", "bulk", "liftout", "waffle"];
/// Looks at a snapshot before it counts as another than what was heard.
const TRIES: u32 = 100_000;
/// Questions of one command that are answered by chance: every later one gets its last answer, which is the way out.
const PATIENCE: usize = 8;

struct Sequence {
    link: Link,
    heard: Receiver<Heard>,
    folded: Snapshot,
    jobs: BTreeMap<u64, (u32, u32)>,
    dice: Dice,
    /// What was sent, answers too; and how many questions this command has asked.
    lines: Vec<String>,
    asked: usize,
    /// A valve was opened by hand, and nothing has closed it yet.
    flows: bool,
    /// Held so that it lives as long as the link is used.
    _engine: Engine,
    place: Place,
}

impl Sequence {
    fn new(seed: u64) -> Sequence {
        let place = Place::new();
        let engine = twin(&place, None, |instrument| {
            instrument.twin.seed = seed;
            instrument.twin.scene = SCENES[seed as usize % SCENES.len()].to_owned();
            instrument.gis.sputter_coater = true;
            // what is not told otherwise is small: matter and moves are tried here, not pixels
            instrument.imaging.resolution = SMALL;
            for beam in [&mut instrument.electron, &mut instrument.ion] {
                beam.resolution = SMALL;
            }
        });
        let link = engine.link("soak");
        Sequence {
            heard: link.listen(),
            folded: (*link.snapshot()).clone(),
            jobs: BTreeMap::new(),
            dice: Dice(seed),
            lines: Vec::new(),
            asked: 0,
            flows: false,
            link,
            _engine: engine,
            place,
        }
    }

    fn send(&self, line: &str) -> Result<Receipt, engine::Failure> {
        let line = line.replace("DIR", &self.place.text(""));
        Ok(self.link.send(parse::line(&line)?))
    }

    /// Runs a line to its end, and what is to be sent while it is under way.
    async fn run(&mut self, line: &str) -> Ended {
        let Some((job, meanwhile)) = line.split_once(" @") else {
            let receipt = self.send(line)?;
            return self.hear(receipt).await;
        };
        let (after, other) = meanwhile.split_once(' ').unwrap();
        let job = self.send(job)?;
        let _ = Box::pin(self.run(&format!("system.wait seconds={after}"))).await;
        // whatever comes of it: what must hold is asked when both have ended
        let _ = Box::pin(self.run(other)).await;
        if let Some((of, "pause")) = other.split_once('.') {
            let _ = Box::pin(self.run(&format!("system.wait seconds={LATER}"))).await;
            let _ = Box::pin(self.run(&format!("{of}.resume"))).await;
        }
        self.hear(job).await
    }

    /// Folds what is heard until a command has ended, and answers what is asked meanwhile.
    async fn hear(&mut self, receipt: Receipt) -> Ended {
        let mut ended = std::pin::pin!(receipt.ended());
        loop {
            let heard = tokio::select! {
                heard = self.heard.recv() => heard,
                ended = &mut ended => return ended,
            };
            let asked = matches!(&heard, Ok(Heard::Event(event)) if matches!(event.event, Event::Asked { .. }));
            fold(&mut self.folded, &mut self.jobs, heard);
            if let (true, Some(question)) = (asked, &self.folded.question) {
                let (choice, _) = match self.asked < PATIENCE {
                    true => &question.choices[self.dice.below(question.choices.len())],
                    false => question.choices.last().unwrap(),
                };
                let line = format!("answer id={} choice={choice}", question.id);
                self.asked += 1;
                self.lines.push(line.clone());
                drop(self.send(&line)?);
            }
        }
    }

    /// The newest snapshot, once everything that led to it was heard.
    fn settled(&mut self) -> Snapshot {
        let mut tries = 0;
        loop {
            while let Ok(heard) = self.heard.try_recv() {
                fold(&mut self.folded, &mut self.jobs, Ok(heard));
            }
            let snapshot = self.link.snapshot();
            tries += 1;
            // a pulse is in the snapshot an instant before it is heard
            if self.folded == *snapshot || (tries > TRIES && self.folded.seq == snapshot.seq) {
                return (*snapshot).clone();
            }
            std::thread::yield_now();
        }
    }

    /// Runs a line and asks every promise; the first that is broken.
    async fn step(&mut self, line: &str) -> Result<bool, String> {
        self.asked = 0;
        self.lines.push(line.to_owned());
        let ended = self.run(line).await;
        let snapshot = self.settled();
        let folded = self.folded.clone();
        let truth = self.run("truth").await.ok();
        let (milling, gas) = (self.run("milling.state").await.ok(), self.run("gis.state").await.ok());
        let opened = line.starts_with("gis.valve") && line.contains("open=true") && ended.is_ok();
        let ports = gas.as_ref().and_then(|gas| gas["ports"].as_array());
        self.flows = (self.flows || opened) && ports.is_some_and(|ports| ports.iter().any(|p| p["open"] == true));
        let mut beams = Vec::new();
        for beam in Beam::ALL.into_iter().filter(|_| truth.is_some()) {
            for key in BELIEFS {
                let line = format!("system.get key={key} beam={beam}");
                let got = self.run(&line).await.map_err(|e| format!("{line}: {e}"))?;
                beams.push((beam, key, got["value"].clone()));
            }
        }
        let mut later = None;
        if ended.is_err() {
            let _ = self.run(&format!("system.wait seconds={LATER}")).await;
            later = self.run("truth").await.ok();
        }
        let seen = Seen {
            ended: &ended,
            snapshot: &snapshot,
            folded: &folded,
            truth: truth.as_ref(),
            later: later.as_ref(),
            milling: milling.as_ref(),
            gas: gas.as_ref(),
            flows: self.flows,
            beams: &beams,
            jobs: &self.jobs,
        };
        for (promise, holds) in PROMISES {
            holds(&seen).map_err(|broken| format!("{promise}: {broken}"))?;
        }
        Ok(ended.is_ok())
    }
}

fn fold(folded: &mut Snapshot, jobs: &mut BTreeMap<u64, (u32, u32)>, heard: Result<Heard, RecvError>) {
    match heard.unwrap() {
        Heard::Event(event) => {
            match &event.event {
                Event::JobStarted { job } => jobs.entry(job.id).or_default().0 += 1,
                Event::JobEnded { id, .. } => jobs.entry(*id).or_default().1 += 1,
                _ => {}
            }
            // as a client at the other end of a wire would
            let text = serde_json::to_string(&*event).unwrap();
            folded.apply(&serde_json::from_str(&text).unwrap());
        }
        Heard::Pulse(pulse) => folded.pulse(&pulse),
    }
}

/// A whole sequence; how many of its commands were done. A broken promise is told with the commands that led to it: all were asked
/// after every command, so no shorter beginning of them breaks one.
fn sequence(seed: u64, length: usize) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut sequence = Sequence::new(seed);
        let mut line = "system.connect".to_owned();
        let mut done = 0;
        for at in 1..=length {
            match sequence.step(&line).await {
                Ok(well) => done += usize::from(well),
                Err(broken) => panic!(
                    "seed {seed}, command {at}: {broken}\n--- what led to it ---\n{}\n---",
                    sequence.lines.join("\n")
                ),
            }
            line = draw(&mut sequence.dice);
        }
        done
    })
}

/// Sequences of so many commands with these seeds, as many at once as there are cores; how many commands were done.
fn sequences(seeds: RangeInclusive<u64>, length: usize) -> usize {
    let (next, done) = (AtomicU64::new(*seeds.start()), AtomicUsize::new(0));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                return;
            }
            done.fetch_add(sequence(seed, length), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    done.into_inner()
}

fn told<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn random_commands_keep_every_promise() {
    let Some(minutes) = told::<f64>("FIBDECK_SOAK_MINUTES") else {
        for (seeds, length) in FIXED {
            let all = (seeds.end() - seeds.start() + 1) as usize * length;
            let done = sequences(seeds, length);
            assert!(done > all / 4, "only {done} of {all} commands were done");
        }
        return;
    };
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let first = told::<u64>("FIBDECK_SOAK_SEED").unwrap_or(1);
    for seed in first.. {
        println!("seed {seed}: {LONG} commands");
        let done = sequence(seed, LONG);
        println!("seed {seed}: {done} done, {} refused, every promise kept", LONG - done);
        if Instant::now() > end {
            return;
        }
    }
}

#[test]
fn a_broken_promise_is_found() {
    let place = Place::new();
    let engine = twin(&place, None, |_| {});
    let snapshot = (*engine.link("soak").snapshot()).clone();
    let folded = Snapshot {
        seq: snapshot.seq + 1,
        ..snapshot.clone()
    };
    let truth = serde_json::json!({ "collisions": 1, "pose": {}, "dose_c": 1 });
    let later = serde_json::json!({ "dose_c": 2 });
    let milling = serde_json::json!({ "patterning": { "phase": "Running" } });
    let gas = serde_json::json!({ "ports": [{ "open": true }] });
    let jobs = BTreeMap::from([(1, (1, 2))]);
    let ended: Ended = Err(engine::Failure::usage("", ""));
    let seen = Seen {
        ended: &ended,
        snapshot: &snapshot,
        folded: &folded,
        truth: Some(&truth),
        later: Some(&later),
        milling: Some(&milling),
        gas: Some(&gas),
        flows: false,
        beams: &[(Beam::Ion, Key::On, Value::Bool(true))],
        jobs: &jobs,
    };
    let broken: Vec<&str> = PROMISES
        .iter()
        .filter(|(_, holds)| holds(&seen).is_err())
        .map(|(name, _)| *name)
        .collect();
    // limits and pose need a connection; the others are all broken here
    assert_eq!(broken.len(), PROMISES.len() - 2, "{broken:?}");
}
