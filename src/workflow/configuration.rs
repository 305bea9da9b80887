//! The configuration against the instrument: compared at connect, which only reads, and applied when somebody asks.
//!
//! One table, [`BEAM_ROWS`], says which configured value belongs to which key; its order is the order of applying: openFIBSEM's
//! `apply_configuration`, except that plasma and then its gas come first. openFIBSEM sets them last and the gas before the plasma,
//! which loses the gas of a source that is only now made a plasma, and picks the current from the list of the gas before. The
//! detector keeps its contrast and brightness.

use crate::Job;
use crate::state::set_if_different;
use crate::system::plasma_gas;
use crate::{JobCx, JobError};
use hal::Scope;
use hal::act::show;
use model::config::{Instrument, instrument::BeamConfig};
use model::{Beam, Key, Point, Unit, Value, units};
use serde::Serialize;

/// One configured value against what the instrument has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `electron.voltage`, `stage.rotation_reference`, ...
    pub key: String,
    pub configured: String,
    /// `unknown` where the instrument does not say.
    pub actual: String,
    pub same: bool,
}

/// A configured value of a beam: its key, and what the configuration wants; `None` = it says nothing.
struct BeamRow {
    key: Key,
    wanted: fn(&BeamConfig) -> Option<Value>,
}

fn text(value: &Option<String>) -> Option<Value> {
    value.clone().map(Value::Text)
}

/// What a configuration says of a beam, in the order of applying. Plasma gas is not here: it is an act of its own, done
/// after the row of the plasma.
const BEAM_ROWS: &[BeamRow] = &[
    BeamRow {
        key: Key::Plasma,
        wanted: |c| Some(Value::Bool(c.plasma)),
    },
    // openFIBSEM makes the eucentric height the working distance, and centres what the file has no key for
    BeamRow {
        key: Key::WorkingDistance,
        wanted: |c| Some(Value::Number(c.eucentric_height)),
    },
    BeamRow {
        key: Key::Current,
        wanted: |c| Some(Value::Number(c.current)),
    },
    BeamRow {
        key: Key::Voltage,
        wanted: |c| Some(Value::Number(c.voltage)),
    },
    BeamRow {
        key: Key::Hfw,
        wanted: |c| Some(Value::Number(c.hfw)),
    },
    BeamRow {
        key: Key::Resolution,
        wanted: |c| Some(Value::Size(c.resolution.0, c.resolution.1)),
    },
    BeamRow {
        key: Key::DwellTime,
        wanted: |c| Some(Value::Number(c.dwell_time)),
    },
    BeamRow {
        key: Key::Stigmation,
        wanted: |_| Some(Value::Point(Point::default())),
    },
    BeamRow {
        key: Key::Shift,
        wanted: |_| Some(Value::Point(Point::default())),
    },
    BeamRow {
        key: Key::ScanRotation,
        wanted: |_| Some(Value::Number(0.0)),
    },
    BeamRow {
        key: Key::DetectorType,
        wanted: |c| text(&c.detector_type),
    },
    BeamRow {
        key: Key::DetectorMode,
        wanted: |c| text(&c.detector_mode),
    },
    BeamRow {
        key: Key::EucentricHeight,
        wanted: |c| Some(Value::Number(c.eucentric_height)),
    },
    BeamRow {
        key: Key::ColumnTilt,
        wanted: |c| Some(Value::Number(c.column_tilt)),
    },
];

/// Relative difference below which two numbers are the same setting: an instrument rounds.
const SAME: f64 = 1e-6;

fn same(configured: &Value, actual: &Value) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= SAME * a.abs().max(b.abs());
    match (configured, actual) {
        (Value::Number(a), Value::Number(b)) => near(*a, *b),
        (Value::Point(a), Value::Point(b)) => near(a.x, b.x) && near(a.y, b.y),
        (a, b) => a == b,
    }
}

/// Every configured value against the instrument; reads only. What cannot be read shows as `unknown`.
pub async fn compare(scope: &Scope, instrument: &Instrument) -> Vec<Comparison> {
    let mut table = stage_rows(scope, instrument);
    for beam in Beam::ALL {
        let config = instrument.beam(beam);
        let capabilities = scope.capabilities().beam(beam);
        table.push(Comparison {
            key: format!("{beam}.enabled"),
            configured: config.enabled.to_string(),
            actual: capabilities.is_some().to_string(),
            same: config.enabled == capabilities.is_some(),
        });
        let Some(capabilities) = capabilities.filter(|_| config.enabled) else {
            continue;
        };
        let gas = BeamRow {
            key: Key::PlasmaGas,
            wanted: |c| text(&c.plasma_gas).filter(|_| c.plasma),
        };
        for row in BEAM_ROWS.iter().chain([&gas]) {
            let Some(configured) = (row.wanted)(config) else {
                continue;
            };
            let readable = capabilities.readable.contains(&row.key);
            let actual = if readable {
                scope.get(row.key, Some(beam)).await.ok()
            } else {
                None
            };
            table.push(Comparison {
                key: format!("{beam}.{}", row.key),
                configured: show(row.key, &configured),
                actual: actual
                    .as_ref()
                    .map_or_else(|| "unknown".to_owned(), |v| show(row.key, v)),
                same: actual.is_some_and(|v| same(&configured, &v)),
            });
        }
    }
    table
}

fn stage_rows(scope: &Scope, instrument: &Instrument) -> Vec<Comparison> {
    let (configured, actual) = (instrument.geometry(), *scope.geometry());
    let angles = [
        (
            "stage.rotation_reference",
            configured.rotation_reference,
            actual.rotation_reference,
        ),
        ("stage.rotation_180", configured.rotation_180, actual.rotation_180),
        ("stage.shuttle_pre_tilt", configured.pre_tilt, actual.pre_tilt),
        ("stage.milling_angle", configured.milling_angle, actual.milling_angle),
    ];
    angles
        .into_iter()
        .map(|(key, configured, actual)| Comparison {
            key: key.to_owned(),
            configured: units::format(configured, Unit::Radian),
            actual: units::format(actual, Unit::Radian),
            same: same(&Value::Number(configured), &Value::Number(actual)),
        })
        .collect()
}

/// What [`apply`] changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Applied {
    pub changed: Vec<Change>,
    /// The comparison afterwards.
    pub comparison: Vec<Comparison>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub key: String,
    pub before: String,
    /// What was really set, which may be the nearest the instrument has.
    pub after: String,
}

/// Sets the beams as configured; a cancel takes effect between values, and what was set by then stays.
pub fn apply(cx: JobCx) -> Job<Applied> {
    Box::pin(async move {
        let instrument = cx.instrument.clone();
        let beams: Vec<Beam> = cx
            .scope()
            .capabilities()
            .beams()
            .into_iter()
            .filter(|beam| instrument.beam(*beam).enabled)
            .collect();
        let all = beams.len() * (BEAM_ROWS.len() + 1);
        let mut changed = Vec::new();
        let mut done = 0;
        for beam in beams {
            let config = instrument.beam(beam);
            for row in BEAM_ROWS {
                done += 1;
                let Some(wanted) = (row.wanted)(config) else { continue };
                let name = format!("{beam}.{}", row.key);
                cx.progress(done as f64 / all as f64, &format!("{name}, {done} of {all}"));
                let readable = cx
                    .scope()
                    .capabilities()
                    .beam(beam)
                    .is_some_and(|b| b.readable.contains(&row.key));
                let already = readable && same(&wanted, &cx.scope().get(row.key, Some(beam)).await?);
                if !already && let Some((before, after)) = set_if_different(&cx, beam, row.key, wanted).await? {
                    changed.push(Change {
                        key: name,
                        before: show(row.key, &before),
                        after: show(row.key, &after),
                    });
                }
                // only a plasma source has a gas, and the gas decides which currents there are
                if row.key == Key::Plasma {
                    changed.extend(apply_gas(&cx, beam, config).await?);
                    done += 1;
                }
            }
        }
        let comparison = compare(cx.scope(), &instrument).await;
        Ok(Applied { changed, comparison })
    })
}

/// The configured plasma gas, where the source is one and runs another.
async fn apply_gas(cx: &JobCx, beam: Beam, config: &BeamConfig) -> Result<Option<Change>, JobError> {
    let Some(gas) = config.plasma_gas.clone().filter(|_| config.plasma) else {
        return Ok(None);
    };
    let now = cx.scope().beam(beam).await?.value.plasma_gas;
    if now.is_none() || now.as_deref() == Some(gas.as_str()) {
        return Ok(None);
    }
    let after = plasma_gas(cx.clone(), beam, gas).await?;
    let key = format!("{beam}.{}", Key::PlasmaGas);
    Ok(Some(Change {
        key,
        before: now.unwrap_or_default(),
        after,
    }))
}
