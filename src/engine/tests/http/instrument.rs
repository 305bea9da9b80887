//! openFIBSEM's routes for stage, columns and pictures.

use super::*;

#[test]
fn the_stage_goes_where_its_routes_send_it() {
    let door = Door::new(Speed::Virtual);
    let at = door.ok(
        "/move_stage_absolute",
        position(
            json!(1e-3),
            json!(-2e-3),
            json!(4e-3),
            json!(0.0),
            json!(0.610_865_238_198_015_3),
        ),
    );
    near(&at["position"]["y"], -2e-3);
    assert_eq!(door.look("/stage_orientation")["orientation"], "SEM");
    near(
        &door.ok("/move_stage_relative", along_x(5e-5))["position"]["x"],
        1.05e-3,
    );
    // as openFIBSEM's own server computes it
    let at = door.ok(
        "/stable_move",
        json!({ "dx": 1e-5, "dy": 5e-6, "beam_type": "ELECTRON" }),
    );
    near(&at["position"]["z"], 0.003_997_132_117_818_245);
    let base = json!({ "x": 0, "y": 0, "z": 0.004, "r": 0, "t": 0.6, "coordinate_system": "RAW" });
    let at = door.ok(
        "/project_stable_move",
        json!({ "dx": 1e-5, "dy": 5e-6, "beam_type": "ELECTRON", "base_position": base }),
    );
    near(&at["position"]["z"], 0.003_997_132_117_818_245);
    let z = door.look("/stage_position")["position"]["z"].as_f64().unwrap();
    near(
        &door.ok("/vertical_move", json!({ "dy": 5e-6 }))["position"]["z"],
        z + 0.9 * 5e-6 / 52f64.to_radians().sin() / 0.610_865_238_198_015_3f64.cos(),
    );
    assert_eq!(
        door.ok("/move_flat_to_beam", json!({ "beam_type": "ion" }))["status"],
        "ok"
    );
    near(&door.look("/milling_angle")["milling_angle"], 90.0);
    let there = json!({ "stage_position": { "x": 0, "y": 0, "z": 0, "r": 0, "t": 12f64.to_radians(), "coordinate_system": "RAW" } });
    near(&door.ok("/milling_angle/from_position", there)["milling_angle"], 15.0);
    door.ok("/milling_angle/set", json!({ "milling_angle": 18 }));
    near(&door.look("/system")["system"]["stage"]["milling_angle"], 18.0);
    // where openFIBSEM's server says false of a move that arrived
    let moved = door.ok("/milling_angle/move", json!({ "milling_angle": 15f64.to_radians() }));
    assert_eq!(moved["success"], true);
    near(&moved["milling_angle"], 15.0);
    assert_eq!(
        door.ok("/milling_angle/is_close", json!({ "milling_angle": 16 }))["is_close"],
        true
    );
    assert_eq!(
        door.ok("/milling_angle/is_close", json!({ "milling_angle": 25 }))["is_close"],
        false
    );
    let home = position(json!(0), json!(0), json!(4e-3), json!(0), json!(0));
    assert_eq!(door.ok("/safe_absolute_stage_movement", home)["status"], "ok");
    near(&door.look("/stage_position")["position"]["t"], 0.0);
    // a chosen milling angle is the orientation's
    door.bench
        .lines(&["control.take", "stage.orientation name=MILLING"])
        .unwrap();
    near(&door.look("/milling_angle")["milling_angle"], 18.0);
}

#[test]
fn moves_sent_together_all_count() {
    let door = Door::new(Speed::Virtual);
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let moves: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| door.post("/move_stage_relative", along_x(1e-5)).status))
            .collect();
        moves.into_iter().map(|m| m.join().unwrap()).collect()
    });
    assert_eq!(answers, [200; 8]);
    near(&door.look("/stage_position")["position"]["x"], 8e-5);
}

#[test]
fn values_are_set_and_read_back() {
    let door = Door::new(Speed::Virtual);
    for (name, value) in [
        ("beam_current", json!(7.6e-10)),
        ("beam_voltage", json!(16e3)),
        ("field_of_view", json!("1.5e-4")),
        ("working_distance", json!(0.0165)),
        ("dwell_time", json!(2e-6)),
        ("resolution", json!([768, 512])),
        ("scan_rotation", json!(0.5)),
        ("stigmation", json!({ "x": 0.01, "y": -0.02 })),
        ("beam_shift", json!({ "x": 1e-6, "y": -2e-6 })),
        ("detector_type", json!("TLD")),
        ("detector_mode", json!("SecondaryElectrons")),
        ("detector_contrast", json!(0.4)),
        ("detector_brightness", json!(0.6)),
    ] {
        let set = door.ok(&format!("/{name}/set"), json!({ "value": value, "beam_type": "ION" }));
        let read = door.ok(&format!("/{name}/get"), json!({ "beam_type": "ion" }));
        assert_eq!(set["value"], read["value"], "{name}");
        if name != "field_of_view" && name != "beam_current" {
            assert_eq!(read["value"], value, "{name}");
        }
    }
    near(
        &door.ok("/field_of_view/get", json!({ "beam_type": "ION" }))["value"],
        1.5e-4,
    );
    let ion = json!({ "beam_type": "ION" });
    let mut settings = door.ok("/beam_settings/get", ion.clone())["beam_settings"].clone();
    settings["hfw"] = json!(1e-4);
    door.ok("/beam_settings/set", json!({ "beam_settings": settings }));
    let mut detector = door.ok("/detector_settings/get", ion.clone())["detector_settings"].clone();
    detector["contrast"] = json!(0.3);
    door.ok(
        "/detector_settings/set",
        json!({ "detector_settings": detector, "beam_type": "ION" }),
    );
    // openFIBSEM's server forgets the detector on this way
    let system = door.ok("/beam_system_settings/get", ion.clone())["beam_system_settings"].clone();
    door.ok("/beam_system_settings/set", json!({ "beam_system_settings": system }));
    assert_eq!(
        door.ok("/beam_system_settings/get", ion.clone())["beam_system_settings"],
        system
    );
    assert_eq!(
        (&system["detector_type"], &system["type"]),
        (&json!("TLD"), &json!("TLD"))
    );
    near(&system["detector_contrast"], 0.3);
    near(&system["hfw"], 1e-4);
    let mut tilted = system;
    tilted["column_tilt"] = json!(40);
    assert_eq!(
        door.post("/beam_system_settings/set", json!({ "beam_system_settings": tilted }))
            .status,
        422
    );
    let state = door.look("/microscope_state")["microscope_state"].clone();
    door.ok("/field_of_view/set", json!({ "value": 8e-5, "beam_type": "ION" }));
    door.ok("/microscope_state", json!({ "microscope_state": state }));
    near(&door.ok("/field_of_view/get", ion)["value"], 1e-4);
    assert!(
        door.ok("/available_values", json!({ "key": "current", "beam_type": "ION" }))["values"]
            .as_array()
            .unwrap()
            .len()
            > 5
    );
    assert_eq!(
        door.ok("/available_values", json!({ "key": "nonsense", "beam_type": null }))["values"],
        json!([])
    );
    assert!(
        door.ok("/available_values", json!({ "key": "application_file" }))["values"]
            .as_array()
            .unwrap()
            .contains(&json!("Si"))
    );
}

#[test]
fn pictures_come_as_openfibsem_describes_them() {
    let door = Door::new(Speed::Virtual);
    let load = |answer: Answer| {
        assert_eq!(
            (answer.status, answer.kind.as_str()),
            (200, "image/tiff"),
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        model::Frame::decode(&answer.body).unwrap().frame
    };
    let settings = json!({ "beam_type": "ION", "resolution": [48, 32], "dwell_time": 1e-6, "hfw": 1e-4, "save": true, "path": "/nowhere" });
    let frame = load(door.post(
        "/acquire_image",
        json!({ "beam_type": "ION", "image_settings": settings }),
    ));
    assert_eq!(frame.pixels.size(), (48, 32));
    let metadata = frame.metadata.unwrap();
    assert_eq!(
        (metadata.image.beam_type, metadata.image.save),
        (model::Beam::Ion, false)
    );
    // a beam that the settings leave out is the body's
    let frame = load(door.post(
        "/acquire_image",
        json!({ "beam_type": "ION", "image_settings": { "resolution": [48, 32] } }),
    ));
    assert_eq!(frame.metadata.unwrap().image.beam_type, model::Beam::Ion);
    assert_eq!(
        load(door.post("/last_image", json!({ "beam_type": "ION" })))
            .pixels
            .size(),
        (48, 32)
    );
    let part =
        json!({ "resolution": [48, 32], "reduced_area": { "left": 0.25, "top": 0.25, "width": 0.5, "height": 0.25 } });
    assert_eq!(
        load(door.post("/bridge/acquire", json!({ "image_settings": part })))
            .pixels
            .size(),
        (24, 8)
    );
    door.ok(
        "/imaging_settings/set",
        json!({ "image_settings": { "beam_type": "ELECTRON", "resolution": [96, 64], "hfw": 2e-4 } }),
    );
    let now = door.ok("/imaging_settings/get", json!({ "beam_type": "ELECTRON" }));
    assert_eq!(now["image_settings"]["resolution"], json!([96, 64]));
    let frame = load(door.post(
        "/acquire_image",
        json!({ "beam_type": "electron", "image_settings": {} }),
    ));
    assert_eq!(frame.pixels.size(), (96, 64));
    near(&json!(frame.metadata.unwrap().image.hfw), 2e-4);
    assert!(load(door.post("/acquire_chamber_image", json!({}))).metadata.is_none());
    let frames = door.look("/v1/frames");
    let id = frames
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .find(|f| f["beam"] == "ELECTRON")
        .unwrap()["id"]
        .clone();
    let png = door.get(&format!("/v1/frames/{id}?most=48"));
    assert_eq!((png.status, png.kind.as_str()), (200, "image/png"));
    assert_eq!(
        image::load_from_memory(&png.body).unwrap().to_luma8().dimensions(),
        (48, 32)
    );
    assert_eq!(
        load(door.get(&format!("/v1/frames/{id}?format=tiff"))).pixels.size(),
        (96, 64)
    );
    assert_eq!(door.get("/v1/frames/999999").status, 410);
    assert_eq!(door.get("/v1/frames/x").status, 422);
}
