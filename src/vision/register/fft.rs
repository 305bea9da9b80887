//! Two-dimensional FFT of real pictures on all cores, keeping only the x frequencies that are asked for.
//!
//! The way there is in two steps, so that what is done to a column happens while it is in the cache: [`Fft2::rows`] transforms
//! along x, [`Fft2::columns`] finishes a few columns at a time. The way back is a [`Surface`], whose rows are computed
//! when somebody looks at them. Two real rows make one complex transform, as real and imaginary part.

use super::picture::largest;
use fourier::{Complex, Fft, FftNum, Planned};
use ndarray::Array2;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Rows, or columns, handled together when data changes between row and column order: one cache line of f32 pairs.
const BLOCK: usize = 8;

/// The transforms of one picture size.
pub(crate) struct Fft2<T: FftNum> {
    size: (usize, usize),
    row_forward: Arc<dyn Fft<T>>,
    row_inverse: Arc<dyn Fft<T>>,
    column_forward: Arc<dyn Fft<T>>,
    column_inverse: Arc<dyn Fft<T>>,
}

/// A real picture's spectrum along x: what is left to do is a transform down each column.
pub(crate) struct RowSpectrum<T> {
    kept: usize,
    /// Of each `BLOCK` rows the bins, column by column: `blocks[y / BLOCK][kx * BLOCK + y % BLOCK]`.
    blocks: Vec<Vec<Complex<T>>>,
}

impl<T: Planned> Fft2<T> {
    pub fn new(rows: usize, columns: usize) -> Self {
        Fft2 {
            size: (rows, columns),
            row_forward: T::forward(columns),
            row_inverse: T::inverse(columns),
            column_forward: T::forward(rows),
            column_inverse: T::inverse(rows),
        }
    }

    /// How many x frequencies the spectrum of a real picture has: the others mirror them.
    pub fn half(&self) -> usize {
        self.size.1 / 2 + 1
    }

    /// Along x, the lowest `kept` frequencies of the picture whose row y `fill(y, row)` writes; and what `fill` returned, row by row.
    pub fn rows<R: Send>(&self, kept: usize, fill: impl Fn(usize, &mut [T]) -> R + Sync) -> (RowSpectrum<T>, Vec<R>) {
        let (h, w) = self.size;
        let kept = kept.min(self.half());
        let half = T::one() / (T::one() + T::one());
        let transform = |lines: &mut Lines<T>, block: usize| {
            let mut bins = vec![Complex::default(); kept * BLOCK];
            let mut returned = Vec::with_capacity(BLOCK);
            let end = h.min((block + 1) * BLOCK);
            let (packed, scratch) = (&mut lines.packed[..w], &mut lines.scratch);
            let (even, odd) = lines.rows[..2 * w].split_at_mut(w);
            for (i, y) in (block * BLOCK..end).enumerate().step_by(2) {
                returned.push(fill(y, even));
                if y + 1 < end {
                    returned.push(fill(y + 1, odd));
                } else {
                    odd.fill(T::zero());
                }
                for ((to, re), im) in packed.iter_mut().zip(&*even).zip(&*odd) {
                    *to = Complex::new(*re, *im);
                }
                self.row_forward.process_with_scratch(packed, scratch);
                let mirrored = packed[..1].iter().chain(packed[1..].iter().rev());
                for ((u, v), to) in packed.iter().zip(mirrored).zip(bins.chunks_exact_mut(BLOCK)) {
                    to[i] = Complex::new(half * (u.re + v.re), half * (u.im - v.im));
                    to[i + 1] = Complex::new(half * (u.im + v.im), half * (v.re - u.re));
                }
            }
            (bins, returned)
        };
        let (blocks, returned): (Vec<_>, Vec<_>) = (0..h.div_ceil(BLOCK))
            .into_par_iter()
            .map_init(|| Lines::new(w, &self.row_forward), transform)
            .unzip();
        (RowSpectrum { kept, blocks }, returned.into_iter().flatten().collect())
    }

    /// The spectrum's columns `span`, one after the other.
    pub fn columns(&self, rows: &RowSpectrum<T>, span: Range<usize>) -> Vec<Complex<T>> {
        let h = self.size.0;
        let span = span.start..span.end.min(rows.kept);
        let mut bins = vec![Complex::default(); span.len() * h];
        for (y, block) in (0..h).step_by(BLOCK).zip(&rows.blocks) {
            let (pieces, _) = block[span.start * BLOCK..].as_chunks::<BLOCK>();
            for (column, from) in bins.chunks_exact_mut(h).zip(pieces) {
                match column[y..].first_chunk_mut::<BLOCK>() {
                    Some(to) => *to = *from,
                    None => column[y..].copy_from_slice(&from[..h - y]),
                }
            }
        }
        self.column_forward.process(&mut bins);
        bins
    }

    /// The whole spectrum, column by column: `[kx * rows + ky]`.
    pub fn spectrum(&self, rows: &RowSpectrum<T>) -> Vec<Complex<T>> {
        let spans = self.spans(rows.kept);
        spans
            .into_par_iter()
            .flat_map_iter(|span| self.columns(rows, span))
            .collect()
    }

    /// The real picture of a spectrum that is zero from column `kept` on, **not** divided by the number of pixels. `fill(span)` gives
    /// its columns `span`, one after the other, and something to return, span by span.
    pub fn surface<R: Send>(
        &self,
        kept: usize,
        fill: impl Fn(Range<usize>) -> (Vec<Complex<T>>, R) + Sync,
    ) -> (Surface<'_, T>, Vec<R>) {
        let h = self.size.0;
        let transform = |span: Range<usize>| {
            let (mut bins, returned) = fill(span);
            self.column_inverse.process(&mut bins);
            let mut tile = vec![Complex::default(); h * BLOCK];
            for (y, to) in tile.chunks_exact_mut(BLOCK).enumerate() {
                for (to, column) in to.iter_mut().zip(bins.chunks_exact(h)) {
                    *to = column[y];
                }
            }
            (tile, returned)
        };
        let spans = self.spans(kept.min(self.half()));
        let (tiles, returned) = spans.into_par_iter().map(transform).unzip();
        let surface = Surface {
            fft: self,
            kept: kept.min(self.half()),
            tiles,
            limit: None,
        };
        (surface, returned)
    }

    fn spans(&self, kept: usize) -> Vec<Range<usize>> {
        let end = |start: usize| kept.min(start + BLOCK);
        (0..kept).step_by(BLOCK).map(|start| start..end(start)).collect()
    }
}

/// What one thread needs to transform a block of rows, two in one.
struct Lines<T> {
    rows: Vec<T>,
    packed: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

impl<T: Planned> Lines<T> {
    fn new(width: usize, fft: &Arc<dyn Fft<T>>) -> Self {
        Lines {
            rows: vec![T::zero(); BLOCK * width],
            packed: vec![Complex::default(); BLOCK / 2 * width],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
        }
    }
}

/// A real surface over the cyclic shifts of a picture, its rows computed when they are read.
pub(crate) struct Surface<'a, T: FftNum> {
    fft: &'a Fft2<T>,
    kept: usize,
    /// Of each `BLOCK` columns, transformed back, the bins row by row: `tiles[kx / BLOCK][y * BLOCK + kx % BLOCK]`.
    tiles: Vec<Vec<Complex<T>>>,
    limit: Option<f64>,
}

impl<T: Planned> Surface<'_, T> {
    /// Zero for every shift longer than `limit`.
    pub fn within(self, limit: Option<f64>) -> Self {
        Surface { limit, ..self }
    }

    /// The rows of a block; those beyond the last are left as they were.
    fn read(&self, block: usize, lines: &mut Lines<T>) {
        let (h, w) = self.fft.size;
        let first_row = block * BLOCK;
        let pairs = (h - first_row).min(BLOCK).div_ceil(2);
        let packed = &mut lines.packed[..pairs * w];
        packed.fill(Complex::default());
        for (tile, start) in self.tiles.iter().zip((0..).step_by(BLOCK)) {
            let end = self.kept.min(start + BLOCK);
            for (pair, packed) in packed.chunks_exact_mut(w).enumerate() {
                let y = first_row + 2 * pair;
                let odd = (y + 1).min(h - 1);
                let bins = tile[y * BLOCK..].iter().zip(&tile[odd * BLOCK..]);
                for (to, (a, b)) in packed[start..end].iter_mut().zip(bins.clone()) {
                    *to = Complex::new(a.re - b.im, a.im + b.re);
                }
                // Every bin beside zero has a mirror image at the other end, but for the highest of an even width.
                let (first, last) = (start.max(1), end.min(w.div_ceil(2)));
                if first < last {
                    let mirrored = packed[w + 1 - last..=w - first].iter_mut().rev();
                    for (to, (a, b)) in mirrored.zip(bins.skip(first - start)) {
                        *to = Complex::new(a.re + b.im, b.re - a.im);
                    }
                }
            }
        }
        self.fft.row_inverse.process_with_scratch(packed, &mut lines.scratch);
        for (rows, packed) in lines.rows.chunks_exact_mut(2 * w).zip(packed.chunks_exact(w)) {
            let (even, odd) = rows.split_at_mut(w);
            for ((even, odd), from) in even.iter_mut().zip(odd).zip(packed) {
                (*even, *odd) = (from.re, from.im);
            }
        }
        if let Some(limit) = self.limit {
            for (y, row) in (first_row..h).zip(lines.rows.chunks_exact_mut(w)) {
                for (x, v) in row.iter_mut().enumerate() {
                    if (y.min(h - y) as f64).hypot(x.min(w - x) as f64) > limit {
                        *v = T::zero();
                    }
                }
            }
        }
    }

    fn lines(&self) -> Lines<T> {
        Lines::new(self.fft.size.1, &self.fft.row_inverse)
    }

    /// All of it.
    pub fn to_array(&self) -> Array2<T> {
        let mut out = Array2::from_elem(self.fft.size, T::zero());
        if let Some(pixels) = out.as_slice_mut() {
            let write = |lines: &mut Lines<T>, (block, pixels): (usize, &mut [T])| {
                self.read(block, lines);
                pixels.copy_from_slice(&lines.rows[..pixels.len()]);
            };
            let blocks = pixels.par_chunks_mut(BLOCK * self.fft.size.1).enumerate();
            blocks.for_each_init(|| self.lines(), write);
        }
        out
    }

    /// One row of the surface read with zero shift in the middle (`fftshift`).
    pub fn centred_row(&self, row: usize) -> Vec<T> {
        let (h, w) = self.fft.size;
        let y = (row + h - h / 2) % h;
        let mut lines = self.lines();
        self.read(y / BLOCK, &mut lines);
        let mut values = lines.rows[y % BLOCK * w..][..w].to_vec();
        values.rotate_right(w / 2);
        values
    }

    /// The first maximum (row, column, value) in reading order with zero shift in the middle.
    pub fn first_maximum(&self) -> (usize, usize, T) {
        let (h, w) = self.fft.size;
        let tops = |lines: &mut Lines<T>, block: usize| -> Vec<T> {
            self.read(block, lines);
            lines.rows.chunks_exact(w).map(largest).collect()
        };
        let tops: Vec<Vec<T>> = (0..h.div_ceil(BLOCK))
            .into_par_iter()
            .map_init(|| self.lines(), tops)
            .collect();
        let centred = (0..h)
            .map(|row| (row + h - h / 2) % h)
            .map(|y| tops[y / BLOCK][y % BLOCK]);
        let (row, top) = centred.enumerate().fold((0, None), |best, (row, top)| match best.1 {
            Some(highest) if top <= highest => best,
            _ => (row, Some(top)),
        });
        let values = self.centred_row(row);
        let top = top.unwrap_or_default();
        (row, values.iter().position(|v| *v == top).unwrap_or(0), top)
    }
}

/// How often the column kx of a half spectrum stands in the whole one: twice, but for zero and the highest of an even size.
pub(crate) fn multiplicity(kx: usize, columns: usize) -> f64 {
    if kx == 0 || 2 * kx == columns { 1.0 } else { 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_and_inverse_give_the_picture_back() {
        for (h, w) in [(24, 36), (25, 33), (7, 50), (16, 16)] {
            let picture = Array2::from_shape_fn((h, w), |(y, x)| ((y * 31 + x * 17 + x * y) % 29) as f64);
            let fft = Fft2::<f64>::new(h, w);
            let (rows, sums) = fft.rows(w, |y, row| {
                for (to, from) in row.iter_mut().zip(picture.row(y)) {
                    *to = *from;
                }
                row.iter().sum::<f64>()
            });
            assert!((sums.iter().sum::<f64>() - picture.sum()).abs() < 1e-9 && sums.len() == h);
            assert!((fft.spectrum(&rows)[0].re - picture.sum()).abs() < 1e-9);
            let (surface, _) = fft.surface(w, |span| (fft.columns(&rows, span), ()));
            let back = surface.to_array() / (h * w) as f64;
            assert!(back.iter().zip(&picture).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }

    #[test]
    fn the_first_maximum_is_read_from_the_middle() {
        for (h, w) in [(8, 10), (9, 7)] {
            let fft = Fft2::<f64>::new(h, w);
            // Alike at two shifts, of which (2, -1) comes first in reading order.
            let picture = |y: usize, x: usize| f64::from(u8::from((y, x) == (2, w - 1) || (y, x) == (2, 2)));
            let (rows, _) = fft.rows(w, |y, row| {
                row.iter_mut().enumerate().for_each(|(x, v)| *v = picture(y, x))
            });
            let (surface, _) = fft.surface(w, |span| (fft.columns(&rows, span), ()));
            let (row, column, _) = surface.first_maximum();
            assert_eq!(row, h / 2 + 2);
            assert!(column == w / 2 - 1 || column == w / 2 + 2, "rounding decides");
            let (row, column, top) = surface.within(Some(2.5)).first_maximum();
            assert_eq!((row, column), (h / 2 + 2, w / 2 - 1));
            assert!((top - (h * w) as f64).abs() < 1e-9);
        }
    }
}
