//! An act that meets a fault ends with an honest outcome.

use super::*;

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
    // a shuttle that stands 3 mm higher than the rules were told
    let mut instrument = Instrument::default();
    instrument.twin.errors.coincidence = 3e-3;
    let rig = Rig::new(instrument);
    let error = rig.hand().act(to(Axis::Z, 9.2e-3)).await.unwrap_err();
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
