//! Independent evidence for or against a shift, and the quick shift of a series of frames.
//!
//! Both pictures are reduced by area to a few hundred pixels and their *phases* are correlated in four octave bands. Whitened bands behave
//! like noise when the pictures share nothing, so that a peak's height in standard deviations means the same for any
//! scene; two bands rarely invent the same shift; a repeating pattern shows a second peak as high as the first. The overlap after the shift is then
//! compared directly, also for the shift on the other side of the field that a cyclic correlation cannot tell apart.

use super::band::Band;
use super::fft::Fft2;
use super::phase::unit_product;
use super::picture::{Moments, Picture};
use super::{RegisterError, Shift};
use crate::View;
use crate::filter::downsample_area;
use fourier::Complex;
use ndarray::{Array2, s};
use rayon::prelude::*;
use std::f32::consts::PI;

/// Long side of the reduced picture, pixels, at most.
pub(super) const REDUCED_SIDE: usize = 384;
/// Centre frequencies of the bands, cycles per reduced pixel, coarse to fine; each reaches an octave to both sides.
const BANDS: [f64; 4] = [0.02, 0.04, 0.08, 0.16];
/// A band needs this many cycles across the shorter side to hold enough independent bins.
const MIN_CYCLES: f64 = 3.5;
/// From here on another shift is a rival, reduced pixels.
const CLEAR: f64 = 10.0;
/// Steps within which a rival has its top, reduced pixels.
const CLIMB: usize = 4;
/// Share of each side that is faded out before the transform.
const TAPER: f32 = 0.12;

/// What the pictures say about their shift, whatever method was used on them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The shift itself, pixels of the full picture, sub-pixel.
    pub shift: Shift,
    /// Height of the best band's peak in standard deviations, relative to the highest that chance is expected to make there.
    pub significance: f64,
    /// The highest value of another band at the same shift, standard deviations.
    pub support: f64,
    /// How well another shift fits, relative to this one: the second peak's height, or the correlation where it overlaps, whichever is more.
    pub runner_up: f64,
    /// Correlation coefficient of the band-passed pictures where they overlap.
    pub overlap: f64,
    /// The overlap speaks for a shift of more than half the field.
    pub beyond_half: bool,
    /// What one peak is wide: how well a coarse method can place it, pixels of the full picture.
    pub tolerance_px: f64,
}

/// A confidence with the sentence for a refusal.
pub(super) struct Verdict {
    pub confidence: f64,
    pub weakest: String,
}

impl Evidence {
    /// Weighs the pair; peaks are looked for up to `limit_px` (full pixels), or anywhere.
    pub fn weigh<'a>(
        reference: impl Into<View<'a>>,
        new: impl Into<View<'a>>,
        limit_px: Option<f64>,
    ) -> Result<Self, RegisterError> {
        Evidence::weigh_pair(&Picture::check_pair(reference.into(), new.into())?, limit_px)
    }

    pub(super) fn weigh_pair(pictures: &[Picture; 2], limit_px: Option<f64>) -> Result<Self, RegisterError> {
        let (factor, small) = reduced(pictures, REDUCED_SIDE);
        let pair = Pair::new(small);
        // A little beyond the limit: a peak just outside must be seen to be refused.
        let limit = limit_px.map(|v| 1.25 * v / factor as f64 + 2.0);
        let bands = pair.bands(limit);
        let best = bands
            .iter()
            .max_by(|a, b| a.excess().total_cmp(&b.excess()))
            .ok_or(RegisterError::Featureless)?;
        let support = bands
            .iter()
            .filter(|band| band.centre != best.centre)
            .map(|band| band.highest_near(best.peak, 0.4 / best.centre.min(band.centre)))
            .fold(0.0, |highest: f64, (_, z)| highest.max(z));
        let (y, x) = refine(&bands, best);
        let pictures = pair.band_passed();
        let (overlap, beyond_half) = pair.overlap(&pictures, y, x);
        // The leakage of a perfect lattice fills the whole spectrum once it is whitened and favours the shortest of its shifts.
        // So the rival is looked for without whitening, in what the overlap is judged by.
        let rival = pair.likeness(limit).rival_of(best.peak, CLEAR).map_or(0.0, |at| {
            climbed(&pictures[0], &pictures[1], at) / overlap.max(f64::MIN_POSITIVE)
        });
        let f = factor as f64;
        Ok(Evidence {
            shift: Shift {
                dx_px: x * f,
                dy_px: y * f,
                score: best.z,
            },
            significance: best.excess(),
            support,
            runner_up: best.runner_up().max(rival),
            overlap,
            beyond_half,
            tolerance_px: f * 0.012 * pair.size.0.max(pair.size.1) as f64,
        })
    }

    pub(super) fn judge(&self, found: &Shift, (h, w): (usize, usize), limit_px: Option<f64>) -> Verdict {
        let length = found.dx_px.hypot(found.dy_px);
        let apart = (found.dx_px - self.shift.dx_px).hypot(found.dy_px - self.shift.dy_px);
        let limit = limit_px.unwrap_or(f64::INFINITY);
        let half = found.dx_px.abs() > 0.48 * w as f64 || found.dy_px.abs() > 0.48 * h as f64;
        let certain = |bad: bool| if bad { 0.0 } else { 1.0 };
        // Each ramp reaches one half where the pairs of the tests, true and false, divide.
        let terms = [
            (
                certain(length > limit),
                format!("the shift of {length:.0} px is beyond the limit of {limit:.0} px"),
            ),
            (
                certain(half || (self.beyond_half && self.significance > 1.3)),
                "the shift is more than half the field; acquire a wider field or move closer".to_owned(),
            ),
            (
                ramp(self.significance, 1.0, 1.8),
                "the pictures share no structure above the noise: different scenes, or too little signal".to_owned(),
            ),
            (
                ramp(self.support, 2.0, 6.0).max(ramp(self.significance, 1.6, 2.6)),
                "coarse and fine structure do not agree on a shift: different scenes, or too little signal".to_owned(),
            ),
            (
                ramp(self.runner_up, 0.95, 0.84),
                "the scene repeats itself: another shift fits almost as well; set a limit or use a unique feature"
                    .to_owned(),
            ),
            (
                ramp(self.overlap, 0.0, 0.16),
                "the pictures differ where they should overlap: different scenes, or too little signal".to_owned(),
            ),
            (
                // Bars and blocks of two scenes, one over another, now and then make a peak that bands agree on, but do not make the
                // pictures alike; where a peak is higher than any of these was, noise may hide the likeness.
                ramp(self.overlap, 0.40, 0.70).max(ramp(self.significance, 2.0, 3.0)),
                "the pictures are no more alike than different scenes can be by chance: different scenes, or too little signal"
                    .to_owned(),
            ),
            (
                ramp(apart / self.tolerance_px.max(3.0), 2.0, 0.0),
                format!("two ways of measuring disagree by {apart:.0} px"),
            ),
        ];
        let weakest = terms.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        weakest.map_or(
            Verdict {
                confidence: 0.0,
                weakest: String::new(),
            },
            |(confidence, weakest)| Verdict { confidence, weakest },
        )
    }
}

/// Sub-pixel displacement of `new` relative to `reference` for pictures of one scene that lie close together, such as
/// the frames of a drifting integration: a few milliseconds, no refusal. The score is the height of the peak in standard
/// deviations of chance: below about 6 the frames say nothing.
///
/// Errors: different or too small sizes, blank pictures, values that are not finite.
pub fn shift_between<'a>(reference: impl Into<View<'a>>, new: impl Into<View<'a>>) -> Result<Shift, RegisterError> {
    let pictures = Picture::check_pair(reference.into(), new.into())?;
    let (factor, small) = reduced(&pictures, 2 * REDUCED_SIDE);
    let bands = Pair::new(small).bands(None);
    let best = bands
        .iter()
        .max_by(|a, b| a.excess().total_cmp(&b.excess()))
        .ok_or(RegisterError::Featureless)?;
    let (y, x) = refine(&bands, best);
    Ok(Shift {
        dx_px: x * factor as f64,
        dy_px: y * factor as f64,
        score: best.z,
    })
}

/// 0 at `none`, 1 at `full`, linear between; either may be the larger.
fn ramp(value: f64, none: f64, full: f64) -> f64 {
    let t = (value - none) / (full - none);
    if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) }
}

/// From the best band to ever finer ones, as long as they confirm the shift: (dy, dx) in reduced pixels.
fn refine(bands: &[Band], best: &Band) -> (f64, f64) {
    let mut at = best.parabola(best.peak);
    let mut period = 1.0 / best.centre;
    for band in bands.iter().filter(|band| band.centre > best.centre) {
        let start = (at.0.round() as isize, at.1.round() as isize);
        let (peak, z) = band.highest_near(start, 0.4 * period);
        if z < band.chance() + 1.0 {
            break;
        }
        at = band.parabola(peak);
        period = 1.0 / band.centre;
    }
    at
}

/// Pictures averaged down to have no side longer than this, and by how much.
pub(super) fn reduced(pictures: &[Picture; 2], longest: usize) -> (usize, [Array2<f32>; 2]) {
    let (h, w) = pictures[0].pixels.dim();
    let factor = h.max(w).div_ceil(longest);
    (
        factor,
        pictures
            .each_ref()
            .map(|picture| downsample_area(picture.pixels, factor)),
    )
}

/// Two pictures, reduced and faded out at the edges, and their spectra.
struct Pair {
    size: (usize, usize),
    fft: Fft2<f32>,
    /// `[kx * rows + ky]`.
    spectra: [Vec<Complex<f32>>; 2],
}

impl Pair {
    fn new(reduced: [Array2<f32>; 2]) -> Self {
        let size = reduced[0].dim();
        let fft = Fft2::new(size.0, size.1);
        let taper = (taper(size.0), taper(size.1));
        let spectra = reduced.map(|picture| {
            let moments = Moments::of(picture.view().into());
            let (mean, gain) = (moments.mean as f32, 1.0 / moments.std.max(f64::MIN_POSITIVE) as f32);
            let (rows, _) = fft.rows(fft.half(), |y, row| {
                for ((to, v), t) in row.iter_mut().zip(picture.row(y)).zip(&taper.1) {
                    *to = (v - mean) * gain * t * taper.0[y];
                }
            });
            fft.spectrum(&rows)
        });
        Pair { size, fft, spectra }
    }

    /// The picture of a spectrum, `bin(index)`, of which only the octaves about `centres` are kept.
    fn filtered(&self, centres: &[f64], bin: impl Fn(usize) -> Complex<f32> + Sync) -> Array2<f32> {
        let (h, w) = self.size;
        let highest = centres
            .iter()
            .fold(0.0, |highest: f64, centre| highest.max(2.0 * centre));
        let columns = |span: std::ops::Range<usize>| {
            let mut bins = vec![Complex::default(); span.len() * h];
            for (kx, column) in span.zip(bins.chunks_exact_mut(h)) {
                for ky in 0..=h / 2 {
                    let frequency = (ky as f32 / h as f32).hypot(kx as f32 / w as f32);
                    let weight: f32 = centres.iter().map(|centre| octave(frequency, *centre as f32)).sum();
                    if weight > 0.0 {
                        for ky in [ky, (h - ky) % h] {
                            column[ky] = bin(kx * h + ky) * weight;
                        }
                    }
                }
            }
            (bins, ())
        };
        let kept = (highest * w as f64).ceil() as usize;
        self.fft.surface(kept, columns).0.to_array()
    }

    fn bands(&self, limit: Option<f64>) -> Vec<Band> {
        let shorter = self.size.0.min(self.size.1) as f64;
        let usable = BANDS.par_iter().filter(|centre| *centre * shorter >= MIN_CYCLES);
        usable.map(|centre| self.band(*centre, limit)).collect()
    }

    /// Every frequency of the band weighs the same.
    fn band(&self, centre: f64, limit: Option<f64>) -> Band {
        let [a, b] = &self.spectra;
        Band::new(self.filtered(&[centre], |i| unit_product(b[i], a[i])), centre, limit)
    }

    /// How the pictures of [`Pair::band_passed`] correlate at every shift: strong frequencies weigh more.
    fn likeness(&self, limit: Option<f64>) -> Band {
        let [a, b] = &self.spectra;
        // peaks at the displacement of b relative to a
        let map = self.filtered(&BANDS[..3], |i| b[i] * a[i].conj());
        Band::new(map, BANDS[2], limit)
    }

    /// Both pictures without their coarsest and finest structure.
    fn band_passed(&self) -> [Array2<f32>; 2] {
        self.spectra
            .each_ref()
            .map(|bins| self.filtered(&BANDS[..3], |i| bins[i]))
    }

    /// Correlation coefficient of the band-passed pictures where they overlap at (dy, dx); and whether one of the shifts
    /// that a cyclic correlation confuses with it fits clearly better.
    fn overlap(&self, pictures: &[Array2<f32>; 2], dy: f64, dx: f64) -> (f64, bool) {
        let (h, w) = (self.size.0 as f64, self.size.1 as f64);
        let across = |d: f64, n: f64| [d, if d > 0.0 { d - n } else { d + n }];
        let fit = |dy: f64, dx: f64| {
            let (r, n) = correlation(&pictures[0], &pictures[1], dy.round() as isize, dx.round() as isize);
            (r, r * (n as f64).sqrt())
        };
        let (own, own_weight) = fit(dy, dx);
        let mut others = across(dy, h)
            .into_iter()
            .flat_map(|y| across(dx, w).map(|x| (y, x)))
            .skip(1);
        let beyond = others.any(|(y, x)| {
            let (r, weight) = fit(y, x);
            r > 0.15 && r > 1.2 * own && weight > 1.2 * own_weight
        });
        (own, beyond)
    }
}

/// 1 at the centre, falling as a squared cosine to 0 an octave away on both sides.
fn octave(frequency: f32, centre: f32) -> f32 {
    // Most bins lie outside: told without the logarithm.
    if frequency <= 0.5 * centre || frequency >= 2.0 * centre {
        return 0.0;
    }
    (0.5 * PI * (frequency / centre).log2()).cos().powi(2)
}

/// 1 in the middle, falling as a squared sine to 0 over the first and last `TAPER` of n samples.
fn taper(n: usize) -> Vec<f32> {
    let edge = (TAPER * n as f32).max(1.0);
    (0..n)
        .map(|i| {
            let from_edge = i.min(n - 1 - i) as f32 + 0.5;
            (0.5 * PI * (from_edge / edge).min(1.0)).sin().powi(2)
        })
        .collect()
}

/// The correlation coefficient at the top of the hill on whose side `at` (dy, dx) lies: a peak of a faded, cyclic correlation is off by
/// a pixel or two, which is much where structure is fine. Where no top is near, `at` is the flank of a broader hill and stays what it is.
fn climbed(a: &Array2<f32>, b: &Array2<f32>, at: (isize, isize)) -> f64 {
    let height = |(dy, dx)| correlation(a, b, dy, dx).0;
    let foot = height(at);
    let (mut top, mut here) = (foot, at);
    for _ in 0..CLIMB {
        let around = [(-1, 0), (1, 0), (0, -1), (0, 1)].map(|(y, x)| (here.0 + y, here.1 + x));
        let higher = around
            .map(|next| (height(next), next))
            .into_iter()
            .filter(|(height, _)| *height > top)
            .max_by(|one, other| one.0.total_cmp(&other.0));
        match higher {
            Some(next) => (top, here) = next,
            None => return top,
        }
    }
    foot
}

/// Correlation coefficient of `a` and of `b` moved back by (dy, dx), over the pixels they share, and how many these are.
fn correlation(a: &Array2<f32>, b: &Array2<f32>, dy: isize, dx: isize) -> (f64, usize) {
    let (h, w) = (a.nrows() as isize, a.ncols() as isize);
    let (y0, y1, x0, x1) = ((-dy).max(0), (h - dy).min(h), (-dx).max(0), (w - dx).min(w));
    if y1 - y0 < 4 || x1 - x0 < 4 {
        return (0.0, 0);
    }
    let a = a.slice(s![y0..y1, x0..x1]);
    let b = b.slice(s![y0 + dy..y1 + dy, x0 + dx..x1 + dx]);
    let (mut aa, mut bb, mut ab) = (0.0f64, 0.0f64, 0.0f64);
    for (a, b) in a.outer_iter().zip(b.outer_iter()) {
        aa += f64::from(a.dot(&a));
        bb += f64::from(b.dot(&b));
        ab += f64::from(a.dot(&b));
    }
    let norm = (aa * bb).sqrt();
    (if norm > 0.0 { ab / norm } else { 0.0 }, a.len())
}
