//! Scene `grid`: plunge-frozen cells on a 200 mesh gold grid with R1.2/0.8 holey carbon.
//!
//! Bars, film with holes, ice of varying thickness that hides them, cells, broken squares, tears and frost.

use super::bins::{Bins, Placed};
use super::mesh::{self, BAR, FLOOR, OPENING};
use super::noise::{Noise, hash, smoothstep, unit};
use super::{Face, Material, Relief, Response, Surface};

/// Period of the holes (m) and their radius (m).
const PERIOD: f32 = 2.0e-6;
const HOLE: f32 = 0.6e-6;
/// How far the film sags in the middle of a square (m).
const SAG: f32 = 1.2e-6;
/// Squares on a side of the table of their traits.
const TRAITS: i32 = 13;

/// What differs from square to square.
#[derive(Clone, Copy, Debug)]
struct Square {
    /// Ice more or less than its surroundings (m).
    ice: f32,
    /// Width of the rags left of a broken film (m); `None`: whole.
    rags: Option<f32>,
    /// A tear: direction, offset from the middle (m), half width (m).
    tear: Option<([f32; 2], f32, f32)>,
    /// Where the hole lattice starts (m), and its direction.
    phase: [f32; 2],
    turn: [f32; 2],
}

#[derive(Clone, Debug)]
struct Bump {
    x: f32,
    y: f32,
    along: f32,
    across: f32,
    turn: [f32; 2],
    height: f32,
    reach: f32,
}

impl Placed for Bump {
    fn centre(&self) -> [f32; 2] {
        [self.x, self.y]
    }
    fn reach(&self) -> f32 {
        self.reach
    }
}

#[derive(Debug)]
pub(super) struct Grid {
    noise: Noise,
    squares: Vec<Square>,
    cells: Bins<Bump>,
    frost: Bins<Bump>,
}

impl Grid {
    pub fn new(seed: u64) -> Self {
        let side = 2 * TRAITS + 1;
        let squares = (0..side * side)
            .map(|i| square(seed, i % side - TRAITS, i / side - TRAITS))
            .collect();
        Grid {
            noise: Noise::new(seed),
            squares,
            cells: Bins::new(&cells(seed), 1.6e-3, 12e-6),
            frost: Bins::new(&frost(seed, 22), 1.6e-3, 8e-6),
        }
    }

    fn square(&self, col: i32, row: i32) -> &Square {
        let (c, r) = (col.clamp(-TRAITS, TRAITS) + TRAITS, row.clamp(-TRAITS, TRAITS) + TRAITS);
        &self.squares[(r * (2 * TRAITS + 1) + c) as usize]
    }

    /// Share of a pixel that looks through a hole of the film's pattern.
    fn hole(&self, s: &Square, u: f32, v: f32, px: f32) -> f32 {
        let mean = std::f32::consts::PI * HOLE * HOLE / (PERIOD * PERIOD);
        let fade = 1.0 - smoothstep(0.3 * PERIOD, 0.8 * PERIOD, px);
        if fade <= 0.0 {
            return mean;
        }
        let (a, b) = (
            (u * s.turn[0] + v * s.turn[1] + s.phase[0]) / PERIOD,
            (v * s.turn[0] - u * s.turn[1] + s.phase[1]) / PERIOD,
        );
        let d = (a - a.round()).hypot(b - b.round()) * PERIOD - HOLE;
        let soft = (0.55 * px).max(50e-9);
        mean + ((1.0 - smoothstep(-soft, soft, d)) - mean) * fade
    }

    /// Share of film that is still there, 0..1.
    fn whole(&self, s: &Square, c: &mesh::Cell, x: f32, y: f32, px: f32) -> f32 {
        let soft = px.max(0.15e-6);
        let mut whole = 1.0;
        if let Some(rags) = s.rags {
            let ragged = rags * (1.0 + 0.9 * self.noise.octaves(x, y, 22e-6, 4, px));
            whole *= 1.0 - smoothstep(ragged - soft, ragged + soft, -c.bar);
        }
        if let Some((along, offset, width)) = s.tear {
            let across = c.v * along[0] - c.u * along[1] - offset + 4e-6 * self.noise.octaves(x, y, 25e-6, 3, px);
            let reach = (c.u * along[0] + c.v * along[1]) / OPENING;
            let open = width * (1.0 - reach * reach).max(0.0);
            // A tear finer than a pixel opens only its share of it.
            whole *= 1.0 - (1.0 - smoothstep(open - soft, open + soft, across.abs())) * (open / soft).min(1.0);
        }
        whole
    }

    /// Thickness of ice on the film (m).
    fn ice(&self, s: &Square, x: f32, y: f32, inward: f32, px: f32) -> f32 {
        let n = &self.noise;
        let wide = 0.28e-6 + 0.45e-6 * n.at(x / 650e-6 + 3.1, y / 650e-6 + 9.7) + s.ice;
        let fine = 0.10e-6 * n.octaves(x + 31e-6, y, 28e-6, 4, px);
        let meniscus = 0.9e-6 * (-inward.max(0.0) / 7e-6).exp();
        (wide + fine + meniscus).max(0.0)
    }

    fn under(&self, c: &mesh::Cell, s: &Square, x: f32, y: f32, px: f32) -> Surface {
        let soft = px.max(0.5e-6);
        let opening = 1.0 - smoothstep(-soft, soft, c.bar);
        let whole = self.whole(s, c, x, y, px);
        let hole = self.hole(s, c.u, c.v, px);
        let ice = self.ice(s, x, y, -c.bar, px);
        let empty = hole * (1.0 - smoothstep(0.03e-6, 0.08e-6, ice));
        let solid = whole * (1.0 - empty);
        let film = Response::of(Material::Carbon)
            .mix(Response::of(Material::Ice), 0.75 * hole)
            .times(1.0 + 0.08 * self.noise.octaves(x, y, 9e-6, 4, px));
        let film = Response::of(Material::Vacuum).mix(film, solid);
        let bar = Response::of_grain(Material::Gold, grain(&self.noise, x, y, px))
            .times(1.0 + 0.12 * self.noise.octaves(x, y, 6e-6, 4, px));
        let sag = SAG * bowl(c);
        let round = 1.0 - smoothstep(0.0, 5e-6, c.bar);
        let low = FLOOR * (1.0 - solid);
        Surface {
            height: opening * (sag * whole + low) + (1.0 - opening) * (BAR - 3e-6 * round * round),
            thickness: opening * 0.05e-6 + (1.0 - opening) * BAR,
            material: match (opening > 0.5, solid > 0.5) {
                (false, _) => Material::Gold,
                (true, true) => Material::Carbon,
                (true, false) => Material::Vacuum,
            },
            response: bar.mix(film, opening),
        }
    }

    fn top(&self, c: &mesh::Cell, s: &Square, x: f32, y: f32, px: f32) -> Surface {
        let n = &self.noise;
        let soft = px.max(0.7e-6);
        let opening = 1.0 - smoothstep(-soft, soft, c.bar);
        let ice = self.ice(s, x, y, -c.bar, px);
        let fine = n.octaves(x, y, 5e-6, 5, px);

        // Ground: the film over the opening, or film on a bar.
        let hole = self.hole(s, c.u, c.v, px);
        let seen = 1.0 - smoothstep(0.30e-6, 0.85e-6, ice);
        let whole = if opening > 0.0 { self.whole(s, c, x, y, px) } else { 1.0 };
        let empty = hole * (1.0 - smoothstep(0.03e-6, 0.08e-6, ice));
        let frozen = smoothstep(0.02e-6, 0.45e-6, ice);
        let coat = Response::of(Material::Carbon).mix(Response::of(Material::Ice), frozen);
        let film = coat.times((1.0 - 0.42 * hole * seen) * (1.0 + 0.07 * fine));
        let solid = whole * (1.0 - empty);
        let film = Response::of(Material::Vacuum).mix(film, solid);
        let mut response = film;
        if opening < 1.0 {
            let through = 0.62 - 0.34 * smoothstep(0.2e-6, 1.6e-6, ice);
            let bar = coat
                .mix(Response::of_grain(Material::Gold, grain(n, x, y, px)), through)
                .times((1.0 - 0.13 * hole * seen) * (1.0 + 0.10 * fine));
            response = bar.mix(film, opening);
        }
        let sag = -SAG * bowl(c) * opening;
        let dip = hole * seen * (0.07e-6 - 0.03e-6 * frozen);
        let surface = ice * 0.8 - dip + 0.015e-6 * fine;
        let standing = whole + (1.0 - whole) * (1.0 - opening);
        let mut height = sag + surface * standing + FLOOR * opening * (1.0 - solid);
        let mut thickness = opening * (0.05e-6 + ice) + (1.0 - opening) * BAR;
        let mut material = match (opening > 0.5, solid > 0.5) {
            (true, false) => Material::Vacuum,
            (true, true) if frozen < 0.4 => Material::Carbon,
            (true, true) => Material::Ice,
            (false, _) => Material::Gold,
        };

        // Cells stand on the ground and wear a skin of ice; a torn film takes its cells along.
        let body = self.cell_height(x, y, px) * whole.max(1.0 - opening);
        if body > 0.0 {
            let lift = body - ice * 0.6;
            let cover = smoothstep(0.0, 0.5e-6, lift);
            // A smooth union: the ice runs up the cell's foot.
            let foot = 0.8e-6;
            let blend = (0.5 + 0.5 * lift / foot).clamp(0.0, 1.0);
            height += lift * blend + 0.5 * foot * blend * (1.0 - blend);
            thickness += body * cover;
            let skin = Response::of(Material::Cell).times(1.0 + 0.10 * fine);
            response = response.mix(skin, 0.85 * cover);
            if cover > 0.5 {
                material = Material::Cell;
            }
        }

        for f in self.frost.near(x, y) {
            let (d, cover) = crystal(f, x, y, px);
            if cover > 0.0 && material != Material::Vacuum {
                height += f.height * d;
                response = response.mix(Response::of(Material::Frost), 0.8 * cover);
                thickness += f.height * d;
            }
        }
        Surface {
            height,
            thickness,
            material,
            response,
        }
    }

    /// How high the cells stand at (x, y), m.
    fn cell_height(&self, x: f32, y: f32, px: f32) -> f32 {
        let mut high: f32 = 0.0;
        for b in self.cells.near(x, y) {
            let (dx, dy) = (x - b.x, y - b.y);
            let (p, q) = (
                (dx * b.turn[0] + dy * b.turn[1]) / b.along,
                (dy * b.turn[0] - dx * b.turn[1]) / b.across,
            );
            let r2 = p * p + q * q;
            if r2 < 2.2 {
                let outline = 1.0 + 0.42 * self.noise.octaves(x + b.along, y, 11e-6, 2, px);
                let inside = 1.0 - r2 * outline;
                if inside > 0.0 {
                    let dome = inside * (2.0 - inside);
                    let lumps = 1.0 + 0.16 * self.noise.octaves(x, y + b.across, 3.6e-6, 4, px);
                    high = high.max(b.height * dome * lumps);
                }
            }
        }
        high
    }
}

impl Relief for Grid {
    fn at(&self, x: f32, y: f32, px: f32, face: Face) -> Surface {
        if let Some(outside) = mesh::surroundings(&self.noise, x, y, px) {
            return outside;
        }
        let ragged = 0.7e-6 * self.noise.octaves(x, y, 14e-6, 3, px);
        let c = mesh::cell(x, y, ragged);
        let s = self.square(c.col, c.row);
        match face {
            Face::Top => self.top(&c, s, x, y, px),
            Face::Under => self.under(&c, s, x, y, px),
        }
    }

    fn bounds(&self) -> (f32, f32) {
        (FLOOR - 3e-6, 91e-6)
    }
}

/// 1 in the middle of an opening, 0 at its bars.
fn bowl(c: &mesh::Cell) -> f32 {
    let f = |v: f32| (1.0 - (v / OPENING).powi(2)).max(0.0);
    f(c.u) * f(c.v)
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
    let h = hash(17, (x / size + bend).floor() as i64, (y / size + twist).floor() as i64);
    (unit(h, 0) * 2.0 - 1.0) * fade
}

/// Relative height (0..1) and cover (0..1) of an ice crystal: a hexagon with a blunt top.
pub(super) fn crystal_at(dx: f32, dy: f32, radius: f32, turn: [f32; 2], px: f32) -> (f32, f32) {
    let (a, b) = (dx * turn[0] + dy * turn[1], dy * turn[0] - dx * turn[1]);
    let d = a
        .abs()
        .max((0.5 * a + 0.866 * b).abs())
        .max((0.5 * a - 0.866 * b).abs());
    let soft = px.max(0.08 * radius);
    let cover = (1.0 - smoothstep(radius - soft, radius + soft, d)) * (radius / px).powi(2).min(1.0);
    ((1.9 * (1.0 - d / radius)).clamp(0.0, 1.0) * cover, cover)
}

fn crystal(b: &Bump, x: f32, y: f32, px: f32) -> (f32, f32) {
    crystal_at(x - b.x, y - b.y, b.along, b.turn, px)
}

fn direction(angle: f32) -> [f32; 2] {
    [angle.cos(), angle.sin()]
}

fn square(seed: u64, col: i32, row: i32) -> Square {
    let h = hash(seed ^ 0x5a5a, i64::from(col), i64::from(row));
    let central = col == 0 && row == 0;
    let fate = if central { 1.0 } else { unit(h, 0) };
    Square {
        ice: if central { 0.02e-6 } else { (unit(h, 1) - 0.5) * 0.5e-6 },
        rags: (fate < 0.09).then(|| 2e-6 + 16e-6 * unit(h, 2)),
        tear: (0.09..0.16).contains(&fate).then(|| {
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

fn cells(seed: u64) -> Vec<Bump> {
    let mut out = Vec::new();
    let bump = |x: f32, y: f32, h: u64| {
        let along = 6e-6 + 9e-6 * unit(h, 12) * unit(h, 13);
        let across = along * (0.55 + 0.4 * unit(h, 14));
        let height = across * (0.38 + 0.30 * unit(h, 15));
        Bump {
            x,
            y,
            along,
            across,
            turn: direction(unit(h, 16) * 6.3),
            height,
            reach: along * 1.48,
        }
    };
    for row in -TRAITS..=TRAITS {
        for col in -TRAITS..=TRAITS {
            let h = hash(seed ^ 0xce11, i64::from(col), i64::from(row));
            // Cells settle unevenly: some regions are crowded, some bare.
            let crowd = unit(
                hash(
                    seed ^ 0xc0de,
                    i64::from(col.div_euclid(4)),
                    i64::from(row.div_euclid(4)),
                ),
                0,
            );
            let mut count = ((unit(h, 0) * 3.2 * (0.3 + crowd)) as usize).min(4);
            if col == 0 && row == 0 {
                count = 2;
            }
            for k in 0..count {
                let own = hash(h, k as i64, 77);
                let (x, y) = if col == 0 && row == 0 {
                    // The first view has something to look at beside, not under, the crosshair.
                    (
                        [20e-6, -24e-6][k] + 6e-6 * unit(own, 1),
                        [11e-6, -17e-6][k] + 6e-6 * unit(own, 2),
                    )
                } else {
                    let place = |n| (unit(own, n) - 0.5) * 2.1 * OPENING;
                    (col as f32 * mesh::PITCH + place(1), row as f32 * mesh::PITCH + place(2))
                };
                out.push(bump(x, y, own));
            }
        }
    }
    out
}

/// Frost: `per_square` crystals for each square, many small, few large.
pub(super) fn frost_sites(seed: u64, per_square: i64) -> impl Iterator<Item = (f32, f32, f32, [f32; 2])> {
    (-TRAITS..=TRAITS)
        .flat_map(move |row| (-TRAITS..=TRAITS).map(move |col| (col, row)))
        .flat_map(move |(col, row)| {
            let h = hash(seed ^ 0xf7057, i64::from(col), i64::from(row));
            let count = (unit(h, 0) * 2.0 * per_square as f32) as i64;
            (0..count).map(move |k| {
                let own = hash(h, k, 5);
                let x = (col as f32 + unit(own, 0) - 0.5) * mesh::PITCH;
                let y = (row as f32 + unit(own, 1) - 0.5) * mesh::PITCH;
                let radius = 0.14e-6 / (0.09 + unit(own, 2)) + 0.05e-6;
                (x, y, radius, direction(unit(own, 3) * 6.3))
            })
        })
}

fn frost(seed: u64, per_square: i64) -> Vec<Bump> {
    frost_sites(seed, per_square)
        .map(|(x, y, radius, turn)| Bump {
            x,
            y,
            along: radius,
            across: radius,
            turn,
            height: 0.8 * radius,
            reach: radius * 1.6 + 2e-6,
        })
        .collect()
}
