//! Registration and focus measures at 1536 x 1024, the size of an ordinary picture.

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use vision::contrast::ImageStats;
use vision::filter::{Border, gaussian};
use vision::focus::Measure;
use vision::register::{
    CrossCorrelation, Method, Options, cross_correlation, phase_correlation, register, shift_between,
};

const SIZE: (usize, usize) = (1024, 1536);

/// Fine and coarse relief with noise of its own; features moved right by 37 and up by 23 pixels in the second picture.
fn pair() -> [Array2<f32>; 2] {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let white = Array2::from_shape_simple_fn((SIZE.0 + 100, SIZE.1 + 100), || rng.random::<f32>() - 0.5);
    let relief =
        gaussian(white.view(), 4.0, Border::Reflect) * 800.0 + gaussian(white.view(), 25.0, Border::Reflect) * 3000.0;
    [(50, 50), (73, 13)].map(|(y, x)| {
        Array2::from_shape_fn(SIZE, |(r, c)| {
            let noise = 40.0 * (rng.random::<f32>() - 0.5);
            (128.0 + relief[[y + r, x + c]] + noise).round().clamp(0.0, 255.0)
        })
    })
}

fn benches(c: &mut Criterion) {
    let [a, b] = pair();
    let mut group = c.benchmark_group("1536x1024");
    group.sample_size(20);
    group.bench_function("cross-correlation", |bench| {
        let settings = CrossCorrelation::default();
        bench.iter(|| black_box(cross_correlation(a.view(), b.view(), &settings)));
    });
    group.bench_function("phase-correlation", |bench| {
        bench.iter(|| black_box(phase_correlation(a.view(), b.view())))
    });
    for method in Method::ALL {
        group.bench_function(format!("register/{}", method.name()), |bench| {
            bench.iter(|| black_box(register(a.view(), b.view(), method, &Options::default())));
        });
    }
    group.bench_function("shift_between", |bench| {
        bench.iter(|| black_box(shift_between(a.view(), b.view())))
    });
    for measure in Measure::ALL {
        group.bench_function(format!("focus/{}", measure.name()), |bench| {
            bench.iter(|| black_box(measure.quality(a.view())))
        });
    }
    group.bench_function("focus/robust", |bench| {
        bench.iter(|| black_box(Measure::default().robust_quality(a.view())))
    });
    let grey = a.mapv(|v| v as u8);
    group.bench_function("statistics", |bench| {
        bench.iter(|| black_box(ImageStats::of(grey.view())))
    });
    group.finish();
}

criterion_group!(register_benches, benches);
criterion_main!(register_benches);
