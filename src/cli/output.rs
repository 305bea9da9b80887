//! Results on stdout.

use super::exit::{CliError, Exit};
use engine::link::Ended;
use serde_json::{Value, json};
use std::io::Write;

/// Prints a line of data; a closed pipe ends the program quietly.
pub fn line(text: &str) -> Result<(), CliError> {
    writeln!(std::io::stdout(), "{text}").map_err(|e| match e.kind() {
        // who reads has read enough: nothing went wrong
        std::io::ErrorKind::BrokenPipe => CliError::new(Exit::Done, ""),
        _ => CliError::failed(format!("stdout is gone: {e}")),
    })
}

/// A command's end as one JSON object.
pub fn envelope(command: &str, instrument: &str, ended: &Ended) -> Value {
    match ended {
        Ok(result) => json!({ "command": command, "ok": true, "instrument": instrument, "result": result }),
        Err(failure) => {
            let mut error =
                json!({ "kind": failure.kind, "title": failure.title, "detail": failure.detail, "hint": failure.hint });
            if let Some(data) = &failure.data {
                error["data"] = data.clone();
            }
            json!({ "command": command, "ok": false, "instrument": instrument, "error": error })
        }
    }
}

/// A value for people: `key  value` lines, nested ones with dots; numbers as they are (SI).
pub fn plain(value: &Value) -> String {
    let mut lines = Vec::new();
    flatten("", value, &mut lines);
    let width = lines.iter().map(|(k, _)| k.chars().count()).max().unwrap_or(0);
    lines
        .into_iter()
        .map(|(key, value)| {
            if key.is_empty() {
                value
            } else {
                format!("{key:width$}  {value}")
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn flatten(prefix: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let name = |key: &str| {
        if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}.{key}")
        }
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&name(key), value, lines)),
        Value::Array(items) if items.iter().any(|i| i.is_object()) => {
            items
                .iter()
                .enumerate()
                .for_each(|(n, item)| flatten(&name(&n.to_string()), item, lines));
        }
        Value::String(text) => lines.push((prefix.to_owned(), model::text::printable(text))),
        Value::Null => lines.push((prefix.to_owned(), "-".to_owned())),
        other => lines.push((prefix.to_owned(), model::text::printable(&other.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_for_people_are_aligned_and_cannot_drive_the_terminal() {
        let text = plain(&json!({ "a": { "long": 1.5 }, "name": "x\u{1b}[2J" }));
        assert_eq!(text, "a.long  1.5\nname    x[2J");
    }
}
