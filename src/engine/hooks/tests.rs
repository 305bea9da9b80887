use super::*;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

/// No pauses.
const AT_ONCE: &[Duration] = &[Duration::ZERO, Duration::ZERO];

fn alarm(title: &str) -> Occasion {
    Occasion {
        kind: Kind::Alarm,
        instrument: "twin".to_owned(),
        title: title.to_owned(),
        text: "look <at> it".to_owned(),
        time: 1.0,
        took: None,
    }
}

/// A web server that gives these answers, one a request, and hands on what it was sent.
fn web(answers: &'static [u16]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/secret", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim().to_lowercase();
                if let Some(n) = line.strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            sender.send(String::from_utf8(body).unwrap()).unwrap();
            let head = format!("HTTP/1.1 {answer} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            reader.get_mut().write_all(head.as_bytes()).unwrap();
        }
    });
    (url, bodies)
}

fn hooks(text: &str) -> Hooks {
    Hooks::with(Config::parse(text).unwrap(), AT_ONCE)
}

/// What went wrong, once something has.
fn trouble(hooks: &Hooks) -> Notice {
    crate::core::lock(&hooks.trouble).recv().unwrap()
}

#[test]
fn a_message_is_tried_again_until_it_is_taken() {
    let (url, bodies) = web(&[500, 503, 200]);
    let hooks = hooks(&format!("hooks: [{{ on: [alarm], url: '{url}', form: slack }}]"));
    hooks.tell(&alarm("vacuum & <beam>"));
    let sent: Vec<Value> = bodies.iter().map(|body| serde_json::from_str(&body).unwrap()).collect();
    assert_eq!(sent.len(), 3);
    let text = sent[2]["text"].as_str().unwrap();
    assert!(text.contains("twin: vacuum &amp; &lt;beam&gt; (alarm)"), "{text}");
    assert!(hooks.trouble().is_empty());
}

#[test]
fn what_is_never_taken_is_an_alarm_that_keeps_the_secret() {
    let (url, _bodies) = web(&[500, 500, 500]);
    let hooks = hooks(&format!("hooks: [{{ on: [alarm], url: '{url}' }}]"));
    hooks.tell(&alarm("vacuum"));
    let told = trouble(&hooks);
    assert_eq!(told.severity, Severity::Alarm);
    assert!(
        told.title.contains("vacuum") && told.detail.contains("127.0.0.1"),
        "{told:?}"
    );
    assert!(!format!("{told:?}").contains("secret"), "{told:?}");
    // and is not itself sent around for ever
    let event = Sequenced {
        seq: 1,
        time: 1.0,
        event: crate::Event::Raised { id: 1, notice: told },
    };
    hooks.event(&event, &Snapshot::default());
    assert!(hooks.trouble().is_empty());
}

#[cfg(unix)]
#[test]
fn a_program_is_given_its_arguments_and_no_shell_sees_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("it's {text}");
    let run = format!(
        "hooks: [{{ on: [alarm], run: [touch, \"{}/{{title}}\"] }}]",
        folder.path().display()
    );
    let program = hooks(&run);
    program.tell(&alarm("it's {text}"));
    // one that fails comes back as trouble, behind the one before
    drop(program);
    let late = Instant::now() + Duration::from_secs(60);
    while !file.exists() && Instant::now() < late {
        std::thread::yield_now();
    }
    assert!(file.exists());
    let failing = hooks("hooks: [{ on: [alarm], run: ['false'] }]");
    failing.tell(&alarm("x"));
    assert!(trouble(&failing).detail.starts_with("false: it ended with"));
}

#[test]
fn a_heart_that_is_not_heard_is_told_once() {
    let (url, bodies) = web(&[200]);
    let hooks = hooks(&format!("heartbeat: {{ url: '{url}', every: 1 s }}"));
    hooks.alive();
    assert_eq!(bodies.recv().unwrap(), "");
    let deaf = self::hooks("heartbeat: { url: 'http://127.0.0.1:1/x' }");
    deaf.alive();
    assert!(trouble(&deaf).title.contains("heartbeat"));
}

#[test]
fn every_form_carries_the_message_and_the_file_is_checked() {
    for (form, body) in FORMS {
        let text = body(&alarm("vacuum")).to_string();
        assert!(text.contains("vacuum"), "{form:?}: {text}");
        let hook = format!(
            "hooks: [{{ on: [alarm, job-done], url: 'https://x/y', form: {} }}]",
            form.word()
        );
        let config = Config::parse(&hook).unwrap();
        let brief = Occasion {
            kind: Kind::JobDone,
            took: Some(3.0),
            ..alarm("x")
        };
        assert!(!config.hooks[0].wants(&brief), "a job of three seconds is no news");
    }
    let example = Config::parse(include_str!("../../../assets/service/hooks.yaml")).unwrap();
    assert!(example.hooks.len() > 2 && example.heartbeat.is_some());
    for bad in [
        "hooks: [{ on: [alarm] }]",
        "hooks: [{ on: [alarm], run: [] }]",
        "hooks: [{ on: [nonsense], run: [x] }]",
        "hooks: [{ on: [alarm], url: 'file:///x' }]",
        "hooks: [{ on: [alarm], url: 'https://x', form: fax }]",
        "hooks: [{ on: [alarm], run: [x], url: 'https://x' }]",
        "heartbeat: { url: 'https://x', every: 5um }",
        "hook: []",
    ] {
        assert!(Config::parse(bad).is_err(), "{bad}");
    }
}
