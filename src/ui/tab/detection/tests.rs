use crate::action::{Action, Gesture, Pointer};
use crate::effect::Effect;
use crate::sample::press;
use crate::state::UiState;
use crate::tab::TabId;
use crate::widget::picture::fixture::{PIXEL, SIZE, pictured, screen, state};
use engine::{Command, Snapshot};
use model::detection::{ClassShare, Detection, Labels, SmallMask, Spotted};
use model::{Beam, Point};
use picture::{Position, Viewport};
use ratatui::layout::Rect;

fn spotted(name: &str, px: Option<(f64, f64)>, confidence: Option<f64>) -> Spotted {
    let px = px.map(|(x, y)| Point { x, y });
    Spotted {
        name: name.to_owned(),
        class_id: 2,
        px,
        m: px.map(|p| Point {
            x: (p.x - 150.0) * PIXEL,
            y: (100.0 - p.y) * PIXEL,
        }),
        confidence,
        ..Spotted::default()
    }
}

/// The tip of a needle and a doubtful post in the newest SEM picture, and a block that was not found.
fn found() -> Snapshot {
    let labels = Labels::from_shape_fn((200, 300), |(y, x)| 2 * u8::from(x < 100 && y.abs_diff(80) < 40));
    Snapshot {
        detection: Some(Detection {
            frame: Some(3),
            beam: Some(Beam::Electron),
            model: "classical".to_owned(),
            pixelsize_m: Some(PIXEL),
            size: (SIZE.0 as usize, SIZE.1 as usize),
            features: vec![
                spotted("NeedleTip", Some((100.0, 80.0)), Some(0.91)),
                spotted("LandingPost", Some((200.0, 120.0)), Some(0.31)),
                spotted("VolumeBlockTopEdge", None, None),
            ],
            classes: vec![ClassShare {
                id: 2,
                label: "manipulator".to_owned(),
                share: 0.13,
            }],
            mask: SmallMask::of(&labels),
            least_confidence: 0.5,
            record: Some("ml-1_000000".to_owned()),
            ..Detection::default()
        }),
        ..pictured()
    }
}

fn detection(s: &Snapshot) -> UiState {
    state(TabId::Detection, s)
}

fn sent(effects: Vec<Effect>) -> Vec<Command> {
    let command = |e| if let Effect::Send(c) = e { Some(c) } else { None };
    effects.into_iter().filter_map(command).collect()
}

fn about(name: &str, feature: &str) -> Command {
    Command::new(name).with("feature", feature)
}

#[test]
fn features_are_looked_for_in_a_new_picture_or_the_last() {
    let s = pictured();
    let mut ui = detection(&s);
    let looked = Command::new("detect.features").with("beam", "electron");
    assert_eq!(sent(press(&mut ui, "d", &s)), std::slice::from_ref(&looked));
    assert_eq!(sent(press(&mut ui, "D", &s)), [looked.clone().with("last", true)]);
    assert_eq!(
        sent(press(&mut ui, "Tab F5", &s)),
        [Command::new("detect.features").with("beam", "ion")]
    );
    let mut ui = detection(&s);
    ui.sent(&looked);
    assert_eq!(press(&mut ui, "d d", &s), [], "a key that repeats is one picture");
}

#[test]
fn a_selected_feature_has_the_cursor_and_is_put_rejected_and_confirmed() {
    let s = found();
    let mut ui = detection(&s);
    // four picture pixels to the right of the tip
    assert_eq!(
        sent(press(&mut ui, "Right m", &s)),
        [about("detect.move", "1").with("x", 104.0).with("y", 80.0)]
    );
    assert_eq!(sent(press(&mut ui, "n X", &s)), [about("detect.reject", "2")]);
    assert_eq!(sent(press(&mut ui, "C", &s)), [Command::new("detect.confirm")]);
    press(&mut ui, "I", &s);
    let typed = screen(&ui, &s, 120, 40);
    assert!(typed.contains("detect.add x=200.0 y=120.0 feature="), "{typed}");
}

#[test]
fn enter_moves_the_stage_to_the_selected_feature_and_says_so_before() {
    let s = found();
    let mut ui = detection(&s);
    let shown = screen(&ui, &s, 120, 40);
    assert!(
        shown.contains("NeedleTip: Enter moves the stage -25.0 um +10.0 um"),
        "{shown}"
    );
    let commands = sent(press(&mut ui, "Enter", &s));
    let number = |key: &str| commands[0].args[key].as_f64().unwrap();
    assert_eq!(commands[0].name, "stage.stable-move");
    assert!(
        (number("dx") + 25e-6).abs() < 0.6e-6 && (number("dy") - 10e-6).abs() < 0.6e-6,
        "{commands:?}"
    );
}

#[test]
fn a_feature_goes_with_the_mouse_and_a_click_beside_it_does_not_take_it() {
    let s = found();
    let ui = detection(&s);
    let canvas = ui.draw(&s, Rect::new(0, 0, 120, 40));
    let (area, key) = &canvas.placements[0];
    let size = (SIZE.0 as usize, SIZE.1 as usize);
    let viewport = Viewport::new(size, *area, ui.desk.grid, &key.view);
    let cell = |x: f64, y: f64| {
        let (column, row) = viewport.cell_of(Position::new(x, y)).unwrap();
        Pointer {
            column,
            row,
            ..Pointer::default()
        }
    };
    let run = |from: Pointer, to: Pointer| {
        let mut ui = detection(&s);
        ui.draw(&s, Rect::new(0, 0, 120, 40));
        let gestures = [(from, Gesture::Click), (to, Gesture::Drag), (to, Gesture::Drop)];
        let all = gestures.into_iter().flat_map(|(pointer, gesture)| {
            let pointer = Pointer { gesture, ..pointer };
            ui.act(&Action::Point { slot: 0, pointer }, &s)
        });
        sent(all.collect())
    };
    let moved = run(cell(200.0, 120.0), cell(240.0, 60.0));
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert_eq!(
        (moved[0].name.as_str(), &moved[0].args["feature"]),
        ("detect.move", &"2".into())
    );
    let at = |key: &str| moved[0].args[key].as_f64().unwrap();
    assert!(
        (at("x") - 240.0).abs() < 8.0 && (at("y") - 60.0).abs() < 12.0,
        "{moved:?}"
    );
    assert_eq!(run(cell(20.0, 180.0), cell(240.0, 60.0)), []);
}

#[test]
fn the_mask_is_shown_thinned_and_hidden() {
    let s = found();
    let mut ui = detection(&s);
    let dots = |ui: &UiState| {
        let canvas = ui.draw(&s, Rect::new(0, 0, 120, 40));
        let key = &canvas.placements[0].1;
        key.overlays.iter().find_map(|o| match o {
            picture::Overlay::Mask { opacity, .. } => Some((opacity * 10.0).round()),
            _ => None,
        })
    };
    assert_eq!(dots(&ui), Some(3.0));
    press(&mut ui, "} }", &s);
    assert_eq!(dots(&ui), Some(5.0));
    press(&mut ui, "h", &s);
    assert_eq!(dots(&ui), None);
    press(&mut ui, "{", &s);
    assert_eq!(dots(&ui), Some(4.0), "who changes it wants to see it");
}

#[test]
fn both_sizes_show_features_confidence_and_classes() {
    let s = found();
    let ui = detection(&s);
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = screen(&ui, &s, width, height);
        for word in [
            "NeedleTip",
            "91 %",
            "31 % ?",
            "not found",
            "manipulator 13.0 %",
            "1 to 2",
        ] {
            assert!(shown.contains(word), "{width}x{height} lacks {word}:\n{shown}");
        }
        assert!(shown.contains("VolumeBlockTopEdge"), "a name is cut:\n{shown}");
    }
    let empty = screen(&detection(&pictured()), &pictured(), 80, 24);
    assert!(empty.contains("d takes a picture"), "{empty}");
}
