//! Needle and gas injectors before the sample: cones with a round tip, met by each pixel's ray in closed form.
//!
//! All in the picture's frame: right, down and towards the lens, in pixels; heights count from the coincidence plane.

use super::Shot;
use super::relief::Window;
use super::scan::{Anchor, picture_axes};
use super::shade::Shading;
use crate::sim::collision::Probe;
use crate::sim::optics::DETECTOR_SEAT;
use crate::sim::specimen::{Channel, Material};
use nalgebra::Vector3;

/// Further along than this (m) no field of view reaches.
const LENGTH: f64 = 30e-3;
/// Tungsten and steel, polished, give about as many electrons as gold.
const METAL: Material = Material::Gold;

/// A probe as a beam sees it.
#[derive(Clone, Debug, PartialEq)]
struct Cone {
    name: &'static str,
    tip: Vector3<f64>,
    /// Unit vector from the tip along the shaft.
    shaft: Vector3<f64>,
    radius: f64,
    taper: f64,
    shank: f64,
    length: f64,
}

/// All that reach into a view, and the direction of the detector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cones {
    cones: Vec<Cone>,
    detector: Vector3<f64>,
    /// m.
    pixel_size: f64,
}

impl Cones {
    /// The probes of a shot that a window may show.
    pub fn of(shot: &Shot, anchor: &Anchor, window: Window) -> Cones {
        let axes = picture_axes(shot).map(|axis| axis.normalize());
        let toward = shot.geometry.column(shot.settings.beam_type).toward;
        let frame = |v: &Vector3<f64>| Vector3::new(v.dot(&axes[0]), v.dot(&axes[1]), v.dot(&toward));
        let px = shot.settings.pixel_size();
        let cone = |probe: &Probe| {
            let [col, row] = super::camera::appears(shot, probe.tip);
            Cone {
                name: probe.name,
                // The picture is laid out before what is left of the drift, which moves the sample and not the probe.
                tip: Vector3::new(col - anchor.left[0], row - anchor.left[1], probe.tip.dot(&toward) / px),
                shaft: frame(&probe.shaft),
                radius: probe.radius / px,
                taper: probe.taper,
                shank: probe.shank / px,
                length: LENGTH / px,
            }
        };
        let cones: Vec<Cone> = shot.probes.iter().map(cone).filter(|c| c.may_show(window)).collect();
        if cones.is_empty() {
            return Cones::default();
        }
        Cones {
            cones,
            detector: frame(&Vector3::from(DETECTOR_SEAT).normalize()),
            pixel_size: px,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.cones.is_empty()
    }

    /// Whose cone is the nearest at a pixel of the full frame.
    pub fn name(&self, col: f64, row: f64) -> Option<&'static str> {
        self.nearest(col, row).map(|(cone, ..)| cone.name)
    }

    fn nearest(&self, col: f64, row: f64) -> Option<(&Cone, f64, Vector3<f64>)> {
        let met = self
            .cones
            .iter()
            .filter_map(|cone| cone.met(col, row).map(|(height, normal)| (cone, height, normal)));
        met.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The nearest cone at a pixel of the full frame: its signal, and how far it is above the coincidence plane (m).
    pub fn at(&self, col: f64, row: f64, shading: &Shading, channel: Channel) -> Option<(f32, f32)> {
        let (_, height, normal) = self.nearest(col, row)?;
        let angles = [normal.z.max(0.0) as f32, normal.dot(&self.detector) as f32];
        Some((
            shading.tone(METAL.response(channel), angles, 0.0, 0.0),
            (height * self.pixel_size) as f32,
        ))
    }
}

impl Cone {
    fn radius(&self, along: f64) -> f64 {
        (self.radius + self.taper * along).min(self.shank)
    }

    /// Where the cone has its full width.
    fn shoulder(&self) -> f64 {
        ((self.shank - self.radius) / self.taper).clamp(0.0, self.length)
    }

    /// Whether a piece of it, and its width there, touch the window.
    fn may_show(&self, window: Window) -> bool {
        const PIECES: u32 = 256;
        let low = [f64::from(window.col), f64::from(window.row)];
        let high = [low[0] + window.width as f64, low[1] + window.height as f64];
        // pieces grow with the distance from the tip
        let end = |k: u32| self.length * (f64::from(k) / f64::from(PIECES)).powi(3);
        (0..PIECES).any(|k| {
            let (a, b) = (self.tip + self.shaft * end(k), self.tip + self.shaft * end(k + 1));
            let wide = self.radius(end(k + 1));
            (0..2).all(|i| a[i].min(b[i]) - wide <= high[i] && a[i].max(b[i]) + wide >= low[i])
        })
    }

    /// Height and outward normal of what a ray from the lens meets first.
    fn met(&self, col: f64, row: f64) -> Option<(f64, Vector3<f64>)> {
        let (dx, dy, a) = (col - self.tip.x, row - self.tip.y, &self.shaft);
        let shoulder = self.shoulder();
        let off = dx * dx + dy * dy;
        let across = dx * a.x + dy * a.y;
        // |v|^2 - m^2 = (r + k m)^2 with v = (dx, dy, w) and m = v . shaft
        let conical = |r: f64, k: f64, from: f64, to: f64| {
            let k2 = 1.0 + k * k;
            let (qa, qb) = (1.0 - a.z * a.z * k2, -a.z * (across * k2 + r * k));
            let qc = off - across * across * k2 - 2.0 * r * k * across - r * r;
            let root = qb * qb - qa * qc;
            if root < 0.0 || qa.abs() < 1e-9 {
                return None;
            }
            let ends = [(-qb + root.sqrt()) / qa, (-qb - root.sqrt()) / qa];
            let on = |w: &f64| (from..=to).contains(&(across + w * a.z));
            let w = ends.into_iter().filter(on).max_by(f64::total_cmp)?;
            let (v, m) = (Vector3::new(dx, dy, w), across + w * a.z);
            Some((w, (v - a * (k2 * m + r * k)).normalize()))
        };
        let ball = || {
            let w = (self.radius * self.radius - off).max(0.0).sqrt();
            (off <= self.radius * self.radius).then(|| (w, Vector3::new(dx, dy, w) / self.radius))
        };
        let parts = [
            conical(self.radius, self.taper, 0.0, shoulder),
            conical(self.shank, 0.0, shoulder, self.length),
            ball(),
        ];
        let (w, normal) = parts.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some((self.tip.z + w, normal))
    }
}
