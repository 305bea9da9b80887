//! From the lines of a view to the pixels of its picture.

use super::horizon::{Band, is_void};
use super::lines::Lines;
use super::relief::{BAND, BLOCK, Pass, Window};
use rayon::prelude::*;

/// What was found along all lines that cross a window.
#[derive(Clone, Copy)]
pub(super) struct Lattice<'a> {
    pub lines: &'a Lines,
    pub window: Window,
    pub bands: &'a [Band],
}

impl Lattice<'_> {
    fn fetch(&self, values: fn(&Band) -> &[f32], line: i64, step: usize) -> f32 {
        let k = (line - self.lines.first_line).clamp(0, self.lines.lines as i64 - 1) as usize;
        let band = &self.bands[k / BAND];
        values(band)[step * band.width + k % BAND]
    }

    fn step_of(&self, major: i64) -> usize {
        ((if self.lines.away > 0.0 { major } else { -major }) - self.lines.first_step) as usize
    }

    /// Step and line at a pixel of the window.
    fn place(&self, col: usize, row: usize) -> (usize, f64) {
        let (col, row) = (
            i64::from(self.window.col) + col as i64,
            i64::from(self.window.row) + row as i64,
        );
        let (major, minor) = if self.lines.by_rows { (row, col) } else { (col, row) };
        (self.step_of(major), minor as f64 - self.lines.slope * major as f64)
    }

    /// One value at a pixel: between two lines where the lines run aslant.
    fn at(&self, values: fn(&Band) -> &[f32], col: usize, row: usize) -> f32 {
        let (step, line) = self.place(col, row);
        let (l, t) = (line.floor() as i64, (line - line.floor()) as f32);
        let a = self.fetch(values, l, step);
        if t < 1e-4 {
            a
        } else {
            a + (self.fetch(values, l + 1, step) - a) * t
        }
    }

    /// Signal and outward height of the nearest line at a pixel; `None` where there is nothing.
    pub fn nearest(&self, col: usize, row: usize) -> Option<(f32, f32)> {
        let (step, line) = self.place(col, row);
        let line = line.round() as i64;
        let height = self.fetch(|b| &b.height, line, step);
        (!is_void(height)).then(|| (self.fetch(|b| &b.signal, line, step), height))
    }

    /// Distance above the coincidence plane (m) of something `height` out of the sample plane, at a place of the window.
    pub fn depth(&self, col: f64, row: f64, height: f64) -> f32 {
        let [d0, per_col, per_row, per_height] = self.lines.camera.depth;
        let (col, row) = (col + f64::from(self.window.col), row + f64::from(self.window.row));
        (d0 + per_col * col + per_row * row + per_height * height) as f32
    }

    /// Lines become rows of pixels, and heights become depth along the beam.
    pub fn assemble(&self) -> Pass {
        let (lines, window) = (self.lines, self.window);
        let (width, height) = (window.width, window.height);
        let mut signal = vec![0.0f32; width * height];
        let (bw, bh) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
        let mut depth = vec![0.0f32; bw * bh];
        signal.par_chunks_mut(width).enumerate().for_each(|(row, out)| {
            if lines.by_rows {
                // All pixels of a row lie equally far between two lines.
                let major = i64::from(window.row) + row as i64;
                let step = self.step_of(major);
                let lanes: Vec<f32> = self
                    .bands
                    .iter()
                    .flat_map(|b| &b.signal[step * b.width..(step + 1) * b.width])
                    .copied()
                    .collect();
                let first = f64::from(window.col) - lines.slope * major as f64;
                let (whole, t) = (first.floor(), (first - first.floor()) as f32);
                let from = (whole as i64 - lines.first_line) as usize;
                if t < 1e-4 {
                    out.copy_from_slice(&lanes[from..from + width]);
                    return;
                }
                let pairs = lanes[from..].windows(2);
                for (slot, pair) in out.iter_mut().zip(pairs) {
                    *slot = pair[0] + (pair[1] - pair[0]) * t;
                }
            } else {
                for (col, slot) in out.iter_mut().enumerate() {
                    *slot = self.at(|b| &b.signal, col, row);
                }
            }
        });
        depth.par_chunks_mut(bw).enumerate().for_each(|(by, out)| {
            for (bx, slot) in out.iter_mut().enumerate() {
                let (x0, y0) = (bx * BLOCK, by * BLOCK);
                let (x1, y1) = ((x0 + BLOCK).min(width), (y0 + BLOCK).min(height));
                // Sixteen probes stand for the block. Where nothing is, nothing is out of focus: the dark counts as level.
                let (mut sum, mut n) = (0.0f64, 0.0f64);
                for row in (y0..y1).step_by(4) {
                    for col in (x0..x1).step_by(4) {
                        let height = self.at(|b| &b.height, col, row);
                        sum += if is_void(height) { 0.0 } else { f64::from(height) };
                        n += 1.0;
                    }
                }
                *slot = self.depth((x0 + x1 - 1) as f64 / 2.0, (y0 + y1 - 1) as f64 / 2.0, sum / n);
            }
        });
        Pass {
            width,
            height,
            signal,
            depth,
        }
    }
}
