//! Select position: to the lamella, to its milling angle, focused, with the picture that later tasks are aligned by.

use super::work::{PARK, Work, malformed, parked};
use crate::JobError;
use crate::align::{EucentricTilt, eucentric_tilt};
use crate::movement::{MillingAngle, milling_angle};
use lamella::experiment::Lamella;
use lamella::names::{self, Phase};
use model::kinematics::milling_angle as milling;
use model::{Beam, Point};

pub(super) async fn select(work: &mut Work) -> Result<(), JobError> {
    let field = work.field();
    work.to_milling_pose().await?;
    work.step("SELECT_POSITION", "looking at the position").await?;
    let focuses = work.config.flag("use_autofocus");
    if focuses {
        work.step("AUTOFOCUS", "focusing both beams").await?;
        for beam in work.cx.scope().capabilities().beams() {
            work.focus(beam, field).await?;
        }
    }
    work.other_pictures(field, &names::start(&work.task), Phase::Other)
        .await?;
    let angle = work.config.number("milling_angle").to_radians();
    if tilt(work, angle).await? {
        if focuses {
            work.focus(Beam::Ion, field).await?;
        }
        let name = format!("{}_post_tilt", names::start(&work.task));
        work.other_pictures(field, &name, Phase::Other).await?;
    }
    if work.is_supervised() {
        let detail = "Move the stage until the lamella is where it should be in the FIB picture. The instrument is yours until you answer.";
        let choices = [("continue", "the lamella is milled here"), PARK];
        parked(&work.ask("is this the place?", detail, &choices).await?)?;
    }
    point_of_interest(work).await?;
    work.alignment_area(work.now()?.alignment_area).await?;
    work.new_reference(field).await?;
    work.final_pictures().await?;
    work.keep_pose().await?;
    let reached = milling::of(&work.cx.geometry(), &work.cx.pose().await?).to_degrees();
    work.edit(|lamella| lamella.milling_angle = Some(reached)).await
}

/// A stage turned further than this (rad) from how lamellae are milled must turn first, which no picture can follow.
const TURNED: f64 = 0.035;

/// Tilts to the milling angle (rad) unless it is there; `true` where it tilted.
async fn tilt(work: &Work, angle: f64) -> Result<bool, JobError> {
    let (geometry, pose) = (work.cx.geometry(), work.cx.pose().await?);
    if milling::is_at(&geometry, &pose, angle, milling::TOLERANCE) {
        return Ok(false);
    }
    let target = milling::target(&geometry, angle, None);
    let turned = target.r.is_some_and(|r| (r - pose.r).abs() > TURNED);
    if work.config.flag("auto_milling_alignment") && !turned {
        work.step("TILT", "to the milling angle, held by pictures of both beams")
            .await?;
        let by_steps = EucentricTilt {
            milling_angle: Some(angle),
            ..EucentricTilt::default()
        };
        eucentric_tilt(work.cx.clone(), by_steps).await?;
        return Ok(true);
    }
    if work.is_supervised() {
        let now = milling::of(&geometry, &pose).to_degrees();
        let detail = format!(
            "It stands at a milling angle of {now:.1} deg; {:.1} deg is asked for.",
            angle.to_degrees()
        );
        let choices = [("tilt", "tilts to it"), ("skip", "stays at this angle"), PARK];
        let answer = work.ask("tilt to the milling angle?", &detail, &choices).await?;
        parked(&answer)?;
        if answer.choice == "skip" {
            return Ok(false);
        }
    }
    work.step("TILT", "to the milling angle").await?;
    milling_angle(work.cx.clone(), MillingAngle { angle, rotation: None }).await?;
    Ok(true)
}

/// Asks for the point of interest where somebody watches; patterns that follow it go there.
async fn point_of_interest(work: &Work) -> Result<(), JobError> {
    if !work.is_supervised() || !work.config.flag("select_poi") {
        return Ok(());
    }
    let at = work.now()?.poi;
    let detail = format!(
        "It is {:.2} um right and {:.2} um up of the FIB picture's middle; an answer may carry another as JSON, in metres: {{\"x\": 1e-6, \"y\": 0}}.",
        at.x * 1e6,
        at.y * 1e6
    );
    let answer = work
        .ask(
            "is this the point of interest?",
            &detail,
            &[("continue", "patterns go there"), PARK],
        )
        .await?;
    parked(&answer)?;
    match answer.data {
        None => Ok(()),
        Some(given) => {
            let to: Point = serde_json::from_value(given).map_err(|error| malformed("point", &error))?;
            work.edit(|lamella| follow(lamella, to)).await
        }
    }
}

/// Sets the point of interest; patterns of tasks that follow it are shifted so that their first is there.
fn follow(lamella: &mut Lamella, poi: Point) {
    lamella.poi = poi;
    for (_, config) in lamella
        .tasks
        .iter_mut()
        .filter(|(_, config)| config.flag("sync_to_poi"))
    {
        for key in config.milling.keys().cloned().collect::<Vec<_>>() {
            let Some(Ok((mut task, _))) = config.milling(&key) else {
                continue;
            };
            let Some(first) = task.stages.first().map(|stage| stage.pattern.place()) else {
                continue;
            };
            for stage in &mut task.stages {
                stage.pattern.shift(poi.x - first.x, poi.y - first.y);
            }
            config.set_milling(&key, &task);
        }
    }
}
