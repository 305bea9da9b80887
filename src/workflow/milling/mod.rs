//! Milling: a task's stages one after the other, spot burns, and a beam that draws under gas.
//!
//! `mod`: the order of a task. `stage`: how one is prepared. `draw`: shapes onto the sample, with drift corrected at intervals.
//! `overtilt`: the strategy that tilts. `steps`: the same acts one by one, for clients with a plan of their own. `report`: what is told while it runs. An error in a stage ends the task, and nothing
//! further mills; what was changed for the while is owed ([`crate::restore`]) before it is changed. To add a strategy: a file
//! here, its arm in [`stage::mill`], its row in the pattern room's STRATEGIES.

mod draw;
mod gas;
mod overtilt;
mod report;
mod spot;
mod stage;
mod steps;

pub use gas::UnderGas;
pub use spot::{Burned, SpotBurn, spot_burn};
pub use steps::{Column, Loaded, draw, finish, is_drawn, load, set_up};

use crate::Job;
use crate::acquire::{self, PictureOptions};
use crate::{JobCx, JobError};
use hal::Act;
use model::capabilities::MillingControl;
use model::{Beam, BeamState, ErrorKind, Frame, ImageSettings, Key, Pose, Shape, Value, text};
use pattern::{MillingRun, MillingStage, MillingTask, Rest, StageState, Unfinished};
use report::Report;
use serde::{Deserialize, Serialize};

/// Parameters of [`run`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mill {
    pub task: MillingTask,
    /// Folder of the pictures taken on the way; the session's unless given.
    #[serde(default)]
    pub path: Option<String>,
    /// A gas that flows while the beam draws: deposits instead of milling.
    #[serde(default)]
    pub gas: Option<UnderGas>,
    /// Of one stage only this is left: the rest was milled before.
    #[serde(default)]
    pub rest: Option<Rest>,
}

/// A stage that was milled to its end, with what openFIBSEM logs of it.
#[derive(Clone, Debug, PartialEq)]
pub struct MilledStage {
    /// Of the run: the same for all its stages.
    pub run: String,
    pub task: String,
    /// Number of the stage in its task, from 0.
    pub index: usize,
    pub stage: MillingStage,
    /// POSIX s.
    pub start: f64,
    pub end: f64,
}

/// What stages share while a task runs.
struct Run<'a> {
    cx: &'a JobCx,
    params: &'a Mill,
    task: &'a MillingTask,
    control: MillingControl,
    /// The column as it was: what pictures are taken with.
    imaging: BeamState,
    /// What alignment brings the picture back onto, with the settings to repeat it.
    reference: Option<(Frame, ImageSettings)>,
}

/// Mills the enabled stages of a task in their order.
pub fn run(cx: JobCx, params: Mill) -> Job<MillingRun> {
    Box::pin(async move {
        let (run, result) = attempt(cx, params).await?;
        result.map(|()| run.clone()).map_err(|error| {
            let data = serde_json::to_value(&run).ok();
            JobError {
                data: error.data.or(data),
                ..error
            }
        })
    })
}

/// As [`run`], and the account also of a run that failed. An error: nothing was begun.
pub(crate) fn attempt(cx: JobCx, params: Mill) -> Job<(MillingRun, Result<(), JobError>)> {
    Box::pin(async move {
        let task = checked(&cx, &params)?;
        let control = cx.scope().capabilities().milling.clone().unwrap_or_default().control;
        let imaging = cx.scope().beam(task.channel).await?.value;
        if !imaging.on {
            return Err(JobError::new(
                ErrorKind::Interlock,
                format!("the {} beam is off; nothing was milled", task.channel),
                format!("turn it on first (beam.on beam={})", task.channel.word()),
            ));
        }
        let rates = cx.scope().milling_rates().await?;
        let home = cx.pose().await?;
        let mut report = Report::new(&cx, &task, control, &rates);
        let mark = cx.mark();
        owe(&cx, &task, &imaging);
        let mut run = Run {
            cx: &cx,
            params: &params,
            task: &task,
            control,
            imaging,
            reference: None,
        };
        let result = run.stages(&mut report).await;
        report.finishing(match &result {
            Ok(()) => "putting the beam back",
            Err(_) => "milling ended early: putting the beam back",
        });
        let restored = cx.put_back(mark).await;
        let result = match (result, restored) {
            (Ok(()), Ok(())) => run.final_picture().await,
            (Err(error), _) | (Ok(()), Err(error)) => Err(error),
        };
        let unfinished = match result.is_err() && params.gas.is_none() {
            true => unfinished(&task, home, &report),
            false => None,
        };
        Ok((report.end(result.is_ok(), unfinished), result))
    })
}

/// The task as this instrument will run it, or why it cannot.
fn checked(cx: &JobCx, params: &Mill) -> Result<MillingTask, JobError> {
    let caps = cx.scope().capabilities();
    let milling = caps
        .milling
        .as_ref()
        .ok_or_else(|| hal::HalError::unsupported("milling"))?;
    let mut task = params.task.clone();
    let resolution = cx.host.image_settings(task.channel).resolution;
    task.check(resolution).map_err(|refused| {
        JobError::new(
            ErrorKind::OutOfRange,
            format!("{refused}; nothing was milled"),
            "change it in the Milling tab or in its file",
        )
    })?;
    let known = &milling.application_files;
    for stage in task.stages.iter_mut().filter(|s| s.enabled) {
        let asked = stage.milling.application_file.clone();
        if milling.control == MillingControl::Preset || known.is_empty() || known.contains(&asked) {
            continue;
        }
        let Some(near) = text::nearest(&asked, known.iter().map(String::as_str)) else {
            return Err(JobError::new(
                ErrorKind::OutOfRange,
                format!(
                    "stage `{}`: there is no application file `{}`; nothing was milled",
                    text::printable(&stage.name),
                    text::printable(&asked)
                ),
                format!("one of: {}", known.join(", ")),
            ));
        };
        cx.host.notice(model::Notice::new(
            model::Severity::Warning,
            format!(
                "no application file `{}`: milled with `{near}`",
                text::printable(&asked)
            ),
        ));
        stage.milling.application_file = near.to_owned();
    }
    Ok(task)
}

/// What of a task that ended early is left, where that is known and is anything at all.
fn unfinished(task: &MillingTask, pose: Pose, report: &Report<'_>) -> Option<Unfinished> {
    let (states, rest) = report.left()?;
    let mut task = task.clone();
    for (i, (stage, state)) in task.stages.iter_mut().zip(states).enumerate() {
        let empty = i == rest.stage && !rest.left.is_empty() && rest.shapes() == 0;
        stage.enabled &= state != StageState::Done && !empty;
    }
    task.enabled().next()?;
    Some(Unfinished { task, rest, pose })
}

/// Beam shift, current, voltage or preset and patterns as they are now: put back patterns first, beam shift last.
fn owe(cx: &JobCx, task: &MillingTask, was: &BeamState) {
    let beam = task.channel;
    let set = |key, value| Act::BeamSet { beam, key, value };
    cx.owe(
        "the beam shift",
        vec![set(Key::Shift, Value::Point(was.settings.shift))],
    );
    owe_beam(cx, beam, was);
    cx.owe("the patterns", vec![Act::PatternsClear]);
}

/// Current and voltage of a beam, or its preset, as they are now.
fn owe_beam(cx: &JobCx, beam: Beam, was: &BeamState) {
    let set = |key, value| Act::BeamSet { beam, key, value };
    let was = &was.settings;
    match &was.preset {
        Some(preset) => cx.owe("the preset", vec![set(Key::Preset, Value::Text(preset.clone()))]),
        None => cx.owe(
            "current and voltage",
            vec![
                set(Key::Current, Value::Number(was.beam_current)),
                set(Key::Voltage, Value::Number(was.voltage)),
            ],
        ),
    }
}

impl Run<'_> {
    async fn stages(&mut self, report: &mut Report<'_>) -> Result<(), JobError> {
        let task = self.task;
        if task.alignment.enabled {
            report.doing("reference picture for the alignment");
            self.reference = Some(self.take_reference().await?);
        }
        self.pictures("_pre-task").await?;
        let clock = self.cx.scope().clock().clone();
        let time = || clock.epoch() + clock.now();
        let run = format!("{:x}", (time() * 1e6) as u64);
        for (index, stage) in task.enabled() {
            let (start, left) = (time(), self.left(index, stage));
            report.begin(index, &left);
            let milled = stage::mill(self, stage, &left, report).await;
            let stopped = milled.as_ref().is_err_and(|e| e.kind == ErrorKind::Stopped);
            report.close(match &milled {
                Ok(()) => StageState::Done,
                Err(_) if stopped => StageState::Stopped,
                Err(_) => StageState::Failed,
            });
            milled.map_err(|error| JobError {
                what: match stopped {
                    true => error.what,
                    false => format!("stage `{}`: {}", text::printable(&stage.name), error.what),
                },
                ..error
            })?;
            self.cx.host.milled(&MilledStage {
                run: run.clone(),
                task: task.name.clone(),
                index,
                stage: self.as_run(stage),
                start,
                end: time(),
            });
            if task.acquisition.beams() > 0 {
                report.doing("pictures after the stage");
                self.imaging_conditions().await?;
                self.pictures(&format!("-{}_finished", file_word(&stage.name))).await?;
            }
        }
        Ok(())
    }

    /// A stage with what its task says for it.
    fn as_run(&self, stage: &MillingStage) -> MillingStage {
        MillingStage {
            milling: stage::settings(self, stage),
            alignment: self.task.alignment.clone(),
            imaging: self.task.acquisition.imaging.clone(),
            ..stage.clone()
        }
    }

    /// What of a stage is to be milled.
    fn left(&self, index: usize, stage: &MillingStage) -> Vec<Option<Shape>> {
        match &self.params.rest {
            Some(rest) if rest.stage == index && !rest.left.is_empty() => rest.left.clone(),
            _ => stage.pattern.shapes().into_iter().map(Some).collect(),
        }
    }

    /// What alignment is measured against: taken before anything is milled, at the imaging current.
    async fn take_reference(&self) -> Result<(Frame, ImageSettings), JobError> {
        let alignment = &self.task.alignment;
        let settings = ImageSettings {
            beam_type: self.task.channel,
            hfw: self.task.field_of_view,
            reduced_area: Some(alignment.rect),
            autocontrast: false,
            save: true,
            filename: self.file("_alignment_reference"),
            ..alignment.imaging.clone()
        };
        let (frame, _) = self.cx.frame(&settings, &acquire_keep(self.params, self.task)).await?;
        Ok((
            frame,
            ImageSettings {
                save: false,
                path: None,
                ..settings
            },
        ))
    }

    /// The column as pictures want it.
    async fn imaging_conditions(&self) -> Result<(), JobError> {
        let was = &self.imaging.settings;
        match &was.preset {
            Some(preset) => self.set(Key::Preset, Value::Text(preset.clone())).await,
            None => {
                self.set(Key::Current, Value::Number(was.beam_current)).await?;
                self.set(Key::Voltage, Value::Number(was.voltage)).await
            }
        }
    }

    async fn set(&self, key: Key, value: Value) -> Result<(), JobError> {
        self.cx.set(self.task.channel, key, value).await.map(drop)
    }

    /// `<task><what>_<time of day>`, as the original names its files.
    fn file(&self, what: &str) -> String {
        let time = self.cx.host.time_of_day();
        format!("{}{what}_{time}", file_word(&self.task.name))
    }

    /// The pictures between stages, with the settings of the task; `when` is what their names say behind the task's.
    async fn pictures(&self, when: &str) -> Result<(), JobError> {
        let acquisition = &self.task.acquisition;
        let beams: Vec<Beam> = [
            acquisition.acquire_sem.then_some(Beam::Electron),
            acquisition.acquire_fib.then_some(Beam::Ion),
        ]
        .into_iter()
        .flatten()
        .collect();
        if beams.is_empty() {
            return Ok(());
        }
        let filename = self.file(when);
        let plan: Vec<ImageSettings> = acquire::beams_there(self.cx, &beams)?
            .into_iter()
            .map(|beam_type| ImageSettings {
                beam_type,
                filename: filename.clone(),
                save: true,
                path: None,
                ..acquisition.imaging.clone()
            })
            .collect();
        let keep = acquire_keep(self.params, self.task);
        acquire::take_all(self.cx, &plan, &keep).await.map(drop)
    }

    /// One unsaved picture at the end, where no others were taken.
    async fn final_picture(&self) -> Result<(), JobError> {
        let acquisition = &self.task.acquisition;
        if !acquisition.acquire_final_image || acquisition.beams() > 0 {
            return Ok(());
        }
        let params = acquire::Acquire {
            beams: vec![self.task.channel],
            options: PictureOptions {
                hfw: Some(self.task.field_of_view),
                autocontrast: Some(true),
                save: Some(false),
                ..PictureOptions::default()
            },
            path: None,
        };
        acquire::acquire(self.cx.clone(), params).await.map(drop)
    }
}

/// Where a task's pictures go: `Milling/<task>` in the folder that was given, else the session's folder.
fn acquire_keep(params: &Mill, task: &MillingTask) -> crate::Keep {
    let folder = |path: &String| {
        let folder = std::path::Path::new(path).join("Milling").join(file_word(&task.name));
        folder.display().to_string()
    };
    crate::Keep {
        live: false,
        path: params.path.as_ref().map(folder),
    }
}

/// A name as part of a file name: spaces become `-`, as the original writes them.
fn file_word(name: &str) -> String {
    let kept = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    name.trim().chars().map(kept).collect()
}
