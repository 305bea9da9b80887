//! Registration and statistics against results recorded from fibsem 0.5.3.

use ndarray::{Array2, ArrayView2, s};
use serde_json::Value;
use vision::contrast::{ImageStats, auto_gamma, gamma_lut, percentile_stretch};
use vision::filter::denoise;
use vision::focus::Measure;
use vision::register::{
    AGREEMENT_PX, CrossCorrelation, Method, Options, Shift, compare as compare_methods, cross_correlation,
    phase_correlation, register, skimage_phase_correlation,
};

fn picture(name: &Value) -> Option<Array2<u8>> {
    crate::recorded_picture("alignment", name)
}

struct Pair {
    entry: Value,
    reference: Array2<u8>,
    new: Array2<u8>,
}

impl Pair {
    fn recorded(&self, method: &str) -> Option<Shift> {
        let r = self.entry["results"].get(method)?;
        Some(Shift {
            dx_px: r["dx_px"].as_f64()?,
            dy_px: r["dy_px"].as_f64()?,
            score: r["score"].as_f64()?,
        })
    }

    fn views(&self) -> [Array2<f32>; 2] {
        [self.reference.mapv(f32::from), self.new.mapv(f32::from)]
    }

    fn blank(&self) -> bool {
        [&self.reference, &self.new]
            .iter()
            .any(|p| p.iter().all(|v| *v == p[[0, 0]]))
    }
}

/// Every pair of which both pictures are there; a folder without the index has none.
fn pairs() -> Vec<Pair> {
    let Ok(text) = std::fs::read_to_string(crate::recordings("alignment").join("index.json")) else {
        eprintln!("no alignment vectors in {}", crate::recordings("alignment").display());
        return Vec::new();
    };
    let index: Value = serde_json::from_str(&text).unwrap();
    let entries = index["pairs"].as_array().unwrap();
    let load = |entry: &Value| {
        Some(Pair {
            reference: picture(&entry["ref"])?,
            new: picture(&entry["new"])?,
            entry: entry.clone(),
        })
    };
    entries.iter().filter_map(load).collect()
}

/// `shift_tolerance` in pixels.
fn compare(method: &str, shift_tolerance: f64, settings: impl Fn((usize, usize)) -> CrossCorrelation) {
    let pairs = pairs();
    for pair in &pairs {
        let [reference, new] = pair.views();
        let ours = cross_correlation(reference.view(), new.view(), &settings(reference.dim()));
        if pair.blank() {
            assert!(ours.is_err(), "{} is blank", pair.entry["id"]);
            continue;
        }
        let Some(theirs) = pair.recorded(method) else { continue };
        let ours = ours.unwrap();
        let id = &pair.entry["id"];
        let close = (ours.dx_px - theirs.dx_px).abs() <= shift_tolerance
            && (ours.dy_px - theirs.dy_px).abs() <= shift_tolerance;
        assert!(close, "{method} {id}: {ours:?}, recorded {theirs:?}");
        assert!(
            (ours.score - theirs.score).abs() < 1e-6,
            "{method} {id}: {ours:?}, recorded {theirs:?}"
        );
    }
}

#[test]
fn vectors_cross_correlation() {
    compare("cross-correlation", 0.0, |_| CrossCorrelation::default());
}

#[test]
fn vectors_cross_correlation_subpixel() {
    compare("cross-correlation-subpixel", 1e-3, |_| CrossCorrelation {
        subpixel: true,
        ..Default::default()
    });
}

#[test]
fn vectors_cross_correlation_bare() {
    compare("cross-correlation-fn-defaults", 0.0, |_| CrossCorrelation::BARE);
}

#[test]
fn vectors_cross_correlation_hard_band() {
    let settings = CrossCorrelation {
        lowpass: 32.0,
        highpass: 2.0,
        sigma: 0.0,
        ..CrossCorrelation::BARE
    };
    compare("cross-correlation-sigma0-nomask", 0.0, |_| settings.clone());
}

#[test]
fn vectors_cross_correlation_limit() {
    compare("cross-correlation-limit40", 0.0, |_| CrossCorrelation {
        limit: Some(40.0),
        ..Default::default()
    });
}

/// The original blurs its disc as booleans, which leaves only pixels whose whole 25 x 25 neighbourhood lies in the disc.
#[test]
fn vectors_cross_correlation_reference_mask() {
    let eroded = |(h, w): (usize, usize)| {
        let disc = vision::filter::circle_mask((h, w), 60.0, 0.0);
        Array2::from_shape_fn((h, w), |(y, x)| {
            let inside = y >= 12 && x >= 12 && y + 12 < h && x + 12 < w;
            let whole = inside
                && disc
                    .slice(s![y - 12..=y + 12, x - 12..=x + 12])
                    .iter()
                    .all(|v| *v == 1.0);
            if whole { 1.0 } else { 0.0f32 }
        })
    };
    assert_eq!(eroded((192, 256)).sum(), 6161.0);
    compare("cross-correlation-circle60-refmask", 0.0, |size| CrossCorrelation {
        ref_mask: Some(eroded(size)),
        ..Default::default()
    });
}

#[test]
fn vectors_phase_correlation() {
    for pair in pairs() {
        let [reference, new] = pair.views();
        let ours = phase_correlation(reference.view(), new.view());
        let id = &pair.entry["id"];
        if pair.blank() || reference.dim() != new.dim() {
            assert!(ours.is_err(), "{id}");
            continue;
        }
        let Some(theirs) = pair.recorded("phase-correlation") else {
            continue;
        };
        let ours = ours.unwrap();
        if theirs.score > 0.05 {
            let off = (ours.dx_px - theirs.dx_px).abs().max((ours.dy_px - theirs.dy_px).abs());
            assert!(
                off < 0.02 && (ours.score - theirs.score).abs() < 1e-3,
                "{id}: {ours:?}, recorded {theirs:?}"
            );
        }
    }
}

#[test]
fn vectors_skimage_phase_correlation() {
    for pair in pairs() {
        let ours = skimage_phase_correlation(pair.reference.view(), pair.new.view());
        let id = &pair.entry["id"];
        if pair.blank() || pair.reference.dim() != pair.new.dim() {
            assert!(ours.is_err(), "{id}");
            continue;
        }
        let Some(theirs) = pair.recorded("skimage-phase-correlation") else {
            continue;
        };
        let ours = ours.unwrap();
        let off = (ours.dx_px - theirs.dx_px).abs().max((ours.dy_px - theirs.dy_px).abs());
        // One step of the fine grid; the recorded numbers are float32.
        assert!(off < 0.1 + 1e-5, "{id}: {ours:?}, recorded {theirs:?}");
        assert_eq!(ours.score, theirs.score, "{id}");
    }
}

/// The phase correlation's noise shows in the comparison too: only pairs where it found something are held against it.
#[test]
fn vectors_comparison_of_methods() {
    for pair in pairs() {
        let ours = compare_methods(pair.reference.view(), pair.new.view());
        let id = &pair.entry["id"];
        if pair.blank() {
            assert!(ours.is_err(), "{id}");
            continue;
        }
        let ours = ours.unwrap();
        let recorded = &pair.entry["results"]["compare"];
        if ours.shifts[1].score < 0.05 {
            continue;
        }
        let disagreement = recorded["max_disagreement_px"].as_f64().unwrap();
        assert!(
            (ours.max_disagreement_px - disagreement).abs() < 0.15,
            "{id}: {ours:?}, recorded {recorded}"
        );
        if (disagreement - AGREEMENT_PX).abs() > 0.15 {
            assert_eq!(ours.agreement, recorded["agreement"].as_bool().unwrap(), "{id}");
        }
        for (ours, theirs) in [ours.consensus_px.0, ours.consensus_px.1]
            .iter()
            .zip(recorded["consensus_px"].as_array().unwrap())
        {
            assert!(
                (ours - theirs.as_f64().unwrap()).abs() < 0.05,
                "{id}: {ours}, recorded {theirs}"
            );
        }
    }
}

/// What `register` accepts is right; blank pictures are refused, and most ordinary pairs are accepted.
#[test]
fn vectors_registration_accepts_what_is_right() {
    let (mut ordinary, mut accepted) = (0, 0);
    for pair in pairs() {
        let [reference, new] = pair.views();
        if reference.dim() != new.dim() {
            assert!(register(reference.view(), new.view(), Method::default(), &Options::default()).is_err());
            continue;
        }
        let truth = (
            pair.entry["true_dx_px"].as_f64().unwrap(),
            pair.entry["true_dy_px"].as_f64().unwrap(),
        );
        let found = register(reference.view(), new.view(), Method::default(), &Options::default()).unwrap();
        let off = (found.dx_px - truth.0).hypot(found.dy_px - truth.1);
        let id = &pair.entry["id"];
        assert!(!found.accepted || off < 6.0, "{id}: {found:?}, truth {truth:?}");
        assert!(!(found.accepted && pair.blank()), "{id}: {found:?}");
        // The periodic scenes have more than one answer.
        if !pair.blank() && pair.entry["style"] != "periodic" {
            ordinary += 1;
            accepted += usize::from(found.accepted);
        }
    }
    // A share means little for a folder that holds only a few of the pairs.
    assert!(
        ordinary < 20 || accepted * 10 >= ordinary * 8,
        "accepted {accepted} of {ordinary}"
    );
}

fn each_with_metrics(check: impl Fn(&Value, ArrayView2<u8>, &Value)) {
    for pair in pairs() {
        if let Some(metrics) = pair.entry.get("ref_metrics") {
            check(&pair.entry["id"], pair.reference.view(), metrics);
        }
    }
}

#[test]
fn vectors_focus_measures() {
    each_with_metrics(|id, picture, metrics| {
        for measure in Measure::ALL {
            let theirs = metrics[measure.name()].as_f64().unwrap();
            let ours = measure.quality(picture.mapv(f32::from).view());
            assert!(
                (ours - theirs).abs() <= 1e-4 * theirs.abs(),
                "{id} {}: {ours}, recorded {theirs}",
                measure.name()
            );
        }
    });
}

#[test]
fn vectors_denoised_statistics() {
    each_with_metrics(|id, picture, metrics| {
        let filtered = denoise(picture);
        assert_eq!(
            u64::from(crc32(&filtered)),
            metrics["filtered_crc32"].as_u64().unwrap(),
            "{id}: filtered"
        );
        let theirs: ImageStats = serde_json::from_value(metrics["stats"].clone()).unwrap();
        let ours = serde_json::to_value(ImageStats::of(picture).unwrap()).unwrap();
        for (key, value) in serde_json::to_value(theirs).unwrap().as_object().unwrap() {
            let (a, b) = (ours[key].as_f64().unwrap(), value.as_f64().unwrap());
            assert!(
                (a - b).abs() <= 1e-9 * b.abs().max(1.0),
                "{id} {key}: {a}, recorded {b}"
            );
        }
    });
}

#[test]
fn vectors_gamma_and_stretch() {
    each_with_metrics(|id, picture, metrics| {
        let lut = gamma_lut(auto_gamma(picture));
        let gamma = picture.mapv(|v| lut[usize::from(v)]);
        assert_eq!(
            u64::from(crc32(&gamma)),
            metrics["auto_gamma_crc32"].as_u64().unwrap(),
            "{id}: gamma"
        );
        let stretched = percentile_stretch(picture, 0.5, 99.5);
        assert_eq!(
            u64::from(crc32(&stretched)),
            metrics["percentile_stretch_crc32"].as_u64().unwrap(),
            "{id}: stretch"
        );
    });
}

fn crc32(picture: &Array2<u8>) -> u32 {
    crate::crc32(picture.iter().copied())
}
