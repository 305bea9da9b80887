//! `register` against pictures whose shift is known: what it accepts must be right, what has no answer must be refused.

use crate::pictures::{MARGIN, SIZE, Scene, scene, view};
use ndarray::{Array2, s};
use vision::register::{
    MOST_BLUR, Method, Options, RegisterError, Registration, register, register_blurred, shift_between,
};

fn run(a: &Array2<f32>, b: &Array2<f32>, method: Method, options: &Options) -> Registration {
    let found = register(a.view(), b.view(), method, options).unwrap();
    assert_eq!(found.accepted, found.reason.is_none());
    assert!((0.0..=1.0).contains(&found.confidence));
    found
}

/// A shift of up to a third of the field, different for every seed.
fn shift(seed: u64) -> (isize, isize) {
    let spread = |n: usize, k: u64| {
        ((seed.wrapping_mul(k).wrapping_add(k >> 7) >> 3) % (2 * n as u64 / 3)) as isize - n as isize / 3
    };
    (spread(SIZE.1, 7_919_113), spread(SIZE.0, 104_729_771))
}

#[test]
fn true_shifts_are_found_and_accepted_under_noise() {
    let (mut accepted, mut total) = ([0; 2], 0);
    for kind in [Scene::Texture, Scene::Blocks, Scene::Smooth] {
        for (noise, seed) in (0..18).map(|i| ([2.0, 12.0, 25.0][i as usize % 3], i + 100)) {
            let whole = scene(kind, seed);
            let (dx, dy) = shift(seed);
            let (a, b) = (
                view(&whole, (0, 0), noise, 2 * seed),
                view(&whole, (dx, dy), noise, 2 * seed + 1),
            );
            total += 1;
            for (method, accepted) in Method::ALL.into_iter().zip(&mut accepted) {
                let found = run(&a, &b, method, &Options::default());
                let off = (found.dx_px - dx as f64).hypot(found.dy_px - dy as f64);
                *accepted += usize::from(found.accepted);
                assert!(
                    !found.accepted || off < 6.0,
                    "{kind:?} {noise} {seed}: {found:?}, truth {dx} {dy}"
                );
            }
        }
    }
    // The phase correlation itself is lost where only coarse relief stands above the noise.
    assert!(
        accepted[0] * 100 >= total * 88 && accepted[1] * 100 >= total * 60,
        "accepted {accepted:?} of {total} true pairs"
    );
}

/// Pairs of each kind: a few in every run, `FIBDECK_PAIRS=2000` for so many (`cargo xtask soak` does).
fn pairs(usual: u64) -> u64 {
    let asked = std::env::var("FIBDECK_PAIRS").ok().and_then(|n| n.parse::<u64>().ok());
    asked.unwrap_or(usual)
}

/// Noise with a standard deviation of a tenth of the range of grey values, which is more than that of the scenes themselves. What is
/// accepted is right to a pixel in 99 of 100; a coarse scene is refused now and then, which is no harm.
#[test]
fn true_pairs_are_placed_to_a_pixel_under_heavy_noise() {
    let (mut total, mut accepted, mut near, mut worst) = (0, 0, 0, 0.0f64);
    for seed in 0..pairs(36) {
        let kind = [Scene::Texture, Scene::Blocks, Scene::Smooth][seed as usize % 3];
        let (whole, (dx, dy)) = (scene(kind, 20_000 + seed), shift(seed));
        let a = view(&whole, (0, 0), 25.5, 2 * seed);
        let b = view(&whole, (dx, dy), 25.5, 2 * seed + 1);
        let found = run(&a, &b, Method::default(), &Options::default());
        total += 1;
        if found.accepted {
            let off = (found.dx_px - dx as f64).hypot(found.dy_px - dy as f64);
            accepted += 1;
            near += usize::from(off <= 1.0);
            worst = worst.max(off);
        }
    }
    println!("true pairs at 10 % noise: {total}, accepted {accepted}, within a pixel {near}, farthest {worst:.2} px");
    assert!(
        accepted * 100 >= total * 80,
        "{accepted} of {total} true pairs are accepted"
    );
    assert!(
        near * 100 >= accepted * 99,
        "{near} of {accepted} are within a pixel, the farthest {worst:.2} px off"
    );
}

#[test]
fn pairs_without_an_answer_are_refused() {
    let (mut worst, mut wrong, mut total) = (0.0f64, Vec::new(), 0);
    let mut refuse = |what: &str, a: &Array2<f32>, b: &Array2<f32>| {
        total += 1;
        let by_each = Method::ALL.map(|method| run(a, b, method, &Options::default()));
        let blur = MOST_BLUR * SIZE.0 as f64;
        let (blurred, _) = register_blurred([a, b], Method::default(), &Options::default(), blur).unwrap();
        for found in by_each.into_iter().chain([blurred]) {
            worst = worst.max(found.confidence);
            if found.accepted {
                wrong.push((what.to_owned(), found));
            }
        }
    };
    let blank = Array2::from_elem(SIZE, 90.0f32);
    let flat = Array2::from_elem((SIZE.0 + 2 * MARGIN, SIZE.1 + 2 * MARGIN), 120.0f32);
    refuse("blank", &blank, &blank);
    for seed in 0..pairs(60).div_ceil(5) {
        let noise = |i: u64| view(&flat, (0, 0), 12.0, 1000 + 2 * seed + i);
        refuse("noise", &noise(0), &noise(1));
        for kind in [Scene::Texture, Scene::Blocks, Scene::Smooth] {
            let picture = |i: u64| view(&scene(kind, 10_000 + 2 * seed + i), (0, 0), 4.0, seed + i);
            refuse("another scene", &picture(0), &picture(1));
            if seed == 0 {
                refuse("blank new", &picture(0), &blank);
                refuse("blank reference", &blank, &picture(0));
                refuse("noise new", &picture(0), &noise(0));
            }
        }
        let mesh = scene(Scene::Mesh, seed);
        let (dx, dy) = shift(seed);
        refuse(
            "mesh",
            &view(&mesh, (0, 0), 6.0, seed),
            &view(&mesh, (dx, dy), 6.0, seed + 1),
        );
    }
    println!(
        "pairs without an answer: {total}, accepted {}, highest confidence {worst:.2}",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        worst < 0.4,
        "a pair without an answer reaches a confidence of {worst:.2}"
    );
}

#[test]
fn shifts_beyond_half_the_field_are_refused() {
    for seed in 0..12u64 {
        for kind in [Scene::Texture, Scene::Blocks] {
            let whole = scene(kind, 500 + seed);
            let far = [(150, 10), (-160, -20), (10, 120), (-30, -130), (155, 115)][seed as usize % 5];
            let (a, b) = (view(&whole, (0, 0), 4.0, seed), view(&whole, far, 4.0, seed + 1));
            let found = run(&a, &b, Method::default(), &Options::default());
            assert!(!found.accepted, "{kind:?} {seed} {far:?}: {found:?}");
        }
    }
}

#[test]
fn a_limit_refuses_longer_shifts_and_makes_a_mesh_unique() {
    let whole = scene(Scene::Texture, 9);
    let (a, b) = (view(&whole, (0, 0), 4.0, 1), view(&whole, (40, 5), 4.0, 2));
    let limited = |px: f64| Options {
        limit_px: Some(px),
        ..Options::default()
    };
    assert!(run(&a, &b, Method::default(), &limited(60.0)).accepted);
    let refused = run(&a, &b, Method::default(), &limited(30.0));
    assert!(!refused.accepted && refused.reason.unwrap().contains("limit"));
}

#[test]
fn a_small_shift_in_a_tight_limit_has_no_rival_and_is_accepted() {
    let whole = scene(Scene::Texture, 7);
    let (a, b) = (view(&whole, (0, 0), 4.0, 1), view(&whole, (2, 1), 4.0, 2));
    for limit in [6.0, 12.0, 40.0] {
        let options = Options {
            limit_px: Some(limit),
            ..Options::default()
        };
        let found = run(&a, &b, Method::CrossCorrelation, &options);
        assert!(found.accepted, "limit {limit}: {found:?}");
        assert!(
            (found.dx_px - 2.0).hypot(found.dy_px - 1.0) < 0.6,
            "limit {limit}: {found:?}"
        );
    }
}

#[test]
fn wrong_input_is_an_error() {
    let (a, b) = (Array2::<f32>::zeros((64, 64)), Array2::<f32>::zeros((64, 65)));
    let options = Options::default();
    let error =
        |a: &Array2<f32>, b: &Array2<f32>, o: &Options| register(a.view(), b.view(), Method::default(), o).unwrap_err();
    assert!(matches!(error(&a, &b, &options), RegisterError::SizeMismatch { .. }));
    assert!(matches!(
        error(&Array2::zeros((0, 0)), &Array2::zeros((0, 0)), &options),
        RegisterError::TooSmall { .. }
    ));
    let mut bad = view(&scene(Scene::Texture, 1), (0, 0), 1.0, 1);
    let good = bad.clone();
    bad[[5, 5]] = f32::NAN;
    assert!(matches!(error(&good, &bad, &options), RegisterError::NotFinite { .. }));
    let mut nonsense = Options {
        limit_px: Some(f64::NAN),
        ..Options::default()
    };
    assert!(matches!(error(&good, &good, &nonsense), RegisterError::Settings(_)));
    nonsense = Options::default();
    nonsense.cross.lowpass = -1.0;
    assert!(matches!(error(&good, &good, &nonsense), RegisterError::Settings(_)));
}

/// A view of every second pixel of a large scene: half-pixel shifts.
#[test]
fn the_quick_shift_is_subpixel_and_signed() {
    for (seed, dx, dy) in [(1, 3, -2), (2, -7, 5), (3, 0, 1), (4, 11, 8)] {
        let whole = scene(Scene::Texture, 40 + seed);
        let half = |(dx, dy): (isize, isize), seed: u64| {
            let smooth = vision::filter::gaussian(whole.view(), 1.5, vision::filter::Border::Reflect);
            let (y, x) = ((100 - dy) as usize, (100 - dx) as usize);
            let mut cut = smooth.slice(s![y..y + 360; 2, x..x + 480; 2]).to_owned();
            let noise = view(&Array2::zeros(whole.dim()), (0, 0), 3.0, seed);
            cut.slice_mut(s![..160, ..220])
                .zip_mut_with(&noise.slice(s![..160, ..220]), |v, n| *v += n);
            cut
        };
        let found = shift_between(half((0, 0), 2 * seed).view(), half((dx, dy), 2 * seed + 1).view()).unwrap();
        let off = (found.dx_px - 0.5 * dx as f64).hypot(found.dy_px - 0.5 * dy as f64);
        assert!(off < 0.15 && found.score > 8.0, "{dx} {dy}: {found:?}");
    }
}

#[test]
fn small_and_odd_pictures_work() {
    let whole = scene(Scene::Texture, 77);
    for (h, w) in [(64, 64), (97, 131), (48, 200)] {
        let cut = |dx: usize, dy: usize| whole.slice(s![60 - dy..60 - dy + h, 60 - dx..60 - dx + w]).to_owned();
        let found = run(&cut(0, 0), &cut(6, 3), Method::default(), &Options::default());
        assert!(
            (found.dx_px - 6.0).abs() < 1.0 && (found.dy_px - 3.0).abs() < 1.0,
            "{h}x{w}: {found:?}"
        );
        let still = run(&cut(0, 0), &cut(0, 0), Method::default(), &Options::default());
        assert!(
            still.dx_px.abs() < 1e-6 && still.dy_px.abs() < 1e-6,
            "{h}x{w}: {still:?}"
        );
    }
}

#[test]
fn a_second_look_is_blurred_only_where_the_first_was_refused_and_never_too_far() {
    let whole = scene(Scene::Texture, 3);
    let (a, b) = (view(&whole, (0, 0), 4.0, 1), view(&whole, (9, -6), 4.0, 2));
    let look = |blur| register_blurred([&a, &b], Method::default(), &Options::default(), blur).unwrap();
    assert!(look(3.0).0.accepted && look(3.0).1 == 0.0);
    let blank = Array2::from_elem(SIZE, 90.0f32);
    let refused = |blur| register_blurred([&a, &blank], Method::default(), &Options::default(), blur).unwrap();
    assert!(!refused(3.0).0.accepted && refused(3.0).1 == 3.0);
    // beyond the most it is not tried
    assert_eq!(refused(2.0 * MOST_BLUR * SIZE.0 as f64).1, 0.0);
}
