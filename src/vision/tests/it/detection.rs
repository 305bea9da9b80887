//! Features, instances and objects of 220 masks against what fibsem 0.5.3 made of them.

use model::Point;
use ndarray::Array2;
use serde_json::Value;
use std::collections::BTreeMap;
use vision::features::{Detected, FEATURES, Feature, Which, detect, feature, to_pixels};
use vision::mask::{contour_boxes, layers};
use vision::objects::{IGNORED, MIN_PIXELS, Object, objects};
use vision::segment::Segmented;

struct Case {
    entry: Value,
    labels: Array2<u8>,
}

impl Case {
    fn id(&self) -> &str {
        self.entry["id"].as_str().unwrap()
    }

    fn detect(&self, features: &[Feature], which: Which) -> Vec<Detected> {
        let pixel_size = self.entry["pixelsize"].as_f64().unwrap();
        let picture = Segmented::from(self.labels.clone());
        detect(&picture, features, Some(pixel_size), which).features
    }

    fn overflows(&self, feature: &Feature) -> bool {
        self.entry["all"][&*feature.name].get("error").is_some()
    }
}

/// Every mask that is there; a folder without the index has none.
fn cases() -> Vec<Case> {
    let Ok(text) = std::fs::read_to_string(crate::recordings("detection").join("index.json")) else {
        eprintln!("no detection vectors in {}", crate::recordings("detection").display());
        return Vec::new();
    };
    let index: Value = serde_json::from_str(&text).unwrap();
    let load = |entry: &Value| {
        Some(Case {
            labels: crate::recorded_picture("detection", &entry["file"])?,
            entry: entry.clone(),
        })
    };
    index["masks"].as_array().unwrap().iter().filter_map(load).collect()
}

fn point(value: &Value) -> Point {
    Point {
        x: value[0].as_f64().unwrap(),
        y: value[1].as_f64().unwrap(),
    }
}

#[test]
fn vectors_features() {
    for case in cases() {
        let which = match &case.entry["point"] {
            Value::Null => Which::Nearest,
            at => Which::NearestTo(point(at)),
        };
        let found = case.detect(FEATURES, which);
        assert_eq!(found.len(), FEATURES.len(), "{}", case.id());
        for (ours, feature) in found.iter().zip(FEATURES) {
            let name = &*feature.name;
            let recorded = &case.entry["best"][name];
            if case.overflows(feature) {
                continue;
            }
            let theirs = point(&recorded["px"]);
            let id = case.id();
            // The original may choose an instance without the feature, at its (0, 0), over one that has it.
            if feature.many && theirs == Point::default() && ours.place.is_some() {
                let all = case.detect(std::slice::from_ref(feature), Which::All);
                assert!(all.iter().any(|d| d.place.is_none()), "{id} {name}");
                continue;
            }
            assert_eq!(ours.as_original(), theirs, "{id} {name}");
            if let (Some(here), Some(m)) = (ours.place.and_then(|place| place.m), recorded.get("m")) {
                let m = point(m);
                for (a, b) in [(here.x, m.x), (here.y, m.y)] {
                    assert!((a - b).abs() <= 1e-12 * b.abs(), "{id} {name}: {a} m, recorded {b}");
                }
                let pixel_size = case.entry["pixelsize"].as_f64().unwrap();
                let back = to_pixels(here, case.labels.dim(), pixel_size);
                assert!((back.x - theirs.x).hypot(back.y - theirs.y) < 1e-9, "{id} {name}");
            }
        }
    }
}

#[test]
fn vectors_instances() {
    for case in cases() {
        for (name, recorded) in case.entry["all"].as_object().unwrap() {
            let feature = feature(name).unwrap();
            let id = case.id();
            if case.overflows(feature) {
                assert!(layers(case.labels.view(), feature.class).is_err(), "{id} {name}");
                continue;
            }
            let ours: Vec<Point> = case
                .detect(std::slice::from_ref(feature), Which::All)
                .iter()
                .map(Detected::as_original)
                .collect();
            match recorded {
                Value::Array(list) => assert_eq!(ours, list.iter().map(point).collect::<Vec<_>>(), "{id} {name}"),
                digest => {
                    assert_eq!(ours.len() as u64, digest["n"].as_u64().unwrap(), "{id} {name}");
                    let bytes = ours
                        .iter()
                        .flat_map(|p| [p.x, p.y])
                        .flat_map(|v| (v as i32).to_le_bytes());
                    let crc = u64::from(crate::crc32(bytes));
                    assert_eq!(crc, digest["crc32_i32le"].as_u64().unwrap(), "{id} {name}");
                }
            }
        }
    }
}

#[test]
fn vectors_contours() {
    for case in cases() {
        for class in [1u8, 2] {
            let id = case.id();
            let boxes = contour_boxes(case.labels.view(), class);
            let boxes: Vec<[usize; 4]> = boxes.iter().map(|b| [b.y0, b.y1, b.x0, b.x1]).collect();
            match &case.entry[format!("contour_boxes_class{class}")] {
                Value::Array(list) => {
                    let recorded: Vec<[usize; 4]> = list
                        .iter()
                        .map(|b| serde_json::from_value(b.clone()).unwrap())
                        .collect();
                    assert_eq!(boxes, recorded, "{id} class {class}");
                }
                digest => {
                    assert_eq!(Some(boxes.len() as u64), digest["n"].as_u64(), "{id} class {class}");
                    let bytes = boxes.iter().flatten().flat_map(|v| (*v as i32).to_le_bytes());
                    let crc = u64::from(crate::crc32(bytes));
                    assert_eq!(Some(crc), digest["crc32_i32le"].as_u64(), "{id} class {class}");
                }
            }
            let recorded = &case.entry[format!("contour_labels_class{class}_crc32")];
            if let (Ok(layers), Some(crc)) = (layers(case.labels.view(), class), recorded.as_u64()) {
                assert_eq!(
                    u64::from(crate::crc32(layers.map().iter().copied())),
                    crc,
                    "{id} class {class}"
                );
            }
        }
    }
}

#[test]
fn vectors_objects() {
    for case in cases() {
        compare(&case, IGNORED, MIN_PIXELS, &case.entry["objects"]);
        if let Some(recorded) = case.entry.get("objects_min10_ignore0") {
            compare(&case, &[0], 10, recorded);
        }
    }
}

/// The original counts instances in 8 bits: parts whose numbers are 256 apart become one, and every 256th is lost.
fn wrapped(case: &Case, ignored: &[u8], min_pixels: usize) -> Vec<Vec<Object>> {
    let mut groups: BTreeMap<(u8, usize), Vec<Object>> = BTreeMap::new();
    for part in objects(case.labels.view(), ignored, 1) {
        groups.entry((part.class, part.instance % 256)).or_default().push(part);
    }
    let area = |group: &[Object]| group.iter().map(|o| o.area).sum::<usize>();
    groups.retain(|(_, number), group| *number > 0 && area(group) >= min_pixels);
    groups.into_values().collect()
}

fn compare(case: &Case, ignored: &[u8], min_pixels: usize, recorded: &Value) {
    let id = case.id();
    let groups = wrapped(case, ignored, min_pixels);
    let recorded = recorded.as_array().unwrap();
    assert_eq!(groups.len(), recorded.len(), "{id}");
    for (group, theirs) in groups.iter().zip(recorded) {
        let area: usize = group.iter().map(|o| o.area).sum();
        assert_eq!(area as u64, theirs["area"].as_u64().unwrap(), "{id}");
        let [ours] = group.as_slice() else { continue };
        assert!(objects(case.labels.view(), ignored, min_pixels).contains(ours), "{id}");
        assert_eq!(u64::from(ours.class), theirs["class"].as_u64().unwrap(), "{id}");
        assert_eq!(ours.instance as u64 % 256, theirs["instance"].as_u64().unwrap(), "{id}");
        let bbox: [(usize, usize); 2] = serde_json::from_value(theirs["bbox"].clone()).unwrap();
        assert_eq!(ours.bbox(), bbox, "{id}");
        let pixels = ours
            .pixels()
            .flat_map(|(y, x)| [y as u16, x as u16])
            .flat_map(u16::to_le_bytes);
        assert_eq!(
            u64::from(crate::crc32(pixels)),
            theirs["mask_crc32"].as_u64().unwrap(),
            "{id}"
        );
        let keypoints = serde_json::to_value(ours.keypoints).unwrap();
        let keypoints = keypoints.as_object().unwrap();
        assert_eq!(keypoints.len(), theirs["keypoints"].as_object().unwrap().len(), "{id}");
        for (name, p) in keypoints {
            let ours: Point = serde_json::from_value(p.clone()).unwrap();
            let theirs = point(&theirs["keypoints"][name]);
            let off = (ours.x - theirs.x).hypot(ours.y - theirs.y);
            assert!(
                off <= 1e-12 * (theirs.x + theirs.y),
                "{id} {name}: {ours:?}, recorded {theirs:?}"
            );
        }
    }
}

#[test]
fn the_table_is_the_originals() {
    assert_eq!(FEATURES.len(), 24);
    for f in FEATURES {
        assert!(vision::classes::named_colour(&f.colour).is_some(), "{}", f.name);
        assert!(!f.many || f.rule.by_instance(), "{}", f.name);
    }
}
