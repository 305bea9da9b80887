//! What hangs together: flood fill over runs, and the bodies that came free.
//!
//! Two runs of neighbouring columns belong together where their heights overlap, two of one column where they touch. What
//! reaches the edge of the sheet and goes on in the untouched sample is held by it; the rest is free.

use super::columns::{Columns, Key};
use super::ground::Ground;
use super::tile::{GLUE, Run, TILE, Tile};
use nalgebra::{Isometry3, Point3};
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

/// What a flood fill took out of a sheet.
#[derive(Debug, Default)]
pub(super) struct Freed {
    /// Each body's matter, the largest first.
    pub bodies: Vec<Columns>,
    /// What blew away (m3).
    pub debris: f64,
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

/// Takes out of a sheet what does not hang on the ground beyond it; without a ground, all but the largest piece.
pub(super) fn free(columns: &mut Columns, ground: Option<&Ground>, keys: &BTreeSet<Key>) -> Freed {
    let fill = Fill::new(columns, keys, ground);
    let mut volumes: BTreeMap<u32, f64> = BTreeMap::new();
    // where each has matter: most are small, and a sheet has many tiles
    let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (n, tile) in fill.tiles.iter().enumerate() {
        let area = tile.pitch().powi(2);
        for (i, run) in tile.runs().iter().enumerate() {
            let root = fill.root(fill.bases[n] + i as u32);
            if !fill.held[root as usize] {
                *volumes.entry(root).or_default() += run.length() * area;
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
    }
    let mut freed = Freed::default();
    if volumes.is_empty() {
        return freed;
    }
    freed.debris = volumes.values().filter(|v| **v < DEBRIS).sum();
    let mut order: Vec<(u32, f64)> = volumes
        .iter()
        .map(|(r, v)| (*r, *v))
        .filter(|(_, v)| *v >= DEBRIS)
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    freed.bodies = order
        .iter()
        .map(|(wanted, _)| {
            let mut body = Columns::default();
            for &n in places.get(wanted).into_iter().flatten() {
                if let Some(tile) = fill.part(n, |root| root == *wanted) {
                    body.set(fill.keys[n], tile);
                }
            }
            body
        })
        .collect();
    let kept: Vec<(Key, Tile)> = (0..fill.tiles.len())
        .filter_map(|n| {
            let stays = |root: u32| !volumes.contains_key(&root);
            let all = (0..fill.tiles[n].runs().len()).all(|i| stays(fill.root(fill.bases[n] + i as u32)));
            let none = Tile::build(fill.tiles[n].side(), |_, _| {});
            (!all).then(|| (fill.keys[n], fill.part(n, stays).unwrap_or(none)))
        })
        .collect();
    for (key, tile) in kept {
        columns.set(key, tile);
    }
    freed
}

/// Runs and what they hang together with: a forest of numbers, the lowest of each tree its root.
struct Fill {
    keys: Vec<Key>,
    tiles: Vec<Arc<Tile>>,
    /// Number of each tile's first run.
    bases: Vec<u32>,
    parent: Vec<u32>,
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
        let mut bases = Vec::with_capacity(tiles.len());
        let mut total = 0u32;
        for tile in &tiles {
            bases.push(total);
            total += tile.runs().len() as u32;
        }
        let mut fill = Fill {
            keys,
            tiles,
            bases,
            parent: (0..total).collect(),
            held: Vec::new(),
        };
        let index: BTreeMap<Key, usize> = fill.keys.iter().enumerate().map(|(n, k)| (*k, n)).collect();
        let mut anchors = Vec::new();
        for n in 0..fill.tiles.len() {
            fill.within(n);
            let (x, y) = fill.keys[n];
            for (dx, dy) in [(1, 0), (0, 1), (-1, 0), (0, -1)] {
                match index.get(&(x + dx, y + dy)) {
                    // Each border once.
                    Some(&m) if dx + dy > 0 => fill.across(n, m, dx == 1),
                    Some(_) => {}
                    None => {
                        if let Some(ground) = ground {
                            fill.beyond(n, (dx, dy), ground, &mut anchors);
                        }
                    }
                }
            }
        }
        for i in 0..total {
            fill.parent[i as usize] = fill.root(i);
        }
        fill.held = vec![false; total as usize];
        for run in anchors {
            let root = fill.root(run);
            fill.held[root as usize] = true;
        }
        fill
    }

    /// The root of a run's tree.
    fn root(&self, mut i: u32) -> u32 {
        while self.parent[i as usize] != i {
            i = self.parent[i as usize];
        }
        i
    }

    fn join(&mut self, a: u32, b: u32) {
        let find = |parent: &mut Vec<u32>, mut i: u32| {
            while parent[i as usize] != i {
                parent[i as usize] = parent[parent[i as usize] as usize];
                i = parent[i as usize];
            }
            i
        };
        let (a, b) = (find(&mut self.parent, a), find(&mut self.parent, b));
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
    }

    /// Joins the overlapping runs of two columns, each in order of height.
    fn touch(&mut self, (a, first_a): (&[Run], u32), (b, first_b): (&[Run], u32)) {
        let (mut i, mut j) = (0, 0);
        while i < a.len() && j < b.len() {
            if a[i].lo < b[j].hi && b[j].lo < a[i].hi {
                self.join(first_a + i as u32, first_b + j as u32);
            }
            if a[i].hi < b[j].hi { i += 1 } else { j += 1 }
        }
    }

    fn within(&mut self, n: usize) {
        let tile = self.tiles[n].clone();
        let (side, base) = (usize::from(tile.side()), self.bases[n]);
        let at = |c: usize| (tile.column(c), base + tile.head(c) as u32);
        for c in 0..side * side {
            let (runs, first) = at(c);
            for (k, pair) in runs.windows(2).enumerate() {
                if pair[1].lo - pair[0].hi <= GLUE {
                    self.join(first + k as u32, first + k as u32 + 1);
                }
            }
            if c % side + 1 < side {
                self.touch(at(c), at(c + 1));
            }
            if c + side < side * side {
                self.touch(at(c), at(c + side));
            }
        }
    }

    /// Joins two tiles along their border; they may differ in fineness.
    fn across(&mut self, n: usize, m: usize, right: bool) {
        let (a, b) = (self.tiles[n].clone(), self.tiles[m].clone());
        let (na, nb) = (usize::from(a.side()), usize::from(b.side()));
        let steps = na.max(nb);
        for t in 0..steps {
            let (ta, tb) = (t * na / steps, t * nb / steps);
            let (ca, cb) = if right {
                (a.at(na - 1, ta), b.at(0, tb))
            } else {
                (a.at(ta, na - 1), b.at(tb, 0))
            };
            self.touch(
                (a.column(ca), self.bases[n] + a.head(ca) as u32),
                (b.column(cb), self.bases[m] + b.head(cb) as u32),
            );
        }
    }

    /// Notes the runs along a border that go on in the ground.
    fn beyond(&self, n: usize, (dx, dy): (i32, i32), ground: &Ground, anchors: &mut Vec<u32>) {
        let tile = &self.tiles[n];
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
            if tile.column(c).is_empty() {
                continue;
            }
            let x = corner[0] + (ix as f64 + 0.5 + f64::from(dx)) * pitch;
            let y = corner[1] + (iy as f64 + 0.5 + f64::from(dy)) * pitch;
            let outside = ground.column(x, y, pitch);
            for (k, run) in tile.column(c).iter().enumerate() {
                if outside.iter().any(|o| o.meets(run)) {
                    anchors.push(self.bases[n] + (tile.head(c) + k) as u32);
                }
            }
        }
    }

    /// A tile with only the runs whose root is wanted; `None` where there are none.
    fn part(&self, n: usize, wanted: impl Fn(u32) -> bool) -> Option<Tile> {
        let tile = &self.tiles[n];
        let built = Tile::build(tile.side(), |c, runs| {
            let first = self.bases[n] + tile.head(c) as u32;
            let here = tile.column(c).iter().enumerate();
            runs.extend(
                here.filter(|(k, _)| wanted(self.root(first + *k as u32)))
                    .map(|(_, r)| *r),
            );
        });
        (!built.is_empty()).then_some(built)
    }
}
