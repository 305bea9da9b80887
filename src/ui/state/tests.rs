mod leaving;

use super::*;
use crate::sample::{NOON, asking, connected, desk, disconnected, press, shown, state, type_text, working};
use engine::command::{parse, rows};
use model::Severity;
use ratatui::layout::Rect;

fn sends(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|e| {
            if let Effect::Send(c) = e {
                Some(c.name.as_str())
            } else {
                None
            }
        })
        .collect()
}

fn screen(state: &UiState, snapshot: &Snapshot, width: u16, height: u16) -> String {
    shown(&state.draw(snapshot, Rect::new(0, 0, width, height)))
}

#[test]
fn stop_is_first_everywhere() {
    let s = asking();
    for opening in [
        "",
        ":",
        ": s t",
        "?",
        "N",
        "J",
        "A",
        "1 Tab Enter",
        "1 n Enter",
        "1 v",
        "1 Tab Tab Tab Enter",
    ] {
        for stop in ["F12", "Ctrl-x"] {
            let mut ui = state(TabId::Connection, &s);
            press(&mut ui, opening, &s);
            assert_eq!(press(&mut ui, stop, &s), [Effect::Stop], "after `{opening}`");
        }
    }
}

#[test]
fn a_paste_is_text_where_text_is_typed_and_nothing_elsewhere() {
    let s = connected();
    let mut ui = state(TabId::Connection, &s);
    assert_eq!(ui.paste("v\ny\u{18}F12", &s), []);
    assert!(ui.dialogs.is_empty(), "no letter of it was a key");
    press(&mut ui, ":", &s);
    assert_eq!(ui.paste("chamber.vent\n\u{1b}[24~", &s), []);
    assert!(
        screen(&ui, &s, 80, 24).contains("chamber.vent [24~"),
        "control characters are gone"
    );
}

#[test]
fn what_cannot_be_taken_back_wants_a_y_and_enter_is_no_y() {
    let s = connected();
    for (key, command) in [
        ("v", "chamber.vent"),
        ("p", "chamber.pump"),
        ("B", "beam.unblank"),
        ("a", "system.apply-configuration"),
    ] {
        let mut ui = state(TabId::Connection, &s);
        assert_eq!(press(&mut ui, key, &s), [], "{key} only asks");
        assert_eq!(press(&mut ui, "Enter Space Enter", &s), []);
        assert_eq!(sends(&press(&mut ui, "y", &s)), [command]);
        assert!(ui.dialogs.is_empty());
        for no in ["n", "Esc"] {
            press(&mut ui, key, &s);
            assert_eq!(press(&mut ui, no, &s), []);
            assert_eq!(press(&mut ui, "y", &s), [], "it is closed");
        }
    }
}

#[test]
fn the_palette_asks_like_any_other() {
    let s = connected();
    let mut ui = state(TabId::Log, &s);
    press(&mut ui, ":", &s);
    type_text(&mut ui, "stage.move-absolute x=1mm", &s);
    let effects = press(&mut ui, "Enter", &s);
    assert_eq!(sends(&effects), Vec::<&str>::new());
    assert!(screen(&ui, &s, 80, 24).contains("x 1.00 mm   (now x 0.00 m)"));
    let effects = press(&mut ui, "y", &s);
    assert_eq!(
        effects,
        [Effect::Send(parse::line("stage.move-absolute x=1mm").unwrap())]
    );
}

#[test]
fn the_palette_completes_remembers_and_tells_mistakes() {
    let s = connected();
    let mut ui = state(TabId::Log, &s);
    press(&mut ui, ":", &s);
    type_text(&mut ui, "sys.ge", &s);
    press(&mut ui, "Tab", &s);
    type_text(&mut ui, "key=hfw beam=el", &s);
    press(&mut ui, "Tab", &s);
    let effects = press(&mut ui, "Enter", &s);
    assert_eq!(
        effects[0],
        Effect::Send(parse::line("system.get key=hfw beam=electron").unwrap())
    );
    assert!(matches!(&effects[1], Effect::Remember { key, .. } if key == "palette.history"));
    press(&mut ui, ": Up", &s);
    assert!(screen(&ui, &s, 80, 24).contains(":system.get key=hfw beam=electron"));
    press(&mut ui, "Esc :", &s);
    type_text(&mut ui, "stage.move-relative x=20uA", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    assert!(screen(&ui, &s, 120, 40).contains("no unit of length"));
}

#[test]
fn escape_only_closes() {
    let s = working();
    let mut ui = state(TabId::Connection, &s);
    for _ in 0..5 {
        assert_eq!(press(&mut ui, "Esc", &s), []);
    }
    for open in ["?", ":", "N", "J"] {
        press(&mut ui, open, &s);
        assert_eq!(press(&mut ui, "Esc", &s), []);
        assert!(ui.dialogs.is_empty());
    }
}

#[test]
fn a_question_is_answered_by_choosing_first() {
    let s = asking();
    let mut ui = state(TabId::Connection, &s);
    assert_eq!(press(&mut ui, "A Enter", &s), [], "nothing is chosen");
    let effects = press(&mut ui, "Down Down Enter", &s);
    assert_eq!(
        effects,
        [Effect::Send(
            engine::Command::new("answer").with("id", 12).with("choice", "again")
        )]
    );
    press(&mut ui, "Esc", &s);
    assert_eq!(
        sends(&press(&mut ui, "e", &s)),
        ["beam.off"],
        "the tab has its keys again"
    );
}

#[test]
fn jobs_are_stopped_from_their_list() {
    let s = working();
    let mut ui = state(TabId::Log, &s);
    assert_eq!(
        press(&mut ui, "J s", &s),
        [Effect::Send(engine::Command::new("job.stop").with("id", 3))]
    );
    assert_eq!(sends(&press(&mut ui, "p", &s)), ["job.pause"]);
}

#[test]
fn every_command_of_the_connection_tab_is_one_the_engine_takes() {
    let mut s = connected();
    let mut ui = state(TabId::Connection, &s);
    let mut all = press(&mut ui, "c d p y v y b B y i a y h e", &s);
    s.electron.as_mut().unwrap().value.on = false;
    all.extend(press(&mut ui, "e y", &s));
    let names = sends(&all);
    for wanted in [
        "system.connect",
        "system.disconnect",
        "chamber.pump",
        "chamber.vent",
        "beam.blank",
        "beam.off",
        "beam.on",
        "chamber.picture",
    ] {
        assert!(names.contains(&wanted), "{wanted} in {names:?}");
    }
    for effect in &all {
        if let Effect::Send(command) = effect {
            parse::check(command.clone()).unwrap_or_else(|e| panic!("{e}"));
        }
    }
    assert!(rows().count() > 30);
}

#[test]
fn the_end_of_a_command_is_told_and_pending_until_then() {
    let s = connected();
    let mut ui = state(TabId::Connection, &s);
    let effects = press(&mut ui, "e", &s);
    let Effect::Send(command) = &effects[0] else {
        panic!("{effects:?}")
    };
    let id = ui.sent(command);
    assert!(screen(&ui, &s, 80, 24).contains("… beam.off"));
    let failure = Failure::new(
        model::ErrorKind::Busy,
        "busy: plasma gas Argon runs; nothing was sent",
        "wait, or stop it",
    );
    ui.ended(id, &Err(failure), &s);
    let text = screen(&ui, &s, 80, 24);
    assert!(text.contains("busy: plasma gas Argon runs") && !text.contains("… beam.off"));
}

#[test]
fn what_is_typed_for_its_answer_is_answered_on_the_screen() {
    let s = connected();
    let mut ui = state(TabId::Log, &s);
    press(&mut ui, ":", &s);
    type_text(&mut ui, "truth", &s);
    let effects = press(&mut ui, "Enter", &s);
    assert_eq!(sends(&effects), ["truth"]);
    let id = ui.sent(&parse::line("truth").unwrap());
    let answer = serde_json::json!({ "sites": [{ "name": "l1", "thickness_m": { "mean": 2.97e-7 } }] });
    ui.ended(id, &Ok(answer.clone()), &s);
    let text = screen(&ui, &s, 80, 24);
    assert!(text.contains("sites.0.thickness_m.mean  2.97e-7"), "{text}");
    press(&mut ui, "Esc", &s);
    assert!(!screen(&ui, &s, 80, 24).contains("sites.0"));
    // one that nobody typed is no news, and one that comes while something is asked waits for nobody
    let id = ui.sent(&parse::line("truth").unwrap());
    ui.ended(id, &Ok(answer), &s);
    assert!(!screen(&ui, &s, 80, 24).contains("sites.0"));
}

#[test]
fn old_values_show_their_age() {
    let s = connected();
    let mut desk = desk("dark", false);
    desk.now = NOON + 75.0;
    let ui = UiState::new(desk, TabId::Log, &s);
    assert!(screen(&ui, &s, 120, 40).contains("on blanked ~75 s"));
}

#[test]
fn the_next_keys_have_keys_and_stop_comes_last() {
    for s in [disconnected(), connected(), asking()] {
        for row in TABS {
            let ui = state(row.id, &s);
            for width in [80, 120] {
                let text = screen(&ui, &s, width, 24);
                let last = text.lines().last().unwrap_or_default().trim_matches('"').trim_end();
                assert!(last.ends_with("F12 STOP"), "{}: {last}", row.name);
            }
        }
    }
}

#[test]
fn every_size_can_be_drawn() {
    for s in [disconnected(), connected(), working(), asking()] {
        for row in TABS {
            for open in ["", "?", ":", "N", "J", "1 v", "1 n"] {
                let mut ui = state(row.id, &s);
                press(&mut ui, open, &s);
                for (width, height) in [(1, 1), (20, 5), (39, 9), (40, 10), (60, 15), (80, 24), (250, 80)] {
                    let text = screen(&ui, &s, width, height);
                    assert!(width < 20 || text.contains("STOP"), "{width}x{height}");
                }
            }
        }
    }
}

#[test]
fn hostile_names_cannot_reach_the_terminal() {
    let mut s = asking();
    let evil = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}x";
    s.instrument = evil.to_owned();
    s.session.folder = evil.to_owned();
    s.control = Some(evil.to_owned());
    s.jobs[0].title = evil.to_owned();
    if let Some(question) = &mut s.question {
        question.text = evil.to_owned();
        question.choices[0] = (evil.to_owned(), evil.to_owned());
    }
    s.notices.push_back(engine::snapshot::NoticeEntry {
        id: 1,
        time: NOON,
        notice: Notice::new(Severity::Alarm, evil).detail(evil).hint(evil),
        seen: false,
    });
    for row in TABS {
        for open in ["", "N", "J", "A"] {
            let mut ui = state(row.id, &s);
            press(&mut ui, open, &s);
            let text = screen(&ui, &s, 120, 40);
            assert!(
                !text.chars().any(|c| c != '\n' && c.is_control()),
                "{} {open}",
                row.name
            );
        }
    }
}

#[test]
fn screens() {
    let sizes = [(80, 24), (120, 40), (160, 50), (40, 10), (20, 5)];
    let snapshots = [
        ("disconnected", disconnected()),
        ("connected", connected()),
        ("working", working()),
        ("asking", asking()),
    ];
    for (name, snapshot) in &snapshots {
        for (width, height) in sizes {
            let ui = state(TabId::Connection, snapshot);
            insta::assert_snapshot!(
                format!("connection_{name}_{width}x{height}"),
                screen(&ui, snapshot, width, height)
            );
        }
    }
}

#[test]
fn popups() {
    let s = working();
    for (name, keys) in [
        ("help", "?"),
        ("palette", ": s t a"),
        ("jobs", "J"),
        ("notices", "N"),
        ("confirm", "v"),
        ("new", "n Down Enter"),
    ] {
        let mut ui = state(TabId::Connection, &s);
        ui.desk.toasts.tell(
            Notice::new(Severity::Warning, "a detector is not as configured").hint("look at Connection"),
            NOON,
        );
        press(&mut ui, keys, &s);
        insta::assert_snapshot!(format!("popup_{name}_80x24"), screen(&ui, &s, 80, 24));
    }
}

/// Looks of single cells, where they are not plain.
fn looks(ui: &UiState, snapshot: &Snapshot) -> String {
    let canvas = ui.draw(snapshot, Rect::new(0, 0, 80, 24));
    let mut seen: Vec<String> = Vec::new();
    for cell in canvas.buffer.content() {
        let look = format!("{:?} on {:?} {:?}", cell.fg, cell.bg, cell.modifier);
        if !seen.contains(&look) {
            seen.push(look);
        }
    }
    seen.sort();
    seen.join("\n")
}

#[test]
fn sixteen_colours_and_none() {
    let s = asking();
    let ansi = looks(&UiState::new(desk("ansi", false), TabId::Connection, &s), &s);
    assert!(!ansi.contains("Rgb") && !ansi.contains("Indexed"), "{ansi}");
    let none = looks(&UiState::new(desk("dark", true), TabId::Connection, &s), &s);
    assert!(none.lines().all(|look| look.starts_with("Reset on Reset")), "{none}");
    insta::assert_snapshot!("looks_16_colours", ansi);
    insta::assert_snapshot!("looks_no_colour", none);
}

#[test]
fn the_theme_is_changed_and_remembered() {
    let s = connected();
    let mut ui = state(TabId::Log, &s);
    let effects = press(&mut ui, "Ctrl-t", &s);
    assert!(effects.contains(&Effect::Remember {
        key: "theme".to_owned(),
        value: "light".into()
    }));
    assert_eq!(ui.desk.theme.name, "light");
    assert_eq!(
        press(&mut ui, "1", &s),
        [Effect::Remember {
            key: "tab".to_owned(),
            value: "connection".into()
        }]
    );
}
