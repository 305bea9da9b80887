//! `bench autonomy`: a short run from a bare grid, and the same on a grid that is exchanged under it.

use super::*;
use serde_json::json;

/// One lamella 5 um wide and 0.4 um thick, by small pictures and high currents.
fn protocol(place: &Place) -> String {
    let stage = |current: f64, spacing: f64, height: f64, section: &str| {
        json!({
            "name": "s", "milling": {"milling_current": current, "application_file": "Si"},
            "pattern": {
                "name": "Trench", "width": 5e-6, "depth": 3e-6, "spacing": spacing, "upper_trench_height": height,
                "lower_trench_height": height, "cross_section": section,
            },
            "strategy": {"name": "Standard", "config": {}},
        })
    };
    let milling = |stages: Value| {
        json!({
            "name": "m", "field_of_view": 60e-6, "channel": "ION", "alignment": {"enabled": false},
            "acquisition": {"acquire_sem": false, "acquire_fib": false, "acquire_final_image": false}, "stages": stages,
        })
    };
    let pictures = json!({
        "imaging": {"resolution": [768, 512], "dwell_time": 1e-6, "autocontrast": false}, "field_of_view1": 60e-6,
        "acquire_sem": false, "acquire_image2": false,
    });
    let fiducial = json!([{
        "name": "mark", "milling": {"milling_current": 2e-9, "application_file": "Si"},
        "pattern": {"name": "Fiducial", "width": 1e-6, "height": 8e-6, "depth": 1e-6, "rotation": 45.0, "point": {"x": 16e-6, "y": 0.0}},
        "strategy": {"name": "Standard", "config": {}},
    }]);
    let rough = json!([
        stage(2e-9, 3e-6, 3e-6, "Rectangle"),
        stage(0.74e-9, 1.2e-6, 1.5e-6, "Rectangle")
    ]);
    let polish = json!([stage(0.2e-9, 0.4e-6, 0.8e-6, "CleaningCrossSection")]);
    let task = |kind: &str, parameters: Value, milling: Value| json!({"task_type": kind, "parameters": parameters, "milling": milling, "reference_imaging": pictures});
    let step =
        |name: &str, requires: Value| json!({"name": name, "supervise": true, "required": true, "requires": requires});
    let all = json!({
        "name": "short", "version": "1.0",
        "tasks": {
            "Position": task("SELECT_MILLING_POSITION", json!({"milling_angle": 15.0, "use_autofocus": false, "auto_milling_alignment": true}), json!({})),
            "Mark": task("MILL_FIDUCIAL", json!({}), json!({"fiducial": milling(fiducial)})),
            "Rough": task("MILL_ROUGH", json!({"reacquire_alignment_reference": false}), json!({"mill_rough": milling(rough)})),
            "Polish": task("MILL_POLISHING", json!({}), json!({"mill_polishing": milling(polish)})),
        },
        "workflow": {"name": "short", "tasks": [
            step("Position", json!([])), step("Mark", json!(["Position"])), step("Rough", json!(["Mark"])), step("Polish", json!(["Rough"])),
        ]},
    });
    let file = place.path("short.yaml");
    std::fs::write(&file, all.to_string()).unwrap();
    file.display().to_string()
}

/// The last line of a bench of one lamella.
fn bench(place: &Place, more: &[&str], code: i32) -> Value {
    let file = protocol(place);
    let args = [
        "bench",
        "autonomy",
        "--lamellae",
        "1",
        "--grids",
        "1",
        "--tiles",
        "2",
        "--protocol",
        &file,
        "--seed",
        "2",
        "--json",
        "--quiet",
    ];
    let ran = place.run(&[&args[..], more].concat()).ended(code);
    serde_json::from_str(ran.out.lines().last().unwrap()).unwrap()
}

#[test]
fn a_lamella_is_made_from_a_bare_grid_without_anybody_and_is_scored() {
    let place = Place::new();
    let summary = bench(&place, &["--keep", &place.text("kept")], 0);
    assert_eq!(
        (&summary["lamellae"], &summary["success"]),
        (&json!(1), &json!(1)),
        "{summary}"
    );
    assert_eq!(
        (&summary["unsafe_events"], &summary["silent_failures"]),
        (&json!(0), &json!(0)),
        "{summary}"
    );
    assert!(
        summary["thickness_error_m"]["median"].as_f64().unwrap() < 0.08e-6,
        "{summary}"
    );
    assert!(
        summary["hours_simulated"].as_f64().unwrap() > 0.1 && summary["failures"] == json!([]),
        "{summary}"
    );
    assert!(place.path("kept/seed-2/run/experiment.yaml").is_file());
}

#[test]
fn another_sample_after_the_overview_makes_the_run_fail_with_its_reason() {
    let place = Place::new();
    // four tiles, the way back, and the first lamella's place
    std::fs::write(place.path("swap.yaml"), "- {on: move, nth: 6, kind: new-sample}").unwrap();
    let summary = bench(&place, &["--faults", &place.text("swap.yaml")], 8);
    assert_eq!(
        (&summary["success"], &summary["silent_failures"]),
        (&json!(0), &json!(0)),
        "{summary}"
    );
    let reason = summary["failures"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("not found again"), "{reason}");
}
