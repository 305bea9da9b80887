//! What changed of a picture, as a part that is drawn over it: a stroke or a cursor does not send the whole again.

use super::Sent;
use crate::raster::{Grid, Raster};
use ratatui::layout::Rect;

/// A picture of fewer bytes is sent whole: a part would hardly be less.
const WORTH: usize = 8 << 10;
/// A change of more than this share of the cells is sent as a whole picture.
const SHARE: u32 = 3;
/// Parts that lie over a picture at most.
const MOST: usize = 200;
/// Ids below this are pictures', those above their parts'.
const IDS: u32 = 256;

/// A part of a picture that is drawn anew.
pub(super) struct Patch {
    pub id: u32,
    /// Cells of the screen, and of the picture.
    pub area: Rect,
    pub place: Rect,
    /// Left, top, right, bottom in the raster.
    pub pixels: (usize, usize, usize, usize),
}

/// What to draw over what was sent, where that is less than sending it all.
pub(super) fn of(id: u32, sent: &Sent, raster: &Raster, grid: Grid, scale: u16) -> Option<Patch> {
    let grown = sent.bytes.len() - sent.whole;
    if sent.whole < WORTH || grown > sent.whole || sent.patches.len() >= MOST || id >= IDS {
        return None;
    }
    let (left, top, right, bottom) = sent.raster.differs(raster)?;
    let area = sent.area;
    // a whole number of pixels lies in so many cells
    let step = usize::from(scale.max(1));
    let span = |from: usize, to: usize, per: f64, cells: u16, pixels: usize| {
        let first = (from as f64 / per) as usize / step * step;
        let last = ((to as f64 / per).ceil() as usize)
            .next_multiple_of(step)
            .min(usize::from(cells));
        let ends = match last == usize::from(cells) {
            true => pixels,
            false => (last as f64 * per).round() as usize,
        };
        (first as u16, last as u16, (first as f64 * per).round() as usize, ends)
    };
    let (column, columns, x, to_x) = span(left, right, grid.per_cell.0, area.width, raster.grey.width);
    let (row, rows, y, to_y) = span(top, bottom, grid.per_cell.1, area.height, raster.grey.height);
    let place = Rect::new(column, row, columns - column, rows - row);
    if place.area() * SHARE > area.area() {
        return None;
    }
    Some(Patch {
        id: id + IDS * (sent.patches.len() as u32 + 1),
        area: Rect {
            x: area.x + place.x,
            y: area.y + place.y,
            ..place
        },
        place,
        pixels: (x, y, to_x, to_y),
    })
}
