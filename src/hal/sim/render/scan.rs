//! The scan: which line is drawn when, where the sample has drifted to by then, and what noise the dose leaves.

use super::Shot;
use super::charge::Charging;
use crate::sim::optics::Detector;
use crate::sim::specimen::hash;
use nalgebra::Vector3;
use rayon::prelude::*;

/// How the sample moves in the chamber while it is looked at; metres, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Motion {
    /// Where it has drifted to when the picture begins.
    pub offset: [f64; 3],
    /// Drift.
    pub velocity: [f64; 3],
    /// Amplitude of a vibration, and its frequency (Hz).
    pub vibration: [f64; 3],
    pub frequency: f64,
}

impl Motion {
    /// Displacement `t` seconds into a picture that began at `start` on the clock, beyond `offset`.
    fn at(&self, start: f64, t: f64) -> Vector3<f64> {
        let phase = std::f64::consts::TAU * self.frequency * (start + t);
        Vector3::from(self.velocity) * t + Vector3::from(self.vibration) * phase.sin()
    }

    fn is_still(&self) -> bool {
        self.velocity == [0.0; 3] && (self.vibration == [0.0; 3] || self.frequency == 0.0)
    }
}

/// When each line of each frame is drawn.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub frames: u32,
    pub lines: u32,
    line_time: f64,
    frame_time: f64,
    height: usize,
    passes: usize,
}

impl Schedule {
    pub fn new(shot: &Shot, width: usize, height: usize) -> Self {
        let s = &shot.settings;
        let (frames, lines) = (
            s.frame_integration.unwrap_or(1).max(1),
            s.line_integration.unwrap_or(1).max(1),
        );
        let line_time = width as f64 * s.dwell_time;
        Schedule {
            frames,
            lines,
            line_time,
            frame_time: line_time * f64::from(lines) * height as f64,
            height,
            passes: (s.scan_interlacing.unwrap_or(1).max(1) as usize).min(height.max(1)),
        }
    }

    /// How many lines are drawn before `row` in a frame: interlacing draws every n-th line, then those between.
    fn order(&self, row: usize) -> usize {
        let pass = row % self.passes;
        // Rows of the passes before: every pass that starts at `first` has one row per `passes`.
        let before: usize = (0..pass).map(|first| (self.height - first).div_ceil(self.passes)).sum();
        before + row / self.passes
    }

    /// Seconds from the picture's beginning to the middle of the `n`-th scan of `row` in `frame`.
    pub fn time(&self, frame: u32, row: usize, n: u32) -> f64 {
        let line = self.order(row) as f64 * f64::from(self.lines) + f64::from(n) + 0.5;
        f64::from(frame) * self.frame_time + line * self.line_time
    }

    fn duration(&self) -> f64 {
        f64::from(self.frames) * self.frame_time
    }
}

/// Rows of the chamber's axes: pixels right and down in the picture per metre.
pub(super) fn picture_axes(shot: &Shot) -> [Vector3<f64>; 2] {
    let view = shot.geometry.column(shot.settings.beam_type);
    let (s, c) = shot.beam.settings.scan_rotation.sin_cos();
    let px = shot.settings.pixel_size();
    [(view.right * c + view.up * s) / px, (view.right * s - view.up * c) / px]
}

/// How far apart the drifted places are from which a view is looked at (px): between them the scan shifts what was seen, so
/// that a drifting sample need not be looked at anew for every picture.
const APART: f64 = 32.0;

/// Earlier drift, taken apart: a place that many pictures share, and what is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    /// The shared place (m, chamber).
    pub offset: Vector3<f64>,
    /// What is left, pixels right and down.
    pub left: [f64; 2],
    /// What is left towards the lens (m): it only defocuses.
    pub nearer: f64,
}

impl Anchor {
    pub fn of(shot: &Shot) -> Self {
        let drifted = Vector3::from(shot.motion.offset);
        let axes = picture_axes(shot);
        let px = shot.settings.pixel_size();
        let shifts = axes.map(|axis| drifted.dot(&axis));
        let shared = shifts.map(|shift| (shift / APART).round() * APART);
        Anchor {
            offset: (axes[0] * shared[0] + axes[1] * shared[1]) * (px * px),
            left: [shifts[0] - shared[0], shifts[1] - shared[1]],
            nearer: drifted.dot(&shot.geometry.column(shot.settings.beam_type).toward),
        }
    }
}

/// Displacement of the content, pixels right and down, as a function of time.
#[derive(Clone, Debug)]
pub(super) struct Wander {
    motion: Motion,
    start: f64,
    /// Where it is when the picture begins (px).
    from: [f64; 2],
    axes: [Vector3<f64>; 2],
}

impl Wander {
    /// `None` where nothing is moved.
    pub fn of(shot: &Shot, anchor: &Anchor) -> Option<Self> {
        if shot.motion.is_still() && anchor.left == [0.0; 2] {
            return None;
        }
        Some(Wander {
            motion: shot.motion,
            start: shot.start_time,
            from: anchor.left,
            axes: picture_axes(shot),
        })
    }

    pub fn at(&self, t: f64) -> [f32; 2] {
        let d = self.motion.at(self.start, t);
        [0, 1].map(|i| (self.from[i] + d.dot(&self.axes[i])) as f32)
    }

    /// Largest displacement during a picture (px).
    pub fn most(&self, schedule: &Schedule) -> f32 {
        let drift = Vector3::from(self.motion.velocity) * schedule.duration();
        let shake = Vector3::from(self.motion.vibration);
        let reach = |axis: &Vector3<f64>| drift.dot(axis).abs() + shake.dot(axis).abs();
        let earlier = if self.from == [0.0; 2] { 0.0 } else { APART / 2.0 };
        (earlier + reach(&self.axes[0]).max(reach(&self.axes[1]))) as f32
    }
}

/// A signal with a margin round the wanted picture, in pixels.
pub(super) struct Source<'a> {
    pub signal: &'a [f32],
    pub width: usize,
    pub margin: usize,
}

impl Source<'_> {
    /// Adds row `row` of the picture, its content moved by (right, down) pixels, to `out`.
    fn add_row(&self, row: usize, moved: [f32; 2], out: &mut [f32]) {
        let height = self.signal.len() / self.width;
        let y = (row as f32 + self.margin as f32 - moved[1]).clamp(0.0, (height - 1) as f32);
        let (j, ty) = (y as usize, y.fract());
        let x = (self.margin as f32 - moved[0]).clamp(0.0, (self.width - out.len()) as f32);
        let (i, tx) = (x as usize, x.fract());
        let top = &self.signal[j * self.width..(j + 1) * self.width];
        let below = (j + 1).min(height - 1);
        let below = &self.signal[below * self.width..(below + 1) * self.width];
        if tx == 0.0 && ty == 0.0 {
            for (o, v) in out.iter_mut().zip(&top[i..]) {
                *o += v;
            }
            return;
        }
        // every pixel with its neighbour to the right; the last of a line has none and is its own
        let blend = |pixels: &mut [f32], [a, b, c, d]: [&[f32]; 4]| {
            for ((((o, a), b), c), d) in pixels.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                let (t, u) = (a + (b - a) * tx, c + (d - c) * tx);
                *o += t + (u - t) * ty;
            }
        };
        let beside = (self.width - i - 1).min(out.len());
        let (inner, edge) = out.split_at_mut(beside);
        blend(inner, [&top[i..], &top[i + 1..], &below[i..], &below[i + 1..]]);
        let (top, below) = (&top[i + beside..], &below[i + beside..]);
        blend(edge, [top, top, below, below]);
    }
}

/// What one exposure adds up: `scans` times each pixel, or the beam off.
pub(super) struct Exposure<'a> {
    pub detector: &'a Detector,
    /// Electrons counted at unit signal in one scan of a pixel; 0 with the beam off or blanked.
    pub counts: f32,
    pub charging: Option<&'a Charging>,
    /// Times at which the beam was off the sample (s).
    pub dark: &'a [(f64, f64)],
    pub seed: u64,
}

impl Exposure<'_> {
    fn is_lit(&self, time: f64) -> bool {
        !self.dark.iter().any(|(from, to)| (*from..*to).contains(&time))
    }
}

/// Draws `frames` of a schedule into grey values, 0..1 of the full range and beyond.
pub(super) fn draw<T: Send + Clone + Default>(
    source: &Source,
    size: (usize, usize),
    schedule: &Schedule,
    frames: std::ops::Range<u32>,
    wander: Option<&Wander>,
    exposure: &Exposure,
    convert: impl Fn(f32) -> T + Sync,
) -> Vec<T> {
    let (width, height) = size;
    let scans = frames.len() as u32 * schedule.lines;
    let mut out = vec![T::default(); width * height];
    out.par_chunks_mut(width).enumerate().for_each_init(
        || vec![0.0f32; width],
        |line, (row, shown)| {
            line.fill(0.0);
            let times = frames
                .clone()
                .flat_map(|frame| (0..schedule.lines).map(move |n| schedule.time(frame, row, n)));
            let lit = times.filter(|time| exposure.is_lit(*time));
            let share = 1.0 / scans as f32;
            match wander {
                Some(w) => {
                    lit.for_each(|time| source.add_row(row, w.at(time), line));
                    line.iter_mut().for_each(|v| *v *= share);
                }
                None => {
                    source.add_row(row, [0.0; 2], line);
                    if !exposure.dark.is_empty() {
                        let lit = lit.count() as f32 * share;
                        line.iter_mut().for_each(|v| *v *= lit);
                    }
                }
            }
            if let Some(charging) = exposure.charging {
                charging.darken(line, row, schedule, frames.clone());
            }
            expose(line, row, frames.start, scans, exposure);
            for (pixel, &v) in shown.iter_mut().zip(line.iter()) {
                *pixel = convert(v);
            }
        },
    );
    out
}

/// Turns the mean signal of a line into grey with the noise of `scans` scans.
fn expose(line: &mut [f32], row: usize, frame: u32, scans: u32, e: &Exposure) {
    let key = hash(e.seed, row as i64, i64::from(frame));
    let dose = e.counts * scans as f32;
    let amplifier = e.detector.grey_noise() / (scans as f32).sqrt();
    let flicker = 1.0 + 0.006 * bell(mix(key as u32 ^ 0x5bd1_e995));
    let mut noise = Noise::new(key);
    let detector = *e.detector;
    if e.counts <= 0.0 {
        let dark = detector.grey(0.0);
        return by_lanes(line, |block| {
            for (v, bell) in block.iter_mut().zip(noise.bells()) {
                *v = dark + amplifier * bell;
            }
        });
    }
    let per_count = flicker / dose;
    by_lanes(line, |block| {
        let (shot, added) = (noise.bells(), noise.bells());
        for ((v, shot), added) in block.iter_mut().zip(shot).zip(added) {
            // A Poisson count through its square root, which has a spread of one half whatever the mean.
            let root = (v.max(0.0) * dose + 0.375).sqrt() + 0.5 * shot;
            let counted = root * root - 0.625;
            *v = detector.grey(counted * per_count) + amplifier * added;
        }
    });
}

/// Pixels whose noise is drawn at once, each from a generator of its own: so a processor draws several in one step.
const LANES: usize = 16;

/// A line in blocks of [`LANES`]: of a length known beforehand, or else no processor takes several at once.
fn by_lanes(line: &mut [f32], mut work: impl FnMut(&mut [f32; LANES])) {
    let (blocks, rest) = line.as_chunks_mut();
    blocks.iter_mut().for_each(&mut work);
    if !rest.is_empty() {
        let mut padded = [0.0; LANES];
        padded[..rest.len()].copy_from_slice(rest);
        work(&mut padded);
        rest.copy_from_slice(&padded[..rest.len()]);
    }
}

/// Random numbers of a line (xorshift32 in every lane).
struct Noise([u32; LANES]);

impl Noise {
    fn new(key: u64) -> Noise {
        // a generator of zeros would stay there
        let seed = |lane: usize| mix((key as u32).wrapping_add(lane as u32) ^ (key >> 32) as u32) | 1;
        Noise(std::array::from_fn(seed))
    }

    /// As [`bell`], one a lane.
    #[inline]
    fn bells(&mut self) -> [f32; LANES] {
        let mut bells = [0.0; LANES];
        for (bits, out) in self.0.iter_mut().zip(&mut bells) {
            *bits ^= *bits << 13;
            *bits ^= *bits >> 17;
            *bits ^= *bits << 5;
            *out = bell(*bits);
        }
        bells
    }
}

/// Scrambles 32 bits (lowbias32).
#[inline]
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// A number of mean 0 and spread 1 from 32 random bits: the sum of their four bytes, which is bell-shaped.
#[inline]
fn bell(bits: u32) -> f32 {
    let pairs = (bits & 0x00ff_00ff) + (bits >> 8 & 0x00ff_00ff);
    let sum = ((pairs & 0xffff) + (pairs >> 16)) as i32;
    (sum as f32 - 510.0) * 6.766_0e-3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bell_has_mean_zero_and_spread_one() {
        // a picture's worth of lines; what stands beside, after and below must not be alike
        let mut lines = (0..300).map(|row| Noise::new(hash(7, row, 0)));
        let noise: Vec<Vec<f32>> = lines
            .by_ref()
            .map(|mut line| (0..60).flat_map(|_| line.bells()).collect())
            .collect();
        let n = (noise.len() * noise[0].len()) as f64;
        let mean = |of: &dyn Fn(usize, usize) -> f32| {
            let all = (0..noise.len()).flat_map(|row| (0..noise[0].len()).map(move |i| (row, i)));
            all.map(|(row, i)| f64::from(of(row, i))).sum::<f64>() / n
        };
        let (rows, columns) = (noise.len(), noise[0].len());
        let at = |row: usize, i: usize| noise[row % rows][i % columns];
        assert!(mean(&at).abs() < 0.01);
        assert!((mean(&|row, i| at(row, i).powi(2)) - 1.0).abs() < 0.01);
        for (down, right) in [(0, 1), (0, LANES), (0, 2 * LANES), (1, 0)] {
            let alike = mean(&|row, i| at(row, i) * at(row + down, i + right));
            assert!(alike.abs() < 0.01, "{down} {right}: {alike}");
        }
    }

    #[test]
    fn interlacing_draws_every_line_once() {
        for (height, passes) in [(10, 3), (7, 1), (8, 4), (5, 5)] {
            let s = Schedule {
                frames: 1,
                lines: 1,
                line_time: 1.0,
                frame_time: height as f64,
                height,
                passes,
            };
            let mut order: Vec<usize> = (0..height).map(|row| s.order(row)).collect();
            if passes == 3 {
                assert_eq!(order[..4], [0, 4, 7, 1]);
            }
            order.sort_unstable();
            assert_eq!(order, (0..height).collect::<Vec<_>>());
        }
    }
}
