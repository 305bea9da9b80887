//! The film of a grid's squares: holes, ice, sag and brightness, in the opening and where it lies on a bar.

use super::mesh::{self, BAR, FLOOR, OPENING, PITCH};
use super::noise::{Noise, ease, hash, length, mix, split, unit};
use super::scatter::direction;
use super::{Line, Material};

/// Period of the holes (m) and their radius (m).
const PERIOD: f32 = 2.0e-6;
const HOLE: f32 = 0.6e-6;
/// Openings per metre, from the middle to the bar: place in the opening, -1..1.
pub(super) const PER_OPENING: f32 = 1.0 / OPENING;
/// How far the film sags in the middle of a square, and how far it drops from the bars at once (m).
const SAG: f32 = 1.0e-6;
const DRAPE: f32 = 0.9e-6;

/// What differs from square to square.
#[derive(Clone, Copy, Debug)]
pub(super) struct Square {
    /// Ice on the middle of the film (m), and how much it changes towards the right and upper bar (m).
    pub ice: f32,
    pub lean: [f32; 2],
    /// Brightness of the film.
    pub tone: f32,
    /// Width of the rags left of a broken film (m); `None`: whole.
    pub rags: Option<f32>,
    /// A tear: direction, offset from the middle (m), half width (m).
    pub tear: Option<([f32; 2], f32, f32)>,
    /// Where the hole lattice starts (m), and its direction.
    pub phase: [f32; 2],
    pub turn: [f32; 2],
}

impl Square {
    pub fn new(seed: u64, noise: &Noise, col: i32, row: i32) -> Self {
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

    pub fn is_whole(&self) -> bool {
        self.rags.is_none() && self.tear.is_none()
    }
}

/// How bright the ground's materials are, and the size of a pixel (m).
#[derive(Clone, Copy)]
pub(super) struct Tones {
    px: f32,
    vacuum: f32,
    carbon: f32,
    ice: f32,
    gold: f32,
    /// What a grain of gold adds.
    grained: f32,
}

impl Tones {
    pub fn of(line: &Line) -> Self {
        let response = |material: Material| material.response(line.channel);
        let gold = response(Material::Gold);
        Tones {
            px: line.px,
            vacuum: response(Material::Vacuum),
            carbon: response(Material::Carbon),
            ice: response(Material::Ice),
            gold,
            grained: Material::Gold.grained(line.channel, 1.0) - gold,
        }
    }
}

/// The top face before anything settles on it: the film in the opening, or film on a bar.
pub(super) struct Ground {
    pub height: f32,
    pub thickness: f32,
    pub response: f32,
    pub ice: f32,
    pub frozen: f32,
    pub solid: f32,
}

impl Ground {
    /// `FILM` and `ON_BAR`: which of the two there may be; `opening` is the share of the first, `whole` of film that is not torn.
    #[inline(always)]
    pub fn new<const FILM: bool, const ON_BAR: bool>(
        s: &Square,
        c: &mesh::Cell,
        opening: f32,
        whole: f32,
        orientation: f32,
        [fine, broad]: [f32; 2],
        tones: &Tones,
    ) -> Ground {
        let ice = ice(s, c, broad);
        let frozen = ease((ice - 0.02e-6) * (1.0 / 0.43e-6));
        let seen = 1.0 - ease((ice - 0.30e-6) * (1.0 / 0.55e-6));
        let hole = hole(s, c.u, c.v, tones.px) * seen;
        let coat = mix(tones.carbon, tones.ice, frozen) * (1.0 + 0.05 * broad);

        let mut ground = Ground {
            height: 0.8 * ice - hole * (0.07e-6 - 0.03e-6 * frozen) + 0.015e-6 * fine,
            thickness: BAR,
            response: coat,
            ice,
            frozen,
            solid: 1.0,
        };
        if FILM {
            let solid = whole * (1.0 - hole * (1.0 - ease((ice - 0.03e-6) * (1.0 / 0.05e-6))));
            let film = coat * (s.tone * (1.0 - 0.42 * hole) * (1.0 + 0.07 * fine));
            let thickness = opening * (0.05e-6 + ice) + (1.0 - opening) * BAR;
            let share = 1.0 - opening * (1.0 - solid);
            ground.height += edge(share, thickness) - sag(c) * opening;
            ground.thickness = thickness * share;
            ground.response = mix(tones.vacuum, film, solid);
            ground.solid = solid;
        }
        if ON_BAR {
            let through = 0.62 - 0.34 * ease((ice - 0.2e-6) * (1.0 / 1.4e-6));
            let tone = (1.0 - 0.15 * hole) * (1.0 + 0.09 * fine + 0.07 * broad);
            let bar = mix(coat, tones.gold + tones.grained * orientation, through) * tone;
            ground.response = mix(bar, ground.response, opening);
        }
        ground
    }
}

/// Thickness of ice (m), `broad` being the local texture. It runs up to the bars and stays on them.
#[inline(always)]
pub(super) fn ice(s: &Square, c: &mesh::Cell, broad: f32) -> f32 {
    let uneven = 0.12e-6 * broad;
    let on_bar = c.bar >= 0.0;
    let d = c.bar * if on_bar { 1.0 / 4e-6 } else { 1.0 / 5e-6 };
    let near = 1.0 / (1.0 + d * d);
    let film = (s.ice + (s.lean[0] * c.u + s.lean[1] * c.v) * PER_OPENING + uneven).max(0.0);
    let film = mix(film, 0.9e-6 + uneven, near).max(0.0);
    if on_bar { 0.5e-6 + 0.4e-6 * near + uneven } else { film }
}

/// How far the film hangs below the bars (m).
pub(super) fn sag(c: &mesh::Cell) -> f32 {
    let (u, v, d) = (c.u * PER_OPENING, c.v * PER_OPENING, c.bar.min(0.0) * (1.0 / 6e-6));
    let bowl = (1.0 - u * u).max(0.0) * (1.0 - v * v).max(0.0);
    SAG * bowl + DRAPE - DRAPE / (1.0 + d * d)
}

/// How far the surface falls where only a share of it is `solid`: through its thickness, then into the dark.
pub(super) fn edge(solid: f32, thickness: f32) -> f32 {
    if solid < 0.2 { FLOOR } else { -thickness * (1.0 - solid) }
}

/// Share of a pixel that looks through a hole of the film's pattern.
#[inline(always)]
pub(super) fn hole(s: &Square, u: f32, v: f32, px: f32) -> f32 {
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
    let open = 1.0 - ease((d + soft) * (0.5 / soft));
    mix(open, MEAN, ease((px - 0.3 * PERIOD) * (1.0 / (0.5 * PERIOD))))
}
