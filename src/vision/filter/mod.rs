//! Linear and rank filters on single pictures, masks, and changes of size.
//!
//! Everything keeps the picture's shape unless its name says otherwise. A filter states its border; where openFIBSEM's result is
//! reproduced (scipy's Gaussian, OpenCV's median + Gaussian) the kernel and the rounding are the same. Masks are in
//! `mask.rs`, sampling in `resample.rs`; a new filter is a public function here.

mod mask;
mod resample;

pub use mask::{BandPass, Half, band_mask, box_mask, circle_mask, half_mask, rect_mask, rect_profile};
pub use resample::{downsample_area, resize};

use crate::Grey;
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// What a filter sees beyond the edge of a picture `a b c d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// `d c b a | a b c d | d c b a`: scipy's and OpenCV's `reflect`.
    Reflect,
    /// `d c b | a b c d | c b a`: scipy's `mirror`, numpy's and skimage's `reflect`.
    Mirror,
}

impl Border {
    /// The index inside `0..n` that stands for `i`, however far outside it is. `n` must not be 0.
    pub(crate) fn fold(self, i: isize, n: usize) -> usize {
        let n = n as isize;
        let folded = match self {
            Border::Reflect => {
                let i = i.rem_euclid(2 * n);
                if i < n { i } else { 2 * n - 1 - i }
            }
            Border::Mirror if n == 1 => 0,
            Border::Mirror => {
                let i = i.rem_euclid(2 * n - 2);
                if i < n { i } else { 2 * n - 2 - i }
            }
        };
        folded as usize
    }
}

/// Weights of a Gaussian of standard deviation `sigma` (pixels) cut at 4 sigma, normalised to 1: scipy's kernel.
/// A sigma of 0 or less, or not finite, is the identity.
pub fn gaussian_kernel(sigma: f64) -> Vec<f64> {
    if !(sigma.is_finite() && sigma > 0.0) {
        return vec![1.0];
    }
    let radius = (4.0 * sigma + 0.5) as i64;
    let raw: Vec<f64> = (-radius..=radius)
        .map(|i| (-0.5 * (i * i) as f64 / (sigma * sigma)).exp())
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|w| w / sum).collect()
}

/// Gaussian blur, sigma in pixels; `scipy.ndimage.gaussian_filter` on float32 (columns first, float64 sums).
pub fn gaussian(picture: ArrayView2<f32>, sigma: f64, border: Border) -> Array2<f32> {
    let kernel = gaussian_kernel(sigma);
    separable(picture, &kernel, &kernel, border)
}

/// Mean over a square of `size` x `size` pixels (odd; an even size is taken one larger), border reflected.
pub fn box_mean(picture: ArrayView2<f32>, size: usize) -> Array2<f32> {
    let n = size.max(1) | 1;
    let kernel = vec![1.0 / n as f64; n];
    separable(picture, &kernel, &kernel, Border::Reflect)
}

/// Correlation with `vertical` down the columns, then with `horizontal` along the rows. Kernels have odd length.
fn separable(picture: ArrayView2<f32>, vertical: &[f64], horizontal: &[f64], border: Border) -> Array2<f32> {
    let (h, w) = picture.dim();
    let mut out = Array2::zeros((h, w));
    if h == 0 || w == 0 {
        return out;
    }
    let picture = picture.as_standard_layout();
    let (ry, rx) = ((vertical.len() / 2) as isize, horizontal.len() / 2);
    out.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each_init(
        || (vec![0.0f64; w], vec![0.0f64; w + 2 * rx]),
        |(sums, padded), (y, mut row)| {
            sums.fill(0.0);
            for (k, &weight) in vertical.iter().enumerate() {
                let source = picture.row(border.fold(y as isize + k as isize - ry, h));
                for (sum, &v) in sums.iter_mut().zip(source) {
                    *sum += weight * f64::from(v);
                }
            }
            for (i, p) in padded.iter_mut().enumerate() {
                // Between the axes the picture is float32, as in scipy.
                *p = f64::from(sums[border.fold(i as isize - rx as isize, w)] as f32);
            }
            for (window, v) in padded.windows(horizontal.len()).zip(row.iter_mut()) {
                *v = window.iter().zip(horizontal).map(|(p, k)| p * k).sum::<f64>() as f32;
            }
        },
    );
    out
}

/// A picture of `f(rows above, at and below, each with its left, own and right value)`, border reflected.
pub(crate) fn map_3x3<F>(picture: ArrayView2<f32>, f: F) -> Array2<f32>
where
    F: Fn([[f32; 3]; 3]) -> f32 + Sync,
{
    let (h, w) = picture.dim();
    let mut out = Array2::zeros((h, w));
    if h == 0 || w == 0 {
        return out;
    }
    let padded_row = |y: isize, to: &mut Vec<f32>| {
        let row = picture.row(Border::Reflect.fold(y, h));
        to.clear();
        to.push(row[0]);
        to.extend(row.iter());
        to.push(row[w - 1]);
    };
    out.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each_init(
        || [const { Vec::new() }; 3],
        |rows, (y, mut out_row)| {
            for (i, row) in rows.iter_mut().enumerate() {
                padded_row(y as isize + i as isize - 1, row);
            }
            let [above, here, below] = rows;
            let windows = above.windows(3).zip(here.windows(3)).zip(below.windows(3));
            for (v, ((a, c), b)) in out_row.iter_mut().zip(windows) {
                *v = f([[a[0], a[1], a[2]], [c[0], c[1], c[2]], [b[0], b[1], b[2]]]);
            }
        },
    );
    out
}

/// Median of each pixel's 3 x 3 neighbourhood, edge pixels repeated.
pub fn median_3x3(picture: ArrayView2<f32>) -> Array2<f32> {
    map_3x3(picture, |rows| {
        // Sorted columns: the median of nine is the median of (largest low, middle of middles, smallest high).
        let sorted = |a: f32, b: f32, c: f32| {
            let (lo, hi) = (a.min(b), a.max(b));
            (lo.min(c), lo.max(hi.min(c)), hi.max(c))
        };
        let column = |x: usize| sorted(rows[0][x], rows[1][x], rows[2][x]);
        let (a, b, c) = (column(0), column(1), column(2));
        let low = a.0.max(b.0).max(c.0);
        let mid = sorted(a.1, b.1, c.1).1;
        let high = a.2.min(b.2).min(c.2);
        sorted(low, mid, high).1
    })
}

/// The light denoising that openFIBSEM applies before it measures a picture: 3 x 3 median, then a Gaussian of sigma 1
/// with OpenCV's 8-bit kernel and rounding (8-bit results are the same to the bit).
pub fn denoise<T: Grey>(picture: ArrayView2<T>) -> Array2<T> {
    const KERNEL: [f64; 7] = [1.0, 14.0, 62.0, 102.0, 62.0, 14.0, 1.0];
    let kernel = KERNEL.map(|k| k / 256.0);
    let median = median_3x3(picture.mapv(|v| f32::from(v.level())).view());
    separable(median.view(), &kernel, &kernel, Border::Reflect).mapv(|v| T::truncated(f64::from(v) + 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn borders_fold_far_indices() {
        let fold = |b: Border, range: std::ops::Range<isize>| range.map(|i| b.fold(i, 3)).collect::<Vec<_>>();
        assert_eq!(fold(Border::Reflect, -4..7), [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(fold(Border::Mirror, -4..7), [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]);
        assert_eq!(Border::Mirror.fold(-5, 1), 0);
    }

    #[test]
    fn the_gaussian_kernel_is_scipys() {
        let k = gaussian_kernel(5.0);
        assert_eq!(k.len(), 41);
        assert!((k.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((k[20] - 0.079_791_7).abs() < 1e-6);
        assert_eq!(gaussian_kernel(f64::NAN), [1.0]);
    }

    #[test]
    fn a_blur_keeps_a_flat_picture_and_the_sum_of_an_impulse() {
        let flat = Array2::from_elem((9, 14), 7.5f32);
        assert!(
            gaussian(flat.view(), 3.0, Border::Reflect)
                .iter()
                .all(|v| (v - 7.5).abs() < 1e-5)
        );
        let mut impulse = Array2::zeros((21, 30));
        impulse[[2, 3]] = 1.0f32;
        assert!((gaussian(impulse.view(), 2.0, Border::Reflect).sum() - 1.0).abs() < 1e-5);
        assert!((box_mean(impulse.view(), 5).sum() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_median_is_that_of_a_sort() {
        let picture = Array2::from_shape_fn((11, 13), |(y, x)| ((y * 37 + x * 101 + y * x * 7) % 53) as f32);
        let median = median_3x3(picture.view());
        for ((y, x), v) in median.indexed_iter() {
            let mut all: Vec<f32> = (0..9)
                .map(|i| {
                    let fold = |p: usize, d: usize, n: usize| Border::Reflect.fold(p as isize + d as isize - 1, n);
                    picture[[fold(y, i / 3, 11), fold(x, i % 3, 13)]]
                })
                .collect();
            all.sort_by(f32::total_cmp);
            assert_eq!(*v, all[4]);
        }
    }

    #[test]
    fn denoising_removes_a_hot_pixel() {
        let mut picture = Array2::from_elem((8, 8), 100u8);
        picture[[4, 4]] = 255;
        assert_eq!(denoise(picture.view()), Array2::from_elem((8, 8), 100u8));
        assert_eq!(denoise(array![[65535u16, 65535]].view()), array![[65535u16, 65535]]);
    }
}
