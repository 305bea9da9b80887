//! `acquire`, `show`, `align`: pictures on disk.

use super::*;
use model::Pixels;
use ndarray::Array2;

#[test]
fn pictures_are_never_written_over() {
    let place = Place::new();
    let take = |output: &str, beam: &str| -> Vec<String> {
        let ran = take(&place, output, &["--beam", beam]).ended(0);
        ran.out.lines().map(str::to_owned).collect()
    };
    let first = take("pictures", "both");
    let [sem, fib] = &first[..] else { panic!("{first:?}") };
    assert!(sem.ends_with("_eb.tif") && fib.ends_with("_ib.tif"), "{first:?}");
    let before: Vec<Vec<u8>> = first.iter().map(|f| std::fs::read(f).unwrap()).collect();
    let second = take("pictures", "both");
    assert!(
        second.iter().all(|f| !first.contains(f) && Path::new(f).exists()),
        "{first:?} {second:?}"
    );
    let after: Vec<Vec<u8>> = first.iter().map(|f| std::fs::read(f).unwrap()).collect();
    assert_eq!(before, after);
    let named = [take("one.tif", "ion"), take("one.tif", "ion")].concat();
    assert_eq!(named[0], place.text("one.tif"));
    assert_ne!(named[0], named[1]);
    let loaded = Frame::load(Path::new(&named[1])).unwrap();
    assert_eq!(loaded.frame.metadata.unwrap().image.beam_type, model::Beam::Ion);
}

#[test]
fn the_options_of_acquire_reach_the_picture() {
    let place = Place::new();
    let options = "--beam ion --hfw 80um --resolution 768x512 --dwell 300ns --reduced-area 0.25,0.25,0.5,0.5 --frame-integration 3 \
        --line-integration 2 --drift-correction --autocontrast --autogamma --filename cell -o pictures";
    let args = [
        &["acquire", "--demo", "--speed", "max", "--json"][..],
        &options.split_whitespace().collect::<Vec<_>>(),
    ]
    .concat();
    let object = place.run(&args).ended(0).json();
    assert_eq!(keys(&object), ["command", "ok", "instrument", "result"]);
    let file = object["result"]["pictures"][0]["file"].as_str().unwrap();
    assert_eq!(file, place.path("pictures").join("cell_ib.tif").display().to_string());
    let frame = Frame::load(Path::new(file)).unwrap().frame;
    assert_eq!(frame.pixels.size(), (384, 256), "the reduced area alone");
    let image = frame.metadata.unwrap().image;
    assert!(
        (image.hfw - 80e-6).abs() < 1e-12 && (image.dwell_time - 300e-9).abs() < 1e-15,
        "{image:?}"
    );
    assert_eq!(
        (image.frame_integration, image.line_integration, image.drift_correction),
        (Some(3), Some(2), true)
    );
    let chamber = place
        .run(&["acquire", "--demo", "--chamber", "-o", "chamber.tif"])
        .ended(0)
        .out;
    assert!(Frame::load(Path::new(chamber.trim())).unwrap().frame.metadata.is_none());
}

#[test]
fn a_shift_is_measured_and_an_unsure_one_refused() {
    let place = Place::new();
    let lines = "image.acquire beam=ion resolution=768x512 path=a.tif\nbeam.shift dx=5um beam=ion\nimage.acquire beam=ion resolution=768x512 path=b.tif\n";
    script(&place, lines, &[]).ended(0);
    let found = place.run(&["align", "a.tif", "b.tif", "--json"]).ended(0).json();
    assert_eq!(
        keys(&found),
        ["dx_px", "dy_px", "dx_m", "dy_m", "confidence", "method", "accepted"]
    );
    let (px, m) = (found["dx_px"].as_f64().unwrap(), found["dx_m"].as_f64().unwrap());
    assert!(
        (px.abs() - 5e-6 / (150e-6 / 768.0)).abs() < 1.0 && (m.abs() - 5e-6).abs() < 0.2e-6,
        "{found}"
    );
    assert!(found["dy_px"].as_f64().unwrap().abs() < 1.0, "{found}");
    assert_eq!(found["accepted"], true);

    // noise has nothing in common with a picture
    let mut state = 1u32;
    let noise = Array2::from_shape_fn((512, 768), |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    Frame {
        pixels: Pixels::U8(noise),
        metadata: None,
    }
    .save(&place.path("noise.tif"))
    .unwrap();
    for method in ["cross-correlation", "phase-correlation"] {
        let refused = place
            .run(&["align", "a.tif", "noise.tif", "--method", method, "--json"])
            .ended(3)
            .json();
        assert_eq!(
            (&refused["accepted"], &refused["dx_m"]),
            (&Value::Bool(false), &Value::Null),
            "{refused}"
        );
        assert!(!refused["reason"].as_str().unwrap().is_empty());
    }
}

#[test]
fn pictures_are_described() {
    let place = Place::new();
    take(&place, "a.tif", &[]).ended(0);
    let info = place.run(&["show", "--info", "--json", "a.tif"]).ended(0).json();
    assert_eq!(
        (&info["size"], &info["bits"]),
        (&serde_json::json!([384, 256]), &Value::from(8))
    );
    let caption = place.run(&["show", "a.tif"]).ended(0).out;
    assert!(
        caption.contains("384x256 8 bit") && caption.contains("SEM 2.00 kV 50.0 pA"),
        "{caption}"
    );
    let partly = place.run(&["show", "a.tif", "absent.tif"]).ended(8);
    assert!(partly.err.contains("absent.tif") && partly.out.contains("a.tif"));
}

#[test]
fn pictures_of_one_place_are_made_into_one() {
    let place = Place::new();
    let grey = |name: &str, grey: u8| {
        let mut pixels = Array2::from_elem((64, 96), grey);
        pixels[[0, 0]] = 0;
        let pixels = Pixels::U8(pixels);
        Frame { pixels, metadata: None }.save(&place.path(name)).unwrap();
    };
    [("a.tif", 10), ("b.tif", 20), ("c.tif", 21), ("flash.tif", 250)]
        .into_iter()
        .for_each(|(name, value)| grey(name, value));
    let made = |args: &[&str]| {
        let all = [
            &["combine", "a.tif", "b.tif", "c.tif", "-o", "made.tif", "--json"],
            args,
        ]
        .concat();
        let object = place.run(&all).ended(0).json();
        let frame = Frame::load(&place.path(object["file"].as_str().unwrap()))
            .unwrap()
            .frame;
        let Pixels::U8(pixels) = frame.pixels else {
            panic!("8 bits stay 8 bits")
        };
        (pixels[[0, 0]], pixels[[20, 20]])
    };
    assert_eq!(made(&[]), (0, 17));
    assert_eq!(made(&["--by", "max"]), (0, 21));
    assert_eq!(made(&["flash.tif", "--by", "median"]), (0, 20));
    assert_eq!(made(&["flash.tif", "--adaptive"]), (0, 17), "the flash is left out");
    assert_eq!(
        made(&["--focus", "sobel", "--block", "32"]),
        (0, 21),
        "the edge at the corner is strongest there"
    );
    for (args, exit, says) in [
        (&["--by", "mode"][..], 2, "none of mean, sum"),
        (&["--focus", "eye"], 2, "none of laplacian"),
        (&["--focus", "sobel", "--smooth", "NaN"], 2, "--smooth"),
        (&["absent.tif"], 1, "absent.tif"),
    ] {
        let all = [&["combine", "a.tif", "b.tif", "-o", "refused.tif"], args].concat();
        let ran = place.run(&all).ended(exit);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    assert!(!place.path("refused.tif").exists());
}

/// Four tiles of a square and what lies in their middle, as they come; the second says it was taken 1 um from where it was.
fn tiles(place: &Place) -> [&'static str; 4] {
    let picture = |name: &str| {
        format!(
            "image.acquire beam=electron hfw=100um resolution=768x512 path={}\n",
            place.text(name)
        )
    };
    let step = |dx: f64, dy: f64| format!("stage.stable-move dx={dx}um dy={dy}um beam=electron\n");
    let lines = [
        picture("a.tif"),
        step(80.0, 0.0),
        picture("b.tif"),
        step(0.0, -55.0),
        picture("c.tif"),
        step(-80.0, 0.0),
        picture("d.tif"),
        step(40.0, 27.5),
        picture("middle.tif"),
    ];
    std::fs::write(place.path("tiles.txt"), lines.concat()).unwrap();
    place
        .run(&["script", "--demo", "--speed", "max", &place.text("tiles.txt")])
        .ended(0);
    let mut astray = Frame::load(&place.path("b.tif")).unwrap().frame;
    let said = &mut astray.metadata.as_mut().unwrap().microscope_state.stage_position;
    said.x = said.x.map(|x| x + 1e-6);
    astray.save(&place.path("astray.tif")).unwrap();
    ["a.tif", "astray.tif", "c.tif", "d.tif"]
}

#[test]
fn tiles_become_one_picture_where_their_overlaps_say() {
    let place = Place::new();
    let tiles = tiles(&place);
    let made = |more: &[&str]| {
        let all = [&["mosaic", "--demo", "--json"], &tiles[..], more].concat();
        place.run(&all).ended(0).json()
    };
    let pixel = 100e-6 / 768.0;
    let matched = made(&["-o", "matched.tif", "--pyramid", "400"]);
    let moved = matched["moved_px"].as_f64().unwrap();
    assert!((moved - 1e-6 / pixel).abs() < 2.0, "{matched}");
    let whole = Frame::load(&place.path("matched.tif")).unwrap().frame;
    let (width, height) = whole.pixels.size();
    let wanted = (768.0 + 80e-6 / pixel, 512.0 + 55e-6 / pixel);
    assert!(
        (width as f64 - wanted.0).abs() < 4.0 && (height as f64 - wanted.1).abs() < 4.0,
        "{width} x {height}"
    );
    let middle = Frame::load(&place.path("middle.tif")).unwrap().frame;
    let (said, there) = (whole.metadata.unwrap(), middle.metadata.clone().unwrap());
    let off = said
        .microscope_state
        .stage_position
        .distance(&there.microscope_state.stage_position);
    assert!(off < 1e-6, "its middle is said {off} m off");
    assert!((said.image.hfw - width as f64 * pixel).abs() < 1e-9);

    // what lies in the middle is seen there
    let Pixels::U8(grey) = whole.pixels else {
        panic!("8 bits stay 8 bits")
    };
    let (x, y) = ((width - 768) / 2, (height - 512) / 2);
    let cut = grey.slice(ndarray::s![y..y + 512, x..x + 768]).to_owned();
    let cut = Frame {
        pixels: Pixels::U8(cut),
        metadata: middle.metadata,
    };
    cut.save(&place.path("cut.tif")).unwrap();
    let found = place.run(&["align", "middle.tif", "cut.tif", "--json"]).ended(0).json();
    let off = found["dx_px"].as_f64().unwrap().hypot(found["dy_px"].as_f64().unwrap());
    assert!(off < 4.0, "{found}");

    let levels = matched["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 2, "{matched}");
    let quarter = Frame::load(&place.path(levels[1].as_str().unwrap())).unwrap().frame;
    assert_eq!(quarter.pixels.size(), (width.div_ceil(4), height.div_ceil(4)));
    let said = made(&["-o", "said.tif", "--as-said"]);
    assert!(
        said["moved_px"] == 0.0 && said["levels"] == serde_json::json!([]),
        "{said}"
    );
}

#[test]
fn what_is_no_overview_is_not_laid_together() {
    let place = Place::new();
    take(&place, "sem.tif", &["--beam", "electron"]).ended(0);
    take(&place, "fib.tif", &["--beam", "ion"]).ended(0);
    take(
        &place,
        "part.tif",
        &["--beam", "electron", "--reduced-area", "0,0,0.5,0.5"],
    )
    .ended(0);
    let bare = Frame {
        pixels: Pixels::filled(64, 64, 9),
        metadata: None,
    };
    bare.save(&place.path("bare.tif")).unwrap();
    for (other, says) in [
        ("fib.tif", "another beam"),
        ("part.tif", "a part of its field"),
        ("bare.tif", "where the stage was"),
        ("absent.tif", "absent.tif"),
    ] {
        let ran = place
            .run(&["mosaic", "--demo", "sem.tif", other, "-o", "refused.tif"])
            .ended(1);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    assert!(!place.path("refused.tif").exists());
}
