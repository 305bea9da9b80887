//! The door, tried on the twin in virtual time.

use super::*;
use crate::clock::TokioClock;
use crate::drivers::Opening;
use crate::sim::{Faults, Foreign, World};
use crate::{Progress, Stage, Ticket, sim};
use model::config::Instrument;
use model::{Axis, ChamberPhase, ImageSettings, Pose, StagePosition};

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
async fn a_cancelled_hand_ends_what_it_does_and_begins_nothing() {
    let rig = Rig::plain();
    let (hand, release) = rig.scope.hand("job");
    let under_way = tokio::spawn({
        let hand = hand.clone();
        async move { hand.act(to(Axis::X, 5e-3)).await }
    });
    tokio::time::sleep(seconds(2.0)).await;
    release.cancel();
    assert_eq!(under_way.await.unwrap().unwrap_err().kind, ErrorKind::Stopped);
    let here = rig.pose().await;
    assert!(here.x > 0.1e-3 && here.x < 4e-3, "halted on the way: {here}");
    let before = rig.lines();
    let error = hand.act(to(Axis::X, 0.0)).await.unwrap_err();
    assert!(
        error.kind == ErrorKind::Stopped && error.what.contains("nothing was sent"),
        "{error}"
    );
    assert_eq!(rig.lines(), before);
    assert!(
        hand.afterwards().act(to(Axis::X, 0.0)).await.is_ok(),
        "what it changed can be put back"
    );
}

#[tokio::test(start_paused = true)]
async fn stop_ends_motion_and_every_hand_from_before() {
    let rig = Rig::plain();
    let hand = rig.hand();
    let under_way = tokio::spawn({
        let hand = hand.clone();
        async move { hand.act(to(Axis::X, 5e-3)).await }
    });
    tokio::time::sleep(seconds(2.0)).await;
    let sent = rig.scope.stop();
    let report = rig.scope.confirm_stop(sent.is_ok()).await;
    assert!(report.sent && report.at_rest);
    assert!(
        matches!(&report.acts[..], [(what, StopOutcome::Halted)] if what.contains("move stage")),
        "{report:?}"
    );
    assert_eq!(under_way.await.unwrap().unwrap_err().kind, ErrorKind::Stopped);
    for beam in Beam::ALL {
        assert!(
            rig.scope.beam(beam).await.unwrap().value.blanked,
            "stop blanks the {beam} beam"
        );
    }
    let here = rig.pose().await;
    assert_eq!(hand.act(to(Axis::X, 0.0)).await.unwrap_err().kind, ErrorKind::Stopped);
    assert_eq!(
        hand.afterwards().act(to(Axis::X, 0.0)).await.unwrap_err().kind,
        ErrorKind::Stopped,
        "nothing is put back by itself"
    );
    assert_eq!(rig.pose().await, here);
    assert!(
        rig.hand().act(to(Axis::X, 0.0)).await.is_ok(),
        "a hand from after the press works"
    );
    assert!(rig.closed());
}

#[tokio::test(start_paused = true)]
async fn stop_ends_a_picture_and_one_at_rest_stops_nothing() {
    let rig = Rig::plain();
    let hand = rig.hand();
    let scan = tokio::spawn(async move { hand.act(picture(Beam::Ion, 1e-3)).await });
    tokio::time::sleep(seconds(1.0)).await;
    let sent = rig.scope.stop();
    let report = rig.scope.confirm_stop(sent.is_ok()).await;
    assert_eq!(
        report.acts.iter().map(|(_, o)| *o).collect::<Vec<_>>(),
        [StopOutcome::Halted]
    );
    assert_eq!(scan.await.unwrap().unwrap_err().kind, ErrorKind::Stopped);
    let sent = rig.scope.stop();
    let report = rig.scope.confirm_stop(sent.is_ok()).await;
    assert_eq!(
        report,
        StopReport {
            sent: true,
            acts: vec![],
            at_rest: true
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_acknowledged_and_not_obeyed_is_not_believed() {
    let rig = Rig::with_faults("- {on: stop, kind: stop-lie}");
    let hand = rig.hand();
    let under_way = tokio::spawn(async move { hand.act(to(Axis::X, 20e-3)).await });
    tokio::time::sleep(seconds(2.0)).await;
    let sent = rig.scope.stop();
    assert!(sent.is_ok());
    let report = rig.scope.confirm_stop(true).await;
    assert!(report.sent && !report.at_rest);
    assert_eq!(
        report.acts.iter().map(|(_, o)| *o).collect::<Vec<_>>(),
        [StopOutcome::Unconfirmed]
    );
    assert!(
        under_way.await.unwrap().is_ok(),
        "it ran to its end, and that is what is said"
    );
    assert!(rig.closed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_cannot_be_sent_says_so() {
    let rig = Rig::with_faults("- {at: 1, kind: dead-link, for: 5}");
    let hand = rig.hand();
    let under_way = tokio::spawn(async move { hand.act(to(Axis::X, 20e-3)).await });
    tokio::time::sleep(seconds(2.0)).await;
    let sent = rig.scope.stop();
    assert_eq!(sent.as_ref().unwrap_err().kind, ErrorKind::Timeout);
    let report = rig.scope.confirm_stop(false).await;
    assert!(!report.sent && !report.at_rest);
    assert_eq!(
        report.acts.iter().map(|(_, o)| *o).collect::<Vec<_>>(),
        [StopOutcome::Unconfirmed]
    );
    assert_eq!(
        under_way.await.unwrap().unwrap_err().kind,
        ErrorKind::Stopped,
        "the cancel got through later"
    );
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

#[tokio::test(start_paused = true)]
async fn a_stage_that_says_idle_too_early_is_not_believed() {
    let rig = Rig::with_faults("- {on: move, kind: idle-lie, for: 3}");
    let done = rig.hand().act(to(Axis::X, 5e-3)).await.unwrap();
    assert!(matches!(done, Outcome::Stage(pose) if pose.x == 5e-3));

    let mut instrument = Instrument::default();
    instrument.twin.errors.idle_lie = 2.0;
    let rig = Rig::new(instrument);
    let done = rig.hand().act(to(Axis::T, 0.5)).await.unwrap();
    assert!(matches!(done, Outcome::Stage(pose) if pose.t == 0.5));
}

#[tokio::test(start_paused = true)]
async fn a_picture_takes_the_time_of_its_beam() {
    let rig = Rig::plain();
    let done = rig.hand().act(picture(Beam::Electron, 1e-3)).await.unwrap();
    let Outcome::Frame(frame) = done else {
        panic!("no frame")
    };
    assert_eq!(frame.pixels.size(), (100, 50));
    let took = rig.clock.now();
    assert!((5.0..5.4).contains(&took), "{took}");
    assert_eq!(rig.scope.last_frame(Beam::Electron).await.unwrap(), Some(*frame));
    assert_eq!(rig.scope.last_frame(Beam::Ion).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn virtual_time_repeats_itself() {
    async fn once() -> (f64, model::Pixels, f64) {
        let rig = Rig::plain();
        rig.hand().act(to(Axis::Y, 130e-6)).await.unwrap();
        let Outcome::Frame(frame) = rig.hand().act(picture(Beam::Ion, 2e-6)).await.unwrap() else {
            panic!("no frame")
        };
        let stamp = frame.metadata.unwrap().microscope_state.timestamp;
        (rig.clock.now(), frame.pixels, stamp)
    }
    let first = once().await;
    assert_eq!(first, once().await);
}

#[tokio::test(start_paused = true)]
async fn no_rule_is_passed_by_another_name() {
    let rig = Rig::plain();
    let vent = Act::SystemSet {
        key: Key::VentChamber,
        value: Value::Bool(true),
    };
    assert_eq!(
        rig.hand().act(vent.clone()).await.unwrap_err().kind,
        ErrorKind::Interlock,
        "the beams are on"
    );
    for beam in Beam::ALL {
        let off = Act::BeamSet {
            beam,
            key: Key::On,
            value: Value::Bool(false),
        };
        rig.hand().act(off).await.unwrap();
    }
    let done = rig.hand().act(vent).await.unwrap();
    assert!(matches!(done, Outcome::Chamber(state) if state.phase == ChamberPhase::Vented));
    let on = Act::BeamSet {
        beam: Beam::Ion,
        key: Key::On,
        value: Value::Bool(true),
    };
    assert_eq!(rig.hand().act(on.clone()).await.unwrap_err().kind, ErrorKind::Interlock);
    let pump = Act::SystemSet {
        key: Key::PumpChamber,
        value: Value::Bool(true),
    };
    rig.hand().act(pump).await.unwrap();
    assert!(rig.hand().act(on).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn homing_is_followed_and_warns_of_the_lost_link() {
    let rig = Rig::plain();
    let done = rig.hand().act(Act::StageHome).await.unwrap();
    assert_eq!(done, Outcome::Stage(Pose::default()));
    rig.hand().act(to(Axis::X, 1e-5)).await.unwrap();
    assert!(
        rig.lines()
            .iter()
            .any(|l| matches!(l, Line::Warning(w) if w.contains("not linked")))
    );
    rig.hand().act(Act::StageLink { on: true }).await.unwrap();
    assert!(rig.scope.stage().await.unwrap().value.linked);
}

#[tokio::test(start_paused = true)]
async fn a_gas_change_is_watched_and_can_be_cancelled() {
    let mut instrument = Instrument::default();
    (instrument.ion.plasma, instrument.ion.plasma_gas) = (true, Some("Xenon".into()));
    let rig = Rig::new(instrument);
    let change = || Act::BeamSet {
        beam: Beam::Ion,
        key: Key::PlasmaGas,
        value: Value::Text("Argon".into()),
    };
    let (hand, release) = rig.scope.hand("test");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watched = seen.clone();
    let task = tokio::spawn(async move {
        hand.act_watched(change(), move |fraction, remaining| {
            lock(&watched).push((fraction, remaining))
        })
        .await
    });
    tokio::time::sleep(seconds(300.0)).await;
    let (fraction, remaining) = *lock(&seen).last().unwrap();
    assert!((fraction.unwrap() - 0.5).abs() < 0.01 && (remaining.unwrap() - 300.0).abs() < 2.0);
    release.cancel();
    assert_eq!(task.await.unwrap().unwrap_err().kind, ErrorKind::Stopped);
    assert_eq!(
        rig.scope.get(Key::PlasmaGas, Some(Beam::Ion)).await,
        Ok(Value::Text("Xenon".into()))
    );
    let done = rig.hand().act(change()).await.unwrap();
    assert!(matches!(done, Outcome::Beam(state) if state.plasma_gas.as_deref() == Some("Argon")));
}

#[tokio::test(start_paused = true)]
async fn foreign_changes_are_seen_at_the_next_read() {
    let rig = Rig::plain();
    rig.world
        .foreign(Foreign::Move(StagePosition::default().with(Axis::X, 10e-6)))
        .unwrap();
    rig.world
        .foreign(Foreign::Set(Beam::Electron, Key::On, Value::Bool(false)))
        .unwrap();
    assert!(rig.scope.stage().await.unwrap().value.moving);
    assert_eq!(
        rig.hand().act(to(Axis::X, 0.0)).await.unwrap_err().kind,
        ErrorKind::Busy,
        "somebody else moves it"
    );
    tokio::time::sleep(seconds(2.0)).await;
    assert_eq!(rig.pose().await.x, 10e-6);
    assert!(!rig.scope.beam(Beam::Electron).await.unwrap().value.on);
}

/// Every act that takes time, with every fault that can befall it: an error of the right kind, and never an open intent.
#[tokio::test(start_paused = true)]
async fn faults_at_every_act_end_in_an_honest_outcome() {
    let mut plasma = Instrument::default();
    (plasma.ion.plasma, plasma.ion.plasma_gas) = (true, Some("Xenon".into()));
    let gas = Act::PlasmaGas {
        beam: Beam::Ion,
        gas: "Argon".into(),
    };
    let acts = [
        ("move", to(Axis::X, 2e-3)),
        ("home", Act::StageHome),
        ("acquire", picture(Beam::Electron, 1e-3)),
        ("gas", gas),
        ("pump", Act::Pump),
    ];
    for (sort, act) in acts {
        for (fault, wanted) in [
            // the order is lost with the link: nobody can say whether it went out
            ("kind: dead-link, for: 30", &[ErrorKind::Timeout][..]),
            ("kind: timeout", &[ErrorKind::Timeout]),
            ("kind: stuck-axis, axis: x", &[ErrorKind::Other]),
            ("kind: dropped-frame", &[ErrorKind::Protocol]),
        ] {
            let applies = match fault {
                "kind: stuck-axis, axis: x" => sort == "move",
                "kind: dropped-frame" => sort == "acquire",
                _ => true,
            };
            let rig = Rig::new(plasma.clone());
            rig.world
                .set_faults(Faults::parse(&format!("- {{on: {sort}, {fault}}}")).unwrap());
            let result = rig.hand().act(act.clone()).await;
            match (&result, applies) {
                (Err(error), true) => assert!(wanted.contains(&error.kind), "{sort} {fault}: {error:?}"),
                (Ok(_), false) => {}
                _ => panic!("{sort} {fault}: {result:?}"),
            }
            assert!(rig.closed(), "{sort} {fault}: {:?}", rig.lines());
        }
        // what happens while it is under way
        for (fault, wanted) in [
            ("- {at: 0.5, kind: dead-link, for: 5}", None),
            ("- {at: 0.5, kind: dead-link, for: 120}", Some(ErrorKind::Unknown)),
        ] {
            let rig = Rig::new(plasma.clone());
            rig.world.set_faults(Faults::parse(fault).unwrap());
            let act = if sort == "pump" { continue } else { act.clone() };
            let result = rig.hand().act(act).await;
            assert_eq!(
                result.as_ref().err().map(|e| e.kind),
                wanted,
                "{sort} {fault}: {result:?}"
            );
            assert!(rig.closed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_beam_that_trips_ends_its_picture() {
    for fault in ["- {at: 1, kind: beam-trip, beam: ion}", "- {at: 1, kind: vacuum-loss}"] {
        let rig = Rig::with_faults(fault);
        let error = rig.hand().act(picture(Beam::Ion, 1e-3)).await.unwrap_err();
        assert!(error.what.contains("went off"), "{error}");
        assert!(!rig.scope.beam(Beam::Ion).await.unwrap().value.on);
    }
}

#[tokio::test(start_paused = true)]
async fn a_collision_ends_the_move_and_the_truth_knows() {
    let rig = Rig::plain();
    // tilted flat to the ion beam and lifted, the rim of the shuttle comes under the electron column
    let target = StagePosition::default()
        .with(Axis::T, 85f64.to_radians())
        .with(Axis::Z, 9e-3);
    let error = rig.hand().act(Act::StageTo { target }).await.unwrap_err();
    assert!(error.what.contains("touched"), "{error}");
    let truth = rig.scope.truth().await.unwrap().unwrap();
    assert_eq!(truth["collisions"], 1, "{truth}");
}

#[tokio::test(start_paused = true)]
async fn a_lifted_stage_waits_for_its_axis_again_after_it_was_stuck() {
    let rig = Rig::with_faults("- {on: move, kind: stuck-axis, axis: y, for: 5}");
    let target = StagePosition::default().with(Axis::X, 1e-5).with(Axis::Y, 1e-5);
    let error = rig
        .hand()
        .act(Act::StageTo { target: target.clone() })
        .await
        .unwrap_err();
    assert!(error.what.contains("y axis"), "{error}");
    let here = rig.pose().await;
    assert_eq!((here.x, here.y), (1e-5, 0.0));
    tokio::time::sleep(seconds(5.0)).await;
    assert!(rig.hand().act(Act::StageTo { target }).await.is_ok());
}

/// A driver in which stop is pressed while the order is on its way.
struct Racing {
    twin: Box<dyn Microscope>,
    scope: Arc<Mutex<Option<Scope>>>,
}

impl Microscope for Racing {
    fn identity(&self) -> Identity {
        self.twin.identity()
    }
    fn capabilities(&self) -> Capabilities {
        self.twin.capabilities()
    }
    fn geometry(&self) -> Geometry {
        self.twin.geometry()
    }
    fn stopper(&self) -> Arc<dyn Stopper> {
        self.twin.stopper()
    }
    fn poll(&mut self, ticket: Ticket) -> Result<Progress, HalError> {
        self.twin.poll(ticket)
    }
    fn cancel(&mut self, _: Ticket) -> Result<(), HalError> {
        Ok(())
    }
    fn get(&mut self, key: Key) -> Result<Value, HalError> {
        self.twin.get(key)
    }
    fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError> {
        self.twin.set(key, value)
    }
    fn stage(&mut self) -> Option<&mut dyn Stage> {
        Some(self)
    }
}

impl Stage for Racing {
    fn read(&mut self) -> Result<Reading<StageState>, HalError> {
        self.twin.stage().unwrap().read()
    }
    fn begin_move(&mut self, target: Pose) -> Result<Ticket, HalError> {
        lock(&self.scope).as_ref().unwrap().stop().unwrap();
        self.twin.stage().unwrap().begin_move(target)
    }
    fn begin_home(&mut self) -> Result<Ticket, HalError> {
        self.twin.stage().unwrap().begin_home()
    }
    fn link(&mut self, on: bool) -> Result<bool, HalError> {
        self.twin.stage().unwrap().link(on)
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_overtakes_the_stop_is_stopped_all_the_same() {
    let rig = Rig::plain();
    let opening = Opening {
        instrument: Instrument::default(),
        clock: rig.clock.clone(),
        world: Some(rig.world.clone()),
    };
    let handle = Arc::new(Mutex::new(None));
    let racing = Racing {
        twin: sim::open(&opening).unwrap(),
        scope: handle.clone(),
    };
    let scope = Scope::new(Box::new(racing), None, rig.clock.clone(), rig.log.clone());
    *lock(&handle) = Some(scope.clone());
    let result = scope.hand("test").0.act(to(Axis::X, 5e-3)).await;
    assert_eq!(result.unwrap_err().kind, ErrorKind::Stopped);
    assert_eq!(rig.pose().await.x, 0.0);
    *lock(&handle) = None;
}
