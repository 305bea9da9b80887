//! Counts of grey values, and the statistics that openFIBSEM's auto contrast decides by.

use crate::{Grey, filter::denoise};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// How often each grey level occurs: 256 counts for 8-bit pictures, 65536 for 16-bit ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// `None` for a picture without pixels.
    pub fn of<T: Grey>(picture: ArrayView2<T>) -> Option<Self> {
        let mut counts = vec![0u64; usize::from(T::MAX) + 1];
        for v in picture {
            counts[usize::from(v.level())] += 1;
        }
        let total = picture.len() as u64;
        (total > 0).then_some(Histogram { counts, total })
    }

    /// Largest possible grey level, 255 or 65535.
    pub fn full_scale(&self) -> f64 {
        (self.counts.len() - 1) as f64
    }

    /// 256 bins for display; 16-bit levels go by their high byte.
    pub fn bins(&self) -> [u64; 256] {
        let mut bins = [0; 256];
        for (bin, counts) in bins.iter_mut().zip(self.counts.chunks_exact(self.counts.len() / 256)) {
            *bin = counts.iter().sum();
        }
        bins
    }

    /// Grey level below which `percent` (0..100, cut to it) of the pixels lie, linear between neighbours (numpy's default).
    pub fn percentile(&self, percent: f64) -> f64 {
        let last = (self.total - 1) as f64;
        let at = (last * percent.clamp(0.0, 100.0) / 100.0).clamp(0.0, last);
        let (low, high) = (self.nth(at.floor() as u64), self.nth(at.ceil() as u64));
        let t = at - at.floor();
        // numpy starts from the nearer end, which decides the last bit.
        if t >= 0.5 {
            high - (high - low) * (1.0 - t)
        } else {
            low + (high - low) * t
        }
    }

    /// The n-th smallest grey level, counted from 0.
    fn nth(&self, n: u64) -> f64 {
        let mut seen = 0;
        let level = self.counts.iter().position(|count| {
            seen += count;
            seen > n
        });
        level.unwrap_or(self.counts.len() - 1) as f64
    }

    pub fn median(&self) -> f64 {
        self.percentile(50.0)
    }

    pub fn min(&self) -> f64 {
        self.nth(0)
    }

    pub fn max(&self) -> f64 {
        self.nth(self.total - 1)
    }

    pub fn mean(&self) -> f64 {
        self.moment(|level| level)
    }

    /// Population standard deviation.
    pub fn std(&self) -> f64 {
        let mean = self.mean();
        self.moment(|level| (level - mean).powi(2)).sqrt()
    }

    /// Share (0..1) of pixels at grey level 0.
    pub fn clipped_low(&self) -> f64 {
        self.counts.first().map_or(0.0, |n| *n as f64 / self.total as f64)
    }

    /// Share (0..1) of pixels at the largest grey level.
    pub fn clipped_high(&self) -> f64 {
        self.counts.last().map_or(0.0, |n| *n as f64 / self.total as f64)
    }

    /// Information per pixel, bits, in 256 equal bins of the full scale.
    pub fn entropy(&self) -> f64 {
        let full = self.full_scale();
        let mut bins = [0u64; 256];
        for (level, count) in self.counts.iter().enumerate() {
            bins[((level as f64 / full * 256.0) as usize).min(255)] += count;
        }
        let shares = bins.iter().filter(|n| **n > 0).map(|n| *n as f64 / self.total as f64);
        -shares.map(|p| p * p.log2()).sum::<f64>()
    }

    fn moment(&self, f: impl Fn(f64) -> f64) -> f64 {
        let sum: f64 = self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(v, n)| f(v as f64) * *n as f64)
            .sum();
        sum / self.total as f64
    }
}

/// Statistics of a picture after light denoising, in shares of the full scale; keys as in openFIBSEM's result files.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageStats {
    pub mean: f64,
    pub std: f64,
    /// First and 99th percentile.
    pub p01: f64,
    pub p99: f64,
    /// Share of pixels at 0 and at full scale.
    pub saturation_lo: f64,
    pub saturation_hi: f64,
    /// std / mean; 0 for a black picture.
    pub contrast_ratio: f64,
    /// p99 - p01.
    pub range_utilisation: f64,
    pub median: f64,
    /// mean / std; 0 for a flat picture.
    pub snr: f64,
    /// Bits per pixel.
    pub entropy: f64,
}

impl ImageStats {
    /// `None` for a picture without pixels.
    pub fn of<T: Grey>(picture: ArrayView2<T>) -> Option<Self> {
        let histogram = Histogram::of(denoise(picture).view())?;
        let share = |v: f64| v / histogram.full_scale();
        let (mean, std) = (share(histogram.mean()), share(histogram.std()));
        let (p01, p99) = (share(histogram.percentile(1.0)), share(histogram.percentile(99.0)));
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        Some(ImageStats {
            mean,
            std,
            p01,
            p99,
            saturation_lo: histogram.clipped_low(),
            saturation_hi: histogram.clipped_high(),
            contrast_ratio: ratio(std, mean),
            range_utilisation: p99 - p01,
            median: share(histogram.median()),
            snr: ratio(mean, std),
            entropy: histogram.entropy(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn figures_of_a_small_picture() {
        let h = Histogram::of(array![[0u8, 10, 20], [30, 255, 255]].view()).unwrap();
        assert_eq!((h.min(), h.max(), h.median()), (0.0, 255.0, 25.0));
        assert_eq!(h.percentile(20.0), 10.0);
        assert_eq!(h.percentile(30.0), 15.0);
        assert!((h.clipped_high() - 1.0 / 3.0).abs() < 1e-12 && (h.mean() - 95.0).abs() < 1e-12);
        assert_eq!(h.bins().iter().sum::<u64>(), 6);
        assert!(Histogram::of(Array2::<u8>::zeros((0, 3)).view()).is_none());
    }

    #[test]
    fn sixteen_bits_go_by_the_high_byte() {
        let h = Histogram::of(array![[0u16, 255, 256, 65535]].view()).unwrap();
        let bins = h.bins();
        assert_eq!((bins[0], bins[1], bins[255]), (2, 1, 1));
        assert_eq!(h.percentile(100.0), 65535.0);
    }
}
