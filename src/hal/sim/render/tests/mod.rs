//! Pictures are measured: where things appear, how sharp, how noisy.

mod beam;
mod matter;
mod places;
mod time;

use super::*;
use crate::sim::matter::Materials;
use crate::sim::specimen::Specimen;
use model::{Beam, BeamSettings, DetectorSettings, Geometry, Point, StageKind};

/// A quiet picture: a dose that leaves no noise to speak of, gain that does not saturate the fiducials.
fn shot(scene: &str, stage: StageKind, beam: Beam, hfw: f64, resolution: (u32, u32)) -> Shot {
    let mut nominal = Geometry {
        stage,
        ..Geometry::default()
    };
    if stage == StageKind::Compustage {
        nominal.pre_tilt = 0.0;
    }
    let geometry = TwinGeometry::new(nominal, [7e-3, 16.5e-3]);
    let settings = ImageSettings {
        beam_type: beam,
        hfw,
        resolution,
        dwell_time: 1e-3,
        ..ImageSettings::default()
    };
    let column = BeamSettings {
        beam_type: beam,
        working_distance: geometry.eucentric(beam),
        beam_current: if beam == Beam::Ion { 20e-12 } else { 50e-12 },
        voltage: if beam == Beam::Ion { 30e3 } else { 2e3 },
        hfw,
        resolution,
        dwell_time: settings.dwell_time,
        stigmation: Point::default(),
        shift: Point::default(),
        scan_rotation: 0.0,
        preset: None,
    };
    Shot {
        beam: BeamState {
            on: true,
            blanked: false,
            settings: column,
            detector: DetectorSettings {
                contrast: 0.36,
                ..DetectorSettings::default()
            },
            plasma_gas: None,
        },
        settings,
        flaws: ColumnFlaws::default(),
        pose: geometry.home(),
        geometry: Arc::new(geometry),
        matter: Matter::new(
            Specimen::new(scene, 3).unwrap(),
            Arc::new(Materials::shipped().unwrap()),
        ),
        probes: Vec::new(),
        motion: Motion::default(),
        dark: Vec::new(),
        start_time: 0.0,
        charging: 0.0,
        seed: 1,
    }
}

fn take(shot: &Shot) -> Array2<u8> {
    Renderer::new().render(shot).unwrap()
}

fn mean(a: &Array2<u8>) -> f64 {
    a.iter().map(|&v| f64::from(v)).sum::<f64>() / a.len() as f64
}

/// Standard deviation of the difference of two pictures, per picture.
fn noise(a: &Array2<u8>, b: &Array2<u8>) -> f64 {
    let d: Vec<f64> = a.iter().zip(b).map(|(&a, &b)| f64::from(a) - f64::from(b)).collect();
    let m = d.iter().sum::<f64>() / d.len() as f64;
    (d.iter().map(|v| (v - m).powi(2)).sum::<f64>() / d.len() as f64 / 2.0).sqrt()
}

/// Mean squared step between neighbours, along columns and along rows.
fn sharpness(a: &Array2<u8>) -> [f64; 2] {
    let (h, w) = a.dim();
    let step = |dr: usize, dc: usize| {
        let mut sum = 0.0;
        for r in 0..h - 1 {
            for c in 0..w - 1 {
                sum += (f64::from(a[[r, c]]) - f64::from(a[[r + dr, c + dc]])).powi(2);
            }
        }
        sum / ((h - 1) * (w - 1)) as f64
    };
    [step(0, 1), step(1, 0)]
}

/// The bright disc near (column, row): its centroid, or `None` where nothing stands out.
fn disc(a: &Array2<u8>, at: [f64; 2], radius: f64) -> Option<[f64; 2]> {
    let reach = (2.2 * radius).ceil() as i64 + 3;
    let (col, row) = (at[0].round() as i64, at[1].round() as i64);
    let (h, w) = a.dim();
    let mut values = Vec::new();
    for r in row - reach..=row + reach {
        for c in col - reach..=col + reach {
            if r < 0 || c < 0 || r >= h as i64 || c >= w as i64 {
                return None;
            }
            values.push((a[[r as usize, c as usize]], c, r));
        }
    }
    let mut grey: Vec<u8> = values.iter().map(|v| v.0).collect();
    grey.sort_unstable();
    let (ground, top) = (f64::from(grey[grey.len() / 2]), f64::from(grey[grey.len() - 2]));
    if top < 1.35 * ground + 8.0 {
        return None;
    }
    let level = ground + 0.5 * (top - ground);
    // A disc is no larger than it is: a bright bar or a grain of gold is something else.
    let bright = values.iter().filter(|v| f64::from(v.0) > level).count() as f64;
    if bright > 1.8 * std::f64::consts::PI * radius * radius + 8.0 {
        return None;
    }
    let mut sum = [0.0; 3];
    for (v, c, r) in values {
        let weight = (f64::from(v) - level).max(0.0);
        sum = [sum[0] + weight, sum[1] + weight * c as f64, sum[2] + weight * r as f64];
    }
    Some([sum[1] / sum[0], sum[2] / sum[0]])
}

/// Where a patch of `a` round (column, row) is found in `b`, searched round `expected`, to a fraction of a pixel.
fn find_patch(a: &Array2<u8>, b: &Array2<u8>, from: [i64; 2], expected: [i64; 2], half: i64) -> [f64; 2] {
    let value = |p: &Array2<u8>, c: i64, r: i64| f64::from(p[[r as usize, c as usize]]);
    let score = |dc: i64, dr: i64| {
        let mut sum = 0.0;
        for r in -half..=half {
            for c in -half..=half {
                let d = value(a, from[0] + c, from[1] + r) - value(b, expected[0] + dc + c, expected[1] + dr + r);
                sum += d * d;
            }
        }
        sum
    };
    let mut best = (f64::MAX, 0, 0);
    for dr in -6..=6 {
        for dc in -6..=6 {
            let s = score(dc, dr);
            if s < best.0 {
                best = (s, dc, dr);
            }
        }
    }
    let vertex = |l: f64, m: f64, u: f64| 0.5 * (l - u) / (l - 2.0 * m + u);
    let (s, dc, dr) = best;
    [
        (expected[0] + dc) as f64 + vertex(score(dc - 1, dr), s, score(dc + 1, dr)),
        (expected[1] + dr) as f64 + vertex(score(dc, dr - 1), s, score(dc, dr + 1)),
    ]
}
