//! What openFIBSEM 0.5.3 computed (`tests/vectors/patterns.json`, `workflow.json`), case by case.
//!
//! `FIBDECK_VECTORS=folder` runs the same tests on another folder of the same shape, which may lack files or sections.

use crate::estimate::*;
use crate::task::{MillingStage, MillingTask, legacy_stage};
use crate::{Figure, Pattern};
use model::ImageSettings;
use model::capabilities::MillingControl;
use serde_json::{Map, Value};
use std::path::PathBuf;

fn file(name: &str) -> Option<Value> {
    let own = std::env::var_os("FIBDECK_VECTORS").map(PathBuf::from);
    let folder = own
        .clone()
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors")));
    let path = folder.join(name);
    if own.is_some() && !path.exists() {
        println!("vectors: {} is not there, skipped", path.display());
        return None;
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The cases of one section of `workflow.json`.
fn section(name: &str) -> Vec<Value> {
    let Some(file) = file("workflow.json") else {
        return Vec::new();
    };
    let Some(cases) = file["sections"][name].as_array() else {
        assert!(std::env::var_os("FIBDECK_VECTORS").is_some(), "no section {name}");
        println!("vectors: no section {name}, skipped");
        return Vec::new();
    };
    assert!(!cases.is_empty(), "{name} has no cases");
    println!("vectors: {name}: {} cases", cases.len());
    cases.clone()
}

/// Equal, numbers within `tolerance` (absolute; 1e-9 for angles).
#[track_caller]
fn same(case: &str, key: &str, got: &Value, want: &Value, tolerance: f64) {
    match (got, want) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let tolerance = if key.ends_with("rotation") || key.ends_with("angle") {
                1e-9
            } else {
                tolerance
            };
            assert!((a - b).abs() <= tolerance, "{case} {key}: {a} instead of {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{case} {key}");
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                same(case, &format!("{key}.{n}"), a, b, tolerance);
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()) {
                let at = |map: &Map<String, Value>| {
                    map.get(key)
                        .cloned()
                        .unwrap_or_else(|| panic!("{case}: {key} is on one side only"))
                };
                same(case, key, &at(a), &at(b), tolerance);
            }
        }
        _ => assert_eq!(got, want, "{case} {key}"),
    }
}

#[track_caller]
fn close(case: &str, got: f64, want: f64) {
    assert!(
        (got - want).abs() <= 1e-9 * want.abs() + 1e-30,
        "{case}: {got} instead of {want}"
    );
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("`{value}` is no number"))
}

#[test]
fn patterns_expand_as_recorded() {
    let Some(file) = file("patterns.json") else { return };
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let mut value = case["params"].clone();
        value["name"] = case["pattern"].clone();
        let (pattern, _) = Pattern::read(&value).unwrap_or_else(|e| panic!("{id}: {e}"));
        let shapes = pattern.shapes();
        let wanted = case["shapes"].as_array().unwrap();
        assert_eq!(shapes.len(), wanted.len(), "{id}");
        for (n, (shape, want)) in shapes.iter().zip(wanted).enumerate() {
            let mut want = want.clone();
            let volume = number(&want.as_object_mut().unwrap().remove("volume").unwrap());
            close(&format!("{id} volume {n}"), shape.volume(), volume);
            same(
                &format!("{id} shape {n}"),
                "",
                &serde_json::to_value(shape).unwrap(),
                &want,
                1e-12,
            );
        }
        close(&format!("{id} volume"), pattern.volume(), number(&case["volume"]));
        let time = pattern_time(&pattern, number(&case["milling_current"]));
        close(&format!("{id} time"), time, number(&case["estimated_time"]));
        // the original cannot write its PolygonPattern
        if !case["dict"].is_null() {
            same(id, "dict", &serde_json::to_value(&pattern).unwrap(), &case["dict"], 0.0);
            assert_eq!(Pattern::read(&case["dict"]).unwrap(), (pattern, vec![]), "{id}");
        }
    }
    println!("vectors: patterns: {} cases", cases.len());
}

#[test]
fn presets_name_their_current() {
    for case in section("preset") {
        let preset = case["preset"].as_str().unwrap();
        let current = preset_current(preset);
        assert_eq!(current.is_some(), !case["current"].is_null(), "{preset}");
        let mut pattern = Pattern::default();
        pattern
            .set("cross_section", case["cross_section"].as_str().unwrap())
            .unwrap();
        let time = preset_time(&pattern, preset, number(&case["rate"]));
        assert_eq!(
            time.is_some(),
            !case["dose_time_default_rectangle"].is_null(),
            "{preset}"
        );
        if let (Some(current), Some(time)) = (current, time) {
            close(preset, current, number(&case["current"]));
            close(preset, time, number(&case["dose_time_default_rectangle"]));
        }
    }
}

#[test]
fn old_stages_become_new_ones() {
    for case in section("legacy_stage") {
        let old = case["in"].as_object().unwrap();
        let new = legacy_stage(old, "", Some(&case["point"])).unwrap();
        same("legacy stage", "", &new, &case["out"], 0.0);
        let (stage, notes) = MillingStage::read(&new).unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!(stage.pattern.name(), case["in"]["type"]);
    }
    for case in section("legacy_trench_pattern") {
        let mut old = case["in"].as_object().unwrap().clone();
        old.insert("type".to_owned(), Value::from("Trench"));
        let new = legacy_stage(&old, "lamella", None).unwrap();
        let mut pattern = new["pattern"].clone();
        pattern.as_object_mut().unwrap().remove("name");
        same("legacy trench", "", &pattern, &case["out"], 1e-18);
    }
}

/// What belongs to a lamella task rather than to its milling, summed from the parts here.
#[test]
fn tasks_take_as_long_as_recorded() {
    for case in section("task_estimate") {
        let input = &case["in"];
        let kind = input["task_type"].as_str().unwrap();
        let reference = &input["reference_imaging"];
        let flag = |key: &str| f64::from(u8::from(reference[key].as_bool().unwrap()));
        let imaging: ImageSettings = serde_json::from_value(reference["imaging"].clone()).unwrap();
        let beams = flag("acquire_sem") + flag("acquire_fib");
        let fields = flag("acquire_image1") + flag("acquire_image2");
        let mut time = fields * beams * scan_time(&imaging);
        let mut duration = (fields + 1.0) * beams * image_time(&imaging);
        if kind != "MILL_COINCIDENT" {
            duration += STAGE_MOVE;
        }
        let aligns = match kind {
            "MILL_FIDUCIAL" => input["parameters"]["align_to_reference"] == true,
            "MILL_ROUGH" | "MILL_POLISHING" | "SPOT_BURN_FIDUCIAL" | "MILL_COINCIDENT" => true,
            _ => false,
        };
        if aligns {
            duration += REFERENCE_ALIGNMENT;
        }
        for (_, value) in input["milling"].as_object().unwrap() {
            let (task, notes) = MillingTask::read(value).unwrap();
            assert!(notes.is_empty(), "{kind}: {notes:?}");
            time += task_time(&task, MillingControl::Current);
            duration += task_duration(&task, MillingControl::Current);
            same(kind, "", &serde_json::to_value(&task).unwrap(), value, 0.0);
        }
        if let Some(spots) = input["coordinates"].as_array() {
            let exposure = number(&input["parameters"]["exposure_time"]);
            duration += 2.0 * CURRENT_CHANGE + spots.len() as f64 * (exposure + SPOT);
        }
        close(kind, time, number(&case["estimated_time"]));
        close(kind, duration, number(&case["estimated_duration"]));
    }
}

#[test]
fn the_recorded_names_are_the_tables() {
    let Some(file) = file("patterns.json") else { return };
    for case in file["cases"].as_array().unwrap() {
        let name = case["pattern"].as_str().unwrap();
        let row = crate::row(name).unwrap_or_else(|| panic!("no pattern {name}"));
        let figure: Figure = (row.default)();
        assert_eq!(figure.name(), name);
    }
}
