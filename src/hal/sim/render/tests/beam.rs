//! What column and detector settings do to a picture.

use super::*;
use crate::sim::specimen::{Face, Material};

fn sem() -> Shot {
    shot("grid", StageKind::Tilting, Beam::Electron, 40e-6, (320, 240))
}

#[test]
fn defocus_blurs_and_focus_is_at_the_eucentric_height() {
    for (beam, steps) in [
        (Beam::Electron, [0.0, 60e-6, 200e-6]),
        (Beam::Ion, [0.0, 500e-6, 1500e-6]),
    ] {
        let mut s = shot("grid", StageKind::Tilting, beam, 40e-6, (320, 240));
        for sign in [-1.0, 1.0] {
            let mut last = f64::MAX;
            for step in steps {
                s.beam.settings.working_distance = s.geometry.eucentric(beam) + sign * step;
                let sharp: f64 = sharpness(&take(&s)).iter().sum();
                assert!(sharp < 0.8 * last, "{beam} {sign} {step}: {sharp} {last}");
                last = sharp;
            }
        }
    }
}

#[test]
fn focus_follows_the_true_height() {
    let mut s = sem();
    s.geometry = Arc::new(TwinGeometry {
        height_error: 150e-6,
        ..(*s.geometry).clone()
    });
    let blurred: f64 = sharpness(&take(&s)).iter().sum();
    s.beam.settings.working_distance = 7e-3 - 150e-6;
    let sharp: f64 = sharpness(&take(&s)).iter().sum();
    assert!(sharp > 2.0 * blurred, "{sharp} {blurred}");
}

#[test]
fn a_tilted_plane_is_sharp_only_where_the_focus_cuts_it() {
    let mut s = shot("grid", StageKind::Tilting, Beam::Electron, 400e-6, (768, 512));
    s.beam.settings.working_distance = 7e-3;
    s.beam.settings.beam_current = 2e-9;
    s.pose.t = (35f64 - 50.0).to_radians();
    let picture = take(&s);
    let part = |r: std::ops::Range<usize>| {
        sharpness(&picture.slice(ndarray::s![r, ..]).to_owned())
            .iter()
            .sum::<f64>()
    };
    let (top, middle, bottom) = (part(10..90), part(216..296), part(422..502));
    assert!(middle > 1.5 * top && middle > 1.5 * bottom, "{top} {middle} {bottom}");
}

#[test]
fn astigmatism_blurs_one_way_on_one_side_of_focus_and_the_other_on_the_other() {
    let mut s = sem();
    let sharp: f64 = sharpness(&take(&s)).iter().sum();
    s.beam.settings.stigmation.x = 0.2;
    let round: f64 = sharpness(&take(&s)).iter().sum();
    assert!(round < 0.8 * sharp, "{round} {sharp}");
    let ratio = |s: &Shot| {
        let [x, y] = sharpness(&take(s));
        x / y
    };
    s.beam.settings.working_distance = 7e-3 + 80e-6;
    let over = ratio(&s);
    s.beam.settings.working_distance = 7e-3 - 80e-6;
    let under = ratio(&s);
    assert!(over < 0.7 && under > 1.4, "{over} {under}");
    s.flaws.stigmation.x = 0.2;
    s.beam.settings.working_distance = 7e-3;
    let healed: f64 = sharpness(&take(&s)).iter().sum();
    assert!(healed > 0.95 * sharp, "the stigmator takes out what the column has");
}

#[test]
fn noise_falls_with_the_root_of_the_dose() {
    let spread = |change: &dyn Fn(&mut Shot)| {
        let mut s = shot("waffle", StageKind::Tilting, Beam::Electron, 60e-6, (256, 192));
        s.beam.detector.contrast = 0.5;
        s.settings.dwell_time = 1e-6;
        change(&mut s);
        let renderer = Renderer::new();
        let a = renderer.render(&s).unwrap();
        s.seed += 1;
        noise(&a, &renderer.render(&s).unwrap())
    };
    let once = spread(&|_| {});
    for (what, more) in [
        ("dwell", spread(&|s| s.settings.dwell_time *= 4.0)),
        ("frames", spread(&|s| s.settings.frame_integration = Some(4))),
        ("lines", spread(&|s| s.settings.line_integration = Some(4))),
        (
            "all",
            spread(&|s| {
                s.settings.line_integration = Some(2);
                s.settings.frame_integration = Some(2);
            }),
        ),
    ] {
        assert!((once / more - 2.0).abs() < 0.16, "{what}: {once} {more}");
    }
    // The current also brightens the picture a little; relative to the signal the law is the same.
    let level = |current: f64| {
        let mut s = shot("waffle", StageKind::Tilting, Beam::Electron, 60e-6, (128, 96));
        s.beam.detector.contrast = 0.5;
        s.beam.settings.beam_current = current;
        Detector::of(&s.beam).grey(1.0) - Detector::of(&s.beam).grey(0.0)
    };
    let more = spread(&|s| s.beam.settings.beam_current *= 4.0) / f64::from(level(200e-12) / level(50e-12));
    assert!((once / more - 2.0).abs() < 0.2, "current: {once} {more}");
}

#[test]
fn contrast_stretches_and_brightness_lifts() {
    let s = sem();
    let picture = take(&s);
    let spread = |a: &Array2<u8>| {
        let m = mean(a);
        (a.iter().map(|&v| (f64::from(v) - m).powi(2)).sum::<f64>() / a.len() as f64).sqrt()
    };
    let mut lifted = s.clone();
    lifted.beam.detector.brightness += 0.1;
    let lifted = take(&lifted);
    assert!((mean(&lifted) - mean(&picture) - 25.5).abs() < 1.5);
    let mut stretched = s.clone();
    stretched.beam.detector.contrast += 0.1;
    let gain = spread(&take(&stretched)) / spread(&picture);
    assert!((gain - 10f64.powf(0.2)).abs() < 0.12, "{gain}");
}

#[test]
fn a_blanked_or_dead_beam_leaves_only_the_amplifier() {
    for change in [|s: &mut Shot| s.beam.blanked = true, |s: &mut Shot| s.beam.on = false] {
        let mut s = sem();
        s.beam.detector.contrast = 0.5;
        let lit = take(&s);
        change(&mut s);
        let dark = take(&s);
        assert!(mean(&dark) < 0.4 * mean(&lit));
        let m = mean(&dark);
        let spread = (dark.iter().map(|&v| (f64::from(v) - m).powi(2)).sum::<f64>() / dark.len() as f64).sqrt();
        assert!(spread > 0.5 && spread < 6.0, "{spread}");
        let renderer = Renderer::new();
        renderer.render(&s).unwrap();
        assert!(
            renderer.passes.lock().unwrap().is_empty(),
            "nothing is looked at in the dark"
        );
    }
}

#[test]
fn backscattered_and_secondary_pictures_differ_and_so_do_the_beams() {
    let s = shot("grid", StageKind::Tilting, Beam::Electron, 150e-6, (192, 128));
    let secondary = take(&s);
    let mut b = s.clone();
    b.beam.detector.mode = "BackscatteredElectrons".into();
    assert!(noise(&secondary, &take(&b)) > 8.0);
}

#[test]
fn charge_darkens_ice_with_the_dose_and_leaves_metal_alone() {
    let mut s = shot("waffle", StageKind::Tilting, Beam::Electron, 150e-6, (384, 256));
    s.beam.detector.contrast = 0.5;
    let px = s.settings.pixel_size();
    // Pixels whose surroundings are all of one material.
    let of = |material: Material| -> Vec<(usize, usize)> {
        let is = |col: f64, row: f64| {
            let (x, y) = ((col - 192.0) * px, (128.0 - row) * px);
            s.matter.specimen().sample(x, y, px, Face::Top).material == material
        };
        let around = |v: usize| [v as f64 - 12.0, v as f64, v as f64 + 12.0];
        (12..244)
            .step_by(8)
            .flat_map(|row| (12..372).step_by(8).map(move |col| (col, row)))
            .filter(|&(col, row)| around(col).iter().all(|&c| around(row).iter().all(|&r| is(c, r))))
            .collect()
    };
    let (ice, gold) = (of(Material::Ice), of(Material::Gold));
    assert!(ice.len() > 200 && gold.len() > 30, "{} {}", ice.len(), gold.len());

    // Grey lost to charge at the top and at the bottom of the ice, and the most that metal changed.
    let lost = |dwell: f64| {
        let mut charged = s.clone();
        charged.settings.dwell_time = dwell;
        let clean = take(&charged);
        charged.charging = 0.8;
        let charged = take(&charged);
        let less = |&(col, row): &(usize, usize)| f64::from(clean[[row, col]]) - f64::from(charged[[row, col]]);
        let part = |rows: std::ops::Range<usize>| {
            let losses: Vec<f64> = ice.iter().filter(|at| rows.contains(&at.1)).map(less).collect();
            losses.iter().sum::<f64>() / losses.len() as f64
        };
        let metal = gold.iter().map(less).map(f64::abs).fold(0.0, f64::max);
        (part(0..64), part(192..256), metal)
    };
    let (top, bottom, metal) = lost(4e-6);
    assert!(bottom > top + 4.0, "darker as the scan goes on: {top:.1} {bottom:.1}");
    assert_eq!(metal, 0.0);
    let (top_of_more, ..) = lost(40e-6);
    assert!(
        top_of_more > top + 4.0,
        "darker with the dose: {top:.1} {top_of_more:.1}"
    );
}

#[test]
fn sixteen_bits_hold_the_same_picture() {
    let s = sem();
    let (low, high) = (
        Renderer::new().render(&s).unwrap(),
        Renderer::new().render16(&s).unwrap(),
    );
    assert!(
        low.iter()
            .zip(&high)
            .all(|(a, b)| (f64::from(*a) - f64::from(*b) / 257.0).abs() < 1.0)
    );
    assert!(high.iter().any(|v| v % 257 != 0));
}

#[test]
fn the_same_shot_is_the_same_picture_remembered_or_not() {
    let s = sem();
    let renderer = Renderer::new();
    let first = renderer.render(&s).unwrap();
    assert_eq!(renderer.passes.lock().unwrap().len(), 1);
    assert_eq!(first, renderer.render(&s).unwrap());
    assert_eq!(first, take(&s));
    let mut moved = s.clone();
    moved.pose.x += 1e-6;
    renderer.render(&moved).unwrap();
    assert_eq!(renderer.passes.lock().unwrap().len(), 2, "another pose is another view");
    let mut other = s.clone();
    other.seed = 2;
    assert_ne!(first, renderer.render(&other).unwrap(), "noise is new in every picture");
    assert_eq!(renderer.passes.lock().unwrap().len(), 2);
}

#[test]
fn what_no_scan_can_do_is_refused() {
    let refused = |change: &dyn Fn(&mut Shot)| {
        let mut s = sem();
        change(&mut s);
        Renderer::new().render(&s).unwrap_err().to_string()
    };
    for (text, what) in [
        ("0 x 10", refused(&|s| s.settings.resolution = (0, 10))),
        ("field", refused(&|s| s.settings.hfw = f64::NAN)),
        ("field", refused(&|s| s.settings.hfw = -1.0)),
        ("dwell", refused(&|s| s.settings.dwell_time = 0.0)),
        ("pose", refused(&|s| s.pose.t = f64::INFINITY)),
        ("charging", refused(&|s| s.charging = f64::NAN)),
        (
            "area",
            refused(&|s| {
                s.settings.reduced_area = Some(model::Rect {
                    left: 0.9,
                    top: 0.0,
                    width: 0.5,
                    height: 1.0,
                })
            }),
        ),
        (
            "area",
            refused(&|s| {
                s.settings.reduced_area = Some(model::Rect {
                    left: 0.0,
                    top: 0.0,
                    width: 1e-6,
                    height: 1.0,
                })
            }),
        ),
        ("frame integration", refused(&|s| s.settings.drift_correction = true)),
    ] {
        assert!(what.contains(text) && what.contains("nothing was exposed"), "{what}");
    }
}

#[test]
fn the_smallest_and_the_oddest_views_are_drawn() {
    let mut s = sem();
    for (resolution, hfw, t) in [
        ((1, 1), 40e-6, 35.0),
        ((2, 1), 1e-8, 35.0),
        ((64, 48), 2e-2, 35.0),
        ((64, 48), 3e-6, 124.9),
        ((64, 48), 40e-6, 125.0),
        ((64, 48), 40e-6, 170.0),
    ] {
        s.settings.resolution = resolution;
        s.settings.hfw = hfw;
        s.pose.t = f64::to_radians(t);
        s.pose.r = 0.7;
        assert_eq!(take(&s).dim(), (resolution.1 as usize, resolution.0 as usize));
    }
}

#[test]
fn lines_that_were_scanned_while_the_beam_was_off_the_sample_are_black() {
    let mut s = sem();
    let whole = take(&s);
    let time = s.settings.beam_time();
    s.dark = vec![(0.25 * time, 0.5 * time), (0.75 * time, f64::INFINITY)];
    let cut = take(&s);
    let mean = |a: &Array2<u8>, row: usize| a.row(row).iter().map(|v| f64::from(*v)).sum::<f64>() / a.ncols() as f64;
    let black = take(&Shot {
        beam: BeamState {
            blanked: true,
            ..s.beam.clone()
        },
        ..s.clone()
    });
    let rows = cut.nrows();
    for row in [1, rows / 4 - 2, rows / 2 + 2, 3 * rows / 4 - 2] {
        assert_eq!(cut.row(row), whole.row(row), "{row}");
    }
    for row in [rows / 4 + 2, rows / 2 - 2, 3 * rows / 4 + 2, rows - 1] {
        assert!(
            (mean(&cut, row) - mean(&black, row)).abs() < 3.0,
            "{row}: {}",
            mean(&cut, row)
        );
        assert!(mean(&whole, row) > mean(&cut, row) + 20.0, "{row}");
    }
}
