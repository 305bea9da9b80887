//! `gis.*`: gas injection and sputtering.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, milling, result};
use crate::core::{Cx, lock};
use crate::link::Ended;
use ::workflow::deposit::{self, Cryo};
use ::workflow::milling::UnderGas;
use hal::Act;
use model::{Danger, Unit};
use serde_json::Value;

const LENGTH: ArgKind = ArgKind::Number(Unit::Metre);
const ITS_PORT: ArgRow = need("port", ArgKind::Text, "which injector");
const GAS: ArgRow = arg("gas", ArgKind::Text, "which gas").or("the first of the port");
const PORT: ArgRow = arg("port", ArgKind::Text, "which injector").or("the one that has the gas");
const POSITION: ArgRow = arg("position", ArgKind::Text, "where a multichem is inserted").or("its first");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "gis.deposit",
        doc: "Cryo deposition: lower the stage, insert, heat, gas for a while; closed and retracted on any exit.",
        args: &[
            GAS,
            PORT,
            POSITION,
            arg("time", ArgKind::Number(Unit::Second), "how long gas flows").or("30 s"),
            arg("name", ArgKind::PositionName, "saved stage position to deposit at").or("here"),
            arg("lower", LENGTH, "how far the stage goes down first").or("1 mm"),
            arg(
                "settings",
                ArgKind::Json,
                "what openFIBSEM keeps of a deposition, in either of its formats; what is named beside it goes first",
            ),
            arg("hfw", LENGTH, "of older settings: taken, without effect"),
            arg("length", LENGTH, "of older settings: taken, without effect"),
            arg(
                "beam_current",
                ArgKind::Number(Unit::Ampere),
                "of older settings: taken, without effect",
            ),
            arg(
                "application_file",
                ArgKind::Text,
                "of older settings: taken, without effect",
            ),
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "gis.deposit gas=\"Pt cryo\" time=30s",
        run: |cx, args| Box::pin(deposit(cx, args)),
    },
    CommandRow {
        name: "gis.sputter",
        doc: "Sputter coating: prepare, run, recover.",
        args: &[need("seconds", ArgKind::Number(Unit::Second), "how long")],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "gis.sputter seconds=60s",
        run: |cx, args| Box::pin(super::workflow(cx, args, deposit::sputter)),
    },
    CommandRow {
        name: "gis.pattern",
        doc: "Deposit with the beam at the loaded milling task's patterns, while gas flows.",
        args: &[
            GAS,
            PORT,
            POSITION,
            arg("stages", ArgKind::Text, "numbers of stages, from 1, e.g. 1,3").or("those that are on"),
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "gis.pattern gas=\"Pt dep\"",
        run: |cx, args| {
            Box::pin(async move {
                let gas = under_gas(&args);
                milling::run(cx, args, Some(gas)).await
            })
        },
    },
    CommandRow {
        name: "gis.insert",
        doc: "Drive an injector in; it stays until gis.retract.",
        args: &[ITS_PORT, POSITION],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "gis.insert port=Multichem",
        run: |cx, args| {
            Box::pin(async move {
                let (port, position) = (its_port(&args)?, args.text("position").map(str::to_owned));
                act(cx, Act::GasInsert { port, position }).await
            })
        },
    },
    CommandRow {
        name: "gis.heat",
        doc: "Turn an injector's heater on or off; it warms up in its own time (gis.state).",
        args: &[
            ITS_PORT,
            arg("gas", ArgKind::Text, "whose crucible").or("the first of the port"),
            need("on", ArgKind::Bool, "on or off"),
        ],
        danger: Danger::None,
        lane: Lane::Job,
        example: "gis.heat port=Multichem gas=\"Pt cryo\" on=true",
        run: |cx, args| Box::pin(heat(cx, args)),
    },
    CommandRow {
        name: "gis.valve",
        doc: "Open an injector's valve, and gas flows until it is closed; or close it.",
        args: &[ITS_PORT, need("open", ArgKind::Bool, "open or closed")],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "gis.valve port=Multichem open=false",
        run: |cx, args| {
            Box::pin(async move {
                let open = args.need(args.flag("open"), "open")?;
                let port = its_port(&args)?;
                act(cx, Act::GasValve { port, open }).await
            })
        },
    },
    CommandRow {
        name: "gis.retract",
        doc: "Take injectors out: valve closed and heater off first. What a job inserted it takes out by itself.",
        args: &[arg("port", ArgKind::Text, "which injector").or("all")],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "gis.retract",
        run: |cx, args| Box::pin(super::workflow(cx, args, deposit::retract)),
    },
    CommandRow {
        name: "gis.state",
        doc: "Which injectors are in, warm and open.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "gis.state",
        run: |cx, _| Box::pin(async move { result(cx.scope()?.gas().await?.value) }),
    },
];

fn its_port(args: &Args) -> Result<String, Failure> {
    Ok(args.need(args.text("port"), "port")?.to_owned())
}

/// One act, and how the gas system stands then.
async fn act(cx: Cx, act: Act) -> Ended {
    cx.job()?.act(act).await?;
    result(cx.scope()?.gas().await?.value)
}

async fn heat(cx: Cx, args: Args) -> Ended {
    let (port, on) = (its_port(&args)?, args.need(args.flag("on"), "on")?);
    let scope = cx.scope()?;
    let ports = scope.capabilities().gas.as_ref().map_or(&[][..], |gas| &gas.ports);
    let first = ports.iter().find(|p| p.port == port).and_then(|p| p.gases.first());
    let gas = args.text("gas").map(str::to_owned).or_else(|| first.cloned());
    act(
        cx,
        Act::GasHeat {
            port,
            gas: gas.filter(|_| on),
            on,
        },
    )
    .await
}

/// The gas that these arguments name.
pub(crate) fn under_gas(args: &Args) -> UnderGas {
    let text = |name: &str| args.text(name).map(str::to_owned);
    UnderGas {
        gas: text("gas"),
        port: text("port"),
        position: text("position"),
    }
}

/// Keys of openFIBSEM's two formats.
const SETTINGS: [&str; 10] = [
    "application_file",
    "beam_current",
    "duration",
    "gas",
    "hfw",
    "insert_position",
    "length",
    "port",
    "position",
    "time",
];

/// A deposition as openFIBSEM keeps it.
fn settings(value: &Value) -> Result<Cryo, Failure> {
    let refuse = |what: String| {
        Failure::usage(
            format!("{what}; nothing was moved"),
            format!("openFIBSEM's settings know: {}", SETTINGS.join(", ")),
        )
    };
    let keys = value.as_object().into_iter().flat_map(|map| map.keys());
    if let Some(unknown) = keys.into_iter().find(|key| !SETTINGS.contains(&key.as_str())) {
        return Err(refuse(format!(
            "`{}` is no setting of a deposition",
            model::text::printable(unknown)
        )));
    }
    serde_json::from_value(value.clone()).map_err(|error| refuse(format!("these settings cannot be read: {error}")))
}

async fn deposit(cx: Cx, args: Args) -> Ended {
    let defaults = match args.json("settings") {
        Some(value) => settings(value)?,
        None => Cryo::default(),
    };
    let text = |name: &str| args.text(name).map(str::to_owned);
    let at = match args.text("name") {
        Some(name) => Some(lock(&cx.core.files).positions.get(name)?.clone()),
        None => None,
    };
    let params = Cryo {
        gas: text("gas").or(defaults.gas),
        port: text("port").or(defaults.port),
        position: text("position").or(defaults.position),
        time: args.number("time").unwrap_or(defaults.time),
        at,
        lower: args.number("lower").unwrap_or(defaults.lower),
        ..defaults
    };
    result(deposit::cryo(cx.job()?, params).await?)
}
