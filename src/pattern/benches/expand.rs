//! How long patterns take to become shapes: all that openFIBSEM loads by name, with their defaults, 1,000 times; and the 25 shapes
//! of an array, as a screen draws them anew for every frame.

use criterion::{Criterion, criterion_group, criterion_main};
use model::Point;
use pattern::{PATTERNS, Pattern};
use std::hint::black_box;

const TIMES: usize = 1_000;

fn expand(c: &mut Criterion) {
    let rows = PATTERNS.iter().filter(|row| row.registered);
    let all: Vec<Pattern> = rows.map(|row| Pattern::new((row.default)())).collect();
    c.bench_function("all 17 patterns, 1,000 times", |b| {
        b.iter(|| {
            for _ in 0..TIMES {
                for pattern in &all {
                    black_box(black_box(pattern).shapes());
                }
            }
        })
    });
}

fn outline(c: &mut Criterion) {
    let array = Pattern::new(pattern::figure::ArrayPattern::default());
    assert_eq!(array.shapes().len(), 25);
    c.bench_function("outlines of 25 shapes", |b| {
        b.iter(|| {
            let outlines: Vec<Vec<Point>> = array.shapes().iter().map(|shape| shape.outline()).collect();
            black_box(outlines)
        })
    });
}

criterion_group!(benches, expand, outline);
criterion_main!(benches);
