//! The geometry pass: what each pixel sees of the relief, and how brightly it answers before focus, dose and detector.
//!
//! The view is orthographic, so heights shear along one direction of the picture. Lines of samples are laid along that direction,
//! walked from the lens's side away, and a floating horizon keeps what is not hidden: one evaluation of the specimen per sample,
//! exact occlusion, no ray marching. Bands of lines run in parallel and keep three rows each.

use super::camera::Camera;
use super::lines::{self, Coarse, Lines};
use super::shade::{Row, Shading};
use crate::sim::optics::Detector;
use crate::sim::specimen::{Material, Specimen, Surface};
use rayon::prelude::*;

/// Lines per band.
const BAND: usize = 96;
/// A block of depth, in pixels.
pub(super) const BLOCK: usize = 16;

/// The part of the full frame that is wanted, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Window {
    pub col: i32,
    pub row: i32,
    pub width: usize,
    pub height: usize,
}

/// What a view gives before optics.
#[derive(Debug)]
pub(super) struct Pass {
    pub width: usize,
    pub height: usize,
    /// Signal of each pixel, row by row (gold flat to electrons = 1).
    pub signal: Vec<f32>,
    /// Mean distance above the coincidence plane of each block of 16 x 16 pixels (m).
    pub depth: Vec<f32>,
}

impl Pass {
    pub fn blocks(&self) -> (usize, usize) {
        (self.width.div_ceil(BLOCK), self.height.div_ceil(BLOCK))
    }

    pub fn bytes(&self) -> usize {
        4 * (self.signal.len() + self.depth.len())
    }
}

/// What is seen along the lines of one band: signal and outward height, `width` per step.
struct Band {
    width: usize,
    signal: Vec<f32>,
    height: Vec<f32>,
}

/// What every band needs to know.
struct Scene<'a> {
    lines: &'a Lines,
    specimen: &'a Specimen,
    coarse: &'a Coarse,
    shading: Shading,
    dark: f32,
}

impl Scene<'_> {
    fn band(&self, first: i64, width: usize) -> Band {
        let lines = self.lines;
        let mut horizon = Horizon::new(self, width);
        let mut surfaces = vec![Surface::default(); width + 2];
        let mut fill = |step: i64, row: &mut Row| {
            let line = lines.row(first as f64 - 1.0, step as f64, lines.px, 1.0);
            self.specimen.fill(&line, &mut surfaces);
            row.take(&surfaces);
        };
        let start = lines.first_step - self.coarse.before as i64;
        let end = lines.first_step + (lines.steps + self.coarse.after) as i64;
        let [mut previous, mut current, mut next] = [(); 3].map(|()| Row::new(width + 2));
        fill(start - 1, &mut previous);
        fill(start, &mut current);
        let mut around = vec![0.0f32; width];
        let mut signal = vec![0.0f32; width];
        for step in start..end {
            fill(step + 1, &mut next);
            self.coarse.row(first as f64, step as f64, &mut around);
            self.shading.row([&previous, &current, &next], &around, &mut signal);
            horizon.advance((step - lines.first_step) as f32, &signal, &current);
            if step % 16 == 0 && horizon.is_full() {
                break;
            }
            std::mem::swap(&mut previous, &mut current);
            std::mem::swap(&mut current, &mut next);
        }
        horizon.band
    }
}

/// The floating horizon of one band, and the picture it uncovers. Steps count from the window's first.
struct Horizon {
    shear: f32,
    steps: i32,
    dark: f32,
    /// Furthest step covered so far, per line.
    reached: Vec<f32>,
    /// The previous sample: step at which it appeared, signal, height and thickness.
    last: Vec<[f32; 4]>,
    band: Band,
}

impl Horizon {
    fn new(scene: &Scene, width: usize) -> Self {
        let steps = scene.lines.steps;
        Horizon {
            shear: scene.lines.shear,
            steps: steps as i32,
            dark: scene.dark,
            reached: vec![-1.0; width],
            last: vec![[f32::NEG_INFINITY, scene.dark, 0.0, 0.0]; width],
            band: Band {
                width,
                signal: vec![scene.dark; width * steps],
                height: vec![0.0; width * steps],
            },
        }
    }

    /// Nothing is left to uncover.
    fn is_full(&self) -> bool {
        self.reached.iter().all(|&reached| reached >= (self.steps - 1) as f32)
    }

    /// Takes the samples of the row at step `at` and draws what they uncover.
    fn advance(&mut self, at: f32, signal: &[f32], row: &Row) {
        if self.shear < lines::STEEP {
            return self.copy(at as i32, signal, row);
        }
        for (l, &signal) in signal.iter().enumerate() {
            let (height, thickness) = (row.height[l + 1], row.thickness[l + 1]);
            let appears = at + height * self.shear;
            let this = [appears, signal, height, thickness];
            let reached = self.reached[l];
            if appears > reached {
                let (from, to) = (floor(reached) + 1, floor(appears).min(self.steps - 1));
                if from <= to {
                    self.draw(l, from..=to, this);
                }
                self.reached[l] = appears;
            }
            self.last[l] = this;
        }
    }

    /// From straight above nothing hides anything: a row is what it is.
    fn copy(&mut self, step: i32, signal: &[f32], row: &Row) {
        if !(0..self.steps).contains(&step) {
            return;
        }
        let width = self.band.width;
        let places = step as usize * width..(step as usize + 1) * width;
        self.band.signal[places.clone()].copy_from_slice(signal);
        let seen = row.height[1..].iter().zip(&row.thickness[1..]);
        for (slot, (&height, &thickness)) in self.band.height[places].iter_mut().zip(seen) {
            *slot = level(height, thickness);
        }
        self.reached.fill(step as f32);
    }

    /// Fills steps of line `l` between the previous sample and this one.
    fn draw(&mut self, l: usize, steps: std::ops::RangeInclusive<i32>, this: [f32; 4]) {
        let ([appears, signal, height, thickness], [before, old_signal, old_height, old_thickness]) =
            (this, self.last[l]);
        let (shown, old_shown) = (level(height, thickness), level(old_height, old_thickness));
        // A thin sheet that rises out of the dark is a sheet with the dark below it, not a wall.
        let sheet = height - old_height > thickness + 20e-9;
        let per_step = if appears > before && before.is_finite() {
            (appears - before).recip()
        } else {
            0.0
        };
        for q in steps {
            let back = appears - q as f32;
            let (value, height) = if !sheet {
                let t = (back * per_step).min(1.0);
                (signal + (old_signal - signal) * t, shown + (old_shown - shown) * t)
            } else if back > thickness * self.shear + 0.5 {
                (self.dark, 0.0)
            } else {
                (signal, shown - back / self.shear.max(1.0))
            };
            let k = q as usize * self.band.width + l;
            self.band.signal[k] = value;
            self.band.height[k] = height;
        }
    }
}

/// Where nothing is, nothing is out of focus: the dark counts as level.
fn level(height: f32, thickness: f32) -> f32 {
    if thickness > 1e-9 { height } else { 0.0 }
}

/// Whole part of a step; a library call is saved on plain x86-64.
fn floor(x: f32) -> i32 {
    let truncated = x as i32;
    truncated - i32::from(truncated as f32 > x)
}

/// Looks at the specimen: the signal of every pixel of `window`.
pub(super) fn look(camera: &Camera, window: Window, specimen: &Specimen, detector: &Detector) -> Pass {
    let lines = Lines::new(camera, window, detector.channel);
    let coarse = Coarse::new(&lines, specimen);
    let scene = Scene {
        lines: &lines,
        specimen,
        coarse: &coarse,
        shading: Shading::new(&lines, detector),
        dark: Material::Vacuum.response(detector.channel) * 0.8,
    };
    let bands: Vec<Band> = (0..lines.lines.div_ceil(BAND))
        .into_par_iter()
        .map(|i| {
            let first = lines.first_line + (i * BAND) as i64;
            scene.band(first, BAND.min(lines.lines - i * BAND))
        })
        .collect();
    assemble(&lines, window, &bands)
}

/// Bands of lines become rows of pixels, and heights become depth along the beam.
fn assemble(lines: &Lines, window: Window, bands: &[Band]) -> Pass {
    let (width, height) = (window.width, window.height);
    let mut signal = vec![0.0f32; width * height];
    let (bw, bh) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
    let mut depth = vec![0.0f32; bw * bh];
    let fetch = |values: fn(&Band) -> &[f32], line: i64, step: usize| {
        let k = (line - lines.first_line).clamp(0, lines.lines as i64 - 1) as usize;
        let band = &bands[k / BAND];
        values(band)[step * band.width + k % BAND]
    };
    let step_of = |major: i64| ((if lines.away > 0.0 { major } else { -major }) - lines.first_step) as usize;
    // One value at a pixel: between two lines where the lines run aslant.
    let at = |values: fn(&Band) -> &[f32], col: usize, row: usize| {
        let (col, row) = (i64::from(window.col) + col as i64, i64::from(window.row) + row as i64);
        let (major, minor) = if lines.by_rows { (row, col) } else { (col, row) };
        let line = minor as f64 - lines.slope * major as f64;
        let (l, t) = (line.floor() as i64, (line - line.floor()) as f32);
        let step = step_of(major);
        let a = fetch(values, l, step);
        if t < 1e-4 {
            a
        } else {
            a + (fetch(values, l + 1, step) - a) * t
        }
    };
    signal.par_chunks_mut(width).enumerate().for_each(|(row, out)| {
        if lines.by_rows {
            // All pixels of a row lie equally far between two lines.
            let major = i64::from(window.row) + row as i64;
            let step = step_of(major);
            let lanes: Vec<f32> = bands
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
                *slot = at(|b| &b.signal, col, row);
            }
        }
    });
    let [d0, per_col, per_row, per_height] = lines.camera.depth;
    depth.par_chunks_mut(bw).enumerate().for_each(|(by, out)| {
        for (bx, slot) in out.iter_mut().enumerate() {
            let (x0, y0) = (bx * BLOCK, by * BLOCK);
            let (x1, y1) = ((x0 + BLOCK).min(width), (y0 + BLOCK).min(height));
            // Sixteen probes stand for the block.
            let (mut sum, mut n) = (0.0f64, 0.0f64);
            for row in (y0..y1).step_by(4) {
                for col in (x0..x1).step_by(4) {
                    sum += f64::from(at(|b| &b.height, col, row));
                    n += 1.0;
                }
            }
            let (x, y) = ((x0 + x1 - 1) as f64 / 2.0, (y0 + y1 - 1) as f64 / 2.0);
            let (x, y) = (x + f64::from(window.col), y + f64::from(window.row));
            *slot = (d0 + per_col * x + per_row * y + per_height * sum / n) as f32;
        }
    });
    Pass {
        width,
        height,
        signal,
        depth,
    }
}
