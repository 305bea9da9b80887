//! Scene `bulk`: a trimmed block of frozen tissue on a stub, with a trench already milled beside the middle.
//!
//! Knife marks and the tissue's own pattern on the face; the trench falls to a polished wall below a platinum strap.

use super::noise::{Noise, mix, smoothstep};
use super::{Face, Material, Place, Relief, Surface};

/// Half the block (m).
const HALF: (f32, f32) = (330e-6, 230e-6);
/// The stub's face (m).
const STUB: f32 = -220e-6;

/// The trench: middle x, the wall's y, half width, length of the ramp, depth at the wall (m).
const TRENCH: (f32, f32, f32, f32, f32) = (26e-6, 9e-6, 11e-6, 20e-6, 9e-6);

#[derive(Debug)]
pub(super) struct Bulk {
    noise: Noise,
}

impl Bulk {
    pub fn new(seed: u64) -> Self {
        Bulk {
            noise: Noise::new(seed ^ 0xb01c),
        }
    }
}

/// Tone and relief of sectioned tissue: cells with nuclei, membranes and granules. Shared with the lift-out block.
pub(super) fn tissue(noise: &Noise, x: f32, y: f32, px: f32) -> (f32, f32) {
    let membrane = noise.octaves(x, y, 16e-6, 3, px);
    let line = 1.0 - smoothstep(0.0, 0.09 + 0.4 * px / 16e-6, membrane.abs());
    let nucleus = smoothstep(0.42, 0.5, noise.octaves(x + 65e-6, y, 15e-6, 2, px));
    let granules = noise.octaves(x + 9e-6, y, 1.7e-6, 4, px);
    let tone = 1.0 + 0.10 * membrane - 0.22 * line + 0.16 * nucleus + 0.13 * granules;
    (tone.clamp(0.4, 1.8), 0.02e-6 * granules - 0.03e-6 * line)
}

/// The cut face: knife marks along x, gently wavy (m).
pub(super) fn knife_marks(noise: &Noise, x: f32, y: f32, px: f32) -> f32 {
    let (a, b) = (0.97 * x + 0.24 * y, 0.97 * y - 0.24 * x);
    0.10e-6 * noise.octaves(a * 0.012, b, 18e-6, 5, px) + 0.9e-6 * noise.octaves(x, y, 190e-6, 2, px)
}

/// Depth below the face (m, positive down) and cover of the trench's inside.
fn trench(noise: &Noise, x: f32, y: f32, px: f32) -> (f32, f32) {
    let (cx, wall, half, ramp, deep) = TRENCH;
    let soft = px.max(0.12e-6);
    let ragged = 0.10e-6 * noise.octaves(x, y, 2.2e-6, 3, px);
    let side = half + ragged - (x - cx).abs();
    let inside = smoothstep(-soft, soft, side) * smoothstep(-soft, soft, y - wall + 0.3 * ragged);
    let along = ((y - wall) / ramp).clamp(0.0, 1.0);
    let stripes = 0.25e-6 * noise.octaves(x, y * 0.05, 1.1e-6, 3, px);
    let depth = (deep * (1.0 - along) + stripes * (1.0 - along)).max(0.0);
    (depth * inside, inside * smoothstep(0.0, 0.08, 1.0 - along))
}

impl Relief for Bulk {
    fn at(
        &self,
        &Place {
            x,
            y,
            px,
            face,
            channel,
        }: &Place,
    ) -> Surface {
        let n = &self.noise;
        let milled = 1.0 + 0.14 * n.octaves(x, y * 0.05, 26e-6, 4, px) + 0.05 * n.octaves(x, y, 300e-6, 3, px);
        let stub = Material::Holder.response(channel) * (0.85 * milled);
        if face == Face::Under {
            return Surface {
                height: -STUB,
                thickness: 1e-3,
                material: Material::Holder,
                response: stub,
            };
        }
        let ragged = 5e-6 * n.octaves(x, y, 90e-6, 4, px);
        let edge = (x.abs() - HALF.0).max(y.abs() - HALF.1) + ragged;
        let soft = px.max(2e-6);
        let block = 1.0 - smoothstep(-soft, soft, edge);
        if block <= 0.0 {
            let fillet = 40e-6 * (-edge / 60e-6).exp();
            return Surface {
                height: STUB + fillet,
                thickness: 1e-3,
                material: Material::Holder,
                response: stub,
            };
        }
        let (tone, bumps) = tissue(n, x, y, px);
        let mut response = Material::Tissue.response(channel) * (tone);
        let mut height = knife_marks(n, x, y, px) + bumps - 6e-6 * (edge.min(0.0) / 8e-6).exp();
        let mut material = Material::Tissue;

        let (depth, inside) = trench(n, x, y, px);
        if inside > 0.0 {
            let floor = Material::Tissue.response(channel) * (0.92 + 0.10 * n.octaves(x, y * 0.08, 1.3e-6, 3, px));
            response = mix(response, floor, inside);
            height -= depth;
        }
        // The strap of platinum that protected the face above the wall.
        let (cx, wall, half, ..) = TRENCH;
        let soft = px.max(0.2e-6);
        let strap_edge = ((x - cx).abs() - half * 0.9).max((y - wall + 1.9e-6).abs() - 1.5e-6);
        let strap = 1.0 - smoothstep(-soft, soft, strap_edge + 0.25e-6 * n.octaves(x, y, 1.5e-6, 3, px));
        if strap > 0.0 {
            height += 0.9e-6 * strap;
            let platinum = Material::Platinum.response(channel) * (0.55 + 0.08 * n.octaves(x, y, 0.6e-6, 3, px));
            response = mix(response, platinum, strap);
            if strap > 0.5 {
                material = Material::Platinum;
            }
        }
        Surface {
            height: height * block + (STUB + 40e-6) * (1.0 - block),
            thickness: 200e-6,
            material: if block > 0.5 { material } else { Material::Holder },
            response: mix(stub, response, block),
        }
    }

    fn bounds(&self) -> (f32, f32) {
        (STUB, 1e-6 - STUB)
    }
}
