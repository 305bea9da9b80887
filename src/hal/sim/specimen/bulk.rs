//! Scene `bulk`: a trimmed block of frozen tissue on a stub, with a trench already milled beside the middle.
//!
//! Knife marks and the tissue's own pattern on the face; the trench falls to a polished wall below a platinum strap.

use super::noise::{Noise, Texture, mix, smoothstep};
use super::run::{self, Run, Textured};
use super::{Face, Line, Material, Place, Relief, Surface};

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

/// Sectioned tissue along a run: cells with nuclei, membranes and granules, cut by a knife. Shared with the lift-out block.
pub(super) struct Tissue<'a> {
    px: f32,
    membrane: Textured<'a>,
    nucleus: Textured<'a>,
    granules: Textured<'a>,
    marks: Textured<'a>,
    waves: Textured<'a>,
}

impl<'a> Tissue<'a> {
    pub fn new(noise: &'a Noise, run: &'a Run<'a>) -> Self {
        let texture = |texture| Textured::new(noise, run, texture);
        Tissue {
            px: run.px(),
            membrane: texture(Texture::new(16e-6, 3)),
            nucleus: texture(Texture::new(15e-6, 2).shifted(65e-6, 0.0)),
            granules: texture(Texture::new(1.7e-6, 4).shifted(9e-6, 0.0)),
            // Marks run along x, a little turned.
            marks: texture(Texture::new(18e-6, 5).along([[0.97 * 0.012, 0.24 * 0.012], [-0.24, 0.97]])),
            waves: texture(Texture::new(190e-6, 2)),
        }
    }

    /// Tone, and height of the cut face with its knife marks (m).
    pub fn at(&self, i: usize) -> (f32, f32) {
        let (membrane, granules) = (self.membrane.at(i), self.granules.at(i));
        let line = 1.0 - smoothstep(0.0, 0.09 + 0.4 * self.px / 16e-6, membrane.abs());
        let nucleus = smoothstep(0.42, 0.5, self.nucleus.at(i));
        let tone = 1.0 + 0.10 * membrane - 0.22 * line + 0.16 * nucleus + 0.13 * granules;
        let knife = 0.10e-6 * self.marks.at(i) + 0.9e-6 * self.waves.at(i);
        (tone.clamp(0.4, 1.8), knife + 0.02e-6 * granules - 0.03e-6 * line)
    }
}

/// Depth below the face (m, positive down) and cover of the trench's inside.
fn trench(noise: &Noise, x: f32, y: f32, px: f32) -> (f32, f32) {
    let (cx, wall, half, ramp, deep) = TRENCH;
    let soft = px.max(0.12e-6);
    // Its outline is ragged by less than this.
    let margin = soft + 0.2e-6;
    if (x - cx).abs() > half + margin || y < wall - margin || y > wall + ramp {
        return (0.0, 0.0);
    }
    let ragged = 0.10e-6 * noise.octaves(x, y, 2.2e-6, 3, px);
    let side = half + ragged - (x - cx).abs();
    let inside = smoothstep(-soft, soft, side) * smoothstep(-soft, soft, y - wall + 0.3 * ragged);
    let along = ((y - wall) / ramp).clamp(0.0, 1.0);
    let stripes = 0.25e-6 * noise.octaves(x, y * 0.05, 1.1e-6, 3, px);
    let depth = (deep * (1.0 - along) + stripes * (1.0 - along)).max(0.0);
    (depth * inside, inside * smoothstep(0.0, 0.08, 1.0 - along))
}

/// Share of the platinum strap that protected the face above the wall.
fn strap(noise: &Noise, x: f32, y: f32, px: f32) -> f32 {
    let (cx, wall, half, ..) = TRENCH;
    let soft = px.max(0.2e-6);
    let edge = ((x - cx).abs() - half * 0.9).max((y - wall + 1.9e-6).abs() - 1.5e-6);
    if edge > soft + 0.5e-6 {
        return 0.0;
    }
    1.0 - smoothstep(-soft, soft, edge + 0.25e-6 * noise.octaves(x, y, 1.5e-6, 3, px))
}

impl Bulk {
    fn run(&self, run: &Run, out: &mut [Surface]) {
        let n = &self.noise;
        let texture = |texture| Textured::new(n, run, texture);
        let (milled, mottled) = (
            texture(Texture::new(26e-6, 4).along([[1.0, 0.0], [0.0, 0.05]])),
            texture(Texture::new(300e-6, 3)),
        );
        let outline = texture(Texture::new(90e-6, 4));
        let tissue = Tissue::new(n, run);
        for (i, slot) in out.iter_mut().enumerate().take(run.n) {
            let Place {
                x,
                y,
                px,
                face,
                channel,
            } = run.place(i);
            let stub = |height: f32| Surface {
                height,
                thickness: 1e-3,
                material: Material::Holder,
                response: Material::Holder.response(channel)
                    * (0.85 * (1.0 + 0.14 * milled.at(i) + 0.05 * mottled.at(i))),
            };
            if face == Face::Under {
                *slot = stub(-STUB);
                continue;
            }
            let edge = (x.abs() - HALF.0).max(y.abs() - HALF.1) + 5e-6 * outline.at(i);
            let soft = px.max(2e-6);
            let block = 1.0 - smoothstep(-soft, soft, edge);
            if block <= 0.0 {
                *slot = stub(STUB + 40e-6 * (-edge / 60e-6).exp());
                continue;
            }
            let (tone, face_height) = tissue.at(i);
            let mut response = Material::Tissue.response(channel) * tone;
            // The rim is rounded, which nobody sees a hundred micrometres away.
            let rim = if edge > -100e-6 {
                6e-6 * (edge.min(0.0) / 8e-6).exp()
            } else {
                0.0
            };
            let mut height = face_height - rim;
            let mut material = Material::Tissue;

            let (depth, inside) = trench(n, x, y, px);
            if inside > 0.0 {
                let floor = Material::Tissue.response(channel) * (0.92 + 0.10 * n.octaves(x, y * 0.08, 1.3e-6, 3, px));
                response = mix(response, floor, inside);
                height -= depth;
            }
            let strap = strap(n, x, y, px);
            if strap > 0.0 {
                height += 0.9e-6 * strap;
                let platinum = Material::Platinum.response(channel) * (0.95 + 0.14 * n.octaves(x, y, 0.6e-6, 3, px));
                response = mix(response, platinum, strap);
                if strap > 0.5 {
                    material = Material::Platinum;
                }
            }
            let beside = if block < 1.0 { stub(STUB).response } else { response };
            *slot = Surface {
                height: height * block + (STUB + 40e-6) * (1.0 - block),
                thickness: 200e-6,
                material: if block > 0.5 { material } else { Material::Holder },
                response: mix(beside, response, block),
            };
        }
    }
}

impl Relief for Bulk {
    fn at(&self, place: &Place) -> Surface {
        run::one(self, place)
    }

    fn fill(&self, line: &Line, out: &mut [Surface]) {
        run::each(line, out, |run, part| self.run(run, part));
    }

    fn bounds(&self) -> (f32, f32) {
        (STUB, 1e-6 - STUB)
    }
}
