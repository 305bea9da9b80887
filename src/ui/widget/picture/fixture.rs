//! Snapshots with pictures, and screens with the pictures painted, for tests.

use crate::cx::Picture;
use crate::sample;
use crate::state::UiState;
use crate::tab::TabId;
use engine::Snapshot;
use engine::event::FrameInfo;
use model::{Beam, ImageSettings, Pixels, Pose, StagePosition};
use ndarray::Array2;
use picture::plot::Histogram;
use picture::{Budget, Graphics, Painter, Protocol};
use ratatui::layout::Rect;
use std::sync::{Arc, OnceLock};

/// Pixels of the pictures here: small, 150 um wide.
pub const SIZE: (u32, u32) = (300, 200);
pub const PIXEL: f64 = 150e-6 / 300.0;

/// A picture of `beam` taken where the stage of `snapshot` stands.
pub fn frame(id: u64, beam: Beam, snapshot: &Snapshot) -> FrameInfo {
    let pose = snapshot
        .stage
        .as_ref()
        .map_or_else(Pose::default, |s| s.value.state.pose);
    let column = snapshot.beam(beam).map(|b| b.value.settings.clone());
    FrameInfo {
        size: SIZE,
        pixel_size: PIXEL,
        settings: Some(ImageSettings {
            beam_type: beam,
            resolution: SIZE,
            ..ImageSettings::default()
        }),
        stage: Some(StagePosition::from(pose)),
        voltage: column.as_ref().map_or(0.0, |c| c.voltage),
        current: column.as_ref().map_or(0.0, |c| c.beam_current),
        working_distance: column.as_ref().map_or(0.0, |c| c.working_distance),
        file: (id % 2 == 1).then(|| format!("session-2026-11-22/picture-{id}.tif")),
        ..sample::frame(id, Some(beam))
    }
}

/// The twin, idle, a picture of each beam taken where the stage stands, two saved positions of which one lies in them.
pub fn pictured() -> Snapshot {
    let mut snapshot = Snapshot {
        read: sample::NOON,
        ..sample::connected()
    };
    for (id, beam) in [(1, Beam::Electron), (2, Beam::Ion), (3, Beam::Electron), (4, Beam::Ion)] {
        let frame = frame(id, beam, &snapshot);
        snapshot.frames.push_back(frame);
    }
    let pose = snapshot.stage.as_ref().map(|s| s.value.state.pose).unwrap_or_default();
    let saved = |name: &str, x: f64| StagePosition {
        name: Some(name.to_owned()),
        ..Pose { x, ..pose }.into()
    };
    snapshot.positions = vec![saved("grid-1", pose.x + 30e-6), saved("grid-2", pose.x + 3e-3)];
    snapshot
}

/// Rings of grey: what is where can be seen in any screen.
fn pixels(size: (u32, u32)) -> Arc<Pixels> {
    static USUAL: OnceLock<Arc<Pixels>> = OnceLock::new();
    let draw = || {
        let (w, h) = (size.0 as usize, size.1 as usize);
        Arc::new(Pixels::U8(Array2::from_shape_fn((h, w), |(y, x)| {
            let r = (x as f64 - w as f64 / 2.0).hypot(y as f64 - h as f64 / 2.0);
            (128.0 + 100.0 * (r / 12.0).sin()) as u8
        })))
    };
    if size == SIZE {
        USUAL.get_or_init(draw).clone()
    } else {
        draw()
    }
}

/// A screen with `tab` open and the pixels of all pictures at hand.
pub fn state(tab: TabId, snapshot: &Snapshot) -> UiState {
    let mut state = sample::state(tab, snapshot);
    for info in snapshot.frames.iter().chain(snapshot.live_frames.iter().flatten()) {
        let pixels = pixels(info.size);
        let histogram = Histogram::of(&pixels);
        state.desk.frames.insert(info.id, Some(Picture { pixels, histogram }));
    }
    state.refresh(snapshot);
    state
}

/// The text of a screen, its pictures painted in braille.
pub fn screen(state: &UiState, snapshot: &Snapshot, width: u16, height: u16) -> String {
    let mut canvas = state.draw(snapshot, Rect::new(0, 0, width, height));
    let above = canvas.buffer.clone();
    let graphics = Graphics {
        protocol: Protocol::Braille,
        cell_px: (10, 20),
        tmux: false,
        pixel_mouse: false,
        synchronised: false,
    };
    let mut painter = Painter::new(graphics, Budget::default(), state.desk.theme.inks());
    for (area, key) in canvas.placements.clone() {
        let Some(picture) = state.desk.frames.get(key.frame) else {
            continue;
        };
        let scene = key.scene(picture.pixels.clone());
        if let Some(encoded) = painter.paint(u32::from(key.slot) + 1, &scene, area) {
            encoded.draw(&mut canvas.buffer);
        }
    }
    for cover in &canvas.covers {
        for at in cover.positions() {
            canvas.buffer[at] = above[at].clone();
        }
    }
    sample::shown(&canvas)
}
