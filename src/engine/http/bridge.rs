//! What openFIBSEM's server lacks: the endpoints of `assets/bridge`, so that a driver for the one speaks to the other.
//!
//! Beyond the bridge of the microscope's PC this one tells how far each pattern came (`patterning`), can unlink the stage (`unlink`), halts it
//! when stop is pressed (`halt`), and ends a single order of its client (`cancel`).

use super::reply::{Refusal, Reply};
use super::rest::imaging;
use super::route::{Call, Route, ask, look, tell};
use crate::command::Command;
use model::{Beam, Capabilities, Key, ManipulatorPosition};
use serde_json::{Value, json};

const VERSION: u32 = 1;

pub(super) const ROUTES: &[Route] = &[
    look("/bridge", |call| {
        Box::pin(async move {
            let capabilities = call.connection()?.capabilities;
            let saved = capabilities
                .manipulator
                .as_ref()
                .map(|m| m.saved.clone())
                .unwrap_or_default();
            Ok(Reply::Json(
                json!({ "bridge": VERSION, "offers": offers(&capabilities), "saved": saved, "gas": capabilities.gas }),
            ))
        })
    }),
    look("/bridge/state", |call| Box::pin(state(call))),
    look("/bridge/patterning", |call| {
        Box::pin(async move { Ok(Reply::Json(json!(call.patterning().await?))) })
    }),
    tell("/bridge/acquire", |call| {
        Box::pin(async move {
            let given = call.fields.object("image_settings")?.clone();
            call.expose(&imaging::picture(given, Beam::Electron)?).await
        })
    }),
    tell("/bridge/power", |call| {
        Box::pin(switch(call, ["beam.off", "beam.on"], Key::On))
    }),
    tell("/bridge/blank", |call| {
        Box::pin(switch(call, ["beam.unblank", "beam.blank"], Key::Blanked))
    }),
    tell("/bridge/home", |call| Box::pin(plain(call, "system.home"))),
    tell("/bridge/link", |call| {
        Box::pin(async move {
            let on = call.fields.flag("on")?.unwrap_or(true);
            let state = call.act(Command::new("system.link").with("on", on)).await?;
            Ok(Reply::value(state["linked"].clone()))
        })
    }),
    tell("/bridge/pump", |call| Box::pin(plain(call, "chamber.pump"))),
    tell("/bridge/vent", |call| Box::pin(plain(call, "chamber.vent"))),
    ask("/bridge/needle/saved", |call| {
        Box::pin(async move {
            let command = Command::new("manipulator.where").with("name", call.fields.text("name")?);
            Ok(Reply::Json(json!({ "position": call.read(command).await? })))
        })
    }),
    tell("/bridge/needle/insert", |call| {
        Box::pin(async move {
            let command = Command::new("manipulator.insert").with("name", call.fields.text("name")?);
            call.act(command).await?;
            Ok(Reply::ok())
        })
    }),
    tell("/bridge/needle/retract", |call| {
        Box::pin(plain(call, "manipulator.retract"))
    }),
    tell("/bridge/needle/move", |call| {
        Box::pin(async move {
            let to: ManipulatorPosition = call.fields.parse("position")?;
            let confirmed = call.fields.flag("confirmed")?.unwrap_or(false);
            let command = Command::new("manipulator.move-absolute")
                .with("x", to.x)
                .with("y", to.y)
                .with("z", to.z);
            call.act(command.with("confirmed", confirmed)).await?;
            Ok(Reply::ok())
        })
    }),
    tell("/bridge/spot", |call| {
        Box::pin(async move {
            let fields = &call.fields;
            let (x, y, seconds) = (fields.number("x")?, fields.number("y")?, fields.number("seconds")?);
            let beam = fields.beam()?;
            // at the current that is set, as the bridge does
            let current = call.column(beam).await?.beam_current;
            let command = Command::new("milling.spot-burn")
                .with("points", format!("{x},{y}"))
                .with("exposure_time", seconds)
                .with("milling_current", current)
                .with("beam", beam.word());
            call.act(command).await?;
            Ok(Reply::ok())
        })
    }),
    ask("/bridge/get", |call| {
        Box::pin(async move {
            let command = keyed(&call, "system.get")?;
            Ok(Reply::value(call.read(command).await?["value"].clone()))
        })
    }),
    tell("/bridge/set", |call| {
        Box::pin(async move {
            let value = call.fields.map().get("value").cloned().unwrap_or_default();
            let command = keyed(&call, "system.set")?.with("value", value);
            call.act(command).await?;
            Ok(Reply::ok())
        })
    }),
    tell("/bridge/configuration", |call| {
        Box::pin(plain(call, "system.apply-configuration"))
    }),
    tell("/bridge/cancel", |call| {
        Box::pin(async move {
            call.house.orders.call_off(call.link.name(), call.fields.text("order")?);
            Ok(Reply::ok())
        })
    }),
    ask("/bridge/stop", |call| {
        Box::pin(async move {
            press(&call).await;
            Ok(Reply::ok())
        })
    }),
];

/// The red button, ahead of everything that waits. A driver's own may take a moment: others are served meanwhile.
pub(super) async fn press(call: &Call) {
    let link = call.link.clone();
    // what a press comes to is told to everyone; a panic inside a driver has been logged
    let _ = tokio::task::spawn_blocking(move || link.stop()).await;
}

/// What this instrument has of it.
fn offers(capabilities: &Capabilities) -> Vec<&'static str> {
    let all = |has: &dyn Fn(&model::capabilities::BeamCapabilities) -> bool| {
        let columns = [&capabilities.electron, &capabilities.ion];
        columns.iter().all(|column| column.as_ref().is_none_or(has)) && columns.iter().any(|c| c.is_some())
    };
    let stage = capabilities.stage.as_ref();
    let chamber = capabilities.chamber.as_ref();
    let milling = capabilities.milling.as_ref();
    [
        ("acquire", true),
        ("cancel", true),
        (
            "integration",
            all(&|c| c.line_integration && c.frame_integration && c.interlacing && c.drift_correction),
        ),
        ("power", all(&|c| c.writable.contains(&Key::On))),
        ("blank", all(&|c| c.blanker)),
        ("home", stage.is_some_and(|s| s.home)),
        ("link", stage.is_some_and(|s| s.link)),
        ("unlink", stage.is_some_and(|s| s.link)),
        ("halt", stage.is_some_and(|s| s.halts)),
        ("chamber", chamber.is_some_and(|c| c.camera)),
        ("vacuum", chamber.is_some_and(|c| c.pump && c.vent)),
        ("needle", capabilities.manipulator.is_some()),
        ("gas", capabilities.gas.is_some()),
        ("live", all(&|c| c.live)),
        ("spot", milling.is_some_and(|m| m.spot_burn)),
        ("patterning", milling.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, has)| has.then_some(name))
    .collect()
}

/// A command without arguments, which takes its time.
async fn plain(call: Call, name: &str) -> Result<Reply, Refusal> {
    call.act(Command::new(name)).await?;
    Ok(Reply::ok())
}

async fn switch(call: Call, [off, on]: [&str; 2], key: Key) -> Result<Reply, Refusal> {
    let beam = call.fields.beam()?;
    let Some(wanted) = call.fields.flag("on")? else {
        return Err(Refusal::nonsense(
            "`on` is missing; nothing was switched",
            "true or false",
        ));
    };
    call.act(Command::new(if wanted { on } else { off }).with("beam", beam.word()))
        .await?;
    let now = Command::new("system.get")
        .with("key", key.name())
        .with("beam", beam.word());
    Ok(Reply::value(call.read(now).await?["value"].clone()))
}

fn keyed(call: &Call, name: &str) -> Result<Command, Refusal> {
    let command = Command::new(name).with("key", call.fields.text("key")?);
    Ok(match call.fields.maybe_beam()? {
        Some(beam) => command.with("beam", beam.word()),
        None => command,
    })
}

/// Everything that can be read; a part that is not there is left out.
async fn state(call: Call) -> Result<Reply, Refusal> {
    let now = call.read(Command::new("system.state")).await?;
    let mut parts = serde_json::Map::new();
    let mut part = |name: &str, value: Value| {
        parts.insert(name.to_owned(), value);
    };
    if let Some(stage) = now["stage"].as_object() {
        part("stage", json!({ "homed": stage["homed"], "linked": stage["linked"] }));
    }
    for beam in Beam::ALL {
        if let Some(column) = now[beam.word()].as_object() {
            part(beam.word(), json!({ "on": column["on"], "blanked": column["blanked"] }));
        }
    }
    if let Some(chamber) = now["chamber"].as_object() {
        part(
            "chamber",
            json!({ "state": chamber["state"], "pressure": chamber["pressure_pa"] }),
        );
    }
    if call.connection()?.capabilities.gas.is_some() {
        part("gas", call.read(Command::new("gis.state")).await?);
    }
    if let Some(needle) = now["manipulator"].as_object() {
        part(
            "needle",
            json!({ "inserted": needle["inserted"], "position": needle["position"] }),
        );
    }
    Ok(Reply::Json(Value::Object(parts)))
}
