//! A small HTTP server that plays what was recorded of the real one, and can be told to misbehave.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

/// What to answer.
pub enum Answer {
    Json(u16, Value),
    Tiff(Vec<u8>),
    /// The inner error of the real server: a word, and the line is closed though it was not said to be.
    Failure,
    /// The line is closed before a word was said.
    Silence,
    /// The answer waits until the test lets it go.
    Held(Receiver<()>, Box<Answer>),
}

struct Exchange {
    method: String,
    path: String,
    request: Value,
    status: u16,
    response: Value,
}

#[derive(Default)]
struct State {
    recorded: Vec<Exchange>,
    /// Answers put in the way of the recorded ones, by path; each once.
    planned: HashMap<String, Vec<Answer>>,
    asked: Vec<(String, Value)>,
}

pub struct Player {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

/// The folder of recordings of this server.
fn folder() -> PathBuf {
    let root = std::env::var_os("FIBDECK_VECTORS").map(PathBuf::from);
    root.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors")))
        .join("rest")
}

pub fn recorded_picture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// Every recorded exchange: name, method, path, request, status, response.
pub fn recordings(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(format!("{file}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Player {
    pub fn start() -> Player {
        let mut state = State::default();
        for file in ["system", "available_values", "beam", "stage", "milling", "imaging"] {
            for case in recordings(file) {
                state.recorded.push(Exchange {
                    method: case["method"].as_str().unwrap().to_owned(),
                    path: case["path"].as_str().unwrap().to_owned(),
                    request: case["request"].clone(),
                    status: case["status"].as_u64().unwrap() as u16,
                    response: case["response"].clone(),
                });
            }
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for line in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(line, &state));
            }
        });
        Player { port, state }
    }

    /// Answers the next request at `path` so.
    pub fn plan(&self, path: &str, answer: Answer) {
        let mut state = self.state.lock().unwrap();
        state.planned.entry(path.to_owned()).or_default().push(answer);
    }

    /// Holds the next answer at `path` back until the sender is used or dropped.
    pub fn hold(&self, path: &str, answer: Answer) -> Sender<()> {
        let (go, held) = mpsc::channel();
        self.plan(path, Answer::Held(held, Box::new(answer)));
        go
    }

    /// What was asked at `path` so far.
    pub fn asked(&self, path: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        let at = state.asked.iter().filter(|(p, _)| p == path);
        at.map(|(_, body)| body.clone()).collect()
    }

    pub fn paths(&self) -> Vec<String> {
        self.state
            .lock()
            .unwrap()
            .asked
            .iter()
            .map(|(p, _)| p.clone())
            .collect()
    }
}

/// Numbers are numbers, however they are written.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same(v, w)))
        }
        (a, b) => a == b,
    }
}

fn answer(state: &Mutex<State>, method: &str, path: &str, body: &Value) -> Answer {
    let mut state = state.lock().unwrap();
    state.asked.push((path.to_owned(), body.clone()));
    if let Some(planned) = state.planned.get_mut(path).filter(|p| !p.is_empty()) {
        return planned.remove(0);
    }
    let here = || state.recorded.iter().filter(|e| e.method == method && e.path == path);
    let exact = here().find(|e| same(&e.request, body));
    let alike = || {
        let about = |e: &&Exchange| ["beam_type", "key"].iter().all(|word| e.request[word] == body[word]);
        here().find(|e| e.status == 200 && about(e))
    };
    match exact.or_else(alike) {
        Some(exchange) if exchange.status == 500 => Answer::Failure,
        Some(exchange) => Answer::Json(exchange.status, exchange.response.clone()),
        // a key that was not asked for when this was recorded
        None if path == "/available_values" => Answer::Json(200, json!({"values": []})),
        None if here().next().is_some() => Answer::Json(405, json!({"detail": "Method Not Allowed"})),
        None => Answer::Json(404, json!({"detail": "Not Found"})),
    }
}

fn serve(line: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(line.try_clone().unwrap());
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut words = first.split_whitespace();
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let mut answer = answer(state, &method, &path, &body);
        while let Answer::Held(go, then) = answer {
            let _ = go.recv();
            answer = *then;
        }
        let (status, kind, bytes) = match answer {
            Answer::Json(status, value) => (status, "application/json", value.to_string().into_bytes()),
            Answer::Tiff(bytes) => (200, "image/tiff", bytes),
            Answer::Failure => (500, "text/plain; charset=utf-8", b"Internal Server Error".to_vec()),
            Answer::Silence | Answer::Held(..) => return,
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            bytes.len()
        );
        let mut line = &line;
        if line
            .write_all(head.as_bytes())
            .and_then(|()| line.write_all(&bytes))
            .is_err()
            || status == 500
        {
            return;
        }
    }
}
