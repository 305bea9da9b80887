//! Scene `waffle`: a grid whose squares were filled with sample and pressed flat before freezing.
//!
//! The face is one sheet of ice level with the bars: only the bars' shine, fine roughness, pits, cracks and frost are left to see.

use super::grid::grain;
use super::mesh::{self, BAR, FLOOR};
use super::noise::{Noise, Texture, hash, mix, smoothstep, unit};
use super::run::{self, Run, Textured};
use super::scatter::Frost;
use super::{Face, Line, Material, Place, Relief, Surface};

#[derive(Debug)]
pub(super) struct Waffle {
    seed: u64,
    noise: Noise,
    frost: Frost,
}

impl Waffle {
    pub fn new(seed: u64) -> Self {
        Waffle {
            seed,
            noise: Noise::new(seed ^ 0x3aff),
            frost: Frost::new(seed ^ 0x3aff1e, 40.0),
        }
    }
}

/// Roughness of the face, and the unevenness of what is in it. Cracks are where a broad field crosses zero, and only where
/// another field says the sheet gave way.
const FINE: Texture = Texture::new(7e-6, 5);
const BROAD: Texture = Texture::new(60e-6, 3).shifted(-40e-6, 0.0);
const FIELD: Texture = Texture::new(160e-6, 3).shifted(5e-6, 0.0);

impl Waffle {
    /// 0..1: how deep in a crack of the ice (m wide at most 1 um) the place lies.
    fn crack(&self, &Place { x, y, px, .. }: &Place, field: impl Fn() -> f32) -> f32 {
        let gave = smoothstep(0.35, 0.6, self.noise.at(x / 210e-6 + 70.0, y / 210e-6 - 31.0));
        if gave == 0.0 {
            return 0.0;
        }
        let distance = field().abs() * 60e-6;
        let soft = (0.7 * px).max(0.1e-6);
        gave * (1.0 - smoothstep(0.35e-6 - soft, 0.35e-6 + soft, distance)) * (0.35e-6 / soft).min(1.0)
    }

    /// Places of a run, none of them beside the grid.
    fn run(&self, run: &Run, out: &mut [Surface]) {
        let n = &self.noise;
        let [fine, broad, field] = [FINE, BROAD, FIELD].map(|texture| Textured::new(n, run, texture));
        let frost = self.frost.lie(run);
        let px = run.px();
        let soft = px.max(0.8e-6);
        let mut filled = (i32::MIN, i32::MIN, 0.0);
        for (i, slot) in out.iter_mut().enumerate().take(run.n) {
            let place = run.place(i);
            let Place {
                x, y, face, channel, ..
            } = place;
            let mut c = mesh::cell(x, y);
            if c.bar.abs() < 2e-6 {
                c.bar += 0.7e-6 * n.octaves(x, y, 14e-6, 3, px);
            }
            if (filled.0, filled.1) != (c.col, c.row) {
                // Most squares are full to the brim, some a little under it.
                let h = hash(self.seed ^ 0xf111, i64::from(c.col), i64::from(c.row));
                filled = (c.col, c.row, -0.4e-6 - 3.0e-6 * unit(h, 0).powi(4));
            }
            let opening = 1.0 - smoothstep(-soft, soft, c.bar);
            let (fine, broad) = (fine.at(i), broad.at(i));
            let (film, lift, through) = match face {
                Face::Top => (Material::Ice, 0.0, 0.30 + 0.18 * broad),
                Face::Under => (Material::Carbon, 0.3e-6, 0.85),
            };
            let cell = Material::Cell.response(channel);
            let ice = mix(film.response(channel), cell, 0.25 + 0.25 * broad) * (1.0 + 0.11 * fine);
            let bar = if opening < 1.0 {
                let gold = Material::Gold.grained(channel, 0.2 * grain(n, x, y, px));
                mix(Material::Ice.response(channel), gold, through.clamp(0.0, 1.0)) * (1.0 + 0.09 * fine)
            } else {
                ice
            };
            let crack = match face {
                Face::Top => self.crack(&place, || field.at(i)),
                Face::Under => 0.0,
            };
            let meniscus = if opening > 0.0 {
                (c.bar.min(0.0) / 12e-6).exp()
            } else {
                1.0
            };
            *slot = Surface {
                height: opening * (filled.2 * (1.0 - meniscus) + lift) + 0.26e-6 * fine + 0.5e-6 * broad
                    - 1.5e-6 * crack,
                thickness: BAR,
                material: if opening > 0.5 { film } else { Material::Gold },
                response: mix(bar, ice, opening) * (1.0 - 0.5 * crack),
            };
            if let Some((crystals, covers)) = &frost {
                slot.height += crystals[i];
                slot.response = mix(slot.response, Material::Frost.response(channel), 0.8 * covers[i]);
                if covers[i] > 0.5 {
                    slot.material = Material::Frost;
                }
            }
        }
    }
}

impl Relief for Waffle {
    fn at(&self, place: &Place) -> Surface {
        run::one(self, place)
    }

    fn fill(&self, line: &Line, out: &mut [Surface]) {
        mesh::fill(&self.noise, line, out, |run, part| self.run(run, part));
    }

    fn bounds(&self) -> (f32, f32) {
        (FLOOR - 6e-6, 91e-6)
    }
}
