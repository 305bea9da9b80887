use super::settings;
use crate::effect::Effect;
use crate::remembered::Remembered;
use crate::sample::{self, NOON, connected, press, type_text};
use crate::state::UiState;
use crate::tab::TabId;
use crate::widget::picture::fixture::{frame, pictured, screen, state};
use engine::event::LiveView;
use engine::{Command, Snapshot};
use model::{Beam, Key, Value};
use serde_json::json;

fn sent(effects: Vec<Effect>) -> Vec<Command> {
    effects
        .into_iter()
        .filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None })
        .collect()
}

fn imaging(s: &Snapshot) -> UiState {
    state(TabId::Imaging, s)
}

#[test]
fn the_keys_operators_know_and_their_alternatives() {
    let s = pictured();
    let beam = |name: &str| Command::new(name).with("beam", "electron");
    let cases = [
        ("F2", beam("image.acquire")),
        ("Space", beam("image.acquire")),
        ("F3", Command::new("image.acquire").with("beam", "both")),
        ("b", Command::new("image.acquire").with("beam", "both")),
        ("R", Command::new("image.reference")),
        ("F6", beam("image.live").with("on", true)),
        ("l", beam("image.live").with("on", true)),
        ("F9", beam("image.autocontrast")),
        ("C", beam("image.autocontrast")),
        ("F11", beam("image.autofocus")),
        ("F", beam("image.autofocus")),
        ("K", Command::new("align.coincidence").with("guided", true)),
        ("s", beam("align.beam-shift")),
    ];
    for (key, command) in cases {
        assert_eq!(sent(press(&mut imaging(&s), key, &s)), [command], "{key}");
    }
    let mut ui = imaging(&s);
    assert_eq!(
        sent(press(&mut ui, "Tab F2", &s)),
        [Command::new("image.acquire").with("beam", "ion")]
    );
}

#[test]
fn coincidence_by_itself_is_asked_about() {
    let s = pictured();
    let mut ui = imaging(&s);
    assert_eq!(press(&mut ui, "k Enter Enter", &s), []);
    assert_eq!(sent(press(&mut ui, "y", &s)), [Command::new("align.coincidence")]);
}

#[test]
fn a_key_that_repeats_is_one_picture() {
    let s = pictured();
    let mut ui = imaging(&s);
    let command = &sent(press(&mut ui, "F2", &s))[0];
    let id = ui.sent(command);
    assert_eq!(press(&mut ui, "F2 F2 Space", &s), []);
    assert!(screen(&ui, &s, 80, 24).contains('…'), "it is shown as under way");
    ui.ended(id, &Ok(json!(null)), &s);
    assert_eq!(sent(press(&mut ui, "F2", &s)).len(), 1);
}

#[test]
fn live_is_switched_off_by_the_same_key_and_the_fib_shows_end_and_dose() {
    let mut s = pictured();
    s.live[1] = LiveView {
        on: true,
        until: Some(NOON + 84.0),
        dose: 0.0123,
        reason: None,
    };
    let mut live = frame(8, Beam::Ion, &s);
    live.live = true;
    s.live_frames[1] = Some(live);
    let mut ui = imaging(&s);
    assert_eq!(
        sent(press(&mut ui, "Tab F6", &s)),
        [Command::new("image.live").with("beam", "ion").with("on", false)]
    );
    let shown = screen(&ui, &s, 80, 24);
    assert!(shown.contains("live 83 s left 1.2e-2 C/m2"), "{shown}");
    let smooth = ui.draw(&s, ratatui::layout::Rect::new(0, 0, 80, 24)).placements[0]
        .1
        .smooth;
    assert!(smooth, "an unchanged live scene costs next to nothing");
}

#[test]
fn settings_are_typed_with_units_and_sent_in_si() {
    let s = pictured();
    let mut ui = imaging(&s);
    press(&mut ui, "e Enter Ctrl-u", &s);
    type_text(&mut ui, "80um", &s);
    let set = |name: &str, value: serde_json::Value| {
        Command::new("image.settings")
            .with("beam", "electron")
            .with(name, value)
    };
    assert_eq!(sent(press(&mut ui, "Enter", &s)), [set("hfw", json!(80e-6))]);
    press(&mut ui, "Down Enter Ctrl-u", &s);
    type_text(&mut ui, "3072x2048", &s);
    assert_eq!(
        sent(press(&mut ui, "Enter", &s)),
        [set("resolution", json!([3072, 2048]))]
    );
    press(&mut ui, "Down Down Enter Ctrl-u 4", &s);
    let command = sent(press(&mut ui, "Enter", &s)).remove(0);
    assert_eq!(
        command.args["frame_integration"].as_u64(),
        Some(4),
        "whole numbers stay whole: {command:?}"
    );
    press(&mut ui, "Home Enter Ctrl-u", &s);
    type_text(&mut ui, "5m", &s);
    assert_eq!(press(&mut ui, "Enter", &s), [], "out of range");
}

/// What the forms send passes the engine's own check of names and kinds.
#[test]
fn every_field_sends_what_the_engine_takes() {
    let s = pictured();
    let desk = crate::sample::desk("dark", false);
    let cx = desk.cx(&s);
    let known = |command: &Command| engine::command::parse::check(command.clone()).is_ok();
    for beam in Beam::ALL {
        for field in settings::fields(beam, false, &cx)
            .iter()
            .filter(|f| f.key != settings::AUTOGAMMA)
        {
            for command in sent(settings::set(beam, field.key, &field.value, &cx)) {
                assert!(known(&command), "{command:?}");
            }
        }
        for field in super::column::fields(beam, &cx) {
            for command in sent(super::column::set(beam, field.key, &field.value, &cx)) {
                assert!(known(&command), "{command:?}");
                assert!(Key::parse(command.args["key"].as_str().unwrap()).is_some());
            }
        }
    }
}

#[test]
fn only_what_the_instrument_offers_is_shown() {
    let mut s = pictured();
    let capabilities = &mut s.connection.as_mut().unwrap().capabilities;
    let electron = capabilities.electron.as_mut().unwrap();
    electron.interlacing = false;
    electron.drift_correction = false;
    electron.reduced_area = false;
    electron.writable.retain(|key| *key != Key::Voltage);
    electron.available.push((
        Key::Preset,
        vec![Value::Text("imaging".into()), Value::Text("milling".into())],
    ));
    let desk = crate::sample::desk("dark", false);
    let cx = desk.cx(&s);
    let keys: Vec<_> = settings::fields(Beam::Electron, false, &cx)
        .iter()
        .map(|f| f.key)
        .collect();
    assert!(
        !keys
            .iter()
            .any(|k| ["scan_interlacing", "drift_correction", "full_frame"].contains(k)),
        "{keys:?}"
    );
    let column = super::column::fields(Beam::Electron, &cx);
    let kind = |name: &str| column.iter().find(|f| f.key == name).map(|f| f.kind.clone());
    assert_eq!(kind("voltage"), Some(crate::widget::form::Kind::Shown));
    assert!(matches!(kind("preset"), Some(crate::widget::form::Kind::Choice(words)) if words.len() == 2));
    assert!(
        super::column::fields(Beam::Ion, &cx).iter().all(|f| f.key != "preset"),
        "no presets there"
    );
}

#[test]
fn a_point_keeps_its_other_half() {
    let mut s = pictured();
    s.electron.as_mut().unwrap().value.settings.shift = model::Point { x: 1e-6, y: 2e-6 };
    let desk = crate::sample::desk("dark", false);
    let command = sent(super::column::set(
        Beam::Electron,
        "shift_y",
        &Value::Number(-3e-6),
        &desk.cx(&s),
    ))
    .remove(0);
    assert_eq!(command.args["value"], json!({"x": 1e-6, "y": -3e-6}));
}

#[test]
fn the_field_steps_and_stops_at_the_range() {
    let mut s = pictured();
    let mut ui = imaging(&s);
    let hfw = |effects: Vec<Effect>| {
        sent(effects)
            .first()
            .map(|c| (c.args["hfw"].as_f64().unwrap() * 1e6).round())
    };
    assert_eq!(hfw(press(&mut ui, "]", &s)), Some(200.0));
    assert_eq!(hfw(press(&mut ui, "[", &s)), Some(100.0));
    s.settings[0].hfw = 900e-6;
    assert_eq!(hfw(press(&mut ui, "]", &s)), None);
}

#[test]
fn a_picture_of_the_session_is_chosen_and_left_again() {
    let s = pictured();
    let mut ui = imaging(&s);
    let shown = |ui: &UiState| -> Vec<u64> {
        ui.draw(&s, ratatui::layout::Rect::new(0, 0, 120, 40))
            .placements
            .iter()
            .map(|(_, key)| key.frame)
            .collect()
    };
    press(&mut ui, "f Down Down Enter", &s);
    assert_eq!(shown(&ui), [3, 2], "the third from the newest is a FIB picture");
    press(&mut ui, "Esc End", &s);
    assert_eq!(shown(&ui), [3, 4]);
}

#[test]
fn settings_are_kept_and_come_back_without_their_area() {
    let s = pictured();
    let mut ui = imaging(&s);
    let command = Command::new("image.settings").with("beam", "ion").with("hfw", 80e-6);
    let id = ui.sent(&command);
    let settings = model::ImageSettings {
        beam_type: Beam::Ion,
        hfw: 80e-6,
        reduced_area: Some(model::Rect {
            left: 0.0,
            top: 0.0,
            width: 0.5,
            height: 0.5,
        }),
        ..Default::default()
    };
    let effects = ui.ended(id, &Ok(serde_json::to_value(&settings).unwrap()), &s);
    let [Effect::Remember { key, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(key, "imaging.ion");
    let back = settings::remembered(&ui.desk.remembered);
    assert_eq!(back.len(), 1);
    assert_eq!(
        (back[0].args["beam"].as_str(), back[0].args["hfw"].as_f64()),
        (Some("ion"), Some(80e-6))
    );
    assert!(!back[0].args.contains_key("reduced_area"));
    assert_eq!(settings::remembered(&Remembered::parse("imaging.ion: {hfw: x}")), []);
}

#[test]
fn screens() {
    let mut s = pictured();
    s.settings[0].reduced_area = Some(model::Rect {
        left: 0.25,
        top: 0.25,
        width: 0.5,
        height: 0.5,
    });
    for (w, h) in [(80, 24), (120, 40), (160, 50)] {
        let mut ui = imaging(&s);
        press(&mut ui, "Shift-Right Up r Shift-Down", &s);
        insta::assert_snapshot!(format!("picture_{w}x{h}"), screen(&ui, &s, w, h));
    }
    let mut ui = imaging(&s);
    press(&mut ui, "e Enter", &s);
    insta::assert_snapshot!("settings_80x24", screen(&ui, &s, 80, 24));
    let mut ui = imaging(&connected());
    press(&mut ui, "d", &connected());
    insta::assert_snapshot!("nothing_taken_120x40", screen(&ui, &connected(), 120, 40));
}

#[test]
fn only_a_console_on_an_untouched_twin_takes_a_first_look() {
    let looks = |change: fn(&mut Snapshot)| {
        let mut s = connected();
        s.control = None;
        change(&mut s);
        super::looks_first(&sample::desk("dark", false).cx(&s))
    };
    assert_eq!(looks(|_| {}), Some(true));
    assert_eq!(looks(|s| s.control = Some("console".to_owned())), Some(true), "mine");
    assert_eq!(looks(|s| s.control = Some("another".to_owned())), Some(false));
    assert_eq!(looks(|s| s.frames.push_back(sample::frame(1, None))), Some(false));
    assert_eq!(looks(|s| s.ion = None), None, "the beams are not known yet");
    let real = |s: &mut Snapshot| s.connection.as_mut().unwrap().capabilities.simulated = false;
    assert_eq!(looks(real), Some(false), "an instrument is only read");
}
