//! The sequences of kitty, iTerm2 and sixel, taken apart again as a terminal does.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const AREA: Rect = Rect {
    x: 3,
    y: 2,
    width: 12,
    height: 5,
};

/// A raster that fills AREA at half resolution, every grey in it.
fn raster() -> Raster {
    let mut grey = Grey::new(54, 50);
    grey.data
        .iter_mut()
        .enumerate()
        .for_each(|(i, v)| *v = (i * 7 % 256) as u8);
    Raster::from(grey)
}

fn with_ink() -> Raster {
    let mut raster = raster();
    raster.ink = vec![None; raster.grey.data.len()];
    raster.ink[5] = Some(Ink::Danger);
    raster.ink[60] = Some(Ink::Good);
    raster
}

fn encoder(protocol: Protocol, bits: u8, tmux: bool) -> Encoder {
    let budget = Budget {
        bits,
        ..Budget::default()
    };
    Encoder::new(
        Graphics {
            tmux,
            ..graphics(protocol)
        },
        budget,
        InkTable::default(),
    )
}

fn encode(protocol: Protocol, raster: &Raster, bits: u8) -> Encoded {
    encoder(protocol, bits, false).encode(7, raster, AREA).unwrap()
}

#[test]
fn the_png_of_eight_bits_is_the_raster() {
    let bytes = encode(Protocol::Kitty { placeholders: true }, &raster(), 8).bytes;
    let png = image::load_from_memory(&kitty_png(&bytes)).unwrap();
    assert_eq!(png.color(), image::ColorType::L8);
    assert_eq!(png.to_luma8().into_raw(), raster().grey.data);
}

#[test]
fn fewer_bits_are_the_nearest_greys() {
    for (bits, half_step) in [(4u8, 9i16), (2, 43), (1, 128)] {
        let bytes = encode(Protocol::Kitty { placeholders: true }, &raster(), bits).bytes;
        let png = image::load_from_memory(&kitty_png(&bytes)).unwrap().to_luma8();
        for (sent, grey) in png.as_raw().iter().zip(&raster().grey.data) {
            assert!(
                (i16::from(*sent) - i16::from(*grey)).abs() <= half_step,
                "{bits} bits: {grey} became {sent}"
            );
        }
    }
}

#[test]
fn overlays_keep_their_colours() {
    let bytes = encode(Protocol::Kitty { placeholders: true }, &with_ink(), 4).bytes;
    let png = image::load_from_memory(&kitty_png(&bytes)).unwrap().to_rgb8();
    let inks = InkTable::default();
    assert_eq!(png.get_pixel(5, 0).0, inks.rgb(Ink::Danger));
    assert_eq!(png.get_pixel(6, 1).0, inks.rgb(Ink::Good));
    let [r, g, b] = png.get_pixel(20, 20).0;
    assert!(r == g && g == b);
}

#[test]
fn kitty_comes_in_chunks_with_keys_in_the_first() {
    let budget = Budget {
        bits: 8,
        scale: 1,
        ..Budget::default()
    };
    let mut painter = Painter::new(
        graphics(Protocol::Kitty { placeholders: true }),
        budget,
        InkTable::default(),
    );
    let bytes = painter.paint(0x0001_0203, &survey(), PANE).unwrap().bytes;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("\x1b_G") && text.ends_with("\x1b\\"));
    let commands: Vec<&str> = text.split("\x1b_G").skip(1).collect();
    assert!(commands.len() > 10);
    for (n, command) in commands.iter().enumerate() {
        let (keys, rest) = command.split_once(';').unwrap();
        let payload = rest.strip_suffix("\x1b\\").unwrap();
        let last = n + 1 == commands.len();
        assert!(payload.len() <= 4096 && (last || payload.len() % 4 == 0));
        assert!(keys.split(',').any(|k| k == if last { "m=0" } else { "m=1" }), "{keys}");
        assert!(keys.contains("q=2"));
        if n == 0 {
            for key in ["a=T", "U=1", "f=100", "i=66051", "c=100", "r=30"] {
                assert!(keys.split(',').any(|k| k == key), "{key} in {keys}");
            }
        } else {
            assert!(
                keys.split(',').all(|k| k.starts_with("m=") || k.starts_with("q=")),
                "{keys}"
            );
        }
    }
}

#[test]
fn a_pane_keeps_its_id_and_is_deleted_on_clear() {
    let mut encoder = encoder(Protocol::Kitty { placeholders: true }, 4, false);
    for raster in [raster(), with_ink()] {
        let bytes = encoder.encode(7, &raster, AREA).unwrap().bytes;
        assert!(String::from_utf8(bytes).unwrap().contains(",i=7,"));
    }
    encoder.encode(9, &raster(), AREA).unwrap();
    assert_eq!(encoder.erase(7), b"\x1b_Ga=d,d=I,i=7,q=2\x1b\\");
    assert_eq!(encoder.erase(7), b"", "erased once is enough");
    assert_eq!(encoder.clear_all(), b"\x1b_Ga=d,d=I,i=9,q=2\x1b\\");
    assert!(
        encoder.encode(7, &raster(), AREA).is_some(),
        "an erased picture is sent again"
    );
}

#[test]
fn placeholders_name_id_row_and_column() {
    let encoded = Encoder::new(
        graphics(Protocol::Kitty { placeholders: true }),
        Budget::default(),
        InkTable::default(),
    )
    .encode(0x0A_0B_0C, &raster(), AREA)
    .unwrap();
    let buffer = drawn(&encoded, Rect::new(0, 0, 20, 10));
    let cell = &buffer[(AREA.x + 2, AREA.y + 1)];
    assert_eq!(
        cell.symbol().chars().collect::<Vec<_>>(),
        ['\u{10EEEE}', '\u{30D}', '\u{30E}']
    );
    assert_eq!(cell.fg, ratatui::style::Color::Rgb(0x0A, 0x0B, 0x0C));
    assert_eq!(buffer[(AREA.x - 1, AREA.y)].symbol(), " ");
    assert!(encoded.survives_text());
}

#[test]
fn tmux_gets_every_chunk_wrapped_and_its_escapes_doubled() {
    let mut encoder = encoder(Protocol::Kitty { placeholders: true }, 8, true);
    let wrapped = String::from_utf8(encoder.encode(7, &raster(), AREA).unwrap().bytes).unwrap();
    let plain = String::from_utf8(encode(Protocol::Kitty { placeholders: true }, &raster(), 8).bytes).unwrap();
    let unwrapped: String = wrapped
        .split("\x1bPtmux;")
        .skip(1)
        .map(|part| part.strip_suffix("\x1b\\").unwrap().replace("\x1b\x1b", "\x1b"))
        .collect();
    assert_eq!(unwrapped, plain);
    for part in wrapped.split("\x1bPtmux;").skip(1) {
        let inside = part.strip_suffix("\x1b\\").unwrap();
        assert!(
            !inside.replace("\x1b\x1b", "").contains('\x1b'),
            "a single escape would end the wrapping"
        );
    }
}

#[test]
fn placed_pictures_go_to_their_cell_and_give_the_cursor_back() {
    for protocol in [
        Protocol::Kitty { placeholders: false },
        Protocol::Iterm2,
        Protocol::Sixel,
    ] {
        let encoded = encode(protocol, &raster(), 4);
        assert!(encoded.bytes.starts_with(b"\x1b7\x1b[3;4H"), "{protocol:?}");
        assert!(encoded.bytes.ends_with(b"\x1b8"), "{protocol:?}");
        assert!(!encoded.survives_text());
        // ratatui leaves the cells under the picture alone, and takes them back as soon as text is drawn there.
        let all = Rect::new(0, 0, 20, 10);
        let buffer = drawn(&encoded, all);
        assert_eq!(Buffer::empty(all).diff(&buffer).len(), 0);
        assert_eq!(buffer.diff(&Buffer::empty(all)).len(), AREA.area() as usize);
    }
    let direct = String::from_utf8(encode(Protocol::Kitty { placeholders: false }, &raster(), 4).bytes).unwrap();
    assert!(direct.contains("C=1") && direct.contains("p=1") && !direct.contains("U=1"));
}

#[test]
fn iterm2_carries_the_png_over_its_cells() {
    let text = String::from_utf8(encode(Protocol::Iterm2, &raster(), 8).bytes).unwrap();
    let (keys, rest) = text.split_once("\x1b]1337;File=").unwrap().1.split_once(':').unwrap();
    let png = STANDARD.decode(rest.split_once('\x07').unwrap().0).unwrap();
    assert!(
        keys.contains("inline=1") && keys.contains("width=12;height=5;"),
        "{keys}"
    );
    assert!(keys.contains(&format!("size={};", png.len())));
    assert_eq!(
        image::load_from_memory(&png).unwrap().to_luma8().into_raw(),
        raster().grey.data
    );
}

#[test]
fn sixels_decode_to_the_raster() {
    let bytes = encode(Protocol::Sixel, &with_ink(), 4).bytes;
    let start = bytes.windows(2).position(|w| w == b"\x1bP").unwrap();
    let decoded = icy_sixel::SixelImage::decode(&bytes[start..bytes.len() - 2]).unwrap();
    // Each pixel twice; the decoder keeps whole bands.
    assert_eq!(decoded.dimensions(), (108, 102));
    assert!(
        bytes.windows(12).any(|w| w == b"\"1;1;108;100"),
        "the size it says is exact"
    );
    let (inks, raster) = (InkTable::default(), with_ink());
    for y in 0..100 {
        for x in 0..108 {
            let seen = &decoded.pixels[4 * (y * 108 + x)..][..3];
            let grey = raster.grey.at(x / 2, y / 2);
            let expected = raster.ink_at(x / 2, y / 2).map_or([grey; 3], |ink| inks.rgb(ink));
            // Half a step of 16 greys and the rounding to percent.
            let off = (0..3).map(|i| seen[i].abs_diff(expected[i])).max().unwrap();
            assert!(off <= 11, "({x}, {y}): {seen:?} for {expected:?}");
        }
    }
}
