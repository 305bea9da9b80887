//! The task as it is edited: stages, fields, files.

use super::{close, empty, lamella, loaded, milling, sent, settle, ui_says, with};
use crate::sample::{press, type_text};
use crate::widget::picture::fixture::{PIXEL, screen};
use engine::{Command, Failure, Snapshot};
use model::ErrorKind;
use pattern::MillingTask;
use serde_json::json;

#[test]
fn a_stage_is_added_from_the_list_at_the_cursor() {
    let s = empty();
    let mut ui = milling(&s);
    assert_eq!(press(&mut ui, "Shift-Tab Right Right Up a Down", &s), []);
    assert!(screen(&ui, &s, 120, 40).contains("which pattern?"));
    let task = loaded(press(&mut ui, "Down Down Enter", &s));
    assert_eq!(task.stages[0].pattern.name(), pattern::PATTERNS[3].name);
    // a step of the cursor is four pixels
    assert!(close(task.stages[0].pattern.place(), 8.0 * PIXEL, 4.0 * PIXEL));
    assert_eq!(press(&mut ui, "a Esc", &s), [], "nothing chosen, nothing added");
}

#[test]
fn stages_are_switched_copied_removed_and_put_in_order() {
    let s = with(lamella());
    let names = |task: MillingTask| task.stages.into_iter().map(|s| s.name).collect::<Vec<_>>();
    let after = |keys: &str| loaded(press(&mut milling(&s), keys, &s));
    assert!(!after("Space").stages[0].enabled);
    assert!(after("Down Down Space").stages[2].enabled);
    assert_eq!(names(after("d")), ["rough", "rough (2)", "fine", "polish"]);
    assert_eq!(names(after("Down x")), ["rough", "polish"]);
    assert_eq!(names(after("J")), ["fine", "rough", "polish"]);
    assert_eq!(names(after("Down Down K")), ["rough", "polish", "fine"]);
    assert_eq!(press(&mut milling(&s), "K", &s), [], "it is the first already");
}

#[test]
fn what_was_edited_can_be_taken_back() {
    let mut s = with(lamella());
    let mut ui = milling(&s);
    let effects = press(&mut ui, "x", &s);
    settle(&mut ui, effects, &mut s);
    assert_eq!(json!(loaded(press(&mut ui, "u", &s))), json!(lamella()));
    assert_eq!(press(&mut ui, "u", &s), [], "there is nothing more");
}

#[test]
fn edits_go_out_one_at_a_time_and_the_latest_wins() {
    let s = with(lamella());
    let mut ui = milling(&s);
    let first = sent(press(&mut ui, "Space", &s)).remove(0);
    let id = ui.sent(&first);
    assert_eq!(press(&mut ui, "Down Space Down Space", &s), [], "one is on its way");
    assert!(
        screen(&ui, &s, 120, 40).contains("1 of 3 on"),
        "the screen shows what was meant"
    );
    assert!(screen(&ui, &s, 120, 40).contains('…'));
    let task = loaded(ui.ended(id, &Ok(json!(null)), &s));
    assert_eq!(
        task.stages.iter().map(|s| s.enabled).collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[test]
fn an_edit_the_engine_does_not_take_is_said_and_never_milled() {
    let s = with(lamella());
    let mut ui = milling(&s);
    let command = sent(press(&mut ui, "d", &s)).remove(0);
    let id = ui.sent(&command);
    let failure = Failure::new(ErrorKind::File, "the picture mask.png was not read", "name another");
    ui.ended(id, &Err(failure), &s);
    assert!(screen(&ui, &s, 120, 40).contains("the picture mask.png was not read"));
    assert_eq!(press(&mut ui, "R y", &s), []);
}

#[test]
fn another_clients_task_is_taken_over() {
    let mut s = with(lamella());
    let mut ui = milling(&s);
    s.plan.as_mut().unwrap().task.stages[0].name = "from elsewhere".to_owned();
    ui.refresh(&s);
    assert!(ui_says(&ui, &s, "from elsewhere"));
}

#[test]
fn fields_show_units_and_limits_and_refuse_below_themselves() {
    let s = with(lamella());
    let mut ui = milling(&s);
    press(&mut ui, "Enter Down Down Enter", &s);
    assert!(ui_says(&ui, &s, "10nm to 1mm; width of both trenches"));
    press(&mut ui, "Ctrl-u", &s);
    type_text(&mut ui, "2mm", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    assert!(ui_says(&ui, &s, "2.00 mm is outside 10nm to 1mm"));
    press(&mut ui, "Ctrl-u", &s);
    type_text(&mut ui, "12um", &s);
    let task = loaded(press(&mut ui, "Enter", &s));
    assert_eq!(task.stages[0].pattern.get("width").unwrap(), "12um");
}

#[test]
fn only_this_instruments_beam_settings_are_there() {
    let mut s = with(lamella());
    let keys = "Enter Right";
    let shown = |s: &Snapshot| {
        let mut ui = milling(s);
        press(&mut ui, keys, s);
        screen(&ui, s, 160, 50)
    };
    let by_current = shown(&s);
    assert!(by_current.contains("Current") && !by_current.contains("Preset") && !by_current.contains("Spacing  0"));
    let milling = s.connection.as_mut().unwrap().capabilities.milling.as_mut().unwrap();
    milling.control = model::capabilities::MillingControl::Preset;
    milling.presets = vec!["30 keV; 2nA".to_owned(), "30 keV; 150 pA".to_owned()];
    let by_preset = shown(&s);
    assert!(by_preset.contains("Preset") && by_preset.contains("Rate") && !by_preset.contains(" Current "));
}

#[test]
fn tasks_are_loaded_and_saved_by_file() {
    let s = with(lamella());
    let mut ui = milling(&s);
    press(&mut ui, "l Ctrl-u", &s);
    type_text(&mut ui, "protocol.yaml name=mill_rough", &s);
    let load = Command::new("milling.load")
        .with("source", "protocol.yaml")
        .with("name", "mill_rough");
    assert_eq!(sent(press(&mut ui, "Enter", &s)), [load]);
    let save = sent(press(&mut ui, "s Enter", &s)).remove(0);
    assert_eq!(save.name, "milling.save");
    assert!(save.args["path"].as_str().unwrap().ends_with("lamella.yaml"));
    let id = ui.sent(&save);
    ui.ended(id, &Ok(json!({ "file": "session/lamella.yaml" })), &s);
    assert!(ui_says(&ui, &s, "milling task written to session/lamella.yaml"));
}

#[test]
fn the_task_is_cleared_and_brought_back() {
    let mut s = with(lamella());
    let mut ui = milling(&s);
    let clear = sent(press(&mut ui, "C", &s)).remove(0);
    assert_eq!(clear, Command::new("milling.clear"));
    let id = ui.sent(&clear);
    s.plan = None;
    ui.ended(id, &Ok(json!(null)), &s);
    ui.refresh(&s);
    assert!(ui_says(&ui, &s, "no milling task"));
    assert_eq!(press(&mut ui, "C", &s), [], "there is nothing to clear");
    assert_eq!(json!(loaded(press(&mut ui, "u", &s))), json!(lamella()));
}
