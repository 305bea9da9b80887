//! Select position: to the lamella, which is found again where an overview placed it, to its milling angle, focused, with the picture that
//! later tasks are aligned by.

use super::work::{PARK, Work, malformed, parked};
use crate::align::{
    AlignBeamShift, AlignStage, Coincidence, EucentricTilt, beam_shift, centre_by_beam, coincidence, eucentric_tilt,
    stage as align_stage,
};
use crate::movement::{MillingAngle, milling_angle};
use crate::{JobError, Keep};
use lamella::experiment::Lamella;
use lamella::names::{self, Phase};
use model::frame::beam_file_name;
use model::kinematics::milling_angle as milling;
use model::{Beam, ErrorKind, Frame, ImageSettings, Point};
use ndarray::s;
use std::path::PathBuf;
use vision::register::{Method, Options, register_blurred};

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
    if let Some(reference) = seen_before(work) {
        find(work, reference).await?;
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

/// What an overview showed around the lamella's place, where it was placed by one.
fn seen_before(work: &Work) -> Option<PathBuf> {
    let file = |beam| work.folder.join(beam_file_name(names::POSITION_REFERENCE, beam));
    Beam::ALL.into_iter().map(file).find(|file| file.exists())
}

/// The place was off by at most this much (m) in the overview: what looks alike farther away is another square.
const ASTRAY: f64 = 25e-6;
/// Near enough (m): a stage that comes back to 1 um gets there in a few moves.
const FOUND: f64 = 2.5e-6;
const MOVES: usize = 5;

/// What must be the same at the place itself: this much around it (m, half), which shows no bar: bars look alike on every grid. Where that
/// repeats it is blurred (m) by more than the holes of a film. It may be off by so much (m).
const ITSELF: f64 = 18e-6;
const BLUR: f64 = 1e-6;
const OFF: f64 = 5e-6;

/// Finds the place again by what the overview showed, and brings it to where both beams see it.
async fn find(work: &Work, file: PathBuf) -> Result<(), JobError> {
    work.step("FIND_POSITION", "finding the place that the overview showed")
        .await?;
    let path = file.clone();
    let loaded = work.cx.compute(move || Frame::load(&path)).await?;
    let reference = loaded.map_err(|error| {
        JobError::new(
            ErrorKind::File,
            format!("what the overview showed here was not read: {error}; nothing was milled"),
            "place the lamella anew (lamella.place), or take the file away to go without",
        )
    })?;
    let reference = reference.frame;
    let pixel = reference.metadata.as_ref().map_or(0.0, |m| m.pixel_size.x);
    let params = AlignStage {
        reference: Some(file.clone()),
        steps: MOVES,
        tolerance: FOUND,
        limit_px: Some(ASTRAY / pixel),
        ..AlignStage::default()
    };
    let found = match align_stage(work.cx.clone(), params).await {
        Ok(_) => is_itself(work, reference, pixel).await,
        Err(error) => Err(error),
    };
    // what the stage leaves the beam takes off: a lamella is not much wider than that
    let rest = AlignBeamShift {
        reference: Some(file),
        beam: Beam::Electron,
        limit_m: Some(2.0 * FOUND),
        ..AlignBeamShift::default()
    };
    let found = match found {
        Ok(()) => beam_shift(work.cx.clone(), rest).await.map(drop),
        Err(error) => Err(error),
    };
    found.map_err(|error| match error.kind {
        ErrorKind::Doubtful => JobError {
            what: format!("the place that the overview showed was not found again: {}", error.what),
            hint: "look whether it is the same sample; go there and keep the position anew (lamella.move name=...)"
                .to_owned(),
            ..error
        },
        _ => error,
    })?;
    if work.config.flag("auto_milling_alignment") {
        work.step("COINCIDENCE", "to the height where both beams see the place")
            .await?;
        let params = Coincidence {
            repeatability: FOUND,
            ..Coincidence::default()
        };
        let found = coincidence(work.cx.clone(), params).await?;
        // what the stage leaves the beam takes off
        centre_by_beam(&work.cx, Beam::Ion, found.residual_m).await?;
    }
    Ok(())
}

/// Refuses a place whose bars are where they should be and which is another one.
async fn is_itself(work: &Work, reference: Frame, pixel: f64) -> Result<(), JobError> {
    let Some(metadata) = &reference.metadata else {
        return Err(JobError::new(
            ErrorKind::Doubtful,
            "its picture does not say how it was taken; nothing was milled",
            "place the lamella anew (lamella.place)",
        ));
    };
    let settings = ImageSettings {
        autocontrast: false,
        save: false,
        path: None,
        ..metadata.image.clone()
    };
    let keep = Keep { live: true, path: None };
    let (picture, _) = work.cx.frame(&settings, &keep).await?;
    let compare = move || {
        let middle = |frame: &Frame| {
            let picture = frame.pixels.to_f32();
            let (h, w) = picture.dim();
            let half = ((ITSELF / pixel) as usize).min(h / 2).min(w / 2);
            let (y, x) = (h / 2 - half, w / 2 - half);
            picture.slice(s![y..y + 2 * half, x..x + 2 * half]).to_owned()
        };
        let options = Options {
            limit_px: Some(OFF / pixel),
            ..Options::default()
        };
        let (reference, picture) = (middle(&reference), middle(&picture));
        register_blurred([&reference, &picture], Method::default(), &options, BLUR / pixel).map(|(found, _)| found)
    };
    let refused = match work.cx.compute(compare).await? {
        Ok(found) if found.accepted => return Ok(()),
        Ok(found) => found.reason.unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    Err(JobError::new(
        ErrorKind::Doubtful,
        format!("its surroundings are there, but not what stood on it ({refused}); nothing was milled"),
        "look whether it is the same sample",
    ))
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
            tolerance: FOUND,
            beam_shift: true,
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
pub(super) fn follow(lamella: &mut Lamella, poi: Point) {
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
