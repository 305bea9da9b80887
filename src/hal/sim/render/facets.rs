//! How bright a place of changed matter is: its slope, edge and depth from the columns around it, then the rules of `shade`.
//! What a beam has not changed looks as its relief does, so that no border of a patch is seen.

use super::lines::Lines;
use super::shade::Shading;
use super::slices::{Sample, outward};
use crate::sim::matter::{Run, Sheet};
use crate::sim::specimen::Channel;
use nalgebra::Vector3;

/// Slopes are taken over this many columns either side at least: more than their steps.
const EVEN: f64 = 2.0;
/// A surface steeper than this (m per m) is an edge, not a slope.
const STEEP: f64 = 4.0;
/// A wall of a sheet is its thickness and this (m).
const LIP: f64 = 20e-9;
/// Depth (m) at which a hollow has lost as much as a deep one on the scale of the picture: electrons do not come out of a trench.
const DEEP: f64 = 1.5e-6;
/// Heights that differ from the relief's by less than this (m), or this share of a pixel, were not changed.
const SAME: f64 = 15e-9;
const SAME_PIXEL: f64 = 0.2;

#[derive(Clone, Copy)]
pub(super) struct Facets<'a> {
    sheet: Sheet<'a>,
    shading: &'a Shading,
    channel: Channel,
    lines: &'a Lines,
    /// A body, with nothing beyond its columns.
    alone: bool,
}

/// A surface: outward normal, how sharply it bends out (0 flat), and whether it ends beside.
struct Facet {
    normal: Vector3<f64>,
    bend: f64,
    rim: bool,
}

impl<'a> Facets<'a> {
    pub fn new(sheet: Sheet<'a>, shading: &'a Shading, lines: &'a Lines, alone: bool) -> Self {
        Facets {
            sheet,
            shading,
            channel: lines.channel,
            lines,
            alone,
        }
    }

    /// What a ray sees that meets a run at a place (m; z outward), from the side or from above, on its way along `track`.
    pub fn signal(&self, at: [f64; 3], run: &Run, side: bool, track: &Vector3<f64>, relief: &Sample) -> f32 {
        let (lo, hi) = outward(self.lines.camera.face, run);
        let pitch = self.sheet.column(at[0], at[1]).map_or(0.0, |(_, pitch)| pitch);
        let far = (0.5 * f64::from(self.lines.px)).max(EVEN * pitch);
        let back = [at[0] - far * track.x, at[1] - far * track.y];
        let wall = side
            && self
                .step(back, hi, hi - lo, far)
                .is_none_or(|d| d <= -(hi - lo + LIP).min(STEEP * far));
        let facet = if wall {
            self.wall(at, hi, far, track)
        } else {
            self.top(at, hi, hi - lo, far)
        };
        let own = self.shade(&facet, run.material.response(self.channel), relief.around, at[2]);
        let known = !wall && relief.thickness > 1e-9;
        let same = SAME + SAME_PIXEL * f64::from(self.lines.px);
        let kept = if known {
            (2.0 - (hi - f64::from(relief.height)).abs() / same).clamp(0.0, 1.0) as f32
        } else {
            0.0
        };
        let untouched = if facet.rim {
            relief.signal.max(own)
        } else {
            relief.signal
        };
        own + (untouched - own) * kept
    }

    /// A signal from below its surroundings.
    pub fn dimmed(&self, signal: f32, around: f32, height: f32) -> f32 {
        signal / (1.0 + 0.8 * self.sunk(around, f64::from(height)).max(0.0))
    }

    fn sunk(&self, around: f32, z: f64) -> f32 {
        let below = f64::from(around) - z;
        let shown = below / (30.0 * f64::from(self.lines.px));
        shown.max(below / DEEP).min(5.0) as f32
    }

    fn shade(&self, facet: &Facet, response: f32, around: f32, z: f64) -> f32 {
        self.shading
            .facet(&facet.normal.cast(), response, facet.bend as f32, self.sunk(around, z))
    }

    /// How much higher the surface at `top` goes on at a place beside; `None` where it does not.
    #[inline]
    fn step(&self, [x, y]: [f64; 2], top: f64, thickness: f64, far: f64) -> Option<f64> {
        let most = STEEP * far;
        let Some((runs, _)) = self.sheet.column(x, y) else {
            return (!self.alone).then_some(0.0);
        };
        let ends = runs.iter().map(|run| outward(self.lines.camera.face, run).1 - top);
        let nearest = ends.min_by(|a, b| a.abs().total_cmp(&b.abs()))?;
        Some(nearest.clamp(-most.min(thickness + LIP), most))
    }

    /// The surface of a run from above.
    fn top(&self, at: [f64; 3], top: f64, thickness: f64, far: f64) -> Facet {
        let deepest = (STEEP * far).min(thickness + LIP);
        let step = |dx: f64, dy: f64| {
            self.step([at[0] + dx, at[1] + dy], top, thickness, far)
                .unwrap_or(-deepest)
        };
        let (w, e, s, n) = (step(-far, 0.0), step(far, 0.0), step(0.0, -far), step(0.0, far));
        let ends = |d: f64| d <= -deepest || d >= STEEP * far;
        let slope = |a: f64, b: f64| match (ends(a), ends(b)) {
            (false, false) => (b - a) / (2.0 * far),
            (false, true) => -a / far,
            (true, false) => b / far,
            (true, true) => 0.0,
        };
        Facet {
            normal: Vector3::new(-slope(w, e), -slope(s, n), 1.0).normalize(),
            bend: -0.5 * (w + e + s + n) / far,
            rim: [w, e, s, n].iter().any(|d| *d <= -deepest),
        }
    }

    /// The side of a run: it faces where there is nothing at its height.
    fn wall(&self, at: [f64; 3], top: f64, far: f64, track: &Vector3<f64>) -> Facet {
        let mut normal = -0.5 * track;
        let mut solid = 0.0;
        for k in 0..8 {
            let (sin, cos) = (f64::from(k) * std::f64::consts::FRAC_PI_4).sin_cos();
            if self.is_solid(at[0] + 1.5 * far * cos, at[1] + 1.5 * far * sin, at[2]) {
                normal -= Vector3::new(cos, sin, 0.0);
                solid += 1.0;
            }
        }
        let below = (top - at[2]) / (1.5 * far);
        Facet {
            normal: normal.try_normalize(1e-9).unwrap_or(-track),
            bend: (0.5 - solid / 8.0) + 1.2 * (1.0 - below).max(0.0),
            rim: true,
        }
    }

    fn is_solid(&self, x: f64, y: f64, z: f64) -> bool {
        let Some((runs, _)) = self.sheet.column(x, y) else {
            return !self.alone;
        };
        runs.iter().any(|run| {
            let (lo, hi) = outward(self.lines.camera.face, run);
            lo <= z && z <= hi
        })
    }
}
