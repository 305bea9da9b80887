//! Who may come in: requests from this machine, to this machine's name, not from a web page, with a token.
//!
//! A browser on the same machine would carry a stranger's page here: so no `Origin`, no foreign `Sec-Fetch-Site`, no other `Host` (a name
//! that somebody points at loopback), and no answer that lets a page read it.

use super::reply::Refusal;
use super::token::{Power, Tokens};
use crate::command::Failure;
use crate::core::lock;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use hyper::{StatusCode, Uri};
use model::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Instant, SystemTime};

/// Wrong tokens that are listened to: so many at once, and so many a second.
const GUESSES: (f64, f64) = (20.0, 2.0);
/// Name that Basic authorisation is given with: openFIBSEM's client can carry it in its host name.
const USER: &str = "fibdeck";

/// Who came in.
pub(super) struct Who {
    pub name: String,
    pub power: Power,
}

pub(super) struct Gate {
    hosts: Vec<String>,
    keys: Option<Mutex<Keys>>,
    guesses: Mutex<Bucket>,
}

/// The tokens as last read.
struct Keys {
    file: PathBuf,
    changed: Option<SystemTime>,
    tokens: Tokens,
}

impl Gate {
    pub fn new(address: SocketAddr, file: Option<PathBuf>) -> Result<Gate, Failure> {
        let keys = match file {
            Some(file) => {
                let keys = Keys {
                    changed: changed(&file),
                    tokens: Tokens::load(&file)?,
                    file,
                };
                if keys.tokens.tokens.is_empty() {
                    return Err(Failure::new(
                        ErrorKind::NotAuthorised,
                        format!("there is no token in {}; nothing was opened", keys.file.display()),
                        "make one with `fibdeck token new NAME`; --insecure-loopback lets in everybody on this machine",
                    ));
                }
                Some(Mutex::new(keys))
            }
            None => None,
        };
        let port = address.port();
        Ok(Gate {
            hosts: vec![
                address.to_string(),
                format!("localhost:{port}"),
                format!("127.0.0.1:{port}"),
                format!("[::1]:{port}"),
            ],
            keys,
            guesses: Mutex::new(Bucket::new(GUESSES)),
        })
    }

    /// Who sent this head, or why it is not listened to.
    pub fn admit(&self, uri: &Uri, head: &HeaderMap) -> Result<Who, Refusal> {
        let text = |name: &str| head.get(name).and_then(|v| v.to_str().ok());
        let host = uri.authority().map(|a| a.as_str()).or_else(|| text(HOST.as_str()));
        if !host.is_some_and(|host| self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))) {
            return Err(no(
                StatusCode::MISDIRECTED_REQUEST,
                "this is no name of this server",
                "ask for it as 127.0.0.1 or localhost",
            ));
        }
        if head.contains_key(ORIGIN) || text("sec-fetch-site").is_some_and(|site| site != "none") {
            return Err(no(
                StatusCode::FORBIDDEN,
                "not for web pages",
                "use a program, or a page served by a program of yours",
            ));
        }
        let Some(keys) = &self.keys else {
            return Ok(Who {
                name: "http".to_owned(),
                power: Power::Control,
            });
        };
        let known = text(AUTHORIZATION.as_str()).and_then(token).and_then(|token| {
            let mut keys = lock(keys);
            keys.renew();
            keys.tokens.find(&token).map(|entry| Who {
                name: format!("{}/http", entry.name),
                power: entry.power,
            })
        });
        known.ok_or_else(|| {
            if lock(&self.guesses).take() {
                no(
                    StatusCode::UNAUTHORIZED,
                    "the token is missing or wrong",
                    "Authorization: Bearer TOKEN, or fibdeck:TOKEN@ before the host; `fibdeck token new NAME` makes one",
                )
            } else {
                Refusal::slow()
            }
        })
    }
}

fn no(status: StatusCode, what: &str, hint: &str) -> Refusal {
    Refusal::new(status, ErrorKind::NotAuthorised, what, hint)
}

fn changed(file: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|m| m.modified()).ok()
}

impl Keys {
    /// Reads the file again if it changed; one that cannot be read opens for nobody.
    fn renew(&mut self) {
        let changed = changed(&self.file);
        if changed != self.changed {
            self.changed = changed;
            self.tokens = Tokens::load(&self.file).unwrap_or_else(|error| {
                tracing::warn!(%error, "nobody is let in");
                Tokens::default()
            });
        }
    }
}

/// The token in an Authorization header.
fn token(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (user, token) = text.split_once(':')?;
    (scheme.eq_ignore_ascii_case("basic") && user == USER).then(|| token.to_owned())
}

/// So many at once, and so many a second.
pub(super) struct Bucket {
    most: f64,
    rate: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    pub fn new((most, rate): (f64, f64)) -> Bucket {
        Bucket {
            most,
            rate,
            left: most,
            at: Instant::now(),
        }
    }

    /// Takes one out, if there is one.
    pub fn take(&mut self) -> bool {
        let now = Instant::now();
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + since * self.rate).min(self.most);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_as_bearer_or_as_the_password_of_fibdeck() {
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("basic ZmliZGVjazphYmM=").as_deref(), Some("abc"));
        // root:abc
        assert_eq!(token("Basic cm9vdDphYmM="), None);
        assert_eq!(token("abc"), None);
    }

    #[test]
    fn a_bucket_runs_dry() {
        let mut bucket = Bucket::new((3.0, 0.0));
        assert_eq!([(); 4].map(|()| bucket.take()), [true, true, true, false]);
    }
}
