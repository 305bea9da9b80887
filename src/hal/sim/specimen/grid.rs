//! Scene `grid`: plunge-frozen cells on a 200 mesh gold grid with R1.2/0.8 holey carbon.
//!
//! Bars, film with holes, ice of varying thickness that hides them, cells, broken squares, tears and frost.

use super::film::{Ground, PER_OPENING, Square, Tones, edge, hole, ice, sag};
use super::mesh::{self, BAR, FLOOR};
use super::noise::{Noise, Texture, ease, hash, mix, smoothstep, split, unit};
use super::run::{self, RUN, Run, Values};
use super::scatter::{self, Frost};
use super::{Channel, Face, Line, Material, Place, Relief, Surface};
use std::ops::Range;

/// Squares on either side of the middle one in the table of their traits.
const TRAITS: i32 = 13;

#[derive(Debug)]
pub(super) struct Grid {
    noise: Noise,
    squares: Vec<Square>,
    cells: scatter::Cells,
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
            cells: scatter::Cells::new(seed),
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

    /// Places of a run that lie in one square, on the top face.
    fn top(&self, s: &Square, c: &Cells, run: &Run, places: Range<usize>, look: &mut Look) {
        let px = run.px();
        let bars = &c.bar[places.clone()];
        let (low, high) = bars
            .iter()
            .fold((f32::MAX, f32::MIN), |(low, high), &bar| (low.min(bar), high.max(bar)));
        // Bars are ragged where they end, and film is broken only in the opening.
        let clear = (2e-6 + px).max(FOOT);
        if high < -clear && s.is_whole() {
            look.lay::<true, false>(s, c, run.line, places, &([1.0; RUN], [1.0; RUN], [0.0; RUN]));
            return;
        }
        if low > clear && run.line.channel != Channel::Ion {
            look.lay::<false, true>(s, c, run.line, places, &([0.0; RUN], [1.0; RUN], [0.0; RUN]));
            return;
        }
        let (mut c, mut opening, mut whole, mut orientation) = (*c, [0.0; RUN], [1.0; RUN], [0.0; RUN]);
        let soft = px.max(FOOT);
        for i in places.clone() {
            let place = run.place(i);
            c.bar[i] = self.ragged(c.bar[i], &place);
            opening[i] = 1.0 - smoothstep(-soft, soft, c.bar[i]);
            if opening[i] > 0.0 && !s.is_whole() {
                whole[i] = self.whole(s, &c.at(i), &place);
            }
            // Little of the grains comes through the film, and electrons hardly tell them apart anyway.
            if opening[i] < 1.0 && place.channel == Channel::Ion {
                orientation[i] = 0.20 * grain(&self.noise, place.x, place.y, px);
            }
        }
        look.lay::<true, true>(s, &c, run.line, places, &(opening, whole, orientation));
    }

    /// Signed distance into the bars, whose edge is not straight (m).
    fn ragged(&self, bar: f32, &Place { x, y, px, .. }: &Place) -> f32 {
        if bar.abs() < 2e-6 + px {
            bar + 0.7e-6 * self.noise.octaves(x, y, 14e-6, 4, px)
        } else {
            bar
        }
    }

    /// A run of surfaces on the grid itself.
    fn run(&self, run: &Run, out: &mut [Surface]) {
        let n = run.n.min(RUN);
        let mut c = Cells::new(run);
        let mut look = Look::new(run.texture(&self.noise, &FINE), run.texture(&self.noise, &BROAD));
        let mut from = 0;
        while from < n {
            let here = c.at(from);
            let same = |&i: &usize| (c.col[i], c.row[i]) == (here.col, here.row);
            let to = from + (from..n).take_while(same).count();
            for i in from..to {
                c.bar[i] = here.at(c.u[i], c.v[i]).bar;
            }
            let s = self.square(here.col, here.row);
            match run.line.face {
                Face::Top => self.top(s, &c, run, from..to, &mut look),
                Face::Under => {
                    for (i, slot) in out.iter_mut().enumerate().take(to).skip(from) {
                        let place = run.place(i);
                        let bar = self.ragged(c.bar[i], &place);
                        *slot = self.under(&mesh::Cell { bar, ..c.at(i) }, s, &place, look.fine[i]);
                    }
                }
            }
            from = to;
        }
        if run.line.face == Face::Top {
            self.settle(run, &mut look);
            look.show(&mut out[..n]);
        }
    }

    /// Cells stand on the ground and wear a skin of ice; frost lies on everything.
    fn settle(&self, run: &Run, look: &mut Look) {
        let channel = run.line.channel;
        if let Some(cells) = self.cells.heights(&self.noise, run) {
            let skin = Material::Cell.response(channel);
            for (i, cell) in cells.iter().enumerate().take(run.n) {
                // A torn film takes its cells along.
                let body = cell * look.held[i];
                // A smooth union: the ice runs up the cell's foot.
                let (lift, foot) = (body - 0.6 * look.ice[i], 0.6e-6);
                let blend = (0.5 + 0.5 * lift / foot).clamp(0.0, 1.0) * f32::from(body > 0.0);
                look.height[i] += lift * blend + 0.5 * foot * blend * (1.0 - blend);
                look.thickness[i] += body * blend;
                let cover = ease(lift * (1.0 / 0.5e-6));
                let tone = 1.0 + 0.10 * look.fine[i] + 0.06 * look.broad[i];
                look.response[i] = mix(look.response[i], skin * tone, 0.85 * cover);
                look.cell[i] = cover;
            }
        }
        if let Some((crystals, covers)) = self.frost.lie(run) {
            let white = Material::Frost.response(channel);
            for i in 0..run.n {
                if look.solid[i] <= 0.5 {
                    continue;
                }
                look.height[i] += crystals[i];
                look.thickness[i] += crystals[i];
                look.response[i] = mix(look.response[i], white, 0.8 * covers[i]);
                look.frost[i] = covers[i];
            }
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
            let ice = ice(s, c, 0.0);
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
}

/// The film's edge on a bar is at least this soft (m).
const FOOT: f32 = 0.7e-6;

/// The squares of a run's places, by quantity as in [`mesh::Cell`].
#[derive(Clone, Copy)]
struct Cells {
    col: [i32; RUN],
    row: [i32; RUN],
    u: Values,
    v: Values,
    bar: Values,
}

impl Cells {
    /// Bars are not looked for yet.
    fn new(run: &Run) -> Self {
        let none = [0.0; RUN];
        let (mut col, mut row, mut u, mut v) = ([0; RUN], [0; RUN], none, none);
        for i in 0..run.n.min(RUN) {
            let c = mesh::Cell::containing(run.x[i], run.y[i]);
            (col[i], row[i], u[i], v[i]) = (c.col, c.row, c.u, c.v);
        }
        Cells {
            col,
            row,
            u,
            v,
            bar: none,
        }
    }

    fn at(&self, i: usize) -> mesh::Cell {
        mesh::Cell {
            col: self.col[i],
            row: self.row[i],
            u: self.u[i],
            v: self.v[i],
            bar: self.bar[i],
        }
    }
}

/// What a run looks like so far: one array per quantity.
struct Look {
    fine: Values,
    broad: Values,
    height: Values,
    thickness: Values,
    response: Values,
    ice: Values,
    frozen: Values,
    opening: Values,
    /// Share of the film that is there, holes counted as none; and of what holds a cell.
    solid: Values,
    held: Values,
    cell: Values,
    frost: Values,
}

impl Look {
    fn new(fine: Values, broad: Values) -> Self {
        let none = [0.0; RUN];
        Look {
            fine,
            broad,
            height: none,
            thickness: none,
            response: none,
            ice: none,
            frozen: none,
            opening: none,
            solid: none,
            held: none,
            cell: none,
            frost: none,
        }
    }

    /// Lays the ground: for each place the share of opening, of whole film in it, and the orientation of the metal below.
    #[inline(never)]
    fn lay<const FILM: bool, const ON_BAR: bool>(
        &mut self,
        s: &Square,
        c: &Cells,
        line: &Line,
        places: Range<usize>,
        (opening, whole, orientation): &(Values, Values, Values),
    ) {
        let (s, tones) = (*s, Tones::of(line));
        for i in places.start..places.end.min(RUN) {
            let textures = [self.fine[i], self.broad[i]];
            let ground =
                Ground::new::<FILM, ON_BAR>(&s, &c.at(i), opening[i], whole[i], orientation[i], textures, &tones);
            self.height[i] = ground.height;
            self.thickness[i] = ground.thickness;
            self.response[i] = ground.response;
            self.ice[i] = ground.ice;
            self.frozen[i] = ground.frozen;
            self.opening[i] = opening[i];
            self.solid[i] = ground.solid;
            self.held[i] = whole[i].max(1.0 - opening[i]);
        }
    }

    fn show(&self, out: &mut [Surface]) {
        for (i, slot) in out.iter_mut().enumerate() {
            let ground = match (self.opening[i] > 0.5, self.solid[i] > 0.5, self.frozen[i] > 0.4) {
                (false, ..) => Material::Gold,
                (true, false, _) => Material::Vacuum,
                (true, true, false) => Material::Carbon,
                (true, true, true) => Material::Ice,
            };
            *slot = Surface {
                height: self.height[i],
                thickness: self.thickness[i],
                material: match (self.frost[i] > 0.5, self.cell[i] > 0.5) {
                    (true, _) => Material::Frost,
                    (false, true) => Material::Cell,
                    (false, false) => ground,
                },
                response: self.response[i],
            };
        }
    }
}

/// Roughness of every surface, and the slow unevenness of ice.
const FINE: Texture = Texture::new(4.5e-6, 4);
const BROAD: Texture = Texture::new(36e-6, 2).shifted(31e-6, 0.0);

impl Relief for Grid {
    fn at(&self, place: &Place) -> Surface {
        run::one(self, place)
    }

    fn fill(&self, line: &Line, out: &mut [Surface]) {
        mesh::fill(&self.noise, line, out, |run, part| self.run(run, part));
    }

    fn bounds(&self) -> (f32, f32) {
        (FLOOR - 4e-6, 91e-6)
    }
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
