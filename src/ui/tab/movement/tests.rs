use super::jog::COMMAND;
use crate::action::Action;
use crate::effect::Effect;
use crate::keys::{Chord, Keymap};
use crate::sample::{press, type_text};
use crate::state::UiState;
use crate::tab::TabId;
use crate::widget::picture::fixture::{pictured, screen, state};
use engine::{Command, Failure, Snapshot};
use model::ErrorKind;
use serde_json::json;

fn sent(effects: Vec<Effect>) -> Vec<Command> {
    effects
        .into_iter()
        .filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None })
        .collect()
}

fn movement(s: &Snapshot) -> UiState {
    state(TabId::Movement, s)
}

fn end(ui: &mut UiState, command: &Command, s: &Snapshot) -> Vec<Command> {
    let id = ui.sent(command);
    sent(ui.ended(id, &Ok(json!(null)), s))
}

#[test]
fn single_steps_go_along_the_chosen_axis_by_the_chosen_step() {
    let s = pictured();
    let mut ui = movement(&s);
    let by = |axis: &str, value: f64| Command::new("stage.move-relative").with(axis, value);
    assert_eq!(sent(press(&mut ui, ">", &s)), [by("x", 10e-6)]);
    assert_eq!(sent(press(&mut ui, "p Down Down } <", &s)), [by("z", -20e-6)]);
    assert_eq!(
        sent(press(&mut ui, "Down Down { >", &s)),
        [by("t", 0.5f64.to_radians())]
    );
}

#[test]
fn a_typed_target_moves_nothing_until_the_key_to_go_and_a_yes() {
    let s = pictured();
    let mut ui = movement(&s);
    press(&mut ui, "e Enter Ctrl-u", &s);
    type_text(&mut ui, "1.5mm", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    press(&mut ui, "Down Down Down Down Enter Ctrl-u", &s);
    type_text(&mut ui, "20deg", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    assert_eq!(press(&mut ui, "G Enter", &s), [], "it asks, and Enter is no yes");
    assert!(screen(&ui, &s, 120, 40).contains("x 1.50 mm"));
    let expected = Command::new("stage.safe-move")
        .with("x", 1.5e-3)
        .with("t", 20f64.to_radians());
    assert_eq!(sent(press(&mut ui, "y", &s)), std::slice::from_ref(&expected));
    end(&mut ui, &expected, &s);
    assert_eq!(press(&mut ui, "G", &s), [], "a target is gone to once");
}

#[test]
fn a_target_outside_the_limits_is_not_taken() {
    let s = pictured();
    let mut ui = movement(&s);
    press(&mut ui, "e Enter Ctrl-u", &s);
    type_text(&mut ui, "10m", &s);
    press(&mut ui, "Enter", &s);
    assert!(screen(&ui, &s, 120, 40).contains("outside"));
    press(&mut ui, "Esc", &s);
    assert_eq!(sent(press(&mut ui, "G", &s)), []);
}

#[test]
fn places_and_milling_angle_are_asked_about() {
    let s = pictured();
    let mut ui = movement(&s);
    assert_eq!(press(&mut ui, "t Down Enter", &s), []);
    assert_eq!(
        sent(press(&mut ui, "y", &s)),
        [Command::new("stage.orientation").with("name", "FIB")]
    );
    press(&mut ui, "Down Down Enter", &s);
    assert_eq!(
        sent(press(&mut ui, "y", &s)),
        [Command::new("position.go").with("name", "grid-1")]
    );
    press(&mut ui, "Esc M Ctrl-u", &s);
    type_text(&mut ui, "12deg", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    let command = sent(press(&mut ui, "y", &s)).remove(0);
    assert_eq!(command.name, "stage.milling-angle");
    assert!((command.args["angle"].as_f64().unwrap() - 12f64.to_radians()).abs() < 1e-12);
}

#[test]
fn positions_are_saved_renamed_deleted_and_carried_by_files() {
    let s = pictured();
    let mut ui = movement(&s);
    assert_eq!(
        sent(press(&mut ui, "S Enter", &s)),
        [Command::new("position.save").with("name", "position-3")]
    );
    press(&mut ui, "S", &s);
    type_text(&mut ui, "lamella", &s);
    assert_eq!(
        sent(press(&mut ui, "Enter", &s)),
        [Command::new("position.save").with("name", "lamella")],
        "typing takes the proposal's place"
    );
    assert_eq!(sent(press(&mut ui, "n", &s)), [], "none is chosen");
    press(&mut ui, "t Down Down Down n Ctrl-u", &s);
    type_text(&mut ui, "grid A", &s);
    assert_eq!(
        sent(press(&mut ui, "Enter", &s)),
        [Command::new("position.rename")
            .with("name", "grid-1")
            .with("to", "grid A")]
    );
    assert_eq!(press(&mut ui, "D", &s), []);
    assert_eq!(
        sent(press(&mut ui, "y", &s)),
        [Command::new("position.remove").with("name", "grid-1")]
    );
    for (key, name) in [
        ("I", "position.import"),
        ("X", "position.export"),
        ("u", "system.capture"),
    ] {
        press(&mut ui, key, &s);
        press(&mut ui, "Ctrl-u", &s);
        type_text(&mut ui, "f.yaml", &s);
        assert_eq!(
            sent(press(&mut ui, "Enter", &s)),
            [Command::new(name).with("path", "f.yaml")]
        );
    }
    press(&mut ui, "U", &s);
    assert_eq!(press(&mut ui, "Enter", &s), [], "restoring moves the stage: it asks");
    assert_eq!(sent(press(&mut ui, "y", &s))[0].name, "system.restore");
    press(&mut ui, "S Esc", &s);
    assert_eq!(
        sent(press(&mut ui, "Enter", &s)),
        [],
        "Esc closed the line, Enter is the list's again and asks"
    );
}

#[test]
fn jog_asks_for_a_step_a_key_and_counts_a_burst_once() {
    let s = pictured();
    let mut ui = movement(&s);
    press(&mut ui, "F7", &s);
    ui.desk.now += 1.0;
    let effects = sent(press(&mut ui, "Right Right l l Up", &s));
    let step = Command::new(COMMAND)
        .with("dx", 10e-6)
        .with("dy", 0.0)
        .with("beam", "electron");
    assert_eq!(effects, std::slice::from_ref(&step), "a burst counts once");
    let id = ui.sent(&step);
    ui.desk.now += 0.2;
    let moving = moving(&s);
    let waits = sent(press(&mut ui, "Right", &moving));
    assert_eq!(waits, std::slice::from_ref(&step), "the engine keeps the newest");
    ui.ended(id, &Ok(json!(null)), &s);
    ui.desk.now += 0.01;
    assert_eq!(press(&mut ui, "Right", &s).len(), 0, "still the same burst");
    ui.desk.now += 0.2;
    assert_eq!(sent(press(&mut ui, "k", &s))[0].args["dy"], 10e-6);
}

fn moving(s: &Snapshot) -> Snapshot {
    let mut moving = s.clone();
    moving.stage.as_mut().unwrap().value.state.moving = true;
    moving
}

#[test]
fn a_jog_step_beyond_the_limit_asks_and_a_no_goes_on_jogging() {
    let s = pictured();
    let mut ui = movement(&s);
    ui.desk.options.ask_beyond_length = 5e-6;
    assert_eq!(press(&mut ui, "F7 Right", &s), []);
    assert!(screen(&ui, &s, 120, 40).contains("Move the stage this far?"));
    ui.desk.now += 1.0;
    assert_eq!(press(&mut ui, "n Right", &s), [], "it asks again");
    assert_eq!(sent(press(&mut ui, "y", &s))[0].name, COMMAND);
}

#[test]
fn jog_along_the_axes_steps_every_axis() {
    let s = pictured();
    let axis = |name: &str, step: f64| Command::new(COMMAND).with("axis", name).with("step", step);
    let turn = 1f64.to_radians();
    let cases = [
        ("h", axis("x", -10e-6)),
        ("l", axis("x", 10e-6)),
        ("k", axis("y", 10e-6)),
        ("j", axis("y", -10e-6)),
        ("PgUp", axis("z", 10e-6)),
        ("PgDn", axis("z", -10e-6)),
        ("r", axis("r", turn)),
        ("R", axis("r", -turn)),
        ("t", axis("t", turn)),
        ("T", axis("t", -turn)),
    ];
    for (key, command) in cases {
        let mut ui = movement(&s);
        press(&mut ui, "= Tab", &s);
        assert_eq!(sent(press(&mut ui, key, &s)), [command], "{key}");
    }
}

#[test]
fn jog_ends_when_left_idle_failed_or_by_its_key() {
    let s = pictured();
    let jogs = |ui: &UiState| screen(ui, &s, 120, 40).contains("JOG");
    let mut ui = movement(&s);
    press(&mut ui, "F7", &s);
    assert!(jogs(&ui));
    press(&mut ui, "F7", &s);
    assert!(!jogs(&ui));
    press(&mut ui, "F7 Esc", &s);
    assert!(!jogs(&ui));

    press(&mut ui, "F7", &s);
    let (_, wake) = ui.tick(&s);
    assert!(wake.is_some_and(|seconds| seconds > 10.0));
    ui.desk.now += 21.0;
    ui.tick(&s);
    assert!(!jogs(&ui), "nobody held a key");

    press(&mut ui, "F7", &s);
    let step = sent(press(&mut ui, "Right", &s)).remove(0);
    let id = ui.sent(&step);
    ui.ended(
        id,
        &Err(Failure::new(ErrorKind::OutOfRange, "x is at its limit", "go back")),
        &s,
    );
    assert!(!jogs(&ui), "a step that failed ends it");

    press(&mut ui, "F7", &s);
    ui.act(&Action::TabImaging, &s);
    ui.act(&Action::TabMovement, &s);
    assert!(!jogs(&ui), "leaving the tab ends it");
}

#[test]
fn a_moving_stage_is_not_jogged() {
    let s = moving(&pictured());
    let mut ui = movement(&s);
    assert_eq!(press(&mut ui, "F7 Right Up r", &s), [], "another hand moves it");
}

#[test]
fn pictures_follow_a_move_where_the_switch_says_so_and_jog_only_at_its_end() {
    let s = pictured();
    let mut ui = movement(&s);
    let step = sent(press(&mut ui, ">", &s)).remove(0);
    assert_eq!(end(&mut ui, &step, &s), [], "off until it is switched on");
    let acquire = |beam: &str| Command::new("image.acquire").with("beam", beam);
    for beam in ["electron", "ion", "both"] {
        press(&mut ui, "m", &s);
        assert_eq!(end(&mut ui, &step, &s), [acquire(beam)]);
    }
    let id = ui.sent(&step);
    let failed = Err(Failure::new(ErrorKind::Busy, "busy", "wait"));
    assert_eq!(sent(ui.ended(id, &failed, &s)), [], "a move that failed is none");
    assert_eq!(
        end(&mut ui, &Command::new("image.acquire"), &s),
        [],
        "a picture is no move"
    );

    press(&mut ui, "F7", &s);
    let jog = sent(press(&mut ui, "Right", &s)).remove(0);
    assert_eq!(end(&mut ui, &jog, &s), []);
    assert_eq!(sent(press(&mut ui, "Esc", &s)), [acquire("both")]);

    for (end, pictures) in [(Ok(json!(null)), vec![acquire("both")]), (failed, vec![])] {
        press(&mut ui, "F7", &s);
        ui.desk.now += 1.0;
        let jog = sent(press(&mut ui, "Right", &s)).remove(0);
        let id = ui.sent(&jog);
        assert_eq!(sent(press(&mut ui, "Esc", &s)), [], "the last step is under way");
        assert_eq!(sent(ui.ended(id, &end, &s)), pictures);
    }
}

/// Every key there is, in every focus, except those whose word says that they move: no command of a move goes out.
#[test]
fn nothing_moves_but_by_a_key_that_says_so() {
    let s = pictured();
    let moves = [Action::MoveHere, Action::StepUp, Action::StepDown, Action::Jog];
    let keymap = Keymap::load(None).0;
    let mut chords: Vec<Chord> = Vec::new();
    for binding in keymap.bindings() {
        if !chords.contains(&binding.chord) {
            chords.push(binding.chord);
        }
    }
    let mut tried = 0;
    for (tab, focuses) in [
        (TabId::Imaging, ["", "Tab", "e", "f", "d", "a"]),
        (TabId::Movement, ["", "Tab v", "e", "t", "p", "S"]),
    ] {
        for focus in focuses {
            let mut ui = state(tab, &s);
            for chord in &chords {
                press(&mut ui, "Esc Esc Esc Right", &s);
                ui.act(&tab.row().unwrap().action, &s);
                press(&mut ui, focus, &s);
                let layers = ui.layers(&ui.desk.cx(&s));
                let means = ui.desk.keymap.action(*chord, &layers);
                if means.as_ref().is_some_and(|action| moves.contains(action)) {
                    continue;
                }
                tried += 1;
                for effect in ui.key(*chord, &s) {
                    if let Effect::Send(command) = effect {
                        let far = command.name.starts_with("stage.") || command.name == "position.go";
                        assert!(!far, "{tab:?} `{focus}` then {chord}: {command:?}");
                    }
                }
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn screens() {
    let s = pictured();
    for (w, h) in [(80, 24), (120, 40), (160, 50)] {
        let ui = movement(&s);
        insta::assert_snapshot!(format!("stage_{w}x{h}"), screen(&ui, &s, w, h));
    }
    let mut ui = movement(&s);
    press(&mut ui, "F7", &s);
    insta::assert_snapshot!("jog_120x40", screen(&ui, &s, 120, 40));
    let mut ui = movement(&s);
    press(&mut ui, "t Down Down Down n", &s);
    insta::assert_snapshot!("rename_80x24", screen(&ui, &s, 80, 24));
}
