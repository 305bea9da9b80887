//! Overtilt: each trench of a lamella with the stage tilted a little past the plane, so that both faces come out parallel.
//!
//! Source: openFIBSEM's strategy. The first shape (the upper trench) is milled at the stage tilt minus the overtilt, the others at
//! plus; after each tilt the picture is brought back onto one taken before. The stage returns between shapes and at any end.

use super::report::Report;
use super::{Run, draw, stage};
use crate::{JobError, Keep};
use hal::Act;
use model::{ImageSettings, Shape, StagePosition};
use pattern::MillingStage;
use pattern::task::Overtilt;

pub(super) async fn mill(
    run: &Run<'_>,
    stage: &MillingStage,
    left: &[Option<Shape>],
    config: &Overtilt,
    report: &mut Report<'_>,
) -> Result<(), JobError> {
    let cx = run.cx;
    let home = cx.pose().await?;
    let settings = ImageSettings {
        beam_type: run.task.channel,
        hfw: run.task.field_of_view,
        resolution: config.image_resolution,
        reduced_area: Some(run.task.alignment.rect),
        ..run.task.alignment.imaging.clone()
    };
    report.doing("reference picture before the tilt");
    let (reference, _) = cx.frame(&settings, &Keep { live: true, path: None }).await?;
    let reference = (reference, settings);
    let tilt = config.overtilt.to_radians();
    for (i, shape) in left.iter().enumerate() {
        let Some(shape) = shape else { continue };
        let by = if i == 0 { -tilt } else { tilt };
        let mark = cx.mark();
        cx.owe(
            "the stage's tilt",
            vec![Act::StageTo {
                target: StagePosition::from(home),
            }],
        );
        report.doing("tilting past the plane");
        let target = StagePosition {
            t: Some(home.t + by),
            ..StagePosition::default()
        };
        cx.act(Act::StageTo { target }).await?;
        stage::prepare(run, stage, report).await?;
        report.doing("aligning after the tilt");
        stage::align(run, &reference.0, &reference.1, true).await?;
        let turn = draw::Turn {
            before: i,
            shapes: std::slice::from_ref(shape),
            later: &left[i + 1..],
        };
        draw::draw(run, stage, turn, Some(&reference), report).await?;
        run.imaging_conditions().await?;
        cx.put_back(mark).await?;
    }
    Ok(())
}
