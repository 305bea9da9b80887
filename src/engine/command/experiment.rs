//! `experiment.*`, `protocol.*`, `lamella.*`: the papers of lamella preparation. Every change is in the experiment's folder before it
//! is told.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, result};
use crate::core::{Cx, papers};
use crate::link::Ended;
use ::workflow::lamella::{Left, Papers};
use ::workflow::{JobError, state};
use lamella::experiment::{DefectKind, Lamella, PoseKind};
use lamella::protocol::{SHIPPED, shipped};
use lamella::{Experiment, Protocol, Queue, names};
use model::{Danger, ErrorKind, Point, Unit};
use serde_json::json;
use std::path::{Path, PathBuf};

const NAME: ArgRow = need("name", ArgKind::Text, "the lamella");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "experiment.new",
        doc: "Make an experiment's folder with a protocol in it, and open it.",
        args: &[
            need("name", ArgKind::Text, "of the experiment, and of its folder"),
            arg("protocol", ArgKind::Text, "a file, or a shipped protocol").or("on-grid"),
            arg("folder", ArgKind::Path, "where its folder is made").or("the session's folder"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "experiment.new name=yeast protocol=on-grid",
        run: |cx, args| Box::pin(new(cx, args)),
    },
    CommandRow {
        name: "experiment.open",
        doc: "Open an experiment's folder, fibdeck's or openFIBSEM's.",
        args: &[need("path", ArgKind::Path, "the folder")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "experiment.open path=yeast",
        run: |cx, args| Box::pin(open(cx, args)),
    },
    CommandRow {
        name: "protocol.load",
        doc: "Give the open experiment another protocol; lamellae keep their own tasks unless sync=true.",
        args: &[
            need("source", ArgKind::Text, "a file, or a shipped protocol"),
            arg(
                "sync",
                ArgKind::Bool,
                "lamellae get its tasks; patterns stay where they are on each",
            )
            .or("false"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "protocol.load source=mine.yaml sync=true",
        run: |cx, args| Box::pin(protocol(cx, args)),
    },
    CommandRow {
        name: "lamella.add",
        doc: "Add a lamella where the stage stands, with the beams as they are.",
        args: &[arg("name", ArgKind::Text, "what it is called").or("as the protocol names them")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "lamella.add",
        run: |cx, args| Box::pin(add(cx, args)),
    },
    CommandRow {
        name: "lamella.move",
        doc: "A lamella is milled where the stage stands now, with the beams as they are.",
        args: &[NAME],
        danger: Danger::None,
        lane: Lane::Now,
        example: "lamella.move name=01-calm-heron",
        run: |cx, args| Box::pin(moved(cx, args)),
    },
    CommandRow {
        name: "lamella.edit",
        doc: "Change what is known of a lamella.",
        args: &[
            NAME,
            arg("description", ArgKind::Text, "words of one's own"),
            arg(
                "poi_x",
                ArgKind::Number(Unit::Metre),
                "point of interest in the FIB picture, right of its middle",
            ),
            arg("poi_y", ArgKind::Number(Unit::Metre), "up from its middle"),
            arg(
                "alignment_area",
                ArgKind::Rect,
                "the part of the FIB picture that is aligned by",
            ),
            arg(
                "forget",
                ArgKind::Bool,
                "take it that nothing was milled of a task that was cut off",
            )
            .or("false"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "lamella.edit name=01-calm-heron description='thick ice'",
        run: |cx, args| Box::pin(edit(cx, args)),
    },
    CommandRow {
        name: "lamella.fail",
        doc: "Mark a lamella as failed: no task is done to it any more. Or take a mark away.",
        args: &[
            NAME,
            arg("note", ArgKind::Text, "why"),
            arg("clear", ArgKind::Bool, "takes the mark away").or("false"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "lamella.fail name=01-calm-heron note='cracked'",
        run: |cx, args| Box::pin(fail(cx, args)),
    },
    CommandRow {
        name: "lamella.remove",
        doc: "Take a lamella out of the experiment; its folder with pictures stays.",
        args: &[NAME],
        danger: Danger::None,
        lane: Lane::Now,
        example: "lamella.remove name=01-calm-heron",
        run: |cx, args| Box::pin(remove(cx, args)),
    },
    CommandRow {
        name: "lamella.list",
        doc: "The lamellae of the open experiment and what was done to them.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "lamella.list",
        run: |cx, _| Box::pin(async move { result(cx.core.snapshot().experiment.as_ref().map(|e| &e.lamellae)) }),
    },
];

fn refused(error: impl std::fmt::Display, untouched: &str) -> Failure {
    Failure::new(
        ErrorKind::File,
        format!("{error}; {untouched}"),
        "choose another name or folder",
    )
}

/// A file, or a shipped protocol where no file has that name.
fn read_protocol(source: &str) -> Result<Protocol, Failure> {
    let path = Path::new(source);
    let read = match path.exists() || !SHIPPED.iter().any(|(name, _)| *name == source) {
        true => Protocol::load(path),
        false => shipped(source),
    };
    read.map_err(|e| refused(e, "nothing was changed"))
}

/// A queue that runs holds on to its experiment.
fn at_rest(cx: &Cx) -> Result<(), Failure> {
    match cx
        .core
        .snapshot()
        .jobs
        .iter()
        .any(|job| job.end.is_none() && job.command.name == "queue.run")
    {
        true => Err(Failure::new(
            ErrorKind::Busy,
            "a queue runs; its experiment stays open",
            "wait for its end, or stop it (job.stop)",
        )),
        false => Ok(()),
    }
}

async fn new(cx: Cx, args: Args) -> Ended {
    at_rest(&cx)?;
    let name = args.need(args.text("name"), "name")?;
    let protocol = read_protocol(args.text("protocol").unwrap_or("on-grid"))?;
    let parent = args
        .text("folder")
        .map_or_else(|| PathBuf::from(&cx.core.snapshot().session.folder), PathBuf::from);
    let now = cx.core.time();
    let folder = parent.join(model::frame::safe_name(name));
    let experiment = Experiment::new(&folder, name, &names::identity(&[name, &now.to_string()]), now)
        .create(&protocol)
        .map_err(|e| refused(e, "what was open stays so"))?;
    papers::show(&cx.core, experiment, protocol, Queue::default());
    result(&cx.core.snapshot().experiment)
}

async fn open(cx: Cx, args: Args) -> Ended {
    at_rest(&cx)?;
    papers::open(
        &cx.core,
        Path::new(args.need(args.text("path"), "path")?),
        Queue::default(),
    )?;
    result(&cx.core.snapshot().experiment)
}

async fn protocol(cx: Cx, args: Args) -> Ended {
    let given = read_protocol(args.need(args.text("source"), "source")?)?;
    let sync = args.flag("sync").unwrap_or(false);
    let book = cx.core.book()?;
    let file = book.read(|papers| papers.experiment.folder().join(lamella::protocol::FILE));
    given
        .save_over(&file)
        .map_err(|e| refused(e, "the protocol is as it was"))?;
    book.change(|papers| {
        if sync {
            papers
                .experiment
                .lamellae
                .iter_mut()
                .for_each(|lamella| synced(lamella, &given));
        }
        papers.protocol = given;
        Ok::<_, Failure>(())
    })
    .await?;
    result(&cx.core.snapshot().experiment)
}

/// A lamella gets a protocol's tasks; what it mills stays where it was placed.
fn synced(lamella: &mut Lamella, protocol: &Protocol) {
    for (name, config) in protocol.tasks.iter() {
        let mut config = config.clone();
        let old = lamella.tasks.get(name).cloned();
        for key in config.milling.keys().cloned().collect::<Vec<_>>() {
            let was = old.as_ref().and_then(|old| old.milling(&key)).and_then(Result::ok);
            let (Some((was, _)), Some(Ok((mut task, _)))) = (was, config.milling(&key)) else {
                continue;
            };
            for (stage, was) in task.stages.iter_mut().zip(&was.stages) {
                stage.pattern.put(was.pattern.place());
            }
            config.set_milling(&key, &task);
        }
        lamella.tasks.insert(name, config);
    }
}

async fn add(cx: Cx, args: Args) -> Ended {
    let book = cx.core.book()?;
    let state = state::capture(&cx.scope()?).await?;
    let seed = cx.core.time().to_string();
    let name = args.text("name").map(str::to_owned);
    let added = book
        .change(
            |Papers {
                 experiment, protocol, ..
             }| {
                let added = experiment
                    .add(protocol, name.as_deref(), state, &seed)
                    .map_err(JobError::from)?;
                Ok::<_, Failure>(added.name.clone())
            },
        )
        .await?;
    Ok(json!({ "name": added }))
}

/// Changes the lamella that `name=` names.
async fn change(cx: &Cx, args: &Args, edit: impl FnOnce(&mut Lamella)) -> Ended {
    let name = args.need(args.text("name"), "name")?;
    cx.core
        .book()?
        .change(|papers| {
            let lamella = papers.experiment.lamella_mut(name).ok_or_else(|| unknown(name))?;
            edit(lamella);
            Ok::<_, Failure>(json!({ "name": lamella.name }))
        })
        .await
}

fn unknown(name: &str) -> Failure {
    Failure::usage(
        format!(
            "there is no lamella `{}`; nothing was changed",
            model::text::printable(name)
        ),
        "lamella.list shows those there are",
    )
}

async fn moved(cx: Cx, args: Args) -> Ended {
    let state = state::capture(&cx.scope()?).await?;
    change(&cx, &args, |lamella| lamella.set_pose(PoseKind::Milling, state)).await
}

async fn edit(cx: Cx, args: Args) -> Ended {
    if args.rect("alignment_area").is_some_and(|area| !area.is_valid()) {
        return Err(Failure::new(
            ErrorKind::OutOfRange,
            "that area reaches beyond the picture, or is empty; nothing was changed",
            "left,top,width,height as fractions, e.g. 0.7,0.3,0.25,0.4",
        ));
    }
    if args.flag("forget").unwrap_or(false) {
        at_rest(&cx)?;
        let name = args.need(args.text("name"), "name")?;
        let folder = cx
            .core
            .book()?
            .read(|p| p.experiment.lamella(name).map(|l| p.experiment.folder_of(l)));
        Left::forget_all(&folder.ok_or_else(|| unknown(name))?)?;
    }
    change(&cx, &args, |lamella| {
        if let Some(text) = args.text("description") {
            text.clone_into(&mut lamella.description);
        }
        lamella.poi = Point {
            x: args.number("poi_x").unwrap_or(lamella.poi.x),
            y: args.number("poi_y").unwrap_or(lamella.poi.y),
        };
        if let Some(area) = args.rect("alignment_area") {
            lamella.alignment_area = area;
        }
    })
    .await
}

async fn fail(cx: Cx, args: Args) -> Ended {
    let kind = match args.flag("clear").unwrap_or(false) {
        true => DefectKind::None,
        false => DefectKind::Failure,
    };
    let now = cx.core.time();
    change(&cx, &args, |lamella| {
        lamella.mark(kind, args.text("note").unwrap_or_default(), now)
    })
    .await
}

async fn remove(cx: Cx, args: Args) -> Ended {
    let name = args.need(args.text("name"), "name")?;
    let book = cx.core.book()?;
    book.change(|papers| {
        let lamella = papers.experiment.lamella(name).ok_or_else(|| unknown(name))?;
        let id = lamella.id.clone();
        if papers.queue.running().is_some_and(|item| item.lamella == id) {
            return Err(Failure::new(
                ErrorKind::Busy,
                "a task is done to that lamella now; it stays",
                "wait for its end, or stop it (job.stop)",
            ));
        }
        papers.experiment.lamellae.retain(|lamella| lamella.id != id);
        Ok(())
    })
    .await?;
    Ok(json!({ "removed": name }))
}
