use crate::action::Action;
use crate::effect::Effect;
use crate::keys::{Chord, Keymap};
use crate::sample::{NOON, handy, press, shown, type_text};
use crate::state::UiState;
use crate::tab::TabId;
use crate::widget::picture::fixture::{PIXEL, pictured, screen, state};
use engine::{Command, Failure, Snapshot};
use model::{ErrorKind, StageState};
use ratatui::layout::Rect;
use serde_json::json;

/// Pictures, and a needle that is inserted.
fn inserted() -> Snapshot {
    let hands = handy();
    let mut s = Snapshot {
        connection: hands.connection,
        needle: hands.needle,
        needle_positions: hands.needle_positions,
        ..pictured()
    };
    // the pictures show the needle where it is
    if let Some(needle) = &mut s.needle {
        needle.time = NOON - 100.0;
    }
    s
}

fn with(mut s: Snapshot, inserted: bool, moving: bool) -> Snapshot {
    let needle = &mut s.needle.as_mut().unwrap().value;
    (needle.inserted, needle.moving) = (inserted, moving);
    s
}

fn needle(s: &Snapshot) -> UiState {
    state(TabId::Manipulator, s)
}

fn sent(effects: Vec<Effect>) -> Vec<Command> {
    effects
        .into_iter()
        .filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None })
        .collect()
}

fn end(ui: &mut UiState, command: &Command, s: &Snapshot) -> Vec<Command> {
    let id = ui.sent(command);
    sent(ui.ended(id, &Ok(json!(null)), s))
}

fn corrected(dx: f64, dy: f64, beam: &str) -> Command {
    Command::new("manipulator.move-corrected")
        .with("dx", dx)
        .with("dy", dy)
        .with("beam", beam)
}

#[test]
fn in_drive_mode_the_needle_follows_the_keys_along_the_picture_with_the_focus() {
    let s = inserted();
    let z = |by: f64| Command::new("manipulator.move-relative").with("z", by);
    let cases = [
        ("Right", corrected(1e-6, 0.0, "electron")),
        ("h", corrected(-1e-6, 0.0, "electron")),
        ("k", corrected(0.0, 1e-6, "electron")),
        ("Tab Up", corrected(0.0, 1e-6, "ion")),
        ("Tab Down", corrected(0.0, -1e-6, "ion")),
        ("PgUp", z(1e-6)),
        ("PgDn", z(-1e-6)),
        ("} } PgUp", z(5e-6)),
        ("{ Left", corrected(-0.5e-6, 0.0, "electron")),
    ];
    for (keys, command) in cases {
        let mut ui = needle(&s);
        press(&mut ui, "F7", &s);
        assert_eq!(sent(press(&mut ui, keys, &s)), [command], "{keys}");
    }
}

#[test]
fn the_arrows_move_nothing_outside_of_drive_mode() {
    let s = inserted();
    let mut ui = needle(&s);
    assert_eq!(sent(press(&mut ui, "Up Down Left Right PgUp PgDn h j k v", &s)), []);
}

#[test]
fn one_step_at_a_time_and_a_burst_counts_once() {
    let s = inserted();
    let mut ui = needle(&s);
    press(&mut ui, "F7", &s);
    ui.desk.now += 1.0;
    let step = sent(press(&mut ui, "Right Right Right", &s));
    assert_eq!(step, [corrected(1e-6, 0.0, "electron")]);
    let id = ui.sent(&step[0]);
    ui.desk.now += 1.0;
    assert_eq!(sent(press(&mut ui, "Right", &s)), [], "it is under way");
    ui.ended(id, &Ok(json!(null)), &s);
    let moving = with(inserted(), true, true);
    ui.desk.now += 1.0;
    assert_eq!(sent(press(&mut ui, "Right", &moving)), [], "another hand moves it");
    ui.desk.now += 1.0;
    assert_eq!(sent(press(&mut ui, "Right", &s)).len(), 1);
}

#[test]
fn drive_mode_ends_when_left_idle_failed_retracted_or_by_its_key() {
    let s = inserted();
    let drives = |ui: &UiState| screen(ui, &s, 120, 40).contains("NEEDLE along");
    let mut ui = needle(&s);
    for leave in ["F7", "Esc"] {
        press(&mut ui, "F7", &s);
        assert!(drives(&ui));
        press(&mut ui, leave, &s);
        assert!(!drives(&ui), "{leave}");
    }
    press(&mut ui, "F7", &s);
    ui.desk.now += 21.0;
    ui.tick(&s);
    assert!(!drives(&ui), "nobody held a key");

    press(&mut ui, "F7", &s);
    let step = sent(press(&mut ui, "Right", &s)).remove(0);
    let id = ui.sent(&step);
    ui.ended(
        id,
        &Err(Failure::new(ErrorKind::OutOfRange, "x is at its limit", "go back")),
        &s,
    );
    assert!(!drives(&ui), "a step that failed ends it");

    press(&mut ui, "F7", &s);
    ui.refresh(&with(inserted(), false, false));
    assert!(!drives(&ui), "it was retracted");
    assert_eq!(sent(press(&mut ui, "F7 Right", &with(inserted(), false, false))), []);
    assert!(!drives(&ui), "a retracted needle is not driven");

    press(&mut ui, "F7", &s);
    ui.act(&Action::TabImaging, &s);
    ui.act(&Action::TabManipulator, &s);
    assert!(!drives(&ui), "leaving the tab ends it");
}

#[test]
fn what_comes_nearer_to_the_sample_than_the_limit_asks_and_enter_is_no_yes() {
    let s = inserted();
    let mut ui = needle(&s);
    press(&mut ui, "F7 Tab } } } } Down", &s);
    assert!(screen(&ui, &s, 120, 40).contains("towards the sample?"), "20 um down");
    assert_eq!(sent(press(&mut ui, "Enter n", &s)), []);
    ui.desk.now += 1.0;
    press(&mut ui, "Down", &s);
    assert_eq!(
        sent(press(&mut ui, "y", &s)),
        [corrected(0.0, -20e-6, "ion").with("confirmed", true)]
    );
    ui.desk.now += 1.0;
    assert_eq!(
        sent(press(&mut ui, "Up", &s)),
        [corrected(0.0, 20e-6, "ion")],
        "away needs no yes"
    );
    let mut ui = needle(&s);
    ui.desk.options.ask_needle_towards = 0.0;
    assert_eq!(sent(press(&mut ui, "F7 PgDn", &s)), [], "as careful as the option says");
}

#[test]
fn the_tip_goes_along_the_ruler_and_never_twice() {
    let s = inserted();
    let mut ui = needle(&s);
    assert_eq!(sent(press(&mut ui, "Enter", &s)), [], "nothing is measured");
    let way = sent(press(&mut ui, "r Right Right Up Enter", &s)).remove(0);
    let by = |name: &str| way.args[name].as_f64().unwrap() / PIXEL;
    assert_eq!(way.name, "manipulator.move-corrected");
    assert!(
        (by("dx") - 8.0).abs() < 1e-6 && (by("dy") - 4.0).abs() < 1e-6,
        "{way:?}"
    );
    end(&mut ui, &way, &s);
    assert_eq!(
        sent(press(&mut ui, "Enter", &s)),
        [],
        "the ruler was for this way alone"
    );
    let mut later = inserted();
    later.needle.as_mut().unwrap().time = NOON;
    assert_eq!(
        sent(press(&mut ui, "r Right Enter", &later)),
        [],
        "the tip is no longer where this picture shows it"
    );
    let mut moved = inserted();
    moved.stage.as_mut().unwrap().value.state = StageState {
        pose: model::Pose {
            x: 1e-3,
            ..moved.stage.as_ref().unwrap().value.state.pose
        },
        ..moved.stage.as_ref().unwrap().value.state
    };
    assert_eq!(
        sent(press(&mut ui, "Esc r Right Enter", &moved)),
        [],
        "the target is elsewhere"
    );
}

#[test]
fn typed_places_and_ways_wait_for_the_key_that_goes() {
    let s = inserted();
    let mut ui = needle(&s);
    press(&mut ui, "e Down Enter Ctrl-u", &s);
    type_text(&mut ui, "20um", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    assert!(screen(&ui, &s, 120, 40).contains("to x"));
    assert_eq!(sent(press(&mut ui, "G Enter", &s)), [], "a place is asked about");
    let place = Command::new("manipulator.move-absolute").with("x", 20e-6);
    assert_eq!(sent(press(&mut ui, "y", &s)), [place.with("confirmed", true)]);

    press(&mut ui, "Down Down Down Down Down Enter", &s);
    type_text(&mut ui, "5um", &s);
    press(&mut ui, "Enter", &s);
    let way = Command::new("manipulator.move-relative").with("z", 5e-6);
    assert_eq!(
        sent(press(&mut ui, "G", &s)),
        std::slice::from_ref(&way),
        "the newer one counts, away needs no yes"
    );
    end(&mut ui, &way, &s);
    assert_eq!(sent(press(&mut ui, "G", &s)), [], "it is gone once");
}

#[test]
fn positions_are_gone_to_with_an_offset_saved_and_removed() {
    let s = inserted();
    let mut ui = needle(&s);
    press(&mut ui, "S", &s);
    type_text(&mut ui, "post", &s);
    assert_eq!(
        sent(press(&mut ui, "Enter", &s)),
        [Command::new("manipulator.save").with("name", "post")]
    );
    press(&mut ui, "Up Enter", &s);
    type_text(&mut ui, "10um", &s);
    press(&mut ui, "Enter p Down Down Enter", &s);
    assert!(screen(&ui, &s, 120, 40).contains("Move the needle to `above-lamella`?"));
    let go = Command::new("manipulator.go")
        .with("name", "above-lamella")
        .with("dz", 10e-6)
        .with("confirmed", true);
    assert_eq!(sent(press(&mut ui, "y", &s)), [go]);
    assert_eq!(
        sent(press(&mut ui, "D y", &s)),
        [Command::new("manipulator.remove").with("name", "above-lamella")]
    );
    assert_eq!(sent(press(&mut ui, "Up D y", &s)), [], "the instrument's own stays");
}

#[test]
fn it_is_inserted_after_a_choice_and_a_yes_and_retracted_at_once() {
    let s = with(inserted(), false, false);
    let mut ui = needle(&s);
    assert_eq!(sent(press(&mut ui, "I Down Enter Enter", &s)), []);
    assert_eq!(
        sent(press(&mut ui, "y", &s)),
        [Command::new("manipulator.insert").with("name", "EUCENTRIC")]
    );
    assert_eq!(
        sent(press(&mut ui, "Down Enter y", &s)),
        [],
        "a saved place is none to insert to"
    );
    assert_eq!(sent(press(&mut ui, "Esc G", &s)), []);
    let s = inserted();
    let mut ui = needle(&s);
    assert_eq!(sent(press(&mut ui, "R", &s)), [Command::new("manipulator.retract")]);
    assert_eq!(sent(press(&mut ui, "F7 R", &s)), [Command::new("manipulator.retract")]);
}

#[test]
fn pictures_follow_a_move_where_the_switch_says_so_and_driving_only_at_its_end() {
    let s = inserted();
    let mut ui = needle(&s);
    let retract = Command::new("manipulator.retract");
    assert_eq!(end(&mut ui, &retract, &s), []);
    press(&mut ui, "m", &s);
    let acquire = Command::new("image.acquire").with("beam", "electron");
    assert_eq!(end(&mut ui, &retract, &s), std::slice::from_ref(&acquire));
    press(&mut ui, "F7", &s);
    let step = sent(press(&mut ui, "Right", &s)).remove(0);
    assert_eq!(end(&mut ui, &step, &s), []);
    assert_eq!(sent(press(&mut ui, "Esc", &s)), [acquire]);
}

/// Every key there is, in every focus: the stage never moves from here, the needle only by a key that says so.
#[test]
fn nothing_moves_but_by_a_key_that_says_so() {
    use crate::action::Action::{NeedleDrive, NeedleGo, NeedleHere, NeedleRetract};
    let s = inserted();
    let keymap = Keymap::load(None).0;
    let mut chords: Vec<Chord> = Vec::new();
    for binding in keymap.bindings() {
        if !chords.contains(&binding.chord) {
            chords.push(binding.chord);
        }
    }
    let says_so = [NeedleDrive, NeedleGo, NeedleHere, NeedleRetract];
    for focus in ["", "Tab v", "e", "p", "r Right", "a"] {
        for chord in &chords {
            let mut ui = needle(&s);
            press(&mut ui, focus, &s);
            let layers = ui.layers(&ui.desk.cx(&s));
            let means = ui.desk.keymap.action(*chord, &layers);
            for command in sent(ui.key(*chord, &s)) {
                let needle = command.name.starts_with("manipulator.");
                let moves = needle || command.name.starts_with("stage.") || command.name == "position.go";
                let said = needle && means.as_ref().is_some_and(|action| says_so.contains(action));
                assert!(!moves || said, "`{focus}` then {chord}: {command:?}");
            }
        }
    }
}

#[test]
fn an_instrument_without_a_needle_says_so() {
    let s = pictured();
    let ui = needle(&s);
    let text = shown(&ui.draw(&s, Rect::new(0, 0, 120, 40)));
    assert!(text.contains("this instrument has no needle"), "{text}");
    assert!(!text.contains("drive"), "no key of it is shown");
}

#[test]
fn what_z_means_stands_beside_its_keys_at_every_size() {
    let s = inserted();
    for keys in ["", "Tab", "F7", "F7 Tab"] {
        for (width, height) in [(80, 24), (120, 40), (160, 50)] {
            let mut ui = needle(&s);
            press(&mut ui, keys, &s);
            let text = screen(&ui, &s, width, height);
            let said = text.contains("z up = +z, AWAY; z down = TOWARDS");
            assert!(said, "{keys} at {width}x{height}\n{text}");
        }
    }
}

#[test]
fn saved_positions_are_shown_with_all_three_coordinates() {
    let s = inserted();
    for (width, height) in [(80, 24), (120, 40)] {
        let mut ui = needle(&s);
        press(&mut ui, "p", &s);
        let text = screen(&ui, &s, width, height);
        assert!(text.contains("above-lamella  12.3 -4.0 80.0 um"), "{text}");
    }
}

#[test]
fn screens() {
    let snapshots = [
        ("retracted", with(inserted(), false, false)),
        ("inserted", inserted()),
        ("moving", with(inserted(), true, true)),
        ("none", pictured()),
    ];
    for (name, s) in &snapshots {
        for (w, h) in [(80, 24), (120, 40)] {
            insta::assert_snapshot!(format!("{name}_{w}x{h}"), screen(&needle(s), s, w, h));
        }
    }
    let s = inserted();
    for (name, keys) in [
        ("drive", "F7 Tab"),
        ("positions", "p Down Down"),
        ("typed", "e Down Enter"),
    ] {
        for (w, h) in [(80, 24), (120, 40)] {
            let mut ui = needle(&s);
            press(&mut ui, keys, &s);
            insta::assert_snapshot!(format!("{name}_{w}x{h}"), screen(&ui, &s, w, h));
        }
    }
}

#[test]
fn any_size_can_be_drawn() {
    let s = inserted();
    let mut ui = needle(&s);
    for keys in ["", "e", "p", "Esc F7"] {
        press(&mut ui, keys, &s);
        for width in [1, 20, 41, 99, 101, 250] {
            for height in [1, 11, 27, 60] {
                shown(&ui.draw(&s, Rect::new(0, 0, width, height)));
            }
        }
    }
}

#[test]
fn guided_procedures_have_keys_and_ask_before_they_begin() {
    for s in [inserted(), with(inserted(), false, false)] {
        for (key, command, title) in [
            ("K", "manipulator.calibrate", "Calibrate the needle?"),
            ("T", "manipulator.reset", "Find the needle's tip again?"),
            ("H", "manipulator.sharpen", "Sharpen the needle's tip?"),
            ("P", "manipulator.prepare", "Cut the needle's end flat?"),
            ("W", "manipulator.exchange", "Exchange the needle?"),
        ] {
            let mut ui = needle(&s);
            assert_eq!(sent(press(&mut ui, key, &s)), [], "{command} goes out unasked");
            assert!(screen(&ui, &s, 120, 40).contains(title), "{title}");
            let names: Vec<String> = sent(press(&mut ui, "y", &s)).into_iter().map(|c| c.name).collect();
            assert_eq!(names, [command]);
        }
    }
}
