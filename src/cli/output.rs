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
