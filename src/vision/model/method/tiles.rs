//! Windows over a picture whose results are blended by weight.

use super::{Step, Watch};
use crate::model::ModelError;
use ndarray::{Array2, Array3, Array4, ArrayView2, Axis, Zip, s};

/// Where windows lie, and how much each of their pixels counts.
pub(super) struct Tiling {
    /// (rows, columns) of a window.
    pub size: (usize, usize),
    pub rows: Vec<usize>,
    pub columns: Vec<usize>,
    /// Of the size of a window, above 0.
    pub weights: Array2<f32>,
}

impl Tiling {
    pub fn count(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The weighted means of what `run` makes of each window, (classes, rows, columns) of the picture. The windows must cover the picture.
    /// `steps.done` is counted up.
    pub fn blend(
        &self,
        picture: ArrayView2<f32>,
        steps: &mut Step,
        watch: Watch,
        mut run: impl FnMut(Array2<f32>) -> Result<Array3<f32>, ModelError>,
    ) -> Result<Array3<f32>, ModelError> {
        let (h, w) = picture.dim();
        let mut sums: Option<Array3<f32>> = None;
        let mut weights = Array2::<f32>::zeros((h, w));
        for y in &self.rows {
            for x in &self.columns {
                if watch(*steps).is_break() {
                    return Err(ModelError::Cancelled);
                }
                let at = s![*y..*y + self.size.0, *x..*x + self.size.1];
                let result = run(picture.slice(at).to_owned())?;
                steps.done += 1;
                let (classes, rows, columns) = result.dim();
                if (rows, columns) != self.size || classes == 0 {
                    return Err(ModelError::Output(format!(
                        "{classes} maps of {columns}x{rows} pixels for a window of {}x{}",
                        self.size.1, self.size.0
                    )));
                }
                if self.count() == 1 {
                    return Ok(result);
                }
                let sums = sums.get_or_insert_with(|| Array3::zeros((classes, h, w)));
                if sums.dim().0 != classes {
                    return Err(ModelError::Output("a number of classes that changes".to_owned()));
                }
                for (mut sum, plane) in sums.outer_iter_mut().zip(result.outer_iter()) {
                    let sum = sum.slice_mut(at);
                    Zip::from(sum)
                        .and(plane)
                        .and(&self.weights)
                        .for_each(|sum, v, weight| *sum += v * weight);
                }
                let mut covered = weights.slice_mut(at);
                covered += &self.weights;
            }
        }
        let mut sums = sums.ok_or_else(|| ModelError::Output("nothing".to_owned()))?;
        for mut plane in sums.outer_iter_mut() {
            plane /= &weights;
        }
        Ok(sums)
    }
}

/// One picture of one or more equal channels as a network takes it.
pub(super) fn input(picture: Array2<f32>, channels: usize) -> Array4<f32> {
    let one = picture.insert_axis(Axis(0)).insert_axis(Axis(0));
    match channels {
        1 => one,
        n => {
            let (_, _, h, w) = one.dim();
            Array4::from_shape_fn((1, n, h, w), |(_, _, y, x)| one[[0, 0, y, x]])
        }
    }
}

/// The first picture of a batch.
pub(super) fn first(output: Array4<f32>) -> Result<Array3<f32>, ModelError> {
    if output.is_empty() {
        return Err(ModelError::Output("an empty result".to_owned()));
    }
    Ok(output.index_axis_move(Axis(0), 0))
}

/// Starts of as few windows as cover `n` pixels with at least `overlap` in common, evenly spread. n must not be below `window`.
pub(super) fn spread(n: usize, window: usize, overlap: usize) -> Vec<usize> {
    let room = n - window;
    let step = window.saturating_sub(overlap).max(1);
    let count = room.div_ceil(step);
    (0..=count)
        .map(|i| (room * i + count / 2).checked_div(count).unwrap_or(0))
        .collect()
}

/// Weights that fall linearly towards the edges over `overlap` pixels.
pub(super) fn ramps((h, w): (usize, usize), overlap: usize) -> Array2<f32> {
    let ramp = |i: usize, n: usize| ((i.min(n - 1 - i) + 1) as f32 / (overlap + 1) as f32).min(1.0);
    Array2::from_shape_fn((h, w), |(y, x)| ramp(y, h) * ramp(x, w))
}

/// A larger picture with the old one at `corner` and `outside` around it.
pub(super) fn framed(
    picture: ArrayView2<f32>,
    size: (usize, usize),
    corner: (usize, usize),
    outside: f32,
) -> Array2<f32> {
    let (h, w) = picture.dim();
    let mut framed = Array2::from_elem(size, outside);
    framed
        .slice_mut(s![corner.0..corner.0 + h, corner.1..corner.1 + w])
        .assign(&picture);
    framed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::ControlFlow;

    #[test]
    fn windows_cover_and_overlap() {
        assert_eq!(spread(100, 100, 20), [0]);
        for (n, window, overlap) in [(101, 100, 20), (640, 256, 64), (3072, 1536, 128)] {
            let starts = spread(n, window, overlap);
            assert_eq!((starts[0], starts[starts.len() - 1]), (0, n - window));
            assert!(starts.windows(2).all(|w| w[1] - w[0] <= window - overlap), "{starts:?}");
        }
    }

    #[test]
    fn blended_windows_of_a_pointwise_map_are_seamless() {
        let picture = Array2::from_shape_fn((50, 70), |(y, x)| (y * 70 + x) as f32);
        let tiling = Tiling {
            size: (32, 32),
            rows: spread(50, 32, 8),
            columns: spread(70, 32, 8),
            weights: ramps((32, 32), 8),
        };
        let mut told = Vec::new();
        let mut steps = Step {
            done: 0,
            of: tiling.count(),
        };
        let mut watch = |step: Step| {
            told.push(step.done);
            ControlFlow::Continue(())
        };
        let twice = |tile: Array2<f32>| Ok((tile * 2.0).insert_axis(Axis(0)));
        let blended = tiling.blend(picture.view(), &mut steps, &mut watch, twice).unwrap();
        assert!(
            blended
                .iter()
                .zip(&picture)
                .all(|(a, b)| (a - 2.0 * b).abs() <= 1e-3 * b)
        );
        assert_eq!(told, (0..tiling.count()).collect::<Vec<_>>());
        let mut stop = |step: Step| {
            if step.done == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let mut steps = Step { done: 0, of: 6 };
        assert_eq!(
            tiling.blend(picture.view(), &mut steps, &mut stop, twice),
            Err(ModelError::Cancelled)
        );
    }
}
