//! Jogging: one step under way, the newest waiting, nothing after the key is let go.

use super::*;
use crate::Command;
use crate::link::Receipt;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const UM: f64 = 1e-6;

fn step(length: f64) -> Command {
    Command::new("stage.jog").with("axis", "x").with("step", length)
}

/// Did this step move the stage? A step that did says where it ended, one that did not says so and why.
async fn moved(receipt: Receipt) -> bool {
    let result = receipt.ended().await.unwrap();
    assert!(result.get("x").is_some() != (result["moved"] == false), "{result}");
    result.get("x").is_some()
}

/// A connected twin, and how long one step of 10 um takes.
async fn measured() -> (Here, Duration) {
    let here = Here::connected(|_| {}).await;
    let before = Instant::now();
    assert!(moved(here.link.send(step(10.0 * UM))).await);
    let took = before.elapsed();
    assert!(took > Duration::from_millis(400), "{took:?}");
    (here, took)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[tokio::test(start_paused = true)]
async fn a_held_key_goes_on_and_a_burst_counts_once() {
    let here = Here::connected(|_| {}).await;
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(here.link.send(step(10.0 * UM)));
        sleep(Duration::from_millis(50)).await;
    }
    let mut steps = 0;
    for receipt in held {
        steps += usize::from(moved(receipt).await);
    }
    assert!((2..=6).contains(&steps), "{steps} steps in three seconds");
    assert!(near(here.x().await, steps as f64 * 10.0 * UM));
    assert_eq!(here.core.snapshot().jobs.len(), steps);

    let before = here.x().await;
    let burst: Vec<Receipt> = (0..50).map(|_| here.link.send(step(10.0 * UM))).collect();
    let mut steps = 0;
    for receipt in burst {
        steps += usize::from(moved(receipt).await);
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(steps, 1);
    assert!(near(here.x().await, before + 10.0 * UM));
}

#[tokio::test(start_paused = true)]
async fn the_newest_step_goes_next_and_only_within_the_lease() {
    for (early, goes) in [(250, true), (350, false)] {
        let (here, took) = measured().await;
        let first = here.link.send(step(10.0 * UM));
        sleep(took - Duration::from_millis(early + 20)).await;
        let older = here.link.send(step(-700.0 * UM));
        sleep(Duration::from_millis(20)).await;
        let newest = here.link.send(step(-10.0 * UM));
        assert!(moved(first).await && !moved(older).await);
        assert_eq!(moved(newest).await, goes, "{early} ms before the step ended");
        sleep(Duration::from_secs(10)).await;
        assert!(near(here.x().await, if goes { 10.0 * UM } else { 20.0 * UM }));
    }
}

#[tokio::test(start_paused = true)]
async fn stop_and_job_stop_end_the_step_and_who_waits() {
    for with_all in [true, false] {
        let (here, took) = measured().await;
        let (first, waiting) = (here.link.send(step(10.0 * UM)), here.link.send(step(10.0 * UM)));
        sleep(took / 4).await;
        if with_all {
            here.link.stop();
        } else {
            here.run("job.stop").await.unwrap();
        }
        assert_eq!(first.ended().await.unwrap_err().kind, ErrorKind::Stopped);
        assert_eq!(waiting.ended().await.unwrap_err().kind, ErrorKind::Stopped);
        let there = here.x().await;
        assert!(there < 21.0 * UM, "the step that waited did not go");
        sleep(Duration::from_secs(5)).await;
        assert_eq!(here.x().await, there);
        // the lease is free again
        assert!(moved(here.link.send(step(1.0 * UM))).await);
    }
}

#[tokio::test(start_paused = true)]
async fn losing_control_ends_the_lease() {
    let (here, took) = measured().await;
    let first = here.link.send(step(10.0 * UM));
    sleep(took - Duration::from_millis(200)).await;
    let waiting = here.link.send(step(10.0 * UM));
    sleep(Duration::from_millis(50)).await;
    let other = here.link.named("night shift");
    other.run(Command::new("control.take")).await.unwrap();
    // somebody else's step does not take the waiting place
    assert_eq!(other.run(step(-UM)).await.unwrap_err().kind, ErrorKind::Busy);
    assert!(moved(first).await);
    assert_eq!(waiting.ended().await.unwrap_err().kind, ErrorKind::Busy);
    assert!(near(here.x().await, 20.0 * UM));
    assert!(moved(other.send(step(-UM))).await);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_no_step_and_a_step_is_a_job() {
    let (here, _) = measured().await;
    let long = here.link.send(parse::line("stage.move-relative x=1mm").unwrap());
    sleep(Duration::from_millis(100)).await;
    let failure = here.link.run(step(1.0 * UM)).await.unwrap_err();
    assert!(
        failure.kind == ErrorKind::Busy && failure.title.contains("stage.move-relative"),
        "{failure}"
    );
    long.ended().await.unwrap();
    let under_way = here.link.send(step(10.0 * UM));
    sleep(Duration::from_millis(100)).await;
    let failure = here.run("stage.move-relative x=1um").await.unwrap_err();
    assert!(
        failure.kind == ErrorKind::Busy && failure.title.contains("stage.jog"),
        "{failure}"
    );
    assert!(moved(under_way).await);
}
