//! How long the twin takes for a picture: cold, and with its geometry remembered.

use criterion::{Criterion, criterion_group, criterion_main};
use hal::sim::geometry::TwinGeometry;
use hal::sim::matter::{Materials, Matter};
use hal::sim::optics::ColumnFlaws;
use hal::sim::render::{Motion, Renderer, Shot};
use hal::sim::specimen::Specimen;
use model::{Beam, BeamSettings, BeamState, DetectorSettings, Geometry, ImageSettings, Point};
use std::hint::black_box;
use std::sync::Arc;

fn shot(beam: Beam, specimen: &Specimen, tilt: f64) -> Shot {
    let geometry = TwinGeometry::new(Geometry::default(), [7e-3, 16.5e-3]);
    let settings = ImageSettings {
        beam_type: beam,
        ..ImageSettings::default()
    };
    let (current, voltage) = if beam == Beam::Ion {
        (20e-12, 30e3)
    } else {
        (50e-12, 2e3)
    };
    let column = BeamSettings {
        beam_type: beam,
        working_distance: geometry.eucentric(beam),
        beam_current: current,
        voltage,
        hfw: settings.hfw,
        resolution: settings.resolution,
        dwell_time: settings.dwell_time,
        stigmation: Point::default(),
        shift: Point::default(),
        scan_rotation: 0.0,
        preset: None,
    };
    Shot {
        dark: Vec::new(),
        settings,
        beam: BeamState {
            on: true,
            blanked: false,
            settings: column,
            detector: DetectorSettings::default(),
            plasma_gas: None,
        },
        flaws: ColumnFlaws::default(),
        pose: model::Pose {
            t: tilt.to_radians(),
            ..geometry.home()
        },
        geometry: Arc::new(geometry),
        matter: Matter::new(
            specimen.clone(),
            Arc::new(Materials::shipped().unwrap_or_else(|e| unreachable!("{e}"))),
        ),
        probes: Vec::new(),
        motion: Motion::default(),
        start_time: 0.0,
        charging: 0.0,
        seed: 1,
    }
}

fn pictures(c: &mut Criterion) {
    let mut group = c.benchmark_group("picture 1536x1024");
    group.sample_size(10);
    let views = [
        ("SEM flat", Beam::Electron, 35.0),
        ("FIB at 52 deg", Beam::Ion, 35.0),
        ("FIB at 15 deg", Beam::Ion, 12.0),
    ];
    for scene in ["grid", "waffle", "bulk", "liftout"] {
        let Ok(specimen) = Specimen::new(scene, 1) else { return };
        for (name, beam, tilt) in views {
            let shot = shot(beam, &specimen, tilt);
            group.bench_function(format!("{scene}, {name}, cold"), |b| {
                b.iter(|| Renderer::new().render(black_box(&shot)));
            });
            let renderer = Renderer::new();
            group.bench_function(format!("{scene}, {name}, geometry cached"), |b| {
                b.iter(|| renderer.render(black_box(&shot)));
            });
        }
    }
    // Each picture a little further on, as a drifting sample is seen.
    let Ok(specimen) = Specimen::new("grid", 1) else { return };
    let mut drifting = shot(Beam::Electron, &specimen, 35.0);
    drifting.motion.velocity = [2e-9, 0.0, 0.0];
    let renderer = Renderer::new();
    group.bench_function("grid, SEM flat, drifting", |b| {
        b.iter(|| {
            drifting.motion.offset[0] += 3e-9;
            renderer.render(black_box(&drifting))
        });
    });
    group.finish();
}

fn chamber(c: &mut Criterion) {
    let geometry = TwinGeometry::new(Geometry::default(), [7e-3, 16.5e-3]);
    let mut group = c.benchmark_group("chamber camera");
    group.sample_size(10);
    group.bench_function("768x512", |b| {
        b.iter(|| hal::sim::chamber_view::render(black_box(&geometry), &geometry.home(), 1));
    });
    group.finish();
}

criterion_group!(benches, pictures, chamber);
criterion_main!(benches);
