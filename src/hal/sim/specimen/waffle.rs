//! Scene `waffle`: a grid whose squares were filled with sample and pressed flat before freezing.
//!
//! The face is one sheet of ice level with the bars: only the bars' shine, fine roughness, pits, cracks and frost are left to see.

use super::grid::grain;
use super::mesh::{self, BAR, FLOOR};
use super::noise::{Noise, hash, mix, smoothstep, unit};
use super::scatter::Frost;
use super::{Face, Material, Place, Relief, Surface};

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

    /// 0..1: how deep in a crack of the ice (m wide at most 1 um) the place lies.
    fn crack(&self, x: f32, y: f32, px: f32) -> f32 {
        let n = &self.noise;
        // Cracks are where a broad field crosses zero, and only where another field says the sheet gave way.
        let gave = smoothstep(0.35, 0.6, n.at(x / 210e-6 + 70.0, y / 210e-6 - 31.0));
        if gave == 0.0 {
            return 0.0;
        }
        let field = n.octaves(x + 5e-6, y, 160e-6, 3, px);
        let distance = field.abs() * 60e-6;
        let soft = (0.7 * px).max(0.1e-6);
        gave * (1.0 - smoothstep(0.35e-6 - soft, 0.35e-6 + soft, distance)) * (0.35e-6 / soft).min(1.0)
    }
}

impl Relief for Waffle {
    fn at(&self, place: &Place) -> Surface {
        let (
            n,
            &Place {
                x,
                y,
                px,
                face,
                channel,
            },
        ) = (&self.noise, place);
        if let Some(outside) = mesh::surroundings(n, place) {
            return outside;
        }
        let mut c = mesh::cell(x, y);
        if c.bar.abs() < 2e-6 {
            c.bar += 0.7e-6 * n.octaves(x, y, 14e-6, 3, px);
        }
        let soft = px.max(0.8e-6);
        let opening = 1.0 - smoothstep(-soft, soft, c.bar);
        let fine = n.octaves(x, y, 7e-6, 5, px);
        let broad = n.octaves(x - 40e-6, y, 60e-6, 3, px);
        let h = hash(self.seed ^ 0xf111, i64::from(c.col), i64::from(c.row));
        // Most squares are full to the brim, some a little under it.
        let fill = -0.4e-6 - 3.0e-6 * unit(h, 0).powi(4);
        let (film, lift) = match face {
            Face::Top => (Material::Ice, 0.0),
            Face::Under => (Material::Carbon, 0.3e-6),
        };
        let through = match face {
            Face::Top => 0.30 + 0.18 * broad,
            Face::Under => 0.85,
        };
        let cellular = mix(
            film.response(channel),
            Material::Cell.response(channel),
            0.25 + 0.25 * broad,
        );
        let ice = cellular * (1.0 + 0.11 * fine);
        let gold = Material::Gold.grained(channel, 0.2 * grain(n, x, y, px));
        let bar = mix(Material::Ice.response(channel), gold, through.clamp(0.0, 1.0)) * (1.0 + 0.09 * fine);
        let crack = self.crack(x, y, px) * f32::from(face == Face::Top);
        let meniscus = (c.bar.min(0.0) / 12e-6).exp();
        let mut height = opening * (fill * (1.0 - meniscus) + lift) + 0.26e-6 * fine + 0.5e-6 * broad - 1.5e-6 * crack;
        let mut response = mix(bar, ice, opening) * (1.0 - 0.5 * crack);
        let mut material = if opening > 0.5 { film } else { Material::Gold };
        let (crystal, cover) = self.frost.at(x, y, px);
        if cover > 0.0 {
            height += crystal;
            response = mix(response, Material::Frost.response(channel), 0.8 * cover);
            if cover > 0.5 {
                material = Material::Frost;
            }
        }
        Surface {
            height,
            thickness: BAR,
            material,
            response,
        }
    }

    fn bounds(&self) -> (f32, f32) {
        (FLOOR - 6e-6, 91e-6)
    }
}
