//! Tasks that mill: trench, fiducial, rough, polishing, and whatever a task holds.

use super::inspect::inspect;
use super::work::Work;
use crate::JobError;
use crate::movement::{MillingAngle, Orient, milling_angle, orientation};
use crate::neutralise::{Neutralise, neutralise};
use lamella::experiment::Lamella;
use lamella::protocol::TaskConfig;
use model::kinematics::Orientation;
use model::{ErrorKind, Rect};
use pattern::MillingTask;

pub(super) async fn trench(work: &mut Work) -> Result<(), JobError> {
    work.to_milling_pose().await?;
    turn(work).await?;
    if work.config.flag("align_reference") {
        work.align().await?;
    }
    let task = work.milling("trench")?;
    work.start_pictures(task.field_of_view).await?;
    work.mill("trench", "MILL_TRENCH", task).await?;
    if work.config.flag("charge_neutralisation") {
        work.step("CHARGE_NEUTRALISATION", "taking charge away").await?;
        neutralise(work.cx.clone(), Neutralise::default()).await?;
    }
    work.final_pictures().await
}

/// Turns the stage to the orientation that the task names.
async fn turn(work: &Work) -> Result<(), JobError> {
    let named = work.config.parameter("orientation");
    let Some(word) = named.as_str() else { return Ok(()) };
    if word == "MILLING" {
        let angle = work.now()?.milling_angle.map(f64::to_radians);
        let angle = angle.unwrap_or(work.cx.geometry().milling_angle);
        return milling_angle(work.cx.clone(), MillingAngle { angle, rotation: None })
            .await
            .map(drop);
    }
    let name: Orientation = serde_json::from_value(named.clone()).map_err(|_| {
        JobError::new(
            ErrorKind::Usage,
            format!("`{}` is no orientation; nothing moved", model::text::printable(word)),
            "SEM, FIB, MILLING or null",
        )
    })?;
    orientation(work.cx.clone(), Orient { name }).await.map(drop)
}

pub(super) async fn fiducial(work: &mut Work) -> Result<(), JobError> {
    work.to_milling_pose().await?;
    if work.config.flag("align_to_reference") {
        work.align().await?;
    }
    let task = work.milling("fiducial")?;
    let area = area(&task, work.config.number("alignment_expansion"))?;
    let field = task.field_of_view;
    work.start_pictures(field).await?;
    work.mill("fiducial", "MILL_FIDUCIAL", task).await?;
    work.alignment_area(area).await?;
    work.new_reference(field).await?;
    work.final_pictures().await?;
    work.keep_pose().await
}

/// The part of the picture around the first pattern, wider by so many percent of its size on each side.
fn area(task: &MillingTask, expansion: f64) -> Result<Rect, JobError> {
    let shapes = task
        .stages
        .first()
        .map(|stage| stage.pattern.shapes())
        .unwrap_or_default();
    let bounds = shapes
        .iter()
        .map(|shape| shape.bounds())
        .reduce(|a, b| model::shape::Bounds {
            left: a.left.min(b.left),
            bottom: a.bottom.min(b.bottom),
            right: a.right.max(b.right),
            top: a.top.max(b.top),
        });
    let bounds = bounds.ok_or_else(|| {
        JobError::new(
            ErrorKind::Usage,
            "the fiducial has no pattern; nothing was milled",
            "`fibdeck protocol check` says what a task must have",
        )
    })?;
    let (width, height) = (task.field_of_view, task.field_of_view / ASPECT);
    let around = expansion / 100.0;
    let (w, h) = (
        (bounds.right - bounds.left) / width,
        (bounds.top - bounds.bottom) / height,
    );
    Ok(Rect {
        left: 0.5 + bounds.left / width - w * around,
        top: 0.5 - bounds.top / height - h * around,
        width: w * (1.0 + 2.0 * around),
        height: h * (1.0 + 2.0 * around),
    })
}

/// Width by height of the pictures that alignment areas are meant in.
const ASPECT: f64 = 1536.0 / 1024.0;

pub(super) async fn rough(work: &mut Work) -> Result<(), JobError> {
    let field = thin(work, "mill_rough").await?;
    if work.config.flag("sync_polishing_position") {
        let at = work
            .milling("mill_rough")?
            .stages
            .first()
            .map(|stage| stage.pattern.place());
        if let Some(at) = at {
            work.edit(|lamella| polish_at(lamella, at)).await?;
        }
    }
    if work.config.flag("reacquire_alignment_reference") {
        work.new_reference(field).await?;
    }
    work.final_pictures().await
}

/// Polishing patterns go where the rough ones are.
fn polish_at(lamella: &mut Lamella, at: model::Point) {
    let polishing = |config: &&mut TaskConfig| config.task_type == "MILL_POLISHING";
    for config in lamella.tasks.iter_mut().map(|(_, config)| config).filter(polishing) {
        if let Some(Ok((mut task, _))) = config.milling("mill_polishing") {
            task.stages.iter_mut().for_each(|stage| stage.pattern.put(at));
            config.set_milling("mill_polishing", &task);
        }
    }
}

pub(super) async fn polishing(work: &mut Work) -> Result<(), JobError> {
    thin(work, "mill_polishing").await?;
    inspect(work, "mill_polishing").await?;
    work.final_pictures().await
}

/// Finds the lamella again and mills it thinner; the field it was milled in.
async fn thin(work: &mut Work, key: &str) -> Result<f64, JobError> {
    let mut task = work.milling(key)?;
    let field = task.field_of_view;
    work.to_milling_pose().await?;
    work.align().await?;
    work.start_pictures(field).await?;
    task.alignment.rect = work.now()?.alignment_area;
    work.mill(key, "MILL_LAMELLA", task).await?;
    Ok(field)
}

pub(super) async fn basic(work: &mut Work) -> Result<(), JobError> {
    work.to_milling_pose().await?;
    let keys: Vec<String> = work.config.milling.keys().cloned().collect();
    for key in keys {
        let task = work.milling(&key)?;
        work.mill(&key, "RUN_MILLING", task).await?;
    }
    work.final_pictures().await
}
