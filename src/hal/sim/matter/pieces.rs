//! What of one tile hangs together: its runs as pieces, found once and kept with the tile.
//!
//! A flood fill over many tiles then joins pieces instead of runs, and only tiles that changed are looked through again.

use super::tile::{GLUE, Run, Tile};

/// The pieces of a tile. Two runs of neighbouring columns belong to one where their heights overlap, two of one column where
/// they touch.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    /// Piece of each run, in the tile's order; empty where all are of one piece.
    of: Vec<u32>,
    /// m3, by piece.
    pub volumes: Vec<f64>,
}

impl Pieces {
    pub fn find(tile: &Tile) -> Pieces {
        let area = tile.pitch().powi(2);
        if is_one(tile) {
            return Pieces {
                of: Vec::new(),
                volumes: vec![tile.volume()],
            };
        }
        let (n, runs) = (usize::from(tile.side()), tile.runs());
        // a run is named after one that it touches, and names that turn out to be one are joined
        const NONE: u32 = u32::MAX;
        let (mut names, mut forest) = (vec![NONE; runs.len()], Forest::default());
        let at = |c: usize| (tile.column(c), tile.head(c));
        for c in 0..n * n {
            let (column, first) = at(c);
            let mut touch = |(beside, other): (&[Run], usize)| {
                meeting(column, beside, |i, j| {
                    let (own, name) = (names[first + i], names[other + j]);
                    if own == NONE {
                        names[first + i] = name;
                    } else if own != name {
                        forest.join(own as usize, name as usize);
                    }
                });
            };
            if !c.is_multiple_of(n) {
                touch(at(c - 1));
            }
            if c >= n {
                touch(at(c - n));
            }
            for k in 0..column.len() {
                if names[first + k] == NONE {
                    names[first + k] = forest.add() as u32;
                }
                if k > 0 && column[k].lo - column[k - 1].hi <= GLUE {
                    forest.join(names[first + k] as usize, names[first + k - 1] as usize);
                }
            }
        }
        // the pieces are numbered in the order of their first runs
        let mut numbers = vec![NONE; forest.len()];
        let mut pieces = Pieces {
            of: names,
            volumes: Vec::new(),
        };
        for (name, run) in pieces.of.iter_mut().zip(runs) {
            let number = &mut numbers[forest.root(*name as usize)];
            if *number == NONE {
                *number = pieces.volumes.len() as u32;
                pieces.volumes.push(0.0);
            }
            *name = *number;
            pieces.volumes[*number as usize] += run.length() * area;
        }
        pieces
    }

    /// The piece that a run of the tile belongs to.
    #[inline]
    pub fn piece(&self, run: usize) -> usize {
        self.of.get(run).map_or(0, |piece| *piece as usize)
    }

    pub fn count(&self) -> usize {
        self.volumes.len()
    }
}

/// One run in every column, and a height at which all of them are solid: the usual tile.
fn is_one(tile: &Tile) -> bool {
    let n = usize::from(tile.side());
    let runs = tile.runs();
    let single = runs.len() == n * n && (0..n * n).all(|c| tile.head(c) == c);
    let highest = runs.iter().fold(f32::NEG_INFINITY, |m, r| m.max(r.lo));
    single && highest < runs.iter().fold(f32::INFINITY, |m, r| m.min(r.hi))
}

/// Calls `each` with the places of every two runs that overlap, of two columns in order of height.
#[inline]
pub(super) fn meeting(a: &[Run], b: &[Run], mut each: impl FnMut(usize, usize)) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].lo < b[j].hi && b[j].lo < a[i].hi {
            each(i, j);
        }
        if a[i].hi < b[j].hi { i += 1 } else { j += 1 }
    }
}

/// Things that hang together: a forest of their numbers, the lowest of each tree its root.
#[derive(Default)]
pub(super) struct Forest(Vec<u32>);

impl Forest {
    pub fn new(things: usize) -> Forest {
        Forest((0..things as u32).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One more thing, which hangs together with nothing yet.
    pub fn add(&mut self) -> usize {
        self.0.push(self.0.len() as u32);
        self.0.len() - 1
    }

    pub fn root(&self, thing: usize) -> usize {
        let mut i = thing as u32;
        while self.0[i as usize] != i {
            i = self.0[i as usize];
        }
        i as usize
    }

    pub fn join(&mut self, a: usize, b: usize) {
        let mut find = |thing: usize| {
            let (mut i, parent) = (thing, &mut self.0);
            while parent[i] as usize != i {
                // ways are halved as they are walked
                parent[i] = parent[parent[i] as usize];
                i = parent[i] as usize;
            }
            i
        };
        let (a, b) = (find(a), find(b));
        self.0[a.max(b)] = a.min(b) as u32;
    }
}
