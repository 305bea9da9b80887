//! Rays through columns: each spends its dose in the matter it meets, and only there.
//!
//! A ray's dose buys depth along the beam: dose x the rate of the stuff that is really there x the factor of the angle under
//! which the ray first met a surface. It takes whole pieces (one ray in one column) while it can pay and a part of the last,
//! so the volume that goes is the volume that was paid for.

use super::columns::{Columns, Key};
use super::materials::Rates;
use super::redeposit::{self, End};
use super::sweep::{Lattice, Walker, mirrored};
use super::tile::{Run, Tile, push};
use crate::sim::specimen::material::COUNT;
use rayon::prelude::*;

/// Columns of one slice as they are after something was done to them; columns that are not named are unchanged.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Layer, and where the column's runs end.
    pub columns: Vec<(i64, u32)>,
    pub runs: Vec<Run>,
}

impl Changed {
    /// The runs of the n-th changed column.
    pub fn range(&self, n: usize) -> std::ops::Range<usize> {
        let start = n.checked_sub(1).map_or(0, |before| self.columns[before].1 as usize);
        start..self.columns[n].1 as usize
    }

    /// Ends the column whose runs begin at `first`; they were pushed as the beam walks them.
    pub fn close(&mut self, layer: i64, first: usize, mirror: bool) {
        if mirror {
            self.runs[first..].reverse();
            self.runs[first..].iter_mut().for_each(|run| *run = mirrored(run));
        }
        self.columns.push((layer, self.runs.len() as u32));
    }
}

/// What a cut did (m3).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cut {
    /// Sputtered away.
    pub removed: f64,
    /// Of it, what landed in the cut again.
    pub redeposited: f64,
}

/// Rays whose dose may be looked at together.
const CHUNK: usize = 16;
/// A surface's slope is taken over this many columns either side: what a collision cascade and a rough face even out.
const SLOPE: i64 = 4;

/// Sends the rays through the sheet and leaves in the lattice what they did not spend.
pub(super) fn cut(columns: &mut Columns, lattice: &mut Lattice, rates: &Rates, when: &Schedule) -> Cut {
    let (layers, tops) = survey(columns, lattice);
    let sheet: &Columns = columns;
    let cells = lattice.cells.max(1);
    let mut dose = std::mem::take(&mut lattice.dose);
    let slices: Vec<(Changed, Cut)> = dose
        .par_chunks_mut(cells)
        .enumerate()
        .map(|(i, dose)| {
            if dose.iter().all(|d| *d <= 0.0) {
                return Default::default();
            }
            let walker = Walker::new(sheet, lattice.sweep, lattice.first_slice + i as i64);
            let slice = Slice::new(lattice, i, dose, rates, &tops, layers);
            slice.walk(walker, layers, when)
        })
        .collect();
    lattice.dose = dose;
    let mut cut = Cut::default();
    let mut changed = Vec::with_capacity(slices.len());
    for (columns, part) in slices {
        cut.removed += part.removed;
        cut.redeposited += part.redeposited;
        changed.push(columns);
    }
    apply(columns, lattice, &changed);
    cut
}

/// When each place is scanned, and how wide the cut is across the beam (m).
pub(super) struct Schedule<'a> {
    pub when: &'a (dyn Fn(f64, f64) -> Option<f64> + Sync),
    pub width: f64,
}

/// Layers in which rays may meet matter, and the top of each column as the beam walks it.
fn survey(columns: &Columns, lattice: &Lattice) -> ((i64, i64), Vec<f32>) {
    let (lo, hi) = columns.heights();
    if lo > hi {
        return ((0, 0), Vec::new());
    }
    let sweep = &lattice.sweep;
    let (lo, hi) = if sweep.mirror { (-hi, -lo) } else { (lo, hi) };
    let reach = lattice.layers(lo, hi);
    // Only where there are tiles of this fineness.
    let side = i64::from(sweep.side);
    let corners = |key: Key| {
        let (x, y) = (i64::from(key.0) * side, i64::from(key.1) * side);
        [
            (x, y),
            (x + side - 1, y),
            (x, y + side - 1),
            (x + side - 1, y + side - 1),
        ]
        .map(|(x, y)| sweep.slice_of(x, y))
    };
    let last = lattice.first_slice + lattice.slices as i64;
    let mut layers = (i64::MAX, i64::MIN);
    for (key, tile) in columns.iter() {
        let at = corners(key);
        let inside = at.iter().any(|c| c.0 >= lattice.first_slice) && at.iter().any(|c| c.0 < last);
        if inside && i64::from(tile.side()) == side && !tile.is_empty() {
            let from = at.iter().map(|c| c.1).min().unwrap_or(0).max(reach.0);
            let to = (at.iter().map(|c| c.1).max().unwrap_or(0) + 1).min(reach.1);
            if from < to {
                layers = (layers.0.min(from), layers.1.max(to));
            }
        }
    }
    if layers.0 >= layers.1 {
        return ((0, 0), Vec::new());
    }
    let count = (layers.1 - layers.0) as usize;
    let mut tops = vec![f32::NEG_INFINITY; count * lattice.slices];
    tops.par_chunks_mut(count).enumerate().for_each(|(i, out)| {
        let mut walker = Walker::new(columns, *sweep, lattice.first_slice + i as i64);
        let mut layer = layers.0;
        while layer < layers.1 {
            match walker.column(layer) {
                None => layer = walker.next_tile(layer),
                Some(runs) => {
                    let top = if sweep.mirror {
                        runs.first().map(|r| -r.lo)
                    } else {
                        runs.last().map(|r| r.hi)
                    };
                    out[(layer - layers.0) as usize] = top.unwrap_or(f32::NEG_INFINITY);
                    layer += 1;
                }
            }
        }
    });
    (layers, tops)
}

/// One slice that is being cut.
struct Slice<'a> {
    lattice: &'a Lattice,
    index: usize,
    /// What each ray can still pay.
    dose: &'a mut [f32],
    /// The angle's factor of each ray; 0 before it met anything.
    gain: Vec<f32>,
    rates: &'a Rates,
    /// The angle's factor on an upright wall.
    wall: f32,
    /// Charge per area for one ray through one column of each stuff.
    cost: [f32; COUNT],
    tops: &'a [f32],
    layers: (i64, i64),
    out: Changed,
    /// What is left of the column at hand, run by run from the top, each from its bottom.
    left: Vec<Run>,
    /// Volume that went, as height of columns, and the same times its share that lands again.
    gone: f64,
    loose: f64,
    ends: Vec<End>,
}

/// What is left of a run so far: from, to, and whether all of it is remainders that may be moved.
struct Chain {
    from: f64,
    to: f64,
    loose: bool,
}

/// A run that is being cut: the rays it spans, its layer and the factor of its surface.
struct Piece {
    run: Run,
    from: f64,
    to: f64,
    layer: i64,
    top: bool,
    /// The surface it shows, once a ray asked for it.
    surface: Option<Surface>,
}

/// How a run faces the beam.
#[derive(Clone, Copy)]
struct Surface {
    /// The angle's factor on its top.
    factor: f32,
    /// Rays further below the top than this came in by a wall.
    rim: f64,
}

impl<'a> Slice<'a> {
    fn new(
        lattice: &'a Lattice,
        index: usize,
        dose: &'a mut [f32],
        rates: &'a Rates,
        tops: &'a [f32],
        layers: (i64, i64),
    ) -> Self {
        let path = lattice.sweep.path();
        Slice {
            lattice,
            index,
            gain: vec![0.0; dose.len()],
            dose,
            wall: rates.incidence(lattice.sweep.direction()[0]) as f32,
            rates,
            cost: std::array::from_fn(|m| (path / rates.rate[m].max(1e-15)) as f32),
            tops,
            layers,
            out: Changed::default(),
            left: Vec::new(),
            gone: 0.0,
            loose: 0.0,
            ends: Vec::new(),
        }
    }

    fn walk(mut self, mut walker: Walker, layers: (i64, i64), when: &Schedule) -> (Changed, Cut) {
        let sweep = &self.lattice.sweep;
        let (mirror, cells) = (sweep.mirror, self.dose.len() as f64);
        let (mut turned, mut ends): (Vec<Run>, Vec<usize>) = Default::default();
        let mut layer = layers.0;
        while layer < layers.1 {
            let Some(runs) = walker.column(layer) else {
                layer = walker.next_tile(layer);
                continue;
            };
            let runs = if mirror {
                turned.clear();
                turned.extend(runs.iter().rev().map(mirrored));
                &turned
            } else {
                runs
            };
            let mut changed = false;
            self.left.clear();
            ends.clear();
            // A steep ray meets the upper run of a column first.
            for (n, run) in runs.iter().enumerate().rev() {
                let (from, to) = (self.lattice.ray(run.lo, layer), self.lattice.ray(run.hi, layer));
                if to <= 0.0 || from >= cells {
                    self.left.push(*run);
                } else {
                    changed |= self.spend(Piece {
                        run: *run,
                        from,
                        to,
                        layer,
                        top: n + 1 == runs.len(),
                        surface: None,
                    });
                }
                ends.push(self.left.len());
            }
            if changed {
                let first = self.out.runs.len();
                for n in (0..ends.len()).rev() {
                    let start = n.checked_sub(1).map_or(0, |before| ends[before]);
                    let part = &self.left[start..ends[n]];
                    part.iter().for_each(|run| push(&mut self.out.runs, first, *run));
                }
                self.out.close(layer, first, mirror);
            }
            layer += 1;
        }
        self.finish(when)
    }

    /// Redeposits what was caught, and gives back what was not spent in the units it came in.
    fn finish(mut self, when: &Schedule) -> (Changed, Cut) {
        let area = self.lattice.sweep.pitch.powi(2);
        let met = self.gain.iter().filter(|g| **g > 0.0).count();
        let mut cut = Cut {
            removed: self.gone * area,
            redeposited: 0.0,
        };
        if met > 0 && !self.ends.is_empty() {
            // Rays that came through carry what they sputtered out behind; the others dug a hole.
            let blind = (self.ends.len() as f64 / met as f64).min(1.0);
            let depth = cut.removed / (met as f64 * self.lattice.sweep.section());
            let aspect = depth / when.width.max(1e-9);
            let landing = self.loose * blind * aspect / (1.0 + aspect);
            let weight = |end: &End| {
                let [u, v] = self.lattice.picture(self.index as f64, f64::from(end.ray));
                (when.when)(u, v).map_or(1.0, |t| 2.0 * (1.0 - t))
            };
            let landed = redeposit::settle(&mut self.out, &self.ends, landing, self.lattice.sweep.mirror, weight);
            cut.redeposited = landed * area;
        }
        for (dose, gain) in self.dose.iter_mut().zip(&self.gain) {
            if *gain > 0.0 {
                *dose /= gain;
            }
        }
        (self.out, cut)
    }

    /// Takes from one run what its rays can pay, and puts the rest on the list. Whether anything went.
    fn spend(&mut self, mut piece: Piece) -> bool {
        let cost = self.cost[piece.run.material as usize];
        let before = self.gone;
        let last = (piece.to.min(self.dose.len() as f64)).ceil() as usize;
        let whole = piece.to.min(self.dose.len() as f64).floor() as usize;
        let mut k = piece.from.max(0.0).floor() as usize;
        let mut chain = (piece.from < 0.0).then_some(Chain {
            from: piece.from,
            to: 0.0,
            loose: false,
        });
        while k < last {
            if k as f64 >= piece.from && k + CHUNK <= whole {
                let dose = &mut self.dose[k..k + CHUNK];
                let (least, most) = dose
                    .iter()
                    .fold((f32::INFINITY, 0.0f32), |m, d| (m.0.min(*d), m.1.max(*d)));
                if most <= 0.0 {
                    self.keep(&piece, &mut chain, k as f64, (k + CHUNK) as f64);
                    k += CHUNK;
                    continue;
                }
                if least >= cost && self.gain[k..k + CHUNK].iter().all(|g| *g > 0.0) {
                    dose.iter_mut().for_each(|d| *d -= cost);
                    self.take(&piece, &mut chain, CHUNK as f64);
                    k += CHUNK;
                    continue;
                }
            }
            let (from, to) = (piece.from.max(k as f64), piece.to.min((k + 1) as f64));
            self.pay(&mut piece, &mut chain, k, from, to, cost);
            k += 1;
        }
        let end = self.dose.len() as f64;
        if piece.to > end {
            self.keep(&piece, &mut chain, end, piece.to);
        }
        self.flush(&piece, &mut chain);
        self.gone > before
    }

    /// One ray's piece of a run.
    fn pay(&mut self, piece: &mut Piece, chain: &mut Option<Chain>, k: usize, from: f64, to: f64, cost: f32) {
        let can = self.dose[k];
        if can <= 0.0 {
            self.keep(piece, chain, from, to);
            return;
        }
        if self.gain[k] == 0.0 {
            let surface = match piece.surface {
                Some(surface) => surface,
                None => *piece.surface.insert(self.surface(piece)),
            };
            let factor = if piece.to - (k + 1) as f64 > surface.rim {
                self.wall
            } else {
                surface.factor
            };
            self.gain[k] = factor;
            self.dose[k] *= factor;
        }
        let (can, need) = (self.dose[k], cost * (to - from) as f32);
        if can >= need {
            self.dose[k] = can - need;
            self.take(piece, chain, to - from);
            return;
        }
        self.dose[k] = 0.0;
        let kept = (to - from) * f64::from(1.0 - can / need);
        self.took(piece, to - from - kept);
        match chain {
            Some(chain) => chain.to += kept,
            None => {
                *chain = Some(Chain {
                    from,
                    to: from + kept,
                    loose: true,
                });
            }
        }
        self.ends.push(End {
            column: self.out.columns.len() as u32,
            ray: k as u32,
            height: self.lattice.height(from + kept, piece.layer),
        });
    }

    fn keep(&mut self, piece: &Piece, chain: &mut Option<Chain>, from: f64, to: f64) {
        match chain {
            // Remainders of the rays below are packed against what stays above them.
            Some(chain) if chain.loose => {
                (chain.from, chain.to, chain.loose) = (from - (chain.to - chain.from), to, false)
            }
            Some(chain) if chain.to >= from - 1e-9 => chain.to = to,
            _ => {
                self.flush(piece, chain);
                *chain = Some(Chain { from, to, loose: false });
            }
        }
    }

    fn take(&mut self, piece: &Piece, chain: &mut Option<Chain>, rays: f64) {
        self.took(piece, rays);
        self.flush(piece, chain);
    }

    fn took(&mut self, piece: &Piece, rays: f64) {
        let height = rays * self.lattice.sweep.drop * self.lattice.sweep.merge as f64;
        self.gone += height;
        self.loose += height * self.rates.redeposition[piece.run.material as usize];
    }

    fn flush(&mut self, piece: &Piece, chain: &mut Option<Chain>) {
        if let Some(chain) = chain.take() {
            // Ends that nothing touched stay as they were, to the last bit.
            let lo = if chain.from <= piece.from {
                piece.run.lo
            } else {
                self.lattice.height(chain.from, piece.layer)
            };
            let hi = if chain.to >= piece.to {
                piece.run.hi
            } else {
                self.lattice.height(chain.to, piece.layer)
            };
            self.left.push(Run { lo, hi, ..piece.run });
        }
    }

    /// How the top of a column faces the beam. A slope is what both sides of a place agree on: beside an edge there is none.
    fn surface(&self, piece: &Piece) -> Surface {
        let sweep = &self.lattice.sweep;
        let count = self.layers.1 - self.layers.0;
        let at = |slice: i64, layer: i64| {
            let inside =
                (0..self.lattice.slices as i64).contains(&slice) && (self.layers.0..self.layers.1).contains(&layer);
            let top = inside.then(|| self.tops[(slice * count + layer - self.layers.0) as usize]);
            f64::from(top.unwrap_or(f32::NEG_INFINITY))
        };
        let (i, here) = (self.index as i64, f64::from(piece.run.hi));
        let slope = |before: f64, after: f64| {
            let (a, b) = (here - before, after - here);
            // What lies under another run is taken to be level.
            let rise = if piece.top && a * b > 0.0 {
                a.abs().min(b.abs()).copysign(a)
            } else {
                0.0
            };
            rise / (SLOPE as f64 * sweep.pitch)
        };
        let forward = slope(at(i, piece.layer - SLOPE), at(i, piece.layer + SLOPE));
        let sideways = slope(at(i - SLOPE, piece.layer), at(i + SLOPE, piece.layer));
        let [f, s, d] = sweep.direction();
        let cosine = (f * forward + s * sideways + d) / (1.0 + forward * forward + sideways * sideways).sqrt();
        Surface {
            factor: self.rates.incidence(cosine.max(0.02)) as f32,
            // As many rays as first meet a layer of this slope, and one for the unevenness of steps.
            rim: 1.0 + (1.0 + forward.max(0.0) * sweep.pitch / sweep.drop) / sweep.merge as f64,
        }
    }
}

/// Puts changed columns in place of those before, tile by tile.
pub(super) fn apply(columns: &mut Columns, lattice: &Lattice, slices: &[Changed]) {
    let sweep = &lattice.sweep;
    let side = i64::from(sweep.side);
    let n = usize::from(sweep.side);
    let last = lattice.first_slice + lattice.slices as i64;
    let rebuilt: Vec<(Key, Tile)> = columns
        .iter()
        .collect::<Vec<_>>()
        .into_par_iter()
        .filter(|(_, tile)| i64::from(tile.side()) == side)
        .filter_map(|(key, tile)| {
            let (x0, y0) = (i64::from(key.0) * side, i64::from(key.1) * side);
            let corners = [
                (x0, y0),
                (x0 + side - 1, y0),
                (x0, y0 + side - 1),
                (x0 + side - 1, y0 + side - 1),
            ];
            let at = corners.map(|(x, y)| sweep.slice_of(x, y));
            let range = |pick: fn(&(i64, i64)) -> i64| {
                let all = at.iter().map(pick);
                (all.clone().min().unwrap_or(0), all.max().unwrap_or(0))
            };
            // A slice may wander by one between the corners.
            let (slice, layer) = (range(|c| c.0), range(|c| c.1));
            let from = (slice.0 - 1).max(lattice.first_slice);
            let to = (slice.1 + 2).min(last);
            let mut edits: Vec<Option<(u32, u32)>> = Vec::new();
            for i in from..to {
                let index = (i - lattice.first_slice) as usize;
                let changed = &slices[index];
                let first = changed.columns.partition_point(|c| c.0 < layer.0);
                let end = changed.columns.partition_point(|c| c.0 <= layer.1);
                for c in first..end {
                    let (x, y) = sweep.column(i, changed.columns[c].0);
                    let (x, y) = (x - x0, y - y0);
                    if (0..side).contains(&x) && (0..side).contains(&y) {
                        if edits.is_empty() {
                            edits = vec![None; n * n];
                        }
                        edits[x as usize * n + y as usize] = Some((index as u32, c as u32));
                    }
                }
            }
            (!edits.is_empty()).then(|| {
                let tile = Tile::build(sweep.side, |column, runs| match edits[column] {
                    Some((slice, c)) => {
                        let changed = &slices[slice as usize];
                        runs.extend_from_slice(&changed.runs[changed.range(c as usize)]);
                    }
                    None => runs.extend_from_slice(tile.column(column)),
                });
                (key, tile)
            })
        })
        .collect();
    for (key, tile) in rebuilt {
        columns.set(key, tile);
    }
}
