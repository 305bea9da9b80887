//! What changed of a picture is sent alone, and lies where it belongs.

use super::*;
use ndarray::Array2;

const PLACED: [Protocol; 4] = [
    Protocol::Kitty { placeholders: true },
    Protocol::Kitty { placeholders: false },
    Protocol::Iterm2,
    Protocol::Sixel,
];

/// The survey picture with a mask of one disc, at (x, y) with radius r.
fn labelled(x: f64, y: f64, r: f64) -> Scene {
    let inside = |(row, column): (usize, usize)| (column as f64 - x).hypot(row as f64 - y) <= r;
    Scene {
        overlays: vec![Overlay::Mask {
            labels: Arc::new(Array2::from_shape_fn((1024, 1536), |at| 2 * u8::from(inside(at)))),
            size: (1536.0, 1024.0),
            colours: Arc::from([[0, 0, 0], [255, 0, 0], [0, 128, 0]]),
            opacity: 0.5,
        }],
        ..survey()
    }
}

fn painter(protocol: Protocol, scale: u16) -> Painter {
    let budget = Budget {
        scale,
        ..Budget::default()
    };
    Painter::new(graphics(protocol), budget, InkTable::default())
}

#[test]
fn a_stroke_sends_the_part_it_changed() {
    for protocol in PLACED {
        let mut painter = painter(protocol, 2);
        let whole = painter.paint(1, &labelled(700.0, 500.0, 40.0), PANE).unwrap();
        assert_eq!(whole.fresh, 0);
        assert!(painter.paint(1, &labelled(700.0, 500.0, 40.0), PANE).is_none());
        let patched = painter.paint(1, &labelled(720.0, 500.0, 40.0), PANE).unwrap();
        assert_eq!(
            (patched.fresh, patched.area),
            (whole.bytes.len(), whole.area),
            "{protocol:?}"
        );
        assert_eq!(
            patched.bytes[..patched.fresh],
            whole.bytes,
            "all of it can be sent again"
        );
        let sent = patched.bytes.len() - patched.fresh;
        assert!(
            sent * 10 < whole.bytes.len(),
            "{protocol:?}: {sent} of {}",
            whole.bytes.len()
        );
        // a change all over is a picture of its own
        let other = painter.paint(1, &labelled(600.0, 500.0, 450.0), PANE).unwrap();
        assert_eq!(other.fresh, 0, "{protocol:?}");
    }
    // text is drawn by its cells, and those say what changed
    let mut painter = painter(Protocol::Half(ColourDepth::True), 2);
    painter.paint(1, &labelled(700.0, 500.0, 40.0), PANE);
    assert_eq!(painter.paint(1, &labelled(720.0, 500.0, 40.0), PANE).unwrap().fresh, 0);
}

#[test]
fn a_part_shows_what_the_whole_would() {
    for scale in [1, 2, 4] {
        let protocol = Protocol::Kitty { placeholders: false };
        let mut painter = painter(protocol, scale);
        let whole = painter.paint(1, &labelled(700.0, 500.0, 60.0), PANE).unwrap();
        let scene = labelled(720.0, 520.0, 60.0);
        let patched = painter.paint(1, &scene, PANE).unwrap();
        let text = std::str::from_utf8(&patched.bytes[patched.fresh..]).unwrap();
        let (row, column) = text
            .strip_prefix("\x1b7\x1b[")
            .unwrap()
            .split_once('H')
            .unwrap()
            .0
            .split_once(';')
            .unwrap();
        let cell = (column.parse::<u16>().unwrap() - 1, row.parse::<u16>().unwrap() - 1);
        let png = image::load_from_memory(&kitty_png(&patched.bytes[patched.fresh..]))
            .unwrap()
            .to_rgb8();
        let keys = text.split_once("\x1b_G").unwrap().1.split_once(';').unwrap().0;
        let cells = |key: &str| -> u32 {
            keys.split(',')
                .find_map(|k| k.strip_prefix(key))
                .unwrap()
                .parse()
                .unwrap()
        };
        // the same, painted anew
        let grid = graphics(protocol).grid(&Budget {
            scale,
            ..Budget::default()
        });
        let viewport = Viewport::new(scene.pixels.size(), PANE, grid, &scene.view);
        let raster = raster::burn(
            raster::show(&scene.pixels, &viewport, &scene.tone),
            &scene.overlays,
            &viewport,
        );
        let pixel = |at: u16, from: u16, per: f64| (f64::from(at - from) * per) as usize;
        let (left, top) = (
            pixel(cell.0, whole.area.x, grid.per_cell.0),
            pixel(cell.1, whole.area.y, grid.per_cell.1),
        );
        assert_eq!(
            f64::from(png.width()),
            f64::from(cells("c=")) * grid.per_cell.0,
            "scale {scale}"
        );
        assert_eq!(f64::from(png.height()), f64::from(cells("r=")) * grid.per_cell.1);
        for (x, y, seen) in png.enumerate_pixels() {
            let expected = raster.rgb_at(left + x as usize, top + y as usize, &InkTable::default());
            let off = (0..3).map(|i| seen.0[i].abs_diff(expected[i])).max().unwrap();
            assert!(off <= 9, "scale {scale} ({x}, {y}): {seen:?} for {expected:?}");
        }
        // and nothing outside of it changed
        let before = labelled(700.0, 500.0, 60.0);
        let old = raster::burn(
            raster::show(&before.pixels, &viewport, &before.tone),
            &before.overlays,
            &viewport,
        );
        for y in 0..raster.grey.height {
            for x in 0..raster.grey.width {
                let inside =
                    (left..left + png.width() as usize).contains(&x) && (top..top + png.height() as usize).contains(&y);
                let inks = InkTable::default();
                assert!(inside || old.rgb_at(x, y, &inks) == raster.rgb_at(x, y, &inks));
            }
        }
    }
}

#[test]
fn parts_have_ids_of_their_own_and_go_with_their_picture() {
    let mut painter = painter(Protocol::Kitty { placeholders: true }, 2);
    painter.paint(1, &labelled(700.0, 500.0, 40.0), PANE);
    let patched = painter.paint(1, &labelled(720.0, 500.0, 40.0), PANE).unwrap();
    let buffer = drawn(&patched, PANE);
    let ids: Vec<u32> = PANE
        .positions()
        .filter_map(|at| match buffer[at].fg {
            ratatui::style::Color::Rgb(r, g, b) => Some(u32::from_be_bytes([0, r, g, b])),
            _ => None,
        })
        .collect();
    let parts = ids.iter().filter(|id| **id == 257).count();
    assert!(parts > 0 && parts * 3 < ids.len());
    assert!(ids.iter().all(|id| [1, 257].contains(id)));
    let gone = String::from_utf8(painter.erase(1)).unwrap();
    assert!(gone.contains("i=1,") && gone.contains("i=257,"), "{gone}");

    // parts do not pile up for ever: then the whole comes again, and takes them away
    let mut painter = self::painter(Protocol::Kitty { placeholders: true }, 2);
    let whole = painter
        .paint(1, &labelled(700.0, 500.0, 40.0), PANE)
        .unwrap()
        .bytes
        .len();
    let mut patched = 0;
    let again = (1..1000u32).find_map(|i| {
        let encoded = painter
            .paint(1, &labelled(700.0 + f64::from(i % 50), 500.0, 40.0), PANE)
            .unwrap();
        patched += usize::from(encoded.fresh > 0);
        assert!(encoded.bytes.len() < 3 * whole);
        (encoded.fresh == 0).then_some(encoded)
    });
    let again = String::from_utf8(again.unwrap().bytes).unwrap();
    assert!(patched > 5 && again.starts_with("\x1b_Ga=d,d=I,i=257,"), "{patched}");
}
