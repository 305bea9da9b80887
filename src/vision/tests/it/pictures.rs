//! Scenes with a known shift, cut from a larger seeded scene, with noise of their own.

use ndarray::{Array2, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vision::filter::{Border, gaussian};

pub const SIZE: (usize, usize) = (192, 256);
/// The scene is larger by this on every side.
pub const MARGIN: usize = 180;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scene {
    /// Fine and coarse relief.
    Texture,
    /// Bright rectangles on a faint texture: bars, trenches, fiducials.
    Blocks,
    /// Only coarse relief: ice, an unfocused picture.
    Smooth,
    /// A film with equal round holes at equal distances and nothing else.
    Mesh,
}

/// Sum of four uniform numbers: near enough to a normal one of the same variance.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    (0..4).map(|_| rng.random::<f32>() - 0.5).sum::<f32>() * 3.0f32.sqrt()
}

fn white(size: (usize, usize), rng: &mut ChaCha8Rng) -> Array2<f32> {
    Array2::from_shape_simple_fn(size, || normal(rng))
}

/// Grey values about 128, noiseless, larger than a picture by the margin.
pub fn scene(kind: Scene, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let size = (SIZE.0 + 2 * MARGIN, SIZE.1 + 2 * MARGIN);
    // White noise blurred by sigma has the standard deviation 1/(2 sqrt(pi) sigma).
    let relief = |rng: &mut ChaCha8Rng, sigma: f64| {
        gaussian(white(size, rng).view(), sigma, Border::Reflect) * (3.54 * sigma as f32)
    };
    let picture = match kind {
        Scene::Texture => relief(&mut rng, 1.5) * 15.0 + relief(&mut rng, 8.0) * 20.0,
        Scene::Smooth => relief(&mut rng, 8.0) * 15.0 + relief(&mut rng, 24.0) * 20.0,
        Scene::Blocks => {
            let mut picture = relief(&mut rng, 2.0) * 3.0;
            for _ in 0..70 {
                let (y, x) = (rng.random_range(0..size.0 - 90), rng.random_range(0..size.1 - 90));
                let (h, w) = (rng.random_range(6..80), rng.random_range(6..90));
                let level = 40.0 * normal(&mut rng);
                picture.slice_mut(s![y..y + h, x..x + w]).mapv_inplace(|v| v + level);
            }
            picture
        }
        Scene::Mesh => {
            let period = rng.random_range(16.0..34.0f64);
            let (phase_y, phase_x) = (rng.random_range(0.0..period), rng.random_range(0.0..period));
            // Soft edges as a beam makes them: a hard raster would carry a moire that is unique at whole-pixel shifts.
            Array2::from_shape_fn(size, |(y, x)| {
                let fold = |v: f64| (v.rem_euclid(period) - 0.5 * period).powi(2);
                let outside = (fold(y as f64 + phase_y) + fold(x as f64 + phase_x)).sqrt() - 0.3 * period;
                (-10.0 + 35.0 * (outside / 1.5).tanh()) as f32
            })
        }
    };
    picture + 128.0
}

/// The picture that sees the scene's features moved by (dx, dy), with noise of `sigma` grey levels, cut to 0..255 whole levels.
pub fn view(scene: &Array2<f32>, (dx, dy): (isize, isize), sigma: f32, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_0000);
    let (y, x) = ((MARGIN as isize - dy) as usize, (MARGIN as isize - dx) as usize);
    let cut = scene.slice(s![y..y + SIZE.0, x..x + SIZE.1]);
    cut.mapv(|v| (v + sigma * normal(&mut rng)).round().clamp(0.0, 255.0))
}
