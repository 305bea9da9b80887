//! Focus measures: maps of the picture's shape, borders reflected (edge pixel included), float32 like the original's.

use crate::filter::{Border, downsample_area, gaussian, map_3x3};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

/// Focus measures by openFIBSEM's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    Laplacian,
    Sobel,
    Variance,
    /// The default: the strong edges only.
    #[default]
    Tenengrad,
}

impl Measure {
    pub const ALL: [Measure; 4] = [
        Measure::Laplacian,
        Measure::Sobel,
        Measure::Variance,
        Measure::Tenengrad,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Measure::Laplacian => "laplacian",
            Measure::Sobel => "sobel",
            Measure::Variance => "variance",
            Measure::Tenengrad => "tenengrad",
        }
    }

    /// Sharpness of every pixel.
    pub fn map(self, picture: ArrayView2<f32>) -> Array2<f32> {
        match self {
            Measure::Laplacian => laplacian(picture),
            Measure::Sobel => sobel(picture),
            Measure::Variance => variance(picture),
            Measure::Tenengrad => tenengrad(picture, None),
        }
    }

    /// Sharpness of the picture: the mean of the map; 0 for an empty picture. In the units of the grey values (their square for
    /// the variance), so only pictures of one contrast and brightness compare.
    pub fn quality(self, picture: ArrayView2<f32>) -> f64 {
        mean(&self.map(picture))
    }

    /// Sharpness for autofocus on noisy pictures: reduced by area until the long side is at most 768 pixels, blurred by one pixel, and divided
    /// by the mean grey value (its square for the variance), so that a drifting beam current does not pass for focus.
    ///
    /// Shot noise is white and fills the finest scale, where the plain measures look; edges survive the reduction. 0 for an empty picture.
    pub fn robust_quality(self, picture: ArrayView2<f32>) -> f64 {
        let factor = picture.nrows().max(picture.ncols()).div_ceil(768);
        let smooth = gaussian(downsample_area(picture, factor).view(), 1.0, Border::Reflect);
        let brightness = mean(&smooth).abs().max(1.0);
        let unit = if self == Measure::Variance {
            brightness * brightness
        } else {
            brightness
        };
        self.quality(smooth.view()) / unit
    }
}

/// |4c - n - s - e - w|.
pub fn laplacian(picture: ArrayView2<f32>) -> Array2<f32> {
    map_3x3(picture, |[[_, n, _], [w, c, e], [_, s, _]]| {
        (4.0 * c - n - s - e - w).abs()
    })
}

/// Length of the gradient by the Sobel pair, not normalised.
pub fn sobel(picture: ArrayView2<f32>) -> Array2<f32> {
    map_3x3(picture, |[a, c, b]| {
        let gx = (a[2] - a[0]) + 2.0 * (c[2] - c[0]) + (b[2] - b[0]);
        let gy = (b[0] - a[0]) + 2.0 * (b[1] - a[1]) + (b[2] - a[2]);
        (gx * gx + gy * gy).sqrt()
    })
}

/// Population variance of the 3 x 3 neighbourhood.
pub fn variance(picture: ArrayView2<f32>) -> Array2<f32> {
    map_3x3(picture, |rows| {
        // Differences from the centre keep float32 exact where E[x^2] - E[x]^2 would cancel.
        let centre = rows[1][1];
        let (mut sum, mut squares) = (0.0f32, 0.0f32);
        for v in rows.as_flattened() {
            let d = v - centre;
            sum += d;
            squares += d * d;
        }
        (squares / 9.0 - (sum / 9.0) * (sum / 9.0)).max(0.0)
    })
}

/// The Sobel gradient where it is above `threshold`, else 0. Without one, the threshold is the gradient's mean + one standard deviation.
pub fn tenengrad(picture: ArrayView2<f32>, threshold: Option<f32>) -> Array2<f32> {
    let gradient = sobel(picture);
    let threshold = threshold.unwrap_or_else(|| {
        let centre = mean(&gradient);
        let spread = gradient.iter().map(|v| (f64::from(*v) - centre).powi(2)).sum::<f64>();
        (centre + (spread / gradient.len().max(1) as f64).sqrt()) as f32
    });
    gradient.mapv_into(|v| if v > threshold { v } else { 0.0 })
}

fn mean(map: &Array2<f32>) -> f64 {
    map.iter().map(|v| f64::from(*v)).sum::<f64>() / map.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn impulse() -> Array2<f32> {
        let mut picture = Array2::zeros((5, 5));
        picture[[2, 2]] = 1.0;
        picture
    }

    #[test]
    fn measures_of_an_impulse_follow_their_formulas() {
        assert_eq!(laplacian(impulse().view()).sum(), 8.0);
        let gradient = sobel(impulse().view());
        assert_eq!((gradient[[2, 1]], gradient[[2, 2]]), (2.0, 0.0));
        assert!((gradient[[1, 1]] - 2.0f32.sqrt()).abs() < 1e-6);
        let v = variance(impulse().view());
        assert!((v[[1, 1]] - 8.0 / 81.0).abs() < 1e-6 && v[[0, 4]] == 0.0);
        assert!((tenengrad(impulse().view(), Some(1.5)).sum() - 8.0).abs() < 1e-6);
    }

    #[test]
    fn the_border_repeats_the_edge() {
        let ramp = Array2::from_shape_fn((4, 6), |(_, x)| x as f32);
        let edge = sobel(ramp.view());
        assert_eq!((edge[[0, 0]], edge[[0, 3]]), (4.0, 8.0));
        assert_eq!(laplacian(ramp.view())[[2, 0]], 1.0);
    }

    #[test]
    fn every_measure_falls_with_blur() {
        let checks = Array2::from_shape_fn(
            (96, 128),
            |(y, x)| if (y / 16 + x / 16) % 2 == 0 { 60.0 } else { 180.0f32 },
        );
        for measure in Measure::ALL {
            let at = |sigma: f64| gaussian(checks.view(), sigma, Border::Reflect);
            let quality: Vec<f64> = [0.8, 1.6, 3.2].map(|s| measure.quality(at(s).view())).to_vec();
            assert!(
                quality.windows(2).all(|q| q[0] > q[1]),
                "{} {quality:?}",
                measure.name()
            );
        }
    }

    /// At twelve grey levels of noise the plain Laplacian is drowned: blur changes it less than the robust one by far.
    #[test]
    fn the_robust_quality_still_sees_blur_under_noise() {
        let checks = Array2::from_shape_fn(
            (384, 512),
            |(y, x)| if (y / 24 + x / 24) % 2 == 0 { 110.0 } else { 140.0f32 },
        );
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut noisy = |sigma: f64| {
            gaussian(checks.view(), sigma, Border::Reflect).mapv(|v| v + 40.0 * (rng.random::<f32>() - 0.5))
        };
        let (sharp, soft) = (noisy(0.8), noisy(6.0));
        for measure in [Measure::Tenengrad, Measure::Sobel] {
            let plain = measure.quality(sharp.view()) / measure.quality(soft.view());
            let robust = measure.robust_quality(sharp.view()) / measure.robust_quality(soft.view());
            assert!(
                robust > 1.05 && robust > plain,
                "{}: plain {plain}, robust {robust}",
                measure.name()
            );
        }
    }

    #[test]
    fn robust_quality_ignores_a_change_of_brightness() {
        let picture = Array2::from_shape_fn((64, 64), |(y, x)| ((y * 13 + x * 7) % 40) as f32 + 50.0);
        let brighter = &picture * 1.7;
        for measure in Measure::ALL {
            let (a, b) = (
                measure.robust_quality(picture.view()),
                measure.robust_quality(brighter.view()),
            );
            // The threshold of tenengrad is in float32, so a pixel may fall on the other side.
            assert!((a - b).abs() < 1e-3 * a, "{} {a} {b}", measure.name());
        }
        assert_eq!(Measure::Sobel.robust_quality(Array2::zeros((0, 0)).view()), 0.0);
    }
}
