use super::*;
use crate::action::ACTIONS;

fn chord(word: &str) -> Chord {
    word.parse().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_shipped_keys_are_in_order() {
    let (keymap, errors) = Keymap::load(None);
    assert_eq!(
        errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    for row in ACTIONS {
        assert!(
            keymap.bindings().iter().any(|b| b.action == row.action),
            "{} has no key",
            row.name
        );
    }
    for (i, row) in LAYERS.iter().enumerate() {
        assert_eq!(row.layer as usize, i);
        assert!(!keymap.of(row.layer).is_empty(), "{} has no keys", row.name);
    }
}

#[test]
fn every_layer_can_be_left() {
    let (keymap, _) = Keymap::load(None);
    for row in LAYERS.iter().filter(|row| row.closed) {
        assert_eq!(
            keymap.action(chord("Esc"), &[row.layer]),
            Some(Action::Close),
            "{}",
            row.name
        );
    }
}

#[test]
fn stop_works_in_every_layer_and_cannot_be_given_away() {
    let (keymap, errors) = Keymap::load(Some("global:\n  stop: 'F8'\nfield:\n  accept: 'F12 Enter'\n"));
    for row in LAYERS {
        for key in ["F12", "Ctrl-x", "F8"] {
            assert_eq!(
                keymap.action(chord(key), &[row.layer]),
                Some(Action::Stop),
                "{key} in {}",
                row.name
            );
        }
    }
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0].to_string(),
        "keymap, field: F12 is a Stop key everywhere and cannot be `accept`; the key was left out"
    );
}

#[test]
fn letters_are_text_where_text_is_typed() {
    let (keymap, _) = Keymap::load(None);
    let layers = [Layer::Field, Layer::Connection];
    assert_eq!(keymap.action(chord("v"), &layers), Some(Action::Type('v')));
    assert_eq!(keymap.action(chord("q"), &layers), Some(Action::Type('q')));
    assert_eq!(
        keymap.action(chord("F2"), &layers),
        None,
        "a closed layer lets nothing through"
    );
    assert_eq!(
        keymap.action(chord("v"), &[Layer::Form, Layer::Connection]),
        Some(Action::Vent)
    );
}

#[test]
fn a_users_keymap_replaces_keys_and_its_mistakes_are_told() {
    let text = "connection:\n  vent: 'Ctrl-v'\n  pump: 'Hyper-p p'\n  ventt: 'v'\n  acquire: 'v'\nconection:\n  vent: 'x'\nglobal:\n  help: 'F3'\n  notices: 'F3'\n";
    let (keymap, errors) = Keymap::load(Some(text));
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(
        said.iter()
            .any(|e| e.contains("no layer `conection`, did you mean `connection`?")),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|e| e.contains("no action `ventt`, did you mean `vent`?")),
        "{said:?}"
    );
    assert!(said.iter().any(|e| e.contains("`Hyper-p` is no key")), "{said:?}");
    assert!(
        said.iter().any(|e| e.contains("F3 is both `help` and `notices`")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|e| e.contains("`acquire` means nothing there")),
        "{said:?}"
    );
    assert_eq!(keymap.action(chord("Ctrl-v"), &[Layer::Connection]), Some(Action::Vent));
    assert_eq!(keymap.action(chord("v"), &[Layer::Connection]), None);
    let (keymap, errors) = Keymap::load(Some("- no\n- keymap\n"));
    assert_eq!(errors.len(), 1);
    assert_eq!(
        keymap.action(chord("v"), &[Layer::Connection]),
        Some(Action::Vent),
        "the shipped keys stay"
    );
}

#[test]
fn hints_show_keys_that_work() {
    let (keymap, _) = Keymap::load(None);
    assert_eq!(
        keymap
            .key(&Action::Stop, &[Layer::Field])
            .map(|k| k.to_string())
            .as_deref(),
        Some("F12")
    );
    assert_eq!(keymap.key(&Action::Help, &[Layer::Field]), None, "? is text there");
    assert_eq!(
        keymap.key(&Action::Help, &[Layer::Form, Layer::Connection]),
        Some(chord("?"))
    );
}
