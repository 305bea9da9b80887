//! Scene `liftout`: a half-moon grid with four landing posts, and the block that a chunk will come from.
//!
//! The tip of the second post is the origin; the block lies up the picture from it.

use super::bulk::Tissue;
use super::grid::grain;
use super::noise::{Noise, Texture, mix, smoothstep};
use super::run::{self, Run, Textured};
use super::{Face, Line, Material, Part, Place, Relief, Surface};

/// Middle of the half-moon's arc (m), its radius, and thickness of its sheet.
const HUB: (f32, f32) = (0.15e-3, -0.35e-3);
const RADIUS: f32 = 1.2e-3;
const SHEET: f32 = 30e-6;
/// The half-moon ends, and its posts begin, so far below its hub (m).
const SHOULDER: f32 = 60e-6;
/// Middles of the posts in x and their half width at the tip (m).
const POSTS: [(f32, f32); 4] = [(-0.42e-3, 26e-6), (0.0, 34e-6), (0.40e-3, 34e-6), (0.78e-3, 26e-6)];
/// The block: middle and half size (m), and the height of its face above the posts.
const BLOCK: ((f32, f32), (f32, f32), f32) = ((60e-6, 0.62e-3), (260e-6, 170e-6), 15e-6);
const FLOOR: f32 = -200e-6;

#[derive(Debug)]
pub(super) struct Liftout {
    noise: Noise,
}

impl Liftout {
    pub fn new(seed: u64) -> Self {
        Liftout {
            noise: Noise::new(seed ^ 0x11f7),
        }
    }
}

/// Signed distance to the half-moon with its posts (m), negative inside.
fn half_moon(x: f32, y: f32) -> f32 {
    let (hx, hy) = (x - HUB.0, y - HUB.1);
    let moon = (hx.hypot(hy) - RADIUS).max(hy + SHOULDER);
    let mut d = moon;
    for (i, (px, half)) in POSTS.iter().enumerate() {
        let u = (x - px).abs();
        // Posts widen towards the root; every second one is notched at its tip.
        let flank = u - (half - 0.06 * y.min(0.0));
        let mut post = flank.max(y).max(-0.5e-3 - y);
        if i % 2 == 1 {
            let notch = (u - 9e-6).max(-y - 16e-6);
            post = post.max(-notch);
        }
        d = d.min(post);
    }
    d
}

impl Liftout {
    fn run(&self, run: &Run, out: &mut [Surface]) {
        let n = &self.noise;
        let texture = |texture| Textured::new(n, run, texture);
        let (milled, mottled) = (
            texture(Texture::new(24e-6, 4).along([[0.05, 0.0], [0.0, 1.0]])),
            texture(Texture::new(250e-6, 3)),
        );
        let (sheet_outline, block_outline) = (texture(Texture::new(12e-6, 4)), texture(Texture::new(70e-6, 4)));
        let (fine, rolled) = (
            texture(Texture::new(8e-6, 5)),
            texture(Texture::new(9e-6, 4).along([[1.0, 0.0], [0.0, 0.03]])),
        );
        let tissue = Tissue::new(n, run);
        for (i, slot) in out.iter_mut().enumerate().take(run.n) {
            let Place {
                x,
                y,
                px,
                face,
                channel,
            } = run.place(i);
            let floor = || Surface {
                height: if face == Face::Top { FLOOR } else { -FLOOR },
                thickness: 1e-3,
                material: Material::Holder,
                response: Material::Holder.response(channel)
                    * (0.7 * (1.0 + 0.14 * milled.at(i) + 0.06 * mottled.at(i))),
            };
            if face == Face::Under {
                *slot = floor();
                continue;
            }
            let soft = px.max(0.1e-6);
            // Outlines are ragged by less than two micrometres, the block's by less than ten: farther away they need no texture.
            let mut sheet = half_moon(x, y);
            if sheet < 2e-6 + soft {
                sheet += 0.9e-6 * sheet_outline.at(i);
            }
            let on = 1.0 - smoothstep(-soft, soft, sheet);
            if on > 0.0 {
                let (fine, rolled) = (fine.at(i), rolled.at(i));
                let copper =
                    Material::Copper.grained(channel, 0.6 * grain(n, x, y, px)) * (1.0 + 0.10 * fine + 0.06 * rolled);
                let round = 4e-6 * (sheet.min(0.0) / 3e-6).exp();
                *slot = Surface {
                    height: if on > 0.15 {
                        0.20e-6 * fine + 0.10e-6 * rolled - round - (1.0 - on) * SHEET
                    } else {
                        FLOOR
                    },
                    thickness: SHEET * on,
                    material: if on > 0.5 { Material::Copper } else { Material::Holder },
                    response: if on < 1.0 {
                        mix(floor().response, copper, on)
                    } else {
                        copper
                    },
                };
                continue;
            }
            let ((bx, by), (hx, hy), face_height) = BLOCK;
            let soft = px.max(1.5e-6);
            let mut edge = ((x - bx).abs() - hx).max((y - by).abs() - hy);
            if edge < 10e-6 + soft {
                edge += 4e-6 * block_outline.at(i);
            }
            let block = 1.0 - smoothstep(-soft, soft, edge);
            if block <= 0.0 {
                *slot = floor();
                continue;
            }
            let (tone, height) = tissue.at(i);
            let top = face_height + height - 5e-6 * (edge.min(0.0) / 7e-6).exp();
            let response = Material::Tissue.response(channel) * tone;
            *slot = Surface {
                height: block * top + (1.0 - block) * FLOOR,
                thickness: 215e-6,
                material: if block > 0.5 {
                    Material::Tissue
                } else {
                    Material::Holder
                },
                response: if block < 1.0 {
                    mix(floor().response, response, block)
                } else {
                    response
                },
            };
        }
    }
}

impl Relief for Liftout {
    fn at(&self, place: &Place) -> Surface {
        run::one(self, place)
    }

    fn fill(&self, line: &Line, out: &mut [Surface]) {
        run::each(line, out, |run, part| self.run(run, part));
    }

    fn bounds(&self) -> (f32, f32) {
        (FLOOR - 1e-6, 201e-6)
    }

    fn part(&self, _x: f32, y: f32, material: Material) -> Part {
        match material {
            Material::Copper if y > HUB.1 - SHOULDER => Part::Post,
            Material::Tissue => Part::Block,
            _ => Part::Ground,
        }
    }
}
