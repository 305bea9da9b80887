//! The geometry pass: what each pixel sees of the relief, and how brightly it answers before focus, dose and detector.
//!
//! The view is orthographic, so heights shear along one direction of the picture. Lines of samples are laid along that direction,
//! walked from the lens's side away, and a floating horizon keeps what is not hidden: one evaluation of the specimen per sample,
//! exact occlusion, no ray marching. Bands of lines run in parallel and keep three rows each.

use super::camera::Camera;
use crate::sim::optics::{DETECTOR_SEAT, Detector, Signal};
use crate::sim::specimen::{Line, Material, Response, Specimen, Surface};
use model::Beam;
use nalgebra::{Matrix2, Vector2, Vector3};
use rayon::prelude::*;

/// Lines per band.
const BAND: usize = 96;
/// Spacing of the coarse heights that bound the view and shade its hollows, in pixels.
const COARSE: f64 = 16.0;
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

/// How a surface's tilt and edges show.
#[derive(Clone, Copy, Debug)]
struct Shading {
    beam: Beam,
    signal: Signal,
    one_sided: f32,
    /// Softens 1/cos: the brightness of a wall is (1 + soft) / soft.
    soft: f32,
    edge: f32,
    /// Towards the lens and towards the detector, in the sample frame.
    lens: Vector3<f32>,
    detector: Vector3<f32>,
}

impl Shading {
    fn new(camera: &Camera, beam: Beam, detector: &Detector) -> Self {
        let seat: Vector3<f64> = camera
            .chamber
            .iter()
            .zip(DETECTOR_SEAT)
            .map(|(axis, part)| axis * part)
            .sum::<Vector3<f64>>()
            .normalize();
        let (soft, edge) = match (detector.signal, beam) {
            (Signal::Backscattered, _) => (1.6, 0.15),
            (Signal::Secondary, Beam::Electron) => (0.80, 0.50),
            (Signal::Secondary, Beam::Ion) => (0.65, 0.65),
        };
        Shading {
            beam,
            signal: detector.signal,
            one_sided: detector.one_sided,
            soft,
            edge,
            lens: camera.toward.cast(),
            detector: seat.cast(),
        }
    }

    fn response(&self, s: &Surface) -> f32 {
        match (self.signal, self.beam) {
            (Signal::Backscattered, _) => s.response.backscatter,
            (Signal::Secondary, Beam::Electron) => s.response.electron,
            (Signal::Secondary, Beam::Ion) => s.response.ion,
        }
    }
}

/// The lines of a view: `step` counts away from the lens, `line` across. Picture coordinates of (line, step) along the major
/// and the minor axis are (away * step, line + slope * away * step).
#[derive(Clone, Copy, Debug)]
struct Lines {
    camera: Camera,
    /// The shear runs mostly along rows' direction (true: major axis = rows).
    by_rows: bool,
    away: f64,
    slope: f64,
    /// Steps per metre of height.
    shear: f32,
    first_line: i64,
    lines: usize,
    first_step: i64,
    steps: usize,
    /// Pixel on the sample plane (m).
    px: f32,
}

impl Lines {
    fn new(camera: &Camera, window: Window) -> Self {
        let shear = camera.shear_pixels();
        let by_rows = shear.y.abs() >= shear.x.abs();
        let (major, minor) = if by_rows {
            (shear.y, shear.x)
        } else {
            (shear.x, shear.y)
        };
        let away = if major > 0.0 { -1.0 } else { 1.0 };
        let mut slope = if major == 0.0 { 0.0 } else { minor / major };
        let ((m0, mn), (l0, ln)) = {
            let rows = (i64::from(window.row), window.height as i64);
            let cols = (i64::from(window.col), window.width as i64);
            if by_rows { (rows, cols) } else { (cols, rows) }
        };
        if (slope * mn as f64).abs() < 0.02 {
            slope = 0.0;
        }
        let last = m0 + mn - 1;
        let first_step = if away > 0.0 { m0 } else { -last };
        let (a, b) = (slope * m0 as f64, slope * last as f64);
        let low = (l0 as f64 - a.max(b)).floor() as i64;
        let high = ((l0 + ln - 1) as f64 - a.min(b)).ceil() as i64;
        let columns = camera.per_pixel;
        let px = (columns.column(0).norm() * columns.column(1).norm()).sqrt();
        Lines {
            camera: *camera,
            by_rows,
            away,
            slope,
            shear: major.abs() as f32,
            first_line: low,
            lines: (high - low + 1) as usize,
            first_step,
            steps: mn as usize,
            px: px as f32,
        }
    }

    /// Picture coordinates (column, row).
    fn pixel(&self, line: f64, step: f64) -> Vector2<f64> {
        let major = self.away * step;
        let minor = line + self.slope * major;
        if self.by_rows {
            Vector2::new(minor, major)
        } else {
            Vector2::new(major, minor)
        }
    }

    fn place(&self, line: f64, step: f64) -> Vector2<f64> {
        self.camera.origin + self.camera.per_pixel * self.pixel(line, step)
    }

    /// Sample-plane vectors per line and per step.
    fn strides(&self) -> (Vector2<f64>, Vector2<f64>) {
        let o = self.place(0.0, 0.0);
        (self.place(1.0, 0.0) - o, self.place(0.0, 1.0) - o)
    }

    fn row(&self, first: i64, step: i64, px: f32, spacing: f64) -> Line {
        let at = self.place(first as f64, step as f64);
        let along = self.strides().0 * spacing;
        Line {
            x0: at.x,
            y0: at.y,
            dx: along.x,
            dy: along.y,
            px,
            face: self.camera.face,
        }
    }
}

/// Heights of the view and what leans into it, every 16 pixels.
struct Coarse {
    first_line: f64,
    first_step: f64,
    width: usize,
    height: usize,
    heights: Vec<f32>,
    /// Steps before and after the window whose relief reaches into it.
    before: usize,
    after: usize,
}

impl Coarse {
    fn new(lines: &Lines, specimen: &Specimen) -> Self {
        let (lo, hi) = specimen.bounds();
        let reach = |z: f32| {
            f64::from(z * lines.shear)
                .ceil()
                .clamp(0.0, 2.0 * lines.steps as f64 + 64.0)
        };
        let (near, far) = (reach(hi), reach(-lo));
        let first_step = lines.first_step as f64 - near - 2.0 * COARSE;
        let first_line = lines.first_line as f64 - 2.0 * COARSE;
        let width = (lines.lines as f64 / COARSE) as usize + 5;
        let height = ((lines.steps as f64 + near + far) / COARSE) as usize + 5;
        let window = (lines.first_step as f64, (lines.first_step + lines.steps as i64) as f64);
        let rows: Vec<(Vec<f32>, f64, f64)> = (0..height)
            .into_par_iter()
            .map(|row| {
                let step = first_step + COARSE * row as f64;
                let mut surfaces = vec![Surface::default(); width];
                let at = lines.place(first_line, step);
                let along = lines.strides().0 * COARSE;
                let px = lines.px * COARSE as f32 * 0.6;
                specimen.fill(
                    &Line {
                        x0: at.x,
                        y0: at.y,
                        dx: along.x,
                        dy: along.y,
                        px,
                        face: lines.camera.face,
                    },
                    &mut surfaces,
                );
                let (mut before, mut after) = (0.0f64, 0.0f64);
                for s in surfaces.iter().filter(|s| s.material != Material::Vacuum) {
                    let seen = step + f64::from(s.height * lines.shear);
                    if step < window.0 && seen > window.0 {
                        before = before.max(window.0 - step);
                    }
                    if step > window.1 && seen < window.1 {
                        after = after.max(step - window.1);
                    }
                }
                // What is hollow counts as level: a torn film has no walls to shade it.
                let heights = surfaces
                    .iter()
                    .map(|s| if s.material == Material::Vacuum { 0.0 } else { s.height })
                    .collect();
                (heights, before, after)
            })
            .collect();
        let most = rows.iter().fold((0.0f64, 0.0f64), |m, r| (m.0.max(r.1), m.1.max(r.2)));
        // Small things between the coarse samples: half a micrometre, and the distance to the next sample.
        let slack = (f64::from(0.5e-6 * lines.shear)).min(256.0) + COARSE;
        let grown = |steps: f64| {
            if lines.shear < 1.0 {
                0
            } else {
                (steps + slack).ceil() as usize
            }
        };
        let heights: Vec<f32> = rows.into_iter().flat_map(|r| r.0).collect();
        let heights = smoothed(&smoothed(&heights, width, height), width, height);
        Coarse {
            first_line,
            first_step,
            width,
            height,
            heights,
            before: grown(most.0),
            after: grown(most.1),
        }
    }

    /// The mean height of the surroundings, along a row of lines at `step`.
    fn row(&self, first_line: f64, step: f64, out: &mut [f32]) {
        let y = ((step - self.first_step) / COARSE).clamp(0.0, self.height as f64 - 1.001);
        let j = y as usize;
        let ty = (y - j as f64) as f32;
        let (here, next) = (&self.heights[j * self.width..], &self.heights[(j + 1) * self.width..]);
        let at = |i: usize| here[i] + (next[i] - here[i]) * ty;
        for (k, slot) in out.iter_mut().enumerate() {
            let x = ((first_line + k as f64 - self.first_line) / COARSE).clamp(0.0, self.width as f64 - 1.001);
            let i = x as usize;
            let tx = (x - i as f64) as f32;
            let (a, b) = (at(i), at(i + 1));
            *slot = a + (b - a) * tx;
        }
    }
}

/// Mean of each value and its eight neighbours.
fn smoothed(values: &[f32], width: usize, height: usize) -> Vec<f32> {
    let at = |i: usize, j: usize, di: i64, dj: i64| {
        let x = (i as i64 + di).clamp(0, width as i64 - 1) as usize;
        let y = (j as i64 + dj).clamp(0, height as i64 - 1) as usize;
        values[y * width + x]
    };
    (0..width * height)
        .map(|k| {
            let (i, j) = (k % width, k / width);
            (-1..=1)
                .flat_map(|dj| (-1..=1).map(move |di| (di, dj)))
                .map(|(di, dj)| at(i, j, di, dj))
                .sum::<f32>()
                / 9.0
        })
        .collect()
}

/// What is seen along the lines of one band: signal and outward height, `width` per step.
struct Band {
    width: usize,
    signal: Vec<f32>,
    height: Vec<f32>,
}

/// Everything a band needs to know.
struct Scene<'a> {
    lines: &'a Lines,
    specimen: &'a Specimen,
    coarse: &'a Coarse,
    shading: Shading,
    /// Slope on the sample plane from differences along line and step.
    gradient: Matrix2<f32>,
    dark: f32,
}

/// Horizon of one band.
struct Horizon {
    /// Furthest step covered so far.
    reached: Vec<f32>,
    /// Step at which the previous sample appeared, its signal and height.
    seen: Vec<f32>,
    signal: Vec<f32>,
    height: Vec<f32>,
}

impl Scene<'_> {
    fn fill(&self, first: i64, step: i64, out: &mut [Surface]) {
        self.specimen
            .fill(&self.lines.row(first, step, self.lines.px, 1.0), out);
    }

    /// Brightness of one sample from its neighbours: `w`est, `e`ast along the lines' row, `p`revious and `n`ext step.
    fn shade(&self, c: &Surface, w: &Surface, e: &Surface, p: &Surface, n: &Surface, around: f32) -> f32 {
        let sh = &self.shading;
        // A sheet shows no more wall than it is thick, however deep the dark behind it.
        let wall = |o: &Surface| {
            let most = (if o.height > c.height { o.thickness } else { c.thickness }) + 20e-9;
            (o.height - c.height).clamp(-most, most)
        };
        let (w, e, p, n) = (wall(w), wall(e), wall(p), wall(n));
        let slope = self.gradient * Vector2::new(0.5 * (e - w), 0.5 * (n - p));
        let length = (1.0 + slope.norm_squared()).sqrt().recip();
        let facing = |d: &Vector3<f32>| (d.z - slope.x * d.x - slope.y * d.y) * length;
        let cos = facing(&sh.lens).max(0.0);
        let flat = sh.lens.z;
        // Relative to a flat patch seen face on; a flat patch that is tilted brightens too, as it does in the instrument.
        let inclined = (1.0 + sh.soft) / (cos + sh.soft);
        let lit = 1.0 + sh.one_sided * (facing(&sh.detector) - sh.detector.z);
        let bend = -(w + e + p + n) / (2.0 * self.lines.px);
        let edge = 1.0 + sh.edge * bend.clamp(-0.55, 1.6);
        let sunk = (around - c.height) / (30.0 * self.lines.px);
        let hollow = if sunk > 0.0 {
            1.0 / (1.0 + 0.8 * sunk)
        } else {
            1.0 - 0.10 * sunk.max(-1.2)
        };
        // Operators set the range for the tilt at hand: most of what tilt adds to a flat patch is taken out.
        let level = (flat + sh.soft) / (1.0 + sh.soft) * (1.15 - 0.15 * flat);
        sh.response(c) * inclined * level * lit.max(0.25) * edge.max(0.3) * hollow
    }

    fn band(&self, first: i64, width: usize) -> Band {
        let lines = self.lines;
        let steps = lines.steps;
        let mut band = Band {
            width,
            signal: vec![self.dark; width * steps],
            height: vec![0.0; width * steps],
        };
        let start = lines.first_step - self.coarse.before as i64;
        let end = lines.first_step + (steps + self.coarse.after) as i64;
        let row = |step: i64| {
            let mut surfaces = vec![Surface::default(); width + 2];
            self.fill(first - 1, step, &mut surfaces);
            surfaces
        };
        let (mut previous, mut current) = (row(start - 1), row(start));
        let mut next = previous.clone();
        let mut around = vec![0.0f32; width];
        let mut horizon = Horizon {
            reached: vec![-1.0; width],
            seen: vec![f32::NEG_INFINITY; width],
            signal: vec![self.dark; width],
            height: vec![0.0; width],
        };
        for step in start..end {
            self.fill(first - 1, step + 1, &mut next);
            self.coarse.row(first as f64, step as f64, &mut around);
            let at = (step - lines.first_step) as f32;
            for l in 0..width {
                let c = &current[l + 1];
                let appears = at + c.height * lines.shear;
                let signal = self.shade(
                    c,
                    &current[l],
                    &current[l + 2],
                    &previous[l + 1],
                    &next[l + 1],
                    around[l],
                );
                horizon.advance(l, (appears, signal), c, self, &mut band);
            }
            std::mem::swap(&mut previous, &mut current);
            std::mem::swap(&mut current, &mut next);
        }
        band
    }
}

impl Horizon {
    /// Takes the next sample of line `l`, which appears at step `seen.0` with signal `seen.1`, and draws what it uncovers.
    fn advance(&mut self, l: usize, seen: (f32, f32), c: &Surface, scene: &Scene, band: &mut Band) {
        let (appears, signal) = seen;
        let reached = self.reached[l];
        if appears > reached {
            let (p, ps, ph) = (self.seen[l], self.signal[l], self.height[l]);
            let last = (appears.floor() as i64).min(scene.lines.steps as i64 - 1);
            // A thin sheet that rises out of the dark is a sheet with the dark below it, not a wall.
            let sheet = c.height - ph > c.thickness + 20e-9;
            let per_step = if appears > p && p.is_finite() {
                (appears - p).recip()
            } else {
                0.0
            };
            for q in (reached.floor() as i64 + 1)..=last {
                let back = appears - q as f32;
                let (value, height) = if sheet && back > c.thickness * scene.lines.shear + 0.5 {
                    (scene.dark, ph)
                } else if sheet {
                    (signal, c.height - back / scene.lines.shear.max(1.0))
                } else {
                    let t = (back * per_step).min(1.0);
                    (signal + (ps - signal) * t, c.height + (ph - c.height) * t)
                };
                let k = q as usize * band.width + l;
                band.signal[k] = value;
                band.height[k] = height;
            }
            self.reached[l] = appears;
        }
        self.seen[l] = appears;
        self.signal[l] = signal;
        self.height[l] = c.height;
    }
}

/// Looks at the specimen: the signal of every pixel of `window`.
pub(super) fn look(camera: &Camera, window: Window, specimen: &Specimen, beam: Beam, detector: &Detector) -> Pass {
    let lines = Lines::new(camera, window);
    let coarse = Coarse::new(&lines, specimen);
    let shading = Shading::new(camera, beam, detector);
    let (along, onward) = lines.strides();
    // height differences = strides . slope, so slope = inverse of the strides' rows.
    let gradient = Matrix2::new(along.x, along.y, onward.x, onward.y)
        .try_inverse()
        .unwrap_or_else(Matrix2::zeros);
    let dark = Surface {
        response: Response::of(Material::Vacuum),
        ..Surface::default()
    };
    let scene = Scene {
        lines: &lines,
        specimen,
        coarse: &coarse,
        shading,
        gradient: gradient.cast(),
        dark: shading.response(&dark) * 0.8,
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
    let straight = lines.by_rows && lines.slope == 0.0;
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
        if straight {
            let step = step_of(i64::from(window.row) + row as i64);
            for (i, band) in bands.iter().enumerate() {
                let from = i * BAND;
                let part = &band.signal[step * band.width..(step + 1) * band.width];
                let n = part.len().min(width.saturating_sub(from));
                out[from..from + n].copy_from_slice(&part[..n]);
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
