use super::*;
use std::fs;
use std::ops::ControlFlow;

/// A picture without anything in it, and one with a needle that the detector without a network finds.
fn needle(h: usize, w: usize, tip: (usize, usize)) -> Array2<u8> {
    Array2::from_shape_fn((h, w), |(y, x)| {
        let half = (tip.0 as f64 - x as f64) * 0.12;
        let noise = ((x * 37 + y * 61 + x * y) % 9) as u8;
        let inside = x <= tip.0 && (y as f64 - tip.1 as f64).abs() <= half;
        if inside { 190 + noise } else { 40 + noise }
    })
}

fn save(path: PathBuf, pixels: Array2<u8>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels = Pixels::U8(pixels);
    Frame { pixels, metadata: None }.save(&path).unwrap();
}

fn config(dir: &Path) -> Config {
    let text = format!(
        "data_path: {0}/keypoints.csv\nimages_path: {0}\nsave_path: {0}/out\ncheckpoints:\n  - {{checkpoint: classical, encoder: resnet34, nc: 6}}\n\
         thresholds: [100, 10]\nrun_eval: True\nwhatever: 1\n",
        dir.display()
    );
    let path = dir.join("eval.yaml");
    fs::write(&path, text).unwrap();
    Config::load(&path).unwrap()
}

#[test]
fn a_model_is_held_against_points_and_masks() {
    let dir = tempfile::tempdir().unwrap();
    let (h, w) = (256, 384);
    let model = Model::classical();
    for name in ["a", "b_ib"] {
        let picture = needle(h, w, (200, 128));
        let labels = model
            .segment(picture.view(), &mut |_| ControlFlow::Continue(()))
            .unwrap()
            .labels;
        assert!(labels.iter().any(|id| *id == 2), "the detector sees the needle");
        save(dir.path().join(format!("{name}.tif")), picture);
        // half of what it sees is called background by the person
        let half = Array2::from_shape_fn((h, w), |(y, x)| if y < 128 { labels[[y, x]] } else { 0 });
        save(dir.path().join(format!("labels/{name}.tif")), half);
    }
    let text = "filename,feature,px.x,px.y,pixelsize,corrected\na.tif,NeedleTip,203,124,1e-7,True\nb.tif,NeedleTip,260,128,,False\n\
        a.tif,ImageCentre,1,1,,False\ngone.tif,NeedleTip,1,1,,True\na.tif,LandingPost,5,5,,True\n";
    fs::write(dir.path().join("keypoints.csv"), text).unwrap();
    let config = config(dir.path());
    let (cases, remarks) = cases(&config).unwrap();
    assert_eq!((cases.len(), remarks.len()), (2, 1), "{cases:?} {remarks:?}");
    let rules = Rules {
        thresholds: &config.thresholds,
        own: &[],
        classes: &Classes::default(),
        skip: false,
    };
    let mut looked = 0;
    let scored = score(&model, &cases, &rules, &mut |_| ControlFlow::Continue(()), |_| {
        looked += 1
    })
    .unwrap();
    assert_eq!((scored.pictures, scored.masks, looked), (2, 2, 2));
    let tip = scored.features.iter().find(|f| f.feature == "NeedleTip").unwrap();
    assert_eq!(
        (tip.expected, tip.found, tip.hit_rate.as_slice()),
        (2, 2, &[1.0, 0.5][..]),
        "{tip:?}"
    );
    assert!(tip.median_um.unwrap() < 1.0 && tip.worst_px.unwrap() > 50.0);
    // what is nowhere is a miss, though openFIBSEM's stand-in for it is near the point
    let post = scored.features.iter().find(|f| f.feature == "LandingPost").unwrap();
    assert_eq!(
        (post.found, post.hit_rate.as_slice(), post.median_px),
        (0, &[0.0, 0.0][..], None)
    );
    let class = scored.classes.iter().find(|c| c.class_id == 2).unwrap();
    assert!(
        (0.4..0.6).contains(&class.iou) && class.common == class.expected,
        "{class:?}"
    );
    assert!((class.dice - 2.0 * class.iou / (1.0 + class.iou)).abs() < 1e-12);
    assert_eq!(scored.mean_iou, Some(class.iou));

    let report = Report {
        thresholds: config.thresholds.clone(),
        checkpoints: vec![scored],
    };
    let again: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(again, report);
    let table = String::from_utf8(points(&report).unwrap()).unwrap();
    assert!(table.starts_with(
        "checkpoint,fname,feature,px.x,px.y,pixelsize,gt.p.x,gt.p.y,gt.pixelsize,distance,_is_corrected,gt_fname,p.x"
    ));
    assert!(
        table.contains("classical,a.tif,LandingPost,,,,5.0,5.0,,7.07"),
        "{table}"
    );
    let table = String::from_utf8(accuracy(&report).unwrap()).unwrap();
    assert!(table.contains("classical,NeedleTip,10.0,0.5,50.0\n"), "{table}");

    // a mask that does not fit ends it, or is left out
    save(dir.path().join("labels/c.tif"), Array2::zeros((32, 32)));
    save(dir.path().join("c.tif"), needle(h, w, (100, 60)));
    let (cases, _) = super::cases(&config).unwrap();
    let error = score(&model, &cases, &rules, &mut |_| ControlFlow::Continue(()), |_| ()).unwrap_err();
    assert!(error.to_string().contains("--skip"), "{error}");
    let rules = Rules { skip: true, ..rules };
    let scored = score(&model, &cases, &rules, &mut |_| ControlFlow::Continue(()), |_| ()).unwrap();
    assert_eq!((scored.pictures, scored.skipped.len()), (2, 1));
}

fn report(checkpoint: &str, rate: f64, iou: f64) -> Report {
    let scored = Scored {
        checkpoint: checkpoint.to_owned(),
        features: vec![FeatureScore {
            feature: "NeedleTip".to_owned(),
            expected: 10,
            found: 10,
            hit_rate: vec![1.0, rate],
            median_px: None,
            p95_px: None,
            worst_px: None,
            median_um: None,
            p95_um: None,
        }],
        mean_iou: Some(iou),
        ..Scored::default()
    };
    Report {
        thresholds: vec![100.0, 10.0],
        checkpoints: vec![scored],
    }
}

#[test]
fn the_gate_shuts_where_a_figure_went_down() {
    let before = report("a", 0.9, 0.8);
    assert_eq!(worse(&report("a", 0.9, 0.8), &before, 0.0), []);
    assert_eq!(worse(&report("a", 0.895, 0.95), &before, 0.01), []);
    let found = worse(&report("new", 0.7, 0.8), &before, 0.01);
    assert_eq!(found.len(), 1);
    let text = found[0].to_string();
    assert!(
        text.contains("NeedleTip within 10 px is 0.700, and was 0.900 with a"),
        "{text}"
    );
    // what is not measured any more is worse
    let mut silent = report("a", 0.9, 0.8);
    silent.checkpoints[0].features.clear();
    assert_eq!(worse(&silent, &before, 0.01).len(), 2);
    // of several before, the best one counts for a new name
    let mut two = before.clone();
    two.checkpoints.push(report("b", 0.2, 0.1).checkpoints.remove(0));
    assert_eq!(worse(&report("new", 0.5, 0.5), &two, 0.01).len(), 2);
    assert_eq!(worse(&report("b", 0.5, 0.5), &two, 0.01), []);
}

#[test]
fn quantiles_are_numpys() {
    let values = [1.0, 2.0, 4.0, 8.0];
    assert_eq!((quantile(&values, 0.5), quantile(&[], 0.5)), (Some(3.0), None));
    assert!((quantile(&values, 0.95).unwrap() - 7.4).abs() < 1e-9);
}
