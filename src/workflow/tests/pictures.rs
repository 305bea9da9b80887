use super::{Rig, near};
use crate::acquire::{Acquire, PictureOptions, ReferenceSet, acquire, chamber, estimate, reference_set};
use crate::autofocus::{AutoFocus, autofocus};
use crate::contrast::{AutoContrast, autocontrast};
use crate::live::{Live, LiveEnd, live};
use crate::neutralise::{Neutralise, neutralise};
use hal::Act;
use model::{Beam, ErrorKind, ImageSettings, Key, Rect, Value};
use std::sync::{Arc, Mutex};
use vision::focus::FocusPass;

async fn set(rig: &Rig, beam: Beam, key: Key, value: f64) {
    rig.cx.set(beam, key, Value::Number(value)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn both_beams_are_taken_as_asked() {
    let rig = Rig::new();
    let area = Rect {
        left: 0.25,
        top: 0.25,
        width: 0.5,
        height: 0.5,
    };
    let options = PictureOptions {
        hfw: Some(80e-6),
        reduced_area: Some(area),
        save: Some(true),
        filename: Some("a".into()),
        ..PictureOptions::default()
    };
    let params = Acquire {
        options,
        ..Acquire::default()
    };
    near(
        estimate(&rig.cx, &params),
        2.0 * 192.0 * 128.0 * 1e-6,
        1e-12,
        "beam time",
    );
    let taken = acquire(rig.cx.clone(), params).await.unwrap().pictures;
    assert_eq!(taken.iter().map(|p| p.beam.unwrap()).collect::<Vec<_>>(), Beam::ALL);
    assert_eq!(taken[0].size, (192, 128));
    assert_eq!(taken[1].hfw, Some(80e-6));
    assert!(
        taken[0].file.as_deref().unwrap().contains("a_eb"),
        "{:?}",
        taken[0].file
    );
    assert_eq!(rig.kept().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reference_set_is_named_as_the_originals() {
    let rig = Rig::new();
    let params = ReferenceSet {
        filename: "ref_Setup".into(),
        ..ReferenceSet::default()
    };
    let names: Vec<_> = reference_set(rig.cx.clone(), params)
        .await
        .unwrap()
        .pictures
        .into_iter()
        .map(|p| p.file.unwrap())
        .collect();
    for (name, stem) in names.iter().zip([
        "ref_Setup_low_res_eb",
        "ref_Setup_low_res_ib",
        "ref_Setup_high_res_eb",
        "ref_Setup_high_res_ib",
    ]) {
        assert!(name.starts_with(stem), "{name}");
    }
    let none = ReferenceSet {
        hfw: vec![],
        ..ReferenceSet::default()
    };
    assert_eq!(
        reference_set(rig.cx.clone(), none).await.unwrap_err().kind,
        ErrorKind::Usage
    );
}

#[tokio::test(start_paused = true)]
async fn the_chamber_is_seen() {
    let rig = Rig::new();
    let picture = chamber(rig.cx.clone(), Some("chamber.tif".into())).await.unwrap();
    assert_eq!((picture.beam, picture.file.as_deref()), (None, Some("chamber.tif")));
    assert!(picture.size.0 > 100);
}

#[tokio::test(start_paused = true)]
async fn an_ion_view_counts_its_dose_and_ends_by_itself() {
    let rig = Rig::new();
    let (hand, _release) = rig.scope.background_hand("live");
    let cx = crate::JobCx { hand, ..rig.cx.clone() };
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let params = Live {
        ion_timeout: 2.0,
        resolution: Some((384, 256)),
        ..Live::of(Beam::Ion)
    };
    let (end, report) = live(cx, params, move |r| sink.lock().unwrap().push(r)).await.unwrap();
    assert_eq!(end, LiveEnd::TimedOut);
    assert!(
        report.frames >= 5 && report.frames as usize == told.lock().unwrap().len(),
        "{report:?}"
    );
    // current x dwell per pixel area
    let current = rig.scope.beam(Beam::Ion).await.unwrap().value.settings.beam_current;
    let one = current * 0.3e-6 / (150e-6f64 / 384.0).powi(2);
    near(report.dose / report.frames as f64, one, 1e-9 * one, "dose of a frame");
    // what reached the sample, as the twin counts it, is that dose times the field
    let area = 150e-6 * 100e-6;
    near(
        rig.truth("/dose_c/ion"),
        report.dose * area,
        0.3 * report.dose * area,
        "charge",
    );
}

#[tokio::test(start_paused = true)]
async fn a_view_gives_way_and_goes_on() {
    let rig = Rig::new();
    let (hand, release) = rig.scope.background_hand("live");
    let cx = crate::JobCx { hand, ..rig.cx.clone() };
    let view = tokio::spawn(live(
        cx,
        Live {
            resolution: Some((384, 256)),
            ..Live::of(Beam::Electron)
        },
        |_| {},
    ));
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    let picture = acquire(
        rig.cx.clone(),
        Acquire {
            beams: vec![Beam::Electron],
            ..Acquire::default()
        },
    )
    .await;
    assert!(picture.is_ok(), "{picture:?}");
    let before = rig.host.frames.lock().unwrap().len();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(rig.host.frames.lock().unwrap().len() > before + 2);
    release.cancel();
    assert_eq!(view.await.unwrap().unwrap().0, LiveEnd::Asked);
}

#[tokio::test(start_paused = true)]
async fn contrast_is_found_from_bad_settings() {
    for (beam, contrast, brightness) in [(Beam::Electron, 0.9, 0.8), (Beam::Ion, 0.2, 0.15)] {
        let rig = Rig::new();
        set(&rig, beam, Key::DetectorContrast, contrast).await;
        set(&rig, beam, Key::DetectorBrightness, brightness).await;
        let found = autocontrast(rig.cx.clone(), AutoContrast::of(beam)).await.unwrap();
        assert!(found.converged, "{beam}: {found:?}");
        let detector = rig.scope.beam(beam).await.unwrap().value.detector;
        assert_eq!(
            (detector.contrast, detector.brightness),
            (found.contrast, found.brightness)
        );
        let picture = rig.look(beam, 150e-6).await.pixels.to_u8();
        let stats = vision::contrast::ImageStats::of(picture.view()).unwrap();
        near(stats.mean, 0.5, 0.08, &format!("{beam} mean, {found:?}"));
        // also the grid bars, which lie outside the middle
        assert!(stats.saturation_hi <= 0.005, "{beam}: {stats:?}");
        // nothing else was touched
        assert!(rig.record.acts.lock().unwrap().iter().all(|act| match act {
            Act::BeamSet { key, .. } => matches!(key, Key::DetectorContrast | Key::DetectorBrightness),
            Act::Acquire { .. } => true,
            _ => false,
        }));
    }
}

#[tokio::test(start_paused = true)]
async fn contrast_is_found_from_any_start() {
    for beam in Beam::ALL {
        for (contrast, brightness) in [
            (0.0, 0.0),
            (0.2, 0.5),
            (0.0, 1.0),
            (1.0, 0.0),
            (1.0, 1.0),
            (0.5, 0.0),
            (0.2, 1.0),
        ] {
            let rig = Rig::new();
            set(&rig, beam, Key::DetectorContrast, contrast).await;
            set(&rig, beam, Key::DetectorBrightness, brightness).await;
            let found = autocontrast(rig.cx.clone(), AutoContrast::of(beam)).await.unwrap();
            let from = format!("{beam} from {contrast}, {brightness}: {found:?}");
            assert!(found.converged && found.iterations <= 41, "{from}");
            let picture = rig.look(beam, 150e-6).await.pixels.to_f32();
            near(f64::from(picture.mean().unwrap()) / 255.0, 0.5, 0.08, &from);
            let spread = picture.std(0.0) / 255.0;
            assert!(spread > 0.03, "it is not flat: {spread} {from}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn contrast_is_not_set_by_noise() {
    let rig = Rig::new();
    set(&rig, Beam::Ion, Key::DetectorContrast, 0.3).await;
    let before = rig.scope.beam(Beam::Ion).await.unwrap().value.detector;
    let world = rig.world.clone();
    let acts = rig.record.count();
    rig.inject(super::Moment::Intent, acts + 1, move || {
        world
            .foreign(hal::sim::Foreign::Set(Beam::Ion, Key::Blanked, Value::Bool(true)))
            .unwrap();
    });
    let error = autocontrast(rig.cx.clone(), AutoContrast::of(Beam::Ion))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Doubtful, "{error}");
    assert!(
        error.what.contains("no signal") && error.what.contains("put back"),
        "{error}"
    );
    assert_eq!(rig.scope.beam(Beam::Ion).await.unwrap().value.detector, before);
    assert!(rig.record.count() - acts < 120);
}

#[tokio::test(start_paused = true)]
async fn focus_is_found_within_its_depth() {
    for (beam, hfw, off, depth) in [(Beam::Electron, 60e-6, 60e-6, 8e-6), (Beam::Ion, 60e-6, -500e-6, 80e-6)] {
        let rig = Rig::new();
        let name = format!("/focus_error_m/{beam}");
        let wd = rig.scope.beam(beam).await.unwrap().value.settings.working_distance;
        set(&rig, beam, Key::WorkingDistance, wd + off).await;
        near(rig.truth(&name), off, 1e-9, "defocus at start");
        let found = autofocus(
            rig.cx.clone(),
            AutoFocus {
                hfw: Some(hfw),
                ..AutoFocus::of(beam)
            },
        )
        .await
        .unwrap();
        near(rig.truth(&name), 0.0, depth, &format!("{beam} {found:?}"));
        near(found.before, wd + off, 1e-9, "before");
    }
}

#[tokio::test(start_paused = true)]
async fn a_focus_far_off_is_followed() {
    let rig = Rig::new();
    set(&rig, Beam::Electron, Key::WorkingDistance, 7.25e-3).await;
    let found = autofocus(
        rig.cx.clone(),
        AutoFocus {
            hfw: Some(80e-6),
            ..AutoFocus::of(Beam::Electron)
        },
    )
    .await
    .unwrap();
    near(rig.truth("/focus_error_m/electron"), 0.0, 15e-6, &format!("{found:?}"));
}

#[tokio::test(start_paused = true)]
async fn a_focus_that_cannot_be_told_is_put_back() {
    let rig = Rig::new();
    // noise alone: somebody blanks the beam once the search has begun
    let world = rig.world.clone();
    rig.inject(super::Moment::Intent, 2, move || {
        world
            .foreign(hal::sim::Foreign::Set(Beam::Electron, Key::Blanked, Value::Bool(true)))
            .unwrap();
    });
    set(&rig, Beam::Electron, Key::WorkingDistance, 7.01e-3).await;
    let error = autofocus(rig.cx.clone(), AutoFocus::of(Beam::Electron))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Doubtful, "{error}");
    assert!(error.data.unwrap()["points"].as_array().unwrap().len() > 5);
    assert_eq!(
        rig.scope.get(Key::WorkingDistance, Some(Beam::Electron)).await.unwrap(),
        Value::Number(7.01e-3)
    );
    let bad = AutoFocus {
        passes: Some(vec![FocusPass {
            range: f64::NAN,
            step: 1e-6,
        }]),
        ..AutoFocus::of(Beam::Ion)
    };
    assert_eq!(
        autofocus(rig.cx.clone(), bad).await.unwrap_err().kind,
        ErrorKind::OutOfRange
    );
}

#[tokio::test(start_paused = true)]
async fn a_blanked_beam_is_not_measured_with() {
    let rig = Rig::new();
    rig.cx
        .act(Act::BeamBlank {
            beam: Beam::Electron,
            on: true,
        })
        .await
        .unwrap();
    let acts = rig.record.count();
    assert_eq!(
        autofocus(rig.cx.clone(), AutoFocus::of(Beam::Electron))
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Interlock
    );
    assert_eq!(
        autocontrast(rig.cx.clone(), AutoContrast::of(Beam::Electron))
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Interlock
    );
    assert_eq!(rig.record.count(), acts);
}

#[tokio::test(start_paused = true)]
async fn a_charged_sample_is_scanned_quickly_before_its_picture() {
    let rig = Rig::new();
    let wanted = Neutralise {
        picture: Acquire {
            beams: vec![Beam::Ion],
            options: PictureOptions {
                hfw: Some(80e-6),
                resolution: Some((384, 256)),
                ..PictureOptions::default()
            },
            path: None,
        },
        ..Neutralise::default()
    };
    neutralise(rig.cx.clone(), wanted.clone()).await.unwrap();
    let acts = rig.record.acts.lock().unwrap().clone();
    let taken: Vec<&ImageSettings> = acts
        .iter()
        .map(|act| match act {
            Act::Acquire { settings } => settings,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(taken.len(), 11);
    for quick in &taken[..10] {
        assert_eq!((quick.beam_type, quick.resolution), (Beam::Electron, (768, 512)));
        assert_eq!((quick.dwell_time, quick.hfw), (200e-9, 80e-6));
        assert!(!quick.save && !quick.autocontrast);
    }
    assert_eq!((taken[10].beam_type, taken[10].resolution), (Beam::Ion, (384, 256)));
    assert_eq!(rig.kept().len(), 1, "the quick scans are shown and not kept");

    let begun = rig.record.count();
    for (with, iterations, kind) in [
        (Beam::Electron, 0, ErrorKind::OutOfRange),
        (Beam::Ion, 5000, ErrorKind::OutOfRange),
    ] {
        let wrong = Neutralise {
            with,
            iterations,
            ..wanted.clone()
        };
        assert_eq!(neutralise(rig.cx.clone(), wrong).await.unwrap_err().kind, kind);
    }
    crate::system::blank(rig.cx.clone(), vec![Beam::Electron], true)
        .await
        .unwrap();
    let error = neutralise(rig.cx.clone(), wanted).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interlock);
    assert_eq!(rig.record.count(), begun + 1, "no picture was taken");
}
