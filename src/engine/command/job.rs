//! `job.*`, `stop`, `answer`, `control.*`: what runs and who may.

use super::row::{ArgKind, CommandRow, Lane, arg, need};
use super::{Args, Failure, result};
use crate::core::Cx;
use crate::event::Event;
use crate::link::Ended;
use model::{Danger, ErrorKind};
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
        doc: "Hold the running job before its next act.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "job.pause",
        run: |cx, _| Box::pin(async move { pause(&cx, true) }),
    },
    CommandRow {
        name: "job.resume",
        doc: "Let the paused job go on.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "job.resume",
        run: |cx, _| Box::pin(async move { pause(&cx, false) }),
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

fn pause(cx: &Cx, paused: bool) -> Ended {
    let id = cx.core.lanes.pause_job(paused)?;
    cx.core.publish(Event::JobPaused { id, paused });
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
    cx.core.lanes.answer(id, &choice)?;
    Ok(json!({ "id": id, "choice": choice }))
}
