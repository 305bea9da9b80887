//! Small plots made of text: histograms and curves as bars of block characters.

use model::Pixels;

/// How often each grey occurs (16-bit pixels by their high byte).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    pub counts: [u64; 256],
}

impl Histogram {
    pub fn of(pixels: &Pixels) -> Histogram {
        let mut counts = [0u64; 256];
        match pixels {
            Pixels::U8(a) => a.iter().for_each(|&v| counts[usize::from(v)] += 1),
            Pixels::U16(a) => a.iter().for_each(|&v| counts[usize::from(v >> 8)] += 1),
        }
        Histogram { counts }
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The grey that a `share` (0..1) of the pixels does not exceed; 0 for an empty picture.
    pub fn percentile(&self, share: f64) -> u8 {
        let wanted = (share.clamp(0.0, 1.0) * self.total() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|&n| {
            seen += n;
            seen >= wanted
        });
        found.unwrap_or(0) as u8
    }

    pub fn median(&self) -> u8 {
        self.percentile(0.5)
    }

    /// The darkest and the brightest grey that occurs.
    pub fn range(&self) -> Option<(u8, u8)> {
        let first = self.counts.iter().position(|&n| n > 0)?;
        let last = self.counts.iter().rposition(|&n| n > 0)?;
        Some((first as u8, last as u8))
    }

    /// The histogram in `width` characters. Heights are square roots of the counts: a single peak does not flatten all
    /// the rest.
    pub fn bars(&self, width: usize) -> String {
        let bin = |i: usize| {
            (i * 256 / width.max(1))..((i + 1) * 256 / width.max(1)).max(i * 256 / width.max(1) + 1).min(256)
        };
        let values: Vec<f64> = (0..width)
            .map(|i| (self.counts[bin(i)].iter().sum::<u64>() as f64).sqrt())
            .collect();
        bars(&values, width)
    }
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve of at most `width` bars, from 0 to its largest value; more values than that are averaged in groups. Values
/// that are not numbers are spaces.
pub fn bars(values: &[f64], width: usize) -> String {
    let columns = width.min(values.len());
    let groups: Vec<f64> = (0..columns)
        .map(|i| {
            let group = &values[i * values.len() / columns..(i + 1) * values.len() / columns];
            group.iter().sum::<f64>() / group.len() as f64
        })
        .collect();
    let top = groups.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    groups
        .iter()
        .map(|v| match v {
            v if !v.is_finite() => ' ',
            v if top > 0.0 => BARS[((v / top).clamp(0.0, 1.0) * 7.0).round() as usize],
            _ => BARS[0],
        })
        .collect()
}
