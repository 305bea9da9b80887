use super::fixture::{PIXEL, SIZE, frame, pictured, screen, state};
use super::mark::measured;
use super::*;
use crate::canvas::Canvas;
use crate::sample::{connected, press};
use crate::state::UiState;
use crate::tab::TabId;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use engine::Snapshot;
use model::kinematics::{ScanRotation, Setup, stable};
use model::{ImageSettings, Pixels, Point, Pose};
use picture::Overlay;

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

fn commands(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None })
        .collect()
}

fn arg(command: &Command, name: &str) -> f64 {
    command.args[name].as_f64().unwrap()
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
fn keys_move_the_cursor_and_only_enter_moves_the_stage() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    assert_eq!(press(&mut ui, "Right Right Up Shift-Right Shift-Up Left", &s), []);
    let effects = press(&mut ui, "Enter", &s);
    let [command] = commands(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (command.name.as_str(), command.args["beam"].as_str()),
        ("stage.stable-move", Some("electron"))
    );
    assert!(
        (arg(command, "dx") - 44.0 * PIXEL).abs() < 1e-12,
        "two right, ten right, one left of 4 px"
    );
    assert!((arg(command, "dy") - 44.0 * PIXEL).abs() < 1e-12, "y is up");

    let effects = press(&mut ui, "Home Enter", &s);
    assert_eq!(commands(&effects), Vec::<&Command>::new(), "the centre is the centre");
    assert!(matches!(&effects[..], []), "said as a toast");
}

#[test]
fn a_vertical_move_is_armed_in_the_fib_picture_only_and_once() {
    let s = pictured();
    let mut ui = state(TabId::Movement, &s);
    press(&mut ui, "v Up", &s);
    assert_eq!(
        commands(&press(&mut ui, "Enter", &s))[0].name,
        "stage.stable-move",
        "not armed in SEM"
    );
    press(&mut ui, "Tab v Up", &s);
    let effects = press(&mut ui, "Enter", &s);
    let command = commands(&effects)[0].clone();
    assert_eq!(command.name, "stage.vertical-move");
    assert!((arg(&command, "dy") - 4.0 * PIXEL).abs() < 1e-12);
    assert_eq!(
        commands(&press(&mut ui, "Enter", &s))[0].name,
        "stage.stable-move",
        "armed once"
    );
    press(&mut ui, "v Esc", &s);
    assert_eq!(
        commands(&press(&mut ui, "Enter", &s))[0].name,
        "stage.stable-move",
        "Esc disarms"
    );
}

#[test]
fn one_move_at_a_time() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let effects = press(&mut ui, "Right Enter", &s);
    let id = ui.sent(commands(&effects)[0]);
    assert_eq!(press(&mut ui, "Enter Enter", &s), []);
    ui.ended(id, &Ok(Value::Null), &s);
    assert_eq!(commands(&press(&mut ui, "Enter", &s)).len(), 1);
}

#[test]
fn after_a_move_the_next_picture_starts_with_the_cursor_in_its_centre() {
    let mut s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let effects = press(&mut ui, "Right Enter", &s);
    let id = ui.sent(commands(&effects)[0]);
    ui.ended(id, &Ok(Value::Null), &s);
    s.frames.push_back(frame(9, Beam::Electron, &s));
    ui.refresh(&s);
    assert_eq!(
        commands(&press(&mut ui, "Enter", &s)),
        Vec::<&Command>::new(),
        "it is in the centre"
    );
}

#[test]
fn an_area_is_drawn_by_keys_and_enter_then_moves_nothing() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    press(
        &mut ui,
        "Shift-Left Shift-Up a Shift-Right Shift-Right Shift-Down Shift-Down",
        &s,
    );
    let effects = press(&mut ui, "Enter", &s);
    let [command] = commands(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(command.name, "image.settings");
    let area: model::Rect = serde_json::from_value(command.args["reduced_area"].clone()).unwrap();
    let expected = [110.0 / 300.0, 60.0 / 200.0, 80.0 / 300.0, 80.0 / 200.0];
    for (got, want) in [area.left, area.top, area.width, area.height].iter().zip(expected) {
        assert!((got - want).abs() < 1e-12, "{area:?}");
    }
    let effects = press(&mut ui, "a Enter", &s);
    assert_eq!(commands(&effects), Vec::<&Command>::new(), "an empty area is none");
    press(&mut ui, "Right Esc", &s);
    assert_eq!(
        commands(&press(&mut ui, "Enter", &s))[0].name,
        "stage.stable-move",
        "Esc ended the drawing"
    );
    let effects = press(&mut ui, "Del", &s);
    assert_eq!(commands(&effects)[0].args["full_frame"], true);
}

#[test]
fn rulers_measure_length_and_angle() {
    let shot = Shot::of(&frame(1, Beam::Electron, &connected()));
    let (a, b) = (Position::new(10.0, 50.0), Position::new(40.0, 10.0));
    assert_eq!(measured(a, b, shot), "25.0 um  53.1 deg");
    assert_eq!(measured(a, b, None), "50 px  53.1 deg");
    assert_eq!(
        [Ruler::Off.next(a), Ruler::From(a).next(b), Ruler::Fixed(a, b).next(a)],
        [Ruler::From(a), Ruler::Fixed(a, b), Ruler::Off]
    );
}

fn overlays(ui: &UiState, s: &Snapshot, slot: u8) -> Vec<Overlay> {
    let canvas: Canvas = ui.draw(s, Rect::new(0, 0, 120, 40));
    let placed = canvas.placements.iter().find(|(_, key)| key.slot == slot);
    placed.map(|(_, key)| key.overlays.to_vec()).unwrap_or_default()
}

#[test]
fn overlays_are_what_was_asked_for() {
    let mut s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let markers = |all: &[Overlay]| -> Vec<(Position, String)> {
        let marker = |o: &Overlay| {
            if let Overlay::Marker { at, text, .. } = o {
                Some((*at, text.clone()))
            } else {
                None
            }
        };
        all.iter().filter_map(marker).collect()
    };
    let seen = markers(&overlays(&ui, &s, 0));
    let [(at, name)] = &seen[..] else {
        panic!("one position lies in the picture: {seen:?}")
    };
    assert_eq!(name, "grid-1");
    assert!(
        (at.x - (150.0 + 30e-6 / PIXEL)).abs() < 1e-6 && (at.y - 100.0).abs() < 1e-6,
        "{at:?}"
    );
    assert!(overlays(&ui, &s, 0).iter().any(|o| matches!(o, Overlay::Cursor { .. })));
    assert!(
        !overlays(&ui, &s, 1).iter().any(|o| matches!(o, Overlay::Cursor { .. })),
        "only the pane with the focus"
    );

    s.settings[0].reduced_area = Some(model::Rect {
        left: 0.25,
        top: 0.25,
        width: 0.5,
        height: 0.5,
    });
    let boxed = |all: Vec<Overlay>| {
        all.iter()
            .any(|o| matches!(o, Overlay::Rect { left, .. } if *left == 75.0))
    };
    assert!(boxed(overlays(&ui, &s, 0)));
    s.settings[0].hfw = 80e-6;
    assert!(!boxed(overlays(&ui, &s, 0)), "another field than the picture's");

    press(&mut ui, "x o r Right", &s);
    let all = overlays(&ui, &s, 0);
    assert!(all.iter().any(|o| matches!(o, Overlay::Crosshair { .. })));
    assert!(
        all.iter()
            .any(|o| matches!(o, Overlay::Ruler { text, .. } if text == "2.00 um  0.0 deg"))
    );
    assert!(
        !all.iter()
            .any(|o| matches!(o, Overlay::ScaleBar { .. } | Overlay::Marker { .. }))
    );
}

/// The screen cell of a picture pane's pixel, as the pane drew it.
fn cell(ui: &mut UiState, s: &Snapshot, slot: u8, at: Position) -> (u16, u16) {
    let mut canvas = ui.draw(s, Rect::new(0, 0, 120, 40));
    ui.on_screen(&mut canvas);
    let (area, key) = canvas.placements.iter().find(|(_, key)| key.slot == slot).unwrap();
    let viewport = Viewport::new((SIZE.0 as usize, SIZE.1 as usize), *area, ui.desk.grid, &key.view);
    viewport.cell_of(at).unwrap()
}

fn cursor(ui: &UiState, s: &Snapshot, slot: u8) -> Position {
    let at = |o: &Overlay| {
        if let Overlay::Cursor { at, .. } = o {
            Some(*at)
        } else {
            None
        }
    };
    overlays(ui, s, slot).iter().find_map(at).unwrap()
}

fn mouse(ui: &mut UiState, kind: MouseEventKind, at: (u16, u16), alt: bool, clock: f64, s: &Snapshot) -> Vec<Effect> {
    let modifiers = if alt { KeyModifiers::ALT } else { KeyModifiers::NONE };
    ui.mouse(
        MouseEvent {
            kind,
            column: at.0,
            row: at.1,
            modifiers,
        },
        clock,
        s,
    )
}

const DOWN: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

#[test]
fn a_click_sets_the_cursor_and_a_double_click_by_cells_does_no_more() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let wanted = Position::new(220.0, 60.0);
    let at = cell(&mut ui, &s, 1, wanted);
    assert_eq!(mouse(&mut ui, DOWN, at, false, 0.0, &s), []);
    let got = cursor(&ui, &s, 1);
    assert!(
        (got.x - wanted.x).abs() < 4.0 && (got.y - wanted.y).abs() < 8.0,
        "within half a cell: {got:?}"
    );
    assert_eq!(mouse(&mut ui, DOWN, at, false, 0.1, &s), [], "a cell is no aim");
}

#[test]
fn with_a_pixel_mouse_a_double_click_is_a_stable_move_and_with_alt_a_vertical_one() {
    let s = pictured();
    let wanted = Position::new(220.0, 60.0);
    for (slot, alt, name) in [
        (0, false, Some("stage.stable-move")),
        (1, false, Some("stage.stable-move")),
        (1, true, Some("stage.vertical-move")),
        (0, true, None),
    ] {
        let mut ui = state(TabId::Movement, &s);
        let at = cell(&mut ui, &s, slot, wanted);
        ui.mouse_pixels(Some((10, 20)));
        let pixel = (at.0 * 10 + 5, at.1 * 20 + 10);
        assert_eq!(mouse(&mut ui, DOWN, pixel, alt, 0.0, &s), []);
        let effects = mouse(&mut ui, DOWN, pixel, alt, 0.1, &s);
        let sent = commands(&effects);
        assert_eq!(sent.first().map(|c| c.name.as_str()), name, "{slot} {alt}");
        for command in sent {
            assert!(
                (arg(command, "dx") - 70.0 * PIXEL).abs() < 4.0 * PIXEL
                    && (arg(command, "dy") - 40.0 * PIXEL).abs() < 8.0 * PIXEL
            );
        }
    }
}

#[test]
fn the_wheel_zooms_around_the_pointer_and_a_drag_pans() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let wanted = Position::new(220.0, 60.0);
    let at = cell(&mut ui, &s, 0, wanted);
    for _ in 0..4 {
        assert_eq!(mouse(&mut ui, MouseEventKind::ScrollUp, at, false, 0.0, &s), []);
        let now = cell(&mut ui, &s, 0, wanted);
        assert!(now.0.abs_diff(at.0) <= 2 && now.1.abs_diff(at.1) <= 2, "{now:?} {at:?}");
    }
    let before = cell(&mut ui, &s, 0, wanted);
    mouse(&mut ui, DOWN, at, false, 1.0, &s);
    let to = (at.0 - 6, at.1 + 3);
    mouse(&mut ui, MouseEventKind::Drag(MouseButton::Left), to, false, 1.1, &s);
    assert_eq!(
        mouse(&mut ui, MouseEventKind::Up(MouseButton::Left), to, false, 1.2, &s),
        []
    );
    let after = cell(&mut ui, &s, 0, wanted);
    assert!(
        after.0.abs_diff(before.0 - 6) <= 1 && after.1.abs_diff(before.1 + 3) <= 1,
        "{before:?} {after:?}"
    );
}

#[test]
fn an_area_is_drawn_by_a_drag() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let (from, to) = (
        cell(&mut ui, &s, 0, Position::new(60.0, 40.0)),
        cell(&mut ui, &s, 0, Position::new(240.0, 160.0)),
    );
    press(&mut ui, "a", &s);
    assert_eq!(mouse(&mut ui, DOWN, from, false, 0.0, &s), []);
    assert_eq!(
        mouse(&mut ui, MouseEventKind::Drag(MouseButton::Left), to, false, 0.1, &s),
        []
    );
    let effects = mouse(&mut ui, MouseEventKind::Up(MouseButton::Left), to, false, 0.2, &s);
    let area: model::Rect = serde_json::from_value(commands(&effects)[0].args["reduced_area"].clone()).unwrap();
    assert!(
        (area.left - 0.2).abs() < 0.03 && (area.top - 0.2).abs() < 0.05,
        "{area:?}"
    );
    assert!(
        (area.width - 0.6).abs() < 0.05 && (area.height - 0.6).abs() < 0.08,
        "{area:?}"
    );
}

#[test]
fn a_magnified_view_follows_the_cursor() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    press(&mut ui, "z z z z z", &s);
    for _ in 0..60 {
        press(&mut ui, "Right", &s);
        let at = cursor(&ui, &s, 0);
        cell(&mut ui, &s, 0, Position::new(at.x.min(299.0), at.y));
    }
    assert_eq!(press(&mut ui, "w Home", &s), []);
}

#[test]
fn older_and_newer_pictures_and_export() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let shown = |ui: &UiState| ui.draw(&s, Rect::new(0, 0, 120, 40)).placements[0].1.frame;
    assert_eq!(shown(&ui), 3);
    press(&mut ui, ",", &s);
    assert_eq!(shown(&ui), 1);
    press(&mut ui, ",", &s);
    assert_eq!(shown(&ui), 1, "there is none before");
    press(&mut ui, ".", &s);
    assert_eq!(shown(&ui), 3);
    assert_eq!(press(&mut ui, "E", &s), [Effect::ExportPicture { slot: 0 }]);
    assert_eq!(press(&mut ui, "Tab E", &s), [Effect::ExportPicture { slot: 1 }]);
}

#[test]
fn autogamma_changes_the_tone_and_nothing_else() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let dark = Pixels::U8(ndarray::Array2::from_elem((200, 300), 20));
    let histogram = picture::plot::Histogram::of(&dark);
    ui.desk.frames.insert(
        3,
        Some(crate::cx::Picture {
            pixels: dark.into(),
            histogram,
        }),
    );
    let tone = |ui: &UiState| ui.draw(&s, Rect::new(0, 0, 120, 40)).placements[0].1.tone.apply(20);
    assert_eq!(tone(&ui), 20);
    let effects = press(&mut ui, "g", &s);
    assert!(matches!(&effects[..], [Effect::Remember { key, .. }] if key == "picture.autogamma"));
    assert!(tone(&ui) > 100);
}

#[test]
fn any_size_and_any_picture_can_be_drawn() {
    let mut s = pictured();
    for (i, size) in [(1, 1), (1, 4000), (4000, 1), (0, 0)].into_iter().enumerate() {
        let odd = FrameInfo {
            size,
            ..frame(20 + i as u64, Beam::Electron, &s)
        };
        s.frames.push_back(odd);
        for tab in [TabId::Imaging, TabId::Movement] {
            // no camera gives an empty picture, but a file could name one
            let mut ui = if size == (0, 0) {
                crate::sample::state(tab, &s)
            } else {
                state(tab, &s)
            };
            let focuses = [
                "z z z Right Down c r Left a Right",
                "Esc e",
                "Esc d",
                "Esc f",
                "Esc t",
                "Esc p",
                "Esc =",
            ];
            for keys in focuses {
                press(&mut ui, keys, &s);
                screen(&ui, &s, 41, 12);
                screen(&ui, &s, 80, 24);
            }
            let cx = ui.desk.cx(&s);
            let mut alone = (tab.row().unwrap().make)(&cx);
            alone.refresh(&cx);
            for (w, h) in [(0, 0), (1, 1), (3, 2), (20, 5), (60, 3), (3, 60), (250, 80)] {
                let area = Rect::new(0, 0, w, h);
                alone.draw(&cx, &ui.desk.theme, area, &mut Canvas::new(area));
            }
        }
    }
}

#[test]
fn no_picture_gone_pictures_and_no_graphics_are_said() {
    let s = connected();
    let ui = state(TabId::Imaging, &s);
    assert!(screen(&ui, &s, 80, 24).contains("no SEM picture yet: F2 takes one"));
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    ui.desk.frames.insert(3, None);
    assert!(screen(&ui, &s, 80, 24).contains("no longer in memory; its file is kept"));
    ui.desk.grid.max_cells = 0;
    assert!(screen(&ui, &s, 80, 24).contains("pictures are switched off"));
}
