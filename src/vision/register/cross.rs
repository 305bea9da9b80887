//! Band-passed cross-correlation: openFIBSEM's default method (`shift_from_crosscorrelation`).
//!
//! The same numbers as the original at even sizes, in less than a tenth of its time: pictures are real, so half the spectrum is enough,
//! and of that only the columns inside the band-pass are transformed. At odd sizes the original's centre lies half a
//! pixel off; here zero shift is zero at every size.

use super::fft::{Fft2, RowSpectrum, Surface, multiplicity};
use super::picture::Picture;
use super::{RegisterError, Shift};
use crate::View;
use crate::filter::{BandPass, rect_profile, resize};
use fourier::Complex;
use ndarray::Array2;

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
pub fn cross_correlation<'a>(
    reference: impl Into<View<'a>>,
    new: impl Into<View<'a>>,
    settings: &CrossCorrelation,
) -> Result<Shift, RegisterError> {
    let reference = Picture::check(reference.into(), "reference")?;
    let new = Picture::check(new.into(), "new")?;
    let size = reference.pixels.dim();
    if new.pixels.dim() == size {
        return correlate(&reference, &new, settings);
    }
    let resized = resize(new.pixels.to_f32().view(), size).mapv(f32::trunc);
    let new = Picture::check(resized.view().into(), "new")?;
    correlate(&reference, &new, settings)
}

/// For two pictures of one shape.
pub(super) fn correlate(
    reference: &Picture,
    new: &Picture,
    settings: &CrossCorrelation,
) -> Result<Shift, RegisterError> {
    let (h, w) = reference.pixels.dim();
    settings.check((h, w))?;
    let band = BandPass::new((h, w), settings.lowpass, settings.highpass, settings.sigma);
    let fft = Fft2::<f64>::new(h, w);
    let (rect, columns) = (settings.rect_mask, band.columns());
    let (a, a_norm) = masked(&fft, reference, rect, settings.ref_mask.as_ref(), columns);
    let (b, b_norm) = masked(&fft, new, rect, None, columns);
    let (surface, energies) = fft.surface(band.columns(), |span| {
        let mut product = fft.columns(&a, span.clone());
        let mut other = fft.columns(&b, span.clone());
        if span.start == 0 {
            other[0] = Complex::default();
        }
        let mut energies = [0.0; 2];
        for (kx, (a, b)) in span.zip(product.chunks_exact_mut(h).zip(other.chunks_exact(h))) {
            for (ky, (a, b)) in a.iter_mut().zip(b).enumerate() {
                let weight = band.power_at(ky, kx);
                let share = weight * multiplicity(kx, w);
                energies[0] += share * a.norm_sqr();
                energies[1] += share * b.norm_sqr();
                *a = *a * b.conj() * weight;
            }
        }
        (product, energies)
    });
    let energies = energies
        .into_iter()
        .fold([0.0; 2], |sum, e| [sum[0] + e[0], sum[1] + e[1]]);
    let norm = energies[0].sqrt() * energies[1].sqrt();
    if norm <= 0.0 {
        return Err(RegisterError::Featureless);
    }
    let surface = surface.within(settings.limit);
    let (row, column, peak) = surface.first_maximum();
    let (y, x) = if settings.subpixel {
        parabola(&surface, (h, w), row, column)
    } else {
        (row as f64, column as f64)
    };
    let likeness = peak * (h * w) as f64 / norm / (a_norm * b_norm + 1e-10);
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

/// The lowest `columns` x frequencies of a picture of mean 0 and variance 1 under its masks, and that picture's Euclidean norm.
fn masked(
    fft: &Fft2<f64>,
    picture: &Picture,
    rect: bool,
    mask: Option<&Array2<f32>>,
    columns: usize,
) -> (RowSpectrum<f64>, f64) {
    let profile = |n: usize| {
        if rect {
            rect_profile(n, RECT_SIGMA)
        } else {
            vec![1.0; n]
        }
    };
    let (h, w) = picture.pixels.dim();
    let (rows, across) = (profile(h), profile(w));
    let mean = picture.moments.mean;
    let (spectrum, powers) = fft.rows(columns, |y, row| {
        let gain = rows[y] / picture.moments.std;
        let mut grey = vec![0.0f32; w];
        picture.pixels.read_row(y, &mut grey);
        for ((to, v), weight) in row.iter_mut().zip(&grey).zip(&across) {
            *to = (f64::from(*v) - mean) * gain * weight;
        }
        if let Some(mask) = mask {
            for (to, m) in row.iter_mut().zip(mask.row(y)) {
                *to *= f64::from(*m);
            }
        }
        row.iter().map(|v| v * v).sum::<f64>()
    });
    (spectrum, powers.iter().sum::<f64>().sqrt())
}

/// (row, column) of the top of a parabola through the peak and its neighbours along each axis; the peak itself at the border.
fn parabola(surface: &Surface<f64>, (h, w): (usize, usize), row: usize, column: usize) -> (f64, f64) {
    let vertex = |[before, at, after]: [f64; 3]| {
        let curvature = 2.0 * at - before - after;
        if curvature == 0.0 {
            0.0
        } else {
            0.5 * (after - before) / curvature
        }
    };
    let inside = |at: usize, n: usize| at > 0 && at + 1 < n;
    let (mut y, mut x) = (row as f64, column as f64);
    if inside(row, h) {
        y += vertex([row - 1, row, row + 1].map(|row| surface.centred_row(row)[column]));
    }
    if inside(column, w) {
        let values = surface.centred_row(row);
        x += vertex([column - 1, column, column + 1].map(|column| values[column]));
    }
    (y, x)
}
