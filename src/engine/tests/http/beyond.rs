//! The bridge's endpoints, `/v1` and `/metrics`.

use super::*;

#[test]
fn the_bridge_s_endpoints_do_what_they_say() {
    let door = Door::new(Speed::Virtual);
    let offers = door.look("/bridge")["offers"].clone();
    for offer in [
        "acquire",
        "integration",
        "power",
        "blank",
        "home",
        "link",
        "chamber",
        "vacuum",
        "needle",
        "spot",
        "patterning",
    ] {
        assert!(offers.as_array().unwrap().contains(&json!(offer)), "{offers}");
    }
    let beam = |name: &str, on: bool| json!({ "beam_type": name, "on": on });
    assert_eq!(door.ok("/bridge/power", beam("ION", true))["value"], true);
    assert_eq!(door.ok("/bridge/blank", beam("ION", true))["value"], true);
    assert_eq!(
        door.look("/bridge/state")["ion"],
        json!({ "on": true, "blanked": true })
    );
    assert_eq!(door.ok("/bridge/blank", beam("ION", false))["value"], false);
    door.ok("/bridge/home", json!({}));
    assert_eq!(door.ok("/bridge/link", json!({}))["value"], true);
    assert_eq!(door.ok("/bridge/link", json!({ "on": false }))["value"], false);
    near(
        &door.ok("/bridge/get", json!({ "key": "chamber_pressure" }))["value"],
        door.look("/bridge/state")["chamber"]["pressure"].as_f64().unwrap(),
    );
    door.ok(
        "/bridge/set",
        json!({ "key": "hfw", "beam_type": "ION", "value": 9e-5 }),
    );
    near(
        &door.ok("/bridge/get", json!({ "key": "hfw", "beam_type": "ION" }))["value"],
        9e-5,
    );
    door.ok(
        "/bridge/spot",
        json!({ "beam_type": "ION", "x": 0.5, "y": 0.5, "seconds": 1 }),
    );
    assert_eq!(door.look("/bridge/patterning")["phase"], "Idle");
    // no vent under a beam
    door.ok("/bridge/power", beam("ELECTRON", true));
    assert_eq!(door.post("/bridge/vent", json!({})).status, 409);
    for name in ["ION", "ELECTRON"] {
        door.ok("/bridge/power", beam(name, false));
    }
    door.ok("/bridge/vent", json!({}));
    assert_eq!(door.look("/bridge/state")["chamber"]["state"], "Vented");
    door.ok("/bridge/pump", json!({}));
    let park = door.ok("/bridge/needle/saved", json!({ "name": "PARK" }))["position"].clone();
    door.ok(
        "/move_stage_absolute",
        position(json!(0), json!(0), json!(2e-3), json!(0), json!(0)),
    );
    door.ok("/bridge/needle/insert", json!({ "name": "PARK" }));
    assert_eq!(door.look("/bridge/state")["needle"]["inserted"], true);
    let mut higher = park;
    higher["z"] = json!(higher["z"].as_f64().unwrap() + 1e-5);
    door.ok("/bridge/needle/move", json!({ "position": higher }));
    door.ok("/bridge/needle/retract", json!({}));
    door.ok("/bridge/configuration", json!({}));
    assert_eq!(door.ok("/bridge/stop", json!({}))["status"], "ok");
    door.until(|s| s.stopped.is_some());
}

#[test]
fn v1_has_every_command_the_snapshot_events_and_metrics() {
    let door = Door::new(Speed::Virtual);
    assert_eq!(door.look("/health")["status"], "ok");
    let system = door.look("/system");
    assert_eq!(system["stage_is_compustage"], false);
    near(&system["system"]["ion"]["column_tilt"], 52.0);
    let table = door.look("/v1/commands");
    assert_eq!(table.as_array().unwrap().len(), crate::command::rows().count());
    let answer = door.ok("/v1/commands/stage.move-relative", json!({ "x": "20um" }));
    assert_eq!(answer["ok"], true);
    near(&answer["result"]["x"], 2e-5);
    assert_eq!(
        door.ok("/v1/preview/stage.move-relative", json!({ "x": 1e-6 }))["ok"],
        true
    );
    let snapshot: crate::Snapshot = serde_json::from_value(door.look("/v1/snapshot")).unwrap();
    assert_eq!(snapshot.control.as_deref(), Some("ann/http"));
    // another has control now
    door.bench.lines(&["control.take"]).unwrap();
    let held = door.post("/move_stage_relative", along_x(1e-6));
    assert_eq!(held.status, 409);
    assert!(held.json()["detail"].as_str().unwrap().contains("has control"));
    let metrics = String::from_utf8(door.get("/metrics").body).unwrap();
    for line in [
        "fibdeck_connected 1",
        "fibdeck_stage_position{axis=\"x\"} 0.00002",
        "fibdeck_http_clients 1",
        "# TYPE fibdeck_events_total counter",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    // the stream begins with a snapshot, and goes on with what happens
    let bearer = format!("Bearer {}", door.token);
    let request = ureq::http::Request::builder()
        .uri(format!("http://{}/v1/events", door.address))
        .header("authorization", bearer)
        .body(())
        .unwrap();
    let stream = door.agent.run(request).unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stream.into_body().into_reader()));
    assert_eq!(lines.next().unwrap().unwrap(), "event: snapshot");
    door.bench.lines(&["stage.set-milling-angle angle=20deg"]).unwrap();
    let told = lines
        .map(Result::unwrap)
        .find(|line| line.contains("milling-angle"))
        .unwrap();
    let event: crate::Sequenced = serde_json::from_str(told.strip_prefix("data: ").unwrap()).unwrap();
    assert!(matches!(event.event, crate::Event::MillingAngle { .. }));
}

#[test]
fn gas_flows_step_by_step_over_the_bridges_routes() {
    let door = Door::new(Speed::Virtual);
    let said = door.look("/bridge")["gas"].clone();
    let port = said["ports"][0]["port"].clone();
    let now = || door.look("/bridge/state")["gas"]["ports"][0].clone();
    let early = door.post("/bridge/gas/valve", json!({ "port": port, "open": true }));
    assert_eq!(early.status, 409, "{early:?}");
    assert_eq!(
        door.post("/bridge/gas/insert", json!({ "port": "NOWHERE" })).status,
        422
    );
    assert_eq!(door.post("/bridge/gas/valve", json!({ "port": port })).status, 422);
    door.ok("/bridge/gas/insert", json!({ "port": port }));
    door.ok("/bridge/gas/heat", json!({ "port": port, "on": true }));
    assert_eq!((&now()["inserted"], &now()["heater"]), (&json!(true), &json!(true)));
    // cold gas stays where it is
    assert_eq!(
        door.post("/bridge/gas/valve", json!({ "port": port, "open": true }))
            .status,
        409
    );
    door.bench
        .lines(&["control.take", "system.wait seconds=300", "control.release"])
        .unwrap();
    door.ok("/bridge/gas/valve", json!({ "port": port, "open": true }));
    assert_eq!(now()["open"], json!(true));
    door.ok("/bridge/stop", json!({}));
    door.until(|s| s.gas.as_ref().is_some_and(|gas| !gas.value.open()));
    door.ok("/bridge/gas/heat", json!({ "port": port, "on": false }));
    door.ok("/bridge/gas/retract", json!({ "port": port }));
    assert_eq!((&now()["inserted"], &now()["open"]), (&json!(false), &json!(false)));
}

#[test]
fn the_live_view_is_shown_frame_by_frame() {
    let door = Door::new(Speed::Real(100.0));
    let newest = |after: u64| {
        let body = json!({ "beam_type": "ELECTRON", "after": after });
        door.post("/bridge/live/frame", body)
    };
    assert_eq!(newest(0).status, 204);
    let beam = json!({ "beam_type": "ELECTRON", "on": true });
    assert_eq!(door.ok("/bridge/live", beam)["value"], json!(true));
    door.until(|s| s.live_frames[0].is_some());
    let shown = newest(0);
    assert_eq!((shown.status, shown.kind.as_str()), (200, "image/tiff"));
    assert!(model::Frame::decode(&shown.body).is_ok());
    let first = door.bench.link().snapshot().live_frames[0].as_ref().unwrap().id;
    door.until(|s| s.live_frames[0].as_ref().is_some_and(|f| f.id > first));
    assert_eq!(newest(first).status, 200);
    assert_eq!(newest(u64::from(u32::MAX)).status, 204);
    door.ok("/bridge/live", json!({ "beam_type": "ELECTRON", "on": false }));
}
