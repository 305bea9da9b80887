//! Patterns in the picture: put, nudged, drawn by corners, and what is drawn of them.

use super::{Milling, close, lamella, loaded, milling, stage, ui_says, with};
use crate::sample::{desk, press};
use crate::state::UiState;
use crate::tab::Tab;
use crate::widget::picture::fixture::PIXEL;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use model::{Beam, Point};
use pattern::Pattern;
use picture::{Overlay, Stroke};
use ratatui::layout::Rect;

#[test]
fn patterns_are_put_at_the_cursor_and_nudged() {
    let s = with(lamella());
    let place = |keys: &str, i: usize| loaded(press(&mut milling(&s), keys, &s)).stages[i].pattern.place();
    assert!(close(place("Shift-Tab Right m", 0), 4.0 * PIXEL, 0.0));
    let mut moved = lamella();
    moved.stages[1].pattern.put(Point { x: 1e-6, y: 0.0 });
    let s2 = with(moved);
    let all = loaded(press(&mut milling(&s2), "Shift-Tab Down M", &s2));
    assert!(close(all.stages[0].pattern.place(), 0.0, -4.0 * PIXEL));
    assert!(close(all.stages[1].pattern.place(), 1e-6, -4.0 * PIXEL));
    assert!(close(place("Shift-Right", 0), 0.1e-6, 0.0));
    assert!(close(place("} } Shift-Up", 0), 0.0, 0.5e-6));
}

#[test]
fn shift_and_ctrl_shift_click_put_patterns_where_the_terminal_says_pixels() {
    let s = with(lamella());
    for (modifiers, all) in [
        (KeyModifiers::SHIFT, false),
        (KeyModifiers::SHIFT | KeyModifiers::CONTROL, true),
    ] {
        let mut ui = milling(&s);
        let mut canvas = ui.draw(&s, Rect::new(0, 0, 120, 40));
        let picture = canvas.placements[0].0;
        ui.on_screen(&mut canvas);
        let click = |cell: (u16, u16)| MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: (picture.x + picture.width / 4) * cell.0,
            row: (picture.y + picture.height / 2) * cell.1,
            modifiers,
        };
        let effects = ui.mouse(click((1, 1)), 0.0, &s);
        assert_eq!(effects, [], "a cell is too coarse: it aims only");
        ui.mouse_pixels(Some((10, 20)));
        let task = loaded(ui.mouse(click((10, 20)), 9.0, &s));
        let places: Vec<Point> = task.stages.iter().map(|s| s.pattern.place()).collect();
        assert!(places[0].x < -20e-6, "{places:?}");
        assert_eq!(places[1].x < -20e-6, all);
    }
}

#[test]
fn a_pattern_is_drawn_by_two_corners() {
    let s = with(lamella());
    let mut ui = milling(&s);
    assert_eq!(press(&mut ui, "b Enter", &s), []);
    assert!(ui_says(&ui, &s, "Enter sets the other corner"));
    let task = loaded(press(&mut ui, "Right Right Right Down Down Down Down Enter", &s));
    let bounds = task.stages[0]
        .pattern
        .shapes()
        .iter()
        .map(|s| s.bounds())
        .reduce(|a, b| a.join(b));
    let bounds = bounds.unwrap();
    assert!((bounds.width() - 12.0 * PIXEL).abs() < 1e-12 && (bounds.height() - 16.0 * PIXEL).abs() < 1e-12);
    assert_eq!(task.stages[0].pattern.get("spacing").unwrap(), "4um");
    assert_eq!(press(&mut ui, "b Enter Esc", &s), [], "left without a change");
    press(&mut ui, "b Enter", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    assert!(ui_says(&ui, &s, "the box is empty; the pattern stays"));
}

#[test]
fn the_alignment_area_is_drawn_by_two_corners() {
    let s = with(lamella());
    let task = loaded(press(&mut milling(&s), "I Enter PgDn PgDn Shift-Right Enter", &s));
    let area = task.alignment.rect;
    // far steps are 40 pixels, of 300 x 200
    let wanted = [0.5, 0.5, 40.0 / 300.0, 80.0 / 200.0];
    for (is, wanted) in [area.left, area.top, area.width, area.height].into_iter().zip(wanted) {
        assert!((is - wanted).abs() < 1e-9, "{area:?}");
    }
    assert_eq!(
        press(&mut milling(&s), "I Enter Enter", &s),
        [],
        "an empty area is none"
    );
}

#[test]
fn what_is_drawn_are_the_shapes_that_are_milled() {
    let mut task = lamella();
    task.stages[2].pattern = Pattern::named("PolygonPattern").unwrap();
    task.stages[2].pattern.set("is_exclusion", "true").unwrap();
    let s = with(task.clone());
    let desk = desk("dark", false);
    let mut tab = Milling::new(&desk.cx(&s));
    tab.refresh(&desk.cx(&s));
    let frame = s.newest(Beam::Ion).unwrap();
    let overlays = tab.overlays(frame, &desk.cx(&s));
    let outlines: Vec<&Overlay> = overlays
        .iter()
        .filter(|o| matches!(o, Overlay::Pattern { .. }))
        .collect();
    let shapes: usize = task.stages.iter().map(|s| s.pattern.shapes().len()).sum();
    // and the frame of the alignment area
    assert_eq!(outlines.len(), shapes + 1);
    let Overlay::Pattern { points, stroke, .. } = outlines[outlines.len() - 2] else {
        panic!()
    };
    let wanted = task.stages[0].pattern.shapes()[0].outline()[0];
    assert_eq!(*stroke, Stroke::Solid);
    assert!(
        (points[0].x - (150.0 + wanted.x / PIXEL)).abs() < 1e-6,
        "{points:?} {wanted:?}"
    );
    assert!((points[0].y - (100.0 - wanted.y / PIXEL)).abs() < 1e-6);
}

#[test]
fn twenty_five_shapes_are_drawn_once_and_little() {
    let mut task = lamella();
    let one = stage("box", "Rectangle", 0.2e-9, &[("width", "2um"), ("height", "2um")]);
    task.stages = (0..25)
        .map(|i| {
            let mut stage = one.clone();
            stage.pattern.put(Point {
                x: f64::from(i % 5) * 5e-6,
                y: f64::from(i / 5) * 5e-6,
            });
            stage
        })
        .collect();
    let s = with(task);
    let mut ui = milling(&s);
    let key = |ui: &UiState| ui.draw(&s, Rect::new(0, 0, 160, 50)).placements[0].1.clone();
    let first = key(&ui);
    assert!(first.overlays.len() <= 25 * 2 + 5 + 6, "{}", first.overlays.len());
    ui.refresh(&s);
    assert_eq!(key(&ui), first, "news that change nothing draw no picture");
}
