//! Who the instrument is, and its whole state.

use super::super::reply::{Refusal, Reply};
use super::super::route::{Call, Route, look, tell};
use crate::command::Command;
use model::{Beam, MicroscopeState};
use serde_json::{Value, json};

pub(in super::super) const ROUTES: &[Route] = &[
    look("/health", |call| {
        Box::pin(async move {
            let identity = call.connection()?.identity;
            Ok(Reply::Json(
                json!({ "status": "ok", "manufacturer": identity.manufacturer }),
            ))
        })
    }),
    look("/system", |call| {
        Box::pin(async move {
            let compustage = call.connection()?.geometry.is_compustage();
            let system = system(&call).await?;
            Ok(Reply::Json(
                json!({ "system": system, "stage_is_compustage": compustage }),
            ))
        })
    }),
    look("/microscope_state", |call| {
        Box::pin(async move { Ok(Reply::Json(json!({ "microscope_state": call.capture().await? }))) })
    }),
    tell("/microscope_state", |call| {
        Box::pin(async move {
            call.fields.object("microscope_state")?;
            let state: MicroscopeState = call.fields.parse("microscope_state")?;
            call.act(Command::new("system.restore").with("state", json!(state)))
                .await?;
            Ok(Reply::ok())
        })
    }),
];

/// openFIBSEM's SystemSettings: what is configured, with what the columns have now.
async fn system(call: &Call) -> Result<Value, Refusal> {
    let mut whole = call.read(Command::new("system.configuration")).await?;
    let connection = call.connection()?;
    let columns = connection.capabilities.beams();
    for beam in Beam::ALL {
        whole[beam.word()] = match columns.contains(&beam) {
            true => call.beam_system(beam).await?,
            false => absent(&whole[beam.word()], beam),
        };
    }
    whole["stage"]["milling_angle"] = json!(connection.geometry.milling_angle.to_degrees());
    let identity = &connection.identity;
    let address = whole["info"]["ip_address"].clone();
    let info = json!({
        "name": identity.name, "ip_address": address, "manufacturer": identity.manufacturer, "model": identity.model,
        "serial_number": identity.serial_number, "hardware_version": identity.hardware_version,
        "software_version": identity.software_version, "fibsem_version": "Unknown",
        "application": concat!("fibdeck ", env!("CARGO_PKG_VERSION")), "fibsem_revision": null,
    });
    let part = |name: &str| whole[name].clone();
    Ok(json!({
        "stage": part("stage"), "electron": part("electron"), "ion": part("ion"), "manipulator": part("manipulator"),
        "gis": part("gis"), "info": info, "sim": part("sim"),
    }))
}

/// A column that is not there, in the form of one that is: openFIBSEM's reader needs all of it.
fn absent(configured: &Value, beam: Beam) -> Value {
    let mut column = configured.clone();
    for (name, value) in [
        ("beam_type", json!(beam)),
        ("enabled", json!(false)),
        ("working_distance", configured["eucentric_height"].clone()),
        ("stigmation", json!({ "x": 0.0, "y": 0.0 })),
        ("shift", json!({ "x": 0.0, "y": 0.0 })),
        ("scan_rotation", json!(0.0)),
        ("preset", Value::Null),
        ("detector_brightness", json!(0.0)),
        ("detector_contrast", json!(0.0)),
    ] {
        column[name] = value;
    }
    column
}
