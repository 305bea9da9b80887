//! One opening of a mesh: whether its film is whole, and what stands on it.

use super::lattice::{Lattice, Levels, median};
use crate::filter::box_mean;
use crate::mask::{Component, components};
use model::Point;
use nalgebra::{SMatrix, SVector};
use ndarray::{Array2, ArrayView2};

/// The state of a film.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ground {
    Whole,
    Cracked,
    /// So much of it is open.
    Broken {
        share: f64,
    },
}

/// Something that stands out of the film.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spot {
    /// Its middle.
    pub at: Point,
    /// Width and length (m) along the picture's x and y.
    pub size: (f64, f64),
    /// Brighter than the film, by what bars are brighter than it.
    pub rise: f64,
    /// Share that is much brighter than anything that ice covers.
    pub glare: f64,
    /// Share of it that stands out by itself: the rest are gaps between parts.
    pub solid: f64,
}

/// An opening.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Square {
    pub middle: Point,
    pub ground: Ground,
    pub spots: Vec<Spot>,
    /// Pixels (y, x) that look through the film.
    open: Vec<(usize, usize)>,
}

/// The film runs up to the bars over this length (m): what is seen there says nothing of the film.
const RIM: f64 = 6e-6;
/// Darker than film by this share of what bars are brighter: it is not there.
const DARK: f32 = 0.8;
/// A film more open than this is broken; less than the first is dirt and shadow.
const SPECK: f64 = 0.0015;
const BROKEN: f64 = 0.05;
/// Out of the film by so many deviations, and by this share of what bars are brighter.
const OUT: f32 = 2.5;
const LEAST: f32 = 0.12;
/// Brighter than film by so many times what bars are: no part of a cell.
const GLARE: f32 = 2.0;
/// Diameter (m) of what is too small to be anything.
const SPECKLE: f64 = 3e-6;
/// Gaps of so many pixels inside of one thing are closed.
const CLOSED: usize = 5;
/// Rounds in which what stands out is left out of the film's brightness.
const ROUNDS: usize = 6;
/// A normal distribution's deviation in medians of what is off.
const DEVIATION: f32 = 1.4826;

type Plane = SVector<f64, 6>;

impl Square {
    pub fn look(picture: ArrayView2<f32>, mesh: &Lattice, middle: Point, levels: &Levels) -> Square {
        let pixels = mesh.pixels(middle, RIM, picture.dim());
        let mut all: Vec<f32> = pixels.iter().map(|at| picture[*at]).collect();
        let film = median(&mut all);
        let above = (levels.bar - levels.film).abs();
        // where most is open, the picture's own film counts
        let ground = film.max(levels.film - 0.5 * above);
        let open: Vec<(usize, usize)> = pixels
            .iter()
            .copied()
            .filter(|at| picture[*at] < ground - DARK * above)
            .collect();
        let share = open.len() as f64 / pixels.len().max(1) as f64;
        let ground = match share {
            share if share > BROKEN => Ground::Broken { share },
            share if share > SPECK => Ground::Cracked,
            _ => Ground::Whole,
        };
        let spots = match ground {
            Ground::Broken { .. } => Vec::new(),
            _ => spots(picture, mesh, middle, &pixels, above),
        };
        let open = match ground {
            Ground::Whole => Vec::new(),
            _ => open,
        };
        Square {
            middle,
            ground,
            spots,
            open,
        }
    }

    /// How far the nearest crack is (m); `None` in a film that is whole.
    pub fn crack(&self, at: Point, pixel: (f64, f64)) -> Option<f64> {
        let way = |(y, x): &(usize, usize)| ((*x as f64 - at.x) * pixel.0).hypot((*y as f64 - at.y) * pixel.1);
        self.open.iter().map(way).reduce(f64::min)
    }
}

fn spots(picture: ArrayView2<f32>, mesh: &Lattice, middle: Point, pixels: &[(usize, usize)], above: f32) -> Vec<Spot> {
    let terms = |(y, x): (usize, usize)| {
        let [u, v] = mesh.within(
            middle,
            Point {
                x: x as f64,
                y: y as f64,
            },
        );
        Plane::from([1.0, u, v, u * u, v * v, u * v])
    };
    let rows: Vec<(Plane, f32)> = pixels.iter().map(|at| (terms(*at), picture[*at])).collect();
    let Some((plane, deviation)) = film(&rows) else {
        return Vec::new();
    };
    // a window of the picture around the opening
    let corner = |of: fn(&(usize, usize)) -> usize| pixels.iter().map(of).min().unwrap_or(0);
    let end = |of: fn(&(usize, usize)) -> usize| pixels.iter().map(of).max().unwrap_or(0) + 1;
    let (top, left) = (corner(|p| p.0), corner(|p| p.1));
    let size = (end(|p| p.0).saturating_sub(top), end(|p| p.1).saturating_sub(left));
    let mut out = Array2::<f32>::zeros(size);
    for ((y, x), (terms, level)) in pixels.iter().zip(&rows) {
        out[[y - top, x - left]] = level - plane.dot(terms) as f32;
    }
    let least = (OUT * deviation).max(LEAST * above);
    let standing = out.mapv(|v| f32::from(u8::from(v > least)));
    let closed = box_mean(standing.view(), CLOSED).mapv(|share| u8::from(share > 0.45));
    let speckle = std::f64::consts::FRAC_PI_4 * SPECKLE * SPECKLE / (mesh.pixel.0 * mesh.pixel.1);
    components(closed.view())
        .iter()
        .filter(|part| part.area as f64 > speckle)
        .map(|part| spot(part, out.view(), (top, left), mesh.pixel, (least, above)))
        .collect()
}

fn spot(
    part: &Component,
    out: ArrayView2<f32>,
    (top, left): (usize, usize),
    pixel: (f64, f64),
    (least, above): (f32, f32),
) -> Spot {
    let (mut x, mut y, mut level, mut bright, mut standing) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for run in &part.runs {
        let width = (run.x1 - run.x0) as f64;
        x += (run.x0 + run.x1 - 1) as f64 / 2.0 * width;
        y += run.y as f64 * width;
        for v in (run.x0..run.x1).map(|x| out[[run.y, x]]) {
            level += f64::from(v);
            bright += f64::from(u8::from(v > GLARE * above));
            standing += f64::from(u8::from(v > least));
        }
    }
    let (area, bounds) = (part.area as f64, part.bounds());
    // by its area: a thread that hangs on a cell makes it no wider
    let grown = |side: f64, other: f64| (area / (side * other).max(1.0)).min(1.0).sqrt() * side;
    let (w, h) = ((bounds.x1 - bounds.x0 + 1) as f64, (bounds.y1 - bounds.y0 + 1) as f64);
    Spot {
        at: Point {
            x: x / area + left as f64,
            y: y / area + top as f64,
        },
        size: (grown(w, h) * pixel.0, grown(h, w) * pixel.1),
        rise: level / area / f64::from(above.max(1e-6)),
        glare: bright / area,
        solid: standing / area,
    }
}

/// The film's brightness over an opening, a curved plane, and how far the film itself is off it. What stands out is left out.
fn film(rows: &[(Plane, f32)]) -> Option<(Plane, f32)> {
    let mut kept: Vec<bool> = vec![true; rows.len()];
    let mut found = None;
    for _ in 0..ROUNDS {
        let (mut left, mut right) = (SMatrix::<f64, 6, 6>::zeros(), Plane::zeros());
        for ((terms, level), _) in rows.iter().zip(&kept).filter(|(_, kept)| **kept) {
            left += terms * terms.transpose();
            right += terms * f64::from(*level);
        }
        let plane = left.cholesky()?.solve(&right);
        let off: Vec<f32> = rows
            .iter()
            .map(|(terms, level)| level - plane.dot(terms) as f32)
            .collect();
        let mut sizes: Vec<f32> = off.iter().map(|off| off.abs()).collect();
        let deviation = DEVIATION * median(&mut sizes);
        kept = off.iter().map(|off| off.abs() <= OUT * deviation.max(1e-3)).collect();
        found = Some((plane, deviation));
    }
    found
}
