//! Apart from the library: unit tests inside it would compile every algorithm a second time.

use fourier::{Complex, Planned};

#[test]
fn there_and_back_multiplies_by_the_length() {
    for length in [1, 7, 16, 1536] {
        let signal: Vec<Complex<f64>> = (0..length).map(|i| Complex::new((i * i % 13) as f64, 0.5)).collect();
        let mut bins = signal.clone();
        f64::forward(length).process(&mut bins);
        let sum: Complex<f64> = signal.iter().sum();
        assert!((bins[0] - sum).norm() < 1e-9 * length as f64);
        f64::inverse(length).process(&mut bins);
        let back = |(a, b): (&Complex<f64>, &Complex<f64>)| (a / length as f64 - b).norm() < 1e-9;
        assert!(bins.iter().zip(&signal).all(back));
    }
}
