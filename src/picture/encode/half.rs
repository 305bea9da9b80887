//! Half blocks: two pixels per cell, in ratatui cells.
//!
//! A change of colours costs some twenty bytes, a character three and a space one. With few greys a row is therefore
//! split into stretches drawn with one pair of greys each, chosen (Viterbi) so that squared error plus bytes times a price
//! is least; the price rises until the picture fits its budget. Where overlays are, cells are exact.

use super::colour::ColourDepth;
use crate::raster::{InkTable, Raster};
use ratatui::buffer::Cell;
use ratatui::layout::Rect;
use ratatui::style::Color;

/// Bytes of `ESC[38;5;nnn;48;5;nnnm`.
const CHANGE: f32 = 21.0;
/// Bytes of a half block.
const BLOCK: usize = 3;
/// Squared grey error that one byte less is worth at first: far below what an eye sees.
const PRICE: f32 = 4.0;
/// The price is doubled at most so often.
const RAISES: usize = 12;
const SHADES: &[u8] = b" .:-=+*#%@";

/// The cells of `area`, row by row. The raster has one pixel per column and two per row.
pub(super) fn cells(raster: &Raster, area: Rect, depth: ColourDepth, budget: usize, inks: &InkTable) -> Vec<Cell> {
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    let mut cells = match depth {
        ColourDepth::Mono => shades(raster, columns, rows),
        ColourDepth::True => exact(raster, columns, rows, depth, inks),
        ColourDepth::Grey256 | ColourDepth::Sixteen => {
            let greys = Greys::new(depth);
            let mut price = PRICE;
            let mut drawing = draw(raster, columns, rows, &greys, price);
            for _ in 0..RAISES {
                if drawing.bytes <= budget {
                    break;
                }
                price *= 2.0;
                drawing = draw(raster, columns, rows, &greys, price);
            }
            let mut cells = drawing.cells;
            overlay(&mut cells, raster, columns, &greys, depth, inks);
            cells
        }
    };
    super::labels::write(&mut cells, raster, area, (1, 2), |ink| depth.colour(inks.rgb(ink)));
    cells
}

/// Two greys that draw a stretch of a row, as indices into the levels; dark is not above bright.
#[derive(Clone, Copy, PartialEq)]
struct Pair {
    dark: usize,
    bright: usize,
}

struct Greys {
    levels: Vec<(u8, Color)>,
    /// For each grey value the squared error of each level.
    errors: Vec<Vec<f32>>,
}

impl Greys {
    fn new(depth: ColourDepth) -> Greys {
        let levels = depth.greys();
        let errors = (0..=255u8)
            .map(|grey| {
                levels
                    .iter()
                    .map(|(v, _)| f32::from(v.abs_diff(grey)).powi(2))
                    .collect()
            })
            .collect();
        Greys { levels, errors }
    }

    fn errors(&self, grey: u8) -> &[f32] {
        &self.errors[usize::from(grey)]
    }

    fn nearest(&self, grey: u8) -> usize {
        (0..self.levels.len())
            .min_by_key(|&i| self.levels[i].0.abs_diff(grey))
            .unwrap_or(0)
    }
}

struct Drawing {
    cells: Vec<Cell>,
    bytes: usize,
}

fn draw(raster: &Raster, columns: usize, rows: usize, greys: &Greys, price: f32) -> Drawing {
    let mut drawing = Drawing {
        cells: Vec::with_capacity(columns * rows),
        bytes: 0,
    };
    for row in 0..rows {
        let targets: Vec<(u8, u8)> = (0..columns)
            .map(|x| (raster.grey.at(x, 2 * row), raster.grey.at(x, 2 * row + 1)))
            .collect();
        let choice = pairs_of_row(&targets, greys, price);
        let mut x = 0;
        for stretch in choice.chunk_by(|a, b| a == b) {
            draw_stretch(&mut drawing, &targets[x..x + stretch.len()], stretch[0], greys);
            x += stretch.len();
        }
    }
    drawing
}

/// The cheapest sequence of pairs for one row, of the levels that occur in it.
fn pairs_of_row(targets: &[(u8, u8)], greys: &Greys, price: f32) -> Vec<Pair> {
    let values = || targets.iter().flat_map(|&(top, bottom)| [top, bottom]);
    let low = greys.nearest(values().min().unwrap_or(0));
    let high = greys.nearest(values().max().unwrap_or(0));
    let levels = high + 1 - low;
    let pairs: Vec<Pair> = (low..=high)
        .flat_map(|dark| (dark..=high).map(move |bright| Pair { dark, bright }))
        .collect();

    let mut cost = vec![0.0f32; pairs.len()];
    // For each cell the best pair before it, and for each pair whether it was changed to there.
    let mut best_before = Vec::with_capacity(targets.len());
    let mut changed = vec![false; pairs.len() * targets.len()];
    for (&(top, bottom), mut changed) in targets.iter().zip(changed.chunks_exact_mut(pairs.len())) {
        let (best, least) = cheapest(&cost);
        best_before.push(best);
        let change = least + CHANGE * price;
        let (top, bottom) = (&greys.errors(top)[low..=high], &greys.errors(bottom)[low..=high]);
        let mut cost = cost.as_mut_slice();
        // All pairs of one dark level lie side by side.
        for dark in 0..levels {
            let (costs, rest) = cost.split_at_mut(levels - dark);
            let (changes, rest_changed) = changed.split_at_mut(levels - dark);
            for (((cost, changed), top_bright), bottom_bright) in
                costs.iter_mut().zip(changes).zip(&top[dark..]).zip(&bottom[dark..])
            {
                *changed = *cost > change;
                *cost = cost.min(change) + top[dark].min(*top_bright) + bottom[dark].min(*bottom_bright);
            }
            (cost, changed) = (rest, rest_changed);
        }
    }

    let (mut state, _) = cheapest(&cost);
    let mut choice = Vec::with_capacity(targets.len());
    for (changed, best) in changed.chunks_exact(pairs.len()).zip(best_before).rev() {
        choice.push(pairs[state]);
        if changed[state] {
            state = best;
        }
    }
    choice.reverse();
    choice
}

fn cheapest(cost: &[f32]) -> (usize, f32) {
    let start = (0, f32::INFINITY);
    cost.iter()
        .copied()
        .enumerate()
        .fold(start, |least, (i, c)| if c < least.1 { (i, c) } else { least })
}

fn draw_stretch(drawing: &mut Drawing, targets: &[(u8, u8)], pair: Pair, greys: &Greys) {
    let bright = |grey: u8| greys.errors(grey)[pair.bright] < greys.errors(grey)[pair.dark];
    let halves: Vec<(bool, bool)> = targets
        .iter()
        .map(|&(top, bottom)| (bright(top), bright(bottom)))
        .collect();
    // The grey that fills more whole cells is the background: those cells are spaces.
    let all_bright = halves.iter().filter(|&&h| h == (true, true)).count();
    let all_dark = halves.iter().filter(|&&h| h == (false, false)).count();
    let bright_ground = all_bright > all_dark;
    let (ground, ink) = if bright_ground {
        (pair.bright, pair.dark)
    } else {
        (pair.dark, pair.bright)
    };
    drawing.bytes += CHANGE as usize;
    for (top, bottom) in halves {
        let symbol = match (top != bright_ground, bottom != bright_ground) {
            (false, false) => " ",
            (true, false) => "▀",
            (false, true) => "▄",
            (true, true) => "█",
        };
        drawing.bytes += if symbol == " " { 1 } else { BLOCK };
        let mut cell = Cell::default();
        cell.set_symbol(symbol)
            .set_fg(greys.levels[ink].1)
            .set_bg(greys.levels[ground].1);
        drawing.cells.push(cell);
    }
}

/// Cells with overlay pixels, drawn exactly over what is there.
fn overlay(cells: &mut [Cell], raster: &Raster, columns: usize, greys: &Greys, depth: ColourDepth, inks: &InkTable) {
    if !raster.is_coloured() {
        return;
    }
    for (i, cell) in cells.iter_mut().enumerate() {
        let (x, y) = (i % columns, 2 * (i / columns));
        let plain = |y: usize| raster.ink_at(x, y).is_none() && raster.tint_at(x, y).is_none();
        if plain(y) && plain(y + 1) {
            continue;
        }
        let colour = |y: usize| match raster.tint_at(x, y) {
            _ if plain(y) => greys.levels[greys.nearest(raster.grey.at(x, y))].1,
            // a blend of sixteen colours is mostly grey: every second pixel in full instead
            Some(tint) if depth == ColourDepth::Sixteen && raster.ink_at(x, y).is_none() => {
                match tint.is_solid() || (x + y).is_multiple_of(2) {
                    true => depth.colour(tint.colour),
                    false => greys.levels[greys.nearest(raster.grey.at(x, y))].1,
                }
            }
            _ => depth.colour(raster.rgb_at(x, y, inks)),
        };
        upper_half(cell, colour(y), colour(y + 1));
    }
}

/// True colour: every pixel as it is.
fn exact(raster: &Raster, columns: usize, rows: usize, depth: ColourDepth, inks: &InkTable) -> Vec<Cell> {
    let colour = |x: usize, y: usize| depth.colour(raster.rgb_at(x, y, inks));
    (0..columns * rows)
        .map(|i| {
            let (x, y) = (i % columns, 2 * (i / columns));
            let mut cell = Cell::default();
            upper_half(&mut cell, colour(x, y), colour(x, y + 1));
            cell
        })
        .collect()
}

fn upper_half(cell: &mut Cell, top: Color, bottom: Color) {
    cell.set_symbol(if top == bottom { " " } else { "▀" })
        .set_fg(top)
        .set_bg(bottom);
}

/// No colour at all: brightness as characters, overlays as `o`, edges of a mask by their classes' signs.
fn shades(raster: &Raster, columns: usize, rows: usize) -> Vec<Cell> {
    (0..columns * rows)
        .map(|i| {
            let (x, y) = (i % columns, 2 * (i / columns));
            let grey = (usize::from(raster.grey.at(x, y)) + usize::from(raster.grey.at(x, y + 1))) / 2;
            let marked = raster.ink_at(x, y).or(raster.ink_at(x, y + 1)).is_some();
            let edge = [y, y + 1]
                .into_iter()
                .filter_map(|y| raster.tint_at(x, y))
                .find(|t| t.is_solid());
            let shade = match edge {
                _ if marked => 'o',
                Some(tint) => tint.sign,
                None => char::from(SHADES[grey * SHADES.len() / 256]),
            };
            let mut cell = Cell::default();
            cell.set_char(shade);
            cell
        })
        .collect()
}
