//! A block: a rectangle with an edge all round that stands out of darker surroundings.

use super::level::marked;
use super::{Found, Look};
use crate::mask::{Box2, components};
use ndarray::{Array2, ArrayView2, s};

/// Share of the picture that a block takes.
const SIZE: std::ops::Range<f64> = 0.02..0.7;
/// Steepness of its edges, in parts of the picture's spread; the first that finds one is taken.
const STEEP: [f32; 3] = [1.2, 0.8, 0.5];
/// Pixels from the side of a box within which an edge belongs to it.
const NEAR: usize = 3;
/// Share of each side that has an edge at least, above what chance gives it in this picture.
const SEEN: f64 = 0.6;
/// By how much it stands out of its surroundings on each side, in parts of the picture's spread.
const STEP: f32 = 0.3;

/// The rectangle whose sides are seen best.
pub(super) fn find(look: &Look) -> Option<Found> {
    let steep = steepness(&look.grey.view());
    let all = STEEP.iter().flat_map(|level| {
        let edges = marked(&steep, |at, v| v > level * look.spread && !look.taken[at]);
        let chance = chance(&edges);
        let boxes: Vec<Box2> = components(edges.view()).iter().map(|part| part.bounds()).collect();
        boxes
            .into_iter()
            .filter_map(move |b| Some((b, fit(b, &edges, chance, look)?)))
            .collect::<Vec<_>>()
    });
    let (b, fit) = all.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let mut pixels = Array2::from_elem(look.grey.dim(), false);
    pixels.slice_mut(s![b.y0 + 1..b.y1, b.x0 + 1..b.x1]).fill(true);
    Some(Found { pixels, fit })
}

/// Length of the gradient over two pixels.
fn steepness(grey: &ArrayView2<f32>) -> Array2<f32> {
    let (h, w) = grey.dim();
    Array2::from_shape_fn((h, w), |(y, x)| {
        match (1..h - 1).contains(&y) && (1..w - 1).contains(&x) {
            true => (grey[[y, x + 1]] - grey[[y, x - 1]]).hypot(grey[[y + 1, x]] - grey[[y - 1, x]]),
            false => 0.0,
        }
    })
}

/// Share of the places of the picture that have an edge as near as a side must have one: in noise and in tissue there is one
/// nearly everywhere, and a box drawn anywhere would have four sides.
fn chance(edges: &Array2<u8>) -> f64 {
    let bands = edges.axis_chunks_iter(ndarray::Axis(0), 2 * NEAR + 1);
    let seen = bands.map(|band| {
        band.columns()
            .into_iter()
            .filter(|column| column.iter().any(|v| *v == 1))
            .count()
    });
    let places = edges.nrows().div_ceil(2 * NEAR + 1) * edges.ncols();
    seen.sum::<usize>() as f64 / places.max(1) as f64
}

fn fit(b: Box2, edges: &Array2<u8>, chance: f64, look: &Look) -> Option<f64> {
    let (h, w) = edges.dim();
    let rim = 2 * NEAR;
    let inside = b.x0 >= rim && b.y0 >= rim && b.x1 + rim < w && b.y1 + rim < h;
    let (height, width) = (b.y1 - b.y0 + 1, b.x1 - b.x0 + 1);
    let share = (height * width) as f64 / edges.len() as f64;
    if !inside || !SIZE.contains(&share) || height < 4 * rim || width < 4 * rim {
        return None;
    }
    let row = |y: usize| edges.slice(s![y.saturating_sub(NEAR)..(y + NEAR + 1).min(h), b.x0..=b.x1]);
    let column = |x: usize| edges.slice(s![b.y0..=b.y1, x.saturating_sub(NEAR)..(x + NEAR + 1).min(w)]);
    let along = |band: ArrayView2<u8>, axis: usize| {
        let lines = band.axis_iter(ndarray::Axis(axis));
        let n = lines.len() as f64;
        lines.filter(|line| line.iter().any(|v| *v == 1)).count() as f64 / n
    };
    let sides = [
        along(row(b.y0), 1),
        along(row(b.y1), 1),
        along(column(b.x0), 0),
        along(column(b.x1), 0),
    ];
    let worst = (sides.into_iter().fold(1.0, f64::min) - chance) / (1.0 - chance);
    let mean = |part: ArrayView2<f32>| part.mean().unwrap_or(0.0);
    let own = mean(look.grey.slice(s![b.y0 + rim..=b.y1 - rim, b.x0 + rim..=b.x1 - rim]));
    let beside = [
        mean(look.grey.slice(s![b.y0 - rim..b.y0 - NEAR + 1, b.x0..=b.x1])),
        mean(look.grey.slice(s![b.y1 + NEAR..b.y1 + rim, b.x0..=b.x1])),
        mean(look.grey.slice(s![b.y0..=b.y1, b.x0 - rim..b.x0 - NEAR + 1])),
        mean(look.grey.slice(s![b.y0..=b.y1, b.x1 + NEAR..b.x1 + rim])),
    ];
    let darker = beside.iter().all(|v| *v < own - STEP * look.spread);
    (worst >= SEEN && darker).then_some(worst)
}
