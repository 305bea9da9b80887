//! Nonsense: refused with a reason, and nothing happens.

use super::*;

#[test]
fn nonsense_is_refused_with_a_reason_and_nothing_happens() {
    let door = Door::new(Speed::Virtual);
    let before = (
        door.ground(),
        door.look("/microscope_state")["microscope_state"]["ion_beam"].clone(),
    );
    let image = |settings: Value| json!({ "beam_type": "ELECTRON", "image_settings": settings });
    let set = |value: Value| json!({ "value": value, "beam_type": "ION" });
    let null = || Value::Null;
    let cases: Vec<(&str, Value, u16)> = vec![
        ("/move_stage_absolute", along_x(10.0), 422),
        ("/move_stage_relative", along_x(10.0), 422),
        (
            "/move_stage_absolute",
            position(null(), null(), null(), null(), json!(170f64.to_radians())),
            422,
        ),
        (
            "/safe_absolute_stage_movement",
            position(null(), null(), null(), null(), json!(9.9)),
            422,
        ),
        ("/move_stage_absolute", json!({ "position": { "x": 0.001 } }), 422),
        (
            "/move_stage_absolute",
            position(json!("1"), json!(0), json!(0), json!(0), json!(0)),
            422,
        ),
        ("/move_stage_absolute", json!({}), 422),
        ("/stable_move", json!({ "dx": 1.0, "dy": 0.0, "beam_type": "ION" }), 422),
        (
            "/stable_move",
            json!({ "dx": "far", "dy": 0.0, "beam_type": "ION" }),
            422,
        ),
        ("/vertical_move", json!({ "dx": 0.0 }), 422),
        ("/move_flat_to_beam", json!({ "beam_type": "LASER" }), 422),
        ("/milling_angle/move", json!({ "milling_angle": 15.0 }), 422),
        ("/milling_angle/set", json!({ "milling_angle": -400 }), 422),
        ("/acquire_image", json!({}), 422),
        ("/acquire_image", json!({ "beam_type": 1 }), 422),
        ("/acquire_image", image(json!({ "hfw": 0.0 })), 422),
        ("/acquire_image", image(json!({ "dwell_time": 1 })), 422),
        ("/acquire_image", image(json!({ "resolution": [1, 1] })), 422),
        ("/acquire_image", image(json!({ "beam_type": "X" })), 422),
        (
            "/acquire_image",
            image(json!({ "reduced_area": { "left": 0.9, "top": 0, "width": 0.5, "height": 1 } })),
            422,
        ),
        (
            "/imaging_settings/set",
            json!({ "image_settings": { "hfw": -1.0 } }),
            422,
        ),
        ("/beam_current/set", set(json!(-1e-9)), 422),
        ("/beam_current/set", set(json!(null)), 422),
        ("/beam_current/set", set(json!("abc")), 422),
        ("/beam_voltage/set", set(json!(1e9)), 422),
        ("/field_of_view/set", set(json!(0)), 422),
        ("/working_distance/set", set(json!(-1)), 422),
        ("/dwell_time/set", set(json!(0)), 422),
        ("/resolution/set", set(json!([0, 0])), 422),
        ("/resolution/set", set(json!([1])), 422),
        ("/beam_shift/set", set(json!({ "x": 1.0, "y": 0.0 })), 422),
        ("/stigmation/set", set(json!({ "x": 1.0 })), 422),
        ("/detector_type/set", set(json!("Eye")), 422),
        ("/detector_mode/set", set(json!("Wishful")), 422),
        ("/detector_contrast/set", set(json!(1.5)), 422),
        (
            "/detector_settings/set",
            json!({ "beam_type": "ION", "detector_settings": { "type": "Eye" } }),
            422,
        ),
        (
            "/beam_settings/set",
            json!({ "beam_settings": {
            "beam_type": "ION", "working_distance": 0.017, "beam_current": -1e-9, "voltage": 30e3, "hfw": 1e-4,
            "resolution": [768, 512], "dwell_time": 1e-6 } }),
            422,
        ),
        (
            "/beam_settings/set",
            json!({ "beam_settings": { "beam_type": "ION" } }),
            422,
        ),
        (
            "/microscope_state",
            json!({ "microscope_state": { "timestamp": 0.0 } }),
            422,
        ),
        ("/available_values", json!({ "key": "current", "beam_type": null }), 422),
        (
            "/setup_milling",
            json!({ "mill_settings": { "milling_current": -1.0 } }),
            422,
        ),
        (
            "/setup_milling",
            json!({ "mill_settings": { "application_file": "Cheese" } }),
            422,
        ),
        ("/setup_milling", json!({ "mill_settings": { "hfw": 0.0 } }), 422),
        ("/draw_patterns", json!({ "patterns": [{ "type": "Star" }] }), 422),
        ("/draw_patterns", json!({ "patterns": [{ "width": 1 }] }), 422),
        (
            "/draw_patterns",
            json!({ "patterns": [{ "type": "Rectangle", "width": 1e-6 }] }),
            422,
        ),
        (
            "/draw_patterns",
            json!({ "patterns": [
            { "type": "Rectangle", "width": -1e-6, "height": 1e-6, "depth": 1e-6, "centre_x": 0, "centre_y": 0 }] }),
            422,
        ),
        (
            "/run_milling",
            json!({ "milling_current": 1e-9, "milling_voltage": 30e3 }),
            409,
        ),
        (
            "/run_milling",
            json!({ "milling_current": -1e-9, "milling_voltage": 30e3 }),
            422,
        ),
        ("/start_milling", json!({}), 409),
        ("/pause_milling", json!({}), 409),
        ("/resume_milling", json!({}), 409),
        (
            "/finish_milling",
            json!({ "imaging_current": -1.0, "imaging_voltage": 30e3 }),
            422,
        ),
        ("/last_image", json!({ "beam_type": "ION" }), 404),
        ("/bridge/needle/saved", json!({ "name": "NOWHERE" }), 422),
        (
            "/bridge/needle/move",
            json!({ "position": {
            "x": 0, "y": 0, "z": 0, "r": 0, "t": 0, "coordinate_system": "RAW" } }),
            409,
        ),
        (
            "/bridge/spot",
            json!({ "beam_type": "ION", "x": 2, "y": 0.5, "seconds": 1 }),
            422,
        ),
        ("/bridge/get", json!({ "key": "nonsense" }), 422),
        (
            "/bridge/set",
            json!({ "key": "current", "beam_type": "ION", "value": -1 }),
            422,
        ),
        ("/bridge/power", json!({ "beam_type": "ION" }), 422),
        ("/v1/commands/stage.move-absolute", json!({ "x": 10.0 }), 422),
        ("/v1/commands/nonsense", json!({}), 422),
        ("/v1/preview/stage.move-absolute", json!({ "q": 1 }), 422),
        ("/nope", json!({}), 404),
        ("/nope/get", json!({}), 404),
        ("/stage_position", json!({}), 405),
    ];
    for (path, body, status) in cases {
        let answer = door.post(path, body.clone());
        assert_eq!(
            answer.status,
            status,
            "{path} {body}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        assert!(!answer.json()["detail"].is_null(), "{path} {body}: no reason");
    }
    // what is no number in JSON
    for text in [
        r#"{"position": {"x": NaN, "y": null, "z": null, "r": null, "t": null, "coordinate_system": "RAW"}}"#,
        r#"{"position": {"x": 1e999, "y": null, "z": null, "r": null, "t": null, "coordinate_system": "RAW"}}"#,
        r#"{"position": "#,
        "[]",
    ] {
        assert_eq!(
            door.with_token("POST", "/move_stage_absolute", Some(text)).status,
            422,
            "{text}"
        );
    }
    let (ground, ion) = before;
    assert_eq!(door.ground()["pose"], ground["pose"]);
    assert_eq!(door.ground()["milling"], ground["milling"]);
    assert_eq!(door.look("/microscope_state")["microscope_state"]["ion_beam"], ion);
}
