//! How long the twin takes to cut: two trenches of 20 x 8 um at 15 deg, on columns that are there already, and what came free.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hal::sim::matter::{Beamline, Drawing, Ions, Materials, Matter};
use hal::sim::optics::Spot;
use hal::sim::specimen::Specimen;
use model::Shape;
use model::shape::{CrossSection, Rectangle, ScanDirection};
use nalgebra::Point3;
use std::sync::Arc;

/// Two trenches with a lamella of 2 um between them.
fn trenches() -> [Shape; 2] {
    [1.0, -1.0].map(|side| {
        Shape::Rectangle(Rectangle {
            width: 20e-6,
            height: 8e-6,
            depth: 1e-6,
            centre_x: 0.0,
            centre_y: side * 5e-6,
            rotation: 0.0,
            cleaning_cross_section: false,
            scan_direction: ScanDirection::TopToBottom,
            cross_section: CrossSection::Rectangle,
            passes: 0,
            time: 0.0,
            is_exclusion: false,
        })
    })
}

fn mill(matter: &mut Matter, charge: f64) {
    let beam = Beamline::inclined(Point3::origin(), 15f64.to_radians());
    for shape in &trenches() {
        let drawing = Drawing {
            shape,
            charge,
            part: (0.0, 1.0),
            spot: Spot {
                xx: 4e-16,
                xy: 0.0,
                yy: 4e-16,
            },
            exclusions: &[],
        };
        // the shapes are sound
        let _ = matter.mill(&beam, &drawing, &Ions::default());
    }
}

fn cuts(c: &mut Criterion) {
    let mut group = c.benchmark_group("matter");
    group.sample_size(10);
    for scene in ["grid", "waffle"] {
        let (Ok(specimen), Ok(materials)) = (Specimen::new(scene, 1), Materials::shipped()) else {
            return;
        };
        let bare = Matter::new(specimen, Arc::new(materials));
        group.bench_function(format!("{scene}, two trenches, columns made"), |b| {
            b.iter_batched(
                || bare.clone(),
                |mut matter| mill(&mut matter, 0.6e-6),
                BatchSize::PerIteration,
            );
        });
        let mut scratched = bare.clone();
        mill(&mut scratched, 0.6e-9);
        group.bench_function(format!("{scene}, two trenches"), |b| {
            b.iter_batched(
                || scratched.clone(),
                |mut matter| mill(&mut matter, 0.6e-6),
                BatchSize::PerIteration,
            );
        });
        let mut cut = scratched.clone();
        mill(&mut cut, 0.6e-6);
        group.bench_function(format!("{scene}, what came free"), |b| {
            b.iter_batched(|| cut.clone(), |mut matter| matter.release(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, cuts);
criterion_main!(benches);
