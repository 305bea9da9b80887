//! From the frame to the canvas: area average when it shrinks, bilinear and then plain pixels when it grows.

use super::{Grey, Tone, Viewport};
use model::Pixels;
use ndarray::Array2;

/// Above this many canvas pixels per picture pixel the pixels themselves are shown, square and sharp.
const SHOW_PIXELS: f64 = 3.0;

/// The visible part of `pixels` on the viewport's canvas, in display tone. Canvas beside the picture is black.
///
/// `viewport` must have been made for a picture of this size; what lies outside is black.
pub fn show(pixels: &Pixels, viewport: &Viewport, tone: &Tone) -> Grey {
    match pixels {
        Pixels::U8(a) => resample(a, viewport, tone, f32::from),
        Pixels::U16(a) => resample(a, viewport, tone, |v| f32::from(v) * (255.0 / 65535.0)),
    }
}

fn resample<T: Copy>(pixels: &Array2<T>, viewport: &Viewport, tone: &Tone, grey_of: impl Fn(T) -> f32) -> Grey {
    let (height, width) = pixels.dim();
    let (origin, step) = (viewport.origin(), viewport.step());
    let across = Taps::new(viewport.canvas.0, width, origin.x, step.0);
    let down = Taps::new(viewport.canvas.1, height, origin.y, step.1);
    let (first, last) = across.span();
    let mut out = Grey::new(viewport.canvas.0, viewport.canvas.1);
    if first >= last {
        return out;
    }
    let standard = pixels.as_standard_layout();
    let Some(source) = standard.as_slice() else { return out };

    // Rows first: each source row is read once, in order, and the sum vectorises.
    let mut line = vec![0.0f32; last - first];
    for (y, row_out) in out.data.chunks_exact_mut(viewport.canvas.0).enumerate() {
        let (top, weights) = down.of(y);
        if weights.is_empty() {
            continue;
        }
        line.fill(0.0);
        for (dy, &weight) in weights.iter().enumerate() {
            let start = (top + dy) * width;
            for (sum, &value) in line.iter_mut().zip(&source[start + first..start + last]) {
                *sum += weight * grey_of(value);
            }
        }
        for (x, pixel) in row_out.iter_mut().enumerate() {
            let (left, weights) = across.of(x);
            if weights.is_empty() {
                continue;
            }
            let values = &line[left - first..left - first + weights.len()];
            let sum: f32 = values.iter().zip(weights).map(|(v, w)| v * w).sum();
            *pixel = tone.apply((sum + 0.5) as u8);
        }
    }
    out
}

/// For each output pixel along one axis: the first input pixel and the weights (sum 1; none = outside).
struct Taps {
    start: Vec<(usize, usize)>,
    weights: Vec<f32>,
}

impl Taps {
    fn new(outputs: usize, inputs: usize, origin: f64, step: f64) -> Taps {
        let mut taps = Taps {
            start: Vec::with_capacity(outputs + 1),
            weights: Vec::new(),
        };
        for i in 0..outputs {
            let first = if step >= 1.0 {
                taps.area(origin + i as f64 * step, step, inputs)
            } else {
                taps.point(origin + (i as f64 + 0.5) * step, step, inputs)
            };
            taps.start.push((first, taps.weights.len()));
        }
        taps
    }

    /// Average over [from, from + step), as far as it lies on the picture; less than half of it there counts as outside.
    fn area(&mut self, from: f64, step: f64, inputs: usize) -> usize {
        let (low, high) = (from.max(0.0), (from + step).min(inputs as f64));
        let covered = high - low;
        if covered < 0.5 * step {
            return 0;
        }
        let first = low.floor() as usize;
        let last = (high.ceil() as usize).min(inputs);
        self.weights.extend((first..last).map(|p| {
            let overlap = (high.min(p as f64 + 1.0) - low.max(p as f64)).max(0.0);
            (overlap / covered) as f32
        }));
        first
    }

    fn point(&mut self, at: f64, step: f64, inputs: usize) -> usize {
        if at < 0.0 || at >= inputs as f64 {
            return 0;
        }
        if step * SHOW_PIXELS <= 1.0 {
            self.weights.push(1.0);
            return at as usize;
        }
        // Values sit at pixel centres; the outermost half pixel keeps the edge's value.
        let between = (at - 0.5).clamp(0.0, inputs as f64 - 1.0);
        let first = (between as usize).min(inputs.saturating_sub(2));
        let share = (between - first as f64) as f32;
        if inputs == 1 {
            self.weights.push(1.0);
        } else {
            self.weights.extend([1.0 - share, share]);
        }
        first
    }

    fn of(&self, i: usize) -> (usize, &[f32]) {
        let begin = if i == 0 { 0 } else { self.start[i - 1].1 };
        let (first, end) = self.start[i];
        (first, &self.weights[begin..end])
    }

    /// First and one past the last input pixel used.
    fn span(&self) -> (usize, usize) {
        (0..self.start.len())
            .map(|i| self.of(i))
            .filter(|(_, w)| !w.is_empty())
            .fold((usize::MAX, 0), |(low, high), (first, w)| {
                (low.min(first), high.max(first + w.len()))
            })
    }
}
