//! Tiles where something was changed: a sparse sheet of matter, in patches that share what was not touched.
//!
//! The sample is one sheet and every body that came free another. Where the sample's sheet has no tile, the relief of the
//! scene still holds; where a body's has none, there is nothing.

use super::tile::{Run, TILE, Tile};
use nalgebra::Point3;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tiles along a patch's side (102 um).
const SIDE: i32 = 64;

/// Which tile: (x, y) in units of [`TILE`].
pub(super) type Key = (i32, i32);

/// The tile at (x, y) (m).
#[inline]
pub(super) fn key_at(x: f64, y: f64) -> Key {
    ((x / TILE).floor() as i32, (y / TILE).floor() as i32)
}

/// Which patch a tile lies in.
#[inline]
pub(super) fn patch_of(key: Key) -> Key {
    (key.0.div_euclid(SIDE), key.1.div_euclid(SIDE))
}

/// A square of tiles, most of them not there.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    tiles: Vec<Option<Arc<Tile>>>,
    /// Lowest and highest matter that ever was in it.
    pub lo: f32,
    pub hi: f32,
}

impl Patch {
    fn new() -> Self {
        Patch {
            tiles: vec![None; (SIDE * SIDE) as usize],
            lo: f32::INFINITY,
            hi: f32::NEG_INFINITY,
        }
    }

    #[inline]
    fn slot(key: Key) -> usize {
        (key.0.rem_euclid(SIDE) * SIDE + key.1.rem_euclid(SIDE)) as usize
    }

    #[inline]
    pub fn tile(&self, key: Key) -> Option<&Arc<Tile>> {
        self.tiles[Patch::slot(key)].as_ref()
    }
}

/// A sheet of tiles. Cheap to clone: clones share their tiles until one of them changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    patches: BTreeMap<Key, Arc<Patch>>,
    /// How many columns it holds.
    count: usize,
}

impl Columns {
    #[inline]
    pub fn patch(&self, key: Key) -> Option<&Arc<Patch>> {
        self.patches.get(&patch_of(key))
    }

    #[inline]
    pub fn tile(&self, key: Key) -> Option<&Arc<Tile>> {
        self.patch(key)?.tile(key)
    }

    /// Puts a tile in place of the one before.
    pub fn set(&mut self, key: Key, tile: Tile) {
        let patch = self
            .patches
            .entry(patch_of(key))
            .or_insert_with(|| Arc::new(Patch::new()));
        let patch = Arc::make_mut(patch);
        (patch.lo, patch.hi) = (patch.lo.min(tile.lo), patch.hi.max(tile.hi));
        let columns = |t: &Tile| usize::from(t.side()) * usize::from(t.side());
        self.count += columns(&tile);
        if let Some(before) = patch.tiles[Patch::slot(key)].replace(Arc::new(tile)) {
            self.count -= columns(&before);
        }
    }

    /// Forgets those of these tiles that are as the ground has them: it makes them again when they are wanted.
    pub fn forget(&mut self, keys: &BTreeSet<Key>) {
        for key in keys {
            if self.tile(*key).is_none_or(|tile| !tile.pristine) {
                continue;
            }
            if let Some(patch) = self.patches.get_mut(&patch_of(*key))
                && let Some(tile) = Arc::make_mut(patch).tiles[Patch::slot(*key)].take()
            {
                self.count -= usize::from(tile.side()).pow(2);
            }
        }
    }

    /// The runs of the column at (x, y), or `None` where there is no tile.
    pub fn column(&self, x: f64, y: f64) -> Option<&[Run]> {
        let key = key_at(x, y);
        let tile = self.tile(key)?;
        let n = f64::from(tile.side());
        let cell = |v: f64, k: i32| (((v / TILE - f64::from(k)) * n) as usize).min(usize::from(tile.side()) - 1);
        Some(tile.column(tile.at(cell(x, key.0), cell(y, key.1))))
    }

    /// All tiles, ordered by place.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Arc<Tile>)> {
        self.patches.iter().flat_map(|((px, py), patch)| {
            let (px, py) = (px * SIDE, py * SIDE);
            patch.tiles.iter().enumerate().filter_map(move |(i, tile)| {
                let i = i as i32;
                Some(((px + i / SIDE, py + i % SIDE), tile.as_ref()?))
            })
        })
    }

    /// A box round each patch (m).
    pub fn extents(&self) -> Vec<[Point3<f64>; 2]> {
        let size = f64::from(SIDE) * TILE;
        let corner =
            |k: &Key, d: i32, z: f32| Point3::new(f64::from(k.0 + d) * size, f64::from(k.1 + d) * size, f64::from(z));
        let filled = self.patches.iter().filter(|(_, p)| p.lo <= p.hi);
        filled.map(|(k, p)| [corner(k, 0, p.lo), corner(k, 1, p.hi)]).collect()
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Where its patches lie: lowest and highest x, lowest and highest y (m).
    pub fn spread(&self) -> Option<[(f64, f64); 2]> {
        let size = f64::from(SIDE) * TILE;
        self.patches
            .keys()
            .map(|k| [k.0, k.1].map(|v| (f64::from(v) * size, f64::from(v + 1) * size)))
            .reduce(|a, b| std::array::from_fn(|i| (a[i].0.min(b[i].0), a[i].1.max(b[i].1))))
    }

    /// Lowest and highest matter; `lo > hi` where there is none.
    pub fn heights(&self) -> (f32, f32) {
        self.patches
            .values()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), p| {
                (lo.min(p.lo), hi.max(p.hi))
            })
    }
}
