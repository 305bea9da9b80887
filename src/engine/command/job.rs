//! `job.*`, `stop`, `answer`, `control.*`: what runs and who may.

use super::row::{ArgKind, CommandRow, Lane, arg, need};
use super::{Args, Failure, result};
use crate::core::{Cx, owed, recover};
use crate::event::Event;
use crate::link::Ended;
use ::workflow::cx::Answer;
use hal::Act;
use model::{Danger, ErrorKind, PatterningPhase};
use serde_json::json;

const ANY_ID: ArgKind = ArgKind::Count(1, u32::MAX);

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "job.list",
        doc: "The jobs of this session, newest last.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "job.list",
        run: |cx, _| Box::pin(async move { result(&cx.core.snapshot().jobs) }),
    },
    CommandRow {
        name: "job.pause",
        doc: "Hold the running job: a pattern between two dwells, anything else before its next act.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "job.pause",
        run: |cx, _| Box::pin(pause(cx, true)),
    },
    CommandRow {
        name: "job.resume",
        doc: "Let the paused job go on.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "job.resume",
        run: |cx, _| Box::pin(pause(cx, false)),
    },
    CommandRow {
        name: "job.stop",
        doc: "End the running job; what it changed for itself is put back.",
        args: &[arg("id", ANY_ID, "which").or("the running one")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "job.stop",
        run: |cx, args| Box::pin(stop_job(cx, args)),
    },
    CommandRow {
        name: "job.restore",
        doc: "Put back what a job stopped by the red button left changed; `forget=true` lets it be.",
        args: &[arg("forget", ArgKind::Bool, "only take it off the list").or("false")],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "job.restore",
        run: |cx, args| Box::pin(owed::restore(cx, args.flag("forget").unwrap_or(false))),
    },
    CommandRow {
        name: "job.recover",
        doc: "Ask again what to do about what a crash of the engine cut off, where that is still open.",
        args: &[],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "job.recover",
        run: |cx, _| Box::pin(recover::recover(cx)),
    },
    CommandRow {
        name: "stop",
        doc: "The red button: halt everything, blank the beams, and then nothing moves. Open to everyone.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "stop",
        run: |cx, _| Box::pin(async move { result(cx.core.stop_and_confirm(&cx.by).await) }),
    },
    CommandRow {
        name: "answer",
        doc: "Answer a job's question.",
        args: &[
            need("id", ANY_ID, "number of the question"),
            need("choice", ArgKind::Text, "one of its choices"),
            arg(
                "data",
                ArgKind::Json,
                "what was changed of what it shows: points, areas, patterns",
            ),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "answer id=12 choice=yes",
        run: |cx, args| Box::pin(answer(cx, args)),
    },
    CommandRow {
        name: "control.take",
        doc: "Take control, from whoever has it; everyone is told.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "control.take",
        run: |cx, _| {
            Box::pin(async move {
                cx.core.publish(Event::Control {
                    holder: Some(cx.by.clone()),
                });
                Ok(json!({ "control": cx.by }))
            })
        },
    },
    CommandRow {
        name: "control.release",
        doc: "Give control up.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "control.release",
        run: |cx, _| {
            Box::pin(async move {
                if cx.core.snapshot().control.as_deref() == Some(cx.by.as_str()) {
                    cx.core.publish(Event::Control { holder: None });
                }
                Ok(json!({ "control": cx.core.snapshot().control }))
            })
        },
    },
];

fn no_job() -> Failure {
    Failure::new(
        ErrorKind::Other,
        "no such job runs; nothing was changed",
        "job.list shows what there is",
    )
}

/// Holds the job and the pattern it draws, or lets both go on.
pub(crate) async fn pause(cx: Cx, paused: bool) -> Ended {
    let id = cx.core.lanes.pause_job(paused)?;
    cx.core.publish(Event::JobPaused { id, paused });
    let scope = cx.scope()?;
    if scope.capabilities().milling.is_some() {
        let (from, act) = match paused {
            true => (PatterningPhase::Running, Act::PatternPause),
            false => (PatterningPhase::Paused, Act::PatternResume),
        };
        if scope.patterning().await?.value.phase == from {
            let (hand, _release) = scope.hand(format!("pause by {}", cx.by));
            hand.act(act).await?;
        }
    }
    Ok(json!({ "id": id, "paused": paused }))
}

async fn stop_job(cx: Cx, args: Args) -> Ended {
    if cx.core.lanes.stop_job(args.id("id")) {
        Ok(json!({ "stopping": true }))
    } else {
        Err(no_job())
    }
}

async fn answer(cx: Cx, args: Args) -> Ended {
    let id = args.need(args.id("id"), "id")?;
    let choice = args.need(args.text("choice"), "choice")?.to_owned();
    let answer = Answer {
        choice: choice.clone(),
        data: args.json("data").cloned(),
    };
    cx.core.lanes.answer(id, answer, &cx.by)?;
    Ok(json!({ "id": id, "choice": choice }))
}
