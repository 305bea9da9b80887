//! The needle's tip made ready, sharpened, or found again: guided, with the stage out of its way.
//!
//! Source: the manipulator procedures of openFIBSEM's lift-out (prepare: a flat end at (-10, 0) um; sharpen: two cuts along the
//! edges of the tip, with the angles and the bias of its protocols). There they are menus and protocol keys; the steps are ours.

use super::guided::{Bench, bring_in, centred, milled};
use crate::Job;
use crate::{JobCx, JobError};
use model::{ErrorKind, ManipulatorPosition, MillingSettings, Point};
use pattern::task::{Acquisition, Alignment};
use pattern::{MillingRun, MillingStage, MillingTask, Pattern, figure::Rectangle};
use serde::{Deserialize, Serialize};

/// Field widths in which the tip is centred, and the one it is milled in, m.
const FIELDS: [f64; 2] = [400e-6, MILLED_IN];
const MILLED_IN: f64 = 150e-6;
/// How far above its working position the needle is prepared, m.
const ABOVE: f64 = 10e-6;

/// Parameters of [`prepare`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prepare {
    /// Where an earlier calibration centred the tip.
    pub place: Option<ManipulatorPosition>,
    /// What is milled instead of the flat end.
    pub task: Option<MillingTask>,
    /// Where the end is cut off, m from the tip in the ion picture, x right, y up.
    pub point: Point,
    /// A.
    pub current: f64,
}

impl Default for Prepare {
    fn default() -> Self {
        Prepare {
            place: None,
            task: None,
            point: Point { x: -10e-6, y: 0.0 },
            current: 28e-9,
        }
    }
}

/// Parameters of [`sharpen`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sharpen {
    /// Where an earlier calibration centred the tip.
    pub place: Option<ManipulatorPosition>,
    /// What is milled instead of two cuts along the edges.
    pub task: Option<MillingTask>,
    /// Where the tip points in the ion picture, rad counter-clockwise from the right.
    pub angle: f64,
    /// Angle between the two edges of the new tip, rad.
    pub tip_angle: f64,
    /// How far the cuts stay off the edges, m.
    pub bias: f64,
    /// A.
    pub current: f64,
}

impl Default for Sharpen {
    fn default() -> Self {
        Sharpen {
            place: None,
            task: None,
            angle: 40f64.to_radians(),
            tip_angle: 35f64.to_radians(),
            bias: 0.25e-6,
            current: 28e-9,
        }
    }
}

/// Parameters of [`reset`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reset {
    /// Where an earlier calibration centred the tip.
    pub place: Option<ManipulatorPosition>,
}

/// What a procedure came to; the needle is out again and the stage where it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tip {
    /// Where the tip was centred in both pictures.
    pub position: ManipulatorPosition,
    pub milled: Vec<MillingRun>,
}

/// Gives the needle a flat end, as lift-out wants it: stage level, needle a little above its working position.
pub fn prepare(cx: JobCx, params: Prepare) -> Job<Tip> {
    Box::pin(async move {
        let bench = Bench {
            place: params.place,
            above: ABOVE,
            level: true,
        };
        // tungsten is milled at less than half of the rate of silicon, by which the depth counts
        let own = || {
            let cut = rectangle(2.5e-6, 20e-6, 0.0);
            task("prepare", params.current, [("flat end", cut, params.point)])
        };
        let task = params.task.unwrap_or_else(own);
        worked_on(&cx, &bench, "cut the needle's end flat", Some(task)).await
    })
}

/// Mills the tip sharp: two cuts that leave a wedge of `tip_angle` between them; the tip is then centred again.
pub fn sharpen(cx: JobCx, params: Sharpen) -> Job<Tip> {
    Box::pin(async move {
        let bench = Bench {
            place: params.place.clone(),
            ..Bench::default()
        };
        let task = match params.task.clone() {
            Some(task) => task,
            None => wedge(&params)?,
        };
        worked_on(&cx, &bench, "sharpen the needle's tip", Some(task)).await
    })
}

/// Finds the tip again: centred in both pictures with the sample out of its way.
pub fn reset(cx: JobCx, params: Reset) -> Job<Tip> {
    Box::pin(async move {
        let bench = Bench {
            place: params.place,
            ..Bench::default()
        };
        worked_on(&cx, &bench, "find the needle's tip again", None).await
    })
}

async fn worked_on(cx: &JobCx, bench: &Bench, what: &str, task: Option<MillingTask>) -> Result<Tip, JobError> {
    let mark = cx.mark();
    let done = async {
        bring_in(cx, bench, what).await?;
        let mut position = centred(cx, &FIELDS).await?;
        let mut runs = Vec::new();
        if let Some(task) = task {
            runs = milled(cx, &task, what).await?;
            if !runs.is_empty() {
                position = centred(cx, &FIELDS[1..]).await?;
            }
        }
        Ok::<_, JobError>(Tip { position, milled: runs })
    }
    .await;
    let back = cx.put_back(mark).await;
    let tip = done?;
    back?;
    Ok(tip)
}

fn rectangle(width: f64, height: f64, rotation: f64) -> Rectangle {
    Rectangle {
        width,
        height,
        depth: 20e-6,
        rotation: rotation.to_degrees(),
        ..Rectangle::default()
    }
}

/// A task of these cuts, one stage each.
fn task<const N: usize>(name: &str, current: f64, cuts: [(&str, Rectangle, Point); N]) -> MillingTask {
    let stage = |(name, cut, point): (&str, Rectangle, Point)| MillingStage {
        name: name.to_owned(),
        milling: MillingSettings {
            milling_current: current,
            ..MillingSettings::default()
        },
        pattern: Pattern {
            point,
            figure: cut.into(),
        },
        ..MillingStage::default()
    };
    MillingTask {
        name: name.to_owned(),
        field_of_view: MILLED_IN,
        alignment: Alignment {
            enabled: false,
            ..Alignment::default()
        },
        acquisition: Acquisition {
            acquire_final_image: false,
            ..Acquisition::default()
        },
        stages: cuts.map(stage).to_vec(),
        ..MillingTask::default()
    }
}

/// Two long cuts, each with an inner edge along an edge of the wedge.
fn wedge(params: &Sharpen) -> Result<MillingTask, JobError> {
    const LENGTH: f64 = 30e-6;
    const WIDTH: f64 = 4e-6;
    let half = params.tip_angle / 2.0;
    let sane = (1f64.to_radians()..=80f64.to_radians()).contains(&half)
        && params.angle.is_finite()
        && (0.0..=5e-6).contains(&params.bias);
    if !sane {
        return Err(JobError::new(
            ErrorKind::OutOfRange,
            "no tip can be milled with these angles; nothing moved",
            "tip_angle= of 2 to 160 deg, bias= of 0 to 5 um, angle= as the needle points in the ion picture",
        ));
    }
    let cut = |side: f64| {
        // back from the tip along the edge, and away from the needle's axis
        let edge = params.angle + std::f64::consts::PI - side * half;
        let along = Point {
            x: edge.cos(),
            y: edge.sin(),
        };
        let away = Point {
            x: side * edge.sin(),
            y: -side * edge.cos(),
        };
        let (back, out) = (0.3 * LENGTH, WIDTH / 2.0 + params.bias);
        let at = Point {
            x: along.x * back + away.x * out,
            y: along.y * back + away.y * out,
        };
        (rectangle(LENGTH, WIDTH, edge), at)
    };
    let ((left, at_left), (right, at_right)) = (cut(1.0), cut(-1.0));
    Ok(task(
        "sharpen",
        params.current,
        [("one edge", left, at_left), ("other edge", right, at_right)],
    ))
}
