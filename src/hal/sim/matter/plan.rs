//! Which tiles a beam needs: those where its rays may meet matter before their dose is spent; and how fine they should be.

use super::columns::{Columns, Key};
use super::ground::Ground;
use super::sweep::{Sweep, Window};
use super::tile::{COARSEST, FINEST, HIDDEN, TILE, Tile, USUAL};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most columns that one beam may ask for, and that a sheet may hold: about 16 bytes each.
const MOST_AT_ONCE: usize = 4_000_000;
const MOST: usize = 12_000_000;
/// Steep beams get finer columns where that takes no more than this: their walls stand on columns.
const FEW: usize = 750_000;
/// How far a surface may stand out of what a coarse look saw of it: a tile, a block of tiles (m).
const ROUGH: f32 = 0.4e-6;
const BROAD: f32 = 3e-6;
/// Tiles along a block's side.
const BLOCK: i32 = 8;

/// How far rays matter: into solid, and above surfaces (m).
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub deep: f64,
    pub above: f32,
}

/// Tiles in which rays of a window meet matter, or pass close above it.
pub(super) fn tiles(ground: &Ground, columns: &Columns, sweep: &Sweep, window: &Window, reach: Reach) -> BTreeSet<Key> {
    let side = i64::from(sweep.side);
    let (lo, hi) = walked(bounds(ground, columns), sweep.mirror);
    let rise = |z: f32| (f64::from(z) / sweep.drop).clamp(-1e8, 1e8);
    let first = (window.layers.0 as f64 - rise(hi)).floor() as i64;
    let last = (window.layers.1 as f64 - rise(lo)).ceil() as i64;
    let mut blocks: HashMap<Key, Option<(f32, f32)>> = HashMap::new();
    // Way that the last rays to arrive have gone through solid matter, by strip of tiles.
    let mut gone: HashMap<i64, f64> = HashMap::new();
    let mut wanted = BTreeSet::new();
    for row in first.div_euclid(side)..=last.div_euclid(side) {
        let (from, to) = (row * side, (row + 1) * side);
        let swath = (
            ((window.layers.0 - to) as f64 * sweep.drop) as f32,
            ((window.layers.1 - from) as f64 * sweep.drop) as f32,
        );
        let strips = |layer: i64, slice: i64| {
            let (x, y) = sweep.column(slice, layer);
            (x.div_euclid(side) as i32, y.div_euclid(side) as i32)
        };
        let ends = [from, to - 1].map(|l| [window.slices.0, window.slices.1 - 1].map(|s| strips(l, s)));
        let all = ends.iter().flatten();
        let (left, right) = all
            .clone()
            .fold((i32::MAX, i32::MIN), |a, k| (a.0.min(k.0), a.1.max(k.0)));
        let (low, high) = all.fold((i32::MAX, i32::MIN), |a, k| (a.0.min(k.1), a.1.max(k.1)));
        for key in (left..=right).flat_map(|x| (low..=high).map(move |y| (x, y))) {
            let strip = sweep
                .slice_of(i64::from(key.0) * side, i64::from(key.1) * side)
                .0
                .div_euclid(side);
            if gone.get(&strip).is_some_and(|way| *way > reach.deep) {
                continue;
            }
            let (lo, hi, sure) = if let Some(tile) = columns.tile(key) {
                let (lo, hi) = walked((tile.lo, tile.hi), sweep.mirror);
                (lo, hi, None)
            } else {
                let block = (key.0.div_euclid(BLOCK), key.1.div_euclid(BLOCK));
                let seen = *blocks.entry(block).or_insert_with(|| broad(ground, block));
                let Some((lo, hi)) = seen.map(|b| walked(b, sweep.mirror)) else {
                    continue;
                };
                if lo - BROAD - reach.above > swath.1 || hi + BROAD + reach.above < swath.0 {
                    continue;
                }
                let Some(p) = ground.probe(key) else {
                    continue;
                };
                let (lo, hi) = walked((p.lo, p.hi), sweep.mirror);
                (lo - ROUGH, hi + ROUGH, Some(walked(p.sure, sweep.mirror)))
            };
            if lo - reach.above > swath.1 || hi + reach.above < swath.0 {
                continue;
            }
            wanted.insert(key);
            // The highest ray is the last to meet anything: where it is inside, all are.
            let top = (
                ((window.layers.1 - to) as f64 * sweep.drop) as f32,
                ((window.layers.1 - from) as f64 * sweep.drop) as f32,
            );
            if sure.is_some_and(|(lo, hi)| lo < top.0 && top.1 < hi) {
                *gone.entry(strip).or_default() += sweep.path() * side as f64;
            }
        }
    }
    wanted
}

/// Columns along a side that suit a beam through `wanted`, `blur` (m) wide: as fine as what is there, as coarse as its blur
/// allows and as memory demands.
pub(super) fn fineness(columns: &Columns, wanted: &BTreeSet<Key>, steep: bool, blur: f64) -> u16 {
    let there = |k: &Key| columns.tile(*k).map(|t| t.side());
    let held: usize = wanted.iter().filter_map(there).map(|n| usize::from(n).pow(2)).sum();
    let other = columns.count() - held.min(columns.count());
    let size = |side: u16| wanted.len() * usize::from(side).pow(2);
    let sharp = sharp(blur);
    let finest = if steep && sharp == USUAL && size(FINEST) <= FEW {
        FINEST
    } else {
        wanted.iter().filter_map(there).fold(sharp, u16::max)
    };
    let mut side = finest;
    while side > COARSEST && (size(side) > MOST_AT_ONCE || other + size(side) > MOST) {
        side /= 2;
    }
    side
}

/// Columns along a side that are fine enough for a blur (m): four or more to its standard deviation. A beam that is out of focus
/// reaches far and leaves nothing fine; columns for a sharp one would fill the memory.
fn sharp(blur: f64) -> u16 {
    let mut side = USUAL;
    while side > HIDDEN && 4.0 * TILE / f64::from(side / 2) <= blur {
        side /= 2;
    }
    side
}

/// Places without a tile that tiles of `site` lie all around: what a closed cut stands about.
pub(super) fn enclosed(site: &BTreeSet<Key>) -> BTreeSet<Key> {
    let range = |pick: fn(&Key) -> i32| {
        let all = site.iter().map(pick);
        (all.clone().min().unwrap_or(0) - 1, all.max().unwrap_or(0) + 1)
    };
    let (xs, ys) = (range(|k| k.0), range(|k| k.1));
    let mut outside = BTreeSet::new();
    let mut open = vec![(xs.0, ys.0)];
    while let Some(key @ (x, y)) = open.pop() {
        let inside = (xs.0..=xs.1).contains(&x) && (ys.0..=ys.1).contains(&y);
        if inside && !site.contains(&key) && outside.insert(key) {
            open.extend([(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]);
        }
    }
    let all = (xs.0..=xs.1).flat_map(|x| (ys.0..=ys.1).map(move |y| (x, y)));
    all.filter(|key| !site.contains(key) && !outside.contains(key))
        .collect()
}

/// Columns along a side for tiles that only have to hang together with others: as many as memory bears.
pub(super) fn roughness(wanted: usize) -> u16 {
    let mut side = USUAL;
    while side > COARSEST && wanted * usize::from(side).pow(2) > FEW {
        side /= 2;
    }
    side
}

/// Makes the tiles that are wanted, all of one fineness.
pub(super) fn make(ground: &Ground, columns: &mut Columns, wanted: &BTreeSet<Key>, side: u16) {
    let made: BTreeMap<Key, Tile> = wanted
        .par_iter()
        .filter_map(|key| match columns.tile(*key) {
            Some(tile) if tile.side() == side => None,
            Some(tile) => Some((*key, tile.resampled(side))),
            None => Some((*key, ground.tile(*key, side))),
        })
        .collect();
    for (key, tile) in made {
        columns.set(key, tile);
    }
}

/// Lowest and highest matter anywhere.
fn bounds(ground: &Ground, columns: &Columns) -> (f32, f32) {
    let (a, b) = (ground.specimen.bounds(), columns.heights());
    let deepest = 20e-6;
    (a.0.min(b.0) - deepest, a.1.max(b.1) + deepest)
}

/// Heights as a beam walks them.
fn walked((lo, hi): (f32, f32), mirror: bool) -> (f32, f32) {
    if mirror { (-hi, -lo) } else { (lo, hi) }
}

/// A broad look at a block of tiles: lowest bottom and highest top.
fn broad(ground: &Ground, block: Key) -> Option<(f32, f32)> {
    const N: i32 = 4;
    let size = TILE * f64::from(BLOCK);
    let px = size / f64::from(N);
    let at = |k: i32, i: i32| f64::from(k) * size + (f64::from(i) + 0.5) * px;
    (0..N * N)
        .filter_map(|i| {
            let column = ground.column(at(block.0, i % N), at(block.1, i / N), px);
            Some((column.first()?.lo, column.last()?.hi))
        })
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}
