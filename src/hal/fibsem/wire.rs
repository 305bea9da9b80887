//! Requests to the server, and what its answers mean.
//!
//! Every request has a connection of its own: after an inner error this server drops the line without a word, and a pooled
//! one would fail at the next request. A read whose answer is lost is asked once more, a write never.

use crate::HalError;
use model::{ErrorKind, Frame};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Reads.
    Quick,
    /// Setters, which on real columns take tens of seconds.
    Slow,
    /// Work that ends when it ends (moves, pictures, hours of milling): the ticket's patience is the scope's.
    Work,
    /// The red button.
    Stop,
}

impl Wait {
    fn limit(self) -> Option<Duration> {
        match self {
            Wait::Quick => Some(Duration::from_secs(10)),
            Wait::Slow => Some(Duration::from_secs(120)),
            Wait::Work => None,
            Wait::Stop => Some(Duration::from_secs(2)),
        }
    }
}

const CONNECT: Duration = Duration::from_secs(3);
/// A picture of 16384 x 16384 at 16 bit, with its description.
const LARGEST_ANSWER: u64 = 600 << 20;

/// The server as somewhere to ask. Cheap to use from any thread.
pub(super) struct Wire {
    base: String,
    token: Option<String>,
    agent: ureq::Agent,
}

impl Wire {
    /// `host` as in the instrument's file; `token` for servers that ask for one.
    pub fn new(host: &str, port: u16, token: Option<String>) -> Wire {
        let host = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(0)
            // an instrument is never behind the web proxy of the environment
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .build();
        Wire {
            base: format!("http://{host}:{port}"),
            token,
            agent: config.into(),
        }
    }

    /// Asks for what changes nothing.
    pub fn get(&self, path: &str) -> Result<Value, HalError> {
        self.again(path, || self.bytes(path, None, Wait::Quick))
    }

    /// Asks, with a body, for what changes nothing.
    pub fn ask(&self, path: &str, body: &Value) -> Result<Value, HalError> {
        self.again(path, || self.bytes(path, Some(body), Wait::Quick))
    }

    /// Tells to do something; sent once.
    pub fn tell(&self, path: &str, body: &Value, wait: Wait) -> Result<Value, HalError> {
        json(path, &self.bytes(path, Some(body), wait)?)
    }

    /// A picture, and what was wrong with its description.
    pub fn picture(&self, path: &str, body: &Value, wait: Wait) -> Result<Frame, HalError> {
        let bytes = self.bytes(path, Some(body), wait)?;
        let loaded = Frame::decode(&bytes).map_err(|e| nonsense(path).caused_by(e))?;
        for warning in &loaded.warnings {
            tracing::debug!(%warning, path, "the picture's description");
        }
        Ok(loaded.frame)
    }

    fn again(&self, path: &str, ask: impl Fn() -> Result<Vec<u8>, HalError>) -> Result<Value, HalError> {
        let answer = match ask() {
            // what was lost on the way changed nothing
            Err(e) if e.kind == ErrorKind::Unknown => ask(),
            answer => answer,
        };
        json(path, &answer?)
    }

    fn bytes(&self, path: &str, body: Option<&Value>, wait: Wait) -> Result<Vec<u8>, HalError> {
        let url = format!("{}{path}", self.base);
        let auth = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let sent = match body {
            Some(body) => {
                let mut request = self.agent.post(&url).header("content-type", "application/json");
                if let Some(auth) = &auth {
                    request = request.header("authorization", auth);
                }
                let request = request.config().timeout_global(wait.limit()).build();
                request.send(body.to_string().as_bytes())
            }
            None => {
                let mut request = self.agent.get(&url);
                if let Some(auth) = &auth {
                    request = request.header("authorization", auth);
                }
                request.config().timeout_global(wait.limit()).build().call()
            }
        };
        let mut answer = sent.map_err(|e| self.lost(path, e))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        let body = body.map_err(|e| self.lost(path, e))?;
        if (200..300).contains(&status) {
            Ok(body)
        } else {
            Err(refusal(path, status, &body))
        }
    }

    fn lost(&self, path: &str, error: ureq::Error) -> HalError {
        let unreached = match &error {
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => true,
            ureq::Error::Io(e) => e.kind() == std::io::ErrorKind::ConnectionRefused,
            _ => false,
        };
        if unreached {
            return HalError::new(
                ErrorKind::NotConnected,
                format!("no server answers at {}; nothing was sent", self.base),
                "start the server on the microscope's PC, or mend address and port in the instrument's file",
            )
            .caused_by(error);
        }
        let (kind, what) = match &error {
            ureq::Error::Timeout(_) => (ErrorKind::Timeout, "did not answer in time"),
            _ => (ErrorKind::Unknown, "dropped the line before it answered"),
        };
        HalError::new(
            kind,
            format!("the server {what} ({path}); what it did is not known"),
            "read the instrument's state before you go on",
        )
        .caused_by(error)
    }
}

fn json(path: &str, bytes: &[u8]) -> Result<Value, HalError> {
    serde_json::from_slice(bytes).map_err(|e| nonsense(path).caused_by(e))
}

/// The server answered, but not what was asked for.
pub(super) fn nonsense(path: &str) -> HalError {
    HalError::new(
        ErrorKind::Protocol,
        format!("the server's answer to {path} makes no sense"),
        "check that its version is one this program knows (0.5.3)",
    )
}

/// A refusal in the server's words. Ours and the bridge's say what kind it is; the plain server gives a text, a list of
/// fields, or (500) nothing at all.
fn refusal(path: &str, status: u16, body: &[u8]) -> HalError {
    let said: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let kind = said
        .get("kind")
        .and_then(|kind| serde_json::from_value(kind.clone()).ok())
        .unwrap_or(match status {
            401 | 403 => ErrorKind::NotAuthorised,
            404 | 405 | 501 => ErrorKind::Unsupported,
            409 | 429 | 503 => ErrorKind::Busy,
            _ if status < 500 => ErrorKind::OutOfRange,
            _ => ErrorKind::Other,
        });
    let detail = match said.get("detail") {
        Some(Value::String(text)) => text.clone(),
        Some(fields) => fields.to_string(),
        None => "it gives no reason".to_owned(),
    };
    let hint = match (said.get("hint").and_then(Value::as_str), kind) {
        (Some(hint), _) => hint.to_owned(),
        (None, ErrorKind::NotAuthorised) => "FIBDECK_TOKEN_FILE names the file with the server's token".to_owned(),
        (None, ErrorKind::Other) => "its own log on the microscope's PC says more".to_owned(),
        _ => String::new(),
    };
    let what = if status < 500 {
        format!("the server refused {path}: {}", model::text::printable(&detail))
    } else {
        format!("the server failed inside {path} ({status}); what it did is not known")
    };
    let error = HalError::new(kind, what, model::text::printable(&hint));
    if status < 500 { error } else { error.caused_by(detail) }
}
