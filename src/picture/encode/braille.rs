//! Braille: eight dots per cell, black or white, by ordered dither: what does not change keeps its dots.

use super::labels;
use crate::raster::Raster;
use ratatui::buffer::Cell;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

/// Bayer's 4x4 order of thresholds.
const BAYER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// Bit of each dot in U+2800.., by row and column.
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// The cells of `area`, row by row, in the terminal's own colours. The raster has 2 x 4 pixels per cell.
pub(super) fn cells(raster: &Raster, area: Rect) -> Vec<Cell> {
    let columns = usize::from(area.width);
    let mut cells: Vec<Cell> = (0..columns * usize::from(area.height))
        .map(|i| {
            let mut cell = Cell::default();
            draw(&mut cell, raster, 2 * (i % columns), 4 * (i / columns));
            cell
        })
        .collect();
    labels::write(&mut cells, raster, area, (2, 4), |_| Color::Reset);
    cells
}

fn draw(cell: &mut Cell, raster: &Raster, left: usize, top: usize) {
    let (mut picture, mut marks) = (0u8, 0u8);
    for (dy, row) in DOTS.iter().enumerate() {
        for (dx, bit) in row.iter().enumerate() {
            let (x, y) = (left + dx, top + dy);
            let threshold = BAYER[y % 4][x % 4] * 16 + 8;
            picture |= if raster.grey.at(x, y) >= threshold { *bit } else { 0 };
            let edge = raster.tint_at(x, y).is_some_and(|tint| tint.is_solid());
            marks |= if edge || raster.ink_at(x, y).is_some() { *bit } else { 0 };
        }
    }
    // A cell with an overlay, or the edge of a mask, shows only that, bold: drawn among dots it could not be told from them.
    let (dots, modifier) = if marks == 0 {
        (picture, Modifier::empty())
    } else {
        (marks, Modifier::BOLD)
    };
    cell.set_char(char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' '));
    cell.modifier = modifier;
}
