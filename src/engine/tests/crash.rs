//! Crashes, thousands of them: an engine ends at any write to its journal, or at any moment, over a disk that loses what was not
//! synced; the world goes on; the next engine finds out, asks, and mills what is missing. Nothing is dosed twice, nothing is left
//! out unsaid, and nothing was done to the sample that no journal knows.
//!
//! A crash is its seed. `FIBDECK_CRASHES=2000 cargo test -p fibdeck-engine crash` does as many.

mod queue;

use super::*;
use crate::core::{Ground, here_on, lock, recover::Left};
use crate::journal::disk::Disk;
use crate::journal::past::Past;
use crate::journal::{Entry, Journal, line};
use hal::clock::TokioClock;
use hal::sim::World;
use hal::{Act, Clock};
use pattern::figure::{ArrayPattern, Rectangle};
use pattern::{MillingStage, MillingTask, Pattern};
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Crashes of a usual test run.
const USUAL: u64 = 100;
/// Seeds that are tried at one time.
const AT_ONCE: usize = 2;
/// The longest an engine may take to recover: far beyond what the slowest machine needs.
const PATIENCE: Duration = Duration::from_secs(120);
/// The most engines that one seed wears out.
const LIVES: u64 = 5;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// A disk that loses what was not synced, and that can end the engine which writes to it.
#[derive(Default)]
struct Platter {
    safe: Vec<u8>,
    fresh: Vec<u8>,
    writes: u64,
    /// The write, counted from 1, at which the engine ends, before it takes effect or after.
    ends_at: Option<(u64, bool)>,
    ended: bool,
}

#[derive(Clone, Default)]
struct Floppy(Arc<(Mutex<Platter>, Notify)>);

impl Floppy {
    fn ending(at: Option<(u64, bool)>) -> Floppy {
        let floppy = Floppy::default();
        lock(&floppy.0.0).ends_at = at;
        floppy
    }

    fn write(&self, effect: impl FnOnce(&mut Platter)) -> io::Result<()> {
        let mut platter = lock(&self.0.0);
        let gone = || Err(io::Error::other("the engine has ended"));
        if platter.ended {
            return gone();
        }
        platter.writes += 1;
        let now = platter.ends_at.filter(|(at, _)| *at == platter.writes);
        if now.is_none_or(|(_, after)| after) {
            effect(&mut platter);
        }
        if now.is_some() {
            platter.ended = true;
            self.0.1.notify_one();
            return gone();
        }
        Ok(())
    }

    fn end(&self) {
        lock(&self.0.0).ended = true;
    }

    async fn ended(&self) {
        self.0.1.notified().await;
    }

    /// What is found afterwards: everything synced, and as much of the rest as the disk happened to keep; all of it for `u64::MAX`.
    fn found(&self, chance: u64) -> Vec<u8> {
        let platter = lock(&self.0.0);
        let kept = match chance {
            u64::MAX => platter.fresh.len(),
            chance => (chance % (platter.fresh.len() as u64 + 1)) as usize,
        };
        [&platter.safe, &platter.fresh[..kept]].concat()
    }
}

impl Disk for Floppy {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(|platter| platter.fresh.extend_from_slice(bytes))?;
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.write(|platter| {
            let fresh = std::mem::take(&mut platter.fresh);
            platter.safe.extend(fresh);
        })
    }
}

/// The world's clock: the engines' while one lives, and what passed between.
#[derive(Default)]
struct Ages(Mutex<(f64, Option<Arc<TokioClock>>)>);

impl Ages {
    fn pause(&self, meanwhile: f64) {
        let mut ages = lock(&self.0);
        ages.0 += ages.1.take().map_or(0.0, |clock| clock.now()) + meanwhile;
    }
}

impl Clock for Ages {
    fn now(&self) -> f64 {
        let ages = lock(&self.0);
        ages.0 + ages.1.as_ref().map_or(0.0, |clock| clock.now())
    }

    fn epoch(&self) -> f64 {
        1_767_225_600.0
    }
}

/// Two stages: a box, and three boxes that are loaded together.
fn task() -> MillingTask {
    let stage = |name: &str, pattern: Pattern| MillingStage {
        name: name.to_owned(),
        pattern,
        ..MillingStage::default()
    };
    let one = Rectangle {
        width: 2e-6,
        height: 1e-6,
        depth: 0.1e-6,
        ..Rectangle::default()
    };
    let three = ArrayPattern {
        width: 1e-6,
        height: 1e-6,
        depth: 0.1e-6,
        n_columns: 3,
        n_rows: 1,
        ..ArrayPattern::default()
    };
    let mut task = MillingTask {
        name: "crash".to_owned(),
        stages: vec![stage("one", Pattern::new(one)), stage("three", Pattern::new(three))],
        ..MillingTask::default()
    };
    task.alignment.enabled = false;
    task.acquisition.acquire_final_image = false;
    task
}

/// What outlives an engine.
struct Story {
    ages: Arc<Ages>,
    world: Arc<World>,
    /// The command whose engine ends.
    begins: &'static str,
    /// What is done before it, and, whatever comes of each, once everything is settled.
    before: Vec<String>,
    after: Vec<String>,
    /// Where the first journal would lie: what a watchdog wrote is found beside it.
    beside: Option<PathBuf>,
    /// Every journal that was found, newest last.
    journals: Vec<Vec<u8>>,
    /// The last of them as it would be on a disk that loses nothing.
    whole: Vec<u8>,
    asked: bool,
    log: Vec<String>,
}

/// When an engine ends by itself.
#[derive(Clone, Copy, Debug)]
enum End {
    AtWrite(u64, bool),
    /// Instrument seconds after it began.
    After(f64),
    Never,
}

impl Story {
    fn new() -> Story {
        let ages = Arc::new(Ages::default());
        Story {
            world: World::new(&Instrument::default(), ages.clone()),
            ages,
            begins: "milling.run",
            before: Vec::new(),
            after: Vec::new(),
            beside: None,
            journals: Vec::new(),
            whole: Vec::new(),
            asked: false,
            log: Vec::new(),
        }
    }

    /// One engine from its start to its end; `true` if it came to the end of what it had to do.
    fn life(&mut self, end: End, dice: &mut Dice) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let floppy = Floppy::ending(match end {
            End::AtWrite(n, after) => Some((n, after)),
            _ => None,
        });
        let left = self.journals.iter().enumerate().map(|(n, bytes)| Left {
            name: format!("journal {n}"),
            bytes: bytes.clone(),
            path: self.beside.clone(),
        });
        let ground = Ground {
            journal: Journal::inline(Box::new(floppy.clone())),
            left: left.collect(),
            trouble: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let first = self.journals.is_empty();
        let (ages, world) = (self.ages.clone(), self.world.clone());
        let whole = runtime.block_on(async {
            let (core, link, clock) = here_on(options(folder.path()), ground);
            lock(&ages.0).1 = Some(clock);
            *lock(&core.world) = Some(world);
            let patience = match end {
                End::After(seconds) => seconds,
                _ => 1e7,
            };
            tokio::select! {
                biased;
                () = floppy.ended() => false,
                () = tokio::time::sleep(Duration::from_secs_f64(patience)) => false,
                () = async {
                    link.run(parse::line("system.connect").unwrap()).await.unwrap();
                    if first {
                        let load = crate::Command::new("milling.load").with("task", serde_json::to_value(task()).unwrap());
                        link.run(load).await.unwrap();
                        for line in &self.before {
                            link.run(parse::line(line).unwrap()).await.unwrap();
                        }
                        link.run(parse::line(self.begins).unwrap()).await.unwrap();
                    } else {
                        self.recover(&core, &link).await;
                        for line in self.after.clone() {
                            let ended = link.run(parse::line(&line).unwrap()).await;
                            self.log.push(format!("{line}: {ended:?}"));
                        }
                    }
                } => true,
            }
        });
        floppy.end();
        // what the last moment had begun on other threads comes to its end, and finds no disk
        runtime.shutdown_timeout(Duration::from_secs(60));
        self.ages.pause(dice.below(20) as f64);
        // an engine that came to its end has written everything
        let kept = if whole { u64::MAX } else { dice.next() };
        self.journals.push(floppy.found(kept));
        self.whole = floppy.found(u64::MAX);
        self.log
            .push(format!("{end:?}: {whole}, {} writes", lock(&floppy.0.0).writes));
        whole
    }

    /// Answers what is asked: go on, where that is offered.
    async fn recover(&mut self, core: &Core, link: &Link) {
        // by the wall: where a thread has work to do, virtual time runs on without it
        let late = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < late {
            let snapshot = link.snapshot();
            if let Some(question) = &snapshot.question {
                self.asked = true;
                let choices: Vec<&str> = question.choices.iter().map(|(word, _)| word.as_str()).collect();
                let choice = if choices.contains(&"resume") { "resume" } else { "end" };
                self.log
                    .push(format!("{}: {} -> {choice}", question.text, question.detail));
                let answer = crate::Command::new("answer")
                    .with("id", question.id)
                    .with("choice", choice);
                link.run(answer).await.unwrap();
            } else if lock(&core.left).is_empty() && snapshot.running().is_none() {
                let failed = snapshot.jobs.iter().rev().find(|job| job.command.name == "job.recover");
                self.log.push(format!("recovered: {:?}", failed.map(|job| &job.end)));
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let snapshot = link.snapshot();
        panic!(
            "never recovered: {:#?}\n{:#?}\n{:#?}",
            self.log,
            snapshot.jobs.back(),
            snapshot.patterning
        );
    }

    /// Charge that was to be brought and that was, C, of every pattern that was begun.
    fn doses(&self) -> Vec<(f64, f64)> {
        self.world.doses()
    }

    /// Shapes whose drawing some journal knows of.
    fn intended(&self) -> usize {
        let mut shapes = 0;
        for bytes in &self.journals {
            let mut loaded = 0;
            for (_, entry) in line::read(bytes).entries {
                match entry {
                    Entry::Intent {
                        what: Act::PatternsLoad { shapes },
                        ..
                    } => loaded = shapes.len(),
                    Entry::Intent {
                        what: Act::PatternStart { .. },
                        ..
                    } => shapes += loaded,
                    _ => {}
                }
            }
        }
        shapes
    }
}

/// The dose of an undisturbed run, C, how often its journal is written, and how long it takes, s.
fn undisturbed() -> (f64, u64, f64) {
    let mut story = Story::new();
    assert!(story.life(End::Never, &mut Dice(0)));
    let doses = story.doses();
    assert_eq!(doses.len(), 4);
    for (planned, delivered) in &doses {
        assert!((planned - delivered).abs() < 1e-9 * planned, "{doses:?}");
    }
    let writes = story.journals[0].iter().filter(|b| **b == b'\n').count() as u64;
    let past = Past::of(&line::read(&story.journals[0]));
    assert!(past.job().is_none() && past.doubts.is_empty() && past.debts.is_empty());
    (
        doses.iter().map(|(_, delivered)| delivered).sum(),
        writes,
        story.ages.now(),
    )
}

/// Engines of one seed, one after the other, until one comes to its end; how many did not, and whether what a crash had cut off was
/// milled to its end.
fn wear_out(seed: u64, (plan, writes, seconds): (f64, u64, f64)) -> (u64, bool) {
    let mut dice = Dice(seed);
    let mut story = Story::new();
    for life in 1.. {
        let end = match dice.below(3) {
            _ if life == LIVES => End::Never,
            0 => End::After(seconds * dice.below(1000) as f64 / 1000.0),
            _ => End::AtWrite(1 + dice.below(writes + 12), dice.below(2) == 0),
        };
        let whole = story.life(end, &mut dice);
        let doses = story.doses();
        let brought: f64 = doses.iter().map(|(_, delivered)| delivered).sum();
        let story_so_far = || format!("seed {seed}: {brought} of {plan}\n{doses:?}\n{:#?}", story.log);
        assert!(brought <= plan * (1.0 + 1e-6), "dosed twice: {}", story_so_far());
        assert!(
            doses.len() <= story.intended(),
            "done and not written: {}",
            story_so_far()
        );
        if whole {
            let missing = brought > 0.0 && brought < plan * 0.999;
            assert!(!missing || story.asked, "left out unsaid: {}", story_so_far());
            return (life - 1, story.asked && brought > plan * 0.999);
        }
    }
    (LIVES, false)
}

#[test]
fn crash_after_crash_no_dose_is_brought_twice_and_none_is_left_out_unsaid() {
    let crashes = std::env::var("FIBDECK_CRASHES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(USUAL);
    let run = undisturbed();
    let (done, seed, resumed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while done.load(Ordering::SeqCst) < crashes {
                    let (crashed, went_on) = wear_out(seed.fetch_add(1, Ordering::SeqCst) + 1, run);
                    done.fetch_add(crashed, Ordering::SeqCst);
                    resumed.fetch_add(u64::from(went_on), Ordering::SeqCst);
                }
            });
        }
    });
    let resumed = resumed.into_inner();
    assert!(resumed > 0, "nothing was ever milled to its end after a crash");
}

#[test]
fn a_pattern_that_was_cut_off_is_told_with_its_share_and_only_the_rest_is_milled() {
    let mut story = Story::new();
    let mut dice = Dice(1);
    let (plan, _, seconds) = undisturbed();
    // in the middle of the first box
    let half = (1..200)
        .map(|n| seconds * f64::from(n) / 200.0)
        .find(|seconds| {
            story = Story::new();
            !story.life(End::After(*seconds), &mut dice) && story.doses().first().is_some_and(|(_, d)| *d > 0.0)
        })
        .unwrap();
    assert!(half > 0.0 && !story.asked);
    // whatever went on in the world while nobody looked
    assert!(story.life(End::Never, &mut dice), "{:#?}", story.log);
    assert!(story.asked, "{:#?}", story.log);
    let brought: f64 = story.doses().iter().map(|(_, delivered)| delivered).sum();
    assert!(
        (brought - plan).abs() < 1e-6 * plan,
        "{brought} {plan} {:#?}",
        story.log
    );
    let told = story.log.join("\n");
    assert!(
        told.contains("milling.run") && told.contains('%') || told.contains("done"),
        "{told}"
    );
}

#[test]
fn what_is_no_milling_is_asked_about_too_and_the_watchdogs_word_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut story = Story::new();
    story.begins = "milling.spot-burn points=0.4,0.5;0.6,0.5 exposure_time=60s";
    let mut dice = Dice(1);
    // at the second of the two points
    assert!(!story.life(End::After(90.0), &mut dice));
    assert!(!story.asked);
    let journal = folder.path().join("20260101-000000.open.jsonl");
    let note = r#"{ "time": 1767225700, "sent": true, "why": "the engine ended without a word" }"#;
    std::fs::write(crate::watchdog::note(&journal).unwrap(), note).unwrap();
    story.beside = Some(journal);
    // everything that was written is found
    story.journals = vec![story.whole.clone()];
    assert!(story.life(End::Never, &mut dice), "{:#?}", story.log);
    let told = story.log.join("\n");
    assert!(story.asked && told.contains("milling.spot-burn"), "{told}");
    assert!(told.contains("1 of its acts had changed the sample"), "{told}");
    assert!(told.contains("the watchdog stopped the instrument"), "{told}");
    assert!(told.contains("-> end"), "{told}");
}
