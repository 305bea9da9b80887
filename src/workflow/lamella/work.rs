//! What tasks are made of: steps, poses, pictures with their names, alignment, questions.

use super::left::Left;
use super::{Book, task::work_time};
use crate::acquire::take_all;
use crate::align::{AlignBeamShift, beam_shift};
use crate::autofocus::{AutoFocus, autofocus};
use crate::cx::Answer;
use crate::{JobCx, JobError, Keep, Question, state};
use jiff::Timestamp;
use jiff::civil::DateTime;
use lamella::experiment::{Lamella, PoseKind};
use lamella::names::{self, Phase};
use lamella::protocol::{ReferenceImaging, TaskConfig};
use model::{Beam, ErrorKind, ImageSettings, Notice, Rect, Severity, text};
use std::path::PathBuf;

/// The role of the picture that later tasks are aligned by, among a task's outputs.
const ALIGNED_BY: &str = "alignment_reference";
/// Pictures of an alignment at a task's beginning.
const ALIGNMENT_STEPS: usize = 3;

/// A stage that comes back to its place, and what drifted meanwhile, are off by less than this (m): what looks alike farther away is
/// another part of the film.
const STRAYED: f64 = 6e-6;
/// Blur (m) that takes out a film's holes, which repeat: before a mark is milled there may be little else.
const FILM: f64 = 1e-6;

/// A task at work.
pub(super) struct Work {
    pub cx: JobCx,
    pub book: Book,
    /// The lamella's identity, and its folder.
    pub lamella: String,
    pub folder: PathBuf,
    pub task: String,
    pub config: TaskConfig,
    pub imaging: ReferenceImaging,
    /// What was milled when this task was cut off before.
    pub left: Left,
    may_ask: bool,
}

impl Work {
    pub fn begin(
        cx: &JobCx,
        book: &Book,
        lamella: &str,
        task: &str,
        config: TaskConfig,
        may_ask: bool,
    ) -> Result<Work, JobError> {
        let folder = book
            .lamella(lamella)
            .map(|l| book.read(|p| p.experiment.folder_of(&l)))?;
        let imaging = config.reference_imaging().map_err(|error| {
            JobError::new(
                ErrorKind::Usage,
                format!("the reference pictures of `{task}` make no sense: {error}; nothing was done"),
                "`fibdeck protocol check` says where",
            )
        })?;
        Ok(Work {
            cx: cx.clone(),
            book: book.clone(),
            lamella: lamella.to_owned(),
            left: Left::load(&folder, task)?,
            folder,
            task: task.to_owned(),
            config,
            imaging,
            may_ask,
        })
    }

    pub fn now(&self) -> Result<Lamella, JobError> {
        self.book.lamella(&self.lamella)
    }

    /// Somebody watches: read when it is asked for, so that it can be changed in the middle of a run.
    pub fn is_supervised(&self) -> bool {
        let step = |p: &super::Papers| p.protocol.workflow.step(&self.task).is_some_and(|step| step.supervise);
        self.may_ask && self.book.read(step)
    }

    pub async fn edit(&self, edit: impl FnOnce(&mut Lamella)) -> Result<(), JobError> {
        self.book.edit(&self.lamella, edit).await
    }

    /// The task is at this step: in the experiment's file, and told.
    pub async fn step(&self, step: &str, words: &str) -> Result<(), JobError> {
        self.edit(|lamella| step.clone_into(&mut lamella.state.step)).await?;
        let name = self.now()?.name;
        self.cx.tell(
            None,
            None,
            &format!("{}, {}: {words}", text::printable(&name), text::printable(&self.task)),
        );
        Ok(())
    }

    /// Puts a question of this task, which names lamella and task.
    pub async fn ask(&self, text: &str, detail: &str, choices: &[(&str, &str)]) -> Result<Answer, JobError> {
        let name = self.now()?.name;
        let words = |(word, does): &(&str, &str)| ((*word).to_owned(), (*does).to_owned());
        let question = Question {
            text: format!("{}, {}: {text}", text::printable(&name), text::printable(&self.task)),
            detail: detail.to_owned(),
            choices: choices.iter().map(words).collect(),
        };
        self.cx.host.ask_for(question).await
    }

    /// Where the lamella is milled: stage, beams and detectors as they were kept.
    pub async fn to_milling_pose(&self) -> Result<(), JobError> {
        self.step("MOVE_TO_POSITION", "to the milling position").await?;
        let lamella = self.now()?;
        let pose = lamella.pose(PoseKind::Milling).cloned().ok_or_else(|| {
            JobError::new(
                ErrorKind::Usage,
                "the lamella has no milling position; nothing moved",
                "go there and keep it (lamella.move name=...)",
            )
        })?;
        state::restore(self.cx.clone(), pose).await.map(drop)
    }

    /// Where the stage stands and how the beams are now is the lamella's milling position from here on.
    pub async fn keep_pose(&self) -> Result<(), JobError> {
        let state = state::capture(self.cx.scope()).await?;
        self.edit(|lamella| lamella.set_pose(PoseKind::Milling, state)).await
    }

    /// Focuses; a focus that cannot be found is left as it is, and told.
    pub async fn focus(&self, beam: Beam, hfw: f64) -> Result<(), JobError> {
        let params = AutoFocus {
            hfw: Some(hfw),
            ..AutoFocus::of(beam)
        };
        match autofocus(self.cx.clone(), params).await {
            Err(error) if error.kind == ErrorKind::Doubtful => {
                let notice =
                    Notice::new(Severity::Warning, error.what).hint("the task goes on with the focus as it was");
                self.cx.host.notice(notice);
                Ok(())
            }
            other => other.map(drop),
        }
    }

    fn beams(&self) -> Vec<Beam> {
        let pairs = [
            (self.imaging.acquire_sem, Beam::Electron),
            (self.imaging.acquire_fib, Beam::Ion),
        ];
        let there = |beam: &Beam| self.cx.scope().capabilities().beam(*beam).is_some();
        pairs
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, beam)| beam)
            .filter(there)
            .collect()
    }

    /// The local time.
    pub fn clock(&self) -> DateTime {
        let moment = Timestamp::from_microsecond((work_time(&self.cx) * 1e6) as i64).unwrap_or(Timestamp::UNIX_EPOCH);
        moment.to_zoned(self.book.zone().clone()).datetime()
    }

    /// Takes a picture of each beam into the lamella's folder, never over one that is there, and notes their files under the
    /// phase's role, or `role`.
    pub async fn picture(
        &self,
        beams: &[Beam],
        phase: Phase,
        settings: ImageSettings,
        role: Option<&str>,
    ) -> Result<(), JobError> {
        let plan: Vec<ImageSettings> = beams
            .iter()
            .map(|beam| ImageSettings {
                beam_type: *beam,
                save: true,
                path: None,
                ..settings.clone()
            })
            .collect();
        let keep = Keep {
            live: false,
            path: Some(self.folder.display().to_string()),
        };
        let taken = take_all(&self.cx, &plan, &keep).await?;
        let folder = self.folder.clone();
        self.edit(|lamella| {
            for picture in taken.pictures {
                let Some((beam, file)) = picture.beam.zip(picture.file) else {
                    continue;
                };
                let file = PathBuf::from(file);
                let file = file.strip_prefix(&folder).unwrap_or(&file).display().to_string();
                let role = role.unwrap_or_else(|| phase.role(beam)).to_owned();
                lamella.state.outputs.entry(role).or_default().push(file);
            }
        })
        .await
    }

    /// Pictures at this field before anything is done.
    pub async fn start_pictures(&self, hfw: f64) -> Result<(), JobError> {
        self.other_pictures(hfw, &names::start(&self.task), Phase::Start).await
    }

    /// Pictures of the beams of the task, called this.
    pub async fn other_pictures(&self, hfw: f64, name: &str, phase: Phase) -> Result<(), JobError> {
        let settings = ImageSettings {
            hfw,
            filename: name.to_owned(),
            ..self.imaging.imaging.clone()
        };
        self.picture(&self.beams(), phase, settings, None).await
    }

    /// The pictures that show what was done: every field, the widest first.
    pub async fn final_pictures(&self) -> Result<(), JobError> {
        self.step("ACQUIRE_REFERENCE_IMAGES", "final pictures").await?;
        for (n, hfw) in self.imaging.fields().into_iter().enumerate() {
            self.other_pictures(hfw, &names::last(&self.task, n + 1), Phase::Final)
                .await?;
        }
        Ok(())
    }

    /// The field of the first reference picture, m.
    pub fn field(&self) -> f64 {
        self.imaging.field_of_view1
    }

    /// A new picture to align later tasks by.
    pub async fn new_reference(&self, hfw: f64) -> Result<(), JobError> {
        self.step(
            "ACQUIRE_ALIGNMENT_REFERENCE_IMAGE",
            "the picture that later tasks are aligned by",
        )
        .await?;
        let settings = ImageSettings {
            hfw,
            filename: names::ALIGNMENT_REFERENCE.to_owned(),
            reduced_area: Some(self.now()?.alignment_area),
            autocontrast: true,
            ..ImageSettings::default()
        };
        let settings = ImageSettings {
            resolution: self.imaging.imaging.resolution,
            ..settings
        };
        self.picture(&[Beam::Ion], Phase::Other, settings, Some(ALIGNED_BY))
            .await
    }

    /// Brings the ion picture back onto the lamella's reference by the beam shift. Without one nothing is aligned, which is told; a
    /// measurement that may be wrong ends the task.
    pub async fn align(&self) -> Result<(), JobError> {
        self.step("ALIGN_REFERENCE_IMAGE", "aligning to the lamella's reference")
            .await?;
        let Some(reference) = self.reference()? else {
            let notice = Notice::new(
                Severity::Warning,
                format!("{}: there is no reference to align to", text::printable(&self.task)),
            );
            self.cx
                .host
                .notice(notice.hint("the task goes on where the stage stands"));
            return Ok(());
        };
        let params = AlignBeamShift {
            reference: Some(reference),
            beam: Beam::Ion,
            steps: ALIGNMENT_STEPS,
            limit_m: Some(STRAYED),
            blur: FILM,
            ..AlignBeamShift::default()
        };
        beam_shift(self.cx.clone(), params)
            .await
            .map(drop)
            .map_err(|error| match error.kind {
                ErrorKind::Stopped => error,
                _ => JobError {
                    what: format!(
                        "the lamella was not found where it was: {}; nothing was milled",
                        error.what
                    ),
                    hint: "look at it: go there and keep the position anew (lamella.move name=...)".to_owned(),
                    ..error
                },
            })
    }

    /// The newest picture to align by: of this run, of those before, or one that openFIBSEM left.
    fn reference(&self) -> Result<Option<PathBuf>, JobError> {
        let lamella = self.now()?;
        let runs = std::iter::once(&lamella.state).chain(lamella.history.iter().rev());
        let newest = runs.filter_map(|run| run.outputs.get(ALIGNED_BY)?.last()).next();
        let original = format!("{}_ib.tif", names::ALIGNMENT_REFERENCE);
        let file = self.folder.join(newest.unwrap_or(&original));
        Ok(file.exists().then_some(file))
    }

    /// Asks, where somebody watches, for the area that is aligned by; refuses one outside of the picture.
    pub async fn alignment_area(&self, proposed: Rect) -> Result<(), JobError> {
        self.step("VALIDATE_ALIGNMENT_AREA", "the area that is aligned by")
            .await?;
        let mut area = proposed;
        if self.is_supervised() {
            let answer = self
                .ask(
                    "align by this area?",
                    &format!(
                        "left {:.3}, top {:.3}, width {:.3}, height {:.3} of the FIB picture; an answer may carry another as JSON.",
                        area.left, area.top, area.width, area.height
                    ),
                    &[("continue", "this area"), PARK],
                )
                .await?;
            parked(&answer)?;
            if let Some(given) = answer.data {
                area = serde_json::from_value(given).map_err(|error| malformed("area", &error))?;
            }
        }
        if !area.is_valid() {
            return Err(JobError::new(
                ErrorKind::OutOfRange,
                "the alignment area reaches beyond the picture, or is empty; it stays as it was",
                "move the fiducial inwards, or take less room around it (alignment_expansion)",
            ));
        }
        self.edit(|lamella| lamella.alignment_area = area).await
    }
}

/// The choice that leaves a lamella as it is.
pub(super) const PARK: (&str, &str) = ("park", "leave this lamella as it is; the run goes on with the others");

/// Refuses to go on where the lamella was parked.
pub(super) fn parked(answer: &Answer) -> Result<(), JobError> {
    match answer.choice == PARK.0 {
        true => Err(JobError::new(
            ErrorKind::Usage,
            "parked by the operator",
            "queue.run goes on with it",
        )),
        false => Ok(()),
    }
}

/// What an answer carried makes no sense.
pub(super) fn malformed(what: &str, why: &dyn std::fmt::Display) -> JobError {
    JobError::new(
        ErrorKind::Usage,
        format!("the {what} of the answer makes no sense: {why}; nothing was done with it"),
        "answer again with JSON as the question shows it",
    )
}
