//! The bridge's gas routes: an injector step by step.

use super::reply::{Refusal, Reply};
use super::route::{Call, Route, tell};
use crate::command::Command;

pub(super) const ROUTES: &[Route] = &[
    tell("/bridge/gas/insert", |call| {
        Box::pin(async move {
            let command = port(&call, "gis.insert")?;
            let command = match call.fields.get("position") {
                Some(_) => command.with("position", call.fields.text("position")?),
                None => command,
            };
            done(&call, command).await
        })
    }),
    tell("/bridge/gas/retract", |call| {
        Box::pin(async move { done(&call, port(&call, "gis.retract")?).await })
    }),
    tell("/bridge/gas/heat", |call| {
        Box::pin(async move {
            let command = port(&call, "gis.heat")?.with("on", on(&call, "on")?);
            let command = match call.fields.get("gas") {
                Some(_) => command.with("gas", call.fields.text("gas")?),
                None => command,
            };
            done(&call, command).await
        })
    }),
    tell("/bridge/gas/valve", |call| {
        Box::pin(async move {
            let command = port(&call, "gis.valve")?.with("open", on(&call, "open")?);
            done(&call, command).await
        })
    }),
];

fn port(call: &Call, name: &str) -> Result<Command, Refusal> {
    Ok(Command::new(name).with("port", call.fields.text("port")?))
}

/// A switch that must be told.
fn on(call: &Call, name: &str) -> Result<bool, Refusal> {
    let missing = || Refusal::nonsense(format!("`{name}` is missing; nothing was changed"), "true or false");
    call.fields.flag(name)?.ok_or_else(missing)
}

async fn done(call: &Call, command: Command) -> Result<Reply, Refusal> {
    if call.connection()?.capabilities.gas.is_none() {
        return Err(crate::Failure::from(hal::HalError::unsupported("gas injection")).into());
    }
    call.act(command).await?;
    Ok(Reply::ok())
}
