//! Changes of grey values for the eye; the stored picture and the detector stay as they are.

use super::{CLAHE, Histogram, clahe};
use crate::Grey;
use model::Pixels;
use ndarray::{Array2, ArrayView2};

/// How the grey values of a picture are spread before they are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Spread {
    #[default]
    AsTaken,
    /// The darkest and brightest half per cent are given up for the rest.
    Stretched,
    /// Each part of the picture by itself: what hides in dark ice and beside bright metal is seen together.
    Local,
}

impl Spread {
    pub const ALL: [Spread; 3] = [Spread::AsTaken, Spread::Stretched, Spread::Local];

    /// The one after it, around.
    pub fn next(self) -> Spread {
        let at = Spread::ALL.iter().position(|s| *s == self).map_or(0, |at| at + 1);
        Spread::ALL[at % Spread::ALL.len()]
    }

    pub fn name(self) -> &'static str {
        match self {
            Spread::AsTaken => "as taken",
            Spread::Stretched => "stretched",
            Spread::Local => "local contrast",
        }
    }

    /// The picture to show; `None`: as it is. Local contrast is worked out in 8 bits.
    pub fn of(self, pixels: &Pixels) -> Option<Pixels> {
        let (low, high) = PERCENTILES;
        match (self, pixels) {
            (Spread::AsTaken, _) => None,
            (Spread::Stretched, Pixels::U8(grey)) => Some(Pixels::U8(percentile_stretch(grey.view(), low, high))),
            (Spread::Stretched, Pixels::U16(grey)) => Some(Pixels::U16(percentile_stretch(grey.view(), low, high))),
            (Spread::Local, Pixels::U8(grey)) => Some(Pixels::U8(clahe(grey.view(), CLAHE.0, CLAHE.1))),
            (Spread::Local, Pixels::U16(_)) => Some(Pixels::U8(clahe(pixels.to_u8().view(), CLAHE.0, CLAHE.1))),
        }
    }
}

/// openFIBSEM's percentiles of a stretch.
const PERCENTILES: (f64, f64) = (0.5, 99.5);

/// Stretches the percentiles `low`..`high` (0..100) to the type's full range, truncating; an unchanged copy where they
/// coincide.
pub fn percentile_stretch<T: Grey>(picture: ArrayView2<T>, low: f64, high: f64) -> Array2<T> {
    let Some(histogram) = Histogram::of(picture) else {
        return picture.to_owned();
    };
    let (low, high) = (histogram.percentile(low), histogram.percentile(high));
    // Also refuses percentiles that are not numbers.
    if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) {
        return picture.to_owned();
    }
    let full = f64::from(T::MAX);
    picture.mapv(|v| T::truncated((f64::from(v.level()).clamp(low, high) - low) / (high - low) * full))
}

/// openFIBSEM's automatic gamma for 8-bit pictures: 1 while the mean is within 45 of 127.5, else 1 + (mean - 127.5)/100, cut
/// to 0.15..1.8. Below 1 brightens. 1 for an empty picture.
pub fn auto_gamma(picture: ArrayView2<u8>) -> f64 {
    let Some(histogram) = Histogram::of(picture) else {
        return 1.0;
    };
    let off = histogram.mean() - 127.5;
    if off.abs() < 45.0 {
        1.0
    } else {
        (1.0 + off * 0.01).clamp(0.15, 1.8)
    }
}

/// Grey value v becomes 255 (v/255)^gamma, rounded. A gamma that is not above 0 and finite changes nothing.
pub fn gamma_lut(gamma: f64) -> [u8; 256] {
    let gamma = if gamma.is_finite() && gamma > 0.0 { gamma } else { 1.0 };
    std::array::from_fn(|v| (255.0 * (v as f64 / 255.0).powf(gamma)).round_ties_even() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn gamma_brightens_dark_pictures_only() {
        let flat = |v: u8| Array2::from_elem((4, 4), v);
        assert_eq!(auto_gamma(flat(120).view()), 1.0);
        assert!((auto_gamma(flat(40).view()) - 0.15).abs() < 0.03);
        assert_eq!(auto_gamma(flat(255).view()), 1.8);
        let lut = gamma_lut(0.5);
        assert_eq!((lut[0], lut[64], lut[255]), (0, 128, 255));
        assert!(lut.is_sorted());
        assert!((0..256).all(|v| usize::from(gamma_lut(f64::NAN)[v]) == v));
    }

    #[test]
    fn a_stretch_fills_the_range_and_leaves_flat_pictures() {
        let stretched = percentile_stretch(array![[100u16, 150, 200]].view(), 0.0, 100.0);
        assert_eq!(stretched, array![[0u16, 32767, 65535]]);
        let flat = array![[7u8, 7], [7, 7]];
        assert_eq!(percentile_stretch(flat.view(), 0.5, 99.5), flat);
        assert_eq!(
            percentile_stretch(array![[1u8, 2]].view(), f64::NAN, 99.5),
            array![[1u8, 2]]
        );
    }
}
