//! The driver against what was recorded of the real server, and against its bad habits.

mod interop;
mod player;

use super::*;
use crate::clock::ManualClock;
use model::config::Instrument;
use model::frame::Pixels;
use model::shape::Rectangle;
use model::{ImageSettings, MillingSettings, PatterningPhase, Point};
use player::{Answer, Player, recorded_picture, recordings};
use std::sync::mpsc;

struct Lab {
    player: Player,
    clock: Arc<ManualClock>,
    scope: Box<dyn Microscope>,
}

fn instrument(player: &Player) -> Instrument {
    let mut instrument = Instrument {
        driver: "fibsem".into(),
        ..Instrument::default()
    };
    instrument.info.ip_address = "127.0.0.1".into();
    instrument.info.port = Some(player.port);
    instrument
}

fn try_open(instrument: Instrument, clock: Arc<ManualClock>) -> Result<Box<dyn Microscope>, HalError> {
    open(&Opening {
        instrument,
        clock,
        world: None,
    })
}

fn lab() -> Lab {
    let (player, clock) = (Player::start(), Arc::new(ManualClock::default()));
    let scope = try_open(instrument(&player), clock.clone()).unwrap();
    Lab { player, clock, scope }
}

/// Polls until the ticket has ended.
fn follow(lab: &mut Lab, ticket: Ticket) -> Progress {
    loop {
        match lab.scope.poll(ticket).unwrap() {
            Progress::Pending { .. } => std::thread::yield_now(),
            end => return end,
        }
    }
}

fn asked_for(json: serde_json::Value) -> Answer {
    Answer::Json(200, json)
}

#[test]
fn vectors_who_it_is_and_what_it_has() {
    let lab = lab();
    let identity = lab.scope.identity();
    assert_eq!(
        (identity.manufacturer.as_str(), identity.model.as_str()),
        ("Demo", "DemoMicroscope")
    );
    let caps = lab.scope.capabilities();
    assert!(caps.simulated && caps.manipulator.is_none() && caps.gas.is_none() && caps.chamber.is_none());
    let milling = caps.milling.unwrap();
    assert_eq!(
        milling.application_files,
        ["Si", "Si-multipass", "Si-ccs", "autolamella", "cryo_Pt_dep"]
    );
    assert_eq!(milling.scan_directions.len(), 4);
    let ion = caps.ion.unwrap();
    assert_eq!(ion.available(Key::Current).len(), 11);
    assert_eq!((ion.current, ion.voltage), ((1e-12, 15e-9), (500.0, 30e3)));
    for path in lab.player.paths() {
        let reads = path.ends_with("/get") || !path.contains("set");
        assert!(reads && !path.contains("move"), "connecting asked for {path}");
    }
}

#[test]
fn vectors_every_recorded_value_is_read() {
    let mut lab = lab();
    let (mut read, mut set) = (0, 0);
    for case in recordings("beam") {
        let Some((route, verb)) = case["path"].as_str().unwrap().trim_start_matches('/').split_once('/') else {
            continue;
        };
        let Some((key, _)) = column::ROUTES.iter().find(|(_, r)| *r == route) else {
            continue;
        };
        let beam: Beam = case["request"]["beam_type"].as_str().unwrap().parse().unwrap();
        let recorded: Value = serde_json::from_value(case["response"]["value"].clone()).unwrap();
        let column = lab.scope.beam(beam).unwrap();
        if verb == "get" && case["name"].as_str().unwrap().contains(" get ") {
            assert_eq!(column.get(*key), Ok(recorded), "{}", case["name"]);
            read += 1;
        } else if verb == "set" && !case["name"].as_str().unwrap().contains("nonsense") {
            let value: Value = serde_json::from_value(case["request"]["value"].clone()).unwrap();
            assert_eq!(column.set(*key, &value), Ok(recorded), "{}", case["name"]);
            set += 1;
        }
    }
    assert_eq!((read, set), (26, 13));
    let state = lab.scope.beam(Beam::Ion).unwrap().read().unwrap().value;
    assert_eq!((state.settings.beam_current, state.settings.voltage), (20e-12, 30e3));
    assert_eq!(state.detector.kind, "ETD");
}

#[test]
fn vectors_a_picture_comes_with_what_was_asked_for() {
    let mut lab = lab();
    let settings = ImageSettings {
        beam_type: Beam::Ion,
        resolution: (48, 32),
        hfw: 100e-6,
        ..ImageSettings::default()
    };
    lab.player
        .plan("/acquire_image", Answer::Tiff(recorded_picture("tiny_ion.tif")));
    let ticket = lab.scope.imaging().unwrap().begin(&settings).unwrap();
    assert_eq!(follow(&mut lab, ticket), Progress::Done);
    let frame = lab.scope.imaging().unwrap().take(ticket).unwrap();
    assert_eq!(frame.pixels.size(), (48, 32));
    assert_eq!(frame.metadata.as_ref().unwrap().image, settings);
    // one class looks only at what was set before, another only at what comes with the order: both are told
    let set = &lab.player.asked("/imaging_settings/set")[0]["image_settings"];
    let order = &lab.player.asked("/acquire_image")[0];
    assert_eq!((set, &order["beam_type"]), (&order["image_settings"], &json!("ION")));
    assert_eq!(set["beam_type"], "ION");

    // a picture without a description is described here; one of another size is no picture of this
    let mut bare = frame.clone();
    bare.metadata = None;
    lab.player.plan("/acquire_image", Answer::Tiff(bare.encode().unwrap()));
    let ticket = lab.scope.imaging().unwrap().begin(&settings).unwrap();
    assert_eq!(follow(&mut lab, ticket), Progress::Done);
    let described = lab.scope.imaging().unwrap().take(ticket).unwrap().metadata.unwrap();
    assert_eq!(described.image, settings);
    assert_eq!(described.microscope_state.ion_beam.unwrap().beam_current, 20e-12);
    bare.pixels = Pixels::filled(24, 8, 0);
    lab.player.plan("/acquire_image", Answer::Tiff(bare.encode().unwrap()));
    let ticket = lab.scope.imaging().unwrap().begin(&settings).unwrap();
    let end = follow(&mut lab, ticket);
    assert!(
        matches!(&end, Progress::Failed(e) if e.kind == ErrorKind::Protocol),
        "{end:?}"
    );
    assert_eq!(
        lab.scope.imaging().unwrap().last(Beam::Ion).unwrap().unwrap().pixels,
        frame.pixels
    );
    assert_eq!(
        lab.scope.imaging().unwrap().last(Beam::Electron).unwrap_err().kind,
        ErrorKind::Protocol
    );
    lab.player.plan("/last_image", Answer::Failure);
    assert_eq!(lab.scope.imaging().unwrap().last(Beam::Electron), Ok(None));
}

#[test]
fn the_line_it_drops_after_an_inner_error_is_not_used_again() {
    let mut lab = lab();
    for _ in 0..3 {
        lab.player.plan("/beam_current/set", Answer::Failure);
        let column = lab.scope.beam(Beam::Ion).unwrap();
        let error = column.set(Key::Current, &Value::Number(50e-12)).unwrap_err();
        assert!(
            error.what.contains("is not known") && error.kind == ErrorKind::Other,
            "{error}"
        );
        assert_eq!(column.get(Key::Current), Ok(Value::Number(20e-12)));
    }
}

#[test]
fn a_lost_read_is_asked_again_and_a_lost_write_is_not() {
    let mut lab = lab();
    lab.player.plan("/beam_current/get", Answer::Silence);
    let before = lab.player.asked("/beam_current/get").len();
    let column = lab.scope.beam(Beam::Ion).unwrap();
    assert_eq!(column.get(Key::Current), Ok(Value::Number(20e-12)));
    assert_eq!(lab.player.asked("/beam_current/get").len(), before + 2);
    lab.player.plan("/beam_current/set", Answer::Silence);
    let error = column.set(Key::Current, &Value::Number(50e-12)).unwrap_err();
    assert_eq!(
        (error.kind, lab.player.asked("/beam_current/set").len()),
        (ErrorKind::Unknown, 1)
    );
}

#[test]
fn a_number_that_is_none_is_neither_sent_nor_believed() {
    let mut lab = lab();
    let before = lab.player.paths().len();
    let stage = lab.scope.stage().unwrap();
    for target in [
        Pose {
            x: f64::NAN,
            ..Pose::default()
        },
        Pose {
            t: 9.9,
            ..Pose::default()
        },
        Pose {
            x: 5.0,
            ..Pose::default()
        },
    ] {
        assert_eq!(stage.begin_move(target).unwrap_err().kind, ErrorKind::OutOfRange);
    }
    let column = lab.scope.beam(Beam::Electron).unwrap();
    let nan = Point { x: f64::NAN, y: 0.0 };
    assert!(column.set(Key::Shift, &Value::Point(nan)).is_err());
    assert!(column.set(Key::Hfw, &Value::Number(f64::INFINITY)).is_err());
    assert!(column.set(Key::DetectorType, &Value::Text("XYZ".into())).is_err());
    assert_eq!(lab.player.paths().len(), before, "something was sent");
    // once poisoned, the server reads null: not zero
    let mut poisoned = lab.player.asked("/stage_position").len();
    lab.player.plan(
        "/stage_position",
        asked_for(json!({"position": {"x": null, "y": 0, "z": 0, "r": 0, "t": 0, "coordinate_system": "RAW"}})),
    );
    assert_eq!(lab.scope.stage().unwrap().read().unwrap_err().kind, ErrorKind::Protocol);
    poisoned += 1;
    assert_eq!(lab.player.asked("/stage_position").len(), poisoned);
}

#[test]
fn reads_go_on_while_a_move_blocks_and_a_lost_reply_is_looked_into() {
    let mut lab = lab();
    let target = Pose {
        x: 1e-3,
        ..Pose::default()
    };
    let go = lab
        .player
        .hold("/move_stage_absolute", asked_for(json!({"position": {}})));
    let ticket = lab.scope.stage().unwrap().begin_move(target).unwrap();
    let state = lab.scope.stage().unwrap().read().unwrap().value;
    assert!(state.moving);
    let again = lab.scope.stage().unwrap().begin_move(target).unwrap_err();
    assert_eq!(again.kind, ErrorKind::Busy);
    drop(go);
    assert_eq!(follow(&mut lab, ticket), Progress::Done);
    assert!(!lab.scope.stage().unwrap().read().unwrap().value.moving);
    let sent = &lab.player.asked("/move_stage_absolute")[0]["position"];
    assert!(
        ["x", "y", "z", "r", "t"].iter().all(|axis| sent[axis].is_number()),
        "{sent}"
    );

    for (stands, end) in [(1e-3, Progress::Done), (0.5e-3, Progress::Unknown)] {
        lab.player.plan("/move_stage_absolute", Answer::Silence);
        let here = json!({"x": stands, "y": 0, "z": 0, "r": 0, "t": 0, "coordinate_system": "RAW"});
        lab.player
            .plan("/stage_position", asked_for(json!({ "position": here })));
        let ticket = lab.scope.stage().unwrap().begin_move(target).unwrap();
        assert_eq!(follow(&mut lab, ticket), end);
    }
}

#[test]
fn a_slow_answer_gives_way_to_the_last_one_with_its_age() {
    let mut lab = lab();
    lab.scope.stage().unwrap().read().unwrap();
    lab.clock.advance(0.5);
    let there = json!({"position": {"x": 1e-3, "y": 0, "z": 0, "r": 0, "t": 0, "coordinate_system": "RAW"}});
    let go = lab.player.hold("/stage_position", asked_for(there));
    let old = lab.scope.stage().unwrap().read().unwrap();
    assert_eq!((old.value.pose.x, old.age), (0.0, 0.5));
    // what is older than a second is nothing to decide on: now the answer is waited for
    lab.clock.advance(1.0);
    let (told, asking) = mpsc::channel();
    let waiting = std::thread::spawn(move || {
        told.send(()).unwrap();
        lab.scope.stage().unwrap().read().unwrap().value.pose.x
    });
    asking.recv().unwrap();
    drop(go);
    assert_eq!(waiting.join().unwrap(), 1e-3);
}

/// A box loaded and begun, the beam's end held back.
fn milling(lab: &mut Lab) -> (Ticket, mpsc::Sender<()>) {
    let settings = MillingSettings {
        milling_current: 7.6e-9,
        ..MillingSettings::default()
    };
    let set = lab.scope.milling().unwrap().setup(&settings).unwrap();
    assert_eq!(set.milling_current, 20e-12, "the current is the column's own key");
    lab.player
        .plan("/estimate_milling_time", asked_for(json!({"seconds": 20})));
    let shapes = [
        Rectangle::new(0.0, 0.0, 3e-6, 1e-6, 1e-6).into(),
        Rectangle::new(0.0, 5e-6, 1e-6, 1e-6, 1e-6).into(),
    ];
    assert_eq!(lab.scope.milling().unwrap().load(&shapes), Ok(20.0));
    let go = lab.player.hold("/run_milling", asked_for(json!({"status": "ok"})));
    (lab.scope.milling().unwrap().begin().unwrap(), go)
}

fn patterning(lab: &mut Lab, word: &str) -> model::PatterningState {
    lab.player.plan("/milling_state", asked_for(json!({ "state": word })));
    lab.scope.milling().unwrap().read().unwrap().value
}

#[test]
fn milling_is_followed_paused_and_stopped_by_other_lines() {
    let mut lab = lab();
    let (ticket, go) = milling(&mut lab);
    let patterns = &lab.player.asked("/draw_patterns")[0]["patterns"];
    assert_eq!(
        (&patterns[0]["type"], &patterns[0]["cross_section"]),
        (&json!("Rectangle"), &json!("Rectangle"))
    );
    assert!(patterns[0].get("kind").is_none());
    lab.clock.advance(5.0);
    let state = patterning(&mut lab, "RUNNING");
    assert_eq!((state.phase, state.elapsed), (PatterningPhase::Running, 5.0));
    assert!(
        (state.done[0] - 1.0 / 3.0).abs() < 1e-9 && state.done[1] == 0.0,
        "{state:?}"
    );
    lab.player
        .plan("/milling_state", asked_for(json!({"state": "RUNNING"})));
    lab.scope.milling().unwrap().pause().unwrap();
    lab.clock.advance(1e4);
    let state = patterning(&mut lab, "PAUSED");
    assert_eq!((state.phase, state.elapsed), (PatterningPhase::Paused, 5.0));
    lab.player.plan("/milling_state", asked_for(json!({"state": "PAUSED"})));
    lab.scope.milling().unwrap().resume().unwrap();
    lab.clock.advance(11.0);
    assert!(
        matches!(lab.scope.poll(ticket), Ok(Progress::Pending { remaining: Some(r), .. }) if (r - 4.0).abs() < 1e-9)
    );
    let state = patterning(&mut lab, "RUNNING");
    assert!(state.done[0] == 1.0 && (state.done[1] - 0.2).abs() < 1e-9, "{state:?}");
    lab.scope.stopper().stop().unwrap();
    drop(go);
    assert!(matches!(follow(&mut lab, ticket), Progress::Failed(e) if e.kind == ErrorKind::Stopped));
    assert_eq!(lab.player.asked("/stop_milling").len(), 1);
    assert_eq!(patterning(&mut lab, "IDLE").elapsed, 16.0);
}

#[test]
fn an_end_that_nobody_ordered_is_not_called_done() {
    let mut lab = lab();
    let (ticket, go) = milling(&mut lab);
    lab.clock.advance(3.0);
    drop(go);
    // the server answers "ok" also when somebody at the microscope ended the pattern
    assert_eq!(follow(&mut lab, ticket), Progress::Unknown);
    // what it forgot at the end of the run is drawn again before the next
    lab.player
        .plan("/estimate_milling_time", asked_for(json!({"seconds": 20})));
    let go = lab.player.hold("/run_milling", asked_for(json!({"status": "ok"})));
    let ticket = lab.scope.milling().unwrap().begin().unwrap();
    assert_eq!(lab.player.asked("/draw_patterns").len(), 2);
    lab.clock.advance(21.0);
    drop(go);
    assert_eq!(follow(&mut lab, ticket), Progress::Done);
    assert_eq!(patterning(&mut lab, "IDLE").done, [1.0, 1.0]);
}

#[test]
fn what_does_not_run_is_not_resumed() {
    let mut lab = lab();
    // the real server would say RUNNING from then on
    assert!(lab.scope.milling().unwrap().resume().is_err() && lab.scope.milling().unwrap().pause().is_err());
    assert!(lab.player.asked("/resume_milling").is_empty() && lab.player.asked("/pause_milling").is_empty());
}

#[test]
fn what_the_bridge_offers_is_there_and_nothing_else() {
    let (player, clock) = (Player::start(), Arc::new(ManualClock::default()));
    let offers = json!({"bridge": 1, "offers": ["blank", "power", "needle"], "saved": ["PARK"]});
    player.plan("/bridge", asked_for(offers));
    let mut scope = try_open(instrument(&player), clock).unwrap();
    let caps = scope.capabilities();
    assert!(caps.chamber.is_none() && scope.chamber().is_none() && !caps.stage.unwrap().home);
    assert!(caps.ion.as_ref().unwrap().blanker && !caps.milling.unwrap().spot_burn);
    assert_eq!(caps.manipulator.unwrap().saved, ["PARK"]);
    assert!(scope.stage().unwrap().begin_home().is_err() && scope.stage().unwrap().link(true).is_err());

    player.plan("/bridge/blank", asked_for(json!({"value": true})));
    let column = scope.beam(Beam::Ion).unwrap();
    assert_eq!(column.set(Key::Blanked, &Value::Bool(true)), Ok(Value::Bool(true)));
    assert!(column.set(Key::On, &Value::Number(1.0)).is_err());
    assert_eq!(player.asked("/bridge/blank"), [json!({"beam_type": "ION", "on": true})]);
    let state = json!({"electron": {"on": true, "blanked": false}, "ion": {"on": false, "blanked": true}});
    player.plan("/bridge/state", asked_for(state.clone()));
    let read = scope.beam(Beam::Ion).unwrap().read().unwrap().value;
    assert_eq!((read.on, read.blanked), (false, true));

    // a needle that cannot be read is not taken to be out
    player.plan("/bridge/state", asked_for(state));
    let needle = scope.manipulator().unwrap();
    assert_eq!(needle.read().unwrap_err().kind, ErrorKind::Protocol);
    assert!(needle.begin_insert("NOWHERE").is_err() && needle.saved("NOWHERE").is_err());
    player.plan("/bridge/stop", asked_for(json!({"status": "ok"})));
    scope.stopper().stop().unwrap();
    assert_eq!(
        (player.asked("/bridge/stop").len(), player.asked("/stop_milling").len()),
        (1, 0)
    );
}

#[test]
fn gas_goes_where_the_bridge_has_it_and_what_cannot_be_known_is_not_taken_to_be_out() {
    let (player, clock) = (Player::start(), Arc::new(ManualClock::default()));
    let port = json!({"port": "Pt", "gases": ["Pt"], "positions": [], "heater": true});
    let gas = json!({"multichem": false, "sputter_coater": true, "ports": [port]});
    player.plan(
        "/bridge",
        asked_for(json!({"bridge": 1, "offers": ["gas"], "saved": [], "gas": gas})),
    );
    let mut scope = try_open(instrument(&player), clock).unwrap();
    let caps = scope.capabilities().gas.unwrap();
    assert_eq!((caps.ports[0].port.as_str(), caps.sputter_coater), ("Pt", false));
    let out = json!({"port": "Pt", "inserted": false, "position": null, "gas": null, "heater": false, "temperature": 293.0, "open": false});
    let state = |port: &serde_json::Value| {
        asked_for(json!({"gas": {"ports": [port], "sputtering": null, "sputter_ready": false}}))
    };
    player.plan("/bridge/state", state(&out));
    assert!(!scope.gas().unwrap().read().unwrap().value.inserted());
    for path in ["/bridge/gas/heat", "/bridge/gas/valve"] {
        player.plan(path, asked_for(json!({"status": "ok"})));
    }
    let gas = scope.gas().unwrap();
    gas.heat("Pt", Some("Pt"), true).unwrap();
    gas.valve("Pt", false).unwrap();
    assert_eq!(
        player.asked("/bridge/gas/heat"),
        [json!({"port": "Pt", "gas": "Pt", "on": true})]
    );
    assert_eq!(
        player.asked("/bridge/gas/valve"),
        [json!({"port": "Pt", "open": false})]
    );
    assert!(gas.valve("NOWHERE", true).is_err() && player.asked("/bridge/gas/valve").len() == 1);
    let mut inside = out;
    inside["inserted"] = json!(true);
    player.plan("/bridge/state", state(&inside));
    assert_eq!(gas.begin_insert("Pt", None).unwrap_err().kind, ErrorKind::Interlock);
    player.plan("/bridge/state", asked_for(json!({})));
    assert_eq!(gas.read().unwrap_err().kind, ErrorKind::Protocol);
    assert!(gas.begin_sputter(model::SputterStep::Prepare).is_err());
}

#[test]
fn an_order_is_called_off_by_its_name_where_the_server_can() {
    let (player, clock) = (Player::start(), Arc::new(ManualClock::default()));
    player.plan("/bridge", asked_for(json!({"bridge": 1, "offers": ["cancel"]})));
    let mut scope = try_open(instrument(&player), clock).unwrap();
    let go = player.hold("/move_stage_absolute", asked_for(json!({"status": "ok"})));
    let ticket = scope.stage().unwrap().begin_move(Pose::default()).unwrap();
    player.plan("/bridge/cancel", asked_for(json!({"status": "ok"})));
    scope.cancel(ticket).unwrap();
    let name = player.asked("/bridge/cancel")[0]["order"].clone();
    assert!(name.is_string(), "{name}");
    drop(go);
    while matches!(scope.poll(ticket).unwrap(), Progress::Pending { .. }) {
        std::thread::yield_now();
    }
    assert_eq!(player.asked("/move_stage_absolute")[0]["order"], name);
}

/// Stop has a line of its own, on which it may arrive before an order that left earlier.
#[test]
fn stop_calls_off_what_may_come_in_behind_it() {
    let (player, clock) = (Player::start(), Arc::new(ManualClock::default()));
    player.plan("/bridge", asked_for(json!({"bridge": 1, "offers": ["cancel"]})));
    let scope = try_open(instrument(&player), clock.clone()).unwrap();
    let mut lab = Lab { player, clock, scope };
    let stop = |lab: &Lab| {
        for path in ["/bridge/stop", "/bridge/cancel"] {
            lab.player.plan(path, asked_for(json!({"status": "ok"})));
        }
        lab.scope.stopper().stop().unwrap();
        lab.player.asked("/bridge/cancel")
    };
    assert!(stop(&lab).is_empty());
    let go = lab
        .player
        .hold("/move_stage_absolute", asked_for(json!({"status": "ok"})));
    let ticket = lab.scope.stage().unwrap().begin_move(Pose::default()).unwrap();
    while lab.player.asked("/move_stage_absolute").is_empty() {
        std::thread::yield_now();
    }
    let order = lab.player.asked("/move_stage_absolute")[0]["order"].clone();
    assert!(order.is_string());
    assert_eq!(stop(&lab), [json!({ "order": order })]);
    drop(go);
    assert_eq!(follow(&mut lab, ticket), Progress::Done);
    // what came back is not called off again
    assert_eq!(stop(&lab).len(), 1);
}

#[test]
fn the_wrong_file_opens_nothing() {
    let player = Player::start();
    let mut other = instrument(&player);
    other.info.manufacturer = "ThermoFisher".into();
    let clock = Arc::new(ManualClock::default());
    let error = try_open(other, clock.clone()).err().unwrap();
    assert!(
        error.what.contains("drives a Demo") && error.kind == ErrorKind::Interlock,
        "{error}"
    );
    let mut compustage = instrument(&player);
    compustage.sim.insert("is_compustage".into(), json!(true));
    assert!(try_open(compustage, clock.clone()).is_err());
    let mut nobody = instrument(&player);
    nobody.info.port = Some(1);
    let error = try_open(nobody, clock).err().unwrap();
    assert!(
        error.kind == ErrorKind::NotConnected && error.what.contains("nothing was sent"),
        "{error}"
    );
}

#[test]
fn vectors_recorded_refusals_say_what_is_wrong() {
    let player = Player::start();
    let wire = Wire::new("127.0.0.1", player.port, None);
    for case in recordings("errors")
        .iter()
        .filter(|c| c["status"].as_u64() >= Some(400))
    {
        let answer = match case["status"].as_u64().unwrap() as u16 {
            500 => Answer::Failure,
            status => Answer::Json(status, case["response"].clone()),
        };
        player.plan("/any", answer);
        let error = wire.tell("/any", &json!({}), Wait::Quick).unwrap_err();
        let name = case["name"].as_str().unwrap();
        match case["status"].as_u64().unwrap() {
            404 | 405 => assert_eq!(error.kind, ErrorKind::Unsupported, "{name}"),
            422 => assert_eq!(error.kind, ErrorKind::OutOfRange, "{name}"),
            _ => assert_eq!(error.kind, ErrorKind::Other, "{name}"),
        }
        assert!(error.what.contains("/any"), "{name}: {error}");
    }
}
