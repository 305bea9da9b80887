//! A synthetic SEM picture: bars of a grid, a trench with bright edges, a thin lamella, particles, shot noise. Seeded.

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, Poisson};

/// Electrons per pixel at middle grey: a usual survey picture at 1 us dwell.
const COUNTS: f64 = 60.0;

/// `width` x `height` grey values; another `seed` is another exposure of the same scene, `shift` moves it (pixels).
pub fn picture(width: usize, height: usize, seed: u64, shift: f64) -> Array2<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((height, width), |(y, x)| {
        let yield_ = brightness((x as f64 + shift) / 1536.0, y as f64 / 1024.0);
        let counts: f64 = Poisson::new(COUNTS * yield_).map_or(0.0, |p| p.sample(&mut rng));
        (counts / COUNTS * 120.0).clamp(0.0, 255.0) as u8
    })
}

/// Relative signal at (u, v), 1 = middle grey.
fn brightness(u: f64, v: f64) -> f64 {
    let mut s = 0.9 + 0.25 * (9.0 * u).sin() * (7.0 * v).cos() + 0.05 * (61.0 * u + 40.0 * v).sin();
    let bar = ((u * 4.0).fract() - 0.5).abs();
    if bar > 0.42 {
        s = 1.5 + 0.2 * (120.0 * v).sin();
    }
    for (top, bottom) in [(0.25, 0.47), (0.53, 0.75)] {
        if (0.35..0.65).contains(&u) && (top..bottom).contains(&v) {
            let edge = (v - top).min(bottom - v).min(u - 0.35).min(0.65 - u);
            s = 0.25 + 1.4 * (-edge / 0.006).exp();
        }
    }
    for i in 0..24 {
        let (cx, cy) = ((f64::from(i) * 0.618).fract(), (f64::from(i) * 0.381 + 0.1).fract());
        let r = ((u - cx) * 1.5).hypot(v - cy);
        if r < 0.02 {
            s = 0.8 + 40.0 * r;
        }
    }
    s.max(0.02)
}
