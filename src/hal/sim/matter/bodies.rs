//! What hangs together: flood fill over the `pieces` of tiles, and the bodies that came free.
//!
//! What reaches the edge of the sheet and goes on in the untouched sample is held by it; the rest is free.

use super::columns::{Columns, Key};
use super::ground::Ground;
use super::pieces::{Forest, meeting};
use super::tile::{TILE, Tile};
use nalgebra::{Isometry3, Point3};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What came free and is smaller than this blows away (m3): a cube of 100 nm.
const DEBRIS: f64 = 1e-21;

/// Names a body as long as there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct BodyId(pub u32);

/// What keeps a body where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    Sample,
    Needle,
    Post,
    Nothing,
}

/// A piece of matter that came free of the sample. It keeps the frame it was cut in; `pose` is where that frame is now.
#[derive(Clone, Debug)]
pub struct Body {
    pub id: BodyId,
    pub held: Held,
    /// From the body's frame to the sample's.
    pub pose: Isometry3<f64>,
    /// m3.
    pub volume: f64,
    /// Lowest and highest corner in the body's own frame (m).
    pub bounds: [Point3<f64>; 2],
    pub(super) columns: Columns,
}

impl Body {
    pub(super) fn new(id: BodyId, columns: Columns, pose: Isometry3<f64>, held: Held) -> Body {
        let mut body = Body {
            id,
            held,
            pose,
            volume: 0.0,
            bounds: [Point3::origin(); 2],
            columns,
        };
        body.weigh();
        body
    }

    /// Volume and bounds from what is there.
    pub(super) fn weigh(&mut self) {
        let mut low = Point3::new(f64::INFINITY, f64::INFINITY, f64::INFINITY);
        let mut high = -low;
        self.volume = 0.0;
        for (key, tile) in self.columns.iter().filter(|(_, t)| !t.is_empty()) {
            self.volume += tile.volume();
            let (n, pitch) = (usize::from(tile.side()), tile.pitch());
            for c in (0..n * n).filter(|c| !tile.column(*c).is_empty()) {
                let x = f64::from(key.0) * TILE + (c / n) as f64 * pitch;
                let y = f64::from(key.1) * TILE + (c % n) as f64 * pitch;
                (low.x, low.y) = (low.x.min(x), low.y.min(y));
                (high.x, high.y) = (high.x.max(x + pitch), high.y.max(y + pitch));
            }
            (low.z, high.z) = (low.z.min(f64::from(tile.lo)), high.z.max(f64::from(tile.hi)));
        }
        self.bounds = [low, high];
    }

    /// Middle of its bounds, in the sample's frame (m).
    pub fn middle(&self) -> Point3<f64> {
        self.pose * nalgebra::center(&self.bounds[0], &self.bounds[1])
    }

    /// Corners of its bounds, in the sample's frame (m).
    pub fn corners(&self) -> [Point3<f64>; 8] {
        std::array::from_fn(|i| {
            let pick = |a: usize| self.bounds[(i >> a) & 1][a];
            self.pose * Point3::new(pick(0), pick(1), pick(2))
        })
    }
}

/// Tiles that hang together with those of `seeds`, by their edges.
pub(super) fn cluster(columns: &Columns, seeds: &BTreeSet<Key>) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    let mut open: Vec<Key> = seeds.iter().copied().collect();
    while let Some(key) = open.pop() {
        if columns.tile(key).is_some() && found.insert(key) {
            let (x, y) = key;
            open.extend([(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]);
        }
    }
    found
}

/// Takes out of a sheet what does not hang on the ground beyond it; without a ground, all but the largest piece. Each body's
/// matter, the largest first; debris blows away.
pub(super) fn free(columns: &mut Columns, ground: Option<&Ground>, keys: &BTreeSet<Key>) -> Vec<Columns> {
    let fill = Fill::new(columns, keys, ground);
    let mut volumes: BTreeMap<usize, f64> = BTreeMap::new();
    // where each has matter: most are small, and a sheet has many tiles
    let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (n, tile) in fill.tiles.iter().enumerate() {
        for (piece, volume) in tile.pieces().volumes.iter().enumerate() {
            let root = fill.root(n, piece);
            if !fill.held[root] {
                *volumes.entry(root).or_default() += volume;
                let tiles = places.entry(root).or_default();
                if tiles.last() != Some(&n) {
                    tiles.push(n);
                }
            }
        }
    }
    if ground.is_none()
        && let Some((&largest, _)) = volumes.iter().max_by(|a, b| a.1.total_cmp(b.1))
    {
        volumes.remove(&largest);
        places.remove(&largest);
    }
    let mut order: Vec<(usize, f64)> = volumes
        .iter()
        .map(|(r, v)| (*r, *v))
        .filter(|(_, v)| *v >= DEBRIS)
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let parts = |tiles: Vec<usize>, wanted: &(dyn Fn(usize) -> bool + Sync)| -> Vec<(Key, Tile)> {
        let parts = tiles.into_par_iter().map(|n| (fill.keys[n], fill.part(n, wanted)));
        parts.collect()
    };
    let thinned: BTreeSet<usize> = places.values().flatten().copied().collect();
    let thinned = parts(thinned.into_iter().collect(), &|root| !volumes.contains_key(&root));
    let freed = order
        .iter()
        .map(|(wanted, _)| {
            let mut body = Columns::default();
            let tiles = places.remove(wanted).unwrap_or_default();
            for (key, tile) in parts(tiles, &|root| root == *wanted) {
                body.set(key, tile);
            }
            body
        })
        .collect();
    for (key, tile) in thinned {
        columns.set(key, tile);
    }
    freed
}

/// Pieces of tiles and what they hang together with.
struct Fill {
    keys: Vec<Key>,
    tiles: Vec<Arc<Tile>>,
    /// Number of each tile's first piece.
    bases: Vec<usize>,
    forest: Forest,
    /// Of a root: whether the ground holds it.
    held: Vec<bool>,
}

impl Fill {
    fn new(columns: &Columns, keys: &BTreeSet<Key>, ground: Option<&Ground>) -> Fill {
        let found: Vec<(Key, Arc<Tile>)> = keys
            .iter()
            .filter_map(|k| columns.tile(*k).map(|t| (*k, t.clone())))
            .collect();
        let (keys, tiles): (Vec<Key>, Vec<Arc<Tile>>) = found.into_iter().unzip();
        // most have kept what they found before
        tiles.par_iter().for_each(|tile| {
            tile.pieces();
        });
        let mut total = 0;
        let bases = tiles.iter().map(|tile| {
            total += tile.pieces().count();
            total - tile.pieces().count()
        });
        let bases = bases.collect();
        let mut fill = Fill {
            keys,
            tiles,
            bases,
            forest: Forest::new(total),
            held: vec![false; total],
        };
        let index: BTreeMap<Key, usize> = fill.keys.iter().enumerate().map(|(n, k)| (*k, n)).collect();
        let mut open = Vec::new();
        for n in 0..fill.tiles.len() {
            let (x, y) = fill.keys[n];
            for (dx, dy) in [(1, 0), (0, 1), (-1, 0), (0, -1)] {
                match index.get(&(x + dx, y + dy)) {
                    // Each border once.
                    Some(&m) if dx + dy > 0 => fill.across(n, m, dx == 1),
                    Some(_) => {}
                    None => open.push((n, (dx, dy))),
                }
            }
        }
        if let Some(ground) = ground {
            for (n, border) in open {
                fill.beyond(n, border, ground);
            }
        }
        fill
    }

    /// The root of a tile's piece.
    fn root(&self, n: usize, piece: usize) -> usize {
        self.forest.root(self.bases[n] + piece)
    }

    /// Joins two tiles along their border; they may differ in fineness.
    fn across(&mut self, n: usize, m: usize, right: bool) {
        let (a, b) = (&self.tiles[n], &self.tiles[m]);
        let (pa, pb) = (a.pieces(), b.pieces());
        let (na, nb) = (usize::from(a.side()), usize::from(b.side()));
        let steps = na.max(nb);
        for t in 0..steps {
            let (ta, tb) = (t * na / steps, t * nb / steps);
            let (ca, cb) = if right {
                (a.at(na - 1, ta), b.at(0, tb))
            } else {
                (a.at(ta, na - 1), b.at(tb, 0))
            };
            meeting(a.column(ca), b.column(cb), |i, j| {
                let one = self.bases[n] + pa.piece(a.head(ca) + i);
                self.forest.join(one, self.bases[m] + pb.piece(b.head(cb) + j));
            });
        }
    }

    /// Notes what goes on in the ground beyond a border.
    fn beyond(&mut self, n: usize, (dx, dy): (i32, i32), ground: &Ground) {
        let (tile, pieces) = (&self.tiles[n], self.tiles[n].pieces());
        let (side, pitch) = (usize::from(tile.side()), tile.pitch());
        let corner = [f64::from(self.keys[n].0) * TILE, f64::from(self.keys[n].1) * TILE];
        let edge = |d: i32, t: usize| match d {
            1 => side - 1,
            -1 => 0,
            _ => t,
        };
        for t in 0..side {
            let (ix, iy) = (edge(dx, t), edge(dy, t));
            let c = tile.at(ix, iy);
            let mut outside = None;
            for (k, run) in tile.column(c).iter().enumerate() {
                let root = self.forest.root(self.bases[n] + pieces.piece(tile.head(c) + k));
                // the first column that holds it is enough
                if self.held[root] {
                    continue;
                }
                let outside = outside.get_or_insert_with(|| {
                    let x = corner[0] + (ix as f64 + 0.5 + f64::from(dx)) * pitch;
                    let y = corner[1] + (iy as f64 + 0.5 + f64::from(dy)) * pitch;
                    ground.column(x, y, pitch)
                });
                self.held[root] = outside.iter().any(|o| o.meets(run));
            }
        }
    }

    /// A tile with only the runs whose root is wanted.
    fn part(&self, n: usize, wanted: impl Fn(usize) -> bool) -> Tile {
        let tile = &self.tiles[n];
        let pieces = tile.pieces();
        let stays: Vec<bool> = (0..pieces.count()).map(|piece| wanted(self.root(n, piece))).collect();
        Tile::build(tile.side(), |c, runs| {
            let here = tile.column(c).iter().enumerate();
            runs.extend(
                here.filter(|(k, _)| stays[pieces.piece(tile.head(c) + k)])
                    .map(|(_, r)| *r),
            );
        })
    }
}
