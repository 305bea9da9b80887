//! Ctrl-C and the request to end, whenever they come: one press is enough.

use crate::run::Place;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command};

/// A script of these lines whose input stays open, once the first has ended.
fn begun(place: &Place, lines: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = place.start(&["script", "--demo", "--json"]);
    child.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert!(first.contains("stage.position"), "{first}");
    (child, out)
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// The exit code, the rest of stdout, and stderr. Its input is open all the while.
fn ended(mut child: Child, mut out: impl Read) -> (Option<i32>, String, String) {
    let _input = child.stdin.take();
    let (mut rest, mut err) = (String::new(), String::new());
    out.read_to_string(&mut rest).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (child.wait().unwrap().code(), rest, err)
}

#[test]
fn an_interrupt_stops_the_stage_and_the_script() {
    let place = Place::new();
    let moves = "stage.move-relative x=10mm\nstage.move-relative x=-10mm\n".repeat(2);
    let (child, out) = begun(&place, &format!("stage.position\n{moves}"));
    // during the first move, or just before it: no command after the press is sent
    send("-INT", &child);
    let (code, rest, err) = ended(child, out);
    assert_eq!(code, Some(130), "{rest} {err}");
    assert!(rest.lines().count() <= 1 && !rest.contains("\"ok\":true"), "{rest}");
    let told = format!("{rest}{err}");
    assert!(told.contains("at rest") || told.contains("nothing was sent"), "{told}");
    assert!(
        !told.contains("look at the stage"),
        "what stop came to is said once: {told}"
    );
}

#[test]
fn an_interrupt_between_two_commands_ends_the_script() {
    for signal in ["-INT", "-TERM"] {
        let place = Place::new();
        let (child, out) = begun(&place, "stage.position\n");
        send(signal, &child);
        let (code, rest, err) = ended(child, out);
        assert_eq!((code, rest.as_str()), (Some(130), ""), "{err}");
        assert!(err.contains("at rest"), "{err}");
    }
}
