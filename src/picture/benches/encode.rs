//! What it takes to show a 1536 x 1024 picture in a pane of 100 x 30 cells, ours beside ratatui-image, in one run.
//! Sizes are printed first; times follow.

#[path = "scene.rs"]
mod scene;

use criterion::{Criterion, criterion_group, criterion_main};
use model::Pixels;
use picture::raster::{burn, show};
use picture::{
    Budget, ColourDepth, Encoder, Graphics, Grid, Ink, InkTable, Overlay, Painter, Position, Protocol, Raster, Scene,
    Smoother, Stroke, Tone, View, Viewport,
};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui_image::protocol::halfblocks::Halfblocks;
use ratatui_image::protocol::{iterm2::Iterm2, sixel::Sixel};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const PANE: Rect = Rect {
    x: 0,
    y: 0,
    width: 100,
    height: 30,
};
const CELL: (u16, u16) = (9, 20);

fn graphics(protocol: Protocol) -> Graphics {
    Graphics {
        protocol,
        cell_px: CELL,
        tmux: false,
        pixel_mouse: false,
        synchronised: true,
    }
}

fn scene(seed: u64) -> Scene {
    Scene {
        pixels: Arc::new(Pixels::U8(scene::picture(1536, 1024, seed, 0.0))),
        revision: seed,
        view: View::default(),
        tone: Tone::default(),
        overlays: Vec::new(),
        smooth: false,
    }
}

const PROTOCOLS: [(&str, Protocol); 5] = [
    ("kitty", Protocol::Kitty { placeholders: true }),
    ("iterm2", Protocol::Iterm2),
    ("sixel", Protocol::Sixel),
    ("half", Protocol::Half(ColourDepth::Grey256)),
    ("braille", Protocol::Braille),
];

/// Bytes on the line, cells and sequences, of the first picture in a pane and of a wholly new one after it.
fn bytes(protocol: Protocol) -> [usize; 2] {
    let mut painter = Painter::new(graphics(protocol), Budget::default(), InkTable::default());
    let mut shown = Buffer::empty(PANE);
    [1, 2].map(|seed| {
        let mut buffer = Buffer::empty(PANE);
        let sequences = painter.paint(1, &scene(seed), PANE).map_or(0, |encoded| {
            encoded.draw(&mut buffer);
            encoded.bytes.len()
        });
        let mut cells = Vec::new();
        let written = CrosstermBackend::new(&mut cells).draw(shown.diff(&buffer).into_iter());
        shown = buffer;
        sequences + written.map_or(0, |()| cells.len())
    })
}

/// The picture cut to the pane's pixels, as ratatui-image is given it.
fn dynamic(scene: &Scene, width: u32, height: u32) -> image::DynamicImage {
    let Pixels::U8(pixels) = &*scene.pixels else {
        return image::DynamicImage::default();
    };
    let whole = image::GrayImage::from_raw(1536, 1024, pixels.iter().copied().collect()).unwrap_or_default();
    image::DynamicImage::ImageLuma8(whole).resize_exact(width, height, image::imageops::FilterType::Triangle)
}

fn sizes(scene: &Scene) {
    println!("bytes of a new picture after another, and of the first, 100 x 30 cells:");
    for (name, protocol) in PROTOCOLS {
        let [first, next] = bytes(protocol);
        println!("  {name:8} {next:9} {first:9}");
    }
    let (full, size) = (dynamic(scene, 810, 540), Size::new(90, 27));
    let theirs = [
        (
            "iterm2",
            Iterm2::new(full.clone(), size, false).map_or(0, |i| i.data.len()),
        ),
        ("sixel", Sixel::new(full, size, false).map_or(0, |s| s.data.len())),
    ];
    for (name, bytes) in theirs {
        println!("  ratatui-image {name:8} {bytes:9}");
    }
}

/// A pattern of 25 shapes is nudged: the picture stays, its overlays are burned and encoded anew.
struct Nudged {
    painter: Painter,
    scene: Scene,
    aside: bool,
}

impl Nudged {
    fn new(scene: &Scene, protocol: Protocol) -> Nudged {
        Nudged {
            painter: Painter::new(graphics(protocol), Budget::default(), InkTable::default()),
            scene: scene.clone(),
            aside: false,
        }
    }

    fn redraw(&mut self) {
        self.aside = !self.aside;
        self.scene.overlays = (0..25)
            .map(|n| pattern(n, if self.aside { 8.0 } else { 0.0 }))
            .collect();
        black_box(self.painter.paint(1, black_box(&self.scene), PANE));
    }
}

/// Median seconds of that, of so many, for who reads only this list.
fn redraws(scene: &Scene) {
    const TIMES: usize = 51;
    println!("seconds to redraw 25 shapes over a picture:");
    for (name, protocol) in PROTOCOLS {
        let mut nudged = Nudged::new(scene, protocol);
        nudged.redraw();
        let mut times: Vec<f64> = (0..TIMES)
            .map(|_| {
                let start = Instant::now();
                nudged.redraw();
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("  25 shapes {name:8} {:.6}", times[TIMES / 2]);
    }
}

/// One of 25 boxes over the whole picture, `aside` pixels to the right.
fn pattern(n: usize, aside: f64) -> Overlay {
    let (x, y) = ((n % 5) as f64 * 300.0 + aside, (n / 5) as f64 * 200.0);
    Overlay::Pattern {
        points: [(20.0, 20.0), (280.0, 20.0), (280.0, 180.0), (20.0, 180.0)]
            .map(|(dx, dy)| Position::new(x + dx, y + dy))
            .to_vec(),
        stroke: Stroke::Solid,
        hatched: false,
        ink: Ink::of_series(n),
    }
}

fn all(c: &mut Criterion) {
    let scene = scene(1);
    sizes(&scene);
    redraws(&scene);

    for (name, protocol) in PROTOCOLS {
        let grid: Grid = graphics(protocol).grid(&Budget::default());
        let viewport = Viewport::new((1536, 1024), PANE, grid, &View::default());
        let raster = Raster::from(show(&scene.pixels, &viewport, &scene.tone));
        c.bench_function(&format!("encode/{name}"), |b| {
            b.iter(|| {
                let mut encoder = Encoder::new(graphics(protocol), Budget::default(), InkTable::default());
                encoder.encode(1, black_box(&raster), viewport.area)
            });
        });
    }

    let grid = graphics(Protocol::Kitty { placeholders: true }).grid(&Budget::default());
    let viewport = Viewport::new((1536, 1024), PANE, grid, &View::default());
    c.bench_function("show", |b| {
        b.iter(|| show(black_box(&scene.pixels), &viewport, &scene.tone))
    });
    let grey = show(&scene.pixels, &viewport, &scene.tone);
    let overlays = [Overlay::Crosshair {
        ink: picture::Ink::Warn,
    }];
    c.bench_function("burn", |b| {
        b.iter(|| burn(grey.clone(), black_box(&overlays), &viewport))
    });
    let patterns: Vec<Overlay> = (0..25).map(|n| pattern(n, 0.0)).collect();
    c.bench_function("burn/25 shapes", |b| {
        b.iter(|| burn(grey.clone(), black_box(&patterns), &viewport))
    });
    for (name, protocol) in PROTOCOLS {
        let mut nudged = Nudged::new(&scene, protocol);
        c.bench_function(&format!("redraw/25 shapes/{name}"), |b| b.iter(|| nudged.redraw()));
    }
    let mut smoother = Smoother::default();
    c.bench_function("smooth", |b| b.iter(|| smoother.push(black_box(&grey))));

    let (full, size) = (dynamic(&scene, 810, 540), Size::new(90, 27));
    c.bench_function("ratatui-image/sixel", |b| {
        b.iter(|| Sixel::new(full.clone(), size, false))
    });
    c.bench_function("ratatui-image/iterm2", |b| {
        b.iter(|| Iterm2::new(full.clone(), size, false))
    });
    c.bench_function("ratatui-image/half", |b| b.iter(|| Halfblocks::new(full.clone(), size)));
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = all }
criterion_main!(benches);
