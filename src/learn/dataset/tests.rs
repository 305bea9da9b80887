use super::*;
use crate::classes::Classes;
use model::{Frame, Pixels};
use ndarray::Array2;
use std::collections::HashSet;
use std::fs;

fn grey(seed: usize, (h, w): (usize, usize)) -> Array2<u8> {
    Array2::from_shape_fn((h, w), |(y, x)| ((x * 7 + y * 3 + seed * 31) % 251) as u8)
}

fn save(path: PathBuf, pixels: Array2<u8>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels = Pixels::U8(pixels);
    Frame { pixels, metadata: None }.save(&path).unwrap();
}

/// Three recorded pictures: found right, corrected, rejected.
fn recorded(folder: &Path) {
    for (i, name) in ["ml-1", "ml-2", "ml-3"].iter().enumerate() {
        save(folder.join(format!("{name}.tif")), grey(i, (64, 96)));
        save(
            folder.join(format!("mask/{name}.tif")),
            grey(i, (64, 96)).mapv(|v| v % 3),
        );
    }
    fs::create_dir_all(folder.join("settings")).unwrap();
    fs::write(folder.join("settings/ml-2.json"), "{\"sha256\": \"abc\"}").unwrap();
    let row = |name: &str, right: &str, x: f64, y: f64, dx: f64, dy: f64| {
        format!("feature_detection,{name},NeedleTip,{right},ION,1e-08,net.onnx,{x},{y},{dx},{dy},0.0,0.0\n")
    };
    let text = "msg,fname,feature,is_correct,beam_type,pixelsize,checkpoint,px.x,px.y,dpx.x,dpx.y,dm.x,dm.y\n"
        .to_owned()
        + &row("ml-1", "True", 10.0, 20.0, 0.0, 0.0)
        + &row("ml-2", "True", 30.0, 20.0, 0.0, 0.0)
        + &row("ml-2", "False", 40.0, 22.0, -10.0, -2.0)
        + &row("ml-3", "True", 5.0, 6.0, 0.0, 0.0)
        + &row("ml-3", "False", 0.0, 0.0, 5.0, 6.0);
    fs::write(folder.join("data.csv"), text).unwrap();
}

fn features() -> HashSet<String> {
    HashSet::from(["NeedleTip".to_owned()])
}

#[test]
fn what_was_corrected_is_learnt_from_and_the_rest_tested_with() {
    let dir = tempfile::tempdir().unwrap();
    let (from, out) = (dir.path().join("ml"), dir.path().join("data"));
    recorded(&from);
    let dataset = Dataset::open(&from).unwrap();
    let checked = check(&dataset, &Classes::default(), &features());
    assert_eq!(checked.problems, []);
    let all = usable(&dataset, &checked, false).unwrap();
    let made = split(&dataset, &all, By::Corrections, &out, Keep::Copy).unwrap();
    assert_eq!(
        (made.train, made.test),
        (vec!["ml-2".to_owned(), "ml-3".to_owned()], vec!["ml-1".to_owned()])
    );
    assert_eq!(
        fs::read(from.join("mask/ml-2.tif")).unwrap(),
        fs::read(out.join("train/labels/ml-2.tif")).unwrap()
    );
    assert!(out.join("train/settings/ml-2.json").exists());
    assert_eq!(
        fs::read_to_string(out.join("train/data.csv")).unwrap().lines().count(),
        5
    );
    assert_eq!(
        fs::read_to_string(out.join("train/keypoints.csv")).unwrap(),
        "filename,feature,px.x,px.y,pixelsize,corrected,method,experiment\n\
         ml-2.tif,NeedleTip,40,22,1.0e-08,True,autolamella,\nml-3.tif,,,,,False,,\n"
    );

    // the parts are a dataset again, and nothing is written over
    let again = Dataset::open(&out).unwrap();
    let parts: Vec<_> = again
        .samples
        .iter()
        .map(|s| (s.part, s.name.as_str(), s.points().len()))
        .collect();
    assert_eq!(
        parts,
        [
            (Part::Train, "ml-2", 1),
            (Part::Train, "ml-3", 0),
            (Part::Test, "ml-1", 1)
        ]
    );
    let refused = split(&dataset, &all, By::Corrections, &out, Keep::Move).unwrap_err();
    assert!(refused.to_string().contains("nothing was split"), "{refused}");
    assert!(from.join("ml-1.tif").exists());
    let moved = split(&dataset, &all, By::Corrections, &dir.path().join("b"), Keep::Move).unwrap();
    assert_eq!(moved.unknown.len(), 0);
    assert!(!from.join("ml-1.tif").exists() && !from.join("mask/ml-1.tif").exists());
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..40 {
        save(dir.path().join(format!("in/p{i:02}.tif")), grey(i, (32, 32)));
    }
    let dataset = Dataset::open(&dir.path().join("in")).unwrap();
    let all: Vec<usize> = (0..40).collect();
    let share = |seed, out: &str| {
        let by = By::Share { test: 0.25, seed };
        split(&dataset, &all, by, &dir.path().join(out), Keep::Copy).unwrap()
    };
    let (a, b, c) = (share(1, "a"), share(1, "b"), share(2, "c"));
    assert_eq!(a, b);
    assert_ne!(a.test, c.test);
    assert!(
        (4..17).contains(&a.test.len()) && a.test.len() + a.train.len() == 40,
        "{a:?}"
    );
    let none = split(&dataset, &all, By::Corrections, &dir.path().join("d"), Keep::Copy).unwrap();
    assert_eq!((none.unknown.len(), dir.path().join("d").exists()), (40, false));
    let by = By::Share { test: 1.5, seed: 0 };
    assert!(split(&dataset, &all, by, &dir.path().join("e"), Keep::Copy).is_err());
}

#[test]
fn everything_wrong_has_a_name_and_is_refused_or_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    recorded(dir.path());
    fs::write(at("broken.tif"), b"II*\0 cut off").unwrap();
    fs::write(at(".ml-9.tif.1-0.part"), b"half").unwrap();
    save(at("odd.tif"), grey(7, (64, 90)));
    save(at("size.tif"), grey(8, (64, 96)));
    save(at("mask/size.tif"), grey(8, (32, 96)));
    save(at("class.tif"), grey(9, (64, 96)));
    save(at("mask/class.tif"), Array2::from_elem((64, 96), 77));
    save(at("twin.tif"), grey(0, (64, 96)));
    save(at("mask/twin.tif"), grey(0, (64, 96)).mapv(|v| v % 3));
    save(at("mask/alone.tif"), grey(1, (64, 96)));
    let mut table = fs::read_to_string(at("data.csv")).unwrap();
    table += "feature_detection,gone,NeedleTip,True,ION,1e-08,a,1,2,0,0,0,0\nfeature_detection,ml-1,Needel";
    fs::write(at("data.csv"), table).unwrap();
    fs::write(
        at("keypoints.csv"),
        "filename,feature,px.x,px.y\nclass.tif,Nose,500,10\n",
    )
    .unwrap();

    let dataset = Dataset::open(dir.path()).unwrap();
    let checked = check(&dataset, &Classes::default(), &features());
    let has = |name: &str, test: fn(&Fault) -> bool| {
        let found = checked
            .problems
            .iter()
            .any(|p| p.path.ends_with(name) && test(&p.fault));
        assert!(found, "{name}: {:#?}", checked.problems);
    };
    has("broken.tif", |f| matches!(f, Fault::Damaged(_)));
    has("odd.tif", |f| matches!(f, Fault::Sides((90, 64))));
    has("odd.tif", |f| matches!(f, Fault::NoMask));
    has("mask/size.tif", |f| {
        matches!(
            f,
            Fault::MaskSize {
                mask: (96, 32),
                picture: (96, 64)
            }
        )
    });
    has("mask/class.tif", |f| *f == Fault::Classes(vec![77]));
    has("class.tif", |f| *f == Fault::Outside("Nose".to_owned()));
    has("class.tif", |f| *f == Fault::Feature("Nose".to_owned()));
    has("twin.tif", |f| matches!(f, Fault::Twin(_)));
    has("mask/alone.tif", |f| *f == Fault::MaskAlone);
    has("data.csv", |f| *f == Fault::RowAlone("gone".to_owned()));
    has("data.csv", |f| matches!(f, Fault::Line(8, _)));
    let refused = usable(&dataset, &checked, false).unwrap_err().to_string();
    assert!(
        refused.contains("more") && refused.contains("nothing was done"),
        "{refused}"
    );
    let fit = usable(&dataset, &checked, true).unwrap();
    let names: Vec<&str> = fit.iter().map(|i| dataset.samples[*i].name.as_str()).collect();
    assert_eq!(names, ["ml-1", "ml-2", "ml-3"]);
    assert!(Dataset::open(&at("nowhere")).is_err());
    assert!(
        Dataset::open(&at("settings"))
            .unwrap_err()
            .to_string()
            .contains("dataset add")
    );
}

#[test]
fn a_dataset_in_numbers_and_its_parts() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path());
    let mut dataset = Dataset::open(dir.path()).unwrap();
    let told = summary(&dataset, &Classes::default());
    assert_eq!(
        (told.pictures, told.with_mask, told.corrected, told.with_points),
        (3, 3, 2, 2)
    );
    assert_eq!(
        (told.sizes["96x64"], told.beams["ION"], told.models["net.onnx"]),
        (3, 3, 3)
    );
    assert_eq!(told.pixelsize_m, Some((1e-8, 1e-8)));
    assert_eq!(told.classes.iter().map(|c| c.class_id).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(told.classes.iter().map(|c| c.pixels).sum::<u64>(), 3 * 64 * 96);
    let [tip] = &told.features[..] else { panic!("{told:?}") };
    assert_eq!((tip.pictures, tip.corrected), (2, 1));
    assert!((tip.moved_px.unwrap() - 104f64.sqrt()).abs() < 1e-9);

    let kept = |filter: Filter| {
        let mut dataset = Dataset::open(dir.path()).unwrap();
        filter.keep(&mut dataset);
        dataset.samples.iter().map(|s| s.name.clone()).collect::<Vec<_>>()
    };
    let corrected = Some(false);
    assert_eq!(
        kept(Filter {
            corrected,
            ..Filter::default()
        }),
        ["ml-1"]
    );
    assert_eq!(
        kept(Filter {
            class: Some(2),
            ..Filter::default()
        })
        .len(),
        3
    );
    assert_eq!(
        kept(Filter {
            beam: Some(model::Beam::Electron),
            ..Filter::default()
        })
        .len(),
        0
    );
    let checkpoint = Some("net".to_owned());
    assert_eq!(
        kept(Filter {
            checkpoint,
            name: Some("-3".to_owned()),
            ..Filter::default()
        }),
        ["ml-3"]
    );
    Filter::default().keep(&mut dataset);
    assert_eq!(dataset.samples.len(), 3);
}

#[test]
fn pictures_from_elsewhere_are_taken_in_once_with_their_masks() {
    let dir = tempfile::tempdir().unwrap();
    let (data, from) = (dir.path().join("data"), dir.path().join("from"));
    save(from.join("a.tif"), grey(1, (70, 100)));
    save(from.join("masks/a.tif"), grey(1, (70, 100)).mapv(|v| v % 6));
    let pixels = Pixels::U16(grey(2, (64, 96)).mapv(|v| u16::from(v) << 8));
    Frame { pixels, metadata: None }.save(&from.join("b.tif")).unwrap();
    save(from.join("masks/b.tif"), grey(2, (64, 32)));
    fs::write(from.join("c.tif"), b"no picture").unwrap();
    let files = ["a.tif", "b.tif", "c.tif"].map(|name| from.join(name));
    let options = Add {
        masks: Some(from.join("masks")),
        ..Add::default()
    };
    let added = add(&data, &files, &options).unwrap();
    let Ok(Added::As(file, remarks)) = &added[0] else {
        panic!("{added:?}")
    };
    assert_eq!((file, remarks.len()), (&data.join("a.tif"), 1));
    assert!(
        added[1]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("the mask has 32x64")
    );
    assert!(added[2].is_err());
    let kept = Frame::load(&data.join("a.tif")).unwrap().frame.pixels;
    assert_eq!(kept.size(), (96, 64));
    let mask = crate::picture::read_mask(&data.join("labels/a.tif")).unwrap();
    assert_eq!(mask, grey(1, (70, 100)).mapv(|v| v % 6).slice(ndarray::s![..64, ..96]));
    let told: serde_json::Value = serde_json::from_slice(&fs::read(data.join("settings/a.json")).unwrap()).unwrap();
    assert_eq!(told["sha256"].as_str().unwrap().len(), 64);

    // the same pixels again are known; other pixels of that name get another
    let plain = Add::default();
    assert_eq!(
        add(&data, &files[..1], &plain).unwrap()[0].as_ref().unwrap(),
        &Added::Known
    );
    save(from.join("z/a.tif"), grey(5, (64, 96)));
    let second = add(&data, &[from.join("z/a.tif"), files[1].clone()], &plain).unwrap();
    assert_eq!(second[0].as_ref().unwrap(), &Added::As(data.join("a-1.tif"), vec![]));
    let Ok(Added::As(_, remarks)) = &second[1] else {
        panic!("{second:?}")
    };
    assert_eq!(remarks, &["16 bits became 8: the high byte"]);
    assert_eq!(Dataset::open(&data).unwrap().samples.len(), 3);
}
