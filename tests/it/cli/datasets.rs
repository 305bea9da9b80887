//! From a detection to a dataset, what is wrong with one, and models held against one, as a user meets it.

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

/// A bright needle from the left with its tip at 200, 128.
fn needle(place: &Place, file: &str) {
    let grey = Array2::from_shape_fn((256, 384), |(y, x)| {
        let half = (200.0 - x as f64) * 0.12;
        let noise = ((x * 37 + y * 61 + x * y) % 9) as u8;
        let inside = x <= 200 && (y as f64 - 128.0).abs() <= half;
        noise + if inside { 190 } else { 40 }
    });
    fs::create_dir_all(place.path(file).parent().unwrap()).unwrap();
    let pixels = Pixels::U8(grey);
    Frame { pixels, metadata: None }.save(&place.path(file)).unwrap();
}

#[test]
fn a_model_is_held_against_a_dataset_and_the_gate_shuts_when_it_is_worse() {
    let place = Place::new();
    needle(&place, "test/a.tif");
    place
        .run(&["segment", "test/a.tif", "--model", "classical", "-o", "masks"])
        .ended(0);
    fs::create_dir_all(place.path("test/labels")).unwrap();
    fs::rename(place.path("masks/a_mask.tif"), place.path("test/labels/a.tif")).unwrap();
    let table = |x: u32| {
        let text = format!(
            "filename,feature,px.x,px.y,pixelsize,corrected,method,experiment\na.tif,NeedleTip,{x},128,1e-7,True,,\n"
        );
        fs::write(place.path("test/keypoints.csv"), text).unwrap();
    };
    table(200);
    let config = "data_path: test/keypoints.csv\nimages_path: test\nsave_path: out\ncheckpoints:\n  - checkpoint: classical\n    encoder: resnet34\n\
        \x20   nc: 6\nthresholds: [250, 100, 50, 25, 10]\nrun_eval: True\nplot_eval: True\nsave_det_plot: True\n";
    fs::write(place.path("evaluation.yaml"), config).unwrap();
    let told = place.run(&["evaluate", "evaluation.yaml", "--json"]).ended(0).json();
    let scored = &told["checkpoints"][0];
    assert_eq!(
        (&scored["mean_iou"], &scored["masks"]),
        (&1.0.into(), &1.into()),
        "{told}"
    );
    assert_eq!(
        scored["features"][0]["hit_rate"],
        serde_json::json!([1.0, 1.0, 1.0, 1.0, 1.0]),
        "{told}"
    );
    for file in
        "eval.csv eval_accuracy.csv eval.json eval00.png eval01.png eval02.png eval03.png eval04.png eval05.png a.png"
            .split(' ')
    {
        assert!(place.path("out").join(file).exists(), "{file}");
    }

    // as good as before; then the tip is asked for elsewhere, and nothing is written over
    let gate = ["evaluate", "evaluation.yaml", "--baseline", "out/eval.json"];
    let ran = place.run(&gate).ended(0);
    assert!(
        ran.out.contains("no figure is worse") && ran.out.contains("NeedleTip"),
        "{}",
        ran.out
    );
    table(240);
    let ran = place.run(&gate).ended(1);
    assert!(
        ran.err
            .contains("worse: classical: the hit rate of NeedleTip within 25 px"),
        "{}",
        ran.err
    );
    assert!(place.path("out/eval-2.json").exists());

    for (config, code, says) in [
        ("images_path: test\ncheckpoints: []\n", 1, "names no checkpoint"),
        (
            "images_path: test\ncheckpoints: [{checkpoint: none.onnx}]\n",
            1,
            "fibdeck model list",
        ),
        (
            "images_path: nowhere\ncheckpoints: [{checkpoint: classical}]\n",
            1,
            "nowhere",
        ),
        (
            "images_path: masks\ncheckpoints: [{checkpoint: classical}]\n",
            2,
            "nothing was evaluated",
        ),
    ] {
        fs::write(place.path("bad.yaml"), config).unwrap();
        let ran = place.run(&["evaluate", "bad.yaml"]).ended(code);
        assert!(ran.err.contains(says), "{config}: {}", ran.err);
    }
    let ran = place
        .run(&["evaluate", "evaluation.yaml", "--baseline", "evaluation.yaml"])
        .ended(1);
    assert!(ran.err.contains("no eval.json"), "{}", ran.err);
}

#[test]
fn a_dataset_goes_to_nnunet_and_comes_back() {
    let place = Place::new();
    labelled(&place, "data", "a", 10);
    labelled(&place, "data", "b", 40);
    fs::write(place.path("labels.txt"), "background\nlamella\n").unwrap();
    let to = "dataset to-nnunet --data-path data --label-path data/labels --nnunet-data-path raw/grid --label-map labels.txt --filetype .tif --json";
    fs::create_dir(place.path("raw")).unwrap();
    let made = place.run(&to.split(' ').collect::<Vec<_>>()).ended(0).json();
    assert_eq!((&made["id"], &made["train"]), (&"001".into(), &2.into()), "{made}");
    let raw = place.path("raw/Dataset001_grid");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(raw.join("dataset.json")).unwrap()).unwrap();
    assert_eq!(json["labels"], serde_json::json!({ "background": 0, "lamella": 1 }));
    place
        .run(&["dataset", "from-nnunet", "raw/Dataset001_grid", "-o", "back"])
        .ended(0);
    for file in ["a.tif", "labels/b.tif"] {
        let read = |folder: &str| fs::read(place.path(folder).join(file)).unwrap();
        assert_eq!(read("data"), read("back"));
    }
    place
        .run(&["dataset", "check", "back", "--classes", "back/segmentation_config.yaml"])
        .ended(0);
    let ran = place
        .run(&["dataset", "from-nnunet", "raw/Dataset001_grid", "-o", "back"])
        .ended(1);
    assert!(ran.err.contains("nothing was converted"), "{}", ran.err);
    let ran = place
        .run(&["dataset", "to-nnunet", "data", "-o", "raw/png", "--filetype", "png"])
        .ended(1);
    assert!(ran.err.contains("--filetype"), "{}", ran.err);
}

/// An engine that only copies a checkpoint, as a Python would be called.
#[cfg(unix)]
fn engine(place: &Place, ends: i32) -> String {
    use std::os::unix::fs::PermissionsExt;
    let checkpoint = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/segmentation/unet18.pt");
    let tell = r#"{"event": "epoch", "epoch": 0, "epochs": 2, "train_loss": 0.5, "val_loss": 0.4, "mean_iou": 0.7, "best": true, "seconds": 1.0,"#;
    let text = format!(
        "#!/bin/sh\ntest -f \"$1\" && test -f \"$2\" || exit 9\ncp {} models/a.pt\ntouch models/resume.pt\necho Downloading\necho '{tell} \"checkpoint\": \
         \"models/a.pt\"}}'\nexit {ends}\n",
        checkpoint.display()
    );
    let path = place.path(&format!("engine{ends}"));
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[cfg(unix)]
#[test]
fn a_training_is_checked_followed_and_becomes_a_model() {
    let place = Place::new();
    labelled(&place, "data", "a", 10);
    labelled(&place, "data", "b", 40);
    let config = "data_paths: [data]\nlabel_paths: [data/labels]\nsave_path: models\ncheckpoint: null\nencoder: resnet18\nepochs: 2\nbatch_size: 2\n\
        num_classes: 3\nlr: 3.0e-4\nsplit: 0.1\nwandb: False\nwandb_project: a\nwandb_entity: b\n";
    fs::write(place.path("config.yml"), config).unwrap();
    let engine = [engine(&place, 0), engine(&place, 3)];
    let train = |more: &[&str]| place.run(&[&["train", "config.yml"], more].concat());
    // refused before anything is made
    assert!(train(&["--resume"]).ended(1).err.contains("leave --resume out"));
    assert!(train(&["--python", "no-such-python"]).ended(1).err.contains("--python"));
    assert!(!place.path("models/run.json").exists(), "there was no run to describe");
    fs::write(place.path("data/labels/b.tif"), b"half").unwrap();
    assert!(train(&["--python", &engine[0]]).ended(2).err.contains("--skip"));

    let ran = train(&["--python", &engine[1], "--skip"]).ended(1);
    assert!(ran.err.contains("--resume goes on"), "{}", ran.err);
    let ran = train(&["--python", &engine[0], "--skip"]).ended(1);
    assert!(ran.err.contains("holds a training already"), "{}", ran.err);
    let told = train(&["--python", &engine[0], "--skip", "--resume", "--json"])
        .ended(0)
        .json_lines();
    assert_eq!(
        (&told[0]["event"], &told[1]["event"]),
        (&"epoch".into(), &"result".into()),
        "{told:?}"
    );
    let run: serde_json::Value = serde_json::from_slice(&fs::read(place.path("models/run-1.json")).unwrap()).unwrap();
    assert_eq!(
        (run["pairs"].as_array().unwrap().len(), &run["lr"]),
        (1, &3e-4.into()),
        "{run}"
    );
    let info = place.run(&["model", "info", "models/a.onnx", "--json"]).ended(0).json();
    assert!(
        info["card"]["note"].as_str().unwrap().contains("mean IoU 0.7000"),
        "{info}"
    );
}

#[test]
fn pictures_of_the_twin_come_with_masks_and_points_and_never_over_files() {
    let place = Place::new();
    let made = |folder: &str, seed: &str| {
        let args = [
            "dataset", "synth", folder, "-n", "4", "--size", "192x128", "--scenes", "liftout", "--seed", seed,
            "--demo", "--json",
        ];
        place.run(&args).ended(0).json()
    };
    let told = made("a", "3");
    assert_eq!(told["pictures"], 4, "{told}");
    let checked = place.run(&["dataset", "check", "a", "--json"]).ended(0).json();
    assert_eq!(
        (&checked["pictures"], &checked["unfit"]),
        (&4.into(), &0.into()),
        "{checked}"
    );
    // the classes it writes are those the masks have
    place
        .run(&["dataset", "check", "a", "--classes", "a/segmentation_config.yaml"])
        .ended(0);
    made("b", "3");
    let files = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(place.path(folder))
            .unwrap()
            .map(|item| item.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains('.'))
            .collect();
        names.sort();
        names
    };
    assert_eq!(files("a"), files("b"));
    let all = files("a")
        .into_iter()
        .chain(files("a/labels").into_iter().map(|name| format!("labels/{name}")));
    for name in all {
        let read = |folder: &str| fs::read(place.path(&format!("{folder}/{name}"))).unwrap();
        assert_eq!(read("a"), read("b"), "{name}");
    }
    let ran = place.run(&["dataset", "synth", "a", "-n", "2", "--demo"]).ended(1);
    assert!(ran.err.contains("not empty"), "{}", ran.err);
    let ran = place
        .run(&["dataset", "synth", "c", "--scenes", "moon", "--demo"])
        .ended(2);
    assert!(ran.err.contains("moon") && ran.err.contains("liftout"), "{}", ran.err);
    assert!(!place.path("c").exists());
}
