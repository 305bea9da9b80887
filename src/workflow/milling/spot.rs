//! Spot burns: the beam parked at points of the picture, as marks to find a place again.

use crate::Job;
use crate::{JobCx, JobError};
use hal::Act;
use model::{Beam, ErrorKind, Key, Notice, Point, Severity, Unit, Value, units};
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
    pub beam: Beam,
}

impl Default for SpotBurn {
    fn default() -> Self {
        SpotBurn {
            coordinates: Vec::new(),
            exposure_time: 10.0,
            milling_current: 60e-12,
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
        cx.owe(
            "the beam's current",
            vec![Act::BeamSet {
                beam,
                key: Key::Current,
                value: Value::Number(was.settings.beam_current),
            }],
        );
        let burned = burn(&cx, &params, &points).await;
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

async fn burn(cx: &JobCx, params: &SpotBurn, points: &[Point]) -> Result<(), JobError> {
    let beam = params.beam;
    cx.set(beam, Key::Current, Value::Number(params.milling_current))
        .await?;
    for (i, at) in points.iter().enumerate() {
        let left = (points.len() - i) as f64 * params.exposure_time;
        cx.host.progress(
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
        })
        .await?;
    }
    Ok(())
}
