//! What a job is given: a hand on the instrument, a way to report, to ask and to compute.

use crate::restore::{Debt, Debts};
use futures::future::BoxFuture;
use hal::{Act, HalError, Hand, Outcome, Scope};
use model::kinematics::KinematicsError;
use model::pose::PositionError;
use model::{Beam, ErrorKind, Frame, Geometry, ImageSettings, Notice, Pose, Value, config::Instrument};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Why a job did not end well. `data` carries the measurement of a doubtful one.
#[derive(Clone, Debug, PartialEq)]
pub struct JobError {
    pub kind: ErrorKind,
    pub what: String,
    pub hint: String,
    pub source: Option<String>,
    pub data: Option<serde_json::Value>,
}

impl JobError {
    pub fn new(kind: ErrorKind, what: impl Into<String>, hint: impl Into<String>) -> JobError {
        JobError {
            kind,
            what: what.into(),
            hint: hint.into(),
            source: None,
            data: None,
        }
    }

    pub fn with_data(mut self, data: serde_json::Value) -> JobError {
        self.data = Some(data);
        self
    }
}

impl From<HalError> for JobError {
    fn from(error: HalError) -> JobError {
        JobError {
            kind: error.kind,
            what: error.what,
            hint: error.hint,
            source: error.source,
            data: None,
        }
    }
}

impl From<KinematicsError> for JobError {
    fn from(error: KinematicsError) -> JobError {
        let (kind, hint) = match error {
            KinematicsError::NotFinite { .. } => (ErrorKind::Usage, "give finite numbers"),
            KinematicsError::Grazing { .. } | KinematicsError::Upright { .. } => (
                ErrorKind::OutOfRange,
                "take an orientation in which this beam sees the sample (stage.orientation)",
            ),
            KinematicsError::ParallelColumns => (
                ErrorKind::Unsupported,
                "the column tilts are in the instrument's configuration (config show)",
            ),
        };
        let what = match error {
            KinematicsError::NotFinite { .. } => error.to_string(),
            _ => format!("{error}; nothing moved"),
        };
        JobError::new(kind, what, hint)
    }
}

impl From<PositionError> for JobError {
    fn from(error: PositionError) -> JobError {
        JobError::new(
            ErrorKind::Usage,
            error.to_string(),
            "lengths in metres, angles in radians, or with a unit: 20um, 52deg",
        )
    }
}

impl std::fmt::Display for JobError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.what, self.hint)
    }
}

impl std::error::Error for JobError {}

/// Something only a person can decide. The job waits; meanwhile the hardware is lent to the holder of control.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub text: String,
    /// Why it is asked and what to look at.
    pub detail: String,
    /// Word, and what will happen.
    pub choices: Vec<(String, String)>,
}

/// What a person answered: one of the choices and, where they changed what was shown (points, areas, patterns), that.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub choice: String,
    pub data: Option<serde_json::Value>,
}

/// What becomes of a picture a job takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keep {
    /// A frame of a live view: shown, not kept.
    pub live: bool,
    /// Save it here (a folder, or a file name ending in .tif); `None` = only if the settings say save, in the session folder.
    pub path: Option<String>,
}

/// Which part of something longer an act is: it begins and ends at these shares of the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    pub from: f64,
    pub to: f64,
}

impl Share {
    pub const ALL: Share = Share { from: 0.0, to: 1.0 };

    /// What to tell at its beginning: nothing for the first, which may not know its own progress.
    fn begun(self) -> Option<f64> {
        (self.from > 0.0).then_some(self.from)
    }

    /// The whole's fraction done and seconds that remain, of those of the part. What comes after takes as much longer as it is more.
    fn of_whole(self, fraction: Option<f64>, remaining: Option<f64>) -> (Option<f64>, Option<f64>) {
        if self == Share::ALL {
            return (fraction, remaining);
        }
        let size = self.to - self.from;
        let done = fraction.unwrap_or(0.0).clamp(0.0, 1.0);
        let after = match remaining {
            Some(left) if done < 1.0 && size > 0.0 => Some(left + left / (1.0 - done) * (1.0 - self.to) / size),
            other => other,
        };
        (Some(self.from + done * size), after)
    }
}

/// The engine, as a job sees it.
pub trait Host: Send + Sync {
    fn progress(&self, fraction: Option<f64>, remaining: Option<f64>, text: &str);
    fn notice(&self, notice: Notice);
    /// How a milling task stands; `changed` when more than its figures did.
    fn milling(&self, run: &pattern::MillingRun, changed: bool);
    /// A stage of a milling task was milled to its end: for the log.
    fn milled(&self, _stage: &crate::milling::MilledStage) {}
    /// Local time as openFIBSEM names pictures by it: `14-05-59`.
    fn time_of_day(&self) -> String;
    /// Completes the metadata (user, experiment), saves where asked, publishes; the picture as kept and its file.
    /// A failed save is an alarm and an error.
    fn frame(&self, frame: Frame, keep: &Keep) -> Result<(Frame, Option<String>), JobError>;
    /// The settings the next picture of this beam would use.
    fn image_settings(&self, beam: Beam) -> ImageSettings;
    /// The job is paused: what it does now takes no time of its own.
    fn is_paused(&self) -> bool;
    /// Waits until the job is not paused.
    fn unpaused(&self) -> BoxFuture<'static, ()>;
    /// An act was not begun with this error: `None` where that is the act's own, else what holds the job until it can be begun.
    fn holds(&self, _error: &HalError) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// What is owed now, oldest first: written down, so that a crash does not lose the way back.
    fn owes(&self, _debts: &[Debt]) {}
    /// This is about to be milled for a lamella, or was (`None`): written down safely, so that a crash finds it.
    fn mills(&self, _underway: Option<crate::lamella::Underway>) -> BoxFuture<'static, Result<(), JobError>> {
        Box::pin(std::future::ready(Ok(())))
    }
    /// Shows what will be milled, where everybody sees and edits it.
    fn plans(&self, _task: &pattern::MillingTask) {}
    /// What was made of it meanwhile.
    fn planned(&self) -> Option<pattern::MillingTask> {
        None
    }
    /// The choice that was made.
    fn ask(&self, question: Question) -> BoxFuture<'static, Result<String, JobError>>;
    /// The same of a question whose answer may carry more than a word.
    fn ask_for(&self, question: Question) -> BoxFuture<'static, Result<Answer, JobError>> {
        let choice = self.ask(question);
        Box::pin(async move {
            Ok(Answer {
                choice: choice.await?,
                data: None,
            })
        })
    }
}

/// A job's context. Clones are the same job.
#[derive(Clone)]
pub struct JobCx {
    pub hand: Hand,
    pub host: Arc<dyn Host>,
    pub instrument: Arc<Instrument>,
    /// What is to be put back when the job ends.
    pub debts: Debts,
    /// How the job stands as a whole, where it tells that itself.
    pub whole: Whole,
}

/// How a job stands as a whole: fraction done and seconds left, as it told them last. What its parts tell of themselves (a
/// picture, the probes of a contrast) is then shown by its words alone, or a job half done would seem nearly over.
#[derive(Clone, Debug, Default)]
pub struct Whole(Arc<Mutex<Option<(f64, f64)>>>);

impl Whole {
    fn told(&self) -> Option<(f64, f64)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, now: Option<(f64, f64)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl JobCx {
    pub fn scope(&self) -> &Scope {
        self.hand.scope()
    }

    pub fn geometry(&self) -> Geometry {
        self.scope().chosen_geometry()
    }

    /// The same job after its end: for putting back what it changed for a while, also when it was cancelled. After the red button
    /// it can do nothing, so that nothing changes any more.
    pub fn afterwards(&self) -> JobCx {
        JobCx {
            hand: self.hand.afterwards(),
            ..self.clone()
        }
    }

    /// Does an act; the instrument's own progress is passed on. Pausing takes effect before the act.
    pub async fn act(&self, act: Act) -> Result<Outcome, JobError> {
        let text = act.describe();
        self.act_of(act, Share::ALL, text).await
    }

    /// Does an act that is a part of something longer: progress and remaining time are those of the whole.
    pub(crate) async fn act_of(&self, act: Act, share: Share, text: String) -> Result<Outcome, JobError> {
        loop {
            self.host.unpaused().await;
            if self.hand.is_ended() {
                return Err(HalError::stopped().into());
            }
            let (cx, text) = (self.clone(), text.clone());
            cx.tell(share.begun(), None, &text);
            let watch = move |fraction, remaining| {
                let (fraction, remaining) = share.of_whole(fraction, remaining);
                cx.tell(fraction, remaining, &text)
            };
            match self.hand.act_watched(act.clone(), watch).await {
                Err(error) if self.held(&error).await => {}
                ended => return Ok(ended?),
            }
        }
    }

    /// Waits where the engine holds the job, because an act could not be begun for now; `true`: try it again.
    pub(crate) async fn held(&self, error: &HalError) -> bool {
        match self.host.holds(error) {
            Some(held) => {
                held.await;
                true
            }
            None => false,
        }
    }

    pub fn progress(&self, fraction: f64, text: &str) {
        self.tell(Some(fraction), None, text);
    }

    /// What is being done, and how far that is (fraction done, seconds left) unless the whole job tells it.
    pub fn tell(&self, fraction: Option<f64>, remaining: Option<f64>, text: &str) {
        match self.whole.told() {
            Some((fraction, remaining)) => self.host.progress(Some(fraction), Some(remaining), text),
            None => self.host.progress(fraction, remaining, text),
        }
    }

    /// How the whole job stands: its parts tell only what they do, until [`JobCx::parts_tell`].
    pub fn tell_whole(&self, fraction: f64, remaining: f64, text: &str) {
        self.whole.tell(Some((fraction, remaining)));
        self.tell(None, None, text);
    }

    /// What comes now tells its own progress again.
    pub fn parts_tell(&self) {
        self.whole.tell(None);
    }

    /// Takes a picture, publishes it, saves it where `keep` or the settings say.
    pub async fn frame(&self, settings: &ImageSettings, keep: &Keep) -> Result<(Frame, Option<String>), JobError> {
        match self
            .act(Act::Acquire {
                settings: settings.clone(),
            })
            .await?
        {
            Outcome::Frame(frame) => self.host.frame(*frame, keep),
            _ => Err(JobError::new(
                ErrorKind::Protocol,
                "the instrument took a picture but gave none; nothing was kept",
                "take it again",
            )),
        }
    }

    /// Where the stage stands now.
    pub async fn pose(&self) -> Result<Pose, JobError> {
        Ok(self.scope().stage().await?.value.pose)
    }

    /// Sets a value of a beam; what was really set.
    pub async fn set(&self, beam: Beam, key: model::Key, value: Value) -> Result<Value, JobError> {
        match self.act(Act::BeamSet { beam, key, value }).await? {
            Outcome::Value(value) => Ok(value),
            _ => Ok(Value::Null),
        }
    }

    /// Waits for `seconds` on the instrument's clock, in steps of at most one second; `each` hears how many remain. Ends early, as
    /// stopped, when the job is.
    pub async fn wait(&self, seconds: f64, each: impl Fn(f64)) -> Result<(), JobError> {
        let clock = self.scope().clock().clone();
        let end = clock.now() + seconds;
        loop {
            let remaining = end - clock.now();
            // a timer may wake a hair early: that is the end all the same
            if remaining <= 1e-9 {
                return Ok(());
            }
            if self.hand.is_ended() {
                return Err(HalError::stopped().into());
            }
            each(remaining);
            tokio::time::sleep(Duration::from_secs_f64(remaining.min(1.0) / clock.speed())).await;
        }
    }

    /// Asks a person and waits for the answer.
    pub async fn ask(&self, question: Question) -> Result<String, JobError> {
        self.host.ask(question).await
    }

    /// Runs a computation off the async threads; time on a virtual clock stands still meanwhile.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, JobError> {
        tokio::task::spawn_blocking(work).await.map_err(|_| {
            JobError::new(
                ErrorKind::Other,
                "a computation failed inside; the instrument stands as the last act left it",
                "this is a fault of fibdeck: please report it with the log",
            )
        })
    }
}
