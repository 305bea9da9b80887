//! Workflows on the twin, on virtual time. Tests may read the twin's truth; workflows may not.

mod alignment;
mod by_stage;
mod milling;
mod movement;
mod needle;
mod overview;
mod pictures;
mod stopping;
mod sweep;
mod system;

use crate::{Host, JobCx, JobError, Keep, Question};
use futures::FutureExt;
use futures::future::BoxFuture;
use hal::clock::TokioClock;
use hal::drivers::Opening;
use hal::scope::{ActId, ActLog, Release};
use hal::sim::{self, World};
use hal::{Act, Clock, HalError, Outcome, Scope};
use model::config::Instrument;
use model::{Beam, ErrorKind, Frame, ImageSettings, Notice};
use std::sync::{Arc, Mutex, OnceLock};

/// Where in an act's life something is injected.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    Intent,
    Outcome,
}

type Injection = Box<dyn Fn() + Send + Sync>;
/// Every act's intent, whatever its number.
const ANY: usize = 0;

/// The acts so far, and what to do at one of them.
#[derive(Default)]
struct Record {
    acts: Mutex<Vec<Act>>,
    outcomes: Mutex<usize>,
    inject: OnceLock<(Moment, usize, Injection)>,
}

impl Record {
    fn count(&self) -> usize {
        self.acts.lock().unwrap().len()
    }

    fn reached(&self, moment: Moment, number: usize) {
        if let Some((_, _, inject)) = self
            .inject
            .get()
            .filter(|(at, n, _)| *at == moment && [ANY, number].contains(n))
        {
            inject();
        }
    }
}

impl ActLog for Record {
    fn intent(&self, _: ActId, _: &str, act: &Act) -> Result<(), HalError> {
        self.acts.lock().unwrap().push(act.clone());
        self.reached(Moment::Intent, self.count());
        Ok(())
    }

    fn warning(&self, _: ActId, _: &Act, _: &str) {}

    fn outcome(&self, _: ActId, _: &str, _: &Act, _: &Result<Outcome, HalError>) {
        let number = {
            let mut outcomes = self.outcomes.lock().unwrap();
            *outcomes += 1;
            *outcomes
        };
        self.reached(Moment::Outcome, number);
    }
}

type Answer = Box<dyn Fn(&Question) -> BoxFuture<'static, String> + Send + Sync>;

/// The engine's part, played by a test.
struct TestHost {
    frames: Mutex<Vec<(Frame, Keep)>>,
    settings: Mutex<[ImageSettings; 2]>,
    answer: Mutex<Option<Answer>>,
    progress: Mutex<Vec<(Option<f64>, String)>>,
    milling: Mutex<Vec<pattern::MillingRun>>,
    notices: Mutex<Vec<Notice>>,
}

impl Host for TestHost {
    fn time_of_day(&self) -> String {
        "14-05-59".to_owned()
    }

    fn progress(&self, fraction: Option<f64>, _: Option<f64>, text: &str) {
        self.progress.lock().unwrap().push((fraction, text.to_owned()));
    }

    fn notice(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice);
    }

    fn milling(&self, run: &pattern::MillingRun, _: bool) {
        self.milling.lock().unwrap().push(run.clone());
    }

    fn frame(&self, frame: Frame, keep: &Keep) -> Result<(Frame, Option<String>), JobError> {
        self.frames.lock().unwrap().push((frame.clone(), keep.clone()));
        let image = frame.metadata.as_ref().map(|m| m.image.clone());
        let name = image
            .filter(|i| i.save && !keep.live)
            .map(|i| model::frame::file_name(&i));
        Ok((frame, keep.path.clone().or(name)))
    }

    fn image_settings(&self, beam: Beam) -> ImageSettings {
        self.settings.lock().unwrap()[usize::from(beam == Beam::Ion)].clone()
    }

    fn is_paused(&self) -> bool {
        false
    }

    fn unpaused(&self) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<String, JobError>> {
        let answer = self.answer.lock().unwrap().as_ref().map(|answer| answer(&question));
        async move {
            answer
                .ok_or_else(|| JobError::new(ErrorKind::Other, "nobody answers", ""))
                .map(|a| a.boxed())
        }
        .then(|found| async move {
            match found {
                Ok(answer) => Ok(answer.await),
                Err(error) => Err(error),
            }
        })
        .boxed()
    }
}

/// A twin with a job on it.
struct Rig {
    scope: Scope,
    world: Arc<World>,
    cx: JobCx,
    release: Release,
    host: Arc<TestHost>,
    record: Arc<Record>,
}

impl Rig {
    fn new() -> Rig {
        Rig::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Instrument)) -> Rig {
        let mut instrument = Instrument::default();
        change(&mut instrument);
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new(0.0, 1.0));
        let world = World::new(&instrument, clock.clone());
        let opening = Opening {
            instrument: instrument.clone(),
            clock: clock.clone(),
            world: Some(world.clone()),
        };
        let record = Arc::new(Record::default());
        let scope = Scope::new(sim::open(&opening).unwrap(), instrument.limits, clock, record.clone());
        let settings = [Beam::Electron, Beam::Ion].map(|beam_type| ImageSettings {
            beam_type,
            resolution: (384, 256),
            ..ImageSettings::default()
        });
        let host = Arc::new(TestHost {
            frames: Mutex::default(),
            settings: Mutex::new(settings),
            answer: Mutex::new(None),
            progress: Mutex::default(),
            milling: Mutex::default(),
            notices: Mutex::default(),
        });
        let (hand, release) = scope.hand("test");
        let cx = JobCx {
            hand,
            host: host.clone(),
            instrument: Arc::new(instrument),
            debts: Default::default(),
            whole: Default::default(),
        };
        Rig {
            scope,
            world,
            cx,
            release,
            host,
            record,
        }
    }

    /// Another job on the same twin.
    fn again(&self) -> JobCx {
        let (hand, _) = self.scope.hand("again");
        JobCx {
            hand,
            debts: Default::default(),
            whole: Default::default(),
            ..self.cx.clone()
        }
    }

    fn truth(&self, pointer: &str) -> f64 {
        self.world
            .truth()
            .pointer(pointer)
            .and_then(serde_json::Value::as_f64)
            .unwrap()
    }

    /// Presses stop, or ends the job, when the act of that number (from 1) is where `moment` says.
    fn inject(&self, moment: Moment, number: usize, what: impl Fn() + Send + Sync + 'static) {
        assert!(self.record.inject.set((moment, number, Box::new(what))).is_ok());
    }

    fn kept(&self) -> Vec<Frame> {
        self.host
            .frames
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, keep)| !keep.live)
            .map(|(frame, _)| frame.clone())
            .collect()
    }

    /// A picture by a hand of its own, on a small scan.
    async fn look(&self, beam: Beam, hfw: f64) -> Frame {
        let settings = ImageSettings {
            beam_type: beam,
            hfw,
            resolution: (384, 256),
            ..ImageSettings::default()
        };
        let (hand, _release) = self.scope.hand("look");
        match hand.act(Act::Acquire { settings }).await.unwrap() {
            Outcome::Frame(frame) => *frame,
            other => panic!("{other:?}"),
        }
    }
}

/// Displacement (m, right and down) of `new` against `old`, asserted to be sure.
fn shift(old: &Frame, new: &Frame) -> (f64, f64) {
    let options = vision::register::Options::default();
    let method = vision::register::Method::default();
    let (old, px) = (old.pixels.to_f32(), new.metadata.as_ref().unwrap().pixel_size.x);
    let found = vision::register::register(old.view(), new.pixels.to_f32().view(), method, &options).unwrap();
    assert!(found.accepted, "{found:?}");
    (found.dx_px * px, found.dy_px * px)
}

fn near(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance, "{what}: {a} is not {b} within {tolerance}");
}
