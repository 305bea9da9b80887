//! The lines along which a view is walked, and the coarse heights that bound it.

use super::camera::Camera;
use super::relief::Window;
use super::scenery::Scenery;
use crate::sim::specimen::{Channel, Line, Material, Surface};
use nalgebra::Vector2;
use rayon::prelude::*;

/// Spacing of the coarse heights, in pixels.
const COARSE: f64 = 16.0;

/// Steps per metre of height below which a view is one from straight above: a thousandth of a pixel in a hundred micrometres.
pub(super) const STEEP: f32 = 10.0;

/// The lines of a view: `step` counts away from the lens, `line` across. Picture coordinates of (line, step) along the major
/// and the minor axis are (away * step, line + slope * away * step).
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub camera: Camera,
    pub channel: Channel,
    /// The shear runs mostly along rows' direction (true: major axis = rows).
    pub by_rows: bool,
    pub away: f64,
    pub slope: f64,
    /// Steps per metre of height.
    pub shear: f32,
    pub first_line: i64,
    pub lines: usize,
    pub first_step: i64,
    pub steps: usize,
    /// Pixel on the sample plane (m).
    pub px: f32,
}

impl Lines {
    pub fn new(camera: &Camera, window: Window, channel: Channel) -> Self {
        let shear = camera.shear_pixels();
        let by_rows = shear.y.abs() >= shear.x.abs() || shear.norm() < f64::from(STEEP);
        let (major, minor) = if by_rows {
            (shear.y, shear.x)
        } else {
            (shear.x, shear.y)
        };
        let away = if major > 0.0 { -1.0 } else { 1.0 };
        // From straight above no direction is special, least of all that of the rounding errors.
        let flat = major.abs() < f64::from(STEEP);
        let mut slope = if flat { 0.0 } else { minor / major };
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
            channel,
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

    /// On the sample plane (m).
    pub fn place(&self, line: f64, step: f64) -> Vector2<f64> {
        self.camera.origin + self.camera.per_pixel * self.pixel(line, step)
    }

    /// Sample-plane vectors per line and per step.
    pub fn strides(&self) -> (Vector2<f64>, Vector2<f64>) {
        let o = self.place(0.0, 0.0);
        (self.place(1.0, 0.0) - o, self.place(0.0, 1.0) - o)
    }

    /// The row of places at `step` from line `first` on, every `spacing` lines, each `px` metres wide.
    pub fn row(&self, first: f64, step: f64, px: f32, spacing: f64) -> Line {
        let at = self.place(first, step);
        let along = self.strides().0 * spacing;
        Line {
            x0: at.x,
            y0: at.y,
            dx: along.x,
            dy: along.y,
            px,
            face: self.camera.face,
            channel: self.channel,
        }
    }
}

/// Heights of the view and what leans into it, every 16 pixels.
pub(super) struct Coarse {
    pub first_line: f64,
    pub first_step: f64,
    pub width: usize,
    pub height: usize,
    pub heights: Vec<f32>,
    /// Steps before and after the window whose relief reaches into it.
    pub before: usize,
    pub after: usize,
}

impl Coarse {
    pub fn new(lines: &Lines, scenery: &Scenery) -> Self {
        let (lo, hi) = scenery.bounds();
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
                let px = lines.px * COARSE as f32 * 0.6;
                scenery.fill(&lines.row(first_line, step, px, COARSE), &mut surfaces);
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
    pub fn row(&self, first_line: f64, step: f64, out: &mut [f32]) {
        let y = ((step - self.first_step) / COARSE).clamp(0.0, self.height as f64 - 1.001);
        let j = y as usize;
        let ty = (y - j as f64) as f32;
        let (here, next) = (&self.heights[j * self.width..], &self.heights[(j + 1) * self.width..]);
        let at = |i: usize| here[i] + (next[i] - here[i]) * ty;
        let last = self.width as f64 - 1.001;
        let mut k = 0;
        while k < out.len() {
            let x = ((first_line + k as f64 - self.first_line) / COARSE).clamp(0.0, last);
            let i = x as usize;
            let (from, slope) = (at(i), (at(i + 1) - at(i)) / COARSE as f32);
            let into = ((x - i as f64) * COARSE) as f32;
            let end = (k + ((i + 1) as f64 * COARSE - x * COARSE).ceil().max(1.0) as usize).min(out.len());
            for (j, slot) in out[k..end].iter_mut().enumerate() {
                *slot = from + slope * (into + j as i32 as f32);
            }
            k = end;
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
