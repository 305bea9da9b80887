//! One picture of many: tiles laid where the stage says, moved by what their overlaps show, blended; and its reductions.
//!
//! Places are pixels of the mosaic, x right and y down, of a tile's top-left corner. Grey values stay in their own range, 8 or 16 bits.
//! [`refined`] trusts an overlap only where registration accepts it, and leaves a tile where it is said to be if none does.
//! `laid`: the same of whole frames, which say where they are.

mod laid;

pub use laid::{Laid, LayError, laid, reductions};

use crate::Grey;
use crate::register::{Method, Options, register};
use model::Point;
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

/// A tile and where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Tile<'a, T> {
    pub pixels: ArrayView2<'a, T>,
    pub at: Point,
}

/// How far two neighbours are off what is said, by their overlap.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tie {
    from: usize,
    to: usize,
    /// Where the second lies from the first, pixels.
    way: Point,
    confidence: f64,
}

/// Overlaps narrower than this say nothing, pixels.
const LEAST_OVERLAP: usize = 48;
/// How much the said place of a tile weighs against one sure overlap.
const SAID: f64 = 0.02;
/// Rounds of relaxation, and the change (pixels) after which there is no need for more.
const ROUNDS: usize = 400;
const STILL: f64 = 1e-3;
/// An overlap that disagrees with all others by more than this (pixels) was misled, and is left out.
const ASTRAY: f64 = 3.0;
/// Rows of a mosaic that are blended at once.
const BAND: usize = 128;

/// Places by the overlaps of neighbours. A tile is not moved farther than `most` pixels against a neighbour.
pub fn refined<T: Grey>(tiles: &[Tile<T>], most: f64) -> Vec<Point> {
    let pairs: Vec<(usize, usize)> = (0..tiles.len())
        .flat_map(|i| (i + 1..tiles.len()).map(move |j| (i, j)))
        .collect();
    let ties: Vec<Tie> = pairs
        .into_par_iter()
        .filter_map(|(i, j)| tie(tiles, i, j, most))
        .collect();
    let said: Vec<Point> = tiles.iter().map(|tile| tile.at).collect();
    let places = relaxed(&said, &ties);
    let off = |tie: &Tie| {
        let way = between(places[tie.from], places[tie.to]);
        (way.x - tie.way.x).hypot(way.y - tie.way.y)
    };
    let kept: Vec<Tie> = ties.iter().copied().filter(|tie| off(tie) <= ASTRAY).collect();
    match kept.len() == ties.len() {
        true => places,
        false => relaxed(&said, &kept),
    }
}

fn between(from: Point, to: Point) -> Point {
    Point {
        x: to.x - from.x,
        y: to.y - from.y,
    }
}

/// What the overlap of two tiles says, where they overlap enough.
fn tie<T: Grey>(tiles: &[Tile<T>], i: usize, j: usize, most: f64) -> Option<Tie> {
    let (a, b) = (&tiles[i], &tiles[j]);
    let way = between(a.at, b.at);
    let whole = (way.x.round(), way.y.round());
    let overlap = |offset: f64, n: usize, m: usize| {
        let from = offset.max(0.0);
        let to = (n as f64).min(offset + m as f64);
        (to - from >= LEAST_OVERLAP as f64).then_some((from as usize, to as usize))
    };
    let (x0, x1) = overlap(whole.0, a.pixels.ncols(), b.pixels.ncols())?;
    let (y0, y1) = overlap(whole.1, a.pixels.nrows(), b.pixels.nrows())?;
    let level = |v: &T| f32::from(v.level());
    let first = a.pixels.slice(s![y0..y1, x0..x1]).map(level);
    let (bx, by) = ((x0 as f64 - whole.0) as usize, (y0 as f64 - whole.1) as usize);
    let second = b.pixels.slice(s![by..by + y1 - y0, bx..bx + x1 - x0]).map(level);
    let options = Options {
        limit_px: Some(most),
        ..Options::default()
    };
    let found = register(first.view(), second.view(), Method::CrossCorrelation, &options).ok()?;
    // what is seen farther right in the second lies farther left in the mosaic
    found.accepted.then_some(Tie {
        from: i,
        to: j,
        way: Point {
            x: whole.0 - found.dx_px,
            y: whole.1 - found.dy_px,
        },
        confidence: found.confidence,
    })
}

/// Places that agree best with the ties and, weakly, with what is said: every tile goes to the weighted mean of what its neighbours say,
/// until all are still.
fn relaxed(said: &[Point], ties: &[Tie]) -> Vec<Point> {
    let mut places = said.to_vec();
    for _ in 0..ROUNDS {
        let mut moved = 0.0f64;
        for i in 0..places.len() {
            let (mut weight, mut x, mut y) = (SAID, SAID * said[i].x, SAID * said[i].y);
            for tie in ties {
                let (other, sign) = match (tie.from == i, tie.to == i) {
                    (true, _) => (places[tie.to], -1.0),
                    (_, true) => (places[tie.from], 1.0),
                    _ => continue,
                };
                weight += tie.confidence;
                x += tie.confidence * (other.x + sign * tie.way.x);
                y += tie.confidence * (other.y + sign * tie.way.y);
            }
            let new = Point {
                x: x / weight,
                y: y / weight,
            };
            moved = moved.max((new.x - places[i].x).hypot(new.y - places[i].y));
            places[i] = new;
        }
        if moved < STILL {
            break;
        }
    }
    places
}

/// The mosaic of tiles at their places, to whole pixels, each counting less towards its sides, and where its top-left corner lies. What no tile
/// covers is 0. `None` without tiles, or where they lie too far apart for `most` pixels in all.
pub fn blended<T: Grey>(tiles: &[Tile<T>], most: usize) -> Option<(Array2<T>, Point)> {
    let corner = |of: fn(&Point) -> f64| tiles.iter().map(|t| of(&t.at).round()).fold(f64::INFINITY, f64::min);
    let origin = Point {
        x: corner(|p| p.x),
        y: corner(|p| p.y),
    };
    let end = |of: fn(&Point) -> f64, axis: usize| {
        let ends = tiles
            .iter()
            .map(|t| of(&t.at).round() + t.pixels.len_of(Axis(axis)) as f64);
        ends.fold(f64::NEG_INFINITY, f64::max)
    };
    let (w, h) = (end(|p| p.x, 1) - origin.x, end(|p| p.y, 0) - origin.y);
    if !(w >= 1.0 && h >= 1.0 && w * h <= most as f64) {
        return None;
    }
    let (w, h) = (w as usize, h as usize);
    let zero = T::truncated(0.0);
    let mut mosaic = Array2::from_elem((h, w), zero);
    let bands = mosaic.axis_chunks_iter_mut(Axis(0), BAND).into_par_iter().enumerate();
    bands.for_each(|(n, mut band)| {
        let (top, rows) = (n * BAND, band.nrows());
        let mut sums = Array2::<f32>::zeros((rows, w));
        let mut weights = Array2::<f32>::zeros((rows, w));
        for tile in tiles {
            let (x0, y0) = (
                (tile.at.x.round() - origin.x) as usize,
                (tile.at.y.round() - origin.y) as usize,
            );
            let (height, width) = tile.pixels.dim();
            for y in top.max(y0)..(top + rows).min(y0 + height) {
                let down = 1 + (y - y0).min(y0 + height - 1 - y);
                for (x, v) in tile.pixels.row(y - y0).iter().enumerate() {
                    // nothing weighs nothing: a tile alone is itself to its rim
                    let weight = down.min(1 + x.min(width - 1 - x)) as f32;
                    sums[[y - top, x0 + x]] += weight * f32::from(v.level());
                    weights[[y - top, x0 + x]] += weight;
                }
            }
        }
        for ((v, sum), weight) in band.iter_mut().zip(&sums).zip(&weights) {
            if *weight > 0.0 {
                *v = T::truncated(f64::from(sum / weight) + 0.5);
            }
        }
    });
    Some((mosaic, origin))
}

/// Halves of a picture, the largest first, until neither side is longer than `longest`; the picture itself is not among them.
pub fn pyramid<T: Grey>(picture: ArrayView2<T>, longest: usize) -> Vec<Array2<T>> {
    let mut levels: Vec<Array2<T>> = Vec::new();
    loop {
        let last = levels.last().map_or(picture, |level| level.view());
        if last.nrows().max(last.ncols()) <= longest.max(1) {
            return levels;
        }
        let level = halved(last);
        levels.push(level);
    }
}

/// Means of 2 x 2 pixels; at an odd side the last ones of fewer.
fn halved<T: Grey>(picture: ArrayView2<T>) -> Array2<T> {
    let (h, w) = picture.dim();
    Array2::from_shape_fn((h.div_ceil(2), w.div_ceil(2)), |(y, x)| {
        let block = picture.slice(s![2 * y..(2 * y + 2).min(h), 2 * x..(2 * x + 2).min(w)]);
        let sum: u32 = block.iter().map(|v| u32::from(v.level())).sum();
        T::truncated(f64::from(sum) / block.len() as f64 + 0.5)
    })
}
