//! Phase correlation refined to tenths of a pixel by a Fourier transform on a finer grid: the numbers of scikit-image's
//! `phase_cross_correlation`, openFIBSEM's third method.

use super::fft::{Fft2, multiplicity};
use super::picture::Picture;
use super::{RegisterError, Shift};
use crate::View;
use fourier::Complex;
use rayon::prelude::*;
use std::f64::consts::TAU;

/// Steps per pixel of the fine grid.
const STEPS: f64 = 10.0;

/// The fine grid reaches this many steps to either side of the coarse peak: one and a half pixels in all.
const REACH: isize = 7;

/// Displacement of `new` relative to `reference`, in tenths of pixels.
///
/// float32, no window and no band-pass: pictures are taken as periodic, and borders that do not fit easily outweigh the scene.
/// The score is always 0, as the original's is: it tells nothing. Errors: different or empty shapes, a constant picture, values that
/// are not finite.
pub fn skimage_phase_correlation<'a>(
    reference: impl Into<View<'a>>,
    new: impl Into<View<'a>>,
) -> Result<Shift, RegisterError> {
    Ok(correlate(&Picture::check_pair(reference.into(), new.into())?))
}

pub(super) fn correlate(pair: &[Picture; 2]) -> Shift {
    let (h, w) = pair[0].pixels.dim();
    let fft = Fft2::<f32>::new(h, w);
    let [mut product, new] = pair.each_ref().map(|picture| {
        let rows = fft.rows(fft.half(), |y, row| picture.pixels.read_row(y, row)).0;
        fft.spectrum(&rows)
    });
    product.par_iter_mut().zip(&new).for_each(|(a, b)| {
        let bin = *a * b.conj();
        *a = bin / bin.norm().max(100.0 * f32::EPSILON);
    });
    let columns = |span: std::ops::Range<usize>| product[span.start * h..span.end * h].to_vec();
    let (surface, _) = fft.surface(fft.half(), |span| (columns(span), ()));
    // By height or depth: without a window a wrong border can weigh more than the scene, and then be negative.
    let (mut peak, mut highest) = ((0, 0), 0.0);
    for (at, v) in surface.to_array().indexed_iter() {
        if v.abs() > highest {
            (peak, highest) = (at, v.abs());
        }
    }
    let signed = |i: usize, n: usize| if i > n / 2 { i as f64 - n as f64 } else { i as f64 };
    let coarse = (signed(peak.0, h), signed(peak.1, w));
    let (y, x) = refine(&product, (h, w), coarse);
    Shift {
        dx_px: -x,
        dy_px: -y,
        score: 0.0,
    }
}

/// The highest point (y, x) of the surface of a half spectrum on the fine grid about `coarse`, the first of equal ones.
fn refine(half: &[Complex<f32>], (h, w): (usize, usize), coarse: (f64, f64)) -> (f64, f64) {
    let fine = |coarse: f64| (-REACH..=REACH).map(move |step| coarse + step as f64 / STEPS);
    let turn = |k: usize, n: usize, at: f64| {
        let signed = if 2 * k < n { k as f64 } else { k as f64 - n as f64 };
        Complex::from_polar(1.0, TAU * signed * at / n as f64)
    };
    let rows: Vec<Vec<Complex<f64>>> = fine(coarse.0)
        .map(|y| (0..h).map(|ky| turn(ky, h, y)).collect())
        .collect();
    let down = |(kx, column): (usize, &[Complex<f32>])| -> Vec<Complex<f64>> {
        let weight = multiplicity(kx, w);
        let sum = |turns: &Vec<Complex<f64>>| {
            let bins = column.iter().map(|v| Complex::new(f64::from(v.re), f64::from(v.im)));
            bins.zip(turns).map(|(v, turn)| v * turn).sum::<Complex<f64>>() * weight
        };
        rows.iter().map(sum).collect()
    };
    let columns: Vec<Vec<Complex<f64>>> = half.par_chunks_exact(h).enumerate().map(down).collect();
    let mut best = (coarse, f64::NEG_INFINITY);
    for (i, y) in fine(coarse.0).enumerate() {
        for x in fine(coarse.1) {
            let across = columns
                .iter()
                .enumerate()
                .map(|(kx, column)| (column[i] * turn(kx, w, x)).re);
            let height = across.sum::<f64>().abs();
            if height > best.1 {
                best = ((y, x), height);
            }
        }
    }
    best.0
}
