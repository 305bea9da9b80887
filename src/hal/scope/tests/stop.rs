//! Cancel and stop: what they end, what they leave, what is believed.

use super::over::Over;
use super::*;

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
async fn an_order_that_overtakes_the_stop_is_stopped_all_the_same() {
    let rig = Rig::plain();
    let opening = Opening {
        instrument: Instrument::default(),
        clock: rig.clock.clone(),
        world: Some(rig.world.clone()),
    };
    // stop is pressed while the order is on its way
    let handle = Arc::new(Mutex::new(None::<Scope>));
    let pressed = Arc::clone(&handle);
    let mut racing = Over::new(sim::open(&opening).unwrap());
    racing.cancels = false;
    racing.moving = Box::new(move || lock(&pressed).as_ref().unwrap().stop().unwrap());
    let scope = Scope::new(Box::new(racing), None, rig.clock.clone(), rig.log.clone());
    *lock(&handle) = Some(scope.clone());
    let result = scope.hand("test").0.act(to(Axis::X, 5e-3)).await;
    assert_eq!(result.unwrap_err().kind, ErrorKind::Stopped);
    assert_eq!(rig.pose().await.x, 0.0);
    *lock(&handle) = None;
}
