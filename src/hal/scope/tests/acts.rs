//! Acts of every kind, from their order to their outcome.

use super::*;
use crate::sim::Foreign;
use model::ChamberPhase;

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
