//! `/v1`: fibdeck's own interface: every command, the snapshot, events as they come, pictures at a wanted size.
//!
//! `events`: the stream. `frames`: pictures.

mod events;
mod frames;

use super::bridge;
use super::reply::{Refusal, Reply};
use super::route::{Call, Route, ask, look, tell};
use super::token::Power;
use crate::command::{Command, Lane, READS, parse, rows};
use crate::query::{Query, Reply as Answer};
use hyper::Method;
use model::Danger;
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    look("/v1/snapshot", |call| {
        Box::pin(async move { Ok(Reply::Json(json!(*call.link.snapshot()))) })
    }),
    look("/v1/events", |call| Box::pin(async move { Ok(events::stream(call)) })),
    look("/v1/commands", |_| Box::pin(async move { Ok(Reply::Json(commands())) })),
    look("/v1/frames", |call| {
        Box::pin(async move { Ok(Reply::Json(json!(call.link.snapshot().frames))) })
    }),
    look("/v1/frames/{}", |call| Box::pin(frames::picture(call))),
    // only looks, where the command does
    Route {
        method: Method::POST,
        path: "/v1/read/{}",
        needs: Power::Read,
        run: |call| {
            Box::pin(async move {
                if READS.contains(&call.word.as_str()) && call.word != "stop" {
                    return run(call).await;
                }
                Err(Refusal::nonsense(
                    format!(
                        "`{}` is no command that only reads; nothing was sent",
                        model::text::printable(&call.word)
                    ),
                    "POST /v1/commands/NAME, with a token that controls",
                ))
            })
        },
    },
    tell("/v1/commands/{}", |call| Box::pin(run(call))),
    ask("/v1/preview/{}", |call| {
        Box::pin(async move {
            let query = Query::Preview {
                command: command(&call),
                by: call.link.name().to_owned(),
            };
            match call.link.ask(query).await? {
                Answer::Preview(Err(failure)) => Err(failure.into()),
                _ => Ok(Reply::Json(json!({ "command": call.word, "ok": true }))),
            }
        })
    }),
    // open to everybody who may look, as in every other way in
    ask("/v1/stop", |call| {
        Box::pin(async move {
            bridge::press(&call).await;
            Ok(Reply::ok())
        })
    }),
];

/// The command that the path names, with the body as its arguments (SI, or text with units).
fn command(call: &Call) -> Command {
    Command {
        name: call.word.clone(),
        args: call.fields.map().clone(),
    }
}

/// Runs a command. What takes the hardware waits for its turn; what a person sends while something runs (an answer, a pause, the
/// stop of a job) does not.
async fn run(call: Call) -> Result<Reply, Refusal> {
    let (command, row) = (command(&call), parse::find(&call.word)?);
    let result = match (row.lane, row.danger) {
        (Lane::Now, _) => call.read(command).await?,
        // it may run for hours: who comes after it is told what runs
        (_, Danger::Sample) => call.begin(command).await?.ended().await?,
        _ => call.act(command).await?,
    };
    let instrument = call.link.snapshot().instrument.clone();
    Ok(Reply::Json(
        json!({ "command": row.name, "ok": true, "instrument": instrument, "result": result }),
    ))
}

/// The table of commands.
fn commands() -> Value {
    let table = rows().map(|row| {
        let args = row.args.iter().map(|a| {
            json!({ "name": a.name, "takes": a.kind.hint(), "required": a.required, "default": a.default, "doc": a.doc })
        });
        json!({
            "name": row.name, "doc": row.doc, "args": args.collect::<Vec<_>>(), "danger": row.danger, "lane": row.lane,
            "reads": READS.contains(&row.name),
        })
    });
    Value::Array(table.collect())
}
