//! A milled fiducial: two dark bars that cross.

use super::level::{dark_levels, marked};
use super::{Found, Look};
use crate::mask::{Component, components};
use ndarray::{Array2, s};
use std::f64::consts::PI;

/// Share of the picture that a cross takes.
const SIZE: std::ops::Range<f64> = 3e-4..0.05;
/// Of its box it fills no more; a blot fills more.
const FILLED: f64 = 0.5;
/// Directions that are told apart, of half a turn.
const DIRECTIONS: usize = 36;
/// Directions between two bars at least (20 deg).
const APART: usize = 4;
/// The outer part of the arms is looked at: what is farther from the middle than this share of the farthest pixel.
const OUTER: f64 = 0.3;
/// The smallest of four arms has this share of the pixels at least.
const LEAST_ARM: f64 = 0.1;

/// The dark part that is most like a cross.
pub(super) fn find(look: &Look) -> Option<Found> {
    let n = look.grey.len() as f64;
    let all = dark_levels(&look.grey).into_iter().flat_map(|level| {
        let dark = marked(&look.grey, |at, v| v < level && !look.taken[at]);
        components(dark.view())
    });
    let sized = all.filter(|part| SIZE.contains(&(part.area as f64 / n)));
    let fitted = sized.filter_map(|part| fit(&part, look).map(|fit| (part, fit)));
    let (part, fit) = fitted.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let mut pixels = Array2::from_elem(look.grey.dim(), false);
    for run in &part.runs {
        pixels.slice_mut(s![run.y, run.x0..run.x1]).fill(true);
    }
    Some(Found { pixels, fit })
}

fn fit(part: &Component, look: &Look) -> Option<f64> {
    let b = part.bounds();
    let (height, width) = ((b.y1 - b.y0 + 1) as f64, (b.x1 - b.x0 + 1) as f64);
    let filled = part.area as f64 / (height * width);
    let (h, w) = look.grey.dim();
    let cut = b.x0 == 0 || b.y0 == 0 || b.x1 + 1 == w || b.y1 + 1 == h;
    if cut || filled > FILLED || !(0.25..4.0).contains(&(width / height)) {
        return None;
    }
    // a cross seen at a slant is still one where it is brought back to a square
    let stretch = width / height;
    let middle = (0.5 * (b.x0 + b.x1) as f64, 0.5 * (b.y0 + b.y1) as f64);
    let pixels = part
        .runs
        .iter()
        .flat_map(|run| (run.x0..run.x1).map(move |x| (x as f64, run.y as f64)));
    let around: Vec<(f64, f64)> = pixels.map(|(x, y)| (x - middle.0, (y - middle.1) * stretch)).collect();
    let farthest = around.iter().map(|(x, y)| x.hypot(*y)).fold(0.0, f64::max);
    let outer: Vec<(f64, f64)> = around
        .into_iter()
        .filter(|(x, y)| x.hypot(*y) > OUTER * farthest)
        .collect();
    let direction =
        |(x, y): (f64, f64)| ((y.atan2(x).rem_euclid(PI) / PI * DIRECTIONS as f64) as usize).min(DIRECTIONS - 1);
    let mut counts = [0usize; DIRECTIONS];
    outer.iter().for_each(|p| counts[direction(*p)] += 1);
    // a bar is as wide as two or three directions
    let near = |d: usize| {
        (0..3)
            .map(|i| counts[(d + DIRECTIONS + i - 1) % DIRECTIONS])
            .sum::<usize>()
    };
    let away = |a: usize, b: usize| a.abs_diff(b).min(DIRECTIONS - a.abs_diff(b));
    let first = (0..DIRECTIONS).max_by_key(|d| near(*d))?;
    let second = (0..DIRECTIONS)
        .filter(|d| away(*d, first) >= APART)
        .max_by_key(|d| near(*d))?;
    let on = |p: &(f64, f64), d: usize| away(direction(*p), d) <= 2;
    let arm = |d: usize, ahead: bool| {
        let angle = (d as f64 + 0.5) * PI / DIRECTIONS as f64;
        let side = |p: &&(f64, f64)| (p.0 * angle.cos() + p.1 * angle.sin() > 0.0) == ahead;
        outer.iter().filter(side).filter(|p| on(p, d)).count() as f64 / outer.len() as f64
    };
    let arms = [
        arm(first, true),
        arm(first, false),
        arm(second, true),
        arm(second, false),
    ];
    let least = arms.into_iter().fold(1.0, f64::min);
    (least >= LEAST_ARM).then(|| arms.iter().sum::<f64>().min(1.0) * (least / 0.2).min(1.0))
}
