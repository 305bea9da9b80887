//! Display tone: gamma and stretch. Saved pixels are never changed by it.

use crate::plot::Histogram;

/// Which grey is shown for which grey.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tone([u8; 256]);

impl Default for Tone {
    fn default() -> Self {
        Tone(std::array::from_fn(|v| v as u8))
    }
}

impl Tone {
    /// `low` becomes black, `high` white, and between them `v -> v^gamma` (gamma below 1 brightens). Values that make no
    /// sense (gamma not finite or not above 0, high not above low) leave that part of the tone alone.
    pub fn new(gamma: f64, low: u8, high: u8) -> Tone {
        let gamma = if gamma.is_finite() && gamma > 0.0 { gamma } else { 1.0 };
        let (low, high) = if high > low { (low, high) } else { (0, 255) };
        let span = f64::from(high - low);
        Tone(std::array::from_fn(|v| {
            let x = ((v as f64 - f64::from(low)) / span).clamp(0.0, 1.0);
            (x.powf(gamma) * 255.0).round() as u8
        }))
    }

    /// Stretches the 0.5th to 99.5th percentile over the whole range.
    pub fn stretched(histogram: &Histogram) -> Tone {
        Tone::new(1.0, histogram.percentile(0.005), histogram.percentile(0.995))
    }

    pub fn apply(&self, grey: u8) -> u8 {
        self.0[usize::from(grey)]
    }
}
