//! Weights over a picture (rectangle, circle) and over its spectrum (band-pass).

use super::{Border, gaussian, gaussian_kernel};
use ndarray::Array2;

/// One axis of the soft rectangle that keeps the middle 90 % of a picture: ones from round(0.05 n), round(0.9 n) of
/// them, blurred by sigma (pixels; border reflected). The rectangle is the outer product of two such profiles.
pub fn rect_profile(n: usize, sigma: f64) -> Vec<f64> {
    let start = (0.05 * n as f64).round_ties_even() as usize;
    let end = (start + (0.90 * n as f64).round_ties_even() as usize).min(n);
    let kernel = gaussian_kernel(sigma);
    let radius = (kernel.len() / 2) as isize;
    let inside = |i: isize| (start..end).contains(&Border::Reflect.fold(i, n));
    (0..n as isize)
        .map(|i| {
            let covered = kernel.iter().zip(i - radius..).filter(|(_, at)| inside(*at));
            covered.map(|(weight, _)| weight).sum()
        })
        .collect()
}

/// The soft rectangle of [`rect_profile`] for a picture of (rows, columns).
pub fn rect_mask((h, w): (usize, usize), sigma: f64) -> Array2<f64> {
    let (py, px) = (rect_profile(h, sigma), rect_profile(w, sigma));
    Array2::from_shape_fn((h, w), |(y, x)| py[y] * px[x])
}

/// A disc of `radius` pixels about the centre (w/2, h/2) of (rows, columns): 1 inside, 0 outside, edge blurred by sigma pixels.
pub fn circle_mask((h, w): (usize, usize), radius: f64, sigma: f64) -> Array2<f32> {
    let (cy, cx) = (h as f64 / 2.0, w as f64 / 2.0);
    let disc = Array2::from_shape_fn((h, w), |(y, x)| {
        let inside = (y as f64 - cy).hypot(x as f64 - cx) <= radius;
        if inside { 1.0 } else { 0.0f32 }
    });
    gaussian(disc.view(), sigma, Border::Reflect)
}

/// A rectangle of `height` x `width` pixels about (x, y) in a picture of (rows, columns), cut at its borders: 1 inside, 0 outside, edge
/// blurred by sigma pixels. `None` for the middle (w/2, h/2, rounded down).
pub fn box_mask(
    (h, w): (usize, usize),
    at: Option<(f64, f64)>,
    (height, width): (f64, f64),
    sigma: f64,
) -> Array2<f32> {
    let (cx, cy) = at.unwrap_or(((w / 2) as f64, (h / 2) as f64));
    let span = |middle: f64, side: f64, n: usize| {
        let cut = |v: f64| v.clamp(0.0, n as f64) as usize;
        cut(middle - side / 2.0)..cut(middle + side / 2.0)
    };
    let (rows, columns) = (span(cy, height, h), span(cx, width, w));
    let hard = Array2::from_shape_fn((h, w), |(y, x)| {
        let inside = rows.contains(&y) && columns.contains(&x);
        if inside { 1.0 } else { 0.0f32 }
    });
    gaussian(hard.view(), sigma, Border::Reflect)
}

/// One half of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    Left,
    Right,
    Upper,
    Lower,
}

/// Ones in one half of a picture of (rows, columns), zeros in the other. Of an odd side the middle line belongs to the right or lower half.
pub fn half_mask((h, w): (usize, usize), half: Half) -> Array2<f32> {
    Array2::from_shape_fn((h, w), |(y, x)| {
        let inside = match half {
            Half::Left => x < w / 2,
            Half::Right => x >= w / 2,
            Half::Upper => y < h / 2,
            Half::Lower => y >= h / 2,
        };
        if inside { 1.0 } else { 0.0 }
    })
}

/// Ones in the columns less than `reach` pixels from the middle one of a picture of (rows, columns), zeros beside them.
pub fn band_mask((h, w): (usize, usize), reach: usize) -> Array2<f32> {
    let columns = (w / 2).saturating_sub(reach)..w / 2 + reach;
    Array2::from_shape_fn((h, w), |(_, x)| if columns.contains(&x) { 1.0 } else { 0.0 })
}

/// A soft ring in the spectrum of a picture: 1 where highpass <= d <= lowpass, d the distance from zero frequency in
/// **bins** (not corrected for the aspect of the picture), blurred by sigma bins.
///
/// Only the box that can be non-zero is kept, so that a low-pass of 50 costs the same on any picture.
#[derive(Clone, Debug)]
pub struct BandPass {
    size: (usize, usize),
    /// First row and column of `ring` in the centred spectrum.
    origin: (usize, usize),
    ring: Array2<f32>,
}

impl BandPass {
    /// For the spectrum of a picture of `size` (rows, columns); `lowpass`, `highpass` and `sigma` in bins, finite, not negative.
    pub fn new(size: (usize, usize), lowpass: f64, highpass: f64, sigma: f64) -> Self {
        let radius = (gaussian_kernel(sigma).len() / 2) as f64;
        // Twice the blur: the reflection at the box's border then mirrors only zeros, unless it is the spectrum's own border.
        let reach = (lowpass + 2.0 * radius).ceil().min(1e6) as usize + 1;
        let span = |n: usize| ((n / 2).saturating_sub(reach), (n / 2 + reach + 1).min(n));
        let ((y0, y1), (x0, x1)) = (span(size.0), span(size.1));
        let hard = Array2::from_shape_fn((y1 - y0, x1 - x0), |(y, x)| {
            let dy = (y + y0) as f64 - (size.0 / 2) as f64;
            let dx = (x + x0) as f64 - (size.1 / 2) as f64;
            let passes = (highpass..=lowpass).contains(&dx.hypot(dy));
            if passes { 1.0 } else { 0.0f32 }
        });
        let ring = gaussian(hard.view(), sigma, Border::Reflect);
        BandPass {
            size,
            origin: (y0, x0),
            ring,
        }
    }

    /// How many bins of the non-negative x frequencies can be non-zero.
    pub fn columns(&self) -> usize {
        let (half, first) = (self.size.1 / 2, self.origin.1);
        (half - first + 1).max(self.ring.ncols() + first - half).min(half + 1)
    }

    /// The weight at frequency (ky, kx), counted as the FFT does (negative frequencies from the end).
    pub fn at(&self, ky: usize, kx: usize) -> f32 {
        let centred = |k: usize, n: usize| (k + n / 2) % n;
        let y = centred(ky, self.size.0).checked_sub(self.origin.0);
        let x = centred(kx, self.size.1).checked_sub(self.origin.1);
        match (y, x) {
            (Some(y), Some(x)) => self.ring.get([y, x]).copied().unwrap_or(0.0),
            _ => 0.0,
        }
    }

    /// Mean of the squared weights at (ky, kx) and at the opposite frequency: what the real part of a product of two real
    /// pictures' spectra is multiplied by. The two differ only where the blur meets the spectrum's border.
    pub fn power_at(&self, ky: usize, kx: usize) -> f64 {
        let opposite = self.at((self.size.0 - ky) % self.size.0, (self.size.1 - kx) % self.size.1);
        let (a, b) = (f64::from(self.at(ky, kx)), f64::from(opposite));
        0.5 * (a * a + b * b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rectangle_keeps_ninety_percent() {
        let mask = rect_mask((192, 256), 5.0);
        assert!((mask[[96, 128]] - 1.0).abs() < 1e-12);
        assert!(mask[[0, 0]] < 1e-2);
        let share = mask.mean().unwrap_or(0.0);
        assert!((share - 173.0 * 230.0 / (192.0 * 256.0)).abs() < 1e-9, "{share}");
    }

    #[test]
    fn the_disc_has_its_area() {
        assert_eq!(circle_mask((192, 256), 60.0, 0.0).sum(), 11289.0);
        assert!((circle_mask((192, 256), 60.0, 3.0).sum() - 11289.0).abs() < 1.0);
    }

    #[test]
    fn boxes_halves_and_bands_have_their_areas() {
        let size = (191, 256);
        assert_eq!(box_mask(size, None, (40.0, 60.0), 0.0).sum(), 2400.0);
        assert_eq!(box_mask(size, Some((5.0, 185.0)), (20.0, 20.0), 0.0).sum(), 15.0 * 16.0);
        let halves = [Half::Left, Half::Right, Half::Upper, Half::Lower].map(|half| half_mask(size, half).sum());
        assert_eq!(halves, [191.0 * 128.0, 191.0 * 128.0, 95.0 * 256.0, 96.0 * 256.0]);
        assert_eq!(
            (band_mask(size, 20).sum(), band_mask(size, 500).sum()),
            (191.0 * 40.0, 191.0 * 256.0)
        );
    }

    #[test]
    fn a_cropped_band_pass_equals_the_whole_one() {
        let (h, w) = (160, 200);
        let band = BandPass::new((h, w), 20.0, 4.0, 3.0);
        let hard = Array2::from_shape_fn((h, w), |(y, x)| {
            let d = (y as f64 - 80.0).hypot(x as f64 - 100.0);
            if (4.0..=20.0).contains(&d) { 1.0 } else { 0.0f32 }
        });
        let whole = gaussian(hard.view(), 3.0, Border::Reflect);
        for ((y, x), v) in whole.indexed_iter() {
            assert!((band.at((y + h - 80) % h, (x + w - 100) % w) - v).abs() < 1e-6);
        }
        assert!(band.columns() >= 33 && band.columns() < 60, "{}", band.columns());
    }
}
