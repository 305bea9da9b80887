//! Coincidence with an operator: they centre a feature in both pictures, the measurement says how well.

use super::coincidence::{Coincidence, Coincident};
use super::measure::{measure, rise};
use super::parts::Part;
use crate::Job;
use crate::acquire::{Acquire, PictureOptions, acquire, beam_is_up};
use crate::{JobCx, JobError, Question};
use model::{Beam, ErrorKind, Unit, units};

/// How far off (m along the sample) an operator may have left the feature.
const GUIDED_SEARCH: f64 = 15e-6;
const GO_ON: &str = "continue";
const CORRECT: &str = "correct";
const KEEP: &str = "keep";
const CANCEL: &str = "cancel";

/// Asks the operator to centre a feature in the SEM picture, then the same one in the FIB picture by vertical moves; then
/// measures the residual and offers to correct it. While it asks, the instrument is the operator's. Cancelled, it leaves the
/// stage where they put it.
pub fn guided(cx: JobCx, params: Coincidence) -> Job<Coincident> {
    Box::pin(async move {
        for beam in Beam::ALL {
            beam_is_up(&cx, beam, "nothing moved").await?;
        }
        let field = params.fields.last().copied().ok_or_else(|| {
            JobError::new(
                ErrorKind::Usage,
                "no field was given; nothing moved",
                "leave fields out for the defaults",
            )
        })?;
        show(&cx, Beam::Electron, field).await?;
        let steps = [
            Question {
                text: "Centre a feature in the SEM picture".to_owned(),
                detail: "Choose one that the ion beam sees as well, put the cursor on it and move there (stable move)."
                    .to_owned(),
                choices: choices(&[
                    (GO_ON, "the feature is centred; take the FIB picture"),
                    (CANCEL, "end here"),
                ]),
            },
            Question {
                text: "Centre the same feature in the FIB picture".to_owned(),
                detail: "With vertical moves only: they leave it centred in the SEM picture.".to_owned(),
                choices: choices(&[(GO_ON, "it is centred in both; measure"), (CANCEL, "end here")]),
            },
        ];
        for (question, next) in steps.into_iter().zip([Some(Beam::Ion), None]) {
            answered(&cx, question).await?;
            if let Some(beam) = next {
                show(&cx, beam, field).await?;
            }
        }
        let found = measure(&cx, &params, field, GUIDED_SEARCH, Part::NARROW).await?;
        let before = found.height_error;
        if found.residual.y.abs() <= params.tolerance {
            return Ok(found.result(before, 1, found.confidence, params.tolerance));
        }
        let question = Question {
            text: format!(
                "The FIB picture is still {} off",
                units::format(found.residual.y, Unit::Metre)
            ),
            detail: format!("Measured at {:.0} % confidence.", 100.0 * found.confidence),
            choices: choices(&[
                (CORRECT, "correct the height by what was measured"),
                (KEEP, "leave it as it is"),
                (CANCEL, "leave it and end as cancelled"),
            ]),
        };
        if answered(&cx, question).await? == KEEP {
            return Ok(found.result(before, 1, found.confidence, params.tolerance));
        }
        rise(&cx, &found).await?;
        let after = measure(&cx, &params, field, GUIDED_SEARCH, &[found.part]).await?;
        Ok(after.result(before, 2, after.confidence, params.tolerance))
    })
}

fn choices(words: &[(&str, &str)]) -> Vec<(String, String)> {
    words
        .iter()
        .map(|(word, does)| ((*word).to_owned(), (*does).to_owned()))
        .collect()
}

async fn answered(cx: &JobCx, question: Question) -> Result<String, JobError> {
    let answer = cx.ask(question).await?;
    if answer == CANCEL {
        return Err(JobError::new(
            ErrorKind::Stopped,
            "the alignment was cancelled; the stage stands where you put it",
            "start it again when you like (align.coincidence)",
        ));
    }
    Ok(answer)
}

async fn show(cx: &JobCx, beam: Beam, field: f64) -> Result<(), JobError> {
    let options = PictureOptions {
        hfw: Some(field),
        save: Some(false),
        autocontrast: Some(false),
        ..PictureOptions::default()
    };
    acquire(
        cx.clone(),
        Acquire {
            beams: vec![beam],
            options,
            path: None,
        },
    )
    .await
    .map(|_| ())
}
