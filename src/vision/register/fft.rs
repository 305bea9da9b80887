//! Two-dimensional FFT of real pictures on all cores, keeping only the x frequencies that are asked for.

use ndarray::Array2;
use rayon::prelude::*;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftNum, FftPlanner};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// Rows handled together when data changes between row and column order: one cache line of f32 pairs.
const BLOCK: usize = 8;

/// Both planners keep every plan they made, so a size is planned once per process.
pub(crate) struct Planners<T: FftNum> {
    rows: RealFftPlanner<T>,
    columns: FftPlanner<T>,
}

/// A number type with planners of its own.
pub(crate) trait Planned: FftNum + Default {
    fn planners() -> MutexGuard<'static, Planners<Self>>;
}

macro_rules! planned {
    ($($t:ty)*) => {$(
        impl Planned for $t {
            fn planners() -> MutexGuard<'static, Planners<Self>> {
                static CACHE: LazyLock<Mutex<Planners<$t>>> =
                    LazyLock::new(|| Mutex::new(Planners { rows: RealFftPlanner::new(), columns: FftPlanner::new() }));
                CACHE.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }
    )*};
}
planned!(f32 f64);

/// The transforms of one picture size.
pub(crate) struct Fft2<T: FftNum> {
    pub rows: usize,
    pub columns: usize,
    row_forward: Arc<dyn RealToComplex<T>>,
    row_inverse: Arc<dyn ComplexToReal<T>>,
    column_forward: Arc<dyn Fft<T>>,
    column_inverse: Arc<dyn Fft<T>>,
}

/// The bins with 0 <= kx < `kept` of a real picture's spectrum, column by column: `bins[kx * rows + ky]`.
#[derive(Clone)]
pub(crate) struct HalfSpectrum<T> {
    pub rows: usize,
    pub kept: usize,
    pub bins: Vec<Complex<T>>,
}

impl<T: Planned> Fft2<T> {
    pub fn new(rows: usize, columns: usize) -> Self {
        let mut planners = T::planners();
        Fft2 {
            rows,
            columns,
            row_forward: planners.rows.plan_fft_forward(columns),
            row_inverse: planners.rows.plan_fft_inverse(columns),
            column_forward: planners.columns.plan_fft_forward(rows),
            column_inverse: planners.columns.plan_fft_inverse(rows),
        }
    }

    /// The lowest `kept` columns (at most columns/2 + 1) of the spectrum of the picture whose row y `fill(y, row)` writes.
    pub fn forward(&self, kept: usize, fill: impl Fn(usize, &mut [T]) + Sync) -> HalfSpectrum<T> {
        let kept = kept.min(self.columns / 2 + 1);
        let blocks: Vec<Vec<Complex<T>>> = (0..self.rows.div_ceil(BLOCK))
            .into_par_iter()
            .map_init(
                || {
                    (
                        self.row_forward.make_input_vec(),
                        self.row_forward.make_output_vec(),
                        self.row_forward.make_scratch_vec(),
                    )
                },
                |(input, output, scratch), block| {
                    let mut bins = vec![Complex::default(); kept * BLOCK];
                    for (i, y) in (block * BLOCK..self.rows.min((block + 1) * BLOCK)).enumerate() {
                        fill(y, input);
                        // The buffers were made by this plan, so their lengths fit: the only error there is.
                        let _ = self.row_forward.process_with_scratch(input, output, scratch);
                        for (to, from) in bins.chunks_exact_mut(BLOCK).zip(output.iter()) {
                            to[i] = *from;
                        }
                    }
                    bins
                },
            )
            .collect();
        let mut bins = vec![Complex::default(); kept * self.rows];
        let scratch = || vec![Complex::default(); self.column_forward.get_inplace_scratch_len()];
        bins.par_chunks_mut(self.rows)
            .enumerate()
            .for_each_init(scratch, |scratch, (kx, column)| {
                for (to, block) in column.chunks_mut(BLOCK).zip(&blocks) {
                    to.copy_from_slice(&block[kx * BLOCK..][..to.len()]);
                }
                self.column_forward.process_with_scratch(column, scratch);
            });
        HalfSpectrum {
            rows: self.rows,
            kept,
            bins,
        }
    }

    /// The real picture of a spectrum whose missing columns are zero, **not** divided by the number of pixels.
    pub fn inverse(&self, mut spectrum: HalfSpectrum<T>) -> Array2<T> {
        let rows = self.rows;
        let scratch = || vec![Complex::default(); self.column_inverse.get_inplace_scratch_len()];
        spectrum
            .bins
            .par_chunks_mut(rows)
            .for_each_init(scratch, |scratch, column| {
                self.column_inverse.process_with_scratch(column, scratch)
            });
        let mut out = Array2::from_elem((rows, self.columns), T::default());
        let bins = &spectrum.bins;
        let write = |(block, pixels): (usize, &mut [T])| {
            let mut input = vec![vec![Complex::default(); self.columns / 2 + 1]; pixels.len() / self.columns];
            for (kx, column) in bins.chunks_exact(rows).enumerate() {
                for (row, v) in input.iter_mut().zip(&column[block * BLOCK..]) {
                    row[kx] = *v;
                }
            }
            let mut scratch = self.row_inverse.make_scratch_vec();
            for (row, pixels) in input.iter_mut().zip(pixels.chunks_exact_mut(self.columns)) {
                // The transform ignores the imaginary parts of the two real bins but reports them; they are rounding noise.
                let _ = self.row_inverse.process_with_scratch(row, pixels, &mut scratch);
            }
        };
        if let Some(pixels) = out.as_slice_mut() {
            pixels.par_chunks_mut(BLOCK * self.columns).enumerate().for_each(write);
        }
        out
    }
}

impl<T: FftNum> HalfSpectrum<T> {
    /// `f(ky, kx, bin)` for every bin, columns in parallel.
    pub fn map(&self, f: impl Fn(usize, usize, Complex<T>) -> Complex<T> + Sync) -> Self {
        let column = |(kx, column): (usize, &[Complex<T>])| -> Vec<Complex<T>> {
            column.iter().enumerate().map(|(ky, v)| f(ky, kx, *v)).collect()
        };
        let bins = self
            .bins
            .par_chunks(self.rows)
            .enumerate()
            .flat_map_iter(column)
            .collect();
        HalfSpectrum {
            rows: self.rows,
            kept: self.kept,
            bins,
        }
    }

    /// `f(ky, kx, own, other)` for every pair of bins of two spectra of one size.
    pub fn zip(&self, other: &Self, f: impl Fn(usize, usize, Complex<T>, Complex<T>) -> Complex<T> + Sync) -> Self {
        self.map(|ky, kx, v| f(ky, kx, v, other.bins[kx * other.rows + ky]))
    }
}

/// How often the column kx of a half spectrum stands in the whole one: twice, but for zero and the highest of an even size.
pub(crate) fn multiplicity(kx: usize, columns: usize) -> f64 {
    if kx == 0 || 2 * kx == columns { 1.0 } else { 2.0 }
}

/// The first maximum (row, column, value) in reading order of a cyclic surface read with zero shift in the middle (`fftshift`).
pub(crate) fn first_maximum<T: Planned + PartialOrd>(map: &Array2<T>) -> (usize, usize, T) {
    let (h, w) = map.dim();
    let source = |row: usize| map.row((row + h - h / 2) % h);
    let larger = |a: T, b: T| if b > a { b } else { a };
    let tops: Vec<Option<T>> = (0..h)
        .into_par_iter()
        .map(|row| source(row).iter().copied().reduce(larger))
        .collect();
    let mut best = (0, T::default());
    for (row, top) in tops.into_iter().enumerate() {
        if let Some(top) = top.filter(|top| row == 0 || *top > best.1) {
            best = (row, top);
        }
    }
    let row = source(best.0);
    let column = (0..w)
        .find(|column| row[(column + w - w / 2) % w] == best.1)
        .unwrap_or(0);
    (best.0, column, best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_and_inverse_give_the_picture_back() {
        for (h, w) in [(24, 36), (25, 33), (7, 50)] {
            let picture = Array2::from_shape_fn((h, w), |(y, x)| ((y * 31 + x * 17 + x * y) % 29) as f64);
            let fft = Fft2::<f64>::new(h, w);
            let spectrum = fft.forward(w, |y, row| {
                for (to, from) in row.iter_mut().zip(picture.row(y)) {
                    *to = *from;
                }
            });
            assert!((spectrum.bins[0].re - picture.sum()).abs() < 1e-9);
            let back = fft.inverse(spectrum) / (h * w) as f64;
            assert!(back.iter().zip(&picture).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }
}
