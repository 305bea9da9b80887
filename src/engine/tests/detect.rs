//! Detection by commands: what is told and recorded, and what a person corrects of it.

use super::*;
use model::detection::Detection;

const LOOK: &str = "detect.features beam=electron features=ImageCentre,LandingPost,LamellaCentre resolution=384x256";

fn detection(bench: &Bench) -> Detection {
    bench.link().snapshot().detection.clone().unwrap()
}

/// The table of points, without its head.
fn rows(bench: &Bench) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(bench.folder.path().join("data/log/data/ml/data.csv")).unwrap();
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().skip(1).map(cells).collect()
}

#[test]
fn what_was_found_is_told_kept_and_recorded() {
    let bench = Bench::new();
    let told = bench.lines(&["system.connect", LOOK]).unwrap();
    let found = detection(&bench);
    let newest = bench.link().snapshot().newest(model::Beam::Electron).unwrap().id;
    assert_eq!(
        (found.frame, found.size, found.confirmed),
        (Some(newest), (384, 256), false)
    );
    assert_eq!(told["features"][0]["px"]["x"], 192.0);
    assert_eq!(
        (&told["features"][1]["px"], &told["accepted"]),
        (&Value::Null, &Value::Bool(false))
    );
    let ml = bench.folder.path().join("data/log/data/ml");
    let name = found.record.unwrap();
    for file in [
        format!("{name}.tif"),
        format!("mask/{name}.tif"),
        format!("settings/{name}.json"),
    ] {
        assert!(ml.join(&file).exists(), "{file}");
    }
    let mask = model::Frame::load(&ml.join("mask").join(format!("{name}.tif"))).unwrap();
    assert_eq!((mask.frame.pixels.size(), mask.frame.pixels.bits()), ((384, 256), 8));
    let rows = rows(&bench);
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert_eq!(
            (row[0].as_str(), row[1].as_str(), row[3].as_str()),
            ("feature_detection", name.as_str(), "True")
        );
        assert_eq!((row[4].as_str(), row[6].as_str()), ("ELECTRON", "classical"));
    }
    // who asks to be sure is told that it is not, and nothing else happens
    let failure = bench.lines(&[&format!("{LOOK} last=true sure=true")]).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Doubtful);
    assert!(
        failure.data.is_some() && failure.title.contains("LandingPost not found"),
        "{failure}"
    );
}

#[test]
fn the_model_that_the_program_carries_is_chosen_on_the_twin_where_the_settings_leave_it_open() {
    let bench = Bench::new();
    let config = bench.folder.path().join("config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("detection.yaml"), "model: auto\n").unwrap();
    bench.lines(&["system.connect", LOOK]).unwrap();
    assert_eq!(detection(&bench).model, "twin.onnx");
    bench.lines(&[&format!("{LOOK} model=classical")]).unwrap();
    assert_eq!(detection(&bench).model, "classical");
}

#[test]
fn corrections_are_kept_for_everyone_and_recorded_when_they_are_confirmed() {
    let bench = Bench::new();
    bench.lines(&["system.connect", LOOK]).unwrap();
    let told = bench
        .lines(&[
            "detect.move feature=LandingPost x=100 y=50",
            "detect.add feature=NeedleTip x=10 y=20",
            "detect.reject feature=1",
        ])
        .unwrap();
    assert_eq!(told["features"][1]["px"], serde_json::json!({ "x": 100.0, "y": 50.0 }));
    let size = told["pixelsize_m"].as_f64().unwrap();
    assert!(
        (told["features"][1]["m"]["x"].as_f64().unwrap() + 92.0 * size).abs() < 1e-12,
        "x right of the middle"
    );
    assert!(
        (told["features"][1]["m"]["y"].as_f64().unwrap() - 78.0 * size).abs() < 1e-12,
        "y up from it"
    );
    assert_eq!(
        (told["features"].as_array().unwrap().len(), &told["features"][0]["px"]),
        (4, &Value::Null)
    );
    assert_eq!(rows(&bench).len(), 3);
    bench.lines(&["detect.confirm", "detect.confirm"]).unwrap();
    assert!(detection(&bench).confirmed);
    let rows = rows(&bench);
    let corrected: Vec<&str> = rows[3..].iter().map(|row| row[2].as_str()).collect();
    assert_eq!(corrected, ["ImageCentre", "LandingPost", "NeedleTip"], "once each");
    let post = &rows[4];
    assert_eq!(
        (post[3].as_str(), post[7].as_str(), post[9].as_str()),
        ("False", "100.0", "-100.0")
    );
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let bench = Bench::new();
    let refused = |lines: &[&str], says: &str| {
        let failure = bench.lines(lines).unwrap_err();
        assert!(failure.to_string().contains(says), "{lines:?}: {failure}");
    };
    refused(&["system.connect", "detect.confirm"], "nothing has been looked for");
    refused(&["detect.features features=NeedelTip"], "NeedleTip");
    refused(
        &["detect.features features=CopperAdapterCentre"],
        "no classical detector looks for CopperAdapterCentre",
    );
    refused(&["detect.features model=none.pt"], "no model");
    refused(&["detect.features point=here"], "no point");
    refused(&["detect.features last=true"], "no electron picture");
    refused(&["detect.features file=none.tif"], "nothing was looked for");
    assert_eq!(bench.link().snapshot().frames.len(), 0, "no picture was taken");
    bench.lines(&[LOOK]).unwrap();
    let before = detection(&bench);
    refused(&["detect.move feature=LandingPost x=400 y=50"], "not in the picture");
    refused(&["detect.move feature=Post x=40 y=50"], "has no feature");
    refused(&["detect.add feature=Post x=40 y=50"], "no feature");
    assert_eq!(detection(&bench), before);
}
