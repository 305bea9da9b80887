//! How a pane looks: overlays, tone, what is said where no picture can be shown.

use super::super::mark::measured;
use super::*;
use model::Pixels;
use vision::contrast::Spread;

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
fn greys_are_spread_on_the_screen_alone_and_it_is_said() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let seen = |ui: &UiState| {
        let canvas = ui.draw(&s, Rect::new(0, 0, 120, 40));
        (canvas.placements[0].1.spread, crate::sample::shown(&canvas))
    };
    assert_eq!(seen(&ui).0, Spread::AsTaken);
    for spread in [Spread::Stretched, Spread::Local, Spread::AsTaken] {
        assert!(press(&mut ui, "V", &s).is_empty(), "the instrument hears nothing of it");
        let (found, words) = seen(&ui);
        assert_eq!(found, spread);
        assert_eq!(words.contains(spread.name()), spread != Spread::AsTaken, "{words}");
    }
}

#[test]
fn gamma_is_set_by_hand_and_said_while_it_is_not_1() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    let seen = |ui: &UiState| {
        let canvas = ui.draw(&s, Rect::new(0, 0, 120, 40));
        (
            canvas.placements[0].1.tone.apply(100),
            crate::sample::shown(&canvas).contains("gamma 0.80"),
        )
    };
    assert_eq!(seen(&ui), (100, false));
    press(&mut ui, ")", &s);
    let (grey, said) = seen(&ui);
    assert!(grey > 110 && said);
    press(&mut ui, "( (", &s);
    assert!(seen(&ui).0 < 90);
    press(&mut ui, ")", &s);
    assert_eq!(seen(&ui), (100, false));
}

#[test]
fn the_cursor_keeps_its_place_in_a_picture_of_another_size() {
    let s = pictured();
    let mut ui = state(TabId::Imaging, &s);
    press(&mut ui, "Shift-Right Shift-Down", &s);
    let place = |ui: &UiState| {
        let text = screen(ui, &s, 120, 40);
        text.lines().find(|l| l.contains(" px ")).unwrap().to_owned()
    };
    let before = place(&ui);
    assert!(before.contains("px 190,140"), "{before}");
    let half = FrameInfo {
        id: 90,
        size: (150, 100),
        ..s.newest(Beam::Electron).unwrap().clone()
    };
    let mut live = s.clone();
    live.frames.push_back(half);
    ui.refresh(&live);
    let text = screen(&ui, &live, 120, 40);
    assert!(text.contains("px 95,70"), "{text}");
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

#[test]
fn a_picture_of_another_field_than_the_settings_says_so() {
    let mut s = pictured();
    let ui = state(TabId::Imaging, &s);
    assert!(!screen(&ui, &s, 120, 40).contains("next picture:"));
    s.settings[0].hfw = 80e-6;
    assert!(screen(&ui, &s, 120, 40).contains("next picture: 80.0 um field"));
}
