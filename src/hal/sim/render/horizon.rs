//! The floating horizon: which samples of a line are seen. Lines are walked from the lens's side away, and what stands higher in
//! the picture than all before it is uncovered. Where a line runs over changed matter, `slices` answers in its place.

use super::lines;
use super::shade::Row;
use super::slices::{Cuts, Lane, Sample, Slice};

/// The height of nothing (m): further below than anything is.
pub(super) const VOID: f32 = -1.0;

/// Whether there is anything at a height.
pub(super) fn is_void(height: f32) -> bool {
    height < 1e-2 * VOID
}

/// What is seen along the lines of one band: signal and outward height, `width` per step.
pub(super) struct Band {
    pub width: usize,
    pub signal: Vec<f32>,
    pub height: Vec<f32>,
}

impl Band {
    pub fn dark(width: usize, steps: usize, dark: f32) -> Band {
        Band {
            width,
            signal: vec![dark; width * steps],
            height: vec![VOID; width * steps],
        }
    }
}

/// The changed matter under a band's lines.
pub(super) struct Changed<'a> {
    pub cuts: Cuts<'a>,
    pub slices: Vec<Option<Slice<'a>>>,
}

/// The floating horizon of one band, and the picture it uncovers. Steps count from the window's first.
pub(super) struct Horizon<'a> {
    shear: f32,
    steps: i32,
    dark: f32,
    /// Furthest step covered so far, per line.
    reached: Vec<f32>,
    /// The previous sample: step at which it appeared, signal, height and thickness.
    last: Vec<[f32; 4]>,
    changed: Option<Changed<'a>>,
    pub band: Band,
}

impl<'a> Horizon<'a> {
    pub fn new(lines: &lines::Lines, dark: f32, width: usize, changed: Option<Changed<'a>>) -> Self {
        Horizon {
            shear: lines.shear,
            steps: lines.steps as i32,
            dark,
            reached: vec![-1.0; width],
            last: vec![[f32::NEG_INFINITY, dark, 0.0, 0.0]; width],
            changed,
            band: Band::dark(width, lines.steps, dark),
        }
    }

    /// Nothing is left to uncover.
    pub fn is_full(&self) -> bool {
        let done = |c: &Changed| c.slices.iter().flatten().all(Slice::is_done);
        self.reached.iter().all(|&reached| reached >= (self.steps - 1) as f32) && self.changed.as_ref().is_none_or(done)
    }

    /// Takes the samples of the row at step `at` and draws what they uncover.
    pub fn advance(&mut self, at: f32, signal: &[f32], row: &Row, around: &[f32]) {
        let straight = self.shear < lines::STEEP;
        if straight {
            self.copy(at as i32, signal, row);
        }
        let mut changed = self.changed.take();
        for (l, &signal) in signal.iter().enumerate() {
            let (height, thickness) = (row.height[l + 1], row.thickness[l + 1]);
            let appears = at + height * self.shear;
            let this = [appears, signal, height, thickness];
            let slice = changed.as_mut().and_then(|c| Some((c.cuts, c.slices[l].as_mut()?)));
            if let Some((cuts, slice)) = slice {
                let sample = Sample {
                    signal,
                    height,
                    thickness,
                    around: around[l],
                };
                if self.over_matter(l, at, slice, &cuts, sample) {
                    continue;
                }
            }
            if straight {
                continue;
            }
            let reached = self.reached[l];
            if appears > reached {
                let (from, to) = (floor(reached) + 1, floor(appears).min(self.steps - 1));
                if from <= to {
                    self.draw(l, from..=to, this);
                }
                self.reached[l] = appears;
            }
            self.last[l] = this;
        }
        self.changed = changed;
        if straight && (0..self.steps).contains(&(at as i32)) {
            self.reached.fill(at);
        }
    }

    /// Lets the columns answer that a line passes on its way to this step. True: the step lies among them.
    fn over_matter(&mut self, l: usize, at: f32, slice: &mut Slice<'a>, cuts: &Cuts<'a>, sample: Sample) -> bool {
        let mut lane = Lane {
            band: &mut self.band,
            line: l,
            steps: self.steps,
            reached: &mut self.reached[l],
        };
        if self.shear < lines::STEEP && slice.covers(cuts, f64::from(at)) && (0..self.steps).contains(&(at as i32)) {
            lane.set(at as usize, self.dark, VOID);
        }
        if slice.advance(cuts, f64::from(at), sample, &mut lane) {
            return true;
        }
        slice.fill_gaps(cuts, f64::from(at), sample, &mut lane);
        if let Some(top) = slice.left() {
            self.last[l] = [f32::NEG_INFINITY, self.dark, top, 0.0];
        }
        false
    }

    /// From straight above nothing hides anything: a row is what it is.
    fn copy(&mut self, step: i32, signal: &[f32], row: &Row) {
        if !(0..self.steps).contains(&step) {
            return;
        }
        let width = self.band.width;
        let places = step as usize * width..(step as usize + 1) * width;
        self.band.signal[places.clone()].copy_from_slice(signal);
        let seen = row.height[1..].iter().zip(&row.thickness[1..]);
        for (slot, (&height, &thickness)) in self.band.height[places].iter_mut().zip(seen) {
            *slot = level(height, thickness);
        }
    }

    /// Fills steps of line `l` between the previous sample and this one.
    fn draw(&mut self, l: usize, steps: std::ops::RangeInclusive<i32>, this: [f32; 4]) {
        let ([appears, signal, height, thickness], [before, old_signal, old_height, old_thickness]) =
            (this, self.last[l]);
        let (shown, old_shown) = (level(height, thickness), level(old_height, old_thickness));
        // A thin sheet that rises out of the dark is a sheet with the dark below it, not a wall.
        let sheet = height - old_height > thickness + 20e-9;
        let per_step = if appears > before && before.is_finite() {
            (appears - before).recip()
        } else {
            0.0
        };
        for q in steps {
            let back = appears - q as f32;
            let (value, height) = if !sheet {
                let t = (back * per_step).min(1.0);
                (signal + (old_signal - signal) * t, shown + (old_shown - shown) * t)
            } else if back > thickness * self.shear + 0.5 {
                (self.dark, VOID)
            } else {
                (signal, shown - back / self.shear.max(1.0))
            };
            let k = q as usize * self.band.width + l;
            self.band.signal[k] = value;
            self.band.height[k] = height;
        }
    }
}

/// The height of what is seen, or that of nothing.
fn level(height: f32, thickness: f32) -> f32 {
    if thickness > 1e-9 { height } else { VOID }
}

/// Whole part of a step; a library call is saved on plain x86-64.
fn floor(x: f32) -> i32 {
    let truncated = x as i32;
    truncated - i32::from(truncated as f32 > x)
}
