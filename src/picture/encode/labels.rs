//! Labels in text protocols: characters in the cells, where a canvas is too coarse to draw letters.

use crate::raster::{Ink, Raster};
use ratatui::buffer::Cell;
use ratatui::layout::Rect;
use ratatui::style::Color;
use unicode_width::UnicodeWidthChar;

/// Writes the raster's labels into text cells of `per_cell` canvas pixels, over the background that is there.
pub(super) fn write(
    cells: &mut [Cell],
    raster: &Raster,
    area: Rect,
    per_cell: (i64, i64),
    colour: impl Fn(Ink) -> Color,
) {
    for label in &raster.labels {
        let row = label.y.div_euclid(per_cell.1);
        let left = label.x.div_euclid(per_cell.0);
        if !(0..i64::from(area.height)).contains(&row) {
            continue;
        }
        // A wide character would push the row aside.
        for (n, c) in label.text.chars().filter(|c| c.width() == Some(1)).enumerate() {
            let column = left.saturating_add(n as i64);
            if (0..i64::from(area.width)).contains(&column)
                && let Some(cell) = cells.get_mut((row * i64::from(area.width) + column) as usize)
            {
                let ground = cell.bg;
                cell.reset();
                cell.set_char(c).set_bg(ground).set_fg(colour(label.ink));
            }
        }
    }
}
