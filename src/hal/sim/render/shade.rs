//! How bright a patch of surface is: its stuff, its slope to the beam and to the detector, its edges, its hollows.
//!
//! Rows are kept apart by quantity so that the loop over a row has no branches and the compiler can do several places at once.

use super::lines::Lines;
use crate::sim::optics::{DETECTOR_SEAT, Detector};
use crate::sim::specimen::{Channel, Surface};
use nalgebra::{Matrix2, Vector3};

/// A row of surfaces, one more at either end than are shaded.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub height: Vec<f32>,
    pub thickness: Vec<f32>,
    response: Vec<f32>,
}

impl Row {
    pub fn new(n: usize) -> Self {
        Row {
            height: vec![0.0; n],
            thickness: vec![0.0; n],
            response: vec![0.0; n],
        }
    }

    pub fn take(&mut self, surfaces: &[Surface]) {
        let targets = self.height.iter_mut().zip(&mut self.thickness).zip(&mut self.response);
        for (s, ((height, thickness), response)) in surfaces.iter().zip(targets) {
            (*height, *thickness, *response) = (s.height, s.thickness, s.response);
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Shading {
    one_sided: f32,
    /// Softens 1/cos: the brightness of a wall is (1 + soft) / soft.
    soft: f32,
    edge: f32,
    /// Towards the lens and towards the detector, in the sample frame.
    lens: Vector3<f32>,
    detector: Vector3<f32>,
    /// Slope on the sample plane from height differences along line and step.
    gradient: Matrix2<f32>,
    level: f32,
    per_px: f32,
}

impl Shading {
    pub fn new(lines: &Lines, detector: &Detector) -> Self {
        let camera = &lines.camera;
        let axes = camera.chamber.iter().zip(DETECTOR_SEAT);
        let seat: Vector3<f64> = axes.map(|(axis, part)| axis * part).sum::<Vector3<f64>>().normalize();
        let (soft, edge) = match detector.channel {
            Channel::Backscatter => (1.6, 0.15),
            Channel::Electron => (0.80, 0.50),
            Channel::Ion => (0.65, 0.65),
        };
        // Height differences are strides . slope, so the slope is the inverse of the strides' rows times the differences.
        let (along, onward) = lines.strides();
        let gradient = Matrix2::new(along.x, along.y, onward.x, onward.y)
            .try_inverse()
            .unwrap_or_else(Matrix2::zeros);
        let flat = camera.toward.z as f32;
        Shading {
            one_sided: detector.one_sided,
            soft,
            edge,
            lens: camera.toward.cast(),
            detector: seat.cast(),
            gradient: gradient.cast(),
            // Operators set the range for the tilt at hand: most of what tilt adds to a flat patch is taken out.
            level: (flat + soft) * (1.15 - 0.15 * flat),
            per_px: lines.px.recip(),
        }
    }

    /// Signal of the middle row from it and its neighbours before and after. `around` is the mean height of the surroundings.
    pub fn row(&self, [before, here, after]: [&Row; 3], around: &[f32], out: &mut [f32]) {
        let n = out.len();
        let (p, c, a) = (&before.height[1..=n], &here.height[1..=n], &after.height[1..=n]);
        let (w, e) = (&here.height[..n], &here.height[2..n + 2]);
        let (tp, tc, ta) = (
            &before.thickness[1..=n],
            &here.thickness[1..=n],
            &after.thickness[1..=n],
        );
        let (tw, te) = (&here.thickness[..n], &here.thickness[2..n + 2]);
        let (response, around) = (&here.response[1..=n], &around[..n]);
        let (lens, seat) = (self.lens, self.detector);
        let [gxx, gyx, gxy, gyy] = [
            self.gradient[(0, 0)],
            self.gradient[(1, 0)],
            self.gradient[(0, 1)],
            self.gradient[(1, 1)],
        ];
        for i in 0..n {
            // A sheet shows no more wall than it is thick, however deep the dark behind it.
            let wall = |height: f32, thickness: f32| {
                let step = height - c[i];
                let most = if step > 0.0 { thickness } else { tc[i] } + 20e-9;
                step.max(-most).min(most)
            };
            let (west, east, prev, next) = (
                wall(w[i], tw[i]),
                wall(e[i], te[i]),
                wall(p[i], tp[i]),
                wall(a[i], ta[i]),
            );
            let (dl, ds) = (0.5 * (east - west), 0.5 * (next - prev));
            let (sx, sy) = (gxx * dl + gxy * ds, gyx * dl + gyy * ds);
            let upright = 1.0 / (1.0 + sx * sx + sy * sy).sqrt();
            let cos = ((lens.z - sx * lens.x - sy * lens.y) * upright).max(0.0);
            let facing = (seat.z - sx * seat.x - sy * seat.y) * upright;
            let bend = -0.5 * (west + east + prev + next) * self.per_px;
            let sunk = (around[i] - c[i]) * self.per_px * (1.0 / 30.0);
            out[i] = self.tone(response[i], [cos, facing], bend, sunk);
        }
    }

    /// Signal of a surface by its outward normal (sample frame), how sharply it bends out and how deep it lies.
    pub fn facet(&self, normal: &Vector3<f32>, response: f32, bend: f32, sunk: f32) -> f32 {
        let angles = [normal.dot(&self.lens).max(0.0), normal.dot(&self.detector)];
        self.tone(response, angles, bend, sunk)
    }

    /// The rule: stuff, cosines to the lens and to the detector, edge, depth below the surroundings.
    #[inline(always)]
    pub fn tone(&self, response: f32, [cos, facing]: [f32; 2], bend: f32, sunk: f32) -> f32 {
        let lit = (1.0 + self.one_sided * (facing - self.detector.z)).max(0.25);
        let edge = (1.0 + self.edge * bend.clamp(-0.55, 1.6)).max(0.3);
        let raised = 1.0 + 0.10 * (-sunk).clamp(0.0, 1.2);
        let hollow = 1.0 + 0.8 * sunk.max(0.0);
        response * self.level * lit * edge * raised / ((cos + self.soft) * hollow)
    }
}
