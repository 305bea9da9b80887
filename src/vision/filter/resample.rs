//! Changes of size.

use super::{Border, gaussian_kernel, separable};
use crate::View;
use ndarray::{Array2, ArrayView2, ArrayViewMut1};
use rayon::prelude::*;

/// Each output pixel is the mean of a `factor` x `factor` block; rows and columns that fill no whole block are left out.
/// A factor of 0 or 1, or one larger than a side, returns the picture as it is.
pub fn downsample_area<'a>(picture: impl Into<View<'a>>, factor: usize) -> Array2<f32> {
    let picture = picture.into();
    let ((h, w), factor) = (picture.dim(), factor.max(1));
    if factor == 1 || factor > h.min(w) {
        return picture.to_f32();
    }
    let share = 1.0 / (factor * factor) as f32;
    let mut out = Array2::zeros((h / factor, w / factor));
    let mean = |(row, sums): &mut (Vec<f32>, Vec<f32>), (y, mut out): (usize, ArrayViewMut1<f32>)| {
        // Down the columns first: that goes many at a time.
        sums.fill(0.0);
        for y in y * factor..(y + 1) * factor {
            picture.read_row(y, row);
            sums.iter_mut().zip(row.iter()).for_each(|(sum, v)| *sum += v);
        }
        for (v, block) in out.iter_mut().zip(sums.chunks_exact(factor)) {
            *v = block.iter().sum::<f32>() * share;
        }
    };
    let rows = out.outer_iter_mut().into_par_iter().enumerate();
    rows.for_each_init(|| (vec![0.0; w], vec![0.0; w]), mean);
    out
}

/// Linear interpolation to `size` (rows, columns), pixel areas aligned; shrinking is preceded by a Gaussian of sigma
/// (ratio - 1)/2 per axis. The rule of `skimage.transform.resize` at order 1. An empty picture or size gives an empty one.
pub fn resize(picture: ArrayView2<f32>, size: (usize, usize)) -> Array2<f32> {
    let (h, w) = picture.dim();
    if h * w * size.0 * size.1 == 0 {
        return Array2::zeros((0, 0));
    }
    let ratio = (h as f64 / size.0 as f64, w as f64 / size.1 as f64);
    let anti_alias = |r: f64| gaussian_kernel((r - 1.0) / 2.0);
    let smooth = separable(picture, &anti_alias(ratio.0), &anti_alias(ratio.1), Border::Mirror);
    let taps = |i: usize, ratio: f64, n: usize| {
        let at = (i as f64 + 0.5) * ratio - 0.5;
        let low = at.floor();
        let fold = |v: f64| Border::Mirror.fold(v as isize, n);
        (fold(low), fold(low + 1.0), (at - low) as f32)
    };
    let columns: Vec<_> = (0..size.1).map(|x| taps(x, ratio.1, w)).collect();
    Array2::from_shape_fn(size, |(y, x)| {
        let (y0, y1, ty) = taps(y, ratio.0, h);
        let (x0, x1, tx) = columns[x];
        let along = |row: usize| smooth[[row, x0]] * (1.0 - tx) + smooth[[row, x1]] * tx;
        along(y0) * (1.0 - ty) + along(y1) * ty
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn area_means_are_means() {
        let picture = array![[1u8, 3, 5, 7, 100], [1, 3, 5, 7, 100], [9, 9, 9, 9, 9]];
        assert_eq!(downsample_area(picture.view(), 2), array![[2.0, 6.0]]);
        assert_eq!(downsample_area(picture.t(), 2), array![[2.0], [6.0]]);
        assert_eq!(downsample_area(picture.view(), 4), picture.mapv(f32::from));
    }

    #[test]
    fn resizing_keeps_a_ramp() {
        let ramp = Array2::from_shape_fn((40, 60), |(_, x)| x as f32);
        let half = resize(ramp.view(), (20, 30));
        let twice = resize(ramp.view(), (80, 120));
        for x in 4..26 {
            assert!((half[[10, x]] - (2.0 * x as f32 + 0.5)).abs() < 1e-3);
            assert!((twice[[40, 4 * x]] - (2.0 * x as f32 - 0.25)).abs() < 1e-3);
        }
    }
}
