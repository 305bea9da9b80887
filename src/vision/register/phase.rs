//! Phase correlation with a Hanning window: the numbers of OpenCV's `phaseCorrelate`, which openFIBSEM offers as its second method.

use super::fft::{Fft2, Surface};
use super::picture::Picture;
use super::{RegisterError, Shift};
use crate::View;
use fourier::Complex;
use std::f64::consts::PI;

/// Displacement of `new` relative to `reference`, in pixels, and the response (0..1) as score.
///
/// float32 throughout; sub-pixel by the centroid of 5 x 5 pixels, which pulls towards the integer. No band-pass: noise
/// weighs as much as structure, and a response below about 0.05 is noise. Errors: different or empty shapes, a constant picture,
/// values that are not finite.
pub fn phase_correlation<'a>(reference: impl Into<View<'a>>, new: impl Into<View<'a>>) -> Result<Shift, RegisterError> {
    Ok(correlate(&Picture::check_pair(reference.into(), new.into())?))
}

pub(super) fn correlate(pair: &[Picture; 2]) -> Shift {
    let (h, w) = pair[0].pixels.dim();
    let size = (fast_size(h), fast_size(w));
    let fft = Fft2::<f32>::new(size.0, size.1);
    let window = (hann_root(h), hann_root(w));
    let spectra = pair.each_ref().map(|picture| {
        // Phases do not depend on the contrast; at unit contrast no product leaves float32's range.
        let contrast = (1.0 / picture.moments.std) as f32;
        let fill = |y: usize, row: &mut [f32]| {
            row.fill(0.0);
            if y < h {
                let gain = window.0[y] * contrast;
                picture.pixels.read_row(y, &mut row[..w]);
                for (v, weight) in row.iter_mut().zip(&window.1) {
                    *v *= gain * weight;
                }
            }
        };
        fft.rows(fft.half(), fill).0
    });
    let (surface, _) = fft.surface(fft.half(), |span| {
        let mut a = fft.columns(&spectra[0], span.clone());
        let b = fft.columns(&spectra[1], span);
        for (a, b) in a.iter_mut().zip(&b) {
            *a = unit_product(*a, *b);
        }
        (a, ())
    });
    centroid(&surface, size)
}

/// `a conj(b)` at length 1; a vanishing bin stays vanishing. Both come from pictures of unit contrast, so that squares of squares stay
/// far inside the range of float32.
pub(super) fn unit_product(a: Complex<f32>, b: Complex<f32>) -> Complex<f32> {
    let square = a.norm_sqr() * b.norm_sqr();
    a * b.conj() * (1.0 / square.max(f32::MIN_POSITIVE).sqrt())
}

/// One axis of OpenCV's Hanning window: the square root of a raised cosine over n samples.
fn hann_root(n: usize) -> Vec<f32> {
    let step = 2.0 * PI / (n.max(2) - 1) as f64;
    (0..n)
        .map(|i| (0.5 * (1.0 - (step * i as f64).cos())).max(0.0).sqrt() as f32)
        .collect()
}

/// The smallest 2^a 3^b 5^c that is not below n.
fn fast_size(n: usize) -> usize {
    let only_small_factors = |mut v: usize| {
        for p in [2, 3, 5] {
            while v.is_multiple_of(p) {
                v /= p;
            }
        }
        v == 1
    };
    (n.max(1)..).find(|v| only_small_factors(*v)).unwrap_or(n)
}

/// Weighted centroid of the 5 x 5 pixels about the first maximum, with zero shift in the middle.
fn centroid(surface: &Surface<f32>, (h, w): (usize, usize)) -> Shift {
    let (row, column, _) = surface.first_maximum();
    let around = |at: usize, n: usize| at.saturating_sub(2)..=(at + 2).min(n - 1);
    let (mut sum, mut sum_x, mut sum_y) = (0.0f64, 0.0f64, 0.0f64);
    for row in around(row, h) {
        let values = surface.centred_row(row);
        for column in around(column, w) {
            let v = f64::from(values[column]);
            sum += v;
            sum_x += v * column as f64;
            sum_y += v * row as f64;
        }
    }
    Shift {
        dx_px: (w / 2) as f64 - sum_x / sum,
        dy_px: (h / 2) as f64 - sum_y / sum,
        score: sum / (h * w) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_to_small_factors() {
        assert_eq!(
            [1, 7, 256, 257, 1025, 3071].map(fast_size),
            [1, 8, 256, 270, 1080, 3072]
        );
    }

    #[test]
    fn the_window_is_zero_at_the_edge_and_one_in_the_middle() {
        let window = hann_root(101);
        assert!(window[0] == 0.0 && window[100] < 1e-6 && (window[50] - 1.0).abs() < 1e-6);
    }
}
