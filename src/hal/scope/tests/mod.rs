//! The door, tried on the twin in virtual time.

mod acts;
mod age;
mod faults;
mod over;
mod stop;

use super::*;
use crate::clock::TokioClock;
use crate::drivers::Opening;
use crate::sim::{self, Faults, World};
use model::config::Instrument;
use model::{Axis, ImageSettings, Pose, StagePosition};

/// What was written, in order.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<Line>>,
    full: std::sync::atomic::AtomicBool,
}

#[derive(Clone, Debug, PartialEq)]
enum Line {
    Intent(ActId, String),
    Warning(String),
    Outcome(ActId, Result<(), ErrorKind>),
}

impl ActLog for Log {
    fn intent(&self, id: ActId, by: &str, act: &Act) -> Result<(), HalError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(HalError::new(
                ErrorKind::File,
                "the disk is full; nothing was sent",
                "make room",
            ));
        }
        lock(&self.lines).push(Line::Intent(id, format!("{by}: {}", act.describe())));
        Ok(())
    }

    fn warning(&self, _: ActId, _: &Act, warning: &str) {
        lock(&self.lines).push(Line::Warning(warning.to_owned()));
    }

    fn outcome(&self, id: ActId, _: &str, _: &Act, result: &Result<Outcome, HalError>) {
        let result = result.as_ref().map(|_| ()).map_err(|e| e.kind);
        lock(&self.lines).push(Line::Outcome(id, result));
    }
}

struct Rig {
    scope: Scope,
    world: Arc<World>,
    log: Arc<Log>,
    clock: Arc<TokioClock>,
}

impl Rig {
    fn new(instrument: Instrument) -> Rig {
        let clock = Arc::new(TokioClock::new(0.0, 1.0));
        let world = World::new(&instrument, clock.clone());
        let opening = Opening {
            instrument,
            clock: clock.clone(),
            world: Some(world.clone()),
        };
        let log = Arc::new(Log::default());
        let microscope = sim::open(&opening).unwrap();
        Rig {
            scope: Scope::new(microscope, None, clock.clone(), log.clone()),
            world,
            log,
            clock,
        }
    }

    fn plain() -> Rig {
        Rig::new(Instrument::default())
    }

    fn with_faults(yaml: &str) -> Rig {
        let rig = Rig::plain();
        rig.world.set_faults(Faults::parse(yaml).unwrap());
        rig
    }

    fn hand(&self) -> Hand {
        self.scope.hand("test").0
    }

    fn lines(&self) -> Vec<Line> {
        lock(&self.log.lines).clone()
    }

    async fn pose(&self) -> Pose {
        self.scope.stage().await.unwrap().value.pose
    }

    /// Every intent has its outcome, later.
    fn closed(&self) -> bool {
        let lines = self.lines();
        lines.iter().enumerate().all(|(i, line)| match line {
            Line::Intent(id, _) => lines[i..].iter().any(|l| matches!(l, Line::Outcome(o, _) if o == id)),
            _ => true,
        })
    }
}

fn to(axis: Axis, value: f64) -> Act {
    Act::StageTo {
        target: StagePosition::default().with(axis, value),
    }
}

fn picture(beam: Beam, dwell_time: f64) -> Act {
    let settings = ImageSettings {
        beam_type: beam,
        resolution: (100, 50),
        dwell_time,
        ..ImageSettings::default()
    };
    Act::Acquire { settings }
}

fn seconds(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

#[tokio::test(start_paused = true)]
async fn an_act_is_checked_written_done_and_written() {
    let rig = Rig::plain();
    let start = rig.pose().await;
    let done = rig.hand().act(to(Axis::X, 20e-6)).await.unwrap();
    assert_eq!(done, Outcome::Stage(Pose { x: 20e-6, ..start }));
    assert!(
        matches!(&rig.lines()[..], [Line::Intent(1, by), Line::Outcome(1, Ok(()))] if by.starts_with("test: move stage to"))
    );
    let took = rig.clock.now();
    assert!((0.9..1.5).contains(&took), "a move of 20 um took {took} s");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_leaves_no_intent_and_nothing_moved() {
    let rig = Rig::plain();
    let start = rig.pose().await;
    let error = rig.hand().act(to(Axis::X, 10.0)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutOfRange);
    rig.log.full.store(true, Ordering::SeqCst);
    let error = rig.hand().act(to(Axis::X, 1e-6)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::File, "what cannot be written is not done");
    assert_eq!((rig.lines(), rig.pose().await), (vec![], start));
}

#[tokio::test(start_paused = true)]
async fn configured_limits_narrow_and_never_widen() {
    let rig = Rig::plain();
    let limits = Limits {
        x: Some((-1e-3, 1e-3)),
        z: Some((0.0, 1.0)),
        ..rig.scope.capabilities().stage.clone().unwrap().limits
    };
    let opening = Opening {
        instrument: Instrument::default(),
        clock: rig.clock.clone(),
        world: Some(rig.world.clone()),
    };
    let scope = Scope::new(
        sim::open(&opening).unwrap(),
        Some(limits),
        rig.clock.clone(),
        rig.log.clone(),
    );
    for (axis, value) in [(Axis::X, 2e-3), (Axis::Z, 20e-3)] {
        let error = scope.hand("test").0.act(to(axis, value)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutOfRange, "{axis}");
    }
}

#[tokio::test(start_paused = true)]
async fn busy_names_what_is_under_way_and_who_does_it() {
    let rig = Rig::plain();
    let overview = rig.scope.hand("overview").0;
    let move_ = tokio::spawn(async move { overview.act(to(Axis::X, 5e-3)).await });
    tokio::time::sleep(seconds(1.0)).await;
    for act in [to(Axis::Y, 1e-6), picture(Beam::Electron, 1e-6)] {
        let error = rig.hand().act(act).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Busy);
        assert!(
            error.what.contains("overview") && error.what.contains("move stage"),
            "{error}"
        );
    }
    let beam = Act::BeamSet {
        beam: Beam::Ion,
        key: Key::Hfw,
        value: Value::Number(80e-6),
    };
    assert!(rig.hand().act(beam).await.is_ok(), "another resource is free");
    assert!(move_.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn background_gives_way_and_never_pushes() {
    let rig = Rig::plain();
    let live = rig.scope.background_hand("live view").0;
    let stream = tokio::spawn({
        let live = live.clone();
        async move { live.act(picture(Beam::Electron, 1e-3)).await }
    });
    tokio::time::sleep(seconds(1.0)).await;
    assert!(rig.hand().act(to(Axis::X, 5e-6)).await.is_ok());
    assert_eq!(stream.await.unwrap().unwrap_err().kind, ErrorKind::Stopped);

    let front = rig.hand();
    let front = tokio::spawn(async move { front.act(to(Axis::X, 3e-3)).await });
    tokio::time::sleep(seconds(0.5)).await;
    assert_eq!(
        live.act(picture(Beam::Electron, 1e-6)).await.unwrap_err().kind,
        ErrorKind::Busy
    );
    assert!(front.await.unwrap().is_ok());
    assert!(rig.closed());
}

#[tokio::test(start_paused = true)]
async fn the_outcome_is_written_though_nobody_waits_for_it() {
    let rig = Rig::plain();
    let hand = rig.hand();
    assert!(
        tokio::time::timeout(seconds(0.2), hand.act(to(Axis::X, 1e-3)))
            .await
            .is_err()
    );
    assert!(matches!(&rig.lines()[..], [Line::Intent(..)]));
    tokio::time::sleep(seconds(10.0)).await;
    assert!(matches!(&rig.lines()[..], [Line::Intent(..), Line::Outcome(1, Ok(()))]));
    assert_eq!(rig.pose().await.x, 1e-3);
}
