//! What overlays leave in the raster.

use super::*;
use crate::raster::{burn, scale_bar};
use crate::tests::shown::canvas;

#[test]
fn the_scale_bar_is_round_and_near_a_fifth() {
    for (field, length, text) in [
        (150e-6, 20e-6, "20 um"),
        (45e-6, 5e-6, "5 um"),
        (900e-6, 200e-6, "200 um"),
        (3e-3, 500e-6, "500 um"),
        (80e-9, 20e-9, "20 nm"),
        (6e-3, 1e-3, "1 mm"),
    ] {
        let (l, t) = scale_bar(field).unwrap();
        assert!((l / length - 1.0).abs() < 1e-9, "{field}: {l}");
        assert_eq!(t, text);
    }
    assert_eq!(scale_bar(0.0), None);
    assert_eq!(scale_bar(f64::NAN), None);
}

#[test]
fn the_drawn_bar_has_the_length_it_claims() {
    let grid = graphics(Protocol::Kitty { placeholders: true }).grid(&Budget {
        scale: 1,
        ..Budget::default()
    });
    for zoom in [1.0, 3.0] {
        let viewport = Viewport::new((1536, 1024), PANE, grid, &View { zoom, centre: None });
        let pixel_size = 150e-6 / 1536.0;
        let grey = Grey::new(viewport.canvas.0, viewport.canvas.1);
        let raster = burn(
            grey,
            &[Overlay::ScaleBar {
                pixel_size,
                ink: Ink::Neutral,
            }],
            &viewport,
        );
        let longest = (0..viewport.canvas.1)
            .map(|y| {
                (0..viewport.canvas.0)
                    .filter(|&x| raster.ink_at(x, y).is_some())
                    .count()
            })
            .max()
            .unwrap();
        let field = pixel_size * viewport.extent().0;
        let expected = scale_bar(field).unwrap().0 / (pixel_size * viewport.step().0);
        assert!(
            (longest as f64 - expected).abs() <= 1.0,
            "zoom {zoom}: {longest} px for {expected}"
        );
    }
}

#[test]
fn overlays_are_clipped_and_nonsense_draws_nothing() {
    let far = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        -1e300,
        1e8,
        -1e8,
        0.0,
        20.0,
    ];
    let viewport = canvas((40, 40), 40, 40, View::default());
    for &a in &far {
        for &b in &far {
            let (from, to) = (Position::new(a, b), Position::new(b, a));
            let overlays = [
                Overlay::Line {
                    from,
                    to,
                    ink: Ink::Info,
                },
                Overlay::Ruler {
                    from,
                    to,
                    text: "12 um".into(),
                    ink: Ink::Info,
                },
                Overlay::Rect {
                    left: a,
                    top: b,
                    width: b,
                    height: a,
                    ink: Ink::Info,
                },
                Overlay::Outline {
                    points: vec![from, to, Position::default()],
                    ink: Ink::Info,
                },
                Overlay::Pattern {
                    points: vec![from, to, Position::default()],
                    stroke: Stroke::Dashed,
                    hatched: true,
                    ink: Ink::Info,
                },
                Overlay::Handle {
                    at: from,
                    ink: Ink::Info,
                },
                Overlay::Marker {
                    at: from,
                    text: "x\x1b[31m".into(),
                    ink: Ink::Info,
                },
                Overlay::Text {
                    at: to,
                    text: "long text that leaves the picture".into(),
                    ink: Ink::Info,
                },
                Overlay::Cursor {
                    at: from,
                    ink: Ink::Info,
                },
                Overlay::ScaleBar {
                    pixel_size: a,
                    ink: Ink::Info,
                },
            ];
            let raster = burn(Grey::new(40, 40), &overlays, &viewport);
            assert!(raster.ink.len() == 1600 || raster.ink.is_empty());
            assert!(raster.labels.iter().all(|l| !l.text.contains('\x1b')));
        }
    }
    let across = Overlay::Line {
        from: Position::new(-1e6, 20.5),
        to: Position::new(1e6, 20.5),
        ink: Ink::Info,
    };
    let raster = burn(Grey::new(40, 40), &[across], &viewport);
    assert_eq!(raster.ink.iter().filter(|i| i.is_some()).count(), 40);
    assert!((0..40).all(|x| raster.ink_at(x, 20) == Some(Ink::Info)));
}

/// Pixels of `ink`.
fn inked(raster: &Raster, ink: Ink) -> usize {
    raster.ink.iter().filter(|i| **i == Some(ink)).count()
}

fn square(stroke: Stroke, hatched: bool) -> Overlay {
    let corners = [(20.5, 20.5), (80.5, 20.5), (80.5, 80.5), (20.5, 80.5)];
    Overlay::Pattern {
        points: corners.map(|(x, y)| Position::new(x, y)).to_vec(),
        stroke,
        hatched,
        ink: Ink::First,
    }
}

#[test]
fn shapes_are_told_apart_without_colour() {
    let viewport = canvas((100, 100), 100, 100, View::default());
    let draw = |overlay| burn(Grey::new(100, 100), &[overlay], &viewport);
    let [solid, dashed, dotted] =
        [Stroke::Solid, Stroke::Dashed, Stroke::Dotted].map(|stroke| inked(&draw(square(stroke, false)), Ink::First));
    assert_eq!(solid, 4 * 60);
    assert!(
        dashed < solid * 3 / 4 && dotted < dashed * 3 / 4,
        "{solid} {dashed} {dotted}"
    );
    let hatched = draw(square(Stroke::Solid, true));
    assert!(inked(&hatched, Ink::First) > 2 * solid);
    let outside = |x: usize, y: usize| !(20..=80).contains(&x) || !(20..=80).contains(&y);
    let cells = (0..100).flat_map(|y| (0..100).map(move |x| (x, y)));
    assert!(
        cells
            .filter(|(x, y)| outside(*x, *y))
            .all(|(x, y)| hatched.ink_at(x, y).is_none())
    );
    // a line has no way back
    let line = Overlay::Pattern {
        points: vec![Position::new(10.5, 50.5), Position::new(60.5, 50.5)],
        stroke: Stroke::Solid,
        hatched: false,
        ink: Ink::First,
    };
    assert_eq!(inked(&draw(line), Ink::First), 51);
}

#[test]
fn twenty_five_shapes_cost_no_more_than_their_edges() {
    let viewport = canvas((1536, 1024), 384, 256, View::default());
    let shape = |i: usize| {
        let (x, y) = ((i % 5) as f64 * 200.0, (i / 5) as f64 * 200.0);
        Overlay::Pattern {
            points: [(0.0, 0.0), (120.0, 0.0), (120.0, 80.0), (0.0, 80.0)]
                .map(|(dx, dy)| Position::new(x + dx, y + dy))
                .to_vec(),
            stroke: Stroke::Solid,
            hatched: false,
            ink: Ink::of_series(i),
        }
    };
    let overlays: Vec<Overlay> = (0..25).map(shape).collect();
    let raster = burn(Grey::new(384, 256), &overlays, &viewport);
    let drawn = raster.ink.iter().filter(|i| i.is_some()).count();
    // a hundred edges of 30 or 20 canvas pixels, and one pixel more each
    assert!((1500..=25 * (2 * 31 + 2 * 21)).contains(&drawn), "{drawn}");
    let series = [Ink::First, Ink::Second, Ink::Third, Ink::Fourth].map(|ink| inked(&raster, ink));
    assert!(series.iter().all(|n| *n > 0), "{series:?}");
}

#[test]
fn the_crosshair_marks_the_middle() {
    let viewport = canvas((200, 100), 200, 100, View::default());
    let raster = burn(Grey::new(200, 100), &[Overlay::Crosshair { ink: Ink::Warn }], &viewport);
    assert_eq!(raster.ink_at(100, 50), Some(Ink::Warn));
    let row = (0..200).filter(|&x| raster.ink_at(x, 50).is_some()).count();
    assert!((20..=22).contains(&row), "arms of 5 % of the width: {row}");
}

#[test]
fn a_mask_tints_the_picture_and_its_edge_is_solid() {
    let mut labels = ndarray::Array2::zeros((100, 200));
    labels.slice_mut(ndarray::s![20..60, 40..100]).fill(1u8);
    // one pixel high
    labels.slice_mut(ndarray::s![80..81, 10..190]).fill(3u8);
    let mask = |opacity| Overlay::Mask {
        labels: Arc::new(labels.clone()),
        size: (200.0, 100.0),
        colours: Arc::from([[0, 0, 0], [200, 0, 0], [0, 200, 0]]),
        opacity,
    };
    let viewport = canvas((200, 100), 200, 100, View::default());
    let mut grey = Grey::new(200, 100);
    grey.data.fill(100);
    let inks = InkTable::default();
    let raster = burn(grey.clone(), &[mask(0.5)], &viewport);
    assert_eq!(raster.rgb_at(70, 40, &inks), [150, 50, 50]);
    assert_eq!(raster.rgb_at(40, 40, &inks), [200, 0, 0]);
    assert_eq!(raster.rgb_at(39, 40, &inks), [100; 3]);
    assert_eq!(
        raster.rgb_at(50, 80, &inks),
        [200, 0, 0],
        "beyond the list colours come again"
    );
    let clear = burn(grey.clone(), &[mask(0.0)], &viewport);
    assert_eq!(clear.rgb_at(70, 40, &inks), [100; 3]);
    assert_eq!(clear.rgb_at(70, 20, &inks), [200, 0, 0]);
    // ink lies over it
    let line = Overlay::Line {
        from: Position::new(0.0, 40.5),
        to: Position::new(200.0, 40.5),
        ink: Ink::Info,
    };
    let raster = burn(grey, &[mask(1.0), line], &viewport);
    assert_eq!(raster.rgb_at(70, 40, &inks), inks.rgb(Ink::Info));
    // what is thinner than a pixel of the canvas is still seen
    let small = canvas((200, 100), 40, 20, View::default());
    let raster = burn(Grey::new(40, 20), &[mask(0.5)], &small);
    assert!((2..38).all(|x| raster.tint_at(x, 16).is_some()));
}
