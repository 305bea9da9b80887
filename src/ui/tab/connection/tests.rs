use crate::effect::Effect;
use crate::sample::{connected, disconnected, press, state, type_text};
use crate::tab::TabId;
use engine::Command;

#[test]
fn the_selected_instrument_is_connected_where_the_session_says() {
    let s = disconnected();
    let mut ui = state(TabId::Connection, &s);
    assert_eq!(
        press(&mut ui, "c", &s),
        [Effect::Send(
            Command::new("system.connect").with("instrument", "sim-grid")
        )],
        "the one fibdeck was started with"
    );
    press(&mut ui, "Tab Enter", &s);
    type_text(&mut ui, "10.0.0.5", &s);
    press(&mut ui, "Tab", &s);
    type_text(&mut ui, "8001", &s);
    let effects = press(&mut ui, "Enter Shift-Tab Up Enter", &s);
    let wanted = Command::new("system.connect")
        .with("instrument", "my-microscope")
        .with("address", "10.0.0.5")
        .with("port", 8001);
    assert_eq!(effects, [Effect::Send(wanted)]);
}

#[test]
fn a_port_that_is_none_connects_nothing() {
    let s = disconnected();
    let mut ui = state(TabId::Connection, &s);
    press(&mut ui, "Tab Down Enter", &s);
    type_text(&mut ui, "80800", &s);
    assert_eq!(press(&mut ui, "Enter c", &s), []);
    assert_eq!(
        ui.desk.toasts.front().map(|(n, _)| n.title.as_str()),
        Some("`80800` is no port; nothing was connected")
    );
}

#[test]
fn the_form_of_a_new_instrument_is_the_table_of_the_model() {
    let s = disconnected();
    let mut ui = state(TabId::Connection, &s);
    press(&mut ui, "n Enter Ctrl-u", &s);
    type_text(&mut ui, "hydra-2", &s);
    let effects = press(&mut ui, "Enter End Enter", &s);
    let [Effect::CreateInstrument(answers)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let typed: Vec<(&str, &str)> = answers.iter().map(|(key, text)| (*key, text.as_str())).collect();
    let instrument = model::config::form::instrument(&typed).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(instrument.info.name, "hydra-2");
    assert_eq!(instrument.stage.shuttle_pre_tilt, 35.0);
}

#[test]
fn letters_in_the_form_of_a_new_instrument_are_no_commands() {
    let s = connected();
    let mut ui = state(TabId::Connection, &s);
    assert_eq!(press(&mut ui, "n v e i d p Down v", &s), []);
    assert_eq!(press(&mut ui, "Esc v n", &s), [], "closed; vent asked, and no");
}

#[test]
fn the_session_is_changed_by_its_command() {
    let s = connected();
    let mut ui = state(TabId::Connection, &s);
    press(&mut ui, "Shift-Tab Shift-Tab Down Enter Ctrl-u", &s);
    type_text(&mut ui, "B. Operator", &s);
    assert_eq!(
        press(&mut ui, "Enter", &s),
        [Effect::Send(Command::new("session.set").with("user", "B. Operator"))]
    );
}

#[test]
fn what_an_instrument_lacks_has_no_keys() {
    let mut s = connected();
    if let Some(connection) = &mut s.connection {
        connection.capabilities.chamber = None;
        connection.capabilities.ion = None;
    }
    let mut ui = state(TabId::Connection, &s);
    assert_eq!(press(&mut ui, "v p i B P h y", &s), []);
}
