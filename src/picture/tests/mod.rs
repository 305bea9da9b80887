//! Tests over several files of this crate: what a picture costs, what it looks like when decoded, odd sizes.

mod burned;
mod cost;
mod detect;
mod graphics;
mod mapping;
mod patches;
mod shown;
mod text;

use crate::*;
use model::Pixels;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::{Arc, LazyLock};

/// A terminal of 9 x 20 pixel cells with everything on, for one protocol.
fn graphics(protocol: Protocol) -> Graphics {
    Graphics {
        protocol,
        cell_px: (9, 20),
        tmux: false,
        pixel_mouse: false,
        synchronised: false,
    }
}

const EVERY_PROTOCOL: [Protocol; 10] = [
    Protocol::Kitty { placeholders: true },
    Protocol::Kitty { placeholders: false },
    Protocol::Iterm2,
    Protocol::Sixel,
    Protocol::Half(ColourDepth::True),
    Protocol::Half(ColourDepth::Grey256),
    Protocol::Half(ColourDepth::Sixteen),
    Protocol::Half(ColourDepth::Mono),
    Protocol::Braille,
    Protocol::None,
];

const PANE: Rect = Rect {
    x: 0,
    y: 0,
    width: 100,
    height: 30,
};

/// The synthetic SEM picture, made once.
fn survey() -> Scene {
    static PIXELS: LazyLock<Arc<Pixels>> = LazyLock::new(|| Arc::new(Pixels::U8(scene::picture(1536, 1024, 1, 0.0))));
    Scene {
        pixels: PIXELS.clone(),
        revision: 1,
        ..blank()
    }
}

/// A scene without a picture.
fn blank() -> Scene {
    Scene {
        pixels: Arc::new(Pixels::U8(Default::default())),
        revision: 0,
        view: View::default(),
        tone: Tone::default(),
        overlays: Vec::new(),
        smooth: false,
    }
}

fn usual_overlays() -> Vec<Overlay> {
    vec![
        Overlay::Crosshair { ink: Ink::Warn },
        Overlay::ScaleBar {
            pixel_size: 150e-6 / 1536.0,
            ink: Ink::Neutral,
        },
        Overlay::Cursor {
            at: Position::new(400.0, 300.0),
            ink: Ink::Accent,
        },
        Overlay::fraction(
            &model::Rect {
                left: 0.3,
                top: 0.3,
                width: 0.4,
                height: 0.4,
            },
            (1536, 1024),
            Ink::Good,
        ),
        Overlay::Marker {
            at: Position::new(900.0, 700.0),
            text: "lamella 01".into(),
            ink: Ink::Info,
        },
    ]
}

/// What ratatui's crossterm backend writes to get from one buffer to the next.
fn terminal_bytes(before: &Buffer, after: &Buffer) -> Vec<u8> {
    use ratatui::backend::Backend;
    let mut out = Vec::new();
    CrosstermBackend::new(&mut out)
        .draw(before.diff(after).into_iter())
        .unwrap();
    out
}

fn drawn(encoded: &Encoded, area: Rect) -> Buffer {
    let mut buffer = Buffer::empty(area);
    encoded.draw(&mut buffer);
    buffer
}

/// The PNG inside a kitty transmission, its chunks put together.
fn kitty_png(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let text = std::str::from_utf8(bytes).unwrap();
    let payload: String = text
        .split("\x1b_G")
        .skip(1)
        .map(|command| command.split_once(';').unwrap().1.split_once("\x1b\\").unwrap().0)
        .collect();
    base64::engine::general_purpose::STANDARD.decode(payload).unwrap()
}
