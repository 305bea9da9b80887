//! The conformance suite on the real server, where one is running: `FIBDECK_FIBSEM_PORT` and
//! `FIBDECK_BRIDGE_PORT` (with `FIBDECK_TOKEN_FILE`) name ports on loopback, `FIBDECK_FIBSEM_SPEED` how many times faster than life its Demo instrument
//! is. Without them nothing is tried here.

use super::super::open;
use crate::clock::TokioClock;
use crate::conformance::{Finding, check};
use crate::drivers::Opening;
use model::config::Instrument;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Every promise that the server's instrument can keep, tried on it.
fn conforms(port: u16) {
    let speed = number("FIBDECK_FIBSEM_SPEED").unwrap_or(1.0);
    let mut instrument = Instrument::default();
    instrument.info.ip_address = "127.0.0.1".into();
    instrument.info.port = Some(port);
    let opening = Opening {
        instrument,
        clock: Arc::new(TokioClock::new(0.0, speed)),
        world: None,
    };
    let mut microscope = open(&opening).unwrap();
    // the instrument is another process: real time has to pass, and this is a wait that nothing can end
    let (_never, wait) = mpsc::channel::<()>();
    let pass = |seconds: f64| {
        let _ = wait.recv_timeout(Duration::from_secs_f64(seconds / speed));
    };
    let findings: Vec<String> = check(microscope.as_mut(), &pass)
        .iter()
        .map(Finding::to_string)
        .collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn interop_the_real_server_conforms() {
    match number("FIBDECK_FIBSEM_PORT") {
        Some(port) => conforms(port),
        None => println!("interop: no server, skipped"),
    }
}

#[test]
fn interop_the_bridge_conforms() {
    match number("FIBDECK_BRIDGE_PORT") {
        Some(port) => conforms(port),
        None => println!("interop: no bridge, skipped"),
    }
}
