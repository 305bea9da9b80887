//! `system.*`: the instrument as a whole.

use super::row::{ArgKind, CommandRow, Lane, arg, need};
use super::{Args, Failure, result};
use crate::core::{Cx, connect};
use crate::link::Ended;
use hal::{Act, Outcome};
use model::key::{Key, Value};
use model::{Beam, Danger, ErrorKind, Unit};
use serde_json::json;
use std::path::Path;

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "system.connect",
        doc: "Connect to the configured instrument. Only reads: what differs from the configuration is listed, not changed.",
        args: &[
            arg("address", ArgKind::Text, "address for this session").or("as configured"),
            arg("port", ArgKind::Count(1, 65535), "port for this session").or("as configured"),
            arg(
                "instrument",
                ArgKind::Text,
                "another configured instrument, by name or file",
            )
            .or("the one fibdeck was started with"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "system.connect",
        run: |cx, args| Box::pin(connect_to(cx, args)),
    },
    CommandRow {
        name: "system.disconnect",
        doc: "Leave the instrument as it is.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "system.disconnect",
        run: |cx, _| {
            Box::pin(async move {
                connect::disconnect(&cx.core).await?;
                Ok(json!({ "connected": false }))
            })
        },
    },
    CommandRow {
        name: "system.apply-configuration",
        doc: "Set the instrument to the configured values (beams, eucentric heights, plasma before gas; detectors are kept). Minutes if the plasma gas changes.",
        args: &[],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "system.apply-configuration",
        run: |cx, _| Box::pin(async move { result(workflow::configuration::apply(cx.job()?).await?) }),
    },
    CommandRow {
        name: "system.home",
        doc: "Reference the stage. It moves through its range: retract everything first.",
        args: &[],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "system.home",
        run: |cx, _| {
            Box::pin(async move {
                workflow::system::home(cx.job()?).await?;
                stage_state(&cx).await
            })
        },
    },
    CommandRow {
        name: "system.link",
        doc: "Link z to the working distance, or unlink it (on=false).",
        args: &[arg("on", ArgKind::Bool, "link or unlink").or("true")],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "system.link",
        run: |cx, args| {
            Box::pin(async move {
                workflow::system::link(cx.job()?, args.flag("on").unwrap_or(true)).await?;
                stage_state(&cx).await
            })
        },
    },
    CommandRow {
        name: "system.get",
        doc: "Read one key of the instrument.",
        args: &[
            need("key", ArgKind::Key, "which"),
            arg("beam", ArgKind::Beam, "of which beam, where the key belongs to one"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "system.get key=working_distance beam=electron",
        run: |cx, args| Box::pin(get(cx, args)),
    },
    CommandRow {
        name: "system.set",
        doc: "Set one key of the instrument; the result is what was really set.",
        args: &[
            need("key", ArgKind::Key, "which"),
            need("value", ArgKind::KeyValue, "to what"),
            arg("beam", ArgKind::Beam, "of which beam, where the key belongs to one"),
        ],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "system.set key=current value=50pA beam=electron",
        run: |cx, args| Box::pin(set(cx, args)),
    },
    CommandRow {
        name: "system.available",
        doc: "The values a key may take on this instrument; an empty list means any.",
        args: &[
            need("key", ArgKind::Key, "which"),
            arg("beam", ArgKind::Beam, "of which beam, where the key belongs to one").or("electron"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "system.available key=current beam=ion",
        run: |cx, args| Box::pin(available(cx, args)),
    },
    CommandRow {
        name: "system.configuration",
        doc: "The configuration that the instrument is used by: the keys of its file, angles in degrees.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "system.configuration",
        run: |cx, _| Box::pin(async move { result(&*cx.core.connected()?.instrument) }),
    },
    CommandRow {
        name: "system.state",
        doc: "The whole state, for display.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "system.state",
        run: |cx, _| Box::pin(async move { Ok(cx.core.state().await) }),
    },
    CommandRow {
        name: "system.capture",
        doc: "Capture stage, beams and detectors exactly, in openFIBSEM's form; saved where path says.",
        args: &[arg("path", ArgKind::Path, "file to write (never over an existing one)")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "system.capture path=before.yaml",
        run: |cx, args| Box::pin(capture(cx, args)),
    },
    CommandRow {
        name: "system.restore",
        doc: "Come back to a captured state: beams, detectors, then the stage by safe moves.",
        args: &[
            arg("path", ArgKind::Path, "file that system.capture wrote"),
            arg("state", ArgKind::Json, "the state itself, in place of a file"),
        ],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "system.restore path=before.yaml",
        run: |cx, args| Box::pin(restore(cx, args)),
    },
    CommandRow {
        name: "system.wait",
        doc: "Let the instrument's clock run.",
        args: &[need("seconds", ArgKind::Number(Unit::Second), "how long")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "system.wait seconds=10",
        run: |cx, args| {
            Box::pin(async move {
                let seconds = args.need(args.number("seconds"), "seconds")?;
                if seconds < 0.0 {
                    return Err(Failure::usage(
                        "time does not run backwards; nothing was waited for",
                        "a time of 0 s or more",
                    ));
                }
                connect::wait(&cx.core, seconds).await;
                Ok(json!({ "waited_s": seconds }))
            })
        },
    },
    CommandRow {
        name: "truth",
        doc: "The digital twin's ground truth: pose, errors, sites, collisions. A real instrument has none.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "truth",
        run: |cx, _| {
            Box::pin(async move {
                cx.scope()?.truth().await?.ok_or_else(|| {
                    Failure::new(
                        ErrorKind::Unsupported,
                        "a real instrument has no ground truth",
                        "`--demo` opens the digital twin",
                    )
                })
            })
        },
    },
];

async fn connect_to(cx: Cx, args: Args) -> Ended {
    let mut instrument = match args.text("instrument") {
        Some(name) => cx.core.find_instrument(name)?,
        None => cx.core.options.instrument.clone(),
    };
    if let Some(address) = args.text("address") {
        instrument.info.ip_address = address.to_owned();
    }
    if let Some(port) = args.count("port") {
        instrument.info.port = u16::try_from(port).ok();
    }
    result(connect::connect(&cx.core, instrument).await?)
}

async fn stage_state(cx: &Cx) -> Ended {
    let state = cx.scope()?.stage().await?.value;
    result(state)
}

async fn get(cx: Cx, args: Args) -> Ended {
    let key = key(&args)?;
    let value = cx.scope()?.get(key, args.beam("beam")).await?;
    Ok(json!({ "key": key, "beam": args.beam("beam"), "value": value }))
}

async fn set(cx: Cx, args: Args) -> Ended {
    let key = key(&args)?;
    let given = args.need(args.json("value"), "value")?.clone();
    let value: Value = serde_json::from_value(given).map_err(|e| {
        Failure::usage(
            format!("that value makes no sense: {e}; nothing was sent"),
            key.row().doc,
        )
    })?;
    let act = match (key.row().per_beam, args.beam("beam"), key, &value) {
        (true, None, ..) => {
            return Err(Failure::usage(
                format!("`{key}` belongs to a beam and none was named; nothing was sent"),
                "add beam=electron or beam=ion",
            ));
        }
        (true, Some(beam), Key::On, Value::Bool(on)) => Act::BeamPower { beam, on: *on },
        (true, Some(beam), Key::Blanked, Value::Bool(on)) => Act::BeamBlank { beam, on: *on },
        (true, Some(beam), Key::PlasmaGas, Value::Text(gas)) => Act::PlasmaGas { beam, gas: gas.clone() },
        (true, Some(beam), ..) => Act::BeamSet { beam, key, value },
        (false, _, Key::StageHome, _) => Act::StageHome,
        (false, _, Key::StageLink, Value::Bool(on)) => Act::StageLink { on: *on },
        (false, _, Key::PumpChamber, _) => Act::Pump,
        (false, _, Key::VentChamber, _) => Act::Vent,
        (false, ..) => Act::SystemSet { key, value },
    };
    let value = match cx.job()?.act(act).await? {
        Outcome::Value(value) => json!(value),
        Outcome::Stage(pose) => json!(pose),
        Outcome::Chamber(state) => json!(state),
        Outcome::Beam(state) => json!(state),
        // no key of the table is one of these acts
        _ => json!(true),
    };
    Ok(json!({ "key": key, "beam": args.beam("beam"), "value": value }))
}

async fn available(cx: Cx, args: Args) -> Ended {
    let key = key(&args)?;
    let beam = key.row().per_beam.then(|| args.beam("beam").unwrap_or(Beam::Electron));
    let scope = cx.scope()?;
    let capabilities = scope.capabilities();
    let values = match beam {
        Some(beam) => capabilities.beam(beam).map(|b| b.available(key).to_vec()),
        None => capabilities.choices(key),
    };
    Ok(json!({ "key": key, "beam": beam, "values": values.unwrap_or_default() }))
}

fn key(args: &Args) -> Result<Key, Failure> {
    args.need(args.text("key").and_then(Key::parse), "key")
}

async fn capture(cx: Cx, args: Args) -> Ended {
    let mut state = workflow::state::capture(&cx.scope()?).await?;
    state.timestamp = cx.core.time();
    let file = match args.text("path") {
        Some(path) => Some(crate::core::files::write_state(Path::new(path), &state)?),
        None => None,
    };
    Ok(json!({ "state": state, "file": file }))
}

async fn restore(cx: Cx, args: Args) -> Ended {
    let state = match (args.json("state"), args.text("path")) {
        (Some(state), _) => serde_json::from_value(state.clone()).map_err(|e| {
            Failure::usage(
                format!("that is no state of an instrument: {e}; nothing was changed"),
                "system.capture shows one",
            )
        })?,
        (None, path) => crate::core::files::read_state(Path::new(args.need(path, "path")?))?,
    };
    result(workflow::state::restore(cx.job()?, state).await?)
}
