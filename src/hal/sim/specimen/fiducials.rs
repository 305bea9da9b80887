//! Bright thin discs of known place: the landmarks that tests and scoring look for.
//!
//! They are thin, so that the middle of what is seen is the projection of one point from every direction. The relief is
//! levelled round each of them.

use super::noise::{hash, length, mix, smoothstep, unit};
use super::{Channel, Face, Line, Material, Place, Relief, Surface};

/// Height of a disc above the levelled surface (m).
const RAISED: f32 = 20e-9;
/// Levelled, solid ground round a disc, in radii.
const PAD: f32 = 1.7;

/// A disc is solid metal: so many times as bright as what a gas leaves.
const SOLID: f32 = 1.75;

/// A point whose place is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmark {
    pub name: String,
    /// Radius of the bright disc (m).
    pub radius: f64,
    /// Middle of the disc on the top face, sample frame (m).
    pub top: [f64; 3],
    /// Middle of the disc on the underside, sample frame (m).
    pub under: [f64; 3],
}

#[derive(Clone, Debug)]
struct Disc {
    x: f32,
    y: f32,
    radius: f32,
    /// Outward height of the ground on either face.
    ground: [f32; 2],
}

#[derive(Clone, Debug)]
pub(super) struct Fiducials {
    discs: Vec<Disc>,
    landmarks: Vec<Landmark>,
}

/// How many discs of which radius (m) lie in which half field (m).
const SCATTER: &[(&str, usize, f32, [f32; 2])] = &[
    ("mark", 14, 4e-6, [1.0e-3, 0.7e-3]),
    ("bead", 26, 0.5e-6, [70e-6, 46e-6]),
    ("far-bead", 40, 0.6e-6, [320e-6, 230e-6]),
];

impl Fiducials {
    /// Lays discs on level, solid places of `relief`.
    pub fn scatter(relief: &dyn Relief, seed: u64) -> Self {
        let mut discs: Vec<Disc> = Vec::new();
        let mut landmarks = Vec::new();
        for (kind, &(name, count, radius, half)) in SCATTER.iter().enumerate() {
            let mut laid = 0;
            for attempt in 0..20_000 {
                if laid == count {
                    break;
                }
                let h = hash(seed ^ 0xf1d0, attempt, kind as i64);
                let (x, y) = ((unit(h, 0) * 2.0 - 1.0) * half[0], (unit(h, 1) * 2.0 - 1.0) * half[1]);
                // Marks keep clear of the middle, which belongs to the beads.
                let crowded = kind == 0 && x.abs() < 90e-6 && y.abs() < 60e-6;
                let apart = |d: &Disc| (d.x - x).hypot(d.y - y) > 5.0 * (d.radius + radius);
                if crowded || !discs.iter().all(apart) {
                    continue;
                }
                let Some(ground) = level_ground(relief, x, y, radius) else {
                    continue;
                };
                laid += 1;
                let [top, under] = ground.map(|g| f64::from(g + RAISED));
                landmarks.push(Landmark {
                    name: format!("{name}-{laid:02}"),
                    radius: f64::from(radius),
                    top: [f64::from(x), f64::from(y), top],
                    under: [f64::from(x), f64::from(y), -under],
                });
                discs.push(Disc { x, y, radius, ground });
            }
        }
        Fiducials { discs, landmarks }
    }

    #[cfg(test)]
    pub fn none() -> Self {
        Fiducials {
            discs: Vec::new(),
            landmarks: Vec::new(),
        }
    }

    pub fn landmarks(&self) -> &[Landmark] {
        &self.landmarks
    }

    /// Puts the discs on a row of surfaces.
    pub fn lay_over(&self, line: &Line, out: &mut [Surface]) {
        let n = out.len() as f64;
        let span = |v0: f64, dv: f64| (v0.min(v0 + dv * n) as f32, v0.max(v0 + dv * n) as f32);
        let ((left, right), (low, high)) = (span(line.x0, line.dx), span(line.y0, line.dy));
        let face = usize::from(line.face == Face::Under);
        let soft = (0.6 * line.px).max(15e-9);
        let (pale, bright) = (
            Material::Ice.response(line.channel),
            SOLID * Material::Platinum.response(line.channel),
        );
        for disc in &self.discs {
            let reach = disc.radius * PAD + soft;
            if disc.x < left - reach || disc.x > right + reach || disc.y < low - reach || disc.y > high + reach {
                continue;
            }
            // A disc smaller than a pixel covers only its share of it.
            let most = (disc.radius / line.px).powi(2).min(1.0);
            for (i, slot) in out.iter_mut().enumerate() {
                let i = i as f64;
                let (x, y) = ((line.x0 + i * line.dx) as f32, (line.y0 + i * line.dy) as f32);
                let d = length(x - disc.x, y - disc.y);
                if d < reach {
                    let pad = 1.0 - smoothstep(1.3 * disc.radius, PAD * disc.radius, d);
                    let on = 1.0 - smoothstep(disc.radius - soft, disc.radius + soft, d);
                    let share = on * most;
                    let ground = disc.ground[face] + RAISED * on;
                    slot.height += (ground - slot.height) * pad;
                    slot.thickness = slot.thickness.max(0.2e-6 * pad);
                    slot.response = mix(slot.response, pale, pad * 0.9 * (1.0 - share));
                    slot.response = mix(slot.response, bright, share);
                    if share > 0.5 {
                        slot.material = Material::Platinum;
                    }
                }
            }
        }
    }
}

/// Outward heights of both faces where a disc of `radius` fits, or `None` where the ground is hollow or uneven, or where
/// something beside it would hide it from a slanting beam.
fn level_ground(relief: &dyn Relief, x: f32, y: f32, radius: f32) -> Option<[f32; 2]> {
    let place = |x, y, face| Place {
        x,
        y,
        px: radius,
        face,
        channel: Channel::default(),
    };
    let mut ground = [0.0; 2];
    for (slot, face) in ground.iter_mut().zip([Face::Top, Face::Under]) {
        let here = relief.at(&place(x, y, face));
        if here.material == Material::Vacuum {
            return None;
        }
        // Rings round the disc, in radii, and how far they may differ, in radii: upwards and downwards.
        for (ring, rise, fall) in [(2.2, 0.25, 0.25), (4.0, 0.4, 1e3), (6.5, 0.7, 1e3), (10.0, 1.0, 1e3)] {
            for k in 0..16 {
                let (s, c) = (k as f32 * std::f32::consts::TAU / 16.0).sin_cos();
                let there = relief.at(&place(x + ring * radius * c, y + ring * radius * s, face));
                let step = (there.height - here.height) / radius;
                let hollow = ring < 3.0 && [Material::Vacuum, Material::Holder].contains(&there.material);
                let uneven = (face == Face::Top || ring < 3.0) && (step > rise || -step > fall);
                if uneven || (hollow && face == Face::Top) {
                    return None;
                }
            }
        }
        *slot = here.height;
    }
    Some(ground)
}
