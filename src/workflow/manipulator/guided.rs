//! What guided procedures share: questions that can be cancelled, the needle alone before the beams, its tip into the centre of both
//! pictures, and a task milled at it.
//!
//! The way back is owed before anything moves: the needle goes out first, then the stage comes back, on any end but the red button.

use super::{blind, go_to, needle, nudge, view};
use crate::acquire::beam_is_up;
use crate::cx::Answer;
use crate::milling::{self, Mill};
use crate::{JobCx, JobError, Keep, Question};
use hal::Act;
use model::manipulator::with_offset;
use model::{
    Beam, ErrorKind, ImageSettings, ManipulatorPosition, Notice, Point, Severity, StageKind, StagePosition, Unit, units,
};
use pattern::{Eta, MillingRun, MillingTask};

/// The answer that ends any procedure.
const CANCEL: &str = "cancel";
/// How far the stage is lowered under the needle, m.
const LOWER: f64 = 500e-6;
/// Corrections in one picture before the procedure gives up.
const MOST_CORRECTIONS: usize = 20;
/// How often a tip is milled at most in one procedure.
const MOST_MILLED: usize = 10;

/// Asks; every question can be cancelled.
pub(super) async fn asked(
    cx: &JobCx,
    text: String,
    detail: String,
    choices: &[(&str, String)],
) -> Result<String, JobError> {
    asked_for(cx, text, detail, choices).await.map(|answer| answer.choice)
}

/// The same of a question whose answer may carry more than its word.
async fn asked_for(cx: &JobCx, text: String, detail: String, choices: &[(&str, String)]) -> Result<Answer, JobError> {
    let choices = choices.iter().map(|(word, does)| ((*word).to_owned(), does.clone()));
    let end = (
        CANCEL.to_owned(),
        "end here; what was changed for the while is put back".to_owned(),
    );
    let question = Question {
        text,
        detail,
        choices: choices.chain([end]).collect(),
    };
    match cx.host.ask_for(question).await? {
        answer if answer.choice == CANCEL => Err(JobError::new(
            ErrorKind::Stopped,
            "the procedure was cancelled; what it had changed for the while was put back",
            "start it again when you like",
        )),
        answer => Ok(answer),
    }
}

/// Where a procedure works, and how the stage stands meanwhile.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bench {
    /// Where the tip is centred already, by an earlier procedure; the instrument's own working position unless given.
    pub place: Option<ManipulatorPosition>,
    /// Further from the sample than that, m.
    pub above: f64,
    /// With the stage level.
    pub level: bool,
}

/// Asks whether to begin, takes the stage out of the way and brings the needle in.
pub(super) async fn bring_in(cx: &JobCx, bench: &Bench, what: &str) -> Result<(), JobError> {
    let saved = cx.scope().capabilities().manipulator.clone().unwrap_or_default().saved;
    let (Some(first), Some(work)) = (saved.first(), saved.last()) else {
        return Err(hal::HalError::unsupported("saved needle position").into());
    };
    for beam in Beam::ALL {
        beam_is_up(cx, beam, "nothing moved").await?;
        // also refuses a needle whose moves mean nothing in a picture
        view(cx, beam).await?;
    }
    let work = match &bench.place {
        Some(place) => place.clone(),
        None => cx.scope().saved_needle(work).await?,
    };
    let stage = if bench.level { "lowered and levelled" } else { "lowered" };
    let detail = format!("the stage is {stage}, then the needle comes in; look at the chamber before it does");
    asked(
        cx,
        format!("{what}?"),
        detail,
        &[("start", "the stage moves now".to_owned())],
    )
    .await?;
    if cx.scope().manipulator().await?.value.inserted {
        cx.act(Act::NeedleRetract).await?;
    }
    let home = cx.pose().await?;
    let tilted = |t: f64| Act::StageTo {
        target: StagePosition {
            t: Some(t),
            ..StagePosition::default()
        },
    };
    let back = Act::StageTo {
        target: StagePosition::from(home),
    };
    cx.owe(
        "the stage",
        if bench.level {
            vec![tilted(home.t), back]
        } else {
            vec![back]
        },
    );
    let down = match cx.geometry().stage {
        StageKind::ChamberFixed => LOWER,
        StageKind::Tilting | StageKind::Compustage => -LOWER,
    };
    let target = StagePosition {
        z: Some(home.z + down),
        ..StagePosition::default()
    };
    cx.act(Act::StageTo { target }).await?;
    if bench.level {
        cx.act(tilted(0.0)).await?;
    }
    cx.owe("the needle", vec![Act::NeedleRetract]);
    needle(cx.act(Act::NeedleInsert { name: first.clone() }).await?)?;
    let tilt = cx.pose().await?.t;
    // the operator was asked, and the stage is out of its way
    go_to(cx, with_offset(&work, (0.0, 0.0, bench.above), tilt), true)
        .await
        .map(drop)
}

/// The tip into the centre of both pictures, from the wider field (m) to the narrower; where it is then.
pub(super) async fn centred(cx: &JobCx, fields: &[f64]) -> Result<ManipulatorPosition, JobError> {
    let all: Vec<(f64, Beam)> = fields
        .iter()
        .flat_map(|hfw| Beam::ALL.map(|beam| (*hfw, beam)))
        .collect();
    for (i, (hfw, beam)) in all.iter().enumerate() {
        let field = units::format(*hfw, Unit::Metre);
        cx.progress(
            i as f64 / all.len() as f64,
            &format!("needle in the {beam} picture, field {field}"),
        );
        centre(cx, *beam, *hfw).await?;
    }
    Ok(cx.scope().manipulator().await?.value.position)
}

/// How far the needle goes, m: as the answer's data say, at most across the field; `step` where they say nothing.
fn way(data: Option<&serde_json::Value>, step: f64, hfw: f64) -> Option<f64> {
    match data {
        None => Some(step),
        Some(data) => data.get("by")?.as_f64().filter(|by| *by > 0.0 && *by <= hfw),
    }
}

/// Pictures and corrections until the operator says that the tip is centred. The hardware is lent to the operator while asked.
async fn centre(cx: &JobCx, beam: Beam, hfw: f64) -> Result<(), JobError> {
    let settings = ImageSettings {
        hfw,
        ..cx.host.image_settings(beam)
    };
    let step = hfw / 10.0;
    let far = units::format(step, Unit::Metre);
    let mut choices = vec![
        ("centred", "go on to the next picture".to_owned()),
        ("again", "take the picture again after your own move".to_owned()),
        ("up", format!("move the needle {far} up in this picture")),
        ("down", format!("move the needle {far} down in this picture")),
    ];
    // sideways both beams see the same: the electron picture, which has the better edge, decides
    if beam == Beam::Electron {
        choices.push(("left", format!("move the needle {far} left")));
        choices.push(("right", format!("move the needle {far} right")));
    }
    for _ in 0..MOST_CORRECTIONS {
        cx.frame(&settings, &Keep::default()).await?;
        let text = format!("is the needle's tip in the centre of the {beam} picture?");
        let detail = format!(
            "field {}; moves asked for here (data {{\"by\": m}} of an answer says how far), or your own in the Manipulator tab, until it is",
            units::format(hfw, Unit::Metre)
        );
        let answer = asked_for(cx, text, detail, &choices).await?;
        let Some(step) = way(answer.data.as_ref(), step, hfw) else {
            cx.host.notice(
                Notice::new(
                    Severity::Warning,
                    "that is no way within the field; the needle was not moved",
                )
                .hint("{\"by\": 12e-6} moves it by 12 um"),
            );
            continue;
        };
        let by = match answer.choice.as_str() {
            "centred" => return Ok(()),
            "up" => Point { x: 0.0, y: step },
            "down" => Point { x: 0.0, y: -step },
            "left" => Point { x: -step, y: 0.0 },
            "right" => Point { x: step, y: 0.0 },
            _ => continue,
        };
        let shown = view(cx, beam).await?.shown(by);
        nudge(cx, shown.ok_or_else(|| blind(beam))?, true).await?;
    }
    Err(JobError::new(
        ErrorKind::Doubtful,
        format!("the needle was not centred in {MOST_CORRECTIONS} corrections"),
        "retract it, look at it, and start again",
    ))
}

/// Mills `task` at the tip as often as the operator wants it; a picture of both beams after each time. What was milled.
pub(super) async fn milled(cx: &JobCx, task: &MillingTask, what: &str) -> Result<Vec<MillingRun>, JobError> {
    let control = cx.scope().capabilities().milling.clone().unwrap_or_default().control;
    let seconds = Eta::of_task(task, control).first();
    let currents: Vec<String> = task
        .enabled()
        .map(|(_, stage)| units::format(stage.milling.milling_current, Unit::Ampere))
        .collect();
    let detail = format!(
        "{} shapes at {}, about {}; what lies behind the tip in the ion picture is milled as well",
        task.enabled()
            .map(|(_, stage)| stage.pattern.shapes().len())
            .sum::<usize>(),
        currents.join(", "),
        pattern::estimate::format_duration_short(seconds, false)
    );
    let mut runs = Vec::new();
    while runs.len() < MOST_MILLED {
        let (text, no) = match runs.is_empty() {
            true => (format!("{what} now?"), "go on without milling"),
            false => (format!("{what} once more?"), "it is good: go on"),
        };
        let choices = [
            ("mill", "the ion beam mills at the tip".to_owned()),
            ("done", no.to_owned()),
        ];
        if asked(cx, text, detail.clone(), &choices).await? == "done" {
            break;
        }
        let params = Mill {
            task: task.clone(),
            path: None,
            gas: None,
            rest: None,
        };
        runs.push(milling::run(cx.clone(), params).await?);
        for beam in Beam::ALL {
            let settings = ImageSettings {
                hfw: task.field_of_view,
                ..cx.host.image_settings(beam)
            };
            cx.frame(&settings, &Keep::default()).await?;
        }
    }
    Ok(runs)
}
