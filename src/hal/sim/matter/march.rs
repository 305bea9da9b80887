//! All slices of a beam through a sheet: worked on apart (`spend`), put back together tile by tile.

use super::columns::{Columns, Key};
use super::materials::Rates;
use super::spend::Slice;
use super::surface;
use super::sweep::{Lattice, Sweep, Walker, mirrored};
use super::tile::{Run, Tile};
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

/// Sends the rays through the sheet and leaves in the lattice what they did not spend.
pub(super) fn cut(columns: &mut Columns, lattice: &mut Lattice, rates: &Rates, when: &Schedule) -> Cut {
    let layers = layers(columns, lattice);
    let sheet: &Columns = columns;
    let cells = lattice.cells.max(1);
    let mut dose = std::mem::take(&mut lattice.dose);
    // surfaces are evened out over many slices: a few of them are looked at
    let every = surface::spacing(&lattice.sweep);
    let mut gains = vec![0.0; lattice.slices.div_ceil(every) * cells];
    gains.par_chunks_mut(cells).enumerate().for_each(|(n, gains)| {
        let i = n * every;
        let walker = Walker::new(sheet, lattice.sweep, lattice.first_slice + i as i64);
        surface::gains(lattice, walker, &dose[i * cells..][..cells], layers, rates, gains);
    });
    surface::even(&mut gains, &lattice.sweep, cells, rates);
    let slices: Vec<(Changed, Cut)> = dose
        .par_chunks_mut(cells)
        .enumerate()
        .map(|(i, dose)| {
            if dose.iter().all(|dose| *dose <= 0.0) {
                return Default::default();
            }
            let gain = &gains[i / every * cells..][..cells];
            Slice::new(sheet, lattice, i, (dose, gain), rates, layers).walk(when)
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

/// Layers in which rays may meet matter: where there are tiles of this fineness.
fn layers(columns: &Columns, lattice: &Lattice) -> (i64, i64) {
    let (lo, hi) = columns.heights();
    if lo > hi {
        return (0, 0);
    }
    let sweep = &lattice.sweep;
    let (lo, hi) = if sweep.mirror { (-hi, -lo) } else { (lo, hi) };
    let reach = lattice.layers(lo, hi);
    let side = i64::from(sweep.side);
    let last = lattice.first_slice + lattice.slices as i64;
    let mut layers = (i64::MAX, i64::MIN);
    for (key, tile) in columns.iter() {
        let at = corners(sweep, key);
        let inside = at.iter().any(|c| c.0 >= lattice.first_slice) && at.iter().any(|c| c.0 < last);
        if inside && i64::from(tile.side()) == side && !tile.is_empty() {
            let from = at.iter().map(|c| c.1).min().unwrap_or(0).max(reach.0);
            let to = (at.iter().map(|c| c.1).max().unwrap_or(0) + 1).min(reach.1);
            if from < to {
                layers = (layers.0.min(from), layers.1.max(to));
            }
        }
    }
    if layers.0 < layers.1 { layers } else { (0, 0) }
}

/// Slice and layer of a tile's corners.
fn corners(sweep: &Sweep, key: Key) -> [(i64, i64); 4] {
    let side = i64::from(sweep.side);
    let (x, y) = (i64::from(key.0) * side, i64::from(key.1) * side);
    let last = side - 1;
    [(x, y), (x + last, y), (x, y + last), (x + last, y + last)].map(|(x, y)| sweep.slice_of(x, y))
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
            let at = corners(sweep, key);
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
