//! Days of work in virtual time, under a storm of faults: nothing may get stuck and nothing may grow.
//!
//! Every test run does half a simulated hour; `cargo xtask soak` does 72 and then looks at the memory, too. What is burnt into the twin's sample
//! and laid on it is remembered as long as the sample is there, so another one comes in every few hours, as people bring them.

use crate::run::{Place, twin};
use engine::command::parse;
use engine::link::Link;
use std::fs;

/// Simulated hours of a usual test run.
const USUAL: f64 = 0.5;
/// Memory may grow by this share from the middle third of the time to the last. The first fills caches, and the heap stays as large as the
/// largest sample has made it.
const GROWTH: f64 = 0.05;

/// The faults of a bad night, and another sample every six hours.
const FAULTS: &str = concat!(
    include_str!("../../config/faults/storm.yaml"),
    "- {at: 21600, every: 21600, kind: new-sample}\n"
);

/// A shift's work in small. Faults make some of it fail, and the next one begins all the same.
const CYCLE: &[&str] = &[
    "system.connect",
    "chamber.pump",
    "beam.on beam=both",
    "beam.unblank beam=both",
    "stage.orientation name=SEM",
    "stage.move-absolute x=0m y=0m z=4mm",
    "image.acquire beam=electron resolution=384x256 save=false",
    "stage.stable-move dx=20um dy=-10um beam=electron",
    "stage.orientation name=MILLING",
    "image.acquire beam=ion resolution=384x256 save=false",
    "milling.spot-burn points=0.4,0.5;0.6,0.5 exposure_time=2s",
    "manipulator.insert",
    "manipulator.retract",
    "gis.deposit time=5s",
    "job.restore",
    "system.wait seconds=600",
];

fn told<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Resident memory of this process, pages; where the system says so.
fn memory() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

async fn cycle(link: &Link, done: &mut [usize]) {
    for (n, line) in CYCLE.iter().enumerate() {
        let ended = link.run(parse::line(line).unwrap()).await;
        done[n] += usize::from(ended.is_ok());
        let snapshot = link.snapshot();
        assert!(
            snapshot.running().is_none(),
            "{line}: still runs: {:#?}",
            snapshot.running()
        );
        assert!(snapshot.question.is_none(), "{line}: {:#?}", snapshot.question);
    }
    let state = link.run(parse::line("system.state").unwrap()).await;
    assert!(state.is_ok(), "{state:?}");
}

#[test]
fn hours_under_the_storm_leave_nothing_stuck() {
    let whole = told::<f64>("FIBDECK_HOURS");
    let hours = whole.unwrap_or(USUAL);
    let place = Place::new();
    let faults = place.path("faults.yaml");
    fs::write(&faults, FAULTS).unwrap();
    let engine = twin(&place, faults.to_str(), |_| {});
    let link = engine.link("endurance");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let begun = link.snapshot().time;
        let passed = || (link.snapshot().time - begun) / 3600.0;
        let mut done = vec![0; CYCLE.len()];
        // the most there was in each third of the time, pages
        let mut most = [0.0f64; 3];
        while passed() < hours {
            cycle(&link, &mut done).await;
            let third = ((passed() / hours * 3.0) as usize).min(2);
            let pages = memory().unwrap_or(0.0);
            most[third] = most[third].max(pages);
            if whole.is_some() {
                println!("{:.1} h: {pages} pages", passed());
            }
        }
        let never: Vec<&str> = CYCLE
            .iter()
            .zip(&done)
            .filter(|(_, n)| **n == 0)
            .map(|(line, _)| *line)
            .collect();
        assert!(
            never.len() < CYCLE.len() / 2,
            "hardly anything was ever done: {never:?}"
        );
        println!("{:.1} simulated hours, {done:?} of each done", passed());
        // beside other tests the memory of this process says nothing
        if whole.is_some() {
            println!("resident, pages, by thirds of the time: {most:?}");
            assert!(most[2] <= most[1] * (1.0 + GROWTH), "it grows: {most:?} pages");
        }
    });
}
