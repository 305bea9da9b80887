//! Several pictures of one place made into one: frames integrated, and planes of focus stacked.
//!
//! Source: openFIBSEM's frame integration, adaptive frame integration and focus stacking; results are truncated to the pixel type as
//! there. Pictures of unequal sizes, or none, are refused.

use crate::Grey;
use crate::filter::{Border, gaussian};
use crate::focus::Measure;
use ndarray::{Array2, ArrayView2, s};

/// What becomes of the values of a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Integration {
    #[default]
    Mean,
    /// Cut off at the type's range.
    Sum,
    Median,
    Max,
    Min,
}

/// Frames that an adaptive integration keeps at least, and how far off (in standard deviations) it leaves one out.
pub const LEAST_KEPT: usize = 3;
pub const OUTLIER: f64 = 2.0;
/// Side of a block of a focus stack, px.
pub const BLOCK: usize = 128;
/// Standard deviation of normally distributed values over their median absolute deviation.
const MAD: f64 = 1.4826;

/// Why pictures were not put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    #[error("there are {0} pictures: give more")]
    TooFew(usize),
    #[error("the pictures are not of one size: take them with the same settings")]
    Sizes,
}

fn size<T>(pictures: &[ArrayView2<T>], least: usize) -> Result<(usize, usize), StackError> {
    let first = pictures.first().filter(|_| pictures.len() >= least);
    let size = first.ok_or(StackError::TooFew(pictures.len()))?.dim();
    match pictures.iter().all(|p| p.dim() == size) {
        true => Ok(size),
        false => Err(StackError::Sizes),
    }
}

/// Each pixel from its values in all frames.
pub fn integrate<T: Grey>(frames: &[ArrayView2<T>], how: Integration) -> Result<Array2<T>, StackError> {
    by_pixel(frames, 1, |values| how.of(values))
}

/// As [`integrate`], leaving out for each pixel the frames that are off its median by more than [`OUTLIER`] standard deviations
/// (estimated by the median absolute deviation; where that is 0, none is); [`LEAST_KEPT`] are kept in any case, the nearest.
pub fn integrate_adaptively<T: Grey>(frames: &[ArrayView2<T>], how: Integration) -> Result<Array2<T>, StackError> {
    by_pixel(frames, LEAST_KEPT, |values| {
        let middle = median(values);
        let off = |v: f64| (v - middle).abs();
        let mut distances: Vec<f64> = values.iter().map(|v| off(*v)).collect();
        let most = OUTLIER * MAD * median(&mut distances);
        if most > 0.0 {
            values.sort_by(|a, b| off(*a).total_cmp(&off(*b)));
            let kept = values.iter().filter(|v| off(**v) <= most).count().max(LEAST_KEPT);
            return how.of(&mut values[..kept]);
        }
        how.of(values)
    })
}

fn by_pixel<T: Grey>(
    frames: &[ArrayView2<T>],
    least: usize,
    mut one: impl FnMut(&mut [f64]) -> f64,
) -> Result<Array2<T>, StackError> {
    let size = size(frames, least)?;
    let mut values = vec![0.0; frames.len()];
    Ok(Array2::from_shape_fn(size, |at| {
        for (value, frame) in values.iter_mut().zip(frames) {
            *value = f64::from(frame[at].level());
        }
        T::truncated(one(&mut values))
    }))
}

impl Integration {
    pub const ALL: [Integration; 5] = [
        Integration::Mean,
        Integration::Sum,
        Integration::Median,
        Integration::Max,
        Integration::Min,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Integration::Mean => "mean",
            Integration::Sum => "sum",
            Integration::Median => "median",
            Integration::Max => "max",
            Integration::Min => "min",
        }
    }

    fn of(self, values: &mut [f64]) -> f64 {
        match self {
            Integration::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Integration::Sum => values.iter().sum(),
            Integration::Median => median(values),
            Integration::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Integration::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// Of which plane each pixel of a focus stack is.
pub fn sharpest(planes: &[ArrayView2<f32>], measure: Measure) -> Result<Array2<usize>, StackError> {
    let size = size(planes, 1)?;
    let maps: Vec<Array2<f32>> = planes.iter().map(|plane| measure.map(plane.view())).collect();
    Ok(Array2::from_shape_fn(size, |at| {
        first_greatest(maps.iter().map(|map| f64::from(map[at])))
    }))
}

/// The same for blocks of `side` pixels: each is of one plane, measured inside the block alone.
pub fn sharpest_blocks(planes: &[ArrayView2<f32>], measure: Measure, side: usize) -> Result<Array2<usize>, StackError> {
    let (h, w) = size(planes, 1)?;
    let (side, mut chosen) = (side.max(1), Array2::zeros((h, w)));
    for (y, x) in (0..h)
        .step_by(side)
        .flat_map(|y| (0..w).step_by(side).map(move |x| (y, x)))
    {
        let block = s![y..(y + side).min(h), x..(x + side).min(w)];
        let best = first_greatest(planes.iter().map(|plane| measure.quality(plane.slice(block))));
        chosen.slice_mut(block).fill(best);
    }
    Ok(chosen)
}

fn first_greatest(values: impl Iterator<Item = f64>) -> usize {
    let better = |best: (usize, f64), (i, v): (usize, f64)| if v > best.1 { (i, v) } else { best };
    values.enumerate().fold((0, f64::NEG_INFINITY), better).0
}

/// A picture of the chosen planes; with `smooth` (px) above 0 the seams are blurred, and the picture with them.
pub fn composed(planes: &[ArrayView2<f32>], chosen: &Array2<usize>, smooth: f64) -> Result<Array2<f32>, StackError> {
    if size(planes, 1)? != chosen.dim() {
        return Err(StackError::Sizes);
    }
    let last = planes.len() - 1;
    let picture = Array2::from_shape_fn(chosen.dim(), |at| planes[chosen[at].min(last)][at]);
    Ok(match smooth > 0.0 {
        true => gaussian(picture.view(), smooth, Border::Reflect),
        false => picture,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn frames_are_put_together_pixel_by_pixel() {
        let frames = [array![[1u8, 200]], array![[2, 100]], array![[6, 20]]];
        let views: Vec<ArrayView2<u8>> = frames.iter().map(|f| f.view()).collect();
        for (how, wanted) in [
            (Integration::Mean, [3, 106]),
            (Integration::Sum, [9, 255]),
            (Integration::Median, [2, 100]),
            (Integration::Max, [6, 200]),
            (Integration::Min, [1, 20]),
        ] {
            assert_eq!(
                integrate(&views, how).unwrap(),
                array![[wanted[0], wanted[1]]],
                "{how:?}"
            );
        }
        assert_eq!(
            integrate(&views[..2], Integration::Median).unwrap(),
            array![[1, 150]],
            "truncated"
        );
    }

    #[test]
    fn an_outlier_is_left_out_and_three_are_kept() {
        let stack = |values: &[u16]| {
            let frames: Vec<Array2<u16>> = values.iter().map(|v| array![[*v]]).collect();
            let views: Vec<ArrayView2<u16>> = frames.iter().map(|f| f.view()).collect();
            integrate_adaptively(&views, Integration::Mean).map(|p| p[[0, 0]])
        };
        assert_eq!(stack(&[100, 101, 99, 100, 102, 900]), Ok(100));
        assert_eq!(stack(&[100, 100, 100, 100, 900]), Ok(260), "no deviation, no outlier");
        assert_eq!(stack(&[0, 1, 1000, 2000]), Ok(333));
        assert_eq!(stack(&[10, 11, 500, 900]), Ok(355), "all within two deviations");
        assert_eq!(stack(&[1, 2]), Err(StackError::TooFew(2)));
    }

    #[test]
    fn a_focus_stack_takes_the_sharp_part_of_each_plane() {
        // texture everywhere: where nothing is to be seen no plane is the sharper
        let checks = Array2::from_shape_fn((64, 128), |(y, x)| ((y * 7919 + x * 104_729) % 251) as f32);
        let soft = gaussian(checks.view(), 4.0, Border::Reflect);
        // sharp on the left of one plane, on the right of the other
        let half = |left: &Array2<f32>, right: &Array2<f32>| {
            Array2::from_shape_fn(checks.dim(), |at| if at.1 < 64 { left[at] } else { right[at] })
        };
        let planes = [half(&soft, &checks), half(&checks, &soft)];
        let views: Vec<ArrayView2<f32>> = planes.iter().map(|p| p.view()).collect();
        let blocks = sharpest_blocks(&views, Measure::Laplacian, 32).unwrap();
        assert!(
            blocks
                .indexed_iter()
                .all(|((_, x), plane)| *plane == usize::from(x < 64))
        );
        assert_eq!(composed(&views, &blocks, 0.0).unwrap(), checks);
        let pixels = sharpest(&views, Measure::Laplacian).unwrap();
        let right = pixels
            .indexed_iter()
            .filter(|((_, x), plane)| **plane == usize::from(*x < 64))
            .count();
        assert!(right as f64 > 0.9 * pixels.len() as f64, "{right}");
        assert!(composed(&views, &blocks, 1.0).unwrap() != checks);
        let small = Array2::zeros((2, 2));
        assert_eq!(
            sharpest(&[views[0], small.view()], Measure::Sobel),
            Err(StackError::Sizes)
        );
        assert_eq!(integrate::<u8>(&[], Integration::Mean), Err(StackError::TooFew(0)));
    }
}
