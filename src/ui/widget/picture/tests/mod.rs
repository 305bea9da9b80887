//! The pane by keys; how it looks, by the mouse and in metres in the files beside.

mod aim;
mod look;
mod mouse;

use super::fixture::{PIXEL, SIZE, frame, pictured, screen, state};
use super::*;
use crate::canvas::Canvas;
use crate::sample::{connected, press};
use crate::state::UiState;
use crate::tab::TabId;
use engine::Snapshot;
use picture::Overlay;
use serde_json::Value;

fn commands(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None })
        .collect()
}

fn arg(command: &Command, name: &str) -> f64 {
    command.args[name].as_f64().unwrap()
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

fn overlays(ui: &UiState, s: &Snapshot, slot: u8) -> Vec<Overlay> {
    let canvas: Canvas = ui.draw(s, Rect::new(0, 0, 120, 40));
    let placed = canvas.placements.iter().find(|(_, key)| key.slot == slot);
    placed.map(|(_, key)| key.overlays.to_vec()).unwrap_or_default()
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
