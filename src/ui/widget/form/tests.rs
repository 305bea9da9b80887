use super::*;
use crate::canvas::Canvas;
use crate::theme::Themes;
use ratatui::layout::Rect;

fn form() -> Form {
    let current = Kind::Number {
        unit: Unit::Ampere,
        low: 0.0,
        high: 1e-6,
        choices: vec![20e-12, 60e-12, 0.74e-9],
    };
    Form::new(
        "test",
        vec![
            Field::new("hfw", "field", Kind::length(1e-6, 900e-6)).value(Value::Number(150e-6)),
            Field::new("current", "current", current).value(Value::Number(60e-12)),
            Field::new("auto", "autocontrast", Kind::Bool).value(Value::Bool(false)),
            Field::new("size", "size", Kind::Size(vec![(768, 512), (1536, 1024)])).value(Value::Size(768, 512)),
            Field::new("tilt", "tilt", Kind::number(Unit::Radian, -0.2, 1.1)).value(Value::Number(0.0)),
            Field::new("frames", "frames", Kind::Count { low: 1, high: 255 }).value(Value::Number(1.0)),
            Field::new("mode", "mode", Kind::Choice(vec!["SE".to_owned(), "BSE".to_owned()]))
                .value(Value::Text("SE".to_owned())),
        ],
    )
}

fn run(form: &mut Form, actions: &[Action]) -> Outcome {
    actions.iter().fold(Outcome::Ignored, |_, action| form.update(action))
}

fn retype(form: &mut Form, key: &str, text: &str) -> Outcome {
    form.edit(key);
    form.update(&Action::EraseLine);
    text.chars().for_each(|c| {
        form.update(&Action::Type(c));
    });
    form.update(&Action::Accept)
}

#[test]
fn a_value_is_typed_in_any_unit() {
    let mut form = form();
    assert_eq!(
        retype(&mut form, "hfw", "0.08 mm"),
        Outcome::Set {
            key: "hfw",
            value: Value::Number(80e-6)
        }
    );
    assert_eq!(
        retype(&mut form, "size", "1536x1024"),
        Outcome::Set {
            key: "size",
            value: Value::Size(1536, 1024)
        }
    );
    assert_eq!(
        retype(&mut form, "frames", "8"),
        Outcome::Set {
            key: "frames",
            value: Value::Number(8.0)
        }
    );
    assert_eq!(
        retype(&mut form, "mode", "bse"),
        Outcome::Set {
            key: "mode",
            value: Value::Text("BSE".to_owned())
        }
    );
    assert!(!form.editing());
}

#[test]
fn what_makes_no_sense_stays_in_the_field_with_the_reason() {
    let mut form = form();
    let rows = [
        ("hfw", "10m", "10.0 m is outside 1um to 900um"),
        ("hfw", "nan", "`nan` is not a finite length: write one like 20um"),
        ("current", "1nA", "there is no 1.00 nA here, the nearest is 0.74 nA"),
        ("size", "0x5", "`0x5` is no size like 1536x1024"),
        ("frames", "0", "`0` is no whole number from 1 to 255"),
        ("mode", "BSEE", "`BSEE` is none of these, did you mean BSE?"),
        ("tilt", "52", "52 rad is more than a full turn: did you mean 52deg?"),
    ];
    for (key, text, reason) in rows {
        assert_eq!(retype(&mut form, key, text), Outcome::Handled, "{key} {text}");
        assert_eq!(form.edit.as_ref().and_then(|e| e.error.as_deref()), Some(reason));
        form.update(&Action::Close);
        assert!(!form.editing());
    }
}

#[test]
fn escape_puts_the_old_value_back_and_an_unchanged_one_is_not_sent() {
    let mut form = form();
    form.edit("hfw");
    assert_eq!(run(&mut form, &[Action::Type('9'), Action::Close]), Outcome::Handled);
    assert_eq!(form.field("hfw").map(|f| f.value.clone()), Some(Value::Number(150e-6)));
    form.edit("hfw");
    assert_eq!(form.update(&Action::Accept), Outcome::Handled);
}

#[test]
fn arrows_step_by_a_sensible_digit() {
    let mut form = form();
    let mut step = |key: &str, actions: &[Action]| {
        form.abandon();
        form.edit(key);
        run(&mut form, actions);
        form.edit
            .as_ref()
            .map(|e| e.input.value().to_owned())
            .unwrap_or_default()
    };
    assert_eq!(step("hfw", &[Action::Up]), "160um");
    assert_eq!(step("hfw", &[Action::Down, Action::Down]), "130um");
    assert_eq!(
        step("hfw", &[Action::StepMore, Action::StepMore, Action::StepLess]),
        "250um"
    );
    assert_eq!(step("current", &[Action::Up]), "740pA");
    assert_eq!(step("current", &[Action::Down, Action::Down]), "20pA");
    assert_eq!(step("size", &[Action::Up, Action::Up]), "1536x1024");
    assert_eq!(step("tilt", &[Action::Up, Action::Up]), "2deg");
    assert_eq!(step("frames", &[Action::StepMore]), "11");
    assert_eq!(step("mode", &[Action::Down]), "BSE");
}

#[test]
fn a_switch_is_thrown_at_once_and_the_snapshot_decides_what_is_shown() {
    let mut form = form();
    form.selected = 2;
    assert_eq!(
        form.update(&Action::Accept),
        Outcome::Set {
            key: "auto",
            value: Value::Bool(true)
        }
    );
    assert_eq!(
        form.field("auto").map(|f| f.value.clone()),
        Some(Value::Bool(false)),
        "until the event arrives"
    );
}

#[test]
fn tab_takes_a_value_and_edits_the_next() {
    let mut form = form();
    form.edit("hfw");
    assert_eq!(
        run(&mut form, &[Action::Up, Action::NextField]),
        Outcome::Set {
            key: "hfw",
            value: Value::Number(160e-6)
        }
    );
    assert!(form.editing());
    assert_eq!(form.selected().map(|f| f.key), Some("current"));
}

#[test]
fn pasted_text_is_bounded_and_any_size_can_be_drawn() {
    let mut form = form();
    let theme = Themes::load(None).0.get("dark").0;
    form.edit("hfw");
    form.update(&Action::Paste("7".repeat(5000)));
    for width in [1, 5, 20, 80, 250] {
        for height in [1, 2, 9] {
            let mut canvas = Canvas::new(Rect::new(0, 0, width, height));
            form.draw(true, &theme, Rect::new(0, 0, width, height), &mut canvas);
        }
    }
    assert!(
        form.edit
            .as_ref()
            .is_some_and(|e| e.input.value().chars().count() <= 1000)
    );
}

#[test]
fn what_was_there_is_selected_and_typing_replaces_it() {
    let typed = |actions: &[Action]| {
        let mut form = form();
        form.edit("hfw");
        run(&mut form, actions);
        form.edit.unwrap().input.value().to_owned()
    };
    let old = typed(&[]);
    assert_eq!(typed(&[Action::Type('8'), Action::Type('0')]), "80");
    assert_eq!(typed(&[Action::Paste("1 um".to_owned())]), "1 um");
    assert_eq!(typed(&[Action::Backspace]), "");
    assert_eq!(
        typed(&[Action::End, Action::Type('x')]),
        format!("{old}x"),
        "a cursor key keeps it"
    );
    assert_eq!(typed(&[Action::Type('8'), Action::Type('0'), Action::Backspace]), "8");
}

#[test]
fn labels_stay_whole_and_columns_give_way_to_them() {
    let length = |key, label| Field::new(key, label, Kind::length(1e-8, 1e-3)).value(Value::Number(5e-6));
    let words = vec!["Rectangle".to_owned(), "CleaningCrossSection".to_owned()];
    let form = Form::new(
        "test",
        vec![
            length("width", "Width"),
            length("depth", "Depth"),
            length("upper", "Upper trench height"),
            length("lower", "Lower trench height"),
            Field::new("section", "Cross section", Kind::Choice(words)).value(Value::Text("Rectangle".to_owned())),
            length("x", "x"),
        ],
    );
    for width in [36, 58, 76, 100] {
        let height = form.height(width);
        let area = Rect::new(0, 0, width, height);
        let mut canvas = Canvas::new(area);
        let theme = Themes::load(None).0.get("mono").0;
        form.draw(true, &theme, area, &mut canvas);
        let text = crate::sample::shown(&canvas);
        for whole in [
            "Upper trench height 5.00 um",
            "Lower trench height 5.00 um",
            "Rectangle",
            "x",
        ] {
            assert!(text.contains(whole), "{width}: {whole} in\n{text}");
        }
    }
    assert!(form.height(100) < form.height(36));
}

#[test]
fn a_computed_value_is_edited_in_digits_a_person_would_type() {
    let tilt =
        Field::new("tilt", "tilt", Kind::number(Unit::Radian, 0.0, 1.6)).value(Value::Number(0.6632251157578452));
    let width = Field::new("w", "w", Kind::length(0.0, 1.0)).value(Value::Number(12.0 * 97.65624999999999e-9));
    let mut form = Form::new("test", vec![tilt, width]);
    form.edit("tilt");
    assert_eq!(form.edit.as_ref().unwrap().input.value(), "38deg");
    assert_eq!(form.update(&Action::Accept), Outcome::Handled, "looked at, not changed");
    form.edit("w");
    assert_eq!(form.edit.as_ref().unwrap().input.value(), "1.171875um");
}
