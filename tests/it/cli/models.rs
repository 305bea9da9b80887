//! Models and detection on files, as a user meets them: small models that the real libraries made, a twin's pictures, a hub on this machine.

use super::take;
use crate::run::{Place, keys};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A small model of random weights (`tests/interop/make_models.py`).
fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors/segmentation")
        .join(name)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_checkpoint_becomes_onnx_with_a_card_and_gives_the_same_mask() {
    let place = Place::new();
    let checkpoint = text(&sample("unet18.pt"));
    let made = place
        .run(&["model", "convert", &checkpoint, "--encoder", "resnet18", "--json"])
        .ended(0)
        .json();
    let onnx = PathBuf::from(made["file"].as_str().unwrap());
    assert_eq!(onnx, place.path("data").join("models").join("unet18.onnx"));
    // never over a file, and another encoder is not what it is
    place.run(&["model", "convert", &checkpoint]).ended(1);
    place
        .run(&["model", "convert", &checkpoint, "--encoder", "resnet34", "-o", "b.onnx"])
        .ended(2);
    assert!(!place.path("b.onnx").exists());

    let list = place.run(&["model", "list", "--json"]).ended(0).json();
    assert_eq!(list["models"][0]["name"], "unet18.onnx");
    assert_eq!(list["models"][0]["card"]["network"], "unet-resnet18");
    place.run(&["model", "verify"]).ended(0);

    take(&place, "pictures", &["--beam", "ion"]).ended(0);
    let picture = place.text("pictures/image_ib.tif");
    let segmented = |model: &str, output: &str| -> Value {
        let args = ["segment", &picture, "--model", model, "-o", output, "--json"];
        place.run(&args).ended(0).json()
    };
    let (a, b) = (segmented("unet18", "a"), segmented(&checkpoint, "b"));
    assert_eq!((&a["backend"], &b["backend"]), (&"onnx".into(), &"smp".into()));
    let pixels = |told: &Value| {
        let mask = model::Frame::load(&place.path(told["mask"].as_str().unwrap())).unwrap();
        mask.frame.pixels
    };
    assert_eq!(pixels(&a), pixels(&b));
    assert_eq!(pixels(&a).size(), (384, 256));

    // a folder becomes a file for each of its parts, and those are no models by themselves
    let sam = text(&sample("sam"));
    let parts = place
        .run(&["model", "convert", &sam, "-o", "sam.onnx", "--json"])
        .ended(0)
        .json_lines();
    let names: Vec<&str> = parts.iter().filter_map(|part| part["file"].as_str()).collect();
    assert_eq!(names, ["sam-encoder.onnx", "sam-decoder.onnx"]);
    assert!(place.path("sam-encoder.onnx").exists() && place.path("sam-decoder.onnx").exists());
    place.run(&["model", "convert", &sam, "-o", "sam.onnx"]).ended(1);
    let refused = place
        .run(&["segment", &picture, "--model", "sam-encoder.onnx"])
        .ended(1);
    assert!(refused.err.contains("points that a person gives"), "{}", refused.err);

    // a file that was changed is no longer the one of its card
    let mut bytes = std::fs::read(&onnx).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&onnx, bytes).unwrap();
    let ran = place.run(&["model", "verify", "unet18", "--json"]).ended(1).json();
    assert!(ran["error"].as_str().unwrap().contains("card"), "{ran}");
}

#[test]
fn features_are_told_by_the_contract_and_drawn() {
    let place = Place::new();
    take(&place, "pictures", &["--beam", "electron"]).ended(0);
    let picture = place.text("pictures/image_eb.tif");
    let features = "ImageCentre,LandingPost,LamellaCentre";
    let args = [
        "detect",
        &picture,
        "--features",
        features,
        "--json",
        "--plot",
        "out.png",
    ];
    let told = place.run(&args).ended(0).json();
    assert_eq!(
        keys(&told),
        [
            "image",
            "model",
            "backend",
            "pixelsize_m",
            "features",
            "distance_m",
            "offset_m"
        ]
    );
    assert_eq!(
        (&told["model"], &told["backend"]),
        (&"classical".into(), &"classical".into())
    );
    assert_eq!(
        keys(&told["features"][0]),
        ["name", "class_id", "color", "px", "m", "confidence"]
    );
    assert_eq!(told["features"][0]["px"]["x"], 192.0);
    // no post stands in a picture of the grid, and what is not there is null
    assert_eq!(
        (&told["features"][1]["px"], &told["features"][1]["m"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(told["distance_m"], Value::Null);
    let drawn = std::fs::read(place.path("out.png")).unwrap();
    assert!(drawn.starts_with(b"\x89PNG"));
    place.run(&args).ended(0);
    assert!(place.path("out-1.png").exists(), "never over a file");

    // without metadata no metres are guessed
    let bare = model::Frame {
        pixels: model::Pixels::filled(128, 96, 90),
        metadata: None,
    };
    bare.save(&place.path("bare.tif")).unwrap();
    let told = place
        .run(&["detect", "bare.tif", "--features", "ImageCentre", "--json"])
        .ended(0)
        .json();
    assert_eq!(
        (&told["pixelsize_m"], &told["features"][0]["m"]),
        (&Value::Null, &Value::Null)
    );
    let told = place
        .run(&[
            "detect",
            "bare.tif",
            "--features",
            "ImageCentre",
            "--pixelsize",
            "10nm",
            "--json",
        ])
        .ended(0)
        .json();
    assert_eq!(told["features"][0]["m"]["x"], 0.0);
}

#[test]
fn features_of_ones_own_stand_in_a_file() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("config")).unwrap();
    let file = place.path("config").join("detection.yaml");
    std::fs::write(
        &file,
        "features:\n  - {name: BarCentre, class: 7, colour: lime, rule: centre}\n",
    )
    .unwrap();
    take(&place, "pictures", &["--beam", "electron"]).ended(0);
    let picture = place.text("pictures/image_eb.tif");
    let told = place.run(&["detect", &picture, "--features", "BarCentre", "--json"]);
    let told: Value = serde_json::from_str(told.out.lines().next().unwrap()).unwrap();
    assert_eq!(told["features"][0]["color"], "lime");
    let all = place.run(&["detect", "--list"]).ended(0).out;
    assert!(all.contains("BarCentre") && all.lines().count() == 25, "{all}");
    std::fs::write(&file, "features:\n  - {name: NeedleTip, class: 7, rule: centre}\n").unwrap();
    let ran = place.run(&["detect", &picture]).ended(2);
    assert!(ran.err.contains("NeedleTip"), "{}", ran.err);
}

#[test]
fn what_makes_no_sense_is_told_and_nothing_is_written() {
    let place = Place::new();
    std::fs::write(place.path("noise.pt"), [7; 999]).unwrap();
    for (args, code, says) in [
        (&["detect", "a.tif", "--model", "unett"][..], 1, "fibdeck model list"),
        (&["detect", "a.tif", "--features", "NeedelTip"], 2, "NeedleTip"),
        (&["detect", "a.tif", "--point", "here"], 2, "X,Y"),
        (
            &["detect", "a.tif", "--features", "CopperAdapterCentre"],
            2,
            "no classical detector looks for CopperAdapterCentre",
        ),
        (&["detect", "a.tif", "--backend", "keras"], 2, "smp"),
        (&["detect", "a.tif"], 1, "a.tif"),
        (
            &["model", "convert", "noise.pt", "-o", "x.onnx"],
            1,
            "nothing was written",
        ),
        (&["model", "convert", "none.pt"], 1, "none.pt"),
        (&["model", "runtime", "--from", "noise.pt"], 1, "nothing was installed"),
        (&["model", "pull", "../etc", "passwd"], 2, "nothing was fetched"),
        (&["model", "pull", "a/b", "../c.pt"], 2, "nothing was fetched"),
        (
            &["model", "pull", "a/b", "c.pt", "--from", "none.pt"],
            1,
            "no model was added",
        ),
    ] {
        let ran = place.run(args).ended(code);
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    }
    assert!(!place.path("x.onnx").exists());
    assert!(!place.path("data").join("models").exists());
}

/// A hub of one file: sends on once, breaks off the first answer in the middle, and goes on where it is asked to.
fn hub(bytes: Vec<u8>, hash: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut broken = false;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let head = |status: &str, more: String| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n");
            if lines[0].starts_with("GET /me/nets/resolve/main/unet.pt ") {
                let more = format!("X-Linked-Etag: \"{hash}\"\r\nLocation: /blobs/1\r\nContent-Length: 0\r\n");
                let _ = stream.write_all(head("302 Found", more).as_bytes());
                continue;
            }
            if !lines[0].starts_with("GET /blobs/1 ") {
                let _ = stream.write_all(head("404 Not Found", "Content-Length: 0\r\n".to_owned()).as_bytes());
                continue;
            }
            let range = lines
                .iter()
                .find_map(|l| l.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
            let from: usize = range.map_or(0, |r| r.trim_end_matches('-').parse().unwrap());
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            let rest = &bytes[from..];
            let _ = stream.write_all(head(status, format!("Content-Length: {}\r\n", rest.len())).as_bytes());
            let sent = if broken { rest } else { &rest[..rest.len() / 2] };
            broken = true;
            let _ = stream.write_all(sent);
        }
    });
    address
}

#[test]
fn a_model_is_pulled_from_a_hub_goes_on_after_a_break_and_is_checked() {
    let place = Place::new();
    let bytes = std::fs::read(sample("unet18.pt")).unwrap();
    let hash = model::library::sha256(&bytes);
    let address = hub(bytes.clone(), hash.clone());
    let pull = |file: &str, more: &[&str]| {
        let args = ["model", "pull", "me/nets", file, "--json"];
        place.run(&[&args, more].concat())
    };
    let ran = pull("unet.pt", &["--from", &address]).ended(1);
    assert!(ran.err.contains("try again to go on"), "{}", ran.err);
    assert!(
        place.run(&["model", "list", "--json"]).ended(0).json()["models"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let told = pull("unet.pt", &["--from", &address]).ended(0).json();
    assert_eq!(told["sha256"], Value::from(hash.clone()));
    let models = place.path("data").join("models");
    assert_eq!(std::fs::read(models.join("unet.pt")).unwrap(), bytes);
    assert!(
        std::fs::read_dir(&models)
            .unwrap()
            .flatten()
            .all(|f| !f.file_name().to_string_lossy().contains("part"))
    );
    place.run(&["model", "verify", "unet"]).ended(0);
    assert!(pull("other.pt", &["--from", &address]).ended(1).err.contains("404"));

    // carried here by hand; the wrong bytes are refused
    let file = text(&sample("unet18.pt"));
    let wrong = "0".repeat(64);
    assert!(
        pull("b.pt", &["--from", &file, "--sha256", &wrong])
            .ended(1)
            .err
            .contains("SHA-256")
    );
    pull("b.pt", &["--from", &file, "--sha256", &hash]).ended(0);
}

/// Pictures of seeds that it has not seen.
#[test]
fn the_carried_model_is_listed_whole_and_sees_the_twin() {
    let place = Place::new();
    let list = place.run(&["model", "list", "--json"]).ended(0).json();
    assert_eq!(list["carried"][0]["name"], "twin.onnx");
    assert!(list["carried"][0]["only"].is_string());
    let told = place.run(&["model", "verify", "--json"]).ended(0).json();
    assert_eq!((&told["model"], &told["ok"]), (&"twin.onnx".into(), &true.into()));
    let info = place.run(&["model", "info", "twin", "--json"]).ended(0).json();
    assert_eq!(
        (&info["network"], &info["backend"]),
        (&"unet-small".into(), &"onnx".into())
    );

    place
        .run(&[
            "dataset", "synth", "set", "-n", "8", "--seed", "4242", "--demo", "--quiet",
        ])
        .ended(0);
    let config =
        "data_path: set/keypoints.csv\nimages_path: set\nsave_path: results\ncheckpoints: [{checkpoint: twin}]\n";
    std::fs::write(place.path("evaluation.yaml"), config).unwrap();
    let report = place.run(&["evaluate", "evaluation.yaml", "--json"]).ended(0).json();
    let iou = |label: &str| {
        let classes = report["checkpoints"][0]["classes"].as_array().unwrap();
        let of = classes.iter().find(|class| class["label"] == label);
        of.and_then(|class| class["iou"].as_f64()).unwrap()
    };
    for (label, least) in LEAST {
        assert!(iou(label) >= *least, "{label}: {} below {least}", iou(label));
    }
}

/// What the carried model reaches on those pictures, less a little.
const LEAST: &[(&str, f64)] = &[
    ("lamella", 0.1),
    ("manipulator", 0.28),
    ("landing_post", 0.33),
    ("volume_block", 0.36),
    ("grid_bar", 0.4),
];
