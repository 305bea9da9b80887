//! Half blocks and braille, cell by cell.

use super::*;
use ratatui::style::Color;

fn cells(depth: ColourDepth, grey: &Grey, text_bytes: usize) -> Buffer {
    let area = Rect::new(0, 0, grey.width as u16, (grey.height / 2) as u16);
    let budget = Budget {
        text_bytes,
        ..Budget::default()
    };
    let encoded = Encoder::new(graphics(Protocol::Half(depth)), budget, InkTable::default())
        .encode(1, &Raster::from(grey.clone()), area)
        .unwrap();
    drawn(&encoded, area)
}

/// What an eye sees of a half-block cell: the grey of its upper and lower half.
fn halves(buffer: &Buffer, x: u16, y: u16) -> (u8, u8) {
    let cell = &buffer[(x, y)];
    let grey = |colour| match colour {
        Color::Indexed(i) => 8 + 10 * (i - 232),
        Color::Rgb(r, _, _) => r,
        Color::Black => 0,
        Color::DarkGray => 127,
        Color::Gray => 229,
        Color::White => 255,
        other => panic!("{other} is no grey"),
    };
    let (fg, bg) = (grey(cell.fg), grey(cell.bg));
    match cell.symbol() {
        " " => (bg, bg),
        "▀" => (fg, bg),
        "▄" => (bg, fg),
        "█" => (fg, fg),
        other => panic!("{other} is no half block"),
    }
}

/// Bright squares on a dark ramp.
fn pattern() -> Grey {
    let mut grey = Grey::new(24, 12);
    for y in 0..12 {
        for x in 0..24 {
            grey.data[y * 24 + x] = if (x / 6 + y / 3) % 2 == 0 {
                230
            } else {
                (20 + 4 * x) as u8
            };
        }
    }
    grey
}

#[test]
fn true_colour_shows_every_pixel() {
    let grey = pattern();
    let buffer = cells(ColourDepth::True, &grey, 14_000);
    for (x, y) in (0..24).flat_map(|x| (0..6).map(move |y| (x, y))) {
        let expected = (grey.at(x, 2 * y), grey.at(x, 2 * y + 1));
        assert_eq!(halves(&buffer, x as u16, y as u16), expected);
    }
}

#[test]
fn few_greys_stay_near_the_picture() {
    for (depth, near, worst) in [(ColourDepth::Grey256, 8.0, 45), (ColourDepth::Sixteen, 35.0, 110)] {
        let grey = pattern();
        let buffer = cells(depth, &grey, 14_000);
        let mut off = Vec::new();
        for (x, y) in (0..24).flat_map(|x| (0..6).map(move |y| (x, y))) {
            let (top, bottom) = halves(&buffer, x as u16, y as u16);
            off.push(top.abs_diff(grey.at(x, 2 * y)));
            off.push(bottom.abs_diff(grey.at(x, 2 * y + 1)));
        }
        let mean = off.iter().map(|&o| f64::from(o)).sum::<f64>() / off.len() as f64;
        println!("{depth:?}: mean error {mean:.1}, worst {:?}", off.iter().max());
        assert!(mean <= near, "{depth:?}: {mean}");
        assert!(off.iter().all(|&o| o <= worst), "{depth:?}: {:?}", off.iter().max());
    }
}

#[test]
fn the_survey_picture_is_true_to_its_greys() {
    let scene = survey();
    let g = graphics(Protocol::Half(ColourDepth::Grey256));
    let viewport = Viewport::new((1536, 1024), PANE, g.grid(&Budget::default()), &View::default());
    let shown = raster::show(&scene.pixels, &viewport, &Tone::default());
    let encoded = Encoder::new(g, Budget::default(), InkTable::default())
        .encode(1, &Raster::from(shown.clone()), viewport.area)
        .unwrap();
    let buffer = drawn(&encoded, PANE);
    let mut squares = 0.0;
    for position in viewport.area.positions() {
        let (x, y) = (
            usize::from(position.x - viewport.area.x),
            usize::from(position.y - viewport.area.y),
        );
        let (top, bottom) = halves(&buffer, position.x, position.y);
        squares += f64::from(top.abs_diff(shown.at(x, 2 * y))).powi(2);
        squares += f64::from(bottom.abs_diff(shown.at(x, 2 * y + 1))).powi(2);
    }
    let rms = (squares / shown.data.len() as f64).sqrt();
    println!("rms error of the half-block picture: {rms:.1} greys");
    assert!(rms < 12.0, "{rms}");
}

#[test]
fn a_tight_budget_is_kept_or_nearly() {
    let mut grey = Grey::new(100, 60);
    grey.data
        .iter_mut()
        .enumerate()
        .for_each(|(i, v)| *v = (i * 7919 % 251) as u8);
    let blank = Buffer::empty(Rect::new(0, 0, 100, 30));
    let loose = terminal_bytes(&blank, &cells(ColourDepth::Grey256, &grey, 1_000_000)).len();
    let tight = terminal_bytes(&blank, &cells(ColourDepth::Grey256, &grey, 14_000)).len();
    println!("pure noise: {loose} B, on a budget {tight} B");
    assert!(tight < loose / 2, "{tight} of {loose}");
    assert!(tight <= 16_000, "{tight}");
}

#[test]
fn inks_are_exact_in_every_depth() {
    let mut raster = Raster::from(pattern());
    raster.ink = vec![None; 24 * 12];
    raster.ink[24 + 3] = Some(Ink::Danger);
    let area = Rect::new(0, 0, 24, 6);
    for (depth, colour) in [
        (ColourDepth::True, Color::Rgb(255, 64, 64)),
        (ColourDepth::Grey256, Color::Indexed(203)),
        (ColourDepth::Sixteen, Color::LightRed),
    ] {
        let mut encoder = Encoder::new(graphics(Protocol::Half(depth)), Budget::default(), InkTable::default());
        let buffer = drawn(&encoder.encode(1, &raster, area).unwrap(), area);
        assert_eq!(buffer[(3, 0)].symbol(), "▀");
        assert_eq!(buffer[(3, 0)].bg, colour, "{depth:?}");
    }
}

#[test]
fn braille_dots_are_where_it_is_bright() {
    let mut grey = Grey::new(4, 4);
    grey.data = vec![0, 0, 255, 255, 0, 0, 255, 255, 0, 255, 255, 255, 0, 0, 255, 255];
    let area = Rect::new(0, 0, 2, 1);
    let mut encoder = Encoder::new(graphics(Protocol::Braille), Budget::default(), InkTable::default());
    let buffer = drawn(&encoder.encode(1, &Raster::from(grey), area).unwrap(), area);
    assert_eq!((buffer[(0, 0)].symbol(), buffer[(1, 0)].symbol()), ("⠠", "⣿"));
}

#[test]
fn monochrome_shades_by_characters_and_without_colour() {
    let buffer = cells(ColourDepth::Mono, &pattern(), 14_000);
    assert_eq!(buffer[(0, 0)].symbol(), "%");
    assert!(
        buffer
            .content()
            .iter()
            .all(|c| c.fg == Color::Reset && c.bg == Color::Reset && c.symbol().is_ascii())
    );
}

#[test]
fn labels_are_characters_where_letters_do_not_fit() {
    let mut painter = Painter::new(
        graphics(Protocol::Half(ColourDepth::Grey256)),
        Budget::default(),
        InkTable::default(),
    );
    let overlays = vec![Overlay::ScaleBar {
        pixel_size: 150e-6 / 1536.0,
        ink: Ink::Neutral,
    }];
    let encoded = painter.paint(1, &Scene { overlays, ..survey() }, PANE).unwrap();
    let buffer = drawn(&encoded, PANE);
    let text: String = buffer.content().iter().map(|c| c.symbol()).collect();
    // A fifth of 150 um is 30 um: nearest of 10, 20, 50.
    assert!(text.contains("20 um"));
}
