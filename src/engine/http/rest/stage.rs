//! The stage: where it is, how it moves, the milling angle.

use super::super::reply::{Refusal, Reply};
use super::super::route::{Call, Route, ask, look, tell};
use crate::command::Command;
use model::kinematics::milling_angle::{self, TOLERANCE};
use model::kinematics::orientation::Orientation;
use model::{Axis, Beam, Pose, StagePosition};
use serde_json::{Value, json};

pub(in super::super) const ROUTES: &[Route] = &[
    look("/stage_position", |call| {
        Box::pin(async move { Ok(positioned(&call.position().await?)) })
    }),
    look("/stage_orientation", |call| {
        Box::pin(async move {
            let found = Orientation::of(&call.connection()?.geometry, &pose(&call).await?);
            Ok(Reply::Json(
                json!({ "orientation": found.map_or("NONE", Orientation::name) }),
            ))
        })
    }),
    tell("/move_stage_absolute", |call| {
        Box::pin(axes(call, "stage.move-absolute"))
    }),
    tell("/move_stage_relative", |call| {
        Box::pin(axes(call, "stage.move-relative"))
    }),
    tell("/safe_absolute_stage_movement", |call| {
        Box::pin(async move {
            axes(call, "stage.safe-move").await?;
            Ok(Reply::ok())
        })
    }),
    tell("/stable_move", |call| {
        Box::pin(async move {
            call.act(offset(&call, "stage.stable-move")?).await?;
            Ok(positioned(&call.position().await?))
        })
    }),
    ask("/project_stable_move", |call| {
        Box::pin(async move {
            let base = call.fields.position("base_position")?;
            let command = offset(&call, "stage.project-stable-move")?;
            let answer = call.act(command.with("base", json!(base))).await?;
            Ok(Reply::Json(json!({ "position": answer })))
        })
    }),
    tell("/vertical_move", |call| {
        Box::pin(async move {
            let dx = call.fields.maybe_number("dx")?.unwrap_or(0.0);
            let command = Command::new("stage.vertical-move").with("dy", call.fields.number("dy")?);
            call.act(command.with("dx", dx)).await?;
            Ok(positioned(&call.position().await?))
        })
    }),
    tell("/move_flat_to_beam", |call| {
        Box::pin(async move {
            let beam = call.fields.beam()?;
            call.act(Command::new("stage.flat-to").with("beam", beam.word()))
                .await?;
            Ok(Reply::ok())
        })
    }),
    look("/milling_angle", |call| {
        Box::pin(async move { angle(&call, &pose(&call).await?) })
    }),
    ask("/milling_angle/from_position", |call| {
        Box::pin(async move {
            let at = match call.fields.get("stage_position") {
                Some(_) => call.fields.position("stage_position")?.resolve(pose(&call).await?),
                None => pose(&call).await?,
            };
            angle(&call, &at)
        })
    }),
    tell("/milling_angle/set", |call| {
        Box::pin(async move {
            let degrees = call.fields.number("milling_angle")?;
            let command = Command::new("stage.set-milling-angle").with("angle", degrees.to_radians());
            call.act(command).await?;
            Ok(Reply::ok())
        })
    }),
    tell("/milling_angle/move", |call| Box::pin(tilt(call))),
    ask("/milling_angle/is_close", |call| {
        Box::pin(async move {
            let wanted = call.fields.number("milling_angle")?.to_radians();
            let within = call.fields.maybe_number("atol")?.map_or(TOLERANCE, f64::to_radians);
            let geometry = call.connection()?.geometry;
            let close = milling_angle::is_at(&geometry, &pose(&call).await?, wanted, within);
            Ok(Reply::Json(json!({ "is_close": close })))
        })
    }),
];

/// A position in openFIBSEM's spelling.
fn positioned(position: &StagePosition) -> Reply {
    Reply::Json(json!({ "position": position }))
}

async fn pose(call: &Call) -> Result<Pose, Refusal> {
    Ok(call.position().await?.resolve(Pose::default()))
}

fn angle(call: &Call, at: &Pose) -> Result<Reply, Refusal> {
    let angle = milling_angle::of(&call.connection()?.geometry, at);
    Ok(Reply::Json(json!({ "milling_angle": angle.to_degrees() })))
}

/// A move that names axes; one that names none moves nothing, and where the stage is comes back.
async fn axes(call: Call, name: &str) -> Result<Reply, Refusal> {
    let position = call.fields.position("position")?;
    let mut command = Command::new(name);
    for axis in Axis::ALL {
        if let Some(value) = position.get(axis) {
            command = command.with(axis.name(), value);
        }
    }
    if !command.args.is_empty() {
        call.act(command).await?;
    }
    Ok(positioned(&call.position().await?))
}

fn offset(call: &Call, name: &str) -> Result<Command, Refusal> {
    let fields = &call.fields;
    let (dx, dy, beam): (f64, f64, Beam) = (fields.number("dx")?, fields.number("dy")?, fields.beam()?);
    Ok(Command::new(name)
        .with("dx", dx)
        .with("dy", dy)
        .with("beam", beam.word()))
}

/// Radians come in and degrees go out, as openFIBSEM has it; `success` is whether the angle was reached.
async fn tilt(call: Call) -> Result<Reply, Refusal> {
    let wanted = call.fields.number("milling_angle")?;
    let mut command = Command::new("stage.milling-angle").with("angle", wanted);
    if let Some(rotation) = call.fields.maybe_number("rotation")? {
        command = command.with("rotation", rotation);
    }
    let moved = call.act(command).await?;
    let reached = moved["milling_angle"].as_f64().unwrap_or_default();
    let success = moved["reached"] == Value::Bool(true);
    Ok(Reply::Json(
        json!({ "success": success, "milling_angle": reached.to_degrees() }),
    ))
}
