//! A disk that is full: nothing that changes the sample is begun, the job waits, and goes on when there is room.

use super::*;
use crate::core::{Ground, here_on};
use crate::event::Event;
use crate::journal::disk::Disk;
use crate::journal::{Entry, Journal, line};
use crate::link::Heard;
use hal::Act;
use model::Severity;
use pattern::figure::Rectangle;
use pattern::{MillingStage, MillingTask, Pattern};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A disk that is full while it is said to be.
#[derive(Clone, Default)]
struct Full {
    kept: Arc<Mutex<Vec<u8>>>,
    full: Arc<AtomicBool>,
}

impl Disk for Full {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.kept.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn task() -> MillingTask {
    let one = Rectangle {
        width: 2e-6,
        height: 1e-6,
        depth: 0.1e-6,
        ..Rectangle::default()
    };
    let mut task = MillingTask {
        name: "box".to_owned(),
        stages: vec![MillingStage {
            name: "one".to_owned(),
            pattern: Pattern::new(one),
            ..MillingStage::default()
        }],
        ..MillingTask::default()
    };
    task.alignment.enabled = false;
    task.acquisition.acquire_final_image = false;
    task
}

/// Was the beam ever let onto the sample?
fn begun(truth: &Value) -> bool {
    truth["milling"].as_array().is_some_and(|patterns| !patterns.is_empty())
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_holds_a_job_before_it_changes_the_sample_and_lets_it_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Full::default();
    let ground = Ground {
        journal: Journal::inline(Box::new(disk.clone())),
        left: Vec::new(),
        trouble: None,
    };
    let (_core, link, _clock) = here_on(options(folder.path()), ground);
    let run = |line: &'static str| {
        let link = link.clone();
        async move { link.run(parse::line(line).unwrap()).await.unwrap() }
    };
    run("system.connect").await;
    let load = crate::Command::new("milling.load").with("task", serde_json::to_value(task()).unwrap());
    link.run(load).await.unwrap();
    disk.full.store(true, Ordering::SeqCst);
    let mut heard = link.listen();
    let milled = link.send(parse::line("milling.run").unwrap());
    let id = loop {
        if let Heard::Event(event) = heard.recv().await.unwrap()
            && let Event::JobPaused { id, paused: true } = event.event
        {
            break id;
        }
    };
    assert!(!begun(&run("truth").await));
    let alarm = |s: &crate::Snapshot| {
        let alarms = s.notices.iter().filter(|n| n.notice.severity == Severity::Alarm);
        alarms
            .filter(|n| n.notice.title.starts_with("paused: the journal"))
            .count()
    };
    until(&link, |s| alarm(s) == 1).await;
    // let go while the disk is still full: held again, and told again
    run("job.resume").await;
    until(&link, |s| alarm(s) == 2).await;
    assert!(!begun(&run("truth").await));
    disk.full.store(false, Ordering::SeqCst);
    run("job.resume").await;
    milled.ended().await.unwrap();
    let truth = run("truth").await;
    let milling = &truth["milling"][0];
    let (planned, delivered) = (
        milling["planned_dose_c"].as_f64().unwrap(),
        milling["delivered_dose_c"].as_f64().unwrap(),
    );
    assert!((planned - delivered).abs() < 1e-9 * planned, "{milling}");
    assert!(link.snapshot().jobs.iter().any(|job| job.id == id && job.end.is_some()));
    // every intent has its outcome, and that of the one act that was let out is written first
    let read = line::read(&disk.kept.lock().unwrap());
    assert!(read.damaged.is_empty());
    let mut open = Vec::new();
    for (_, entry) in &read.entries {
        match entry {
            Entry::Intent { act, what, .. } => open.push((*act, matches!(what, Act::PatternStart { .. }))),
            Entry::Outcome { act, .. } => open.retain(|(other, _)| other != act),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
