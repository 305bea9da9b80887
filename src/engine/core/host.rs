//! A job's view of the engine.

use super::{Core, job::Open, lock, recover};
use crate::event::{Event, FrameInfo, JobId, Plan, Progress, Pulse, Question};
use crate::journal::Entry;
use crate::snapshot::at;
use futures::future::BoxFuture;
use hal::{HalError, Hand};
use model::{Beam, ErrorKind, Frame, ImageSettings, Notice, Point, Severity};
use pattern::{Eta, MillingTask};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use workflow::cx::{Answer, Keep};
use workflow::lamella::Underway;
use workflow::{Host, JobError};

pub(crate) struct JobHost {
    pub core: Arc<Core>,
    /// `None` for a live view, which is no job.
    pub job: Option<JobId>,
    pub paused: watch::Receiver<bool>,
    /// Acts wait until a command is under way.
    pub while_active: Option<watch::Receiver<usize>>,
    pub hand: Hand,
}

impl Host for JobHost {
    fn progress(&self, fraction: Option<f64>, remaining: Option<f64>, text: &str) {
        if let Some(job) = self.job {
            let progress = Progress {
                fraction,
                remaining,
                text: text.to_owned(),
            };
            self.core.pulse(Pulse::Progress { job, progress });
        }
    }

    fn notice(&self, notice: Notice) {
        self.core.notice(notice);
    }

    fn milling(&self, run: &pattern::MillingRun, changed: bool) {
        let run = Box::new(run.clone());
        if changed {
            self.core.publish(Event::Milling { run });
        } else {
            self.core.pulse(Pulse::Milling { run });
        }
    }

    fn milled(&self, stage: &workflow::milling::MilledStage) {
        self.core.logs.milled(self.core.time(), stage);
    }

    fn time_of_day(&self) -> String {
        crate::core::logs::local(self.core.time())
            .strftime("%H-%M-%S")
            .to_string()
    }

    fn frame(&self, frame: Frame, keep: &Keep) -> Result<(Frame, Option<String>), JobError> {
        let kept = self.core.keep_frame(frame, keep)?;
        Ok(((*kept.0).clone(), kept.1))
    }

    fn image_settings(&self, beam: Beam) -> ImageSettings {
        self.core.snapshot().settings[at(beam)].clone()
    }

    fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    fn unpaused(&self) -> BoxFuture<'static, ()> {
        let (mut paused, active) = (self.paused.clone(), self.while_active.clone());
        #[cfg(test)]
        let (core, job) = (self.core.clone(), self.job);
        Box::pin(async move {
            #[cfg(test)]
            if job.is_some() {
                let _ = core.spring(super::act_log::Moment::Turn);
            }
            // the senders are gone only when the job or the engine is, and then nothing waits here
            let _ = paused.wait_for(|paused| !paused).await;
            if let Some(mut active) = active {
                let _ = active.wait_for(|n| *n > 0).await;
            }
        })
    }

    /// What cannot be written down is not begun; the job waits, paused, until somebody has made room and lets it go on.
    fn holds(&self, error: &HalError) -> Option<BoxFuture<'static, ()>> {
        if error.kind != ErrorKind::File || !self.core.journal.refuses() || self.hand.is_ended() {
            return None;
        }
        let (core, job, mut paused) = (self.core.clone(), self.job?, self.paused.clone());
        core.lanes.pause_job(true).ok()?;
        core.publish(Event::JobPaused { id: job, paused: true });
        core.notice(
            Notice::new(Severity::Alarm, "paused: the journal cannot be written")
                .detail(error.what.clone())
                .hint("free space on the disk of the data folder, then let the job go on (job.resume), or end it (job.stop)"),
        );
        Some(Box::pin(async move {
            // the sender is gone only with the job
            let _ = paused.wait_for(|paused| !paused).await;
        }))
    }

    fn owes(&self, debts: &[workflow::Debt]) {
        if let Some(job) = self.job {
            self.core.journal.write(&Entry::Owes {
                job,
                debts: debts.to_vec(),
            });
        }
    }

    fn mills(&self, underway: Option<Underway>) -> BoxFuture<'static, Result<(), JobError>> {
        let core = self.core.clone();
        Box::pin(async move {
            let entry = match underway {
                Some(underway) => recover::of_a_lamella(underway),
                None => Entry::Over,
            };
            recover::write_safely(&core, vec![entry])
                .await
                .map_err(|failure| JobError::new(failure.kind, failure.title, failure.hint))
        })
    }

    fn plans(&self, task: &MillingTask) {
        let plan = Plan {
            estimate: Eta::of_task(task, self.core.snapshot().planner()).first(),
            notes: Vec::new(),
            task: task.clone(),
            file: None,
        };
        self.core.publish(Event::Plan {
            plan: Some(Box::new(plan)),
        });
    }

    fn planned(&self) -> Option<MillingTask> {
        self.core.snapshot().plan.as_ref().map(|plan| plan.task.clone())
    }

    fn ask(&self, question: workflow::Question) -> BoxFuture<'static, Result<String, JobError>> {
        let answer = self.put(question, false);
        Box::pin(async move { Ok(answer.await?.choice) })
    }

    fn ask_for(&self, question: workflow::Question) -> BoxFuture<'static, Result<Answer, JobError>> {
        self.put(question, true)
    }
}

impl JobHost {
    /// Puts a question to whoever is there and waits for its answer, which may carry data where `more`.
    fn put(&self, question: workflow::Question, more: bool) -> BoxFuture<'static, Result<Answer, JobError>> {
        let (core, job, hand) = (self.core.clone(), self.job, self.hand.clone());
        Box::pin(async move {
            let job = job.ok_or_else(|| {
                JobError::new(
                    ErrorKind::Other,
                    "a live view has no questions",
                    "this is a fault of fibdeck",
                )
            })?;
            let id = core.fresh_id();
            let (sender, answer) = oneshot::channel();
            let choices = question.choices.iter().map(|(word, _)| word.clone()).collect();
            *lock(&core.lanes.question) = Some(Open {
                id,
                choices,
                more,
                answer: sender,
            });
            let question = Question {
                id,
                job,
                text: question.text,
                detail: question.detail,
                choices: question.choices,
                since: core.time(),
            };
            core.publish(Event::Asked {
                question: Box::new(question),
            });
            let stopped = || {
                JobError::new(
                    ErrorKind::Stopped,
                    "stopped while it waited for an answer",
                    "start it again when it is safe",
                )
            };
            let (answer, by) = answer.await.map_err(|_| stopped())?;
            if hand.is_ended() {
                return Err(stopped());
            }
            core.publish(Event::Answered {
                id,
                choice: answer.choice.clone(),
                data: answer.data.clone(),
                by,
            });
            Ok(answer)
        })
    }
}

impl Core {
    /// Completes a picture's metadata, saves it where asked, keeps it in the ring, tells everyone.
    /// A picture that cannot be saved raises an alarm, stays in memory, and is an error.
    pub(crate) fn keep_frame(&self, mut frame: Frame, keep: &Keep) -> Result<(Arc<Frame>, Option<String>), JobError> {
        let session = self.snapshot().session.clone();
        if let Some(metadata) = frame.metadata.as_mut() {
            metadata.user = session.user.clone();
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            metadata.experiment.name = some(&session.experiment);
            metadata.experiment.project = some(&session.project);
        }
        let wanted = !keep.live && (keep.path.is_some() || frame.metadata.as_ref().is_some_and(|m| m.image.save));
        let saved = if wanted {
            Some(self.save_frame(&frame, keep, &session.folder))
        } else {
            None
        };
        let file = saved.as_ref().and_then(|s| s.as_ref().ok()).cloned();
        let id = self.fresh_id();
        let frame = Arc::new(frame);
        lock(&self.frames).push(id, frame.clone(), keep.live);
        self.publish(Event::FrameTaken {
            frame: Box::new(info(id, &frame, keep.live, self.time(), file.clone())),
        });
        match saved {
            Some(Err(error)) => Err(error),
            _ => Ok((frame, file)),
        }
    }

    fn save_frame(&self, frame: &Frame, keep: &Keep, folder: &str) -> Result<String, JobError> {
        let settings = frame.metadata.as_ref().map(|m| &m.image);
        let name = settings.map_or_else(|| "chamber.tif".to_owned(), model::frame::file_name);
        let target = keep
            .path
            .as_deref()
            .or_else(|| settings.and_then(|s| s.path.as_deref()));
        let result = match target.map(Path::new) {
            Some(file)
                if file
                    .extension()
                    .is_some_and(|e| e.eq_ignore_ascii_case("tif") || e.eq_ignore_ascii_case("tiff")) =>
            {
                match file.parent().filter(|p| !p.as_os_str().is_empty()) {
                    Some(parent) => model::file::ensure_folder(parent).and_then(|()| frame.save(file)),
                    None => frame.save(file),
                }
            }
            Some(folder) => frame.save_in(folder, &name),
            None => frame.save_in(Path::new(folder), &name),
        };
        result.map(|path| path.display().to_string()).map_err(|error| {
            self.notice(
                Notice::new(Severity::Alarm, "a picture was NOT saved")
                    .detail(error.to_string())
                    .hint(
                        "it is still in memory: free space or choose another folder, then save it from the filmstrip",
                    ),
            );
            JobError::new(
                ErrorKind::File,
                format!("the picture was taken but not saved: {error}"),
                "free space or choose another folder; it is still in memory",
            )
        })
    }
}

/// What a client needs to know of a picture without its pixels.
fn info(id: u64, frame: &Frame, live: bool, time: f64, file: Option<String>) -> FrameInfo {
    let (w, h) = frame.pixels.size();
    let metadata = frame.metadata.as_ref();
    let beam = metadata.map(|m| m.image.beam_type);
    let state = metadata.and_then(|m| m.microscope_state.beam(m.image.beam_type));
    FrameInfo {
        id,
        beam,
        live,
        size: (w as u32, h as u32),
        pixel_size: metadata.map_or(0.0, |m| m.pixel_size.x),
        settings: metadata.map(|m| m.image.clone()),
        stage: metadata.map(|m| m.microscope_state.stage_position.clone()),
        working_distance: state.map_or(0.0, |s| s.working_distance),
        voltage: state.map_or(0.0, |s| s.voltage),
        current: state.map_or(0.0, |s| s.beam_current),
        scan_rotation: state.map_or(0.0, |s| s.scan_rotation),
        shift: state.map_or_else(Point::default, |s| s.shift),
        time,
        file,
    }
}
