//! What pictures cost on the line. Worst case: the whole picture is new, with the noise of a survey picture.

use super::*;

fn kitty_bytes(bits: u8, scale: u16, overlays: Vec<Overlay>) -> usize {
    let budget = Budget {
        bits,
        scale,
        ..Budget::default()
    };
    let mut painter = Painter::new(
        graphics(Protocol::Kitty { placeholders: true }),
        budget,
        InkTable::default(),
    );
    let scene = Scene { overlays, ..survey() };
    painter.paint(1, &scene, PANE).unwrap().bytes.len()
}

fn half_bytes(depth: ColourDepth, budget: Budget) -> usize {
    let mut painter = Painter::new(graphics(Protocol::Half(depth)), budget, InkTable::default());
    let encoded = painter.paint(1, &survey(), PANE).unwrap();
    terminal_bytes(&Buffer::empty(PANE), &drawn(&encoded, PANE)).len()
}

#[test]
fn a_kitty_frame_at_half_resolution_fits_40_kb() {
    let (plain, drawn_on) = (kitty_bytes(4, 2, Vec::new()), kitty_bytes(4, 2, usual_overlays()));
    println!("kitty, 4 bits, half resolution: {plain} B, with overlays {drawn_on} B");
    assert!(plain <= 40_000, "{plain}");
    assert!(drawn_on <= 40_000, "{drawn_on}");
}

#[test]
fn a_half_block_frame_fits_14_kb() {
    let bytes = half_bytes(ColourDepth::Grey256, Budget::default());
    println!("half blocks, 256 colours: {bytes} B");
    assert!(bytes <= 14_000, "{bytes}");
}

#[test]
fn each_step_down_costs_less() {
    let rates = [10e6, 1e6, 200e3, 64e3, 10e3];
    let costs: Vec<(usize, usize)> = rates
        .map(Budget::for_rate)
        .iter()
        .map(|b| {
            (
                kitty_bytes(b.bits, b.scale, Vec::new()),
                half_bytes(ColourDepth::Grey256, *b),
            )
        })
        .collect();
    println!("kitty and half block bytes at {rates:?} B/s: {costs:?}");
    for pair in costs.windows(2) {
        assert!(pair[1].0 < pair[0].0, "{costs:?}");
        assert!(pair[1].1 <= pair[0].1, "{costs:?}");
    }
    assert!(costs[3].0 <= 12_000 && costs[4].1 <= 7_000, "{costs:?}");
}

#[test]
fn other_protocols_are_cheaper_than_their_raw_pixels() {
    let costs = [Protocol::Iterm2, Protocol::Sixel].map(|protocol| {
        let mut painter = Painter::new(graphics(protocol), Budget::default(), InkTable::default());
        painter.paint(1, &survey(), PANE).unwrap().bytes.len()
    });
    println!("iTerm2 {} B, sixel {} B", costs[0], costs[1]);
    assert!(costs[0] <= 40_000, "{costs:?}");
    assert!(costs[1] <= 300_000, "{costs:?}");
}

#[test]
fn an_unchanged_scene_settles_and_then_costs_nothing() {
    for protocol in [
        Protocol::Kitty { placeholders: true },
        Protocol::Sixel,
        Protocol::Half(ColourDepth::Grey256),
        Protocol::Braille,
    ] {
        let mut painter = Painter::new(graphics(protocol), Budget::default(), InkTable::default());
        let mut sent = Vec::new();
        for frame in 0..24u64 {
            // Small frames keep the test quick: noise is what counts.
            let scene = Scene {
                pixels: Arc::new(Pixels::U8(scene::picture(384, 256, frame, 0.0))),
                revision: frame,
                smooth: true,
                ..blank()
            };
            if painter.paint(1, &scene, Rect::new(0, 0, 40, 12)).is_some() {
                sent.push(frame);
            }
        }
        assert!(
            sent.iter().all(|&frame| frame <= 15),
            "{protocol:?} sent frames {sent:?}"
        );
        assert!(sent.len() <= 5, "{protocol:?} sent frames {sent:?}");
    }
}

#[test]
fn the_same_scene_again_is_not_sent_again() {
    for protocol in EVERY_PROTOCOL {
        let mut painter = Painter::new(graphics(protocol), Budget::default(), InkTable::default());
        let scene = Scene {
            overlays: usual_overlays(),
            ..survey()
        };
        let first = painter.paint(1, &scene, PANE);
        assert_eq!(first.is_some(), protocol != Protocol::None);
        assert!(painter.paint(1, &scene, PANE).is_none(), "{protocol:?}");
        if let Some(encoded) = first {
            let buffer = drawn(&encoded, PANE);
            let cost = terminal_bytes(&buffer, &buffer.clone()).len();
            assert!(
                cost <= terminal_bytes(&Buffer::empty(PANE), &Buffer::empty(PANE)).len(),
                "{protocol:?}: {cost}"
            );
        }
    }
}
