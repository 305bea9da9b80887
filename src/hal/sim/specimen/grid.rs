//! Scene `grid`: plunge-frozen cells on a 200 mesh gold grid with R1.2/0.8 holey carbon.
//!
//! Bars, film with holes, ice of varying thickness that hides them, cells, broken squares, tears and frost.

use super::mesh::{self, BAR, FLOOR, OPENING, PITCH};
use super::noise::{Noise, Texture, ease, hash, length, mix, smoothstep, split, unit};
use super::scatter::{Cells, Frost, direction};
use super::{Channel, Face, Line, Material, Place, Relief, Surface};

/// Period of the holes (m) and their radius (m).
const PERIOD: f32 = 2.0e-6;
const HOLE: f32 = 0.6e-6;
const PER_OPENING: f32 = 1.0 / OPENING;
/// How far the film sags in the middle of a square, and how far it drops from the bars at once (m).
const SAG: f32 = 1.0e-6;
const DRAPE: f32 = 0.9e-6;
/// Squares on either side of the middle one in the table of their traits.
const TRAITS: i32 = 13;

/// What differs from square to square.
#[derive(Clone, Copy, Debug)]
struct Square {
    /// Ice on the middle of the film (m), and how much it changes towards the right and upper bar (m).
    ice: f32,
    lean: [f32; 2],
    /// Brightness of the film.
    tone: f32,
    /// Width of the rags left of a broken film (m); `None`: whole.
    rags: Option<f32>,
    /// A tear: direction, offset from the middle (m), half width (m).
    tear: Option<([f32; 2], f32, f32)>,
    /// Where the hole lattice starts (m), and its direction.
    phase: [f32; 2],
    turn: [f32; 2],
}

impl Square {
    fn new(seed: u64, noise: &Noise, col: i32, row: i32) -> Self {
        let h = hash(seed ^ 0x5a5a, i64::from(col), i64::from(row));
        let central = col == 0 && row == 0;
        let fate = if central { 1.0 } else { unit(h, 0) };
        // Blotting leaves a broad gradient over the grid; each square then drains in its own way.
        let at = |c: f32, r: f32| 0.42e-6 * noise.at(c * PITCH / 620e-6 + 3.1, r * PITCH / 620e-6 + 9.7);
        let (c, r) = (col as f32, row as f32);
        Square {
            ice: if central {
                0.24e-6
            } else {
                0.34e-6 + at(c, r) + 0.45e-6 * (unit(h, 1) - 0.5)
            },
            lean: [
                at(c + 0.4, r) - at(c - 0.4, r) + 0.15e-6 * (unit(h, 9) - 0.5),
                at(c, r + 0.4) - at(c, r - 0.4),
            ],
            tone: 0.94 + 0.12 * unit(h, 10),
            rags: (fate < 0.08).then(|| 2e-6 + 16e-6 * unit(h, 2)),
            tear: (0.08..0.15).contains(&fate).then(|| {
                (
                    direction(unit(h, 3) * 6.3),
                    (unit(h, 4) - 0.5) * 40e-6,
                    0.6e-6 + 3e-6 * unit(h, 5),
                )
            }),
            phase: [unit(h, 6) * PERIOD, unit(h, 7) * PERIOD],
            turn: direction(0.11 + 0.03 * (unit(h, 8) - 0.5)),
        }
    }
}

#[derive(Debug)]
pub(super) struct Grid {
    noise: Noise,
    squares: Vec<Square>,
    cells: Cells,
    frost: Frost,
}

impl Grid {
    pub fn new(seed: u64) -> Self {
        let noise = Noise::new(seed);
        let side = 2 * TRAITS + 1;
        let squares = (0..side * side)
            .map(|i| Square::new(seed, &noise, i % side - TRAITS, i / side - TRAITS))
            .collect();
        Grid {
            noise,
            squares,
            cells: Cells::new(seed),
            frost: Frost::new(seed, 45.0),
        }
    }

    fn square(&self, col: i32, row: i32) -> &Square {
        let (c, r) = (col.clamp(-TRAITS, TRAITS) + TRAITS, row.clamp(-TRAITS, TRAITS) + TRAITS);
        &self.squares[(r * (2 * TRAITS + 1) + c) as usize]
    }

    /// Share of film that is still there, 0..1.
    fn whole(&self, s: &Square, c: &mesh::Cell, &Place { x, y, px, .. }: &Place) -> f32 {
        let soft = px.max(0.15e-6);
        let mut whole = 1.0;
        if let Some(rags) = s.rags {
            let ragged = rags * (1.0 + 0.9 * self.noise.octaves(x, y, 22e-6, 5, px));
            whole *= 1.0 - smoothstep(ragged - soft, ragged + soft, -c.bar);
        }
        if let Some((along, offset, width)) = s.tear {
            let across = c.v * along[0] - c.u * along[1] - offset + 4e-6 * self.noise.octaves(x, y, 25e-6, 3, px);
            let reach = (c.u * along[0] + c.v * along[1]) * PER_OPENING;
            let open = width * (1.0 - reach * reach).max(0.0);
            // A tear finer than a pixel opens only its share of it.
            whole *= 1.0 - (1.0 - smoothstep(open - soft, open + soft, across.abs())) * (open / soft).min(1.0);
        }
        whole
    }

    /// Thickness of ice (m), `broad` being the local texture. It runs up to the bars and stays on them.
    fn ice(s: &Square, c: &mesh::Cell, broad: f32) -> f32 {
        let uneven = 0.12e-6 * broad;
        if c.bar >= 0.0 {
            let d = c.bar * (1.0 / 4e-6);
            return 0.5e-6 + 0.4e-6 / (1.0 + d * d) + uneven;
        }
        let d = c.bar * (1.0 / 5e-6);
        let film = (s.ice + (s.lean[0] * c.u + s.lean[1] * c.v) * PER_OPENING + uneven).max(0.0);
        mix(film, 0.9e-6 + uneven, 1.0 / (1.0 + d * d)).max(0.0)
    }

    /// The surface at one place whose textures, fine and broad, are known.
    #[inline]
    fn look(&self, place: &Place, texture: (f32, f32)) -> Surface {
        if let Some(outside) = mesh::surroundings(&self.noise, place) {
            return outside;
        }
        let (x, y) = (place.x, place.y);
        let mut c = mesh::cell(x, y);
        if c.bar.abs() < 2e-6 + place.px {
            c.bar += 0.7e-6 * self.noise.octaves(x, y, 14e-6, 4, place.px);
        }
        let s = self.square(c.col, c.row);
        match place.face {
            Face::Top => self.top(&c, s, place, texture),
            Face::Under => self.under(&c, s, place, texture.0),
        }
    }

    fn under(&self, c: &mesh::Cell, s: &Square, place: &Place, fine: f32) -> Surface {
        let &Place { x, y, px, channel, .. } = place;
        let soft = px.max(0.5e-6);
        let opening = 1.0 - smoothstep(-soft, soft, c.bar);
        let (mut response, mut height, mut thickness) = (0.0, 0.0, 0.0);
        let mut material = Material::Gold;
        if opening > 0.0 {
            let whole = self.whole(s, c, place);
            let hole = hole(s, c.u, c.v, px);
            let ice = Self::ice(s, c, 0.0);
            let empty = hole * (1.0 - ease((ice - 0.03e-6) * (1.0 / 0.05e-6)));
            let solid = whole * (1.0 - empty);
            let film = mix(
                Material::Carbon.response(channel),
                Material::Ice.response(channel),
                0.75 * hole,
            ) * s.tone
                * (1.0 + 0.08 * fine);
            response = mix(Material::Vacuum.response(channel), film, solid);
            height = opening * (sag(c) * whole + edge(solid, 0.05e-6));
            thickness = opening * 0.05e-6 * solid;
            if opening > 0.5 {
                material = if solid > 0.5 {
                    Material::Carbon
                } else {
                    Material::Vacuum
                };
            }
        }
        if opening < 1.0 {
            let bar = Material::Gold.grained(channel, grain(&self.noise, x, y, px)) * (1.0 + 0.12 * fine);
            let round = 1.0 - smoothstep(0.0, 5e-6, c.bar);
            response = mix(bar, response, opening);
            height += (1.0 - opening) * (BAR - 3e-6 * round * round);
            thickness += (1.0 - opening) * BAR;
        }
        Surface {
            height,
            thickness,
            material,
            response,
        }
    }

    fn top(&self, c: &mesh::Cell, s: &Square, place: &Place, (fine, broad): (f32, f32)) -> Surface {
        let (n, &Place { x, y, px, channel, .. }) = (&self.noise, place);
        let soft = px.max(0.7e-6);
        let opening = 1.0 - smoothstep(-soft, soft, c.bar);
        let ice = Self::ice(s, c, broad);
        let frozen = ease((ice - 0.02e-6) * (1.0 / 0.43e-6));
        let seen = 1.0 - ease((ice - 0.30e-6) * (1.0 / 0.55e-6));
        let hole = if seen > 0.0 { hole(s, c.u, c.v, px) * seen } else { 0.0 };
        let coat = mix(
            Material::Carbon.response(channel),
            Material::Ice.response(channel),
            frozen,
        ) * (1.0 + 0.05 * broad);

        // Ground: the film in the opening, or film on a bar.
        let (mut whole, mut solid) = (1.0, 1.0);
        let mut response = coat;
        let mut height = 0.8 * ice - hole * (0.07e-6 - 0.03e-6 * frozen) + 0.015e-6 * fine;
        let mut thickness = BAR;
        let mut material = Material::Gold;
        if opening > 0.0 {
            whole = self.whole(s, c, place);
            solid = whole * (1.0 - hole * (1.0 - ease((ice - 0.03e-6) * (1.0 / 0.05e-6))));
            let film = coat * (s.tone * (1.0 - 0.42 * hole) * (1.0 + 0.07 * fine));
            response = mix(Material::Vacuum.response(channel), film, solid);
            thickness = opening * (0.05e-6 + ice) + (1.0 - opening) * BAR;
            let share = 1.0 - opening * (1.0 - solid);
            height += edge(share, thickness) - sag(c) * opening;
            thickness *= share;
            if opening > 0.5 {
                material = match (solid > 0.5, frozen > 0.4) {
                    (false, _) => Material::Vacuum,
                    (true, false) => Material::Carbon,
                    (true, true) => Material::Ice,
                };
            }
        }
        if opening < 1.0 {
            let through = 0.62 - 0.34 * ease((ice - 0.2e-6) * (1.0 / 1.4e-6));
            // Little of the grains comes through the film, and electrons hardly tell them apart anyway.
            let orientation = if channel == Channel::Ion {
                0.20 * grain(n, x, y, px)
            } else {
                0.0
            };
            let tone = (1.0 - 0.15 * hole) * (1.0 + 0.09 * fine + 0.07 * broad);
            let bar = mix(coat, Material::Gold.grained(channel, orientation), through) * tone;
            response = mix(bar, response, opening);
        }

        // Cells stand on the ground and wear a skin of ice; a torn film takes its cells along.
        let body = self.cells.height(n, x, y, px) * whole.max(1.0 - opening);
        if body > 0.0 {
            // A smooth union: the ice runs up the cell's foot.
            let (lift, foot) = (body - 0.6 * ice, 0.6e-6);
            let blend = (0.5 + 0.5 * lift / foot).clamp(0.0, 1.0);
            height += lift * blend + 0.5 * foot * blend * (1.0 - blend);
            thickness += body * blend;
            let cover = smoothstep(0.0, 0.5e-6, lift);
            let skin = Material::Cell.response(channel) * (1.0 + 0.10 * fine + 0.06 * broad);
            response = mix(response, skin, 0.85 * cover);
            if cover > 0.5 {
                material = Material::Cell;
            }
        }
        let (crystal, cover) = self.frost.at(x, y, px);
        if cover > 0.0 && solid > 0.5 {
            height += crystal;
            thickness += crystal;
            response = mix(response, Material::Frost.response(channel), 0.8 * cover);
            if cover > 0.5 {
                material = Material::Frost;
            }
        }
        Surface {
            height,
            thickness,
            material,
            response,
        }
    }
}

/// Roughness of every surface, and the slow unevenness of ice.
const FINE: Texture = Texture {
    wavelength: 4.5e-6,
    count: 4,
    shift: [0.0; 2],
};
const BROAD: Texture = Texture {
    wavelength: 36e-6,
    count: 2,
    shift: [31e-6, 0.0],
};
/// Places of a row that are textured together.
const BLOCK: usize = 128;

impl Relief for Grid {
    fn at(&self, place: &Place) -> Surface {
        let fine = self
            .noise
            .octaves(place.x, place.y, FINE.wavelength, FINE.count, place.px);
        let broad = self.noise.octaves(
            place.x + BROAD.shift[0],
            place.y,
            BROAD.wavelength,
            BROAD.count,
            place.px,
        );
        self.look(place, (fine, broad))
    }

    fn fill(&self, line: &Line, out: &mut [Surface]) {
        let (mut fine, mut broad) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (k, block) in out.chunks_mut(BLOCK).enumerate() {
            let first = k * BLOCK;
            let n = block.len();
            self.noise.octaves_row(&FINE, line, first, &mut fine[..n]);
            self.noise.octaves_row(&BROAD, line, first, &mut broad[..n]);
            for (i, slot) in block.iter_mut().enumerate() {
                *slot = self.look(&line.place(first + i), (fine[i], broad[i]));
            }
        }
    }

    fn bounds(&self) -> (f32, f32) {
        (FLOOR - 4e-6, 91e-6)
    }
}

/// How far the film hangs below the bars (m).
fn sag(c: &mesh::Cell) -> f32 {
    let (u, v, d) = (c.u * PER_OPENING, c.v * PER_OPENING, c.bar.min(0.0) * (1.0 / 6e-6));
    let bowl = (1.0 - u * u).max(0.0) * (1.0 - v * v).max(0.0);
    SAG * bowl + DRAPE - DRAPE / (1.0 + d * d)
}

/// How far the surface falls where only a share of it is `solid`: through its thickness, then into the dark.
fn edge(solid: f32, thickness: f32) -> f32 {
    if solid < 0.2 { FLOOR } else { -thickness * (1.0 - solid) }
}

/// Share of a pixel that looks through a hole of the film's pattern.
#[inline]
fn hole(s: &Square, u: f32, v: f32, px: f32) -> f32 {
    const MEAN: f32 = std::f32::consts::PI * HOLE * HOLE / (PERIOD * PERIOD);
    // A pattern finer than the pixels is only its mean.
    if px > 0.8 * PERIOD {
        return MEAN;
    }
    let from_middle = |v: f32| split(v * (1.0 / PERIOD)).1 - 0.5;
    let a = from_middle(u * s.turn[0] + v * s.turn[1] + s.phase[0]);
    let b = from_middle(v * s.turn[0] - u * s.turn[1] + s.phase[1]);
    let d = length(a, b) * PERIOD - HOLE;
    let soft = (0.55 * px).max(50e-9);
    let open = 1.0 - smoothstep(-soft, soft, d);
    mix(open, MEAN, ease((px - 0.3 * PERIOD) * (1.0 / (0.5 * PERIOD))))
}

/// Orientation of the metal grain at (x, y), -1..1, 0 where grains are finer than pixels.
pub(super) fn grain(noise: &Noise, x: f32, y: f32, px: f32) -> f32 {
    let size = 2.4e-6;
    let fade = (size / (2.0 * px) - 1.0).clamp(0.0, 1.0);
    if fade == 0.0 {
        return 0.0;
    }
    let bend = 0.7 * noise.at(x / size, y / size);
    let twist = 0.7 * noise.at(y / size + 57.0, x / size - 11.0);
    let h = hash(
        17,
        i64::from(split(x / size + bend).0),
        i64::from(split(y / size + twist).0),
    );
    (unit(h, 0) * 2.0 - 1.0) * fade
}
