//! The needle's guided procedures by commands and answers, as a client leads them.

use super::{Bench, until, wait};
use crate::Command;
use crate::command::{Failure, parse};
use model::ErrorKind;
use serde_json::{Value, json};

/// Runs a line and answers its questions in this order, then for ever with the last; a number behind a word says how far, m.
fn guided(bench: &Bench, line: &str, answers: &[&str]) -> Result<Value, Failure> {
    let link = bench.link();
    wait(async {
        let job = link.send(parse::line(line).unwrap());
        let mut ended = std::pin::pin!(job.ended());
        let mut asked = 0;
        loop {
            tokio::select! {
                result = &mut ended => return result,
                () = until(&link, |s| s.question.is_some()) => {
                    let question = link.snapshot().question.clone().unwrap();
                    let answer = answers[asked.min(answers.len() - 1)];
                    let (word, by) = answer.split_once(' ').unzip();
                    let mut answer = Command::new("answer").with("id", question.id).with("choice", word.unwrap_or(answer));
                    if let Some(by) = by {
                        answer = answer.with("data", json!({ "by": by.parse::<f64>().unwrap() }));
                    }
                    link.run(answer).await.unwrap();
                    asked += 1;
                    assert!(asked < 30);
                }
            }
        }
    })
}

#[test]
fn where_the_tip_was_found_is_remembered_and_used_the_next_time() {
    let bench = Bench::new();
    bench
        .lines(&[
            "system.connect",
            "image.settings beam=electron resolution=384x256",
            "image.settings beam=ion resolution=384x256",
        ])
        .unwrap();
    let found = guided(&bench, "manipulator.reset", &["start", "right", "centred"]).unwrap();
    let x = |value: &Value| value["position"]["x"].as_f64().unwrap();
    assert!((x(&found) - 40e-6).abs() < 1e-9, "{found}");
    let list = bench.lines(&["manipulator.list"]).unwrap();
    assert_eq!(list["saved"], json!([["EUCENTRIC", found["position"]]]));
    let again = guided(
        &bench,
        "manipulator.sharpen",
        &["start", "centred", "centred", "centred", "centred", "done"],
    );
    assert!(
        (x(&again.unwrap()) - 40e-6).abs() < 1e-9,
        "it goes where the tip was found"
    );

    // how far it goes is the operator's: a way across more than the field is none, and nothing moves
    let further = guided(
        &bench,
        "manipulator.reset",
        &["start", "right 12e-6", "right 1.0", "centred"],
    )
    .unwrap();
    assert!((x(&further) - 52e-6).abs() < 1e-9, "{further}");
    let list = bench.lines(&["manipulator.list"]).unwrap();

    let failure = guided(&bench, "manipulator.reset", &["start", "cancel"]).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Stopped, "{failure}");
    assert_eq!(bench.link().snapshot().owed, Vec::<String>::new());
    assert_eq!(bench.lines(&["manipulator.list"]).unwrap(), list);
    let failure = bench.lines(&["manipulator.prepare loaded=true"]).unwrap_err();
    assert!(failure.hint.contains("milling.load"), "{failure}");
}
