//! `milling.*`: what is milled, and its running.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg};
use super::{Args, Failure, job, result};
use crate::core::{Cx, recover};
use crate::event::{Event, Plan};
use crate::link::Ended;
use crate::plan::{self, Given, Source};
use ::workflow::milling::{self, Mill, SpotBurn, UnderGas};
use hal::Act;
use model::file::{self, Durability};
use model::{Beam, Danger, ErrorKind, Unit};
use pattern::{Eta, MillingTask, Unfinished};
use serde_json::{Value, json};
use std::path::Path;

/// `1,3`: which of the loaded stages.
const STAGES: ArgRow = arg("stages", ArgKind::Text, "numbers of stages, from 1, e.g. 1,3").or("those that are on");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "milling.load",
        doc: "Load what milling.run will mill: an openFIBSEM milling task or protocol, as a file or as JSON.",
        args: &[
            arg("source", ArgKind::PathOrText, "a file, or the task as JSON"),
            arg("task", ArgKind::Json, "the task itself, in place of a file"),
            arg("name", ArgKind::Text, "which task of a protocol").or("the first"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "milling.load source=protocol.yaml name=mill_rough",
        run: |cx, args| Box::pin(load(cx, args)),
    },
    CommandRow {
        name: "milling.save",
        doc: "Write the loaded task to a YAML file that openFIBSEM reads (never over an existing one).",
        args: &[super::row::need("path", ArgKind::Path, "file")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "milling.save path=lamella.yaml",
        run: |cx, args| Box::pin(save(cx, args)),
    },
    CommandRow {
        name: "milling.estimate",
        doc: "How long the loaded task will take, stage by stage, and its dose.",
        args: &[STAGES],
        danger: Danger::None,
        lane: Lane::Now,
        example: "milling.estimate",
        run: |cx, args| Box::pin(estimate(cx, args)),
    },
    CommandRow {
        name: "milling.run",
        doc: "Mill the loaded task: its stages in order. An error ends it, and the beam is put back as it was.",
        args: &[
            STAGES,
            arg("path", ArgKind::Path, "folder of the pictures").or("the session's folder"),
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "milling.run stages=1,2",
        run: |cx, args| Box::pin(run(cx, args, None)),
    },
    CommandRow {
        name: "milling.continue",
        doc: "Mill what the last run left: of the stage that was cut off what is missing, then those after it.",
        args: &[arg("path", ArgKind::Path, "folder of the pictures").or("the session's folder")],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "milling.continue",
        run: |cx, args| Box::pin(go_on(cx, args)),
    },
    CommandRow {
        name: "milling.pause",
        doc: "Hold the pattern between two dwells.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "milling.pause",
        run: |cx, _| Box::pin(job::pause(cx, true)),
    },
    CommandRow {
        name: "milling.resume",
        doc: "Let the paused pattern go on.",
        args: &[],
        danger: Danger::Sample,
        lane: Lane::Now,
        example: "milling.resume",
        run: |cx, _| Box::pin(job::pause(cx, false)),
    },
    CommandRow {
        name: "milling.stop",
        doc: "End the milling that runs, and wait until it has; nothing happens where none does. What it changed for itself is put back.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "milling.stop",
        run: |cx, _| Box::pin(stop(cx)),
    },
    CommandRow {
        name: "milling.clear",
        doc: "Take the patterns off the instrument and forget the loaded task.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Job,
        example: "milling.clear",
        run: |cx, _| Box::pin(clear(cx)),
    },
    CommandRow {
        name: "milling.state",
        doc: "What the patterning engine does, and how the milling task stands.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "milling.state",
        run: |cx, _| Box::pin(state(cx)),
    },
    CommandRow {
        name: "milling.spot-burn",
        doc: "Park the beam at points of the picture, as marks.",
        args: &[
            super::row::need(
                "points",
                ArgKind::Text,
                "x,y;x,y as fractions from the top left, e.g. 0.4,0.5;0.6,0.5",
            ),
            arg("exposure_time", ArgKind::Number(Unit::Second), "time at each point").or("10 s"),
            arg("milling_current", ArgKind::Number(Unit::Ampere), "current").or("60 pA"),
            arg("preset", ArgKind::Text, "preset, where the instrument mills by presets").or("the one of that current"),
            arg("beam", ArgKind::Beam, "which").or("ion"),
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "milling.spot-burn points=0.4,0.5;0.6,0.5 exposure_time=5s",
        run: |cx, args| Box::pin(spot_burn(cx, args)),
    },
];

/// What a load that fails leaves.
const UNTOUCHED: &str = "the loaded task stays as it was";

async fn load(cx: Cx, args: Args) -> Ended {
    let (source, file) = match (args.json("task"), args.text("source")) {
        (Some(task), _) => (Source::Json(task), None),
        (None, Some(text)) if super::is_text(text) => (Source::Text(text), None),
        (None, Some(path)) => (Source::File(path), Some(path.to_owned())),
        (None, None) => {
            return Err(Failure::usage(
                "nothing to load was named; the loaded task stays as it was",
                "milling.load source=FILE, or task={...}",
            ));
        }
    };
    let Given { task, notes } = plan::read(source, args.text("name"), UNTOUCHED)?;
    let plan = Plan {
        estimate: Eta::of_task(&task, cx.core.snapshot().planner()).first(),
        notes,
        task,
        file,
    };
    cx.core.publish(Event::Plan {
        plan: Some(Box::new(plan.clone())),
    });
    result(plan)
}

/// The task that was loaded last.
pub(crate) fn loaded(cx: &Cx) -> Result<MillingTask, Failure> {
    let plan = cx.core.snapshot().plan.clone();
    plan.map(|plan| plan.task).ok_or_else(|| {
        Failure::usage(
            "no milling task is loaded; nothing was milled",
            "load one (milling.load), or make one in the Milling tab",
        )
    })
}

/// The loaded task with only the named stages on.
fn chosen(cx: &Cx, args: &Args) -> Result<MillingTask, Failure> {
    let mut task = loaded(cx)?;
    let Some(text) = args.text("stages") else {
        return Ok(task);
    };
    let count = task.stages.len();
    let wrong = |part: &str| {
        Failure::usage(
            format!(
                "`{}` is no stage of this task; nothing was milled",
                model::text::printable(part)
            ),
            format!("numbers from 1 to {count}, e.g. stages=1,2"),
        )
    };
    let mut on = vec![false; count];
    for part in text.split(',') {
        let number: usize = part.trim().parse().map_err(|_| wrong(part))?;
        let slot = number
            .checked_sub(1)
            .and_then(|i| on.get_mut(i))
            .ok_or_else(|| wrong(part))?;
        *slot = true;
    }
    for (stage, on) in task.stages.iter_mut().zip(on) {
        stage.enabled = on;
    }
    Ok(task)
}

async fn save(cx: Cx, args: Args) -> Ended {
    let path = args.need(args.text("path"), "path")?;
    let Some(mut plan) = cx.core.snapshot().plan.clone() else {
        return Err(Failure::usage(
            "no milling task is loaded; nothing was written",
            "load or make one first",
        ));
    };
    let text = plan::beside(plan.task.clone(), Path::new(path))
        .to_yaml()
        .map_err(|e| {
            Failure::new(
                ErrorKind::File,
                format!("the task cannot be written: {e}; nothing was"),
                "look at its names and numbers",
            )
        })?;
    let written = file::create(Path::new(path), Durability::Synced, |out| {
        std::io::Write::write_all(out, text.as_bytes())
    })
    .map_err(|e| {
        Failure::new(
            ErrorKind::File,
            format!("the task was not saved: {e}"),
            "choose another path",
        )
    })?;
    plan.file = Some(written.display().to_string());
    cx.core.publish(Event::Plan {
        plan: Some(Box::new(plan)),
    });
    Ok(json!({ "file": written }))
}

async fn estimate(cx: Cx, args: Args) -> Ended {
    let task = chosen(&cx, &args)?;
    let snapshot = cx.core.snapshot();
    let planner = snapshot.planner();
    let stages: Vec<Value> = task
        .enabled()
        .map(|(i, stage)| {
            let seconds = pattern::estimate::stage_time(stage, planner);
            json!({
                "stage": i + 1, "name": stage.name, "beam_time_s": seconds, "current_a": stage.milling.milling_current,
                "depth_m": stage.pattern.depth(), "dose_c": seconds * stage.milling.milling_current,
            })
        })
        .collect();
    Ok(json!({ "task": task.name, "total_s": Eta::of_task(&task, planner).first(), "stages": stages }))
}

/// Mills the loaded task; under gas it deposits.
pub(crate) async fn run(cx: Cx, args: Args, gas: Option<UnderGas>) -> Ended {
    let task = chosen(&cx, &args)?;
    let params = Mill {
        task,
        path: args.text("path").map(str::to_owned),
        gas,
        rest: None,
    };
    result(milling::run(cx.job()?, params).await?)
}

/// The stage may stand so far (m, rad) from where the run ended.
const MOVED: f64 = 5e-6;

/// What the last run left, if it can be milled where the stage stands.
fn unfinished(cx: &Cx) -> Result<Unfinished, Failure> {
    let snapshot = cx.core.snapshot();
    let left = snapshot.milling.as_ref().and_then(|run| run.unfinished.as_deref());
    let Some(left) = left else {
        return Err(Failure::usage(
            "no run was cut off of which it is known what is missing; nothing was milled",
            "milling.run mills the loaded task",
        ));
    };
    match &snapshot.stage {
        Some(stage) if stage.value.state.pose.is_close(&left.pose, MOVED) => Ok(left.clone()),
        _ => Err(Failure::new(
            ErrorKind::Interlock,
            format!(
                "the stage is not where the run ended ({}); nothing was milled",
                left.pose
            ),
            "move it back there (stage.move-absolute), or mill the stages that are missing anew (milling.run stages=)",
        )),
    }
}

async fn go_on(cx: Cx, args: Args) -> Ended {
    let Unfinished { task, rest, .. } = unfinished(&cx)?;
    // a crash finds in its journal what was to be milled
    recover::goes_on(&cx, &task, &rest).await?;
    let params = Mill {
        task,
        path: args.text("path").map(str::to_owned),
        gas: None,
        rest: Some(rest),
    };
    result(milling::run(cx.job()?, params).await?)
}

/// Ends the job that mills, and no other.
async fn stop(cx: Cx) -> Ended {
    let job = cx.core.snapshot().running().cloned();
    let Some(job) = job.filter(|job| mills(&job.command.name)) else {
        let phase = cx.scope()?.patterning().await?.value.phase;
        if phase.is_active() {
            return Err(Failure::new(
                ErrorKind::Interlock,
                "a beam mills, and not for a job of fibdeck; it was not ended",
                "`stop` halts whatever runs",
            ));
        }
        return Ok(json!({ "stopped": false }));
    };
    cx.core.lanes.stop_job(Some(job.id));
    let mut snapshots = cx.core.bus.watch();
    // the sender lives as long as the engine
    let _ = snapshots
        .wait_for(|snapshot| snapshot.jobs.iter().all(|j| j.id != job.id || j.end.is_some()))
        .await;
    Ok(json!({ "stopped": true, "id": job.id }))
}

/// Commands whose work is a pattern.
fn mills(name: &str) -> bool {
    [
        "milling.run",
        "milling.continue",
        "milling.spot-burn",
        "patterning.run",
        "gis.pattern",
    ]
    .contains(&name)
}

async fn clear(cx: Cx) -> Ended {
    cx.job()?.act(Act::PatternsClear).await?;
    cx.core.publish(Event::Plan { plan: None });
    Ok(json!({ "cleared": true }))
}

async fn state(cx: Cx) -> Ended {
    let patterning = cx.scope()?.patterning().await?.value;
    let run = cx.core.snapshot().milling.clone();
    Ok(json!({
        "state": patterning.phase.word(), "progress": patterning.fraction(), "remaining_s": patterning.remaining(),
        "patterning": patterning, "run": run,
    }))
}

async fn spot_burn(cx: Cx, args: Args) -> Ended {
    let text = args.need(args.text("points"), "points")?;
    let point = |part: &str| {
        let (x, y) = part.split_once(',')?;
        let (x, y): (f64, f64) = (x.trim().parse().ok()?, y.trim().parse().ok()?);
        (x.is_finite() && y.is_finite()).then_some(model::Point { x, y })
    };
    let coordinates: Option<Vec<model::Point>> = text.split(';').map(point).collect();
    let defaults = SpotBurn::default();
    let params = SpotBurn {
        coordinates: coordinates.ok_or_else(|| {
            Failure::usage(
                "those points make no sense; nothing was burned",
                "x,y;x,y as fractions from the top left, e.g. points=0.4,0.5;0.6,0.5",
            )
        })?,
        exposure_time: args.number("exposure_time").unwrap_or(defaults.exposure_time),
        milling_current: args.number("milling_current").unwrap_or(defaults.milling_current),
        preset: args.text("preset").map(str::to_owned),
        beam: args.beam("beam").unwrap_or(Beam::Ion),
    };
    result(milling::spot_burn(cx.job()?, params).await?)
}
