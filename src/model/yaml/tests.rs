//! Documents: traps, places, errors, and what is written read back.

use super::*;
use serde::Deserialize;
use serde_json::{Value, json};

fn traps(text: &str) -> Vec<(usize, String)> {
    Document::parse(text, "a.yaml")
        .unwrap()
        .traps
        .into_iter()
        .map(|t| (t.line, t.key))
        .collect()
}

#[test]
fn traps_are_told_once_with_line_and_key() {
    let text =
        "a: 2e-9\nion:\n    plasma_gas: None\n    hfw: 1\n    hfw: 1.0e-06\nlist: [1, 010]\nt: !!python/tuple [1, 2]\n";
    assert_eq!(
        traps(text),
        [(1, "a"), (3, "ion.plasma_gas"), (5, "ion.hfw"), (6, "list.1"), (7, "t")].map(|(l, k)| (l, k.to_owned()))
    );
    let (value, _) = read_value(text).unwrap();
    assert_eq!(
        value,
        json!({"a": 2e-9, "ion": {"plasma_gas": null, "hfw": 1e-6}, "list": [1, 10], "t": [1, 2]})
    );
}

#[test]
fn an_alias_of_a_trap_is_not_told_twice() {
    assert_eq!(traps("a: &x {b: 1e5}\nc: *x\nd: *x\n").len(), 1);
}

#[test]
fn merge_keys_fill_in() {
    let (value, traps) =
        read_value("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo:\n  <<: [*b, {z: 4, x: 9}]\n").unwrap();
    assert_eq!(
        (&value["one"], &value["two"]),
        (&json!({"y": 3, "x": 1}), &json!({"x": 1, "y": 2, "z": 4}))
    );
    assert!(traps.is_empty());
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Sample {
    name: String,
    size: (u32, u32),
    hfw: f64,
    beam: Option<crate::Beam>,
    kind: Option<Choice>,
    inner: Option<Box<Sample>>,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Choice {
    Plain,
    One(f64),
    Two { a: u8 },
}

#[test]
fn structs_are_read_as_meant() {
    let sample: Sample = read(
        "name: 1e5\nsize: [1536.0, '1024']\nhfw: '2e-9'\nbeam: Electron\nkind: {Two: {a: 3}}\ninner:\n  kind: Plain",
    )
    .unwrap();
    assert_eq!(
        (sample.name.as_str(), sample.size, sample.hfw),
        ("1e5", (1536, 1024), 2e-9)
    );
    assert_eq!(
        (sample.beam, sample.kind),
        (Some(crate::Beam::Electron), Some(Choice::Two { a: 3 }))
    );
    assert_eq!(sample.inner.unwrap().kind, Some(Choice::Plain));
    assert_eq!(read::<Sample>("name: None").unwrap().name, "None");
    assert_eq!(read::<Sample>("").unwrap(), Sample::default());
    assert_eq!(read::<Sample>("kind: {One: 2}").unwrap().kind, Some(Choice::One(2.0)));
}

#[test]
fn errors_say_where_and_what() {
    for (text, message) in [
        ("name: a\nhwf: 3", "x.yaml:2:1: no key `hwf` here: did you mean `hfw`?"),
        (
            "inner:\n  hfw: wide",
            "x.yaml:2:8: this is string \"wide\", it should be f64",
        ),
        (
            "inner:\n  size: [1, -5]",
            "x.yaml:2:13: invalid value: integer `-5`, expected u32",
        ),
        (
            "inner:\n  size: [1]",
            "x.yaml:2:9: invalid length 1, expected a tuple of size 2",
        ),
        ("beam: proton", "x.yaml:1:7: `proton` is no beam: say electron or ion"),
        ("kind: {Plain: 3}", "x.yaml:1:15: `Plain` takes no values"),
        ("kind: Three", "x.yaml:1:7: `Three` is not one of Plain, One, Two"),
        ("kind: One", "x.yaml:1:7: `One` needs values"),
    ] {
        let error = Document::parse(text, "x.yaml").unwrap().to::<Sample>().unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn broken_documents_are_errors_with_a_place() {
    for text in [
        "a: [1, 2",
        "a: 'x",
        "a: 1\n b: 2",
        "a: 1\n---\nb: 2",
        "[a]: 1",
        "a: *nothing",
        "%YAML 9\n",
    ] {
        let error = Document::parse(text, "x.yaml").unwrap_err();
        assert!(
            error.line > 0 && error.to_string().starts_with("x.yaml:"),
            "{text:?}: {error}"
        );
    }
    assert!(Document::load(Path::new("no/such.yaml")).is_err());
}

#[test]
fn a_small_file_cannot_ask_for_a_large_memory() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let items = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{items}]\n"));
    }
    assert!(Document::parse(&bomb, "x").unwrap_err().what.contains("too large"));
    assert!(Document::parse(&"[".repeat(20_000), "x").is_err());
    let mut ladder = "a0: &a0 [x]\n".to_owned();
    for i in 1..400 {
        ladder.push_str(&format!("a{i}: &a{i} [*a{}]\n", i - 1));
    }
    assert!(Document::parse(&ladder, "x").is_err());
}

#[test]
fn what_is_written_is_read_back() {
    let value = json!({
        "floats": [1e-6, 1.0 / 3.0, 1e300, -0.5, 5e-324, 3.0, 123456789.125],
        "ints": [0, -7, 9007199254740993_i64],
        "words": ["on", "yes", "No", "null", "~", "12:30", "1_000", "=", "<<", "2024-01-01", "0644", "1e5", "1.0e+5",
                  "", " a ", "a: b", "# c", "- d", "'", "\"", "\\", "line\nbreak\n", "tab\t", "\u{1f40c}\u{7}", "!x", "&x", "*x", "%", "@", "`", "nan", ".nan", "0x1f", "true", "{}", "[]", "-", "?", "|", ">"],
        "empty": {}, "none": null, "list": [], "deep": [{"a": [{"b": true}]}, [[1]]],
        "on": false, "1": 2, "a: b": 3, "null": 4,
    });
    let text = write(&value).unwrap();
    let (back, traps) = read_value(&text).unwrap();
    assert_eq!(back, value, "{text}");
    assert!(traps.is_empty(), "{traps:?}");
}

proptest::proptest! {
    #[test]
    fn any_text_and_number_survives(words in proptest::collection::vec(".{0,12}", 1..5), x in proptest::num::f64::NORMAL, n: i64) {
        let value = json!({"words": words, "x": x, "n": n, words[0].clone(): 1});
        let text = write(&value).unwrap();
        proptest::prop_assert_eq!(read_value(&text).unwrap().0, value);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[-a-c0-9:{}\\[\\],&*!|>'\"%@`#~?<= \n\t.e+_]{0,60}") {
        let _ = read_value(&text);
    }
}

#[test]
fn layers_lie_over_each_other() {
    let mut tree = Document::parse("a: {x: 1, y: 2}\nlist: [1]\nkeep: 1", "default")
        .unwrap()
        .root;
    tree.overlay(
        Document::parse("a: {y: 3}\nlist: [2, 3]\nkeep:\nnew: 4", "user")
            .unwrap()
            .root,
    );
    tree.set("a.x", Node::from_value(&json!(9), &Arc::from("session")));
    tree.set("b.c.d", Node::from_value(&json!(1), &Arc::from("session")));
    assert_eq!(
        tree.value(),
        json!({"a": {"x": 9, "y": 3}, "list": [2, 3], "keep": Value::Null, "new": 4, "b": {"c": {"d": 1}}})
    );
    assert_eq!(tree.find("a.y").unwrap().place(), "user:1");
    assert_eq!(tree.find("a.x").unwrap().place(), "session");
}
