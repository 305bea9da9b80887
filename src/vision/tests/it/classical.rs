//! The detectors that need no network, on drawn pictures of known shape.

use model::Point;
use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng};
use std::f64::consts::FRAC_1_SQRT_2;
use vision::classes::{FIDUCIAL, GRID_BAR, LAMELLA, LANDING_POST, VOLUME_BLOCK};
use vision::features::{Which, detect, feature};
use vision::filter::{Border, gaussian};
use vision::segment::Segmented;

const SIZE: (usize, usize) = (512, 768);

/// A drawing, blurred as a beam does, with noise.
fn picture(seed: u64, grey: impl Fn(f64, f64) -> f32) -> Array2<f32> {
    let sharp = Array2::from_shape_fn(SIZE, |(y, x)| grey(x as f64, y as f64));
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    gaussian(sharp.view(), 0.8, Border::Reflect).mapv(|v| (v + rng.random_range(-12.0..12.0)).clamp(0.0, 255.0))
}

fn segment(picture: ArrayView2<f32>) -> Segmented {
    vision::classical::segment(picture)
}

fn found(picture: &Array2<f32>, name: &str) -> Option<(Point, f64)> {
    let made = detect(
        &segment(picture.view()),
        &[feature(name).unwrap().clone()],
        Some(100e-9),
        Which::Nearest,
    );
    let one = &made.features[0];
    one.place.map(|p| p.px).zip(one.confidence)
}

fn near(found: Option<(Point, f64)>, x: f64, y: f64, within: f64) {
    let (at, confidence) = found.unwrap();
    assert!((at.x - x).hypot(at.y - y) <= within, "{at:?}, drawn at {x} {y}");
    assert!(confidence > 0.5, "{confidence}");
}

#[test]
fn nothing_is_found_where_nothing_is() {
    assert!(found(&picture(7, |_, _| 90.0), "LamellaCentre").is_none());
}

#[test]
fn a_post_a_block_and_bars_are_what_they_are() {
    let post = picture(8, |x, y| {
        if y < 260.0 && (x - 384.0).abs() < 70.0 - 0.08 * y {
            200.0
        } else {
            60.0
        }
    });
    let share = |made: &Segmented, class: u8| made.labels.iter().filter(|l| **l == class).count() as f64 / 393_216.0;
    let made = segment(post.view());
    assert!(
        (share(&made, LANDING_POST) - 0.079).abs() < 0.01,
        "{}",
        share(&made, LANDING_POST)
    );
    near(found(&post, "LandingPost"), 384.0, 256.0, 8.0);

    let block = picture(9, |x, y| {
        let rim = (x - 384.0).abs().max((y - 250.0).abs() + 70.0);
        if rim < 210.0 {
            130.0
        } else if rim < 214.0 {
            240.0
        } else {
            60.0
        }
    });
    near(found(&block, "VolumeBlockTopEdge"), 384.0, 107.0, 5.0);
    near(found(&block, "VolumeBlockBottomRightCorner"), 597.0, 393.0, 5.0);

    let bars = picture(10, |x, y| {
        if x % 180.0 > 40.0 && y % 170.0 > 40.0 {
            90.0
        } else {
            170.0
        }
    });
    let made = segment(bars.view());
    assert!(
        (share(&made, GRID_BAR) - 0.4).abs() < 0.05,
        "{}",
        share(&made, GRID_BAR)
    );
}

#[test]
fn a_lamella_stands_between_its_trenches_and_a_cross_is_no_blot() {
    let lamella = picture(11, |x, y| {
        let across = (x - 300.0).abs() < 60.0;
        let trench = (150.0..200.0).contains(&y) || (216.0..266.0).contains(&y);
        if across && trench { 30.0 } else { 140.0 }
    });
    near(found(&lamella, "LamellaCentre"), 300.0, 207.5, 2.0);
    near(found(&lamella, "LamellaLeftEdge"), 240.0, 207.5, 3.0);
    near(found(&lamella, "LamellaBottomEdge"), 300.0, 215.0, 3.0);

    let cross = picture(12, |x, y| {
        let (u, v) = (
            (x - 500.0 + y - 300.0) * FRAC_1_SQRT_2,
            (x - 500.0 - y + 300.0) * FRAC_1_SQRT_2,
        );
        let on = |a: f64, b: f64| a.abs() < 5.0 && b.abs() < 45.0;
        if on(u, v) || on(v, u) { 40.0 } else { 140.0 }
    });
    let blot = picture(13, |x, y| {
        if (x - 500.0).hypot(y - 300.0) < 30.0 {
            40.0
        } else {
            140.0
        }
    });
    let any = |drawn: &Array2<f32>, class: u8| segment(drawn.view()).labels.iter().any(|l| *l == class);
    assert!(any(&cross, FIDUCIAL) && !any(&blot, FIDUCIAL));
    assert!(!any(&cross, LAMELLA) && !any(&blot, VOLUME_BLOCK));
}

/// A wedge from the left to 400, 240 or, turned, from above; `over` is the grey beyond column 300.
fn needle(seed: u64, turned: bool, over: f32) -> Array2<f32> {
    picture(seed, |x, y| {
        let (along, across) = if turned { (y, x) } else { (x, y) };
        let half = 0.06 * (400.0 - along);
        match (across - (300.0 - 0.15 * along)).abs() < half {
            true => 220.0,
            false if along > 300.0 => over,
            false => 70.0,
        }
    })
}

#[test]
fn a_needle_ends_at_its_tip_and_not_where_something_as_bright_lies_behind_it() {
    // the last pixels are thinner than the blur
    near(found(&needle(14, false, 70.0), "NeedleTip"), 392.0, 241.0, 8.0);
    near(found(&needle(15, false, 40.0), "NeedleTip"), 392.0, 241.0, 8.0);
    let below = found(&needle(16, true, 70.0), "NeedleTipBottom");
    near(below, 241.0, 392.0, 8.0);
    let hidden = needle(17, false, 215.0);
    let seen = found(&hidden, "NeedleTip").filter(|(at, confidence)| *confidence >= 0.5 && at.x < 380.0);
    assert_eq!(seen, None);
    // bars are as wide at their end
    let bar = picture(18, |x, y| {
        if x < 400.0 && (y - 240.0).abs() < 15.0 {
            220.0
        } else {
            70.0
        }
    });
    assert_eq!(found(&bar, "NeedleTip"), None);
}
