//! What is found in the twin's pictures without a network, against where it is.

use crate::run::{Place, twin};
use engine::command::parse;
use model::{Frame, Point};
use serde_json::Value;
use std::path::Path;
use vision::features::{Which, detect, named};
use vision::model::Model;
use vision::segment::Segmented;

/// Runs lines on a fresh twin; the pictures that the last of them took.
fn pictures(scene: &str, seed: u64, lines: &[String]) -> Vec<Frame> {
    let place = Place::new();
    let engine = twin(&place, None, |i| {
        i.twin.scene = scene.to_owned();
        i.twin.seed = seed;
    });
    let link = engine.link("eyes");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let run = |line: &str| {
        let ended = runtime.block_on(link.run(parse::line(line).unwrap()));
        ended.unwrap_or_else(|e| panic!("{line}: {e}"))
    };
    run("system.connect");
    let told = lines.iter().fold(Value::Null, |_, line| run(line));
    let load = |picture: &Value| Frame::load(Path::new(picture["file"].as_str().unwrap())).unwrap().frame;
    told["pictures"].as_array().unwrap().iter().map(load).collect()
}

fn segment(frame: &Frame) -> Segmented {
    let mut watch = |_| std::ops::ControlFlow::Continue(());
    Model::classical()
        .segment(frame.pixels.to_f32().view(), &mut watch)
        .unwrap()
}

/// Where a feature is seen, with its confidence.
fn seen(frame: &Frame, name: &str) -> Option<(Point, f64)> {
    let pixel_size = frame.metadata.as_ref().map(|m| m.pixel_size.x);
    let made = detect(
        &segment(frame),
        &named(&[name], &[]).unwrap(),
        pixel_size,
        Which::Nearest,
    );
    let one = &made.features[0];
    one.place.map(|p| p.px).zip(one.confidence)
}

#[test]
fn a_landing_post_and_a_block_are_found_where_they_are() {
    let line = |way: &str| {
        [
            format!("stage.stable-move {way} beam=electron"),
            "image.acquire beam=electron hfw=900um resolution=768x512".to_owned(),
        ]
    };
    // the block's middle is 60 um right of and 620 um above the second post's tip; it is 520 um wide and 340 um high
    let taken = pictures("liftout", 1, &line("dx=60um dy=620um"));
    let pixel = 900.0 / 768.0;
    for (name, x, y) in [
        ("VolumeBlockCentre", 0.0, 0.0),
        ("VolumeBlockTopEdge", 0.0, 170.0),
        ("VolumeBlockBottomRightCorner", 260.0, -170.0),
    ] {
        let (at, confidence) = seen(&taken[0], name).unwrap_or_else(|| panic!("{name} is not found"));
        let (px, py) = (384.0 + x / pixel, 256.0 - y / pixel);
        assert!((at.x - px).hypot(at.y - py) < 15.0, "{name}: {at:?}, is at {px} {py}");
        assert!(confidence >= 0.5, "{name}: {confidence}");
    }
    let lines = ["image.acquire beam=electron hfw=400um resolution=768x512".to_owned()];
    let (at, confidence) = seen(&pictures("liftout", 2, &lines)[0], "LandingPost").unwrap();
    assert!((at.x - 384.0).abs() < 80.0 && (at.y - 256.0).abs() < 45.0, "{at:?}");
    assert!(confidence >= 0.5, "{confidence}");
}
