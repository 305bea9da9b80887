//! Clicks, drags and the wheel.

use super::*;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

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
