//! Some of a mask's pixels: those of one value inside a window.

use super::Box2;
use ndarray::{ArrayView1, ArrayView2, s};
use std::ops::Range;

/// The pixels of one value within rows and columns of a map. A cheap view: nothing is copied.
#[derive(Clone, Debug)]
pub struct Region<'a> {
    map: ArrayView2<'a, u8>,
    value: u8,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl<'a> Region<'a> {
    /// `within` holds every pixel of the value; `None` when there is none.
    pub(super) fn new(map: ArrayView2<'a, u8>, value: u8, within: Option<Box2>) -> Self {
        let (rows, columns) = within.map_or((0..0, 0..0), |b| (b.y0..b.y1 + 1, b.x0..b.x1 + 1));
        Region {
            map,
            value,
            rows,
            columns,
        }
    }

    /// (rows, columns) of the whole picture.
    pub fn size(&self) -> (usize, usize) {
        self.map.dim()
    }

    /// What of it lies in these rows and columns.
    pub fn within(&self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let cut = |a: &Range<usize>, b: Range<usize>| a.start.max(b.start)..a.end.min(b.end).max(a.start.max(b.start));
        Region {
            rows: cut(&self.rows, rows),
            columns: cut(&self.columns, columns),
            ..self.clone()
        }
    }

    /// Number of pixels and their mean (x, y) rounded down; `None` for none.
    pub fn centre(&self) -> Option<(usize, usize, usize)> {
        let (mut n, mut sum_x, mut sum_y) = (0, 0, 0);
        for y in self.rows.clone() {
            let (mut in_row, mut of_x) = (0, 0);
            for (x, v) in self.columns.clone().zip(self.row(y)) {
                let hit = usize::from(*v == self.value);
                in_row += hit;
                of_x += hit * x;
            }
            n += in_row;
            sum_x += of_x;
            sum_y += in_row * y;
        }
        (n > 0).then(|| (n, sum_x / n, sum_y / n))
    }

    /// First and last column of row y.
    pub fn row_extent(&self, y: usize) -> Option<(usize, usize)> {
        self.rows
            .contains(&y)
            .then(|| self.ends(self.row(y), self.columns.start))?
    }

    /// First and last row of column x.
    pub fn column_extent(&self, x: usize) -> Option<(usize, usize)> {
        let column = || self.map.slice(s![self.rows.clone(), x]);
        self.columns
            .contains(&x)
            .then(|| self.ends(column(), self.rows.start))?
    }

    /// (x, y) of the pixels in row-major order.
    pub fn points(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.rows.clone().flat_map(move |y| {
            let values = self.columns.clone().zip(self.row(y).into_iter().copied());
            values.filter_map(move |(x, v)| (v == self.value).then_some((x, y)))
        })
    }

    fn row(&self, y: usize) -> ArrayView1<'_, u8> {
        self.map.slice(s![y, self.columns.clone()])
    }

    fn ends(&self, line: ArrayView1<u8>, offset: usize) -> Option<(usize, usize)> {
        let first = line.iter().position(|v| *v == self.value)?;
        let after = line.iter().rev().position(|v| *v == self.value)?;
        Some((offset + first, offset + line.len() - 1 - after))
    }
}

/// The smallest box about the pixels of each value.
pub(super) fn boxes(map: ArrayView2<u8>) -> Vec<Option<Box2>> {
    let mut found: Vec<Option<Box2>> = vec![None; 256];
    for (y, row) in map.outer_iter().enumerate() {
        let mut x = 0;
        while x < row.len() {
            let value = row[x];
            let start = x;
            while x < row.len() && row[x] == value {
                x += 1;
            }
            let run = Box2 {
                y0: y,
                y1: y,
                x0: start,
                x1: x - 1,
            };
            let known = &mut found[usize::from(value)];
            *known = Some(known.map_or(run, |b| b.with(run)));
        }
    }
    found
}
