//! What is on the canvas: averages, tones, odd sizes; what is exported and plotted.

use super::*;
use crate::raster::{Change, show};
use ndarray::Array2;

/// A viewport of one canvas pixel per screen pixel.
pub(super) fn canvas(picture: (usize, usize), columns: u16, rows: u16, view: View) -> Viewport {
    let grid = Grid {
        per_cell: (1.0, 1.0),
        cell_px: (1, 1),
        max_cells: 1000,
    };
    Viewport::new(picture, Rect::new(0, 0, columns, rows), grid, &view)
}

#[test]
fn shrinking_averages_areas() {
    let pixels = Array2::from_shape_fn((8, 12), |(y, x)| (10 * x + y) as u8);
    let viewport = canvas((12, 8), 4, 8, View::default());
    // Three by three pixels each; the middle one's value is the mean.
    assert_eq!(viewport.area, Rect::new(0, 2, 4, 3));
    let grey = show(&Pixels::U8(pixels), &viewport, &Tone::default());
    assert_eq!((grey.width, grey.height), (4, 3));
    assert_eq!(
        grey.at(1, 1),
        10 * 4 + 4,
        "rows 2.5 to 5.5, as 8 rows sit in the middle of 9"
    );
}

#[test]
fn the_mean_survives_any_size() {
    let pixels = scene::picture(384, 256, 3, 0.0);
    let mean = pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / pixels.len() as f64;
    for (columns, rows) in [(384, 256), (100, 66), (37, 25), (11, 8), (400, 300)] {
        let viewport = canvas((384, 256), columns, rows, View::default());
        let grey = show(&Pixels::U8(pixels.clone()), &viewport, &Tone::default());
        let lit: Vec<f64> = grey.data.iter().filter(|&&v| v > 0).map(|&v| f64::from(v)).collect();
        let shown = lit.iter().sum::<f64>() / lit.len() as f64;
        assert!((shown - mean).abs() < 2.0, "{columns}x{rows}: {shown} for {mean}");
    }
}

#[test]
fn one_to_one_is_exact_and_16_bits_are_the_high_byte() {
    let pixels = scene::picture(60, 40, 3, 0.0);
    let viewport = canvas((60, 40), 60, 40, View::default());
    let grey = show(&Pixels::U8(pixels.clone()), &viewport, &Tone::default());
    assert!(grey.data.iter().eq(pixels.iter()));
    let wide = pixels.mapv(|v| u16::from(v) * 257);
    assert_eq!(show(&Pixels::U16(wide), &viewport, &Tone::default()), grey);
}

#[test]
fn far_zoom_shows_square_pixels() {
    let pixels = Array2::from_shape_fn((16, 16), |(y, x)| if (x + y) % 2 == 0 { 250 } else { 5 });
    let viewport = canvas(
        (16, 16),
        64,
        64,
        View {
            zoom: 4.0,
            centre: Some(Position::new(8.0, 8.0)),
        },
    );
    let grey = show(&Pixels::U8(pixels), &viewport, &Tone::default());
    assert!(grey.data.iter().all(|v| [250, 5].contains(v)));
    assert_eq!(
        (grey.at(0, 0), grey.at(15, 0), grey.at(16, 0)),
        (grey.at(15, 15), grey.at(0, 0), 255 - grey.at(0, 0))
    );
}

#[test]
fn tone_stretches_and_bends() {
    let tone = Tone::new(0.5, 50, 150);
    assert_eq!((tone.apply(50), tone.apply(150), tone.apply(200)), (0, 255, 255));
    assert_eq!(tone.apply(75), 128);
    assert_eq!(Tone::new(f64::NAN, 10, 10), Tone::default());
    let narrow = Array2::from_shape_fn((20, 20), |(y, x)| 100 + ((x + y) % 21) as u8);
    let stretched = Tone::stretched(&plot::Histogram::of(&Pixels::U8(narrow)));
    assert_eq!((stretched.apply(100), stretched.apply(120)), (0, 255));
}

#[test]
fn a_change_shows_at_once_and_only_noise_is_averaged() {
    let frame = |seed, shift| {
        let pixels = Pixels::U8(scene::picture(192, 128, seed, shift));
        show(
            &pixels,
            &canvas((192, 128), 192, 128, View::default()),
            &Tone::default(),
        )
    };
    let mut smoother = Smoother::default();
    let changes: Vec<Change> = (0..16).map(|seed| smoother.push(&frame(seed, 0.0))).collect();
    assert_eq!(changes[0], Change::New);
    assert!(!changes[1..].contains(&Change::New), "{changes:?}");
    assert_eq!(changes[1], Change::Refined);
    let noise = |grey: &Grey| {
        // Within the plain upper left corner, from pixel to pixel.
        let steps = (2..6).map(|x| (f64::from(grey.at(x, 3)) - f64::from(grey.at(x + 1, 3))).abs());
        steps.sum::<f64>()
    };
    assert!(
        noise(smoother.shown()) < noise(&frame(0, 0.0)),
        "averaging reduces noise"
    );
    assert_eq!(smoother.push(&frame(40, 60.0)), Change::New, "the stage moved");
    let mut moved = smoother.clone();
    let mut spot = frame(41, 60.0);
    for y in 60..72 {
        for x in 60..72 {
            spot.data[y * 192 + x] = 255;
        }
    }
    assert_eq!(moved.push(&spot), Change::New, "a small thing appeared");
    assert_eq!(moved.shown().at(65, 65), 255);
}

#[test]
fn no_size_is_a_problem() {
    let panes = [(0, 0), (1, 1), (20, 5), (1, 60), (300, 1), (u16::MAX, u16::MAX)];
    let pictures = [(0usize, 0usize), (1, 1), (1, 500), (3000, 2), (64, 48)];
    for protocol in EVERY_PROTOCOL {
        for &(columns, rows) in &panes {
            for &(width, height) in &pictures {
                let mut painter = Painter::new(graphics(protocol), Budget::default(), InkTable::default());
                let scene = Scene {
                    pixels: Arc::new(Pixels::U8(Array2::from_elem((height, width), 100))),
                    overlays: usual_overlays(),
                    ..blank()
                };
                // A terminal that large does not exist; the pane may still claim to be.
                let pane = Rect {
                    x: 0,
                    y: 0,
                    width: columns,
                    height: rows,
                };
                if columns == u16::MAX && width * height > 64 {
                    continue;
                }
                if let Some(encoded) = painter.paint(1, &scene, pane) {
                    encoded.draw(&mut Buffer::empty(Rect::new(0, 0, 40, 20)));
                }
            }
        }
    }
}

#[test]
fn absurd_views_show_something() {
    for zoom in [0.0, -3.0, f64::NAN, f64::INFINITY, 1e300] {
        for centre in [
            None,
            Some(Position::new(f64::NAN, 5.0)),
            Some(Position::new(1e300, -1e300)),
        ] {
            let viewport = canvas((64, 48), 20, 5, View { zoom, centre });
            let pixels = Pixels::U8(Array2::from_elem((48, 64), 100));
            let grey = show(&pixels, &viewport, &Tone::default());
            assert!(grey.data.contains(&100), "zoom {zoom}, {centre:?}");
        }
    }
}

#[test]
fn an_export_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pane.png");
    let scene = Scene {
        pixels: Arc::new(Pixels::U8(scene::picture(192, 128, 1, 0.0))),
        overlays: usual_overlays(),
        ..blank()
    };
    let inks = InkTable::default();
    let first = export::scene(&path, &scene, &inks).unwrap();
    let second = export::scene(&path, &scene, &inks).unwrap();
    assert_eq!((first, second), (path.clone(), folder.path().join("pane-1.png")));
    let picture = image::open(&path).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (192, 128));
    assert!(picture.pixels().any(|p| p.0 == inks.rgb(Ink::Warn)));
    assert!(
        picture
            .pixels()
            .filter(|p| p.0[0] == p.0[1] && p.0[1] == p.0[2])
            .count()
            > 10_000
    );
    let missing = folder.path().join("none").join("pane.png");
    assert!(
        export::scene(&missing, &scene, &inks)
            .unwrap_err()
            .to_string()
            .contains("nothing was written")
    );
    assert!(matches!(
        export::save(&path, &Raster::default(), &inks),
        Err(export::ExportError::Empty)
    ));
}

#[test]
fn plots_are_as_wide_as_asked_and_as_high_as_their_values() {
    assert_eq!(plot::bars(&[0.0, 0.5, 1.0, f64::NAN], 4), "▁▅█ ");
    assert_eq!(plot::bars(&[1.0, 3.0, 8.0, 8.0], 2), "▃█");
    assert_eq!(plot::bars(&[], 9), "");
    let histogram = plot::Histogram::of(&survey().pixels);
    assert_eq!(histogram.total(), 1536 * 1024);
    for width in [0, 1, 7, 25, 256, 400] {
        assert_eq!(histogram.bars(width).chars().count(), width);
    }
    assert!((90..130).contains(&histogram.median()), "{}", histogram.median());
    let (low, high) = histogram.range().unwrap();
    assert!(low < histogram.percentile(0.1) && histogram.percentile(0.9) < high);
    assert_eq!(plot::Histogram::of(&blank().pixels).range(), None);
}
