//! Tasks that mill nothing: reference pictures, and spots burned as marks.

use super::left::Milled;
use super::work::{PARK, Work, malformed, parked};
use crate::JobError;
use crate::milling::{self, SpotBurn};
use lamella::names::{self, Phase};
use model::{Beam, Notice, Point, Severity};
use serde_json::Value;

pub(super) async fn reference(work: &mut Work) -> Result<(), JobError> {
    work.to_milling_pose().await?;
    if work.is_supervised() {
        let detail = "The instrument is yours until you answer.";
        parked(
            &work
                .ask("take the pictures here?", detail, &[("continue", "takes them"), PARK])
                .await?,
        )?;
    }
    work.step("ACQUIRE_REFERENCE_IMAGES", "reference pictures").await?;
    let named = work.config.parameter("filename");
    let lamella = work.now()?;
    let last = lamella.completed(None).map(|task| task.name.as_str());
    let time = work.clock();
    for (n, hfw) in work.imaging.fields().into_iter().enumerate() {
        let name = names::reference(named.as_str(), last, time, n + 1);
        work.other_pictures(hfw, &name, Phase::Final).await?;
    }
    Ok(())
}

/// The key of the spots among what was milled.
const SPOTS: &str = "spots";

pub(super) async fn spot_burn(work: &mut Work) -> Result<(), JobError> {
    work.to_milling_pose().await?;
    work.align().await?;
    if work.config.flag("autofocus") {
        work.step("AUTOFOCUS", "focusing the ion beam").await?;
        work.focus(Beam::Ion, work.field()).await?;
    }
    work.start_pictures(work.field()).await?;
    work.step("SPOT_BURN_FIDUCIAL", "burning spots").await?;
    let mut points = stored(work.config.other.get("coordinates"))?;
    if work.is_supervised() {
        let detail = format!(
            "{} points are kept; an answer may carry others as JSON, fractions from the top left: [{{\"x\": 0.4, \"y\": 0.5}}].",
            points.len()
        );
        let answer = work
            .ask(
                "burn these spots?",
                &detail,
                &[("burn", "burns them"), ("continue", "goes on without"), PARK],
            )
            .await?;
        parked(&answer)?;
        if let Some(given) = answer.data {
            points = stored(Some(&given))?;
            let task = work.task.clone();
            work.edit(|lamella| {
                if let Some(config) = lamella.tasks.get_mut(&task) {
                    config.other.insert("coordinates".to_owned(), given);
                }
            })
            .await?;
        }
        if answer.choice == "continue" {
            return work.final_pictures().await;
        }
    }
    burn(work, points).await?;
    work.final_pictures().await
}

fn stored(given: Option<&Value>) -> Result<Vec<Point>, JobError> {
    match given {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(given) => serde_json::from_value(given.clone()).map_err(|error| malformed("points", &error)),
    }
}

async fn burn(work: &mut Work, coordinates: Vec<Point>) -> Result<(), JobError> {
    if coordinates.is_empty() {
        let notice = Notice::new(
            Severity::Warning,
            format!("{}: no spots are kept to burn", model::text::printable(&work.task)),
        );
        work.cx.host.notice(notice.hint("the task goes on without"));
        return Ok(());
    }
    // spots that were burned, or begun, are not burned again: a mark burned twice is a hole
    if work.left.milling.contains_key(SPOTS) {
        return Ok(());
    }
    work.left.milling.insert(SPOTS.to_owned(), Milled::Begun);
    work.left.save(&work.folder)?;
    let params = SpotBurn {
        coordinates,
        exposure_time: work.config.number("exposure_time"),
        milling_current: work.config.number("milling_current"),
        ..SpotBurn::default()
    };
    milling::spot_burn(work.cx.clone(), params).await.map(drop)
}
