//! `patterning.*`: the patterning engine step by step, for clients that plan their own milling; `milling.*` is the way with a task.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, result};
use crate::core::{Cx, lock};
use crate::link::Ended;
use ::workflow::milling::{self, Column};
use hal::Act;
use model::{Beam, Danger, MillingSettings, Shape, Unit};
use serde_json::json;

const CURRENT: ArgRow = arg("current", ArgKind::Number(Unit::Ampere), "current of the beam").or("as it is");
const VOLTAGE: ArgRow = arg("voltage", ArgKind::Number(Unit::Volt), "voltage of the beam").or("as it is");
const BEAM: ArgRow = arg("beam", ArgKind::Beam, "which").or("ion");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "patterning.setup",
        doc: "Clear the patterns, and set patterning engine and beam for milling.",
        args: &[need(
            "settings",
            ArgKind::Json,
            "openFIBSEM's FibsemMillingSettings; what is left out is its default",
        )],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "patterning.setup settings='{\"milling_current\":7.4e-10,\"hfw\":8e-5}'",
        run: |cx, args| Box::pin(setup(cx, args)),
    },
    CommandRow {
        name: "patterning.load",
        doc: "Add shapes to those that are loaded; those that were drawn already are taken off first.",
        args: &[need("shapes", ArgKind::Json, "a list of shapes")],
        danger: Danger::None,
        lane: Lane::Job,
        example: "patterning.load shapes='[{\"kind\":\"rectangle\",\"width\":1e-5,\"height\":5e-6,\"depth\":1e-6,\"centre_x\":0,\"centre_y\":0}]'",
        run: |cx, args| Box::pin(load(cx, args)),
    },
    CommandRow {
        name: "patterning.run",
        doc: "Draw what is loaded to its end. After a stop only what is left of it is drawn.",
        args: &[CURRENT, VOLTAGE, BEAM],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "patterning.run current=0.74nA voltage=30kV",
        run: |cx, args| Box::pin(run(cx, args)),
    },
    CommandRow {
        name: "patterning.clear",
        doc: "Take the patterns off the instrument; a loaded milling task stays.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Job,
        example: "patterning.clear",
        run: |cx, _| {
            Box::pin(async move {
                cx.job()?.act(Act::PatternsClear).await?;
                lock(&cx.core.shapes).clear();
                Ok(json!({ "cleared": true }))
            })
        },
    },
    CommandRow {
        name: "patterning.finish",
        doc: "Take the patterns off and set the beam for pictures.",
        args: &[CURRENT, VOLTAGE, BEAM],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "patterning.finish current=20pA voltage=30kV",
        run: |cx, args| {
            Box::pin(async move {
                let beam = args.beam("beam").unwrap_or(Beam::Ion);
                milling::finish(cx.job()?, beam, column(&args)).await?;
                lock(&cx.core.shapes).clear();
                Ok(json!({ "finished": true }))
            })
        },
    },
];

fn column(args: &Args) -> Column {
    Column {
        current: args.number("current"),
        voltage: args.number("voltage"),
    }
}

fn given<T: serde::de::DeserializeOwned>(args: &Args, name: &str, untouched: &str) -> Result<T, Failure> {
    let given = args.need(args.json(name), name)?.clone();
    serde_json::from_value(given).map_err(|e| {
        Failure::usage(
            format!("`{name}` makes no sense: {e}; {untouched}"),
            "see `fibdeck do --list`",
        )
    })
}

async fn setup(cx: Cx, args: Args) -> Ended {
    let settings: MillingSettings = given(&args, "settings", "nothing was set")?;
    let set = milling::set_up(cx.job()?, settings).await?;
    lock(&cx.core.shapes).clear();
    result(set)
}

async fn load(cx: Cx, args: Args) -> Ended {
    let shapes: Vec<Shape> = given(&args, "shapes", "nothing was loaded")?;
    let loaded = milling::load(cx.job()?, shapes.clone()).await?;
    let mut known = lock(&cx.core.shapes);
    known.extend(shapes);
    // what had been drawn was taken off first
    let gone = known.len().saturating_sub(loaded.shapes);
    known.drain(..gone);
    drop(known);
    result(loaded)
}

async fn run(cx: Cx, args: Args) -> Ended {
    let job = cx.job()?;
    let state = cx.scope()?.patterning().await?.value;
    let shapes = lock(&cx.core.shapes).clone();
    if milling::is_drawn(&state) && shapes.len() == state.done.len() {
        // nothing is dosed twice: an order to run again is an order to finish
        let left = pattern::remaining_of(&shapes, &state.done);
        if !left.is_empty() {
            milling::load(job.clone(), left.clone()).await?;
            *lock(&cx.core.shapes) = left;
        }
    }
    result(milling::draw(job, args.beam("beam").unwrap_or(Beam::Ion), column(&args)).await?)
}
