//! openFIBSEM's routes for milling.

use super::*;

const RECTANGLE: &str =
    r#"{"type": "Rectangle", "width": 1e-5, "height": 5e-6, "depth": 1e-7, "centre_x": 0, "centre_y": 0}"#;

fn patterns() -> Value {
    let rectangle: Value = serde_json::from_str(RECTANGLE).unwrap();
    json!({ "patterns": [rectangle] })
}

fn set_up(door: &Door) {
    let settings = json!({ "milling_current": 7.6e-9, "milling_voltage": 30e3, "hfw": 80e-6 });
    door.ok("/bridge/power", json!({ "beam_type": "ION", "on": true }));
    door.ok("/setup_milling", json!({ "mill_settings": settings }));
}

#[test]
fn patterns_are_drawn_paused_and_never_twice() {
    let door = Door::new(Speed::Real(1.0));
    set_up(&door);
    near(&door.look("/estimate_milling_time")["seconds"], 0.0);
    door.ok("/draw_patterns", patterns());
    let seconds = door.look("/estimate_milling_time")["seconds"].as_f64().unwrap();
    assert!(seconds > 0.0);
    door.ok("/start_milling", json!({}));
    assert_eq!(door.look("/milling_state")["state"], "RUNNING");
    // who comes meanwhile is told what runs; who reads waits for nothing
    let busy = door.post("/move_stage_relative", along_x(1e-6));
    assert_eq!(busy.status, 409);
    assert!(busy.json()["detail"].as_str().unwrap().contains("patterning.run"));
    assert_eq!(door.get("/stage_position").status, 200);
    door.ok("/pause_milling", json!({}));
    assert_eq!(door.look("/milling_state")["state"], "PAUSED");
    assert_eq!(door.post("/pause_milling", json!({})).status, 409);
    door.ok("/resume_milling", json!({}));
    door.ok("/stop_milling", json!({}));
    assert_eq!(door.look("/milling_state")["state"], "IDLE");
    assert_eq!(door.ok("/stop_milling", json!({}))["status"], "ok");
}

#[test]
fn a_run_after_a_stop_finishes_what_is_left() {
    let door = Door::new(Speed::Virtual);
    set_up(&door);
    door.ok("/draw_patterns", patterns());
    let run = json!({ "milling_current": 7.6e-9, "milling_voltage": 30e3 });
    assert_eq!(door.ok("/run_milling", run.clone())["status"], "ok");
    near(&door.look("/estimate_milling_time")["seconds"], 0.0);
    // drawn already
    assert_eq!(door.post("/run_milling", run.clone()).status, 409);
    let milled = door.ground()["milling"].clone();
    near(
        &milled[0]["delivered_dose_c"],
        milled[0]["planned_dose_c"].as_f64().unwrap(),
    );
    // the next is drawn alone
    let mut shapes = patterns();
    shapes["patterns"].as_array_mut().unwrap().extend([
        json!({ "type": "Line", "start_x": -1e-6, "end_x": 1e-6, "start_y": 0, "end_y": 0, "depth": 1e-7 }),
        json!({ "type": "Circle", "radius": 2e-6, "depth": 1e-7, "centre_x": 0, "centre_y": 0 }),
        json!({ "type": "Polygon", "vertices": [[0, 0], [2e-6, 0], [0, 2e-6]], "depth": 1e-7 }),
        json!({ "type": "Bitmap", "width": 2e-6, "height": 2e-6, "depth": 1e-7, "centre_x": 0, "centre_y": 0,
            "bitmap": [[[1.0, 0], [0.5, 2]], [[1.0, 1], [0.0, 0]]], "flip_y": false, "interpolate": null }),
        json!({ "type": "Bitmap", "width": 2e-6, "height": 2e-6, "depth": 1e-7, "centre_x": 0, "centre_y": 0, "bitmap": null }),
    ]);
    door.ok("/draw_patterns", shapes);
    door.ok("/run_milling", run.clone());
    assert_eq!(door.ground()["milling"].as_array().unwrap().len(), 7);
    door.ok(
        "/finish_milling",
        json!({ "imaging_current": 2e-11, "imaging_voltage": 30e3 }),
    );
    near(
        &door.ok("/beam_current/get", json!({ "beam_type": "ION" }))["value"],
        2e-11,
    );
    door.ok("/clear_patterns", json!({}));
    assert_eq!(door.post("/run_milling", run).status, 409);
}

#[test]
fn what_was_stopped_is_finished_and_not_begun_again() {
    let door = Door::new(Speed::Real(50.0));
    set_up(&door);
    let mut shapes = patterns();
    shapes["patterns"][0]["depth"] = json!(2e-6);
    door.ok("/draw_patterns", shapes);
    let planned = |door: &Door| -> f64 {
        let ground = door.ground();
        ground["milling"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["delivered_dose_c"].as_f64().unwrap())
            .sum()
    };
    door.ok(
        "/run_milling",
        json!({ "milling_current": 7.6e-9, "milling_voltage": 30e3, "asynch": true }),
    );
    door.until(|s| s.patterning.as_ref().is_some_and(|p| p.value.elapsed > 0.0));
    door.ok("/stop_milling", json!({}));
    let whole = door.ground()["milling"][0]["planned_dose_c"].as_f64().unwrap();
    let part = planned(&door);
    assert!(part > 0.0 && part < whole, "{part} of {whole}");
    assert_eq!(
        door.ok(
            "/run_milling",
            json!({ "milling_current": 7.6e-9, "milling_voltage": 30e3 })
        )["status"],
        "ok"
    );
    let both = planned(&door);
    assert!((both / whole - 1.0).abs() < 1e-3, "{both} of {whole}");
}
