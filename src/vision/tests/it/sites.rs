//! Sites on drawn grids, turned and uneven, with everything that is no cell.

use model::Point;
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use vision::sites::{Needs, SitesError, sites};

/// m per pixel, between bars, half an opening.
const PIXEL: f64 = 0.5e-6;
const PITCH: f64 = 125e-6;
const HALF: f64 = 47e-6;

/// Something on the grid: the square it is in (column, row), its place from the middle of that, its radius (m), how bright.
struct Thing {
    square: (i32, i32),
    at: (f64, f64),
    radius: f64,
    level: f64,
}

const fn thing(square: (i32, i32), at: (f64, f64), radius: f64, level: f64) -> Thing {
    Thing {
        square,
        at,
        radius,
        level,
    }
}

const CELL: f64 = 125.0;

/// A grid of 3 x 3 squares and parts of others, turned by `angle` (rad), with things, a crack in one square, and one broken.
fn grid(angle: f64, things: &[Thing], seed: u64) -> Array2<u8> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let (sin, cos) = angle.sin_cos();
    Array2::from_shape_fn((1000, 1000), |(y, x)| {
        let (x, y) = ((x as f64 - 500.0) * PIXEL, (y as f64 - 500.0) * PIXEL);
        let (u, v) = (x * cos + y * sin, y * cos - x * sin);
        let (column, row) = ((u / PITCH).round(), (v / PITCH).round());
        let (a, b) = (u - column * PITCH, v - row * PITCH);
        let square = (column as i32, row as i32);
        let slope = 8.0 * x / 250e-6 - 5.0 * y / 250e-6;
        let level = match a.abs().max(b.abs()) {
            bar if bar > HALF => 150.0,
            _ if square == (1, -1) && a.hypot(b) < 30e-6 => 8.0,
            _ if square == (-1, 1) && (a - 0.2 * b).abs() < 1.5e-6 => 8.0,
            edge => {
                let on = things.iter().filter(|t| t.square == square);
                let on = on.filter(|t| (a - t.at.0).hypot(b - t.at.1) < t.radius);
                // ice runs up to the bars
                on.map(|t| t.level).fold(95.0 + 10.0 * (edge / HALF).powi(6), f64::max)
            }
        };
        (level + slope + rng.random_range(-25.0..25.0)).clamp(0.0, 255.0) as u8
    })
}

/// Where the middle of something is in the picture.
fn pixel(angle: f64, square: (i32, i32), at: (f64, f64)) -> Point {
    let (sin, cos) = angle.sin_cos();
    let (u, v) = (f64::from(square.0) * PITCH + at.0, f64::from(square.1) * PITCH + at.1);
    Point {
        x: (u * cos - v * sin) / PIXEL + 500.0,
        y: (u * sin + v * cos) / PIXEL + 500.0,
    }
}

#[test]
fn cells_on_whole_squares_are_proposed_and_everything_else_has_its_reason() {
    let things = [
        thing((0, 0), (3e-6, -6e-6), 7e-6, CELL),
        thing((-1, 0), (-12e-6, 10e-6), 6e-6, CELL),
        // too near to a bar, too small, glaring, beside a crack, and one on a square that is broken
        thing((0, 1), (38e-6, 0.0), 6e-6, CELL),
        thing((1, 0), (0.0, 0.0), 2.5e-6, CELL),
        thing((0, -1), (0.0, 0.0), 6e-6, 250.0),
        thing((-1, 1), (10e-6, 0.0), 6e-6, CELL),
        thing((1, -1), (36e-6, 36e-6), 6e-6, CELL),
    ];
    for (angle, seed) in [(0.0_f64, 1), (0.13, 2), (-0.5, 3)] {
        let found = sites(grid(angle, &things, seed).view(), (PIXEL, PIXEL), &Needs::default()).unwrap();
        let near = |at: Point, other: Point| (at.x - other.x).hypot(at.y - other.y) * PIXEL < 2e-6;
        assert_eq!(found.sites.len(), 2, "{angle}: {found:#?}");
        for (site, thing) in found.sites.iter().zip(&things) {
            let at = pixel(angle, thing.square, thing.at);
            assert!(near(site.at, at), "{angle}: {site:?} is not at {at:?}");
            assert!((site.size.0 / (2.0 * thing.radius) - 1.0).abs() < 0.3, "{site:?}");
            assert!(!site.reasons.is_empty() && site.score > 0.3, "{site:?}");
        }
        assert!(found.sites[0].score > found.sites[1].score);
        for (thing, word) in things[2..]
            .iter()
            .zip(["a bar", "too small", "brighter than any cell", "a crack"])
        {
            let at = pixel(angle, thing.square, thing.at);
            let refused = found.refused.iter().find(|r| near(r.at, at));
            assert!(
                refused.is_some_and(|r| r.reason.contains(word)),
                "{angle}, {word}: {:?}",
                found.refused
            );
        }
        let broken = pixel(angle, (1, -1), (0.0, 0.0));
        let refused = found.refused.iter().find(|r| near(r.at, broken));
        assert!(
            refused.is_some_and(|r| r.reason.contains("broken")),
            "{angle}: {:?}",
            found.refused
        );
    }
}

#[test]
fn two_cells_side_by_side_are_one_site() {
    let things = [
        thing((0, 0), (-8e-6, 0.0), 7e-6, CELL),
        thing((0, 0), (14e-6, 0.0), 5e-6, CELL),
    ];
    let found = sites(grid(0.0, &things, 4).view(), (PIXEL, PIXEL), &Needs::default()).unwrap();
    assert_eq!(found.sites.len(), 1, "{found:#?}");
    assert!(
        found.refused.iter().any(|r| r.reason.contains("better site")),
        "{found:#?}"
    );
    let short = Needs {
        longest: 9e-6,
        ..Needs::default()
    };
    let refused = sites(grid(0.0, &things, 4).view(), (PIXEL, PIXEL), &short).unwrap();
    assert!(refused.sites.is_empty(), "{refused:#?}");
    let needs = Needs {
        apart: 15e-6,
        ..Needs::default()
    };
    assert_eq!(
        sites(grid(0.0, &things, 4).view(), (PIXEL, PIXEL), &needs)
            .unwrap()
            .sites
            .len(),
        2
    );
}

#[test]
fn a_picture_without_a_mesh_proposes_nothing() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let noise = Array2::from_shape_fn((600, 600), |_| rng.random_range(0..255u8));
    assert_eq!(
        sites(noise.view(), (PIXEL, PIXEL), &Needs::default()),
        Err(SitesError::NoMesh)
    );
    let flat = Array2::from_elem((600, 600), 90u8);
    assert_eq!(
        sites(flat.view(), (PIXEL, PIXEL), &Needs::default()),
        Err(SitesError::NoMesh)
    );
    let small = Array2::from_elem((30, 30), 90u8);
    assert_eq!(
        sites(small.view(), (PIXEL, PIXEL), &Needs::default()),
        Err(SitesError::Small)
    );
}
