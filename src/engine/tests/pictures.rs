//! Pictures: taken, kept, asked for, live.

use super::*;
use crate::query::{Query, Reply};
use model::{Beam, Frame, Pixels};
use workflow::cx::Keep;

#[test]
fn a_picture_is_taken_saved_and_kept() {
    let bench = Bench::new();
    let result = bench
        .lines(&["system.connect", "image.acquire beam=electron resolution=384x256"])
        .unwrap();
    let file = result["pictures"][0]["file"].as_str().unwrap();
    assert!(file.starts_with(bench.folder.path().to_str().unwrap()), "{file}");
    let snapshot = bench.link().snapshot();
    let info = snapshot.newest(Beam::Electron).unwrap();
    assert_eq!(info.size, (384, 256));
    let Ok(Reply::Frame(frame)) = wait(bench.link().ask(Query::Frame { id: info.id, most: 0 })) else {
        panic!("gone")
    };
    assert_eq!(
        frame.pixels,
        model::Frame::load(std::path::Path::new(file)).unwrap().frame.pixels
    );
    let Ok(Reply::Frame(small)) = wait(bench.link().ask(Query::Frame { id: info.id, most: 100 })) else {
        panic!("gone")
    };
    assert_eq!(small.pixels.size(), (96, 64));
}

#[test]
fn a_failed_save_is_an_alarm_and_the_picture_stays_in_memory() {
    let bench = Bench::new();
    let blocked = bench.folder.path().join("file");
    std::fs::write(&blocked, "not a folder").unwrap();
    let line = format!(
        "image.acquire beam=electron resolution=384x256 path='{}'",
        blocked.join("sub").display()
    );
    let failure = bench.lines(&["system.connect", &line]).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::File);
    let snapshot = bench.link().snapshot();
    assert_eq!(snapshot.alarms().count(), 1);
    let id = snapshot.newest(Beam::Electron).unwrap().id;
    assert!(matches!(
        wait(bench.link().ask(Query::Frame { id, most: 0 })),
        Ok(Reply::Frame(_))
    ));
    bench.lines(&["notice.seen"]).unwrap();
    assert_eq!(bench.link().snapshot().alarms().count(), 0);
}

#[test]
fn a_live_view_gives_way_and_the_ion_beams_ends_by_itself() {
    let bench = Bench::new();
    let link = bench.link();
    bench
        .lines(&[
            "system.connect",
            "image.live beam=ion on=true",
            "system.wait seconds=10",
        ])
        .unwrap();
    assert!(link.snapshot().live_frames[1].is_some());
    bench.lines(&["stage.move-relative x=5um"]).unwrap();
    assert!(link.snapshot().live[1].on, "it goes on after the move");
    bench.lines(&["system.wait seconds=150"]).unwrap();
    let live = link.snapshot().live[1].clone();
    assert!(!live.on && live.dose > 0.0 && live.reason.is_some(), "{live:?}");
}

#[test]
fn a_live_view_of_one_beam_gives_way_to_a_picture_of_the_other() {
    let bench = Bench::new();
    let link = bench.link();
    bench
        .lines(&["system.connect", "image.live beam=electron on=true"])
        .unwrap();
    for _ in 0..5 {
        bench
            .lines(&[
                "image.acquire beam=ion resolution=384x256 save=false",
                "system.wait seconds=0.37",
            ])
            .unwrap();
    }
    assert!(link.snapshot().live[0].on, "it goes on after each");
}

#[test]
fn a_picture_says_where_it_was_taken() {
    let bench = Bench::new();
    bench
        .lines(&[
            "system.connect",
            "stage.move-relative x=20um",
            "system.set key=scan_rotation value=30deg beam=ion",
            "beam.shift dx=2um dy=-1um beam=ion",
            "image.acquire beam=ion resolution=384x256 save=false",
            "beam.reset-shift beam=ion",
        ])
        .unwrap();
    let snapshot = bench.link().snapshot();
    let info = snapshot.newest(Beam::Ion).unwrap();
    assert_eq!(info.stage.as_ref().unwrap().x, Some(20e-6));
    assert!((info.scan_rotation - 30f64.to_radians()).abs() < 1e-9, "{info:?}");
    assert!(
        info.shift.x.hypot(info.shift.y) > 1e-6 && info.shift != snapshot.ion.as_ref().unwrap().value.settings.shift,
        "{info:?}"
    );
    // one written down by an older fibdeck has no shift, and is read
    let mut old = serde_json::to_value(info).unwrap();
    old.as_object_mut().unwrap().remove("shift");
    let read: crate::event::FrameInfo = serde_json::from_value(old).unwrap();
    assert_eq!(read.shift, model::Point::default());
}

#[test]
fn a_picture_that_fell_out_of_memory_is_gone_with_its_file() {
    let bench = Bench::new();
    let core = &bench.engine.core;
    let take = |name: Option<&str>| {
        let frame = Frame {
            pixels: Pixels::U8(ndarray::Array2::zeros((2048, 2048))),
            metadata: None,
        };
        let path = name.map(|name| bench.folder.path().join(name).display().to_string());
        core.keep_frame(frame, &Keep { live: false, path }).unwrap();
        core.snapshot().frames.back().unwrap().id
    };
    let ask = |id| wait(bench.link().ask(Query::Frame { id, most: 500 })).unwrap();
    let (saved, unsaved) = (take(Some("first.tif")), take(None));
    let Reply::Frame(small) = ask(saved) else {
        panic!("gone")
    };
    assert_eq!(small.pixels.size(), (410, 410));
    for _ in 0..5 {
        take(None);
    }
    let file = bench.folder.path().join("first.tif").display().to_string();
    assert!(matches!(ask(saved), Reply::Gone { file: Some(f) } if f == file));
    assert!(matches!(ask(unsaved), Reply::Gone { file: None }));
    assert!(matches!(ask(u64::MAX), Reply::Gone { file: None }));
}
