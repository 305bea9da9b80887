//! Cryo deposition: the sample lowered under an injector, gas for a while, and back.

use crate::Job;
use crate::movement::{self, SafeMove};
use crate::{JobCx, JobError};
use hal::Act;
use model::capabilities::GasPortCapabilities;
use model::{ErrorKind, StagePosition, Unit, units};
use serde::{Deserialize, Serialize};

/// Parameters of [`cryo`]; every key of openFIBSEM's two formats is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cryo {
    /// Which gas; the first of the port unless given.
    pub gas: Option<String>,
    /// Which port; the one that has the gas unless given.
    pub port: Option<String>,
    /// Where a multichem is inserted.
    #[serde(alias = "insert_position")]
    pub position: Option<String>,
    /// How long the valve is open, s.
    #[serde(alias = "duration")]
    pub time: f64,
    /// The place to deposit at; here unless given.
    pub at: Option<StagePosition>,
    /// Lower the stage by this much (raw z, m) under the injector; 0 = not.
    pub lower: f64,
    /// Of the older format; it scanned a line with the electron beam to time the gas. The valve needs none: kept for its files.
    pub application_file: Option<String>,
    pub hfw: Option<f64>,
    pub length: Option<f64>,
    pub beam_current: Option<f64>,
}

impl Default for Cryo {
    fn default() -> Self {
        Cryo {
            gas: None,
            port: None,
            position: None,
            time: 30.0,
            at: None,
            lower: 1e-3,
            application_file: None,
            hfw: None,
            length: None,
            beam_current: None,
        }
    }
}

/// What a deposition came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deposited {
    pub port: String,
    pub gas: Option<String>,
    /// How long the valve was open, s.
    pub seconds: f64,
}

/// Longest deposition, s.
const LONGEST: f64 = 1000.0;
/// How long a crucible may take to warm up, s.
const WARM_UP: f64 = 600.0;
/// How often the temperature is read, s.
const TICK: f64 = 1.0;

/// Deposits from an injector and puts everything back.
pub fn cryo(cx: JobCx, params: Cryo) -> Job<Deposited> {
    Box::pin(async move {
        let (port, gas) = choose(&cx, params.port.as_deref(), params.gas.as_deref())?;
        if !(params.time > 0.0 && params.time <= LONGEST) {
            return Err(JobError::new(
                ErrorKind::OutOfRange,
                format!(
                    "a deposition of {} is not possible; nothing was moved",
                    units::format(params.time, Unit::Second)
                ),
                format!("above 0 and up to {}", units::format(LONGEST, Unit::Second)),
            ));
        }
        if !(0.0..=2e-3).contains(&params.lower) {
            return Err(JobError::new(
                ErrorKind::OutOfRange,
                "the stage can be lowered by 0 to 2 mm under an injector; nothing was moved",
                "leave lower= out for 1 mm",
            ));
        }
        let mark = cx.mark();
        let home = cx.pose().await?;
        let result = flow(&cx, &params).await;
        let closed = cx.put_back(mark).await;
        let seconds = result?;
        closed?;
        // only a deposition that went well drives back by itself: after a failure the operator decides
        movement::safe_move(cx.clone(), SafeMove { target: home.into() }).await?;
        Ok(Deposited {
            port: port.port,
            gas,
            seconds,
        })
    })
}

/// The port and its gas, by what was asked for.
fn choose(
    cx: &JobCx,
    port: Option<&str>,
    gas: Option<&str>,
) -> Result<(GasPortCapabilities, Option<String>), JobError> {
    let caps = cx
        .scope()
        .capabilities()
        .gas
        .clone()
        .ok_or_else(|| hal::HalError::unsupported("gas injection"))?;
    let found = caps
        .ports
        .iter()
        .find(|p| port.is_none_or(|name| name == p.port) && gas.is_none_or(|gas| p.gases.iter().any(|g| g == gas)));
    let Some(found) = found.cloned() else {
        let ports: Vec<&str> = caps.ports.iter().map(|p| p.port.as_str()).collect();
        let gases: Vec<&str> = caps
            .ports
            .iter()
            .flat_map(|p| p.gases.iter().map(String::as_str))
            .collect();
        return Err(JobError::new(
            ErrorKind::OutOfRange,
            "no injector has that gas at that port; nothing was moved",
            format!("ports: {}; gases: {}", ports.join(", "), gases.join(", ")),
        ));
    };
    let gas = gas.map(str::to_owned).or_else(|| found.gases.first().cloned());
    Ok((found, gas))
}

/// Inserts an injector, warms its crucible and opens the valve; each is owed before it is done. The port that gives gas now.
pub(crate) async fn open(
    cx: &JobCx,
    port: Option<&str>,
    gas: Option<&str>,
    position: Option<&str>,
) -> Result<String, JobError> {
    let (port, gas) = choose(cx, port, gas)?;
    let name = port.port.clone();
    // a position is a multichem's: the first one serves where none is named
    let position = position.map(str::to_owned).or_else(|| port.positions.first().cloned());
    cx.owe("the gas injector", vec![Act::GasRetract { port: name.clone() }]);
    cx.act(Act::GasInsert {
        port: name.clone(),
        position,
    })
    .await?;
    if port.heater {
        let off = Act::GasHeat {
            port: name.clone(),
            gas: None,
            on: false,
        };
        cx.owe("the heater", vec![off]);
        cx.act(Act::GasHeat {
            port: name.clone(),
            gas,
            on: true,
        })
        .await?;
        warm_up(cx, &name).await?;
    }
    cx.owe(
        "the valve",
        vec![Act::GasValve {
            port: name.clone(),
            open: false,
        }],
    );
    cx.act(Act::GasValve {
        port: name.clone(),
        open: true,
    })
    .await?;
    Ok(name)
}

async fn flow(cx: &JobCx, params: &Cryo) -> Result<f64, JobError> {
    if let Some(at) = &params.at {
        movement::safe_move(cx.clone(), SafeMove { target: at.clone() }).await?;
    }
    if params.lower > 0.0 {
        let z = cx.pose().await?.z - params.lower;
        let target = StagePosition {
            z: Some(z),
            ..StagePosition::default()
        };
        cx.act(Act::StageTo { target }).await?;
    }
    let name = open(
        cx,
        params.port.as_deref(),
        params.gas.as_deref(),
        params.position.as_deref(),
    )
    .await?;
    let time = params.time;
    cx.wait(time, |remaining| {
        let text = format!("gas flows from {name}");
        cx.tell(Some(1.0 - remaining / time), Some(remaining), &text);
    })
    .await?;
    Ok(time)
}

/// Waits until the crucible gives gas.
async fn warm_up(cx: &JobCx, name: &str) -> Result<(), JobError> {
    let clock = cx.scope().clock().clone();
    let begin = clock.now();
    loop {
        let temperature = cx
            .scope()
            .gas()
            .await?
            .value
            .port(name)
            .map_or(f64::INFINITY, |port| port.temperature);
        if temperature >= model::gas::WARM {
            return Ok(());
        }
        if clock.now() - begin > WARM_UP {
            return Err(JobError::new(
                ErrorKind::Timeout,
                format!("{name} is at {temperature:.0} K after {WARM_UP:.0} s; the valve was not opened"),
                "look at the heater in the vendor's own program",
            ));
        }
        cx.tell(
            None,
            None,
            &format!("{name} warms up: {temperature:.0} K of {:.0} K", model::gas::WARM),
        );
        cx.wait(TICK, |_| {}).await?;
    }
}
