//! The web door: a client of it against an engine on the twin. Every route, every refusal.

mod beyond;
mod driver;
mod entry;
mod instrument;
mod milling;
mod refusals;

use super::*;
use crate::http::token::{Power, Tokens};
use crate::http::{Access, Server};
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// An engine with its web door open.
struct Door {
    bench: Bench,
    address: SocketAddr,
    token: String,
    agent: ureq::Agent,
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An answer: status, kind, body.
#[derive(Debug)]
struct Answer {
    status: u16,
    kind: String,
    body: Vec<u8>,
    allow: Option<String>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

impl Door {
    fn new(speed: Speed) -> Door {
        let bench = Bench::with(|o| o.speed = speed);
        bench.lines(&["system.connect"]).unwrap();
        let file = bench.folder.path().join("tokens.json");
        let token = Tokens::make(&file, "ann", Power::Control, "now".to_owned()).unwrap();
        Door::open(bench, Some(file), token)
    }

    fn open(bench: Bench, tokens: Option<PathBuf>, token: String) -> Door {
        let access = Access {
            address: "127.0.0.1:0".parse().unwrap(),
            tokens,
        };
        let (close, closed) = oneshot::channel::<()>();
        let (ready, made) = mpsc::channel();
        // the engine is lent to the thread for as long as it takes to open
        let thread = std::thread::scope(|_| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let server = runtime.block_on(Server::open(&bench.engine, &access)).unwrap();
            ready.send(server.address()).unwrap();
            std::thread::spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = server.run() => {}
                        _ = closed => {}
                    }
                });
            })
        });
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .build();
        Door {
            bench,
            address: made.recv().unwrap(),
            token,
            agent: agent.into(),
            close: Some(close),
            thread: Some(thread),
        }
    }

    fn send(&self, method: &str, path: &str, head: &[(&str, &str)], body: Option<&str>) -> Answer {
        self.try_send(method, path, head, body).unwrap()
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        head: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, ureq::Error> {
        let url = format!("http://{}{path}", self.address);
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in head {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => self.agent.run(request.body(body.to_owned()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer?;
        let header = |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        Ok(Answer {
            status: answer.status().as_u16(),
            kind: header("content-type").unwrap_or_default(),
            allow: header("allow"),
            body: answer.body_mut().read_to_vec()?,
        })
    }

    fn with_token(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let head = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.send(method, path, &head, body)
    }

    fn get(&self, path: &str) -> Answer {
        self.with_token("GET", path, None)
    }

    fn post(&self, path: &str, body: Value) -> Answer {
        self.with_token("POST", path, Some(&body.to_string()))
    }

    /// The answer to what must work.
    fn ok(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    fn look(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    fn ground(&self) -> Value {
        self.bench.lines(&["truth"]).unwrap()
    }

    /// Waits until it is so.
    fn until(&self, so: impl Fn(&crate::Snapshot) -> bool) {
        wait(until(&self.bench.link(), so));
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.close.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn position(x: Value, y: Value, z: Value, r: Value, t: Value) -> Value {
    json!({ "position": { "name": null, "x": x, "y": y, "z": z, "r": r, "t": t, "coordinate_system": "RAW" } })
}

fn along_x(x: f64) -> Value {
    position(json!(x), Value::Null, Value::Null, Value::Null, Value::Null)
}

fn near(value: &Value, wanted: f64) {
    let read = value.as_f64().unwrap_or_else(|| panic!("{value}"));
    assert!(
        (read - wanted).abs() <= 1e-9 * wanted.abs().max(1e-3),
        "{read} and not {wanted}"
    );
}
