//! Shapes onto the sample: loaded, started, watched to their end, with drift corrected at intervals where the task asks for it.
//!
//! For a correction the pattern is ended between two dwells, what each shape still lacks is loaded anew, the picture is brought back
//! onto the reference, and milling goes on: nothing is dosed twice, on any instrument that can be stopped.

use super::report::Report;
use super::stage::{align, planned_current};
use super::{Run, gas};
use crate::JobError;
use hal::{Act, HalError, Outcome};
use model::{ErrorKind, Frame, ImageSettings, PatterningState, Shape};
use pattern::{MillingStage, remaining, remaining_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What of a stage is drawn at once.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    /// How many shapes of the stage come before.
    pub before: usize,
    pub shapes: &'a [Shape],
    /// Those that other turns draw after this one.
    pub later: &'a [Option<Shape>],
}

impl Turn<'_> {
    /// What is left of the stage when this is left of the turn.
    fn left(&self, now: Vec<Option<Shape>>) -> Vec<Option<Shape>> {
        let before = std::iter::repeat_n(None, self.before);
        before.chain(now).chain(self.later.iter().cloned()).collect()
    }
}

/// Draws a turn with the beam as it is set up.
pub(super) async fn draw(
    run: &Run<'_>,
    stage: &MillingStage,
    turn: Turn<'_>,
    reference: Option<&(Frame, ImageSettings)>,
    report: &mut Report<'_>,
) -> Result<(), JobError> {
    let alignment = &run.task.alignment;
    let interval = (alignment.enabled && alignment.interval_enabled).then_some(f64::from(alignment.interval));
    let interval = interval.filter(|_| reference.is_some());
    let mut left = turn.shapes.to_vec();
    let _gas = gas::Flow::open(run).await?;
    while !left.is_empty() {
        let estimate = load(run, &left).await?;
        let volume = |shapes: &mut dyn Iterator<Item = &Shape>| shapes.map(Shape::volume).sum::<f64>();
        let (now, after) = (volume(&mut left.iter()), volume(&mut turn.later.iter().flatten()));
        report.milling(estimate, if now > 0.0 { after / now } else { 0.0 });
        let drawn = start(run, stage, interval, report).await;
        if drawn.is_err() {
            report.leaves(seen(run, &left).await.map(|now| turn.left(now)));
        }
        match drawn? {
            Drawn::Whole => {
                report.leaves(Some(turn.left(vec![None; left.len()])));
                break;
            }
            Drawn::Interrupted(state) => {
                left = remaining_of(&left, &state.done);
                report.leaves(Some(turn.left(left.iter().cloned().map(Some).collect())));
                run.cx.act(Act::PatternsClear).await?;
                if let (false, Some((frame, settings))) = (left.is_empty(), reference) {
                    report.doing("correcting drift");
                    align(run, frame, settings, false).await?;
                }
            }
        }
    }
    _gas.close(run).await?;
    run.cx.act(Act::PatternsClear).await.map(drop)
}

/// What the instrument has left of the shapes that are loaded, where it says so now and draws no more.
async fn seen(run: &Run<'_>, shapes: &[Shape]) -> Option<Vec<Option<Shape>>> {
    let now = run.cx.scope().patterning().await.ok()?;
    let (known, done) = (now.age <= 0.0 && !now.value.phase.is_active(), now.value.done);
    let each = shapes.iter().zip(&done);
    (known && done.len() == shapes.len()).then(|| each.map(|(shape, done)| remaining(shape, *done)).collect())
}

/// The instrument's estimate, s.
async fn load(run: &Run<'_>, shapes: &[Shape]) -> Result<f64, JobError> {
    let shapes = shapes.to_vec();
    match run.cx.act(Act::PatternsLoad { shapes }).await? {
        Outcome::Estimate(seconds) => Ok(seconds),
        _ => Ok(0.0),
    }
}

enum Drawn {
    Whole,
    Interrupted(PatterningState),
}

/// Draws what is loaded to its end, or until `interval` seconds of beam time have passed.
async fn start(
    run: &Run<'_>,
    stage: &MillingStage,
    interval: Option<f64>,
    report: &mut Report<'_>,
) -> Result<Drawn, JobError> {
    loop {
        match once(run, stage, interval, report).await {
            Err(error) if run.cx.held(&error).await => {}
            ended => return Ok(ended?),
        }
    }
}

async fn once(
    run: &Run<'_>,
    stage: &MillingStage,
    interval: Option<f64>,
    report: &mut Report<'_>,
) -> Result<Drawn, HalError> {
    let cx = run.cx;
    cx.host.unpaused().await;
    if cx.hand.is_ended() {
        return Err(HalError::stopped());
    }
    let act = Act::PatternStart {
        channel: run.task.channel,
        current: planned_current(run, stage),
    };
    // a hand of its own, so that an interval can end the pattern and not the job
    let (hand, release) = cx.hand.child();
    let due = Arc::new(AtomicBool::new(false));
    let watch = report.watcher();
    let watched = {
        let (due, watch, release) = (due.clone(), watch.clone(), release.clone());
        hand.act_watched(act, move |fraction, remaining| {
            let spent = watch.seen(fraction, remaining);
            if interval.is_some_and(|interval| spent >= interval) && !due.swap(true, Ordering::SeqCst) {
                release.cancel();
            }
        })
    };
    let result = watched.await;
    report.take(&watch, result.is_ok());
    match result {
        Ok(_) => Ok(Drawn::Whole),
        Err(error) if error.kind == ErrorKind::Stopped && due.load(Ordering::SeqCst) && !cx.hand.is_ended() => {
            Ok(Drawn::Interrupted(cx.scope().patterning().await?.value))
        }
        Err(error) => Err(error),
    }
}
