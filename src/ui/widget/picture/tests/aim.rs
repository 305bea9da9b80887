//! Where a pixel lies, and where it leads from here.

use super::*;
use model::kinematics::{ScanRotation, Setup, stable};
use model::{ImageSettings, Point, Pose};

fn moved(snapshot: &Snapshot, to: Pose) -> Snapshot {
    let mut snapshot = snapshot.clone();
    if let Some(stage) = &mut snapshot.stage {
        stage.value.state.pose = to;
    }
    snapshot
}

fn pose_of(snapshot: &Snapshot) -> Pose {
    snapshot.stage.as_ref().unwrap().value.state.pose
}

fn aim_at(snapshot: &Snapshot, frame: &FrameInfo, at: Position) -> Result<Aim, Refused> {
    let desk = crate::sample::desk("dark", false);
    aim(frame, at, &desk.cx(snapshot))
}

#[test]
fn metres_count_from_the_centre_of_the_full_frame() {
    let s = connected();
    let whole = Shot::of(&frame(1, Beam::Electron, &s)).unwrap();
    assert_eq!(whole.to_metres(Position::new(150.0, 100.0)), Point { x: 0.0, y: 0.0 });
    let corner = whole.to_metres(Position::new(0.0, 0.0));
    assert!(
        (corner.x + 75e-6).abs() < 1e-12 && (corner.y - 50e-6).abs() < 1e-12,
        "y is up"
    );

    let mut part = frame(1, Beam::Electron, &s);
    let area = model::Rect {
        left: 0.5,
        top: 0.0,
        width: 0.25,
        height: 0.5,
    };
    part.settings = Some(ImageSettings {
        reduced_area: Some(area),
        ..part.settings.unwrap()
    });
    part.size = (75, 100);
    let shot = Shot::of(&part).unwrap();
    assert!(!shot.is_whole());
    let seen = shot.to_metres(Position::new(0.0, 100.0));
    assert!(
        seen.x.abs() < 1e-12 && seen.y.abs() < 1e-12,
        "its lower left corner is the full frame's centre: {seen:?}"
    );
    assert_eq!(shot.to_pixel(seen), Position::new(0.0, 100.0));

    for broken in [0.0, -1.0, f64::NAN] {
        assert_eq!(
            Shot::of(&FrameInfo {
                pixel_size: broken,
                ..frame(1, Beam::Ion, &s)
            }),
            None
        );
    }
    assert_eq!(
        Shot::of(&FrameInfo {
            size: (0, 10),
            ..frame(1, Beam::Ion, &s)
        }),
        None
    );
}

#[test]
fn a_picture_of_here_is_aimed_in_as_it_is() {
    let s = pictured();
    let aim = aim_at(&s, &s.frames[0], Position::new(170.0, 90.0)).unwrap();
    assert_eq!(aim.carried, None);
    assert!((aim.offset.x - 20.0 * PIXEL).abs() < 1e-15 && (aim.offset.y - 10.0 * PIXEL).abs() < 1e-15);
}

/// Moving to P by the movement mathematics, then aiming at Q in the old picture, must ask for Q - P.
#[test]
fn after_a_move_an_old_picture_is_aimed_in_by_what_the_move_did() {
    for (i, beam) in [(0, Beam::Electron), (1, Beam::Ion)] {
        for rotation in [0.0, std::f64::consts::PI, 0.3] {
            let mut s = pictured();
            let state = if beam == Beam::Electron {
                &mut s.electron
            } else {
                &mut s.ion
            };
            state.as_mut().unwrap().value.settings.scan_rotation = rotation;
            let picture = FrameInfo {
                scan_rotation: rotation,
                ..s.frames[i].clone()
            };
            let geometry = s.connection.as_ref().unwrap().geometry;
            let turned = ScanRotation {
                electron: rotation,
                ion: rotation,
            };
            let setup = Setup {
                scan_rotation: turned,
                ..Setup::new(&geometry, pose_of(&s))
            };
            let (px, py) = (12e-6, -7e-6);
            let there = stable::exact(&setup, beam, px, py).from(pose_of(&s));
            let aim = aim_at(&moved(&s, there), &picture, Position::new(200.0, 80.0)).unwrap();
            let (qx, qy) = (50.0 * PIXEL, 20.0 * PIXEL);
            assert!((aim.offset.x - (qx - px)).abs() < 1e-11, "{beam} {rotation}: {aim:?}");
            assert!((aim.offset.y - (qy - py)).abs() < 1e-11, "{beam} {rotation}: {aim:?}");
            assert!(aim.carried.unwrap() > 10e-6);
        }
    }
}

#[test]
fn a_turned_scan_turns_the_aim_along() {
    let mut s = pictured();
    s.electron.as_mut().unwrap().value.settings.scan_rotation = std::f64::consts::PI;
    let aim = aim_at(&s, &s.frames[0], Position::new(170.0, 90.0)).unwrap();
    assert!(
        (aim.offset.x + 20.0 * PIXEL).abs() < 1e-12 && (aim.offset.y + 10.0 * PIXEL).abs() < 1e-12,
        "{aim:?}"
    );
}

#[test]
fn what_cannot_be_carried_along_is_refused_with_a_reason() {
    let s = pictured();
    let here = Position::new(10.0, 10.0);
    let picture = s.frames[0].clone();
    let why = |snapshot: &Snapshot, picture: &FrameInfo| aim_at(snapshot, picture, here).unwrap_err().why;
    let pose = pose_of(&s);
    assert!(
        why(
            &moved(
                &s,
                Pose {
                    t: pose.t + 0.01,
                    ..pose
                }
            ),
            &picture
        )
        .contains("tilted or turned")
    );
    assert!(
        why(
            &moved(
                &s,
                Pose {
                    r: pose.r + 3.0,
                    ..pose
                }
            ),
            &picture
        )
        .contains("tilted or turned")
    );
    assert!(
        why(
            &s,
            &FrameInfo {
                stage: None,
                ..picture.clone()
            }
        )
        .contains("where the stage was")
    );
    assert!(
        why(
            &s,
            &FrameInfo {
                beam: None,
                ..picture.clone()
            }
        )
        .contains("chamber")
    );
    assert!(
        why(
            &s,
            &FrameInfo {
                pixel_size: 0.0,
                ..picture.clone()
            }
        )
        .contains("pixel size")
    );
    let mut moving = s.clone();
    moving.stage.as_mut().unwrap().value.state.moving = true;
    assert!(why(&moving, &picture).contains("moving"));
    assert!(
        why(
            &Snapshot {
                connection: None,
                ..s.clone()
            },
            &picture
        )
        .contains("not connected")
    );
    let full_turn = moved(
        &s,
        Pose {
            r: pose.r + std::f64::consts::TAU,
            ..pose
        },
    );
    assert!(aim_at(&full_turn, &picture, here).is_ok(), "a full turn is no turn");
}

#[test]
fn a_beam_shift_set_since_moves_what_is_shown_by_just_that_much() {
    let mut s = pictured();
    let mut frame = s.frames[0].clone();
    frame.shift = Point { x: 3e-6, y: -1e-6 };
    let at = Position::new(170.0, 90.0);
    let mut shift_to = |x, y| s.electron.as_mut().unwrap().value.settings.shift = Point { x, y };
    shift_to(3e-6, -1e-6);
    let same = aim_at(&s, &frame, at).unwrap().offset;
    assert!((same.x - 20.0 * PIXEL).abs() < 1e-15 && (same.y - 10.0 * PIXEL).abs() < 1e-15);
    let mut shift_to = |x, y| s.electron.as_mut().unwrap().value.settings.shift = Point { x, y };
    shift_to(-2e-6, 4e-6);
    let now = aim_at(&s, &frame, at).unwrap().offset;
    assert!((now.x - same.x + 5e-6).abs() < 1e-15, "it went left with the beam");
    assert!((now.y - same.y - 5e-6).abs() < 1e-15, "and up");

    // the shift is one of the picture as shown: a turned scan does not turn it
    frame.scan_rotation = std::f64::consts::PI;
    let turned = aim_at(&s, &frame, at).unwrap().offset;
    assert!((turned.x + (20.0 * PIXEL - 3e-6) + 2e-6).abs() < 1e-12, "{turned:?}");
    assert!((turned.y + (10.0 * PIXEL + 1e-6) - 4e-6).abs() < 1e-12, "{turned:?}");
}
