//! Figures: pictures side by side in colour, with masks laid over them, as one RGB picture.
//!
//! A [`Panel`] is a picture with what is drawn on it; [`montage`] lays panels out in a grid. What is drawn are the overlays of the screen,
//! in a panel's own colours; a mask is blended under them.

use crate::raster::{Grid, InkTable, Overlay, Position, Tone, Viewport, burn, show};
use model::Pixels;
use ndarray::ArrayView2;

/// Cells of a panel at most; a cell is what text is as high as.
const CELLS: (u16, u16) = (72, 24);
const CELL: (u16, u16) = (10, 20);
/// Dark pixels between panels.
const GAP: usize = 6;

/// Red, green, blue, row by row from the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

/// Class ids over a picture.
pub struct Mask<'a> {
    /// Of the picture's size; 0 is left as it is.
    pub labels: ArrayView2<'a, u8>,
    pub colour: &'a dyn Fn(u8) -> [u8; 3],
    /// 0 to 1: how much of the colour and how little of the picture.
    pub opacity: f64,
}

/// A picture of a figure.
pub struct Panel<'a> {
    pub pixels: &'a Pixels,
    pub mask: Option<Mask<'a>>,
    pub overlays: Vec<Overlay>,
    pub inks: InkTable,
}

impl Rgb {
    fn new(width: usize, height: usize) -> Rgb {
        Rgb {
            width,
            height,
            data: vec![24; width * height * 3],
        }
    }

    /// The colour at (x, y); black outside.
    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 3;
        match self.data.get(at..at + 3) {
            Some([r, g, b]) if x < self.width => [*r, *g, *b],
            _ => [0; 3],
        }
    }

    fn put(&mut self, other: &Rgb, left: usize, top: usize) {
        for y in 0..other.height {
            let from = y * other.width * 3;
            let to = ((top + y) * self.width + left) * 3;
            self.data[to..to + other.width * 3].copy_from_slice(&other.data[from..from + other.width * 3]);
        }
    }
}

/// One panel, cut down to what a figure needs of it.
pub fn panel(panel: &Panel) -> Rgb {
    let grid = Grid {
        per_cell: (f64::from(CELL.0), f64::from(CELL.1)),
        cell_px: CELL,
        max_cells: u16::MAX,
    };
    let viewport = Viewport::of_whole(panel.pixels.size(), CELLS, grid);
    let raster = burn(
        show(panel.pixels, &viewport, &Tone::default()),
        &panel.overlays,
        &viewport,
    );
    let (width, height) = (raster.grey.width, raster.grey.height);
    let mut rgb = Rgb::new(width, height);
    for y in 0..height {
        for x in 0..width {
            let grey = raster.grey.at(x, y);
            let colour = match (raster.ink_at(x, y), &panel.mask) {
                (Some(ink), _) => panel.inks.rgb(ink),
                (None, Some(mask)) => {
                    mask.over(grey, viewport.to_picture(Position::new(x as f64 + 0.5, y as f64 + 0.5)))
                }
                (None, None) => [grey; 3],
            };
            rgb.data[(y * width + x) * 3..][..3].copy_from_slice(&colour);
        }
    }
    rgb
}

impl Mask<'_> {
    fn over(&self, grey: u8, at: Position) -> [u8; 3] {
        match self.labels.get((at.y as usize, at.x as usize)) {
            None | Some(0) => [grey; 3],
            Some(class) => {
                let share = self.opacity.clamp(0.0, 1.0);
                (self.colour)(*class).map(|c| (f64::from(c) * share + f64::from(grey) * (1.0 - share)).round() as u8)
            }
        }
    }
}

/// Panels in rows of `columns`, each row as high and each column as wide as its largest.
pub fn montage(panels: &[Rgb], columns: usize) -> Rgb {
    let columns = columns.clamp(1, panels.len().max(1));
    let rows: Vec<&[Rgb]> = panels.chunks(columns).collect();
    let column = |i: usize| {
        rows.iter()
            .filter_map(|row| row.get(i))
            .map(|p| p.width)
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(column).collect();
    let heights: Vec<usize> = rows
        .iter()
        .map(|row| row.iter().map(|p| p.height).max().unwrap_or(0))
        .collect();
    let whole = |sides: &[usize]| sides.iter().sum::<usize>() + GAP * (sides.len() + 1);
    let mut figure = Rgb::new(whole(&widths), whole(&heights));
    let mut top = GAP;
    for (row, height) in rows.iter().zip(&heights) {
        let mut left = GAP;
        for (panel, width) in row.iter().zip(&widths) {
            figure.put(panel, left, top);
            left += width + GAP;
        }
        top += height + GAP;
    }
    figure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ink;

    #[test]
    fn a_mask_is_blended_and_overlays_lie_on_top() {
        let pixels = Pixels::filled(64, 64, 100);
        let labels = ndarray::Array2::from_shape_fn((64, 64), |(y, _)| u8::from(y >= 32));
        let made = panel(&Panel {
            pixels: &pixels,
            mask: Some(Mask {
                labels: labels.view(),
                colour: &|_| [200, 0, 0],
                opacity: 0.5,
            }),
            overlays: vec![Overlay::Line {
                from: Position::new(0.0, 48.0),
                to: Position::new(64.0, 48.0),
                ink: Ink::Good,
            }],
            inks: InkTable::default(),
        });
        let at = |x: f64, y: f64| made.at((x * made.width as f64) as usize, (y * made.height as f64) as usize);
        assert_eq!((at(0.5, 0.2), at(0.5, 0.9)), ([100; 3], [150, 50, 50]));
        let line = (0..made.height).any(|y| made.at(made.width / 2, y) == InkTable::default().rgb(Ink::Good));
        assert!(line);
    }

    #[test]
    fn panels_of_any_size_find_their_places() {
        let panels = [Rgb::new(10, 5), Rgb::new(20, 8), Rgb::new(4, 4)];
        let figure = montage(&panels, 2);
        assert_eq!((figure.width, figure.height), (10 + 20 + 3 * GAP, 8 + 4 + 3 * GAP));
        assert_eq!(montage(&[], 3).width, 2 * GAP);
    }
}
