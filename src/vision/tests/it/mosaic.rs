//! Tiles cut from one picture, laid where a stage with errors would have said, against where they were cut.

use crate::pictures::{Scene, scene};
use model::Point;
use ndarray::{Array2, s};
use rand::{RngExt, SeedableRng};
use vision::mosaic::{Tile, blended, pyramid, refined};

const TILE: (usize, usize) = (224, 256);
const STEP: (usize, usize) = (160, 176);

/// A tile, where it was cut, and where it is said to lie.
type Cut = (Array2<u16>, Point, Point);

/// A picture of 16 bits, and nine tiles of it.
fn cut(seed: u64) -> (Array2<u16>, Vec<Cut>) {
    let size = (TILE.0 + 2 * STEP.0, TILE.1 + 2 * STEP.1);
    let whole = scene(Scene::Texture, seed)
        .slice(s![..size.0, ..size.1])
        .mapv(|v| (v * 200.0 + 500.0) as u16);
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let tiles = (0..9).map(|i| {
        let (y, x) = (i / 3 * STEP.0, i % 3 * STEP.1);
        let mut pixels = whole.slice(s![y..y + TILE.0, x..x + TILE.1]).to_owned();
        pixels.mapv_inplace(|v| v.saturating_add(rng.random_range(0..1500)));
        let at = Point {
            x: x as f64,
            y: y as f64,
        };
        let said = Point {
            x: at.x + rng.random_range(-9.0..9.0),
            y: at.y + rng.random_range(-9.0..9.0),
        };
        (pixels, at, said)
    });
    let tiles = tiles.collect();
    (whole, tiles)
}

#[test]
fn overlaps_bring_tiles_to_their_places() {
    let (whole, cut) = cut(3);
    let tiles: Vec<Tile<u16>> = cut
        .iter()
        .map(|(pixels, _, said)| Tile {
            pixels: pixels.view(),
            at: *said,
        })
        .collect();
    let places = refined(&tiles, 30.0);
    // against each other: where all of them lie together, only the stage says
    for (place, (_, at, _)) in places.iter().zip(&cut) {
        let (dx, dy) = (place.x - places[4].x, place.y - places[4].y);
        let (x, y) = (at.x - cut[4].1.x, at.y - cut[4].1.y);
        assert!((dx - x).hypot(dy - y) < 1.0, "{place:?}, cut at {at:?}");
    }
    let laid: Vec<Tile<u16>> = tiles
        .iter()
        .zip(&places)
        .map(|(tile, at)| Tile { at: *at, ..*tile })
        .collect();
    let (mosaic, _) = blended(&laid, 1 << 24).unwrap();
    let size = |a: &Array2<u16>| (a.nrows() as f64, a.ncols() as f64);
    let (got, wanted) = (size(&mosaic), size(&whole));
    assert!(
        (got.0 - wanted.0).abs() <= 2.0 && (got.1 - wanted.1).abs() <= 2.0,
        "{got:?}"
    );
    let off: f64 = mosaic
        .slice(s![20..500, 20..580])
        .iter()
        .zip(whole.slice(s![20..500, 20..580]))
        .map(|(a, b)| (f64::from(*a) - 750.0 - f64::from(*b)).abs())
        .sum::<f64>()
        / (480.0 * 560.0);
    let flat = whole.iter().map(|v| f64::from(*v)).sum::<f64>() / whole.len() as f64;
    assert!(off < 0.15 * flat, "{off} of {flat}");
}

#[test]
fn featureless_tiles_stay_where_they_are_said_to_be() {
    let pixels = Array2::from_elem(TILE, 120u8);
    let at = |x: f64| Tile {
        pixels: pixels.view(),
        at: Point { x, y: 0.0 },
    };
    let places = refined(&[at(0.0), at(200.0)], 30.0);
    assert_eq!(places, [Point { x: 0.0, y: 0.0 }, Point { x: 200.0, y: 0.0 }]);
    let (mosaic, origin) = blended(&[at(0.0), at(200.0)], 1 << 24).unwrap();
    assert_eq!((mosaic.dim(), origin), ((224, 456), Point::default()));
    assert!(mosaic.iter().all(|v| *v == 120));
    assert!(
        blended(&[at(0.0), at(1e9)], 1 << 24).is_none(),
        "too far apart for the memory"
    );
    assert!(blended::<u8>(&[], 1 << 24).is_none());
}

#[test]
fn a_pyramid_halves_until_it_is_small_and_keeps_sixteen_bits() {
    let picture = Array2::from_shape_fn((101, 200), |(y, x)| 65_000 + ((x + y) % 2) as u16);
    let levels = pyramid(picture.view(), 50);
    let sizes: Vec<(usize, usize)> = levels.iter().map(|level| level.dim()).collect();
    assert_eq!(sizes, [(51, 100), (26, 50)]);
    assert!(levels[1].iter().all(|v| (65_000..=65_001).contains(v)));
    assert!(pyramid(picture.view(), 200).is_empty());
}
