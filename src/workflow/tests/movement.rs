use super::{Rig, near, shift};
use crate::movement::*;
use hal::Act;
use model::kinematics::Orientation;
use model::{Axis, Beam, ErrorKind, Key, Point, StageKind, StagePosition, Value};

#[tokio::test(start_paused = true)]
async fn a_stable_move_shifts_the_picture_by_what_was_asked() {
    for beam in Beam::ALL {
        let rig = Rig::new();
        let before = rig.look(beam, 150e-6).await;
        let moved = stable_move(
            rig.cx.clone(),
            StableMove {
                dx: 15e-6,
                dy: 6e-6,
                beam,
                static_wd: false,
            },
        )
        .await
        .unwrap();
        let (dx, dy) = shift(&before, &rig.look(beam, 150e-6).await);
        // what was right and up of the centre is in it now: the content went left and down
        near(dx, -15e-6, 0.4e-6, "dx");
        near(dy, 6e-6, 0.4e-6, "dy");
        assert_eq!(moved.pose, rig.cx.pose().await.unwrap());
        assert_eq!(moved.orientation, Some(Orientation::Sem));
    }
}

#[tokio::test(start_paused = true)]
async fn any_scan_rotation_is_turned_exactly() {
    for rotation in [0.5, std::f64::consts::PI] {
        let rig = Rig::new();
        rig.cx
            .set(Beam::Electron, Key::ScanRotation, Value::Number(rotation))
            .await
            .unwrap();
        let before = rig.look(Beam::Electron, 150e-6).await;
        center_on(rig.cx.clone(), Beam::Electron, Point { x: 15e-6, y: 5e-6 })
            .await
            .unwrap();
        let (dx, dy) = shift(&before, &rig.look(Beam::Electron, 150e-6).await);
        near(dx, -15e-6, 0.5e-6, "dx");
        near(dy, 5e-6, 0.5e-6, "dy");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exact_vertical_move_shows_in_the_ion_picture_alone() {
    let rig = Rig::new();
    let before = [
        rig.look(Beam::Electron, 150e-6).await,
        rig.look(Beam::Ion, 150e-6).await,
    ];
    vertical_move(
        rig.cx.clone(),
        VerticalMove {
            dy: 12e-6,
            dx: 0.0,
            exact: true,
        },
    )
    .await
    .unwrap();
    let electron = shift(&before[0], &rig.look(Beam::Electron, 150e-6).await);
    let ion = shift(&before[1], &rig.look(Beam::Ion, 150e-6).await);
    near(electron.0.hypot(electron.1), 0.0, 0.4e-6, "electron");
    near(ion.1, 12e-6, 0.5e-6, "ion");
    near(
        rig.truth("/coincidence_error_m"),
        12e-6 / 52f64.to_radians().sin(),
        1e-9,
        "height",
    );
}

#[tokio::test(start_paused = true)]
async fn the_compatible_vertical_move_is_the_originals() {
    let rig = Rig::new();
    let from = rig.cx.pose().await.unwrap();
    let moved = vertical_move(
        rig.cx.clone(),
        VerticalMove {
            dy: 10e-6,
            dx: 2e-6,
            exact: false,
        },
    )
    .await
    .unwrap();
    let (rise, t) = (0.9 * 10e-6 / 52f64.to_radians().sin(), from.t);
    near(moved.pose.x - from.x, 2e-6, 1e-12, "x");
    near(moved.pose.y - from.y, rise * t.sin(), 1e-12, "y");
    near(moved.pose.z - from.z, rise / t.cos(), 1e-12, "z");
}

#[tokio::test(start_paused = true)]
async fn a_high_move_resets_the_ion_focus_and_keeps_the_electrons() {
    let rig = Rig::new();
    rig.cx
        .set(Beam::Electron, Key::WorkingDistance, Value::Number(6.9e-3))
        .await
        .unwrap();
    rig.cx
        .set(Beam::Ion, Key::WorkingDistance, Value::Number(16.4e-3))
        .await
        .unwrap();
    vertical_move(
        rig.cx.clone(),
        VerticalMove {
            dy: -150e-6,
            dx: 0.0,
            exact: true,
        },
    )
    .await
    .unwrap();
    let wd = async |beam| rig.scope.get(Key::WorkingDistance, Some(beam)).await.unwrap();
    assert_eq!(wd(Beam::Electron).await, Value::Number(6.9e-3));
    assert_eq!(wd(Beam::Ion).await, Value::Number(16.5e-3));
    stable_move(
        rig.cx.clone(),
        StableMove {
            dx: 1e-6,
            dy: 0.0,
            beam: Beam::Electron,
            static_wd: true,
        },
    )
    .await
    .unwrap();
    assert_eq!(wd(Beam::Electron).await, Value::Number(7e-3));
}

#[tokio::test(start_paused = true)]
async fn a_half_turn_goes_flat_first_and_comes_back() {
    let rig = Rig::new();
    let from = rig.cx.pose().await.unwrap();
    let flat = flat_to(rig.cx.clone(), Beam::Ion).await.unwrap();
    assert_eq!(flat.orientation, Some(Orientation::Fib));
    near(flat.pose.t.to_degrees(), 17.0, 1e-6, "t");
    let acts = rig.record.acts.lock().unwrap().clone();
    let targets: Vec<_> = acts
        .iter()
        .filter_map(|a| {
            if let Act::StageTo { target } = a {
                Some(target.clone())
            } else {
                None
            }
        })
        .collect();
    assert_eq!(targets.len(), 3, "{targets:?}");
    assert_eq!((targets[0].t, targets[0].r), (Some(0.0), None));
    assert_eq!(targets[1].t, None);
    let back = orientation(rig.cx.clone(), Orient { name: Orientation::Sem })
        .await
        .unwrap();
    near(back.pose.t, from.t, 1e-9, "t");
    near(back.pose.distance(&from), 0.0, 1e-6, "x, y, z");
    assert_eq!(rig.world.truth()["collisions"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_safe_move_with_an_open_tilt_comes_back_to_it() {
    let rig = Rig::new();
    let turned = StagePosition::default().with(Axis::R, std::f64::consts::PI);
    // at 35 deg the holder, turned to the other side, would stand too near to the electron pole piece
    let refused = safe_move(rig.cx.clone(), SafeMove { target: turned.clone() }).await;
    let refused = refused.unwrap_err().what;
    assert!(refused.contains("electron pole piece"), "{refused}");
    for (lower, tilt) in [(0.0, 30f64), (1e-3, 35.0)] {
        let rig = Rig::new();
        let from = rig.cx.pose().await.unwrap();
        let target = StagePosition::default()
            .with(Axis::T, tilt.to_radians())
            .with(Axis::Z, from.z - lower);
        rig.cx.act(Act::StageTo { target }).await.unwrap();
        let target = turned.clone();
        let moved = safe_move(rig.cx.clone(), SafeMove { target }).await.unwrap();
        near(moved.pose.t.to_degrees(), tilt, 1e-6, "t");
        assert_eq!(rig.world.truth()["collisions"], 0);
    }
}

#[tokio::test(start_paused = true)]
async fn milling_angles_are_reached_or_refused_before_anything_moves() {
    let rig = Rig::new();
    let at = milling_angle(
        rig.cx.clone(),
        MillingAngle {
            angle: 15f64.to_radians(),
            rotation: None,
        },
    )
    .await
    .unwrap();
    near(at.milling_angle.to_degrees(), 15.0, 1e-6, "angle");
    near(at.moved.pose.t.to_degrees(), 12.0, 1e-6, "tilt");
    assert!(at.reached);
    let acts = rig.record.count();
    let error = milling_angle(
        rig.cx.clone(),
        MillingAngle {
            angle: -40f64.to_radians(),
            rotation: None,
        },
    )
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind, rig.record.count()),
        (ErrorKind::OutOfRange, acts),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn bad_targets_move_nothing() {
    let rig = Rig::new();
    let nan = StagePosition::default().with(Axis::X, f64::NAN);
    let far = StagePosition::default().with(Axis::Y, 10.0);
    let turned_far = StagePosition::default().with(Axis::R, 3.0).with(Axis::X, 10.0);
    for error in [
        absolute(rig.cx.clone(), nan.clone()).await.unwrap_err(),
        relative(rig.cx.clone(), nan).await.unwrap_err(),
        relative(rig.cx.clone(), far.clone()).await.unwrap_err(),
        absolute(rig.cx.clone(), StagePosition::default()).await.unwrap_err(),
        safe_move(rig.cx.clone(), SafeMove { target: turned_far })
            .await
            .unwrap_err(),
        stable_move(
            rig.cx.clone(),
            StableMove {
                dx: f64::INFINITY,
                dy: 0.0,
                beam: Beam::Ion,
                static_wd: false,
            },
        )
        .await
        .unwrap_err(),
        vertical_move(
            rig.cx.clone(),
            VerticalMove {
                dy: f64::NAN,
                ..VerticalMove::default()
            },
        )
        .await
        .unwrap_err(),
        milling_angle(
            rig.cx.clone(),
            MillingAngle {
                angle: f64::NAN,
                rotation: None,
            },
        )
        .await
        .unwrap_err(),
    ] {
        assert!(
            matches!(error.kind, ErrorKind::Usage | ErrorKind::OutOfRange),
            "{error}"
        );
    }
    assert_eq!(rig.record.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn projecting_says_where_a_move_would_lead_and_moves_nothing() {
    let rig = Rig::new();
    let base = StagePosition {
        name: Some("a".into()),
        ..rig.cx.pose().await.unwrap().into()
    };
    let params = ProjectedMove {
        dx: 4e-6,
        dy: 9e-6,
        beam: Beam::Ion,
        base: Some(base),
    };
    let projected = project_stable_move(rig.cx.clone(), params).await.unwrap().position;
    assert_eq!(rig.record.count(), 0);
    let moved = stable_move(
        rig.cx.clone(),
        StableMove {
            dx: 4e-6,
            dy: 9e-6,
            beam: Beam::Ion,
            static_wd: false,
        },
    )
    .await
    .unwrap();
    assert_eq!(projected.name.as_deref(), Some("a"));
    for axis in [Axis::X, Axis::Y, Axis::Z] {
        near(projected.get(axis).unwrap(), moved.pose.get(axis), 1e-12, axis.name());
    }
}

#[tokio::test(start_paused = true)]
async fn other_stages_show_the_same() {
    for stage in [StageKind::ChamberFixed, StageKind::Compustage] {
        let rig = Rig::with(|i| {
            i.twin.stage = Some(stage);
            if stage == StageKind::Compustage {
                (i.stage.shuttle_pre_tilt, i.stage.rotation_180) = (0.0, 0.0);
            }
        });
        for beam in Beam::ALL {
            let before = rig.look(beam, 150e-6).await;
            let step = Jog::Picture {
                beam,
                dx: 10e-6,
                dy: 5e-6,
            };
            jog(rig.cx.clone(), step).await.unwrap();
            let (dx, dy) = shift(&before, &rig.look(beam, 150e-6).await);
            near(dx, -10e-6, 0.5e-6, &format!("{stage:?} {beam} dx"));
            near(dy, 5e-6, 0.5e-6, &format!("{stage:?} {beam} dy"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn coincidence_from_sem_centres_the_feature() {
    let rig = Rig::new();
    let before = rig.look(Beam::Electron, 150e-6).await;
    coincident_from_sem(rig.cx.clone(), Point { x: 8e-6, y: 0.0 })
        .await
        .unwrap();
    let (dx, dy) = shift(&before, &rig.look(Beam::Electron, 150e-6).await);
    near(dx, -8e-6, 0.5e-6, "dx");
    near(dy, 0.0, 0.5e-6, "dy");
}

#[tokio::test(start_paused = true)]
async fn a_raw_step_moves_one_axis() {
    let rig = Rig::new();
    let from = rig.cx.pose().await.unwrap();
    let moved = jog(
        rig.cx.clone(),
        Jog::Axis {
            axis: Axis::Y,
            step: -3e-6,
        },
    )
    .await
    .unwrap();
    near(moved.pose.y - from.y, -3e-6, 1e-12, "y");
    assert_eq!((moved.pose.x, moved.pose.z, moved.pose.t), (from.x, from.z, from.t));
}

#[tokio::test(start_paused = true)]
async fn the_progress_of_a_safe_move_is_that_of_the_whole_way() {
    let rig = Rig::new();
    flat_to(rig.cx.clone(), Beam::Ion).await.unwrap();
    let told = rig.host.progress.lock().unwrap().clone();
    let moving: Vec<_> = told.iter().filter(|(_, text)| text.contains("move stage")).collect();
    assert!(moving.iter().any(|(_, t)| t.ends_with("move 1 of 3")), "{moving:?}");
    assert!(moving.iter().any(|(_, t)| t.ends_with("move 3 of 3")), "{moving:?}");
    assert!(
        moving.iter().all(|(_, t)| t.contains("17.0")),
        "the end is told: {moving:?}"
    );
    let fractions: Vec<f64> = moving.iter().filter_map(|(f, _)| *f).collect();
    assert!(
        fractions.len() > 6 && fractions.windows(2).all(|f| f[0] <= f[1]),
        "{fractions:?}"
    );
    assert!(
        fractions[0] < 0.2 && fractions[fractions.len() - 1] > 0.9,
        "{fractions:?}"
    );
}
