//! `queue.*`: what is to be done to which lamella, and its running.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, result};
use crate::core::Cx;
use crate::link::Ended;
use ::workflow::lamella::{Papers, Run, run};
use lamella::Queue;
use lamella::experiment::Status;
use lamella::queue::{Choice, Order, Place};
use model::{Danger, ErrorKind};
use serde_json::json;

const ID: ArgRow = need("id", ArgKind::Count(1, u32::MAX), "number of the item");
const LAMELLAE: ArgRow =
    arg("lamellae", ArgKind::Text, "names, e.g. 01-calm-heron,02-wise-owl").or("all that are not marked as failed");
const TASKS: ArgRow = arg("tasks", ArgKind::Text, "names, e.g. 'Rough Milling,Polishing'").or("all of the workflow");
const ORDER: ArgRow = arg(
    "order",
    ArgKind::Word(&["task", "lamella"]),
    "what comes first: a task on all lamellae, or all tasks on a lamella",
)
.or("task");
const AGAIN: ArgRow = arg("again", ArgKind::Bool, "also what is completed: it is milled once more").or("false");
const TO: ArgRow = arg("to", ArgKind::Word(&["front", "end"]), "among those that wait").or("end");
const BEFORE: ArgRow = arg("before", ArgKind::Count(1, u32::MAX), "number of an item that waits");
const AFTER: ArgRow = arg("after", ArgKind::Count(1, u32::MAX), "number of an item that waits");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "queue.plan",
        doc: "Make the queue anew: what is chosen and not completed yet.",
        args: &[LAMELLAE, TASKS, ORDER, AGAIN],
        danger: Danger::None,
        lane: Lane::Now,
        example: "queue.plan order=lamella",
        run: |cx, args| Box::pin(plan(cx, args)),
    },
    CommandRow {
        name: "queue.list",
        doc: "What waits, what is under way, how the rest ended, and when all will be done.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "queue.list",
        run: |cx, _| {
            Box::pin(async move {
                let snapshot = cx.core.snapshot();
                let experiment = snapshot.experiment.as_ref();
                Ok(json!({ "items": experiment.map(|e| &e.queue.items), "finish": experiment.and_then(|e| e.finish) }))
            })
        },
    },
    CommandRow {
        name: "queue.add",
        doc: "Put a task on a lamella into the queue, also one that was done before.",
        args: &[
            need("lamella", ArgKind::Text, "its name"),
            need("task", ArgKind::Text, "its name"),
            TO,
            BEFORE,
            AFTER,
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "queue.add lamella=01-calm-heron task=Polishing",
        run: |cx, args| Box::pin(add(cx, args)),
    },
    CommandRow {
        name: "queue.remove",
        doc: "Take an item that waits out of the queue.",
        args: &[ID],
        danger: Danger::None,
        lane: Lane::Now,
        example: "queue.remove id=3",
        run: |cx, args| Box::pin(edit(cx, args, |queue, id, _| queue.remove(id))),
    },
    CommandRow {
        name: "queue.move",
        doc: "Move an item that waits to another place in the queue.",
        args: &[ID, TO, BEFORE, AFTER],
        danger: Danger::None,
        lane: Lane::Now,
        example: "queue.move id=3 to=front",
        run: |cx, args| Box::pin(edit(cx, args, |queue, id, args| queue.shift(id, place(args)))),
    },
    CommandRow {
        name: "queue.run",
        doc: "Do what waits in the queue, or all that is not completed; a lamella whose task fails is parked with the reason.",
        args: &[
            LAMELLAE,
            TASKS,
            ORDER,
            AGAIN,
            arg(
                "unsupervised",
                ArgKind::Bool,
                "nobody is asked, whatever the protocol says",
            )
            .or("false"),
            arg(
                "attempts",
                ArgKind::Count(1, 10),
                "most that a task is begun where it fails",
            )
            .or("2"),
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "queue.run unsupervised=true",
        run: |cx, args| Box::pin(go(cx, args)),
    },
];

fn names(text: Option<&str>) -> Option<Vec<String>> {
    text.map(|text| text.split(',').map(|name| name.trim().to_owned()).collect())
}

fn planned(papers: &Papers, args: &Args) -> Result<Queue, Failure> {
    let choice = Choice {
        lamellae: names(args.text("lamellae")),
        tasks: names(args.text("tasks")),
        order: match args.text("order") {
            Some("lamella") => Order::Lamella,
            _ => Order::Task,
        },
        again: args.flag("again").unwrap_or(false),
    };
    Queue::plan(&papers.experiment, &papers.protocol, &choice).map_err(|e| {
        Failure::usage(
            format!("{e}; the queue stays as it was"),
            "lamella.list shows those there are",
        )
    })
}

async fn plan(cx: Cx, args: Args) -> Ended {
    let book = cx.core.book()?;
    book.change(|papers| {
        if papers.queue.running().is_some() {
            return Err(Failure::new(
                ErrorKind::Busy,
                "the queue runs; it stays as it is",
                "queue.add, queue.move and queue.remove change what waits",
            ));
        }
        papers.queue = planned(papers, &args)?;
        Ok(())
    })
    .await?;
    result(book.read(|papers| papers.queue.clone()))
}

fn place(args: &Args) -> Place {
    match (args.id("before"), args.id("after"), args.text("to")) {
        (Some(id), _, _) => Place::Before(id),
        (_, Some(id), _) => Place::After(id),
        (_, _, Some("front")) => Place::Front,
        _ => Place::End,
    }
}

fn refused(error: lamella::queue::Refused) -> Failure {
    Failure::usage(
        format!("{error}; the queue stays as it was"),
        "queue.list shows what waits",
    )
}

async fn add(cx: Cx, args: Args) -> Ended {
    let (lamella, task) = (
        args.need(args.text("lamella"), "lamella")?,
        args.need(args.text("task"), "task")?,
    );
    let id = cx
        .core
        .book()?
        .change(|papers| {
            let unknown = |what: &str, name: &str| {
                Failure::usage(
                    format!(
                        "there is no {what} `{}`; the queue stays as it was",
                        model::text::printable(name)
                    ),
                    "lamella.list shows lamellae; the protocol has the tasks",
                )
            };
            let found = papers
                .experiment
                .lamella(lamella)
                .ok_or_else(|| unknown("lamella", lamella))?;
            found.tasks.get(task).ok_or_else(|| unknown("task", task))?;
            papers.queue.add(found, task, place(&args)).map_err(refused)
        })
        .await?;
    Ok(json!({ "id": id }))
}

async fn edit(cx: Cx, args: Args, edit: fn(&mut Queue, u64, &Args) -> Result<(), lamella::queue::Refused>) -> Ended {
    let id = args.need(args.id("id"), "id")?;
    let book = cx.core.book()?;
    book.change(|papers| edit(&mut papers.queue, id, &args).map_err(refused))
        .await?;
    result(book.read(|papers| papers.queue.clone()))
}

async fn go(cx: Cx, args: Args) -> Ended {
    let book = cx.core.book()?;
    let chosen = ["lamellae", "tasks", "order", "again"]
        .iter()
        .any(|name| args.json(name).is_some());
    book.change(|papers| {
        // what an engine that ended had under way
        for item in &mut papers.queue.items {
            if item.status == Status::InProgress {
                item.status = Status::NotStarted;
            }
        }
        if chosen || papers.queue.pending().next().is_none() {
            papers.queue = planned(papers, &args)?;
        }
        Ok::<_, Failure>(())
    })
    .await?;
    result(run(cx.job()?, book, params(&args)).await?)
}

/// How the run is done.
pub(crate) fn params(args: &Args) -> Run {
    let default = Run::default();
    Run {
        attempts: args.count("attempts").unwrap_or(default.attempts),
        unsupervised: args.flag("unsupervised").unwrap_or(default.unsupervised),
    }
}
