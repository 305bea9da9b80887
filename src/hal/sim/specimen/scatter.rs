//! What settles on a grid: cells and frost, scattered by the seed and found by bins.

use super::bins::{Bins, Placed};
use super::mesh::{OPENING, PITCH, REACH};
use super::noise::{Noise, Texture, ease, hash, unit};
use super::run::{RUN, Run, Values};

/// How a cell sits on the film.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Habit {
    /// A droplet: yeast, or a cell that has just settled.
    Round,
    /// Spread thin, with the nucleus standing up in the middle.
    Spread,
}

#[derive(Clone, Debug)]
struct Body {
    x: f32,
    y: f32,
    along: f32,
    across: f32,
    turn: [f32; 2],
    height: f32,
    habit: Habit,
}

impl Placed for Body {
    fn centre(&self) -> [f32; 2] {
        [self.x, self.y]
    }
    fn reach(&self) -> f32 {
        self.along * 1.42
    }
}

/// The cells of a grid.
#[derive(Debug)]
pub(super) struct Cells(Bins<Body>);

impl Cells {
    pub fn new(seed: u64) -> Self {
        let mut bodies = Vec::new();
        for (col, row) in squares() {
            let h = hash(seed ^ 0xce11, col, row);
            // Cells settle unevenly: some regions are crowded, some bare.
            let crowd = unit(hash(seed ^ 0xc0de, col.div_euclid(4), row.div_euclid(4)), 0);
            let central = col == 0 && row == 0;
            let count = if central {
                3
            } else {
                (unit(h, 0) * 5.0 * (0.25 + crowd)) as usize
            };
            for k in 0..count {
                let own = hash(h, k as i64, 77);
                let (x, y) = if central {
                    // The first view has something to look at beside, not under, the crosshair.
                    let near = [[23e-6, 12e-6], [-25e-6, -17e-6], [-8e-6, 27e-6]][k];
                    (
                        near[0] + 6e-6 * (unit(own, 1) - 0.5),
                        near[1] + 6e-6 * (unit(own, 2) - 0.5),
                    )
                } else {
                    let place = |i: i64, n| i as f32 * PITCH + (unit(own, n) - 0.5) * 2.1 * OPENING;
                    (place(col, 1), place(row, 2))
                };
                bodies.push(body(x, y, own, central));
            }
        }
        Cells(Bins::new(&bodies, REACH, 12e-6))
    }

    /// How high the cells stand at each place, m, 0 between them; `None` where there are none.
    pub fn heights(&self, noise: &Noise, run: &Run) -> Option<Values> {
        let mut high: Option<Values> = None;
        let (low, top) = run.corners(0.0);
        for b in self.0.within(low, top) {
            let mut r2 = [0.0; RUN];
            let mut least = f32::MAX;
            for (i, slot) in r2.iter_mut().enumerate().take(run.n) {
                let (dx, dy) = (run.x[i] - b.x, run.y[i] - b.y);
                let p = (dx * b.turn[0] + dy * b.turn[1]) / b.along;
                let q = (dy * b.turn[0] - dx * b.turn[1]) / b.across;
                *slot = p * p + q * q;
                least = least.min(*slot);
            }
            if least > 2.0 {
                continue;
            }
            let outline = run.texture(noise, &Texture::new(12e-6, 2).shifted(b.along, 0.0));
            let lumps = run.texture(noise, &Texture::new(3.2e-6, 5).shifted(0.0, b.across));
            let wild = if b.habit == Habit::Spread { 0.8 } else { 0.25 };
            let high = high.get_or_insert([0.0; RUN]);
            for i in 0..run.n {
                let inside = 1.0 - r2[i] * (1.0 + wild * outline[i]);
                let inside = if r2[i] > 2.0 { 0.0 } else { inside.max(0.0) };
                let profile = match b.habit {
                    Habit::Round => inside.sqrt() * (0.75 + 0.25 * inside),
                    Habit::Spread => 0.30 * inside.sqrt() + 0.70 * ease((inside - 0.25) * (1.0 / 0.70)),
                };
                high[i] = high[i].max(b.height * profile * (1.0 + 0.13 * lumps[i]));
            }
        }
        high
    }
}

fn body(x: f32, y: f32, h: u64, round: bool) -> Body {
    let habit = if round || unit(h, 11) < 0.55 {
        Habit::Round
    } else {
        Habit::Spread
    };
    let (along, steep) = match habit {
        Habit::Round => (3.5e-6 + 5e-6 * unit(h, 12), 0.62 + 0.25 * unit(h, 15)),
        Habit::Spread => (10e-6 + 13e-6 * unit(h, 12), 0.22 + 0.14 * unit(h, 15)),
    };
    let across = along * (0.65 + 0.35 * unit(h, 14));
    Body {
        x,
        y,
        along,
        across,
        turn: direction(unit(h, 16) * 6.3),
        height: across * steep,
        habit,
    }
}

#[derive(Clone, Debug)]
struct Crystal {
    x: f32,
    y: f32,
    radius: f32,
    turn: [f32; 2],
}

impl Placed for Crystal {
    fn centre(&self) -> [f32; 2] {
        [self.x, self.y]
    }
    fn reach(&self) -> f32 {
        self.radius * 1.25 + 0.3e-6
    }
}

/// Ice crystals that fell on the grid after freezing: many small, few large, some in clumps.
#[derive(Debug)]
pub(super) struct Frost(Bins<Crystal>);

impl Frost {
    /// About `per_square` crystals for each square of the mesh.
    pub fn new(seed: u64, per_square: f32) -> Self {
        let mut crystals = Vec::new();
        for (col, row) in squares() {
            let h = hash(seed ^ 0xf7057, col, row);
            let count = (unit(h, 0) * 2.0 * per_square) as i64;
            let mut clump = None;
            for k in 0..count {
                let own = hash(h, k, 5);
                let mut x = (col as f32 + unit(own, 0) - 0.5) * PITCH;
                let mut y = (row as f32 + unit(own, 1) - 0.5) * PITCH;
                let mut radius = 0.10e-6 / (0.055 + unit(own, 2)) + 0.06e-6;
                // Every tenth starts a clump that the next few join.
                match clump {
                    Some((cx, cy, left)) if left > 0 => {
                        (x, y) = (cx + (unit(own, 0) - 0.5) * 7e-6, cy + (unit(own, 1) - 0.5) * 7e-6);
                        radius += 0.5e-6 * unit(own, 4);
                        clump = Some((cx, cy, left - 1));
                    }
                    _ if unit(own, 5) < 0.04 => clump = Some((x, y, 7)),
                    _ => {}
                }
                crystals.push(Crystal {
                    x,
                    y,
                    radius,
                    turn: direction(unit(own, 3) * 6.3),
                });
            }
        }
        Frost(Bins::new(&crystals, REACH, 4e-6))
    }

    /// Height (m) and cover (0..1) of the crystals at each place, hexagons with blunt tops; `None` where there are none.
    pub fn lie(&self, run: &Run) -> Option<(Values, Values)> {
        let px = run.px();
        let mut found = None;
        let (low, top) = run.corners(px);
        for c in self.0.within(low, top) {
            let soft = px.max(0.08 * c.radius);
            let small = (c.radius / px).min(1.0);
            let (share, per_radius, per_soft) = (small * small, c.radius.recip(), 0.5 / soft);
            let (height, cover) = found.get_or_insert(([0.0f32; RUN], [0.0f32; RUN]));
            for i in 0..run.n {
                let (dx, dy) = (run.x[i] - c.x, run.y[i] - c.y);
                let (a, b) = (dx * c.turn[0] + dy * c.turn[1], dy * c.turn[0] - dx * c.turn[1]);
                let d = a
                    .abs()
                    .max((0.5 * a + 0.866 * b).abs())
                    .max((0.5 * a - 0.866 * b).abs());
                let own = (1.0 - ease((d - c.radius) * per_soft + 0.5)) * share;
                let blunt = (1.9 * (1.0 - d * per_radius)).clamp(0.0, 1.0);
                height[i] = height[i].max(0.8 * c.radius * blunt * own);
                cover[i] = cover[i].max(own);
            }
        }
        found
    }
}

/// Columns and rows of every square that may hold something.
fn squares() -> impl Iterator<Item = (i64, i64)> {
    let most = (REACH / PITCH) as i64;
    (-most..=most).flat_map(move |row| (-most..=most).map(move |col| (col, row)))
}

pub(super) fn direction(angle: f32) -> [f32; 2] {
    [angle.cos(), angle.sin()]
}
