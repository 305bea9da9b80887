//! Columns of matter: a tile is a square of them, and a column a list of runs along the normal, continuous in z.

use super::pieces::Pieces;
use crate::sim::specimen::Material;
use std::sync::OnceLock;

/// Side of a tile (m).
pub(super) const TILE: f64 = 1.6e-6;
/// Columns along a tile's side at the usual fineness (25 nm).
pub(super) const USUAL: u16 = 64;
/// Finest and coarsest columns along a side: 12.5 and 400 nm.
pub(super) const FINEST: u16 = 128;
pub(super) const COARSEST: u16 = 4;
/// Coarsest columns along a side of what a coat has hidden, or a beam out of focus has blurred (100 nm).
pub(super) const HIDDEN: u16 = 16;
/// A coat so many times as thick as columns are wide hides what differs from one to the next.
const HIDES: f64 = 8.0;
/// Gaps and slivers below this are none (m).
pub(super) const GLUE: f32 = 5e-11;

/// Solid between two heights (m along the normal, `lo < hi`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    pub lo: f32,
    pub hi: f32,
    pub material: Material,
}

impl Run {
    pub fn length(&self) -> f64 {
        f64::from(self.hi) - f64::from(self.lo)
    }

    /// Whether it touches or overlaps another (m).
    #[inline]
    pub(super) fn meets(&self, other: &Run) -> bool {
        self.lo <= other.hi + GLUE && other.lo <= self.hi + GLUE
    }
}

/// Puts a run above those of a column that is being built: slivers are left out, and runs of one stuff that touch are one.
#[inline]
pub(super) fn push(runs: &mut Vec<Run>, first: usize, run: Run) {
    if run.hi - run.lo <= GLUE {
        return;
    }
    if runs.len() > first
        && let Some(last) = runs.last_mut()
        && last.material == run.material
        && run.lo - last.hi <= GLUE
    {
        last.hi = last.hi.max(run.hi);
        return;
    }
    runs.push(run);
}

/// A square of `side` x `side` columns; y runs fastest, since beams lean along y more often than not.
#[derive(Clone, Debug)]
pub(super) struct Tile {
    side: u16,
    /// Where the runs of each column begin, and the end of the last.
    heads: Vec<u32>,
    runs: Vec<Run>,
    /// Lowest and highest of all runs; `lo > hi` where there are none.
    pub lo: f32,
    pub hi: f32,
    /// How thick a coat lies on all of it that came after the last beam (m).
    pub covered: f32,
    /// As the ground has it: nothing was done to it.
    pub pristine: bool,
    pieces: OnceLock<Pieces>,
}

impl Tile {
    /// A tile whose columns are pushed one by one by `fill`, which is given a column's number and the list to put runs on.
    pub fn build(side: u16, mut fill: impl FnMut(usize, &mut Vec<Run>)) -> Tile {
        let columns = usize::from(side) * usize::from(side);
        let mut heads = Vec::with_capacity(columns + 1);
        let mut runs = Vec::with_capacity(columns);
        for column in 0..columns {
            heads.push(runs.len() as u32);
            fill(column, &mut runs);
        }
        heads.push(runs.len() as u32);
        runs.shrink_to_fit();
        let bound = |init: f32, pick: fn(f32, &Run) -> f32| runs.iter().fold(init, pick);
        Tile {
            side,
            lo: bound(f32::INFINITY, |m, r| m.min(r.lo)),
            hi: bound(f32::NEG_INFINITY, |m, r| m.max(r.hi)),
            heads,
            runs,
            covered: 0.0,
            pristine: false,
            pieces: OnceLock::new(),
        }
    }

    /// What of it hangs together; found when it is first asked for.
    pub fn pieces(&self) -> &Pieces {
        self.pieces.get_or_init(|| Pieces::find(self))
    }

    pub fn side(&self) -> u16 {
        self.side
    }

    /// Distance of its columns (m).
    pub fn pitch(&self) -> f64 {
        TILE / f64::from(self.side)
    }

    #[inline]
    pub fn column(&self, column: usize) -> &[Run] {
        &self.runs[self.heads[column] as usize..self.heads[column + 1] as usize]
    }

    /// The number of the column at (ix, iy).
    #[inline]
    pub fn at(&self, ix: usize, iy: usize) -> usize {
        ix * usize::from(self.side) + iy
    }

    /// All runs, in the order of columns.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Where a column's runs begin among [`Tile::runs`].
    pub fn head(&self, column: usize) -> usize {
        self.heads[column] as usize
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The same matter on another fineness: columns are split exactly, or one stands for its neighbours.
    pub fn resampled(&self, side: u16) -> Tile {
        let (n, m) = (usize::from(side), usize::from(self.side));
        let mut tile = Tile::build(side, |column, runs| {
            let (ix, iy) = (column / n, column % n);
            let half = if n < m { m / n / 2 } else { 0 };
            runs.extend_from_slice(self.column(self.at(ix * m / n + half, iy * m / n + half)));
        });
        (tile.covered, tile.pristine) = (self.covered, self.pristine);
        tile
    }

    /// The tile as coarse as what covers it allows: a real coat closes what is narrower than itself. Columns stay as they are
    /// where they differ by more than half of the coat from the one that would stand for them: walls of a cut stay sharp.
    pub fn buried(self) -> Tile {
        let mut tile = self;
        while tile.side > HIDDEN && f64::from(tile.covered) > HIDES * tile.pitch() && tile.hides(tile.covered / 2.0) {
            tile = tile.resampled(tile.side / 2);
        }
        tile
    }

    /// Whether no column differs by more than `most` (m) from the one that stands for it at half the fineness.
    fn hides(&self, most: f32) -> bool {
        let ends = |runs: &[Run]| {
            let (first, last) = (runs.first()?, runs.last()?);
            Some([first.lo, last.hi, runs.iter().map(|r| r.hi - r.lo).sum()])
        };
        let n = usize::from(self.side);
        (0..n * n).all(|column| {
            let stands = ends(self.column(self.at((column / n) | 1, (column % n) | 1)));
            match (ends(self.column(column)), stands) {
                (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| (a - b).abs() <= most),
                (a, b) => a.is_none() && b.is_none(),
            }
        })
    }

    /// Solid volume (m3).
    pub fn volume(&self) -> f64 {
        self.runs.iter().map(Run::length).sum::<f64>() * self.pitch().powi(2)
    }
}
