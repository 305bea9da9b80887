//! Our driver for openFIBSEM's server on our own server: whatever a driver promises is kept over this wire, too.

use super::*;
use hal::clock::TokioClock;
use hal::conformance::{Finding, check};
use hal::drivers::Opening;
use std::time::Duration;

/// How much faster than life the twin is: slow enough for a machine that does much else.
const FASTER: f64 = 5.0;

#[test]
fn our_driver_keeps_every_promise_on_our_server() {
    let bench = Bench::with(|o| o.speed = Speed::Real(FASTER));
    bench.lines(&["system.connect"]).unwrap();
    let door = Door::open(bench, None, String::new());
    let mut instrument = Instrument::default();
    instrument.info.ip_address = "127.0.0.1".into();
    instrument.info.port = Some(door.address.port());
    let opening = Opening {
        instrument,
        clock: Arc::new(TokioClock::new(0.0, FASTER)),
        world: None,
    };
    let mut microscope = hal::fibsem::open(&opening).unwrap();
    let capabilities = microscope.capabilities();
    assert!(
        capabilities.manipulator.is_some() && capabilities.gas.is_some() && capabilities.chamber.is_some(),
        "{capabilities:?}"
    );
    assert!(
        capabilities
            .stage
            .is_some_and(|stage| stage.halts && stage.home && stage.link)
    );
    // the engine behind the door goes by the wall's clock: a wait that nothing can end
    let (_never, wait) = mpsc::channel::<()>();
    let pass = |seconds: f64| {
        let _ = wait.recv_timeout(Duration::from_secs_f64(seconds / FASTER));
    };
    let findings = check(microscope.as_mut(), &pass);
    let findings: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn what_is_called_off_by_name_ends_and_nothing_else() {
    let door = Door::new(Speed::Real(1.0));
    let far = |x: f64| {
        let mut body = along_x(x);
        body["order"] = json!("far");
        body
    };
    std::thread::scope(|scope| {
        let order = scope.spawn(|| door.post("/move_stage_absolute", far(30e-3)));
        door.until(|s| s.running().is_some());
        // another's name is not this one's
        door.ok("/bridge/cancel", json!({ "order": "near" }));
        assert!(door.bench.link().snapshot().running().is_some());
        door.ok("/bridge/cancel", json!({ "order": "far" }));
        let answer = order.join().unwrap();
        assert_eq!((answer.status, &answer.json()["kind"]), (409, &json!("stopped")));
    });
    let here = door.look("/stage_position")["position"]["x"].as_f64().unwrap();
    assert!(here < 29e-3, "it was halted on its way: {here}");
    // called off before it came: it never begins, and one without that name does
    door.ok("/bridge/cancel", json!({ "order": "far" }));
    assert_eq!(door.post("/move_stage_absolute", far(30e-3)).status, 409);
    near(&door.look("/stage_position")["position"]["x"], here);
    assert_eq!(door.post("/move_stage_absolute", along_x(here + 1e-6)).status, 200);
    assert_eq!(door.post("/bridge/cancel", json!({})).status, 422);
}

/// What came before a press of stop is stopped by it, also what the engine has not heard of yet.
#[test]
fn what_waits_for_its_turn_when_stop_is_pressed_never_begins() {
    let door = Door::new(Speed::Real(1.0));
    std::thread::scope(|scope| {
        let far = scope.spawn(|| door.post("/move_stage_absolute", along_x(30e-3)));
        door.until(|s| s.running().is_some());
        let settings = json!({ "beam_type": "ELECTRON", "resolution": [384, 256], "hfw": 1e-4, "dwell_time": 1e-7 });
        let picture = json!({ "beam_type": "ELECTRON", "image_settings": settings });
        let queued = scope.spawn(|| door.post("/acquire_image", picture));
        let waits = |text: Vec<u8>| String::from_utf8(text).unwrap().contains("fibdeck_http_waiting 1");
        while !waits(door.get("/metrics").body) {
            std::thread::yield_now();
        }
        door.ok("/bridge/stop", json!({}));
        for order in [far, queued] {
            let answer = order.join().unwrap();
            assert_eq!((answer.status, &answer.json()["kind"]), (409, &json!("stopped")));
        }
    });
    assert!(door.bench.link().snapshot().frames.is_empty());
}
