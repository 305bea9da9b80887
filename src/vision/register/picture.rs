//! What can be registered: pictures that were checked, once, with their mean and contrast.

use super::RegisterError;
use crate::View;
use rayon::prelude::*;

/// Smallest side of a picture that can be registered, pixels.
pub const MIN_SIDE: usize = 16;

/// A picture that can be registered: large enough, finite, not constant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture<'a> {
    pub pixels: View<'a>,
    pub moments: Moments,
}

impl<'a> Picture<'a> {
    pub fn check(pixels: View<'a>, what: &'static str) -> Result<Self, RegisterError> {
        let size = pixels.dim();
        if size.0 < MIN_SIDE || size.1 < MIN_SIDE {
            return Err(RegisterError::TooSmall { what, size });
        }
        let moments = Moments::of(pixels);
        if !(moments.mean.is_finite() && moments.std.is_finite()) {
            return Err(RegisterError::NotFinite { what });
        }
        // A constant picture's variance may come out as the rounding of its mean.
        if moments.std <= 1e-9 * moments.mean.abs() {
            return Err(RegisterError::Blank { what });
        }
        Ok(Picture { pixels, moments })
    }

    /// Two such pictures of one size.
    pub fn check_pair(reference: View<'a>, new: View<'a>) -> Result<[Self; 2], RegisterError> {
        if reference.dim() != new.dim() {
            return Err(RegisterError::SizeMismatch {
                what: "new picture",
                reference: reference.dim(),
                new: new.dim(),
            });
        }
        Ok([Picture::check(reference, "reference")?, Picture::check(new, "new")?])
    }
}

/// Mean and population standard deviation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub mean: f64,
    pub std: f64,
}

impl Moments {
    pub fn of(picture: View) -> Self {
        let (h, w) = picture.dim();
        let mut row = vec![0.0; w];
        picture.read_row(0, &mut row);
        // Sums of differences from one of the pixels: no cancellation for a bright picture of little contrast.
        let pivot = row[0];
        let sums = |row: &mut Vec<f32>, y: usize| {
            picture.read_row(y, row);
            row.iter_mut().for_each(|v| *v -= pivot);
            (lanes(row, |sum, v| sum + v), lanes(row, |sum, v| sum + v * v))
        };
        let rows: Vec<(f64, f64)> = (0..h).into_par_iter().map_init(|| vec![0.0; w], sums).collect();
        let (sum, squares) = rows.into_iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        let n = (h * w) as f64;
        let mean = sum / n;
        Moments {
            mean: f64::from(pivot) + mean,
            std: (squares / n - mean * mean).max(0.0).sqrt(),
        }
    }
}

/// A sum in lanes that do not wait for each other: the compiler may not do that with floats by itself. What is added stays in float32
/// for 16 terms.
pub(super) fn lanes(values: &[f32], add: impl Fn(f32, f32) -> f32) -> f64 {
    let mut total = 0.0;
    for part in values.chunks(256) {
        let mut sums = [0.0f32; 16];
        let (chunks, rest) = part.as_chunks::<16>();
        for chunk in chunks {
            for (sum, v) in sums.iter_mut().zip(chunk) {
                *sum = add(*sum, *v);
            }
        }
        let rest = rest.iter().fold(0.0, |sum, v| add(sum, *v));
        total += f64::from(sums.iter().sum::<f32>() + rest);
    }
    total
}

/// The largest of some finite numbers.
pub(super) fn largest<T: Copy + Default + PartialOrd>(values: &[T]) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    let mut tops = [values.first().copied().unwrap_or_default(); 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (top, v) in tops.iter_mut().zip(chunk) {
            *top = larger(*top, *v);
        }
    }
    rest.iter().chain(&tops).copied().fold(tops[0], larger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn moments_are_the_same_in_every_type_and_layout() {
        let bytes = Array2::from_shape_fn((19, 37), |(y, x)| ((y * 31 + x * 7) % 251) as u8);
        let (words, floats) = (bytes.mapv(u16::from), bytes.mapv(f32::from));
        let mean = floats.iter().map(|v| f64::from(*v)).sum::<f64>() / floats.len() as f64;
        for view in [
            bytes.view().into(),
            words.view().into(),
            floats.view().into(),
            bytes.t().into(),
        ] {
            let moments = Moments::of(view);
            assert!((moments.mean - mean).abs() < 1e-5);
            assert!((moments.std - floats.mapv(f64::from).std(0.0)).abs() < 1e-4);
        }
    }

    #[test]
    fn the_largest_and_the_sum_miss_no_value() {
        for n in [1, 7, 16, 33, 50] {
            for at in 0..n {
                let mut values = vec![0.0f32; n];
                values[at] = 2.5;
                assert_eq!(largest(&values), 2.5);
                assert_eq!(lanes(&values, |sum, v| sum + v), 2.5);
            }
        }
    }
}
