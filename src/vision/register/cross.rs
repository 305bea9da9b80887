//! Band-passed cross-correlation: openFIBSEM's default method (`shift_from_crosscorrelation`).
//!
//! The same numbers as the original at even sizes, in less than a tenth of its time: pictures are real, so half the spectrum is enough,
//! and of that only the columns inside the band-pass are transformed. At odd sizes the original's centre lies half a
//! pixel off; here zero shift is zero at every size.

use super::fft::{Fft2, HalfSpectrum, first_maximum, multiplicity};
use super::{Moments, RegisterError, Shift, check_picture};
use crate::filter::{BandPass, rect_profile, resize};
use ndarray::{Array2, ArrayView2, Zip};
use rayon::prelude::*;
use rustfft::num_complex::Complex;

/// Softness (pixels) of the rectangle mask's edge.
const RECT_SIGMA: f64 = 5.0;

/// What to correlate. The default is what alignment runs use; [`CrossCorrelation::BARE`] is the original function's own default.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossCorrelation {
    /// Highest frequency kept, bins.
    pub lowpass: f64,
    /// Lowest frequency kept, bins.
    pub highpass: f64,
    /// Softness of the band's edges, bins.
    pub sigma: f64,
    /// Fade both pictures out towards their edges.
    pub rect_mask: bool,
    /// Only shifts up to this length, pixels.
    pub limit: Option<f64>,
    /// Weights for the reference alone, of its shape.
    pub ref_mask: Option<Array2<f32>>,
    /// Refine the peak by a parabola along each axis; otherwise the shift is in whole pixels.
    pub subpixel: bool,
}

impl CrossCorrelation {
    pub const BARE: Self = CrossCorrelation {
        lowpass: 128.0,
        highpass: 6.0,
        sigma: 6.0,
        rect_mask: false,
        limit: None,
        ref_mask: None,
        subpixel: false,
    };
}

impl Default for CrossCorrelation {
    fn default() -> Self {
        CrossCorrelation {
            lowpass: 50.0,
            highpass: 4.0,
            sigma: 5.0,
            rect_mask: true,
            ..Self::BARE
        }
    }
}

/// Displacement of `new` relative to `reference`, in pixels of the reference, with the original's score.
///
/// A picture of another shape is resized to the reference's first (linear, grey values truncated), as the original does.
/// The score is `(peak / (|a| |b|) + 1) / 2`, cut to 0..1; good matches saturate at 1 and wrong ones come close: do
/// not gate on it, use [`super::register`].
///
/// Errors: an empty or constant picture, values that are not finite, a mask of another shape, a setting that is negative or not finite.
pub fn cross_correlation(
    reference: ArrayView2<f32>,
    new: ArrayView2<f32>,
    settings: &CrossCorrelation,
) -> Result<Shift, RegisterError> {
    settings.check(reference.dim())?;
    let reference_moments = check_picture(reference, "reference")?;
    let moments = check_picture(new, "new")?;
    if new.dim() == reference.dim() {
        return correlate((reference, reference_moments), (new, moments), settings);
    }
    let resized = resize(new, reference.dim()).mapv(f32::trunc);
    let moments = check_picture(resized.view(), "new")?;
    correlate((reference, reference_moments), (resized.view(), moments), settings)
}

fn correlate(
    (reference, reference_moments): (ArrayView2<f32>, Moments),
    (new, new_moments): (ArrayView2<f32>, Moments),
    settings: &CrossCorrelation,
) -> Result<Shift, RegisterError> {
    let (h, w) = reference.dim();
    let a = Masked::new(
        reference,
        reference_moments,
        settings.rect_mask,
        settings.ref_mask.as_ref(),
    );
    let b = Masked::new(new, new_moments, settings.rect_mask, None);
    let band = BandPass::new((h, w), settings.lowpass, settings.highpass, settings.sigma);
    let fft = Fft2::<f64>::new(h, w);
    let (spectrum_a, mut spectrum_b) = (a.spectrum(&fft, band.columns()), b.spectrum(&fft, band.columns()));
    let weights = spectrum_a.map(|ky, kx, _| Complex::new(band.power_at(ky, kx), 0.0));
    if let Some(zero) = spectrum_b.bins.first_mut() {
        *zero = Complex::default();
    }
    let norm = energy(&spectrum_a, &weights, w).sqrt() * energy(&spectrum_b, &weights, w).sqrt();
    if norm <= 0.0 {
        return Err(RegisterError::Featureless);
    }
    let scale = (h * w) as f64 / norm;
    let product = spectrum_a
        .zip(&spectrum_b, |_, _, a, b| a * b.conj())
        .zip(&weights, |_, _, product, weight| product * (weight.re * scale));
    let mut surface = Surface(fft.inverse(product));
    if let Some(limit) = settings.limit {
        surface.clear_beyond(limit);
    }
    let (row, column, peak) = first_maximum(&surface.0);
    let (y, x) = if settings.subpixel {
        surface.parabola(row, column)
    } else {
        (row as f64, column as f64)
    };
    let likeness = peak / (a.norm() * b.norm() + 1e-10);
    Ok(Shift {
        dx_px: (w / 2) as f64 - x,
        dy_px: (h / 2) as f64 - y,
        score: (0.5 * (likeness + 1.0)).clamp(0.0, 1.0),
    })
}

impl CrossCorrelation {
    fn check(&self, shape: (usize, usize)) -> Result<(), RegisterError> {
        let numbers = [self.lowpass, self.highpass, self.sigma, self.limit.unwrap_or(0.0)];
        if numbers.iter().any(|v| !v.is_finite() || *v < 0.0) || self.sigma > 1e4 || self.highpass > self.lowpass {
            return Err(RegisterError::Settings(format!(
                "lowpass {}, highpass {}, sigma {}, limit {:?}",
                self.lowpass, self.highpass, self.sigma, self.limit
            )));
        }
        match &self.ref_mask {
            Some(mask) if mask.dim() != shape => Err(RegisterError::SizeMismatch {
                what: "mask",
                reference: shape,
                new: mask.dim(),
            }),
            Some(mask) if mask.iter().any(|v| !v.is_finite()) => Err(RegisterError::Settings(
                "the reference mask holds values that are not finite".to_owned(),
            )),
            _ => Ok(()),
        }
    }
}

/// A picture of mean 0 and variance 1 under its masks, computed row by row as it is read.
struct Masked<'a> {
    picture: ArrayView2<'a, f32>,
    moments: Moments,
    profiles: (Vec<f64>, Vec<f64>),
    mask: Option<&'a Array2<f32>>,
}

impl<'a> Masked<'a> {
    fn new(picture: ArrayView2<'a, f32>, moments: Moments, rect: bool, mask: Option<&'a Array2<f32>>) -> Self {
        let profile = |n: usize| {
            if rect {
                rect_profile(n, RECT_SIGMA)
            } else {
                vec![1.0; n]
            }
        };
        Masked {
            picture,
            moments,
            profiles: (profile(picture.nrows()), profile(picture.ncols())),
            mask,
        }
    }

    fn row(&self, y: usize, to: &mut [f64]) {
        let gain = self.profiles.0[y] / self.moments.std;
        Zip::from(&mut *to)
            .and(self.picture.row(y))
            .and(&self.profiles.1[..])
            .for_each(|to, v, mask| {
                *to = (f64::from(*v) - self.moments.mean) * gain * mask;
            });
        if let Some(mask) = self.mask {
            for (to, m) in to.iter_mut().zip(mask.row(y)) {
                *to *= f64::from(*m);
            }
        }
    }

    fn spectrum(&self, fft: &Fft2<f64>, columns: usize) -> HalfSpectrum<f64> {
        fft.forward(columns, |y, row| self.row(y, row))
    }

    /// Euclidean norm of the masked picture.
    fn norm(&self) -> f64 {
        let (h, w) = self.picture.dim();
        let power: Vec<f64> = (0..h)
            .into_par_iter()
            .map_init(
                || vec![0.0; w],
                |row, y| {
                    self.row(y, row);
                    row.iter().map(|v| v * v).sum()
                },
            )
            .collect();
        power.iter().sum::<f64>().sqrt()
    }
}

fn energy(spectrum: &HalfSpectrum<f64>, weights: &HalfSpectrum<f64>, columns: usize) -> f64 {
    let per_column = spectrum
        .bins
        .chunks_exact(spectrum.rows)
        .zip(weights.bins.chunks_exact(spectrum.rows));
    per_column
        .enumerate()
        .map(|(kx, (bins, weights))| {
            let sum: f64 = bins
                .iter()
                .zip(weights)
                .map(|(v, weight)| v.norm_sqr() * weight.re)
                .sum();
            sum * multiplicity(kx, columns)
        })
        .sum()
}

/// The correlation of every shift, read with zero shift in the middle (`fftshift`).
struct Surface(Array2<f64>);

impl Surface {
    fn at(&self, row: usize, column: usize) -> f64 {
        let (h, w) = self.0.dim();
        self.0[[(row + h - h / 2) % h, (column + w - w / 2) % w]]
    }

    /// Zero for every shift longer than `limit`, as the original's circle mask leaves it.
    fn clear_beyond(&mut self, limit: f64) {
        let (h, w) = self.0.dim();
        for ((y, x), v) in self.0.indexed_iter_mut() {
            if (y.min(h - y) as f64).hypot(x.min(w - x) as f64) > limit {
                *v = 0.0;
            }
        }
    }

    /// (row, column) of the top of a parabola through the peak and its neighbours along each axis; the peak itself at the border.
    fn parabola(&self, row: usize, column: usize) -> (f64, f64) {
        let (h, w) = self.0.dim();
        let vertex = |before: f64, at: f64, after: f64| {
            let curvature = 2.0 * at - before - after;
            if curvature == 0.0 {
                0.0
            } else {
                0.5 * (after - before) / curvature
            }
        };
        let peak = self.at(row, column);
        let dy = match row {
            0 => 0.0,
            _ if row + 1 == h => 0.0,
            _ => vertex(self.at(row - 1, column), peak, self.at(row + 1, column)),
        };
        let dx = match column {
            0 => 0.0,
            _ if column + 1 == w => 0.0,
            _ => vertex(self.at(row, column - 1), peak, self.at(row, column + 1)),
        };
        (row as f64 + dy, column as f64 + dx)
    }
}
