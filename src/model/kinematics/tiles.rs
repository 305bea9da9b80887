//! Grids of overlapping pictures: where the tiles are, in which order they are taken, whether the stage reaches them.
//!
//! Source: openFIBSEM `imaging/tiling/geometry.py`. Every target is checked before anything moves.

use super::{Setup, stable};
use crate::pose::PositionError;
use crate::{Axis, Beam, Limits, StagePosition};
use serde::{Deserialize, Serialize};

/// A grid of tiles of one size. Build it with [`Grid::new`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    rows: usize,
    cols: usize,
    overlap: f64,
    size: (u32, u32),
    fov: (f64, f64),
}

/// One tile: row and column from the top left, offset (m, x right, y up) of its centre from that of tile (0, 0), and its top
/// left pixel in the stitched picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tile {
    pub row: usize,
    pub col: usize,
    pub dx: f64,
    pub dy: f64,
    pub canvas: (usize, usize),
}

/// In which order the tiles are visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TileOrder {
    /// Every row from left to right.
    Typewriter,
    /// Every other row backwards: the shortest way.
    #[default]
    Serpentine,
    /// Outwards from the middle, right first.
    Spiral,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TileError {
    #[error("a tile grid needs 1 to {MOST} tiles, not {rows} x {cols}")]
    Count { rows: usize, cols: usize },
    #[error("overlap {0} is not possible: give a fraction from 0 to below 1, such as 0.1")]
    Overlap(f64),
    #[error("a tile of {width} x {height} pixels over {hfw} m is no picture: give a size and a field width above 0")]
    Size { width: u32, height: u32, hfw: f64 },
    #[error("the tile mask has {got} entries in row {row}, the grid has {cols} columns and {rows} rows")]
    Mask {
        row: usize,
        got: usize,
        rows: usize,
        cols: usize,
    },
    #[error("the stage does not reach {} of the tiles (row, column): {tiles:?}; nothing was moved", tiles.len())]
    OutOfLimits { tiles: Vec<(usize, usize)> },
    #[error(transparent)]
    Position(#[from] PositionError),
}

/// Most tiles of one grid: a week of pictures; more is a slip of the finger.
pub const MOST: usize = 100_000;

impl Grid {
    /// A grid of `rows` x `cols` pictures of `size` (w, h) pixels and field width `hfw` (m), overlapping by a fraction.
    pub fn new(rows: usize, cols: usize, size: (u32, u32), hfw: f64, overlap: f64) -> Result<Grid, TileError> {
        if !(1..=MOST).contains(&rows.saturating_mul(cols)) {
            return Err(TileError::Count { rows, cols });
        }
        if !(0.0..1.0).contains(&overlap) {
            return Err(TileError::Overlap(overlap));
        }
        if size.0 == 0 || size.1 == 0 || !(hfw > 0.0 && hfw.is_finite()) {
            return Err(TileError::Size {
                width: size.0,
                height: size.1,
                hfw,
            });
        }
        let fov = (hfw, hfw * (f64::from(size.1) / f64::from(size.0)));
        Ok(Grid {
            rows,
            cols,
            overlap,
            size,
            fov,
        })
    }

    /// Distance of neighbouring tiles (m).
    pub fn step(&self) -> (f64, f64) {
        (self.fov.0 * (1.0 - self.overlap), self.fov.1 * (1.0 - self.overlap))
    }

    /// The same in pixels of the stitched picture, rounded half to even as Python rounds.
    fn canvas_step(&self) -> (usize, usize) {
        let step = |size: u32| (f64::from(size) * (1.0 - self.overlap)).round_ties_even().max(1.0) as usize;
        (step(self.size.0), step(self.size.1))
    }

    pub fn tile(&self, row: usize, col: usize) -> Tile {
        let ((dx, dy), (width, height)) = (self.step(), self.canvas_step());
        Tile {
            row,
            col,
            dx: col as f64 * dx,
            dy: -(row as f64 * dy),
            canvas: (col * width, row * height),
        }
    }

    /// Size (w, h) in pixels of the stitched picture.
    pub fn canvas_size(&self) -> (usize, usize) {
        let (width, height) = self.canvas_step();
        (
            width * (self.cols - 1) + self.size.0 as usize,
            height * (self.rows - 1) + self.size.1 as usize,
        )
    }

    /// Field (m) that the whole grid covers.
    pub fn total_fov(&self) -> (f64, f64) {
        let (dx, dy) = self.step();
        (
            (self.cols - 1) as f64 * dx + self.fov.0,
            (self.rows - 1) as f64 * dy + self.fov.1,
        )
    }

    /// Offset (m, y up) of the grid's centre from tile (0, 0).
    pub fn centre_offset(&self) -> (f64, f64) {
        let (dx, dy) = self.step();
        ((self.cols - 1) as f64 * dx / 2.0, -((self.rows - 1) as f64 * dy) / 2.0)
    }

    /// The tiles in the order they are visited. `mask[row][col]` false leaves a tile out; the way past it stays the same.
    pub fn ordered(&self, order: TileOrder, mask: Option<&[Vec<bool>]>) -> Result<Vec<Tile>, TileError> {
        let Grid { rows, cols, .. } = *self;
        if let Some(mask) = mask {
            let wrong = |(row, got)| TileError::Mask { row, got, rows, cols };
            if mask.len() != rows {
                return Err(wrong((mask.len(), 0)));
            }
            if let Some(found) = mask.iter().map(Vec::len).enumerate().find(|(_, got)| *got != cols) {
                return Err(wrong(found));
            }
        }
        let cells: Vec<(usize, usize)> = match order {
            TileOrder::Spiral => spiral(rows, cols),
            _ => (0..rows)
                .flat_map(|row| {
                    let back = order == TileOrder::Serpentine && row % 2 == 1;
                    (0..cols).map(move |i| (row, if back { cols - 1 - i } else { i }))
                })
                .collect(),
        };
        let wanted = |(row, col): &(usize, usize)| mask.is_none_or(|mask| mask[*row][*col]);
        Ok(cells
            .into_iter()
            .filter(wanted)
            .map(|(row, col)| self.tile(row, col))
            .collect())
    }

    /// Stage position of every tile of a grid centred on `centre`, as seen by `beam`; refused as a whole if x or y of any is
    /// outside `limits`.
    pub fn stage_positions(
        &self,
        setup: &Setup,
        beam: Beam,
        centre: &StagePosition,
        tiles: &[Tile],
        limits: &Limits,
    ) -> Result<Vec<StagePosition>, TileError> {
        let (x, y) = self.centre_offset();
        let positions = tiles
            .iter()
            .map(|tile| stable::project(setup, beam, tile.dx - x, tile.dy - y, centre))
            .collect::<Result<Vec<_>, _>>()?;
        let out: Vec<_> = tiles
            .iter()
            .zip(&positions)
            .filter(|(_, position)| limits.check_axes(position, &[Axis::X, Axis::Y]).is_err())
            .map(|(tile, _)| (tile.row, tile.col))
            .collect();
        if out.is_empty() {
            Ok(positions)
        } else {
            Err(TileError::OutOfLimits { tiles: out })
        }
    }
}

/// Cells (row, column) from the middle outwards: right, down, left, up with runs of 1, 1, 2, 2, 3, 3 ... cells. The way may
/// lead outside of the grid; only cells inside count.
fn spiral(rows: usize, cols: usize) -> Vec<(usize, usize)> {
    let (mut row, mut col) = ((rows / 2) as isize, (cols / 2) as isize);
    let mut cells = vec![(rows / 2, cols / 2)];
    let arms = [(0, 1), (1, 0), (0, -1), (-1, 0)].into_iter().cycle().enumerate();
    for (i, (down, right)) in arms {
        if cells.len() >= rows * cols {
            break;
        }
        for _ in 0..=i / 2 {
            row += down;
            col += right;
            if let (Ok(r), Ok(c)) = (usize::try_from(row), usize::try_from(col))
                && r < rows
                && c < cols
            {
                cells.push((r, c));
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Geometry, Pose, StageKind};

    fn grid(rows: usize, cols: usize) -> Grid {
        Grid::new(rows, cols, (1536, 1024), 300e-6, 0.1).unwrap()
    }

    #[test]
    fn every_order_visits_every_tile_once() {
        for (rows, cols) in [(1, 1), (1, 9), (7, 1), (3, 4), (5, 5), (2, 8)] {
            for order in [TileOrder::Typewriter, TileOrder::Serpentine, TileOrder::Spiral] {
                let mut cells: Vec<_> = grid(rows, cols)
                    .ordered(order, None)
                    .unwrap()
                    .iter()
                    .map(|t| (t.row, t.col))
                    .collect();
                cells.sort_unstable();
                cells.dedup();
                assert_eq!(cells.len(), rows * cols, "{rows} x {cols} {order:?}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused_before_anything_moves() {
        assert!(matches!(
            Grid::new(0, 3, (10, 10), 1e-4, 0.1),
            Err(TileError::Count { .. })
        ));
        assert!(matches!(
            Grid::new(usize::MAX, 3, (10, 10), 1e-4, 0.1),
            Err(TileError::Count { .. })
        ));
        assert!(matches!(
            Grid::new(3, 3, (10, 10), 1e-4, f64::NAN),
            Err(TileError::Overlap(_))
        ));
        assert!(matches!(
            Grid::new(3, 3, (10, 0), 1e-4, 0.1),
            Err(TileError::Size { .. })
        ));
        assert!(matches!(
            Grid::new(3, 3, (10, 10), f64::INFINITY, 0.1),
            Err(TileError::Size { .. })
        ));
        let mask = vec![vec![true; 4], vec![true; 3]];
        assert!(matches!(
            grid(2, 4).ordered(TileOrder::Spiral, Some(&mask)),
            Err(TileError::Mask { row: 1, got: 3, .. })
        ));
    }

    #[test]
    fn one_tile_out_of_reach_refuses_the_grid() {
        let geometry = Geometry::default();
        let setup = Setup::new(
            &geometry,
            Pose {
                t: geometry.pre_tilt,
                ..Pose::default()
            },
        );
        let centre = StagePosition::from(Pose {
            x: 0.0999,
            ..setup.pose
        });
        let limits = Limits::of(StageKind::Tilting);
        let grid = grid(2, 2);
        let tiles = grid.ordered(TileOrder::Typewriter, None).unwrap();
        let refused = grid
            .stage_positions(&setup, Beam::Electron, &centre, &tiles, &limits)
            .unwrap_err();
        assert_eq!(
            refused,
            TileError::OutOfLimits {
                tiles: vec![(0, 1), (1, 1)]
            }
        );
        let reached = grid
            .stage_positions(&setup, Beam::Electron, &centre, &tiles[..1], &limits)
            .unwrap();
        assert!((reached[0].x.unwrap() - (0.0999 - 135e-6)).abs() < 1e-12);
    }
}
