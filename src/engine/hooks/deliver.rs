//! A message on its way: a program by its arguments, or JSON to a web address.

use super::occasion::Occasion;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a program is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);
/// Characters that the strictest of the services takes (Discord).
const MOST_TEXT: usize = 1900;

/// How a message goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    /// A program and its arguments, in which `{title}`, `{text}`, `{kind}` and `{instrument}` are filled in. No shell sees them.
    Run(Vec<String>),
    Post {
        url: String,
        form: Form,
    },
}

/// What a web address expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Plain,
    Slack,
    Discord,
    Teams,
}

impl Form {
    /// As it stands in hooks.yaml.
    pub fn word(self) -> &'static str {
        match self {
            Form::Plain => "plain",
            Form::Slack => "slack",
            Form::Discord => "discord",
            Form::Teams => "teams",
        }
    }
}

/// A message as JSON.
pub type Body = fn(&Occasion) -> Value;

/// Every form, and its JSON. The first is the usual one.
pub const FORMS: &[(Form, Body)] = &[
    (Form::Plain, |o| json!(o)),
    // https://docs.slack.dev/messaging/formatting-message-text: these three characters are its own
    (Form::Slack, |o| {
        let text = line(o).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        json!({ "text": text })
    }),
    // a text of ours calls nobody by name
    (
        Form::Discord,
        |o| json!({ "content": line(o), "allowed_mentions": { "parse": [] } }),
    ),
    // the card that a workflow's webhook takes
    (Form::Teams, |o| {
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
                    "body": [{ "type": "TextBlock", "text": line(o), "wrap": true }],
                },
            }],
        })
    }),
];

fn line(o: &Occasion) -> String {
    let text = format!("{}: {} ({}) {}", o.instrument, o.title, o.kind.word(), o.text);
    text.trim().chars().take(MOST_TEXT).collect()
}

impl Way {
    /// For people; a web address may hold a secret in its path and is told by its host only.
    pub fn name(&self) -> String {
        match self {
            Way::Run(argv) => model::text::printable(argv.first().map_or("", String::as_str)),
            Way::Post { url, .. } => {
                let host = url.split('/').nth(2).unwrap_or_default();
                model::text::printable(host.rsplit('@').next().unwrap_or_default())
            }
        }
    }

    /// One try. Blocks.
    pub fn deliver(&self, occasion: &Occasion) -> Result<(), String> {
        match self {
            Way::Run(argv) => run(argv, occasion),
            Way::Post { url, form } => {
                let body = FORMS.iter().find(|row| row.0 == *form).map(|row| row.1(occasion));
                post(url, &body.unwrap_or_default())
            }
        }
    }
}

fn run(argv: &[String], occasion: &Occasion) -> Result<(), String> {
    let (program, args) = argv.split_first().ok_or("no program is named")?;
    let mut child = Command::new(program)
        .args(args.iter().map(|arg| filled(arg, occasion)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("it could not be started: {e}"))?;
    let late = Instant::now() + PATIENCE;
    loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("it ended with {status}")),
            None if Instant::now() > late => {
                // one that ended in this very moment cannot be killed
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it did not end within {} s", PATIENCE.as_secs()));
            }
            None => std::thread::sleep(LOOK),
        }
    }
}

/// Fills in one pass, so that no text of a message is taken for a place to fill.
fn filled(arg: &str, o: &Occasion) -> String {
    let places = [
        ("{title}", o.title.as_str()),
        ("{text}", o.text.as_str()),
        ("{kind}", o.kind.word()),
        ("{instrument}", o.instrument.as_str()),
    ];
    let (mut full, mut rest) = (String::new(), arg);
    while let Some(at) = rest.find('{') {
        full.push_str(&rest[..at]);
        rest = &rest[at..];
        let place = places.iter().find(|(name, _)| rest.starts_with(name));
        let (name, value) = place.copied().unwrap_or(("{", "{"));
        full.push_str(value);
        rest = &rest[name.len()..];
    }
    full + rest
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

fn post(url: &str, body: &Value) -> Result<(), String> {
    let sent = agent()
        .post(url)
        .header("content-type", "application/json")
        .send(body.to_string());
    sent.map(drop).map_err(|e| e.to_string())
}

/// Asks for a page and throws it away.
pub(super) fn get(url: &str) -> Result<(), String> {
    agent().get(url).call().map(drop).map_err(|e| e.to_string())
}
