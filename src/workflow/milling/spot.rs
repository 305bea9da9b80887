//! Spot burns: the beam parked at points of the picture, as marks to find a place again.

use super::owe_beam;
use crate::Job;
use crate::{JobCx, JobError};
use hal::Act;
use model::capabilities::MillingControl;
use model::{Beam, ErrorKind, Key, Notice, Point, Severity, Unit, Value, text, units};
use pattern::estimate::preset_current;
use serde::{Deserialize, Serialize};

/// Parameters of [`spot_burn`], with openFIBSEM's keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpotBurn {
    /// Fractions 0..1 of the field from the top left; points outside are left out, and said so.
    pub coordinates: Vec<Point>,
    /// s at each point.
    pub exposure_time: f64,
    /// A.
    pub milling_current: f64,
    /// Where the instrument mills by presets; the one whose current is `milling_current` unless given.
    pub preset: Option<String>,
    pub beam: Beam,
}

impl Default for SpotBurn {
    fn default() -> Self {
        SpotBurn {
            coordinates: Vec::new(),
            exposure_time: 10.0,
            milling_current: 60e-12,
            preset: None,
            beam: Beam::Ion,
        }
    }
}

/// What burning came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Burned {
    pub points: usize,
    pub left_out: usize,
    pub seconds: f64,
}

/// Burns the points one after the other.
pub fn spot_burn(cx: JobCx, params: SpotBurn) -> Job<Burned> {
    Box::pin(async move {
        let inside = |p: &&Point| (0.0..=1.0).contains(&p.x) && (0.0..=1.0).contains(&p.y);
        let points: Vec<Point> = params.coordinates.iter().filter(inside).copied().collect();
        let left_out = params.coordinates.len() - points.len();
        if points.is_empty() {
            return Err(JobError::new(
                ErrorKind::Usage,
                "no point lies in the picture; nothing was burned",
                "give points as fractions 0..1 from the top left",
            ));
        }
        if left_out > 0 {
            cx.host.notice(Notice::new(
                Severity::Warning,
                format!("{left_out} points lie outside the picture and are left out"),
            ));
        }
        let (beam, mark) = (params.beam, cx.mark());
        let was = cx.scope().beam(beam).await?.value;
        let strength = strength(&cx, &params)?;
        owe_beam(&cx, beam, &was);
        let burned = burn(&cx, &params, &strength, &points).await;
        let restored = cx.put_back(mark).await;
        burned?;
        restored?;
        Ok(Burned {
            points: points.len(),
            left_out,
            seconds: params.exposure_time,
        })
    })
}

/// What the beam is set to.
enum Strength {
    /// A.
    Current(f64),
    /// Its name, and the current it names, A.
    Preset(String, Option<f64>),
}

impl Strength {
    /// What the beam must read before it touches the sample, A.
    fn planned(&self) -> Option<f64> {
        match self {
            Strength::Current(current) => Some(*current),
            Strength::Preset(_, current) => *current,
        }
    }
}

/// A preset's current is no further off than this from the one that was asked for.
const NEAR: f64 = 0.1;

/// By current, or by preset where this beam goes by presets.
fn strength(cx: &JobCx, params: &SpotBurn) -> Result<Strength, JobError> {
    let caps = cx.scope().capabilities();
    let milling = caps.milling.clone().unwrap_or_default();
    let column = caps.beam(params.beam);
    let by_preset = milling.control == MillingControl::Preset
        && column.is_some_and(|column| column.writable.contains(&Key::Preset));
    let refuse = |what: String| {
        JobError::new(
            ErrorKind::OutOfRange,
            format!("{what}; nothing was burned"),
            match by_preset {
                true => format!("preset=, one of: {}", milling.presets.join(", ")),
                false => "milling_current= sets it".to_owned(),
            },
        )
    };
    if !by_preset {
        return match &params.preset {
            Some(_) => Err(refuse(format!(
                "the {} beam goes by current, not by preset",
                params.beam
            ))),
            None => Ok(Strength::Current(params.milling_current)),
        };
    }
    if let Some(name) = &params.preset {
        return Ok(Strength::Preset(name.clone(), preset_current(name)));
    }
    let off = |current: f64| (current / params.milling_current - 1.0).abs();
    let named = milling
        .presets
        .iter()
        .filter_map(|name| Some((name, preset_current(name)?)));
    let near = named
        .min_by(|a, b| off(a.1).total_cmp(&off(b.1)))
        .filter(|(_, i)| off(*i) <= NEAR);
    near.map(|(name, current)| Strength::Preset(name.clone(), Some(current)))
        .ok_or_else(|| {
            let current = units::format(params.milling_current, Unit::Ampere);
            refuse(format!(
                "no preset of this instrument has {}",
                text::printable(&current)
            ))
        })
}

async fn burn(cx: &JobCx, params: &SpotBurn, strength: &Strength, points: &[Point]) -> Result<(), JobError> {
    let beam = params.beam;
    match strength {
        Strength::Current(current) => cx.set(beam, Key::Current, Value::Number(*current)).await?,
        Strength::Preset(name, _) => cx.set(beam, Key::Preset, Value::Text(name.clone())).await?,
    };
    for (i, at) in points.iter().enumerate() {
        let left = (points.len() - i) as f64 * params.exposure_time;
        cx.tell(
            Some(i as f64 / points.len() as f64),
            Some(left),
            &format!(
                "spot {} of {}, {}",
                i + 1,
                points.len(),
                units::format(params.exposure_time, Unit::Second)
            ),
        );
        cx.act(Act::SpotBurn {
            beam,
            at: *at,
            seconds: params.exposure_time,
            current: strength.planned(),
        })
        .await?;
    }
    Ok(())
}
