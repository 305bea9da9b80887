//! Changed matter along the lines of a view: columns take the place of the relief where the sample was cut or covered.
//!
//! All rays of a line run above one track on the sample plane. So the track's columns are walked once, from the lens's side away,
//! and each run takes the rays of the line that meet it and that nothing before it has met: exact for any undercut, and without
//! a march per pixel. Rays that went by all matter so far are kept as gaps, for what stands further away.

use super::facets::Facets;
use super::horizon::{Band, VOID};
use super::lines::{Lines, STEEP};
use crate::sim::matter::{Ray, Run, Sheet, Stretch};
use crate::sim::specimen::Face;
use nalgebra::{Point3, Vector3};

/// Ways end this much (steps) behind a step, so that rounding leaves none out.
const NUDGE: f64 = 1e-6;

/// A sheet of columns in a view.
#[derive(Clone, Copy)]
pub(super) struct Cuts<'a> {
    pub lines: &'a Lines,
    pub sheet: Sheet<'a>,
    pub facets: Facets<'a>,
    /// Lowest and highest matter, outward (m).
    heights: (f64, f64),
    /// Length of a step on the plane (m).
    stride: f64,
}

/// The relief at a step of a line: signal, outward height and thickness, and the mean height of the surroundings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub signal: f32,
    pub height: f32,
    pub thickness: f32,
    pub around: f32,
}

impl Sample {
    /// What stands apart from the sample has no surroundings.
    pub const NONE: Sample = Sample {
        signal: 0.0,
        height: 0.0,
        thickness: 0.0,
        around: f32::NEG_INFINITY,
    };
}

/// One line's way over a sheet.
pub(super) struct Slice<'a> {
    /// Steps count from the window's first; places of the track are metres from there.
    track: Ray,
    stretches: Vec<Stretch<'a>>,
    next: usize,
    gaps: Gaps,
    before: Sample,
    /// The top of the last column (m, outward); NaN once the track has left it.
    top: f32,
}

/// Where a line writes its answers.
pub(super) struct Lane<'b> {
    pub band: &'b mut Band,
    pub line: usize,
    pub steps: i32,
    /// Furthest step covered so far.
    pub reached: &'b mut f32,
}

impl Lane<'_> {
    pub fn set(&mut self, step: usize, signal: f32, height: f32) {
        let k = step * self.band.width + self.line;
        self.band.signal[k] = signal;
        self.band.height[k] = height;
    }
}

/// Lowest and highest of a run, outward of the face that is seen.
#[inline]
pub(super) fn outward(face: Face, run: &Run) -> (f64, f64) {
    match face {
        Face::Top => (f64::from(run.lo), f64::from(run.hi)),
        Face::Under => (-f64::from(run.hi), -f64::from(run.lo)),
    }
}

impl<'a> Cuts<'a> {
    /// `None` where the sheet holds nothing.
    pub fn new(lines: &'a Lines, sheet: Sheet<'a>, facets: Facets<'a>) -> Option<Self> {
        let (lo, hi) = sheet.heights()?;
        let heights = match lines.camera.face {
            Face::Top => (lo, hi),
            Face::Under => (-hi, -lo),
        };
        Some(Cuts {
            lines,
            sheet,
            facets,
            heights,
            stride: lines.strides().1.norm(),
        })
    }

    fn shear(&self) -> f64 {
        f64::from(self.lines.shear)
    }

    /// The way of a line, and from which step to which something of it is seen; `None` where it meets no tile that matters.
    /// `before` and `after`: steps beside the window that are walked anyway.
    pub fn along(&self, line: f64, before: usize, after: usize) -> Option<(Slice<'a>, (f64, f64))> {
        let steps = self.lines.steps as f64;
        let (lo, hi) = (self.heights.0 * self.shear(), self.heights.1 * self.shear());
        let (from, to) = (
            (-hi).min(-(before as f64)) - 1.0,
            (steps - lo).max(steps + after as f64) + 1.0,
        );
        let at = self.lines.place(line, self.lines.first_step as f64);
        let direction = self.lines.strides().1 / self.stride;
        let track = Ray {
            origin: Point3::new(at.x, at.y, 0.0),
            direction: Vector3::new(direction.x, direction.y, 0.0),
        };
        let stretches = self.sheet.stretches(&track, from * self.stride, to * self.stride);
        let mut seen = (f64::INFINITY, f64::NEG_INFINITY);
        for s in &stretches {
            let (a, b) = (s.from / self.stride, s.to / self.stride);
            let heights = s.heights().map(|(lo, hi)| match self.lines.camera.face {
                Face::Top => (lo, hi),
                Face::Under => (-hi, -lo),
            });
            let (lo, hi) = heights.unwrap_or((0.0, 0.0));
            if b + hi * self.shear() >= 0.0 && a + lo * self.shear() <= steps {
                seen = (seen.0.min(a), seen.1.max(b));
            }
        }
        let walked =
            |s: &Stretch| s.to >= -(before as f64) * self.stride && s.from <= (steps + after as f64) * self.stride;
        if seen.0 > seen.1 && !stretches.iter().any(walked) {
            return None;
        }
        let slice = Slice {
            track,
            stretches,
            next: 0,
            gaps: Gaps::new(self.lines.steps),
            before: Sample::NONE,
            top: f32::NAN,
        };
        Some((slice, seen))
    }
}

impl<'a> Slice<'a> {
    /// Walks the columns between the step before and this one. True: this step's place is one of theirs, not the relief's.
    pub fn advance(&mut self, cuts: &Cuts<'a>, at: f64, sample: Sample, lane: &mut Lane) -> bool {
        self.walk(cuts, at - 1.0, at, sample, lane);
        self.before = sample;
        self.covers(cuts, at)
    }

    /// Whether the next step that is walked to lies over columns.
    pub fn covers(&self, cuts: &Cuts, at: f64) -> bool {
        let here = (at + NUDGE) * cuts.stride;
        let mut ahead = self.stretches[self.next..].iter().take_while(|s| s.from < here);
        ahead.any(|s| here < s.to)
    }

    /// Once after columns were left: how high they stood there (m).
    pub fn left(&mut self) -> Option<f32> {
        Some(std::mem::replace(&mut self.top, f32::NAN)).filter(|top| !top.is_nan())
    }

    /// Nothing more is to come, and no ray is open below what was reached.
    pub fn is_done(&self) -> bool {
        self.next >= self.stretches.len() && self.gaps.open == 0
    }

    /// Walks all columns.
    pub fn walk_all(&mut self, cuts: &Cuts<'a>, lane: &mut Lane) {
        self.walk(cuts, f64::NEG_INFINITY, f64::INFINITY, Sample::NONE, lane);
    }

    /// Rays in gaps that meet the relief's sample at a step: the side of a bar, seen through a trench.
    pub fn fill_gaps(&mut self, cuts: &Cuts, at: f64, sample: Sample, lane: &mut Lane) {
        if self.gaps.open == 0 || sample.thickness <= 1e-9 {
            return;
        }
        let shear = cuts.shear();
        let from = (at - 1.0 + f64::from(sample.height - sample.thickness) * shear).ceil();
        let to = (at + f64::from(sample.height) * shear).floor();
        let dimmed = cuts.facets.dimmed(sample.signal, sample.around, sample.height);
        self.gaps.take(from, to, |step| lane.set(step, dimmed, sample.height));
    }

    fn walk(&mut self, cuts: &Cuts<'a>, from: f64, to: f64, sample: Sample, lane: &mut Lane) {
        let (a, b) = ((from + NUDGE) * cuts.stride, (to + NUDGE) * cuts.stride);
        while let Some(&stretch) = self.stretches.get(self.next) {
            if stretch.from >= b {
                return;
            }
            let track = self.track;
            stretch.columns(&track, a, b, |s0, s1, runs| {
                let span = (s0 / cuts.stride, s1 / cuts.stride);
                self.column(cuts, span, runs, to, sample, lane);
            });
            if stretch.to > b {
                return;
            }
            self.next += 1;
        }
    }

    /// One column: which rays meet it, and what they see.
    fn column(
        &mut self,
        cuts: &Cuts<'a>,
        (s0, s1): (f64, f64),
        runs: &'a [Run],
        at: f64,
        sample: Sample,
        lane: &mut Lane,
    ) {
        let (face, shear) = (cuts.lines.camera.face, cuts.shear());
        let highest = match face {
            Face::Top => runs.last(),
            Face::Under => runs.first(),
        };
        let Some(highest) = highest.map(|run| outward(face, run).1) else {
            self.top = VOID;
            return;
        };
        self.top = highest as f32;
        let last = f64::from(lane.steps - 1);
        let top = s1 + highest * shear;
        if top > f64::from(*lane.reached) {
            self.gaps
                .put(f64::from(*lane.reached).floor() + 1.0, top.floor().min(last));
            // a column that ends a hair before a step has not reached it, however it is rounded
            *lane.reached = (top as f32).min(top.floor() as f32 + 0.999);
        }
        if self.gaps.open == 0 {
            return;
        }
        for n in 0..runs.len() {
            let run = match face {
                Face::Top => &runs[runs.len() - 1 - n],
                Face::Under => &runs[n],
            };
            let (lo, hi) = outward(face, run);
            let (from, to) = ((s0 + lo * shear).ceil(), (s1 + hi * shear).floor());
            let before = self.before;
            let track = &self.track;
            self.gaps.take(from, to, |step| {
                let q = step as f64;
                // on the side that faces the lens, or on top
                let met = if shear > f64::from(STEEP) { (q - s0) / shear } else { hi };
                let (s, z, side) = if met < hi {
                    (s0, met.max(lo), true)
                } else {
                    (q - hi * shear, hi, false)
                };
                let place = track.at(s * cuts.stride);
                let t = (s - at + 1.0).clamp(0.0, 1.0) as f32;
                let relief = Sample {
                    signal: before.signal + (sample.signal - before.signal) * t,
                    height: before.height + (sample.height - before.height) * t,
                    thickness: before.thickness.min(sample.thickness),
                    around: sample.around,
                };
                let signal = cuts
                    .facets
                    .signal([place.x, place.y, z], run, side, &track.direction, &relief);
                lane.set(step, signal, z as f32);
            });
        }
    }
}

/// Rays of a line that have met nothing yet, as bits by step.
struct Gaps {
    words: Vec<u64>,
    open: u32,
    steps: usize,
}

impl Gaps {
    fn new(steps: usize) -> Gaps {
        Gaps {
            words: vec![0; steps.div_ceil(64)],
            open: 0,
            steps,
        }
    }

    /// Calls `each` with every word that holds steps from..=to, and the mask of those.
    fn words(&mut self, from: f64, to: f64, mut each: impl FnMut(usize, &mut u64, u64) -> u32) -> u32 {
        let (from, to) = (from.max(0.0), to.min(self.steps as f64 - 1.0));
        if from > to {
            return 0;
        }
        let (from, to) = (from as usize, to as usize);
        let mut sum = 0;
        for w in from / 64..=to / 64 {
            let mut mask = u64::MAX;
            if w == from / 64 {
                mask &= u64::MAX << (from % 64);
            }
            if w == to / 64 {
                mask &= u64::MAX >> (63 - to % 64);
            }
            sum += each(w, &mut self.words[w], mask);
        }
        sum
    }

    fn put(&mut self, from: f64, to: f64) {
        self.open += self.words(from, to, |_, word, mask| {
            let new = (mask & !*word).count_ones();
            *word |= mask;
            new
        });
    }

    fn take(&mut self, from: f64, to: f64, mut met: impl FnMut(usize)) {
        self.open -= self.words(from, to, |w, word, mask| {
            let mut hit = *word & mask;
            *word &= !mask;
            let count = hit.count_ones();
            while hit != 0 {
                met(64 * w + hit.trailing_zeros() as usize);
                hit &= hit - 1;
            }
            count
        });
    }
}
