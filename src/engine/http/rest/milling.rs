//! Milling step by step: set up, draw shapes, run, pause, stop, finish.

use super::super::fields::understood;
use super::super::reply::{Refusal, Reply};
use super::super::route::{Call, Route, look, tell};
use super::ours;
use crate::command::{Command, Failure};
use crate::core::lock;
use crate::link::Receipt;
use hyper::StatusCode;
use model::shape::DoseMap;
use model::{Beam, ErrorKind, MillingSettings, PatterningPhase, PatterningState, Shape};
use serde_json::{Map, Value, json};

pub(in super::super) const ROUTES: &[Route] = &[
    tell("/setup_milling", |call| {
        Box::pin(async move {
            let settings: MillingSettings = call.fields.parse("mill_settings")?;
            let beam = settings.milling_channel;
            call.act(Command::new("patterning.setup").with("settings", json!(settings)))
                .await?;
            *lock(&call.house.rest.channel) = Some(beam);
            Ok(Reply::ok())
        })
    }),
    tell("/draw_patterns", |call| {
        Box::pin(async move {
            let shapes: Vec<Shape> = call
                .fields
                .list("patterns")?
                .iter()
                .map(shape)
                .collect::<Result<_, _>>()?;
            if !shapes.is_empty() {
                call.act(Command::new("patterning.load").with("shapes", json!(shapes)))
                    .await?;
            }
            Ok(Reply::ok())
        })
    }),
    tell("/run_milling", |call| {
        Box::pin(async move {
            let (current, voltage) = (
                call.fields.number("milling_current")?,
                call.fields.number("milling_voltage")?,
            );
            let at_once = call.fields.flag("asynch")?.unwrap_or(false);
            let command = call.run().with("current", current).with("voltage", voltage);
            let receipt = call.begin(command).await?;
            match at_once {
                true => begun(&call, receipt).await,
                false => ended(receipt.ended().await),
            }
        })
    }),
    tell("/start_milling", |call| {
        Box::pin(async move {
            let receipt = call.begin(call.run()).await?;
            begun(&call, receipt).await
        })
    }),
    tell("/stop_milling", |call| {
        Box::pin(async move {
            call.read(Command::new("milling.stop")).await?;
            Ok(Reply::ok())
        })
    }),
    tell("/pause_milling", |call| {
        Box::pin(pause(
            call,
            PatterningPhase::Running,
            "milling.pause",
            "nothing is being milled; nothing was paused",
        ))
    }),
    tell("/resume_milling", |call| {
        Box::pin(pause(
            call,
            PatterningPhase::Paused,
            "milling.resume",
            "no pattern is paused; nothing was resumed",
        ))
    }),
    tell("/finish_milling", |call| {
        Box::pin(async move {
            let fields = &call.fields;
            let (current, voltage) = (fields.number("imaging_current")?, fields.number("imaging_voltage")?);
            let command = Command::new("patterning.finish")
                .with("current", current)
                .with("voltage", voltage);
            call.act(command.with("beam", call.channel().word())).await?;
            Ok(Reply::ok())
        })
    }),
    tell("/clear_patterns", |call| {
        Box::pin(async move {
            call.act(Command::new("patterning.clear")).await?;
            Ok(Reply::ok())
        })
    }),
    look("/milling_state", |call| {
        Box::pin(async move { Ok(Reply::Json(json!({ "state": call.patterning().await?.phase.word() }))) })
    }),
    look("/estimate_milling_time", |call| {
        Box::pin(async move {
            let state = call.patterning().await?;
            // what was drawn to its end waits for nothing any more
            let drawn = !state.phase.is_active() && state.done.iter().all(|done| *done >= 1.0);
            Ok(Reply::Json(
                json!({ "seconds": if drawn { 0.0 } else { state.estimated } }),
            ))
        })
    }),
];

impl Call {
    /// What the patterning engine does, as read now.
    pub async fn patterning(&self) -> Result<PatterningState, Refusal> {
        ours(&self.read(Command::new("milling.state")).await?["patterning"])
    }

    fn channel(&self) -> Beam {
        lock(&self.house.rest.channel).unwrap_or(Beam::Ion)
    }

    fn run(&self) -> Command {
        Command::new("patterning.run").with("beam", self.channel().word())
    }
}

/// How a blocking run ended. Who was stopped by another request hears that, and no error: openFIBSEM's server answers so.
fn ended(ended: Result<Value, Failure>) -> Result<Reply, Refusal> {
    match ended {
        Ok(_) => Ok(Reply::ok()),
        Err(failure) if failure.kind == ErrorKind::Stopped => Ok(Reply::Json(json!({ "status": "stopped" }))),
        Err(failure) => Err(failure.into()),
    }
}

/// Waits until the beam draws, or the run ended before that.
async fn begun(call: &Call, receipt: Receipt) -> Result<Reply, Refusal> {
    let mut snapshots = call.link.snapshots();
    let drawing = snapshots.wait_for(|s| s.patterning.as_ref().is_some_and(|p| p.value.phase.is_active()));
    tokio::select! {
        end = receipt.ended() => ended(end),
        _ = drawing => Ok(Reply::ok()),
    }
}

/// Pausing what does not run, or letting go on what is not paused, would be remembered and hold the next.
async fn pause(call: Call, from: PatterningPhase, name: &str, otherwise: &str) -> Result<Reply, Refusal> {
    if call.patterning().await?.phase != from {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            ErrorKind::Interlock,
            otherwise,
            "GET /milling_state shows what there is",
        ));
    }
    call.read(Command::new(name)).await?;
    Ok(Reply::ok())
}

/// The shapes there are: openFIBSEM's tag, ours.
const SHAPES: &[(&str, &str)] = &[
    ("Rectangle", "rectangle"),
    ("Line", "line"),
    ("Circle", "circle"),
    ("Bitmap", "bitmap"),
    ("Polygon", "polygon"),
];

/// A pattern in openFIBSEM's spelling.
fn shape(given: &Value) -> Result<Shape, Refusal> {
    let Some(fields) = given.as_object() else {
        return understood("patterns", given.clone());
    };
    let tag = fields.get("type").and_then(Value::as_str);
    let Some((_, kind)) = SHAPES.iter().find(|(name, _)| Some(*name) == tag) else {
        let names: Vec<String> = SHAPES.iter().map(|(name, _)| format!("'{name}'")).collect();
        let tag = tag.map_or("None".to_owned(), |tag| format!("'{}'", model::text::printable(tag)));
        let names = names.join(", ");
        return Err(Refusal::nonsense(
            format!("Unknown pattern type: {tag}. Available: [{names}]"),
            "see openFIBSEM's pattern settings",
        ));
    };
    let mut fields: Map<String, Value> = fields.clone();
    fields.insert("kind".to_owned(), json!(kind));
    if let Some(points) = fields.get("bitmap").filter(|points| !points.is_null()) {
        fields.insert("bitmap".to_owned(), json!(dose_map(points)?));
    }
    understood("patterns", Value::Object(fields))
}

/// openFIBSEM's points of a bitmap, `[row][column] = [dwell fraction, flag]`: a flag of 1 blanks the point.
fn dose_map(points: &Value) -> Result<DoseMap, Refusal> {
    let rows: Vec<Vec<[f32; 2]>> = understood("bitmap", points.clone())?;
    let (height, width) = (rows.len(), rows.first().map_or(0, Vec::len));
    let points = || rows.iter().flatten();
    let sound = points().all(|[dwell, _]| (0.0..=1.0).contains(dwell));
    if width == 0 || !sound || rows.iter().any(|row| row.len() != width) {
        return Err(Refusal::nonsense(
            "that is no bitmap; nothing was drawn",
            "rows of equal length, each point a dwell of 0 to 1 and a flag",
        ));
    }
    let dwell = points().map(|[dwell, flag]| if *flag == 1.0 { 0.0 } else { *dwell });
    Ok(DoseMap {
        width,
        height,
        dwell: dwell.collect(),
    })
}
