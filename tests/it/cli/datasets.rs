//! From a detection to a dataset, and what is wrong with one, as a user meets it.

use super::take;
use crate::run::Place;
use model::{Frame, Pixels};
use ndarray::Array2;
use std::fs;

/// A picture and its mask, 96 x 64, the object at `x`.
fn labelled(place: &Place, folder: &str, name: &str, x: usize) {
    let save = |file: String, pixels: Array2<u8>| {
        fs::create_dir_all(place.path(&file).parent().unwrap()).unwrap();
        let pixels = Pixels::U8(pixels);
        Frame { pixels, metadata: None }.save(&place.path(&file)).unwrap();
    };
    let inside = |column: usize| (x..x + 20).contains(&column);
    let grey = Array2::from_shape_fn((64, 96), |(y, c)| {
        (y + 2 * c) as u8 / 2 + if inside(c) { 90 } else { 0 }
    });
    save(format!("{folder}/{name}.tif"), grey);
    let mask = Array2::from_shape_fn((64, 96), |(_, c)| u8::from(inside(c)));
    save(format!("{folder}/labels/{name}.tif"), mask);
}

#[test]
fn what_a_run_recorded_becomes_train_and_test() {
    let place = Place::new();
    // a person moves the tip and confirms; another picture is left as it was found
    let lines = "detect.features features=NeedleTip model=classical\ndetect.move feature=NeedleTip x=200 y=100\ndetect.confirm\n\
        stage.move-relative x=10um\ndetect.features features=NeedleTip model=classical\n";
    let args = ["script", "--demo", "--speed", "max", "--json"];
    place.run_with(&args, lines).ended(0);
    let told = place.run(&["dataset", "show", "--json"]).ended(0).json();
    assert_eq!(
        (&told["pictures"], &told["corrected"]),
        (&2.into(), &1.into()),
        "{told}"
    );
    assert_eq!(told["instruments"]["sim-grid"], 2, "{told}");
    assert_eq!(told["models"]["classical"], 2);
    let list = place
        .run(&["dataset", "show", "--list", "--json", "--corrected"])
        .ended(0)
        .json_lines();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["points"][0]["px"]["x"], 200.0);

    let made = place.run(&["dataset", "split", "-o", "data", "--json"]).ended(0).json();
    assert_eq!((&made["train"], &made["test"]), (&1.into(), &1.into()), "{made}");
    let name = list[0]["name"].as_str().unwrap();
    for file in ["", "labels/"] {
        assert!(place.path(&format!("data/train/{file}{name}.tif")).exists());
    }
    let points = fs::read_to_string(place.path("data/train/keypoints.csv")).unwrap();
    assert!(points.contains(&format!("{name}.tif,NeedleTip,200,100,")), "{points}");
    assert!(place.path(&format!("data/train/settings/{name}.json")).exists());
    place.run(&["dataset", "check", "data"]).ended(0);
    // not twice over the same files
    let ran = place.run(&["dataset", "split", "-o", "data"]).ended(1);
    assert!(ran.err.contains("nothing was split"), "{}", ran.err);
    let ran = place.run(&["dataset", "split", "-o", "b", "--move"]).ended(2);
    assert!(ran.err.contains("--yes"), "{}", ran.err);
}

#[test]
fn pictures_are_taken_in_looked_at_and_checked() {
    let place = Place::new();
    take(&place, "pictures", &["--beam", "both"]).ended(0);
    let files = ["pictures/image_eb.tif", "pictures/image_ib.tif"].map(|f| place.text(f));
    let add = [
        &["dataset", "add", "--to", "data", "--json"][..],
        &[&files[0], &files[1]],
    ]
    .concat();
    let added = place.run(&add).ended(0).json_lines();
    assert_eq!(added.len(), 2);
    // a second time they are known
    let again = place.run(&add).ended(0).json_lines();
    assert!(again.iter().all(|told| told["file"].is_null()), "{again:?}");
    let kept = Frame::load(&place.path("data/image_ib.tif")).unwrap().frame;
    assert_eq!(kept.metadata.unwrap().image.beam_type, model::Beam::Ion);

    let ran = place.run(&["dataset", "check", "data"]).ended(1);
    assert!(
        ran.out.contains("has no mask") && ran.out.contains("0 of 2 pictures"),
        "{}",
        ran.out
    );
    labelled(&place, "data", "a", 10);
    labelled(&place, "data", "b", 40);
    fs::write(place.path("data/labels/b.tif"), b"II*\0half").unwrap();
    let checked = place.run(&["dataset", "check", "data", "--json"]).ended(1).json();
    assert_eq!(
        (&checked["pictures"], &checked["unfit"]),
        (&4.into(), &3.into()),
        "{checked}"
    );

    let split = ["dataset", "split", "data", "-o", "out", "--test", "0.0", "--json"];
    let ran = place.run(&split).ended(2);
    assert!(ran.err.contains("--skip") && !place.path("out").exists(), "{}", ran.err);
    let made = place.run(&[&split[..], &["--skip"]].concat()).ended(0).json();
    assert_eq!((&made["train"], &made["test"]), (&1.into(), &0.into()), "{made}");
    assert_eq!(made["unfit_left_out"].as_array().unwrap().len(), 3);

    let ran = place.run(&["dataset", "show", "data", "--plot", "look.png"]).ended(0);
    assert!(
        ran.out.contains("4 pictures") && ran.out.contains("lamella"),
        "{}",
        ran.out
    );
    assert!(image::image_dimensions(place.path("look.png")).unwrap().0 > 100);
    let ran = place.run(&["dataset", "show", "nowhere"]).ended(1);
    assert!(ran.err.contains("nowhere"), "{}", ran.err);
}
